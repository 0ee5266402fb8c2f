"""Conditions as the user wrote them to conditions with a place and a kind; and the rules they obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Expr
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from pinnsolver.declare.checked import CheckedProblem, Condition, Region
from pinnsolver.declare.conditions import On, Periodic
from pinnsolver.declare.lower import FieldValue, Lowered, Pins, Scope, lower
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.shapes import Boundary, Shape
from pinnsolver.declare.texts import plain_text
from pinnsolver.errors import DeclarationError, UnsupportedProblem

_EXAMPLES = "Eq(u(-1, t), 0), Eq(u(x, 0), sin(x)), Periodic(x) or On(domain.boundary, Eq(u(x, y), 0))"


def check_conditions(
    problem: Problem, scope: Scope, shape: Shape | None, warnings: list[str]
) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """Return the conditions, lowered and classified, and the names of the periodic coordinates.

    Raises:
        DeclarationError, UnsupportedProblem: with the condition's text and what to write instead.
    """
    periodic: dict[str, None] = {}
    found: list[Condition] = []
    for item in problem.conditions:
        if isinstance(item, Periodic):
            periodic |= dict.fromkeys(_check_periodic(item, scope, shape))
            continue
        place, equations, where = (
            (item.place, item.equations, item.where) if isinstance(item, On) else (None, (item,), None)
        )
        boundary = _check_place(place, shape, item) if place is not None else None
        for equation in equations:
            condition = _check_condition(equation, boundary, where, scope, shape)
            twin = _contradiction(condition, found, scope, shape)
            if twin is not None:
                warnings.append(f"The condition {condition.name} is declared twice; it counts once.")
                continue
            names = [c.name for c in found]
            if condition.name in names:
                condition = _renamed(condition, names)
            found.append(condition)
    for condition in found:
        _check_against_periodic(condition, tuple(periodic), scope)
    return tuple(found), tuple(periodic)


def _renamed(condition: Condition, names: list[str]) -> Condition:
    k = 2
    while f"{condition.name} ({k})" in names:
        k += 1
    return replace(condition, name=f"{condition.name} ({k})")


def _check_periodic(item: Periodic, scope: Scope, shape: Shape | None) -> Iterator[str]:
    """Yield the names of the coordinates of a Periodic."""
    for symbol in item.symbols:
        index = scope.index(symbol)
        if index is None or scope.coordinates[index].role == "parameter":
            names = ", ".join(c.name for c in scope.coordinates if c.role != "parameter")
            raise DeclarationError(
                f"Periodic({symbol}): {symbol} is not a coordinate of the domain.\nWrite Periodic of one of {names}"
            )
        if shape is not None and scope.coordinates[index].role == "space":
            raise UnsupportedProblem(
                f"Periodic({symbol}): the domain is the shape {shape}, whose opposite sides need not match.\n"
                f"Write a box, domain=[({symbol}, low, high), ...], for a periodic coordinate"
            )
        yield str(symbol.name)


def _check_place(place: Boundary | str, shape: Shape | None, item: On) -> str:
    """Return the name of a piece of the boundary, "" for all of it."""
    if shape is None:
        raise DeclarationError(
            f"On({place if isinstance(place, str) else 'a boundary'!s}, ...) needs a shaped domain; this domain is a box.\n"
            "Pin a coordinate instead, for example Eq(u(-1, y), 0)"
        )
    named = {p.name: p for p in shape.primitives() if p.name is not None}
    if isinstance(place, str):
        if place not in named:
            raise DeclarationError(
                f'On("{place}", ...): no shape of the domain is called "{place}"; the names are '
                f"{', '.join(map(repr, named)) or '(none)'}.\n"
                'Give the shape its name, for example Disk((x, y), (0.5, 0.5), 0.2, name="hole")'
            )
        return place
    if place.shape is shape:
        return ""
    for name, primitive in named.items():
        if primitive is place.shape:
            return name
    raise DeclarationError(
        f"On(...) names the boundary of {place.shape}, which is neither the domain {shape} nor a named shape in it.\n"
        'Write On(domain.boundary, ...), or give the shape a name and write On("name", ...)'
    )


def _check_condition(
    source: Any, boundary: str | None, where: Any, scope: Scope, shape: Shape | None
) -> Condition:
    """Return one equation of the conditions, lowered, placed and classified."""
    if source is True or source is False or isinstance(source, BooleanAtom):
        always = "true" if bool(source) else "false"
        raise DeclarationError(
            f"A condition is {always} for every field: sympy decided it at once.\nWrite it with a field on one side, for example {_EXAMPLES}"
        )
    if isinstance(source, Relational) and not isinstance(source, Eq):
        raise UnsupportedProblem(
            f"The condition {source} is an inequality.\nWrite an equation, for example {_EXAMPLES}"
        )
    if not isinstance(source, Eq | Expr):
        raise DeclarationError(
            f"The condition {source!r} is not a sympy equation.\nWrite for example {_EXAMPLES}"
        )
    if isinstance(source, Eq) and not (isinstance(source.lhs, Expr) and isinstance(source.rhs, Expr)):
        raise UnsupportedProblem(
            f"The condition {source} is a matrix equation.\nWrite one scalar equation for each component"
        )
    residual = source.lhs - source.rhs if isinstance(source, Eq) else source
    if residual.has(sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise UnsupportedProblem(
            f"The condition {source} contains the imaginary unit, infinity or nan; fields are real.\nWrite real, finite data"
        )
    inner = Scope(scope.coordinates, scope.fields, normals_allowed=boundary is not None)
    lowered = lower(residual, inner)
    if not lowered.all_values():
        raise DeclarationError(f"The condition {source} contains no field.\nWrite for example {_EXAMPLES}")
    integrated = {name for i in lowered.integrals for name, _, _ in i.limits}
    locations = _locations(source, lowered, scope)
    pinned = {name for location in locations for name, _ in location}
    _check_symbols_of_place(source, lowered, pinned, integrated, locations, scope)
    _check_pins(source, locations, scope)
    if boundary is None and not pinned and not lowered.integrals:
        raise DeclarationError(
            f"The condition {source} pins no coordinate, so it would hold everywhere, like an equation.\nWrite for example {_EXAMPLES}"
        )
    region = Region(
        pins=locations[0] if len(locations) == 1 else (),
        boundary=boundary,
        where=_check_where(where, source, pinned | integrated, scope),
    )
    kind = _kind(lowered, region, locations, scope)
    solved = _solve(lowered)
    return Condition(_name(source, region), source, lowered, region, locations, kind, solved)


def _name(source: Any, region: Region) -> str:
    """Return the condition's name: its equation, and its place where the equation does not say it."""
    left, right = (source.lhs, source.rhs) if isinstance(source, Eq) else (source, 0)
    text = f"{plain_text(left)} = {plain_text(right)}"
    if region.boundary is not None:
        text += f" on {region.boundary}" if region.boundary else " on the boundary"
    if region.where is not None:
        text += f" where {region.where}"
    return text


