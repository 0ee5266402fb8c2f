"""A plane shape to triangles: a coarse mesh that follows its arcs, finer ones that crowd at its corners.

Points go on the arcs and, from a tree of squares, inside; Delaunay's triangulation joins them, and arcs are divided until
each piece is an edge. Refinement divides triangles and moves new points of the boundary onto the curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.spatial import Delaunay, QhullError, cKDTree

from pinnsolver.declare.levels import level
from pinnsolver.declare.shapes import Shape
from pinnsolver.verify.classical.arcs import SAME, Arc, Corner, arcs_of, corners_of
from pinnsolver.verify.classical.forward import Deadline, NotApplicableError
from pinnsolver.verify.classical.places import slope

COARSE = 0.2  # of the shape's size, the longest edges of the first mesh
PER_TURN = 16  # edges on a full circle
GRADATION = 0.4  # by which edges lengthen with the distance from shorter ones
CLEAR = 0.6  # of an edge, the distance of inner points from the boundary
SMOOTHINGS = 12
SPLITS = 30
STRONG, WEAK = (
    0.8,
    0.5,
)  # exponents of the distance from corners that enter, and from others, by which edges shorten
SHORTEST = 1e-7  # of the shape's size


@dataclass(frozen=True, eq=False)
class Outline:
    """A shape's boundary, known as arcs.

    Args:
        shape: the domain.
        arcs, corners: its boundary.
    """

    shape: Shape
    arcs: Sequence[Arc]
    corners: Sequence[Corner]

    @classmethod
    def of(cls, shape: Shape, marks: Sequence[Any]) -> Outline:
        """Return the outline of a shape whose arcs end where a mark changes.

        Raises:
            NotApplicableError: a part of it has no mesh of triangles.
        """
        if shape.dimension != 2:
            raise NotApplicableError(f"made for shapes in 2 dimensions, not in {shape.dimension}")
        arcs = arcs_of(shape, marks)
        return cls(shape, arcs, corners_of(shape, arcs))

    def onto(self, points: np.ndarray) -> np.ndarray:
        """Return points (n, 2) near the boundary moved onto it."""
        size = self.shape.size
        primitives = list(self.shape.primitives())
        found = points.copy()
        near = np.argmin([abs(level(p, points)) for p in primitives], axis=0)
        for k, primitive in enumerate(primitives):
            mine = near == k
            for _ in range(4):
                here = found[mine]
                if not len(here):
                    break
                height = level(primitive, here)
                if (off := abs(height) > 1e-14 * size).any():
                    gradient = slope(primitive, here, size)
                    square = np.maximum((gradient**2).sum(axis=1), 1e-4)
                    here[off] -= (height / square * gradient.T).T[off]
                    found[mine] = here
        return found


def coarse_mesh(outline: Outline) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, 2) and triangles (m, 3) that follow the arcs.

    Raises:
        NotApplicableError: no mesh was found.
    """
    size = outline.shape.size
    shares = [_shares(arc, lengths) for arc, lengths in zip(outline.arcs, _lengths(outline), strict=True)]
    for _ in range(SPLITS):
        border, segments = _chain(outline, shares, size)
        inner = _inner_points(border, segments, size)
        for _ in range(SMOOTHINGS):
            points = np.concatenate([border, inner])
            triangles = _delaunay(points, border, segments, size)
            inner = _smoothed(points, triangles, len(border), border, segments)
        points = np.concatenate([border, inner])
        triangles = _delaunay(points, border, segments, size)
        missing = _missing(segments, triangles)
        if not missing.any():
            used = np.unique(triangles)
            place = np.full(len(points), -1)
            place[used] = np.arange(len(used))
            return points[used], place[triangles]
        shares = _divided(shares, missing)
    raise NotApplicableError("its boundary could not be followed by a mesh of triangles")


