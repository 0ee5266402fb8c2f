"""Derivatives of field = lift + factor * raw (+ slopes * its slopes) by Leibniz' rule, from those of the raw output.

The lift and the factor are small formulas: their derivatives are taken symbolically, once, and are
numbers on a fixed set of points. The residual expressions never see the substitution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy
import torch
from sympy import Expr, Symbol

from pinnsolver.compile.distances import Distances
from pinnsolver.compile.plan import DerivativePlan, FieldDerivative, OrdersSum
from pinnsolver.compile.seam import Seam
from pinnsolver.declare.orders import Orders, leibniz_terms
from pinnsolver.transform import Ansatz, TransformedProblem


@dataclass(frozen=True)
class _Entry:
    """One wanted derivative: column of the lift's part (or None), and (number, column or None, raw derivative).

    What a state handed over adds stands in a column of its own.
    """

    lift: int | None
    terms: tuple[tuple[float, int | None, FieldDerivative], ...]


@dataclass(frozen=True)
class AnsatzPlan:
    """How each wanted derivative follows from raw ones.

    Args:
        raw: the derivatives to ask of the network.
        entries: by wanted derivative.
        columns: function of the coordinate columns that gives the lifts' and factors' derivatives.
        seam: the state handed over by the last window of time, None if there is none.
    """

    raw: DerivativePlan
    entries: Mapping[FieldDerivative, _Entry]
    columns: Callable[..., list[torch.Tensor]]
    seam: Seam | None = None

    def tables(self, points: torch.Tensor) -> list[torch.Tensor]:
        """Return the (n, 1) columns that depend on the points alone; those of the state handed over come last."""
        with torch.no_grad():
            found = self.columns(*points.split(1, dim=1))
            one = points.new_ones(len(points), 1)
            tables = [torch.as_tensor(c, dtype=points.dtype, device=points.device) * one for c in found]
            if self.seam is not None:
                state = self.seam.columns(points, tuple(self.entries))
                tables += [state[key] * one if key in state else 0 * one for key in self.entries]
            return tables

    def assemble(
        self, tables: list[torch.Tensor], raw: Mapping[FieldDerivative, torch.Tensor]
    ) -> dict[FieldDerivative, torch.Tensor]:
        """Return the wanted derivatives, (n, 1) each, from the raw ones."""
        found = {}
        first = len(tables) - len(self.entries)  # of the columns of the state handed over
        for k, (key, entry) in enumerate(self.entries.items()):
            total = None if entry.lift is None else tables[entry.lift]
            if self.seam is not None:
                total = tables[first + k] if total is None else total + tables[first + k]
            for number, column, raw_key in entry.terms:
                part = raw[raw_key] if number == 1 else number * raw[raw_key]
                part = part if column is None else tables[column] * part
                total = part if total is None else total + part
            assert total is not None
            found[key] = total
        return found


def compile_ansatz(
    transformed: TransformedProblem, plan: DerivativePlan, seam: Seam | None = None, plain: bool = False
) -> AnsatzPlan:
    """Return how the planned derivatives of the fields follow from raw ones.

    Args:
        seam: the state handed over by the last window of time.
        plain: whether the network gives the fields outright.

    Raises:
        CompileError: the data of a hard condition contain a function that torch lacks.
    """
    symbols = [c.symbol for c in transformed.checked.coordinates]
    known = {s: f for ansatz in transformed.ansatz.values() for s, f in ansatz.distances.items()}
    distances = Distances(known, symbols)
    differentiated = distances.differentiated
    expressions: dict[Expr, int] = {}
    entries = {}

    for field, orders in plan.wanted:
        ansatz = Ansatz.plain() if plain else transformed.ansatz[field]
        parts = orders.parts if isinstance(orders, OrdersSum) else ((orders, 1.0),)
        lift = sum((number * differentiated(ansatz.lift, part) for part, number in parts), sympy.S.Zero)
        terms: list[tuple[float, int | None, FieldDerivative]] = []
        for second, factor in _all_factors(ansatz, orders, symbols, differentiated).items():
            number, rest = factor.as_coeff_Mul()
            if factor.is_number:
                terms.append((float(factor), None, (field, second)))
            elif factor != 0:
                column = expressions.setdefault(rest, len(expressions))
                terms.append((float(number), column, (field, second)))
        index = None if lift == 0 else expressions.setdefault(lift, len(expressions))
        entries[field, orders] = _Entry(index, tuple(terms))
    raw = DerivativePlan.of(key for entry in entries.values() for _, _, key in entry.terms)
    columns = distances.compiled(list(expressions), "The data of a hard condition")
    return AnsatzPlan(raw, entries, columns, seam)


def _all_factors(
    ansatz: Ansatz,
    orders: Orders | OrdersSum,
    symbols: Sequence[Symbol],
    differentiated: Callable[[Expr, Orders], Expr],
) -> dict[Orders | OrdersSum, Expr]:
    """Return by raw derivative what multiplies it in a derivative of the field."""
    found: dict[Orders | OrdersSum, Expr] = _factors(ansatz.factor, orders, differentiated)
    parts = orders.parts if isinstance(orders, OrdersSum) else ((orders, 1.0),)
    for x, slope in ansatz.slopes.items():
        for part, number in parts:
            for count, first, second in leibniz_terms(part):
                factor = count * differentiated(slope, first)
                raw = tuple(order + (s == x) for order, s in zip(second, symbols, strict=True))
                found[raw] = found.get(raw, sympy.S.Zero) + number * factor
    return found


def _factors(
    factor: Expr, orders: Orders | OrdersSum, differentiated: Callable[[Expr, Orders], Expr]
) -> dict[Orders | OrdersSum, Expr]:
    """Return by raw derivative what multiplies it in the derivative of factor * raw."""
    if not isinstance(orders, OrdersSum):
        return {second: n * differentiated(factor, first) for n, first, second in leibniz_terms(orders)}
    none = tuple(0 for _ in orders.parts[0][0])
    # The factor itself multiplies the sum of all parts.
    found: dict[Orders | OrdersSum, Expr] = {orders: differentiated(factor, none)}
    for part, number in orders.parts:
        for count, first, second in leibniz_terms(part):
            if any(first):
                more = number * count * differentiated(factor, first)
                found[second] = found.get(second, sympy.S.Zero) + more
    return found
