"""Wrong answers behind small losses are named; right ones are left alone."""

import numpy as np
import pytest
from sympy import Eq, Function, exp, pi, sin, symbols
from typer.testing import CliRunner

from pinnsolver import (
    Disk,
    NormalDerivative,
    Observations,
    On,
    Problem,
    Rectangle,
    Settings,
    load_problem,
    solve,
)
from pinnsolver.alarms import Sizes, learnt_by_heart, sizes_of, trivial, unopened, unsolved, violated
from pinnsolver.cli import app
from pinnsolver.contestants import PLAIN
from pinnsolver.declare import check_problem

x, y, t = symbols("x y t")
u = Function("u")
U = u(x, t)
QUICK = {"network": {"width": 8, "depth": 2}}


def heat(**changes):
    parts = {
        "equations": [Eq(U.diff(t), U.diff(x, 2) / 5)],
        "domain": [(x, 0, 1)],
        "time": (t, 0, 1),
        "conditions": [Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
    }
    return Problem("heat", **{**parts, **changes})


HEAT = check_problem(heat())


def history(**columns):
    return {name: np.array(values, dtype=float) for name, values in columns.items()}


# ------------------------------------------------------------------------------------ learnt by heart


def test_a_held_out_loss_far_above_the_training_one_is_learning_by_heart():
    rows = history(loss=[1, 1e-2, 1e-4, 1e-6, 1e-6], held_out=[1, 2e-1, 1e-1, 2e-1, 5e-1])
    (alarm,) = learnt_by_heart(rows, 60)
    assert "learnt by heart" in alarm and "points.interior, now 60" in alarm


def test_one_lucky_loss_is_no_learning_by_heart():
    rows = history(loss=[1, 1e-3, 1e-2, 1e-2, 1e-5, 1e-2, 1e-2], held_out=[1, *[1e-2] * 6])
    assert not list(learnt_by_heart(rows, 60))


def test_each_window_has_a_loss_of_its_own():
    rows = history(window=[1, 1, 2, 2], loss=[1, 1e-9, 1, 1e-2], held_out=[1, 2e-9, 1, 3e-2])
    assert not list(learnt_by_heart(rows, 60))
    rows["held_out"][-1] = 9
    assert list(learnt_by_heart(rows, 60))


def test_nothing_is_known_of_a_training_without_a_step():
    assert not list(learnt_by_heart({}, 60)) and not list(unopened({}, HEAT))


# ---------------------------------------------------------------------------------- causal weights


def test_causal_weights_that_are_shut_at_the_end_are_told_with_the_time():
    rows = history(**{"loss": [1, 1], "held_out": [1, 1], "causal:reached": [0.25, 0.5]})
    (alarm,) = unopened(rows, HEAT)
    assert "never opened" in alarm and "up to t = 0.5 only" in alarm and "--no-causal" in alarm


def test_causal_weights_that_opened_are_no_alarm():
    assert not list(unopened(history(**{"loss": [1, 1], "causal:reached": [0.25, 1]}), HEAT))


# -------------------------------------------------------------------- equations and conditions


def test_a_residual_that_adds_up_to_the_solution_is_told():
    sizes = Sizes({"equation": 10.0}, {"equation": 0.5}, {"equation": 1})
    assert not list(unsolved(HEAT, {"equation": 0.3}, sizes))
    (alarm,) = unsolved(HEAT, {"equation": 1.0}, sizes)
    assert alarm.startswith("Equation is not solved") and "adds up over t to 2 times" in alarm


def test_a_steady_residual_is_measured_by_the_terms_of_its_equation():
    rms = {"equation": 50.0}  # that of the one point nearest to a corner, say
    assert not list(unsolved(HEAT, rms, Sizes({}, {}, {}, {"equation": (1.0, 10.0)})))
    assert "50% of its largest term" in next(
        unsolved(HEAT, rms, Sizes({}, {}, {}, {"equation": (5.0, 10.0)}))
    )


def test_a_violated_condition_is_named_with_what_to_do():
    name = HEAT.conditions[1].name
    sizes = Sizes({name: 2.0}, {}, {})
    assert not list(violated(HEAT, {name: 0.1}, sizes, 1e-3))
    (alarm,) = violated(HEAT, {name: 1.0}, sizes, 1e-3)
    assert (
        f"The condition {name} is violated by 50%" in alarm
        and "although the equations hold to 1e-03" in alarm
    )
    assert "although" not in next(violated(HEAT, {name: 1.0}, sizes, 0.9))


def test_observations_that_are_missed_by_as_much_as_they_differ_are_told():
    points = np.array([[0.5, 0.1], [0.5, 0.2], [0.5, 0.3]])
    checked = check_problem(heat(observations=[Observations(U, points, [0, 1, 2], name="sensor")]))
    assert not list(violated(checked, {"sensor": 0.4}, Sizes({}, {}, {}), None))
    assert "“sensor” are missed" in next(violated(checked, {"sensor": 0.8}, Sizes({}, {}, {}), None))


# ------------------------------------------------------------------------------------------- sizes


class Exact:
    """A solution that is known: sizes need no training."""

    def __init__(self, problem, **fields):
        self.checked, self._fields = check_problem(problem), fields

    def reaches(self, points):
        return np.ones(len(points), dtype=bool)

    def evaluate(self, points, expressions):
        from sympy import lambdify

        symbols_ = [c.symbol for c in self.checked.coordinates]
        known = {Function(name)(*symbols_): formula for name, formula in self._fields.items()}
        return {
            name: np.broadcast_to(
                lambdify(symbols_, expr.subs(known).doit(), "numpy")(*points.T), len(points)
            )
            for name, expr in expressions.items()
        }

    def residuals(self, points):
        return self.evaluate(points, {e.name: e.source.lhs - e.source.rhs for e in self.checked.equations})


@pytest.mark.parametrize("number", [0, 0.5])
def test_a_field_of_one_number_is_trivial_where_its_conditions_ask_for_more(number):
    (alarm,) = trivial(Exact(heat(), u=number + 1e-5 * x))
    assert "all over the domain, a trivial solution" in alarm and "from 0 to 1" in alarm
    assert not list(trivial(Exact(heat(), u=sin(pi * x) * exp(-9 * t))))


def test_a_field_of_one_number_is_right_where_nothing_asks_for_more():
    still = heat(conditions=[Eq(u(x, 0), 2), Eq(u(0, t), 2), Eq(u(1, t), 2)])
    assert not list(trivial(Exact(still, u=2 + 0 * x)))


def test_a_field_of_one_number_beside_observations_is_trivial():
    points = np.array([[0.5, 0.1], [0.5, 0.2], [0.5, 0.3]])
    seen = heat(conditions=[Eq(u(x, 0), 0)], observations=[Observations(U, points, [0, 1, 2])])
    (alarm,) = trivial(Exact(seen, u=0 * x))
    assert "from 0 to 2" in alarm


def test_sizes_are_those_of_the_largest_term_anywhere():
    solution = Exact(heat(), u=sin(pi * x) * 3)
    sizes = sizes_of(solution)
    rms = 3 / np.sqrt(2)
    assert sizes.terms["equation"] == pytest.approx(rms * np.pi**2 / 5, rel=0.01)
    mean = 3 * 2 / np.pi * np.pi**2 / 5  # the time's term is missing, so that the other one is left over
    assert sizes.residuals["equation"] == pytest.approx((mean, mean), rel=0.02)
    for condition in solution.checked.conditions[1:]:  # zero at both ends, and measured by what u is inside
        assert sizes.terms[condition.name] == pytest.approx(rms, rel=0.01)
    assert sizes.carried["equation"] == pytest.approx(rms, rel=0.01) and sizes.orders["equation"] == 1


def test_slopes_at_walls_are_measured_by_slopes():
    domain = Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.2, name="hole")
    w = u(x, y)
    problem = Problem(
        "plate",
        [Eq(w.diff(x, 2), -w.diff(y, 2))],
        domain,
        conditions=[On("hole", Eq(NormalDerivative(w), 0)), Eq(u(0, y), 1)],
    )
    sizes = sizes_of(Exact(problem, u=3 * x + 4 * y))
    flux = next(c.name for c in check_problem(problem).conditions if "d/dn" in c.name)
    assert sizes.terms[flux] == pytest.approx(5)