def _lengths(outline: Outline) -> list[np.ndarray]:
    """Return for each arc how long edges may be along it, at 65 places."""
    size = outline.shape.size
    s = np.linspace(0, 1, 65)
    places = [arc.at(s) for arc in outline.arcs]
    whole = [float(np.linalg.norm(np.diff(p, axis=0), axis=1).sum()) for p in places]
    own = []
    for i, (arc, p, length) in enumerate(zip(outline.arcs, places, whole, strict=True)):
        bound = np.full(len(s), min(COARSE * size, length))
        bound = np.minimum(bound, 2 * np.pi / PER_TURN * _radius(arc, s))
        for j, q in enumerate(places):  # half a gap between walls, so that two triangles fit across
            ends = np.linalg.norm(p[[0, -1]][:, None] - q[[0, -1]][None], axis=2)
            if i != j and ends.min() > SAME * size:
                bound = np.minimum(bound, np.maximum(0.7 * cKDTree(q).query(p)[0], 1e-3 * size))
        own.append(bound)
    every, bounds = np.concatenate(places), np.concatenate(own)
    return [
        np.minimum(b, (bounds + GRADATION * np.linalg.norm(p[:, None] - every, axis=2)).min(axis=1))
        for p, b in zip(places, own, strict=True)
    ]


def _radius(arc: Arc, s: np.ndarray) -> np.ndarray:
    """Return the radius of curvature at shares (n,) of the way, infinite along a line."""
    step = 1e-3
    ahead, here, behind = (arc.at(s + k * step) for k in (1, 0, -1))
    first, second = (ahead - behind) / (2 * step), (ahead - 2 * here + behind) / step**2
    speed = np.linalg.norm(first, axis=1)
    bend = abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    return np.asarray(
        speed**3 / np.maximum(bend, 1e-6 * speed**2 * np.linalg.norm(here, axis=1).max() + 1e-300)
    )


def _shares(arc: Arc, lengths: np.ndarray) -> np.ndarray:
    """Return where an arc is divided, from 0 to 1."""
    s = np.linspace(0, 1, len(lengths))
    steps = np.linalg.norm(np.diff(arc.at(s), axis=0), axis=1)
    count = np.concatenate([[0.0], np.cumsum(steps / (0.5 * (lengths[1:] + lengths[:-1])))])
    pieces = max(1, int(np.ceil(count[-1] - 1e-9)))
    return np.interp(np.linspace(0, count[-1], pieces + 1), count, s)


def _chain(outline: Outline, shares: Sequence[np.ndarray], size: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of the boundary (n, 2) and its segments (m, 2), ends of arcs joined."""
    points = np.concatenate([arc.at(s) for arc, s in zip(outline.arcs, shares, strict=True)])
    starts = np.cumsum([0, *(len(s) for s in shares)])
    segments = np.concatenate(
        [np.stack([np.arange(a, b - 1), np.arange(a + 1, b)], 1) for a, b in pairwise(starts)]
    )
    same = np.arange(len(points))
    for a, b in sorted(cKDTree(points).query_pairs(SAME * size)):
        same[b] = min(same[b], same[a])
    kept, place = np.unique(same, return_inverse=True)
    segments = place[segments]
    if (np.bincount(segments.ravel(), minlength=len(kept)) % 2).any():
        raise NotApplicableError("its boundary does not close")
    return points[kept], segments


def _inner_points(border: np.ndarray, segments: np.ndarray, size: float) -> np.ndarray:
    """Return points (n, 2) inside, as close to each other as the boundary's are near them."""
    ends = border[segments]
    middles, lengths = ends.mean(axis=1), np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)

    def wanted(points: np.ndarray) -> np.ndarray:
        away = np.linalg.norm(points[:, None] - middles, axis=2)
        return np.asarray((lengths + GRADATION * np.maximum(away - lengths / 2, 0)).min(axis=1))

    low, high = border.min(axis=0), border.max(axis=0)
    step = COARSE * size
    counts = np.ceil((high - low) / step).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1).reshape(-1, 2)
    middle = low + (grid + 0.5) * step
    found = []
    while len(middle):
        ready = step <= 1.2 * wanted(middle)
        found.append(middle[ready])
        step /= 2
        quarter = step / 2 * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
        middle = (middle[~ready][:, None] + quarter).reshape(-1, 2)
    points = np.concatenate(found)
    points = points[_within(points, border, segments)]
    return points[_clearance(points, ends) > CLEAR * wanted(points)] if len(points) else points


