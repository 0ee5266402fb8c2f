"""Finite quantum well in a box: the ground state and its energy.

-psi_xx + V psi = E psi on [-2, 2], E unknown, V = 0 for |x| < 1 and 20 beyond; zero at both ends, psi^2 integrates to 1.
psi is determined up to its sign.
True value: E = 1.6396962918478
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and half the well's width are 1.  Inside psi
is a cosine of k x, outside a hyperbolic sine of q (2 - |x|), where k tan k = q / tanh q, k^2 = E, q^2 = 20 - E.
Measured: problems/README.md.
"""

import numpy as np
from scipy.optimize import brentq
from sympy import Eq, Function, Integral, Piecewise, cos, sinh, symbols

from pinnsolver import Problem, Unknown

x = symbols("x", real=True)
psi = Function("psi")
E = Unknown("E", start=1, low=0)
height = 20
V = Piecewise((0, (x > -1) & (x < 1)), (height, True))


def wave_numbers():
    """Return k and q by the transcendental equation."""

    def mismatch(k):
        q = np.sqrt(height - k**2)
        return k * np.sin(k) - q * np.cos(k) / np.tanh(q)

    k = brentq(mismatch, 0.1, np.pi / 2, xtol=1e-15)
    return float(k), float(np.sqrt(height - k**2))


k, q = wave_numbers()
edge = float(np.cos(k) / np.sinh(q))
square = (
    1 + np.sin(2 * k) / (2 * k) + edge**2 * (np.sinh(2 * q) / (2 * q) - 1)
)  # integral of what follows, squared
size = float(1 / np.sqrt(square))
state = Piecewise((edge * sinh(q * (2 + x)), x < -1), (cos(k * x), x <= 1), (edge * sinh(q * (2 - x)), True))

# piece by piece: quadrature is exact only where psi is smooth, and psi_xx jumps with V
probability = sum(Integral(psi(x) ** 2, (x, *ends)) for ends in ((-2, -1), (-1, 1), (1, 2)))
problem = Problem(
    "quantum_well_finite",
    equations=[Eq(-psi(x).diff(x, 2) + V * psi(x), E * psi(x))],
    domain=[(x, -2, 2)],
    conditions=[Eq(psi(-2), 0), Eq(psi(2), 0), Eq(probability, 1)],
    reference={psi: size * state},
)
