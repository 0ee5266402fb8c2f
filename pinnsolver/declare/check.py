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
from sympy import Eq, Expr, Symbol
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanAtom

from pinnsolver.declare.checked import CheckedProblem, Equation, Measured
from pinnsolver.declare.classify import check_conditions, check_initial_states
from pinnsolver.declare.lower import Coordinate, Field, Lowered, Scope, lower
from pinnsolver.declare.observations import Observations
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.reference import load_references
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.symbols import NormalDerivative, Unknown, to_number
from pinnsolver.errors import DeclarationError, UnsupportedProblem


def check_problem(problem: Problem) -> CheckedProblem:
    """Check a declaration and return it lowered and classified.

    Raises:
        DeclarationError: it is wrong; the message names the culprit and shows what to write.
        UnsupportedProblem: it is right, but not ours yet.
    """
    warnings: list[str] = []
    coordinates = _check_coordinates(problem)
    residuals = [_residual_of(e, "equation") for e in problem.equations]
    if not residuals:
        raise DeclarationError(
            "The problem has no equations.\nWrite for example equations=[Eq(u(x).diff(x, 2), 1)]"
        )
    fields = _find_fields(residuals, coordinates)
    scope = Scope(coordinates, {f.name: f for f in fields})
    equations = tuple(
        _check_equation(name, source, residual, scope)
        for name, source, residual in zip(
            _equation_names(len(residuals)), problem.equations, residuals, strict=True
        )
    )
    shape = problem.domain if isinstance(problem.domain, Shape) else None
    conditions, periodic = check_conditions(problem, scope, shape, warnings)
    observations = _check_observations(problem, scope)
    unknowns = _find_unknowns([*equations, *conditions], observations)
    checked = CheckedProblem(
        problem=problem,
        coordinates=coordinates,
        shape=shape,
        fields=fields,
        equations=equations,
        conditions=conditions,
        observations=observations,
        periodic=periodic,
        unknowns=unknowns,
        references=load_references(problem, scope),
        warnings=(),
    )
    _check_symbols(checked)
    check_initial_states(checked, warnings)
    _warn_of_counts(checked, warnings)
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
            found.append(Coordinate(symbol, a, b, "space", sympy.Float(a), sympy.Float(b)))
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
    if repeated:
        raise DeclarationError(
            f"{repeated[0]} is declared twice among domain, time and parameters.\nGive each coordinate a symbol of its own"
        )
    return tuple(found)


