"""Shaped domains as data: primitives with sympy coordinates, joined by `|`, `&` and `-`.

Nothing here knows how to draw points; `sample/geometry.py` turns a shape into DeepXDE geometry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from pinnsolver.declare.shape import EXAMPLES, Boundary, Combined, Primitive, Shape, items_of
from pinnsolver.declare.symbols import check_length, to_number
from pinnsolver.errors import DeclarationError

__all__ = [
    "Ball",
    "Boundary",
    "Combined",
    "Cuboid",
    "Disk",
    "Ellipse",
    "Interval",
    "Polygon",
    "Primitive",
    "Rectangle",
    "Shape",
]


@dataclass(frozen=True, eq=False, init=False)
class _Corners(Primitive):
    """A box given by its low and high corner; the base of Interval, Rectangle and Cuboid."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    def _set_corners(self, symbols: Any, dimension: int, low: Any, high: Any, name: str | None) -> None:
        self._set(symbols, dimension, name)
        object.__setattr__(self, "low", self._point(low, "low corner"))
        object.__setattr__(self, "high", self._point(high, "high corner"))
        for s, a, b in zip(self.symbols, self.low, self.high, strict=True):
            if a >= b:
                raise DeclarationError(
                    f"{type(self).__name__} runs from {a:g} to {b:g} in {s}; the low corner has to lie below the high one.\n"
                    f"Write for example {EXAMPLES[type(self).__name__]}"
                )
            check_length(b - a, f"The length of {type(self).__name__} in {s}")

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return its low and high corner."""
        return self.low, self.high

    def __str__(self) -> str:
        return self._label(" × ".join(f"[{a:g}, {b:g}]" for a, b in zip(self.low, self.high, strict=True)))


@dataclass(frozen=True, eq=False, init=False)
class Interval(_Corners):
    """The interval low <= x <= high: `Interval(x, 0, 1)`."""

    def __init__(self, symbol: sympy.Symbol, low: Any, high: Any, name: str | None = None) -> None:
        self._set_corners(symbol, 1, low, high, name)


@dataclass(frozen=True, eq=False, init=False)
class Rectangle(_Corners):
    """An axis-parallel rectangle: `Rectangle((x, y), (0, 0), (2, 1), name="outer")`."""

    def __init__(self, symbols: Any, low: Any, high: Any, name: str | None = None) -> None:
        self._set_corners(symbols, 2, low, high, name)


@dataclass(frozen=True, eq=False, init=False)
class Cuboid(_Corners):
    """An axis-parallel box in three dimensions: `Cuboid((x, y, z), (0, 0, 0), (1, 1, 1))`."""

    def __init__(self, symbols: Any, low: Any, high: Any, name: str | None = None) -> None:
        self._set_corners(symbols, 3, low, high, name)


@dataclass(frozen=True, eq=False, init=False)
class _Round(Primitive):
    """All points within a radius of a center; the base of Disk and Ball."""

    center: tuple[float, ...]
    radius: float

    def _set_round(self, symbols: Any, dimension: int, center: Any, radius: Any, name: str | None) -> None:
        self._set(symbols, dimension, name)
        object.__setattr__(self, "center", self._point(center, "center"))
        object.__setattr__(self, "radius", self._length(radius, "radius"))

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the low and the high corner of a box around it."""
        return tuple(c - self.radius for c in self.center), tuple(c + self.radius for c in self.center)

    def __str__(self) -> str:
        center = ", ".join(f"{c:g}" for c in self.center)
        return self._label(f"{type(self).__name__}(({center}), {self.radius:g})")


@dataclass(frozen=True, eq=False, init=False)
class Disk(_Round):
    """A disk: `Disk((x, y), (0.5, 0.5), 0.2, name="hole")`."""

    def __init__(self, symbols: Any, center: Any, radius: Any, name: str | None = None) -> None:
        self._set_round(symbols, 2, center, radius, name)


@dataclass(frozen=True, eq=False, init=False)
class Ball(_Round):
    """A ball in three dimensions: `Ball((x, y, z), (0, 0, 0), 1)`."""

    def __init__(self, symbols: Any, center: Any, radius: Any, name: str | None = None) -> None:
        self._set_round(symbols, 3, center, radius, name)


