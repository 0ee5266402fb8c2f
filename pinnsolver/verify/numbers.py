"""How far numbers that observations determine are off, and what that makes of the fields.

Where the solution is u(theta), data d = u + noise are met best at theta + step, by least squares with the derivatives of u, and what is
left of the misfit tells the noise, and with it the covariance of theta: the linear regression of textbooks, here about the numbers found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy
from scipy.spatial import cKDTree

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.checked import Measured
from pinnsolver.declare.symbols import Unknown
from pinnsolver.verify.classical.forward import Deadline, NotApplicableError, restate_forward
from pinnsolver.verify.refine import Compared, Evaluate, Task, refine

MOVED = 0.01  # of a number, by which it is moved to see how the solution hangs on it
ROUNDS = 3  # of weighing each set of observations by its own noise
NOISELESS = 1e-12  # of the values measured, below which noise counts as rounding
UNSEEN = 1e-3  # of the largest change that a number makes, below which observations do not see it
SAME = 0.01  # of the largest singular value, below which numbers are not told apart: slopes are known to two digits


@dataclass(frozen=True)
class NumbersError:
    """The error of numbers found from data.

    Args:
        unknowns: standard error by name, in the number's own unit; the way that the best fit lies off is part of it.
        fields: relative L2 error that it makes of each field; dimensionless.
        count: of observations.
    """

    unknowns: Mapping[str, float]
    fields: Mapping[str, float]
    count: int


def estimate_numbers(
    checked: CheckedProblem,
    evaluate: Evaluate,
    unknowns: Mapping[str, float],
    method: str,
    compared: Compared,
    deadline: Deadline,
) -> NumbersError:
    """Return how far the numbers found are off.

    Args:
        checked: the declaration, with observations and without parameters.
        evaluate: expressions of the fields at points (n, D), (n,) each.
        unknowns: the numbers as found.
        method: of the classical solver that gave `compared`.
        compared: the classical solution at these numbers.

    Raises:
        NotApplicableError: something other than values of the fields was measured, the observations do not determine the numbers, or
            the time allowed is over.
    """
    slopes = {}
    for k, symbol in enumerate(checked.unknowns):
        allowed = deadline.left / (len(checked.unknowns) - k)
        slopes[str(symbol)] = _slope(checked, evaluate, unknowns, symbol, method, compared, allowed)
    seen = _Seen(checked, evaluate, unknowns, compared, slopes)
    sets = [seen.rows(m) for m in checked.observations]
    for k, (name, own) in enumerate(slopes.items()):
        largest = max(np.nanmax(np.abs(s)) for s in own.values())
        if max((np.abs(rows[:, k]).max(initial=0.0) for _, rows in sets)) <= UNSEEN * largest:
            raise NotApplicableError(f"the observations hardly depend on {name}")
    step, covariance = _regression(sets)
    square = covariance + np.outer(step, step)
    fields = {}
    for name, norm in compared.norm.items():
        hung = np.stack([s[name] for s in slopes.values()])
        change = np.einsum("in,ij,jn->n", hung, square, hung)
        fields[name] = float(np.sqrt(np.nanmean(np.maximum(change, 0.0)))) / norm
    errors = dict(zip(slopes, np.sqrt(np.diag(square)).tolist(), strict=True))
    return NumbersError(errors, fields, sum(len(misfit) for misfit, _ in sets))


def _slope(
    checked: CheckedProblem,
    evaluate: Evaluate,
    unknowns: Mapping[str, float],
    symbol: Unknown,
    method: str,
    compared: Compared,
    seconds: float,
) -> dict[str, np.ndarray]:
    """Return the derivative of the classical solution by a number, by field, at its points."""
    name = str(symbol)
    step = _step(symbol, unknowns[name])
    moved = restate_forward(checked, {**unknowns, name: unknowns[name] + step}, {})
    found = refine(Task(moved, evaluate, method), Deadline.after(seconds))
    return {n: (values - compared.values[n]) / step for n, values in found.values.items()}


def _step(symbol: Unknown, value: float) -> float:
    """Return by how much a number is moved; it stays between its bounds."""
    step = MOVED * (max(abs(value), MOVED * abs(symbol.start)) or 1.0)
    above = np.inf if symbol.high is None else symbol.high - value
    below = np.inf if symbol.low is None else value - symbol.low
    return float(min(step, 0.5 * above)) if above >= min(below, 2 * step) else -float(min(step, 0.5 * below))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What was measured, beside the classical solution and its derivatives by the numbers."""

    checked: CheckedProblem
    evaluate: Evaluate
    unknowns: Mapping[str, float]
    compared: Compared
    slopes: Mapping[str, Mapping[str, np.ndarray]]

    def rows(self, measured: Measured) -> tuple[np.ndarray, np.ndarray]:
        """Return what was measured less the classical solution (n,), and the latter's derivative by the numbers (n, numbers)."""
        quantity = measured.quantity
        if any(any(v.orders) for v in quantity.values):
            raise NotApplicableError("something other than values of the fields was measured")
        coordinates = self.checked.coordinates
        points = np.tile([c.low for c in coordinates], (len(measured.points), 1)).astype(float)
        for k, c in enumerate(coordinates):
            if c.name in measured.coordinates:
                points[:, k] = measured.points[:, measured.coordinates.index(c.name)]
        given = {c.symbol: points[:, k] for k, c in enumerate(coordinates)}
        given |= {s: self.unknowns[str(s)] for s in self.checked.unknowns}
        given |= {v.symbol: self._network(v.field, points) for v in quantity.values}
        by_value = {v: _at(quantity.expr.diff(v.symbol), given, len(points)) for v in quantity.values}
        misfit = measured.values - _at(quantity.expr, given, len(points))
        rows = np.stack([_at(quantity.expr.diff(s), given, len(points)) for s in self.checked.unknowns], 1)
        for v in quantity.values:
            near = self._nearest(v.field, points)
            misfit = (
                misfit - by_value[v] * (self.compared.values[v.field] - self.compared.network[v.field])[near]
            )
            rows = rows + by_value[v][:, None] * np.stack([s[v.field][near] for s in self.slopes.values()], 1)
        kept = np.isfinite(misfit) & np.isfinite(rows).all(axis=1)
        return misfit[kept], rows[kept]

    def _network(self, field: str, points: np.ndarray) -> np.ndarray:
        applied = next(f.applied for f in self.checked.fields if f.name == field)
        return np.asarray(self.evaluate(points, {"": applied})[""])

    def _nearest(self, field: str, points: np.ndarray) -> np.ndarray:
        """Return the rows of the classical solution's points next to some: what is read there varies little from one to the next."""
        lengths = np.array([c.length for c in self.checked.coordinates])
        known = np.isfinite(self.compared.values[field]).nonzero()[0]
        return np.asarray(known[cKDTree(self.compared.places[known] / lengths).query(points / lengths)[1]])


