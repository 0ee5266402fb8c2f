"""The reference solvers of flows converge and agree with second routes."""

from functools import cache

import numpy as np
import pytest
from references import cavity, make_references, obstacle, pipe
from references.navier_stokes import solve_steady, still
from skfem import MeshTri
from test_references import DATA

small_obstacle = cache(lambda: obstacle.solve_obstacle(8))
BETWEEN = np.random.default_rng(0).random((2, 500))


def gaps(found, known):
    """Return the relative L2 difference by field."""
    return {k: float(np.linalg.norm(found[k] - known[k]) / np.linalg.norm(known[k])) for k in "uvp"}


@pytest.mark.parametrize("order", [2, 3])
def test_finite_elements_are_exact_for_the_flow_between_plates(order):
    # u = y (1 - y), p = 2 nu (1 - x): then nu u_x = 0 = p at the outlet x = 1
    axis = np.linspace(0, 1, 4)
    mesh = MeshTri.init_tensor(axis, axis).with_boundaries(
        {"inlet": lambda x: x[0] < 1e-9, "wall": lambda x: abs(x[1] - 0.5) > 0.5 - 1e-9}
    )
    flow = solve_steady(mesh, 0.1, {"inlet": lambda x, y: (y * (1 - y), 0 * y), "wall": still}, order)
    x, y = BETWEEN
    found = flow.at(x, y)
    np.testing.assert_allclose(found["u"], y * (1 - y), atol=1e-11)
    np.testing.assert_allclose(found["v"], 0, atol=1e-11)
    np.testing.assert_allclose(found["p"], 0.2 * (1 - x), atol=1e-11)


def test_finite_elements_solve_a_flow_with_advection():
    # Kovasznay 1948: the wake of a grid, an exact solution of the whole equations
    nu = 0.1
    rate = 1 / (2 * nu) - np.sqrt(1 / (4 * nu**2) + 4 * np.pi**2)

    def exact(x, y):
        wave, grown = 2 * np.pi * y, np.exp(rate * x)
        return 1 - grown * np.cos(wave), rate / (2 * np.pi) * grown * np.sin(wave)

    errors = []
    for n in (6, 12):
        axis = np.linspace(0, 1, n + 1)
        mesh = MeshTri.init_tensor(axis, axis).with_boundaries({"all": lambda x: x[0] > -1})
        found = solve_steady(mesh, nu, {"all": exact}, 3).at(*BETWEEN)
        u, v = exact(*BETWEEN)
        errors.append(np.linalg.norm(found["u"] - u) + np.linalg.norm(found["v"] - v))
    assert 11 < errors[0] / errors[1] < 24  # order 4
    assert errors[1] < 2e-3 * np.linalg.norm(u)


def test_the_table_of_the_cavity_has_converged():
    table = np.load(DATA / "cavity.npz")
    points = np.meshgrid(table["x"], table["y"], indexing="ij")
    coarse = cavity.solve_cavity(12).at(*(p.ravel() for p in points))
    found = gaps(coarse, {k: table[k].ravel() for k in "uvp"})  # its mesh is 2.7 times as fine
    assert found["u"] < 2e-3 and found["v"] < 2e-3 and found["p"] < 2e-2


def test_the_table_of_the_obstacle_has_converged():
    table = np.load(DATA / "obstacle_flow.npz")
    found = gaps(small_obstacle().at(table["x"], table["y"]), table)  # half as fine
    assert found["u"] < 5e-4 and found["v"] < 3e-3 and found["p"] < 2e-3


def test_the_obstacle_has_the_published_difference_of_pressures():
    # Schaefer and Turek 1996 give 0.1172 to 0.1176 Pa between its front and its back; 0.04 Pa is our unit.
    p = small_obstacle().at(np.array([1.5, 2.5]), np.array([2.0, 2.0]))["p"]
    assert 0.1170 < 0.04 * (p[0] - p[1]) < 0.1176


def test_the_table_of_the_wavy_channel_has_converged():
    table = np.load(DATA / "wavy_channel.npz")
    x, eta = np.meshgrid(table["x"], table["eta"], indexing="ij")
    coarse = pipe.solve_pipe(10).at(x.ravel(), (eta * pipe.half_width(x)).ravel())  # half as fine
    found = gaps(coarse, {k: table[k].ravel() for k in "uvp"})
    assert found["u"] < 1e-3 and found["v"] < 1e-2 and found["p"] < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", make_references.SLOW_TABLES)
def test_a_slow_table_is_what_its_solver_gives(name):
    with np.load(DATA / f"{name}.npz") as stored:
        fresh = make_references.SLOW_TABLES[name]()
        assert set(stored.files) == set(fresh)
        for key, values in fresh.items():
            np.testing.assert_allclose(stored[key], values, rtol=0, atol=1e-8)
    assert (DATA / f"{name}.npz").stat().st_size < 300_000


@pytest.mark.slow
def test_finer_meshes_change_the_tables_by_what_the_problem_files_say():
    table = np.load(DATA / "cavity.npz")
    points = [p.ravel() for p in np.meshgrid(table["x"], table["y"], indexing="ij")]
    found = gaps(cavity.solve_cavity(36).at(*points), {k: table[k].ravel() for k in "uvp"})
    assert found["u"] < 1e-5 and found["v"] < 1e-5 and found["p"] < 5e-4
    table = np.load(DATA / "obstacle_flow.npz")
    found = gaps(obstacle.solve_obstacle(20).at(table["x"], table["y"]), table)
    assert found["u"] < 2e-4 and found["v"] < 2e-4 and found["p"] < 2e-4
    table = np.load(DATA / "wavy_channel.npz")
    x, eta = np.meshgrid(table["x"], table["eta"], indexing="ij")
    finer = pipe.solve_pipe(24).at(x.ravel(), (eta * pipe.half_width(x)).ravel())
    found = gaps(finer, {k: table[k].ravel() for k in "uvp"})
    assert found["u"] < 1e-4 and found["v"] < 1e-3 and found["p"] < 1e-4
