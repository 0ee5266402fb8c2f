"""Which fields are the components of one vector: those whose divergence stands in an equation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Expr

from pinnsolver.declare.values import Coordinate, Lowered


def vector_components(residuals: Iterable[Lowered], coordinates: Sequence[Coordinate]) -> list[list[str]]:
    """Return the names of the components of each vector, sorted: fields whose slopes, each along a coordinate of its own, are added.

    They share a unit, and one that vanishes is measured by the others.

    Args:
        residuals: of the equations.
    """
    found: list[set[str]] = []
    for residual in residuals:
        by_coefficient: dict[Expr, dict[str, str]] = {}
        for value in residual.values:
            coefficient = residual.expr.diff(value.symbol)
            along = [
                c for c, order in zip(coordinates, value.orders, strict=False) if order and c.role == "space"
            ]
            if coefficient.is_number and sum(value.orders) == len(along) == 1:
                by_coefficient.setdefault(coefficient, {}).setdefault(along[0].name, value.field)
        for fields in by_coefficient.values():
            names = set(fields.values())
            if len(names) == len(fields) > 1:
                joined = names.union(*(s for s in found if s & names))
                found = [*(s for s in found if not s & names), joined]
    return [sorted(names) for names in found]
