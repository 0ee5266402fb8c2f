"""Inviscid Burgers equation on a ring, up to nine tenths of the time at which its characteristics cross.

u_t + u u_x = 0 on [0, 2 pi] x [0, 0.9], periodic in x; u(x, 0) = 10 + sin(x).  The steepest slope grows like
1 / (1 - t): from 1 to 10.
Source: Mojgani, Balajewicz and Hassanzadeh 2022, u(x, 0) = C + sin(x); C = 10 is ours.  Exact solution by
characteristics.  Dimensionless.
Measured: problems/README.md.
"""

import numpy as np
from sympy import Eq, Function, Rational, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
C = 10


def characteristics(x, t):
    """Return C + sin(xi), where xi + t sin(xi) = x - C t, by Newton's method.

    The misfit rises, and bends like -sin(xi): from xi = 0 the iteration is monotone.
    """
    y = np.angle(np.exp(1j * (np.asarray(x, float) - 10 * np.asarray(t, float))))  # into (-pi, pi]
    xi = np.zeros_like(y)
    for _ in range(30):
        xi = xi - (xi + t * np.sin(xi) - y) / (1 + t * np.cos(xi))
    return 10 + np.sin(xi)


problem = Problem(
    "burgers_inviscid",
    equations=[Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), 0)],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, Rational(9, 10)),
    conditions=[Eq(u(x, 0), C + sin(x)), Periodic(x)],
    reference={u: characteristics},
)