def _at(expr: sympy.Expr, given: Mapping[sympy.Symbol, object], count: int) -> np.ndarray:
    function = sympy.lambdify(list(given), expr, "numpy")
    return np.broadcast_to(np.asarray(function(*given.values()), dtype=float), (count,))


def _regression(sets: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the step to the numbers that meet the data best, and their covariance; each set is weighed by its own noise."""
    numbers, count = sets[0][1].shape[1], sum(len(misfit) for misfit, _ in sets)
    if count <= numbers:
        raise NotApplicableError("there are too few observations to tell their noise")
    left = [misfit for misfit, _ in sets]
    for _ in range(ROUNDS):
        spread = [
            max(np.sqrt(np.mean(r**2) * count / (count - numbers)), NOISELESS * np.abs(m).max(initial=1e-300))
            for r, (m, _) in zip(left, sets, strict=True)
        ]
        rows = np.vstack([j / s for (_, j), s in zip(sets, spread, strict=True)])
        size = np.linalg.norm(rows, axis=0)
        values, singular, inverse = np.linalg.svd(rows / size, full_matrices=False)
        if singular[-1] < SAME * singular[0]:
            raise NotApplicableError("the observations do not tell the numbers apart")
        solution = inverse.T / singular / size[:, None]
        step = solution @ (values.T @ np.concatenate([m / s for (m, _), s in zip(sets, spread, strict=True)]))
        left = [m - j @ step for m, j in sets]
    return step, solution @ solution.T
