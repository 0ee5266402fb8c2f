"""Distances of shapes as formulas, and values on shaped boundaries built in."""

import numpy as np
import pytest
import sympy
import torch
from conftest import assert_exact_solution_fits, assert_hard_conditions_hold, compiled, is_hard
from sympy import Eq, Function, Rational, exp, log, symbols

from pinnsolver import (
    Ball,
    Cuboid,
    Disk,
    Ellipse,
    Interval,
    NormalDerivative,
    On,
    Polygon,
    Problem,
    Rectangle,
)
from pinnsolver.compile import DerivativePlan
from pinnsolver.declare.levels import boundary_points, level
from pinnsolver.train import TrainableProblem
from pinnsolver.transform.distance import tree_of

x, y, z, t = symbols("x y z t")
u, v = Function("u"), Function("v")

SHEET = Rectangle((x, y), (0, 0), (2, 1), name="sheet")
HOLE = Disk((x, y), (0.5, 0.5), 0.2, name="hole")
STEP = Polygon((x, y), [(0, 0), (0, 1), (-1, 1), (-1, -1), (1, -1), (1, 0)])
SPIRAL = [(0, 0), (6, 0), (6, 6), (1, 6), (1, 2), (4, 2), (4, 4), (3, 4), (3, 3), (2, 3)]
SPIRAL += [(2, 5), (5, 5), (5, 1), (0, 1)]
HEXAGON = [(np.cos(k * np.pi / 3), np.sin(k * np.pi / 3)) for k in range(6)]
SHAPES = {
    "interval": Interval(x, -1, 2),
    "rectangle": SHEET,
    "disk": HOLE,
    "ellipse": Ellipse((x, y), (0.3, 0.2), (2, 0.5), angle=0.4),
    "triangle": Polygon((x, y), [(0, 0), (0, 1), (1, 0)]),
    "hexagon": Polygon((x, y), HEXAGON),
    "step": STEP,
    "spiral": Polygon((x, y), SPIRAL),
    "cuboid": Cuboid((x, y, z), (0, 0, 0), (1, 2, 1)),
    "ball": Ball((x, y, z), (0, 0, 0), 1),
    "hole": SHEET - HOLE,
    "square hole": SHEET - Rectangle((x, y), (0.5, 0.25), (1, 0.75)),
    "union": SHEET | Disk((x, y), (2, 0.5), 0.3),
    "lens": SHEET & Disk((x, y), (2, 0.5), 0.8),
    "nested": SHEET
    - (HOLE | Disk((x, y), (0.7, 0.5), 0.2))
    - (Rectangle((x, y), (1.2, 0.3), (1.8, 0.6)) - Disk((x, y), (1.5, 0.45), 0.1)),
    "hollow": Cuboid((x, y, z), (0, 0, 0), (1, 1, 1)) - Ball((x, y, z), (0.5, 0.5, 0.5), 0.3),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_distance_has_the_sign_of_the_inside_and_slope_one_on_the_wall(shape):
    tree = tree_of(shape)
    distance = sympy.lambdify(shape.symbols, tree.distance, "numpy")
    low, high = (np.array(corner) for corner in shape.bounds())
    rng = np.random.default_rng(0)
    points = low + (high - low) * (1.4 * rng.random((2000, len(low))) - 0.2)
    levels = level(shape, points)
    clear = np.abs(levels) > 1e-6
    np.testing.assert_array_equal(np.sign(distance(*points[clear].T)), -np.sign(levels[clear]))
    walls = boundary_points(shape, 300, rng)
    assert np.abs(distance(*walls.T)).max() < 1e-13
    steps = 1e-6 * np.eye(len(low))
    slopes = np.stack([(distance(*(walls + h).T) - distance(*(walls - h).T)) / 2e-6 for h in steps])
    assert np.median(np.linalg.norm(slopes, axis=0)) == pytest.approx(1, abs=1e-5)
    factor = sympy.lambdify(shape.symbols, tree.factor(Rational(1, 2)), "numpy")
    assert (factor(*points[levels < -1e-6].T) > 0).all()
    assert np.abs(factor(*walls.T)).max() < 1e-10


def inside(tree, points):
    """Return a tree's level by minima and maxima, an independent route to its sign."""
    if tree.kind == "wall":
        return sympy.lambdify((x, y), tree.formula, "numpy")(*points.T)
    levels = [inside(part, points) for part in tree.parts]
    return (np.minimum if tree.kind == "and" else np.maximum).reduce(levels)


def corners_of_a_star(rng):
    angles = np.sort(rng.random(9)) * 2 * np.pi
    radii = 0.1 + rng.random(9)
    return [(float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_vertices_on_straight_edges_change_nothing(seed):
    rng = np.random.default_rng(seed)
    corners = corners_of_a_star(rng)
    more = []
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        more += [a, *(tuple(np.add(np.multiply(a, 1 - s), np.multiply(b, s))) for s in (1 / 3, 0.7))]
    assert tree_of(Polygon((x, y), more)) == tree_of(Polygon((x, y), corners))


@pytest.mark.parametrize("seed", range(6))
def test_half_planes_joined_make_up_any_polygon(seed):
    rng = np.random.default_rng(seed)
    star = Polygon((x, y), corners_of_a_star(rng))
    points = 3 * rng.random((2000, 2)) - 1.5
    levels = level(star, points)
    clear = np.abs(levels) > 1e-6
    np.testing.assert_array_equal(np.sign(inside(tree_of(star), points[clear])), -np.sign(levels[clear]))


def test_one_value_of_an_r_function_is_what_the_formula_says():
    corner = Polygon((x, y), HEXAGON) | Polygon((x, y), [(3, 0), (6, 0), (3, 4)])
    assert not tree_of(corner).is_smooth
    disks = Disk((x, y), (0, 0), 1) | Disk((x, y), (3, 0), 2)  # at (0, 0): 1/2 or (4 - 9) / 4
    expected = 0.5 - 1.25 + np.hypot(0.5, 1.25)
    assert float(tree_of(disks).distance.subs({x: 0, y: 0})) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "smooth"),
    [
        ("hole", True),
        ("lens", True),
        ("triangle", True),
        ("step", False),
        ("hexagon", False),
        ("union", False),
    ],
)
def test_corners_that_enter_the_domain_or_are_blunt_are_seen(name, smooth):
    assert tree_of(SHAPES[name]).is_smooth == smooth


def membrane(domain, *conditions, exact=None, **settings):
    """Return Poisson's equation on a shape."""
    function = u(*domain.symbols)
    laplacian = [sum(f.diff(s, 2) for s in domain.symbols) for f in (function, exact or sympy.S.One)]
    return compiled(
        Problem(
            "membrane",
            [Eq(*laplacian)],
            domain,
            conditions=conditions,
            reference={u: exact} if exact else None,
        ),
        **{"hard": True, "network__width": 8, "network__depth": 2, **settings},
    )


def heated(domain, *conditions):
    """Return an equation in time on a shape, with all built in that can be."""
    equation = Eq(u(x, y, t).diff(t), u(x, y, t).diff(x, 2))
    problem = Problem("start", [equation], domain, (t, 0, 1), conditions)
    return compiled(problem, hard=True, network__width=8, network__depth=2)


EASY = [n for n in SHAPES if n not in ("spiral", "nested")]


@pytest.mark.parametrize("name", EASY)
def test_a_value_on_the_whole_boundary_holds_for_random_weights(name):
    shape = SHAPES[name]
    exact = exp(sum(shape.symbols) / 2)
    made = membrane(shape, On(shape.boundary, Eq(u(*shape.symbols), exact)), exact=exact)
    assert all(is_hard(made).values())
    assert made.transformed.ansatz["u"].lift == exact
    assert_hard_conditions_hold(made)
    assert_exact_solution_fits(made)


def test_pieces_with_different_data_share_a_lift():
    domain = SHEET - HOLE - Disk((x, y), (1.5, 0.5), 0.3, name="other")
    data = {"sheet": 1 + x, "hole": y**2, "other": sympy.S.Zero}
    made = membrane(domain, *(On(name, Eq(u(x, y), value)) for name, value in data.items()))
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)


