"""Fields that a problem knows up to a constant or up to their size, and the condition that fixes it: met after training, exactly.

Where everything else holds derivatives of a field only (the pressure of an incompressible flow, a potential with slopes
on every wall), adding a constant to the field changes nothing but one condition: a value at a point, a mean. That condition needs
no loss: the constant follows from whatever the network has become. It may be a function of the coordinates that
the condition leaves free and no derivative is taken by: p(0, 0, t) = 0 fixes a function of t.

Where everything else is linear and homogeneous in a field (an eigenfunction), its size is free in the same way. The
condition of its size stays in the loss, for without it training finds zero; what the loss leaves of it is removed by a factor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sympy
from sympy import Dummy, Expr, Symbol

from pinnsolver.declare import CheckedProblem, Condition, Field
from pinnsolver.declare.values import FieldValue, Lowered
from pinnsolver.declare.zero import norm_conditions
from pinnsolver.transform.transformed import Ansatz, Enforcement

_NewValue = Callable[[FieldValue], Expr]


def fix_constants(
    checked: CheckedProblem, ansatz: Mapping[str, Ansatz], enforcement: Mapping[str, Enforcement]
) -> tuple[dict[str, Ansatz], dict[str, Enforcement]]:
    """Return the ansatz and the enforcement with the constants and sizes that single conditions fix.

    Args:
        ansatz, enforcement: of everything else that is built in.
    """
    found, met = dict(ansatz), dict(enforcement)
    sizes = norm_conditions(checked)
    for condition in checked.conditions:
        field = _its_field(condition, checked)
        if field is None or met[condition.name].how != "soft":
            continue
        own = found[field.name]
        if own.factor == 1 and own.constant is None and _fixes_constant(condition, field, checked):
            found[field.name] = replace(own, constant=condition.name)
            met[condition.name] = Enforcement(
                "hard", f"all else holds derivatives of {field.name} only: a constant is added that meets it"
            )
        elif own.lift == 0 and condition.name in sizes and _fixes_size(condition, field, checked):
            reason = (
                f"{met[condition.name].reason}; what training leaves of it, a factor of {field.name} removes"
            )
            found[field.name] = replace(own, size=condition.name)
            met[condition.name] = Enforcement("soft", reason)
    return found, met


def free_coordinates(condition: Condition, field: Field) -> tuple[Symbol, ...]:
    """Return the arguments of a field that a condition neither pins nor integrates over."""
    gone = _gone(condition.residual)
    return tuple(a for a in field.arguments if str(a) not in gone)


def _gone(lowered: Lowered) -> frozenset[str]:
    """Return the names of the coordinates that every value in a residual stands at a place of, or is integrated over."""
    found = [frozenset(name for name, _ in v.pins) for v in lowered.values]
    found += [_gone(i.integrand) | {name for name, _, _ in i.limits} for i in lowered.integrals]
    return frozenset.intersection(*found) if found else frozenset()


def _its_field(condition: Condition, checked: CheckedProblem) -> Field | None:
    """Return the field of a condition that takes in one field at pinned or integrated coordinates, None for others."""
    names = {v.field for v in condition.residual.all_values()}
    simple = condition.region.where is None and condition.region.boundary is None
    if len(names) != 1 or not simple or any(v.normal for v in condition.residual.all_values()):
        return None
    field = next(f for f in checked.fields if f.name in names)
    free = set(free_coordinates(condition, field)) | {v.symbol for v in condition.residual.values}
    free |= {i.symbol for i in condition.residual.integrals}
    return field if condition.residual.expr.free_symbols <= free else None


def _fixes_constant(condition: Condition, field: Field, checked: CheckedProblem) -> bool:
    """Say whether a condition gives the constant of a field that nothing else knows."""
    free = {str(a) for a in free_coordinates(condition, field)}
    if len(free) == len(field.arguments):
        return False
    constants: dict[Any, Symbol] = {}  # a function of the free coordinates by derivative and place

    def add(value: FieldValue) -> Expr:
        pinned = any(k and c.name not in free for k, c in zip(value.orders, checked.coordinates, strict=True))
        if value.field != field.name or pinned or (value.normal and not free):
            return value.symbol
        place = tuple(pin for pin in value.pins if pin[0] in free)
        return value.symbol + constants.setdefault((value.orders, value.normal, place), Dummy("c"))

    return _is_sensitive(condition.residual, add) and all(
        _change(lowered, add) == 0 for lowered in _others(condition, checked)
    )


def _is_sensitive(residual: Lowered, add: _NewValue) -> bool:
    """Say whether a residual is linear, and a constant beside its field leaves a number other than zero in it."""
    if len(residual.integrals) > 1 or (residual.integrals and residual.values):
        return False
    if residual.integrals:  # an integral of p, not of x p, which may know nothing of a constant
        slope = residual.expr.diff(residual.integrals[0].symbol)
        return bool(slope.is_number and slope != 0) and _is_sensitive(residual.integrals[0].integrand, add)
    change = _change(residual, add)
    constants = change.free_symbols - residual.expr.free_symbols
    slopes = [sympy.expand(change.diff(c)) for c in constants]
    return bool(slopes) and all(slope.is_number for slope in slopes)


def _others(condition: Condition, checked: CheckedProblem) -> list[Lowered]:
    """Return the residuals of all equations, conditions and observations but one."""
    found = [e.residual for e in checked.equations] + [m.quantity for m in checked.observations]
    return found + [c.residual for c in checked.conditions if c.name != condition.name]


def _change(lowered: Lowered, new: _NewValue) -> Expr:
    """Return by how much a residual changes where its values do, with one symbol for each integral that changes."""
    found: dict[Symbol, Expr] = {v.symbol: new(v) for v in lowered.values}
    for i in lowered.integrals:
        found[i.symbol] = i.symbol + (0 if _change(i.integrand, new) == 0 else Dummy("change"))
    return sympy.expand(lowered.expr.xreplace(found) - lowered.expr)


def _scales(lowered: Lowered, field: str, degree: int) -> bool:
    """Say whether a residual with a field s times as large is s^degree times as large itself."""
    by = Dummy("by", positive=True)
    found: dict[Symbol, Expr] = {v.symbol: by * v.symbol for v in lowered.values if v.field == field}
    if any(not _scales(i.integrand, field, degree) for i in lowered.integrals):
        return False
    found |= {i.symbol: by**degree * i.symbol for i in lowered.integrals}
    return bool(sympy.expand(lowered.expr.xreplace(found) - by**degree * lowered.expr) == 0)


def _fixes_size(condition: Condition, field: Field, checked: CheckedProblem) -> bool:
    """Say whether a condition gives the integral of a field's square, beside which nothing knows the field's size."""
    residual = condition.residual
    if residual.values or len(residual.integrals) != 1 or free_coordinates(condition, field):
        return False
    slope = residual.expr.diff(residual.integrals[0].symbol)
    concerned = [r for r in _others(condition, checked) if any(v.field == field.name for v in r.all_values())]
    return (
        bool(slope.is_number)
        and _scales(residual.integrals[0].integrand, field.name, 2)
        and all(_scales(r, field.name, 1) for r in concerned)
    )
