"""Constants and sizes that single conditions fix: found where nothing else knows them, and met exactly."""

import numpy as np
import pytest
import torch
from conftest import compiled, small
from sympy import Derivative, Eq, Function, Integral, Rational, cos, exp, pi, sin, symbols

from pinnsolver import Observations, Periodic, Problem, Settings, Solution, Unknown, solve
from pinnsolver.compile.constants import with_constants
from pinnsolver.declare import check_problem
from pinnsolver.train import TrainableProblem
from pinnsolver.transform import describe, transform_problem, transform_window

x, t, nu = symbols("x t nu")
u, p = Function("u"), Function("p")
E = Unknown("E", start=8, low=0)


FLOATING = Eq(-u(x).diff(x, 2), pi**2 * cos(pi * x))


def slopes_at_walls(*more, equation=FLOATING, **others):
    """-u'' = pi^2 cos(pi x) with flat ends, up to a constant."""
    return Problem(
        "floating",
        [equation],
        [(x, 0, 1)],
        conditions=[Eq(u(x).diff(x).subs(x, 0), 0), Eq(u(x).diff(x).subs(x, 1), 0), *more],
        **others,
    )


def well(*more, size=1):
    return Problem(
        "well",
        [Eq(-u(x).diff(x, 2), E * u(x))],
        [(x, 0, 1)],
        conditions=[Eq(u(0), 0), Eq(u(1), 0), Eq(Integral(u(x) ** 2, (x, 0, 1)), size), *more],
    )


def flow(*conditions, **others):
    """A field that moves, beside one of which only slopes count."""
    return Problem(
        "flow",
        [Eq(u(x, t).diff(t) + p(x, t).diff(x), 0), Eq(p(x, t).diff(x, 2), sin(x) * exp(-t))],
        [(x, 0, 2 * pi)],
        (t, 0, 1),
        [Eq(u(x, 0), cos(x)), Periodic(x), *conditions],
        **others,
    )


def constants_of(problem, **settings):
    made = compiled(problem, **settings)
    return {name: a.constant for name, a in made.transformed.ansatz.items()}, made


MEAN = Eq(Integral(u(x), (x, 0, 1)), 2)


@pytest.mark.parametrize(
    "condition",
    [
        Eq(u(Rational(1, 2)), 3),
        MEAN,
        Eq(2 * u(Rational(1, 4)), 1),
        Eq(u(0) + u(1), 4),
        Eq(3 * Integral(u(x), (x, 0, 1)) - 1, 0),
    ],
    ids=str,
)
def test_a_constant_is_fixed_by_a_value_or_a_mean(condition):
    fixed, made = constants_of(slopes_at_walls(condition))
    name = made.checked.conditions[-1].name
    assert fixed == {"u": name}
    assert made.transformed.enforcement[name].how == "hard"
    assert name not in made.term_names
    shown = describe(made.transformed)["fields"][0]["ansatz"]["unicode"]
    assert "c_u" in shown or "cᵤ" in shown


@pytest.mark.parametrize(
    "problem",
    [
        slopes_at_walls(MEAN, Eq(u(Rational(1, 2)), 0)),  # each sees the other
        slopes_at_walls(MEAN, equation=Eq(u(x) - u(x).diff(x, 2), cos(pi * x))),
        slopes_at_walls(Eq(u(Rational(1, 2)) ** 2, 1)),
        slopes_at_walls(Eq(u(0) - u(1), 2)),
        slopes_at_walls(Eq(Integral(x * u(x), (x, 0, 1)), 1)),
        slopes_at_walls(Eq(Derivative(u(x), x).subs(x, Rational(1, 2)), -pi)),
        slopes_at_walls(Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)),
        flow(Eq(u(pi, t), 1)),
    ],
    ids=lambda p: str(p.conditions[-1]),
)
def test_a_constant_that_something_else_knows_stays_with_the_loss(problem):
    fixed, made = constants_of(problem)
    assert not any(fixed.values())
    assert made.transformed.enforcement[made.checked.conditions[-1].name].how == "soft"


def test_what_is_asked_to_be_soft_is():
    fixed, made = constants_of(slopes_at_walls(MEAN), hard=False)
    assert fixed == {"u": None}
    assert made.checked.conditions[-1].name in made.term_names


@pytest.mark.parametrize(
    "condition",
    [Eq(p(pi, t), t**2), Eq(Integral(p(x, t), (x, 0, 2 * pi)), sin(t))],
    ids=["value", "mean"],
)
def test_a_constant_may_be_a_function_of_time(condition):
    fixed, made = constants_of(flow(condition))
    name = made.checked.conditions[1].name
    assert fixed == {"u": None, "p": name}
    module = TrainableProblem(made)
    network = with_constants(made, module.network, {})
    k = next(k for k, g in enumerate(made.groups) if name in g.names)
    places = np.stack([np.zeros(600), np.linspace(0, 1, 600)], axis=1)
    before = made.residuals(made.prepare(k, places, None, "cpu"), module.network, {})[name]
    after = made.residuals(made.prepare(k, places, None, "cpu"), network, {})[name]
    assert float(before.detach().abs().max()) > 1e-3
    assert float(after.abs().max()) < 1e-13
    equations = made.prepare(0, places, None, "cpu")
    plain, fixed = (made.residuals(equations, n, {}) for n in (module.network, network))
    for equation, values in plain.items():
        torch.testing.assert_close(values, fixed[equation], rtol=0, atol=0)


