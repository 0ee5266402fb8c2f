"""The zero state of an eigenvalue problem: refused where nothing excludes it, named where training falls into it."""

import pytest
import torch
from conftest import small
from sympy import Eq, Function, Integral, symbols

from pinnsolver import Problem, Unknown, solve
from pinnsolver.declare import check_problem, norm_conditions
from pinnsolver.errors import DeclarationError

x = symbols("x")
psi = Function("psi")
E = Unknown("E", start=8, low=0)
NORM = Eq(Integral(psi(x) ** 2, (x, 0, 1)), 1)


def well(*conditions, right=0):
    return Problem(
        "well",
        [Eq(-psi(x).diff(x, 2), E * psi(x) + right)],
        [(x, 0, 1)],
        conditions=[Eq(psi(0), 0), Eq(psi(1), 0), *conditions],
    )


def test_an_eigenvalue_problem_without_a_size_is_refused_with_the_condition_to_add():
    with pytest.raises(DeclarationError) as caught:
        check_problem(well())
    assert "psi = 0 solves every equation" in str(caught.value)
    assert "Eq(Integral(psi(x)**2, (x, 0, 1)), 1)" in str(caught.value)


def test_orthogonality_alone_does_not_exclude_zero():
    with pytest.raises(DeclarationError, match="whatever E may be"):
        check_problem(well(Eq(Integral(psi(x) * x, (x, 0, 1)), 0)))


@pytest.mark.parametrize(
    "problem", [well(NORM), well(Eq(psi(0.5), 1)), well(right=1)], ids=["norm", "value", "source"]
)
def test_what_zero_does_not_solve_is_accepted(problem):
    assert check_problem(problem).unknowns == (E,)


def test_the_norm_is_known_with_what_zero_leaves_in_it():
    mean = Eq(Integral(psi(x), (x, 0, 1)), 1)
    assert list(norm_conditions(check_problem(well(NORM, mean))).values()) == [1.0]


def test_a_state_at_zero_is_named_and_one_of_size_is_not():
    solution = solve(well(NORM), steps=150, settings=small(), quiet=True)
    assert solution.result["warnings"] == []
    with torch.no_grad():
        for parameter in solution.module.network.output_parameters():
            parameter.zero_()
    (note,) = solution.notes
    assert note.startswith("Zero state: psi fell to zero") and "E means nothing" in note


def test_a_run_that_ends_at_zero_says_so_in_its_result():
    lost = solve(
        well(NORM),
        steps=100,
        settings=small(**{"weights": {"Integral(psi(x)**2, (x, 0, 1)) = 1": 1e-9}}),
        quiet=True,
    )
    (warning,) = lost.result["warnings"]
    assert warning.startswith("Zero state: psi")