def test_observed_slopes_ask_for_no_values():
    seen = Observations(u(x).diff(x), [[0.2], [0.8]], [0.0, 3.0])
    level = Problem("level", [Eq(u(x).diff(x, 2), 0)], [(x, 0, 1)], None, [Eq(u(0), 1)], [seen])
    found = solve(level, steps=1, settings=QUICK, quiet=True)
    assert not any("trivial" in w for w in found.result["warnings"])


def test_a_velocity_that_vanishes_is_measured_by_the_other_component():
    v, p = Function("v"), Function("p")
    a, b, q = (f(x, y) for f in (u, v, p))
    momentum = [
        Eq(a * f.diff(x) + b * f.diff(y), -q.diff(c) + f.diff(x, 2) + f.diff(y, 2))
        for f, c in ((a, x), (b, y))
    ]
    walls = [Eq(f.subs(y, at), 0) for f in (a, b) for at in (0, 1)]
    ends = [Eq(u(0, y), 4 * y * (1 - y)), Eq(v(0, y), 0), Eq(p(1, y), 0), Eq(b.diff(x).subs(x, 1), 0)]
    straight = Problem(
        "straight",
        [*momentum, Eq(a.diff(x) + b.diff(y), 0)],
        [(x, 0, 1), (y, 0, 1)],
        None,
        [*walls, *ends],
        reference={u: 4 * y * (1 - y), p: 8 * (1 - x)},
    )
    found = solve(straight, steps=40, settings=QUICK, threads=1, quiet=True)
    assert max(found.relative_l2["u"], found.relative_l2["p"]) < 1e-2
    assert np.abs(found(x=0.5, y=np.linspace(0, 1, 9))["v"]).max() < 1e-3
    assert found.result["warnings"] == []
    estimate = found.verify().result["error_estimate"]
    assert estimate["v"]["value"] < 1e-2 and estimate["u"]["value"] < 1e-2


