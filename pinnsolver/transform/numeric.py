"""Numeric questions about small formulas: is it zero, is it finite, do two agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import Coordinate


def sample_values(expr: Expr, coordinates: Sequence[Coordinate], count: int = 257) -> np.ndarray:
    """Return (count,) values of `expr` at fixed scattered points, ends of the ranges among them.

    What numpy cannot evaluate is nan: the caller takes that for "not finite".
    """
    rng = np.random.default_rng(20260101)
    columns = []
    for c in coordinates:
        column = c.low + c.length * rng.random(count)
        ends = rng.integers(0, 4, count)  # a quarter of the points on either end
        columns.append(np.where(ends == 0, c.low, np.where(ends == 1, c.high, column)))
    symbols: list[Symbol] = [c.symbol for c in coordinates]
    try:
        with np.errstate(all="ignore"):
            values = sympy.lambdify(symbols, expr, ["scipy", "numpy"])(*columns)
        return np.broadcast_to(np.asarray(values, dtype=float), (count,))
    except Exception:  # an expression that numpy lacks, or that is complex
        return np.full(count, np.nan)


def vanishes(expr: Expr, coordinates: Sequence[Coordinate], scale: float = 1.0) -> bool:
    """Say whether `expr` is zero, to rounding relative to `scale`, everywhere."""
    if expr == 0:
        return True
    values = sample_values(expr, coordinates)
    return bool(np.all(np.abs(values) <= 1e-10 * max(scale, 1e-300)))


def is_finite(expr: Expr, coordinates: Sequence[Coordinate]) -> bool:
    """Say whether `expr` is finite everywhere, the ends of the ranges included."""
    return bool(np.isfinite(sample_values(expr, coordinates)).all())


def size(expr: Expr, coordinates: Sequence[Coordinate]) -> float:
    """Return the largest absolute value of `expr`."""
    values = np.abs(sample_values(expr, coordinates))
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
