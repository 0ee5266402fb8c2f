"""Shapes to formulas that are positive inside, zero on the boundary and negative outside, with slope 1 across it.

A primitive has a smooth one of its own; joined shapes join theirs by R-functions (Rvachev 1982; Sukumar and Srivastava
2022, arXiv 2104.08426), with the sign deciding what is inside:

    a and b    a + b - sqrt(a^2 + b^2)        a or b    a + b + sqrt(a^2 + b^2)        not a    -a

A polygon is its half-planes joined by "and" at the edges of its convex hull and by "or" in the pockets that the hull bridges, and so
on in the pockets' pockets: each half-plane enters once (Tor and Middleditch 1984; Dobkin, Guibas, Hershberger, Snoeyink 1988).
"""

from __future__ import annotations

from cmath import phase
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce, singledispatch
from itertools import pairwise
from math import pi

import sympy
from sympy import Expr, Rational, sqrt

from pinnsolver.declare.shapes import (
    Ball,
    Combined,
    Cuboid,
    Disk,
    Ellipse,
    Interval,
    Polygon,
    Primitive,
    Rectangle,
    Shape,
)

Node = tuple[float, ...]
Named = Callable[[Expr], Expr]
STRAIGHT = 1e-9  # right angles that a boundary may turn at a vertex of a straight edge
ROUNDING = Rational(1, 4)  # of corners, in half widths of the domain


@dataclass(frozen=True)
class Tree:
    """Distances joined: "and", "or", or the formula of one smooth wall.

    Args:
        kind: "and", "or" or "wall".
        parts: what is joined.
        formula: of a wall.
        blunt: whether neighbouring walls of an "and" meet at more than a right angle.
    """

    kind: str
    parts: tuple[Tree, ...] = ()
    formula: Expr = sympy.S.Zero
    blunt: bool = False

    def negated(self) -> Tree:
        """Return what is outside."""
        other = {"and": "or", "or": "and", "wall": "wall"}[self.kind]
        return Tree(other, tuple(p.negated() for p in self.parts), -self.formula, self.blunt)

    @property
    def distance(self) -> Expr:
        """The formula, to first order the signed distance at every smooth place of the boundary."""
        return self.distance_in(lambda formula: formula)

    def distance_in(self, named: Named) -> Expr:
        """Return the distance by steps.

        Args:
            named: takes the formula of each step, of the coordinates and of earlier results, and returns what stands for it.
        """
        if self.kind == "wall":
            return named(self.formula)
        sign = -1 if self.kind == "and" else 1
        found, *others = (part.distance_in(named) for part in self.parts)
        for other in others:
            found = named(found + other + sign * sqrt(found**2 + other**2))
        return found

    @property
    def is_smooth(self) -> bool:
        """Whether it has a formula without a singular point in the closed shape: no corner that enters it, nor a blunt one."""
        return self.kind == "wall" or (
            self.kind == "and" and not self.blunt and all(p.is_smooth for p in self.parts)
        )

    def factor(self, scale: Expr, named: Named = lambda formula: formula) -> Expr:
        """Return the distance in units of `scale` for the inside alone, smooth at the corners of an "and".

        Args:
            scale: a length, about half the width of the domain.
            named: as in `distance_in`.
        """
        if self.kind == "and" and not self.blunt:
            return reduce(lambda a, b: meet(a, b, named), (part.factor(scale, named) for part in self.parts))
        return named((self.formula if self.kind == "wall" else self.distance_in(named)) / scale)


def meet(a: Expr, b: Expr, named: Named) -> Expr:
    """Return what is zero on two walls, both distances being positive: a b / sqrt(a^2 + b^2 + 1/16).

    It has nearly the slope of each, and near a corner it is a product: a field that vanishes on both walls of a right
    angle is a b times a smooth function, but is not so times a + b - sqrt(a^2 + b^2).
    """
    return named(a * b / sqrt(a**2 + b**2 + ROUNDING**2))


def short_number(value: float) -> Expr:
    """Return a declared number as a short rational where it is one, so that formulas stay readable."""
    rational = sympy.nsimplify(value, rational=True)
    return rational if rational.q < 10**6 else sympy.Float(value)


@singledispatch
def tree_of(shape: Shape) -> Tree:
    """Return the walls of a shape, joined."""
    raise NotImplementedError(type(shape).__name__)


@tree_of.register
def _(shape: Combined) -> Tree:
    left, right = tree_of(shape.left), tree_of(shape.right)
    if shape.operation == "-":
        right = right.negated()
    kind = "or" if shape.operation == "|" else "and"
    parts = [
        p for tree in (left, right) for p in (tree.parts if tree.kind == kind and not tree.blunt else (tree,))
    ]
    return Tree(kind, tuple(parts))


@tree_of.register(Interval)
@tree_of.register(Rectangle)
@tree_of.register(Cuboid)
def _(shape: Interval | Rectangle | Cuboid) -> Tree:
    walls = []
    for symbol, low, high in zip(shape.symbols, shape.low, shape.high, strict=True):
        a, b = short_number(low), short_number(high)
        walls.append(Tree("wall", formula=(symbol - a) * (b - symbol) / (b - a)))
    return walls[0] if len(walls) == 1 else Tree("and", tuple(walls))


