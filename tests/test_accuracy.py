"""Problems trained to an accuracy by the automatic choices: a budget in steps, and a bound about three times the
worst that was measured on several seeds."""

from pathlib import Path

import pytest

from pinnsolver import load_problem, solve

PROBLEMS = Path(__file__).parents[1] / "problems"

# name: (steps, bound on every field's relative L2 error)
BUDGETS = {}


@pytest.mark.slow
@pytest.mark.parametrize("name", BUDGETS)
def test_the_automatic_choices_reach_the_bound(name):
    steps, bound = BUDGETS[name]
    solution = solve(load_problem(PROBLEMS / f"{name}.py"), steps=steps, seed=1, quiet=True)
    for field, error in solution.relative_l2.items():
        assert error < bound, (field, error)


@pytest.mark.slow
def test_the_unknown_coefficient_is_found():
    solution = solve(load_problem(PROBLEMS / "inverse_diffusion.py"), steps=1500, seed=1, quiet=True)
    assert solution.unknowns["D"] == pytest.approx(0.15, rel=0.05)
