"""Allen-Cahn equation: phases separate behind thin fronts.

u_t = 1e-4 u_xx - 5 u^3 + 5 u on [-1, 1] x [0, 1], periodic in x; u(x, 0) = x^2 cos(pi x), whose periodic extension
has a kink at x = +-1.
Source: Raissi et al. 2019; Wang, Sankaran, Perdikaris 2022.  Reference: Fourier method with 8192 modes
(tests/references), converged to 2e-8.  Dimensionless.
Measured: relative L2 error u 3.5e-06 in 30 s (810 steps, seed 0, one core).
"""

from sympy import Eq, Function, cos, pi, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")

problem = Problem(
    "allen_cahn",
    equations=[Eq(u(x, t).diff(t), u(x, t).diff(x, 2) / 10**4 - 5 * u(x, t) ** 3 + 5 * u(x, t))],
    domain=[(x, -1, 1)],
    time=(t, 0, 1),
    conditions=[Eq(u(x, 0), x**2 * cos(pi * x)), Periodic(x)],
    reference={u: "data/allen_cahn.npz"},
)
