"""Advection round a ring at speed 50: eight turns.

u_t + 50 u_x = 0 on [0, 2 pi] x [0, 1], periodic in x; u(x, 0) = sin(x).
Source: Krishnapriyan et al. 2021; Mojgani, Balajewicz and Hassanzadeh 2022 go up to a speed of 70.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
c = 50

problem = Problem(
    "convection_50",
    equations=[Eq(u(x, t).diff(t) + c * u(x, t).diff(x), 0)],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, 1),
    conditions=[Eq(u(x, 0), sin(x)), Periodic(x)],
    reference={u: sin(x - c * t)},
)
