"""A problem in time, step by step: splines in space, Radau collocation in time (Hairer and Wanner 1996, IV.5).

On a step every field is a polynomial in time that starts from what the last step left; the equations and the conditions
hold at the Radau points. Fields without a time derivative, such as a pressure, are found at the points with the rest. The
step's length follows from how far the last coefficient in time has died down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial, log

import numpy as np
import scipy.sparse as sp
from numpy.polynomial import Legendre

from pinnsolver.declare.checked import Condition
from pinnsolver.declare.values import FieldValue
from pinnsolver.verify.classical.formula import number_function
from pinnsolver.verify.classical.forward import Deadline, Forward, NotApplicableError, OutOfTimeError
from pinnsolver.verify.classical.newton import Solver
from pinnsolver.verify.classical.places import condition_points, inside, tensor
from pinnsolver.verify.classical.splines import Axis, SplineSpace
from pinnsolver.verify.classical.system import Base, Operator, Part, Rows, System, Trial
from pinnsolver.verify.classical.whole import fit, space_of

STAGES = 5
FIRST = 1e-3  # first step, as a share of the horizon
SHORTEST = 1e-10
HOPELESS = 4.0  # times what is left of the time: what the fewest steps that may be left would take
GROWTH, SAFETY = 4.0, 0.8


@dataclass
class Pace:
    """How long steps may be, by the last coefficient in time.

    Args:
        limit: of it, relative to the field; the noise of a grid too coarse for the tolerance lifts it.
        refused: the coefficient of a step that was refused, and the step's length.
    """

    limit: float
    refused: tuple[float, float] | None = None

    def _is_noise(self, tail: float) -> bool:
        """Say whether a shorter step did not help: that is the noise of the grid."""
        return self.refused is not None and bool(np.isfinite(tail)) and tail > self.refused[0] / 2

    def refuses(self, tail: float) -> bool:
        """Say whether a step has to be done again, shorter; its coefficient is infinite where Newton's method failed."""
        return tail > 10 * self.limit and not self._is_noise(tail)

    def shorter(self, step: float, tail: float) -> float:
        """Return the step to be tried instead."""
        if not np.isfinite(tail):
            self.refused = None
            return 0.25 * step
        self.refused = (tail, step)
        return step * max(0.1, SAFETY * (self.limit / tail) ** (1 / STAGES))

    def next(self, step: float, tail: float) -> float:
        """Return the step after one that was taken: the same one, which keeps its factors, where another would be little longer."""
        wanted = step * min(GROWTH, SAFETY * (self.limit / max(tail, 1e-300)) ** (1 / STAGES))
        if tail > 10 * self.limit and self.refused is not None:
            self.limit, wanted = tail, self.refused[1]
        self.refused = None
        return step if 0.9 * step <= wanted <= 1.6 * step else wanted


def radau_points(count: int) -> np.ndarray:
    """Return the Radau points on [0, 1], the last of which is 1: zeros of P_n - P_(n-1)."""
    series = [0.0] * (count - 1) + [-1.0, 1.0]
    return (np.sort(Legendre(series).roots().real) + 1) / 2


def time_functions(order: int, count: int) -> list[Legendre]:
    """Return polynomials on [0, 1] whose derivatives below `order` vanish at 0: Legendre's, integrated `order` times."""
    return [Legendre.basis(j, domain=[0, 1]).integ(order, lbnd=0) if order else Legendre.basis(j, domain=[0, 1])
            for j in range(count)]  # fmt: skip


