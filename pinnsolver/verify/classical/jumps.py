"""Places along an axis where equations jump or have a kink: there a solution's highest derivative need not join."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sympy
from scipy.optimize import brentq
from sympy.core.relational import Relational

from pinnsolver.verify.classical.formula import numpy_function
from pinnsolver.verify.classical.forward import Forward, NotApplicableError

SAMPLES = 4001  # along the axis, between which a change of sign is looked for
MOST = 20  # places; more of them are no piecewise formula


def jump_places(forward: Forward, column: int) -> tuple[float, ...]:
    """Return where along an axis, within it, some formula of that coordinate alone jumps in an equation; in order."""
    coordinate = forward.coordinates[column]
    axis = np.linspace(coordinate.low, coordinate.high, SAMPLES)
    found: set[float] = set()
    for residual in forward.equations.values():
        for switch in _switches(residual.expr):
            if switch.free_symbols == {coordinate.symbol}:
                found |= set(_zeros(switch, coordinate.symbol, axis))
    near = 1e-9 * coordinate.length
    inner = sorted(z for z in found if coordinate.low + near < z < coordinate.high - near)
    kept = [z for k, z in enumerate(inner) if k == 0 or z - inner[k - 1] > near]
    return tuple(kept) if len(kept) <= MOST else ()


def _switches(expr: sympy.Expr) -> Iterator[sympy.Expr]:
    """Yield the expressions at whose zeros a formula may jump or have a kink."""
    for relation in expr.atoms(Relational):
        yield sympy.sympify(relation.lhs - relation.rhs)
    for function in expr.atoms(sympy.Heaviside, sympy.sign, sympy.Abs):
        yield function.args[0]
    for function in expr.atoms(sympy.Max, sympy.Min):
        first, *others = function.args
        yield from (first - other for other in others)


def _zeros(switch: sympy.Expr, symbol: sympy.Symbol, axis: np.ndarray) -> Iterator[float]:
    try:
        function = numpy_function([symbol], [switch], switch)
        values = function(axis)[0]
    except (NotApplicableError, TypeError, NameError):  # numpy lacks it, or it is complex
        return
    yield from axis[values == 0].tolist()
    for k in np.flatnonzero(values[:-1] * values[1:] < 0):
        yield float(brentq(lambda x: float(function(np.array([x]))[0][0]), axis[k], axis[k + 1], xtol=1e-14))
