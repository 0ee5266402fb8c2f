"""Expressions as text: one plain line for names, Unicode maths for the terminal, MathML for the page."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Derivative, Subs
from sympy.core.function import AppliedUndef
from sympy.printing.mathml import MathMLPresentationPrinter
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.stringpict import prettyForm
from sympy.printing.str import StrPrinter

from pinnsolver.declare.symbols import NormalDerivative


def plain_text(expr: Any) -> str:
    """Return an expression on one line, derivatives as subscripts: u_xx(x, t), u_t(x, 0)."""
    return str(_Plain().doprint(expr))


def unicode_text(expr: Any) -> str:
    """Return an expression as Unicode maths, on several lines where it has fractions."""
    return str(_Unicode({"use_unicode": True, "wrap_line": False}).doprint(expr))


def mathml_text(expr: Any) -> str:
    """Return an expression as presentation MathML, without the outer math element."""
    return str(_Typeset().doprint(expr))


def _pinned_derivative(expr: Any) -> tuple[Derivative, dict[Any, Any]] | None:
    """Return (derivative, pins) of Subs(Derivative(u(x, t), t), t, 0), None for anything else."""
    if (
        isinstance(expr, Subs)
        and isinstance(expr.expr, Derivative)
        and isinstance(expr.expr.expr, AppliedUndef)
    ):
        return expr.expr, dict(zip(expr.variables, expr.point, strict=True))
    return None


def _by(derivative: Derivative) -> str:
    """Return the subscript of a derivative: xx, or x_1,x_1 for longer names."""
    names = [str(v) for v in derivative.variables]
    names.sort()
    return ("" if all(len(n) == 1 for n in names) else ",").join(names)


class _Plain(StrPrinter):
    """sympy's one-line printer with subscripts for derivatives of fields."""

    def _print_Derivative(self, expr: Derivative) -> str:
        if isinstance(expr.expr, AppliedUndef):
            arguments = ", ".join(self._print(a) for a in expr.expr.args)
            return f"{expr.expr.func.__name__}_{_by(expr)}({arguments})"
        return str(super()._print_Derivative(expr))

    def _print_Subs(self, expr: Subs) -> str:
        pinned = _pinned_derivative(expr)
        if pinned is None:
            return str(super()._print_Subs(expr))
        derivative, pins = pinned
        arguments = ", ".join(self._print(pins.get(a, a)) for a in derivative.expr.args)
        return f"{derivative.expr.func.__name__}_{_by(derivative)}({arguments})"

    def _print_NormalDerivative(self, expr: NormalDerivative) -> str:
        return f"d/dn {self._print(expr.args[0])}"


class _Unicode(PrettyPrinter):
    """sympy's pretty printer with the same short forms."""

    def _print_Derivative(self, expr: Derivative) -> Any:
        if isinstance(expr.expr, AppliedUndef):
            return self._subscripted(expr, {})
        return super()._print_Derivative(expr)

    def _print_Subs(self, expr: Subs) -> Any:
        pinned = _pinned_derivative(expr)
        return super()._print_Subs(expr) if pinned is None else self._subscripted(*pinned)

    def _subscripted(self, derivative: Derivative, pins: dict[Any, Any]) -> Any:
        from sympy.printing.pretty.pretty_symbology import pretty_symbol

        applied = derivative.expr
        by = "".join(pretty_symbol(str(v)) for v in sorted(derivative.variables, key=str))
        head = f"{pretty_symbol(applied.func.__name__)}_{by}"
        arguments = prettyForm(
            *self._print_seq([pins.get(a, a) for a in applied.args], delimiter=", ").parens()
        )
        form = prettyForm(*prettyForm(head).right(arguments))
        form.binding = prettyForm.FUNC
        # A power puts its exponent between these.
        form.prettyFunc, form.prettyArgs = prettyForm(head), arguments
        return form


class _Typeset(MathMLPresentationPrinter):
    """sympy's MathML printer with fields as a paper writes them: u for u(x, t), ∂u/∂t, u(x, 0)."""

    def _node(self, tag: str, *children: Any) -> Any:
        node = self.dom.createElement(tag)
        for child in children:
            node.appendChild(self._text(*child) if isinstance(child, tuple) else child)
        return node

    def _text(self, tag: str, text: str) -> Any:
        node = self.dom.createElement(tag)
        node.appendChild(self.dom.createTextNode(text))
        return node

    def _field(self, applied: AppliedUndef, pins: dict[Any, Any]) -> Any:
        name = self._print(sympy.Symbol(applied.func.__name__))
        arguments = [pins.get(a, a) for a in applied.args]
        if all(isinstance(a, sympy.Symbol) for a in arguments):
            return name
        row = self._node("mrow", name, ("mo", "("))
        for k, argument in enumerate(arguments):
            if k:
                row.appendChild(self._text("mo", ","))
            row.appendChild(self._print(argument))
        row.appendChild(self._text("mo", ")"))
        return row

    def _print_AppliedUndef(self, expr: AppliedUndef) -> Any:
        return self._field(expr, {})

    def _power(self, base: Any, order: int) -> Any:
        return base if order == 1 else self._node("msup", base, ("mn", str(order)))

    def _fraction(self, derivative: Derivative) -> Any:
        d = "d" if len(derivative.expr.args) == 1 else "∂"
        total = sum(int(n) for _, n in derivative.variable_count)
        top = self._node("mrow", self._power(self._text("mo", d), total), self._field(derivative.expr, {}))
        bottom = self._node("mrow")
        for variable, count in derivative.variable_count:
            bottom.appendChild(self._text("mo", d))
            bottom.appendChild(self._power(self._print(variable), int(count)))
        return self._node("mfrac", top, bottom)

    def _print_Derivative(self, expr: Derivative) -> Any:
        if isinstance(expr.expr, AppliedUndef) and all(n.is_Integer for _, n in expr.variable_count):
            return self._fraction(expr)
        return super()._print_Derivative(expr)

    def _print_Subs(self, expr: Subs) -> Any:
        pinned = _pinned_derivative(expr)
        inner = self._fraction(pinned[0]) if pinned else self._print(expr.expr)
        at = self._node("mrow")
        for k, (variable, value) in enumerate(zip(expr.variables, expr.point, strict=True)):
            if k:
                at.appendChild(self._text("mo", ","))
            for part in (self._print(variable), self._text("mo", "="), self._print(value)):
                at.appendChild(part)
        return self._node("msub", self._node("mrow", inner, ("mo", "|")), at)

    def _print_NormalDerivative(self, expr: NormalDerivative) -> Any:
        top = self._node("mrow", ("mo", "∂"), self._print(expr.args[0]))
        return self._node("mfrac", top, self._node("mrow", ("mo", "∂"), ("mi", "n")))
