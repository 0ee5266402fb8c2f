"""Conditions on the faces of boxes, built in: every mixture of kinds, in one to three dimensions, with other fields and in time."""

from itertools import combinations_with_replacement, product

import pytest
import sympy
import torch
from conftest import assert_exact_solution_fits, assert_hard_conditions_hold, compiled, is_hard
from sympy import Eq, Function, Rational, cos, exp, pi, sin, symbols

from pinnsolver import Periodic, Problem
from pinnsolver.train import TrainableProblem

x, y, z, t = symbols("x y z t")
u, v = Function("u"), Function("v")

KINDS = {
    "none": [],
    "value": [{0: 1}],
    "slope": [{1: 1}],
    "robin": [{1: 2, 0: 3}],
    "other robin": [{1: 2, 0: -3}],
    "clamped": [{0: 1}, {1: 1}],
    "supported": [{0: 1}, {2: 1}],
    "stiff": [{0: 1}, {1: 1}, {2: 1}],
}


PAIRS = [
    *combinations_with_replacement(["value", "slope", "robin", "clamped"], 2),
    *((kind, "none") for kind in KINDS),
    ("slope", "other robin"),
    ("clamped", "slope"),
    ("supported", "robin"),
    ("supported", "supported"),
    ("stiff", "slope"),
]


def face(function, exact, coordinate, at, kind):
    """Return the conditions of a kind on a face, with the data of an exact solution."""
    found = []
    for weights in KINDS[kind]:
        left, right = (
            sum(w * (f.diff(coordinate, k) if k else f).subs(coordinate, at) for k, w in weights.items())
            for f in (function, exact)
        )
        found.append(Eq(left, right))
    return found


def rod(low, high):
    """Return a rod whose ends carry conditions of two kinds, in time."""
    exact = exp(x / 2 - t)
    left = u(x, t).diff(t) + u(x, t).diff(x, 4)
    conditions = [*face(u(x, t), exact, x, -1, low), *face(u(x, t), exact, x, Rational(3, 2), high)]
    problem = Problem(
        "rod",
        [Eq(left, exact.diff(t) + exact.diff(x, 4))],
        [(x, -1, Rational(3, 2))],
        (t, 0, 1),
        [*conditions, Eq(u(x, 0), exact.subs(t, 0))],
        reference={u: exact},
    )
    return compiled(problem, hard=True, network__width=8, network__depth=2)


@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_every_mixture_of_kinds_on_two_faces_holds_for_random_weights(low, high):
    made = rod(low, high)
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)
    assert_exact_solution_fits(made)


@pytest.mark.parametrize("length", [Rational(1, 10**12), 1e-4, 2e5, 1e30])
@pytest.mark.parametrize("kind", ["supported", "stiff"])
def test_conditions_hold_in_any_units(length, kind):
    exact = sin(x / length + 1)
    conditions = [c for at, k in ((0, "clamped"), (length, kind)) for c in face(u(x), exact, x, at, k)]
    beam = Problem(
        "beam",
        [Eq(u(x).diff(x, 4), exact.diff(x, 4))],
        [(x, 0, length)],
        None,
        conditions,
        reference={u: exact},
    )
    made = compiled(beam, hard=True, network__width=8, network__depth=2)
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)


@pytest.mark.parametrize(("low", "high"), list(product(["slope", "robin", "supported"], repeat=2)))
def test_what_the_network_has_to_learn_is_flat_where_its_inputs_are(low, high):
    exact = exp(x) + x**3
    ends = (-1, Rational(3, 2))
    conditions = [
        c for at, kind in zip(ends, (low, high), strict=True) for c in face(u(x), exact, x, at, kind)
    ]
    made = compiled(
        Problem("rod", [Eq(u(x).diff(x, 4), exp(x))], [(x, *ends)], conditions=conditions), hard=True
    )
    ansatz = made.transformed.ansatz["u"]
    raw = (exact - ansatz.lift) / ansatz.factor
    for end, at, inward in (("low", ends[0], 1), ("high", ends[1], -1)):
        slope = abs(raw.diff(x).subs(x, at + inward * Rational(1, 10**8)).evalf(60))
        assert slope < (1e-5 if ansatz.flat.get("x") in (end, "both") else 1e3)


PLATE = (1 + x**3) * (2 - y**3) * exp(-t)


@pytest.mark.parametrize(
    "kinds",
    [
        ("slope", "slope", "slope", "slope"),
        ("slope", "value", "robin", "slope"),
        ("slope", "none", "none", "robin"),
    ],
)
def test_corners_of_every_kind_hold_on_a_plate_in_time(kinds):
    function = u(x, y, t)
    faces = zip(kinds, (x, x, y, y), (0, 2, -1, 1), strict=True)
    conditions = [c for kind, s, at in faces for c in face(function, PLATE, s, at, kind)]
    right = PLATE.diff(t, 2) - PLATE.diff(x, 2) - PLATE.diff(y, 2)
    problem = Problem(
        "plate",
        [Eq(function.diff(t, 2) - function.diff(x, 2) - function.diff(y, 2), right)],
        [(x, 0, 2), (y, -1, 1)],
        (t, 0, 1),
        [
            *conditions,
            Eq(u(x, y, 0), PLATE.subs(t, 0)),
            Eq(function.diff(t).subs(t, 0), PLATE.diff(t).subs(t, 0)),
        ],
        reference={u: PLATE},
    )
    made = compiled(problem, hard=True, network__width=8, network__depth=2)
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)
    assert_exact_solution_fits(made, 1e-5)


