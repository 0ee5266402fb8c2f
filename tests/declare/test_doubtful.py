"""Observations that contradict or repeat each other, outliers, other units: named before training; honest ones are not."""

import numpy as np
import pytest
from sympy import Eq, Function, exp, symbols

from pinnsolver import Observations, Problem
from pinnsolver.declare import check_problem

x, t = symbols("x t")
u = Function("u")
U = u(x, t)
RNG = np.random.default_rng(0)
PLACES = RNG.random((60, 2)) * (10, 1)


def signal(points):
    return np.sin(points[:, 0]) * np.exp(-points[:, 1])


def warnings_of(*observations):
    problem = Problem(
        "measured",
        [Eq(U.diff(t), U.diff(x, 2))],
        [(x, 0, 10)],
        time=(t, 0, 1),
        conditions=[Eq(u(x, 0), exp(-x)), Eq(u(0, t), 0), Eq(u(10, t), 0)],
        observations=[Observations(U, points, values) for points, values in observations],
    )
    return check_problem(problem).warnings


def noisy(size, points=PLACES):
    return signal(points) + size * RNG.normal(size=len(points))


def shock(points):
    return np.tanh((points[:, 0] - 5) / 1e-3)


def pulse(points):
    return np.exp(-((points[:, 0] - 3) ** 2) / 0.01)


HONEST = {
    "exact": [(PLACES, signal(PLACES))],
    "noisy": [(PLACES, noisy(0.3))],
    "measured twice": [(np.tile(PLACES, (2, 1)), noisy(0.2, np.tile(PLACES, (2, 1))))],
    "two noisy sensors": [(PLACES, noisy(0.1)), (PLACES, noisy(0.1))],
    "shock": [(PLACES, shock(PLACES))],
    "pulse": [(PLACES, pulse(PLACES))],
    "one place": [(np.column_stack([np.full(50, 2.5), np.linspace(0, 1, 50)]), np.linspace(1, 0.3, 50))],
    "three": [(PLACES[:3], noisy(0.1, PLACES[:3]))],
    "three at one place": [(np.ones((3, 2)), [1.0, 1.1, 0.95])],
    "constant": [(PLACES, np.ones(60))],
    "grid": [(np.stack(np.meshgrid(np.linspace(0, 10, 11), [0.2, 0.4]), -1).reshape(-1, 2), np.arange(22.0))],
    "growing": [(PLACES, np.exp(5 * PLACES[:, 1]))],
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_observations_raise_no_doubt(name):
    assert warnings_of(*HONEST[name]) == ()


def test_two_values_at_one_place_far_beyond_the_scatter_contradict_each_other():
    points, values = np.vstack([PLACES, PLACES[7]]), np.append(noisy(0.01), signal(PLACES[7:8]) + 3)
    (warning,) = warnings_of((points, values))
    assert warning.startswith("Observations contradict each other: at x =")
    assert "row 8 of" in warning and "row 61 of" in warning and "leave the wrong ones out" in warning


def test_two_data_sets_that_tell_of_different_solutions_contradict_each_other():
    (warning,) = warnings_of((PLACES, noisy(0.01)), (PLACES, noisy(0.01) + 2))
    assert "contradict" in warning and "at 60 places in all" in warning and "(2)" in warning


def test_where_few_are_known_values_that_differ_like_themselves_contradict_each_other():
    (warning,) = warnings_of((np.ones((2, 2)), [1.0, 2.0]))
    assert "contradict" in warning and "scatter" not in warning


def test_repeated_rows_are_counted():
    points, values = np.vstack([PLACES, PLACES[:4]]), np.append(signal(PLACES), signal(PLACES[:4]))
    (warning,) = warnings_of((points, values))
    assert warning.startswith("4 of the 64 rows") and "row 61 (like row 1)" in warning


@pytest.mark.parametrize("size", [20.0, -1e6])
def test_a_value_far_outside_the_others_is_named_with_its_row(size):
    values = signal(PLACES)
    values[11] = size
    (warning,) = warnings_of((PLACES, values))
    assert f"row 12 with {size:g}" in warning and "Correct them or leave them out" in warning


def test_values_in_other_units_than_the_conditions_are_told():
    (warning,) = warnings_of((PLACES, 3000 * signal(PLACES)))
    assert "are they in other units?" in warning


def test_a_coordinate_in_other_units_than_the_domain_is_told():
    (warning,) = warnings_of((PLACES * (1e-3, 1), signal(PLACES)))
    assert warning.startswith("The column x of “observations of u(x, t)” spans 0.0")
