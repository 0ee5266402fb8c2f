"""Values on a shaped boundary into an ansatz: a factor that vanishes on the walls, a lift that carries the data.

Pieces of the boundary with different data are weighed by their inverse distances (transfinite interpolation; Rvachev, Sheiko, Shapiro,
Tsukanov 2001; Sukumar and Srivastava 2022, arXiv 2104.08426): with phi_i the distance of piece i and g_i its data,

    lift = sum_i g_i prod_{j != i} phi_j / sum_k prod_{j != k} phi_j.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Condition
from pinnsolver.declare.levels import boundary_points, level
from pinnsolver.declare.shapes import Primitive, Shape
from pinnsolver.transform.distance import Tree, meet, primitive_trees, short_number, tree_of

TOUCHING = 1e-2  # of the domain's width: distance below which two pieces of the boundary meet
TRIED = 4096
FAR = 2.0  # a factor that grows beyond this many half widths of the domain weighs far places most
SINGULAR = "its corners that enter the domain, or are blunt, make every distance singular; hard=True builds it in all the same"


@dataclass(frozen=True)
class Piece:
    """A condition on a shaped boundary that gives a field's value outright.

    Args:
        condition: as declared.
        data: what the field is there.
        walls: what is to vanish there, positive inside; one tree for the whole boundary.
        primitives: whose boundaries they are.
    """

    condition: Condition
    data: Expr
    walls: tuple[Tree, ...]
    primitives: tuple[Primitive, ...]


def piece_of(condition: Condition, checked: CheckedProblem, wanted: bool | None) -> Piece | str:
    """Return a condition on a shaped boundary as a piece, or why it is not built in.

    Args:
        wanted: None for what helps, True for all that is possible.
    """
    shape, name = checked.shape, condition.region.boundary
    assert shape is not None and name is not None
    if condition.kind != "Dirichlet":
        return f"{condition.kind} on a shaped boundary: only values can be built in there"
    if condition.solved is None:
        return "it does not give one field outright"
    value, data = condition.solved
    field = next(f for f in checked.fields if f.name == value.field)
    if not set(shape.symbols) <= set(field.arguments):
        return f"{field.name} does not depend on all coordinates of the shape"
    found = [(p, tree, free) for p, tree, free in primitive_trees(shape) if name in ("", p.name)]
    primitives = tuple(p for p, _, _ in found)
    if wanted is None and not all(tree.is_smooth for _, tree, _ in found):
        return SINGULAR
    if name == "" or all(p in primitives for p in shape.primitives()):
        whole = tree_of(shape)
        if wanted is None and not whole.is_smooth:
            return SINGULAR
        return Piece(condition, data, (whole,), primitives)
    if not all(free for _, _, free in found):
        return "its shape is joined to another, and its boundary enters the domain"
    return Piece(condition, data, tuple(tree for _, tree, _ in found), primitives)


def fitting_pieces(pieces: Sequence[Piece], shape: Shape) -> tuple[list[Piece], dict[str, str]]:
    """Return the pieces that go together, and by condition why the others do not."""
    kept: list[Piece] = []
    refused: dict[str, str] = {}
    for piece in pieces:
        other = next((k for k in kept if k.data != piece.data and touch(k, piece, shape)), None)
        if other is None:
            kept.append(piece)
        else:
            refused[piece.condition.name] = (
                f"it meets {other.condition.name}, which has other data: the lift would be singular there"
            )
    return kept, refused


class _Walls(Protocol):
    """A condition on some walls of a shape."""

    @property
    def condition(self) -> Condition: ...
    @property
    def walls(self) -> tuple[Tree, ...]: ...
    @property
    def primitives(self) -> tuple[Primitive, ...]: ...


def touch(a: _Walls, b: _Walls, shape: Shape) -> bool:
    """Say whether two pieces of the boundary meet, or share a part."""
    if set(a.primitives) & set(b.primitives):
        return True
    width = 2 * float(half_width(shape))
    points = piece_points(a.condition.region.boundary or "", shape)
    distances = [sympy.lambdify(shape.symbols, wall.distance, "numpy")(*points.T) for wall in b.walls]
    return bool(len(points) == 0 or np.min(np.abs(distances)) < TOUCHING * width)


def piece_points(boundary: str, shape: Shape) -> np.ndarray:
    """Return some points of the piece of a boundary that has this name, of all of it for "", (n, d)."""
    return boundary_points(shape, TRIED, np.random.default_rng(0), boundary)


@dataclass(frozen=True)
class ShapeAnsatz:
    """Lift and factor of a shape, in terms of the distances of its walls.

    Args:
        lift, factor: of the coordinates and of the symbols of `distances`.
        distances: by symbol their formulas, of the space coordinates and of earlier symbols; positive inside the shape.
    """

    lift: Expr
    factor: Expr
    distances: Mapping[Symbol, Expr]


class Steps:
    """Formulas by steps: each gets a symbol, in which the later ones are written.

    Args:
        known: the formulas by symbol, of all fields; new ones are added.
    """

    def __init__(self, known: dict[Symbol, Expr]) -> None:
        self.known = known
        self._symbols = {formula: symbol for symbol, formula in known.items()}

    def __call__(self, formula: Expr) -> Expr:
        """Return what stands for a formula."""
        if formula.is_number or formula.is_Symbol:
            return formula
        symbol = self._symbols.setdefault(formula, Symbol(f"phi_{len(self.known) + 1}", real=True))
        self.known[symbol] = formula
        return symbol

    def slope(self, expr: Expr, coordinate: Symbol) -> Expr:
        """Return the derivative of an expression of coordinates and steps, its parts named as well."""
        total = expr.diff(coordinate)
        for symbol in sorted(expr.free_symbols & set(self.known), key=str):
            total += expr.diff(symbol) * self(self.slope(self.known[symbol], coordinate))
        return total

    def behind(self, exprs: Sequence[Expr]) -> dict[Symbol, Expr]:
        """Return the steps that expressions and they themselves are made of, in the order of their definition."""
        used = set().union(*(expr.free_symbols for expr in exprs))
        for symbol in reversed(list(self.known)):
            if symbol in used:
                used |= self.known[symbol].free_symbols
        return {symbol: formula for symbol, formula in self.known.items() if symbol in used}


def half_width(shape: Shape) -> Expr:
    """Return half the shortest side of the box around a shape."""
    return short_number(min(b - a for a, b in zip(*shape.bounds(), strict=True)) / 2)


def shape_ansatz(pieces: Sequence[Piece], shape: Shape, named: Steps) -> ShapeAnsatz:
    """Return what has the data of each piece on it, and what vanishes on all of them.

    Args:
        named: gives symbols to the distances.
    """
    half = half_width(shape)
    whole = [piece for piece in pieces if set(piece.primitives) == set(shape.primitives())]
    pieces = whole[:1] or pieces  # pieces of the whole have its data
    far: dict[Expr, list[Expr]] = {}  # by data the distances of its pieces
    for piece in pieces:
        far.setdefault(piece.data, []).extend(wall.factor(half, named) for wall in piece.walls)
    groups = [reduce(lambda a, b: meet(a, b, named), dict.fromkeys(walls)) for walls in far.values()]
    factor = reduce(lambda a, b: meet(a, b, named), groups)
    if _largest(factor, named, shape) > FAR:  # as outside a small obstacle, all other walls being soft
        radius = min(p.size for piece in pieces for p in piece.primitives) / 2
        factor = named(factor / (factor + short_number(radius) / half))  # nearly 1 from there on
    lift = interpolated(list(far), groups, named)
    return ShapeAnsatz(lift, factor, named.behind([lift, factor]))


def interpolated(values: Sequence[Expr], distances: Sequence[Expr], named: Steps) -> Expr:
    """Return what takes each value where its distance vanishes: weighed by the others' distances."""
    if len(set(values)) == 1:
        return values[0]
    # Products in steps of two: the derivatives of each are short.
    others = [
        reduce(lambda a, b: named(a * b), [*distances[:i], *distances[i + 1 :]])
        for i in range(len(distances))
    ]
    total = named(sympy.Add(*others))
    return sympy.Add(
        *(value * named(other / total) for value, other in zip(values, others, strict=True) if value != 0)
    )


def _largest(factor: Expr, named: Steps, shape: Shape) -> float:
    """Return about the largest value in a shape of a factor made of known distances."""
    low, high = map(np.array, shape.bounds())
    points = low + (high - low) * np.random.default_rng(0).random((TRIED, shape.dimension))
    values = dict(zip(shape.symbols, points[level(shape, points) < 0].T, strict=True))
    for symbol, formula in named.behind([factor]).items():
        used = sorted(formula.free_symbols, key=str)
        values[symbol] = sympy.lambdify(used, formula, "numpy")(*(values[s] for s in used))
    return float(np.max(values[factor], initial=0.0))
