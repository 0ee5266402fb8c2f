"""Conditions: where they may stand and on what they may depend."""

import numpy as np
import pytest
from sympy import Eq, I, Integral, Matrix, Ne, Symbol, oo, pi, sin

from pinnsolver.declare import (
    Ball,
    Disk,
    NormalDerivative,
    On,
    Periodic,
    Problem,
    Rectangle,
    Unknown,
    check_problem,
)
from pinnsolver.errors import DeclarationError, UnsupportedProblem

from .given import LEFT, RIGHT, START, heat, nu, perforated, plate, refusal, s, steady, t, u, v, x, y

U, UY = u(x, t), u(x, y)


@pytest.mark.parametrize(
    ("condition", "phrases"),
    [
        (Eq(u(2, t), 0), ["off the domain", "x = 2", "[0, 1]"]),
        (Eq(u(x, -1), 0), ["off the domain", "t = -1"]),
        (Eq(u(0, t), x), ["uses x", "x = 0", "may depend on t only", "Eq(..., sin(t))"]),
        (Eq(u(x, 0), t), ["uses t", "t = 0", "may depend on x only"]),
        (Eq(u(0, 0), x), ["uses x", "no coordinate only"]),
        (Eq(u(0, t), s), ["undeclared symbol s", 'Unknown("s")']),
        (Eq(u(0, t), Symbol("t", positive=True)), ["another symbol t"]),
        (Eq(u(0), 0), ["u(0) has 1 arguments", "u(x, t)"]),
        (Eq(u(0, x), 0), ["x in the place of t"]),
        (Eq(u(s, 0), 0), ["undeclared symbol s"]),
        (Eq(v(0, t), 0), ["v stands in no equation"]),
        (Eq(U, 0), ["pins no coordinate", "like an equation"]),
        (Eq(u(0, t), U), ["fixed x and at every x at once"]),
        (Eq(u(0, t), u(0, t)), ["trivially true"]),
        (Eq(u(x, 0).diff(t), 0), ["trivially true", "u(x, t).diff(t).subs(t, 0)"]),
        (Eq(u(x, 0).diff(t), x), ["contains no field", "u(x, t).diff(t).subs(t, 0)"]),
        (u(0, t) == 0, ["false for every field", "Eq(left, right)"]),
        (True, ["trivially true"]),
        (False, ["false for every field"]),
        (Eq(x, 0), ["contains no field"]),
        ((u(0, t), 0), ["(u(0, t), 0) is not a sympy equation"]),
        ([u(0, t), 0], ["is not a sympy equation"]),
        ("u(0, t) = 0", ["'u(0, t) = 0' is not a sympy equation"]),
        (None, ["None is not a sympy equation"]),
        (0, ["The condition 0 is not a sympy equation"]),
        (u, ["is not a sympy equation"]),
        (np.zeros(2), ["is not a sympy equation"]),
        (Eq(Integral(U, (x, 0, 1)), x), ["uses x outside the integral"]),
        (Eq(Integral(U, (x, 0, 2)), 1), ["x lies in [0, 1]"]),
        (Eq(Integral(u(s, t), (s, 0, 1)), 1), ["integrates over s", "Integrate over one of x, t"]),
        (Eq(NormalDerivative(U), 0), ["no boundary"]),
        (On("hole", Eq(u(0, t), 0)), ["On(hole, ...) needs a shaped domain", "Pin a coordinate"]),
    ],
)
def test_a_wrong_condition_is_refused(condition, phrases):
    refusal(
        lambda: heat(conditions=[Eq(u(x, 0), 0) if "t = 0" not in phrases else START, condition]), *phrases
    )


@pytest.mark.parametrize(
    ("condition", "phrase"),
    [
        (u(0, t) < 0, "inequality"),
        (Ne(u(0, t), 0), "inequality"),
        (Eq(u(0, t), I), "imaginary unit"),
        (Eq(u(0, t), oo), "infinity"),
        (Eq(Matrix([u(0, t)]), Matrix([0])), "matrix"),
        (Eq(u(0, t), u(1, t - 1)), "delays"),
        (Eq(u(Unknown("L"), t), 0), "Scale the coordinate"),
        (Eq((U.diff(x) / x).subs(x, 0), 0), "infinity or nan"),
        (Eq(u(x, 0), Integral(sin(s), (s, 0, x))), ".doit()"),
    ],
)
def test_a_condition_that_is_not_ours_yet_is_unsupported(condition, phrase):
    refusal(lambda: heat(conditions=[condition]), phrase, error=UnsupportedProblem)


