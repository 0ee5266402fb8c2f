"""Derivatives of expressions of distances, without writing the distances out.

The distances of a shape are functions of the coordinates, each defined by those before it; written out, their
derivatives fill books. Here each derivative of each that is needed is one column, computed from those before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy
import torch
from sympy import Expr, Function, Symbol
from sympy.core.function import AppliedUndef

from pinnsolver.compile.printing import compile_expressions
from pinnsolver.declare.orders import Orders, differentiated


class Distances:
    """Distances of an ansatz and those of their derivatives that have been asked for.

    Args:
        formulas: by symbol, each of the coordinates and of earlier symbols.
        coordinates: the problem's.
    """

    def __init__(self, formulas: Mapping[Symbol, Expr], coordinates: Sequence[Symbol]) -> None:
        self.coordinates = tuple(coordinates)
        self._formulas = dict(formulas)
        free = {s: self._coordinates_of(s) for s in formulas}
        self._functions = {s: Function(str(s))(*arguments) for s, arguments in free.items()}
        self._wanted: dict[Symbol, dict[Orders, Symbol]] = {s: {} for s in formulas}

    def _coordinates_of(self, symbol: Symbol) -> list[Symbol]:
        """Return the coordinates that a distance depends on, by itself or through earlier ones."""
        found = set(self._formulas[symbol].free_symbols)
        while found & set(self._formulas):
            found = set().union(
                *(self._formulas[s].free_symbols if s in self._formulas else {s} for s in found)
            )
        return [c for c in self.coordinates if c in found]

    def differentiated(self, expr: Expr, orders: Orders) -> Expr:
        """Return a derivative of an expression of coordinates and distances, in terms of columns."""
        expr = expr.xreplace(self._functions)
        expr = differentiated(expr, self.coordinates, orders)
        names = {v.func.__name__: s for s, v in self._functions.items()}
        found = {}
        # In an order that does not change from process to process, as that of a set does: the columns follow it.
        for node in sorted(expr.atoms(AppliedUndef, sympy.Derivative), key=str):
            inner = node.expr if isinstance(node, sympy.Derivative) else node
            counts = dict(node.variable_count) if isinstance(node, sympy.Derivative) else {}
            asked = tuple(int(counts.get(c, 0)) for c in self.coordinates)
            symbol = names[inner.func.__name__]
            found[node] = self._wanted[symbol].setdefault(asked, Symbol(f"⟨{symbol}{asked}⟩", real=True))
        return expr.xreplace(found)

    def compiled(self, expressions: Sequence[Expr], where: str) -> Callable[..., list[torch.Tensor]]:
        """Return a function of the coordinates' columns that gives those of expressions of coordinates and columns."""
        asked: list[dict[Symbol, Expr]] = []
        for symbol in reversed(list(self._formulas)):  # the later ones ask for derivatives of the earlier
            wanted = self._wanted[symbol].items()
            asked.append({c: self.differentiated(self._formulas[symbol], orders) for orders, c in wanted})
        steps: list[_Step] = []
        numbers: dict[Symbol, Expr] = {}
        for group in reversed(asked):
            known = {column: expr.xreplace(numbers) for column, expr in group.items()}
            numbers |= {column: expr for column, expr in known.items() if expr.is_number}
            running = {column: expr for column, expr in known.items() if not expr.is_number}
            if running:
                steps.append(_Step.of(tuple(running), list(running.values()), where))
        last = _Step.of((), [e.xreplace(numbers) for e in expressions], where)

        def columns(*points: torch.Tensor) -> list[torch.Tensor]:
            known = dict(zip(self.coordinates, points, strict=True))
            for step in steps:
                known |= zip(step.gives, step.function(*(known[s] for s in step.takes)), strict=True)
            return last.function(*(known[s] for s in last.takes))

        return columns


@dataclass(frozen=True)
class _Step:
    """Columns from earlier columns."""

    takes: tuple[Symbol, ...]
    gives: tuple[Symbol, ...]
    function: Callable[..., list[torch.Tensor]]

    @classmethod
    def of(cls, gives: tuple[Symbol, ...], expressions: Sequence[Expr], where: str) -> _Step:
        takes = tuple(sorted(set().union(*(e.free_symbols for e in expressions)), key=str))
        return cls(takes, gives, compile_expressions(expressions, takes, where))
