"""Each primitive shape as numbers: signed distance, boundary points with normals, volume.

DeepXDE's primitives cannot be used for this: their boundary points come from numpy's global generator or an
unseedable sequence, and their own formulas fail us in places. Ellipse has no normals, turns clockwise and
refuses a longer second semiaxis; Polygon and Triangle call np.cross on vectors of two components, which
numpy 2 deprecates, and refuse each other's shapes; Rectangle and Cuboid average the normals near corners.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import singledispatch
from math import pi, prod
from typing import Any

import numpy as np

from pinnsolver.declare import shapes
from pinnsolver.errors import UnsupportedProblem


@dataclass(frozen=True, eq=False)
class Piece(ABC):
    """A primitive shape in d space coordinates.

    Args:
        name: what `On("name", ...)` calls its boundary; "" without one.
        measure: length or area of its boundary; in one dimension the number of its ends.
        volume: its length, area or volume.
        extent: its smallest width.
    """

    name: str
    measure: float
    volume: float
    extent: float

    @abstractmethod
    def level(self, points: np.ndarray) -> np.ndarray:
        """Return the signed distance (n,) to the boundary, negative inside; exact to first order near it."""

    @abstractmethod
    def place(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map unit points (n, max(d - 1, 1)) evenly to boundary points and outward normals, (n, d) each."""


@singledispatch
def piece_of(shape: Any) -> Piece:
    """Return a primitive shape as numbers."""
    raise UnsupportedProblem(
        f"{shape} is a {type(shape).__name__}, for which no points can be drawn.\n"
        "Write it with Interval, Rectangle, Disk, Ellipse, Polygon, Cuboid or Ball"
    )


