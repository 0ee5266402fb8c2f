"""Independent solvers behind the reference tables of problems/; none of them is needed to run a problem.

Each table is computed by the most accurate route at hand and confirmed by a second one that shares no
code with it: a series of harmonic functions by finite elements, a quadrature by a spectral method.
"""
