"""A declaration as data and back: equal after the round trip, and nothing of foreign data is executed."""

import json

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    Catalan,
    Derivative,
    E,
    Eq,
    Float,
    Function,
    GoldenRatio,
    Heaviside,
    I,
    Integer,
    Integral,
    Max,
    Min,
    Mod,
    Ne,
    Piecewise,
    Rational,
    Subs,
    Symbol,
    Tuple,
    Xor,
    atan2,
    besselj,
    erf,
    exp,
    floor,
    oo,
    pi,
    sign,
    sin,
    sqrt,
    symbols,
    tanh,
)

from pinnsolver.declare import NormalDerivative, On, Periodic, Unknown, check_problem
from pinnsolver.declare.codec import decode_expression, decode_problem, encode_expression, encode_problem
from pinnsolver.declare.load import load_problem
from pinnsolver.errors import RunFolderError, UnsupportedProblem

x, y, t = symbols("x y t")
p = Symbol("p", positive=True)
k = Symbol("k", integer=True, nonnegative=True)
u, v = Function("u"), Function("v", real=True)
Pi, file, lambda_ = Function("Pi"), Function("file"), Function("lambda_")
D = Unknown("D", start=2, low=0)

EXPRESSIONS = [
    Integer(-(10**40)),
    Rational(22, 7),
    Float("0.1"),
    Float(1e-300),
    Float("0.1234567890123456789012345", 25),
    Float("-inf"),
    pi * E**2 + GoldenRatio - Catalan * I,
    oo,
    x + y * p**k,
    Symbol("x", real=True) + x,
    sympy.Dummy("xi") * x,
    D * x + Unknown("k", start=1, high=3),
    u(x, t).diff(t) + u(x, t) * u(x, t).diff(x) - D * u(x, t).diff(x, 2),
    v(x, t).diff(x, 2, t),
    u(-1, t) + u(x, 0),
    Pi(x) + file(x) * lambda_(x),
    u(x, t).diff(t).subs(t, 0),
    Subs(Derivative(u(x, t), x), x, Rational(1, 3)),
    u(2 * x).diff(x),
    Derivative(u(x) * x, x),
    Integral(u(x) ** 2, (x, 0, 1)),
    Integral(u(x, y), (x, 0, 1), (y, 0, 2)),
    NormalDerivative(u(x, y)) + u(x, y),
    Eq(u(x), u(x), evaluate=False),
    Eq(u(0, t), 0),
    Ne(x, 0),
    (x < 0) & (y >= 1) | ~(x > 3),
    Xor(x < 0, y < 0),
    sympy.ITE(x < 0, y < 0, y > 1),
    sympy.true,
    sympy.false,
    Piecewise((1, x < 0), (sin(x), x < 1), (0, True)),
    Max(x, y, 0) - Min(x, 1),
    Float(0),
    Abs(x) + sign(x) + floor(x) + Mod(x, 2) + Heaviside(x, 1),
    besselj(0, x) + erf(x) + atan2(y, x) + tanh(sqrt(x)) + exp(-(x**2)),
    Tuple(x, Tuple(0, 1)),
]


def through_json(data):
    """Return data as a reader of the file gets it."""
    return json.loads(json.dumps(data, allow_nan=False))


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_an_expression_comes_back_equal(expr):
    again = decode_expression(through_json(encode_expression(expr)))
    assert again == expr
    assert type(again) is type(expr)
    assert sympy.srepr(again) == sympy.srepr(expr)


def test_an_unknown_comes_back_with_its_bounds():
    again = decode_expression(through_json(encode_expression(D * x))).free_symbols - {x}
    (found,) = again
    assert (found.name, found.start, found.low, found.high) == ("D", 2.0, 0.0, None)


