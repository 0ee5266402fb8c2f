"""Infinite quantum well: the second state, asked for as orthogonal to the first.

-psi_xx = E psi on [0, 1], E unknown; zero at both walls, psi^2 integrates to 1, psi sin(pi x) integrates to 0.
psi is determined up to its sign.
True value: E = 4 * pi**2
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and the width are 1.
Measured: problems/README.md.
"""

from sympy import Eq, Function, Integral, pi, sin, sqrt, symbols

from pinnsolver import Problem, Unknown

x = symbols("x")
psi = Function("psi")
E = Unknown("E", start=30, low=0)

problem = Problem(
    "quantum_well_excited",
    equations=[Eq(-psi(x).diff(x, 2), E * psi(x))],
    domain=[(x, 0, 1)],
    conditions=[
        Eq(psi(0), 0),
        Eq(psi(1), 0),
        Eq(Integral(psi(x) ** 2, (x, 0, 1)), 1),
        Eq(Integral(psi(x) * sin(pi * x), (x, 0, 1)), 0),
    ],
    reference={psi: sqrt(2) * sin(2 * pi * x)},
)
