"""Where residuals are asked for: points inside, on faces, on shaped boundaries with their normals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy

from pinnsolver.declare.checked import Condition
from pinnsolver.declare.levels import level, outline
from pinnsolver.declare.shapes import Shape
from pinnsolver.verify.classical.forward import Forward, NotApplicableError
from pinnsolver.verify.classical.splines import Axis

PROBE = 1e-6  # of the shape's size, for normals by differences


def tensor(forward: Forward, nodes: dict[int, np.ndarray]) -> np.ndarray:
    """Return all combinations (n, D) of some columns' nodes, the other columns mid-range."""
    columns = list(nodes)
    grids = np.meshgrid(*(nodes[c] for c in columns), indexing="ij") if columns else []
    count = grids[0].size if grids else 1
    points = forward.middle(count)
    for column, grid in zip(columns, grids, strict=True):
        points[:, column] = grid.ravel()
    return points


def inside(forward: Forward, points: np.ndarray) -> np.ndarray:
    """Return those of some points (n, D) that lie in the domain."""
    if forward.shape is None:
        return points
    return points[level(forward.shape, points[:, : forward.shape.dimension]) < 0]


def running(condition: Condition, forward: Forward) -> list[int]:
    """Return the columns along which a condition holds."""
    fields = {f.name: f for f in forward.fields}
    used: set[sympy.Symbol] = set()
    for value in condition.residual.all_values():
        pins = dict(value.pins)
        used |= {s for s in fields[value.field].arguments if str(s) not in pins}
    for expr in (condition.residual.expr, condition.region.where):
        used |= getattr(expr, "free_symbols", set())
    gone = {name for i in condition.residual.integrals for name, _, _ in i.limits}
    gone |= {name for location in condition.locations for name, _ in location}
    return [i for i, c in enumerate(forward.coordinates) if c.symbol in used and c.name not in gone]


def condition_points(
    condition: Condition, forward: Forward, nodes: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return points (n, D) of a condition and, on a shaped boundary, the outward normals (n, d).

    Args:
        condition: the condition.
        forward: the problem.
        nodes: of every coordinate, by column.
    """
    normals = None
    if condition.region.boundary is not None:
        assert forward.shape is not None
        d = forward.shape.dimension
        per_side = max(len(nodes[i]) for i in range(d))
        places, normals = boundary(forward.shape, condition.region.boundary, 8 * per_side)
        times = [nodes[i] for i in range(d, len(forward.coordinates))]
        steps = times[0] if times else np.zeros(1)
        points = forward.middle(len(places) * len(steps))
        points[:, :d] = np.repeat(places, len(steps), axis=0)
        normals = np.repeat(normals, len(steps), axis=0)
        if times:
            points[:, d] = np.tile(steps, len(places))
    else:
        points = tensor(forward, {i: nodes[i] for i in running(condition, forward)})
        points = _within(points, condition, forward)
    if condition.region.where is not None:
        holds = sympy.lambdify([c.symbol for c in forward.coordinates], condition.region.where, "numpy")
        kept = np.broadcast_to(holds(*points.T), len(points))
        points, normals = points[kept], None if normals is None else normals[kept]
    if not len(points):
        raise NotApplicableError(f"the condition {condition.name} falls between the points")
    return points, normals


def _within(points: np.ndarray, condition: Condition, forward: Forward) -> np.ndarray:
    """Return the points at which a condition that pins no boundary lies in a shaped domain."""
    if forward.shape is None:
        return points
    places = points.copy()
    for name, at in condition.region.pins:
        places[:, [c.name for c in forward.coordinates].index(name)] = float(at)
    kept = level(forward.shape, places[:, : forward.shape.dimension]) <= 1e-6 * forward.shape.size
    return points[kept]


def boundary(shape: Shape, piece: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and outward unit normals of a shape's boundary, or of a named piece of it, (n, d) each."""
    rng = np.random.default_rng(0)
    found = [outline(p, count, rng) for p in shape.primitives() if piece in ("", p.name)]
    points = np.concatenate(found)
    points = points[abs(level(shape, points)) <= 1e-9 * shape.size]
    normals = slope(shape, points, shape.size)
    length = np.linalg.norm(normals, axis=1)
    smooth = length > 0.9  # at a corner two walls meet and the difference sees both
    return points[smooth], normals[smooth] / length[smooth, None]


def slope(shape: Shape, points: np.ndarray, size: float) -> np.ndarray:
    """Return the gradient of a shape's level at points (n, d) of its boundary, (n, d), by differences.

    Args:
        size: of the domain.
    """
    step = PROBE * size
    moves = step * np.eye(points.shape[1])
    parts = [(level(shape, points + m) - level(shape, points - m)) / (2 * step) for m in moves]
    return np.stack(parts, axis=1)


def axis_nodes(axes: Sequence[Axis]) -> dict[int, np.ndarray]:
    """Return the collocation points of each axis, by column."""
    return {k: axis.collocation() for k, axis in enumerate(axes)}
