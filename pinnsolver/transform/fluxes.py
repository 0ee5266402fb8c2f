"""Slopes across a shaped boundary into an ansatz: a correction that turns the normal derivative to what it has to be.

With phi the distance of those walls, of slope 1 across them, g - h u the outward slope that is asked for, and W = L + F N what has the
values of other walls already,

    u = W - chi phi (grad phi . grad W + g - h W),    chi = F^2 / (F^2 + phi^2),

has that slope where phi = 0, for every network N, and the values of W where F = 0 (Sukumar and Srivastava 2022, arXiv 2104.08426, section
4.2, with chi for walls of both kinds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import sympy
from sympy import Expr, Symbol, sqrt

from pinnsolver.declare import CheckedProblem, Condition
from pinnsolver.declare.shapes import Primitive, Shape
from pinnsolver.transform.distance import Tree, primitive_trees
from pinnsolver.transform.shaped import Steps, half_width, interpolated


@dataclass(frozen=True)
class Flux:
    """A condition du/dn + weight * u = data on a shaped boundary, n outward.

    Args:
        condition: as declared.
        data: of the coordinates.
        weight: likewise.
        walls: smooth ones, positive inside.
        primitives: whose boundaries they are.
    """

    condition: Condition
    data: Expr
    weight: Expr
    walls: tuple[Tree, ...]
    primitives: tuple[Primitive, ...]

    def of(self, expr: Expr, wall: Tree, symbols: Sequence[Symbol]) -> Expr:
        """Return what the condition makes of an expression of the coordinates on one of its walls."""
        slope = sympy.Add(*(wall.formula.diff(x) * expr.diff(x) for x in symbols))
        return self.weight * expr - slope


# Measured at equal time: 25 to 40 times worse on an annulus, 7 to 24 times in a disk with a hole (tests/bench/choices.md).
LATER = (
    "a slope on the boundary of a shape: built in, it asks the network for derivatives of one order more, and the equations "
    "are solved later; hard=True builds it in all the same"
)


def flux_of(condition: Condition, checked: CheckedProblem, wanted: bool | None) -> Flux | str:
    """Return a slope on a shaped boundary, or why it is not built in.

    Args:
        wanted: None for what helps, True for all that is possible.
    """
    shape, name = checked.shape, condition.region.boundary
    assert shape is not None and name is not None
    residual = condition.residual
    if len({v.field for v in residual.values}) != 1:
        return "it ties several fields together"
    if any(any(v.orders) for v in residual.values):
        return "a derivative along the boundary"
    field = next(f for f in checked.fields if f.name == residual.values[0].field)
    if not set(shape.symbols) <= set(field.arguments):
        return f"{field.name} does not depend on all coordinates of the shape"
    found = [(p, tree, free) for p, tree, free in primitive_trees(shape) if name in ("", p.name)]
    if not all(tree.kind == "wall" for _, tree, _ in found):
        return "a slope on a boundary with corners, where it has no normal"
    if not all(free for _, _, free in found):
        return "its shape is joined to another, and its boundary enters the domain"
    weights = {v.normal: residual.expr.diff(v.symbol) for v in residual.values}
    if not weights[True].is_number:
        return "the coefficient of its slope is not a number"
    if wanted is None:
        return LATER
    rest = -residual.expr.xreplace({v.symbol: sympy.S.Zero for v in residual.values})
    return Flux(
        condition,
        rest / weights[True],
        weights.get(False, sympy.S.Zero) / weights[True],
        tuple(tree for _, tree, _ in found),
        tuple(p for p, _, _ in found),
    )


@dataclass(frozen=True)
class FluxAnsatz:
    """lift + factor * N + sum_i slopes_i * dN/dx_i, and the steps that these are written in."""

    lift: Expr
    factor: Expr
    slopes: Mapping[Symbol, Expr]
    distances: Mapping[Symbol, Expr]


def flux_ansatz(fluxes: Sequence[Flux], shape: Shape, lift: Expr, factor: Expr, named: Steps) -> FluxAnsatz:
    """Return an ansatz that has the slopes asked for, and the values of lift + factor * N where the factor vanishes.

    Args:
        fluxes: on walls that do not meet, neither each other nor those of the factor.
        lift, factor: of the coordinates and of steps.
        named: gives symbols to what this is made of.
    """
    half = half_width(shape)
    by_flux = [[_bounded(wall, half, named) for wall in flux.walls] for flux in fluxes]
    distance = reduce(lambda a, b: named(a + b - sqrt(a**2 + b**2)), [d for own in by_flux for d in own])
    own = [reduce(lambda a, b: named(a * b), distances) for distances in by_flux]
    data = interpolated([flux.data for flux in fluxes], own, named)
    weight = interpolated([flux.weight for flux in fluxes], own, named)
    share = named(distance * factor**2 / (factor**2 + (distance / half) ** 2)) if factor != 1 else distance
    slopes = {x: named(named.slope(distance, x)) for x in shape.symbols}

    def along(expr: Expr) -> Expr:
        """Return grad phi . grad expr."""
        return sympy.Add(*(slope * named.slope(expr, x) for x, slope in slopes.items()))

    new_lift = lift - share * (along(lift) + data - weight * lift)
    new_factor = factor - share * (along(factor) - weight * factor)
    drift = {x: -share * slope * factor for x, slope in slopes.items()}
    behind = named.behind([new_lift, new_factor, *drift.values()])
    return FluxAnsatz(new_lift, new_factor, drift, behind)


def _bounded(wall: Tree, half: Expr, named: Steps) -> Expr:
    """Return the distance of a wall, which outside a disk grows like r^2, kept below the half width of the domain."""
    distance = wall.distance_in(named)
    return named(distance / (1 + distance / half))
