"""Lorenz' equations by Taylor series in extended precision: a second route to the ODE solver."""

import numpy as np


def solve_lorenz(times: np.ndarray, order: int = 24, step: float = 0.005) -> np.ndarray:
    """Return x, y, z at each time, (len(times), 3), from (1, 1, 1).

    The equations are quadratic, so each coefficient of the series follows from those before it.

    Args:
        times: multiples of `step`, rising.
        order: of the series; 30 with twice the step differs by 2e-13 at t = 20.
        step: of time.
    """
    powers = np.longdouble(step) ** np.arange(order + 1)
    state, found, done = np.ones(3, np.longdouble), [], 0
    for target in np.rint(np.asarray(times) / step).astype(int):
        for _ in range(target - done):
            state = _series(state, order) @ powers
        done = target
        found.append(state)
    return np.array(found, dtype=float)


def _series(state: np.ndarray, order: int) -> np.ndarray:
    """Return the coefficients (3, order + 1) of t^n around a state."""
    x, y, z = series = np.zeros((3, order + 1), np.longdouble)
    series[:, 0] = state
    for n in range(order):
        xy, xz = (x[: n + 1] @ other[n::-1] for other in (y, z))
        x[n + 1] = 10 * (y[n] - x[n]) / (n + 1)
        y[n + 1] = (28 * x[n] - y[n] - xz) / (n + 1)
        z[n + 1] = (xy - np.longdouble(8) / 3 * z[n]) / (n + 1)
    return series
