"""Weights of the loss terms from the declaration: each residual in units of what one wave would leave in it.

A perturbation of the fields by one wave across the domain, size 1, changes a residual r by about

    s = sum over its field derivatives v of  mean |dr/dv| * prod_i (2 pi / L_i)^(order of v by coordinate i)

and r / s then says by how much the fields are off, in the same unit for every equation and condition. The weights
are (max_j s_j / s_i)^2 over the equations j, so that the stiffest equation keeps the weight 1. This is the
usual nondimensionalisation, done by the program; nothing of it depends on the network or on a reference.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import sympy
from sympy import Symbol

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.lower import FieldValue, Lowered

MOST = 1e3  # the root of the largest weight


def term_weights(
    checked: CheckedProblem, still: Collection[str] = ()
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the weight and s of every equation, condition and set of observations.

    Args:
        still: fields around whose vanishing the slopes are taken; the others' values are of size 1.
    """
    equations = {e.name: residual_scale(e.residual, checked, still) for e in checked.equations}
    others = {c.name: residual_scale(c.residual, checked, still) for c in checked.conditions}
    others |= {m.name: residual_scale(m.quantity, checked) for m in checked.observations}
    largest = max(equations.values())
    scales = {**equations, **others}
    weights = {n: float(f"{min(largest / scale, MOST) ** 2:.3g}") for n, scale in scales.items()}
    return weights, scales


def residual_scale(lowered: Lowered, checked: CheckedProblem, still: Collection[str] = ()) -> float:
    """Return s of the module's formula for one residual; dimensionless, positive."""
    values = lowered.values
    total = math.fsum(
        _mean_slope(lowered, value.symbol, checked, still) * wave_size(value, checked) for value in values
    )
    for integral in lowered.integrals:
        size = math.prod(high - low for _, low, high in integral.limits)
        slope = _mean_slope(lowered, integral.symbol, checked)
        total += slope * size * residual_scale(integral.integrand, checked)
    return total if math.isfinite(total) and total > 0 else 1.0


def wave_size(value: FieldValue, checked: CheckedProblem, turn: float = 2 * math.pi) -> float:
    """Return the size of a derivative of a field of size 1: prod (turn / L_i)^order.

    Args:
        turn: 2 pi for one wave across the domain, 2 for what goes from one end of its range to the other.
    """
    factors = ((turn / c.length) ** order for c, order in zip(checked.coordinates, value.orders, strict=True))
    normal = max(turn / c.length for c in checked.space) if value.normal else 1.0
    return math.prod(factors) * normal


def _mean_slope(
    lowered: Lowered, symbol: Symbol, checked: CheckedProblem, still: Collection[str] = ()
) -> float:
    """Return the mean of |dr/dv| over the domain, the fields being of size 1."""
    slope = lowered.expr.diff(symbol)
    if slope.is_number:
        return abs(float(slope))
    rng = np.random.default_rng(7)
    columns: Mapping[Symbol, np.ndarray] = {
        **{c.symbol: c.low + c.length * rng.random(256) for c in checked.coordinates},
        **{u: np.full(256, u.start) for u in checked.unknowns},
        **{v.symbol: (v.field not in still) * rng.uniform(-1, 1, 256) for v in lowered.values},
        **{i.symbol: rng.uniform(-1, 1, 256) for i in lowered.integrals},
    }
    try:
        with np.errstate(all="ignore"):
            found = sympy.lambdify(list(columns), slope, ["scipy", "numpy"])(*columns.values())
        found = np.abs(np.broadcast_to(np.asarray(found, dtype=float), (256,)))
    except Exception:  # numpy lacks a function of it; the compiler decides what becomes of that
        return 1.0
    found = found[np.isfinite(found)]
    return float(found.mean()) if found.size else 1.0
