"""Poisson equation on an L-shape: the slope is infinite at the re-entrant corner.

-(u_xx + u_yy) = 1 on [-1, 1]^2 without [0, 1]^2, zero on the boundary; u ~ r^(2/3) at the corner (0, 0).
Source: DeepXDE's example; reference by a series of corner functions, confirmed by finite elements
(tests/references).  Dimensionless.
Measured: relative L2 error u 1.0e-03 in 60 s (663 steps, seed 0, two cores).
"""

from sympy import Eq, Function, symbols

from pinnsolver import On, Polygon, Problem

x, y = symbols("x y")
u = Function("u")
domain = Polygon((x, y), [(0, 0), (0, 1), (-1, 1), (-1, -1), (1, -1), (1, 0)])

problem = Problem(
    "poisson_lshape",
    equations=[Eq(-u(x, y).diff(x, 2) - u(x, y).diff(y, 2), 1)],
    domain=domain,
    conditions=[On(domain.boundary, Eq(u(x, y), 0))],
    reference={u: "data/poisson_lshape.npz"},
)
