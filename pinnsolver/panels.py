"""A solution to the lines and planes that the report draws, for any number of coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from pinnsolver.declare import CheckedProblem, Coordinate, Field
from pinnsolver.runfolder import Panel

Evaluate = Callable[[np.ndarray], tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]
Known = Callable[[np.ndarray], Mapping[str, np.ndarray]]

LINE = 401
PLANE = 151
PLANES = 6  # planes of one kind at the most


def make_panels(
    checked: CheckedProblem, evaluate: Evaluate, known: Known, contains: Callable[[np.ndarray], np.ndarray]
) -> tuple[Panel, ...]:
    """Return the panels of a solution.

    Args:
        evaluate: (n, D) points to fields and residuals by name, (n,) each.
        known: (n, D) points to the known answers by field; {} where none is known.
        contains: which points lie in the domain.
    """
    panels = []
    for axes, fixed in _layout(checked):
        panels.append(_panel(checked, axes, fixed, evaluate, known, contains))
    return tuple(panels)


def _layout(checked: CheckedProblem) -> list[tuple[tuple[Coordinate, ...], dict[str, float]]]:
    """Return (running coordinates, fixed values) of each panel."""
    space, time = checked.space, checked.time
    members = _members(checked)
    middle = {c.name: 0.5 * (c.low + c.high) for c in checked.coordinates}
    found: list[tuple[tuple[Coordinate, ...], dict[str, float]]] = []
    for member in members:
        if not space:
            assert time is not None
            found.append(((time,), member))
        elif len(space) == 1 and time is None:
            found.append(((space[0],), member))
        elif len(space) == 1 and time is not None:
            found.append(((time, space[0]), member))
            found += [((space[0],), {**member, time.name: t}) for t in _spread(time, 5)]
        elif len(space) == 2:
            for t in [None] if time is None else _spread(time, 4):
                at = {} if time is None or t is None else {time.name: t}
                found.append(((space[0], space[1]), {**member, **at}))
        else:
            moments = [None] if time is None else [time.low + 0.5 * time.length, time.high]
            for t in moments:
                at = {} if time is None or t is None else {time.name: t}
                for pair in list(combinations(space, 2))[:PLANES]:
                    rest = {c.name: middle[c.name] for c in space if c not in pair}
                    found.append((pair, {**member, **at, **rest}))
                if len(space) > 3:
                    for c in space:
                        rest = {o.name: middle[o.name] for o in space if o is not c}
                        found.append(((c,), {**member, **at, **rest}))
    return found


def _members(checked: CheckedProblem) -> list[dict[str, float]]:
    """Return the members of a family that are shown: its ends and its middle."""
    parameters = [c for c in checked.coordinates if c.role == "parameter"]
    if not parameters:
        return [{}]
    return [{c.name: c.low + share * c.length for c in parameters} for share in (0.0, 0.5, 1.0)]


def _spread(c: Coordinate, count: int) -> list[float]:
    return [float(v) for v in np.linspace(c.low, c.high, count)]


def _panel(
    checked: CheckedProblem,
    axes: tuple[Coordinate, ...],
    fixed: dict[str, float],
    evaluate: Evaluate,
    known: Known,
    contains: Callable[[np.ndarray], np.ndarray],
) -> Panel:
    """Evaluate one line or plane."""
    count = LINE if len(axes) == 1 else PLANE
    coordinates = {c.name: np.linspace(c.low, c.high, count) for c in axes}
    grids = np.meshgrid(*coordinates.values(), indexing="ij")
    shape = grids[0].shape
    points = np.empty((grids[0].size, len(checked.coordinates)))
    for i, c in enumerate(checked.coordinates):
        points[:, i] = fixed.get(c.name, 0.5 * (c.low + c.high))
    columns = {c.name: i for i, c in enumerate(checked.coordinates)}
    for name, grid in zip(coordinates, grids, strict=True):
        points[:, columns[name]] = grid.ravel()
    inside = contains(points)
    fields, residual = evaluate(points[inside])
    answers = known(points[inside])

    def spread_out(values: np.ndarray) -> np.ndarray:
        full = np.full(len(points), np.nan)
        full[inside] = values
        return full.reshape(shape)

    shown = [f.name for f in checked.fields if _depends(f, axes)] or [f.name for f in checked.fields]
    return Panel(
        axes=tuple(coordinates),
        fixed=fixed,
        coordinates=coordinates,
        fields={n: spread_out(fields[n]) for n in shown},
        reference={n: spread_out(v) for n, v in answers.items() if n in shown},
        residual={n: spread_out(v) for n, v in residual.items()},
    )


def _depends(field: Field, axes: tuple[Coordinate, ...]) -> bool:
    return any(c.symbol in field.arguments or c.role == "parameter" for c in axes)