def choose(u: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split u in (0, 1) into a choice by weight and a new number in [0, 1), both as even as u is."""
    edges = np.concatenate([[0.0], np.cumsum(weights) / np.sum(weights)])
    index = np.minimum(np.searchsorted(edges, u, side="right") - 1, len(weights) - 1)
    rest = (u - edges[index]) / (edges[index + 1] - edges[index])
    return index, np.clip(rest, 0.0, 1.0 - 2.0**-53)


# ----------------------------------------------------------------------- Interval, Rectangle, Cuboid


@dataclass(frozen=True, eq=False)
class _Box(Piece):
    low: np.ndarray
    high: np.ndarray
    areas: np.ndarray

    def level(self, points: np.ndarray) -> np.ndarray:
        below, above = self.low - points, points - self.high
        return np.maximum(below, above).max(axis=1)

    def place(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        d = len(self.low)
        face, rest = choose(unit[:, 0], self.areas)
        axis, side = face // 2, face % 2
        along = np.column_stack([rest, unit[:, 1:]])
        points, normals = np.empty((len(unit), d)), np.zeros((len(unit), d))
        for k in range(d):
            rows = axis == k
            for column, j in enumerate(j for j in range(d) if j != k):
                points[rows, j] = self.low[j] + along[rows, column] * (self.high[j] - self.low[j])
            points[rows, k] = np.where(side[rows], self.high[k], self.low[k])
            normals[rows, k] = 2 * side[rows] - 1
        return points, normals


@piece_of.register(shapes.Interval)
@piece_of.register(shapes.Rectangle)
@piece_of.register(shapes.Cuboid)
def _(shape: Any) -> Piece:
    low, high = np.array(shape.low), np.array(shape.high)
    lengths = high - low
    areas = np.repeat(prod(lengths) / lengths, 2)
    return _Box(shape.name or "", float(areas.sum()), prod(lengths), float(lengths.min()), low, high, areas)


# --------------------------------------------------------------------------------------- Disk, Ball


@dataclass(frozen=True, eq=False)
class _Round(Piece):
    center: np.ndarray
    radius: float

    def level(self, points: np.ndarray) -> np.ndarray:
        away = points - self.center
        return np.sqrt(np.einsum("ij,ij->i", away, away)) - self.radius

    def place(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = 2 * pi * unit[:, -1]
        normals = np.column_stack([np.cos(angle), np.sin(angle)])
        if len(self.center) == 3:
            z = 1 - 2 * unit[:, :1]  # Archimedes: slices of a sphere of one height have one area
            normals = np.hstack([np.sqrt(1 - z**2) * normals, z])
        return self.center + self.radius * normals, normals


@piece_of.register(shapes.Disk)
def _(shape: Any) -> Piece:
    r = shape.radius
    return _Round(shape.name or "", 2 * pi * r, pi * r**2, 2 * r, np.array(shape.center), r)


@piece_of.register(shapes.Ball)
def _(shape: Any) -> Piece:
    r = shape.radius
    return _Round(shape.name or "", 4 * pi * r**2, 4 / 3 * pi * r**3, 2 * r, np.array(shape.center), r)


# ------------------------------------------------------------------------------------------ Ellipse

_NODES = 2**14 + 1


@dataclass(frozen=True, eq=False)
class _Ellipse(Piece):
    center: np.ndarray
    semiaxes: np.ndarray
    turn: np.ndarray  # (2, 2), its columns the directions of the semiaxes
    arc: np.ndarray  # length of the arc from parameter 0 up to each of _NODES even parameters

    def level(self, points: np.ndarray) -> np.ndarray:
        local = (points - self.center) @ self.turn
        # |p / a| - 1 over the norm of its gradient: the distance to first order
        once, twice = local / self.semiaxes, local / self.semiaxes**2
        k = np.sqrt(np.einsum("ij,ij->i", once, once))
        slope = np.sqrt(np.einsum("ij,ij->i", twice, twice))
        inverse = np.full(len(k), self.semiaxes.min())  # at the center, where the gradient has no direction
        return (k - 1) * np.divide(k, slope, out=inverse, where=slope > 0)

    def place(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = np.interp(unit[:, 0] * self.arc[-1], self.arc, np.linspace(0, 2 * pi, _NODES))
        circle = np.column_stack([np.cos(angle), np.sin(angle)])
        normals = circle / self.semiaxes
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return self.center + (circle * self.semiaxes) @ self.turn.T, normals @ self.turn.T


@piece_of.register(shapes.Ellipse)
def _(shape: Any) -> Piece:
    a, b = shape.semiaxes
    c, s = np.cos(shape.angle), np.sin(shape.angle)
    angle = np.linspace(0, 2 * pi, _NODES)
    speed = np.hypot(a * np.sin(angle), b * np.cos(angle))
    arc = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)]) * 2 * pi / (_NODES - 1)
    turn = np.array([[c, -s], [s, c]])
    return _Ellipse(
        shape.name or "",
        float(arc[-1]),
        pi * a * b,
        2 * min(a, b),
        np.array(shape.center),
        np.array([a, b]),
        turn,
        arc,
    )


# ------------------------------------------------------------------------------------------ Polygon


@dataclass(frozen=True, eq=False)
class _Polygon(Piece):
    vertices: np.ndarray  # (m, 2), counterclockwise
    edges: np.ndarray  # (m, 2), from each vertex to the next
    lengths: np.ndarray

    def level(self, points: np.ndarray) -> np.ndarray:
        blocks = np.array_split(points, max(1, len(points) // 2**14))  # that fit into the cache
        return np.concatenate([self._level(*block.T) for block in blocks])

    def _level(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        inside = np.zeros(len(x), dtype=bool)
        nearest = np.full(len(x), np.inf)
        for (ax, ay), (ex, ey) in zip(self.vertices, self.edges, strict=True):
            px, py = x - ax, y - ay
            along = np.clip((px * ex + py * ey) / (ex * ex + ey * ey), 0.0, 1.0)
            nearest = np.minimum(nearest, (px - along * ex) ** 2 + (py - along * ey) ** 2)
            if ey != 0:  # a ray to the right crosses the boundary an odd number of times from inside
                inside ^= ((py < 0) != (py < ey)) & (px < ex * py / ey)
        return np.where(inside, -1.0, 1.0) * np.sqrt(nearest)

    def place(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        edge, rest = choose(unit[:, 0], self.lengths)
        normals = np.column_stack([self.edges[:, 1], -self.edges[:, 0]]) / self.lengths[:, None]
        return self.vertices[edge] + rest[:, None] * self.edges[edge], normals[edge]


@piece_of.register(shapes.Polygon)
def _(shape: Any) -> Piece:
    vertices = np.array(shape.vertices)
    x, y = (vertices - vertices[0]).T
    area = 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))  # shoelace formula
    if area < 0:
        vertices = vertices[::-1]
    edges = np.roll(vertices, -1, axis=0) - vertices
    lengths = np.linalg.norm(edges, axis=1)
    extent = float(min(lengths.min(), abs(area) / lengths.max()))
    return _Polygon(shape.name or "", float(lengths.sum()), abs(area), extent, vertices, edges, lengths)
