"""Numeric questions about small formulas: is it zero, is it finite, do two agree."""

from __future__ import annotations

import numpy as np
import sympy
from sympy import Expr

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.levels import boundary_points, level

COUNT = 257


def sample_points(checked: CheckedProblem, count: int = COUNT) -> np.ndarray:
    """Return (n, D) fixed scattered points of the domain, ends of the ranges, or places on the walls, among them."""
    rng = np.random.default_rng(20260101)
    shape = checked.shape
    drawn = count if shape is None else 16 * count
    columns = []
    for c in checked.coordinates:
        column = c.low + c.length * rng.random(drawn)
        ends = rng.integers(0, 4, drawn)  # a quarter of the points on either end
        columns.append(np.where(ends == 0, c.low, np.where(ends == 1, c.high, column)))
    points = np.column_stack(columns)
    if shape is None:
        return points
    own = [[c.symbol for c in checked.coordinates].index(s) for s in shape.symbols]
    inside = points[level(shape, points[:, own]) < 0][:count]
    walls = boundary_points(shape, count, rng)[:count]
    on_walls = points[: len(walls)].copy()
    on_walls[:, own] = walls
    return np.vstack([inside, on_walls])


def in_box(checked: CheckedProblem, share: np.ndarray) -> np.ndarray:
    """Return the points (n, D) of the box around the domain at these shares of its ranges, (n, D) in [0, 1]."""
    low, length = (np.array([getattr(c, key) for c in checked.coordinates]) for key in ("low", "length"))
    return low + share * length


def values_at(expr: Expr, checked: CheckedProblem, points: np.ndarray) -> np.ndarray:
    """Return (n,) values of `expr` at (n, D) points.

    What numpy cannot evaluate is nan: the caller takes that for "not finite".
    """
    symbols = [c.symbol for c in checked.coordinates]
    try:
        with np.errstate(all="ignore"):
            values = sympy.lambdify(symbols, expr, ["scipy", "numpy"])(*points.T)
        return np.broadcast_to(np.asarray(values, dtype=float), (len(points),))
    except Exception:  # an expression that numpy lacks, or that is complex
        return np.full(len(points), np.nan)


def sample_values(expr: Expr, checked: CheckedProblem) -> np.ndarray:
    """Return (n,) values of `expr` all over the domain."""
    return values_at(expr, checked, sample_points(checked))


def vanishes(expr: Expr, checked: CheckedProblem, scale: float = 1.0) -> bool:
    """Say whether `expr` is zero, to rounding relative to `scale`, everywhere."""
    if expr == 0:
        return True
    values = sample_values(expr, checked)
    return bool(np.all(np.abs(values) <= 1e-10 * max(scale, 1e-300)))


def is_finite(expr: Expr, checked: CheckedProblem) -> bool:
    """Say whether `expr` is finite everywhere, the ends of the ranges included."""
    return bool(np.isfinite(sample_values(expr, checked)).all())


def size(expr: Expr, checked: CheckedProblem) -> float:
    """Return the largest absolute value of `expr`."""
    values = np.abs(sample_values(expr, checked))
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
