"""A declaration as JSON data and back, without executing anything.

sympy's own `srepr` needs `eval`; a run folder of unknown origin must not be evaluated. An expression becomes
nested lists whose heads are names of a fixed set of sympy classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from sympy import Float, Function, Integer, Rational, Symbol
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanAtom

from pinnsolver.declare import shapes
from pinnsolver.declare.checked import CheckedProblem, Reference
from pinnsolver.declare.conditions import On, Periodic
from pinnsolver.declare.observations import Observations
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.symbols import NormalDerivative, Unknown
from pinnsolver.errors import DeclarationError, RunFolderError, UnsupportedProblem

_CLASSES: dict[str, Any] = {
    c.__name__: c
    for c in (
        *(sympy.Add, sympy.Mul, sympy.Pow, sympy.Derivative, sympy.Subs, sympy.Integral, sympy.Tuple),
        *(sympy.Eq, sympy.Ne, sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge, sympy.And, sympy.Or, sympy.Not),
        *(sympy.Piecewise, sympy.functions.elementary.piecewise.ExprCondPair, sympy.Max, sympy.Min),
        *(sympy.ITE, sympy.Xor, NormalDerivative),
    )
}
_CONSTANTS = {
    type(c).__name__: c
    for c in (
        sympy.pi,
        sympy.E,
        sympy.EulerGamma,
        sympy.GoldenRatio,
        sympy.Catalan,
        sympy.I,
        sympy.oo,
        -sympy.oo,
    )
}
_SHAPES = ("Interval", "Rectangle", "Cuboid", "Disk", "Ball", "Ellipse", "Polygon")
VERSION = 1
_LARGEST = 20_000
_COMBINATORIAL = ("sympy.functions.combinatorial", "sympy.functions.special", "sympy.ntheory")


def _function_class(name: str) -> Any:
    """Return one of sympy's own functions by name, None for anything else."""
    found = getattr(sympy, name, None) or getattr(sympy.functions, name, None)
    return found if isinstance(found, type) and issubclass(found, sympy.Function) else None


def encode_expression(expr: Any) -> Any:
    """Return a sympy expression as nested lists.

    Raises:
        UnsupportedProblem: it contains an object that is not one of sympy's usual ones.
    """
    if isinstance(expr, bool | BooleanAtom):
        return ["bool", bool(expr)]
    expr = sympy.sympify(expr)
    if isinstance(expr, Unknown):
        return ["unknown", expr.name, expr.start, expr.low, expr.high]
    if isinstance(expr, sympy.Dummy):
        return ["dummy", expr.name, expr.dummy_index]
    if isinstance(expr, Symbol):
        return ["symbol", expr.name, expr._assumptions_orig]
    if isinstance(expr, Integer):
        return ["int", str(int(expr))]
    if isinstance(expr, Rational):
        return ["rational", str(expr.p), str(expr.q)]
    if isinstance(expr, Float):
        sign, mantissa, exponent, bits = expr._mpf_
        return ["float", int(sign), str(int(mantissa)), int(exponent), int(bits), int(expr._prec)]
    name = type(expr).__name__
    if isinstance(expr, AppliedUndef):  # before the constants: a field may be called Pi
        return ["apply", name, dict(type(expr)._kwargs), *map(encode_expression, expr.args)]
    if name in _CONSTANTS:
        return ["constant", name]
    if name in _CLASSES or _function_class(name) is type(expr):
        return ["call", name, *map(encode_expression, expr.args)]
    raise UnsupportedProblem(
        f"{expr} is a {name}, which pinnsolver does not know.\nWrite it with sympy's usual functions"
    )


