"""Field expressions to plain algebra: every derivative of a field becomes one symbol.

`u(x, t).diff(x, 2)`, `u(-1, t)`, `Subs(Derivative(u(x, t), t), t, 0)`, `NormalDerivative(u(x, y))` and
`Integral(...)` are each replaced by a symbol of their own, and what each symbol stands for is kept
beside the expression. The rest of the user's mathematics is carried over as it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import sympy
from sympy import Derivative, Expr, Integral, Subs, Symbol
from sympy.calculus.accumulationbounds import AccumBounds
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from pinnsolver.declare.symbols import NormalDerivative, Unknown, shown, to_number
from pinnsolver.declare.values import Coordinate, FieldValue, IntegralValue, Lowered, Pins, Scope
from pinnsolver.errors import DeclarationError, UnsupportedProblem

__all__ = ["Coordinate", "FieldValue", "IntegralValue", "Lowered", "Pins", "Scope", "lower", "refuse_symbol"]

MOST_ORDER = 10  # of a derivative: its size in units of a wave, and the jets, grow with every order
_Pinned = Mapping[Symbol, Expr]
_VALUELESS = (
    sympy.MatrixBase,
    sympy.MatrixExpr,
    sympy.Lambda,
    sympy.Order,
    AccumBounds,
    sympy.Poly,
    sympy.WildFunction,
)


class _Collector:
    """Collects what the symbols stand for, while an expression is rebuilt."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.values: dict[FieldValue, None] = {}
        self.integrals: dict[IntegralValue, None] = {}

    def value(self, value: FieldValue) -> Symbol:
        self.values.setdefault(value)
        return value.symbol


def lower(expr: Expr, scope: Scope) -> Lowered:
    """Return `expr` with every field derivative replaced by a symbol.

    Everything is real: `re(f)` and `conjugate(f)`, which sympy makes of the derivative of `Abs(f)`, are `f`.

    Raises:
        DeclarationError: a field with wrong arguments, or a name that means nothing here.
        UnsupportedProblem: a construct that is right but not ours yet (a delay, a nested integral).
    """
    expr = sympy.sympify(expr)
    for kind in _VALUELESS:
        if isinstance(expr, kind) or expr.has(kind):
            _refuse_kind(expr, kind)
    if expr.is_commutative is False:
        raise UnsupportedProblem(
            f"{expr} does not commute; a field is a real number at each point.\nWrite one scalar equation for each component"
        )
    if expr.has(sympy.re, sympy.im, sympy.conjugate):
        expr = expr.replace(sympy.re, lambda f: f).replace(sympy.conjugate, lambda f: f)
        expr = expr.replace(sympy.im, lambda f: sympy.S.Zero)
    return _lower_inner(expr, {}, scope)


def _lower_inner(expr: Expr, pinned: _Pinned, scope: Scope) -> Lowered:
    """Return `expr` lowered by itself, with symbols pinned by a Subs around it."""
    out = _Collector(scope)
    plain = _rebuild(expr, pinned, out)
    return Lowered(plain, tuple(out.values), tuple(out.integrals))


def _refuse_kind(node: Any, kind: type) -> None:
    raise UnsupportedProblem(
        f"{shown(node)} holds a {kind.__name__}, which has no value at a point.\nWrite one scalar equation for each component"
    )


@singledispatch
def _rebuild(node: Any, pinned: _Pinned, out: _Collector) -> Any:
    """Return `node` without fields; `pinned` maps symbols to what Subs puts in their place."""
    _refuse_kind(node, type(node))


@_rebuild.register(Expr)
@_rebuild.register(Boolean)
@_rebuild.register(ExprCondPair)
@_rebuild.register(sympy.Tuple)
def _(node: sympy.Basic, pinned: _Pinned, out: _Collector) -> Any:
    if not node.args:
        return node
    return node.func(*[_rebuild(arg, pinned, out) for arg in node.args])


@_rebuild.register
def _(node: Symbol, pinned: _Pinned, out: _Collector) -> Any:
    return pinned.get(node, node)


@_rebuild.register
def _(node: AppliedUndef, pinned: _Pinned, out: _Collector) -> Any:
    return out.value(_field_value(node, {}, pinned, out.scope))


@_rebuild.register
def _(node: Derivative, pinned: _Pinned, out: _Collector) -> Any:
    inner = node.expr
    if not all(count.is_Integer for _, count in node.variable_count):
        raise UnsupportedProblem(f"{node} has a symbolic order.\nWrite a number, for example u(x).diff(x, 2)")
    if sum(int(count) for _, count in node.variable_count) > MOST_ORDER:
        raise UnsupportedProblem(
            f"{node} is of an order above {MOST_ORDER}.\n"
            "Introduce a derivative as a field of its own, for example Eq(v(x), u(x).diff(x, 4)), and differentiate that"
        )
    if isinstance(inner, AppliedUndef):
        counts: Counter[Symbol] = Counter()
        for variable, count in node.variable_count:
            counts[variable] += int(count)
        return out.value(_field_value(inner, counts, pinned, out.scope))
    done = inner.diff(*node.variables)
    if isinstance(done, Derivative) and done.expr == inner:
        raise UnsupportedProblem(
            f"{node} cannot be differentiated.\nWrite it with derivatives of fields only, such as u(x, t).diff(x)"
        )
    return _rebuild(done, pinned, out)


