"""Lorenz' equations: a chaotic orbit, on which an early error grows ten million times.

x' = 10 (y - x), y' = x (28 - z) - y, z' = x y - 8 z / 3 for 0 <= t <= 20; x = y = z = 1 at t = 0.
Source: Lorenz 1963; Wang, Sankaran and Perdikaris 2022, section 4.2.  Reference by an ODE solver of order 8 at rtol
1e-13, confirmed to 1e-9 by Taylor series in extended precision (tests/references).  Dimensionless.
Measured: problems/README.md.
"""

from functools import cache

import numpy as np
from scipy.integrate import solve_ivp
from sympy import Eq, Function, Rational, symbols

from pinnsolver import Problem

t = symbols("t")
x, y, z = Function("x"), Function("y"), Function("z")
sigma, rho, beta = 10, 28, Rational(8, 3)


@cache
def orbit():
    """Return the solver's dense output, a callable of (n,) times with values (3, n)."""

    def slope(_, state):
        x, y, z = state
        return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z

    return solve_ivp(slope, (0, 20), (1, 1, 1), "DOP853", rtol=1e-13, atol=1e-13, dense_output=True).sol


def component(k):
    """Return a numpy callable of t."""
    return lambda t: orbit()(np.ravel(t))[k].reshape(np.shape(t))


problem = Problem(
    "lorenz",
    equations=[
        Eq(x(t).diff(t), sigma * (y(t) - x(t))),
        Eq(y(t).diff(t), x(t) * (rho - z(t)) - y(t)),
        Eq(z(t).diff(t), x(t) * y(t) - beta * z(t)),
    ],
    domain=[],
    time=(t, 0, 20),
    conditions=[Eq(x(0), 1), Eq(y(0), 1), Eq(z(0), 1)],
    reference={x: component(0), y: component(1), z: component(2)},
)
