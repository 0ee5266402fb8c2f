"""The sympy objects that pinnsolver adds to a declaration: unknown numbers and normal derivatives."""

from __future__ import annotations

import math
from decimal import Decimal
from numbers import Real
from typing import Any

import sympy
from sympy import Expr, Function, Symbol

from pinnsolver.errors import DeclarationError

LENGTHS = (1e-30, 1e30)  # of coordinates: their tenth powers are floats still


def shown(value: Any) -> str:
    """Return what a user wrote for a message: shortened, as an array of a thousand numbers is no message."""
    try:
        text = str(value) if isinstance(value, sympy.Basic | Real) else repr(value)
    except Exception:  # sympy cannot print all that it can build, for example u(nan, t)
        text = f"a {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}..."


def to_number(value: Any, what: str) -> float:
    """Return a real finite number as float.

    Args:
        value: a Python, numpy or sympy number, for example `2*pi`.
        what: how the message names it.

    Raises:
        DeclarationError: it is not a number, not real, or infinite.
    """
    known = isinstance(value, Expr) or (isinstance(value, Real | Decimal) and not isinstance(value, bool))
    try:
        number = float(value) if known else math.nan
    except Exception:  # float(expr) fails in as many ways as there are kinds of expressions
        number = math.nan
    if not math.isfinite(number):
        raise DeclarationError(
            f"{what} is {shown(value)}; it has to be a finite real number.\nWrite a number, for example 1.5 or 2*pi"
        )
    return number


def check_length(length: float, what: str) -> None:
    """Refuse a length or duration so large or small that its powers leave the range of numbers.

    Args:
        what: how the message names it.

    Raises:
        DeclarationError: it is not within LENGTHS.
    """
    least, most = LENGTHS
    if not least <= length <= most:
        raise DeclarationError(
            f"{what} is {length:g}; it has to lie between {least:g} and {most:g}, as powers of it are taken.\n"
            "Write the problem in other units"
        )


def check_applied(expr: sympy.Basic, what: str) -> None:
    """Refuse a function without its arguments in an expression, `u(sin, 0)`: sympy keeps the class as it is.

    Args:
        what: how the message names the expression.

    Raises:
        DeclarationError: with the function's name.
    """
    nodes: list[Any] = [expr]
    while nodes:
        node = nodes.pop()
        if not isinstance(node, sympy.Basic):
            name = getattr(node, "__name__", shown(node))
            raise DeclarationError(
                f"{what} contains {name} without its arguments, which is no expression.\n"
                f"Write {name}(...) with its arguments, for example {name}(x)"
            )
        nodes.extend(node.args)


class Unknown(Symbol):
    """A number to be found together with the fields: a coefficient or an eigenvalue.

    It is a sympy symbol, to be used anywhere in equations and conditions.

    Args:
        name: its name in the results.
        start: the value that training starts from; dimensionless.
        low, high: bounds that it never leaves; None for no bound.

    Raises:
        DeclarationError: `start` is not between the bounds, or something is not a number.
    """

    __slots__ = ("high", "low", "start")

    def __new__(cls, name: str, start: Any = 1.0, low: Any = None, high: Any = None) -> Unknown:
        """Make the symbol; sympy builds its objects here, not in `__init__`."""
        if not isinstance(name, str) or not name:
            raise DeclarationError(
                f'Unknown({shown(name)}) needs a name.\nWrite for example Unknown("k", start=1)'
            )
        self = Symbol.__xnew__(cls, name, real=True)
        self.start = to_number(start, f"The start of Unknown({name!r})")
        self.low = None if low is None else to_number(low, f"The low bound of Unknown({name!r})")
        self.high = None if high is None else to_number(high, f"The high bound of Unknown({name!r})")
        below = self.low is not None and self.start <= self.low
        above = self.high is not None and self.start >= self.high
        if below or above:
            raise DeclarationError(
                f"Unknown({name!r}) starts at {self.start:g}, which is not strictly between its bounds "
                f"low={low} and high={high}.\nWrite a start inside them"
            )
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.start, self.low, self.high)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.start, self.low, self.high), {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Unknown, (self.name, self.start, self.low, self.high)


class NormalDerivative(Function):
    """The derivative of a field along the outward normal of the domain (into a hole).

    It has a meaning only in a condition on a boundary: `On("hole", Eq(NormalDerivative(u(x, y)), 1))`.
    """

    nargs = 1

    def __new__(cls, *args: Any, **options: Any) -> Any:
        """Make it of one expression; anything else is refused with a message."""
        if len(args) != 1 or not isinstance(args[0], Expr | Real):
            raise DeclarationError(
                f"NormalDerivative({', '.join(map(shown, args))}) needs one expression of fields.\n"
                "Write for example NormalDerivative(u(x, y))"
            )
        return super().__new__(cls, *args, **options)

    @classmethod
    def eval(cls, arg: Expr) -> Expr | None:
        """Keep it unevaluated, except for a constant, whose slope is zero."""
        return sympy.S.Zero if arg.is_number else None

    def _latex(self, printer: Any, exp: Any = None) -> str:
        inner = r"\partial_n " + printer._print(self.args[0])
        return inner if exp is None else rf"\left({inner}\right)^{{{exp}}}"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        return prettyForm(*printer._print(self.args[0]).left("∂ₙ "))
