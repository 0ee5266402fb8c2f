"""How far numbers that observations determine are off, and what that makes of the fields.

Where the solution is u(theta), data d = u + noise are met best at theta + step, by least squares with the derivatives of u, and what is
left of the misfit tells the noise, and with it the covariance of theta: the linear regression of textbooks, here about the numbers found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.checked import Measured
from pinnsolver.declare.symbols import Unknown
from pinnsolver.verify.classical.formula import numpy_function, slopes_of
from pinnsolver.verify.classical.forward import Deadline, NotApplicableError, restate_forward
from pinnsolver.verify.refine import Compared, Evaluate, Task, refine

MOVED = 0.01  # of a number, by which it is moved to see how the solution hangs on it
GOAL = 2e-4  # of a field: how well classical solutions are to be known for that
RESOLVED = 0.3  # of the change that the move makes, which both solutions' own errors may be
ROUNDS = 20  # of weighing each set of observations by its own noise
ROUNDING = 1e-12  # of the values measured, below which noise counts as rounding
UNSEEN = 1e-3  # of the largest change that a number makes, below which observations do not see it
SAME = 0.01  # of the largest singular value, below which numbers are not told apart: slopes are known to two digits
FEW = 5  # observations, below which a set beside others does not tell its noise


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


@dataclass(frozen=True, eq=False)
class Sighting:
    """What a set of n observations says of m numbers.

    Args:
        misfit: what was measured less the classical solution, (n,).
        rows: the derivative of the latter by the numbers, (n, m).
        most: the largest that such derivatives are anywhere in the domain, (m,).
        floor: what the misfit is known to.
    """

    misfit: np.ndarray
    rows: np.ndarray
    most: np.ndarray
    floor: float


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
        NotApplicableError: something other than values of the fields was measured, the observations do not determine the numbers, no
            grid tells what the numbers change, or the time allowed is over.
    """
    sets = _joined(checked.observations)
    formulas = [_formula(m, checked) for m in sets]
    if sum(len(m.values) for m in sets) <= len(unknowns):
        raise NotApplicableError("there are too few observations to tell their noise")

    def solve(numbers: Mapping[str, float], shares: int) -> Compared:
        task = Task(restate_forward(checked, numbers, {}), evaluate, method)
        return refine(task, Deadline.after(deadline.left / shares), GOAL)

    symbols = checked.unknowns
    if not compared.within(GOAL):
        compared = solve(unknowns, len(symbols) + 1)
    slopes = []
    for k, symbol in enumerate(symbols):
        name = str(symbol)
        if not _enters(symbol, checked):  # it belongs to what was measured alone
            slopes.append({n: np.zeros_like(values) for n, values in compared.values.items()})
            continue
        by = _step(symbol, unknowns[name])
        moved = solve({**unknowns, name: unknowns[name] + by}, len(symbols) - k)
        slopes.append(_slope(name, compared, moved, by))
    seen = [
        _sighting(m, f, checked, evaluate, unknowns, compared, slopes)
        for m, f in zip(sets, formulas, strict=True)
    ]
    step, covariance = regression(_telling(seen, [str(s) for s in symbols]))
    square = covariance + np.outer(step, step)
    fields = {}
    for name, norm in compared.norm.items():
        hung = np.stack([s[name] for s in slopes])
        change = np.einsum("in,ij,jn->n", hung, square, hung)
        fields[name] = float(np.sqrt(np.nanmean(np.maximum(change, 0.0)))) / norm
    errors = dict(zip(map(str, symbols), np.sqrt(np.diag(square)).tolist(), strict=True))
    return NumbersError(errors, fields, sum(len(s.misfit) for s in seen))


def _joined(observations: Sequence[Measured]) -> list[Measured]:
    """Return the sets of observations; those that are too small to tell their noise go with what measured the same."""
    found: list[Measured] = []
    for m in observations:
        like = [k for k, o in enumerate(found) if o.quantity == m.quantity and o.coordinates == m.coordinates]
        if like and min(len(m.values), len(found[like[0]].values)) < 2 * FEW:
            both = found[like[0]], m
            found[like[0]] = replace(
                m,
                points=np.concatenate([o.points for o in both]),
                values=np.concatenate([o.values for o in both]),
            )
        else:
            found.append(m)
    return found


def _formula(measured: Measured, checked: CheckedProblem) -> Callable[..., list[np.ndarray]]:
    """Return the function of coordinates, unknown numbers and field values that gives what is measured, and its derivatives.

    They are in the order of the field values, then of the numbers.
    """
    quantity = measured.quantity
    if not quantity.values or any(any(v.orders) for v in quantity.values):
        raise NotApplicableError("something other than values of the fields was measured")
    inner = [*(v.symbol for v in quantity.values), *checked.unknowns]
    exprs = [quantity.expr, *slopes_of(quantity.expr, inner)]
    return numpy_function([*(c.symbol for c in checked.coordinates), *inner], exprs, measured.source)


def _enters(symbol: Unknown, checked: CheckedProblem) -> bool:
    """Say whether a number stands in an equation or a condition."""
    residuals = [e.residual for e in checked.equations] + [c.residual for c in checked.conditions]
    exprs = [r.expr for r in residuals] + [i.integrand.expr for r in residuals for i in r.integrals]
    return any(symbol in expr.free_symbols for expr in exprs)


def _step(symbol: Unknown, value: float) -> float:
    """Return by how much a number is moved; it stays between its bounds."""
    step = MOVED * (abs(value) or abs(symbol.start) or 1.0)
    above = np.inf if symbol.high is None else symbol.high - value
    below = np.inf if symbol.low is None else value - symbol.low
    return float(min(step, 0.5 * above)) if above >= min(below, 2 * step) else -float(min(step, 0.5 * below))


