"""Lid-driven cavity at Re 100: a closed box whose lid moves.

u u_x + v u_y + p_x = nu (u_xx + u_yy), u v_x + v v_y + p_y = nu (v_xx + v_yy), u_x + v_y = 0 on [0, 1]^2, nu = 1/100;
u = 4 x (1 - x), v = 0 on the lid y = 1, no slip on the other walls, p(0, 0) = 0.
Source: PINNacle (Hao et al. 2023), NS2d-C.  Reference: finite elements (tests/references), converged to 1e-5 in the
velocity and to 5e-4 in the pressure, which is singular at the lid's ends.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, symbols

from pinnsolver import Problem

x, y = symbols("x y")
u, v, p = (Function(name)(x, y) for name in "uvp")
nu = Rational(1, 100)


def transported(f):
    """Return the transport of f less its diffusion."""
    return u * f.diff(x) + v * f.diff(y) - nu * (f.diff(x, 2) + f.diff(y, 2))


problem = Problem(
    "cavity",
    equations=[
        Eq(transported(u) + p.diff(x), 0),
        Eq(transported(v) + p.diff(y), 0),
        Eq(u.diff(x) + v.diff(y), 0),
    ],
    domain=[(x, 0, 1), (y, 0, 1)],
    conditions=[
        Eq(u.subs(y, 1), 4 * x * (1 - x)),
        Eq(v.subs(y, 1), 0),
        *[Eq(f.subs(side, end), 0) for f in (u, v) for side, end in ((x, 0), (x, 1), (y, 0))],
        Eq(p.subs({x: 0, y: 0}), 0),
    ],
    reference="data/cavity.npz",
)
