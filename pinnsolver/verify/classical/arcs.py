"""A shape's boundary as smooth arcs between corners, for a mesh to follow: sympy shapes in, curves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pinnsolver.declare.levels import level
from pinnsolver.declare.shapes import Disk, Ellipse, Polygon, Rectangle, Shape
from pinnsolver.verify.classical.forward import NotApplicableError

Curve = Callable[[np.ndarray], np.ndarray]
SAMPLES = 400  # of a primitive's arc, between which it enters or leaves the domain's boundary
BISECTIONS = 45
SIDE = 1e-8  # of the shape's size, by which the two sides of a boundary are told apart
ON = 1e-9  # of the shape's size, within which a point lies on a curve
SAME = 1e-6  # of the shape's size, within which two ends of arcs are one corner
STRAIGHT = 1e-3  # of half a turn, within which a corner is none


@dataclass(frozen=True, eq=False)
class Arc:
    """A smooth piece of a boundary.

    Args:
        curve: from (n,) parameters to (n, 2) points.
        start, end: parameters between which it is part of the boundary.
        key: which marks hold along it, a bit each.
    """

    curve: Curve
    start: float
    end: float
    key: int = 0

    def at(self, shares: np.ndarray) -> np.ndarray:
        """Return the points (n, 2) at shares (n,) of the way."""
        return self.curve(self.start + (self.end - self.start) * shares)


@dataclass(frozen=True)
class Corner:
    """A point at which a solution may be singular.

    Args:
        place: (x, y).
        entering: whether the angle inside is more than half a turn, or other conditions begin on a smooth curve.
    """

    place: tuple[float, float]
    entering: bool


def arcs_of(shape: Shape, marks: Sequence[Callable[[np.ndarray], np.ndarray]] = ()) -> list[Arc]:
    """Return the arcs that bound a plane shape.

    Args:
        shape: the domain.
        marks: functions of points (n, 2) on the boundary that say where a condition holds; arcs end where one changes.
    """
    found = []
    primitives = list(shape.primitives())
    for k, primitive in enumerate(primitives):
        for whole in _whole_arcs(primitive):
            keys = partial(_keys, whole.curve, shape, primitives[:k], marks)
            found += list(_cut(whole, keys))
    return found


def _whole_arcs(shape: Shape) -> Iterator[Arc]:
    """Yield the smooth arcs of a primitive, quarters of round ones."""
    if isinstance(shape, Rectangle):
        (a, b), (c, d) = shape.low, shape.high
        yield from _edges([(a, b), (c, b), (c, d), (a, d)])
    elif isinstance(shape, Polygon):
        yield from _edges(shape.vertices)
    elif isinstance(shape, Disk | Ellipse):
        semiaxes, angle = (
            ((shape.radius, shape.radius), 0.0) if isinstance(shape, Disk) else (shape.semiaxes, shape.angle)
        )
        curve = partial(_on_ellipse, np.array(shape.center), np.array(semiaxes), angle)
        for k in range(4):
            yield Arc(curve, k * np.pi / 2, (k + 1) * np.pi / 2)
    else:
        raise NotApplicableError(f"{type(shape).__name__} has no mesh of triangles")


def _edges(vertices: Sequence[Sequence[float]]) -> Iterator[Arc]:
    corners = np.array(vertices)
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        yield Arc(partial(_on_line, a, b), 0.0, 1.0)


def _on_line(a: np.ndarray, b: np.ndarray, s: np.ndarray) -> np.ndarray:
    along: np.ndarray = a + (b - a) * s[:, None]
    return along


def _on_ellipse(center: np.ndarray, semiaxes: np.ndarray, angle: float, s: np.ndarray) -> np.ndarray:
    c, sn = np.cos(angle), np.sin(angle)
    plain = np.stack([np.cos(s), np.sin(s)], axis=1) * semiaxes
    turned: np.ndarray = center + plain @ np.array([[c, sn], [-sn, c]])
    return turned


def _keys(
    curve: Curve,
    shape: Shape,
    earlier: Sequence[Shape],
    marks: Sequence[Callable[[np.ndarray], np.ndarray]],
    s: np.ndarray,
) -> np.ndarray:
    """Return (n,) numbers: -1 where a curve does not bound the domain, else which marks hold there."""
    size = shape.size
    points, step = curve(s), 1e-7
    along = curve(s + step) - curve(s - step)
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1)[:, None]
    one, other = (level(shape, points + sign * SIDE * size * normals) < 0 for sign in (1, -1))
    bounds = one != other
    for primitive in earlier:  # where two curves coincide the first one counts
        bounds &= abs(level(primitive, points)) > ON * size
    keys = np.zeros(len(s), dtype=int)
    for k, mark in enumerate(marks):
        keys += mark(points) * 2**k
    return np.where(bounds, keys, -1)


def _cut(arc: Arc, keys: Callable[[np.ndarray], np.ndarray]) -> Iterator[Arc]:
    """Yield the pieces of an arc that bound the domain, each with the same marks all along."""
    middles = arc.start + (arc.end - arc.start) * (np.arange(SAMPLES) + 0.5) / SAMPLES
    seen = keys(middles)
    start, key = arc.start, int(seen[0])
    for a, b, k in zip(middles[:-1], middles[1:], seen[1:], strict=True):
        if k == key:
            continue
        low, high = a, b
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if keys(np.array([middle]))[0] == key else (low, middle)
        if key >= 0:
            yield Arc(arc.curve, start, high, key)
        start, key = high, int(k)
    if key >= 0:
        yield Arc(arc.curve, start, arc.end, key)


def corners_of(shape: Shape, arcs: Sequence[Arc]) -> list[Corner]:
    """Return where arcs meet at an angle, or straight on with other conditions."""
    size = shape.size
    ends = np.concatenate([arc.at(np.array([0.0, 1.0])) for arc in arcs])
    keys = np.repeat([arc.key for arc in arcs], 2)
    turn = 2 * np.pi * (np.arange(1440) + 0.5) / 1440
    ring = 1e-4 * size * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    found: list[Corner] = []
    for place in ends:
        if any(np.hypot(*(place - c.place)) < SAME * size for c in found):
            continue
        share = float((level(shape, place + ring) < 0).mean())
        straight = abs(share - 0.5) < STRAIGHT
        here = keys[np.linalg.norm(ends - place, axis=1) < SAME * size]
        changes = len(set(here.tolist())) > 1
        if not straight or changes:
            found.append(Corner((float(place[0]), float(place[1])), straight or share > 0.5))
    return found
