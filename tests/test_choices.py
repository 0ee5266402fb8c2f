"""The automatic choices: by the declaration, by the network's size, each with a reason."""

import pytest
from conftest import compiled
from sympy import Eq, Function, symbols

from pinnsolver import DeclarationError, Problem
from pinnsolver.declare import Settings, check_problem
from pinnsolver.train import TrainableProblem
from pinnsolver.transform import transform_problem
from pinnsolver.transform.choices import decided_by_seconds
from pinnsolver.transform.size import parameter_count

x, t = symbols("x t")
u = Function("u")


def chosen(equation, **settings):
    """Return the choices for an equation of u(x, t)."""
    problem = Problem("some", [equation], [(x, 0, 1)], (t, 0, 1), [Eq(u(x, 0), x)])
    given = Settings().with_values({k.replace("__", "."): v for k, v in settings.items()})
    return transform_problem(check_problem(problem), given).choices


HEAT = Eq(u(x, t).diff(t), u(x, t).diff(x, 2))


@pytest.mark.parametrize(
    "settings", [{}, {"network__kind": "modified"}, {"network__fourier": 5}, {"network__trunks": "separate"}]
)
def test_the_number_of_parameters_is_known_before_the_network_is_built(problem, settings):
    made = compiled(problem, **settings)
    transformed = made.transformed
    count = parameter_count(made.checked, transformed.settings, transformed.ansatz)
    assert count == TrainableProblem(made).size


@pytest.mark.parametrize(
    ("equation", "activation"),
    [
        (HEAT, "sin"),
        (Eq(u(x, t).diff(t) + x**2 * u(x, t), t**3), "sin"),
        (Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), 0), "tanh"),
        (Eq(u(x, t).diff(t), u(x, t) ** 3), "tanh"),
    ],
)
def test_waves_get_sines_and_fronts_get_tanh(equation, activation):
    assert chosen(equation)["network.activation"].value == activation


def test_the_method_follows_from_the_size_of_its_matrices():
    widths = {20: "gauss-newton", 40: "broyden", 128: "lbfgs"}
    found = {w: chosen(HEAT, network__width=w)["optimizer.second"].value for w in widths}
    assert found == widths


def test_a_jacobian_that_does_not_fit_is_not_built():
    assert chosen(HEAT, points__interior=200_000)["optimizer.second"].value == "broyden"


def test_what_is_asked_for_stays_and_says_so():
    choice = chosen(HEAT, network__activation="gelu", optimizer__second="lbfgs")
    for key, value in (("network.activation", "gelu"), ("optimizer.second", "lbfgs")):
        assert choice[key].value == value and choice[key].reason == "asked for"
    assert choice["points.redraw"].value == 250  # the pace goes with the method


def test_a_wider_network_is_taken_where_there_is_time_and_the_recorded_command_will_say_so():
    short, long = (chosen(HEAT, seconds=s)["network.width"] for s in (60, 300))
    assert (short.value, long.value) == (20, 28)
    assert "1737 parameters, for in 300 s" in long.reason
    assert chosen(HEAT, seconds=300, tolerance=1e-4)["network.width"].value == 20  # soon is what counts
    assert chosen(HEAT, seconds=300, network__depth=6)["network.width"].value == 19  # Gauss-Newton's limit
    assert chosen(HEAT, seconds=300, windows=2)["network.width"].value == 16
    checked = check_problem(Problem("some", [HEAT], [(x, 0, 1)], (t, 0, 1), [Eq(u(x, 0), x)]))
    for seconds, windows, found in ((300, 1, {"network.width"}), (60, 1, set()), (60, 2, set())):
        settings = Settings(seconds=seconds, windows=windows)
        assert decided_by_seconds(transform_problem(checked, settings)) == found


@pytest.mark.parametrize("method", ["broyden", "gauss-newton"])
def test_a_dense_matrix_that_does_not_fit_is_refused(method):
    with pytest.raises(DeclarationError, match=r"network has \d+ parameters(.|\n)*lbfgs"):
        chosen(HEAT, network__width=128, network__depth=4, optimizer__second=method)


def test_a_rank_belongs_to_gauss_newton():
    assert chosen(HEAT, optimizer__rank=50, network__width=60)["optimizer.second"].value == "gauss-newton"
    with pytest.raises(DeclarationError, match="rank belongs to Gauss-Newton"):
        chosen(HEAT, optimizer__rank=50, optimizer__second="lbfgs")


GROWTH = Eq(u(x, t).diff(t), u(x, t).diff(x, 2) / 100 + 4 * u(x, t) * (1 - u(x, t) ** 2))


@pytest.mark.parametrize(
    ("equation", "settings", "early"),
    [
        (Eq(u(x, t).diff(t), 4 * u(x, t)), {}, 7.4),  # exp(4 / 2)
        (Eq(u(x, t).diff(t), 4 * u(x, t)), {"windows": 2}, 1.0),
        (Eq(u(x, t).diff(t), u(x, t) / 2), {}, 1.0),
        (Eq(u(x, t).diff(t), -4 * u(x, t)), {}, 1.0),
        (HEAT, {}, 1.0),
        (HEAT, {"early": 3.0}, 3.0),
    ],
)
def test_early_residuals_count_more_where_perturbations_grow(equation, settings, early):
    assert chosen(equation, **settings)["early"].value == early


def test_where_data_hold_later_times_early_residuals_count_like_others():
    tied = [Eq(u(x, 0), x), Eq(u(0, 1), 0)]
    problem = Problem("some", [GROWTH], [(x, 0, 1)], (t, 0, 1), tied)
    assert transform_problem(check_problem(problem), Settings()).choices["early"].value == 1.0
    free = Problem("some", [GROWTH], [(x, 0, 1)], (t, 0, 1), tied[:1])
    assert transform_problem(check_problem(free), Settings()).choices["early"].value > 1.0


def test_a_steady_problem_has_nothing_early():
    problem = Problem("some", [Eq(u(x).diff(x, 2), 1)], [(x, 0, 1)], conditions=[Eq(u(0), 0), Eq(u(1), 0)])
    with pytest.raises(DeclarationError, match="steady"):
        transform_problem(check_problem(problem), Settings(early=3.0))
