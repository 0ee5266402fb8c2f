"""What a user writes for an equation, or for the equation of a condition, to residual = 0."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Eq, Expr
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from pinnsolver.declare.symbols import check_applied, shown
from pinnsolver.errors import DeclarationError, UnsupportedProblem

_NOT_FINITE = (sympy.oo, -sympy.oo, sympy.zoo, sympy.nan)


def residual_of(source: Any, what: str, example: str) -> Expr:
    """Return the left side minus the right side of an equation; an expression means that it vanishes.

    Args:
        source: what the user wrote.
        what: "equation" or "condition", for the messages.
        example: a right one, for the messages.

    Raises:
        DeclarationError: it is no equation, or was decided before it got here.
        UnsupportedProblem: it is an inequality, a matrix equation, complex or infinite.
    """
    if isinstance(source, bool | BooleanAtom):
        raise _decided(bool(source), what, example)
    if isinstance(source, Relational) and not isinstance(source, Eq):
        raise UnsupportedProblem(
            f"The {what} {source} is an inequality.\nWrite an equation, for example {example}"
        )
    sides = (source.lhs, source.rhs) if isinstance(source, Eq) else (source,)
    if any(isinstance(side, sympy.MatrixBase | sympy.MatrixExpr | sympy.NDimArray) for side in sides):
        raise UnsupportedProblem(
            f"The {what} {shown(source)} is a matrix.\nWrite one scalar equation for each component, for example {example}"
        )
    if any(not isinstance(side, Expr) for side in sides):
        raise DeclarationError(
            f"The {what} {shown(source)} is not a sympy equation.\nWrite for example {example}"
        )
    for side in sides:
        check_applied(side, f"The {what} {shown(source)}")
        if side.has(sympy.Order):  # before sympy adds the sides up: it would look for limits, without an end
            raise UnsupportedProblem(
                f"The {what} {shown(source)} is cut off by an O(...), which has no value at a point.\n"
                f"Leave the O(...) out, as .removeO() does, for example {example}"
            )
        check_real(side, source, what)
    return sides[0] - sides[1] if len(sides) == 2 else sides[0]


def check_real(expr: Expr, source: Any, what: str) -> None:
    """Refuse what is complex, or not finite: fields are real.

    Raises:
        UnsupportedProblem: with the culprit.
    """
    if expr.has(sympy.I):
        raise UnsupportedProblem(
            f"The {what} {shown(source)} contains the imaginary unit; fields are real.\n"
            "Split it into real and imaginary part, a field each"
        )
    if expr.has(*_NOT_FINITE):
        raise UnsupportedProblem(
            f"The {what} {shown(source)} contains infinity or nan, or becomes infinite where it holds.\n"
            "Write finite numbers; multiply an equation by what vanishes in a denominator, and end a series at some term"
        )


def _decided(value: bool, what: str, example: str) -> DeclarationError:
    """Return the error for an equation that Python or sympy decided at once."""
    if value:
        return DeclarationError(
            f"The {what} is trivially true: sympy found its two sides equal.\n"
            f"Write the {what} that is meant, for example {example}. A derivative at a pinned coordinate is taken first "
            "and pinned then: Eq(u(x, t).diff(t).subs(t, 0), 0), not u(x, 0).diff(t)"
        )
    return DeclarationError(
        f"The {what} is false for every field: its two sides were compared at once and differ.\n"
        f"Write it with Eq(left, right), as `==` compares at once, for example {example}"
    )
