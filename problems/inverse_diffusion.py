"""Inverse problem: the diffusion coefficient from 200 noisy measurements.

u_t = D u_xx on [0, 1] x [0, 1], D unknown; u(x, 0) = sin(pi x) + sin(2 pi x) / 2, zero at both ends.
The data carry Gaussian noise of 1 % of the field's root mean square.
True value: D = 0.15
Source: separation of variables; data by tests/references/inverse_data.py.  Dimensionless.
Measured: relative L2 error u 5.8e-05; D = 0.14998 in 21 s (536 steps, seed 0, two cores).
"""

from sympy import Eq, Function, Rational, exp, pi, sin, symbols

from pinnsolver import Observations, Problem, Unknown

x, t = symbols("x t")
u = Function("u")
D = Unknown("D", start=1, low=0)
true_D = Rational(15, 100)  # for scoring only


def mode(n):
    """Return the solution that starts as sin(n pi x), for the true coefficient."""
    return sin(n * pi * x) * exp(-true_D * (n * pi) ** 2 * t)


problem = Problem(
    "inverse_diffusion",
    equations=[Eq(u(x, t).diff(t), D * u(x, t).diff(x, 2))],
    domain=[(x, 0, 1)],
    time=(t, 0, 1),
    conditions=[
        Eq(u(x, 0), sin(pi * x) + sin(2 * pi * x) / 2),
        Eq(u(0, t), 0),
        Eq(u(1, t), 0),
    ],
    observations=[Observations(u(x, t), "data/inverse_diffusion.csv")],
    reference={u: mode(1) + mode(2) / 2},
)
