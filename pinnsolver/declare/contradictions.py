"""Conditions that give one value at one place twice: equal ones count once, contradicting ones are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare.checked import Condition
from pinnsolver.declare.levels import boundary_points
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.values import FieldValue, Scope
from pinnsolver.errors import DeclarationError

TINY = 1e-15  # rounding of what should be zero
_TRIED = 4096


def earlier_twin(
    new: Condition, found: list[Condition], scope: Scope, shape: Shape | None
) -> Condition | None:
    """Return the earlier condition that says the same, None where there is none.

    Raises:
        DeclarationError: an earlier condition gives the same value otherwise at the same place.
    """
    for old in found:
        a, b = old.region, new.region
        if old.residual == new.residual and a == b:
            return old
        if old.solved is None or new.solved is None:
            continue
        if not _same_value(old.solved[0], new.solved[0], scope):
            continue
        if (a.boundary is None) != (b.boundary is None):
            continue  # an initial state and a wall may disagree where they meet
        if a.boundary and b.boundary and a.boundary != b.boundary:
            continue
        if _agree(old, new, scope, shape) and (a.boundary, a.where) == (b.boundary, b.where):
            return old
    return None


def _same_value(a: FieldValue, b: FieldValue, scope: Scope) -> bool:
    """Say whether two values are of one field at one place: 1/2 and 0.5 are one place."""
    same = (a.field, a.orders, a.normal) == (b.field, b.orders, b.normal)
    slack = {c.name: 1e-9 * c.length for c in scope.coordinates}
    places = dict(a.pins), dict(b.pins)
    return (
        same
        and places[0].keys() == places[1].keys()
        and all(abs(float(p) - float(places[1][name])) <= slack[name] for name, p in places[0].items())
    )


def _agree(old: Condition, new: Condition, scope: Scope, shape: Shape | None) -> bool:
    """Say whether two conditions give equal values wherever both hold; False where nothing can be said.

    Raises:
        DeclarationError: they differ somewhere.
    """
    assert old.solved and new.solved
    gap = old.solved[1] - new.solved[1]
    if sympy.expand(gap) == 0:
        return True
    symbols = [c.symbol for c in scope.coordinates]
    if gap.free_symbols - set(symbols):
        return False  # an unknown number may make them agree
    columns = _places(old, new, scope, shape)
    holds = np.ones(len(columns[0]), dtype=bool)
    for condition in (old, new):
        if condition.region.where is not None:
            holds &= _evaluate(condition.region.where, symbols, columns) == 1
    a, b = (_evaluate(condition.solved[1], symbols, columns) for condition in (old, new) if condition.solved)
    known = holds & np.isfinite(a) & np.isfinite(b)
    size = max(np.abs(v[known]).max(initial=0.0) for v in (a, b))
    off = known & (np.abs(a - b) > 1e-9 * size + TINY)
    if off.any():
        k = int(off.argmax())
        raise DeclarationError(
            f"The conditions {old.name} and {new.name} contradict each other: both give the same value at the same place "
            f"({a[k]:.4g} and {b[k]:.4g}).\nKeep one of them, or narrow them with On(..., where=...) to parts that do not meet"
        )
    return bool(known.any() and known.sum() == holds.sum())


def _places(old: Condition, new: Condition, scope: Scope, shape: Shape | None) -> list[np.ndarray]:
    """Return some places where two conditions on one value may both hold, an array a coordinate."""
    rng = np.random.default_rng(0)
    piece = old.region.boundary or new.region.boundary
    on_shape = None
    if shape is not None and old.region.boundary is not None:
        on_shape = boundary_points(shape, _TRIED, rng, piece or "")
    n = _TRIED if on_shape is None else len(on_shape)
    columns = {c.symbol: c.low + c.length * rng.random(n) for c in scope.coordinates}
    if shape is not None and on_shape is not None:
        columns |= dict(zip(shape.symbols, on_shape.T, strict=True))
    return list(columns.values())


def _evaluate(expr: Expr | Any, symbols: list[Symbol], columns: list[np.ndarray]) -> np.ndarray:
    """Return (n,) values; what numpy cannot evaluate is nan here, and found by the compiler."""
    n = len(columns[0])
    try:
        with np.errstate(all="ignore"):
            values = sympy.lambdify(symbols, expr, "numpy")(*columns)
            return np.broadcast_to(np.asarray(values, dtype=float), (n,))
    except Exception:  # generated code fails in as many ways as there are functions that numpy lacks
        return np.full(n, np.nan)


def check_against_periodic(condition: Condition, periodic: tuple[str, ...], scope: Scope) -> None:
    """Refuse a condition along a face that Periodic has glued to the opposite one.

    A value at a point is right, at one time or at all times: it fixes the constant, or the phase, that a periodic problem
    leaves open.

    Raises:
        DeclarationError: the condition stands on such a face.
    """
    if condition.kind == "periodic":
        return
    ranges = {c.name: c for c in scope.coordinates}
    arguments = {str(s) for v in condition.residual.all_values() for s in scope.fields[v.field].arguments}
    timelike = {c.name for c in scope.coordinates if c.role == "time"}
    for location in condition.locations:
        running = arguments - {name for name, _ in location}
        if len([name for name, _ in location if name not in timelike]) > 1:
            running -= timelike  # a place in the plane, not the face of an interval
        running -= {c.name for c in scope.coordinates if c.role == "parameter"}
        for name, value in location:
            ends = (ranges[name].low, ranges[name].high)
            if name in periodic and running and float(value) in ends:
                raise DeclarationError(
                    f"The condition {condition.name} stands on a face of {name}, which Periodic({name}) glues to the opposite one.\n"
                    "Leave out one of the two"
                )
