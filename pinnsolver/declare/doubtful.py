"""Observations that look wrong: rows that contradict or repeat each other, outliers, columns in other units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import sympy

from pinnsolver.declare.checked import CheckedProblem, Measured

SAME_PLACE = 1e-9  # of a coordinate's range
APART = 6.0  # times the scatter, from which two values at one place contradict each other
NOTICED = 0.01  # of the values' rms, below which they may
UNKNOWN_SCATTER = 0.3  # of the values' rms, where there are too few of them to know how they scatter
FAR = 5.0  # times the range of the others, the gap from them at which a value is an outlier
LEVEL = 0.1  # of the range of the others, their middle half at least: else they are a rest level and a pulse stands out
FEW = 3  # outliers at the most: more are a part of the data
UNITS = 300.0  # ratio of sizes that tells of other units: mm for m, g for kg
NARROW = 1 / UNITS  # part of a coordinate's range, likewise
MOST = 2000  # places that are looked at for the scatter


def doubts_of(checked: CheckedProblem) -> list[str]:
    """Return what is doubtful in a problem's observations, each with its culprit and what to do."""
    found: list[str] = []
    by_quantity: dict[sympy.Expr, list[Measured]] = {}
    for measured in checked.observations:
        found += [*_repeats(measured), *_outliers(measured), *_units(measured, checked)]
        by_quantity.setdefault(measured.quantity.expr, []).append(measured)
    for sets in by_quantity.values():
        found += _contradictions(sets, checked)
    return found


def _repeats(measured: Measured) -> Iterator[str]:
    table = np.column_stack([measured.points, measured.values])
    _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    original = first[inverse.ravel()]
    repeated = np.flatnonzero(original != np.arange(len(table)))
    if len(repeated):
        k = repeated[0]
        yield (
            f"{len(repeated)} of the {len(table)} rows of “{measured.name}” repeat earlier ones, the first is row {k + 1} "
            f"(like row {original[k] + 1}): they count double. Leave them out, unless they were measured again."
        )


def _outliers(measured: Measured) -> Iterator[str]:
    """Yield what is to be said of a few values with a wide gap to all others."""
    values = measured.values
    order = np.argsort(abs(values - np.median(values)))
    for count in range(1, min(FEW, len(values) // 10) + 1):
        rest, far = values[order[:-count]], order[-count:]
        width = float(np.ptp(rest))
        gap = np.maximum(rest.min() - values[far], values[far] - rest.max())
        middle = float(np.subtract(*np.percentile(rest, [75, 25])))
        if (gap > FAR * width).all() and middle > LEVEL * width:
            rows = sorted(int(k) for k in far)
            told = ", ".join(f"row {k + 1} with {values[k]:g}" for k in rows)
            yield (
                f"Outliers in “{measured.name}”: {told}, while the others lie between {rest.min():g} and {rest.max():g}. "
                "Correct them or leave them out: one such row can bend the whole solution."
            )
            return


def _units(measured: Measured, checked: CheckedProblem) -> Iterator[str]:
    """Yield columns that are off by orders of magnitude from what the problem says of the same quantity."""
    by_name = {c.name: c for c in checked.coordinates}
    for k, name in enumerate(measured.coordinates):
        span, length = float(np.ptp(measured.points[:, k])), by_name[name].length
        if 0 < span < NARROW * length:
            yield (
                f"The column {name} of “{measured.name}” spans {span:.2g} of a range of {length:.2g}: is it in other units? "
                f"Give it in those of the domain, {name} from {by_name[name].low:g} to {by_name[name].high:g}."
            )
    known, sizes = _known_size(measured, checked), abs(measured.values)
    typical, largest = float(np.median(sizes)), float(sizes.max())
    if known > 0 and largest > 0 and (typical > UNITS * known or largest < known / UNITS):
        yield (
            f"The values of “{measured.name}” are of the size {largest:.2g}, the conditions on the same field of the size {known:.2g}: "
            "are they in other units? Give both in the same."
        )


def _known_size(measured: Measured, checked: CheckedProblem) -> float:
    """Return the largest value that conditions give to the measured field, 0 where none does."""
    own = measured.quantity.value
    if own is None or any(own.orders):
        return 0.0
    rng = np.random.default_rng(0)
    columns = {c.symbol: c.low + c.length * rng.random(64) for c in checked.coordinates}
    sizes = [0.0]
    for condition in checked.conditions:
        if condition.solved is None or condition.solved[0].field != own.field:
            continue
        value, expr = condition.solved
        if any(value.orders) or value.normal or not expr.free_symbols <= set(columns):
            continue
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(sympy.lambdify(list(columns), expr, ["scipy", "numpy"])(*columns.values()))
            size = float(abs(found).max())
        except Exception:  # a function that numpy lacks: then there is nothing to compare with
            continue
        sizes.append(size if np.isfinite(size) else 0.0)
    return max(sizes)


def _contradictions(sets: Sequence[Measured], checked: CheckedProblem) -> Iterator[str]:
    """Yield the places at which observations of one quantity differ by far more than they scatter."""
    if len({m.coordinates for m in sets}) > 1:
        return
    by_name = {c.name: c for c in checked.coordinates}
    lengths = np.array([by_name[n].length for n in sets[0].coordinates])
    points = np.concatenate([m.points for m in sets])
    values = np.concatenate([m.values for m in sets])
    rows = [f"row {k + 1} of “{m.name}”" for m in sets for k in range(len(m.values))]
    keys = np.round(points / lengths / SAME_PLACE)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.ravel()
    highest, lowest = (np.full(len(first), s * np.inf) for s in (-1, 1))
    np.maximum.at(highest, inverse, values)
    np.minimum.at(lowest, inverse, values)
    size = float(np.sqrt(np.mean(values**2)))
    scatter = _scatter(points[first] / lengths, values[first])
    bound = UNKNOWN_SCATTER * size if scatter is None else max(APART * scatter, NOTICED * size)
    worst = int(np.argmax(highest - lowest))
    if not (highest - lowest)[worst] > bound:
        return
    mine = np.flatnonzero(inverse == worst)
    low, high = mine[np.argmin(values[mine])], mine[np.argmax(values[mine])]
    place = ", ".join(f"{n} = {p:g}" for n, p in zip(sets[0].coordinates, points[low], strict=True))
    count = int((highest - lowest > bound).sum())
    others = f" and so at {count} places in all" if count > 1 else ""
    told = "" if scatter is None else f", while they scatter by about {scatter:.1g}"
    yield (
        f"Observations contradict each other: at {place} {rows[low]} says {values[low]:g} and {rows[high]} says {values[high]:g}"
        f"{others}{told}. No solution meets both: correct them, or leave the wrong ones out."
    )


def _scatter(points: np.ndarray, values: np.ndarray) -> float | None:
    """Return how far values (n,) typically lie from a plane through their neighbours', None where they are too few.

    Args:
        points: (n, d) different places, each column in units of its range.
        values: one at each.
    """
    from scipy.spatial import cKDTree  # heavy, and only needed with observations

    n, d = points.shape
    count = 2 * d + 3
    if n < count + 2:
        return None
    chosen = np.arange(n) if n <= MOST else np.random.default_rng(0).choice(n, MOST, replace=False)
    _, near = cKDTree(points).query(points[chosen], k=count + 1)
    away = points[near[:, 1:]] - points[chosen][:, None]
    rows = np.concatenate([np.ones((len(chosen), count, 1)), away], axis=2)
    fits = np.linalg.pinv(rows, rcond=1e-8) @ values[near[:, 1:]][..., None]
    return float(1.4826 * np.median(abs(values[chosen] - fits[:, 0, 0])))
