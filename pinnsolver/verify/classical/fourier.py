"""A problem in time, periodic in every space coordinate: Fourier series in space, exponential Runge-Kutta steps in time.

Per wave k the equations read M(k) E' + L(k) (E, A) + R = 0, with E the fields that have a time derivative, A those that have none (a stream
function, say) and R what is not linear with constant coefficients. A follows from the rows without a time derivative, so that
E' = Lambda E + N; the first part is solved exactly, the second by the scheme of Cox and Matthews (2002, JCP 176), of order four. Of all waves two
thirds are kept: products of two fields then leave no false ones. A row that ties the E among themselves, C E = 0 as the continuity of a
flow does, gives the A, the pressure, by C E' = 0 instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.linalg
import sympy

from pinnsolver.declare import Condition
from pinnsolver.declare.values import FieldValue, Lowered
from pinnsolver.verify.classical.formula import number_function, numpy_function
from pinnsolver.verify.classical.forward import Deadline, Forward, NotApplicableError
from pinnsolver.verify.classical.places import tensor
from pinnsolver.verify.classical.slabs import initial_conditions, looks_at_times
from pinnsolver.verify.classical.velocities import in_first_order

KEPT = 2 / 3  # of the waves
SINGULAR = 1e-12


@dataclass(frozen=True, eq=False)
class _Row:
    """An equation: its linear part with constant coefficients, and the rest.

    Args:
        linear: number by derivative.
        rest: of the coordinates and the symbols of `values`.
        values: what they stand for.
    """

    linear: Mapping[FieldValue, float]
    rest: sympy.Expr
    values: tuple[FieldValue, ...]


class Waves:
    """A problem of first order in time on a grid of Fourier modes.

    Args:
        declared: the problem.

    Raises:
        NotApplicableError: it is not of that kind.
    """

    def __init__(self, declared: Forward) -> None:
        if declared.time is None or declared.shape is not None or declared.unknowns:
            raise NotApplicableError("it is no evolution on a periodic box")
        forward, _ = in_first_order(declared)
        assert forward.time is not None
        self.forward, self.column = forward, forward.time
        self.space = [c for c in forward.coordinates if c.role == "space"]
        if not self.space or not all(c.name in forward.periodic for c in self.space):
            raise NotApplicableError("it is not periodic in every space coordinate")
        if any(len(forward.columns(f)) != len(forward.coordinates) for f in forward.fields):
            raise NotApplicableError("a field does not depend on all coordinates")
        orders = {f.name: forward.order(f.name, self.column) for f in forward.fields}
        self.moving = [name for name, order in orders.items() if order]
        self.still = [name for name, order in orders.items() if not order]
        rows = [self._row(low) for low in forward.equations.values()]
        has_time = [any(v.orders[self.column] for v in row.linear) for row in rows]
        self.moving_rows = [row for row, moves in zip(rows, has_time, strict=True) if moves]
        self.still_rows = [row for row, moves in zip(rows, has_time, strict=True) if not moves]
        if len(self.moving_rows) != len(self.moving) or len(self.still_rows) != len(self.still):
            raise NotApplicableError("its equations do not give each field's change in time, or the field")
        if any(v.field in self.still for row in self.still_rows for v in row.values):
            raise NotApplicableError(
                "a field without a time derivative stands in a nonlinear term of its equation"
            )
        # Of fields known but for a constant: a place, None for their mean, and the value there.
        self.pins: dict[str, tuple[np.ndarray | None, sympy.Expr]] = {}
        self.initial = initial_conditions(self._without_pins())
        self.functions = [self._function(row) for row in (*self.moving_rows, *self.still_rows)]

    def _row(self, lowered: Lowered) -> _Row:
        if lowered.integrals or any(v.pins or v.normal for v in lowered.values):
            raise NotApplicableError("an equation looks at several places at once")
        linear, rest = {}, lowered.expr
        for value in lowered.values:
            slope = lowered.expr.diff(value.symbol)
            if slope.is_number:
                linear[value] = float(slope)
                rest = rest - slope * value.symbol
            elif value.orders[self.column]:
                raise NotApplicableError("a time derivative has a coefficient that is no number")
        rest = sympy.expand(rest) if rest.has(*(v.symbol for v in linear)) else rest
        values = tuple(v for v in lowered.values if rest.has(v.symbol))
        if set(values) & set(linear):
            raise NotApplicableError("its linear part cannot be told apart")
        return _Row(linear, rest, values)

    def _function(self, row: _Row) -> Callable[..., list[np.ndarray]] | None:
        symbols = [*(c.symbol for c in self.forward.coordinates), *(v.symbol for v in row.values)]
        return None if row.rest == 0 else numpy_function(symbols, [row.rest], row.rest)

    def _without_pins(self) -> Forward:
        """Return the problem with its initial conditions alone, the values at a point being noted."""
        name = self.forward.coordinates[self.column].name
        kept = []
        for condition in self.forward.conditions:
            if looks_at_times(condition, name):
                kept.append(condition)
                continue
            mean = self._mean(condition)
            if mean is not None:
                self.pins[mean[0]] = (None, mean[1])
                continue
            value, expr = condition.solved or (FieldValue("", ()), sympy.S.Zero)
            at_a_point = {n for n, _ in value.pins} == {c.name for c in self.space} and not any(value.orders)
            if not at_a_point or value.field not in self.still:
                raise NotApplicableError(f"the condition {condition.name} is more than a period gives")
            self.pins[value.field] = (np.array([float(dict(value.pins)[c.name]) for c in self.space]), expr)
        return replace(self.forward, conditions=tuple(kept))

    def _mean(self, condition: Condition) -> tuple[str, sympy.Expr] | None:
        """Return a field without a time derivative and its mean, where a condition gives its integral over the box."""
        residual = condition.residual
        if len(residual.integrals) != 1 or residual.values:
            return None
        whole = residual.integrals[0]
        (value, *others) = whole.integrand.values or (FieldValue("", ()),)
        over = {(name, low, high) for name, low, high in whole.limits}
        slope = residual.expr.diff(whole.symbol)
        if (
            others
            or whole.integrand.expr != value.symbol
            or any(value.orders)
            or value.field not in self.still
            or over != {(c.name, c.low, c.high) for c in self.space}
            or not slope.is_number
        ):
            return None
        volume = sympy.Mul(*(c.high_exact - c.low_exact for c in self.space))
        return value.field, -residual.expr.xreplace({whole.symbol: sympy.S.Zero}) / (slope * volume)


@dataclass(eq=False)
class WaveGrid:
    """So many waves of a problem.

    Args:
        waves: the problem.
        count: points along each coordinate.
    """

    waves: Waves
    count: int
    now: float = 0.0
    _steps: dict[float, tuple[np.ndarray, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        waves, n = self.waves, self.count
        space = waves.space
        frequencies = [np.fft.fftfreq(n, 1 / n)] * (len(space) - 1) + [np.fft.rfftfreq(n, 1 / n)]
        grids = np.meshgrid(*frequencies, indexing="ij")
        self.kept = np.all([abs(g) < KEPT * n / 2 for g in grids], axis=0)
        numbers = [
            2j * np.pi / c.length * g[self.kept] for c, g in zip(space, grids, strict=True)
        ]  # (modes,) each
        self.numbers = numbers
        nodes = {waves.forward.coordinates.index(c): c.low + c.length * np.arange(n) / n for c in space}
        self.points = tensor(waves.forward, nodes)
        moving, still = waves.moving, waves.still
        mass = self._matrices(waves.moving_rows, moving, True)
        between = self._matrices(waves.still_rows, still, False)  # (modes, still, still)
        own = self._matrices(waves.moving_rows, moving, False)
        self.to_moving = self._matrices(waves.moving_rows, still, False)
        self.to_still = self._matrices(waves.still_rows, moving, False)
        if (abs(np.linalg.det(mass)) < SINGULAR).any():
            raise NotApplicableError("its equations do not give every field's change in time")
        self.solve_mass = np.linalg.inv(mass)
        self.tied = [i for i, row in enumerate(waves.still_rows) if row.rest == 0 and not between[:, i].any()]
        if self.tied:
            if any(v.field in still for row in waves.moving_rows for v in row.values):
                raise NotApplicableError("a field that only a constraint gives stands in a nonlinear term")
            self.of_rests = self.to_still[:, self.tied] @ self.solve_mass
            between[:, self.tied] = self.of_rests @ self.to_moving
            self.to_still[:, self.tied] = self.of_rests @ own
        self.solve_still = self._inverse(between) if still else between
        self.rate = -self.solve_mass @ (own - self.to_moving @ self.solve_still @ self.to_still)

    def _symbol(self, value: FieldValue) -> np.ndarray:
        """Return what a derivative in space multiplies each wave by, (modes,)."""
        found = np.ones(len(self.numbers[0]), dtype=complex)
        for c, number in zip(self.waves.space, self.numbers, strict=True):
            found = found * number ** value.orders[self.waves.forward.coordinates.index(c)]
        return found

    def _matrices(self, rows: Sequence[_Row], names: Sequence[str], in_time: bool) -> np.ndarray:
        found = np.zeros((len(self.numbers[0]), len(rows), len(names)), dtype=complex)
        for i, row in enumerate(rows):
            for value, number in row.linear.items():
                if value.field in names and bool(value.orders[self.waves.column]) == in_time:
                    found[:, i, names.index(value.field)] += number * self._symbol(value)
        return found

    def _inverse(self, matrices: np.ndarray) -> np.ndarray:
        """Return the inverses; at the mean, where a field may be known but for a constant, what gives the least field."""
        lost = np.linalg.cond(matrices) > 1 / SINGULAR
        mean = np.all([n == 0 for n in self.numbers], axis=0)
        if (lost & ~mean).any() or (lost.any() and set(self.waves.still) != set(self.waves.pins)):
            raise NotApplicableError("its equations do not determine the fields without a time derivative")
        found = np.zeros_like(matrices)
        found[~lost] = np.linalg.inv(matrices[~lost])
        found[lost] = np.linalg.pinv(matrices[lost])
        return found

    # ------------------------------------------------------------------------------------- fields

    def _values(self, waves: np.ndarray) -> np.ndarray:
        """Return the field of some waves (modes,) on the grid, flat."""
        full = np.zeros(self.kept.shape, dtype=complex)
        full[self.kept] = waves
        axes = tuple(range(full.ndim))
        found: np.ndarray = np.fft.irfftn(full, s=(self.count,) * full.ndim, axes=axes).ravel()
        return found

    def _waves(self, values: np.ndarray) -> np.ndarray:
        """Return the waves (modes,) of values on the grid."""
        found: np.ndarray = np.fft.rfftn(values.reshape((self.count,) * self.kept.ndim))[self.kept]
        return found

    def start(self) -> np.ndarray:
        """Return the waves of the initial state, (modes, moving)."""
        self.points[:, self.waves.column] = self.waves.forward.coordinates[self.waves.column].low
        states = []
        for name in self.waves.moving:
            solved = self.waves.initial[name][0].solved
            assert solved is not None
            values = number_function(solved[1], self.waves.forward)(self.points)
            if not np.isfinite(values).all():
                raise NotApplicableError(f"the initial state of {name} is not finite everywhere")
            states.append(self._waves(values))
        return np.stack(states, axis=1)

    def _rests(self, which: range, known: Mapping[str, np.ndarray], time: float) -> np.ndarray:
        """Return the waves of what is not linear in some rows, (modes, rows)."""
        found = np.zeros((len(self.numbers[0]), len(which)), dtype=complex)
        rows = [*self.waves.moving_rows, *self.waves.still_rows]
        self.points[:, self.waves.column] = time
        for place, k in enumerate(which):
            function = self.waves.functions[k]
            if function is not None:
                values = [self._values(self._symbol(v) * known[v.field]) for v in rows[k].values]
                found[:, place] = self._waves(function(*self.points.T, *values)[0])
        return found

    def still_fields(self, state: np.ndarray, time: float) -> np.ndarray:
        """Return the waves of the fields without a time derivative, (modes, still), but for the constants that a point gives."""
        waves = self.waves
        known = dict(zip(waves.moving, state.T, strict=True))
        rest = self._rests(range(len(waves.moving), len(waves.functions)), known, time)
        if self.tied:
            moved = self._rests(range(len(waves.moving)), known, time)
            rest[:, self.tied] = np.einsum("kij,kj->ki", self.of_rests, moved)
        right = np.einsum("kij,kj->ki", self.to_still, state) + rest
        found: np.ndarray = -np.einsum("kij,kj->ki", self.solve_still, right)
        return found

    def _slope(self, state: np.ndarray, time: float) -> np.ndarray:
        """Return N, the change that is not linear in the fields, (modes, moving)."""
        waves = self.waves
        count = len(waves.moving)
        known = dict(zip(waves.moving, state.T, strict=True))
        inner = np.zeros((len(state), 0), dtype=complex)
        if waves.still:
            all_still = self.still_fields(state, time)
            known |= dict(zip(waves.still, all_still.T, strict=True))
            inner = all_still + np.einsum(
                "kij,kj->ki", self.solve_still @ self.to_still, state
            )  # of the rest alone
        right = self._rests(range(count), known, time) + np.einsum("kij,kj->ki", self.to_moving, inner)
        found: np.ndarray = -np.einsum("kij,kj->ki", self.solve_mass, right)
        return found

    # --------------------------------------------------------------------------------------- time

    def _coefficients(self, step: float) -> tuple[np.ndarray, ...]:
        """Return e^z, e^(z/2), phi_1(z/2) and the three weights of the scheme, (modes, moving, moving) each, z = step * Lambda."""
        if step not in self._steps:
            whole, half = (_phi(share * step * self.rate) for share in (1.0, 0.5))
            e, p1, p2, p3 = whole
            self._steps = {step: (e, half[0], half[1], p1 - 3 * p2 + 4 * p3, 2 * p2 - 4 * p3, 4 * p3 - p2)}
        return self._steps[step]

    def step(self, state: np.ndarray, time: float, step: float) -> np.ndarray:
        """Return the waves a step later."""
        e, e2, p2, f1, f2, f3 = self._coefficients(step)

        def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
            return np.einsum("kij,kj->ki", matrix, vector)

        first = self._slope(state, time)
        middle = time + step / 2
        a = times(e2, state) + step / 2 * times(p2, first)
        at_a = self._slope(a, middle)
        b = times(e2, state) + step / 2 * times(p2, at_a)
        at_b = self._slope(b, middle)
        c = times(e2, a) + step / 2 * times(p2, 2 * at_b - first)
        at_c = self._slope(c, time + step)
        return times(e, state) + step * (times(f1, first) + times(f2, at_a + at_b) + times(f3, at_c))

    def march(
        self, places: np.ndarray, times: np.ndarray, steps: int, deadline: Deadline
    ) -> dict[str, np.ndarray]:
        """Return the fields at places (n, D) and all times (m,), (n, m) each.

        Args:
            places: points in the problem's columns; their time is not read.
            times: increasing, from the start on, equally far apart.
            steps: from one time to the next.
            deadline: when to give up.

        Raises:
            NotApplicableError: the steps are too long.
        """
        waves = self.waves
        found = {f: np.empty((len(places), len(times))) for f in (*waves.moving, *waves.still)}
        reader = self._reader(places)
        state, now = self.start(), float(times[0])
        step = (times[-1] - times[0]) / (len(times) - 1) / steps
        for column, time in enumerate(times):
            while now < time - step / 2:
                deadline.check()
                with np.errstate(all="ignore"):
                    state = self.step(state, now, float(step))
                now += float(step)
            if not np.isfinite(state).all():
                raise NotApplicableError("its steps in time are too long")
            for name, values in zip(waves.moving, state.T, strict=True):
                found[name][:, column] = reader(values)
            for name, values in zip(waves.still, self.still_fields(state, now).T, strict=True):
                found[name][:, column] = reader(values) + self._constant(name, values, now)
        return found

    def _constant(self, name: str, values: np.ndarray, time: float) -> float:
        """Return what a field has to be lifted by for its value at a point."""
        if name not in self.waves.pins:
            return 0.0
        at, expr = self.waves.pins[name]
        point = self.waves.forward.middle(1)
        if at is None:
            point[:, self.waves.column] = time
            middle = np.all([n == 0 for n in self.numbers], axis=0)
            mean = float(values[middle][0].real) / self.count**self.kept.ndim
            return float(number_function(expr, self.waves.forward)(point)[0]) - mean
        point[:, [self.waves.forward.coordinates.index(c) for c in self.waves.space]] = at
        point[:, self.waves.column] = time
        return float(number_function(expr, self.waves.forward)(point)[0] - self._reader(point)(values)[0])

    def _reader(self, places: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return what evaluates a field's waves at places (n, D): by unique values of each coordinate, for they lie on a grid."""
        parts, where = [], []
        n, shape = self.count, self.kept.shape
        for axis, c in enumerate(self.waves.space):
            x, index = np.unique(places[:, self.waves.forward.coordinates.index(c)], return_inverse=True)
            k = np.fft.rfftfreq(n, 1 / n) if axis == len(shape) - 1 else np.fft.fftfreq(n, 1 / n)
            turned = np.exp(2j * np.pi * np.outer((x - c.low) / c.length, k)) / n
            if axis == len(shape) - 1:
                turned[:, 1:] *= 2  # the other half are conjugates
            parts.append(turned)
            where.append(index)

        def read(values: np.ndarray) -> np.ndarray:
            full = np.zeros(shape, dtype=complex)
            full[self.kept] = values
            for part in reversed(parts):  # the last axis first: each turn puts its own in front
                full = np.tensordot(part, full, axes=(1, full.ndim - 1))
            grid: np.ndarray = full.real[tuple(where)]
            return grid

        return read


def _phi(z: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return e^z, phi_1, phi_2, phi_3 of matrices (n, d, d), each phi_(k+1) = (phi_k - 1 / k!) / z; from one exponential of a block matrix."""
    n, d, _ = z.shape
    block = np.zeros((n, 4 * d, 4 * d), dtype=complex)
    block[:, :d, :d] = z
    for k in range(3):
        block[:, k * d : (k + 1) * d, (k + 1) * d : (k + 2) * d] = np.eye(d)
    found = scipy.linalg.expm(block)[:, :d]
    return tuple(found[:, :, k * d : (k + 1) * d] for k in range(4))