def test_an_equation_of_one_term_has_no_size():
    problem = Problem("line", [Eq(u(x).diff(x, 2), 0)], [(x, 0, 1)], conditions=[Eq(u(0), 0), Eq(u(1), 1)])
    assert "equation" not in sizes_of(Exact(problem, u=x)).terms


def test_the_second_order_in_time_and_its_factor_are_found():
    problem = heat(
        equations=[Eq(2 * U.diff(t, 2) + U.diff(t), U.diff(x, 2))],
        conditions=[Eq(u(x, 0), 1), Eq(U.diff(t).subs(t, 0), 0), Eq(u(0, t), 1), Eq(u(1, t), 1)],
    )
    sizes = sizes_of(Exact(problem, u=exp(0 * x) * 3))
    assert sizes.orders["equation"] == 2 and sizes.carried["equation"] == pytest.approx(6)


def test_a_residual_that_perturbations_carry_away_counts_more_but_not_beyond_a_window():
    growing = check_problem(heat(equations=[Eq(U.diff(t), U.diff(x, 2) / 5 + 8 * U)]))
    sizes = Sizes({"equation": 10.0}, {"equation": 1.0}, {"equation": 1})
    (alarm,) = unsolved(growing, {"equation": 0.1}, sizes)
    assert "grows over t" in alarm
    assert not list(unsolved(growing, {"equation": 0.1}, sizes, windows=4))


# ------------------------------------------------------------------------------------------ whole runs


def test_a_short_right_run_has_no_warning_and_a_wrong_one_has_them_everywhere(tmp_path):
    right = solve(heat(), steps=150, seed=0, threads=1, quiet=True, settings=QUICK)
    assert right.result["warnings"] == []
    file = tmp_path / "soft.py"
    file.write_text(
        "from sympy import Eq, Function, pi, sin, symbols\nfrom pinnsolver import Problem\n"
        "x, t = symbols('x t')\nu = Function('u')\n"
        "problem = Problem('soft', [Eq(u(x, t).diff(t) + u(x, t), u(x, t).diff(x, 2) / 5)], [(x, 0, 1)], time=(t, 0, 1),\n"
        "    conditions=[Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)])\n"
    )
    words = [
        "solve",
        str(file),
        "--steps",
        "150",
        "--soft",
        "--quiet",
        "--threads",
        "1",
        "--out",
        str(tmp_path / "run"),
    ]
    words += [
        "--set",
        "network.width=8",
        "--set",
        "network.depth=2",
        "--set",
        "weights.u(x, 0) = sin(pi*x)=1e-12",
    ]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    told = "The condition u(x, 0) = sin(pi*x) is violated"
    assert f"Warning: {told}" in ended.output
    assert told in (tmp_path / "run" / "result.json").read_text()
    assert told in (tmp_path / "run" / "report.html").read_text()


def warnings_of(name, **changes):
    problem = load_problem(f"problems/{name}.py")
    return solve(problem, seed=0, threads=1, quiet=True, **changes).result["warnings"]


@pytest.mark.slow
@pytest.mark.parametrize("redraw", [0, 10])
def test_too_few_points_on_burgers_are_learnt_by_heart(redraw):
    found = warnings_of("burgers", steps=800, settings={"points": {"interior": 60, "redraw": redraw}})
    assert any("learnt by heart" in w for w in found)


@pytest.mark.slow
def test_convection_trained_plainly_is_not_solved():
    found = warnings_of("convection_50", seconds=20, settings=Settings().with_values(dict(PLAIN)))
    assert any("is not solved" in w for w in found)


@pytest.mark.slow
def test_causal_weights_stopped_early_are_told():
    assert any("never opened" in w for w in warnings_of("allen_cahn", steps=50, causal=True))


@pytest.mark.slow
def test_observations_that_contradict_the_equation_are_told():
    places = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 9), np.linspace(0.1, 0.9, 9)), -1).reshape(-1, 2)
    values = np.cos(40 * places[:, 0]) * np.cos(30 * places[:, 1])
    problem = heat(observations=[Observations(U, places, values)])
    found = solve(problem, steps=300, seed=0, threads=1, quiet=True).result["warnings"]
    assert any("are missed by" in w and "contradict the equations" in w for w in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["burgers", "heat", "convection_50", "inverse_diffusion", "annulus", "beam", "lotka_volterra"]
)
def test_right_runs_are_not_flagged(name):
    assert warnings_of(name, seconds=12) == []