def _slope(name: str, compared: Compared, moved: Compared, step: float) -> dict[str, np.ndarray]:
    """Return the derivative of the classical solution by a number, by field, at its points (n,)."""
    changes = {n: values - compared.values[n] for n, values in moved.values.items()}
    sizes = [np.sqrt(np.nanmean(c**2)) / compared.norm[n] for n, c in changes.items()]
    own = [compared.own[n] + moved.own[n] for n in changes]
    if not np.linalg.norm(own) <= RESOLVED * np.linalg.norm(sizes):
        raise NotApplicableError(f"the solver does not resolve what {name} changes")
    return {n: c / step for n, c in changes.items()}


def _sighting(
    measured: Measured,
    formula: Callable[..., list[np.ndarray]],
    checked: CheckedProblem,
    evaluate: Evaluate,
    unknowns: Mapping[str, float],
    compared: Compared,
    slopes: Sequence[Mapping[str, np.ndarray]],
) -> Sighting:
    """Return what a set of observations says of the numbers."""
    values, fields = measured.quantity.values, {f.name: f.applied for f in checked.fields}
    known = np.isfinite(np.stack([compared.values[v.field] for v in values])).all(axis=0).nonzero()[0]
    # Coordinates that what was measured does not depend on: somewhere in the domain.
    points = np.tile(compared.places[known[len(known) // 2]], (len(measured.points), 1))
    for k, c in enumerate(checked.coordinates):
        if c.name in measured.coordinates:
            points[:, k] = measured.points[:, measured.coordinates.index(c.name)]
    lengths = np.array([c.length for c in checked.coordinates])
    # What is read at the next place varies little from one to the other.
    near = known[cKDTree(compared.places[known] / lengths).query(points / lengths)[1]]
    network = [np.asarray(evaluate(points, {"": fields[v.field]})[""]) for v in values]
    numbers = [np.full(len(points), unknowns[str(s)]) for s in checked.unknowns]
    try:
        found, *inner = formula(*points.T, *network, *numbers)
    except Exception as error:  # what has no derivative, or a complex one
        raise NotApplicableError(f"numpy lacks a derivative of {measured.source}") from error
    by_value, direct = inner[: len(values)], inner[len(values) :]
    misfit, rows = measured.values - found, np.stack(direct, 1)
    most = np.abs(rows).max(axis=0, initial=0.0)
    floor = ROUNDING * np.abs(measured.values).max(initial=1e-200)
    for v, slope in zip(values, by_value, strict=True):
        misfit = misfit - slope * (compared.values[v.field] - compared.network[v.field])[near]
        rows = rows + slope[:, None] * np.stack([s[v.field][near] for s in slopes], 1)
        steepest = float(np.nanmax(np.abs(slope), initial=0.0))
        most = np.maximum(most, [steepest * np.nanmax(np.abs(s[v.field])) for s in slopes])
        floor += steepest * compared.own[v.field] * compared.norm[v.field]
    kept = np.isfinite(misfit) & np.isfinite(rows).all(axis=1)
    return Sighting(misfit[kept], rows[kept], most, float(floor))


def _telling(seen: Sequence[Sighting], names: Sequence[str]) -> list[Sighting]:
    """Return the sets that see a number, and are large enough to tell their noise."""
    sees = np.array([np.abs(s.rows).max(axis=0, initial=0.0) > UNSEEN * s.most for s in seen])
    for k, name in enumerate(names):
        if not sees[:, k].any():
            raise NotApplicableError(f"the observations hardly depend on {name}")
    telling = [s for s, see in zip(seen, sees, strict=True) if see.any()]
    return [s for s in telling if len(s.misfit) >= FEW] or telling


def regression(sets: Sequence[Sighting]) -> tuple[np.ndarray, np.ndarray]:
    """Return the step to the numbers that meet the data best, (m,), and their covariance; each set is weighed by its own noise.

    Raises:
        NotApplicableError: there are no more observations than numbers, or these are not told apart.
    """
    numbers, count = sets[0].rows.shape[1], sum(len(s.misfit) for s in sets)
    if count <= numbers:
        raise NotApplicableError("there are too few observations to tell their noise")
    spread = [_spread(s, s.misfit, 0.0) for s in sets]
    ends = np.cumsum([len(s.misfit) for s in sets])[:-1]
    for _ in range(ROUNDS):
        rows = np.vstack([s.rows / one for s, one in zip(sets, spread, strict=True)])
        size = np.linalg.norm(rows, axis=0)
        try:
            left, singular, right = np.linalg.svd(rows / size, full_matrices=False)
        except np.linalg.LinAlgError:
            raise NotApplicableError("the observations do not tell the numbers") from None
        if not singular[-1] > SAME * singular[0]:
            raise NotApplicableError("the observations do not tell the numbers apart")
        solution = right.T / singular / size[:, None]
        misfit = np.concatenate([s.misfit / one for s, one in zip(sets, spread, strict=True)])
        step = solution @ (left.T @ misfit)
        # The numbers that each set determines leave it fewer degrees of freedom.
        taken = [float((part**2).sum()) for part in np.split(left, ends)]
        spread = [_spread(s, s.misfit - s.rows @ step, t) for s, t in zip(sets, taken, strict=True)]
    return step, solution @ solution.T


def _spread(seen: Sighting, left: np.ndarray, taken: float) -> float:
    """Return the noise of a set of observations, of which some degrees of freedom are taken."""
    free = max(len(left) - taken, 0.5)
    return max(float(np.sqrt((left**2).sum() / free)), seen.floor)
