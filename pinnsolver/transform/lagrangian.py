"""A problem in place and time to the same problem in particle labels and time, itself an ordinary declaration.

    w_t + f . grad_x w = g     becomes     W_t = g,   D_t = f(W, xi + D, t),   D(xi, t0) = 0,

with labels xi of the same symbols and ranges as the places (X = xi when time begins), fields of the same names, and the
displacement D = X - xi, periodic where the domain is. Where f is known along the paths beforehand, D is a
formula: nothing has to be learned for it, and pure convection is W_t = 0. Source: Mojgani, Balajewicz, Hassanzadeh
2022, arXiv 2205.02902; J as in `labels.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Expr, Function, Integral, Symbol
from sympy.integrals.manualintegrate import manualintegrate

from pinnsolver.declare import CheckedProblem, Field, Periodic, Problem, check_problem
from pinnsolver.declare.lower import Lowered
from pinnsolver.declare.values import FieldValue
from pinnsolver.errors import UnsupportedProblem
from pinnsolver.transform.crossing import crossing_time
from pinnsolver.transform.hard import _ROUGH as ROUGH
from pinnsolver.transform.labels import Labels, applied, labels_of
from pinnsolver.transform.numeric import sample_values, vanishes
from pinnsolver.transform.transport import ASKED_FOR, EULERIAN, Transport, find_transport
from pinnsolver.transform.walls import Wall, carry_condition, closed_walls, is_periodic, wall_conditions

SHIFT = 0.05  # mean displacement over the domain's length from which on it is split off


@dataclass(frozen=True)
class LagrangianFrame:
    """A problem restated for particles.

    Args:
        declared: the problem in place and time.
        restated: the same in labels and time: what is compiled and trained.
        labels: where the particles are.
        learned: names of the fields of `restated` that are displacements.
        transport: the equations of `declared` as transport.
    """

    declared: CheckedProblem
    restated: CheckedProblem
    labels: Labels
    learned: tuple[str, ...]
    transport: Transport

    @property
    def is_still(self) -> bool:
        """Whether nothing changes along the particles: then the solution is its initial values, carried."""
        return all(line.field is not None and line.right == 0 for line in self.transport.lines)


def lagrangian_frame(checked: CheckedProblem) -> LagrangianFrame:
    """Return a problem in the frame of its particles.

    Raises:
        DeclarationError: it has no time or no space.
        UnsupportedProblem: it is no transport by one velocity, its conditions cannot be carried over, or its particles
            are known to cross.
    """
    transport = find_transport(checked)
    walls = closed_walls(checked, transport)
    if checked.observations:
        raise UnsupportedProblem(
            f"{ASKED_FOR} there are observations: which particles pass by their points is part of the solution.\n{EULERIAN}"
        )
    displacement, learned = _displacements(checked, transport, walls)
    if learned and len(checked.space) > 2:
        raise UnsupportedProblem(
            f"{ASKED_FOR} the paths of the particles have to be learned, which is built for one and two space coordinates, "
            f"not for {len(checked.space)}.\n{EULERIAN}"
        )
    labels = labels_of(checked, displacement)
    meeting = crossing_time(checked, transport, labels, not learned)
    assert checked.time is not None
    if meeting is not None and meeting <= checked.time.high:
        t = checked.time.name
        raise UnsupportedProblem(
            f"{ASKED_FOR} the particles cross at about {t} = {meeting:.6g}: a shock forms, and from then on the field has several "
            f"values at one place.\nEnd the time before, for example time=({t}, {checked.time.low_exact}, "
            f"{checked.time.low + 0.9 * (meeting - checked.time.low):.3g}), or give the equation a viscosity. {EULERIAN}"
        )
    restated = _named(check_problem(_restated(checked, transport, labels, learned, walls)), checked, learned)
    return LagrangianFrame(checked, restated, labels, tuple(f.name for f in learned.values()), transport)


# --------------------------------------------------------------------------------------- displacements


def _displacements(
    checked: CheckedProblem, transport: Transport, walls: tuple[Wall, ...]
) -> tuple[tuple[Expr, ...], dict[int, Field]]:
    """Return D by space coordinate, and the fields that stand in those that have to be learned."""
    found: dict[int, Expr] = {}
    kept = {s: u for s, u in _initial_values(checked, transport).items() if s in _unchanging(transport)}
    space = [c.symbol for c in checked.space]
    for _ in space:  # a shear is known once the displacement across it is
        for i, f in enumerate(transport.velocity):
            places = {space[j]: space[j] + d for j, d in found.items()}
            if i in found or any(f.has(x) for x in set(space) - set(places)):
                continue
            path = f.xreplace({**places, **kept})
            if path.free_symbols <= {*space, checked.time.symbol if checked.time else None}:
                d = _elapsed(path, checked)
                if d is not None and _fits(d, i, checked, walls):
                    found[i] = d
    learned = {i: _displacement_field(i, checked) for i in range(len(space)) if i not in found}
    for i, function in learned.items():
        found[i] = _mean_shift(i, checked, transport) + applied(function)
    return tuple(found[i] for i in range(len(space))), learned


def _initial_values(checked: CheckedProblem, transport: Transport) -> dict[Symbol, Expr]:
    """Return the fields' declared initial values by the symbols of the fields."""
    assert checked.time is not None
    found = {}
    for condition in checked.conditions:
        if condition.solved and condition.region.where is None:
            value, expr = condition.solved
            if not any(value.orders) and dict(value.pins) == {checked.time.name: checked.time.low_exact}:
                found[FieldValue(value.field, value.orders).symbol] = expr
    return found


