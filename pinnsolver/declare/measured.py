"""Observations as the user gave them to measured points and values, opened and inside the domain."""

from __future__ import annotations

import numpy as np
from sympy.core.function import AppliedUndef

from pinnsolver.declare.checked import Measured
from pinnsolver.declare.equations import check_real
from pinnsolver.declare.levels import level
from pinnsolver.declare.lower import lower
from pinnsolver.declare.observations import Observations
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.symbols import check_applied, shown
from pinnsolver.declare.values import Coordinate, Lowered, Scope
from pinnsolver.errors import DeclarationError, UnsupportedProblem


def check_observations(problem: Problem, scope: Scope) -> tuple[Measured, ...]:
    """Return the observations, opened, their points inside the domain.

    Raises:
        DeclarationError: a file or an array does not fit, or points lie off the domain.
        UnsupportedProblem: what was measured is not a field at running coordinates.
    """
    measured: list[Measured] = []
    for item in problem.observations:
        if not isinstance(item, Observations):
            raise DeclarationError(
                f"observations contains {shown(item)}, which is not an Observations.\n"
                'Write for example Observations(u(x, t), "data.csv")'
            )
        lowered = _lowered(item, scope)
        columns, label = _columns(item, lowered, scope)
        names = tuple(c.name for c in columns)
        file = None if item.path is None else problem.path(item.path)
        points, values = item.load((*names, label), file)
        _check_inside(item, points, columns)
        if isinstance(problem.domain, Shape):
            _check_in_shape(item, points, names, problem.domain)
        name = item.name or f"observations of {item.quantity}"
        same = sum(m.name == name or m.name.startswith(f"{name} (") for m in measured)
        name = f"{name} ({same + 1})" if same else name
        measured.append(Measured(name, lowered, item.quantity, names, points, values, item.path))
    return tuple(measured)


def _lowered(item: Observations, scope: Scope) -> Lowered:
    """Return what was measured, lowered: an expression of fields at running coordinates."""
    check_applied(item.quantity, f"Observations({shown(item.quantity)})")
    lowered = lower(item.quantity, scope)
    check_real(lowered.expr, item.quantity, "observed quantity")
    if lowered.integrals:
        raise UnsupportedProblem(
            f"Observations({item.quantity}) are of an integral.\n"
            "Write an integral condition, for example Eq(Integral(u(x, t), (x, 0, 1)), 2)"
        )
    pinned = next((v for v in lowered.values if v.pins), None)
    if pinned is not None:
        name, value = pinned.pins[0]
        usual = f"{pinned.field}({', '.join(map(str, scope.fields[pinned.field].arguments))})"
        raise UnsupportedProblem(
            f"Observations({item.quantity}) pin {name} = {value}; observations are of running coordinates.\n"
            f"Write Observations({usual}, points, values) with {value} in the column of {name}"
        )
    if not lowered.values:
        raise DeclarationError(
            f"Observations({item.quantity}) are of no field.\nWrite for example Observations(u(x, t), points, values)"
        )
    return lowered


def _columns(item: Observations, lowered: Lowered, scope: Scope) -> tuple[list[Coordinate], str]:
    """Return the coordinates of the columns, in order, and the name of the column of values.

    Every parameter has a column: a measurement belongs to one member of the family.
    """
    used = {s for v in lowered.values for s in scope.fields[v.field].arguments}
    used |= lowered.expr.free_symbols
    used |= {c.symbol for c in scope.coordinates if c.role == "parameter"}
    columns = [c for c in scope.coordinates if c.symbol in used]
    if not isinstance(item.quantity, AppliedUndef):
        return columns, item.name or "value"
    given = list(item.quantity.args)
    columns.sort(key=lambda c: given.index(c.symbol) if c.symbol in given else len(given))
    return columns, lowered.values[0].field


def _check_inside(item: Observations, points: np.ndarray, columns: list[Coordinate]) -> None:
    """Refuse points whose coordinates are out of range."""
    for column, c in zip(points.T, columns, strict=True):
        slack = 1e-9 * c.length
        outside = (column < c.low - slack) | (column > c.high + slack)
        if outside.any():
            first = int(outside.argmax())
            raise DeclarationError(
                f"Observations({item.quantity}) have {int(outside.sum())} points off the domain: row {first + 1} has "
                f"{c.name} = {column[first]:g}, but {c.name} lies in [{c.low_exact}, {c.high_exact}].\n"
                "Leave such rows out, or widen the domain"
            )


def _check_in_shape(item: Observations, points: np.ndarray, names: tuple[str, ...], shape: Shape) -> None:
    """Refuse points off a shape, such as in a hole; rounding on the boundary is forgiven."""
    wanted = [s.name for s in shape.symbols]
    if not set(wanted) <= set(names):
        return
    size = shape.size
    outside = level(shape, points[:, [names.index(n) for n in wanted]]) > 1e-6 * size
    if outside.any():
        first = int(outside.argmax())
        raise DeclarationError(
            f"Observations({item.quantity}) have {int(outside.sum())} points off the shape {shape}: row {first + 1} is "
            f"({', '.join(f'{v:g}' for v in points[first])}).\nLeave such rows out, or change the shape"
        )