def _limits(item: Sequence[Any], what: str, role: str, example: str) -> Coordinate:
    """Return sympy-style limits as a coordinate."""
    if len(item) != 3 or not isinstance(item[0], Symbol) or isinstance(item[0], Unknown):
        raise DeclarationError(
            f"{what} has the limits {tuple(item)}; limits are (symbol, low, high).\nWrite for example {example}"
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
    return Coordinate(symbol, low_number, high_number, role, sympy.sympify(low), sympy.sympify(high))


# ------------------------------------------------------------------------------------------ equations


def _residual_of(equation: Any, what: str) -> Expr:
    """Return left side minus right side of a user's equation."""
    if equation is True or equation == sympy.true:
        raise DeclarationError(
            f"An {what} is trivially true: sympy found its two sides equal.\nWrite the {what} that is meant"
        )
    if equation is False or isinstance(equation, BooleanAtom):
        raise DeclarationError(
            f"An {what} is false for every field: sympy found its two sides different.\n"
            "Write it with Eq(left, right); `==` compares at once"
        )
    if isinstance(equation, Eq):
        if isinstance(equation.lhs, sympy.MatrixBase | sympy.MatrixExpr):
            raise UnsupportedProblem(
                f"The {what} {equation} is a matrix equation.\nWrite one scalar equation for each component"
            )
        return equation.lhs - equation.rhs
    if isinstance(equation, sympy.MatrixBase | sympy.MatrixExpr):
        raise UnsupportedProblem(
            f"The {what} {equation} is a matrix.\nWrite one scalar equation for each component"
        )
    if isinstance(equation, Expr):
        return equation
    raise DeclarationError(
        f"The {what} {equation!r} is not a sympy equation.\nWrite for example Eq(u(x, t).diff(t), u(x, t).diff(x, 2))"
    )


def _equation_names(count: int) -> list[str]:
    """Return the names of the equations among the loss terms."""
    return ["equation"] if count == 1 else [f"equation {i + 1}" for i in range(count)]


def _find_fields(residuals: list[Expr], coordinates: tuple[Coordinate, ...]) -> tuple[Field, ...]:
    """Return the unknown functions of the equations, with their arguments, in order of appearance."""
    symbols = {c.symbol: c for c in coordinates}
    found: dict[str, AppliedUndef] = {}
    for residual in residuals:
        applied = [node for node in sympy.preorder_traversal(residual) if isinstance(node, AppliedUndef)]
        for node in applied:
            name = str(node.func.__name__)
            for argument in node.args:
                if isinstance(argument, Symbol) and argument not in symbols:
                    _refuse_symbol(argument, f"The field {node}", coordinates)
            if all(a in symbols for a in node.args) and len(set(node.args)) == len(node.args):
                first = found.setdefault(name, node)
                if first.args != node.args:
                    raise DeclarationError(
                        f"The equations use both {first} and {node}; a field has one list of arguments.\nWrite {first} everywhere"
                    )
        for node in applied:
            name = str(node.func.__name__)
            if name not in found:
                example = f"{name}({', '.join(c.name for c in coordinates if c.role != 'parameter')})"
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
    if residual.has(sympy.I) or residual.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        what = "the imaginary unit" if residual.has(sympy.I) else "infinity or nan"
        raise UnsupportedProblem(
            f"The equation {source} contains {what}; fields are real.\nSplit it into real and imaginary part, a field each"
        )
    if residual.has(NormalDerivative):
        raise DeclarationError(
            f"The equation {source} contains NormalDerivative, which has a meaning on a boundary only.\n"
            'Write derivatives such as u(x, y).diff(x) here, or a condition On("hole", Eq(NormalDerivative(u(x, y)), 1))'
        )
    lowered = lower(residual, scope)
    if lowered.integrals:
        raise UnsupportedProblem(
            f"The equation {source} contains an integral; integro-differential equations are not supported.\n"
            "Introduce the integral as a field of its own with an equation for its derivative"
        )
    if not lowered.values:
        raise DeclarationError(
            f"The equation {source} contains no field.\nWrite an equation for a Function, for example u(x, t)"
        )
    if sympy.expand(lowered.expr) == 0:
        raise DeclarationError(
            f"The equation {source} is trivially true: its two sides are equal.\nWrite the equation that is meant"
        )
    pinned = [v for v in lowered.values if v.pins]
    if pinned:
        at = ", ".join(f"{n} = {p}" for n, p in pinned[0].pins)
        raise UnsupportedProblem(
            f"The equation {source} contains {pinned[0].field} at the fixed place {at}; an equation holds at each point by itself.\n"
            "Put it among the conditions, if it is one"
        )
    return Equation(name, source, lowered)


# -------------------------------------------------------------------------- observations and symbols


def _check_observations(problem: Problem, scope: Scope) -> tuple[Measured, ...]:
    """Return the observations, opened, their points inside the domain."""
    measured: list[Measured] = []
    for item in problem.observations:
        if not isinstance(item, Observations):
            raise DeclarationError(
                f"observations contains {item!r}, which is not an Observations.\n"
                'Write for example Observations(u(x, t), "data.csv")'
            )
        lowered = lower(item.quantity, scope)
        if not lowered.values or lowered.integrals or any(v.pins for v in lowered.values):
            raise DeclarationError(
                f"Observations({item.quantity}) are of no field at running coordinates.\nWrite for example Observations(u(x, t), points, values)"
            )
        used = {s for v in lowered.values for s in scope.fields[v.field].arguments} | set(
            lowered.expr.free_symbols
        )
        columns = [c for c in scope.coordinates if c.symbol in used]
        if isinstance(item.quantity, AppliedUndef):
            given = list(item.quantity.args)
            columns.sort(key=lambda c: given.index(c.symbol) if c.symbol in given else len(given))
            label = lowered.values[0].field
        else:
            label = item.name or "value"
        names = tuple(c.name for c in columns)
        # A family's parameter is a column only where it is given: data of all members need it.
        columns, names = _with_parameters(item, scope, columns, names)
        file = None if item.path is None else problem.path(item.path)
        points, values = item.load((*names, label), file)
        for column, coordinate in zip(points.T, columns, strict=True):
            slack = 1e-9 * coordinate.length
            outside = (column < coordinate.low - slack) | (column > coordinate.high + slack)
            if outside.any():
                first = int(outside.argmax())
                raise DeclarationError(
                    f"Observations({item.quantity}) have {int(outside.sum())} points off the domain: row {first + 1} has "
                    f"{coordinate.name} = {column[first]:g}, which lies in [{coordinate.low:g}, {coordinate.high:g}].\n"
                    "Leave such rows out, or widen the domain"
                )
        name = item.name or f"observations of {item.quantity}"
        taken = [m.name for m in measured]
        if name in taken:
            name = f"{name} ({taken.count(name) + 1})"
        measured.append(Measured(name, lowered, item.quantity, names, points, values, item.path))
    return tuple(measured)


def _with_parameters(
    item: Observations, scope: Scope, columns: list[Coordinate], names: tuple[str, ...]
) -> tuple[list[Coordinate], tuple[str, ...]]:
    """Return the columns with those of every parameter: a measurement belongs to one member of the family."""
    missing = [c for c in scope.coordinates if c.role == "parameter" and c not in columns]
    return [*columns, *missing], (*names, *(c.name for c in missing))


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
                _refuse_symbol(symbol, f"The {what} {source}", checked.coordinates)
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


def _refuse_symbol(symbol: Symbol, where: str, coordinates: tuple[Coordinate, ...]) -> None:
    """Raise the error for a symbol that means nothing here."""
    if any(c.name == symbol.name for c in coordinates):
        raise DeclarationError(
            f"{where} uses another symbol {symbol.name} than the domain: same name, other assumptions.\n"
            f'Make it once, for example {symbol.name} = symbols("{symbol.name}"), and use that everywhere'
        )
    names = ", ".join(c.name for c in coordinates)
    raise DeclarationError(
        f"{where} uses the undeclared symbol {symbol.name}; the coordinates are {names}.\n"
        f'Give it a value, declare {symbol.name} = Unknown("{symbol.name}"), or list it in parameters=[({symbol.name}, low, high)]'
    )


def _warn_of_counts(checked: CheckedProblem, warnings: list[str]) -> None:
    """Warn of what cannot be counted rightly for every system: equations and wall conditions."""
    if len(checked.equations) < len(checked.fields) and not checked.observations:
        warnings.append(
            f"{len(checked.equations)} equations for {len(checked.fields)} fields: the solution may not be unique."
        )
    for field in checked.fields:
        for i, coordinate in enumerate(checked.coordinates):
            if coordinate.role != "space" or coordinate.name in checked.periodic or checked.shape:
                continue
            order = checked.highest_orders(field.name)[i]
            walls = [
                c
                for c in checked.conditions
                if any(v.field == field.name for v in c.residual.all_values())
                and any(name == coordinate.name for loc in c.locations for name, _ in loc)
            ]
            if order and not walls and not checked.observations:
                warnings.append(
                    f"{field.name} has derivatives by {coordinate.name}, but no condition pins {coordinate.name}: the solution may not be unique."
                )
    if checked.shape and not any(c.region.boundary is not None for c in checked.conditions):
        warnings.append("No condition on the boundary of the shape: the solution may not be unique.")
    if checked.unknowns and not checked.observations:
        kinds = {c.kind for c in checked.conditions}
        if "integral" not in kinds and "value at a point" not in kinds:
            names = ", ".join(u.name for u in checked.unknowns)
            warnings.append(
                f"Nothing but the equations fixes {names}: give observations, or an integral condition for an eigenvalue problem."
            )