def _clearance(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of points from the nearest segment (m, 2, 2)."""
    a, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    share = np.clip(((points[:, None] - a) * along).sum(axis=2) / (along**2).sum(axis=1), 0, 1)
    return np.asarray(np.linalg.norm(points[:, None] - a - share[..., None] * along, axis=2).min(axis=1))


def _within(points: np.ndarray, border: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Say which points (n, 2) the segments enclose: a ray to the right crosses them an odd number of times."""
    (ax, ay), (bx, by) = border[segments[:, 0]].T, border[segments[:, 1]].T
    x, y = points[:, :1], points[:, 1:]
    spans = (ay > y) != (by > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = spans & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return np.asarray(crossing.sum(axis=1) % 2 == 1)


def _delaunay(points: np.ndarray, border: np.ndarray, segments: np.ndarray, size: float) -> np.ndarray:
    """Return the triangles (m, 3) inside, flat ones left out."""
    try:
        triangles = Delaunay(points).simplices
    except QhullError:
        raise NotApplicableError("its boundary could not be followed by a mesh of triangles") from None
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    longest = np.max([np.linalg.norm(p - q, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    triangles = triangles[abs(area) > 1e-6 * longest**2]
    return np.asarray(triangles[_within(points[triangles].mean(axis=1), border, segments)])


def _smoothed(
    points: np.ndarray, triangles: np.ndarray, fixed: int, border: np.ndarray, segments: np.ndarray
) -> np.ndarray:
    """Return the inner points moved to the middle of their neighbours."""
    edges = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0
    )
    total, count = np.zeros(points.shape), np.zeros(len(points))
    for a, b in (edges.T, edges.T[::-1]):
        np.add.at(total, a, points[b])
        np.add.at(count, a, 1)
    moved = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], points)[fixed:]
    ok = _within(moved, border, segments) if len(moved) else np.zeros(0, dtype=bool)
    return np.where(ok[:, None], moved, points[fixed:])


def _missing(segments: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Say which segments are no edge of a triangle, (m,)."""
    edges = {tuple(sorted(e)) for t in triangles.tolist() for e in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0]))}
    return np.array([tuple(sorted(s)) not in edges for s in segments.tolist()])


def _divided(shares: Sequence[np.ndarray], missing: np.ndarray) -> list[np.ndarray]:
    """Return the division of each arc with the missing segments halved."""
    found, start = [], 0
    for s in shares:
        lost = missing[start : start + len(s) - 1]
        start += len(s) - 1
        found.append(np.sort(np.concatenate([s, ((s[1:] + s[:-1]) / 2)[lost]])))
    return found


def graded(mesh: Any, outline: Outline, longest: float, deadline: Deadline, most: int) -> Any:
    """Return a scikit-fem mesh with every triangle divided in four, then more until no edge is longer than it may be.

    An edge may have a length h away from corners and h (r/R)^a at the distance r from one: with a > 1 - m/2, where the
    solution behaves like r^m, quadratic elements converge as if there were no corner (Babuska, Kellogg, Pitkaranta 1979).

    Args:
        mesh: from which to start.
        outline: the boundary.
        longest: h.
        deadline: when to give up.
        most: triangles.

    Raises:
        NotApplicableError: it takes more triangles.
    """
    size = outline.shape.size
    places = np.array([c.place for c in outline.corners]).reshape(-1, 2)
    reach = _reach(places, size)
    powers = np.array([STRONG if c.entering else WEAK for c in outline.corners])
    marked = np.arange(mesh.t.shape[1])
    while len(marked):
        deadline.check()
        if mesh.t.shape[1] + 3 * len(marked) > most:
            raise NotApplicableError(f"it takes more than {most} triangles")
        mesh = mesh.refined(marked)
        rim = np.unique(mesh.facets[:, mesh.boundary_facets()])
        moved = mesh.doflocs.copy()
        moved[:, rim] = outline.onto(moved[:, rim].T).T
        mesh = replace(mesh, doflocs=moved)
        corners = mesh.p[:, mesh.t]
        sides = corners - np.roll(corners, 1, axis=1)
        long = np.sqrt((sides**2).sum(axis=0)).max(axis=0)
        may = np.full(long.shape, longest)
        for place, power in zip(places, powers, strict=True):
            away = np.linalg.norm(corners.mean(axis=1) - place[:, None], axis=0)
            may = np.minimum(may, longest * np.minimum(1.0, away / reach) ** power)
        marked = np.flatnonzero(long > np.maximum(may, SHORTEST * size))
    return mesh


def _reach(places: np.ndarray, size: float) -> float:
    """Return the distance from a corner up to which edges are shortened."""
    if len(places) < 2:
        return 0.3 * size
    near, _ = cKDTree(places).query(places, k=2)
    return float(min(0.3 * size, 0.5 * near[:, 1].min()))
