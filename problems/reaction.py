"""Reaction without diffusion: a bump grows into a plateau, on which a plain network fails.

u_t = 5 u (1 - u) on [0, 2 pi] x [0, 1]; u(x, 0) = exp(-(x - pi)^2 / (2 (pi / 4)^2)), equal values at both ends.
Source: Krishnapriyan et al. 2021, rho = 5; the solution is the logistic curve at each x.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, exp, pi, symbols

from pinnsolver import Problem

x, t = symbols("x t")
u = Function("u")
rho = 5
bump = exp(-((x - pi) ** 2) / (2 * (pi / 4) ** 2))

problem = Problem(
    "reaction",
    equations=[Eq(u(x, t).diff(t), rho * u(x, t) * (1 - u(x, t)))],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, 1),
    conditions=[
        Eq(u(x, 0), bump),
        Eq(u(0, t), u(2 * pi, t)),  # not the slopes: the bump's differ in sign
    ],
    reference={u: bump / (bump + (1 - bump) * exp(-rho * t))},
)
