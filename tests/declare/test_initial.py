"""Initial states are counted against the order in time, unless other data make up for them."""

import pytest
from sympy import Eq, sin

from pinnsolver.declare import Observations, On, Problem, Unknown, check_problem

from .given import LEFT, RIGHT, START, heat, p, refusal, t, u, v, w, x

U = u(x, t)
WAVE = Eq(U.diff(t, 2), U.diff(x, 2))


def test_a_missing_initial_value_is_refused():
    refusal(
        lambda: heat(conditions=[LEFT, RIGHT]),
        "u(x, t) has a time derivative of order 1 but no initial value",
        "needs 1 initial state at t = 0 and has 0",
        "Add Eq(u(x, 0), ...) to the conditions",
    )


def test_a_missing_initial_velocity_is_refused():
    refusal(
        lambda: heat(equations=[WAVE], conditions=[START, LEFT, RIGHT]),
        "no initial velocity",
        "Add Eq(u(x, t).diff(t).subs(t, 0), ...)",
    )


def test_a_missing_higher_initial_derivative_is_refused():
    states = [Eq(u(0), 0), Eq(u(t).diff(t).subs(t, 0), 0)]
    refusal(
        lambda: Problem("jerk", [Eq(u(t).diff(t, 3), 1)], time=(t, 0, 1), conditions=states),
        "no initial derivative of order 2",
        "Eq(u(t).diff(t, 2).subs(t, 0), ...)",
    )


def test_the_start_of_time_is_named():
    refusal(lambda: heat(time=(t, 2, 3), conditions=[LEFT, RIGHT]), "at t = 2", "Eq(u(x, 2), ...)")


def test_too_many_initial_states_are_refused():
    refusal(
        lambda: heat(conditions=[START, LEFT, RIGHT, Eq(U.diff(t).subs(t, 0), 0)]),
        "u_t(x, 0) = 0 is one initial state too many",
        "of order 1 in t for u, which takes 1 initial state",
    )


def test_a_field_without_a_time_derivative_takes_no_initial_state():
    pressure = Eq(p(x, t).diff(x), U)
    refusal(
        lambda: heat(
            equations=[Eq(U.diff(t), p(x, t)), pressure], conditions=[START, Eq(p(x, 0), 0), Eq(p(0, t), 0)]
        ),
        "takes no initial state",
    )


def test_a_state_of_half_the_domain_is_a_state():
    parts = [On(Eq(u(x, 0), 1), where=x < 0.5), On(Eq(u(x, 0), 0), where=x >= 0.5)]
    assert check_problem(heat(conditions=[*parts, LEFT, RIGHT])).warnings == ()


def test_a_state_shared_by_two_fields_counts_for_both():
    equations = [Eq(U.diff(t), v(x, t)), Eq(v(x, t).diff(t), U.diff(x, 2))]
    checked = check_problem(heat(equations=equations, conditions=[START, Eq(v(x, 0), u(x, 0)), LEFT, RIGHT]))
    assert checked.conditions[1].kind == "initial value"


def test_a_mixed_initial_state_counts_for_the_missing_one():
    mixed = Eq(U.diff(t).subs(t, 0) + u(x, 0), 0)
    checked = check_problem(heat(equations=[WAVE], conditions=[START, mixed, LEFT, RIGHT]))
    assert checked.conditions[1].kind == "initial, mixed"


@pytest.mark.parametrize(
    "data",
    [
        {"conditions": [Eq(u(x, 1), sin(x)), LEFT, RIGHT]},
        {"conditions": [Eq(u(x, 0.5), sin(x)), LEFT, RIGHT]},
        {"conditions": [Eq(u(x, 0), u(x, 1)), LEFT, RIGHT]},
        {"conditions": [LEFT, RIGHT], "observations": [Observations(U, [[0.5, 0.5]], [1])]},
        {"equations": [WAVE], "conditions": [START, Eq(u(x, 1), 0), LEFT, RIGHT]},
    ],
)
def test_other_data_make_up_for_a_missing_state_with_a_warning(data):
    assert any("make up for it" in warning for warning in check_problem(heat(**data)).warnings)


def test_an_inverse_problem_may_know_a_state_more():
    D = Unknown("D")
    velocity = Eq(U.diff(t).subs(t, 0), 0)
    assert check_problem(
        heat(equations=[Eq(U.diff(t), D * U.diff(x, 2))], conditions=[START, velocity, LEFT, RIGHT])
    )


def test_an_equation_among_the_conditions_takes_an_initial_state():
    front = w(t)
    checked = check_problem(
        heat(
            equations=[Eq(front**2 * U.diff(t), U.diff(x, 2))],
            conditions=[START, LEFT, RIGHT, Eq(front.diff(t), -U.diff(x).subs(x, 1)), Eq(w(0), 1)],
        )
    )
    assert checked.conditions[-1].kind == "initial value"


def test_a_steady_field_in_a_transient_problem_takes_none():
    checked = check_problem(
        heat(
            equations=[Eq(v(x).diff(x, 2), 1), Eq(U.diff(t), U.diff(x, 2) + v(x))],
            conditions=[Eq(v(0), 0), Eq(v(1), 0), Eq(u(x, 0), v(x)), LEFT, RIGHT],
        )
    )
    assert checked.warnings == ()


def test_a_steady_problem_counts_nothing():
    assert (
        check_problem(Problem("steady", [Eq(u(x).diff(x, 2), 1)], [(x, 0, 1)], conditions=[u(0), u(1)])).time
        is None
    )
