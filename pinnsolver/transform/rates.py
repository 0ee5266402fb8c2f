"""How fast small perturbations grow and turn at the start: eigenvalues of the linearised equations.

With M u_t + sum_m A_m d_x^m u = 0, linearised about the mean initial state and the middle of the domain, a wave
exp(i k x + lambda t) has lambda M = -sum_m A_m (i k)^m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import sympy

from pinnsolver.declare import CheckedProblem

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
    time, fields = checked.time, [f.name for f in checked.fields]
    if (
        time is None
        or len(checked.equations) != len(fields)
        or any(e.residual.integrals for e in checked.equations)
    ):
        return Rates()
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
                return Rates()
            matrix = np.zeros_like(mass)
            matrix[i, fields.index(value.field)] = float(number)
            if value.orders[column]:
                mass += matrix
            else:
                others.append((value.orders, matrix))
    return _largest(checked, mass, others)


def _mean_state(checked: CheckedProblem) -> dict[str, float]:
    """Return the mean of each field's initial function over a few points of the domain."""
    rng = np.random.default_rng(5)
    found = {}
    for condition in checked.conditions:
        if condition.kind == "initial value" and condition.solved is not None:
            value, expr = condition.solved
            columns = {c.symbol: c.low + c.length * rng.random(256) for c in checked.coordinates}
            try:
                sampled = sympy.lambdify(list(columns), expr, ["scipy", "numpy"])(*columns.values())
                mean = float(np.mean(np.asarray(sampled, dtype=float)))
            except Exception:  # numpy lacks a function of it: the compiler decides what becomes of that
                mean = math.nan
            if math.isfinite(mean):
                found[value.field] = mean
    return found


def _largest(
    checked: CheckedProblem, mass: np.ndarray, others: list[tuple[tuple[int, ...], np.ndarray]]
) -> Rates:
    """Return the largest rates over waves along each space coordinate."""
    from scipy.linalg import eigvals

    waves = [(0.0,) * len(checked.coordinates)]
    for i, c in enumerate(checked.coordinates):
        if c.role == "space":
            waves += [
                tuple(2 * math.pi * m / c.length * (i == j) for j in range(len(checked.coordinates)))
                for m in range(1, WAVES)
            ]
    growth = turning = 0.0
    for wave in waves:
        operator = np.zeros(mass.shape, dtype=complex)
        for orders, matrix in others:
            operator -= matrix * math.prod((1j * k) ** order for k, order in zip(wave, orders, strict=True))
        found = eigvals(operator, mass)
        found = found[np.isfinite(found)]
        if found.size:
            growth = max(growth, float(found.real.max()))
            turning = max(turning, float(np.abs(found.imag).max()))
    return Rates(growth, turning)
