"""How fast small perturbations grow and turn at the start: eigenvalues of the linearised equations.

With M u_t + sum_m A_m d_x^m u = 0, linearised about the mean initial state and the middle of the domain, a wave
exp(i k x + lambda t) has lambda M = -sum_m A_m (i k)^m.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.orders import differentiated
from pinnsolver.transform.numeric import in_box, values_at

WAVES = 64  # across the domain at most


@dataclass(frozen=True)
class Rates:
    """Largest rates over all waves.

    Args:
        growth: largest real part of lambda, 0 if all decay; per unit of time.
        turning: largest imaginary part of lambda; per unit of time.
    """

    growth: float = 0.0
    turning: float = 0.0


def rates(checked: CheckedProblem) -> Rates:
    """Return the rates of a problem of first order in time; zeros where they cannot be told."""
    linear = _linearised(checked)
    if linear is None:
        return Rates()
    found = np.concatenate([linear.eigenvalues(wave) for wave in _waves(checked)])
    return Rates(
        max(0.0, float(found.real.max(initial=0.0))), max(0.0, float(np.abs(found.imag).max(initial=0.0)))
    )


def wave_rates(checked: CheckedProblem, waves: Sequence[Mapping[str, float]]) -> np.ndarray | None:
    """Return how fast waves decay, grow or turn at most, per unit of time, None where it cannot be told.

    Args:
        waves: wave numbers by the names of coordinates; those left out are 0.
    """
    linear = _linearised(checked)
    if linear is None:
        return None
    vectors = [[wave.get(c.name, 0.0) for c in checked.coordinates] for wave in waves]
    return np.array([np.abs(linear.eigenvalues(vector)).max(initial=0.0) for vector in vectors])


def growing_waves(checked: CheckedProblem) -> int | None:
    """Return how many waves along a coordinate in space may grow, the largest number; None where it cannot be told."""
    linear = _linearised(checked)
    if linear is None:
        return None
    axes = [i for i, c in enumerate(checked.coordinates) if c.role == "space"]
    numbers = (
        m
        for i in axes
        for m in range(WAVES)
        if linear.eigenvalues(_wave(checked, i, m)).real.max(initial=0.0) > 0
    )
    found = max(numbers, default=0)
    return None if found == WAVES - 1 else found


@dataclass(frozen=True)
class _Linearised:
    """M u_t + sum_m A_m d_x^m u = 0: M and the A_m by their orders."""

    mass: np.ndarray
    others: list[tuple[tuple[int, ...], np.ndarray]]

    def eigenvalues(self, wave: Sequence[float]) -> np.ndarray:
        """Return the finite lambda of a wave vector, one number a coordinate."""
        from scipy.linalg import eigvals

        operator = np.zeros(self.mass.shape, dtype=complex)
        for orders, matrix in self.others:
            operator -= matrix * math.prod((1j * k) ** order for k, order in zip(wave, orders, strict=True))
        found = eigvals(operator, self.mass)
        return found[np.isfinite(found)]


def _linearised(checked: CheckedProblem) -> _Linearised | None:
    time, fields = checked.time, [f.name for f in checked.fields]
    if (
        time is None
        or len(checked.equations) != len(fields)
        or any(e.residual.integrals for e in checked.equations)
    ):
        return None
    column = checked.coordinates.index(time)
    state = _mean_state(checked)
    mass = np.zeros((len(fields), len(fields)))
    others: list[tuple[tuple[int, ...], np.ndarray]] = []
    for i, equation in enumerate(checked.equations):
        for value in equation.residual.values:
            slope = equation.residual.expr.diff(value.symbol)
            known = {
                v.symbol: state.get(v.field, 0.0) if not any(v.orders) else 0.0
                for v in equation.residual.values
            }
            number = slope.subs(known)
            if not number.is_number or not number.is_finite or value.orders[column] > 1 or not number.is_real:
                return None
            matrix = np.zeros_like(mass)
            matrix[i, fields.index(value.field)] = float(number)
            if value.orders[column]:
                mass += matrix
            else:
                others.append((value.orders, matrix))
    return _Linearised(mass, others)


def _wave(checked: CheckedProblem, axis: int, number: int) -> tuple[float, ...]:
    """Return the vector of a number of waves along one coordinate."""
    k = 2 * math.pi * number / checked.coordinates[axis].length
    return tuple(k * (axis == j) for j in range(len(checked.coordinates)))


def _waves(checked: CheckedProblem) -> list[tuple[float, ...]]:
    """Return waves along each space coordinate."""
    axes = [i for i, c in enumerate(checked.coordinates) if c.role == "space"]
    return [_wave(checked, 0, 0), *(_wave(checked, i, m) for i in axes for m in range(1, WAVES))]


def initial_change(checked: CheckedProblem) -> float:
    """Return how often the initial state changes by its own size in a unit of time, as the equations have it at the start.

    The largest over all fields of first order in time; 0 where it cannot be told.
    """
    time = checked.time
    if time is None:
        return 0.0
    column = checked.coordinates.index(time)
    symbols = [c.symbol for c in checked.coordinates]
    start = initial_functions(checked)
    largest, points = 0.0, _scattered(checked)
    for equation in checked.equations:
        values = equation.residual.values
        moving = [v for v in values if v.orders[column]]
        known = {v.field for v in values} <= set(start) and not equation.residual.integrals
        if len(moving) != 1 or sum(moving[0].orders) != 1 or not known:
            continue
        slope = equation.residual.expr.diff(moving[0].symbol)
        if not slope.is_number or slope == 0:
            continue
        at_start = {
            v.symbol: differentiated(start[v.field], symbols, v.orders) for v in values if v != moving[0]
        }
        rest = equation.residual.expr.xreplace({moving[0].symbol: sympy.S.Zero, **at_start}).subs(
            time.symbol, time.low_exact
        )
        change, state = (_rms(values_at(e, checked, points)) for e in (rest / slope, start[moving[0].field]))
        if math.isfinite(change) and state > 0:
            largest = max(largest, change / state)
    return largest


def _scattered(checked: CheckedProblem) -> np.ndarray:
    """Return a few points (n, D) of the box around the domain."""
    return in_box(checked, np.random.default_rng(5).random((256, len(checked.coordinates))))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def initial_functions(checked: CheckedProblem) -> dict[str, sympy.Expr]:
    """Return by field its initial function, where there is one."""
    conditions = [c for c in checked.conditions if c.kind == "initial value"]
    return {c.solved[0].field: c.solved[1] for c in conditions if c.solved is not None}


def _mean_state(checked: CheckedProblem) -> dict[str, float]:
    """Return the mean of each field's initial function over a few points of the domain."""
    points = _scattered(checked)
    means = {
        name: float(np.mean(values_at(expr, checked, points)))
        for name, expr in initial_functions(checked).items()
    }
    return {name: mean for name, mean in means.items() if math.isfinite(mean)}  # nan: numpy lacks a function
