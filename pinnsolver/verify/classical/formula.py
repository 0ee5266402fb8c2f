"""Lowered expressions to numpy: the residual and its derivatives by everything that is solved for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from pinnsolver.declare.values import Lowered
from pinnsolver.verify.classical.forward import Forward, NotApplicableError


@dataclass(frozen=True, eq=False)
class Formula:
    """A numpy function of an expression.

    Args:
        function: of coordinates, unknowns, values and integrals, (n,) arrays; gives the expression, then its
            derivatives by each value, each integral and each unknown.
        linear: whether it is of first degree in values, integrals and unknowns together.
    """

    function: Callable[..., list[np.ndarray]]
    linear: bool

    def __call__(self, points: np.ndarray, others: Sequence[Any]) -> list[np.ndarray]:
        """Return the expression and its derivatives at points (n, D), (n,) each."""
        return self.function(*points.T, *others)


def numpy_function(
    arguments: Sequence[sympy.Symbol], exprs: Sequence[sympy.Expr], what: Any
) -> Callable[..., list[np.ndarray]]:
    """Return a function of arrays that gives expressions, arrays of the shape of the first argument.

    Args:
        exprs: the expressions.
        what: they are made of, for the message.

    Raises:
        NotApplicableError: numpy lacks a function of it.
    """
    try:
        function = sympy.lambdify(arguments, list(exprs), ["scipy", "numpy"], cse=True, dummify=True)
    except Exception as error:  # sympy fails in as many ways as there are functions
        raise _lacking(what, error) from None

    def evaluate(*values: Any) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            found = function(*values)
        return [np.array(np.broadcast_to(np.asarray(f, dtype=float), values[0].shape)) for f in found]

    return evaluate


def slopes_of(expr: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """Return the derivatives of an expression by some symbols.

    Raises:
        NotApplicableError: it cannot be differentiated.
    """
    try:
        return [expr.diff(symbol) for symbol in symbols]
    except Exception as error:  # sympy fails in as many ways as there are functions
        raise _lacking(expr, error) from None


def _lacking(what: Any, error: Exception) -> NotApplicableError:
    return NotApplicableError(f"numpy has no counterpart of {what}: {str(error).partition(chr(10))[0]}")


def formula_of(lowered: Lowered, forward: Forward) -> Formula:
    """Return the numpy function of a lowered expression.

    Raises:
        NotApplicableError: numpy lacks a function of it, or it cannot be differentiated.
    """
    inner = [v.symbol for v in lowered.values] + [i.symbol for i in lowered.integrals]
    wanted = [*inner, *forward.unknowns]
    arguments = [c.symbol for c in forward.coordinates] + list(forward.unknowns) + inner
    slopes = slopes_of(lowered.expr, wanted)
    function = numpy_function(arguments, [lowered.expr, *slopes], lowered.expr)
    linear = not any(s.free_symbols & set(wanted) for s in slopes)
    return Formula(function, linear)


def number_function(expr: sympy.Expr, forward: Forward) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of points (n, D) that gives an expression of the coordinates, (n,)."""
    formula = formula_of(Lowered(sympy.sympify(expr), ()), forward)
    start = list(forward.unknowns.values())
    return lambda points: formula(points, start)[0]
