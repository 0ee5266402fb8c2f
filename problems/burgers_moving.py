"""Viscous Burgers equation on a ring: a sine wave steepens into a shock while it is carried along.

u_t + u u_x = 0.01 u_xx on [0, 2 pi] x [0, 1], periodic in x; u(x, 0) = 10 + sin(x).  Without diffusion the
characteristics would cross at t = 1; the wave travels 1.6 turns until then.
Source: Mojgani, Balajewicz and Hassanzadeh 2022, u(x, 0) = C + sin(x), nu = 0.01; C = 10 is ours.  Exact solution by
Cole and Hopf in the frame that moves at C, confirmed by a spectral method (tests/references).  Dimensionless.
Measured: problems/README.md.
"""

import numpy as np
from scipy.special import roots_hermite
from sympy import Eq, Function, Rational, pi, sin, symbols

from pinnsolver import Periodic, Problem

x, t = symbols("x t")
u = Function("u")
C, nu = 10, Rational(1, 100)


def cole_hopf(x, t):
    """Return C + E[sin(y) f(y)] / E[f(y)], f(y) = exp(cos(y) / (2 nu)), y = x - C t - sqrt(4 nu t) s.

    The mean E over s has the weight exp(-s**2): Gauss-Hermite quadrature.
    """
    nodes, weights = roots_hermite(100)
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    points = np.stack([x.ravel(), t.ravel()])
    values = []
    for px, pt in np.array_split(points, points.shape[1] // 4096 + 1, axis=1):
        y = (px - 10 * pt)[:, None] - np.sqrt(4 * 0.01 * pt)[:, None] * nodes  # (n, 1) - (n, 1) * (nodes)
        f = weights * np.exp((np.cos(y) - 1) / (2 * 0.01))  # the 1 cancels; it avoids overflow
        values.append(10 + (np.sin(y) * f).sum(axis=1) / f.sum(axis=1))
    return np.concatenate(values).reshape(x.shape)


problem = Problem(
    "burgers_moving",
    equations=[Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), nu * u(x, t).diff(x, 2))],
    domain=[(x, 0, 2 * pi)],
    time=(t, 0, 1),
    conditions=[Eq(u(x, 0), C + sin(x)), Periodic(x)],
    reference={u: cole_hopf},
)
