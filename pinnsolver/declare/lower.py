"""Field expressions to plain algebra: every derivative of a field becomes one symbol.

`u(x, t).diff(x, 2)`, `u(-1, t)`, `Subs(Derivative(u(x, t), t), t, 0)`, `NormalDerivative(u(x, y))` and
`Integral(...)` are each replaced by a symbol of their own, and what each symbol stands for is kept
beside the expression. The rest of the user's mathematics is carried over as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import sympy
from sympy import Derivative, Expr, Integral, Subs, Symbol
from sympy.core.function import AppliedUndef

from pinnsolver.declare.symbols import NormalDerivative, to_number
from pinnsolver.errors import DeclarationError, UnsupportedProblem

Pins = tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Coordinate:
    """One input of the fields.

    Args:
        symbol: the user's symbol.
        low, high: its range; `low_exact`, `high_exact` as the user wrote them.
        role: "space", "time" or "parameter".
    """

    symbol: Symbol
    low: float
    high: float
    role: str
    low_exact: Expr
    high_exact: Expr

    @property
    def name(self) -> str:
        """Name of the symbol."""
        return str(self.symbol.name)

    @property
    def length(self) -> float:
        """Length of its range."""
        return self.high - self.low


@dataclass(frozen=True)
class Field:
    """An unknown function; `arguments` are its coordinates in the order in which the user writes them."""

    name: str
    arguments: tuple[Symbol, ...]


@dataclass(frozen=True)
class Scope:
    """What names mean in one problem: coordinates in their column order, and fields by name."""

    coordinates: tuple[Coordinate, ...]
    fields: Mapping[str, Field] = field(default_factory=dict)
    normals_allowed: bool = False

    def index(self, symbol: Symbol) -> int | None:
        """Return the column of a coordinate, None for any other symbol."""
        for i, coordinate in enumerate(self.coordinates):
            if coordinate.symbol == symbol:
                return i
        return None


@dataclass(frozen=True)
class FieldValue:
    """A derivative of a field, at running or at pinned coordinates.

    Args:
        field: name of the field.
        orders: order of the derivative by each coordinate of the problem, in column order.
        pins: coordinates that stand at a fixed value, by name, in column order.
        normal: whether the derivative along the outward normal is taken on top.
    """

    field: str
    orders: tuple[int, ...]
    pins: Pins = ()
    normal: bool = False

    @property
    def symbol(self) -> Symbol:
        """The symbol that stands for this value in lowered expressions; equal values have equal symbols."""
        pins = ",".join(f"{name}={value}" for name, value in self.pins)
        normal = "n" if self.normal else ""
        return Symbol(f"⟨{self.field}{list(self.orders)}{normal}@{pins}⟩")


@dataclass(frozen=True)
class IntegralValue:
    """An integral of a lowered expression over some coordinates, between numbers.

    Args:
        integrand: the lowered integrand.
        limits: (coordinate name, low, high) of each integrated coordinate.
    """

    integrand: Lowered
    limits: tuple[tuple[str, float, float], ...]

    @property
    def symbol(self) -> Symbol:
        """The symbol that stands for this integral."""
        return Symbol(f"⟨∫{self.integrand.expr} {list(self.limits)}⟩")


@dataclass(frozen=True)
class Lowered:
    """An expression without fields.

    Args:
        expr: of coordinates, unknowns and the symbols of `values` and `integrals`.
        values: what those symbols stand for, in a fixed order.
        integrals: likewise.
    """

    expr: Expr
    values: tuple[FieldValue, ...]
    integrals: tuple[IntegralValue, ...] = ()

    def all_values(self) -> tuple[FieldValue, ...]:
        """Return the field values, those under integrals included, without repeats."""
        found = dict.fromkeys(self.values)
        for integral in self.integrals:
            found |= dict.fromkeys(integral.integrand.all_values())
        return tuple(found)


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

    Raises:
        DeclarationError: a field with wrong arguments, or a name that means nothing here.
        UnsupportedProblem: a construct that is right but not ours yet (a delay, a nested integral).
    """
    collector = _Collector(scope)
    plain = _rebuild(sympy.sympify(expr), {}, collector)
    return Lowered(plain, tuple(collector.values), tuple(collector.integrals))