@_rebuild.register
def _(node: Subs, pinned: _Pinned, out: _Collector) -> Any:
    points = [_rebuild(point, pinned, out) for point in node.point]
    return _rebuild(node.expr, {**pinned, **dict(zip(node.variables, points, strict=True))}, out)


@_rebuild.register
def _(node: NormalDerivative, pinned: _Pinned, out: _Collector) -> Any:
    return _normal(node.args[0], node, pinned, out)


def _normal(arg: Any, node: Any, pinned: _Pinned, out: _Collector) -> Any:
    """Return the normal derivative of a linear expression of fields."""
    scope = out.scope
    if isinstance(arg, sympy.Add):
        return sympy.Add(*[_normal(term, node, pinned, out) for term in arg.args])
    if isinstance(arg, sympy.Mul):
        constant, rest = arg.as_independent(
            *[c.symbol for c in scope.coordinates if c.role == "space"], AppliedUndef
        )
        if constant != 1 and rest != 1:
            return _rebuild(constant, pinned, out) * _normal(rest, node, pinned, out)
    lowered = _lower_inner(arg, pinned, scope)
    value = lowered.value
    if value is None or value.normal:
        raise UnsupportedProblem(
            f"{node} is the normal derivative of an expression.\n"
            "Write it as a sum of coefficients times NormalDerivative(u(x, y))"
        )
    spaces = {c.name: i for i, c in enumerate(scope.coordinates) if c.role == "space"}
    pins = [(name, point) for name, point in value.pins if name in spaces]
    if not pins:
        if not scope.normals_allowed:
            raise DeclarationError(
                f"{node} stands where there is no boundary.\n"
                'Write for example On("hole", Eq(NormalDerivative(u(x, y)), 1)), or, on a face, u(x, y).diff(x).subs(x, 1)'
            )
        return out.value(FieldValue(value.field, value.orders, value.pins, normal=True))
    if len(pins) > 1:
        raise DeclarationError(
            f"{node} pins {' and '.join(n for n, _ in pins)}: an edge has no normal.\nPin one coordinate"
        )
    name, point = pins[0]
    i = spaces[name]
    coordinate = scope.coordinates[i]
    orders = tuple(o + (k == i) for k, o in enumerate(value.orders))
    sign = {coordinate.low: -1, coordinate.high: 1}.get(float(point))
    if sign is None:
        raise DeclarationError(
            f"{node} stands at {name} = {point}, which is no face of the domain, so there is no outward normal.\n"
            f"Pin {name} at {coordinate.low_exact} or {coordinate.high_exact}, or write u.diff({name}) there"
        )
    return sign * out.value(FieldValue(value.field, orders, value.pins))


@_rebuild.register
def _(node: Integral, pinned: _Pinned, out: _Collector) -> Any:
    if node.function.has(Integral):
        raise UnsupportedProblem(
            f"{node} nests integrals.\nWrite one integral with several limits, such as Integral(f, (x, 0, 1), (y, 0, 1))"
        )
    limits = tuple(_integral_limits(limit, node, out.scope) for limit in node.limits)
    outer = {symbol: value for symbol, value in pinned.items() if symbol not in node.bound_symbols}
    integral = IntegralValue(_lower_inner(node.function, outer, out.scope), limits)
    out.integrals.setdefault(integral)
    return integral.symbol


def _integral_limits(limit: Any, node: Integral, scope: Scope) -> tuple[str, float, float]:
    """Return the coordinate, the low and the high limit of one integration."""
    if len(limit) != 3:
        raise DeclarationError(
            f"{node} has no low and high limit.\nWrite for example Integral(u(x)**2, (x, 0, 1))"
        )
    symbol, low, high = limit
    index = scope.index(symbol)
    if not node.function.has(AppliedUndef) and (index is None or low.free_symbols or high.free_symbols):
        raise UnsupportedProblem(
            f"{node} is an integral of known functions with a variable limit or a variable of its own.\n"
            "Write its closed form, for example what its .doit() returns"
        )
    if index is None:
        raise DeclarationError(
            f"{node} integrates over {symbol}, which is not a coordinate.\n"
            f"Integrate over one of {', '.join(c.name for c in scope.coordinates)}, for example Integral(u(x)**2, (x, 0, 1))"
        )
    if low.free_symbols or high.free_symbols:
        raise UnsupportedProblem(
            f"{node} has limits that are not numbers.\nWrite numbers, for example Integral(u(x), (x, 0, 1))"
        )
    low_number, high_number = (to_number(v, f"A limit of {node}") for v in (low, high))
    coordinate = scope.coordinates[index]
    slack = 1e-9 * coordinate.length
    if not (coordinate.low - slack <= low_number < high_number <= coordinate.high + slack):
        raise DeclarationError(
            f"{node} runs over {symbol} from {low} to {high}; {symbol} lies in "
            f"[{coordinate.low_exact}, {coordinate.high_exact}].\nWrite limits inside it, the lower one first"
        )
    return coordinate.name, low_number, high_number


