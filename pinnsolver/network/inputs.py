"""Points to the features of a network and their derivatives by the coordinates.

A derivative of a feature is a number times another feature: cosines turn to sines, scaled coordinates to 1. With
phi the features and a 1 below them, D^a phi = M_a phi for one matrix M_a at all points, so that the jet of a linear
layer of weight W is the one product of the rows W M_a, all a, with phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from pinnsolver.compile.plan import Orders
from pinnsolver.network.jets import Index, parts_of, total_order
from pinnsolver.network.mlp import Features


@dataclass(frozen=True)
class InputJet:
    """The features and how their derivatives follow from them, up to the last multi-index that is not zero.

    Args:
        indices: all multi-indices of the sweep, K of them.
        present: those of them whose derivatives are not zero.
        values: phi, (features + 1, n), the last row 1.
        partners: (count, features), the row of phi that each feature's derivative is a multiple of.
        factors: (count, features), the multiple.
        matrices: M_a, (count, features, features + 1).
    """

    indices: tuple[Index, ...]
    present: frozenset[Index]
    values: torch.Tensor
    partners: torch.Tensor
    factors: torch.Tensor
    matrices: torch.Tensor

    @property
    def count(self) -> int:
        """Number of multi-indices that the matrices reach to; derivatives beyond are zero."""
        return self.partners.shape[0]

    def derivative(self, k: int, chunk: slice) -> torch.Tensor:
        """Return the derivative of the features by multi-index number k, (features, m)."""
        return self.values[:, chunk][self.partners[k]].mul_(self.factors[k].unsqueeze(1))


def input_jet(features: Features, points: torch.Tensor, indices: tuple[Index, ...]) -> InputJet:
    """Return the features at (n, D) points with their derivatives."""
    table = _turns(features.periodic, features.harmonics, features.random, indices)
    rates = features.rates
    partners, signs, powers, numbers, mixing = (torch.from_numpy(a).to(rates.device) for a in table.arrays)
    products = rates.pow(powers).prod(2)  # by single derivative and feature; 0^0 = 1
    factors = torch.mm(mixing, products * numbers).mul_(signs).to(rates.dtype)
    values = features(points).T
    values = torch.cat([values, values.new_ones(1, len(points))])
    matrices = factors.new_zeros(*factors.shape, values.shape[0])
    matrices.scatter_(2, partners.unsqueeze(2), factors.unsqueeze(2))
    return InputJet(indices, table.present, values, partners, factors, matrices)


@dataclass(frozen=True)
class _Turns:
    """What becomes of each feature, up to the last multi-index that is not zero.

    Args:
        present: the derivatives that are not zero.
        arrays: partners and signs, (count, features); by single derivative, some of which make up a sum, the powers of the
            rates, (singles, 1, coordinates), and the numbers, (singles, 1); which of them make up which, (count, singles).
    """

    present: frozenset[Index]
    arrays: tuple[np.ndarray, ...]


@lru_cache(maxsize=256)
def _turns(periodic: tuple[bool, ...], harmonics: int, random: int, indices: tuple[Index, ...]) -> _Turns:
    """Return the derivatives of features that lie as `Features` lays them out."""
    present = frozenset(
        index
        for index in indices
        if any(_is_present(periodic, random, orders) for orders, _ in parts_of(index))
    )
    reached = indices[: 1 + max(k for k, orders in enumerate(indices) if orders in present)]
    # By feature the rows of the cosine and the sine of its argument; None for a scaled coordinate.
    rows: list[tuple[int, int] | None] = []
    for p in periodic:
        start = len(rows)
        rows += [(start + k - k % 2, start + k + (k + 1) % 2) for k in range(2 * harmonics)] if p else [None]
    start = len(rows)
    rows += 2 * [(start + k, start + random + k) for k in range(random)]
    # Partner and sign depend on the total order alone, which the parts of a sum share.
    found = [
        [_turned(row, pair, total_order(a), len(rows)) for row, pair in enumerate(rows)] for a in reached
    ]
    partners, signs = np.array(found, dtype=float).reshape(len(reached), len(rows), 2).transpose(2, 0, 1)
    singles = [(k, *part) for k, index in enumerate(reached) for part in parts_of(index)]
    powers = np.array([orders for _, orders, _ in singles], dtype=float)[:, None, :]
    numbers = np.array([[number] for _, _, number in singles])
    mixing = np.array([[float(k == owner) for owner, _, _ in singles] for k in range(len(reached))])
    return _Turns(present, (partners.astype(np.int64), signs.copy(), powers, numbers, mixing))


def _is_present(periodic: tuple[bool, ...], random: int, orders: Orders) -> bool:
    """Say whether any feature has this derivative."""
    axes = [i for i, order in enumerate(orders) if order]
    if sum(orders) <= 1 or (len(axes) == 1 and periodic[axes[0]]):
        return True
    return random > 0 and not any(periodic[i] for i in axes)


def _turned(row: int, pair: tuple[int, int] | None, total: int, one: int) -> tuple[int, float]:
    """Return the row that a feature becomes by so many derivatives, and its sign; row `one` is the number 1."""
    if pair is None:
        return (one if total else row), float(total <= 1)
    quarter = (total + (0 if row == pair[0] else 3)) % 4  # sin is cos turned three times
    return pair[quarter % 2], (1.0, -1.0, -1.0, 1.0)[quarter]
