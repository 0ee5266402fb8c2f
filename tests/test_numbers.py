"""The error of numbers that observations determine: that of linear regression about them, and part of the fields' estimate."""

import numpy as np
import pytest
from sympy import Eq, Function, Heaviside, erf, exp, floor, lambdify, pi, sign, sin, symbols

from pinnsolver import Observations, Problem, Unknown
from pinnsolver.declare import check_problem
from pinnsolver.verify import estimate_error
from pinnsolver.verify.numbers import Sighting, _step, regression

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


def estimated(checked, number, formula=None, **others):
    """Return the estimate of a perfect network that has found some number."""
    formula = solution(number) if formula is None else formula

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


def sightings(sizes, noises, seed=0):
    rng = np.random.default_rng(seed)
    for size, noise in zip(sizes, noises, strict=True):
        yield Sighting(
            noise * rng.normal(size=size), rng.normal(size=(size, 2)) * [1, 1e-6], np.ones(2), 1e-12
        )


def test_regression_is_that_of_textbooks():
    (one,) = sightings([50], [1.0])
    step, covariance = regression([one])
    best, square, *_ = np.linalg.lstsq(one.rows, one.misfit, rcond=None)
    assert step == pytest.approx(best, rel=1e-6)
    assert covariance == pytest.approx(square[0] / 48 * np.linalg.inv(one.rows.T @ one.rows), rel=1e-6)


@pytest.mark.parametrize(
    ("sizes", "noises"), [((30, 30), (1.0, 0.01)), ((12,) * 6, (0.1,) * 6), ((40, 6), (0.1, 0.1))]
)
def test_sets_of_observations_are_as_far_off_as_they_say(sizes, noises):
    off = []
    for seed in range(200):
        step, covariance = regression(list(sightings(sizes, noises, seed)))
        off.append(step[0] / np.sqrt(covariance[0, 0]))
    assert 0.8 < np.std(off) < 1.4


def test_perfect_data_are_known_to_rounding():
    (one,) = sightings([20], [0.0])
    step, covariance = regression([one])
    assert not step.any()
    assert 0 < covariance[0, 0] < 1e-20


def test_many_small_sets_of_one_quantity_tell_as_much_as_one():
    noise = 0.01
    seen = values(TRUE, noise=noise)
    each = [Observations(u(x, t), PLACES[k : k + 1], seen[k : k + 1], name=f"n{k}") for k in range(12)]
    found = estimated(diffusion(each), TRUE).unknown_errors["D"]
    true_slope = slope(PLACES[:12])
    step = true_slope @ (seen - values(TRUE))[:12] / (true_slope @ true_slope)
    assert found == pytest.approx(np.hypot(noise / np.linalg.norm(true_slope), step), rel=0.5)


def test_a_set_that_does_not_see_a_number_does_not_tell_it():
    wall = PLACES * [0, 1]
    blind = Observations(u(x, t), wall, np.zeros(80), name="wall")
    seen = Observations(u(x, t), PLACES, values(TRUE, noise=0.01))
    alone, both = (estimated(diffusion(s), TRUE).unknown_errors["D"] for s in ([seen], [seen, blind]))
    assert both == pytest.approx(alone, rel=0.05)


@pytest.mark.parametrize(
    "quantity",
    [erf(u(x, t)), sign(u(x, t) - 0.5) * u(x, t), u(x, t) * Heaviside(u(x, t)), u(x, t) + floor(u(x, t))],
)
def test_what_is_measured_may_be_rough(quantity):
    found = estimated(diffusion([Observations(quantity, PLACES, values(TRUE))]), TRUE)
    assert found.unknown_errors or any("is not known" in note for note in found.notes)


def test_a_number_may_belong_to_what_is_measured_alone():
    gain = Unknown("gain", start=1)
    seen = Observations(gain * u(x, t), PLACES, 2 * values(TRUE))
    found = estimated(diffusion([seen]), 0.153, gain=2.02)
    assert found.unknown_errors["D"] == pytest.approx(0.003, rel=0.1)
    assert found.unknown_errors["gain"] == pytest.approx(0.02, rel=0.1)


