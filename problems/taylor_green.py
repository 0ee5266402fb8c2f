"""A Taylor-Green vortex that decays in a box with slippery walls, at Re 100.

u_t + u u_x + v u_y + p_x = nu (u_xx + u_yy), likewise v, and u_x + v_y = 0 on [0, 1]^2 x [0, 2], nu = 1/100; no flow
through the walls and no shear on them, p = 0 in the middle; at t = 0 u = sin(pi x) cos(pi y), v = -cos(pi x) sin(pi y).
Source: Taylor and Green 1937; the exact solution decays like exp(-2 pi^2 nu t).  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, cos, exp, pi, sin, symbols

from pinnsolver import Problem

x, y, t = symbols("x y t")
U, V, P = (Function(name) for name in "uvp")
u, v, p = U(x, y, t), V(x, y, t), P(x, y, t)
nu, half = Rational(1, 100), Rational(1, 2)
decay = exp(-2 * pi**2 * nu * t)


def carried(f):
    """Return the rate of f along the flow less its diffusion."""
    return f.diff(t) + u * f.diff(x) + v * f.diff(y) - nu * (f.diff(x, 2) + f.diff(y, 2))


problem = Problem(
    "taylor_green",
    equations=[
        Eq(carried(u) + p.diff(x), 0),
        Eq(carried(v) + p.diff(y), 0),
        Eq(u.diff(x) + v.diff(y), 0),
    ],
    domain=[(x, 0, 1), (y, 0, 1)],
    time=(t, 0, 2),
    conditions=[
        Eq(U(x, y, 0), sin(pi * x) * cos(pi * y)),
        Eq(V(x, y, 0), -cos(pi * x) * sin(pi * y)),
        *[Eq(U(end, y, t), 0) for end in (0, 1)],
        *[Eq(V(x, end, t), 0) for end in (0, 1)],
        *[Eq(u.diff(y).subs(y, end), 0) for end in (0, 1)],
        *[Eq(v.diff(x).subs(x, end), 0) for end in (0, 1)],
        Eq(P(half, half, t), 0),
    ],
    reference={
        U: sin(pi * x) * cos(pi * y) * decay,
        V: -cos(pi * x) * sin(pi * y) * decay,
        P: (cos(2 * pi * x) + cos(2 * pi * y) + 2) / 4 * decay**2,
    },
)
