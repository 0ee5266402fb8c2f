"""Kuramoto-Sivashinsky equation, chaotic: from a state that is chaotic already.

u_t + (100/16) u u_x + (100/16^2) u_xx + (100/16^4) u_xxxx = 0 on [0, 2 pi] x [0.5, 1], periodic in x; u(x, 0.5) is
what cos(x) (1 + sin(x)) has become since t = 0, cut to 64 waves with six decimals each: 5e-5 off the true orbit at the
end.
Source: Wang, Sankaran and Perdikaris 2022, section 4.3, the same window.  Reference: Fourier method with exponential
Runge-Kutta steps (tests/references) from that very series, converged to 2e-8.  Dimensionless.
Measured: problems/README.md.
"""

from pathlib import Path

import numpy as np
from sympy import Eq, Function, Rational, cos, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
advection, growth, damping = (Rational(100, 16**n) for n in (1, 2, 4))
waves = np.loadtxt(Path(__file__).parent / "data" / "ks_chaotic_start.csv", delimiter=",", skiprows=1)
start = sum(float(a) * cos(int(k) * x) + float(b) * sin(int(k) * x) for k, a, b in waves)

problem = Problem(
    "ks_chaotic",
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
    time=(t, Rational(1, 2), 1),
    conditions=[Eq(u(x, Rational(1, 2)), start), Periodic(x)],
    reference={u: "data/ks_chaotic.npz"},
)
