"""Multi-indices: how often a derivative differentiates by each coordinate, in column order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from math import comb, prod

from sympy import Expr, Symbol

Orders = tuple[int, ...]


def lower_orders(orders: Orders) -> Iterable[Orders]:
    """Return a multi-index and all that are smaller."""
    return product(*(range(order + 1) for order in orders))


def leibniz_terms(orders: Orders) -> list[tuple[int, Orders, Orders]]:
    """Return the terms of D^m (F G) = sum_k C(m, k) D^k F D^(m-k) G as (C, k, m - k).

    C is the product of the binomials by coordinate.
    """
    terms = []
    for first in lower_orders(orders):
        count = prod(comb(m, k) for m, k in zip(orders, first, strict=True))
        terms.append((count, first, tuple(m - k for m, k in zip(orders, first, strict=True))))
    return terms


def differentiated(expr: Expr, symbols: Sequence[Symbol], orders: Orders) -> Expr:
    """Return an expression's derivative, so often by each symbol."""
    return _differentiated(expr, tuple(symbols), tuple(orders))


@lru_cache(maxsize=1024)  # lifts are long, and asked for at many places
def _differentiated(expr: Expr, symbols: tuple[Symbol, ...], orders: Orders) -> Expr:
    for symbol, order in zip(symbols, orders, strict=True):
        expr = expr.diff(symbol, order) if order else expr
    return expr
