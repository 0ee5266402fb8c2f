"""Conditions as the user wrote them to conditions with a place and a kind; and the rules they obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from sympy import Eq
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Not, Or

from pinnsolver.declare.checked import Condition, Region
from pinnsolver.declare.conditions import On, Periodic
from pinnsolver.declare.contradictions import check_against_periodic, earlier_twin
from pinnsolver.declare.equations import check_real, residual_of
from pinnsolver.declare.kinds import kind_of, solved_value
from pinnsolver.declare.levels import level
from pinnsolver.declare.lower import lower, refuse_symbol
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.shapes import Boundary, Shape
from pinnsolver.declare.texts import plain_text
from pinnsolver.declare.values import IntegralValue, Lowered, Pins, Scope
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
            if earlier_twin(condition, found, scope, shape) is not None:
                warnings.append(f"The condition {condition.name} is declared twice; it counts once.")
                continue
            names = [c.name for c in found]
            if condition.name in names:
                condition = _renamed(condition, names)
            found.append(condition)
    for condition in found:
        check_against_periodic(condition, tuple(periodic), scope)
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
    name = next((p.name for p in shape.primitives() if p is place.shape), None)
    if name is not None:
        if sum(p.name == name for p in shape.primitives()) > 1:
            raise DeclarationError(
                f'On(...) names the boundary of one of several shapes that are called "{name}".\n'
                f'Give each a name of its own, or write On("{name}", ...) for all of them'
            )
        return name
    raise DeclarationError(
        f"On(...) names the boundary of {place.shape}, which is neither the domain {shape} nor a named shape in it.\n"
        'Write On(domain.boundary, ...), or give the shape a name and write On("name", ...)'
    )


def _check_condition(
    source: Any, boundary: str | None, where: Any, scope: Scope, shape: Shape | None
) -> Condition:
    """Return one equation of the conditions, lowered, placed and classified."""
    residual = residual_of(source, "condition", _EXAMPLES)
    inner = Scope(scope.coordinates, scope.fields, normals_allowed=boundary is not None)
    lowered = lower(residual, inner)
    check_real(lowered.expr, source, "condition")
    if source.has(AppliedUndef) and lowered.expr == 0:
        raise DeclarationError(
            f"The condition {source} is trivially true: its two sides are equal.\nWrite the condition that is meant"
        )
    if not lowered.all_values():
        raise DeclarationError(
            f"The condition {source} contains no field.\nWrite for example {_EXAMPLES}. A derivative at a pinned coordinate "
            "is taken first and pinned then: u(x, t).diff(t).subs(t, 0), not u(x, 0).diff(t)"
        )
    integrated = {name for i in lowered.integrals for name, _, _ in i.limits}
    locations = _locations(source, lowered, scope)
    pinned = {name for location in locations for name, _ in location}
    _check_symbols_of_place(source, lowered, integrated, locations, scope)
    _check_pins(source, locations, scope)
    if shape is not None:
        _check_against_shape(source, lowered, boundary, locations, shape)
    if boundary is None and not pinned and not lowered.integrals:
        raise DeclarationError(
            f"The condition {source} pins no coordinate, so it would hold everywhere, like an equation.\nWrite for example {_EXAMPLES}"
        )
    region = Region(
        pins=locations[0] if len(locations) == 1 else (),
        boundary=boundary,
        where=_check_where(where, source, (pinned | integrated) - _running(lowered, scope), scope),
    )
    kind = kind_of(lowered, region, locations, scope)
    return Condition(_name(source, region), source, lowered, region, locations, kind, solved_value(lowered))


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
    seen = [(v, {str(s) for s in scope.fields[v.field].arguments}) for v in lowered.values]
    for integral in lowered.integrals:
        away = {name for name, _, _ in integral.limits}
        for value in integral.integrand.all_values():
            seen.append((value, {str(s) for s in scope.fields[value.field].arguments} - away))
    pinned = {name for value, _ in seen for name, _ in value.pins}
    order = [c.name for c in scope.coordinates if c.name in pinned]
    found: dict[Pins, None] = {}
    for value, arguments in seen:
        pins = dict(value.pins)
        loose = [n for n in order if n in arguments and n not in pins]
        if loose:
            raise DeclarationError(
                f"The condition {source} takes {value.field} at a fixed {loose[0]} and at every {loose[0]} at once.\n"
                f"Pin {loose[0]} in each field, for example {_EXAMPLES}"
            )
        found.setdefault(tuple((n, pins[n]) for n in order if n in pins))
    # A field that lacks a pinned coordinate (v(t) beside u(0, t)) fits to every place that agrees with its pins.
    places = sorted(found, key=lambda place: [float(value) for _, value in place])
    return tuple(p for p in places if not any(set(p) < set(q) for q in places))


def _running(lowered: Lowered, scope: Scope) -> set[str]:
    """Return the coordinates at which the fields outside integrals stand unpinned."""
    return {
        str(s) for v in lowered.values for s in scope.fields[v.field].arguments if str(s) not in dict(v.pins)
    }


def _check_symbols_of_place(
    source: Any, lowered: Lowered, integrated: set[str], locations: tuple[Pins, ...], scope: Scope
) -> None:
    """Refuse a condition that depends on a coordinate that it pins or integrates away."""
    pins = {name: value for location in locations for name, value in location}
    gone = set(pins) | (integrated - _running(lowered, scope))
    for symbol in sorted(lowered.expr.free_symbols, key=str):
        index = scope.index(symbol)
        name = scope.coordinates[index].name if index is not None else ""
        if name not in gone:
            continue
        if name not in pins:
            raise DeclarationError(
                f"The condition {source} uses {name} outside the integral over {name}.\nWrite {name} under the integral only"
            )
        others = [c.name for c in scope.coordinates if c.name not in gone]
        raise DeclarationError(
            f"The condition {source} uses {name}; on the face {name} = {pins[name]} it may depend on "
            f"{', '.join(others) or 'no coordinate'} only.\nPut a number in the place of {name}, or leave it out: for example "
            f"Eq(..., {f'sin({others[0]})' if others else 0})"
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


def _check_against_shape(
    source: Any, lowered: Lowered, boundary: str | None, locations: tuple[Pins, ...], shape: Shape
) -> None:
    """Refuse what has no meaning on a shape: a place in a hole, an integral across one, a pin on its boundary."""
    names = [s.name for s in shape.symbols]
    size = shape.size
    if boundary is not None and lowered.integrals:
        raise UnsupportedProblem(
            f"The condition {source} integrates along a boundary.\n"
            "Write an integral between numbers outside On(...), or a condition at each point of the boundary"
        )
    for location in locations:
        pins = {name: float(value) for name, value in location if name in names}
        if boundary is not None and pins:
            raise DeclarationError(
                f"The condition {source} pins {next(iter(pins))} and stands on a boundary at the same time.\n"
                "Write u(x, y) with all its coordinates inside On(...), narrowed by where= if need be"
            )
        if len(pins) == len(names):
            place = [pins[n] for n in names]
            if level(shape, np.array([place]))[0] > 1e-6 * size:
                raise DeclarationError(
                    f"The condition {source} is off the domain: ({', '.join(f'{p:g}' for p in place)}) lies outside {shape}.\n"
                    "Pin a point inside the shape or on its boundary"
                )
    for integral in lowered.integrals:
        _check_integral_in_shape(source, integral, shape, size)


def _check_integral_in_shape(source: Any, integral: IntegralValue, shape: Shape, size: float) -> None:
    """Refuse an integral that leaves the shape: its limits are those of a box."""
    names = [s.name for s in shape.symbols]
    limits = {name: (low, high) for name, low, high in integral.limits if name in names}
    for value in integral.integrand.all_values() if limits else ():
        ranges = {name: (float(at), float(at)) for name, at in value.pins} | limits
        if not set(names) <= set(ranges):
            continue
        low, high = np.array([ranges[n] for n in names]).T
        points = low + (high - low) * np.random.default_rng(0).random((1024, len(names)))
        if (level(shape, points) > 1e-6 * size).any():
            raise UnsupportedProblem(
                f"The condition {source} integrates over places outside the shape {shape}.\n"
                "Write limits within the shape, or fix the level by a value at one point, for example Eq(p(0, 0), 0)"
            )


def _check_where(where: Any, source: Any, used: set[str], scope: Scope) -> Any:
    """Return the relation that narrows a place, None where it narrows nothing."""
    if where is None or where is True or where == sympy.true:
        return None
    if where is False or where == sympy.false:
        raise DeclarationError(
            f"where= is false everywhere, so the condition {source} holds nowhere.\nWrite for example where=x < 0"
        )
    if where.has(AppliedUndef):
        raise UnsupportedProblem(
            f"where={where} contains a field.\nWrite a relation of the coordinates, for example where=x < 0"
        )
    if not _is_relation(where):
        raise DeclarationError(
            f"where={where} of the condition {source} is not a relation, nor relations joined by & and |.\n"
            "Write for example where=x < 0, or where=(x > 0) & (y < 1)"
        )
    check_real(where, f"{source} where {where}", "condition")
    for symbol in sorted(where.free_symbols, key=str):
        index = scope.index(symbol)
        if index is None:
            refuse_symbol(symbol, f"where={where} of the condition {source}", scope)
        elif scope.coordinates[index].name in used:
            raise DeclarationError(
                f"where={where} of the condition {source} uses {symbol}, which the condition pins or integrates.\n"
                "Narrow by a coordinate that runs along the face"
            )
    return where


def _is_relation(where: Any) -> bool:
    """Say whether it is built of relations of numbers."""
    if isinstance(where, And | Or | Not):
        return all(_is_relation(arg) for arg in where.args)
    return isinstance(where, Relational) and all(isinstance(side, sympy.Expr) for side in where.args)
