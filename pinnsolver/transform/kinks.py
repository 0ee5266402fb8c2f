"""A kink in the periodic extension of an initial function, spread by the equation's own diffusion.

Where u_t = nu u_xx + f(u), a slope that jumps by J at the seam x = a = b of a period is smoothed for t > 0. Added to the
initial function,

    D(d, t) = (J / 2) (s exp(-(d / s)^2) / sqrt(pi) - d erfc(d / s)),   s = 2 sqrt(nu (t - t0)),

with d the distance to either end solves D_t = nu D_dd (Carslaw and Jaeger 1959, section 2.4, the first integral of erfc),
vanishes at t0, and makes value and slope of the sum the same at both ends (and leaves the curvature so). So the condition
can be built in: what is left for the network to find is smooth. The reaction makes the kink grow or decay at the rate
c = f'(u) at the seam: to first order in t the sum is multiplied by 1 + sign(c) (1 - exp(-|c| (t - t0))), which is
exp(c (t - t0)) where it decays and stays below 2 where it grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Expr

from pinnsolver.declare import CheckedProblem, Coordinate, Field

START = sympy.Rational(
    1, 10**15
)  # of the horizon, in place of zero: s must not vanish, nor sink below float32


@dataclass(frozen=True)
class Spreading:
    """What an equation does to a kink at the seam of a period.

    Args:
        nu: diffusivity, in units of the coordinate squared by time.
        rate: growth at the seam, by time.
    """

    nu: Expr
    rate: Expr


def spreading(
    checked: CheckedProblem, field: Field, coordinate: Coordinate, initial: Expr
) -> Spreading | None:
    """Return how u_t = nu u_xx + f(u) spreads a kink of an initial function of one coordinate.

    None where there is no such equation: the diffusivity has to be a constant, and nothing may carry the kink away.
    """
    time = checked.time
    if time is None:
        return None
    names = [c.name for c in checked.coordinates]
    column, row = names.index(coordinate.name), names.index(time.name)
    if checked.highest_orders(field.name)[column] != 2 or checked.highest_orders(field.name)[row] != 1:
        return None
    by_time, by_space, by_slope = (
        tuple(n * int(i == k) for i in range(len(names))) for n, k in ((1, row), (2, column), (1, column))
    )
    found = []
    for equation in checked.equations:
        residual = equation.residual
        own = {v.orders: v.symbol for v in residual.values if v.field == field.name and not v.pins}
        if by_time in own:
            found.append((residual, own))
    if len(found) != 1 or by_space not in found[0][1]:
        return None
    residual, own = found[0]
    lead = residual.expr.diff(own[by_time])
    nu = sympy.simplify(-residual.expr.diff(own[by_space]) / lead)
    # Neither a first nor a mixed derivative: they would carry the kink away, or keep it.
    others = [
        symbol
        for orders, symbol in own.items()
        if orders == by_slope or (orders[column] and sum(orders) > orders[column])
    ]
    if not (nu.is_number and nu.is_positive) or any(residual.expr.diff(s) != 0 for s in others):
        return None
    zero = (0,) * len(names)
    rate = -residual.expr.diff(own[zero]) / lead if zero in own else sympy.S.Zero
    seam = {coordinate.symbol: coordinate.low_exact, time.symbol: time.low_exact}
    if zero in own:
        rate = rate.subs(own[zero], initial).subs(seam)
    # A rate that other fields or places take part in is not known here: then the kink is only spread.
    return Spreading(nu, rate if rate.is_number and rate.is_finite else sympy.S.Zero)


def growth(rate: Expr, time: Coordinate) -> Expr:
    """Return by what a kink is multiplied in time."""
    elapsed = time.symbol - time.low_exact
    return 1 + sympy.sign(rate) * (1 - sympy.exp(-sympy.Abs(rate) * elapsed))


def diffused_kink(initial: Expr, coordinate: Coordinate, time: Coordinate, nu: Expr) -> Expr:
    """Return what to add to an initial function, in the problem's coordinates."""
    x = coordinate.symbol
    ends = (coordinate.low_exact, coordinate.high_exact)
    slope = initial.diff(x)
    jump = slope.subs(x, ends[0]) - slope.subs(x, ends[1])
    elapsed = time.symbol - time.low_exact
    least = START * sympy.nsimplify(time.high_exact - time.low_exact, rational=True)
    # A sum of squares: t - t0 + least would be merged to one rounded number.
    s = 2 * sympy.sqrt(nu * sympy.sqrt(elapsed**2 + least**2))
    total = sympy.S.Zero
    for distance in (x - ends[0], ends[1] - x):
        z = distance / s
        total += jump / 2 * (s * sympy.exp(-(z**2)) / sympy.sqrt(sympy.pi) - distance * sympy.erfc(z))
    return total
