"""Edges of a box at which the conditions alone contradict an equation, so that no smooth solution exists there.

Where two faces meet, the hard conditions of both may fix every derivative that an equation uses: the lid of a cavity that moves
as 4 x (1 - x) has u_x = 4 at its end, where the wall next to it has v_y = 0, and u_x + v_y = 0 cannot hold. The true solution
is singular at such an edge; a network that is held to the equations up to there spends its digits on a misfit that cannot vanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from math import inf, isfinite

import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.checked import Equation
from pinnsolver.declare.orders import differentiated, leibniz_terms
from pinnsolver.declare.values import FieldValue
from pinnsolver.transform.transformed import Ansatz, Choice

FORCED = 0.1  # misfit that counts, in units of what one wave of size 1 leaves in the equation
RADIUS = 0.2  # within which the equations count less, of the domain's size along each coordinate: measured on a cavity
# Places along an edge at which it is tried, as shares of its length.
ALONG = (sympy.Rational(1, 3), sympy.Rational(4, 7), sympy.Rational(7, 9))
ZERO = 1e-12


@dataclass(frozen=True)
class Edge:
    """Where two faces meet and an equation cannot hold.

    Args:
        columns: of the two coordinates that are fixed.
        ends: their values.
        lengths: of the domain along them.
        place: the same in words.
        equation: the name of the one that is missed most.
        misfit: the largest along the edge, in the equation's own units.
    """

    columns: tuple[int, int]
    ends: tuple[float, float]
    lengths: tuple[float, float]
    place: str
    equation: str
    misfit: float


def find_edges(
    checked: CheckedProblem, ansatz: Mapping[str, Ansatz], scales: Mapping[str, float]
) -> tuple[Edge, ...]:
    """Return the edges of a box at which hard conditions contradict an equation.

    Args:
        scales: by equation, what one wave of size 1 leaves in it.
    """
    if checked.shape is not None or checked.unknowns or all(a.is_plain for a in ansatz.values()):
        return ()
    ends = {c.name for c in checked.coordinates if c.role != "parameter"} - set(checked.periodic)
    axes = [k for k, c in enumerate(checked.coordinates) if c.name in ends]
    found = []
    for pair in combinations(axes, 2):
        for high in product((False, True), repeat=2):
            pins = dict(zip(pair, high, strict=True))
            sizes = {e.name: _misfit(checked, ansatz, e, pins) for e in checked.equations}
            name = max(sizes, key=lambda n: sizes[n] / scales[n])
            if sizes[name] > FORCED * scales[name]:
                found.append(_edge(checked, pair, high, name, sizes[name]))
    return tuple(found)


def edge_choice(edges: tuple[Edge, ...]) -> Choice:
    """Return what is said of them."""
    told = "; ".join(f"at {e.place} the conditions leave {e.misfit:.3g} in {e.equation}" for e in edges)
    return Choice(
        [e.place for e in edges],
        f"{told}: no smooth solution meets both, so near there the equations count less",
    )


def _edge(
    checked: CheckedProblem, pair: tuple[int, ...], high: tuple[bool, ...], name: str, misfit: float
) -> Edge:
    both = [checked.coordinates[k] for k in pair]
    ends = [c.high if h else c.low for c, h in zip(both, high, strict=True)]
    place = ", ".join(f"{c.name} = {end:g}" for c, end in zip(both, ends, strict=True))
    return Edge((pair[0], pair[1]), (ends[0], ends[1]), (both[0].length, both[1].length), place, name, misfit)


def _misfit(
    checked: CheckedProblem, ansatz: Mapping[str, Ansatz], equation: Equation, pins: Mapping[int, bool]
) -> float:
    """Return the largest residual along an edge, 0 where some network can change it."""
    residual = equation.residual
    if residual.integrals or any(v.pins or v.normal for v in residual.values):
        return 0.0
    straight = {v for v in residual.values if residual.expr.diff(v.symbol).is_number}
    sizes = []
    for point in _places(checked, pins):
        # First what the network can change, whose factors are simple: at most edges it has its say, whatever the others are.
        fixed = {v for v in residual.values if _is_fixed(checked, ansatz[v.field], v, point, pins)}
        if not straight <= fixed:
            return 0.0
        lifts = {v: _lift(checked, ansatz[v.field], v, point) for v in residual.values if v in fixed}
        known = {v.symbol: lift for v, lift in lifts.items() if _size(lift) < inf}
        rest = residual.expr.xreplace(known).xreplace(point)
        if rest.free_symbols:
            return 0.0
        sizes.append(_size(rest))
    return max(sizes) if max(sizes) < inf else 0.0


def _places(checked: CheckedProblem, pins: Mapping[int, bool]) -> Iterator[dict[Symbol, Expr]]:
    """Yield points on an edge, by symbol."""
    for share in ALONG if len(pins) < len(checked.coordinates) else ALONG[:1]:
        point = {}
        for k, c in enumerate(checked.coordinates):
            part = sympy.Integer(pins[k]) if k in pins else share
            point[c.symbol] = c.low_exact + part * (c.high_exact - c.low_exact)
        yield point


def _is_fixed(
    checked: CheckedProblem,
    ansatz: Ansatz,
    value: FieldValue,
    point: Mapping[Symbol, Expr],
    pins: Mapping[int, bool],
) -> bool:
    """Say whether a field's derivative at a point of an edge is the same for every network."""
    symbols = [c.symbol for c in checked.coordinates]
    return all(
        _is_flat(checked, ansatz, raw, pins)
        or _size(number * differentiated(ansatz.factor, symbols, others).xreplace(point)) < ZERO
        for number, raw, others in leibniz_terms(value.orders)
    )


def _lift(checked: CheckedProblem, ansatz: Ansatz, value: FieldValue, point: Mapping[Symbol, Expr]) -> Expr:
    """Return a field's derivative at a point where it is the same for every network."""
    symbols = [c.symbol for c in checked.coordinates]
    return differentiated(ansatz.lift, symbols, value.orders).xreplace(point)


def _is_flat(checked: CheckedProblem, ansatz: Ansatz, raw: tuple[int, ...], pins: Mapping[int, bool]) -> bool:
    """Say whether a derivative of the network's output vanishes on an edge because its slope at a wall does."""
    for k, high in pins.items():
        where = ansatz.flat.get(checked.coordinates[k].name)
        if raw[k] == 1 and where in ("both", "high" if high else "low"):
            return True
    return False


def _size(expr: Expr) -> float:
    """Return the absolute value of a number, infinity for what is none."""
    try:
        size = abs(complex(expr))
    except (TypeError, ValueError, ArithmeticError):
        return inf
    return size if isfinite(size) else inf