def _locations(source: Any, lowered: Lowered, scope: Scope) -> tuple[Pins, ...]:
    """Return the different places at which a condition looks, each with all pins of the condition."""
    pinned: dict[str, None] = {}
    values = lowered.all_values()
    for value in values:
        pinned |= dict.fromkeys(name for name, _ in value.pins)
    order = [c.name for c in scope.coordinates if c.name in pinned]
    found: dict[Pins, None] = {}
    for value in values:
        pins = dict(value.pins)
        arguments = {str(s) for s in scope.fields[value.field].arguments}
        loose = [n for n in order if n in arguments and n not in pins]
        if loose:
            raise DeclarationError(
                f"The condition {source} takes {value.field} at a fixed {loose[0]} and at every {loose[0]} at once.\n"
                f"Pin {loose[0]} in each field, for example {_EXAMPLES}"
            )
        found.setdefault(tuple((n, pins[n]) for n in order if n in pins))
    # A field that lacks a pinned coordinate (v(t) beside u(0, t)) fits to every place that agrees with its pins.
    places = list(found)
    return tuple(p for p in places if not any(set(p) < set(q) for q in places))


def _check_symbols_of_place(
    source: Any,
    lowered: Lowered,
    pinned: set[str],
    integrated: set[str],
    locations: tuple[Pins, ...],
    scope: Scope,
) -> None:
    """Refuse a condition that depends on a coordinate that it pins or integrates away."""
    for symbol in sorted(lowered.expr.free_symbols, key=str):
        index = scope.index(symbol)
        if index is None:
            continue
        name = scope.coordinates[index].name
        if name in pinned:
            value = dict(locations[0]).get(name)
            others = [c.name for c in scope.coordinates if c.name not in pinned | integrated]
            on = ", ".join(others) if others else "no coordinate"
            raise DeclarationError(
                f"The condition {source} uses {name}; on the face {name} = {value} it may depend on {on} only.\n"
                f"Put a number in the place of {name}, or leave it out: for example "
                f"Eq(..., {sympy.sin(sympy.Symbol(others[0])) if others else 0})"
            )
        if name in integrated and not any(
            s == symbol for v in lowered.values for s in scope.fields[v.field].arguments
        ):
            raise DeclarationError(
                f"The condition {source} uses {name} outside the integral over {name}.\nWrite {name} under the integral only"
            )


