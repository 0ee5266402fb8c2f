"""Tables between their points, for pictures: splines on a grid, triangles elsewhere."""

import numpy as np
import pytest
from sympy import Eq, Function, symbols

from pinnsolver import Periodic, Problem
from pinnsolver.declare import check_problem
from pinnsolver.scoring import interpolated_table

x, y, t = symbols("x y t")
u = Function("u")
TIMES, PLACES = np.linspace(0, 1, 21), np.linspace(0, 2, 41)


def table_of(tmp_path, **arrays):
    """Return the checked problem and its table."""
    np.savez(tmp_path / "table.npz", **arrays)
    problem = Problem(
        "advection",
        [Eq(u(x, t).diff(t) + u(x, t).diff(x), 0)],
        [(x, 0, 2)],
        (t, 0, 1),
        [Eq(u(x, 0), 0), Periodic(x)],
        reference=str(tmp_path / "table.npz"),
    )
    checked = check_problem(problem)
    return checked, checked.references["u"]


def nothing(points):
    return np.zeros(len(points))


def wave(x, t):
    return np.sin(3 * x - 2 * t)


@pytest.fixture
def between():
    return np.random.default_rng(0).random((500, 2)) * [2, 1]


def test_a_table_on_a_grid_is_interpolated_to_fourth_order(tmp_path, between):
    errors = []
    for every in (2, 1):
        places, times = PLACES[::every], TIMES[::every]
        found = interpolated_table(
            *table_of(tmp_path, x=places, t=times, u=wave(places[:, None], times)), between, nothing
        )
        errors.append(np.sqrt(np.mean((found - wave(*between.T)) ** 2)))
    assert errors[1] < 1e-4 and errors[0] > 8 * errors[1]


def test_the_order_of_a_tables_points_does_not_matter(tmp_path, between):
    grid = np.stack(np.meshgrid(PLACES, TIMES, indexing="ij")).reshape(2, -1)
    mixed = grid[:, np.random.default_rng(1).permutation(grid.shape[1])]
    sorted_, shuffled = (
        interpolated_table(*table_of(tmp_path, x=p[0], t=p[1], u=wave(*p)), between, nothing)
        for p in (grid, mixed)
    )
    np.testing.assert_allclose(shuffled, sorted_, atol=1e-13)


def test_points_outside_a_table_are_not_known(tmp_path):
    inner = slice(5, -5)
    checked = table_of(tmp_path, x=PLACES[inner], t=TIMES[inner], u=wave(PLACES[inner, None], TIMES[inner]))
    found = interpolated_table(*checked, np.array([[0.0, 0.5], [1.0, 0.5]]), nothing)
    assert np.isnan(found[0]) and found[1] == pytest.approx(wave(1.0, 0.5), abs=1e-4)


def test_a_table_with_a_gap_is_interpolated_by_triangles(tmp_path, between):
    values = wave(PLACES[:, None], TIMES)
    values[3, 4] = np.nan
    table = table_of(tmp_path, x=PLACES, t=TIMES, u=values)
    found = interpolated_table(*table, between, nothing)
    assert np.nanmax(abs(found - wave(*between.T))) < 2e-2

    def close(points):  # a solution with a small and smooth error
        return wave(*points.T) + 1e-3 * points[:, 0]

    shown = close(between) - interpolated_table(*table, between, close)
    assert np.nanmax(abs(shown - 1e-3 * between[:, 0])) < 1e-12
