"""What every shape can do: be joined by `|`, `&` and `-`, and lend its boundary to conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from pinnsolver.declare.symbols import check_length, shown, to_number
from pinnsolver.errors import DeclarationError

EXAMPLES = {
    "Interval": "Interval(x, 0, 1)",
    "Rectangle": "Rectangle((x, y), (0, 0), (2, 1))",
    "Cuboid": "Cuboid((x, y, z), (0, 0, 0), (1, 1, 1))",
    "Disk": "Disk((x, y), (0.5, 0.5), 0.2)",
    "Ball": "Ball((x, y, z), (0, 0, 0), 1)",
    "Ellipse": "Ellipse((x, y), (0, 0), (2, 1))",
    "Polygon": "Polygon((x, y), [(0, 0), (1, 0), (0, 1)])",
}


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

    @property
    def size(self) -> float:
        """Longest side of the box around the shape."""
        return max(b - a for a, b in zip(*self.bounds(), strict=True))

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
        # a - b - c reads from the left, as Python does; mixed operations need their parentheses.
        nested = isinstance(self.left, Combined) and self.left.operation != self.operation
        left = f"({self.left})" if nested else str(self.left)
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
        symbols = items_of(symbols)
        if not all(isinstance(s, sympy.Symbol) for s in symbols) or len(set(symbols)) != len(symbols):
            raise DeclarationError(
                f"{kind} got the coordinates {shown(symbols)}; they have to be different sympy symbols.\n"
                f"Write for example {EXAMPLES[kind]}"
            )
        if dimension is not None and len(symbols) != dimension:
            raise DeclarationError(
                f"{kind} got {len(symbols)} coordinates {symbols}; it has {dimension}.\n"
                f"Write for example {EXAMPLES[kind]}"
            )
        if name is not None and (not isinstance(name, str) or not name):
            raise DeclarationError(
                f"{kind} got name={shown(name)}; a name is a text.\nWrite for example {EXAMPLES[kind]}"
            )
        for key, value in {"symbols": symbols, "name": name, **values}.items():
            object.__setattr__(self, key, value)

    def _point(self, values: Any, what: str) -> tuple[float, ...]:
        """Return a corner, center or vertex as floats, one for each coordinate."""
        kind = type(self).__name__
        point = items_of(values)
        if len(point) != len(self.symbols):
            raise DeclarationError(
                f"The {what} of {kind} is {shown(values)}; it needs {len(self.symbols)} numbers, one for each of "
                f"{', '.join(map(str, self.symbols))}.\nWrite for example {EXAMPLES[kind]}"
            )
        return tuple(to_number(v, f"A number in the {what} of {kind}") for v in point)

    def _length(self, value: Any, what: str) -> float:
        """Return a positive length."""
        number = to_number(value, f"The {what} of {type(self).__name__}")
        if number <= 0:
            raise DeclarationError(
                f"The {what} of {type(self).__name__} is {value}; it has to be positive.\n"
                f"Write for example {EXAMPLES[type(self).__name__]}"
            )
        check_length(number, f"The {what} of {type(self).__name__}")
        return number

    def primitives(self) -> Iterator[Primitive]:
        """Yield itself."""
        yield self

    def _label(self, text: str) -> str:
        return text if self.name is None else f"{text} “{self.name}”"


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


def items_of(value: Any) -> tuple[Any, ...]:
    """Return the items of a list of numbers, symbols or points; anything else is one item."""
    listed = isinstance(value, list | tuple | sympy.Tuple) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )
    return tuple(value) if listed else (value,)
