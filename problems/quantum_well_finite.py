"""Finite quantum well in a box: the ground state and its energy, matched at the well's edge.

-psi_xx + V psi = E psi for |x| <= 2, E unknown, V = 0 for |x| < 1 and 20 beyond; psi is even, zero at both ends, and psi^2
integrates to 1.  `inner` is psi at x = s, `outer` at x = 1 + s, 0 <= s <= 1: each is smooth, and at the edge, where V and
psi_xx jump, value and slope agree.  E < 20, A = psi(0) > 0 and B = psi(1) > 0 ask for the state without a node.
True value: E = 1.6396962918478
True value: A = 0.9004837403047
True value: B = 0.2577456087376
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and half the well's width are 1.  Inside psi
is a cosine of k x, outside a hyperbolic sine of q (2 - |x|), where k tan k = q / tanh q, k^2 = E, q^2 = 20 - E.
Measured: problems/README.md.
"""

import numpy as np
from scipy.optimize import brentq
from sympy import Eq, Function, Integral, cos, sinh, symbols

from pinnsolver import Problem, Unknown

s = symbols("s")
inner, outer = Function("inner"), Function("outer")
E = Unknown("E", start=1, low=0, high=20)
A, B = Unknown("A", start=1, low=0), Unknown("B", start=1, low=0)
height = 20


def mismatch(k):
    """Return what the slopes at the edge lack of agreeing, for the wave number k inside."""
    q = np.sqrt(height - k**2)
    return k * np.sin(k) - q * np.cos(k) / np.tanh(q)


k = float(brentq(mismatch, 0.1, np.pi / 2, xtol=1e-15))
q = float(np.sqrt(height - k**2))
edge = float(np.cos(k) / np.sinh(q))
size = (1 + np.sin(2 * k) / (2 * k) + edge**2 * (np.sinh(2 * q) / (2 * q) - 1)) ** -0.5

problem = Problem(
    "quantum_well_finite",
    equations=[
        Eq(-inner(s).diff(s, 2), E * inner(s)),
        Eq(-outer(s).diff(s, 2) + height * outer(s), E * outer(s)),
    ],
    domain=[(s, 0, 1)],
    conditions=[
        Eq(inner(0), A),
        Eq(inner(s).diff(s).subs(s, 0), 0),
        Eq(inner(1), B),
        Eq(outer(0), B),
        Eq(inner(s).diff(s).subs(s, 1), outer(s).diff(s).subs(s, 0)),
        Eq(outer(1), 0),
        Eq(2 * Integral(inner(s) ** 2, (s, 0, 1)) + 2 * Integral(outer(s) ** 2, (s, 0, 1)), 1),
    ],
    reference={inner: float(size) * cos(k * s), outer: float(size) * edge * sinh(q * (1 - s))},
)