def test_equal_constants_make_a_constant_lift():
    made = membrane(SHEET - HOLE, On("sheet", Eq(u(x, y), 2)), On("hole", Eq(u(x, y), 2)))
    assert made.transformed.ansatz["u"].lift == 2


def test_a_piece_named_beside_the_whole_boundary_is_no_second_wall():
    domain = SHEET - HOLE
    named = membrane(domain, On(domain.boundary, Eq(u(x, y), 2)), On("hole", Eq(u(x, y), 2)))
    alone = membrane(domain, On(domain.boundary, Eq(u(x, y), 2)))
    assert all(is_hard(named).values())
    assert named.transformed.ansatz["u"] == alone.transformed.ansatz["u"]


RING = Disk((x, y), (0, 0), 2, name="outer") - Disk((x, y), (0, 0), 1, name="inner")


@pytest.mark.parametrize(
    "conditions",
    [
        [On("outer", Eq(u(x, y), log(4))), On("inner", Eq(NormalDerivative(u(x, y)), x - 2))],
        [On("outer", Eq(NormalDerivative(u(x, y)), y)), On("inner", Eq(u(x, y), x * y))],
        [On("outer", Eq(2 * NormalDerivative(u(x, y)) + x * u(x, y), 1)), On("inner", Eq(NormalDerivative(u(x, y)), 0))],
        [On(RING.boundary, Eq(NormalDerivative(u(x, y)), x))],
    ],
    ids=["value, slope", "slope, value", "Robin, slope", "slope all around"],
)  # fmt: skip
def test_slopes_on_round_walls_hold_for_random_weights_beside_values(conditions):
    made = membrane(RING, *conditions)
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)