def _check_pins(source: Any, locations: tuple[Pins, ...], scope: Scope) -> None:
    """Refuse a place off the domain."""
    ranges = {c.name: c for c in scope.coordinates}
    for location in locations:
        for name, value in location:
            c = ranges[name]
            if c.role == "parameter":
                raise DeclarationError(
                    f"The condition {source} pins the parameter {name}.\nA condition holds for every {name}: write {name} itself"
                )
            if not c.low - 1e-9 * c.length <= float(value) <= c.high + 1e-9 * c.length:
                raise DeclarationError(
                    f"The condition {source} is off the domain: {name} = {value}, but {name} lies in [{c.low_exact}, {c.high_exact}].\n"
                    f"Pin {name} inside it, for example at {c.low_exact}"
                )


def _check_where(where: Any, source: Any, used: set[str], scope: Scope) -> Any:
    """Return the relation that narrows a place, None where it narrows nothing."""
    if where is None or where is True or where == sympy.true:
        return None
    if where is False or where == sympy.false:
        raise DeclarationError(
            f"where= is false everywhere, so the condition {source} holds nowhere.\nWrite for example where=x < 0"
        )
    for symbol in sorted(where.free_symbols, key=str):
        index = scope.index(symbol)
        if index is None:
            raise DeclarationError(
                f"where={where} of the condition {source} uses {symbol}, which is not a coordinate.\n"
                f"Use {', '.join(c.name for c in scope.coordinates)}"
            )
        if scope.coordinates[index].name in used:
            raise DeclarationError(
                f"where={where} of the condition {source} uses {symbol}, which the condition pins or integrates.\n"
                "Narrow by a coordinate that runs along the face"
            )
    if where.atoms(sympy.core.function.AppliedUndef):
        raise UnsupportedProblem(
            f"where={where} contains a field.\nWrite a relation of the coordinates, for example where=x < 0"
        )
    return where


# ------------------------------------------------------------------------------------ classification


def _kind(lowered: Lowered, region: Region, locations: tuple[Pins, ...], scope: Scope) -> str:
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
    running = {str(s) for v in values for s in scope.fields[v.field].arguments} - set(pins)
    running -= {c.name for c in scope.coordinates if c.role == "parameter"}
    if len(spaces) > 1 and not running:
        return "value at a point"
    if len(spaces) != 1:
        return "value at a point" if not running else "value on an edge"
    name = spaces[0]
    c = ranges[name]
    if float(pins[name]) not in (c.low, c.high):
        return "interior value"
    column = scope.coordinates.index(c)
    across = {v.orders[column] for v in values}
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


def _solve(lowered: Lowered) -> tuple[FieldValue, Expr] | None:
    """Return (value, expression) where the condition is linear in its one field value."""
    if len(lowered.values) != 1 or lowered.integrals:
        return None
    value = lowered.values[0]
    slope = lowered.expr.diff(value.symbol)
    if not slope.is_number or slope == 0:
        return None
    rest = lowered.expr.xreplace({value.symbol: sympy.S.Zero})
    return value, -rest / slope


# -------------------------------------------------------------------------- contradictions and counts


def _contradiction(
    new: Condition, found: list[Condition], scope: Scope, shape: Shape | None
) -> Condition | None:
    """Return an equal earlier condition; raise where an earlier one says otherwise at the same place."""
    if new.solved is None:
        return next((c for c in found if c.residual == new.residual and c.region == new.region), None)
    for old in found:
        if old.solved is None or old.solved[0] != new.solved[0]:
            continue
        a, b = old.region, new.region
        if a.boundary and b.boundary and a.boundary != b.boundary:
            continue
        differs = _differ(old, new, scope, shape)
        if differs:
            raise DeclarationError(
                f"The conditions {old.name} and {new.name} contradict each other: both give the same value at the same place"
                f"{differs}.\nKeep one of them, or narrow them with On(..., where=...) to parts that do not meet"
            )
        if differs is None and a.where == b.where and a.boundary == b.boundary:
            return old
    return None


