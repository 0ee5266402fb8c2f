"""A kink in the periodic extension of an initial function, spread by the equation's own diffusion.

Where u_t = nu u_xx + ..., a slope that jumps by J at the seam x = a = b of a period is smoothed for t > 0. Added to the
initial function,

    D(d, t) = (J / 2) (s exp(-(d / s)^2) / sqrt(pi) - d erfc(d / s)),   s = 2 sqrt(nu (t - t0)),

with d the distance to either end solves D_t = nu D_dd (Carslaw and Jaeger 1959, section 2.4, the first integral of erfc),
vanishes at t0, and makes value, slope and curvature of the sum the same at both ends. So the condition can be
built in: what is left for the network to find is smooth.
"""

from __future__ import annotations

import sympy
from sympy import Expr

from pinnsolver.declare import CheckedProblem, Coordinate, Field

START = sympy.Rational(1, 10**20)  # of the horizon, in place of zero: s must not vanish


def diffusivity(checked: CheckedProblem, field: Field, coordinate: Coordinate) -> Expr | None:
    """Return nu of u_t = nu u_xx + ..., u_xx by one coordinate; None where there is no such constant."""
    time = checked.time
    if time is None:
        return None
    names = [c.name for c in checked.coordinates]
    column, row = names.index(coordinate.name), names.index(time.name)
    if checked.highest_orders(field.name)[column] != 2 or checked.highest_orders(field.name)[row] != 1:
        return None
    found = []
    for equation in checked.equations:
        slopes = {}
        for value in equation.residual.values:
            if value.field == field.name and not value.pins and sum(value.orders) == max(value.orders):
                slopes[value.orders] = equation.residual.expr.diff(value.symbol)
        by_time = tuple(int(i == row) for i in range(len(names)))
        by_space = tuple(2 * int(i == column) for i in range(len(names)))
        if by_time in slopes:
            found.append((slopes[by_time], slopes.get(by_space)))
    if len(found) != 1 or found[0][1] is None:
        return None
    nu = sympy.simplify(-found[0][1] / found[0][0])
    return nu if nu.is_number and nu.is_positive else None


def diffused_kink(initial: Expr, coordinate: Coordinate, time: Coordinate, nu: Expr) -> Expr:
    """Return what to add to an initial function, in the problem's coordinates."""
    x = coordinate.symbol
    ends = (coordinate.low_exact, coordinate.high_exact)
    slope = initial.diff(x)
    jump = slope.subs(x, ends[0]) - slope.subs(x, ends[1])
    s = 2 * sympy.sqrt(nu * (time.symbol - time.low_exact + START * time.length))
    total = sympy.S.Zero
    for distance in (x - ends[0], ends[1] - x):
        z = distance / s
        total += jump / 2 * (s * sympy.exp(-(z**2)) / sympy.sqrt(sympy.pi) - distance * sympy.erfc(z))
    return total
