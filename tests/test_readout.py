"""Reading out a Lagrangian frame: labels of places, derivatives by place, crossing, and a solution as any other."""

import numpy as np
import pytest
import torch
from conftest import Formula, small
from sympy import Eq, Function, Rational, cos, exp, pi, sin, symbols

from pinnsolver import Periodic, Problem, Solution, solve
from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import Settings, check_problem
from pinnsolver.flow import FlowMap
from pinnsolver.readout import read_out
from pinnsolver.train import TrainableProblem
from pinnsolver.transform import transform_problem

x, y, t = symbols("x y t")
u = Function("u")
U, W = u(x, t), u(x, y, t)
RING = [(x, 0, 2 * pi)]
START = [Eq(u(x, 0), sin(x)), Periodic(x)]
BURGERS = Problem("burgers", [Eq(U.diff(t) + (3 + U) * U.diff(x), U.diff(x, 2) / 10)], RING, (t, 0, 1), START)
WALLED = Problem(
    "walled",
    [Eq(U.diff(t) + U * U.diff(x), U.diff(x, 2) / 10)],
    [(x, -1, 1)],
    (t, 0, 1),
    [Eq(u(x, 0), sin(pi * x)), Eq(u(-1, t), 0), Eq(u(1, t), 0)],
)
INVISCID = Problem("inviscid", [Eq(U.diff(t) + U * U.diff(x), 0)], RING, (t, 0, Rational(19, 20)), START)
SHEAR = Problem(
    "shear",
    [Eq(W.diff(t) + sin(y) * W.diff(x), W.diff(x, 2) + W.diff(y, 2))],
    [*RING, (y, 0, 2 * pi)],
    (t, 0, 3),
    [Eq(u(x, y, 0), sin(x) * cos(y)), Periodic(x, y)],
)
CELL = Problem(
    "cell",
    [Eq(W.diff(t) + sin(x) * cos(y) * W.diff(x) - cos(x) * sin(y) * W.diff(y), W.diff(x, 2))],
    [(x, 0, pi), (y, 0, pi)],
    (t, 0, 2),
    [Eq(u(x, y, 0), cos(x) * cos(y))],
)


def made_of(problem, network=None, **settings):
    """Return (compiled, module) in the Lagrangian frame, with random weights or a known network."""
    given = Settings(frame="lagrangian", network={"width": 12, "depth": 2}, **settings)
    compiled = CompiledProblem(transform_problem(check_problem(problem), given))
    torch.manual_seed(3)
    return compiled, TrainableProblem(compiled, network)


def of_formulas(problem, formulas):
    """Return (compiled, module) whose fields at labels are known formulas, nothing built in."""
    compiled, _ = made_of(problem, hard=False)
    names = [f.name for f in compiled.checked.fields]
    symbols = [c.symbol for c in compiled.checked.coordinates]
    return made_of(problem, Formula(symbols, [formulas[n] for n in names]), hard=False)


def points_of(problem, count=200, seed=0):
    limits = np.array([[float(v) for v in c[1:]] for c in (*problem.domain, problem.time)])
    return limits[:, 0] + (limits[:, 1] - limits[:, 0]) * np.random.default_rng(seed).random(
        (count, len(limits))
    )


@pytest.mark.parametrize("problem", [BURGERS, WALLED, INVISCID, SHEAR], ids=lambda p: p.name)
def test_the_label_of_a_place_leads_back_to_it(problem):
    compiled, module = made_of(problem)
    flow = FlowMap(compiled, module)
    points = points_of(problem)
    labels = flow.labels(points)
    places = flow.at(labels)[0]
    lengths = np.array([float(c[2] - c[1]) for c in problem.domain])
    off = places - points[:, :-1]
    off -= np.round(off / lengths) * lengths if problem.conditions[-1].__class__ is Periodic else 0
    assert flow.crossing is None and np.abs(off).max() < 1e-11
    low = np.array([float(c[1]) for c in problem.domain])
    assert (labels[:, :-1] >= low - 1e-12).all() and (labels[:, :-1] <= low + lengths + 1e-12).all()


def test_places_where_neighbours_are_crowded_are_found():
    compiled, module = of_formulas(
        BURGERS, {"u": sin(x), "D_x": 0.9999 * sin(x) * t - 3 * t}
    )  # J falls to 1e-4
    flow = FlowMap(compiled, module)
    points = points_of(BURGERS, 500)
    points[:, 1] = 1.0
    labels = flow.labels(points)
    off = flow.at(labels)[0][:, 0] - points[:, 0]
    assert np.abs(np.sin(0.5 * off)).max() < 1e-12


def test_a_cell_that_turns_and_strains_is_followed_back():
    # X = 2 atan(exp(s) tan(xi/2)) strains along both axes at once: grad X reaches exp(3) in the corners.
    from sympy import atan, tan

    path = {s: 2 * atan(exp(k * 1.5 * t) * tan(s / 2)) - s for s, k in ((x, 1), (y, -1))}
    compiled, module = of_formulas(CELL, {"u": sin(x), "D_x": path[x], "D_y": path[y]})
    flow = FlowMap(compiled, module)
    inner = points_of(CELL, 300) * [0.98, 0.98, 1] + [0.03, 0.03, 0]
    labels = flow.labels(inner)
    exact = [
        2 * np.arctan(np.exp(-k * 1.5 * inner[:, 2]) * np.tan(inner[:, i] / 2)) for i, k in ((0, 1), (1, -1))
    ]
    np.testing.assert_allclose(labels[:, :2], np.stack(exact, axis=1), atol=1e-9)