def _unchanging(transport: Transport) -> set[Symbol]:
    """Return the symbols of the fields that do not change along the particles."""
    still = {line.field for line in transport.lines if line.field is not None and line.right == 0}
    return {s for s, v in transport.values.items() if v.field in still}


def _elapsed(path: Expr, checked: CheckedProblem) -> Expr | None:
    """Return the integral of a velocity along its path from the start, None where it is no plain formula."""
    assert checked.time is not None
    t, start = checked.time.symbol, checked.time.low_exact
    if any(node.free_symbols for node in path.atoms(*ROUGH)):
        return None
    if not path.has(t):
        return path * (t - start)
    primitive = manualintegrate(path, t)
    found: Expr = primitive - primitive.subs(t, start)
    return None if found.has(Integral, sympy.Piecewise, sympy.zoo, sympy.nan) else found


def _fits(d: Expr, i: int, checked: CheckedProblem, walls: tuple[Wall, ...]) -> bool:
    """Say whether a displacement is zero across its walls, and the same at both ends of every period."""
    symbols = {c.name: c.symbol for c in checked.space}
    own = [at for name, at in walls if name == checked.space[i].name]
    at_walls = [d.subs(checked.space[i].symbol, at) for at in own]
    ends = [
        d.subs(symbols[c.name], c.low_exact) - d.subs(symbols[c.name], c.high_exact)
        for c in checked.space
        if c.name in checked.periodic
    ]
    return all(vanishes(gap, checked.coordinates, checked.space[i].length) for gap in at_walls + ends)


def _displacement_field(i: int, checked: CheckedProblem) -> Field:
    """Return the field that is learned for D along a space coordinate, D_x for x."""
    assert checked.time is not None
    taken = {f.name for f in checked.fields} | {c.name for c in checked.coordinates}
    name = f"D_{checked.space[i].name}"
    while name in taken:
        name += "_"
    return Field(name, (*(c.symbol for c in checked.space), checked.time.symbol))


def _mean_shift(i: int, checked: CheckedProblem, transport: Transport) -> Expr:
    """Return the displacement by the mean initial velocity along a period: what is learned is then small and J as before."""
    c, time = checked.space[i], checked.time
    assert time is not None
    initial = _initial_values(checked, transport)
    first = transport.velocity[i].xreplace(initial).subs(time.symbol, time.low_exact)
    known = first.free_symbols <= {x.symbol for x in checked.coordinates}
    if c.name not in checked.periodic or not known:
        return sympy.S.Zero
    values = sample_values(first, checked.coordinates, 4096)
    mean = float(f"{values.mean():.2g}") if np.isfinite(values).all() else 0.0
    if abs(mean) * time.length < SHIFT * c.length:
        return sympy.S.Zero
    return sympy.nsimplify(mean, rational=True) * (time.symbol - time.low_exact)


# ---------------------------------------------------------------------------------------- declaration


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


def _restated(
    checked: CheckedProblem,
    transport: Transport,
    labels: Labels,
    learned: dict[int, Field],
    walls: tuple[Wall, ...],
) -> Problem:
    """Return the declaration in labels."""
    problem = checked.problem
    in_labels = _Restater(checked, labels)
    values = tuple(transport.values.values())
    functions = {f.name: applied(f) for f in checked.fields}
    equations: list[Any] = []
    for line in transport.lines:
        right = in_labels(Lowered(line.right, _used(line.right, values)))
        left = sympy.S.Zero if line.field is None else functions[line.field].diff(labels.time)
        equations.append(Eq(left, right, evaluate=False))
    for i, function in learned.items():
        f = transport.velocity[i]
        shift = labels.displacement[i] - applied(function)
        rate = in_labels(Lowered(f, _used(f, values))) - shift.diff(labels.time)
        equations.append(Eq(applied(function).diff(labels.time), rate, evaluate=False))
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


def _named(restated: CheckedProblem, checked: CheckedProblem, learned: dict[int, Field]) -> CheckedProblem:
    """Return a restated problem whose terms have the declared names; the paths' equations come last, as do their conditions."""
    paths = ["path" if len(checked.space) == 1 else f"path in {checked.space[i].name}" for i in learned]
    names = [*(e.name for e in checked.equations), *paths]
    equations = [replace(e, name=n) for e, n in zip(restated.equations, names, strict=True)]
    conditions = [
        replace(r, name=c.name) for r, c in zip(restated.conditions, checked.conditions, strict=False)
    ]
    conditions += restated.conditions[len(conditions) :]
    return replace(
        restated, equations=tuple(equations), conditions=tuple(conditions), warnings=checked.warnings
    )


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