def test_a_box_in_space_takes_a_different_kind_on_every_face():
    exact = (1 + x**3) * (2 - y**3) * exp(z)
    function = u(x, y, z)
    faces = [
        (x, 0, "slope"),
        (x, 1, "value"),
        (y, 0, "robin"),
        (y, 1, "slope"),
        (z, 0, "value"),
        (z, 1, "value"),
    ]
    laplacian = [sum(f.diff(s, 2) for s in (x, y, z)) for f in (function, exact)]
    problem = Problem(
        "box",
        [Eq(*laplacian)],
        [(x, 0, 1), (y, 0, 1), (z, 0, 1)],
        conditions=[c for s, at, kind in faces for c in face(function, exact, s, at, kind)],
        reference={u: exact},
    )
    made = compiled(problem, hard=True, network__width=8, network__depth=2)
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)
    assert_exact_solution_fits(made)


def test_fields_have_their_own_kinds_beside_a_periodic_coordinate():
    exact = {u: sin(y + t) * exp(x), v: cos(2 * y) * (x**3 + 1) + t * x**2}
    functions = {u: u(x, y, t), v: v(x, y, t)}
    kinds = {u: ("slope", "value"), v: ("value", "robin")}
    problem = Problem(
        "fields",
        [
            Eq(
                f.diff(t) - f.diff(x, 2) - f.diff(y, 2),
                exact[k].diff(t) - exact[k].diff(x, 2) - exact[k].diff(y, 2),
            )
            for k, f in functions.items()
        ],
        [(x, 0, 1), (y, 0, 2 * pi)],
        (t, 0, 1),
        [
            Periodic(y),
            *(
                c
                for k, f in functions.items()
                for at, kind in zip((0, 1), kinds[k], strict=True)
                for c in face(f, exact[k], x, at, kind)
            ),
            *(Eq(f.subs(t, 0), exact[k].subs(t, 0)) for k, f in functions.items()),
        ],
        reference=exact,
    )
    made = compiled(problem, hard=True, network__width=8, network__depth=2)
    assert all(is_hard(made).values())
    assert made.transformed.ansatz["u"].flat == {"x": "low"} and made.transformed.ansatz["v"].flat == {
        "x": "high"
    }
    assert_hard_conditions_hold(made)
    assert_exact_solution_fits(made)


def heated(*conditions, **settings):
    """Return how the conditions of a heated rod on [0, 1] are met."""
    equation = Eq(u(x, t).diff(t), u(x, t).diff(x, 2))
    return compiled(Problem("rod", [equation], [(x, 0, 1)], (t, 0, 1), conditions), hard=True, **settings)


SLOPE = u(x, t).diff(x)


def test_a_slope_that_disagrees_with_the_initial_state_is_the_one_that_goes_soft():
    made = heated(Eq(u(x, 0), x**2), Eq(SLOPE.subs(x, 0), 0), Eq(SLOPE.subs(x, 1), 0))
    assert list(is_hard(made).values()) == [True, True, False]
    reason = made.transformed.enforcement["u_x(1, t) = 0"].reason
    assert "disagree with u(x, 0) = x**2 where they meet (by up to 2)" in reason


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (Eq(SLOPE.subs(x, 0), abs(t - Rational(1, 2))), "not smooth"),
        (Eq(SLOPE.subs(x, 0), sympy.sqrt(t)), "disagree|singular"),
        (Eq(SLOPE.subs(x, 0) + t * u(0, t), 0), "coefficients are not numbers"),
        (Eq(SLOPE.subs(x, 0) + u(0, t) ** 2, 0), "not linear"),
        (Eq(SLOPE.subs(x, 0) + u(1, t), 0), "ties two places"),
        (Eq(u(x, t).diff(t).subs(x, 0) + SLOPE.subs(x, 0), 0), "derivative along the face"),
        (Eq(u(x, t).diff(x, 2).subs(x, 0), 0), "no plain ansatz"),
    ],
)
def test_a_slope_that_cannot_be_built_in_says_why(condition, reason):
    made = heated(Eq(u(x, 0), 0), condition)
    enforced = list(made.transformed.enforcement.values())
    assert enforced[0].how == "hard" and enforced[1].how == "soft"
    assert any(part in enforced[1].reason for part in reason.split("|")), enforced[1].reason


def test_random_features_keep_slopes_soft():
    made = heated(Eq(u(x, 0), 0), Eq(u(0, t), 0), Eq(SLOPE.subs(x, 1), 0), network__fourier=4)
    assert list(is_hard(made).values()) == [True, True, False]
    assert "random features" in made.transformed.enforcement["u_x(1, t) = 0"].reason


def test_a_network_of_ones_own_cannot_carry_slopes():
    made = heated(Eq(u(x, 0), 0), Eq(SLOPE.subs(x, 0), 0))
    with pytest.raises(
        Exception, match="A network of your own was given for u, whose slope in x is built in"
    ):
        TrainableProblem(made, torch.nn.Linear(2, 1))


def test_one_robin_factor_is_what_the_formula_says():
    # u_x = 3 u at x = 0 on [0, 2]: s = x / 2, u_s = 6 u, and w = (1 + 6 s) / (1 + 6).
    made = compiled(
        Problem(
            "r", [Eq(u(x).diff(x, 2), 0)], [(x, 0, 2)], conditions=[Eq(u(x).diff(x).subs(x, 0), 3 * u(0))]
        ),
        hard=True,
    )
    assert sympy.simplify(made.transformed.ansatz["u"].factor - (1 + 3 * x) / 7) == 0
    assert made.transformed.ansatz["u"].flat == {"x": "low"}
