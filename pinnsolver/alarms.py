"""What tells that a trained solution may be wrong although its loss is small: named with the culprit and what to do.

Bounds are measured on 25 problems after twelve seconds each, and on runs made wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import factorial
from typing import Any

import numpy as np
import sympy

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.orders import differentiated
from pinnsolver.declare.values import FieldValue, Lowered
from pinnsolver.declare.vectors import vector_components
from pinnsolver.sample import Sampler
from pinnsolver.solution import Solution
from pinnsolver.transform.numeric import values_at
from pinnsolver.transform.rates import rates

PLACES = 2000  # at which the terms of equations are weighed
BY_HEART = 100.0  # held-out loss over the training one; right runs: up to 8 in any row
OFTEN = 0.3  # of the rows of the second half; with 60 points for a shock: 0.8 and more
UNHARMED = 1e-3  # of an equation's terms, the residual below which learning by heart did no harm
DRIFT = 0.75  # of a field: what the residual adds up to over the time; right runs up to 0.61, wrong from 0.88
UNSOLVED = 0.3  # of the terms of an equation without time; right runs: up to 0.1
VIOLATED = 0.1  # of a condition's own size; right runs: up to 0.02
TRIVIAL = 1e-3  # of what its conditions differ by, what a field differs by; right runs seen: from 1.0
MINUTE = 1e-3  # of the largest component of a vector: a smaller one is none
UNMET = 0.7  # of the spread of observations; noise alone may be the half of it


@dataclass(frozen=True)
class Sizes:
    """How large things are in a solution, rms over the domain.

    Args:
        terms: the largest term of each equation and each condition; 0 where that cannot be told.
        carried: of each equation in time, the field under its highest time derivative with the factor before it.
        orders: of that derivative.
        residuals: of each equation the mean of its residual's magnitude, and that of its largest term. Near a corner at which the
            solution is singular both grow without bound, and a mean square is that of whatever point lies nearest.
    """

    terms: Mapping[str, float]
    carried: Mapping[str, float]
    orders: Mapping[str, int]
    residuals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def alarms_of(solution: Solution, result: Mapping[str, Any]) -> list[str]:
    """Return what warns of a wrong answer.

    Args:
        solution: as trained.
        result: of its audit.
    """
    sizes, history = sizes_of(solution), solution.history
    shares = {n: r / sizes.terms[n] for n, r in result["residual_rms"].items() if sizes.terms.get(n)}
    harmless = bool(shares) and max(shares.values()) < UNHARMED
    found = [*unopened(history, solution.checked)]
    if not harmless:
        found += learnt_by_heart(history, solution.compiled.transformed.settings.points.interior)
    windows = solution.compiled.transformed.settings.windows or 1
    found += unsolved(solution.checked, result["residual_rms"], sizes, windows)
    found += violated(solution.checked, result["conditions_rms"], sizes, max(shares.values(), default=None))
    return [*found, *trivial(solution)]


def unopened(history: Mapping[str, np.ndarray], checked: CheckedProblem) -> Iterator[str]:
    """Yield that causal weights were still shut at the end of the training, or of a window."""
    reached, time = history.get("causal:reached"), checked.time
    if reached is None or time is None:
        return
    for window, rows in _windows(history):
        last = float(reached[rows[-1]])
        if last < 1:
            where, until = (
                (f" in window {window}", f"over {last:.0%} of it")
                if window
                else ("", f"up to {time.name} = {time.low + last * time.length:.4g}")
            )
            yield (
                f"Causal weights never opened{where}: at the end of the training the equations count {until} only, "
                "and what comes later was not trained. Train longer, or without them (--no-causal)."
            )
            return


def learnt_by_heart(history: Mapping[str, np.ndarray], points: int | None) -> Iterator[str]:
    """Yield that the loss is small at the training's points alone."""
    if "loss" not in history:
        return
    for _, rows in _windows(history):
        half = rows[
            len(rows) // 2 :
        ]  # before that a method that learns fast may be ahead of its points for a while
        loss, held_out = history["loss"][half], history["held_out"][half]
        known = held_out > BY_HEART * loss
        if known.mean() > OFTEN:
            now = f", now {points}" if points else ""
            yield (
                f"The points were learnt by heart: the loss is {np.median(loss[known]):.1e} at those trained on and "
                f"{np.median(held_out[known]):.1e} at others, so that a small loss says nothing here. "
                f"Give more points (points.interior{now}), drawn anew now and then (points.redraw)."
            )
            return


