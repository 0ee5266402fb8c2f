"""Quantum well with a barrier in its middle: the ground state and its energy.

-psi_xx + V psi = E psi on [-1, 1], E unknown, V = 20 for |x| < 0.2 and 0 beyond; zero at both ends, psi^2 integrates to 1.
psi is determined up to its sign.
True value: E = 7.718698183708
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and half the width are 1.  Within the barrier
psi is a hyperbolic cosine of q x, beyond it a sine of k (1 - |x|), where q tanh(q / 5) = -k / tan(4 k / 5), k^2 = E,
q^2 = 20 - E.
Measured: problems/README.md.
"""

import numpy as np
from scipy.optimize import brentq
from sympy import Eq, Function, Integral, Piecewise, Rational, cosh, sin, symbols

from pinnsolver import Problem, Unknown

x = symbols("x", real=True)
psi = Function("psi")
E = Unknown("E", start=5, low=0)
height, half = 20, Rational(1, 5)
V = Piecewise((height, (x > -half) & (x < half)), (0, True))


def wave_numbers():
    """Return k and q by the transcendental equation."""

    def mismatch(k):
        q = np.sqrt(height - k**2)
        return q * np.tanh(q * 0.2) * np.sin(0.8 * k) + k * np.cos(0.8 * k)

    k = brentq(mismatch, np.pi / 1.6, np.pi / 0.8, xtol=1e-15)
    return float(k), float(np.sqrt(height - k**2))


k, q = wave_numbers()
edge = float(np.sin(0.8 * k) / np.cosh(0.2 * q))
square = (
    0.8 - np.sin(1.6 * k) / (2 * k) + edge**2 * (0.2 + np.sinh(0.4 * q) / (2 * q))
)  # of what follows, squared
size = float(1 / np.sqrt(square))
state = Piecewise((sin(k * (1 + x)), x < -half), (edge * cosh(q * x), x <= half), (sin(k * (1 - x)), True))

# piece by piece: quadrature is exact only where psi is smooth, and psi_xx jumps with V
probability = sum(Integral(psi(x) ** 2, (x, *ends)) for ends in ((-1, -half), (-half, half), (half, 1)))
problem = Problem(
    "quantum_well_barrier",
    equations=[Eq(-psi(x).diff(x, 2) + V * psi(x), E * psi(x))],
    domain=[(x, -1, 1)],
    conditions=[Eq(psi(-1), 0), Eq(psi(1), 0), Eq(probability, 1)],
    reference={psi: size * state},
)
