"""Coordinates, equations and symbols: what is wrong is refused once, by name, with what to write instead."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Eq, Function, I, Integral, Matrix, Piecewise, Symbol, Tuple, exp, oo, pi, sin, symbols

from pinnsolver.declare import NormalDerivative, Problem, Unknown, check_problem
from pinnsolver.errors import UnsupportedProblem

from .given import HEAT, LEFT, POISSON, RIGHT, START, heat, nu, p, plate, refusal, s, steady, t, u, v, w, x, y

U = u(x, t)


# ---------------------------------------------------------------------------------------- coordinates


@pytest.mark.parametrize(
    ("changes", "phrases"),
    [
        ({"domain": (x, 0, 1)}, ["domain=(x, 0, 1) is not a list of limits", "[(x, 0, 1), (y, 0, 1)]"]),
        ({"domain": [(x, 1, 1)]}, ["limits of x", "empty", "(x, 1, 2)"]),
        ({"domain": [(x, 1, 0)]}, ["limits of x", "inverted", "(x, 0, 1)"]),
        ({"domain": [(x, 0)]}, ["domain has the limits (x, 0)", "(x, 0, 1)"]),
        ({"domain": [(x, 0, 1, 2)]}, ["domain has the limits"]),
        ({"domain": [()]}, ["domain has the limits ()"]),
        ({"domain": [("x", 0, 1)]}, ["domain has the limits ('x', 0, 1)"]),
        ({"domain": [(u, 0, 1)]}, ["limits are (symbol, low, high)"]),
        ({"domain": [(Unknown("x"), 0, 1)]}, ["limits are (symbol, low, high)"]),
        ({"domain": [(x, 0, oo)]}, ["high limit of x is oo", "finite"]),
        ({"domain": [(x, -np.inf, 0)]}, ["low limit of x", "finite"]),
        ({"domain": [(x, float("nan"), 1)]}, ["low limit of x is nan"]),
        ({"domain": [(x, 0, "1")]}, ["high limit of x is '1'"]),
        ({"domain": [(x, 0, 10**400)]}, ["high limit of x", "finite"]),
        ({"domain": [(x, 0, t)]}, ["high limit of x is t"]),
        ({"domain": [(x, 0, I)]}, ["high limit of x is I"]),
        ({"domain": [(x, 0, np.zeros(1))]}, ["high limit of x"]),
        ({"domain": [(x, 0, 1), (x, 0, 1)]}, ["x is declared twice"]),
        ({"domain": [(x, 0, 1), (t, 0, 1)]}, ["t is declared twice"]),
        ({"domain": 5}, ["domain=5 is not a list"]),
        ({"domain": None}, ["domain=None is not a list"]),
        ({"time": [(t, 0, 1)]}, ["time has the limits ((t, 0, 1),)", "(t, 0, 1)"]),
        ({"time": t}, ["time=t is not a list", "time=(t, 0, 1)"]),
        ({"time": (t, 1, 0)}, ["limits of t", "inverted"]),
        ({"time": ()}, ["time has the limits ()"]),
        ({"parameters": (nu, 1, 2)}, ["parameters=(nu, 1, 2) is not a list of limits"]),
        ({"parameters": [(nu, 2, 1)]}, ["limits of nu", "inverted"]),
        ({"parameters": [(x, 2, 3)]}, ["x is declared twice"]),
        ({"domain": [], "time": None}, ["neither a domain nor a time"]),
    ],
)
def test_wrong_limits_are_refused(changes, phrases):
    refusal(lambda: heat(**changes), *phrases)


def test_a_shape_in_a_list_is_shown_without_brackets():
    from pinnsolver.declare import Disk

    refusal(
        lambda: plate(domain=[Disk((x, y), (0, 0), 1)]), "has a shape in a list", "Write the shape itself"
    )


def test_time_may_be_a_list_of_three():
    assert check_problem(heat(time=[t, 0, 1])).time.high == 1


@pytest.mark.parametrize(
    ("assumption", "word"),
    [({"positive": True}, "positive"), ({"integer": True}, "integer"), ({"imaginary": True}, "not real")],
)
def test_a_coordinate_whose_assumption_its_range_breaks_is_refused(assumption, word):
    r = Symbol("r", **assumption)
    refusal(
        lambda: steady(Eq(u(r).diff(r, 2), 1), domain=[(r, -1, 1)]),
        f"r is declared {word}",
        'symbols("r", real=True)',
    )


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"name": ""}, "name is ''"),
        ({"name": None}, "name is None"),
        ({"name": "../up"}, "no slash"),
        ({"name": "two\nlines"}, "no line break"),
        ({"equations": HEAT}, "is not a list"),
        ({"conditions": START}, "is not a list"),
        ({"observations": 3}, "observations=3 is not a list"),
        ({"settings": 3}, "settings=3 is not a Settings"),
        ({"settings": {"foo": 3}}, "There is no setting 'foo'"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(changes, phrase):
    given = {
        "name": "heat",
        "equations": [HEAT],
        "domain": [(x, 0, 1)],
        "time": (t, 0, 1),
        "conditions": [START],
    }
    refusal(lambda: Problem(**{**given, **changes}), phrase)


def test_settings_may_be_a_dictionary():
    assert heat(settings={"seed": 3}).settings.seed == 3


# ------------------------------------------------------------------------------------------ equations


@pytest.mark.parametrize(
    ("equation", "phrases"),
    [
        (U.diff(t) == U.diff(x, 2), ["false for every field", "`==` compares at once", "Eq(left, right)"]),
        (Eq(U, U), ["trivially true"]),
        (True, ["trivially true"]),
        (Eq(Eq(U, U), True), ["trivially true"]),
        (Eq(U * (U + 1), U**2 + U), ["trivially true"]),
        (Eq(x, t), ["contains no field", "Eq(u(x, t).diff(t)"]),
        (sympy.Integer(0), ["contains no field"]),
        (0, ["The equation 0 is not a sympy equation"]),
        ("u_t = u_xx", ["'u_t = u_xx' is not a sympy equation"]),
        (None, ["None is not a sympy equation"]),
        ((U.diff(t), 0), ["is not a sympy equation"]),
        (Tuple(U, 1), ["is not a sympy equation"]),
        (u, ["is not a sympy equation"]),
        (np.zeros(3), ["is not a sympy equation"]),
        (Eq(U.diff(t), NormalDerivative(U)), ["NormalDerivative", "on a boundary only"]),
        (Eq(U.diff(t), s * U), ["undeclared symbol s", 's = Unknown("s")', "parameters=[(s, low, high)]"]),
        (Eq(U.diff(t), Symbol("x", positive=True)), ["another symbol x", "other assumptions"]),
        (Eq(u(s, t).diff(t), 0), ["undeclared symbol s"]),
        (Eq(U.diff(t), u(t, x)), ["use both u(x, t) and u(t, x)", "Write u(x, t) everywhere"]),
        (Eq(U.diff(t), u(x)), ["use both u(x, t) and u(x)"]),
        (Eq(w(), U.diff(t)), ["w() has no arguments", 'Unknown("w")']),
        (Eq(Function("x")(x, t).diff(t), 0), ["x is both a field and a coordinate"]),
    ],
)
def test_a_wrong_equation_is_refused(equation, phrases):
    refusal(lambda: heat(equations=[equation], conditions=[]), *phrases)


@pytest.mark.parametrize(
    ("equation", "phrase"),
    [
        (Eq(U.diff(t), I * U.diff(x, 2)), "the imaginary unit"),
        (Eq(U.diff(t), oo * U), "infinity"),
        (Eq(U.diff(t), sympy.zoo * U), "infinity or nan"),
        (Eq(Matrix([U]), Matrix([1])), "matrix"),
        (Matrix([U]), "matrix"),
        (U.diff(t) < 0, "inequality"),
        (Eq(U.diff(t), u(x, t - 1)), "delays"),
        (Eq(U.diff(t), u(2 * x, t)), "delays"),
        (Eq(u(x, t - 1).diff(t), 1), "its arguments are not the coordinates themselves"),
        (Eq(U.diff(t), u(2 * x, t).diff(x)), "delays"),
        (Eq(U.diff(t), Integral(U, (x, 0, 1))), "integro-differential"),
        (Eq(U.diff(t), Integral(u(x, s), (s, 0, t))), "integro-differential"),
        (Eq(U.diff(t), Integral(exp(-(s**2)), (s, 0, x))), ".doit()"),
        (Eq(U.diff(t), u(0, t)), "at the fixed place x = 0"),
        (Eq(U.diff(t), Symbol("A", commutative=False) * U), "does not commute"),
        (sympy.Lambda(s, s), "holds a Lambda"),
        (Eq(U.diff(t), sympy.O(x)), "cut off by an O(...)"),
    ],
)
def test_an_equation_that_is_not_ours_yet_is_unsupported(equation, phrase):
    refusal(lambda: heat(equations=[equation], conditions=[]), phrase, error=UnsupportedProblem)


def test_no_equations_are_refused():
    refusal(lambda: heat(equations=[]), "has no equations")


# -------------------------------------------------------------------------------------------- symbols


def test_a_parameter_is_never_differentiated():
    field = u(x, t, nu)
    refusal(
        lambda: heat(equations=[Eq(field.diff(t), field.diff(nu))], conditions=[], parameters=[(nu, 1, 2)]),
        "the parameter nu",
        "never differentiated",
    )


def test_an_unused_parameter_is_refused():
    refusal(lambda: heat(parameters=[(nu, 1, 2)]), "The parameter nu stands in no equation", "leave it out")


def test_a_parameter_may_stand_in_a_condition_only():
    checked = check_problem(heat(conditions=[START, Eq(u(0, t), nu), RIGHT], parameters=[(nu, 1, 2)]))
    assert checked.conditions[1].solved[1] == nu


@pytest.mark.parametrize("name", ["u", "x"])
def test_an_unknown_named_like_a_field_or_a_coordinate_is_refused(name):
    refusal(lambda: heat(equations=[Eq(U.diff(t), Unknown(name) * U)]), f"unknown {name} has the name")


def test_two_different_unknowns_of_one_name_are_refused():
    refusal(
        lambda: heat(equations=[Eq(U.diff(t), Unknown("k") * U.diff(x) + Unknown("k", start=2) * U)]),
        "Two different unknowns are called k",
    )


def test_an_ordinary_symbol_beside_an_unknown_of_its_name_is_refused():
    refusal(
        lambda: heat(equations=[Eq(U.diff(t), Unknown("k") * U.diff(x) + Symbol("k") * U)]),
        "ordinary symbol k beside",
    )


def test_a_field_that_only_a_condition_uses_is_refused():
    refusal(
        lambda: heat(conditions=[START, LEFT, Eq(u(1, t), v(t))]),
        "v stands in no equation",
        "write an equation for v",
    )


# ------------------------------------------------------------------------------------------- warnings


def test_a_complete_problem_has_no_warnings():
    assert check_problem(heat()).warnings == ()


@pytest.mark.parametrize(
    ("problem", "phrase"),
    [
        (lambda: heat(conditions=[START]), "no condition pins x"),
        (
            lambda: heat(
                equations=[Eq(U.diff(t), v(x, t).diff(x)), Eq(v(x, t).diff(t), U.diff(x))],
                conditions=[START, Eq(v(x, 0), 0)],
            ),
            "v has derivatives by x, but no condition pins x",
        ),
        (
            lambda: plate(Eq(u(-1, y), 0), equations=[Eq(u(x, y).diff(x), u(x, y).diff(y))]),
            "no condition pins y",
        ),
        (lambda: heat(equations=[Eq(U.diff(t), v(x, t))]), "1 equations for 2 fields"),
        (lambda: plate(equations=[Eq(u(x).diff(x), 1)], conditions=[Eq(u(-1), 0)]), "No field depends on y"),
        (
            lambda: steady(Eq(u(x).diff(x, 2), Unknown("k") * u(x)), Eq(u(0), 0), Eq(u(1), 1)),
            "Nothing but the equations fixes k",
        ),
    ],
)
def test_what_cannot_be_counted_rightly_is_a_warning(problem, phrase):
    assert any(phrase in warning for warning in check_problem(problem()).warnings)


def test_sound_between_walls_needs_no_walls_for_its_pressure():
    sound = [Eq(U.diff(t), v(x, t).diff(x)), Eq(v(x, t).diff(t), U.diff(x))]
    walls = [Eq(v(0, t), 0), Eq(v(1, t), 0)]
    assert check_problem(heat(equations=sound, conditions=[START, Eq(v(x, 0), 0), *walls])).warnings == ()


def test_a_parameter_may_be_as_small_as_it_likes():
    tiny = heat(equations=[Eq(U.diff(t), 1e34 * nu * U.diff(x, 2))], parameters=[(nu, 1e-35, 1e-34)])
    assert check_problem(tiny).coordinates[-1].high == 1e-34


def test_one_value_is_enough_for_a_field_whose_slopes_are_given():
    pressure = [Eq(p(x, y).diff(x), y), Eq(p(x, y).diff(y) + y * p(x, y).diff(x), x + y**2)]
    assert check_problem(plate(Eq(p(1, y), y), equations=pressure)).warnings == ()


def test_too_few_walls_on_a_shape_are_a_warning():
    from pinnsolver.declare import Disk

    bare = Problem("bare", [POISSON], Disk((x, y), (0, 0), 1))
    assert "No condition on the boundary" in check_problem(bare).warnings[0]


def test_a_pinned_end_of_an_interval_counts_as_its_boundary():
    from pinnsolver.declare import Interval

    assert check_problem(heat(domain=Interval(x, 0, 1))).warnings == ()


def test_shapes_that_do_not_meet_are_refused():
    from pinnsolver.declare import Rectangle

    domain = Rectangle((x, y), (0, 0), (1, 1)) & Rectangle((x, y), (2, 0), (3, 1))
    refusal(lambda: Problem("apart", [POISSON], domain), "no extent in x", "overlap")


def test_a_checked_problem_is_frozen():
    checked = check_problem(heat())
    assert replace(checked, warnings=("odd",)).warnings == ("odd",)
    with pytest.raises(AttributeError):
        checked.warnings = ()


def test_data_may_jump_and_be_exact():
    a, b = symbols("a b")
    checked = check_problem(
        heat(
            equations=[Eq(u(a, b).diff(b), Piecewise((1, a < pi / 2), (2, True)) * u(a, b).diff(a, 2))],
            domain=[(a, 0, pi)],
            time=(b, 0, 1),
            conditions=[Eq(u(a, 0), sin(a)), Eq(u(0, b), 0), Eq(u(pi, b), 0)],
        )
    )
    assert [c.kind for c in checked.conditions] == ["initial value", "Dirichlet", "Dirichlet"]
