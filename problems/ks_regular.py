"""Kuramoto-Sivashinsky equation, regular: a sine wave breaks up into a pattern of cells.

u_t + 5 u u_x + 0.5 u_xx + 0.005 u_xxxx = 0 on [-1, 1] x [0, 1], periodic in x; u(x, 0) = -sin(pi x).
Source: Wang, Sankaran and Perdikaris 2022, section 4.3.  Reference: Fourier method with exponential Runge-Kutta steps
(tests/references), converged to 2e-9.  Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
advection, growth, damping = 5, Rational(1, 2), Rational(5, 1000)

problem = Problem(
    "ks_regular",
    equations=[
        Eq(
            u(x, t).diff(t)
            + advection * u(x, t) * u(x, t).diff(x)
            + growth * u(x, t).diff(x, 2)
            + damping * u(x, t).diff(x, 4),
            0,
        )
    ],
    domain=[(x, -1, 1)],
    time=(t, 0, 1),
    conditions=[Eq(u(x, 0), -sin(pi * x)), Periodic(x)],
    reference={u: "data/ks_regular.npz"},
)
