"""Points to the features of a network and their derivatives by the coordinates.

A derivative of a feature is a number times another feature: cosines turn to sines, scaled coordinates to 1; those of polynomials,
and the sines of cosines that stand alone, are written below them. With phi the features, these companions and a 1 below, D^a features = M_a phi for one matrix M_a
at all points, so that the jet of a linear layer of weight W is the one product of the rows W M_a, all a, with phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from pinnsolver.declare.orders import Orders
from pinnsolver.network.jets import Index, parts_of, total_order
from pinnsolver.network.mlp import Features
from pinnsolver.transform.flat import FLAT, derivatives


@dataclass(frozen=True)
class InputJet:
    """The features and how their derivatives follow from them, up to the last multi-index that is not zero.

    Args:
        indices: all multi-indices of the sweep, K of them.
        present: those of them whose derivatives are not zero.
        values: phi, (rows, n): the features, their companions, a last row 1.
        partners: (count, features), the row of phi that each feature's derivative is a multiple of.
        factors: (count, features), the multiple.
        matrices: M_a, (count, features, rows).
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
    table = _turns(features.periodic, features.flat, features.harmonics, features.random, indices)
    rates = features.rates
    partners, signs, powers, numbers, mixing = (torch.from_numpy(a).to(rates.device) for a in table.arrays)
    products = rates.pow(powers).prod(2)  # by single derivative and feature; 0^0 = 1
    factors = torch.mm(mixing, products * numbers).mul_(signs).to(rates.dtype)
    values = features(points)
    values = torch.cat([values.T, features.companions(points).T, values.new_ones(1, len(points))])
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
def _turns(
    periodic: tuple[bool, ...],
    flat: tuple[str, ...],
    harmonics: int,
    random: int,
    indices: tuple[Index, ...],
) -> _Turns:
    """Return the derivatives of features that lie as `Features` lays them out."""
    present = frozenset(
        index
        for index in indices
        if any(_is_present(periodic, flat, random, orders) for orders, _ in parts_of(index))
    )
    reached = indices[: 1 + max(k for k, orders in enumerate(indices) if orders in present)]
    chains, one = _chains(periodic, flat, harmonics, random)
    # Partner and sign depend on the total order alone, which the parts of a sum share.
    found = [[chain.turned(total_order(a), one) for chain in chains] for a in reached]
    partners, signs = np.array(found, dtype=float).reshape(len(reached), len(chains), 2).transpose(2, 0, 1)
    singles = [(k, *part) for k, index in enumerate(reached) for part in parts_of(index)]
    powers = np.array([orders for _, orders, _ in singles], dtype=float)[:, None, :]
    numbers = np.array([[number] for _, _, number in singles])
    mixing = np.array([[float(k == owner) for owner, _, _ in singles] for k in range(len(reached))])
    return _Turns(present, (partners.astype(np.int64), signs.copy(), powers, numbers, mixing))


def _is_present(periodic: tuple[bool, ...], flat: tuple[str, ...], random: int, orders: Orders) -> bool:
    """Say whether any feature has this derivative."""
    axes = [i for i, order in enumerate(orders) if order]
    if sum(orders) <= 1 or (len(axes) == 1 and periodic[axes[0]]):
        return True
    if len(axes) == 1 and flat[axes[0]]:
        return any(sum(orders) < len(derivatives(p)) for p in FLAT[flat[axes[0]]])
    return random > 0 and not any(periodic[i] or flat[i] for i in axes)


@dataclass(frozen=True)
class _Chain:
    """The rows of one feature and of its derivatives, by their order.

    Args:
        rows: from order 0 on.
        signs: likewise.
        cyclic: whether they begin again after the last; else the further derivatives are zero.
    """

    rows: tuple[int, ...]
    signs: tuple[float, ...]
    cyclic: bool

    def turned(self, total: int, one: int) -> tuple[int, float]:
        """Return the row that the feature becomes by so many derivatives, and its sign; row `one` is the number 1."""
        if self.cyclic:
            total %= len(self.rows)
        return (self.rows[total], self.signs[total]) if total < len(self.rows) else (one, 0.0)


def _chains(
    periodic: tuple[bool, ...], flat: tuple[str, ...], harmonics: int, random: int
) -> tuple[list[_Chain], int]:
    """Return the chain of each feature, and the row of the number 1."""
    sizes = (
        (1 if f else 2) * harmonics if p else len(FLAT[f]) if f else 1
        for p, f in zip(periodic, flat, strict=True)
    )
    width = sum(sizes) + 2 * random
    companions = [
        [1] * harmonics if p and f else [len(derivatives(polynomial)) - 1 for polynomial in FLAT.get(f, ())]
        for p, f in zip(periodic, flat, strict=True)
    ]
    below, one = width, width + sum(map(sum, companions))
    chains: list[_Chain] = []
    for p, lengths in zip(periodic, companions, strict=True):
        if p and lengths:
            for _ in lengths:
                chains.append(_circle(len(chains), below)[0])
                below += 1
        elif p:
            for _ in range(harmonics):
                chains += _circle(len(chains), len(chains) + 1)
        elif lengths:
            for length in lengths:
                rows = (len(chains), *range(below, below + length))
                chains.append(_Chain(rows, (1.0,) * len(rows), cyclic=False))
                below += length
        else:
            chains.append(_Chain((len(chains), one), (1.0, 1.0), cyclic=False))
    circles = [_circle(len(chains) + k, len(chains) + random + k) for k in range(random)]
    return [*chains, *(c for c, _ in circles), *(s for _, s in circles)], one


def _circle(cosine: int, sine: int) -> tuple[_Chain, _Chain]:
    """Return the chains of a cosine and of its sine."""
    return (
        _Chain((cosine, sine, cosine, sine), (1.0, -1.0, -1.0, 1.0), cyclic=True),
        _Chain((sine, cosine, sine, cosine), (1.0, 1.0, -1.0, -1.0), cyclic=True),
    )