def _windows(history: Mapping[str, np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each window's number and its rows of the history; 0 and all rows without windows."""
    count = len(next(iter(history.values()), ()))
    if not count:
        return
    numbers = history.get("window", np.zeros(count))
    for number in np.unique(numbers):
        yield int(number), np.flatnonzero(numbers == number)


def unsolved(
    checked: CheckedProblem, residuals: Mapping[str, float], sizes: Sizes, windows: int = 1
) -> Iterator[str]:
    """Yield equations whose residual leaves the solution open.

    Args:
        windows: of time; within one an error grows as small perturbations do, beyond that it would be called wrong too soon.
    """
    growth = 0.0 if checked.time is None else rates(checked).growth * checked.time.length / windows
    grown = float(np.expm1(growth) / growth) if growth > 0 else 1.0
    how = "adds up" if grown < 2 else "grows"
    for name, residual in residuals.items():
        carried, (mean, size) = sizes.carried.get(name, 0.0), sizes.residuals.get(name, (0.0, 0.0))
        if carried and checked.time is not None:
            order = sizes.orders[name]
            drift = grown * residual * checked.time.length**order / factorial(order) / carried
            if drift > DRIFT:
                yield (
                    f"{name.capitalize()} is not solved: its residual of {residual:.1e} {how} over {checked.time.name} to {drift:.2g} "
                    "times the solution itself, which may be wrong altogether. Train longer, by the automatic choices, or with more points."
                )
        elif size and mean > UNSOLVED * size:
            yield (
                f"{name.capitalize()} is not solved: its residual of {mean:.1e} on the mean is {mean / size:.0%} of its largest term. "
                "Train longer, by the automatic choices, or with more points."
            )


def violated(
    checked: CheckedProblem, violations: Mapping[str, float], sizes: Sizes, residual: float | None
) -> Iterator[str]:
    """Yield conditions and observations that the solution does not meet.

    Args:
        residual: the largest of the equations, as a share of its terms.
    """
    though = (
        "" if residual is None or residual > VIOLATED else f" although the equations hold to {residual:.0e}"
    )
    for condition in checked.conditions:
        size, violation = sizes.terms.get(condition.name, 0.0), violations.get(condition.name, 0.0)
        if size and violation > VIOLATED * size:
            yield (
                f"The condition {condition.name} is violated by {violation / size:.0%} of its size{though}: the solution is one of another "
                f"problem. Build it in (--hard), raise weights.{condition.name}, or train longer."
            )
    for measured in checked.observations:
        spread = float(np.std(measured.values)) or float(np.abs(measured.values).max())
        misfit = violations.get(measured.name, 0.0)
        if spread and misfit > UNMET * spread:
            yield (
                f"“{measured.name}” are missed by {misfit:.1e}, about as much as they differ among themselves{though}: "
                "they contradict the equations, the conditions or each other. Look for wrong rows and units, or train longer."
            )


def trivial(solution: Solution) -> Iterator[str]:
    """Yield the fields that are one number all over the domain although their conditions ask for different values."""
    checked, points = solution.checked, _places(solution)
    found = solution.evaluate(points, {f.name: f.applied for f in checked.fields})
    for name, every in found.items():
        values = every[np.isfinite(every)]
        wanted = _wanted(name, checked, points)
        if len(wanted) and len(values) and np.ptp(values) < TRIVIAL * np.ptp(wanted):
            yield (
                f"{name} is {np.mean(values):.2g} all over the domain, a trivial solution: its conditions ask for values from "
                f"{wanted.min():.3g} to {wanted.max():.3g}. Build them in (--hard), train longer, or start from another seed (--seed)."
            )


def _wanted(name: str, checked: CheckedProblem, points: np.ndarray) -> np.ndarray:
    """Return the values that conditions and observations give to a field, at the places of (n, D) points."""
    symbols = {c.symbol for c in checked.coordinates}
    found = [np.empty(0)]
    for condition in checked.conditions:
        if condition.solved is None:
            continue
        value, data = condition.solved
        if (
            value.field == name
            and not any(value.orders)
            and not value.normal
            and data.free_symbols <= symbols
        ):
            found.append(values_at(data, checked, points))
    for measured in checked.observations:
        own = measured.quantity.value
        if own is not None and own.field == name and not any(own.orders):
            found.append(measured.values)
    every = np.concatenate(found)
    return every[np.isfinite(every)]


# ---------------------------------------------------------------------------------------------- sizes


def sizes_of(solution: Solution) -> Sizes:
    """Return how large the terms of a solution's equations and conditions are, and what changes in time.

    A condition u = 0 has the size of u in the domain, one of a slope that of the slope; an equation of a single term has none. A
    component of a vector has the size of the largest: across a straight channel there is no velocity, and no momentum either.
    """
    checked, points = solution.checked, _places(solution)
    raised = _raised(solution, points)
    wanted: dict[tuple[str, int], sympy.Expr] = {}
    for equation in checked.equations:
        terms = _terms(equation.residual)
        if len(terms) > 1:
            wanted |= _numbered(equation.name, equation.residual, terms, checked, raised)
    for condition in checked.conditions:
        terms = _terms(condition.residual)
        wanted |= _numbered(condition.name, condition.residual, terms, checked, raised)
    orders, carried = _carried(checked)
    every = {f"term {k}": expr for k, expr in enumerate([*wanted.values(), *carried.values()])}
    values = list(solution.evaluate(points, every).values())
    found = list(map(_rms, values))
    means = _largest(wanted, map(_mean, values[: len(wanted)]))
    residuals = {
        name: (_mean(left), means.get(name, 0.0)) for name, left in solution.residuals(points).items()
    }
    return Sizes(
        _largest(wanted, found[: len(wanted)]), _largest(carried, found[len(wanted) :]), orders, residuals
    )


def _raised(solution: Solution, points: np.ndarray) -> dict[str, float]:
    """Return what makes each component of a vector as large as the largest one; 1 where they are about alike."""
    checked = solution.checked
    found: dict[str, float] = {}
    for names in vector_components([e.residual for e in checked.equations], checked.coordinates):
        fields = {f.name: f.applied for f in checked.fields if f.name in names}
        sizes = {name: _rms(values) for name, values in solution.evaluate(points, fields).items()}
        largest = max(sizes.values())
        found |= {n: largest / v for n, v in sizes.items() if 0 < v < MINUTE * largest}
    return found


def _places(solution: Solution) -> np.ndarray:
    """Return the points (n, D) at which a solution is weighed."""
    points = Sampler.of(solution.checked).interior(PLACES, np.random.default_rng(0)).points
    return points[solution.reaches(points)]


def _largest(keys: Iterable[tuple[str, int]], sizes: Iterable[float]) -> dict[str, float]:
    """Return by name the largest of the sizes that are numbered under it."""
    largest: dict[str, float] = {}
    for (name, _), size in zip(keys, sizes, strict=True):
        largest[name] = max(largest.get(name, 0.0), size)
    return largest


def _rms(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(seen**2))) if len(seen) else 0.0


def _mean(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(np.mean(np.abs(seen))) if len(seen) else 0.0


def _terms(lowered: Lowered) -> tuple[sympy.Expr, ...]:
    """Return the summands of a residual, multiplied out where it is a product; none with an integral in it."""
    if lowered.integrals:
        return ()
    terms: tuple[sympy.Expr, ...] = sympy.Add.make_args(lowered.expr)
    return terms if len(terms) > 1 else sympy.Add.make_args(sympy.expand(lowered.expr))


def _numbered(
    name: str,
    lowered: Lowered,
    terms: tuple[sympy.Expr, ...],
    checked: CheckedProblem,
    raised: Mapping[str, float],
) -> dict[tuple[str, int], sympy.Expr]:
    """Return terms with their values all over the domain instead of at their pins.

    Args:
        raised: by what a term is multiplied that is linear in a field and holds no other.
    """
    anywhere = {v.symbol: _anywhere(v, checked) for v in lowered.values}
    found = {}
    for k, term in enumerate(terms):
        own = [v for v in lowered.values if v.symbol in term.free_symbols]
        alone = len(own) == 1 and not term.diff(own[0].symbol).has(own[0].symbol)
        found[name, k] = (raised.get(own[0].field, 1) if alone else 1) * term.xreplace(anywhere)
    return found


def _anywhere(value: FieldValue, checked: CheckedProblem) -> sympy.Expr:
    field = next(f for f in checked.fields if f.name == value.field)
    expr = differentiated(field.applied, [c.symbol for c in checked.coordinates], value.orders)
    if value.normal:
        slopes = [expr.diff(c.symbol) for c in checked.space if c.symbol in field.arguments]
        expr = sympy.sqrt(sympy.Add(*(s**2 for s in slopes)))
    return expr


def _carried(checked: CheckedProblem) -> tuple[dict[str, int], dict[tuple[str, int], sympy.Expr]]:
    """Return the order of each equation in time, and the fields under those derivatives with their factors."""
    orders: dict[str, int] = {}
    found: dict[tuple[str, int], sympy.Expr] = {}
    time = checked.time
    if time is None:
        return orders, found
    column = checked.coordinates.index(time)
    for equation in checked.equations:
        lowered = equation.residual
        order = max([v.orders[column] for v in lowered.values], default=0)
        leading = [v for v in lowered.values if v.orders[column] == order == sum(v.orders)]
        if order and leading:
            orders[equation.name] = order
            anywhere = {v.symbol: _anywhere(v, checked) for v in lowered.values}
            for k, value in enumerate(leading):
                field = next(f for f in checked.fields if f.name == value.field)
                factor = lowered.expr.diff(value.symbol).xreplace(anywhere)
                found[equation.name, k] = factor * field.applied
    return orders, found
