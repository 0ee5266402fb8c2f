"""Shaped domains as data: primitives with sympy coordinates, joined by `|`, `&` and `-`.

Nothing here knows how to draw points; `sample/geometry.py` turns a shape into DeepXDE geometry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from pinnsolver.declare.symbols import shown, to_number
from pinnsolver.errors import DeclarationError


class Shape:
    """A region of space. Shapes join with `|` (union), `&` (intersection) and `-` (difference)."""

    symbols: tuple[sympy.Symbol, ...]

    @property
    def boundary(self) -> Boundary:
        """The whole boundary of this shape, to be used in `On(domain.boundary, ...)`."""
        return Boundary(self)

    @property
    def dimension(self) -> int:
        """Number of space coordinates."""
        return len(self.symbols)

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the low and the high corner of a box around the shape."""
        raise NotImplementedError

    def primitives(self) -> Iterator[Primitive]:
        """Yield the primitive shapes it is made of, from left to right."""
        raise NotImplementedError

    def __or__(self, other: Any) -> Combined:
        return Combined("|", self, _joined(self, other, "|"))

    def __and__(self, other: Any) -> Combined:
        return Combined("&", self, _joined(self, other, "&"))

    def __sub__(self, other: Any) -> Combined:
        return Combined("-", self, _joined(self, other, "-"))


@dataclass(frozen=True, eq=False)
class Boundary:
    """The boundary of a shape, as a place for conditions."""

    shape: Shape


@dataclass(frozen=True, eq=False)
class Combined(Shape):
    """Two shapes joined: "|" union, "&" intersection, "-" difference."""

    operation: str
    left: Shape
    right: Shape

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:  # type: ignore[override]
        """The space coordinates."""
        return self.left.symbols

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the low and the high corner of a box around the shape."""
        (a, b), (c, d) = self.left.bounds(), self.right.bounds()
        if self.operation == "|":
            return tuple(map(min, a, c)), tuple(map(max, b, d))
        if self.operation == "&":
            return tuple(map(max, a, c)), tuple(map(min, b, d))
        return a, b

    def primitives(self) -> Iterator[Primitive]:
        """Yield the primitive shapes it is made of, from left to right."""
        yield from self.left.primitives()
        yield from self.right.primitives()

    def __str__(self) -> str:
        right = f"({self.right})" if isinstance(self.right, Combined) else str(self.right)
        left = f"({self.left})" if isinstance(self.left, Combined) else str(self.left)
        return f"{left} {self.operation} {right}"


@dataclass(frozen=True, eq=False, init=False)
class Primitive(Shape):
    """A shape with a formula of its own.

    Args:
        symbols: the space coordinates.
        name: what `On("name", ...)` calls its boundary.
    """

    symbols: tuple[sympy.Symbol, ...]
    name: str | None = field(default=None, kw_only=True)

    def _set(self, symbols: Any, dimension: int | None, name: str | None, **values: Any) -> None:
        """Store the checked values; frozen dataclasses are filled through object.__setattr__."""
        kind = type(self).__name__
        symbols = _items(symbols)
        if not all(isinstance(s, sympy.Symbol) for s in symbols) or len(set(symbols)) != len(symbols):
            raise DeclarationError(
                f"{kind} got the coordinates {shown(symbols)}; they have to be different sympy symbols.\n"
                f"Write for example {_EXAMPLES[kind]}"
            )
        if dimension is not None and len(symbols) != dimension:
            raise DeclarationError(
                f"{kind} got {len(symbols)} coordinates {symbols}; it has {dimension}.\n"
                f"Write for example {_EXAMPLES[kind]}"
            )
        if name is not None and (not isinstance(name, str) or not name):
            raise DeclarationError(
                f"{kind} got name={shown(name)}; a name is a text.\nWrite for example {_EXAMPLES[kind]}"
            )
        for key, value in {"symbols": symbols, "name": name, **values}.items():
            object.__setattr__(self, key, value)

    def _point(self, values: Any, what: str) -> tuple[float, ...]:
        """Return a corner, center or vertex as floats, one for each coordinate."""
        kind = type(self).__name__
        point = _items(values)
        if len(point) != len(self.symbols):
            raise DeclarationError(
                f"The {what} of {kind} is {shown(values)}; it needs {len(self.symbols)} numbers, one for each of "
                f"{', '.join(map(str, self.symbols))}.\nWrite for example {_EXAMPLES[kind]}"
            )
        return tuple(to_number(v, f"A number in the {what} of {kind}") for v in point)

    def _length(self, value: Any, what: str) -> float:
        """Return a positive length."""
        number = to_number(value, f"The {what} of {type(self).__name__}")
        if number <= 0:
            raise DeclarationError(
                f"The {what} of {type(self).__name__} is {value}; it has to be positive.\n"
                f"Write for example {_EXAMPLES[type(self).__name__]}"
            )
        return number

    def primitives(self) -> Iterator[Primitive]:
        """Yield itself."""
        yield self

    def _label(self, text: str) -> str:
        return text if self.name is None else f"{text} “{self.name}”"


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
                    f"Write for example {_EXAMPLES[type(self).__name__]}"
                )

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
        points = [self._point(v, "vertex") for v in _items(vertices)]
        if len(points) > 1 and points[0] == points[-1]:
            points.pop()  # a closed list of vertices means the same polygon
        example = f"Write for example {_EXAMPLES['Polygon']}"
        if len(points) < 3 or len(set(points)) != len(points):
            raise DeclarationError(
                f"Polygon got {len(points)} vertices {points}; it needs three or more, all different.\n{example}"
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


_EXAMPLES = {
    "Interval": "Interval(x, 0, 1)",
    "Rectangle": "Rectangle((x, y), (0, 0), (2, 1))",
    "Cuboid": "Cuboid((x, y, z), (0, 0, 0), (1, 1, 1))",
    "Disk": "Disk((x, y), (0.5, 0.5), 0.2)",
    "Ball": "Ball((x, y, z), (0, 0, 0), 1)",
    "Ellipse": "Ellipse((x, y), (0, 0), (2, 1))",
    "Polygon": "Polygon((x, y), [(0, 0), (1, 0), (0, 1)])",
}


def _joined(shape: Shape, other: Any, operation: str) -> Shape:
    """Return `other` if it can be joined to `shape`."""
    if not isinstance(other, Shape):
        raise DeclarationError(
            f"A shape was joined by {operation} with {shown(other)}, which is not a shape.\n"
            "Write for example Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.2)"
        )
    if shape.symbols != other.symbols:
        raise DeclarationError(
            f"A shape in {shape.symbols} was joined by {operation} with a shape in {other.symbols}; "
            "both need the same coordinates in the same order.\n"
            "Write for example Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.2)"
        )
    return other


def _items(value: Any) -> tuple[Any, ...]:
    """Return the items of a list of numbers, symbols or points; anything else is one item."""
    listed = isinstance(value, list | tuple | sympy.Tuple) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )
    return tuple(value) if listed else (value,)


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