def test_a_condition_never_pins_a_parameter():
    field = u(x, t, nu)
    refusal(
        lambda: heat(
            equations=[Eq(field.diff(t), nu * field.diff(x, 2))],
            conditions=[Eq(u(x, 0, nu), 0), Eq(u(0, t, 1.5), 0)],
            parameters=[(nu, 1, 2)],
        ),
        "pins the parameter nu",
    )


# --------------------------------------------------------------------------------------------- where


@pytest.mark.parametrize(
    ("where", "phrases"),
    [
        (s > 0, ["undeclared symbol s"]),
        (x < 0, ["uses x, which the condition pins", "runs along the face"]),
        (Symbol("y", positive=True) > 0.1, ["another symbol y"]),
        (False, ["holds nowhere"]),
    ],
)
def test_a_wrong_where_is_refused(where, phrases):
    refusal(lambda: plate(On(Eq(u(-1, y), 0), where=where)), *phrases)


@pytest.mark.parametrize("where", [y, "y > 0", 3, u(x, y), [y > 0]])
def test_where_has_to_be_a_relation(where):
    refusal(lambda: plate(On(Eq(u(-1, y), 0), where=where)), "relation", "where=x < 0")


def test_where_contains_no_field():
    refusal(lambda: plate(On(Eq(u(-1, y), 0), where=UY > 0)), "contains a field", error=UnsupportedProblem)


def test_where_that_is_always_true_narrows_nothing():
    assert check_problem(plate(On(Eq(u(-1, y), 0), where=True))).conditions[0].region.where is None


# ---------------------------------------------------------------------------------------- On and shapes


@pytest.mark.parametrize(
    ("make", "phrases"),
    [
        (On, ["has no equation"]),
        (lambda: On("hole"), ["has no equation"]),
        (lambda: On("hole", 3), ["got 3, which is neither"]),
        (lambda: On("hole", "u = 0"), ["got 'u = 0', which is neither"]),
        (lambda: On(None, Eq(UY, 0)), ["got None, which is neither"]),
        (lambda: On(Eq(UY, 0), On("hole", Eq(UY, 0))), ["which is neither"]),
        (lambda: On("hole", Periodic(x)), ["which is neither"]),
        (lambda: On("hole", Eq(UY, 0), x < 0), ["inequality x < 0", "where=x < 0"]),
        (lambda: On(Disk((x, y), (0, 0), 1), Eq(UY, 0)), ["got the shape", "On(domain.boundary, ...)"]),
        (Periodic, ["needs coordinates"]),
        (lambda: Periodic("x"), ["Periodic('x') needs coordinates"]),
        (lambda: Periodic([x]), ["needs coordinates"]),
        (lambda: NormalDerivative(u), ["needs one expression"]),
        (lambda: NormalDerivative("u"), ["needs one expression"]),
        (NormalDerivative, ["needs one expression"]),
        (lambda: NormalDerivative(None), ["needs one expression"]),
    ],
)
def test_a_wrong_construction_is_refused_at_once(make, phrases):
    with pytest.raises(DeclarationError) as caught:
        make()
    assert all(phrase in str(caught.value) for phrase in phrases), caught.value
    assert "\nWrite" in str(caught.value)


def test_unknown_names_in_on_list_the_known_ones():
    refusal(
        lambda: perforated(On("cyl", Eq(UY, 0))), 'no shape of the domain is called "cyl"', "'square', 'hole'"
    )


def test_a_boundary_of_another_shape_is_refused():
    other = Disk((x, y), (0.5, 0.5), 0.2, name="hole")
    refusal(lambda: perforated(On(other.boundary, Eq(UY, 0))), "neither the domain")


def test_one_of_several_shapes_of_a_name_is_refused_but_all_of_them_are_a_place():
    holes = [Disk((x, y), (a, 0.5), 0.1, name="hole") for a in (0.25, 0.75)]
    domain = Rectangle((x, y), (0, 0), (1, 1)) - holes[0] - holes[1]
    refusal(
        lambda: perforated(On(holes[0].boundary, Eq(UY, 0)), domain=domain),
        'several shapes that are called "hole"',
    )
    assert (
        check_problem(perforated(On("hole", Eq(UY, 0)), domain=domain)).conditions[0].region.boundary
        == "hole"
    )


def test_a_point_in_a_hole_is_off_the_domain():
    refusal(lambda: perforated(Eq(u(0.5, 0.5), 0)), "off the domain", "(0.5, 0.5)")
    check_problem(perforated(Eq(u(0.7, 0.5), 0)))  # on the rim


