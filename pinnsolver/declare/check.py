"""A declaration to a checked one: every rule of the problem language, each with its message.

Needs neither torch nor points; what does (an empty region, a function that torch lacks) is found when
the problem is compiled and sampled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy
from sympy import Expr, Integral, Symbol
from sympy.core.function import AppliedUndef

from pinnsolver.declare.checked import CheckedProblem, Equation, Measured
from pinnsolver.declare.classify import check_conditions
from pinnsolver.declare.doubtful import doubts_of
from pinnsolver.declare.equations import check_real, residual_of
from pinnsolver.declare.initial import check_initial_states
from pinnsolver.declare.lower import lower, refuse_symbol
from pinnsolver.declare.measured import check_observations
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.reference import load_references
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.symbols import NormalDerivative, Unknown, check_length, shown, to_number
from pinnsolver.declare.values import Coordinate, Field, Lowered, Scope
from pinnsolver.declare.zero import refuse_zero_state
from pinnsolver.errors import DeclarationError, UnsupportedProblem

_EXAMPLE = "Eq(u(x, t).diff(t), u(x, t).diff(x, 2))"


def check_problem(problem: Problem) -> CheckedProblem:
    """Check a declaration and return it lowered and classified.

    Raises:
        DeclarationError: it is wrong; the message names the culprit and shows what to write.
        UnsupportedProblem: it is right, but not ours yet.
    """
    try:
        return _check(problem)
    except RecursionError:
        raise UnsupportedProblem(
            f"An expression of the problem {problem.name} is nested too deeply to be read.\n"
            "Introduce a field of its own for a part of it, or write it flatter"
        ) from None


def _check(problem: Problem) -> CheckedProblem:
    """Check the parts in the order in which they build on each other."""
    coordinates = _check_coordinates(problem)
    if not problem.equations:
        raise DeclarationError(
            "The problem has no equations.\nWrite for example equations=[Eq(u(x).diff(x, 2), 1)]"
        )
    residuals = [residual_of(e, "equation", _EXAMPLE) for e in problem.equations]
    fields = _find_fields(problem.equations, coordinates)
    scope = Scope(coordinates, {f.name: f for f in fields})
    names = _equation_names(len(residuals))
    equations = tuple(map(_check_equation, names, problem.equations, residuals, [scope] * len(residuals)))
    shape = problem.domain if isinstance(problem.domain, Shape) else None
    warnings: list[str] = []
    conditions, periodic = check_conditions(problem, scope, shape, warnings)
    observations = check_observations(problem, scope)
    checked = CheckedProblem(
        problem=problem,
        coordinates=coordinates,
        shape=shape,
        fields=fields,
        equations=equations,
        conditions=conditions,
        observations=observations,
        periodic=periodic,
        unknowns=_find_unknowns([*equations, *conditions], observations),
        references=load_references(problem, scope),
        warnings=(),
    )
    _check_symbols(checked)
    check_initial_states(checked, warnings)
    refuse_zero_state(checked)
    _warn_of_counts(checked, warnings)
    warnings += doubts_of(checked)
    return replace(checked, warnings=tuple(warnings))


# ---------------------------------------------------------------------------------------- coordinates


def _check_coordinates(problem: Problem) -> tuple[Coordinate, ...]:
    """Return space, time and parameters as coordinates."""
    found: list[Coordinate] = []
    if isinstance(problem.domain, Shape):
        low, high = problem.domain.bounds()
        for symbol, a, b in zip(problem.domain.symbols, low, high, strict=True):
            if a >= b:
                raise DeclarationError(
                    f"The shape {problem.domain} has no extent in {symbol}: the shapes that it is made of do not meet.\n"
                    "Move them so that they overlap"
                )
            found.append(Coordinate(symbol, a, b, "space", _exact(a), _exact(b)))
    else:
        found += [_limits(item, "domain", "space", "(x, 0, 1)") for item in problem.domain]
    if problem.time is not None:
        found.append(_limits(problem.time, "time", "time", "(t, 0, 1)"))
    if not found:
        raise DeclarationError(
            "The problem has neither a domain nor a time.\nWrite domain=[(x, 0, 1)], or time=(t, 0, 1) for an ODE system"
        )
    found += [_limits(item, "parameters", "parameter", "(nu, 0.01, 0.1)") for item in problem.parameters]
    repeated = [str(s) for s, n in Counter(c.name for c in found).items() if n > 1]
    for coordinate in found:
        _check_assumptions(coordinate)
    if repeated:
        raise DeclarationError(
            f"{repeated[0]} is declared twice among domain, time and parameters.\nGive each coordinate a symbol of its own"
        )
    return tuple(found)


def _limits(item: Sequence[Any], what: str, role: str, example: str) -> Coordinate:
    """Return sympy-style limits as a coordinate."""
    if len(item) != 3 or not isinstance(item[0], Symbol) or isinstance(item[0], Unknown):
        raise DeclarationError(
            f"{what} has the limits {shown(tuple(item))}; limits are (symbol, low, high).\nWrite for example {example}"
        )
    symbol, low, high = item
    low_number = to_number(low, f"The low limit of {symbol}")
    high_number = to_number(high, f"The high limit of {symbol}")
    if low_number >= high_number:
        state = "empty" if low_number == high_number else "inverted"
        raise DeclarationError(
            f"The limits of {symbol} run from {low} to {high}: they are {state}.\n"
            f"Write the lower limit first, for example ({symbol}, {min(low_number, high_number):g}, "
            f"{max(low_number, high_number) + (state == 'empty'):g})"
        )
    if role != "parameter":
        check_length(high_number - low_number, f"The length of the range of {symbol}")
    return Coordinate(symbol, low_number, high_number, role, sympy.sympify(low), sympy.sympify(high))


def _exact(number: float) -> Expr:
    """Return a float as sympy would write it: 1 for 1.0."""
    return sympy.Integer(int(number)) if number.is_integer() else sympy.Float(number)


def _check_assumptions(c: Coordinate) -> None:
    """Refuse a coordinate whose assumptions its range breaks: sympy has simplified by them already."""
    wrong = [
        word
        for word, broken in (
            ("positive", c.symbol.is_positive and c.low < 0),
            ("nonnegative", c.symbol.is_nonnegative and c.low < 0),
            ("negative", c.symbol.is_negative and c.high > 0),
            ("nonpositive", c.symbol.is_nonpositive and c.high > 0),
            ("integer", c.symbol.is_integer),
            ("not real", c.symbol.is_real is False),
            ("not commutative", not c.symbol.is_commutative),
        )
        if broken
    ]
    if wrong:
        raise DeclarationError(
            f"The symbol {c.name} is declared {wrong[0]}, but runs over the real numbers from {c.low_exact} to {c.high_exact}.\n"
            f'Write {c.name} = symbols("{c.name}", real=True)'
        )


# ------------------------------------------------------------------------------------------ equations


def _equation_names(count: int) -> list[str]:
    """Return the names of the equations among the loss terms."""
    return ["equation"] if count == 1 else [f"equation {i + 1}" for i in range(count)]


def _find_fields(equations: Sequence[sympy.Basic], coordinates: tuple[Coordinate, ...]) -> tuple[Field, ...]:
    """Return the unknown functions of the equations, with their arguments, in order of appearance."""
    symbols = {c.symbol: c for c in coordinates}
    found: dict[str, AppliedUndef] = {}
    for equation in equations:
        applied = [node for node in sympy.preorder_traversal(equation) if isinstance(node, AppliedUndef)]
        alien = {s for s in equation.free_symbols - set(symbols) if not isinstance(s, Unknown)}
        for node in applied:
            name = str(node.func.__name__)
            for argument in node.args:
                if isinstance(argument, Symbol) and argument in alien:
                    refuse_symbol(argument, f"The field {node}", Scope(coordinates))
            if node.args and all(a in symbols for a in node.args) and len(set(node.args)) == len(node.args):
                first = found.setdefault(name, node)
                if first.args != node.args:
                    raise DeclarationError(
                        f"The equations use both {first} and {node}; a field has one list of arguments.\nWrite {first} everywhere"
                    )
        for node in applied:
            name = str(node.func.__name__)
            if name in found:
                continue
            example = f"{name}({', '.join(c.name for c in coordinates if c.role != 'parameter')})"
            if not node.args:
                raise DeclarationError(
                    f"The field {name}() has no arguments.\n"
                    f'Write {example}, or {name} = Unknown("{name}") for a number that is to be found'
                )
            raise UnsupportedProblem(
                f"The equations use {node} only; its arguments are not the coordinates themselves.\nWrite {example}"
            )
    clash = [name for name in found if name in {c.name for c in coordinates}]
    if clash:
        raise DeclarationError(
            f"{clash[0]} is both a field and a coordinate.\nGive the field another name: the results go by name"
        )
    return tuple(Field(name, tuple(node.args)) for name, node in found.items())


def _check_equation(name: str, source: Any, residual: Expr, scope: Scope) -> Equation:
    """Return a lowered equation that has a field in it and is not trivially true."""
    if residual.has(NormalDerivative):
        raise DeclarationError(
            f"The equation {source} contains NormalDerivative, which has a meaning on a boundary only.\n"
            'Write derivatives such as u(x, y).diff(x) here, or a condition On("hole", Eq(NormalDerivative(u(x, y)), 1))'
        )
    if any(node.function.has(AppliedUndef) for node in residual.atoms(Integral)):
        raise UnsupportedProblem(
            f"The equation {source} contains an integral of a field; integro-differential equations are not supported.\n"
            "Introduce the integral as a field of its own with an equation for its derivative"
        )
    lowered = lower(residual, scope)
    check_real(lowered.expr, source, "equation")
    if source.has(AppliedUndef) and sympy.expand(lowered.expr) == 0:
        raise DeclarationError(
            f"The equation {source} is trivially true: its two sides are equal.\nWrite the equation that is meant"
        )
    if not lowered.values:
        raise DeclarationError(
            f"The equation {source} contains no field.\nWrite an equation for a Function, for example {_EXAMPLE}"
        )
    pinned = [v for v in lowered.values if v.pins]
    if pinned:
        at = ", ".join(f"{n} = {p}" for n, p in pinned[0].pins)
        raise UnsupportedProblem(
            f"The equation {source} contains {pinned[0].field} at the fixed place {at}; an equation holds at each point by itself.\n"
            "Put it among the conditions, if it is one"
        )
    return Equation(name, source, lowered)


# -------------------------------------------------------------------------------------------- symbols


def _find_unknowns(parts: Sequence[Any], observations: tuple[Measured, ...]) -> tuple[Unknown, ...]:
    """Return the unknown numbers in order of appearance, each name declared once."""
    lowered = [part.residual for part in parts] + [m.quantity for m in observations]
    found: dict[str, Unknown] = {}
    for item in lowered:
        for expr in _expressions(item):
            for symbol in sorted(expr.atoms(Unknown), key=str):
                first = found.setdefault(symbol.name, symbol)
                if first != symbol:
                    raise DeclarationError(
                        f"Two different unknowns are called {symbol.name}.\nDeclare it once, {symbol.name} = Unknown(...), and use that"
                    )
    return tuple(found.values())


def _expressions(lowered: Lowered) -> list[Expr]:
    return [lowered.expr, *(e for i in lowered.integrals for e in _expressions(i.integrand))]


def _check_symbols(checked: CheckedProblem) -> None:
    """Refuse every symbol that is neither a coordinate nor an unknown number."""
    known = {c.symbol for c in checked.coordinates} | set(checked.unknowns)
    parts: list[tuple[str, Any, Lowered]] = [("equation", e.source, e.residual) for e in checked.equations]
    parts += [("condition", c.source, c.residual) for c in checked.conditions]
    parts += [("observation of", m.source, m.quantity) for m in checked.observations]
    for what, source, lowered in parts:
        stands_for = {v.symbol for v in lowered.all_values()}
        stands_for |= {i.symbol for i in lowered.integrals}
        for expr in _expressions(lowered):
            for symbol in sorted(expr.free_symbols - known - stands_for, key=str):
                _refuse_alien(symbol, f"The {what} {source}", checked)
    names = [c.name for c in checked.coordinates] + [f.name for f in checked.fields]
    for unknown in checked.unknowns:
        if unknown.name in names:
            raise DeclarationError(
                f"The unknown {unknown.name} has the name of a coordinate or a field.\nGive it another name: the results go by name"
            )
    declared = [c for c in checked.coordinates if c.role == "parameter"]
    for coordinate in declared:
        if not any(coordinate.symbol in e.free_symbols for _, _, low in parts for e in _expressions(low)):
            raise DeclarationError(
                f"The parameter {coordinate.name} stands in no equation and no condition.\n"
                f"Use the symbol {coordinate.name} in them, or leave it out of parameters"
            )


def _refuse_alien(symbol: Symbol, where: str, checked: CheckedProblem) -> None:
    """Raise the error for a symbol that is neither a coordinate nor an unknown number."""
    if any(u.name == symbol.name for u in checked.unknowns):
        raise DeclarationError(
            f"{where} uses an ordinary symbol {symbol.name} beside Unknown({symbol.name!r}).\n"
            f"Declare it once, {symbol.name} = Unknown(...), and use that everywhere"
        )
    refuse_symbol(symbol, where, checked.scope)


def _warn_of_counts(checked: CheckedProblem, warnings: list[str]) -> None:
    """Warn of what cannot be counted rightly for every system: equations and wall conditions."""
    if len(checked.equations) < len(checked.fields) and not checked.observations:
        warnings.append(
            f"{len(checked.equations)} equations for {len(checked.fields)} fields: the solution may not be unique."
        )
    for coordinate in checked.coordinates:
        if (
            not any(coordinate.symbol in f.arguments for f in checked.fields)
            and coordinate.role != "parameter"
        ):
            warnings.append(f"No field depends on {coordinate.name}: it could be left out of the domain.")
    for field in checked.fields:
        for i, coordinate in enumerate(checked.coordinates):
            if coordinate.role != "space" or coordinate.name in checked.periodic or checked.shape:
                continue
            order = checked.highest_orders(field.name)[i]
            # A pressure beside a velocity in equations of first order has the walls of the velocity.
            coupled = _neighbours(field.name, checked) if order == 1 else set()
            walls = [
                c
                for c in checked.conditions
                if any(v.field in {field.name, *coupled} for v in c.residual.all_values())
                and any(name == coordinate.name for loc in c.locations for name, _ in loc)
            ]
            if order and not walls and not checked.observations and not _is_potential(field.name, checked):
                warnings.append(
                    f"{field.name} has derivatives by {coordinate.name}, but no condition pins {coordinate.name}: the solution may not be unique."
                )
    if checked.shape and not _touches_shape(checked):
        warnings.append("No condition on the boundary of the shape: the solution may not be unique.")
    if checked.unknowns and not checked.observations:
        kinds = {c.kind for c in checked.conditions}
        if "integral" not in kinds and "value at a point" not in kinds:
            names = ", ".join(u.name for u in checked.unknowns)
            warnings.append(
                f"Nothing but the equations fixes {names}: give observations, or an integral condition for an eigenvalue problem."
            )


def _neighbours(field: str, checked: CheckedProblem) -> set[str]:
    """Return the fields that stand in an equation beside slopes of a field along space."""
    space = [k for k, c in enumerate(checked.coordinates) if c.role == "space"]
    found: set[str] = set()
    for equation in checked.equations:
        values = equation.residual.values
        if any(v.field == field and any(v.orders[k] for k in space) for v in values):
            found |= {v.field for v in values}
    return found - {field}


def _is_potential(field: str, checked: CheckedProblem) -> bool:
    """Say whether the equations give all slopes of a field, as those of momentum do a pressure's: it needs one value only."""
    slopes = [
        {v.orders for v in e.residual.values if v.field == field and any(v.orders)} for e in checked.equations
    ]
    along = {k for orders in slopes for order in orders for k, n in enumerate(order) if n}
    time = [k for k, c in enumerate(checked.coordinates) if c.role == "time"]
    first = all(sum(order) == 1 and not any(order[k] for k in time) for orders in slopes for order in orders)
    pinned = any(v.field == field for c in checked.conditions for v in c.residual.all_values())
    return first and pinned and sum(map(bool, slopes)) >= len(along)


def _touches_shape(checked: CheckedProblem) -> bool:
    """Say whether a condition stands on the shape's boundary, or pins a space coordinate."""
    space = {c.name for c in checked.space}
    return any(
        c.region.boundary is not None or any(name in space for loc in c.locations for name, _ in loc)
        for c in checked.conditions
    )
