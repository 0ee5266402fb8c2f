"""Conditions from places to particles: a wall that nothing crosses stays one, whatever else moves is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol

from pinnsolver.declare import CheckedProblem, Condition, Coordinate
from pinnsolver.declare.lower import Lowered
from pinnsolver.declare.values import Field
from pinnsolver.errors import UnsupportedProblem
from pinnsolver.transform.labels import Labels
from pinnsolver.transform.numeric import size, vanishes
from pinnsolver.transform.transport import ASKED_FOR, EULERIAN, Transport, velocity_text

Wall = tuple[str, Expr]  # a coordinate's name and one of its limits


def closed_walls(checked: CheckedProblem, transport: Transport) -> tuple[Wall, ...]:
    """Return the walls of the box; nothing may cross one.

    Raises:
        UnsupportedProblem: something does, or it cannot be told.
    """
    columns = {c.name: i for i, c in enumerate(checked.space)}
    for c in checked.space:
        if c.name in checked.periodic:
            _refuse_seam(transport, c, checked)
    for name, at in all_walls(checked):
        i = columns[name]
        _refuse_leak(transport, i, checked.space[i], at, checked)
    return all_walls(checked)


def all_walls(checked: CheckedProblem) -> tuple[Wall, ...]:
    """Return the faces of the box that no period joins."""
    fixed = [c for c in checked.space if c.name not in checked.periodic]
    return tuple((c.name, at) for c in fixed for at in (c.low_exact, c.high_exact))


def _refuse_seam(transport: Transport, c: Coordinate, checked: CheckedProblem) -> None:
    """Refuse a prescribed velocity that differs at the two ends of a period."""
    for f in transport.velocity:
        if f.has(c.symbol) and not is_periodic(f, c, checked, tuple(transport.values)):
            raise UnsupportedProblem(
                f"{ASKED_FOR} the velocity {velocity_text((f,), transport.values, checked)} "
                f"is not periodic in {c.name}, as the fields are.\nWrite one with the period "
                f"{c.high_exact - c.low_exact}, for example with sin or cos. {EULERIAN}"
            )


def _refuse_leak(transport: Transport, i: int, c: Coordinate, at: Expr, checked: CheckedProblem) -> None:
    """Refuse a wall through which particles come or go, or may do so."""
    f, data = transport.velocity[i], {}
    shown = velocity_text((f,), transport.values, checked)
    wall = f"the wall {c.name} = {at}"
    way = (
        f"Give a normal velocity that vanishes on {wall} by its condition, or Periodic({c.name}). {EULERIAN}"
    )
    for symbol in sorted(f.free_symbols & set(transport.values), key=str):
        value = transport.values[symbol]
        known = _on_wall(value.field, c, at, checked)
        if known is None or value.orders[checked.coordinates.index(c)]:
            raise UnsupportedProblem(
                f"{ASKED_FOR} no condition gives the velocity {shown} on {wall}: "
                f"particles may leave the domain there, or enter it with unknown labels.\n{way}"
            )
        for other, order in zip(checked.coordinates, value.orders, strict=True):
            known = known.diff(other.symbol, order) if order else known
        data[symbol] = known
    through = f.xreplace(data).subs(c.symbol, at)
    scale = max(1e-9, size(f.xreplace(dict.fromkeys(data, sympy.S.One)), checked))
    if not vanishes(through, checked, scale):
        raise UnsupportedProblem(
            f"{ASKED_FOR} the velocity {shown} does not vanish on {wall}: "
            f"particles cross it, and a wall fixed in place is none for them.\n{way}"
        )


def _on_wall(field: str, c: Coordinate, at: Expr, checked: CheckedProblem) -> Expr | None:
    """Return a field's declared value on a wall, None where there is none for all of it."""
    for condition in checked.conditions:
        if condition.kind == "Dirichlet" and condition.solved and condition.region.where is None:
            value, expr = condition.solved
            if value.field == field and not any(value.orders) and dict(value.pins) == {c.name: at}:
                return expr
    return None


def is_periodic(expr: Expr, c: Coordinate, checked: CheckedProblem, others: tuple[Symbol, ...] = ()) -> bool:
    """Say whether an expression repeats itself after a coordinate's period.

    Args:
        others: symbols of field values in it, which do.
    """
    period = c.high_exact - c.low_exact
    # Any number does for what stands for a field; different ones, so that nothing cancels.
    numbers = {s: sympy.Rational(3 * k + 1, 7) for k, s in enumerate(others)}
    numbers |= {s: sympy.Float(s.start) for s in checked.unknowns}
    plain = expr.xreplace(numbers)
    gap = plain.subs(c.symbol, c.symbol + period) - plain
    return vanishes(gap, checked, size(plain, checked))


def carry_condition(
    condition: Condition,
    checked: CheckedProblem,
    labels: Labels,
    walls: tuple[Wall, ...],
    restate: Callable[[Lowered], Expr],
) -> Any:
    """Return a condition as it is written in labels.

    Args:
        walls: those that nothing crosses.
        restate: gives a lowered expression in labels.

    Raises:
        UnsupportedProblem: its place moves, or what it integrates.
    """
    assert checked.time is not None
    region, residual = condition.region, condition.residual
    pins = {name: at for place in condition.locations for name, at in place}
    spaces = [c for c in checked.space if c.name in pins]
    start = pins.get(checked.time.name)
    at_start = start is not None and float(start) == checked.time.low
    if residual.integrals:
        _refuse(condition, "integrates over places", "an integral")
    if len(condition.locations) > 1:
        names = ", ".join(c.name for c in spaces) or checked.time.name
        _refuse(condition, "ties two places together", f"Periodic({names})")
    if at_start:  # X = xi there, in space and by every derivative in space
        return region.holding(condition.source, checked.shape)
    for c in spaces:
        if (c.name, pins[c.name]) not in walls:
            _refuse(condition, f"stands at {c.name} = {pins[c.name]}, which particles pass by", "a wall")
    if region.where is not None and region.where.free_symbols & set(labels.space):
        _refuse(condition, "holds on a part of a wall, along which particles move", "the whole wall")
    moving = residual.expr.free_symbols & set(labels.space) or any(
        n for v in residual.values for c, n in zip(checked.coordinates, v.orders, strict=True) if n
    )
    source = condition.source
    if moving:
        left = restate(residual).subs(
            [(c.symbol, pins[c.name]) for c in checked.coordinates if c.name in pins]
        )
        source = Eq(left, 0, evaluate=False)
    return region.holding(source, checked.shape)


def _refuse(condition: Condition, what: str, instead: str) -> None:
    raise UnsupportedProblem(
        f"{ASKED_FOR} the condition {condition.name} {what}; "
        f"in the frame of the particles that is no condition at fixed labels.\n"
        f"Write {instead} where that serves. {EULERIAN}"
    )


def wall_conditions(learned: dict[int, Field], walls: tuple[Wall, ...], checked: CheckedProblem) -> list[Any]:
    """Return what the learned displacements obey: none at the start, none across a wall."""
    assert checked.time is not None
    found: list[Any] = []
    for i, function in learned.items():
        names = [str(a.name) for a in function.arguments]

        def at(name: str, value: Expr, function: Field = function, names: list[str] = names) -> Expr:
            arguments = [value if n == name else a for n, a in zip(names, function.arguments, strict=True)]
            return sympy.Function(function.name)(*arguments)

        found.append(Eq(at(checked.time.name, checked.time.low_exact), 0))
        found += [Eq(at(n, value), 0) for n, value in walls if n == checked.space[i].name]
    return found
