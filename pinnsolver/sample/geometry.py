"""A shape to its points: which lie inside, quasi-random ones in it, and on its boundary with normals.

A combined shape is one signed level: the smaller of two for a union, the larger for an intersection, and
max(a, -b) for a difference. What is boundary is decided by probing: a point of a primitive's boundary counts
where one side of it lies in the combined shape and the other does not. So edges that two primitives share
need no cases of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import pi
from typing import Any

import numpy as np

from pinnsolver.declare.shapes import Combined, Primitive, Shape
from pinnsolver.errors import DeclarationError
from pinnsolver.sample.primitives import Piece, choose, piece_of
from pinnsolver.sample.quasi import collect, unit_points


@dataclass(frozen=True, eq=False)
class _Joined:
    """Two levels joined: "|" union, "&" intersection, "-" difference."""

    operation: str
    left: _Joined | Piece
    right: _Joined | Piece

    def level(self, points: np.ndarray) -> np.ndarray:
        a, b = self.left.level(points), self.right.level(points)
        if self.operation == "|":
            return np.minimum(a, b)
        return np.maximum(a, b if self.operation == "&" else -b)


@dataclass(frozen=True, eq=False)
class Geometry:
    """A shape of which points can be drawn; built by `build_geometry`.

    Args:
        shape: as declared.
        pieces: its primitives, from left to right.
        low, high: (d,) the corners of a box around it.
    """

    shape: Shape
    pieces: tuple[Piece, ...]
    low: np.ndarray
    high: np.ndarray
    _whole: _Joined | Piece

    @property
    def dimension(self) -> int:
        """Number of space coordinates d."""
        return len(self.low)

    @property
    def boundary_dimension(self) -> int:
        """Columns of unit points that a boundary point takes; one also in 1-D, to choose the end."""
        return max(self.dimension - 1, 1)

    @property
    def size(self) -> float:
        """Length of the diagonal of the box around it."""
        return float(np.linalg.norm(self.high - self.low))

    def level(self, points: np.ndarray) -> np.ndarray:
        """Return a signed distance (n,) to the boundary of points (n, d), negative inside.

        Near a primitive's own boundary it is exact to first order, elsewhere a bound or an estimate; on an
        edge that both shapes of a difference share it is 0 though nothing of the shape is beside it.
        """
        return self._whole.level(points)

    def contains(self, points: np.ndarray, slack: float = 0.0) -> np.ndarray:
        """Say which of the points (n, d) lie in the closed region, or within the length `slack` of it."""
        level = self.level(points)
        inside = level <= slack
        if isinstance(self._whole, _Joined):
            # An edge that both shapes of a difference share has level 0, but nothing of the shape beside it.
            radius = max(self._step, 4 * slack)
            doubtful = np.flatnonzero(inside & (level >= -1e-3 * radius))
            inside[doubtful] = self._touches(points[doubtful], radius)
        return inside

    def interior(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return (n, d) quasi-random points, uniform in the shape.

        Raises:
            DeclarationError: the shape has no points, or practically none in the box around it.
        """

        def propose(unit: np.ndarray) -> np.ndarray:
            points = self.low + unit * (self.high - self.low)
            return points[self.contains(points)]

        points = collect(n, self.dimension, rng, propose)
        if len(points) < n:
            raise self.empty()
        return points

    def boundary(self, n: int, rng: np.random.Generator, piece: str = "") -> tuple[np.ndarray, np.ndarray]:
        """Return points and outward unit normals, (n, d) each, uniform on the boundary.

        In one dimension the boundary is a few ends: each is returned once, however large n is.

        Args:
            n: how many points.
            rng: where their random shift comes from.
            piece: the name of the primitives from whose boundary they stem; "" for all.

        Raises:
            DeclarationError: nothing of the piece lies on the boundary of the shape.
        """

        def propose(unit: np.ndarray) -> np.ndarray:
            points, normals, keep = self.place_on_boundary(unit, piece)
            return np.hstack([points, normals])[keep]

        drawn = collect(n, self.boundary_dimension, rng, propose)
        if n and not len(drawn):
            raise self.cut_away(piece)
        if self.dimension == 1:
            drawn = np.unique(drawn, axis=0)
        return drawn[:, : self.dimension], drawn[:, self.dimension :]

    def place_on_boundary(
        self, unit: np.ndarray, piece: str = ""
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Map unit points (n, boundary_dimension) to the primitives' boundaries.

        Returns:
            points (n, d), outward unit normals of the whole shape (n, d), and which of the points really lie
            on the boundary of the whole shape (n,).
        """
        chosen = [p for p in self.pieces if piece in ("", p.name)]
        if not chosen:
            names = ", ".join(repr(p.name) for p in self.pieces if p.name) or "(none)"
            raise DeclarationError(
                f'No shape of the domain {self.shape} is called "{piece}"; the names are {names}.\n'
                'Give the shape its name, for example Disk((x, y), (0.5, 0.5), 0.2, name="hole")'
            )
        which, rest = choose(unit[:, 0], np.array([p.measure for p in chosen]))
        unit = np.column_stack([rest, unit[:, 1:]])
        points, normals = np.empty((2, len(unit), self.dimension))
        keep = np.ones(len(unit), dtype=bool)
        for k, primitive in enumerate(chosen):
            rows = np.flatnonzero(which == k)
            points[rows], normals[rows] = primitive.place(unit[rows])
            for earlier in chosen[:k]:  # an edge that two of them share is drawn from the first
                keep[rows] &= np.abs(earlier.level(points[rows])) > 1e-3 * self._step
        ahead = self.level(points + self._step * normals) < 0
        behind = self.level(points - self._step * normals) < 0
        normals[ahead] *= -1  # the shape lies ahead: a hole's boundary
        return points, normals, keep & (ahead != behind)

    @cached_property
    def volume(self) -> float:
        """Length, area or volume: exact for a primitive, else by 2**19 quasi-random points."""
        if isinstance(self._whole, Piece):
            return self._whole.volume
        rng, box = np.random.default_rng(0), self.high - self.low
        draws = (self.low + unit_points(2**16, self.dimension, rng) * box for _ in range(8))
        return float(np.prod(box) * np.mean([np.mean(self.level(points) < 0) for points in draws]))

    def empty(self) -> DeclarationError:
        """Return the error for a shape without points."""
        return DeclarationError(
            f"The domain {self.shape} is empty, or fills under 1/10000 of the box around it: "
            f"no points can be drawn in it.\n"
            "Move or resize its shapes so that something of it is left"
        )

    def cut_away(self, piece: str) -> DeclarationError:
        """Return the error for a piece of the boundary without points."""
        if not piece:
            return self.empty()
        return DeclarationError(
            f'Nothing of the boundary of "{piece}" lies on the boundary of the domain {self.shape}: '
            "the other shapes cover it or cut it away.\n"
            f'Move or resize "{piece}" so that a part of its boundary bounds the domain, '
            f'or leave out the conditions On("{piece}", ...)'
        )

    @cached_property
    def _step(self) -> float:
        """Length by which to step off a boundary point to see what lies there."""
        width = min(self.size, *(p.extent for p in self.pieces))
        largest = max(np.abs(self.low).max(), np.abs(self.high).max())
        return float(max(1e-6 * width, 1e-12 * largest))

    def _touches(self, points: np.ndarray, radius: float) -> np.ndarray:
        """Say which points (n, d) have some of the shape's inside at a small distance."""
        found = np.zeros(len(points), dtype=bool)
        for direction in _directions(self.dimension):
            open_rows = np.flatnonzero(~found)
            if not len(open_rows):
                break
            probe = points[open_rows] + radius * direction
            found[open_rows] = self.level(probe) < -1e-3 * radius
        return found


def build_geometry(shape: Shape) -> Geometry:
    """Return a declared shape as a geometry."""
    pieces: list[Piece] = []
    whole = _build(shape, pieces)
    low, high = (np.array(corner, dtype=float) for corner in shape.bounds())
    return Geometry(shape, tuple(pieces), low, high, whole)


def _build(shape: Any, pieces: list[Piece]) -> _Joined | Piece:
    """Return the level of a shape, and append its primitives from left to right."""
    if isinstance(shape, Combined):
        left = _build(shape.left, pieces)
        return _Joined(shape.operation, left, _build(shape.right, pieces))
    assert isinstance(shape, Primitive)
    pieces.append(piece_of(shape))
    return pieces[-1]


def _directions(dimension: int) -> np.ndarray:
    """Return unit vectors (m, d) that point everywhere."""
    if dimension == 1:
        return np.array([[1.0], [-1.0]])
    if dimension == 2:
        angle = 2 * pi * np.arange(64) / 64
        return np.column_stack([np.cos(angle), np.sin(angle)])
    k = np.arange(256.0) + 0.5  # Fibonacci's spiral on the sphere
    z, angle = 1 - 2 * k / 256, pi * (1 + 5**0.5) * k
    return np.column_stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z])