def test_a_slope_stays_soft_unless_asked_for_since_its_equation_is_solved_later():
    made = membrane(RING, On(RING.boundary, Eq(NormalDerivative(u(x, y)), x)), hard=None)
    (enforced,) = made.transformed.enforcement.values()
    assert enforced.how == "soft" and "hard=True builds it in" in enforced.reason


def test_derivatives_of_an_ansatz_with_slopes_are_those_of_its_field():
    made = membrane(RING, On("inner", Eq(u(x, y), x)), On("outer", Eq(NormalDerivative(u(x, y)), y)))
    torch.manual_seed(1)
    module = TrainableProblem(made)
    points = torch.tensor([[1.3, 0.4], [-0.2, 1.6], [0.9, -0.9]], dtype=torch.float64)
    wanted = ((0, 0), (1, 0), (0, 2))
    found = made.derivatives_of(module.network, points, DerivativePlan.of(("u", orders) for orders in wanted))
    step = 1e-4
    right, left = (module(points + torch.tensor([s, 0.0])) for s in (step, -step))
    up, here, down = (module(points + torch.tensor([0.0, s])) for s in (step, 0, -step))
    expected = [here, (right - left) / (2 * step), (up - 2 * here + down) / step**2]
    for orders, values in zip(wanted, expected, strict=True):
        assert torch.allclose(found["u", orders], values, rtol=1e-5, atol=1e-5)


def test_a_slope_that_disagrees_with_the_start_stays_soft():
    made = heated(
        RING,
        On("outer", Eq(NormalDerivative(u(x, y, t)), 1 + t)),
        On("inner", Eq(NormalDerivative(u(x, y, t)) + u(x, y, t), t)),
        Eq(u(x, y, 0), log(x**2 + y**2)),
    )
    outer, inner, start = made.transformed.enforcement.values()
    assert (outer.how, inner.how, start.how) == ("hard", "soft", "hard")
    assert "disagree with u(x, y, 0)" in inner.reason
    assert_hard_conditions_hold(made)