def decode_expression(data: Any) -> Any:
    """Return the expression that `encode_expression` encoded.

    Raises:
        RunFolderError: the data are something else.
    """
    try:
        head, *rest = data
        if head == "bool":
            return sympy.true if rest[0] else sympy.false
        if head == "unknown":
            return Unknown(*rest)
        if head == "dummy":
            return sympy.Dummy(rest[0], dummy_index=int(rest[1]))
        if head == "symbol":
            return Symbol(str(rest[0]), **{str(k): bool(v) for k, v in rest[1].items()})
        if head == "int":
            return Integer(int(rest[0]))
        if head == "rational":
            return Rational(int(rest[0]), int(rest[1]))
        if head == "float":
            sign, mantissa, exponent, bits, precision = rest
            if abs(int(exponent)) > _LARGEST or not 0 < int(precision) <= _LARGEST:
                raise ValueError(f"a number with the exponent {exponent} and {precision} bits")
            if int(mantissa) == 0:  # which `_new` makes an Integer
                return Float(0, precision=precision)
            return Float._new((sign, int(mantissa), exponent, bits), precision)
        if head == "constant":
            return _CONSTANTS[rest[0]]
        if head == "apply":
            assumptions = {str(k): bool(v) for k, v in rest[1].items()}
            return Function(str(rest[0]), **assumptions)(*map(decode_expression, rest[2:]))
        if head == "call":
            cls = _CLASSES.get(rest[0]) or _function_class(rest[0])
            arguments = [decode_expression(a) for a in rest[1:]]
            _refuse_endless(cls, arguments)
            relational = isinstance(cls, type) and issubclass(cls, sympy.core.relational.Relational)
            return cls(*arguments, evaluate=False) if relational else _as_it_was(cls, arguments)
    except RunFolderError:
        raise
    except Exception as error:
        raise _damaged(f"{type(error).__name__}: {error}") from None
    raise _damaged(f"unknown head {head!r}")


def _refuse_endless(cls: Any, arguments: list[Any]) -> None:
    """Refuse numbers that sympy would work out without an end, as 10**10**10 or factorial(10**10).

    Arguments are numbers that passed this test themselves, so that to size them up is quick.
    """
    sizes = [abs(a.evalf(3)) if getattr(a, "is_number", False) else sympy.S.One for a in arguments]
    if cls is sympy.Pow:
        base, exponent = sizes
        endless = exponent > _LARGEST or (base > 0 and abs(sympy.log(base)) * exponent > _LARGEST)
    else:
        endless = cls.__module__.startswith(_COMBINATORIAL) and any(size > _LARGEST for size in sizes)
    if endless:
        raise ValueError(f"{cls.__name__} of numbers as large as {max(sizes)}")


def _as_it_was(cls: Any, arguments: list[Any]) -> Any:
    """Return an expression with just these arguments: 2 (x + y) is not multiplied out, so that rounding stays the same."""
    made = cls(*arguments)
    kept = cls in (sympy.Add, sympy.Mul, sympy.Pow) and (
        type(made) is not cls or list(made.args) != arguments
    )
    return cls(*arguments, evaluate=False) if kept else made


def _damaged(reason: str) -> RunFolderError:
    return RunFolderError(f"declaration.json is damaged ({reason}).\nSolve the problem again")


def _encode_shape(shape: shapes.Shape) -> Any:
    if isinstance(shape, shapes.Combined):
        return ["combined", shape.operation, _encode_shape(shape.left), _encode_shape(shape.right)]
    assert isinstance(shape, shapes.Primitive)
    kind = type(shape).__name__
    head = [kind, shape.name, [encode_expression(s) for s in shape.symbols]]
    if isinstance(shape, shapes.Ellipse):
        return [*head, shape.center, shape.semiaxes, shape.angle]
    if isinstance(shape, shapes.Polygon):
        return [*head, shape.vertices]
    if isinstance(shape, shapes._Round):
        return [*head, shape.center, shape.radius]
    assert isinstance(shape, shapes._Corners)
    return [*head, shape.low, shape.high]


def _decode_shape(data: Any) -> shapes.Shape:
    kind, *rest = data
    if kind == "combined":
        return shapes.Combined(rest[0], _decode_shape(rest[1]), _decode_shape(rest[2]))
    name, symbols, *values = rest
    if kind not in _SHAPES:
        raise _damaged(f"unknown shape {kind!r}")
    symbols = tuple(decode_expression(s) for s in symbols)
    cls = getattr(shapes, kind)
    if kind == "Ellipse":
        return shapes.Ellipse(symbols, values[0], values[1], angle=values[2], name=name)
    if kind == "Interval":
        return shapes.Interval(symbols[0], values[0][0], values[1][0], name=name)
    made: shapes.Shape = cls(symbols, *values, name=name)
    return made


def _encode_condition(item: Any, shape: shapes.Shape | None) -> Any:
    if isinstance(item, Periodic):
        return ["periodic", *map(encode_expression, item.symbols)]
    if isinstance(item, On):
        place: Any = item.place
        if isinstance(place, shapes.Boundary):
            parts = _parts(shape) if shape is not None else []
            place = ["part", next((k for k, s in enumerate(parts) if s is place.shape), 0)]
        where = None if item.where is None else encode_expression(item.where)
        return ["on", place, where, *map(encode_expression, item.equations)]
    return ["equation", encode_expression(item)]


