"""Decaying turbulence on a periodic square, at Re 100: eddies wind each other up.

w_t + psi_y w_x - psi_x w_y = (w_xx + w_yy) / 100, psi_xx + psi_yy = -w on [0, 2 pi]^2 x [0, 1], periodic; w at t = 0 is a
sum of eight waves, psi(pi, pi, t) = 0.  w is the vorticity, psi the stream function: the velocity (psi_y, -psi_x), whose
root mean square is 0.97 at t = 0, has no divergence.
Source: Wang, Sankaran and Perdikaris 2022, section 4.4 (Re 100, T = 1, there from a random state in velocity and
vorticity); the waves are ours.  Reference: Fourier method with 192^2 modes (tests/references), converged to 4e-8.
Dimensionless.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Rational, cos, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, y, t = symbols("x y t")
Psi, W = Function("psi"), Function("w")
psi, w = Psi(x, y, t), W(x, y, t)
nu = Rational(1, 100)
waves = [  # kx, ky, amplitudes of the cosine and of the sine, in halves
    *[(1, 2, 3, 1), (2, -1, 2, -2), (3, 1, -3, 2), (1, -3, 2, 3)],
    *[(2, 3, -2, 2), (4, -1, 2, -1), (3, -3, 1, 2), (0, 4, 2, 1)],
]
start = sum(a * cos(k * x + m * y) + b * sin(k * x + m * y) for k, m, a, b in waves) / 2

problem = Problem(
    "turbulence",
    equations=[
        Eq(
            w.diff(t) + psi.diff(y) * w.diff(x) - psi.diff(x) * w.diff(y),
            nu * (w.diff(x, 2) + w.diff(y, 2)),
        ),
        Eq(psi.diff(x, 2) + psi.diff(y, 2), -w),
    ],
    domain=[(x, 0, 2 * pi), (y, 0, 2 * pi)],
    time=(t, 0, 1),
    conditions=[Eq(W(x, y, 0), start), Eq(Psi(pi, pi, t), 0), Periodic(x), Periodic(y)],
    reference="data/turbulence.npz",
)