@tree_of.register(Disk)
@tree_of.register(Ball)
def _(shape: Disk | Ball) -> Tree:
    radius = short_number(shape.radius)
    away = [s - short_number(c) for s, c in zip(shape.symbols, shape.center, strict=True)]
    return Tree("wall", formula=(radius**2 - sympy.Add(*(d**2 for d in away))) / (2 * radius))


@tree_of.register
def _(shape: Ellipse) -> Tree:
    x, y = (s - short_number(c) for s, c in zip(shape.symbols, shape.center, strict=True))
    a, b = map(short_number, shape.semiaxes)
    c, s = (sympy.cos(short_number(shape.angle)), sympy.sin(short_number(shape.angle)))
    along, across = c * x + s * y, c * y - s * x
    level = 1 - (along / a) ** 2 - (across / b) ** 2
    # Divided by the size of its gradient it has slope 1 on the ellipse; its own square keeps that from 0 at the center.
    slope = 4 * (along**2 / a**4 + across**2 / b**4) + (level / sympy.Min(a, b)) ** 2
    return Tree("wall", formula=level / sqrt(slope))


@tree_of.register
def _(shape: Polygon) -> Tree:
    vertices = _true_corners(shape.vertices)
    if _area(vertices) < 0:
        vertices.reverse()
    n = len(vertices)
    hull = _hull(vertices)
    # Begin at a hull vertex, so that the closed boundary is one chain.
    first = vertices.index(hull[0])
    chain = [vertices[(first + k) % n] for k in range(n)] + [vertices[first]]
    return _chain(chain, "and", shape)


def _chain(chain: Sequence[Node], kind: str, shape: Polygon) -> Tree:
    """Return the half-planes to the left of a chain of edges, joined.

    Args:
        chain: vertices; closed for "and" on the whole polygon.
        kind: how the edges on the hull of the chain are joined.
    """
    hull = set(_hull(chain if kind == "and" else chain[::-1]))
    corners = [k for k, vertex in enumerate(chain) if vertex in hull or k in (0, len(chain) - 1)]
    if len(corners) == 2:  # all on one line, to rounding
        corners = list(range(len(chain)))
    other = "or" if kind == "and" else "and"
    parts: list[Tree] = []
    for start, stop in pairwise(corners):
        if stop == start + 1:
            parts.append(Tree("wall", formula=_half_plane(chain[start], chain[stop], shape)))
        else:
            parts.append(_chain(chain[start : stop + 1], other, shape))
    if len(parts) == 1:
        return parts[0]
    blunt = any(
        _turn(chain[i - 1], chain[i], chain[i + 1]) < 1 - 1e-9 for i in corners[1:-1] if kind == "and"
    ) or (kind == "and" and chain[0] == chain[-1] and _turn(chain[-2], chain[0], chain[1]) < 1 - 1e-9)
    return Tree(kind, tuple(parts), blunt=blunt)


def _true_corners(vertices: Sequence[Node]) -> list[Node]:
    """Return the vertices without those on a straight stretch: their edges are one line."""
    around = zip((vertices[-1], *vertices), vertices, (*vertices[1:], vertices[0]), strict=False)
    return [b for a, b, c in around if abs(_turn(a, b, c)) > STRAIGHT]


def _half_plane(a: Node, b: Node, shape: Polygon) -> Expr:
    """Return the distance to the left of the line from a to b."""
    x, y = shape.symbols
    (ax, ay), (bx, by) = (tuple(map(short_number, p)) for p in (a, b))
    length = sqrt((bx - ax) ** 2 + (by - ay) ** 2)
    return ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length


def _turn(a: Node, b: Node, c: Node) -> float:
    """Return by how many right angles a path turns left at b."""
    before, after = complex(b[0] - a[0], b[1] - a[1]), complex(c[0] - b[0], c[1] - b[1])
    return phase(after / before) / (pi / 2)


def _area(points: Sequence[Node]) -> float:
    """Return the signed area of a polygon, positive counterclockwise."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return 0.5 * sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)


def _hull(points: Sequence[Node]) -> list[Node]:
    """Return the corners of the convex hull, counterclockwise (Andrew 1979)."""

    def side(a: Node, b: Node, c: Node) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    found: list[Node] = []
    ordered = sorted(set(points))
    for sweep in (ordered, ordered[::-1]):
        half: list[Node] = []
        for point in sweep:
            while len(half) > 1 and side(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        found += half[:-1]
    return found


def primitive_trees(shape: Shape) -> list[tuple[Primitive, Tree, bool]]:
    """Return each primitive with its walls, positive inside the domain, and whether its whole boundary may be taken for a wall.

    It may where nothing but "and" joins it to the rest: the domain is then on one side of it.
    """
    return _primitives(shape, inside=True, free=True)


def _primitives(shape: Shape, inside: bool, free: bool) -> list[tuple[Primitive, Tree, bool]]:
    if isinstance(shape, Combined):
        joined_by_and = (shape.operation != "|") == inside
        left = _primitives(shape.left, inside, free and joined_by_and)
        return left + _primitives(shape.right, inside != (shape.operation == "-"), free and joined_by_and)
    assert isinstance(shape, Primitive)
    tree = tree_of(shape)
    return [(shape, tree if inside else tree.negated(), free)]
