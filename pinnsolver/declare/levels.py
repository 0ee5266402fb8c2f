"""Where a shape is and where its boundary runs, in numpy: enough to check a declaration against it.

Points to train on are drawn in `sample/`; here a few are tried, to find conditions that contradict each
other and places off the domain.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from pinnsolver.declare.shapes import (
    Ball,
    Combined,
    Cuboid,
    Disk,
    Ellipse,
    Interval,
    Polygon,
    Rectangle,
    Shape,
)


@singledispatch
def level(shape: Shape, points: np.ndarray) -> np.ndarray:
    """Return (n,) numbers for (n, d) points: negative inside, zero on the boundary, positive outside.

    Close to the boundary they are of the size of the distance to it.
    """
    raise NotImplementedError(type(shape).__name__)


@level.register
def _(shape: Combined, points: np.ndarray) -> np.ndarray:
    a, b = level(shape.left, points), level(shape.right, points)
    if shape.operation == "|":
        return np.minimum(a, b)
    return np.maximum(a, b if shape.operation == "&" else -b)


@level.register(Interval)
@level.register(Rectangle)
@level.register(Cuboid)
def _(shape: Interval | Rectangle | Cuboid, points: np.ndarray) -> np.ndarray:
    return np.maximum(np.asarray(shape.low) - points, points - np.asarray(shape.high)).max(axis=1)


@level.register(Disk)
@level.register(Ball)
def _(shape: Disk | Ball, points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - np.asarray(shape.center), axis=1) - shape.radius


@level.register
def _(shape: Ellipse, points: np.ndarray) -> np.ndarray:
    turned = (points - np.asarray(shape.center)) @ _rotation(shape.angle)
    return (np.linalg.norm(turned / np.asarray(shape.semiaxes), axis=1) - 1) * min(shape.semiaxes)


@level.register
def _(shape: Polygon, points: np.ndarray) -> np.ndarray:
    nearest = np.full(len(points), np.inf)
    inside = np.zeros(len(points), dtype=bool)
    x, y = points.T
    for (a, b), (c, d) in zip(shape.vertices, (*shape.vertices[1:], shape.vertices[0]), strict=True):
        share = np.clip(((x - a) * (c - a) + (y - b) * (d - b)) / ((c - a) ** 2 + (d - b) ** 2), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - a - share * (c - a), y - b - share * (d - b)))
        if b != d:  # a ray to the right crosses the edge: the point changes sides
            inside ^= ((b > y) != (d > y)) & (x < a + (y - b) * (c - a) / (d - b))
    return np.where(inside, -nearest, nearest)


def boundary_points(shape: Shape, n: int, rng: np.random.Generator, piece: str = "") -> np.ndarray:
    """Return (m, d) points of the boundary of a shape, or of the piece of it that is called `piece`.

    Args:
        shape: the domain.
        n: tried on each primitive; those within another primitive are left out.
        rng: where they come from.
        piece: name of a primitive, "" for all of them.
    """
    found = [outline(p, n, rng) for p in shape.primitives() if piece in ("", p.name)]
    points = np.concatenate(found)
    size = shape.size
    kept: np.ndarray = points[np.abs(level(shape, points)) <= 1e-9 * size]
    return kept


@singledispatch
def outline(shape: Shape, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (n, d) points of the boundary of a primitive shape."""
    raise NotImplementedError(type(shape).__name__)


@outline.register(Interval)
@outline.register(Rectangle)
@outline.register(Cuboid)
def _(shape: Interval | Rectangle | Cuboid, n: int, rng: np.random.Generator) -> np.ndarray:
    corners = np.array([shape.low, shape.high])
    points = corners[0] + (corners[1] - corners[0]) * rng.random((n, shape.dimension))
    face, side = rng.integers(shape.dimension, size=n), rng.integers(2, size=n)
    points[np.arange(n), face] = corners[side, face]
    return points


@outline.register(Disk)
@outline.register(Ball)
def _(shape: Disk | Ball, n: int, rng: np.random.Generator) -> np.ndarray:
    normals = rng.normal(size=(n, shape.dimension))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(shape.center) + shape.radius * normals


@outline.register
def _(shape: Ellipse, n: int, rng: np.random.Generator) -> np.ndarray:
    angle = 2 * np.pi * rng.random(n)
    turned = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.asarray(shape.semiaxes)
    return np.asarray(shape.center) + turned @ _rotation(shape.angle).T


@outline.register
def _(shape: Polygon, n: int, rng: np.random.Generator) -> np.ndarray:
    vertices = np.array(shape.vertices)
    edge = rng.integers(len(vertices), size=n)
    share = rng.random((n, 1))
    return vertices[edge] * (1 - share) + vertices[(edge + 1) % len(vertices)] * share


def _rotation(angle: float) -> np.ndarray:
    """Return the (2, 2) matrix that turns a column vector counterclockwise by an angle."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])
