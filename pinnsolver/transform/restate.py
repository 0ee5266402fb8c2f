"""A declaration in places as one in labels: its equations, its conditions, its known answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Expr, Function

from pinnsolver.declare import CheckedProblem, Field, FieldValue, Periodic, Problem
from pinnsolver.declare.checked import Measured
from pinnsolver.declare.lower import Lowered, lower
from pinnsolver.transform.carried_walls import Wall, carry_condition, is_periodic, wall_conditions
from pinnsolver.transform.labels import Labels
from pinnsolver.transform.transport import Transport


@dataclass(frozen=True)
class _Restater:
    """Lowered expressions of places to sympy expressions of labels."""

    checked: CheckedProblem
    labels: Labels

    def __call__(self, lowered: Lowered) -> Expr:
        functions = {f.name: f for f in self.checked.fields}
        found = {v.symbol: self.labels.value(v, functions[v.field]) for v in lowered.values}
        others = tuple(v.symbol for v in lowered.values)
        for c, place in zip(self.checked.space, self.labels.positions, strict=True):
            wraps = c.name in self.checked.periodic and lowered.expr.has(c.symbol)
            wraps = wraps and not is_periodic(lowered.expr, c, self.checked, others)
            period = c.high_exact - c.low_exact
            found[c.symbol] = c.low_exact + sympy.Mod(place - c.low_exact, period) if wraps else place
        restated: Expr = lowered.expr.xreplace(found)
        return restated


def restated_problem(
    checked: CheckedProblem,
    transport: Transport,
    labels: Labels,
    learned: dict[int, Field],
    walls: tuple[Wall, ...],
    follows: bool,
) -> Problem:
    """Return the declaration in labels.

    Args:
        learned: the fields that stand for displacements, by space coordinate.
        walls: those that stay where they are.
        follows: whether labels go with the velocity; else they move as they like, and transport by the rest remains.
    """
    problem = checked.problem
    in_labels = _Restater(checked, labels)
    values = tuple(transport.values.values())
    functions = {f.name: f.applied for f in checked.fields}
    equations: list[Any] = []
    for line in transport.lines:
        right = in_labels(Lowered(line.right, _used(line.right, values)))
        left = sympy.S.Zero if line.field is None else functions[line.field].diff(labels.time)
        if line.field is not None and not follows:
            for i, f in enumerate(transport.velocity):
                rest = in_labels(Lowered(f, _used(f, values))) - labels.displacement[i].diff(labels.time)
                right -= rest * labels.slope(functions[line.field], i)
        equations.append(Eq(left, right, evaluate=False))
    for i, function in learned.items():
        f = transport.velocity[i]
        shift = labels.displacement[i] - function.applied
        rate = in_labels(Lowered(f, _used(f, values))) - shift.diff(labels.time)
        equations.append(Eq(function.applied.diff(labels.time), rate, evaluate=False))
    conditions = [carry_condition(c, checked, labels, walls, in_labels) for c in checked.conditions]
    conditions += wall_conditions(learned, walls, checked)
    symbols = [c.symbol for c in checked.coordinates if c.name in checked.periodic]
    return Problem(
        problem.name,
        equations,
        problem.domain,
        problem.time,
        [*conditions, *([Periodic(*symbols)] if symbols else [])],
        parameters=problem.parameters,
        reference={} if learned else _carried_references(checked, labels),
    )


def named_as_declared(
    restated: CheckedProblem, checked: CheckedProblem, learned: Collection[int]
) -> CheckedProblem:
    """Return a restated problem whose terms have the declared names; the paths' equations come last, as do their conditions."""
    paths = ["path" if len(checked.space) == 1 else f"path in {checked.space[i].name}" for i in learned]
    names = [*(e.name for e in checked.equations), *paths]
    equations = [replace(e, name=n) for e, n in zip(restated.equations, names, strict=True)]
    conditions = [
        replace(r, name=c.name) for r, c in zip(restated.conditions, checked.conditions, strict=False)
    ]
    conditions += restated.conditions[len(conditions) :]
    return replace(
        restated,
        equations=tuple(equations),
        conditions=tuple(conditions),
        unknowns=checked.unknowns,
        warnings=checked.warnings,
    )


def carried_observations(checked: CheckedProblem, labels: Labels) -> tuple[Measured, ...]:
    """Return the observations at the labels of their places; for labels that all move alike, by a formula of time."""
    assert checked.time is not None
    in_labels = _Restater(checked, labels)
    shifts = [sympy.lambdify(labels.time, d, ["scipy", "numpy"]) for d in labels.displacement]
    found = []
    for m in checked.observations:
        points = m.points.copy()
        for c, shift in zip(checked.space, shifts, strict=True):
            if c.name in m.coordinates:
                x = points[:, m.coordinates.index(c.name)]
                x -= shift(points[:, m.coordinates.index(checked.time.name)])
                if c.name in checked.periodic:
                    x[:] = c.low + np.mod(x - c.low, c.length)
        quantity = lower(in_labels(m.quantity), checked.scope)
        found.append(replace(m, points=points, quantity=quantity))
    return tuple(found)


def _used(expr: Expr, values: tuple[FieldValue, ...]) -> tuple[FieldValue, ...]:
    return tuple(v for v in values if expr.has(v.symbol))


def _carried_references(checked: CheckedProblem, labels: Labels) -> dict[Any, Expr]:
    """Return the known formulas at the places of the particles."""
    places = dict(zip(labels.space, labels.positions, strict=True))
    periodic = [c for c in checked.space if c.name in checked.periodic]
    return {
        Function(name): reference.formula.xreplace(places)
        for name, reference in checked.references.items()
        if reference.formula is not None and all(is_periodic(reference.formula, c, checked) for c in periodic)
    }