@pytest.mark.parametrize("problem", [BURGERS, INVISCID, SHEAR, CELL], ids=lambda p: p.name)
def test_derivatives_by_place_agree_with_finite_differences(problem):
    compiled, module = made_of(problem)
    readout = read_out(compiled, module)
    field = compiled.transformed.declared.fields[0]
    applied = u(*field.arguments)
    shrunk = points_of(problem, 40, seed=1)
    middle = shrunk.mean(axis=0)
    points = middle + 0.8 * (shrunk - middle)

    def value(expression, at):
        unknowns, network = module.unknowns.values(), readout.network
        return readout.compiled.evaluate({"": expression}, at, network, unknowns, "cpu")[""]

    step = 1e-5
    for i, symbol in enumerate(field.arguments):
        ahead, behind = points.copy(), points.copy()
        ahead[:, i] += step
        behind[:, i] -= step
        for expression in (applied, applied.diff(x))[: 1 if problem is CELL else 2]:
            slope = (value(expression, ahead) - value(expression, behind)) / (2 * step)
            known = value(expression.diff(symbol), points)
            np.testing.assert_allclose(slope, known, atol=2e-6 * max(1, np.abs(known).max()))


def test_the_coordinates_of_an_expression_are_those_that_were_asked_for():
    compiled, module = made_of(BURGERS)
    readout = read_out(compiled, module)
    points = points_of(BURGERS, 20)
    unknowns = module.unknowns.values()
    found = readout.compiled.evaluate({"a": x * U + t, "b": U}, points, readout.network, unknowns, "cpu")
    np.testing.assert_allclose(found["a"], points[:, 0] * found["b"] + points[:, 1], rtol=1e-14)


def test_an_exact_path_leaves_no_residual_at_places():
    k = Rational(1, 2)
    damped = Problem("damped", [Eq(U.diff(t) + U * U.diff(x), -k * U)], RING, (t, 0, 1), START)
    path = sin(x) * (1 - exp(-k * t)) / k
    compiled, module = of_formulas(damped, {"u": sin(x) * exp(-k * t), "D_x": path})
    found = Solution(compiled, module, {}, {}).residuals(points_of(damped))
    assert np.abs(found["equation"]).max() < 1e-10


def test_a_wrong_path_shows_in_the_residual_at_places():
    damped = Problem("damped", [Eq(U.diff(t) + U * U.diff(x), -U / 2)], RING, (t, 0, 1), START)
    compiled, module = of_formulas(damped, {"u": sin(x) * exp(-t / 2), "D_x": t * sin(x) / 2})
    solution = Solution(compiled, module, {}, {})
    assert np.abs(solution.residuals(points_of(damped))["equation"]).max() > 0.05


def test_from_the_crossing_on_there_are_no_values_and_a_warning():
    compiled, module = of_formulas(BURGERS, {"u": sin(x), "D_x": 1.25 * t * sin(x)})
    solution = Solution(compiled, module, {}, {})
    times = np.array([0.5, 0.79, 0.81, 1.0])
    assert np.isfinite(solution(x=1.0, t=times)["u"]).tolist() == [True, True, False, False]
    assert len(solution.notes) == 1 and "t = 0.8" in solution.notes[0]
    equations, conditions = solution.audit()
    assert np.isfinite([*equations.values(), *conditions.values()]).all()


def test_single_precision_serves():
    compiled, module = made_of(BURGERS, precision="float32")
    values = Solution(compiled, module, {}, {}).evaluate(points_of(BURGERS))["u"]
    assert np.isfinite(values).all()


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    problem = Problem(
        "wave",
        [Eq(U.diff(t) + 50 * U.diff(x), U.diff(x, 2) / 100)],
        RING,
        (t, 0, 1),
        START,
        reference={u: sin(x - 50 * t) * exp(-t / 100)},
    )
    return solve(problem, settings=small(steps=15), out=tmp_path_factory.mktemp("runs") / "wave", quiet=True)


def test_a_wave_that_turns_eight_times_is_solved_in_a_few_steps(solved):
    assert solved.result["choices"]["frame"]["value"] == "lagrangian"
    assert solved.relative_l2["u"] < 1e-4
    assert solved.history["relative_l2:u"][-1] == pytest.approx(solved.relative_l2["u"], rel=0.5)
    assert set(solved.result["residual_rms"]) == {"equation"} and solved.result["fields"] == ["u"]


def test_slopes_and_grids_of_a_carried_solution_are_those_of_places(solved):
    xs = np.linspace(0, 2 * np.pi, 9)
    np.testing.assert_allclose(solved(U.diff(x), x=xs, t=0.5), np.cos(xs - 25) * np.exp(-0.005), atol=1e-3)
    grid = solved.to_xarray(shape={"x": 5, "t": 3})
    np.testing.assert_allclose(grid.u.sel(t=1.0), np.sin(grid.x - 50) * np.exp(-0.01), atol=1e-3)


def test_a_carried_solution_is_saved_reported_and_loaded(solved):
    loaded = Solution.load(solved.folder)
    xs = np.linspace(0, 2 * np.pi, 9)
    np.testing.assert_array_equal(loaded(x=xs, t=0.3)["u"], solved(x=xs, t=0.3)["u"])
    page = loaded.report().read_text(encoding="utf-8")
    assert "Lagrangian frame" in page and "is the label of a particle" in page
    assert loaded.checked.conditions[0].name == "u(x, 0) = sin(x)" and loaded.checked.periodic == ("x",)
