"""Infinite quantum well: the ground state and its energy.

-psi_xx = E psi on [0, 1], E unknown; zero at both walls, psi^2 integrates to 1.
psi is determined up to its sign.
True value: E = pi**2
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and the width are 1.
Measured: relative L2 error psi 6.4e-10; E = 9.869604399 in 3 s (200 steps, seed 1, one core).
"""

from sympy import Eq, Function, Integral, pi, sin, sqrt, symbols

from pinnsolver import Problem, Unknown

x = symbols("x")
psi = Function("psi")
E = Unknown("E", start=8, low=0)

problem = Problem(
    "eigenvalue_well",
    equations=[Eq(-psi(x).diff(x, 2), E * psi(x))],
    domain=[(x, 0, 1)],
    conditions=[
        Eq(psi(0), 0),
        Eq(psi(1), 0),
        Eq(Integral(psi(x) ** 2, (x, 0, 1)), 1),
    ],
    reference={psi: sqrt(2) * sin(pi * x)},
)