def test_small_units_of_what_is_measured_change_nothing():
    seen = Observations(u(x, t) / 10**6, PLACES, values(TRUE) / 1e6)
    assert estimated(diffusion([seen]), 0.153).unknown_errors["D"] == pytest.approx(0.003, rel=0.1)


def test_a_number_far_below_its_start_is_moved_by_a_share_of_itself():
    """D = 1e-5 over a long time."""
    tau = 1e4 * t
    problem = check_problem(
        Problem(
            "slow",
            [Eq(u(x, t).diff(t), 1e4 * D * u(x, t).diff(x, 2))],
            [(x, 0, 1)],
            time=(t, 0, 1),
            conditions=[Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
            observations=[Observations(u(x, t), PLACES, values(0.1))],
        )
    )
    found = estimated(problem, 1.05e-5, formula=exp(-1.05e-5 * pi**2 * tau) * sin(pi * x))
    assert found.unknown_errors["D"] == pytest.approx(5e-7, rel=0.1)


def test_fields_of_time_alone_and_systems_are_known():
    v = Function("v")
    k = Unknown("k", start=1)
    times = np.linspace(0.1, 2, 20)[:, None]
    problem = check_problem(
        Problem(
            "chain",
            [Eq(u(t).diff(t), -u(t)), Eq(v(t).diff(t), k * u(t) - 2 * v(t))],
            [],
            time=(t, 0, 2),
            conditions=[Eq(u(0), 1), Eq(v(0), 0)],
            observations=[Observations(v(t), times, np.exp(-times[:, 0]) - np.exp(-2 * times[:, 0]))],
        )
    )

    def evaluate(points, wanted):
        known = {u(t): exp(-t), v(t): 1.02 * (exp(-t) - exp(-2 * t))}
        return {n: lambdify(t, e.subs(known).doit())(points[:, 0]) for n, e in wanted.items()}

    found = estimate_error(problem, evaluate, {"k": 1.02}, 30)
    assert found.unknown_errors["k"] == pytest.approx(0.02, rel=0.05)
    assert found.fields["u"].value < 1e-6 < found.fields["v"].value


def test_a_thin_layer_is_resolved_before_its_number_is_told():
    problem = check_problem(
        Problem(
            "layer",
            [Eq(D * u(x).diff(x, 2), 1 / (1 + (200 * (x - 0.3)) ** 2))],
            [(x, 0, 1)],
            conditions=[Eq(u(0), 0), Eq(u(1), 0)],
            observations=[Observations(u(x), PLACES[:, :1], layered(PLACES[:, 0]) / 0.5)],
        )
    )
    found = estimate_error(
        problem, lambda points, wanted: dict.fromkeys(wanted, layered(points[:, 0]) / 0.505), {"D": 0.505}, 30
    )
    assert found.unknown_errors["D"] == pytest.approx(0.005, rel=0.1)


def layered(places):
    """Return the solution for D = 1."""

    def whole(at):
        z = 200 * (at - 0.3)
        return (z * np.arctan(z) - np.log1p(z**2) / 2) / 200**2

    return whole(places) - whole(0.0) - places * (whole(1.0) - whole(0.0))


@pytest.mark.parametrize(
    ("low", "high", "start", "value", "step"),
    [
        (None, None, 1, 2.0, 0.02),
        (None, None, 0, 0.0, 0.01),
        (0, None, 1, 1e-3, 1e-5),
        (0, 2, 1, 1.999, -0.01999),
        (1, 1.001, 1.0005, 1.0008, -0.0004),
    ],
)
def test_a_number_is_moved_between_its_bounds(low, high, start, value, step):
    assert _step(Unknown("k", start=start, low=low, high=high), value) == pytest.approx(step)
