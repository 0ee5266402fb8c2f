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

from pinnsolver.network.jets import Orders
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

    indices: tuple[Orders, ...]
    present: frozenset[Orders]
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


def input_jet(features: Features, points: torch.Tensor, indices: tuple[Orders, ...]) -> InputJet:
    """Return the features at (n, D) points with their derivatives."""
    table = _turns(features.periodic, features.harmonics, features.random, indices)
    rates = features.rates
    partners, signs, powers = (torch.from_numpy(a).to(rates.device) for a in table.arrays)
    factors = rates.pow(powers).prod(2).mul_(signs).to(rates.dtype)  # 0^0 = 1
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
        arrays: partners and signs, (count, features), and the powers of the rates, (count, 1, coordinates).
    """

    present: frozenset[Orders]
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray]


@lru_cache(maxsize=256)
def _turns(periodic: tuple[bool, ...], harmonics: int, random: int, indices: tuple[Orders, ...]) -> _Turns:
    """Return the derivatives of features that lie as `Features` lays them out."""
    present = frozenset(orders for orders in indices if _is_present(periodic, random, orders))
    reached = indices[: 1 + max(k for k, orders in enumerate(indices) if orders in present)]
    # By feature the rows of the cosine and the sine of its argument; None for a scaled coordinate.
    rows: list[tuple[int, int] | None] = []
    for p in periodic:
        start = len(rows)
        rows += [(start + k - k % 2, start + k + (k + 1) % 2) for k in range(2 * harmonics)] if p else [None]
    start = len(rows)
    rows += 2 * [(start + k, start + random + k) for k in range(random)]
    found = [[_turned(row, pair, sum(a), len(rows)) for row, pair in enumerate(rows)] for a in reached]
    partners, signs = np.array(found, dtype=float).reshape(len(reached), len(rows), 2).transpose(2, 0, 1)
    powers = np.array(reached, dtype=float)[:, None, :]
    return _Turns(present, (partners.astype(np.int64), signs.copy(), powers))


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
