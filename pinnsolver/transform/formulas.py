"""The system of a Lagrangian frame as it is shown: short formulas, with J for det dX/dxi."""

from __future__ import annotations

from typing import Any

from sympy import Eq, Expr, Function, Symbol

from pinnsolver.transform.labels import Labels
from pinnsolver.transform.lagrangian import LagrangianFrame


def frame_formulas(frame: LagrangianFrame) -> list[Eq]:
    """Return where particles are, their Jacobian, and how fields change along them.

    In one dimension the equations are those that are trained, with J and its slope in place of the displacement's. In two, where
    they fill a page, right-hand sides keep their derivatives by place, and the chain rule stands beside them.
    """
    labels = frame.labels
    places = [Symbol(f"X_{x}") for x in labels.space]
    found = [_equal(place, x) for place, x in zip(places, labels.positions, strict=True)]
    if labels.is_rigid:
        return found + [e.source for e in frame.restated.equations]
    j = Function("J")(*labels.space, labels.time)
    found.append(_equal(j, labels.determinant))
    if len(labels.space) == 1:
        return found + [_with_jacobian(e.source, labels, j) for e in frame.restated.equations]
    return found + _chain_rule(frame, places, j) + _by_place(frame, places)


def _equal(left: Any, right: Any) -> Eq:
    return Eq(left, right, evaluate=False)


def _with_jacobian(equation: Eq, labels: Labels, j: Expr) -> Eq:
    """Return an equation in one label with J in place of 1 + D_xi."""
    if not labels.determinant.has(Function):
        return equation
    x = labels.space[0]
    names = {labels.determinant: j, labels.determinant.diff(x): j.diff(x)}
    return _equal(equation.lhs, equation.rhs.xreplace(names))


def _chain_rule(frame: LagrangianFrame, places: list[Symbol], j: Expr) -> list[Eq]:
    """Return the slopes of the first field at a place by those in labels."""
    labels = frame.labels
    function = next(f for f in frame.declared.fields if labels.space[0] in f.arguments)
    here, there = function.applied, _at(function.name, function.arguments, frame, places)
    slopes = [labels.slope(here, i).xreplace({labels.determinant: j}) for i in range(len(places))]
    return [_equal(there.diff(p), s) for p, s in zip(places, slopes, strict=True)]


def _by_place(frame: LagrangianFrame, places: list[Symbol]) -> list[Eq]:
    """Return the equations with derivatives by place on their right-hand sides."""
    declared, labels, transport = frame.declared, frame.labels, frame.transport
    functions = {f.name: f for f in declared.fields}
    to_place = dict(zip(labels.space, places, strict=True))
    named: dict[Symbol, Expr] = dict(to_place)
    for symbol, value in transport.values.items():
        f = functions[value.field]
        there = _at(f.name, f.arguments, frame, places)
        for c, order in zip(declared.coordinates, value.orders, strict=True):
            there = there.diff(to_place.get(c.symbol, c.symbol), order) if order else there
        named[symbol] = there
    found = []
    for line in transport.lines:
        left = 0 if line.field is None else functions[line.field].applied.diff(labels.time)
        found.append(_equal(left, line.right.xreplace(named)))
    learned = [d for d in labels.displacement if d.has(*map(Function, frame.learned))]
    pairs = zip(labels.displacement, transport.velocity, strict=True)
    return found + [_equal(d.diff(labels.time), f.xreplace(named)) for d, f in pairs if d in learned]


def _at(name: str, arguments: tuple[Symbol, ...], frame: LagrangianFrame, places: list[Symbol]) -> Expr:
    """Return a field at the place of a particle."""
    to_place = dict(zip(frame.labels.space, places, strict=True))
    found: Expr = Function(name)(*(to_place.get(a, a) for a in arguments))
    return found
