"""Stiff periodic equations by a Fourier method and the exponential Runge-Kutta scheme of fourth order.

Scheme ETDRK4: Cox and Matthews 2002; its coefficients by averages over circles: Kassam and Trefethen 2005.
"""

from collections.abc import Callable

import numpy as np


def march(
    linear: np.ndarray,
    nonlinear: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    times: np.ndarray,
    step: float,
) -> np.ndarray:
    """Return v at each time, (len(times), *v.shape), of v' = linear v + nonlinear(v).

    Args:
        linear: the growth rate of each mode, the shape of v.
        nonlinear: of the modes, whose shape it keeps.
        start: the modes at time 0.
        times: multiples of `step`, rising.
        step: of time.
    """
    whole, half, q, f1, f2, f3 = _coefficients(linear, step)
    v, found, done = start, [], 0
    for target in np.rint(np.asarray(times) / step).astype(int):
        for _ in range(target - done):
            nv = nonlinear(v)
            a = half * v + q * nv
            na = nonlinear(a)
            b = half * v + q * na
            nb = nonlinear(b)
            c = half * a + q * (2 * nb - nv)
            v = whole * v + f1 * nv + 2 * f2 * (na + nb) + f3 * nonlinear(c)
        done = target
        found.append(v)
    return np.array(found)


def _coefficients(linear: np.ndarray, step: float, nodes: int = 32) -> tuple[np.ndarray, ...]:
    """Return exp(z), exp(z / 2) and the scheme's four weights for z = step linear, real."""
    z = step * linear
    q, f1, f2, f3 = (np.zeros(z.shape) for _ in range(4))
    for angle in np.pi * (np.arange(nodes) + 0.5) / nodes:  # a half circle: the other is its conjugate
        r = z + np.exp(1j * angle)
        e = np.exp(r)
        q += ((np.exp(r / 2) - 1) / r).real / nodes
        f1 += ((-4 - r + e * (4 - 3 * r + r**2)) / r**3).real / nodes
        f2 += ((2 + r + e * (r - 2)) / r**3).real / nodes
        f3 += ((-4 - 3 * r - r**2 + e * (4 - r)) / r**3).real / nodes
    return np.exp(z), np.exp(z / 2), step * q, step * f1, step * f2, step * f3


def solve_on_ring(
    start: Callable[[np.ndarray], np.ndarray],
    ends: tuple[float, float],
    advection: float,
    even: tuple[float, ...],
    times: np.ndarray,
    modes: int,
    step: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid x (modes,) and u (len(times), modes) of u_t + a u u_x = d2 u_xx + d4 u_xxxx, periodic.

    Args:
        start: u at time 0.
        ends: of the period.
        advection: the factor a.
        even: the factors d2, d4, ...
        times: multiples of `step`, rising.
        modes: points of the grid.
        step: of time.
    """
    low, high = ends
    x = low + (high - low) * np.arange(modes) / modes
    k = 2 * np.pi / (high - low) * np.arange(modes // 2 + 1)
    linear = sum(d * (-1) ** (n + 1) * k ** (2 * n + 2) for n, d in enumerate(even))
    kept = np.arange(k.size) < modes / 3  # dealiasing

    def nonlinear(v: np.ndarray) -> np.ndarray:
        return -0.5j * advection * k * np.fft.rfft(np.fft.irfft(v, modes) ** 2) * kept

    found = march(linear, nonlinear, np.fft.rfft(start(x)), times, step)
    return x, np.fft.irfft(found, modes, axis=1)
