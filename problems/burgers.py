"""Viscous Burgers equation: a sine wave steepens into a shock.

u_t + u u_x = nu u_xx on [-1, 1] x [0, 1], nu = 0.01/pi; u(x, 0) = -sin(pi x), zero at both walls.
Source: Raissi, Perdikaris and Karniadakis 2019; exact solution by Cole and Hopf, as in Basdevant et al.
1986.  Dimensionless.
Measured: relative L2 error u 2.8e-06 in 60 s (752 steps, seed 0, two cores).
"""

import numpy as np
from scipy.special import roots_hermite
from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import Problem

x, t = symbols("x t")
u = Function("u")
nu = 0.01 / pi


def cole_hopf(x, t):
    """Return u = -E[sin(pi y) f(y)] / E[f(y)], f(y) = exp(-cos(pi y) / (2 pi nu)), y = x - sqrt(4 nu t) s.

    The mean E over s has the weight exp(-s**2): Gauss-Hermite quadrature.
    """
    nodes, weights = roots_hermite(100)
    nu = 0.01 / np.pi
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    points = np.stack([x.ravel(), t.ravel()])
    values = []
    for px, pt in np.array_split(points, points.shape[1] // 4096 + 1, axis=1):
        y = np.pi * (px[:, None] - np.sqrt(4 * nu * pt)[:, None] * nodes)  # (n, 1) - (n, 1) * (nodes)
        f = weights * np.exp(-(1 + np.cos(y)) / (2 * np.pi * nu))  # the 1 cancels; it avoids overflow
        values.append(-(np.sin(y) * f).sum(axis=1) / f.sum(axis=1))
    return np.concatenate(values).reshape(x.shape)


problem = Problem(
    "burgers",
    equations=[Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), nu * u(x, t).diff(x, 2))],
    domain=[(x, -1, 1)],
    time=(t, 0, 1),
    conditions=[
        Eq(u(x, 0), -sin(pi * x)),
        Eq(u(-1, t), 0),
        Eq(u(1, t), 0),
    ],
    reference={u: cole_hopf},
)