def _decode_condition(data: Any, shape: shapes.Shape | None) -> Any:
    head, *rest = data
    if head == "periodic":
        return Periodic(*map(decode_expression, rest))
    if head == "equation":
        return decode_expression(rest[0])
    place, where, *equations = rest
    arguments = [decode_expression(e) for e in equations]
    if isinstance(place, list):
        assert shape is not None
        arguments.insert(0, _parts(shape)[place[1]].boundary)
    elif place is not None:
        arguments.insert(0, place)
    return On(*arguments, where=None if where is None else decode_expression(where))


def _parts(shape: shapes.Shape) -> list[shapes.Shape]:
    """Return a shape and all shapes that it is made of, in a fixed order."""
    if isinstance(shape, shapes.Combined):
        return [shape, *_parts(shape.left), *_parts(shape.right)]
    return [shape]


def _encode_limits(limits: tuple[Any, ...]) -> Any:
    return [[encode_expression(v) for v in item] for item in limits]


def encode_problem(
    checked: CheckedProblem, tables: Mapping[str, Mapping[str, np.ndarray]]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a checked declaration as JSON data, and its reference tables as arrays.

    Args:
        tables: where the answer of a field without formula is known: coordinates by name, values under "".
    """
    problem = checked.problem
    shape = checked.shape
    formulas = {
        name: encode_expression(r.formula) for name, r in checked.references.items() if r.formula is not None
    }
    data = {
        "version": VERSION,
        "name": problem.name,
        "about": problem.about,
        "equations": [encode_expression(e) for e in problem.equations],
        "domain": {"shape": _encode_shape(shape)}
        if shape is not None
        else {"box": _encode_limits(tuple(problem.domain))},  # type: ignore[arg-type]
        "time": None if problem.time is None else _encode_limits((problem.time,))[0],
        "conditions": [_encode_condition(c, shape) for c in problem.conditions],
        "parameters": _encode_limits(problem.parameters),
        "observations": [
            {
                "quantity": encode_expression(m.source),
                "name": m.name,
                "points": m.points.tolist(),
                "values": m.values.tolist(),
            }
            for m in checked.observations
        ],
        "reference": formulas,
        "file": problem.file_name,
        "settings": problem.settings.model_dump(),
    }
    arrays = {f"{f}/{name}": values for f, table in tables.items() for name, values in table.items()}
    return data, arrays


def decode_problem(data: Any, arrays: Mapping[str, np.ndarray], source: str, folder: Path) -> Problem:
    """Return the declaration that `encode_problem` encoded; nothing is executed.

    Raises:
        RunFolderError: the data are something else.
    """
    try:
        if data.get("version") != VERSION:
            raise _damaged(f"its version is {data.get('version')!r}, this is version {VERSION}")
        domain = data["domain"]
        shape = _decode_shape(domain["shape"]) if "shape" in domain else None
        references: dict[str, Any] = {n: decode_expression(f) for n, f in data["reference"].items()}
        for key, values in arrays.items():
            field, _, name = key.partition("/")
            references.setdefault(field, {})[name] = values
        problem = Problem(
            data["name"],
            equations=[decode_expression(e) for e in data["equations"]],
            domain=shape if shape is not None else _decode_limits(domain["box"]),
            time=None if data["time"] is None else _decode_limits([data["time"]])[0],
            conditions=[_decode_condition(c, shape) for c in data["conditions"]],
            parameters=_decode_limits(data["parameters"]),
            observations=[
                Observations(
                    decode_expression(o["quantity"]),
                    np.array(o["points"], dtype=float),  # numbers only: a path would open a file
                    np.array(o["values"], dtype=float),
                    name=o["name"],
                )
                for o in data["observations"]
            ],
            reference={n: Reference(table=r) if isinstance(r, dict) else r for n, r in references.items()}
            or None,
            settings=data.get("settings"),
        ).located(
            about=str(data["about"]), folder=folder, source=source, file_name=str(data.get("file") or "")
        )
    except (LookupError, TypeError, AttributeError, ValueError, AssertionError, DeclarationError) as error:
        raise _damaged(f"{type(error).__name__}: {error}") from None
    return problem


def _decode_limits(data: Any) -> list[tuple[Any, ...]]:
    return [tuple(decode_expression(v) for v in item) for item in data]
