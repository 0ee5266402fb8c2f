"""Level functions vanish on outlines, are negative inside, and boundaries leave out what is swallowed."""

import numpy as np
import pytest
from sympy import pi, symbols

from pinnsolver.declare import Ball, Cuboid, Disk, Ellipse, Interval, Polygon, Rectangle
from pinnsolver.declare.levels import boundary_points, level, outline

x, y, z = symbols("x y z")
SHAPES = [
    (Interval(x, -1, 2), [0], [3]),
    (Rectangle((x, y), (0, 0), (2, 1)), [1, 0.5], [1, 1.5]),
    (Cuboid((x, y, z), (0, 0, 0), (1, 2, 3)), [0.5, 1, 2], [0.5, 1, 4]),
    (Disk((x, y), (1, 1), 0.5), [1.2, 1.2], [1.5, 1.5]),
    (Ball((x, y, z), (0, 0, 1), 2), [0, 1, 1], [2, 2, 2]),
    (Ellipse((x, y), (1, 0), (2, 1), angle=pi / 2), [1, 1.5], [2.5, 0]),
    (Polygon((x, y), [(0, 0), (2, 0), (2, 2), (1, 0.5), (0, 2)]), [1, 0.25], [1, 1]),
]


@pytest.mark.parametrize(("shape", "inside", "outside"), SHAPES, ids=lambda v: type(v).__name__)
def test_levels_vanish_on_the_outline(shape, inside, outside):
    rng = np.random.default_rng(0)
    assert np.abs(level(shape, outline(shape, 200, rng))).max() < 1e-12
    assert (
        level(shape, np.array([inside], dtype=float))[0]
        < 0
        < level(shape, np.array([outside], dtype=float))[0]
    )


def test_a_level_is_the_distance_to_a_disk():
    assert level(Disk((x, y), (0, 0), 1), np.array([[3.0, 4.0]]))[0] == 4


def test_joined_shapes_join_their_levels():
    square, hole = Rectangle((x, y), (0, 0), (1, 1)), Disk((x, y), (0.5, 0.5), 0.2)
    points = np.array([[0.5, 0.5], [0.1, 0.1], [2, 2]])
    assert (level(square - hole, points) < 0).tolist() == [False, True, False]
    assert (level(square & hole, points) < 0).tolist() == [True, False, False]
    assert (level(hole | square, points) < 0).tolist() == [True, True, False]


def test_the_boundary_of_a_union_leaves_out_what_is_inside():
    left, right = Rectangle((x, y), (0, 0), (1, 1)), Rectangle((x, y), (0.5, 0.25), (2, 0.75), name="arm")
    points = boundary_points(left | right, 2000, np.random.default_rng(0))
    assert len(points) > 1000 and (level(left, points) > -1e-9).all()
    arm = boundary_points(left | right, 2000, np.random.default_rng(0), "arm")
    assert arm[:, 0].min() >= 1 - 1e-9