def test_a_pin_on_a_shaped_boundary_is_refused():
    refusal(lambda: perforated(On("hole", Eq(u(0.5, y), 0))), "pins x and stands on a boundary")


def test_an_integral_stays_within_the_shape():
    across = Eq(Integral(UY, (x, 0, 1), (y, 0, 1)), 0)
    refusal(lambda: perforated(across), "outside the shape", error=UnsupportedProblem)
    assert check_problem(perforated(Eq(Integral(u(0.1, y), (y, 0, 1)), 0))).conditions[0].kind == "integral"
    refusal(
        lambda: perforated(On("hole", Eq(Integral(NormalDerivative(UY), (x, 0.3, 0.7)), 0))),
        "integrates along a boundary",
        error=UnsupportedProblem,
    )


def test_conditions_hold_on_a_ball():
    z = Symbol("z")
    field = u(x, y, z)
    ball = Ball((x, y, z), (0, 0, 0), 1)
    checked = check_problem(
        Problem(
            "ball",
            [Eq(sum(field.diff(c, 2) for c in (x, y, z)), 1)],
            ball,
            conditions=[On(ball.boundary, Eq(field, 0))],
        )
    )
    assert checked.conditions[0].kind == "Dirichlet"


# ------------------------------------------------------------------------------------------- periodic


@pytest.mark.parametrize(
    ("condition", "phrase", "error"),
    [
        (Periodic(s), "s is not a coordinate of the domain", DeclarationError),
        (Periodic(Symbol("x", positive=True)), "is not a coordinate", DeclarationError),
    ],
)
def test_periodic_of_no_coordinate_is_refused(condition, phrase, error):
    refusal(lambda: heat(conditions=[START, condition]), phrase, "one of x, t", error=error)


def test_periodic_of_a_parameter_is_refused():
    equation = Eq(U.diff(t), nu * U.diff(x, 2))
    refusal(
        lambda: heat(equations=[equation], parameters=[(nu, 1, 2)], conditions=[START, Periodic(nu)]),
        "nu is not a coordinate",
    )


def test_periodic_of_a_shaped_domain_is_unsupported():
    refusal(lambda: perforated(Periodic(x)), "opposite sides need not match", error=UnsupportedProblem)


def test_periodic_beside_a_wall_on_the_same_face_is_refused():
    refusal(lambda: heat(conditions=[START, Periodic(x), LEFT]), "Periodic(x) glues", "Leave out one")
    refusal(lambda: heat(conditions=[START, RIGHT, Periodic(x)]), "Periodic(x) glues")
    refusal(lambda: heat(conditions=[START, Periodic(t)]), "Periodic(t) glues")


def test_periodic_beside_a_value_at_a_point_fixes_the_constant_or_the_phase():
    assert check_problem(steady(Eq(u(x).diff(x, 2), sin(x)), Periodic(x), Eq(u(0), 0))).periodic == ("x",)
    oscillator = Problem(
        "cycle", [Eq(u(t).diff(t, 2) + u(t), 0)], time=(t, 0, 1), conditions=[Periodic(t), Eq(u(0), 1)]
    )
    assert check_problem(oscillator).periodic == ("t",)


def test_periodic_beside_a_value_at_one_place_and_all_times_fixes_the_level():
    psi = u(x, y, t)
    turning = Problem(
        "turning",
        [Eq(psi.diff(t), psi.diff(x, 2) + psi.diff(y, 2))],
        [(x, 0, 1), (y, 0, 1)],
        time=(t, 0, 1),
        conditions=[Eq(u(x, y, 0), sin(2 * pi * x)), Periodic(x, y), Eq(u(0, 0, t), 0)],
    )
    assert check_problem(turning).periodic == ("x", "y")


def test_periodic_beside_its_own_equation_says_the_same_twice():
    assert check_problem(heat(conditions=[START, Periodic(x), Eq(u(0, t), u(1, t))])).periodic == ("x",)


def test_a_shaped_domain_may_be_periodic_in_time():
    shape = Disk((x, y), (0, 0), 1)
    field = u(x, y, t)
    checked = check_problem(
        Problem(
            "tide",
            [Eq(field.diff(t), field.diff(x, 2) + field.diff(y, 2) + sin(t))],
            shape,
            time=(t, 0, 6),
            conditions=[Periodic(t), On(shape.boundary, Eq(field, 0))],
        )
    )
    assert checked.periodic == ("t",)
