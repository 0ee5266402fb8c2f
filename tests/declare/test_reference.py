"""References: formulas of the field's own coordinates, callables that take them, tables that fit."""

import numpy as np
import pytest
from sympy import Eq, Function, I, Integral, Lambda, Symbol, cosh, exp, oo, sin

from pinnsolver.declare import Problem, check_problem

from .given import heat, nu, p, refusal, s, t, u, v, x

U = u(x, t)


def reference(given, **changes):
    """Return the reference of u, checked."""
    return check_problem(heat(reference=given, **changes)).references["u"]


@pytest.fixture
def table(tmp_path):
    """Return a function that saves arrays and returns the reference of u in them, checked."""

    def read(whole=True, **arrays):
        np.savez(tmp_path / "answer.npz", **arrays)
        given = "answer.npz" if whole else {u: "answer.npz"}
        return check_problem(heat(reference=given).located(folder=tmp_path)).references["u"].table

    return read


@pytest.mark.parametrize("key", [u, U, "u"])
def test_a_field_is_named_by_itself_at_its_coordinates_or_by_name(key):
    assert reference({key: sin(x)}).formula == sin(x)


@pytest.mark.parametrize(("value", "formula"), [(0, 0), (np.float64(2), 2.0), (Lambda((x, t), x * t), x * t)])
def test_numbers_and_lambdas_are_formulas(value, formula):
    assert reference({u: value}).formula == formula


def test_a_callable_takes_the_fields_arguments_then_the_parameters():
    family = {"equations": [Eq(U.diff(t), nu * U.diff(x, 2))], "parameters": [(nu, 0, 1)]}
    assert reference({u: lambda x, t: x}).function(1, 2) == 1
    assert reference({u: lambda x, t, nu: nu}, **family).function(1, 2, 3) == 3
    assert reference({u: np.hypot}).function is np.hypot
    refusal(lambda: heat(reference={u: lambda x, t: x}, **family), "cannot be called with x, t, nu")


def test_no_reference_is_none():
    assert check_problem(heat()).references == {}


@pytest.mark.parametrize(
    ("given", "phrases"),
    [
        ({v: x}, ["reference is for v", "The fields are u"]),
        ({"w": x}, ["reference is for 'w'"]),
        ({3: x}, ["reference is for 3"]),
        ({Function("q")(x): x}, ["reference is for q(x)"]),
        (sin(x), ["reference=sin(x) is no reference", "reference={u: sin(pi*x)*exp(-t)}"]),
        ([sin(x)], ["is no reference"]),
        ({u: s}, ["contains s"]),
        ({u: U}, ["contains u(x, t)"]),
        ({u: Symbol("x", positive=True)}, ["contains x"]),
        ({u: I * x}, ["contains the imaginary unit"]),
        ({u: oo}, ["infinity"]),
        ({u: Integral(exp(-(s**2)), (s, 0, x))}, ["an integral that is not carried out"]),
        ({u: None}, ["reference of u is None"]),
        ({u: [1, 2]}, ["reference of u is [1, 2]"]),
        ({u: u}, ["reference of u is u"]),
        ({u: cosh}, ["reference of u is cosh"]),
        ({u: Eq(U, 1)}, ["is no reference"]),
        ({u: Lambda(x, x)}, ["is no reference"]),
        ({u: lambda x: x}, ["cannot be called with x, t", "def u_exact(x, t)"]),
    ],
)
def test_a_wrong_reference_is_refused(given, phrases):
    refusal(lambda: heat(reference=given), *phrases)


def test_a_formula_uses_the_fields_own_coordinates():
    two = {
        "equations": [Eq(U.diff(t), U.diff(x)), Eq(v(t).diff(t), v(t))],
        "conditions": [Eq(u(x, 0), 0), Eq(v(0), 1)],
    }
    refusal(
        lambda: heat(reference={v: exp(t) * x}, **two),
        "contains x, which has no value for v",
        "formula of t only",
    )


# --------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("whole", [True, False])
def test_a_grid_of_axes_becomes_points(table, whole):
    found = table(whole, x=np.array([0.0, 1.0]), t=np.array([0.0, 0.5, 1.0]), u=np.arange(6.0).reshape(2, 3))
    assert found["x"].tolist() == [0, 0, 0, 1, 1, 1] and found["t"].tolist() == [0, 0.5, 1] * 2
    assert found[""].tolist() == [0, 1, 2, 3, 4, 5]


def test_scattered_points_stay_points_without_unknown_values(table):
    found = table(x=np.array([0.0, 1]), t=np.array([0, 1]), u=np.array([np.nan, 3]))
    assert (found["x"].tolist(), found["t"].tolist(), found[""].tolist()) == ([1], [1], [3])


def test_places_off_the_domain_score_nothing(table):
    assert table(x=np.array([0.0, 1, 1]), t=np.array([0.0, 1, 5]), u=np.arange(3.0))[""].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arrays", "phrases"),
    [
        ({}, ["holds nothing, none of the fields u"]),
        ({"x": [0], "t": [0]}, ["holds x, t, none of the fields u"]),
        ({"x": [0], "u": [0]}, ["t is missing", "x, t, u"]),
        ({"x": [0, 1], "t": [0], "u": [[1, 2]]}, ["x(2,), t(1,) and u(1, 2)", "(len(x), len(t))"]),
        ({"x": [0], "t": [0], "u": [np.nan]}, ["no finite value of u"]),
        ({"x": [7], "t": [0], "u": [1]}, ["inside the domain"]),
        ({"x": [0], "t": [0], "u": [1j]}, ["holds u of dtype complex128"]),
        ({"x": ["a"], "t": [0], "u": [1]}, ["holds x of dtype <U1"]),
        ({"x": np.array([None]), "t": [0], "u": [1]}, ["cannot be read"]),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, arrays, phrases):
    refusal(lambda: table(**arrays), *phrases)


def test_files_that_are_no_archive_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("x,t,u")
    for name, phrase in [
        ("one.npy", "one array without a name"),
        ("text.npz", "cannot be read"),
        ("no.npz", "no reference file"),
    ]:
        refusal(heat(reference=name).located(folder=tmp_path), phrase)
    refusal(heat(reference=str(tmp_path)), "cannot be read")


def test_a_file_may_hold_some_of_the_fields(tmp_path):
    np.savez(tmp_path / "answer.npz", t=[0.0, 1.0], p=[1.0, 2.0])
    pair = Problem(
        "pair",
        [Eq(u(t).diff(t), p(t)), Eq(p(t).diff(t), u(t))],
        time=(t, 0, 1),
        conditions=[Eq(u(0), 0), Eq(p(0), 1)],
        reference="answer.npz",
    )
    assert list(check_problem(pair.located(folder=tmp_path)).references) == ["p"]
