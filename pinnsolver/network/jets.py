"""Tables of the sums by which derivatives of products and compositions follow from those of their parts.

A jet is a tensor of shape (K, width, n): the derivatives of one layer's outputs by the coordinates, one for each
of K multi-indices. The set of them holds with every multi-index all smaller ones. Everything here is integers,
worked out once for a set; the tensors of `activations.py` and `products.py` follow the tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import comb, prod

Orders = tuple[int, ...]
Span = tuple[int, int]  # first position and the one after the last


@dataclass(frozen=True)
class Term:
    """out[target] += number * first[first] * second[second], each a run of consecutive multi-indices."""

    number: float
    target: Span
    first: Span
    second: Span


@dataclass(frozen=True)
class Level:
    """What the derivatives of one total order need; the parts with a zeroth factor are left to the caller.

    Args:
        span: their positions.
        chain: terms of y = s(z), to s'(z0) z: first factor from the jet of s'(z), second from that of z.
        square: terms of half a square y y, to y0 y: both factors from the jet of y.
    """

    span: Span
    chain: tuple[Term, ...]
    square: tuple[Term, ...]


@dataclass(frozen=True)
class JetTables:
    """The sums for one closed set of multi-indices.

    Args:
        indices: the multi-indices, the zeroth first, by total order.
        levels: for the total orders from 1 on.
        product: terms of a product y = f g, to f0 g + f g0: first factor from the jet of f, second from that of g.
        adjoint: terms of the gradient by z, to s'(z0) times the one by y: first factor from the jet of s'(z),
            second from the gradient by y. With any f for s'(z): of the gradient by z of a product f z.
        count: the gradient by z is asked for at the first `count` positions only.
    """

    indices: tuple[Orders, ...]
    levels: tuple[Level, ...]
    product: tuple[Term, ...]
    adjoint: tuple[Term, ...]
    count: int


def closed_indices(wanted: Iterable[Orders], size: int) -> tuple[Orders, ...]:
    """Return some multi-indices with all that are smaller, ordered so that terms fall into long runs.

    Args:
        wanted: of length `size` each.
    """
    found: set[Orders] = {(0,) * size}
    for orders in wanted:
        found.update(product(*(range(order + 1) for order in orders)))
    # Pure derivatives come first among those of one total order, by coordinate: (xx, yy) lies on (x, y).
    return tuple(sorted(found, key=lambda a: (sum(a), sum(o > 0 for o in a), tuple(-o for o in a))))


@lru_cache(maxsize=256)
def jet_tables(indices: tuple[Orders, ...], present: frozenset[Orders] | None = None) -> JetTables:
    """Return the sums for a closed set of multi-indices.

    Args:
        indices: as `closed_indices` orders them.
        present: the derivatives of the argument z that are not zero; None for all.
    """
    place = {orders: k for k, orders in enumerate(indices)}
    nonzero = frozenset(indices) if present is None else present & frozenset(indices)
    levels = []
    for total in range(1, 1 + max(sum(orders) for orders in indices)):
        members = [orders for orders in indices if sum(orders) == total]
        first = place[members[0]]
        levels.append(
            Level(
                (first, first + len(members)),
                _merged(t for orders in members for t in _chain(orders, place, nonzero)),
                _merged(t for orders in members for t in _square(orders, place)),
            )
        )
    cross = _merged(t for orders in indices for t in _cross(orders, place))
    adjoint = _merged(
        (float(_binomial(orders, smaller)), place[smaller], place[_minus(orders, smaller)], place[orders])
        for orders in indices
        for smaller in _below(orders)
        if smaller in nonzero and smaller != orders
    )
    return JetTables(indices, tuple(levels), cross, adjoint, 1 + max(place[orders] for orders in nonzero))


_Raw = tuple[float, int, int, int]


def _chain(orders: Orders, place: dict[Orders, int], nonzero: frozenset[Orders]) -> list[_Raw]:
    """Return Leibniz' terms of D^(a - e) (s'(z) z_e) = D^a s(z), e the first coordinate of a."""
    axis = next(i for i, order in enumerate(orders) if order)
    less = tuple(order - (i == axis) for i, order in enumerate(orders))
    return [
        (float(_binomial(less, k)), place[orders], place[k], place[_minus(orders, k)])
        for k in _below(less)
        if any(k) and _minus(orders, k) in nonzero
    ]


def _square(orders: Orders, place: dict[Orders, int]) -> list[_Raw]:
    """Return half of Leibniz' terms of D^a (y y) but y0 D^a y, each pair of factors once."""
    terms = []
    for k in _below(orders):
        other = _minus(orders, k)
        if any(k) and any(other) and place[k] <= place[other]:
            number = _binomial(orders, k) * (0.5 if k == other else 1.0)
            terms.append((number, place[orders], place[k], place[other]))
    return terms


def _cross(orders: Orders, place: dict[Orders, int]) -> list[_Raw]:
    """Return Leibniz' terms of D^a (f g) without a zeroth factor."""
    return [
        (float(_binomial(orders, k)), place[orders], place[k], place[_minus(orders, k)])
        for k in _below(orders)
        if any(k) and k != orders
    ]


def _merged(terms: Iterable[_Raw]) -> tuple[Term, ...]:
    """Return terms joined to runs: one tensor operation each instead of one for each multi-index."""
    left = dict.fromkeys(terms)
    merged = []
    while left:
        start = next(iter(left))
        runs = [_run(start, steps, left) for steps in ((1, 1), (0, 1), (1, 0))]
        best = max(runs, key=len)
        for term in best:
            del left[term]
        first, last = best[0], best[-1]
        merged.append(
            Term(first[0], (first[1], last[1] + 1), (first[2], last[2] + 1), (first[3], last[3] + 1))
        )
    return tuple(merged)


def _run(start: _Raw, steps: tuple[int, int], left: dict[_Raw, None]) -> list[_Raw]:
    run = [start]
    while True:
        number, target, first, second = run[-1]
        following = (number, target + 1, first + steps[0], second + steps[1])
        if following not in left:
            return run
        run.append(following)


def _below(orders: Orders) -> Iterable[Orders]:
    return product(*(range(order + 1) for order in orders))


def _minus(orders: Orders, smaller: Orders) -> Orders:
    return tuple(a - b for a, b in zip(orders, smaller, strict=True))


def _binomial(orders: Orders, smaller: Orders) -> int:
    return prod(comb(a, b) for a, b in zip(orders, smaller, strict=True))
