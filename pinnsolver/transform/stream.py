"""A plane flow by its stream function: u = psi_y, v = -psi_x, whose divergence vanishes identically.

The two velocities and the equation of continuity leave the problem; psi enters, with derivatives of one order more. On a face of
a box the velocity along it is a normal slope of psi, and the velocity through it, integrated along the faces from corner to
corner, a value of psi: both can be built in. A part of the boundary apart from that (the other wall of a channel with an open inlet and
outlet) has a constant of its own that is part of the solution; there the velocity through it stays a condition on a slope.
Source: Lagrange; in networks Raissi, Perdikaris and Karniadakis 2019, section 4.1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Expr
from sympy.integrals.manualintegrate import manualintegrate

from pinnsolver.declare import (
    CheckedProblem,
    Condition,
    Coordinate,
    Field,
    Periodic,
    Problem,
    Settings,
    check_problem,
)
from pinnsolver.declare.checked import Equation
from pinnsolver.declare.lower import Lowered, lower
from pinnsolver.declare.orders import differentiated
from pinnsolver.declare.symbols import NormalDerivative
from pinnsolver.declare.values import FieldValue
from pinnsolver.errors import DeclarationError, UnsupportedProblem
from pinnsolver.transform.numeric import sample_points, size, values_at, vanishes
from pinnsolver.transform.transformed import ASKED, Choice

_Corner = tuple[int, int]  # 0 for the low end of a coordinate, 1 for the high one
ASKED_FOR = "A stream function was asked for, but"
WITHOUT = "Leave out stream_function, or set it to false"


@dataclass(frozen=True)
class StreamFunction:
    """A problem restated with a stream function in place of a plane velocity.

    Args:
        declared: the problem with its velocity.
        restated: the same with psi: what is compiled and trained.
        function: psi.
        velocity: names of u and v.
        counterparts: index among the conditions of `restated` of each declared condition.
        apart: declared conditions on walls on which psi has a constant that is not known before, periodic walls aside.
    """

    declared: CheckedProblem
    restated: CheckedProblem
    function: Field
    velocity: tuple[str, str]
    counterparts: tuple[int, ...]
    apart: tuple[str, ...] = ()

    @property
    def formulas(self) -> tuple[Eq, ...]:
        """The velocity by psi."""
        fields = {f.name: f for f in self.declared.fields}
        return tuple(
            Eq(
                fields[name].applied,
                self.value(FieldValue(name, (0,) * len(self.declared.coordinates))),
                evaluate=False,
            )
            for name in self.velocity
        )

    def value(self, value: FieldValue) -> Expr:
        """Return a derivative of a declared field as an expression of psi and of the other fields."""
        return _Restater(self.declared, self.function, self.velocity).value(value)


@dataclass(frozen=True)
class _Restater:
    """Lowered expressions of a velocity to sympy expressions of its stream function."""

    checked: CheckedProblem
    function: Field
    velocity: tuple[str, str]

    def __call__(self, lowered: Lowered) -> Expr:
        symbols = {c.name: c.symbol for c in self.checked.coordinates}
        found = {v.symbol: self.value(v) for v in lowered.values}
        for i in lowered.integrals:
            limits = [(symbols[name], low, high) for name, low, high in i.limits]
            found[i.symbol] = sympy.Integral(self(i.integrand), *limits)
        restated: Expr = lowered.expr.xreplace(found)
        return restated

    def value(self, value: FieldValue) -> Expr:
        """Return one field value."""
        orders, sign, function = list(value.orders), 1, self._field(value.field)
        if value.field in self.velocity:
            component = self.velocity.index(value.field)
            orders[_columns(self.checked)[1 - component]] += 1
            sign, function = (1, -1)[component], self.function
        symbols = [c.symbol for c in self.checked.coordinates]
        found = differentiated(function.applied, symbols, tuple(orders))
        found = NormalDerivative(found) if value.normal else found
        pins = {
            c.symbol: dict(value.pins)[c.name] for c in self.checked.coordinates if c.name in dict(value.pins)
        }
        return sign * found.subs(pins)

    def _field(self, name: str) -> Field:
        return next(f for f in self.checked.fields if f.name == name)


def plane_velocity(checked: CheckedProblem) -> tuple[str, str, Equation] | None:
    """Return the names of u and v with the equation c (u_x + v_y) = 0 that ties them, None where there is none."""
    if len(checked.space) != 2:
        return None
    columns = _columns(checked)
    unit = [tuple(int(i == k) for i in range(len(checked.coordinates))) for k in columns]
    for equation in checked.equations:
        expr, values = equation.residual.expr, equation.residual.values
        by_order = {v.orders: v for v in values}
        if len(values) != 2 or set(by_order) != set(unit) or equation.residual.integrals:
            continue
        u, v = (by_order[order] for order in unit)
        slope = expr.diff(u.symbol)
        fields = {f.name: f for f in checked.fields}
        alike = fields[u.field].arguments == fields[v.field].arguments and u.field != v.field
        if alike and slope.is_number and sympy.expand(expr - slope * (u.symbol + v.symbol)) == 0:
            return u.field, v.field, equation
    return None


def choose_stream(checked: CheckedProblem, settings: Settings) -> tuple[StreamFunction | None, Choice | None]:
    """Return the stream function, if one was asked for, and the choice, if there was any.

    Raises:
        UnsupportedProblem, DeclarationError: one was asked for that does not fit.
    """
    if settings.stream_function:
        if settings.frame in ("lagrangian", "moving"):
            raise UnsupportedProblem(
                f"{ASKED_FOR} the frame {settings.frame} as well, and both at once are not built.\nLeave out one of the two"
            )
        return stream_function(checked), Choice(True, ASKED)
    if plane_velocity(checked) is None:
        return None, None
    if settings.stream_function is False:
        return None, Choice(False, ASKED)
    if settings.frame in ("lagrangian", "moving") or settings.weights:
        return None, Choice(False, "a frame or weights were asked for, which are those of the velocity")
    if checked.shape is not None:
        return None, Choice(False, "its values on a shaped boundary are not known, those of the velocity are")
    try:
        found = stream_function(checked)
    except (UnsupportedProblem, DeclarationError) as error:
        reason = str(error).partition("\n")[0].removeprefix(ASKED_FOR).strip().rstrip(".")
        return None, Choice(False, reason)
    if found.apart:
        return None, Choice(False, f"its value where {found.apart[0]} would be part of the solution")
    u, v = found.velocity
    return found, Choice(True, f"one field for {u} and {v}, whose divergence vanishes identically")


def stream_function(checked: CheckedProblem) -> StreamFunction:
    """Return a problem with a stream function in place of its plane velocity.

    Raises:
        UnsupportedProblem: it has no plane velocity free of divergence, or its data do not integrate to a stream function.
        DeclarationError: more flows into the domain than out of it.
    """
    found = plane_velocity(checked)
    if found is None:
        x, y = [c.name for c in checked.space][:2] if len(checked.space) == 2 else ("x", "y")
        raise UnsupportedProblem(
            f"{ASKED_FOR} no equation of the problem says that a plane velocity is free of divergence, as u_{x} + v_{y} = 0 does.\n{WITHOUT}"
        )
    velocity, continuity = found[:2], found[2]
    if checked.time is not None:
        column = checked.coordinates.index(checked.time)
        if any(checked.highest_orders(name)[column] > 1 for name in velocity):
            raise UnsupportedProblem(f"{ASKED_FOR} the velocity is of second order in time.\n{WITHOUT}")
    _refuse_forces(checked, velocity)
    function = Field(_new_name(checked), next(f.arguments for f in checked.fields if f.name == velocity[0]))
    restater = _Restater(checked, function, velocity)
    walls = _Walls(checked, function, velocity)
    walls.refuse_unknown_means()
    outright = {**walls.restated, **_initial_state(checked, function, velocity, walls.anchor)}
    conditions: list[Any] = []
    counterparts = []
    for condition in checked.conditions:
        named = outright.get(condition.name)
        source = _plain(condition, restater) if named is None else named
        if source not in conditions:
            conditions.append(source)
        counterparts.append(conditions.index(source))
    equations = [e for e in checked.equations if e is not continuity]
    periodic = [c.symbol for c in checked.coordinates if c.name in checked.periodic]
    problem = Problem(
        checked.problem.name,
        [Eq(restater(e.residual), 0, evaluate=False) for e in equations],
        checked.problem.domain,
        checked.problem.time,
        [*conditions, *([Periodic(*periodic)] if periodic else [])],
        parameters=checked.problem.parameters,
    )
    restated = check_problem(problem)
    pairs = zip(restated.equations, equations, strict=True)
    restated = replace(
        restated,
        equations=tuple(replace(new, name=old.name) for new, old in pairs),
        observations=tuple(
            replace(m, quantity=lower(restater(m.quantity), restated.scope)) for m in checked.observations
        ),
        unknowns=checked.unknowns,
        warnings=checked.warnings,
    )
    return StreamFunction(checked, restated, function, velocity, tuple(counterparts), walls.apart)


def _columns(checked: CheckedProblem) -> tuple[int, int]:
    """Return the columns of the two space coordinates."""
    x, y = (checked.coordinates.index(c) for c in checked.space)
    return x, y


def _new_name(checked: CheckedProblem) -> str:
    """Return a name for the stream function that nothing in the problem has."""
    taken = {f.name for f in checked.fields} | {c.name for c in checked.coordinates}
    taken |= {u.name for u in checked.unknowns}
    return next(name for name in chain(["psi"], (f"psi_{k}" for k in count(1))) if name not in taken)


def _plain(condition: Condition, restater: _Restater) -> Any:
    """Return a condition with derivatives of psi wherever it has a velocity."""
    names = {v.field for v in condition.residual.all_values()}
    if not names & set(restater.velocity):
        return condition.source
    source = Eq(restater(condition.residual), 0, evaluate=False)
    if source.lhs == 0:
        raise UnsupportedProblem(
            f"{ASKED_FOR} the condition {condition.name} says no more than that the divergence vanishes.\nLeave it out, or stream_function"
        )
    return condition.region.holding(source, restater.checked.shape)


def _face_data(condition: Condition, checked: CheckedProblem) -> tuple[str, Coordinate, Expr, Expr] | None:
    """Return (field, coordinate, its value there, data) of a condition that gives a value on a whole face or at the start."""
    if (
        condition.solved is None
        or condition.region.where is not None
        or condition.region.boundary is not None
    ):
        return None
    value, data = condition.solved
    pins = dict(value.pins)
    if condition.residual.integrals or len(condition.locations) > 1 or len(pins) != 1 or any(value.orders):
        return None
    if data.free_symbols - {c.symbol for c in checked.coordinates}:
        return None  # it ties the field to another, or to an unknown number
    ((name, at),) = pins.items()
    c = next(c for c in checked.coordinates if c.name == name)
    return (value.field, c, at, data) if float(at) in (c.low, c.high) else None


class _Walls:
    """The velocities on the faces of a box as values and slopes of psi.

    Args:
        anchor: the corner at which psi = 0, as (x, y).
        restated: the conditions on psi by the name of the condition on a velocity that each stands for.
    """

    def __init__(self, checked: CheckedProblem, function: Field, velocity: tuple[str, str]) -> None:
        self.restated: dict[str, Eq] = {}
        self._checked, self._function, self._velocity = checked, function, velocity
        self._faces: dict[
            tuple[int, int], tuple[str, Expr]
        ] = {}  # (coordinate across, end): name, velocity through
        for condition in checked.conditions if checked.shape is None else ():
            data = _face_data(condition, checked)
            if data is None or data[1] not in checked.space or data[0] not in velocity:
                continue
            field, c, at, value = data
            across, component = checked.space.index(c), velocity.index(field)
            if component == across:
                self._faces[across, int(float(at) == c.high)] = (condition.name, value)
            else:  # u = psi_y on y = const, v = -psi_x on x = const
                slope = sympy.Derivative(function.applied, c.symbol).subs(c.symbol, at)
                self.restated[condition.name] = Eq(slope, value if component == 0 else -value, evaluate=False)
        self._along = {face: self._integrated(face) for face in self._faces}  # None without a formula
        corners = self._corner_values()
        first = next(iter(corners), (0, 0))
        self.anchor = tuple(self._end(i, first[i]) for i in (0, 1))
        for face, (name, _) in self._faces.items():
            start, _ = self._corners_of(face)
            along = self._along[face]
            if start in corners and along is not None:
                place = function.applied.subs(checked.space[face[0]].symbol, self._end(*face))
                self.restated[name] = Eq(place, corners[start] + along, evaluate=False)

    @property
    def apart(self) -> tuple[str, ...]:
        """Names of the conditions on a velocity through a wall without a period that give no value of psi."""
        periodic = [c.name in self._checked.periodic for c in self._checked.space]
        return tuple(
            name
            for (across, _), (name, _) in self._faces.items()
            if name not in self.restated and not periodic[1 - across]
        )

    def _end(self, i: int, end: int) -> Expr:
        c = self._checked.space[i]
        return c.high_exact if end else c.low_exact

    @staticmethod
    def _corners_of(face: tuple[int, int]) -> tuple[_Corner, _Corner]:
        """Return the corners at the low and the high end of a face."""
        across, end = face
        return ((end, 0), (end, 1)) if across == 0 else ((0, end), (1, end))

    def _integrated(self, face: tuple[int, int]) -> Expr | None:
        """Return psi along a face less its value at the low end, None where it has no formula."""
        across = face[0]
        c = self._checked.space[1 - across]
        flow = self._faces[face][1] if across == 0 else -self._faces[face][1]
        return integral(flow, c)

    def _corner_values(self) -> dict[_Corner, Expr]:
        """Return psi at the corners of the largest part of the boundary along which the velocity through it is known.

        Raises:
            DeclarationError: it is the whole boundary, and more flows in than out.
        """
        best: dict[_Corner, Expr] = {}
        most = 0
        for seed in self._faces:
            known: dict[_Corner, Expr] = {self._corners_of(seed)[0]: sympy.S.Zero}
            used: set[tuple[int, int]] = set()
            while True:
                face = next(
                    (f for f in self._faces if f not in used and set(self._corners_of(f)) & set(known)), None
                )
                if face is None:
                    break
                used.add(face)
                low, high = self._corners_of(face)
                along = self._along[face]
                c = self._checked.space[1 - face[0]]
                if along is None:
                    if c.name in self._checked.periodic:
                        _refuse_mean(self._velocity[face[0]], c)
                    continue
                rise = along.subs(c.symbol, c.high_exact)
                if c.name in self._checked.periodic:
                    if not self._is_nothing(rise):
                        _refuse_mean(self._velocity[face[0]], c)
                elif low in known and high in known:
                    self._refuse_leak(known[low] + rise - known[high])
                elif low in known:
                    known[high] = known[low] + rise
                else:
                    known[low] = known[high] - rise
            if len(used) > most:
                best, most = known, len(used)
        return best

    def _is_nothing(self, flow: Expr) -> bool:
        """Say whether what flows through a part of the boundary is nothing but rounding."""
        checked = self._checked
        scale = max((size(value, checked) for _, value in self._faces.values()), default=0.0)
        return vanishes(flow, checked, max(scale * max(c.length for c in checked.space), 1e-9))

    def _refuse_leak(self, gap: Expr) -> None:
        if not self._is_nothing(gap):
            raise DeclarationError(
                f"The velocities on the walls let more into the domain than out of it, by {size(gap, self._checked):.3g}, while its "
                "divergence vanishes.\nLet a velocity through one wall open, or correct it"
            )

    def refuse_unknown_means(self) -> None:
        """Refuse a velocity whose mean across a period nothing tells to be zero.

        Raises:
            UnsupportedProblem: no wall stops it.
        """
        for i, c in enumerate(self._checked.space):
            other = self._checked.space[1 - i]
            stopped = any(across == 1 - i for across, _ in self._faces)
            if c.name in self._checked.periodic and other.name not in self._checked.periodic and not stopped:
                _refuse_mean(self._velocity[1 - i], c)


def _refuse_mean(component: str, c: Coordinate) -> None:
    raise UnsupportedProblem(
        f"{ASKED_FOR} {component} may have a mean across the periodic {c.name}, which a periodic stream function has not.\n{WITHOUT}"
    )


def _refuse_forces(checked: CheckedProblem, velocity: tuple[str, str]) -> None:
    """Refuse a flow without walls of which nothing tells that its mean stays zero.

    Raises:
        UnsupportedProblem: it is steady, or a force or another field may drive it.
    """
    if not all(c.name in checked.periodic for c in checked.space):
        return
    if checked.time is None:
        _refuse_mean(velocity[0], checked.space[1])
    for equation in checked.equations:
        if any(v.field in velocity for v in equation.residual.values) and not _keeps_means(
            equation.residual, checked, velocity
        ):
            _refuse_mean(velocity[0], checked.space[1])


def _keeps_means(residual: Lowered, checked: CheckedProblem, velocity: tuple[str, str]) -> bool:
    """Say whether the mean of every term of an equation vanishes over a periodic plane, if those of the velocity do.

    Derivatives in space with numbers before them have none, nor has transport by a velocity free of divergence, nor a force
    whose own mean vanishes; of anything else it is not known.
    """
    if residual.integrals:
        return False
    rest = sympy.expand(residual.expr)
    values = {(v.field, v.orders): v for v in residual.values}
    none = (0,) * len(checked.coordinates)
    unit = [tuple(int(i == k) for i in range(len(none))) for k in _columns(checked)]
    for name in velocity:
        pairs = [
            (values.get((w, none)), values.get((name, order)))
            for w, order in zip(velocity, unit, strict=True)
        ]
        products = [a.symbol * b.symbol for a, b in pairs if a is not None and b is not None]
        numbers = {rest.coeff(p) for p in products}
        if len(products) == 2 and len(numbers) == 1 and all(n.is_number for n in numbers):
            rest = sympy.expand(rest - numbers.pop() * sympy.Add(*products))
    columns = _columns(checked)
    for value in residual.values:
        number = rest.coeff(value.symbol)
        in_space = any(value.orders[k] for k in columns)
        if number.is_number and (in_space or value.field in velocity):
            rest = sympy.expand(rest - number * value.symbol)
    symbols = {v.symbol for v in residual.values}
    return not rest.free_symbols & symbols and _has_no_mean(rest, checked)


def _has_no_mean(force: Expr, checked: CheckedProblem) -> bool:
    """Say whether data have no mean over a periodic plane at any time."""
    if force == 0:
        return True
    x, y = _columns(checked)
    points = np.repeat(sample_points(checked, 4), 64**2, axis=0)
    steps = np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1).reshape(-1, 2) / 64
    for k, c in zip((x, y), (0, 1), strict=True):
        points[:, k] = checked.coordinates[k].low + checked.coordinates[k].length * np.tile(steps[:, c], 4)
    values = values_at(force, checked, points).reshape(4, -1)
    return bool((np.abs(values.mean(axis=1)) <= 1e-9 * max(1e-300, float(np.abs(values).max()))).all())


def integral(expr: Expr, c: Coordinate, start: Expr | None = None) -> Expr | None:
    """Return the integral of an expression along a coordinate from its low end, or from a start; None where there is no formula."""
    found = manualintegrate(expr, c.symbol)
    if found.has(sympy.Integral):
        return None
    low = c.low_exact if start is None else start
    return sympy.expand(found - found.subs(c.symbol, low))


def _initial_state(
    checked: CheckedProblem, function: Field, velocity: tuple[str, str], anchor: tuple[Expr, ...]
) -> Mapping[str, Eq]:
    """Return psi at the start by the names of the conditions on the initial velocity.

    Raises:
        UnsupportedProblem: it has no formula, or the velocity is not free of divergence or has a mean.
    """
    if checked.time is None:
        return {}
    given: dict[str, tuple[str, Expr]] = {}
    for condition in checked.conditions:
        data = _face_data(condition, checked)
        if data is not None and data[1] == checked.time and data[0] in velocity:
            given[data[0]] = (condition.name, data[3])
    if len(given) < 2:
        return {}
    u, v = (given[name][1] for name in velocity)
    x, y = checked.space
    up = integral(u, y, anchor[1])
    along = integral(v.subs(y.symbol, anchor[1]), x, anchor[0])
    if up is None or along is None:
        raise UnsupportedProblem(
            f"{ASKED_FOR} the initial velocity ({u}, {v}) has no integral in closed form.\n{WITHOUT}"
        )
    psi = up - along
    scale = max(size(v, checked), size(u, checked), 1e-9)
    if not vanishes(psi.diff(x.symbol) + v, checked, scale):
        raise UnsupportedProblem(
            f"{ASKED_FOR} the initial velocity ({u}, {v}) is not free of divergence.\n{WITHOUT}"
        )
    for c in checked.space:
        gap = psi.subs(c.symbol, c.high_exact) - psi.subs(c.symbol, c.low_exact)
        if c.name in checked.periodic and not vanishes(gap, checked, scale * c.length):
            _refuse_mean(velocity[1 - checked.space.index(c)], c)
    state = Eq(function.applied.subs(checked.time.symbol, checked.time.low_exact), psi, evaluate=False)
    return {name: state for name, _ in given.values()}
