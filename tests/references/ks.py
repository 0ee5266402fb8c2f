"""The Kuramoto-Sivashinsky problems: the regular one, and the chaotic one in two windows."""

from pathlib import Path

import numpy as np

from .etdrk4 import solve_on_ring

START = Path(__file__).parents[2] / "problems" / "data" / "ks_chaotic_start.csv"
Solved = tuple[np.ndarray, np.ndarray]


def solve_regular(times: np.ndarray, modes: int = 512, step: float = 1e-4) -> Solved:
    """Return the grid x (modes,) on [-1, 1) and u (len(times), modes); step 5e-5 differs by 2e-9."""
    return solve_on_ring(lambda x: -np.sin(np.pi * x), (-1, 1), 5, (-0.5, -0.005), times, modes, step)


def solve_onset(times: np.ndarray, modes: int = 512, step: float = 5e-5) -> Solved:
    """Return the grid on [0, 2 pi) and u from time 0; twice the modes and half the step differ by 4e-10 at 0.5."""
    return _chaotic(lambda x: np.cos(x) * (1 + np.sin(x)), times, modes, step)


def solve_chaotic(times: np.ndarray, modes: int = 512, step: float = 5e-5) -> Solved:
    """Return the same at times from 0.5 on, from the declared series; 5e-5 off the true orbit at 1."""
    k, a, b = np.loadtxt(START, delimiter=",", skiprows=1).T

    def start(x: np.ndarray) -> np.ndarray:
        return np.cos(x[:, None] * k) @ a + np.sin(x[:, None] * k) @ b

    return _chaotic(start, np.asarray(times) - 0.5, modes, step)


def start_series(modes: int = 64) -> np.ndarray:
    """Return (modes + 1, 3) columns k, a, b: the state at 0.5 as sum of a cos(k x) + b sin(k x), rounded."""
    x, u = solve_onset(np.array([0.5]))
    series = 2 * np.fft.rfft(u[0]) / x.size
    series[0] /= 2
    k = np.arange(modes + 1)
    return np.stack([k, np.round(series.real[k], 6) + 0.0, np.round(-series.imag[k], 6) + 0.0], axis=1)


def _chaotic(start, times: np.ndarray, modes: int, step: float) -> Solved:
    factors = (-100 / 16**2, -100 / 16**4)
    return solve_on_ring(start, (0, 2 * np.pi), 100 / 16, factors, times, modes, step)
