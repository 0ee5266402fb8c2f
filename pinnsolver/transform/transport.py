"""Equations as transport: w_t + f . grad w = right-hand side, with one velocity f for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Field, FieldValue
from pinnsolver.declare.checked import Equation
from pinnsolver.declare.orders import differentiated
from pinnsolver.declare.texts import plain_text
from pinnsolver.errors import DeclarationError, UnsupportedProblem

ASKED_FOR = "A frame that moves was asked for, but"
EULERIAN = 'Leave out the frame (--frame), or write frame="eulerian": the solver then works at fixed places'


@dataclass(frozen=True)
class Carried:
    """One equation: its field changes along the particles at the rate `right`.

    Args:
        field: name of the field; None for an equation without a time derivative, which is kept as it is.
        right: of the lowered symbols; the whole residual where there is no field.
    """

    field: str | None
    right: Expr


@dataclass(frozen=True)
class Transport:
    """A system as transport.

    Args:
        velocity: f by space coordinate, of the lowered symbols.
        lines: by equation.
        values: what the lowered symbols stand for.
    """

    velocity: tuple[Expr, ...]
    lines: tuple[Carried, ...]
    values: Mapping[Symbol, FieldValue]


def find_transport(checked: CheckedProblem) -> Transport:
    """Return the equations of a problem as transport by one velocity.

    Raises:
        DeclarationError: the problem has no time or no space.
        UnsupportedProblem: it is no transport by one velocity.
    """
    _refuse_kind(checked)
    values = {v.symbol: v for e in checked.equations for v in e.residual.values}
    lines, velocities = [], {}
    for equation in checked.equations:
        line, velocity = _carried(equation, checked)
        lines.append(line)
        if velocity is not None:
            velocities[equation.name] = velocity
    if all(f == 0 for velocity in velocities.values() for f in velocity):
        raise UnsupportedProblem(
            f"{ASKED_FOR} nothing in {_names(checked)} is carried: no equation has the form "
            f"w_t + f w_{checked.space[0].name} = ... with a velocity f.\n{EULERIAN}"
        )
    _refuse_different(velocities, values, checked)
    return Transport(next(iter(velocities.values())), tuple(lines), values)


def _names(checked: CheckedProblem) -> str:
    return "the equation" if len(checked.equations) == 1 else "the equations"


def _refuse_kind(checked: CheckedProblem) -> None:
    """Refuse what has no particles: no time, no space, or a domain that they would leave."""
    if checked.time is None or not checked.space:
        what = "is steady: it has no time" if checked.time is None else "has no space coordinate"
        raise DeclarationError(f"{ASKED_FOR} the problem {what}, so nothing is carried.\n{EULERIAN}")
    if checked.shape is not None:
        raise UnsupportedProblem(
            f"{ASKED_FOR} the domain is the shape {checked.shape}, and particles are followed in boxes only.\n"
            f"Write a box, domain=[({checked.space[0].name}, low, high), ...]. {EULERIAN}"
        )
    if checked.time.name in checked.periodic:
        raise UnsupportedProblem(
            f"{ASKED_FOR} the problem is periodic in the time {checked.time.name}: "
            f"particles need a moment at which they start.\nGive initial values instead. {EULERIAN}"
        )
    space = {c.symbol for c in checked.space}
    for field in checked.fields:
        own = space & set(field.arguments)
        if own and (own != space or checked.time.symbol not in field.arguments):
            raise UnsupportedProblem(
                f"{ASKED_FOR} {field.applied} does not depend on all of "
                f"{', '.join(c.name for c in checked.space)} and {checked.time.name}; seen from a moving particle it would.\n"
                f"Write it as a function of all of them. {EULERIAN}"
            )


def _carried(equation: Equation, checked: CheckedProblem) -> tuple[Carried, tuple[Expr, ...] | None]:
    """Return an equation solved for the rate along a particle, and its velocity where it has one."""
    names = [c.name for c in checked.coordinates]
    assert checked.time is not None
    row = names.index(checked.time.name)
    residual = equation.residual
    rates = [v for v in residual.values if v.orders[row]]
    for v in rates:
        if v.orders[row] > 1 or sum(v.orders) > 1:
            raise UnsupportedProblem(
                f"{ASKED_FOR} {_text(equation.source)} has the derivative "
                f"{plain_text(_written(v, checked))}; a particle is followed by equations of first order in time.\n{EULERIAN}"
            )
    if not rates:
        return Carried(None, residual.expr), None
    lead = residual.expr.diff(rates[0].symbol)
    if len(rates) > 1 or lead.has(rates[0].symbol):
        what = "several time derivatives" if len(rates) > 1 else "a time derivative to a power"
        raise UnsupportedProblem(
            f"{ASKED_FOR} {_text(equation.source)} has {what}.\n"
            f"Solve the equations for the time derivatives, one in each. {EULERIAN}"
        )
    field = next(f for f in checked.fields if f.name == rates[0].field)
    rest = residual.expr.xreplace({rates[0].symbol: sympy.S.Zero})
    slopes = _slopes(field, checked)
    if not slopes:  # a field of time alone goes with every velocity
        return Carried(field.name, -rest / lead), None
    still = dict.fromkeys(slopes, sympy.S.Zero)
    by_slope = [rest.diff(s) for s in slopes]
    velocity = tuple(b.xreplace(still) / lead for b in by_slope)
    if any(f.has(sympy.nan, sympy.zoo, sympy.oo, *slopes) for f in velocity):
        raise UnsupportedProblem(
            f"{ASKED_FOR} {_text(equation.source)} has no velocity where {field.name} is level.\n{EULERIAN}"
        )
    right = -rest.xreplace(still) / lead
    if any(b.has(*slopes) for b in by_slope):  # squares of slopes, say: they stay on the right-hand side
        carried = sympy.Add(*[f * s for f, s in zip(velocity, slopes, strict=True)])
        right = sympy.expand_mul(carried - rest / lead)
    return Carried(field.name, right), velocity


def _text(source: Any) -> str:
    """Return an equation on one line."""
    sides = (source.lhs, source.rhs) if isinstance(source, sympy.Eq) else (source, 0)
    return " = ".join(plain_text(side) for side in sides)


def _slopes(field: Field, checked: CheckedProblem) -> list[Symbol]:
    """Return the symbols of the first derivatives of a field in space; none for a field of time alone."""
    if not any(c.symbol in field.arguments for c in checked.space):
        return []
    return [
        FieldValue(field.name, tuple(int(c == x) for c in checked.coordinates)).symbol for x in checked.space
    ]


def _refuse_different(
    velocities: Mapping[str, tuple[Expr, ...]],
    values: Mapping[Symbol, FieldValue],
    checked: CheckedProblem,
) -> None:
    (first, own), *others = velocities.items()
    for name, other in others:
        if any(sympy.simplify(a - b) != 0 for a, b in zip(own, other, strict=True)):
            texts = [velocity_text(v, values, checked) for v in (own, other)]
            raise UnsupportedProblem(
                f"{ASKED_FOR} {first} carries its field with {texts[0]} and {name} with {texts[1]}; "
                f"particles have one velocity.\n{EULERIAN}"
            )


def velocity_text(
    velocity: tuple[Expr, ...], values: Mapping[Symbol, FieldValue], checked: CheckedProblem
) -> str:
    """Return a velocity as the user writes it."""
    written = {s: _written(v, checked) for s, v in values.items()}
    parts = [plain_text(f.xreplace(written)) for f in velocity]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _written(value: FieldValue, checked: CheckedProblem) -> Expr:
    """Return a field value as the user writes it."""
    field = next(f for f in checked.fields if f.name == value.field)
    return differentiated(field.applied, [c.symbol for c in checked.coordinates], value.orders)