@dataclass(frozen=True, eq=False, init=False)
class Ellipse(Primitive):
    """An ellipse: `Ellipse((x, y), (0, 0), (2, 1), angle=pi/6)`.

    Args:
        symbols: the two coordinates.
        center: its center.
        semiaxes: half lengths along the first and the second coordinate, before it is turned.
        angle: by which it is turned, counterclockwise, in radians.
        name: what `On("name", ...)` calls its boundary.
    """

    center: tuple[float, ...]
    semiaxes: tuple[float, float]
    angle: float

    def __init__(
        self, symbols: Any, center: Any, *semiaxes: Any, angle: Any = 0, name: str | None = None
    ) -> None:
        self._set(symbols, 2, name)
        object.__setattr__(self, "center", self._point(center, "center"))
        axes = self._point(semiaxes[0] if len(semiaxes) == 1 else semiaxes, "pair of semiaxes")
        object.__setattr__(self, "semiaxes", tuple(self._length(a, "semiaxis") for a in axes))
        object.__setattr__(self, "angle", to_number(angle, "The angle of Ellipse"))

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the low and the high corner of a box around it."""
        c, s = float(sympy.cos(self.angle)), float(sympy.sin(self.angle))
        a, b = self.semiaxes
        half = ((a * c) ** 2 + (b * s) ** 2) ** 0.5, ((a * s) ** 2 + (b * c) ** 2) ** 0.5
        return tuple(m - h for m, h in zip(self.center, half, strict=True)), tuple(
            m + h for m, h in zip(self.center, half, strict=True)
        )

    def __str__(self) -> str:
        center, axes = (", ".join(f"{v:g}" for v in pair) for pair in (self.center, self.semiaxes))
        turned = f", angle {self.angle:g}" if self.angle else ""
        return self._label(f"Ellipse(({center}), ({axes}){turned})")


@dataclass(frozen=True, eq=False, init=False)
class Polygon(Primitive):
    """A simple polygon, convex or not: `Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`, vertices in either direction."""

    vertices: tuple[tuple[float, ...], ...]

    def __init__(self, symbols: Any, vertices: Sequence[Any], name: str | None = None) -> None:
        self._set(symbols, 2, name)
        points = [self._point(v, "vertex") for v in items_of(vertices)]
        if len(points) > 1 and points[0] == points[-1]:
            points.pop()  # a closed list of vertices means the same polygon
        example = f"Write for example {EXAMPLES['Polygon']}"
        if len(points) < 3 or len(set(points)) != len(points):
            raise DeclarationError(
                f"Polygon got {len(points)} vertices {points}; it needs three or more, all different.\n{example}"
            )
        check_length(_extent(points), "The extent of Polygon")
        for a, b in zip(points, [*points[1:], points[0]], strict=True):
            if math.dist(a, b) < 1e-9 * _extent(points):
                raise DeclarationError(
                    f"The vertices {a} and {b} of Polygon are so close that they are one.\nWrite only one of them"
                )
        if abs(_signed_area(points)) < 1e-14 * _extent(points) ** 2 or _crosses_itself(points):
            raise DeclarationError(
                f"The edges of Polygon with the vertices {points} cross or enclose no area.\n"
                f"List the vertices in their order along the boundary. {example}"
            )
        object.__setattr__(self, "vertices", tuple(points))

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the low and the high corner of a box around it."""
        return tuple(map(min, zip(*self.vertices, strict=True))), tuple(
            map(max, zip(*self.vertices, strict=True))
        )

    def __str__(self) -> str:
        return self._label("Polygon(" + ", ".join(f"({a:g}, {b:g})" for a, b in self.vertices) + ")")


def _signed_area(points: Sequence[tuple[float, ...]]) -> float:
    """Return the area of a polygon, positive where its vertices run counterclockwise (shoelace formula)."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return 0.5 * sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)


def _extent(points: Sequence[tuple[float, ...]]) -> float:
    """Return the longest side of the box around some points."""
    return max(max(column) - min(column) for column in zip(*points, strict=True))


def _crosses_itself(points: Sequence[tuple[float, ...]]) -> bool:
    """Say whether two edges that are not neighbours touch."""

    def side(a: Any, b: Any, c: Any) -> float:
        return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    n = len(points)
    edges = [(points[i], points[(i + 1) % n]) for i in range(n)]
    for i in range(n):
        for j in range(i + 2, n):
            if i == 0 and j == n - 1:
                continue
            (a, b), (c, d) = edges[i], edges[j]
            if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
                return True
    return False
