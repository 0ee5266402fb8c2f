"""Plain sympy expressions to torch functions. What has no counterpart is refused by name, never replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy
import torch
from sympy import Expr, Float, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanAtom, Not, Or
from sympy.printing.pytorch import TorchPrinter

from pinnsolver.errors import CompileError

# sympy's own mapping, less what it prints wrongly (Max and Min reduce, re and im are not for real fields).
_ELEMENTWISE = {
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.atan2: "atan2",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.asinh: "asinh",
    sympy.acosh: "acosh",
    sympy.atanh: "atanh",
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.floor: "floor",
    sympy.ceiling: "ceil",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.erfinv: "erfinv",
    sympy.loggamma: "lgamma",
}
_REWRITTEN = {
    sympy.sec: lambda x: 1 / sympy.cos(x),
    sympy.csc: lambda x: 1 / sympy.sin(x),
    sympy.cot: lambda x: sympy.cos(x) / sympy.sin(x),
    sympy.sech: lambda x: 1 / sympy.cosh(x),
    sympy.csch: lambda x: 1 / sympy.sinh(x),
    sympy.coth: lambda x: sympy.cosh(x) / sympy.sinh(x),
}
_STRUCTURE = (
    sympy.Add,
    sympy.Mul,
    sympy.Pow,
    sympy.Number,
    sympy.NumberSymbol,
    Symbol,
    sympy.Piecewise,
    sympy.functions.elementary.piecewise.ExprCondPair,
    Relational,
    And,
    Or,
    Not,
    BooleanAtom,
    sympy.Max,
    sympy.Min,
    sympy.Heaviside,
    sympy.Mod,
)
_WHY_NOT = {
    "DiracDelta": "it is no function: smear the source, for example exp(-x**2/(2*s**2))/(s*sqrt(2*pi))",
}


class _Printer(TorchPrinter):
    """sympy's torch printer, made right for scalars, branches, and extrema of columns."""

    def _print_Function(self, expr: Any) -> str:
        name = _ELEMENTWISE[expr.func]
        return f"torch.{name}({', '.join(self._print(a) for a in expr.args)})"

    # A rational power of a column; sympy's printer takes torch.pow of two scalars for granted elsewhere.
    def _print_Pow(self, expr: Any) -> str:
        base, power = expr.args
        if power == sympy.S.Half:
            return f"torch.sqrt({self._print(base)})"
        if power == -1:
            return f"torch.reciprocal({self._print(base)})"
        if power == 2:
            return f"torch.square({self._print(base)})"
        return f"torch.pow({self._print(base)}, {self._print(power)})"

    def _print_Rational(self, expr: Any) -> str:
        return repr(float(expr))

    def _print_Integer(self, expr: Any) -> str:
        number = int(expr)
        return str(number) if abs(number) < 2**53 else repr(float(number))  # torch takes 64 bits

    def _print_Float(self, expr: Any) -> str:
        return repr(float(expr))

    def _print_Relational(self, expr: Any) -> str:
        return f"({self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)})"

    def _print_And(self, expr: Any) -> str:
        return "(" + " & ".join(self._print(a) for a in expr.args) + ")"

    def _print_Or(self, expr: Any) -> str:
        return "(" + " | ".join(self._print(a) for a in expr.args) + ")"

    def _print_Not(self, expr: Any) -> str:
        return f"(~{self._print(expr.args[0])})"

    def _print_Piecewise(self, expr: Any) -> str:
        *branches, (last, last_condition) = expr.args
        text = _column(self, last)
        if last_condition != sympy.true:  # undefined elsewhere, and it shall show
            branches, text = [*branches, (last, last_condition)], "_nan"
        for value, condition in reversed(branches):
            text = f"torch.where({self._print(condition)}, {_column(self, value)}, {text})"
        return text

    def _print_Max(self, expr: Any) -> str:
        return _extremum(self, expr, "maximum")

    def _print_Min(self, expr: Any) -> str:
        return _extremum(self, expr, "minimum")

    def _print_Heaviside(self, expr: Any) -> str:
        at_zero = expr.args[1] if len(expr.args) > 1 else sympy.S.Half
        inside = self._print(expr.args[0])
        return f"torch.heaviside({inside}, {_column(self, at_zero)}.to({inside}))"

    def _print_Mod(self, expr: Any) -> str:
        return f"torch.remainder({', '.join(self._print(a) for a in expr.args)})"


def _column(printer: _Printer, value: Any) -> str:
    """Print a branch so that two scalars do not become float32."""
    text = printer._print(value)
    return f"_scalar({text})" if value.is_number else text


def _extremum(printer: _Printer, expr: Any, name: str) -> str:
    text = _column(printer, expr.args[0])
    for argument in expr.args[1:]:
        text = f"torch.{name}({text}, {_column(printer, argument)})"
    return text


def compile_expressions(
    expressions: Sequence[Expr], symbols: Sequence[Symbol], where: str
) -> Callable[..., list[torch.Tensor]]:
    """Return a function of columns, one for each symbol, that gives a list of columns.

    Args:
        expressions: without fields; see `declare.lower`.
        symbols: the inputs, in the order of the arguments: (n, 1) tensors or scalars.
        where: how a message names the expressions.

    Raises:
        CompileError: torch has no counterpart for a function of the expressions.
    """
    ready = [_with_floats(_checked(e, where)) for e in expressions]
    # Names such as "lambda" or "⟨u[1, 0]@⟩" are no Python names: inputs are numbered.
    plain = [Symbol(f"_{i}") for i in range(len(symbols))]
    ready = [e.xreplace(dict(zip(symbols, plain, strict=True))) for e in ready]
    names = {"torch": torch, "_scalar": _scalar, "_nan": _scalar(float("nan"))}
    function: Callable[..., list[torch.Tensor]] = sympy.lambdify(
        plain,
        ready,
        modules=[names],
        printer=_Printer({"fully_qualified_modules": False}),
        cse=len(ready) > 0,
    )
    return function


def _scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, device="cpu")


def _checked(expr: Expr, where: str) -> Expr:
    """Return `expr` with derived functions rewritten, or refuse the one that torch lacks."""
    for function, rewrite in _REWRITTEN.items():
        expr = expr.replace(function, rewrite)
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, _STRUCTURE) or type(node) in _ELEMENTWISE or node in (sympy.E,):
            continue
        name = type(node).__name__
        hint = _WHY_NOT.get(name, "write it with " + ", ".join(sorted(f.__name__ for f in _ELEMENTWISE)))
        raise CompileError(f"{where} contains {node}, and torch has no {name}.\nInstead, {hint}")
    return expr


def _with_floats(expr: Any) -> Any:
    """Return `expr` with every constant such as sqrt(2)*pi as one number, integer and rational powers kept."""
    if not isinstance(expr, sympy.Basic) or isinstance(expr, Symbol | BooleanAtom | sympy.Integer):
        return expr
    if isinstance(expr, Expr) and expr.is_number:
        value = sympy.N(expr, 20)
        if not value.is_real:
            raise CompileError(
                f"The constant {expr} is {value}, which is not a real number.\nWrite a real one"
            )
        return expr if isinstance(expr, sympy.Rational) else Float(value, 20)
    if isinstance(expr, sympy.Pow) and isinstance(expr.exp, sympy.Rational):
        return sympy.Pow(_with_floats(expr.base), expr.exp)
    return expr.func(*[_with_floats(a) for a in expr.args])
