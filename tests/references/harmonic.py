"""Harmonic functions by least squares on the boundary: rational functions, logarithms, polynomials.

The error of a harmonic function inside is at most its largest error on the boundary (maximum principle),
so each fit carries its own certificate.  Method: Gopal and Trefethen 2019, "Solving Laplace problems with
corner singularities via rational functions"; Trefethen 2018, "Series solution of Laplace problems";
polynomials by Vandermonde with Arnoldi, Brubeck, Nakatsukasa and Trefethen 2021.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# The L-shape [-1, 1]^2 without [0, 1]^2, counterclockwise, the re-entrant corner first.
L_CORNERS = np.array([0, 1j, -1 + 1j, -1 - 1j, 1 - 1j, 1])
# The square [-1/2, 1/2]^2 and its hole in the first quadrant; the others follow by quarter turns.
HOLE_CENTER, HOLE_RADIUS = 0.3 + 0.3j, 0.1


@dataclass(frozen=True)
class Fit:
    """A harmonic function fitted on a boundary.

    Args:
        evaluate: takes complex points (n,), returns values (n,).
        bound: largest error found on a boundary sampled more finely than for the fit.
    """

    evaluate: Callable[[np.ndarray], np.ndarray]
    bound: float


def solve_lshape(poles: int = 80, degree: int = 40) -> Fit:
    """Return u with -Laplace u = 1 on the L-shape, zero on its boundary.

    u = h - |z|^2 / 4 with a harmonic h, |z|^2 / 4 on the boundary; poles cluster at each corner outside.

    Args:
        poles: at the re-entrant corner; the right angles, where u ~ r^2 log r, take half as many.
        degree: of the polynomial.
    """
    outward = L_CORNERS + (1 + 1j) / 3  # away from the middle; at the re-entrant corner, into the notch
    where = []
    for k, (corner, direction) in enumerate(zip(L_CORNERS, outward, strict=True)):
        n = poles if k == 0 else poles // 2
        distance = np.exp(4 * (np.sqrt(np.arange(1, n + 1)) - np.sqrt(n)))  # exponentially clustered
        where.append(corner + distance * direction / abs(direction))
    at = np.concatenate(where)
    scale = np.concatenate([np.min(abs(w[:, None] - L_CORNERS), axis=1) for w in where])

    def columns(z: np.ndarray) -> np.ndarray:
        return scale / (z[:, None] - at)

    fit = _fit(_l_boundary(300), _l_boundary(1501), columns, degree, lambda z: abs(z) ** 2 / 4)
    return Fit(lambda z: fit.evaluate(z) - abs(z) ** 2 / 4, fit.bound)


def solve_holes(multipoles: int = 20, degree: int = 120) -> Fit:
    """Return u harmonic on the square with four holes, 1 on the square, 0 on the holes.

    By symmetry the terms are real in the frame of the diagonal and repeat under quarter turns.

    Args:
        multipoles: highest order of the terms (z - center)^-k about the holes.
        degree: of the polynomial in z, of which every fourth power remains.
    """
    orders = np.arange(1, multipoles + 1)

    def columns(z: np.ndarray) -> np.ndarray:
        total = np.zeros((z.size, multipoles + 1))
        for turn in (1, 1j, -1, -1j):
            local = (z * turn - HOLE_CENTER) * np.exp(-0.25j * np.pi) / HOLE_RADIUS
            total[:, 0] += np.log(abs(local))
            total[:, 1:] += (local[:, None] ** -orders).real
        return total

    def boundary(n: int) -> np.ndarray:
        side = 0.5 + 0.5j * np.cos(np.pi * (np.arange(n) + 0.5) / n)
        circle = HOLE_CENTER + HOLE_RADIUS * np.exp(2j * np.pi * (np.arange(n) + 0.5) / n)
        return np.concatenate([side, circle])

    return _fit(boundary(300), boundary(1777), columns, degree // 4, _square_value, real=True, power=4)


def _square_value(z: np.ndarray) -> np.ndarray:
    """Return the boundary values: 1 on the square, 0 on the holes."""
    return (np.maximum(abs(z.real), abs(z.imag)) > 0.45).astype(float)


def _l_boundary(n: int) -> np.ndarray:
    """Return n points on each side of the L-shape, clustered at the corners."""
    s = (1 + np.tanh(np.linspace(-14, 14, n))) / 2
    ends = np.roll(L_CORNERS, -1)
    return np.concatenate([a + (b - a) * s for a, b in zip(L_CORNERS, ends, strict=True)])


def _fit(
    boundary: np.ndarray,
    finer: np.ndarray,
    columns: Callable[[np.ndarray], np.ndarray],
    degree: int,
    data: Callable[[np.ndarray], np.ndarray],
    *,
    real: bool = False,
    power: int = 1,
) -> Fit:
    """Fit columns and a polynomial in z**power to boundary data by least squares."""
    hessenberg = _arnoldi(boundary**power, degree)

    def matrix(z: np.ndarray) -> np.ndarray:
        parts = [columns(z), _polynomials(z**power, hessenberg)]
        if real:
            return np.hstack([p.real for p in parts])
        return np.hstack([f(p) for p in parts for f in (np.real, np.imag)])

    coefficients = np.linalg.lstsq(matrix(boundary), data(boundary), rcond=1e-14)[0]

    def evaluate(z: np.ndarray) -> np.ndarray:
        pieces = np.array_split(np.asarray(z, complex), np.size(z) // 4096 + 1)
        return np.concatenate([matrix(p) @ coefficients for p in pieces])

    return Fit(evaluate, float(abs(evaluate(finer) - data(finer)).max()))


def _arnoldi(z: np.ndarray, degree: int) -> np.ndarray:
    """Return the recurrence of polynomials that are orthogonal over the points z."""
    basis = np.ones((z.size, degree + 1), complex)
    hessenberg = np.zeros((degree + 1, degree), complex)
    for k in range(degree):
        new = z * basis[:, k]
        for _ in range(2):  # twice is enough
            overlap = basis[:, : k + 1].conj().T @ new / z.size
            new -= basis[:, : k + 1] @ overlap
            hessenberg[: k + 1, k] += overlap
        hessenberg[k + 1, k] = np.linalg.norm(new) / np.sqrt(z.size)
        basis[:, k + 1] = new / hessenberg[k + 1, k]
    return hessenberg


def _polynomials(z: np.ndarray, hessenberg: np.ndarray) -> np.ndarray:
    """Return the polynomials of that recurrence at other points, one a column."""
    degree = hessenberg.shape[1]
    values = np.ones((z.size, degree + 1), complex)
    for k in range(degree):
        new = z * values[:, k] - values[:, : k + 1] @ hessenberg[: k + 1, k]
        values[:, k + 1] = new / hessenberg[k + 1, k]
    return values