@dataclass(eq=False)
class SlabTrial(Trial):
    """Splines in space times polynomials on one time step.

    Args:
        forward: the problem.
        spaces: splines in space by field.
        axes: by coordinate name.
        orders: of each field in time; 0 as well for a field that does not depend on it.
        step: length of the step.
        states: by field the coefficients of its value and its lower time derivatives at the start of the step.
    """

    forward: Forward
    spaces: dict[str, SplineSpace]
    axes: dict[str, Axis]
    orders: dict[str, int]
    step: float = 1.0
    states: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.functions = {name: time_functions(order, STAGES) for name, order in self.orders.items()}

    def size(self, name: str) -> int:
        """Return the number of coefficients of a field: a few in time for each spline."""
        return self.spaces[name].size * STAGES

    def operator(self, value: FieldValue, points: np.ndarray, stage: np.ndarray | None) -> Operator:
        """Return a derivative at points (n, D) and places in the step (n,)."""
        assert stage is not None and self.forward.time is not None
        k, order = value.orders[self.forward.time], self.orders[value.field]
        splines = self.spaces[value.field].matrix(points, value.orders)
        slopes = [f.deriv(k) if k else f for f in self.functions[value.field]]
        by_time = np.stack([f(stage) for f in slopes], axis=1)  # (n, stages)
        main = _products(splines, by_time)
        lifts = [
            stage ** (j - k) / factorial(j - k) if j >= k else np.zeros(len(stage)) for j in range(order)
        ]
        return Operator(main, tuple(sp.diags(lift) @ splines for lift in lifts))

    def scale(self, value: FieldValue) -> float:
        """Return step^-k for the k-th time derivative."""
        assert self.forward.time is not None
        return float(self.step ** -value.orders[self.forward.time])

    def lifted(self, value: FieldValue, operator: Operator) -> np.ndarray | float:
        """Return what the state at the start of the step contributes, (n,)."""
        assert self.forward.time is not None
        k = value.orders[self.forward.time]
        total: np.ndarray | float = 0.0
        for j, (lift, state) in enumerate(zip(operator.lifts, self.states[value.field], strict=True)):
            if j >= k:
                total = total + self.step ** (j - k) * (lift @ state)
        return total

    def quadrature(self, name: str, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        """Return Gauss nodes and weights on as many pieces as the splines have."""
        return Axis(low, high, self.axes[name].pieces, 1).gauss(self.axes[name].degree + 1)

    def at(self, name: str, coefficients: np.ndarray, place: float, k: int = 0) -> np.ndarray:
        """Return the spline coefficients (m,) of a field's k-th time derivative at a place in the step."""
        by_spline = coefficients.reshape(-1, STAGES)
        slopes = [f.deriv(k) if k else f for f in self.functions[name]]
        found: np.ndarray = by_spline @ np.array([f(place) for f in slopes]) / self.step**k
        for j, state in enumerate(self.states[name]):
            if j >= k:
                found = found + (place * self.step) ** (j - k) / factorial(j - k) * state
        return found


def _products(splines: sp.csr_matrix, by_time: np.ndarray) -> sp.csr_matrix:
    """Return the rows' products (n, m * stages) of (n, m) splines and (n, stages) polynomials."""
    count = np.diff(splines.indptr)
    rows = np.repeat(np.arange(len(count)), count)
    data = splines.data[:, None] * by_time[rows]
    columns = splines.indices[:, None] * STAGES + np.arange(STAGES)
    shape = (splines.shape[0], splines.shape[1] * STAGES)
    return sp.csr_matrix((data.ravel(), columns.ravel(), splines.indptr * STAGES), shape=shape)


def initial_conditions(forward: Forward) -> dict[str, list[Condition]]:
    """Return by field the conditions that give its value and its lower time derivatives at the start.

    Raises:
        NotApplicableError: they do not, or something looks at another time.
    """
    column = forward.time
    assert column is not None
    t = forward.coordinates[column]
    if t.name in forward.periodic:
        raise NotApplicableError("it is periodic in time")
    found: dict[str, dict[int, Condition]] = {f.name: {} for f in forward.fields}
    for condition in forward.conditions:
        if not looks_at_times(condition, t.name):
            continue
        value = condition.solved[0] if condition.solved else None
        plain = (
            value is not None and condition.region.where is None and value.orders[column] == sum(value.orders)
        )
        pins = dict(value.pins) if value is not None else {}
        if not plain or value is None or set(pins) != {t.name} or float(pins[t.name]) != t.low:
            raise NotApplicableError(f"the condition {condition.name} is no initial state")
        found[value.field][value.orders[column]] = condition
    for name, states in found.items():
        order = forward.order(name, column)
        missing = [k for k in range(order) if k not in states]
        if missing or len(states) > order:
            raise NotApplicableError(
                f"{name} has {len(states)} initial states and is of order {order} in time"
            )
    return {name: [states[k] for k in sorted(states)] for name, states in found.items()}


def looks_at_times(condition: Condition, name: str) -> bool:
    """Say whether a condition pins the time or integrates over it."""
    integrals = condition.residual.integrals
    return any(n == name for location in condition.locations for n, _ in location) or any(
        limit[0] == name for i in integrals for limit in i.limits
    )


@dataclass(eq=False)
class Slabs:
    """A problem on one grid in space, to be marched in time.

    Args:
        forward: the problem.
        axes: splines of the space coordinates, in their order.
        tolerance: of the last coefficient in time, relative to the field.
    """

    forward: Forward
    axes: Sequence[Axis]
    tolerance: float

    def __post_init__(self) -> None:
        forward = self.forward
        column = forward.time
        assert column is not None
        self.states = initial_conditions(forward)
        self.nodes = {k: axis.collocation() for k, axis in enumerate(self.axes)}
        self.places = inside(forward, tensor(forward, self.nodes))
        spaces = {f.name: space_of(f, forward, self.axes, self.places) for f in forward.fields}
        named = {c.name: a for c, a in zip(forward.coordinates, self.axes, strict=False)}
        orders = {f.name: forward.order(f.name, column) for f in forward.fields}
        self.trial = SlabTrial(forward, spaces, named, orders)
        parts = [Part(forward, self.trial, row) for row in self._rows()]
        self.system = System(forward, self.trial, parts)
        self._watch = {n: s.matrix(self.places, [0] * len(forward.coordinates)) for n, s in spaces.items()}

    def _rows(self) -> list[Rows]:
        """Return all rows at the Radau points; those times stand as shares of the step until it begins."""
        forward, column = self.forward, self.forward.time
        assert column is not None
        stages = radau_points(STAGES)
        rows = [
            Rows(name, e, *self._staged(self.places, None, stages)) for name, e in forward.equations.items()
        ]
        name = forward.coordinates[column].name
        for condition in forward.conditions:
            if not looks_at_times(condition, name):
                middle = {**self.nodes, column: np.array([0.5])}
                points, normals = condition_points(condition, forward, middle)
                rows.append(
                    Rows(
                        condition.name,
                        condition.residual,
                        *self._staged(points, normals, stages),
                        condition=True,
                    )
                )
        return rows

    def _staged(
        self, points: np.ndarray, normals: np.ndarray | None, stages: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        repeated = np.repeat(points, len(stages), axis=0)
        turned = None if normals is None else np.repeat(normals, len(stages), axis=0)
        return repeated, turned, np.tile(stages, len(points))

    def march(
        self, places: np.ndarray, times: np.ndarray, deadline: Deadline, base: Base | None = None
    ) -> dict[str, np.ndarray]:
        """Return the fields at places (n, D) and at all times (m,), (n, m) each.

        Args:
            places: points in the problem's columns; their time is not read.
            times: increasing, from the start on.
            deadline: when to give up.
            base: what is solved for is the difference to these values.

        Raises:
            NotApplicableError: Newton's method fails at the shortest step.
        """
        forward, trial = self.forward, self.trial
        t = forward.coordinates[forward.time or 0]
        trial.states = self._start(base)
        zero = [0] * len(forward.coordinates)
        seen = {n: s.matrix(places, zero) for n, s in trial.spaces.items()}
        found = {n: np.full((len(places), len(times)), np.nan) for n in seen}
        self._record(found, seen, times <= t.low, times, t.low, None)
        now, step, solver = t.low, FIRST * t.length, Solver(deadline)
        last: tuple[np.ndarray, float] | None = None
        pace = Pace(self.tolerance)
        allowed, tried = deadline.left, 0
        while now < t.high - 1e-12 * t.length:
            # Even if each step were as much longer than the last as it may be.
            least = log((t.high - now) / step + 1, GROWTH) * (allowed - deadline.left) / max(tried, 1)
            if least > HOPELESS * deadline.left:
                raise OutOfTimeError("it takes longer than verification may")
            tried += 1
            step = min(step, t.high - now)
            if t.high - now < 1.5 * step:
                step = t.high - now if t.high - now <= 1.001 * step else (t.high - now) / 2
            if trial.step != step:
                trial.step = step
                solver.forget()
            self.system.begin(now, step, base)
            if solver.factor is None:  # factors that are kept belong to the weights that they were made with
                self.system.weights = []
            try:
                vector = solver.solve(self.system, self._guess(last, step))
                tail = self._tail(vector)
            except NotApplicableError:
                if step < SHORTEST * t.length or deadline.left < 0:
                    raise
                tail = np.inf
            if pace.refuses(tail):
                step = pace.shorter(step, tail)
                if step < SHORTEST * t.length:
                    share = (now - t.low) / t.length
                    raise NotApplicableError(f"the solution changes too fast after {share:.0%} of the time")
                solver.forget()
                last = None
                continue
            reached = (times > now) & (times <= now + step + 1e-12 * t.length)
            self._record(found, seen, reached, times, now, vector)
            coefficients, _ = self.system.split(vector)
            trial.states = {
                n: [trial.at(n, coefficients[n], 1.0, k) for k in range(trial.orders[n])]
                for n in trial.spaces
            }
            last, now = (vector, step), now + step
            step = pace.next(step, tail)
        return found

    def _start(self, base: Base | None) -> dict[str, list[np.ndarray]]:
        """Return the splines nearest to the initial states."""
        forward = self.forward
        column = forward.time
        assert column is not None
        points = self.places.copy()
        points[:, column] = forward.coordinates[column].low
        states: dict[str, list[np.ndarray]] = {}
        for name, conditions in self.states.items():
            states[name] = []
            for condition in conditions:
                assert condition.solved is not None
                value, expr = condition.solved
                known = number_function(expr, forward)(points)
                if base is not None:
                    known = known - base(value, points, None)
                if not np.isfinite(known).all():
                    raise NotApplicableError(f"the condition {condition.name} is not finite everywhere")
                states[name].append(fit(self.trial.spaces[name], points, known))
        return states

    def _guess(self, last: tuple[np.ndarray, float] | None, step: float) -> np.ndarray:
        """Return the polynomials of the last step carried on over this one, zero before the first."""
        guess = np.zeros(self.system.size)
        guess[self.system.size - len(self.forward.unknowns) :] = list(self.forward.unknowns.values())
        if last is None:
            return guess
        vector, before = last
        places = radau_points(STAGES)
        carried, own = (np.stack([Legendre.basis(j, domain=[0, 1])(x) for j in range(STAGES)], 1)
                        for x in (1 + places * step / before, places))  # fmt: skip
        turn = np.linalg.solve(own, carried)
        for name, part in self.system.slices.items():
            by_spline = vector[part].reshape(-1, STAGES) @ turn.T
            guess[part] = by_spline.ravel() * (step / before) ** self.trial.orders[name]
        return guess

    def _tail(self, vector: np.ndarray) -> float:
        """Return the size of the last coefficient in time, relative to the field; the largest of all fields."""
        coefficients, _ = self.system.split(vector)
        tails = []
        for name, watch in self._watch.items():
            by_spline = coefficients[name].reshape(-1, STAGES)
            end = watch @ self.trial.at(name, coefficients[name], 1.0)
            height = abs(self.trial.functions[name][-1](radau_points(STAGES))).max()
            size = float(np.linalg.norm(end)) + float(np.linalg.norm(watch @ by_spline[:, 0]))
            if self.trial.orders[name] or not any(self.trial.orders.values()):
                tails.append(height * float(np.linalg.norm(watch @ by_spline[:, -1])) / max(size, 1e-30))
        return max(tails, default=0.0)

    def _record(
        self,
        found: Mapping[str, np.ndarray],
        seen: Mapping[str, sp.csr_matrix],
        reached: np.ndarray,
        times: np.ndarray,
        now: float,
        vector: np.ndarray | None,
    ) -> None:
        """Fill in the fields at the times that a step reaches; before the first, their initial values."""
        for column in np.flatnonzero(reached):
            for name, matrix in seen.items():
                if vector is None:
                    state = self.trial.states[name]
                    if state:
                        found[name][:, column] = matrix @ state[0]
                    continue
                coefficients, _ = self.system.split(vector)
                place = (times[column] - now) / self.trial.step
                found[name][:, column] = matrix @ self.trial.at(name, coefficients[name], place)
