"""Two conditions on one value: contradictions are refused, repetitions count once, neighbours are left alone."""

import pytest
from sympy import Abs, Eq, Rational, cos, loggamma, sin

from pinnsolver.declare import Disk, On, Rectangle, Unknown, check_problem

from .given import LEFT, START, heat, nu, perforated, plate, refusal, steady, t, u, x, y

U, UY = u(x, t), u(x, y)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LEFT, Eq(u(0, t), 1)),
        (LEFT, Eq(1, 2 * u(0.0, t))),
        (LEFT, Eq(u(1e-14, t), 1)),
        (Eq(u(0, t), sin(t)), Eq(u(0, t), cos(t))),
        (Eq(u(0.5, t), 0), Eq(u(Rational(1, 2), t), 1)),
        (Eq(U.diff(x).subs(x, 1), 0), Eq(U.diff(x).subs(x, 1), t)),
    ],
)
def test_two_values_on_one_face_are_refused(first, second):
    refusal(lambda: heat(conditions=[START, first, second]), "contradict each other", "Keep one of them")


def test_places_and_values_are_compared_in_their_units():
    low, high = Eq(u(x).diff(x, 2), 1), [(x, 0, 1e-15)]
    checked = check_problem(steady(low, Eq(u(0), 0), Eq(u(1e-15), 0), domain=high))
    assert len(checked.conditions) == 2
    refusal(lambda: steady(low, Eq(u(0), 1e-12), Eq(u(0), 2e-12), domain=high), "contradict")


def test_the_message_names_both_and_shows_their_values():
    refusal(
        lambda: heat(conditions=[START, LEFT, Eq(u(0, t), 2)]), "u(0, t) = 0 and u(0, t) = 2", "(0 and 2)"
    )


def test_two_initial_values_are_refused():
    refusal(lambda: heat(conditions=[START, Eq(u(x, 0), cos(x))]), "contradict")


def test_members_of_a_family_are_compared_too():
    refusal(
        lambda: heat(
            equations=[Eq(U.diff(t), nu * U.diff(x, 2))],
            parameters=[(nu, 1, 2)],
            conditions=[START, Eq(u(0, t), nu), Eq(u(0, t), 1)],
        ),
        "contradict",
    )


@pytest.mark.parametrize(
    "again", [LEFT, Eq(0, u(0, t)), 3 * u(0, t), Eq(u(0, t), (t + 1) ** 2 - t**2 - 2 * t - 1)]
)
def test_the_same_condition_twice_counts_once(again):
    checked = check_problem(heat(conditions=[START, LEFT, again]))
    assert len(checked.conditions) == 2
    assert "declared twice" in checked.warnings[0]


def test_a_repeated_condition_that_is_not_linear_counts_once():
    condition = Eq(u(0, t) ** 2, 1)
    assert len(check_problem(heat(conditions=[START, condition, condition])).conditions) == 2


def test_an_unknown_may_be_measured_at_a_wall():
    k = Unknown("k")
    checked = check_problem(heat(conditions=[START, Eq(u(0, t), k), Eq(u(0, t), 1)]))
    assert len(checked.conditions) == 3


def test_what_numpy_cannot_evaluate_is_not_taken_for_equal():
    checked = check_problem(
        heat(conditions=[START, Eq(u(0, t), loggamma(t + 1)), Eq(u(0, t), 2 * loggamma(t + 1))])
    )
    assert len(checked.conditions) == 3


def test_parts_of_a_face_that_do_not_meet_may_differ():
    checked = check_problem(plate(On(Eq(u(-1, y), 1), where=y > 0.5), On(Eq(u(-1, y), 0), where=y <= 0.5)))
    assert len(checked.conditions) == 2 and checked.conditions[0].region != checked.conditions[1].region


def test_parts_of_a_face_that_meet_may_not():
    refusal(
        lambda: plate(On(Eq(u(-1, y), 1), where=y > 0.5), On(Eq(u(-1, y), 0), where=y < 0.6)), "contradict"
    )
    refusal(lambda: plate(On(Eq(u(-1, y), 1), where=y > 0.5), Eq(u(-1, y), 0)), "contradict")


def test_parts_that_overlap_and_agree_are_both_kept():
    checked = check_problem(plate(On(Eq(u(-1, y), 1), where=y > 0.5), On(Eq(u(-1, y), 1), where=y < 0.6)))
    assert len(checked.conditions) == 2


# ------------------------------------------------------------------------------------------- shapes


def test_two_values_on_one_piece_are_refused():
    refusal(lambda: perforated(On("hole", Eq(UY, 0), Eq(UY, 1))), "contradict", "u(x, y) = 0 on hole")


def test_a_piece_and_the_whole_boundary_are_compared():
    domain = Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.2, name="hole")
    refusal(
        lambda: perforated(On(domain.boundary, Eq(UY, 0)), On("hole", Eq(UY, 1)), domain=domain), "contradict"
    )
    outer = On(domain.boundary, Eq(UY, 0), where=Abs(x - 0.5) > 0.3)
    sides = On(domain.boundary, Eq(UY, 0), where=(Abs(x - 0.5) > 0.3) | (Abs(y - 0.5) > 0.3))
    assert len(check_problem(perforated(outer, On("hole", Eq(UY, 1)), domain=domain)).conditions) == 2
    assert len(check_problem(perforated(sides, On("hole", Eq(UY, 1)), domain=domain)).conditions) == 2


def test_relations_are_compared_on_the_boundary_and_not_inside():
    middle_of_top = On("square", Eq(UY, 1), where=(x > 0.2) & (x < 0.8))
    middle_of_sides = On("square", Eq(UY, 0), where=(y > 0.2) & (y < 0.8))
    assert len(check_problem(perforated(middle_of_top, middle_of_sides)).conditions) == 2
    refusal(lambda: perforated(middle_of_top, On("square", Eq(UY, 0), where=y > 0.5)), "contradict")


def test_different_pieces_may_differ():
    assert len(check_problem(perforated(On("square", Eq(UY, 0)), On("hole", Eq(UY, 1)))).conditions) == 2
