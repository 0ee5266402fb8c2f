"""The usual name of a condition's kind, and what it gives outright."""

from __future__ import annotations

import sympy
from sympy import Expr

from pinnsolver.declare.checked import Region
from pinnsolver.declare.values import FieldValue, Lowered, Pins, Scope


def kind_of(lowered: Lowered, region: Region, locations: tuple[Pins, ...], scope: Scope) -> str:
    """Return the usual name of a condition's kind."""
    values = lowered.all_values()
    if lowered.integrals:
        return "integral"
    if region.boundary is not None:
        return _kind_on_boundary(values)
    if len(locations) > 1:
        return _kind_of_pair(lowered, locations, scope)
    pins = dict(locations[0])
    ranges = {c.name: c for c in scope.coordinates}
    time = next((c for c in scope.coordinates if c.role == "time"), None)
    spaces = [n for n in pins if ranges[n].role == "space"]
    if time and time.name in pins and not spaces:
        if float(pins[time.name]) != time.low:
            return "final state" if float(pins[time.name]) == time.high else "state at a time"
        column = scope.coordinates.index(time)
        orders = {v.orders[column] for v in values}
        names = {0: "initial value", 1: "initial velocity", 2: "initial acceleration"}
        return names.get(orders.pop(), "initial derivative") if len(orders) == 1 else "initial, mixed"
    if len(pins) != 1:
        running = {str(s) for v in values for s in scope.fields[v.field].arguments} - set(pins)
        running -= {c.name for c in scope.coordinates if c.role == "parameter"}
        return "value on an edge" if running else "value at a point"
    name = spaces[0]
    c = ranges[name]
    if float(pins[name]) not in (c.low, c.high):
        return "interior value"
    column = scope.coordinates.index(c)
    # A field of other coordinates (v(t) beside u(0, t)) has no slope across the face.
    across = {v.orders[column] for v in values if c.symbol in scope.fields[v.field].arguments}
    if across == {0}:
        return "Dirichlet"
    if across == {1}:
        return "Neumann"
    return "Robin" if across == {0, 1} else "higher slope"


def _kind_on_boundary(values: tuple[FieldValue, ...]) -> str:
    """Return the kind of a condition on a shaped boundary."""
    normal, plain = any(v.normal for v in values), any(not v.normal for v in values)
    if normal and plain:
        return "Robin"
    if normal:
        return "Neumann"
    return "Dirichlet" if all(not any(v.orders) for v in values) else "slope"


def _kind_of_pair(lowered: Lowered, locations: tuple[Pins, ...], scope: Scope) -> str:
    """Return the kind of a condition that looks at two places or more."""
    ranges = {c.name: c for c in scope.coordinates}
    if len(locations) == 2 and len(lowered.values) == 2:
        a, b = lowered.values
        different = [n for (n, p), (_, q) in zip(a.pins, b.pins, strict=False) if p != q]
        if a.field == b.field and a.orders == b.orders and len(different) == 1:
            c = ranges[different[0]]
            ends = {float(dict(v.pins)[c.name]) for v in (a, b)}
            if ends == {c.low, c.high} and sympy.expand(lowered.expr.subs(a.symbol, b.symbol)) == 0:
                return "periodic"
    return "nonlocal"


def solved_value(lowered: Lowered) -> tuple[FieldValue, Expr] | None:
    """Return (value, expression) where the condition is linear in its one field value."""
    if len(lowered.values) != 1 or lowered.integrals:
        return None
    value = lowered.values[0]
    slope = lowered.expr.diff(value.symbol)
    if not slope.is_number or slope == 0:
        return None
    rest = lowered.expr.xreplace({value.symbol: sympy.S.Zero})
    return value, -rest / slope