_LEAVES = st.one_of(
    st.sampled_from([x, y, p, pi, D, u(x, y), u(x, y).diff(x), Pi(x)]),
    st.integers(-9, 9).map(Integer),
    st.floats(-1e3, 1e3, allow_subnormal=False).map(Float),
    st.fractions(max_denominator=50).map(lambda f: Rational(f.numerator, f.denominator)),
)
_TREES = st.recursive(
    _LEAVES,
    lambda part: st.one_of(
        st.tuples(part, part).map(lambda ab: ab[0] + ab[1]),
        st.tuples(part, part).map(lambda ab: ab[0] * ab[1]),
        st.tuples(part, st.integers(0, 3)).map(lambda ab: ab[0] ** ab[1]),
        part.map(sin),
        part.map(tanh),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(_TREES)
def test_any_expression_comes_back_equal(expr):
    assert decode_expression(through_json(encode_expression(expr))) == expr


def test_what_is_no_usual_function_is_refused_by_name():
    class mine(sympy.Function):  # noqa: N801
        pass

    with pytest.raises(UnsupportedProblem, match="mine"):
        encode_expression(mine(x))
    with pytest.raises(UnsupportedProblem, match="ImmutableDenseMatrix"):
        encode_expression(sympy.ImmutableMatrix([[1]]))


# ------------------------------------------------------------------------------------------ whole problems


def tables_of(checked):
    """Return a table for each reference that is no formula."""
    table = {"": np.array([1.0, 2.0])} | {c.name: np.array([c.low, c.high]) for c in checked.coordinates}
    return {n: table for n, r in checked.references.items() if r.formula is None}


def round_trip(problem, tmp_path):
    """Return a checked problem and what became of it as data."""
    checked = check_problem(problem)
    data, arrays = encode_problem(checked, tables_of(checked))
    return checked, check_problem(decode_problem(through_json(data), arrays, "", tmp_path))


def test_every_problem_comes_back_equal(problem, tmp_path):
    before, after = round_trip(problem, tmp_path)
    assert after.problem.name == before.problem.name
    assert after.problem.about == before.problem.about
    assert after.coordinates == before.coordinates
    assert after.fields == before.fields
    assert after.equations == before.equations
    assert after.conditions == before.conditions
    assert after.periodic == before.periodic
    assert after.unknowns == before.unknowns
    assert str(after.shape) == str(before.shape)
    assert {n: r.formula for n, r in after.references.items()} == {
        n: r.formula for n, r in before.references.items()
    }
    for a, b in zip(after.observations, before.observations, strict=True):
        assert (a.name, a.source, a.coordinates) == (b.name, b.source, b.coordinates)
        np.testing.assert_array_equal(a.points, b.points)
        np.testing.assert_array_equal(a.values, b.values)


SHAPES = """
from sympy import *
from pinnsolver import *
x, y = symbols("x y")
u = Function("u")
inner = Ellipse((x, y), (0.3, 0.3), (0.2, 0.1), angle=0.3, name="egg")
plate = (Rectangle((x, y), (0, 0), (2, 1)) | Disk((x, y), (2, 0.5), 0.5)) - inner
plate = plate - (Polygon((x, y), [(1, 0.4), (1.5, 0.4), (1.2, 0.8)], name="three") & Disk((x, y), (1.2, 0.5), 0.3))
problem = Problem("shapes", [u(x, y).diff(x, 2) + u(x, y).diff(y, 2)], plate, conditions=[
    On(plate.boundary, Eq(u(x, y), 0), where=x < 0.05), On(inner.boundary, Eq(u(x, y), 1)),
    On("three", Eq(NormalDerivative(u(x, y)), 0)), On(plate.boundary, Eq(u(x, y), 0), where=(x > 1) & (y > 0.5))])
"""


def test_shapes_and_conditions_on_their_pieces_come_back_equal(tmp_path):
    file = tmp_path / "shapes.py"
    file.write_text(SHAPES)
    before, after = round_trip(load_problem(file), tmp_path)
    assert str(after.shape) == str(before.shape)
    assert after.conditions == before.conditions
    for a, b in zip(after.shape.primitives(), before.shape.primitives(), strict=True):
        assert {n: value for n, value in vars(a).items()} == {n: value for n, value in vars(b).items()}


# ------------------------------------------------------------------------------------------- hostile data

X = ["symbol", "x", {}]
HOSTILE = {
    "no list": "os.system('touch pwned')",
    "None": None,
    "a number": 3,
    "an empty list": [],
    "an unknown head": ["eval", "1"],
    "a function that is none": ["call", "system", X],
    "sympify": ["call", "sympify", X],
    "lambdify": ["call", "lambdify", X, X],
    "preview": ["call", "preview", X],
    "a dunder": ["call", "__import__", X],
    "a class of another kind": ["call", "Symbol", X],
    "a module": ["call", "core", X],
    "an unhashable name": ["call", [], X],
    "wrong arguments": ["call", "sin"],
    "text where a number is due": ["int", "__import__('os')"],
    "symbol without assumptions": ["symbol", "x"],
    "an unknown outside its bounds": ["unknown", "a", 1, 2, 3],
    "an unknown with text": ["unknown", "a", "exec('1')", None, None],
    "a constant that is none": ["constant", "system"],
    "a zero denominator": ["rational", "1", "x"],
    "half a float": ["float", 0, "1"],
    "a function with options": ["apply", "u", {"nargs": "exit()"}, "x"],
    "deeply nested": None,
}
nested = X
for _ in range(5000):
    nested = ["call", "sin", nested]
HOSTILE["deeply nested"] = nested


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_expressions_are_refused(data):
    with pytest.raises(RunFolderError, match=r"declaration\.json is damaged"):
        decode_expression(data)


def test_names_are_data_and_never_evaluated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil = "__import__('pathlib').Path('pwned').touch()"
    symbol = decode_expression(["symbol", evil, {}])
    applied = decode_expression(["apply", evil, {}, ["symbol", evil, {}]])
    assert symbol.name == evil
    assert applied.func.__name__ == evil
    assert not (tmp_path / "pwned").exists()


@pytest.fixture(scope="module")
def heat_data():
    from conftest import PROBLEMS

    heat = next(p for p in PROBLEMS if p.stem == "heat")
    checked = check_problem(load_problem(heat))
    return through_json(encode_problem(checked, tables_of(checked))[0])


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"version": None},
        {"name": "../../etc"},
        {"name": 3},
        {"equations": [["eval", "1"]]},
        {"equations": 3},
        {"domain": {"shape": ["__class__", "n", []]}},
        {"domain": {"shape": ["Disk", None, [X, X], [0, 0], -1]}},
        {"domain": {}},
        {"time": 3},
        {"conditions": [["on", ["part", 7], None, X]]},
        {"conditions": [["on", 5, None, X]]},
        {"conditions": [["what"]]},
        {"observations": [{"quantity": X, "name": "o", "points": "/etc/passwd", "values": None}]},
        {"observations": [{"quantity": X}]},
        {"parameters": [[X]], "reference": 3},
        {"reference": {"u": "1 + 1"}},
    ],
    ids=str,
)
def test_hostile_declarations_are_refused(change, heat_data, tmp_path):
    with pytest.raises(RunFolderError, match=r"declaration\.json is damaged"):
        decode_problem({**heat_data, **change}, {}, "", tmp_path)


@pytest.mark.parametrize("data", [None, [], 3, "x", {}], ids=str)
def test_foreign_json_is_refused(data, tmp_path):
    with pytest.raises(RunFolderError, match=r"declaration\.json is damaged"):
        decode_problem(data, {}, "", tmp_path)


def test_every_key_of_a_declaration_is_needed(heat_data, tmp_path):
    for key in heat_data.keys() - {
        "file",
        "settings",
    }:  # for the record only: a run's settings are in settings.json
        with pytest.raises(RunFolderError):
            decode_problem({n: v for n, v in heat_data.items() if n != key}, {}, "", tmp_path)


def test_conditions_of_every_kind_come_back():
    from pinnsolver.declare.codec import _decode_condition, _encode_condition

    for item in (Periodic(x, y), On(Eq(u(-1, y), 1), where=y > 0.5), On("hole", Eq(u(x, y), 0)), Eq(u(0), 1)):
        again = _decode_condition(through_json(_encode_condition(item, None)), None)
        assert vars(again) == vars(item) if isinstance(item, On | Periodic) else again == item