def test_a_shape_in_time_holds_walls_and_start_together_by_field():
    domain = SHEET - HOLE
    exact = {u: exp(x - t), v: 1 + x * y * t}
    functions = {u: u(x, y, t), v: v(x, y, t)}
    problem = Problem(
        "two",
        [Eq(f.diff(t) - f.diff(x, 2), exact[k].diff(t) - exact[k].diff(x, 2)) for k, f in functions.items()],
        domain,
        (t, 0, 1),
        [
            On(domain.boundary, Eq(u(x, y, t), exact[u])),
            On("hole", Eq(v(x, y, t), exact[v])),
            *(Eq(f.subs(t, 0), exact[k].subs(t, 0)) for k, f in functions.items()),
        ],
        reference=exact,
    )
    made = compiled(problem, hard=True, network__width=8, network__depth=2)
    assert all(is_hard(made).values())
    assert_hard_conditions_hold(made)
    assert_exact_solution_fits(made)


BAR = Rectangle((x, y), (0, 0), (1, 1), name="bar")
END = Disk((x, y), (1, 0.5), 0.3, name="end")


@pytest.mark.parametrize(
    ("domain", "conditions", "reason"),
    [
        (BAR | END, [On("bar", Eq(u(x, y), 0))], "its boundary enters the domain"),
        (BAR & END, [On("bar", Eq(u(x, y), 0)), On("end", Eq(u(x, y), 1))], "which has other data"),
        (SHEET, [On(SHEET.boundary, Eq(u(x, y), 0), where=x < 1)], "a part of a face or boundary"),
        (SHEET, [On(SHEET.boundary, Eq(u(x, y), abs(x - 1)))], "not smooth"),
        (SHEET, [On(SHEET.boundary, Eq(u(x, y), sympy.sqrt(x)))], "singular"),
        (SHEET, [On(SHEET.boundary, Eq(NormalDerivative(u(x, y)), 1))], "corners, where it has no normal"),
        (RING, [On("inner", Eq(u(x, y), 1)), On("inner", Eq(NormalDerivative(u(x, y)), 1))], "it meets"),
        (SHEET, [On(SHEET.boundary, Eq(u(x, y) ** 2, 1))], "not linear"),
    ],
)
def test_a_condition_on_a_shape_that_cannot_be_built_in_says_why(domain, conditions, reason):
    enforced = list(membrane(domain, *conditions).transformed.enforcement.values())
    assert enforced[-1].how == "soft" and reason in enforced[-1].reason


def test_a_start_that_disagrees_with_the_walls_stays_soft():
    made = heated(HOLE, On(HOLE.boundary, Eq(u(x, y, t), 0)), Eq(u(x, y, 0), 1))
    enforced = made.transformed.enforcement.values()
    assert [e.how for e in enforced] == ["hard", "soft"]
    assert "where they meet (by up to 1)" in list(enforced)[1].reason


def test_the_factor_of_a_small_obstacle_alone_weighs_far_places_no_more_than_near_ones():
    channel = Rectangle((x, y), (0, 0), (22, 4), name="channel")
    obstacle = Disk((x, y), (2, 2), 0.5, name="obstacle")
    problem = Problem(
        "far",
        equations=[u(x, y).diff(x, 2) + u(x, y).diff(y, 2)],
        domain=channel - obstacle,
        conditions=[On("obstacle", Eq(u(x, y), 1)), On("channel", Eq(NormalDerivative(u(x, y)), 0))],
    )
    made = compiled(problem)
    ansatz = made.transformed.ansatz["u"]
    factor = ansatz.factor
    for symbol in reversed(ansatz.distances):
        factor = factor.subs(symbol, ansatz.distances[symbol])
    near, a_radius_off, far = (float(factor.subs({x: 2 + r, y: 2})) for r in (0.5001, 1, 20))
    assert near == pytest.approx(0.0001 / 0.5, rel=1e-3)  # slope 1 in units of the radius
    assert 0.5 < a_radius_off < far < 1
    assert_hard_conditions_hold(made)
