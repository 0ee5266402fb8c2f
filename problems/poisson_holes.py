"""Laplace equation on a square with four round holes.

u_xx + u_yy = 0 on [-0.5, 0.5]^2 without four disks of radius 0.1 at (+-0.3, +-0.3); u = 1 on the square's
sides, u = 0 on the holes.
Source: PINNacle (Hao et al. 2023), Poisson2d-C; reference by a series of multipoles, confirmed by finite
elements (tests/references).  Dimensionless.
Measured: relative L2 error u 1.6e-04 in 60 s (689 steps, seed 0, two cores).
"""

from sympy import Eq, Function, symbols

from pinnsolver import Disk, On, Problem, Rectangle

x, y = symbols("x y")
u = Function("u")
domain = square = Rectangle((x, y), (-0.5, -0.5), (0.5, 0.5), name="square")
holes = [
    Disk((x, y), (0.3, 0.3), 0.1, name="upper right"),
    Disk((x, y), (-0.3, 0.3), 0.1, name="upper left"),
    Disk((x, y), (-0.3, -0.3), 0.1, name="lower left"),
    Disk((x, y), (0.3, -0.3), 0.1, name="lower right"),
]
for hole in holes:
    domain = domain - hole

problem = Problem(
    "poisson_holes",
    equations=[Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), 0)],
    domain=domain,
    conditions=[
        On("square", Eq(u(x, y), 1)),
        *[On(hole.boundary, Eq(u(x, y), 0)) for hole in holes],
    ],
    reference={u: "data/poisson_holes.npz"},
)