def test_a_run_reads_its_constant_out_everywhere(tmp_path):
    problem = slopes_at_walls(MEAN, reference={u: cos(pi * x) + 2})
    run = solve(problem, settings=small(), steps=60, out=tmp_path / "run", quiet=True)
    nodes, weights = np.polynomial.legendre.leggauss(48)
    points = {"x": (nodes + 1) / 2}
    for one in (run, Solution.load(tmp_path / "run")):
        assert weights @ one(**points)["u"] / 2 == pytest.approx(2, abs=1e-13)
    assert run.result["conditions_rms"][check_problem(problem).conditions[-1].name] < 1e-13
    # Without the constant the live error, by history.csv, would be of the size of the mean.
    assert run.history["relative_l2:u"][-1] == pytest.approx(run.relative_l2["u"], rel=0.2)
    assert run.relative_l2["u"] < 1e-3


def test_an_eigenfunctions_size_is_exact_after_training(tmp_path):
    run = solve(well(size=3), settings=small(), steps=80, quiet=True)
    nodes, weights = np.polynomial.legendre.leggauss(48)
    values = run(x=(nodes + 1) / 2)["u"]
    assert weights @ values**2 / 2 == pytest.approx(3, rel=1e-13)
    assert run.unknowns["E"] == pytest.approx(np.pi**2, rel=1e-2)
    enforced = run.compiled.transformed.enforcement["Integral(u(x)**2, (x, 0, 1)) = 3"]
    assert enforced.how == "soft" and "a factor of u removes" in enforced.reason


def test_a_size_that_training_missed_stays_for_all_to_see():
    made = compiled(well())
    module = TrainableProblem(made)
    for parameter in module.network.output_parameters():
        torch.nn.init.zeros_(parameter)
    network = with_constants(made, module.network, module.unknowns.values())
    points = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
    plan = made.groups[0].views[0][1]
    for key, values in network.derivatives(points, plan).items():
        assert float(values.abs().max()) == 0, key


@pytest.mark.parametrize(
    "problem",
    [
        well(Eq(u(x).diff(x).subs(x, 0), 1)),
        Problem(
            "nonlinear",
            [Eq(-u(x).diff(x, 2) + u(x) ** 3, E * u(x))],
            [(x, 0, 1)],
            conditions=[Eq(u(0), 0), Eq(u(1), 0), Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)],
        ),
    ],
    ids=["slope", "nonlinear"],
)
def test_a_size_that_something_else_knows_is_left_alone(problem):
    assert all(a.size is None for a in compiled(problem).transformed.ansatz.values())


def test_a_family_has_a_constant_for_each_parameter():
    family = slopes_at_walls(
        Eq(u(Rational(1, 4)), 2), equation=Eq(-u(x).diff(x, 2), nu * cos(pi * x)), parameters=[(nu, 1, 9)]
    )
    run = solve(family, settings=small(), steps=4, quiet=True)
    np.testing.assert_allclose(run(x=0.25, nu=[1, 4, 9])["u"], 2, rtol=1e-12)
    assert run.result["conditions_rms"]["u(1/4) = 2"] < 1e-12


def test_a_family_has_a_size_for_each_parameter():
    nodes, weights = np.polynomial.legendre.leggauss(48)
    family = Problem(
        "family",
        [Eq(-(1 + nu) * u(x).diff(x, 2), (1 + nu) * E * u(x))],
        [(x, 0, 1)],
        conditions=[Eq(u(0), 0), Eq(u(1), 0), Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)],
        parameters=[(nu, 0, 1)],
    )
    run = solve(family, settings=small(), steps=120, quiet=True)
    values = run(x=(nodes[:, None] + 1) / 2, nu=np.array([[0.0, 0.5, 1.0]]))["u"]
    np.testing.assert_allclose(weights @ values**2 / 2, 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("condition", "rate"),
    [
        (Eq(p(pi, t), sin(3 * t)), 3 * cos(3 * t)),
        (Eq(Integral(p(x, t), (x, 0, 2 * pi)) / (2 * pi), t * exp(t)), (1 + t) * exp(t)),
    ],
    ids=["value", "mean"],
)
def test_a_constant_in_time_has_its_derivative(condition, rate):
    run = solve(flow(condition), settings=small(), steps=3, quiet=True)
    times = np.array([0.1, 0.5, 0.9])
    places = 2 * np.pi * np.arange(64)[:, None] / 64 if condition.lhs.has(Integral) else np.array([[np.pi]])
    found = run(p(x, t).diff(t), x=places, t=times[None]).mean(axis=0)
    np.testing.assert_allclose(found, [float(rate.subs(t, s)) for s in times], rtol=1e-9)


def test_windows_fix_what_the_whole_problem_fixes():
    seen = Observations(p(x, t), np.array([[1.0, 0.1], [2.0, 0.2]]), np.array([0.1, 0.2]))
    for observations in ([], [seen]):
        whole = flow(Eq(p(pi, t), 0), observations=observations)
        made = transform_problem(check_problem(whole), Settings(windows=2))
        how = made.enforcement["p(pi, t) = 0"].how
        assert how == ("soft" if observations else "hard")
        assert all(transform_window(made, k).enforcement["p(pi, t) = 0"].how == how for k in (0, 1))
    run = solve(flow(Eq(p(pi, t), t)), settings=small(windows=2), steps=8, quiet=True)
    np.testing.assert_allclose(run(x=np.pi, t=[0.1, 0.4, 0.6, 1])["p"], [0.1, 0.4, 0.6, 1], atol=1e-12)
