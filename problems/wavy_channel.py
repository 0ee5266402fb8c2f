"""Flow through a channel with six waves in its walls, at Re 100, in coordinates that make the walls straight.

u u_x + v u_y + p_x = nu (u_xx + u_yy), likewise v, and u_x + v_y = 0 for 0 <= x <= 1, |y| <= R(x), nu = 1e-3,
R = 0.05 + 0.005 cos(12 pi x); u = 1 - (y / R)^2, v = 0 at the inlet x = 0, no slip on the walls, nu u_x = p and v_x = 0
at the outlet.  The fields are functions of x and eta = y / R(x).
Source: the sinusoidal pipe of data-free flow papers (length 1, radius 0.05, amplitude 0.005, six waves, Re 100); that it
starts at a crest and its conditions at both ends are ours.  Reference: finite elements (tests/references), converged
to 1e-4 in u and p and to 1e-3 in v.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, cos, pi, symbols

from pinnsolver import Problem

x, eta = symbols("x eta")
u, v, p = (Function(name)(x, eta) for name in "uvp")
nu = Rational(1, 1000)
R = Rational(1, 20) + cos(12 * pi * x) / 200


def along(f):
    """Return the derivative by x at fixed y."""
    return f.diff(x) - eta * R.diff(x) / R * f.diff(eta)


def across(f):
    """Return the derivative by y at fixed x."""
    return f.diff(eta) / R


def transported(f):
    """Return the transport of f less its diffusion."""
    return u * along(f) + v * across(f) - nu * (along(along(f)) + across(across(f)))


problem = Problem(
    "wavy_channel",
    equations=[
        Eq(transported(u) + along(p), 0),
        Eq(transported(v) + across(p), 0),
        Eq(along(u) + across(v), 0),
    ],
    domain=[(x, 0, 1), (eta, -1, 1)],
    conditions=[
        Eq(u.subs(x, 0), 1 - eta**2),
        Eq(v.subs(x, 0), 0),
        *[Eq(f.subs(eta, wall), 0) for f in (u, v) for wall in (-1, 1)],
        Eq(nu * u.diff(x).subs(x, 1) - p.subs(x, 1), 0),  # R' = 0 there
        Eq(v.diff(x).subs(x, 1), 0),
    ],
    reference="data/wavy_channel.npz",
)
