"""Tables of the sums by which derivatives of products and compositions follow from those of their parts.

A jet is a tensor of shape (K, width, n): the derivatives of one layer's outputs by the coordinates, one for each
of K multi-indices. The set of them holds with every multi-index all smaller ones. Everything here is integers,
worked out once for a set; the tensors of `activations.py` and `products.py` follow the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb, prod

from pinnsolver.compile.plan import OrdersSum
from pinnsolver.declare.orders import Orders, lower_orders

Index = Orders | OrdersSum  # a derivative, or a sum of derivatives that is propagated as one
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

    indices: tuple[Index, ...]
    levels: tuple[Level, ...]
    product: tuple[Term, ...]
    adjoint: tuple[Term, ...]
    count: int


def closed_indices(wanted: Iterable[Index], size: int) -> tuple[Index, ...]:
    """Return some multi-indices with all that are smaller, ordered so that terms fall into long runs; sums come last.

    Args:
        wanted: of length `size` each.
    """
    return _closed(tuple(wanted), size)


@lru_cache(maxsize=256)
def _closed(wanted: tuple[Index, ...], size: int) -> tuple[Index, ...]:
    found: set[Orders] = {(0,) * size}
    sums: dict[OrdersSum, None] = {}
    for orders in wanted:
        if isinstance(orders, OrdersSum):
            sums[orders] = None
            for part, _ in orders.parts:
                found.update(below for below in lower_orders(part) if below != part)
        else:
            found.update(lower_orders(orders))
    # Pure derivatives come first among those of one total order, by coordinate: (xx, yy) lies on (x, y).
    single = sorted(found, key=lambda a: (sum(a), sum(o > 0 for o in a), tuple(-o for o in a)))
    return (*single, *sorted(sums, key=lambda s: (total_order(s), s.parts)))


def total_order(index: Index) -> int:
    """Return the order of a derivative."""
    return sum(index.parts[0][0]) if isinstance(index, OrdersSum) else sum(index)


def parts_of(index: Index) -> tuple[tuple[Orders, float], ...]:
    """Return the derivatives that a position stands for, with their numbers."""
    return index.parts if isinstance(index, OrdersSum) else ((index, 1.0),)


@lru_cache(maxsize=256)
def jet_tables(indices: tuple[Index, ...], present: frozenset[Index] | None = None) -> JetTables:
    """Return the sums for a closed set of multi-indices.

    Args:
        indices: as `closed_indices` orders them.
        present: the derivatives of the argument z that are not zero; None for all.
    """
    place = {index: k for k, index in enumerate(indices)}
    nonzero = frozenset(indices) if present is None else present & frozenset(indices)
    levels = []
    for members in _levels(indices):
        first = place[members[0]]
        levels.append(
            Level(
                (first, first + len(members)),
                _merged(t for index in members for t in _terms(_chain, index, place, nonzero)),
                _merged(t for index in members for t in _terms(_square, index, place, nonzero)),
            )
        )
    cross = _merged(t for index in indices for t in _terms(_cross, index, place, nonzero))
    adjoint = _merged(t for index in indices for t in _adjoint(index, place, nonzero))
    return JetTables(indices, tuple(levels), cross, adjoint, 1 + max(place[index] for index in nonzero))


def _levels(indices: tuple[Index, ...]) -> list[list[Index]]:
    """Return the derivatives by total order, from 1 on; sums, which no other needs, are a level of their own."""
    single = [i for i in indices if not isinstance(i, OrdersSum)]
    sums: list[Index] = [i for i in indices if isinstance(i, OrdersSum)]
    orders = range(1, 1 + max(total_order(i) for i in single))
    found: list[list[Index]] = [[i for i in single if total_order(i) == order] for order in orders]
    return [*found, sums] if sums else found


_Raw = tuple[float, int, int, int]
_Place = Mapping[Index, int]
_Rule = Callable[[Orders, _Place, frozenset[Index]], list[tuple[float, int, int]]]


def _terms(rule: _Rule, index: Index, place: _Place, nonzero: frozenset[Index]) -> list[_Raw]:
    """Return a rule's terms for a position: those of its derivatives, with their numbers."""
    return [
        (weight * number, place[index], first, second)
        for orders, weight in parts_of(index)
        for number, first, second in rule(orders, place, nonzero)
    ]


def _chain(orders: Orders, place: _Place, nonzero: frozenset[Index]) -> list[tuple[float, int, int]]:
    """Return Leibniz' terms of D^(a - e) (s'(z) z_e) = D^a s(z), e the first coordinate of a."""
    axis = next(i for i, order in enumerate(orders) if order)
    less = tuple(order - (i == axis) for i, order in enumerate(orders))
    return [
        (float(_binomial(less, k)), place[k], place[_minus(orders, k)])
        for k in lower_orders(less)
        if any(k) and _minus(orders, k) in nonzero
    ]


def _square(orders: Orders, place: _Place, nonzero: frozenset[Index]) -> list[tuple[float, int, int]]:
    """Return half of Leibniz' terms of D^a (y y) but y0 D^a y, each pair of factors once."""
    terms = []
    for k in lower_orders(orders):
        other = _minus(orders, k)
        if any(k) and any(other) and place[k] <= place[other]:
            number = _binomial(orders, k) * (0.5 if k == other else 1.0)
            terms.append((number, place[k], place[other]))
    return terms


def _cross(orders: Orders, place: _Place, nonzero: frozenset[Index]) -> list[tuple[float, int, int]]:
    """Return Leibniz' terms of D^a (f g) without a zeroth factor."""
    return [
        (float(_binomial(orders, k)), place[k], place[_minus(orders, k)])
        for k in lower_orders(orders)
        if any(k) and k != orders
    ]


def _adjoint(index: Index, place: _Place, nonzero: frozenset[Index]) -> list[_Raw]:
    """Return what the gradient at a position adds to those at lower ones."""
    here = place[index]
    zero: Orders = (0,) * len(parts_of(index)[0][0])
    found = [] if index == zero or zero not in nonzero else [(1.0, place[zero], here, here)]
    for orders, weight in parts_of(index):
        found += [
            (weight * _binomial(orders, k), place[k], place[_minus(orders, k)], here)
            for k in lower_orders(orders)
            if any(k) and k != orders and k in nonzero
        ]
    return found


def _merged(terms: Iterable[_Raw]) -> tuple[Term, ...]:
    """Return terms joined to runs: one tensor operation each instead of one for each multi-index."""
    summed: dict[tuple[int, int, int], float] = {}  # parts of a sum may share a term
    for number, *places in terms:
        summed[places[0], places[1], places[2]] = summed.get((places[0], places[1], places[2]), 0.0) + number
    left = dict.fromkeys((number, *places) for places, number in summed.items())
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


def _minus(orders: Orders, smaller: Orders) -> Orders:
    return tuple(a - b for a, b in zip(orders, smaller, strict=True))


def _binomial(orders: Orders, smaller: Orders) -> int:
    return prod(comb(a, b) for a, b in zip(orders, smaller, strict=True))
