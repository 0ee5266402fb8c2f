"""Fast advection round a ring with a little diffusion: nearly five turns.

u_t + 30 u_x = nu u_xx on [0, 2 pi] x [0, 1], nu = 0.01, periodic in x; u(x, 0) = sin(x).
Source: Mojgani, Balajewicz and Hassanzadeh 2022, nu = 0.01; their speeds go from 0 to 70, this one is that of the
problem `convection`.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, exp, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
c, nu = 30, Rational(1, 100)

problem = Problem(
    "convection_diffusion",
    equations=[Eq(u(x, t).diff(t) + c * u(x, t).diff(x), nu * u(x, t).diff(x, 2))],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, 1),
    conditions=[Eq(u(x, 0), sin(x)), Periodic(x)],
    reference={u: exp(-nu * t) * sin(x - c * t)},
)
