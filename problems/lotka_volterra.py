"""Lotka-Volterra equations: prey u and predators v chase each other round a closed orbit.

u' = (2/3) u - (4/3) u v, v' = u v - v for 0 <= t <= 10, somewhat more than one round; u(0) = v(0) = 1.
Source: Lotka 1925, Volterra 1926; reference by an ODE solver of order 8 at rtol 1e-13.  Dimensionless.
Measured: relative L2 error u 4.0e-08, v 4.2e-08 in 6 s (956 of 1500 steps in eight windows of time, seed 1, one core).
"""

import numpy as np
from scipy.integrate import solve_ivp
from sympy import Eq, Function, Rational, symbols

from pinnsolver import Problem

t = symbols("t")
u, v = Function("u"), Function("v")
growth, loss = Rational(2, 3), Rational(4, 3)


def orbit(component):
    """Return a numpy callable of t for one component, from the solver's dense output."""

    def slope(_, state):
        prey, predators = state
        return 2 / 3 * prey - 4 / 3 * prey * predators, prey * predators - predators

    dense = solve_ivp(slope, (0, 10), (1, 1), "DOP853", rtol=1e-13, atol=1e-14, dense_output=True).sol
    return lambda t: dense(np.ravel(t))[component].reshape(np.shape(t))


problem = Problem(
    "lotka_volterra",
    equations=[
        Eq(u(t).diff(t), growth * u(t) - loss * u(t) * v(t)),
        Eq(v(t).diff(t), u(t) * v(t) - v(t)),
    ],
    domain=[],
    time=(t, 0, 10),
    conditions=[Eq(u(0), 1), Eq(v(0), 1)],
    reference={u: orbit(0), v: orbit(1)},
)
