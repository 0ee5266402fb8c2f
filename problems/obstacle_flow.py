"""Flow past a round obstacle in a channel, at Re 20: two steady eddies behind it.

u u_x + v u_y + p_x = (u_xx + u_yy) / Re, likewise v, and u_x + v_y = 0 on [0, 22] x [0, 4.1] without the disk of diameter
1 at (2, 2); u = 6 y (4.1 - y) / 4.1^2, v = 0 at the inlet x = 0, no slip on walls and obstacle, u_x / Re = p and
v_x = 0 at the outlet.
Source: Schaefer and Turek 1996, benchmark 2D-1; lengths in diameters, speeds in the mean one.  Reference: finite
elements (tests/references), converged to 2e-4, with the published difference of pressures.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, symbols

from pinnsolver import Disk, On, Problem, Rectangle

x, y = symbols("x y")
u, v, p = (Function(name)(x, y) for name in "uvp")
nu, height = Rational(1, 20), 4.1
channel = Rectangle((x, y), (0, 0), (22, height), name="channel")
obstacle = Disk((x, y), (2, 2), 0.5, name="obstacle")


def transported(f):
    """Return the transport of f less its diffusion."""
    return u * f.diff(x) + v * f.diff(y) - nu * (f.diff(x, 2) + f.diff(y, 2))


problem = Problem(
    "obstacle_flow",
    equations=[
        Eq(transported(u) + p.diff(x), 0),
        Eq(transported(v) + p.diff(y), 0),
        Eq(u.diff(x) + v.diff(y), 0),
    ],
    domain=channel - obstacle,
    conditions=[
        On("channel", Eq(u, 6 * y * (height - y) / height**2), Eq(v, 0), where=x < 22 - 1e-6),
        On("channel", Eq(nu * u.diff(x) - p, 0), Eq(v.diff(x), 0), where=x > 22 - 1e-6),
        On("obstacle", Eq(u, 0), Eq(v, 0)),
    ],
    reference="data/obstacle_flow.npz",
)