def _field_value(
    node: AppliedUndef, counts: Mapping[Symbol, int], pinned: _Pinned, scope: Scope
) -> FieldValue:
    """Return what a field, or a derivative of it, at certain arguments stands for."""
    name = str(node.func.__name__)
    declared = scope.fields.get(name)
    if declared is None:
        raise DeclarationError(
            f"{node}: {name} stands in no equation.\n"
            f"The fields are {', '.join(scope.fields) or '(none)'}; write an equation for {name}, or another field"
        )
    usual = f"{name}({', '.join(map(str, declared.arguments))})"
    if len(node.args) != len(declared.arguments):
        raise DeclarationError(
            f"{node} has {len(node.args)} arguments; the equations use {usual}.\nWrite {usual}, or pin some of its arguments"
        )
    orders = [0] * len(scope.coordinates)
    pins: dict[int, Expr] = {}
    used: set[Symbol] = set()
    for written, symbol in zip(node.args, declared.arguments, strict=True):
        index = scope.index(symbol)
        assert index is not None
        coordinate = scope.coordinates[index]
        if written in counts:
            if written in used:
                raise UnsupportedProblem(
                    f"{node} takes {written} twice and differentiates by it.\nWrite {usual}"
                )
            used.add(written)
            if coordinate.role == "parameter":
                raise DeclarationError(
                    f"{Derivative(node, *counts.items())} differentiates by the parameter {symbol}; a parameter is never "
                    f"differentiated.\nMake {symbol} a coordinate of the domain"
                )
            orders[index] = counts[written]
        argument = pinned.get(written, written)
        if argument != symbol:
            _check_place_of(argument, symbol, node, usual, scope)
            pins[index] = _snapped(argument, coordinate)
    missing = [v for v in counts if v not in used]
    if missing:
        raise DeclarationError(
            f"{Derivative(node, *counts.items())} differentiates by {missing[0]}, on which {usual} does not depend.\n"
            f"Differentiate by one of {', '.join(map(str, declared.arguments))}"
        )
    named = tuple((scope.coordinates[i].name, pins[i]) for i in sorted(pins))
    return FieldValue(name, tuple(orders), named)


def _check_place_of(argument: Expr, symbol: Symbol, node: AppliedUndef, usual: str, scope: Scope) -> None:
    """Refuse what stands in the place of a coordinate, unless it is a number."""
    write = f"Write {usual}, or a number in the place of {symbol}"
    free = argument.free_symbols
    if not free and not argument.has(AppliedUndef):
        to_number(argument, f"The place of {symbol} in {node}")
        return
    known = {c.symbol: c for c in scope.coordinates}
    for alien in sorted(free - set(known), key=str):
        if isinstance(alien, Unknown):
            raise UnsupportedProblem(
                f"{node} stands at the unknown place {alien}; places are numbers.\n"
                f"Scale the coordinate, {symbol} = {alien}*xi with xi in [0, 1], so that {alien} moves into the equations"
            )
        refuse_symbol(alien, str(node), scope)
    if argument in known and known[argument].role != "parameter" and node.args.count(argument) == 1:
        raise DeclarationError(
            f"{node} has {argument} in the place of {symbol}; the equations use {usual}.\n{write}"
        )
    raise UnsupportedProblem(
        f"{node} takes the field at {argument} instead of {symbol}; delays, maps and moving places are not supported.\n{write}"
    )


def _snapped(place: Expr, coordinate: Coordinate) -> Expr:
    """Return a place as it is written in the limits where it is one of them: 0.1 + 0.2 is 0.3."""
    for limit, exact in (
        (coordinate.low, coordinate.low_exact),
        (coordinate.high, coordinate.high_exact),
    ):
        if abs(float(place) - limit) <= 1e-9 * coordinate.length:
            return exact
    return place


def refuse_symbol(symbol: Symbol, where: str, scope: Scope) -> None:
    """Raise the error for a symbol that means nothing here.

    Raises:
        DeclarationError: always.
    """
    if any(c.name == symbol.name for c in scope.coordinates):
        raise DeclarationError(
            f"{where} uses another symbol {symbol.name} than the domain: same name, other assumptions.\n"
            f'Make it once, for example {symbol.name} = symbols("{symbol.name}"), and use that everywhere'
        )
    names = ", ".join(c.name for c in scope.coordinates)
    raise DeclarationError(
        f"{where} uses the undeclared symbol {symbol.name}; the coordinates are {names}.\n"
        f'Give it a value, declare {symbol.name} = Unknown("{symbol.name}"), or list it in parameters=[({symbol.name}, low, high)]'
    )
