"""Functions of a coordinate in the coordinate's place: with slopes that vanish at an end of its range or at both, or even ones.

Whatever is made of them has a vanishing slope there. And nothing is lost: near a flat end, at distance s, they are
s^2 and s^3 but for higher terms and an invertible combination, and a smooth function f with f'(0) = 0 is a smooth function of s^2 and
s^3: f = f(0) + s^2 (g(s^2) + s h(s^2)), g and h the even and odd parts of the rest (Whitney 1943). A single function in
their place, a cosine say, would make s^3 singular. Likewise a smooth even function is a smooth function of the square, and one that is
flat at both ends as well one of the two even functions there.
"""

from __future__ import annotations

import sympy
from sympy import Expr

from pinnsolver.declare import Coordinate

Polynomial = tuple[
    float, ...
]  # coefficients by powers of z, the coordinate scaled to [-1, 1]; values in [-1, 1] there

LOW: tuple[Polynomial, Polynomial] = (  # s = (z + 1) / 2: 2 s^2 - 1 and 27/2 s^2 (1 - s) - 1
    (-0.5, 1.0, 0.5),
    (11 / 16, 27 / 16, -27 / 16, -27 / 16),
)
HIGH: tuple[Polynomial, Polynomial] = (
    tuple(c * (-1) ** k for k, c in enumerate(LOW[0])),
    tuple(c * (-1) ** k for k, c in enumerate(LOW[1])),
)
BOTH: tuple[Polynomial, Polynomial] = (  # 3/2 z - z^3 / 2 and 2 (1 - z^2)^2 - 1
    (0.0, 1.5, 0.0, -0.5),
    (1.0, 0.0, -4.0, 0.0, 2.0),
)
EVEN: tuple[Polynomial, ...] = ((-1.0, 0.0, 2.0),)  # 2 z^2 - 1
BOTH_EVEN: tuple[Polynomial, ...] = (BOTH[1], (1.0, 0.0, -6.0, 0.0, 6.0, 0.0, -2.0))  # and 2 (1 - z^2)^3 - 1
FLAT: dict[str, tuple[Polynomial, ...]] = {
    "low": LOW,
    "high": HIGH,
    "both": BOTH,
    "even": EVEN,
    "both, even": BOTH_EVEN,
}


def derivatives(polynomial: Polynomial) -> list[Polynomial]:
    """Return a polynomial and its derivatives by z, up to the last that is not zero."""
    found = [polynomial]
    while len(found[-1]) > 1:
        found.append(tuple(k * c for k, c in enumerate(found[-1]))[1:])
    return found


def flat_functions(coordinate: Coordinate, ends: str) -> list[Expr]:
    """Return the functions as formulas of the coordinate.

    Args:
        ends: a key of `FLAT`.
    """
    a, b = (sympy.nsimplify(v, rational=True) for v in (coordinate.low_exact, coordinate.high_exact))
    z = (2 * coordinate.symbol - a - b) / (b - a)
    return [
        sympy.factor(sum((sympy.nsimplify(c, rational=True) * z**k for k, c in enumerate(p)), sympy.S.Zero))
        for p in FLAT[ends]
    ]
