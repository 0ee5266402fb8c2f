"""The reference solvers converge, agree with each other, and the files in problems/data are theirs."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from references import fem, harmonic, inverse_data, make_references
from references.allen_cahn_spectral import solve_allen_cahn
from references.burgers_spectral import solve_burgers
from scipy.optimize import least_squares
from scipy.spatial import cKDTree

from pinnsolver.declare import load_problem

PROBLEMS = Path(__file__).parents[1] / "problems"
DATA = PROBLEMS / "data"

lshape, holes = cache(harmonic.solve_lshape), cache(harmonic.solve_holes)
fem_lshape, fem_holes = cache(fem.solve_lshape), cache(fem.solve_holes)


def callables(name):
    """Return the callables of a problem file's reference."""
    return list(load_problem(PROBLEMS / f"{name}.py").reference.values())


def gap_of_levels(coarse, fine):
    """Return the relative L2 difference of two finite element levels at the nodes that they share."""
    distance, nearest = cKDTree(fine.basis.doflocs.T).query(coarse.basis.doflocs.T)
    shared = distance < 1e-12  # the corners of triangles; midpoints of a graded mesh need not return
    assert shared.mean() > 0.2
    expected = fine.values[nearest[shared]]
    return np.linalg.norm(coarse.values[shared] - expected) / np.linalg.norm(expected)


# ------------------------------------------------------------------------------- series of functions


def test_series_on_the_lshape_keeps_its_boundary_values():
    assert lshape().bound < 1e-9


def test_series_on_the_square_with_holes_keeps_its_boundary_values():
    assert holes().bound < 1e-12


def test_series_converges_on_the_lshape_within_its_bound():
    z = np.array([-0.5 - 0.5j, -0.01 - 0.02j, 0.9 - 0.9j, -0.1 + 0.9j])
    rough = harmonic.solve_lshape(40, 30)
    assert abs(rough.evaluate(z) - lshape().evaluate(z)).max() < rough.bound + lshape().bound < 1e-6


def test_series_converges_on_the_square_with_holes_within_its_bound():
    z = np.array([0, 0.2 + 0.2j, -0.45 + 0.1j, 0.41 - 0.3j])
    rough = harmonic.solve_holes(14, 80)
    assert abs(rough.evaluate(z) - holes().evaluate(z)).max() < rough.bound + holes().bound < 1e-9


def test_series_is_harmonic():
    z, h = np.array([-0.1 - 0.35j, -0.4 - 0.1j, 0.05 - 0.2j]), 3e-4
    for solution, laplacian in ((lshape(), -1), (holes(), 0)):
        around = sum(solution.evaluate(z + h * d) for d in (1, -1, 1j, -1j))
        np.testing.assert_allclose((around - 4 * solution.evaluate(z)) / h**2, laplacian, atol=1e-4)


# ----------------------------------------------------------------------------------- finite elements


def test_finite_elements_confirm_the_series_on_the_lshape():
    assert fem_lshape(32).relative_l2(lshape().evaluate) < 6e-5
    assert fem_lshape(16).relative_l2(lshape().evaluate) > 5 * fem_lshape(32).relative_l2(lshape().evaluate)


def test_finite_elements_confirm_the_series_on_the_square_with_holes():
    coarse, fine = (fem_holes(n).relative_l2(holes().evaluate) for n in (12, 24))
    assert fine < 1.2e-5
    assert 7 < coarse / fine < 9  # order 3


def test_finite_elements_converge_on_the_square_with_holes():
    assert gap_of_levels(fem_holes(12), fem_holes(24)) < 2e-4


def test_finite_elements_reach_the_known_energy_of_the_lshape():
    # The squared energy norm, which equals the integral of u, is 0.2140758 in papers on adaptive meshes.
    assert abs(fem_lshape(32).integral() - 0.2140758) < 3e-6


@pytest.mark.slow
def test_finite_elements_converge_on_the_lshape():
    assert gap_of_levels(fem_lshape(32), fem_lshape(64)) < 1e-4
    assert fem_lshape(64).relative_l2(lshape().evaluate) < 1e-5
    assert abs(fem_lshape(96).integral() - 0.2140758) < 2e-7


# ------------------------------------------------------------------------------- callables and files


def test_a_spectral_method_confirms_cole_and_hopf():
    (cole_hopf,) = callables("burgers")
    times = np.array([0.2, 0.4, 0.6, 1.0])
    x, values = solve_burgers(times)
    assert abs(values - cole_hopf(x[None, :], times[:, None])).max() < 1e-7


def test_cole_and_hopf_reproduce_the_published_slope_of_the_shock():
    # Basdevant et al. 1986: |u_x| at x = 0 peaks at 152.00516 when t = 1.6037 / pi.
    (cole_hopf,) = callables("burgers")
    h = 1e-5
    assert abs(cole_hopf(-h, 1.6037 / np.pi) / h - 152.00516) < 0.01


def test_the_orbit_of_lotka_and_volterra_closes():
    prey, predators = callables("lotka_volterra")
    t = np.linspace(0, 10, 1001)
    u, v = prey(t), predators(t)
    invariant = u - np.log(u) + 4 / 3 * v - 2 / 3 * np.log(v)
    assert np.ptp(invariant) < 1e-11
    assert prey(t[:, None]).shape == (1001, 1)


@pytest.mark.parametrize("name", make_references.TABLES)
def test_a_table_is_what_its_solver_gives(name):
    with np.load(DATA / f"{name}.npz") as stored:
        fresh = make_references.TABLES[name]()
        assert set(stored.files) == set(fresh)
        for key, values in fresh.items():
            np.testing.assert_allclose(stored[key], values, rtol=0, atol=1e-9)
    assert (DATA / f"{name}.npz").stat().st_size < 300_000


def test_the_measurements_are_what_their_generator_gives():
    stored = np.loadtxt(DATA / "inverse_diffusion.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(stored, inverse_data.make_measurements(), rtol=0, atol=1e-12)


def test_the_measurements_determine_the_coefficient():
    x, t, u = inverse_data.make_measurements().T
    best = least_squares(lambda d: inverse_data.field(x, t, d[0]) - u, [1.0]).x[0]
    assert abs(best - inverse_data.D) < 0.005 * inverse_data.D


# ------------------------------------------------------------------------------------- Allen-Cahn


def test_the_allen_cahn_table_is_that_of_the_spectral_code_and_has_converged():
    table = np.load(DATA / "allen_cahn.npz")
    rows = slice(None, None, 10)
    for modes, step, bound in ((4096, 1e-3, 1e-7), (8192, 1e-3, 1e-11)):
        x, u = solve_allen_cahn(table["t"][rows], modes, step)
        thin = u[:, :: modes // 256].T
        np.testing.assert_allclose(x[:: modes // 256], table["x"][:-1], atol=1e-15)
        gap = np.linalg.norm(thin - table["u"][:-1, rows]) / np.linalg.norm(thin)
        assert gap < bound
    np.testing.assert_allclose(table["u"][-1], table["u"][0])
