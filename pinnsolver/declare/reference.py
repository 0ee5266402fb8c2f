"""Known answers, for scoring only: formulas, numpy callables, or tables in an `.npz` file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol
from sympy.core.function import AppliedUndef, UndefinedFunction

from pinnsolver.declare.checked import Reference
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.symbols import check_applied, shown
from pinnsolver.declare.values import Scope
from pinnsolver.errors import DeclarationError

_EXAMPLE = 'reference={u: sin(pi*x)*exp(-t)}, reference={u: f} with f(x, t) on numpy arrays, or reference="answer.npz"'


def load_references(problem: Problem, scope: Scope) -> dict[str, Reference]:
    """Return the references of a problem by field name, files opened.

    Raises:
        DeclarationError: an unknown field, a file that does not fit, or something that is no reference.
    """
    given = problem.reference
    if given is None:
        return {}
    if isinstance(given, str | Path):
        table = _open_table(problem, str(given))
        fields = [name for name in scope.fields if name in table]
        if not fields:
            raise DeclarationError(
                f"The reference {given} holds {', '.join(table) or 'nothing'}, none of the fields "
                f"{', '.join(scope.fields)}.\nSave arrays named like the coordinates and the fields"
            )
        return {name: _reference_from(table, name, str(given), scope) for name in fields}
    if not isinstance(given, Mapping):
        raise DeclarationError(f"reference={shown(given)} is no reference.\nWrite for example {_EXAMPLE}")
    found = {}
    for key, value in given.items():
        name = _field_name(key)
        if name not in scope.fields:
            raise DeclarationError(
                f"The reference is for {shown(key)}, which is not a field of the equations.\n"
                f"The fields are {', '.join(scope.fields)}; write for example {_EXAMPLE}"
            )
        found[name] = _reference(problem, name, value, scope)
    return found


def _field_name(key: Any) -> str:
    """Return the name of a field that is written `u`, `u(x, t)` or "u"."""
    if isinstance(key, AppliedUndef):
        return str(key.func.__name__)
    if isinstance(key, UndefinedFunction):
        return str(key.__name__)
    return key if isinstance(key, str) else shown(key)


def _reference(problem: Problem, name: str, value: Any, scope: Scope) -> Reference:
    """Return one field's reference."""
    if isinstance(value, Reference):  # a table out of a run folder, checked when it was saved
        return value
    if isinstance(value, str | Path):
        return _reference_from(_open_table(problem, str(value)), name, str(value), scope)
    arguments = list(scope.fields[name].arguments)
    parameters = [c.symbol for c in scope.coordinates if c.role == "parameter" and c.symbol not in arguments]
    if isinstance(value, sympy.Lambda):
        value = value(*arguments) if len(value.signature) == len(arguments) else value
    if isinstance(value, Expr | Real) and not isinstance(value, sympy.Lambda):
        return Reference(formula=_formula(name, sympy.sympify(value), [*arguments, *parameters]))
    if callable(value) and not isinstance(value, type | sympy.Basic):
        _check_signature(name, value, [*arguments, *parameters])
        return Reference(function=value)
    raise DeclarationError(
        f"The reference of {name} is {shown(value)}, which is no reference.\nWrite for example {_EXAMPLE}"
    )


def _formula(name: str, formula: Expr, allowed: list[Symbol]) -> Expr:
    """Return a formula that has a real value wherever the field has one."""
    check_applied(formula, f"The reference of {name}, {shown(formula)},")
    aliens = sorted([*(formula.free_symbols - set(allowed)), *formula.atoms(AppliedUndef)], key=str)
    if aliens or formula.has(sympy.I, sympy.oo, -sympy.oo, sympy.zoo, sympy.nan):
        culprit = aliens[0] if aliens else "the imaginary unit, infinity or nan"
        raise DeclarationError(
            f"The reference of {name}, {formula}, contains {culprit}, which has no value for {name}.\n"
            f"Write a real formula of {', '.join(map(str, allowed))} only"
        )
    if formula.has(sympy.Integral):
        raise DeclarationError(
            f"The reference of {name}, {formula}, contains an integral that is not carried out.\n"
            "Write its closed form, for example what .doit() returns, or a numpy callable"
        )
    return formula


def _check_signature(name: str, function: Callable[..., Any], arguments: list[Symbol]) -> None:
    """Refuse a callable that cannot take the field's arguments; one without a signature is taken as it is."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        listed = ", ".join(map(str, arguments))
        raise DeclarationError(
            f"The reference of {name} is a function of {signature}, which cannot be called with {listed}: {error}.\n"
            f"Write def {name}_exact({listed}): ... on numpy arrays"
        ) from None


def _open_table(problem: Problem, declared: str) -> dict[str, np.ndarray]:
    """Return the arrays of a reference file."""
    path = problem.path(declared)
    try:
        with path.open("rb") as stream:  # numpy leaves a damaged file open
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it holds one array without a name")
            return {name: np.asarray(archive[name]) for name in archive.files}
    except FileNotFoundError:
        raise DeclarationError(
            f"There is no reference file {path}.\nA relative path starts at the problem file's folder"
        ) from None
    except Exception as error:  # numpy raises five kinds for what is no archive
        raise DeclarationError(
            f"The reference file {path} cannot be read: {error}.\nSave it with numpy.savez, arrays of numbers only"
        ) from None


def _reference_from(table: dict[str, np.ndarray], name: str, file: str, scope: Scope) -> Reference:
    """Return one field of a table as points and values, (n,) each.

    Coordinates may be 1-D axes with the field on their grid, in the order of the field's arguments,
    or arrays of the field's own shape. Values that are NaN or off the domain score nothing.
    """
    field = scope.fields[name]
    needed = [str(s) for s in field.arguments]
    needed += [c.name for c in scope.coordinates if c.role == "parameter" and c.name not in needed]
    missing = [n for n in [*needed, name] if n not in table]
    if missing:
        raise DeclarationError(
            f"The reference file {file} holds {', '.join(table) or 'nothing'}; {missing[0]} is missing.\n"
            f"Save arrays named {', '.join([*needed, name])}"
        )
    for n in [*needed, name]:
        if table[n].dtype.kind not in "iuf":
            raise DeclarationError(
                f"The reference file {file} holds {n} of dtype {table[n].dtype}, not real numbers.\nSave arrays of float64"
            )
    axes = [np.asarray(table[n], dtype=float) for n in needed]
    values = np.asarray(table[name], dtype=float)
    if all(a.shape == values.shape for a in axes):
        points = axes
    elif all(a.ndim == 1 for a in axes) and values.shape == tuple(a.size for a in axes):
        points = list(np.meshgrid(*axes, indexing="ij"))
    else:
        shapes = ", ".join(f"{n}{a.shape}" for n, a in zip(needed, axes, strict=True))
        raise DeclarationError(
            f"The reference file {file} has {shapes} and {name}{values.shape}, which do not fit together.\n"
            f"Save {name} with the shape ({', '.join(f'len({n})' for n in needed)}), or all arrays of one shape"
        )
    known = np.isfinite(values)
    for n, points_of in zip(needed, points, strict=True):
        c = next(c for c in scope.coordinates if c.name == n)
        slack = 1e-6 * c.length
        known &= (points_of >= c.low - slack) & (points_of <= c.high + slack)
    known = known.ravel()
    if not known.any():
        raise DeclarationError(
            f"The reference file {file} holds no finite value of {name} inside the domain.\n"
            "Save values at places of the domain; NaN means unknown"
        )
    flat = {n: p.ravel()[known] for n, p in zip(needed, points, strict=True)}
    return Reference(table={**flat, "": values.ravel()[known]})
