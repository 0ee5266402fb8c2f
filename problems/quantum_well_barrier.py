"""Quantum well with a barrier in its middle: the ground state and its energy, matched at the barrier's edge.

-psi_xx + V psi = E psi for |x| <= 1, E unknown, V = 20 for |x| < 0.2 and 0 beyond; psi is even, zero at both ends, and psi^2
integrates to 1.  `inner` is psi at x = s / 5, `outer` at x = (1 + 4 s) / 5, 0 <= s <= 1: each is smooth, and at the edge,
where V and psi_xx jump, value and slope agree.  E < 20, A = psi(0) > 0 and B = psi(0.2) > 0 ask for the state without a
node.
True value: E = 7.718698183708
True value: A = 0.5870389778358
True value: B = 0.7372314351509
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and half the width are 1.  Within the barrier
psi is a hyperbolic cosine of q x, beyond it a sine of k (1 - |x|), where q tanh(q / 5) = -k / tan(4 k / 5), k^2 = E,
q^2 = 20 - E.
Measured: problems/README.md.
"""

import numpy as np
from scipy.optimize import brentq
from sympy import Eq, Function, Integral, cosh, sin, symbols

from pinnsolver import Problem, Unknown

s = symbols("s")
inner, outer = Function("inner"), Function("outer")
E = Unknown("E", start=5, low=0, high=20)
A, B = Unknown("A", start=1, low=0), Unknown("B", start=1, low=0)
height, a, b = 20, 0.2, 0.8  # a and b: widths of half the barrier and of what lies beside it


def mismatch(k):
    """Return what the slopes at the edge lack of agreeing, for the wave number k beyond the barrier."""
    q = np.sqrt(height - k**2)
    return q * np.tanh(q * a) * np.sin(b * k) + k * np.cos(b * k)


k = float(brentq(mismatch, np.pi / (2 * b), np.pi / b, xtol=1e-15))
q = float(np.sqrt(height - k**2))
edge = float(np.sin(b * k) / np.cosh(a * q))
size = float((b - np.sin(2 * b * k) / (2 * k) + edge**2 * (a + np.sinh(2 * a * q) / (2 * q))) ** -0.5)

problem = Problem(
    "quantum_well_barrier",
    equations=[
        Eq(-inner(s).diff(s, 2) / a**2 + height * inner(s), E * inner(s)),
        Eq(-outer(s).diff(s, 2) / b**2, E * outer(s)),
    ],
    domain=[(s, 0, 1)],
    conditions=[
        Eq(inner(0), A),
        Eq(inner(s).diff(s).subs(s, 0), 0),
        Eq(inner(1), B),
        Eq(outer(0), B),
        Eq(inner(s).diff(s).subs(s, 1) / a, outer(s).diff(s).subs(s, 0) / b),
        Eq(outer(1), 0),
        Eq(2 * a * Integral(inner(s) ** 2, (s, 0, 1)) + 2 * b * Integral(outer(s) ** 2, (s, 0, 1)), 1),
    ],
    reference={inner: size * edge * cosh(q * a * s), outer: size * sin(k * b * (1 - s))},
)
