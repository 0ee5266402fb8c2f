"""Kuramoto-Sivashinsky equation, chaotic: the onset, from two waves to chaos.

u_t + (100/16) u u_x + (100/16^2) u_xx + (100/16^4) u_xxxx = 0 on [0, 2 pi] x [0, 0.5], periodic in x;
u(x, 0) = cos(x) (1 + sin(x)).  The problem `ks_chaotic` goes on from t = 0.5.
Source: Wang, Sankaran and Perdikaris 2022, section 4.3.  Reference: Fourier method with exponential Runge-Kutta steps
(tests/references), converged to 4e-10.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, cos, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
advection, growth, damping = (Rational(100, 16**n) for n in (1, 2, 4))

problem = Problem(
    "ks_onset",
    equations=[
        Eq(
            u(x, t).diff(t)
            + advection * u(x, t) * u(x, t).diff(x)
            + growth * u(x, t).diff(x, 2)
            + damping * u(x, t).diff(x, 4),
            0,
        )
    ],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, Rational(1, 2)),
    conditions=[Eq(u(x, 0), cos(x) * (1 + sin(x))), Periodic(x)],
    reference={u: "data/ks_onset.npz"},
)