def _differ(old: Condition, new: Condition, scope: Scope, shape: Shape | None) -> str | None:
    """Say where two conditions on one value differ, "" where their places do not meet, None where they agree."""
    assert old.solved and new.solved
    rng = np.random.default_rng(0)
    columns = {c.symbol: c.low + c.length * rng.random(4096) for c in scope.coordinates}
    symbols = list(columns)
    both = np.ones(4096, dtype=bool)
    for condition in (old, new):
        if condition.region.where is not None:
            both &= np.asarray(_evaluate(condition.region.where, symbols, columns), dtype=bool)
    if not both.any():
        return ""
    gap = old.solved[1] - new.solved[1]
    if gap.free_symbols - set(symbols):
        return None if sympy.expand(gap) == 0 else " with different unknowns"
    a, b = (
        np.broadcast_to(np.asarray(_evaluate(c.solved[1], symbols, columns), dtype=float), both.shape)
        for c in (old, new)
        if c.solved
    )
    off = both & (np.abs(a - b) > 1e-9 * (1 + np.abs(a)))
    if not off.any():
        return None
    k = int(off.argmax())
    return f" ({a[k]:.4g} and {b[k]:.4g})"


def _evaluate(expr: Any, symbols: list[Any], columns: dict[Any, np.ndarray]) -> Any:
    """Evaluate with numpy; what numpy cannot do is taken as nan (and found later by the compiler)."""
    try:
        with np.errstate(all="ignore"):
            return sympy.lambdify(symbols, expr, "numpy")(*columns.values())
    except Exception:
        return np.nan


def _check_against_periodic(condition: Condition, periodic: tuple[str, ...], scope: Scope) -> None:
    """Refuse a condition on a face that Periodic has glued away."""
    ranges = {c.name: c for c in scope.coordinates}
    if condition.kind == "periodic":
        return
    for location in condition.locations:
        for name, value in location:
            if (
                name in periodic
                and len(location) == 1
                and float(value) in (ranges[name].low, ranges[name].high)
            ):
                raise DeclarationError(
                    f"The condition {condition.name} stands on a face of {name}, which Periodic({name}) glues to the opposite one.\n"
                    f"Leave out one of the two"
                )


def check_initial_states(checked: CheckedProblem, warnings: list[str]) -> None:
    """Count the initial states of each field against its order in time.

    Raises:
        DeclarationError: too few or too many.
    """
    time = checked.time
    if time is None:
        return
    column = checked.coordinates.index(time)
    initial = [c for c in checked.conditions if c.kind.startswith("initial")]
    shared = [
        c for c in initial if len({v.field for v in c.residual.values}) > 1 or c.kind == "initial, mixed"
    ]
    for field in checked.fields:
        order = checked.highest_orders(field.name)[column]
        mine = [c for c in initial if c not in shared and c.residual.values[0].field == field.name]
        levels = [c.residual.values[0].orders[column] for c in mine]
        usual = f"{field.name}({', '.join(str(s) for s in field.arguments)})"
        at = f"{field.name}({', '.join(str(time.low_exact) if s == time.symbol else str(s) for s in field.arguments)})"
        for c, level in zip(mine, levels, strict=True):
            if level >= order:
                allowed = "no initial state" if order == 0 else f"{order} initial state{'s' * (order > 1)}"
                raise DeclarationError(
                    f"The condition {c.name} is one initial state too many: the equations are of order {order} in {time.name} "
                    f"for {field.name}, which takes {allowed}.\nLeave it out, or write the time derivative that is missing in the equations"
                )
        if time.name in checked.periodic or time.symbol not in field.arguments:
            continue
        missing = [k for k in range(order) if k not in levels]
        if len(missing) <= len([c for c in shared if any(v.field == field.name for v in c.residual.values)]):
            continue
        if _known_otherwise(checked, field.name, time.name):
            warnings.append(
                f"{field.name} is of order {order} in {time.name} and has {len(set(levels))} initial states: "
                "the other data have to make up for it."
            )
            continue
        k = missing[0]
        write = (
            f"Eq({at}, ...)"
            if k == 0
            else f"Eq({usual}.diff({time.name}{f', {k}' if k > 1 else ''}).subs({time.name}, {time.low_exact}), ...)"
        )
        what = {0: "initial value", 1: "initial velocity"}.get(k, f"initial derivative of order {k}")
        raise DeclarationError(
            f"{usual} has a time derivative of order {order} but no {what}: it needs {order} initial state{'s' * (order > 1)} "
            f"at {time.name} = {time.low_exact} and has {len(set(levels))}.\nAdd {write} to the conditions"
        )


def _known_otherwise(checked: CheckedProblem, field: str, time: str) -> bool:
    """Say whether data at other times can stand in for an initial state."""
    if any(v.field == field for m in checked.observations for v in m.quantity.values):
        return True
    return any(
        c.kind in ("final state", "state at a time", "periodic", "nonlocal", "integral")
        and any(v.field == field for v in c.residual.all_values())
        and (c.kind == "integral" or any(n == time for loc in c.locations for n, _ in loc))
        for c in checked.conditions
    )
