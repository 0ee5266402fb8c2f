"""The reference solvers of orbits and waves converge and agree with second routes."""

import numpy as np
import pytest
from references import ks, turbulence
from references.etdrk4 import march, solve_on_ring
from references.lorenz_series import solve_lorenz
from sympy import lambdify, symbols
from test_references import DATA, PROBLEMS, callables

from pinnsolver.declare import check_problem, load_problem


def relative(found, known):
    return np.linalg.norm(found - known) / np.linalg.norm(known)


def test_the_exponential_scheme_is_of_fourth_order():
    # v' = -v + v^2 is Bernoulli's equation: 1/v - 1 grows like exp(t)
    exact = 1 / (1 + np.e)
    errors = [
        abs(march(np.array([-1.0]), np.square, np.array([0.5]), np.array([1.0]), h)[0, 0] - exact)
        for h in (0.1, 0.05)
    ]
    assert 13 < errors[0] / errors[1] < 19


def test_the_exponential_scheme_is_exact_for_what_is_linear():
    x, u = solve_on_ring(np.sin, (0, 2 * np.pi), 0, (0.3, -0.2), np.array([1.0]), 16, 0.5)
    np.testing.assert_allclose(u[0], np.exp(-0.3 - 0.2) * np.sin(x), atol=1e-14)


def test_taylor_series_confirm_the_orbit_of_lorenz():
    t = np.arange(0.5, 20.25, 0.5)
    series = solve_lorenz(t)
    orbit = np.stack([f(t) for f in callables("lorenz")], axis=1)
    assert relative(orbit, series) < 1e-8
    assert abs(solve_lorenz(t[-1:], 30, 0.01) - series[-1]).max() < 1e-11


def test_a_spectral_method_confirms_cole_and_hopf_for_the_moving_wave():
    (cole_hopf,) = callables("burgers_moving")
    times = np.array([0.3, 0.7, 1.0])
    y, v = solve_on_ring(np.sin, (0, 2 * np.pi), 1, (0.01,), times, 1024, 1e-3)
    x = y + 10 * times[:, None]
    assert abs(10 + v - cole_hopf(x, times[:, None])).max() < 1e-9


def test_a_spectral_method_confirms_the_characteristics_while_they_are_far_from_crossing():
    (characteristics,) = callables("burgers_inviscid")
    y, v = solve_on_ring(np.sin, (0, 2 * np.pi), 1, (0,), np.array([0.5]), 256, 1e-3)
    assert abs(10 + v[0] - characteristics(y + 5, 0.5)).max() < 1e-9


@pytest.mark.parametrize(
    ("name", "solve", "rows", "bound"),
    [  # about twice what was measured; the tables have twice the modes and a half or a quarter of the step
        ("ks_regular", ks.solve_regular, [25, 50], 1e-7),
        ("ks_onset", ks.solve_onset, [25, 50], 1e-6),
        ("ks_chaotic", ks.solve_chaotic, [25, 50], 2e-5),
    ],
)
def test_the_tables_of_kuramoto_and_sivashinsky_have_converged(name, solve, rows, bound):
    table = np.load(DATA / f"{name}.npz")
    _, coarse = solve(table["t"][rows], 256, 2e-4)
    assert relative(coarse.T, table["u"][:-1, rows]) < bound


def test_the_declared_state_is_the_orbits_at_half_time():
    np.testing.assert_allclose(
        np.loadtxt(ks.START, delimiter=",", skiprows=1), ks.start_series(), atol=1.1e-6
    )
    _, series = ks.solve_chaotic(np.array([0.5]))
    _, orbit = ks.solve_onset(np.array([0.5]))
    assert relative(series, orbit) < 5e-5


def test_the_waves_of_the_turbulence_are_those_of_the_problem_file():
    table = np.load(DATA / "turbulence.npz")
    x, y = np.meshgrid(table["x"], table["y"], indexing="ij")
    checked = check_problem(load_problem(PROBLEMS / "turbulence.py"))
    (initial,) = [c for c in checked.conditions if c.kind == "initial value"]
    declared = lambdify(symbols("x y"), initial.source.rhs)(x, y)
    np.testing.assert_allclose(turbulence.start_of(x, y), declared, atol=1e-12)
    np.testing.assert_allclose(table["w"][:, :, 0], declared, atol=1e-12)


def test_the_table_of_the_turbulence_has_converged():
    table = np.load(DATA / "turbulence.npz")
    _, w, psi = turbulence.solve_turbulence(table["t"][[10]], 96, 1e-2)
    assert relative(w[0, ::3, ::3], table["w"][:-1, :-1, 10]) < 1e-3  # 5e-4 with half the modes and steps
    assert relative(psi[0, ::3, ::3] - psi[0, 48, 48], table["psi"][:-1, :-1, 10]) < 1e-4


def test_a_lone_wave_of_vorticity_only_decays():
    known = turbulence.WAVES.copy()
    try:
        turbulence.WAVES[1:, 2:] = 0
        _, (w,), _ = turbulence.solve_turbulence(np.array([0.5]), 16, 0.1)
    finally:
        turbulence.WAVES[:] = known
    axis = 2 * np.pi * np.arange(16) / 16
    phase = axis[:, None] + 2 * axis
    np.testing.assert_allclose(w, np.exp(-0.025) * (1.5 * np.cos(phase) + 0.5 * np.sin(phase)), atol=1e-12)
