"""An estimate from a second run, where no classical solver gets through."""

import json

import numpy as np
import pytest
from conftest import Interrupting, small, t, x, y
from sympy import Eq, Function, cos, pi, sin, symbols

from pinnsolver import Problem, Solution, solve
from pinnsolver.declare import check_problem
from pinnsolver.second import solve_again
from pinnsolver.train import runner
from pinnsolver.verify import SecondRun
from pinnsolver.verify.estimate import disagreement, estimate_error

U = Function("u")


def four_dimensional():
    """Return a Poisson equation with more coordinates than any grid has here."""
    at = symbols("x y z w")
    u, exact = U(*at), 1
    for c in at:
        exact = exact * cos(pi * c / 4)
    conditions = [Eq(u.subs(c, end), exact.subs(c, end)) for c in at for end in (0, 1)]
    equation = Eq(sum(u.diff(c, 2) for c in at), -(pi**2) / 4 * exact)
    return Problem("four", [equation], [(c, 0, 1) for c in at], conditions=conditions, reference={U: exact})


def rod():
    return Problem(
        "rod", [Eq(U(x, t).diff(t), U(x, t).diff(x, 2))], [(x, 0, 1)], (t, 0, 1), [Eq(U(x, 0), sin(3 * x))]
    )


def test_a_disagreement_is_shared_out_by_the_residuals():
    checked = check_problem(rod())
    told = []

    def near(error):
        def evaluate(points, wanted):
            told.append(set(wanted))
            return {"u": np.cos(points[:, 0]) + error * np.sin(40 * points[:, 0])}

        return evaluate

    size = np.sqrt(
        np.mean(np.sin(40 * np.linspace(0, 1, 121)) ** 2) / np.mean(np.cos(np.linspace(0, 1, 121)) ** 2)
    )
    for share in (0.5, 0.01, 1.0):
        found = disagreement(checked, near(0), SecondRun(near(1e-3), share, "seed 1"))["u"]
        assert found.value == pytest.approx(1e-3 * size * np.sqrt(share), rel=1e-2)
        assert (
            found.basis == "a second run, as no classical solver got through: seed 1"
            and found.own_error is None
        )


@pytest.mark.parametrize(("apart", "share"), [(0.5, 0.01), (0.5, 0.02), (0.5, 0.5), (1e-3, 0.0001)])
def test_residuals_share_out_no_disagreement_of_runs_that_are_both_far_off(apart, share):
    def near(error):
        return lambda points, wanted: {"u": (1 + error) * np.cos(points[:, 0])}

    found = disagreement(check_problem(rod()), near(apart), SecondRun(near(0), share, "seed 1"))["u"]
    told = max(share, 0.1) if apart * np.sqrt(share) > 0.05 else share
    assert found.value == pytest.approx(apart * np.sqrt(told), rel=1e-6)


def test_a_second_run_that_found_zero_says_nothing():
    zero = SecondRun(lambda points, wanted: {"u": np.zeros(len(points))}, 0.5, "a second run")
    found = disagreement(check_problem(rod()), lambda points, wanted: {"u": np.ones(len(points))}, zero)["u"]
    assert found.value is None and "zero" in found.basis


def test_classical_solvers_come_first():
    checked = check_problem(
        Problem(
            "p",
            [Eq(U(x, y).diff(x, 2) + U(x, y).diff(y, 2), 1)],
            [(x, 0, 1), (y, 0, 1)],
            conditions=[Eq(U(0, y), 0), Eq(U(1, y), 0), Eq(U(x, 0), 0), Eq(U(x, 1), 0)],
        )
    )

    def never(seconds):
        raise AssertionError

    found = estimate_error(
        checked, lambda points, wanted: {n: points[:, 0] * 0 + 0.1 for n in wanted}, {}, 10.0, never
    )
    assert found.method == "classical"


def test_where_there_are_too_many_coordinates_a_second_run_tells_the_error(tmp_path):
    folder = tmp_path / "run"
    first = solve(four_dimensional(), settings=small(), steps=25, out=folder, quiet=True)
    run = first.verify(8)
    true, told = first.relative_l2["u"], run.result["error_estimate"]["u"]
    assert true / 5 < told["value"] < 5 * true
    assert ": seed 1" in told["basis"] and "reference_l2" not in run.result
    assert run.result["verified_against"]["method"] == "second run"
    assert not [w for w in run.result["warnings"] if "estimate" in w]
    page = run.report().read_text()
    assert "by what a second run has otherwise" in page and "classical solver's answer" not in page
    assert json.loads((folder / "result.json").read_text())["error_estimate"]["u"] == told
    np.testing.assert_array_equal(
        *(s.evaluate(np.full((1, 4), 0.3))["u"] for s in (first, Solution.load(folder)))
    )


def test_the_second_run_is_another_one_by_the_same_methods():
    run = solve(rod(), settings=small(), steps=5, quiet=True)
    compiled, trained = solve_again(run.compiled.transformed, 0.5)
    first, second = run.compiled.transformed.settings, compiled.transformed.settings
    assert (second.seed, second.network.width, second.points.interior) == (1, 15, 240)
    assert trained.module.size > run.module.size and trained.steps >= 1
    assert second.optimizer == first.optimizer and second.network.activation == first.network.activation


def test_windows_are_solved_again_as_windows():
    problem = Problem("decay", [Eq(U(t).diff(t), -U(t))], [], (t, 0, 4), [Eq(U(0), 1)])
    run = solve(problem, settings=small(windows=3), steps=60, quiet=True)
    second = run.second_run(1.0)
    assert second.evaluate(np.array([[3.9]]))["u"] == pytest.approx(np.exp(-3.9), abs=0.1)


def test_an_interrupted_second_run_interrupts(monkeypatch):
    run = solve(rod(), settings=small(), steps=5, quiet=True)
    monkeypatch.setattr(runner, "Quiet", lambda: Interrupting(2))
    with pytest.raises(KeyboardInterrupt):
        solve_again(run.compiled.transformed, 30)


def test_one_that_comes_to_nothing_leaves_no_estimate(monkeypatch):
    run = solve(four_dimensional(), settings=small(), steps=3, quiet=True)
    found = estimate_error(run.checked, run.evaluate, {}, 1.0, lambda seconds: None)
    assert found.method == "none" and found.fields["u"].value is None
    assert any("came to nothing" in note for note in found.notes)


def test_what_is_too_large_for_a_second_run_has_none():
    given = small(**{"optimizer.second": "broyden", "network.width": 100})
    run = solve(rod(), settings=given, steps=2, quiet=True)
    assert solve_again(run.compiled.transformed, 1.0) is None


def test_a_constant_of_which_nothing_is_said_is_no_error():
    conditions = [Eq(U(x).diff(x).subs(x, e), 0) for e in (0, 1)]
    checked = check_problem(
        Problem("free", [Eq(U(x).diff(x, 2), cos(pi * x))], [(x, 0, 1)], conditions=conditions)
    )
    one, two = (lambda points, wanted, c=c: {"u": np.cos(3 * points[:, 0]) + c} for c in (0, 3))
    assert disagreement(checked, one, SecondRun(two, 0.5, "seed 1"))["u"].value < 1e-12
