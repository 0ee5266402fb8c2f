"""The measurements of problems/inverse_diffusion.py: the exact field with noise."""

import numpy as np

D = 0.15


def field(x: np.ndarray, t: np.ndarray, d: float = D) -> np.ndarray:
    """Return the exact solution for a diffusion coefficient d."""
    first = np.sin(np.pi * x) * np.exp(-d * np.pi**2 * t)
    return first + 0.5 * np.sin(2 * np.pi * x) * np.exp(-4 * d * np.pi**2 * t)


def make_measurements(count: int = 200, noise: float = 0.01, seed: int = 1) -> np.ndarray:
    """Return (count, 3) columns x, t, u, rounded as they are written.

    Args:
        count: of measurements, uniform over [0, 1] x [0, 1].
        noise: standard deviation over the root mean square of the exact values.
        seed: of places and noise.
    """
    rng = np.random.default_rng(seed)
    x, t = np.round(rng.random((2, count)), 4)
    exact = field(x, t)
    u = exact + noise * np.sqrt(np.mean(exact**2)) * rng.standard_normal(count)
    return np.stack([x, t, np.round(u, 6)], axis=1)