@singledispatch
def _rebuild(node: Any, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    """Return `node` without fields; `pinned` maps symbols to what Subs puts in their place."""
    raise UnsupportedProblem(
        f"{node} is a {type(node).__name__}, which has no meaning in an equation here.\n"
        "Write one scalar equation for each component"
    )


@_rebuild.register
def _(node: sympy.Basic, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    if isinstance(node, sympy.MatrixBase | sympy.MatrixExpr):
        raise UnsupportedProblem(
            f"{node} is a matrix.\nWrite one scalar equation for each component, for example Eq(a[0], b[0])"
        )
    if not node.args:
        return node
    return node.func(*[_rebuild(arg, pinned, out) for arg in node.args])


@_rebuild.register
def _(node: Symbol, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    return pinned.get(node, node)


@_rebuild.register
def _(node: AppliedUndef, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    return out.value(_field_value(node, {}, pinned, out.scope))


@_rebuild.register
def _(node: Derivative, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    inner = node.expr
    if isinstance(inner, AppliedUndef):
        counts = {variable: int(count) for variable, count in node.variable_count if count.is_Integer}
        if len(counts) != len(node.variable_count):
            raise UnsupportedProblem(
                f"{node} has a symbolic order.\nWrite a number, for example u(x).diff(x, 2)"
            )
        return out.value(_field_value(inner, counts, pinned, out.scope))
    done = inner.diff(*node.variables)
    if isinstance(done, Derivative) and done.expr == inner:
        raise UnsupportedProblem(
            f"{node} cannot be differentiated.\nWrite it with derivatives of fields only, such as u(x, t).diff(x)"
        )
    return _rebuild(done, pinned, out)


@_rebuild.register
def _(node: Subs, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    points = [_rebuild(point, pinned, out) for point in node.point]
    return _rebuild(node.expr, {**pinned, **dict(zip(node.variables, points, strict=True))}, out)


@_rebuild.register
def _(node: NormalDerivative, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    return _normal(node.args[0], node, pinned, out)


def _normal(arg: Any, node: Any, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    """Return the normal derivative of a linear expression of fields."""
    scope = out.scope
    if isinstance(arg, sympy.Add):
        return sympy.Add(*[_normal(term, node, pinned, out) for term in arg.args])
    if isinstance(arg, sympy.Mul):
        constant, rest = arg.as_independent(*[c.symbol for c in scope.coordinates], AppliedUndef)
        if constant != 1 and rest != 1:
            return constant * _normal(rest, node, pinned, out)
    lowered = lower(arg.xreplace(dict(pinned)) if pinned else arg, scope)
    if len(lowered.values) != 1 or lowered.expr != lowered.values[0].symbol or lowered.values[0].normal:
        raise UnsupportedProblem(
            f"{node} is the normal derivative of an expression.\n"
            "Write it as a sum of coefficients times NormalDerivative(u(x, y))"
        )
    value = lowered.values[0]
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
            f"{node} stands at {name} = {point}, inside the domain, where there is no outward normal.\n"
            f"Pin {name} at {coordinate.low:g} or {coordinate.high:g}, or write u.diff({name}) there"
        )
    return sign * out.value(FieldValue(value.field, orders, value.pins))


@_rebuild.register
def _(node: Integral, pinned: Mapping[Symbol, Expr], out: _Collector) -> Any:
    scope = out.scope
    limits = []
    for limit in node.limits:
        if len(limit) != 3:
            raise DeclarationError(f"{node} has no limits.\nWrite for example Integral(u(x)**2, (x, 0, 1))")
        symbol, low, high = limit
        index = scope.index(symbol)
        if index is None:
            raise DeclarationError(
                f"{node} integrates over {symbol}, which is not a coordinate.\n"
                f"The coordinates are {', '.join(c.name for c in scope.coordinates)}"
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
                f"[{coordinate.low:g}, {coordinate.high:g}].\nWrite limits inside it, the lower one first"
            )
        limits.append((coordinate.name, low_number, high_number))
    if node.function.has(Integral):
        node = Integral(node.function.doit(integrals=False), *node.limits)
        if node.function.has(Integral):
            raise UnsupportedProblem(
                f"{node} nests integrals.\nWrite one integral with several limits, such as Integral(f, (x, 0, 1), (y, 0, 1))"
            )
    integral = IntegralValue(lower(node.function.xreplace(dict(pinned)), scope), tuple(limits))
    out.integrals.setdefault(integral)
    return integral.symbol


def _field_value(
    node: AppliedUndef, counts: Mapping[Symbol, int], pinned: Mapping[Symbol, Expr], scope: Scope
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
    used: dict[Symbol, int] = {}
    for argument, symbol in zip(node.args, declared.arguments, strict=True):
        index = scope.index(symbol)
        assert index is not None
        if argument in counts:
            if argument in used:
                raise DeclarationError(f"{node} repeats {argument}.\nWrite {usual}")
            used[argument] = index
            if scope.coordinates[index].role == "parameter":
                raise DeclarationError(
                    f"{Derivative(node, *counts.items())} differentiates by the parameter {symbol}; a parameter is never "
                    "differentiated.\nMake it a coordinate of the domain"
                )
            orders[index] = counts[argument]
        argument = pinned.get(argument, argument)
        if argument == symbol:
            continue
        if argument.free_symbols:
            others = {c.symbol for c in scope.coordinates}
            if argument in others or not argument.free_symbols & others:
                raise DeclarationError(
                    f"{node} has {argument} in the place of {symbol}; the equations use {usual}.\n"
                    f"Write {usual}, or a number in the place of {symbol}"
                )
            raise UnsupportedProblem(
                f"{node} takes the field at the shifted or scaled argument {argument}; delays and maps are not supported.\n"
                f"Write {usual}, or a number in the place of {symbol}"
            )
        to_number(argument, f"The place of {symbol} in {node}")
        pins[index] = argument
    missing = [v for v in counts if v not in used]
    if missing:
        raise DeclarationError(
            f"{Derivative(node, *counts.items())} differentiates by {missing[0]}, on which {usual} does not depend.\n"
            f"Differentiate by one of {', '.join(map(str, declared.arguments))}"
        )
    named = tuple((scope.coordinates[i].name, pins[i]) for i in sorted(pins))
    return FieldValue(name, tuple(orders), named)
