"""Sums of derivatives that equations need only as sums: a Laplacian or biharmonic operator is then propagated as one.

Where the derivatives of the highest order of a field enter every equation through one linear combination with
constant coefficients, that combination follows through a network like a single derivative (collapsed
propagation; Dangel, Siebert, Zeinhofer, Walther 2025, arXiv 2505.13644). In two dimensions a Laplacian then costs 4 channels
instead of 5, in three 5 instead of 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import sympy

from pinnsolver.compile.plan import OrdersSum
from pinnsolver.declare.lower import FieldValue, Lowered
from pinnsolver.declare.orders import Orders, lower_orders


def collapse_sums(residuals: Sequence[Lowered]) -> tuple[Lowered, ...]:
    """Return the residuals of one set of points with sums of derivatives in place of their parts.

    They stay as they are where that saves nothing: where some equation needs a part by itself, for example.
    """
    values = {v for r in residuals for v in r.values if not v.pins and not v.normal}
    fields = sorted({v.field for v in values})
    tops = {f: _top({v for v in values if v.field == f}) for f in fields}
    found = [_sums(r, tops) for r in residuals]
    if any(sums is None for sums in found):
        return tuple(residuals)
    sums = [s for each in found if each for s in each.values()]
    collapsed = {part for s in sums for part, _ in s.parts}
    kept = {v.orders for v in values if v not in tops[v.field]}
    before = _closure(v.orders for v in values)
    below = {low for part in collapsed for low in lower_orders(part)} - collapsed
    after = len(_closure(kept) | below) + len(set(sums))
    if after >= len(before):
        return tuple(residuals)
    return tuple(
        _replaced(r, each, tops) for r, each in zip(residuals, found, strict=True) if each is not None
    )


def _top(values: Iterable[FieldValue]) -> frozenset[FieldValue]:
    """Return the values of the highest total order, if there are several of at least the second."""
    values = list(values)
    highest = max(sum(v.orders) for v in values)
    top = frozenset(v for v in values if sum(v.orders) == highest)
    return top if highest >= 2 and len(top) > 1 else frozenset()


def _closure(orders: Iterable[Orders]) -> set[Orders]:
    return {low for each in orders for low in lower_orders(each)}


def _sums(residual: Lowered, tops: Mapping[str, frozenset[FieldValue]]) -> dict[str, OrdersSum] | None:
    """Return by field the sum that a residual holds, None where it holds no sum but something else."""
    found = {}
    symbols = {v.symbol for top in tops.values() for v in top}
    for field, top in tops.items():
        mine = sorted((v for v in residual.values if v in top), key=lambda v: v.orders)
        if not mine:
            continue
        slopes = [residual.expr.diff(v.symbol) for v in mine]
        if any(slope.free_symbols & symbols for slope in slopes):
            return None
        ratios = [sympy.cancel(slope / slopes[0]) for slope in slopes]
        if not all(ratio.is_number and ratio.is_finite for ratio in ratios):
            return None
        found[field] = OrdersSum(tuple((v.orders, float(r)) for v, r in zip(mine, ratios, strict=True)))
    return found


def _replaced(
    residual: Lowered, sums: Mapping[str, OrdersSum], tops: Mapping[str, frozenset[FieldValue]]
) -> Lowered:
    """Return a residual with one value for each sum: linear in its parts, it holds the first one's slope times the sum."""
    expr, values = residual.expr, list(residual.values)
    for field, total in sums.items():
        parts = [v for v in values if v in tops[field]]
        first = next(v for v in parts if v.orders == total.parts[0][0])
        joined = replace(first, orders=cast(Any, total))  # the declaration knows no sums
        expr = expr.xreplace({v.symbol: joined.symbol if v == first else 0 for v in parts})
        values = [v for v in values if v not in parts] + [joined]
    return replace(residual, expr=expr, values=tuple(values))
