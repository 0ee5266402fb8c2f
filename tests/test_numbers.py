"""The error of numbers that observations determine: that of linear regression about them, and part of the fields' estimate."""

import numpy as np
import pytest
from sympy import Eq, Function, exp, lambdify, pi, sin, symbols

from pinnsolver import Observations, Problem, Unknown
from pinnsolver.declare import check_problem
from pinnsolver.verify import estimate_error
from pinnsolver.verify.numbers import _regression, _step

x, t = symbols("x t")
u = Function("u")
D, TRUE = Unknown("D", start=1, low=0), 0.15
PLACES = np.random.default_rng(0).random((80, 2))


def solution(number):
    return exp(-number * pi**2 * t) * sin(pi * x)


def diffusion(observations, rate=D):
    return check_problem(
        Problem(
            "diffusion",
            [Eq(u(x, t).diff(t), rate * u(x, t).diff(x, 2))],
            [(x, 0, 1)],
            time=(t, 0, 1),
            conditions=[Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
            observations=observations,
        )
    )


def values(number, places=PLACES, noise=0.0, seed=0):
    exact = np.exp(-number * np.pi**2 * places[:, 1]) * np.sin(np.pi * places[:, 0])
    return exact + noise * np.random.default_rng(seed).normal(size=len(exact))


def slope(places=PLACES):
    return -(np.pi**2) * places[:, 1] * values(TRUE, places)


def estimated(checked, number, **others):
    """Return the estimate of a perfect network that has found some number."""
    formula = solution(number)

    def evaluate(points, wanted):
        found = {}
        for name, expr in wanted.items():
            function = lambdify((x, t), expr.subs(u(x, t), formula).doit())
            found[name] = np.broadcast_to(function(points[:, 0], points[:, 1]), len(points))
        return found

    return estimate_error(checked, evaluate, {"D": number, **others}, 30)


def test_a_number_that_does_not_meet_the_data_is_off_by_the_way_to_the_one_that_does():
    found = estimated(diffusion([Observations(u(x, t), PLACES, values(TRUE))]), 0.153)
    assert found.unknown_errors["D"] == pytest.approx(0.003, rel=0.1)
    axis = np.linspace(0, 1, 200)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    change = 0.003 * np.linalg.norm(slope(grid)) / np.linalg.norm(values(TRUE, grid))
    assert found.fields["u"].value == pytest.approx(change, rel=0.1)
    assert "the numbers found add" in found.fields["u"].basis
    assert any("D = 0.153 ± 0.003" in note for note in found.notes)


def test_noise_of_the_data_is_the_standard_error_of_regression():
    noise, true_slope = 0.01, slope()
    standard = noise / np.linalg.norm(true_slope)
    for seed in range(3):
        seen = values(TRUE, noise=noise, seed=seed)
        best = TRUE + true_slope @ (seen - values(TRUE)) / (true_slope @ true_slope)
        found = estimated(diffusion([Observations(u(x, t), PLACES, seen)]), best)
        assert found.unknown_errors["D"] == pytest.approx(standard, rel=0.3)
        assert abs(best - TRUE) < 4 * found.unknown_errors["D"]


def test_what_was_measured_may_be_a_formula_of_a_field():
    seen = Observations(D * u(x, t) ** 2 + x, PLACES, TRUE * values(TRUE) ** 2 + PLACES[:, 0])
    assert estimated(diffusion([seen]), 0.153).unknown_errors["D"] == pytest.approx(0.003, rel=0.1)


def test_a_noisier_set_of_observations_counts_less():
    rough, fine = values(TRUE, noise=0.1), values(TRUE, noise=1e-4)
    both = [Observations(u(x, t), PLACES, seen, name=n) for n, seen in (("rough", rough), ("fine", fine))]
    found = estimated(diffusion(both), TRUE)
    assert found.unknown_errors["D"] < 5e-4 / np.linalg.norm(slope())


def test_where_the_data_do_not_tell_the_error_a_note_says_why():
    slopes = [Observations(u(x, t).diff(x), PLACES, np.ones(80))]
    few = [Observations(u(x, t), PLACES[:1], values(TRUE)[:1])]
    at_the_start = PLACES * [1, 0]
    blind = [Observations(u(x, t), at_the_start, values(TRUE, at_the_start))]
    for seen, why in ((slopes, "something other than values"), (few, "too few"), (blind, "hardly depend")):
        found = estimated(diffusion(seen), TRUE)
        assert not found.unknown_errors
        assert any(why in note and "is not known" in note for note in found.notes)
    k = Unknown("k", start=1)
    found = estimated(diffusion([Observations(u(x, t), PLACES, values(TRUE))], D * k), TRUE, k=1.0)
    assert any("do not tell the numbers apart" in note for note in found.notes)


def test_regression_is_that_of_textbooks():
    rng = np.random.default_rng(0)
    rows, noise = rng.normal(size=(50, 2)) * [1.0, 1e-6], rng.normal(size=50)
    step, covariance = _regression([(noise, rows)])
    best, square, *_ = np.linalg.lstsq(rows, noise, rcond=None)
    assert step == pytest.approx(best, rel=1e-6)
    assert covariance == pytest.approx(square[0] / 48 * np.linalg.inv(rows.T @ rows), rel=0.1)


@pytest.mark.parametrize(
    ("low", "high", "start", "value", "step"),
    [
        (None, None, 1, 2.0, 0.02),
        (None, None, 0, 0.0, 0.01),
        (0, None, 1, 1e-3, 1e-4),
        (0, 2, 1, 1.999, -0.01999),
        (1, 1.001, 1.0005, 1.0008, -0.0004),
    ],
)
def test_a_number_is_moved_between_its_bounds(low, high, start, value, step):
    assert _step(Unknown("k", start=start, low=low, high=high), value) == pytest.approx(step)
