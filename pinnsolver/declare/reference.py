"""Known answers, for scoring only: formulas, numpy callables, or tables in an `.npz` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import sympy
from sympy.core.function import AppliedUndef, UndefinedFunction

from pinnsolver.declare.checked import Reference
from pinnsolver.declare.lower import Scope
from pinnsolver.declare.problem import Problem
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
    if not isinstance(given, dict):
        raise DeclarationError(f"reference={given!r} is no reference.\nWrite for example {_EXAMPLE}")
    found = {}
    for key, value in given.items():
        name = _field_name(key)
        if name not in scope.fields:
            raise DeclarationError(
                f"The reference is for {key}, which is not a field of the equations.\n"
                f"The fields are {', '.join(scope.fields)}; write for example {_EXAMPLE}"
            )
        found[name] = _reference(problem, name, value, scope)
    return found


def _field_name(key: Any) -> str:
    """Return the name of a field that is written `u`, `u(x, t)` or "u"."""
    if isinstance(key, AppliedUndef):
        return str(key.func.__name__)
    return str(key.__name__) if isinstance(key, UndefinedFunction) else str(key)


def _reference(problem: Problem, name: str, value: Any, scope: Scope) -> Reference:
    """Return one field's reference."""
    if isinstance(value, Reference):  # a table out of a run folder, checked when it was saved
        return value
    if isinstance(value, str | Path):
        return _reference_from(_open_table(problem, str(value)), name, str(value), scope)
    if isinstance(value, sympy.Expr | int | float):
        formula = sympy.sympify(value)
        allowed = {c.symbol for c in scope.coordinates}
        alien = sorted(formula.free_symbols - allowed, key=str)
        if alien or formula.atoms(AppliedUndef):
            culprit = alien[0] if alien else sorted(formula.atoms(AppliedUndef), key=str)[0]
            raise DeclarationError(
                f"The reference of {name}, {formula}, contains {culprit}, which has no value.\n"
                f"Write it with the coordinates {', '.join(c.name for c in scope.coordinates)} only"
            )
        return Reference(formula=formula)
    if callable(value):
        return Reference(function=value)
    raise DeclarationError(
        f"The reference of {name} is {value!r}, which is no reference.\nWrite for example {_EXAMPLE}"
    )


def _open_table(problem: Problem, declared: str) -> dict[str, np.ndarray]:
    """Return the arrays of a reference file."""
    path = problem.path(declared)
    try:
        with np.load(path, allow_pickle=False) as archive:
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
    or arrays of the field's own shape.
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
    try:
        axes = [np.asarray(table[n], dtype=float) for n in needed]
        values = np.asarray(table[name], dtype=float)
    except (TypeError, ValueError):
        raise DeclarationError(
            f"The reference file {file} does not hold real numbers only.\nSave arrays of float64"
        ) from None
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
    known = np.isfinite(values).ravel()
    if not known.any():
        raise DeclarationError(
            f"The reference file {file} holds no finite value of {name}.\nSave the known values; NaN means unknown"
        )
    flat = {n: p.ravel()[known] for n, p in zip(needed, points, strict=True)}
    return Reference(table={**flat, "": values.ravel()[known]})
