"""Infinite quantum well: two states at once, each with its energy, orthogonal to each other.

-psi_xx = E psi on [0, 1] for (psi1, E1) and (psi2, E2); zero at both walls, psi1^2 and psi2^2 integrate to 1, psi1 psi2 to 0.
Each state is determined up to its sign.  The starts of E1 and E2 say which state is which.
True value: E1 = pi**2
True value: E2 = 4 * pi**2
Source: any textbook of quantum mechanics; units in which hbar^2 / (2 m) and the width are 1.
Measured: relative L2 errors psi1 2.7e-10, psi2 6.0e-10; 300 steps, seed 0, one thread.
"""

from sympy import Eq, Function, Integral, pi, sin, sqrt, symbols

from pinnsolver import Problem, Unknown

x = symbols("x")
psi1, psi2 = Function("psi1"), Function("psi2")
E1, E2 = Unknown("E1", start=8, low=0), Unknown("E2", start=30, low=0)

problem = Problem(
    "quantum_well_pair",
    equations=[
        Eq(-psi1(x).diff(x, 2), E1 * psi1(x)),
        Eq(-psi2(x).diff(x, 2), E2 * psi2(x)),
    ],
    domain=[(x, 0, 1)],
    conditions=[
        *[Eq(psi(wall), 0) for psi in (psi1, psi2) for wall in (0, 1)],
        *[Eq(Integral(psi(x) ** 2, (x, 0, 1)), 1) for psi in (psi1, psi2)],
        Eq(Integral(psi1(x) * psi2(x), (x, 0, 1)), 0),
    ],
    reference={psi1: sqrt(2) * sin(pi * x), psi2: sqrt(2) * sin(2 * pi * x)},
)
