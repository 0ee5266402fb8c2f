"""Classical solvers of a declaration, made from its sympy: splines, time steps, ODE solvers, finite elements."""
