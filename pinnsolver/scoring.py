"""Errors against a known answer: at the reference's own points, or on a uniform grid for a formula.

A declaration that says the same of u and of -u, as one of an eigenfunction does, leaves a sign free: then the
answer is the nearer of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from pinnsolver.declare import CheckedProblem, Field
from pinnsolver.declare.checked import Reference
from pinnsolver.declare.values import Lowered
from pinnsolver.errors import DeclarationError
from pinnsolver.sample import Sampler

GRID = {1: 256, 2: 256, 3: 64}
SOBOL = 1 << 17  # the least power of two above 100,000; the first 100,000 are used


@dataclass(frozen=True)
class Scored:
    """Where a field's answer is known.

    Args:
        points: (n, D) in the problem's columns; coordinates that the field lacks are mid-range.
        values: (n,) known values.
        free_sign: whether the negative is an answer as well.
    """

    points: np.ndarray
    values: np.ndarray
    free_sign: bool = False

    def sign(self, found: np.ndarray) -> float:
        """Return the sign, 1.0 or -1.0, with which the known values are the nearer to (n,) found ones."""
        seen = np.isfinite(found)
        return -1.0 if self.free_sign and found[seen] @ self.values[seen] < 0 else 1.0


def scoring_points(checked: CheckedProblem, sampler: Sampler) -> dict[str, Scored]:
    """Return by field where its answer is known, and the answer.

    Raises:
        DeclarationError: a reference that fails or is not finite on the domain.
    """
    fields = {f.name: f for f in checked.fields}
    return {
        name: _score_points(checked, sampler, fields[name], reference)
        for name, reference in checked.references.items()
    }


def _score_points(checked: CheckedProblem, sampler: Sampler, field: Field, reference: Reference) -> Scored:
    if reference.table is not None:
        count = len(reference.table[""])
        points = _middle(checked, count)
        for i, c in enumerate(checked.coordinates):
            if c.name in reference.table:
                points[:, i] = reference.table[c.name]
        return Scored(points, reference.table[""], has_free_sign(checked, field.name))
    columns = checked.inputs(field)
    unit = _unit_grid(len(columns))
    points = _middle(checked, len(unit))
    for k, i in enumerate(columns):
        c = checked.coordinates[i]
        points[:, i] = c.low + c.length * unit[:, k]
    if checked.shape is not None:
        points = points[sampler.contains(points)]
    values = reference_values(checked, field, reference, points)
    if not np.isfinite(values).all():
        bad = int(np.argmax(~np.isfinite(values)))
        place = ", ".join(f"{checked.coordinates[i].name} = {points[bad, i]:.6g}" for i in columns)
        raise DeclarationError(
            f"The reference of {field.name} is {values[bad]} at {place}.\nGive one that is finite on the whole domain"
        )
    return Scored(points, values, has_free_sign(checked, field.name))


def reference_values(
    checked: CheckedProblem, field: Field, reference: Reference, points: np.ndarray
) -> np.ndarray:
    """Return a formula's or a callable's values at (n, D) points, (n,).

    Raises:
        DeclarationError: it fails, or gives another shape.
    """
    by_symbol = {c.symbol: points[:, i] for i, c in enumerate(checked.coordinates)}
    try:
        with np.errstate(all="ignore"):
            if reference.formula is not None:
                function = sympy.lambdify(list(by_symbol), reference.formula, ["scipy", "numpy"])
                values = function(*by_symbol.values())
            else:
                assert reference.function is not None
                extra = [
                    c.symbol
                    for c in checked.coordinates
                    if c.role == "parameter" and c.symbol not in field.arguments
                ]
                values = reference.function(*(by_symbol[s] for s in (*field.arguments, *extra)))
            return np.array(np.broadcast_to(np.asarray(values, dtype=float).squeeze(), len(points)))
    except Exception as error:
        raise DeclarationError(
            f"The reference of {field.name} failed with {type(error).__name__}: {error}.\n"
            f"It gets one array for each of {', '.join(map(str, field.arguments))} and gives an array of the same shape"
        ) from error


def has_free_sign(checked: CheckedProblem, field: str) -> bool:
    """Say whether the declaration is the same for a field and for its negative.

    Every residual then becomes plus or minus itself when all values and derivatives of the field are negated;
    what was measured stays itself.
    """
    residuals = [e.residual for e in checked.equations] + [c.residual for c in checked.conditions]
    measured = [m.quantity for m in checked.observations]
    return all(_parity(r, field) is not None for r in residuals) and all(
        _parity(m, field) == 1 for m in measured
    )


def _parity(lowered: Lowered, field: str) -> int | None:
    """Return 1 for an expression that is even in a field, -1 for an odd one, None for neither."""
    turned: dict[sympy.Symbol, sympy.Expr] = {v.symbol: -v.symbol for v in lowered.values if v.field == field}
    for integral in lowered.integrals:
        parity = _parity(integral.integrand, field)
        if parity is None:
            return None
        turned[integral.symbol] = parity * integral.symbol
    mirrored = lowered.expr.xreplace(turned)
    if sympy.expand(mirrored - lowered.expr) == 0:
        return 1
    return -1 if sympy.expand(mirrored + lowered.expr) == 0 else None


def relative_l2(found: np.ndarray, known: np.ndarray) -> float | None:
    """Return norm(found - known) / norm(known); None for a reference that is zero."""
    norm = float(np.linalg.norm(known))
    return float(np.linalg.norm(found - known)) / norm if norm > 0 else None


def live_score(
    scored: Mapping[str, Scored], evaluate: Callable[[np.ndarray], Mapping[str, np.ndarray]], most: int = 2000
) -> Callable[[], dict[str, float]]:
    """Return a function that gives the error by field on a part of the points: to be shown, never trained on."""
    rng = np.random.default_rng(0)
    parts = {}
    for name, s in scored.items():
        rows = rng.permutation(len(s.values))[:most]
        parts[name] = Scored(s.points[rows], s.values[rows], s.free_sign)

    def score() -> dict[str, float]:
        errors = {}
        for name, s in parts.items():
            found = evaluate(s.points)[name]
            seen = np.isfinite(found)  # not at times that are not reached yet
            errors[name] = relative_l2(found[seen], s.sign(found) * s.values[seen]) if seen.any() else None
        return {name: error for name, error in errors.items() if error is not None}

    return score


def _middle(checked: CheckedProblem, count: int) -> np.ndarray:
    """Return (count, D) points in the middle of the domain."""
    return np.tile([0.5 * (c.low + c.high) for c in checked.coordinates], (count, 1))


def _unit_grid(dimension: int) -> np.ndarray:
    """Return (n, d) points of a uniform grid on the unit cube, or Sobol points in many dimensions."""
    if dimension not in GRID:
        from scipy.stats import qmc

        points: np.ndarray = qmc.Sobol(dimension, scramble=False).random(SOBOL)[:100_000]
        return points
    axis = np.linspace(0.0, 1.0, GRID[dimension])
    return np.stack([g.ravel() for g in np.meshgrid(*[axis] * dimension, indexing="ij")], axis=1)


def interpolated_table(
    checked: CheckedProblem,
    reference: Reference,
    points: np.ndarray,
    own: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return a table's values between its points, for pictures only; NaN outside their hull.

    Args:
        points: (n, D) in the problem's columns.
        own: the solution at such points, (n,). On scattered points what the table differs from it is interpolated: a difference of 1e-3
            is then shown as such, where the values themselves change more than that from one point to the next.
    """
    from scipy.interpolate import LinearNDInterpolator

    assert reference.table is not None
    columns = [i for i, c in enumerate(checked.coordinates) if c.name in reference.table]
    known = np.stack([reference.table[checked.coordinates[i].name] for i in columns], axis=1)
    values = reference.table[""]
    if len(columns) == 1:
        order = np.argsort(known[:, 0])
        return np.interp(points[:, columns[0]], known[order, 0], values[order], left=np.nan, right=np.nan)
    grid = _on_grid(known, values)
    if grid is not None:
        return grid(points[:, columns])
    rows = np.random.default_rng(0).permutation(len(values))[:20000]
    try:
        places = _middle(checked, len(rows))
        places[:, columns] = known[rows]
        gap = LinearNDInterpolator(known[rows], values[rows] - own(places), rescale=True)
        found: np.ndarray = own(points) + gap(points[:, columns])
    except Exception:  # Qhull refuses points on a line: then there is no picture of the reference
        found = np.full(len(points), np.nan)
    return found


def _on_grid(known: np.ndarray, values: np.ndarray) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return cubic splines through values (n,) at points (n, d) that fill a grid, None if they fill none.

    To the fourth order and in no time, where a triangulation of all points takes seconds.
    """
    from scipy.interpolate import RegularGridInterpolator

    axes = [np.unique(column) for column in known.T]
    shape = tuple(a.size for a in axes)
    if min(shape) < 4 or np.prod(shape) != len(values):
        return None
    order = np.lexsort(known.T[::-1])
    if not np.array_equal(known[order], np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(known.shape)):
        return None
    splines = RegularGridInterpolator(
        axes, values[order].reshape(shape), "cubic", bounds_error=False, fill_value=np.nan
    )
    return lambda points: np.asarray(splines(points))
