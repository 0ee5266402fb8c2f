"""Shapes hold numbers that make sense, and refuse the rest at once."""

import numpy as np
import pytest
from sympy import Tuple, pi, sqrt, symbols

from pinnsolver.declare import Ball, Cuboid, Disk, Ellipse, Interval, Polygon, Rectangle
from pinnsolver.errors import DeclarationError

x, y, z = symbols("x y z")
XY = (x, y)


@pytest.mark.parametrize(
    ("make", "phrase"),
    [
        (lambda: Interval("x", 0, 1), "Interval got the coordinates"),
        (lambda: Interval(x, 1, 0), "runs from 1 to 0 in x"),
        (lambda: Interval(x, 0, 0), "runs from 0 to 0"),
        (lambda: Interval(x, 0, "1"), "high corner of Interval"),
        (lambda: Rectangle(x, (0, 0), (1, 1)), "got 1 coordinates"),
        (lambda: Rectangle((x, x), (0, 0), (1, 1)), "different sympy symbols"),
        (lambda: Rectangle(XY, 0, (1, 1)), "low corner of Rectangle is 0; it needs 2 numbers"),
        (lambda: Rectangle(XY, (0, 0, 0), (1, 1)), "it needs 2 numbers"),
        (lambda: Rectangle(XY, (0, None), (1, 1)), "is None"),
        (lambda: Rectangle(XY, (0, 0), (1, float("inf"))), "finite real number"),
        (lambda: Rectangle(XY, (0, x), (1, 1)), "is x"),
        (lambda: Rectangle(XY, (0, 0), (1, 1), name=3), "name=3; a name is a text"),
        (lambda: Rectangle(XY, (0, 0), (1, 1), name=""), "name=''"),
        (lambda: Disk(XY, (0, 0), 0), "radius of Disk is 0; it has to be positive"),
        (lambda: Disk(XY, (0, 0), -1), "has to be positive"),
        (lambda: Disk(XY, "00", 1), "center of Disk is '00'"),
        (lambda: Disk(XY, (0, 0), 10**400), "radius of Disk"),
        (lambda: Ball(XY, (0, 0), 1), "Ball got 2 coordinates"),
        (lambda: Cuboid((x, y, z), (0, 0, 0), (1, 1, 0)), "runs from 0 to 0 in z"),
        (lambda: Ellipse(XY, (0, 0), (1, 0)), "semiaxis of Ellipse"),
        (lambda: Ellipse(XY, (0, 0)), "pair of semiaxes"),
        (lambda: Ellipse(XY, (0, 0), (2, 1), angle="a"), "angle of Ellipse"),
        (lambda: Polygon(XY, 3), "vertex of Polygon is 3"),
        (lambda: Polygon(XY, []), "0 vertices"),
        (lambda: Polygon(XY, [(0, 0), (1, 0)]), "three or more"),
        (lambda: Polygon(XY, [(0, 0), (1, 0), (1, 0), (0, 1)]), "all different"),
        (lambda: Polygon(XY, [(0, 0), (1, 1), (1, 0), (0, 1)]), "cross"),
        (lambda: Polygon(XY, [(0, 0), (1, 0), (2, 0)]), "no area"),
        (lambda: Polygon(XY, [(0, 0), (1, 0), (1, 1e-12), (0, 1)]), "(1.0, 0.0) and (1.0, 1e-12)"),
        (lambda: Polygon(XY, [(0, 0), (1e200, 0), (0, 1e200)]), "extent of Polygon is 1e+200"),
        (lambda: Disk(XY, (0, 0), 1e-40), "radius of Disk is 1e-40"),
        (lambda: Rectangle(XY, (0, 0), (1, 1e-40)), "length of Rectangle in y is 1e-40"),
        (lambda: Disk(XY, (0, 0), 1) - 3, "joined by - with 3, which is not a shape"),
        (lambda: Disk(XY, (0, 0), 1) | Interval(x, 0, 1), "both need the same coordinates"),
        (lambda: Disk(XY, (0, 0), 1) & Disk((y, x), (0, 0), 1), "in the same order"),
    ],
)
def test_a_wrong_shape_is_refused_at_once(make, phrase):
    with pytest.raises(DeclarationError) as caught:
        make()
    assert phrase in str(caught.value) and "Write " in str(caught.value)


def test_numbers_may_be_exact_or_of_numpy():
    assert Rectangle([x, y], np.zeros(2), Tuple(pi, sqrt(2))).high == (float(pi), float(sqrt(2)))
    assert Ellipse(XY, (0, 0), 2, 1).semiaxes == (2, 1)


def test_a_small_polygon_is_a_polygon():
    assert Polygon(XY, [(0, 0), (1e-8, 0), (0, 1e-8), (0, 0)]).vertices == ((0, 0), (1e-8, 0), (0, 1e-8))


def test_bounds_enclose_the_shape():
    assert Ellipse(XY, (1, 0), (2, 1), angle=pi / 2).bounds()[1] == pytest.approx((2, 2))
    square, disk = Rectangle(XY, (0, 0), (1, 1)), Disk(XY, (1, 1), 0.5)
    assert (square | disk).bounds() == ((0, 0), (1.5, 1.5))
    assert (square & disk).bounds() == ((0.5, 0.5), (1, 1))
    assert (square - disk).bounds() == ((0, 0), (1, 1))


def test_a_shape_reads_as_it_is_written():
    hole = Disk(XY, (0.5, 0.5), 0.2, name="hole")
    assert str(Rectangle(XY, (0, 0), (1, 1)) - (hole | Ellipse(XY, (0, 0), (2, 1)))) == (
        "[0, 1] × [0, 1] - (Disk((0.5, 0.5), 0.2) “hole” | Ellipse((0, 0), (2, 1)))"
    )
