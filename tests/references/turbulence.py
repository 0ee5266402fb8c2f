"""Decaying turbulence on a periodic square by a Fourier method: the vorticity of problems/turbulence.py."""

import numpy as np

from .etdrk4 import march

RE = 100.0
# kx, ky, amplitude of cos(kx x + ky y), amplitude of sin(kx x + ky y) in the vorticity at time 0
WAVES = np.array(
    [
        (1, 2, 1.5, 0.5),
        (2, -1, 1.0, -1.0),
        (3, 1, -1.5, 1.0),
        (1, -3, 1.0, 1.5),
        (2, 3, -1.0, 1.0),
        (4, -1, 1.0, -0.5),
        (3, -3, 0.5, 1.0),
        (0, 4, 1.0, 0.5),
    ]
)


def start_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the vorticity at time 0."""
    return sum(a * np.cos(k * x + m * y) + b * np.sin(k * x + m * y) for k, m, a, b in WAVES)


def solve_turbulence(
    times: np.ndarray, modes: int = 192, step: float = 5e-3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the axis (modes,) on [0, 2 pi), vorticity and stream function, (len(times), modes, modes) each.

    w_t + psi_y w_x - psi_x w_y = Laplace w / Re, Laplace psi = -w, psi of mean zero.

    Args:
        times: multiples of `step`, rising.
        modes: points along each side of the grid.
        step: of time.
    """
    axis = 2 * np.pi * np.arange(modes) / modes
    k, m = np.meshgrid(np.fft.fftfreq(modes, 1 / modes), np.arange(modes // 2 + 1), indexing="ij")
    square = k**2 + m**2
    inverse = 1 / np.where(square > 0, square, np.inf)
    kept = (abs(k) < modes / 3) & (m < modes / 3)  # dealiasing

    def real(v: np.ndarray) -> np.ndarray:
        return np.fft.irfft2(v, (modes, modes))

    def nonlinear(v: np.ndarray) -> np.ndarray:
        psi = inverse * v
        rate = real(1j * k * psi) * real(1j * m * v) - real(1j * m * psi) * real(1j * k * v)
        return np.fft.rfft2(rate) * kept

    start = np.fft.rfft2(start_of(axis[:, None], axis[None, :]))
    found = march(-square / RE, nonlinear, start, times, step)
    return axis, np.array([real(v) for v in found]), np.array([real(inverse * v) for v in found])
