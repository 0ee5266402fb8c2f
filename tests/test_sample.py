"""Points: the fence around DeepXDE, quasi-random numbers, shapes, and the places of conditions."""

from __future__ import annotations

import subprocess
import sys
import types
from math import pi, sqrt
from time import process_time

import numpy as np
import pytest
from sympy import Eq, Function, Integral, S, exp, symbols
from sympy import pi as sympy_pi
from sympy import sqrt as root

from pinnsolver import NormalDerivative, On, Problem
from pinnsolver.declare import check_problem
from pinnsolver.declare.checked import Region
from pinnsolver.declare.shapes import Ball, Cuboid, Disk, Ellipse, Interval, Polygon, Rectangle
from pinnsolver.errors import DeclarationError, UnsupportedProblem
from pinnsolver.sample import Sampler, build_geometry, double_precision, import_deepxde, unit_points

x, y, z, t, nu = symbols("x y z t nu")
u = Function("u")
XY, XYZ = (x, y), (x, y, z)
L_VERTICES = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# -------------------------------------------------------------------------------------------- fence


def run_fresh(code: str, home: object) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter with an empty home, warnings as errors."""
    environment = {"HOME": str(home), "PATH": "", "MPLCONFIGDIR": f"{home}/matplotlib"}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_deepxde_loads_quietly_and_leaves_torch_and_the_home_alone(tmp_path):
    # The second half plays a machine with an accelerator: DeepXDE moves torch's default device to it.
    code = """
import os, torch
move = torch.set_default_device
torch.cuda.is_available = lambda: True
torch.set_default_device = lambda device: move("meta" if device == "cuda" else device)
torch.set_default_dtype(torch.float64)
os.environ["OMPI_COMM_WORLD_SIZE"] = "1"
from pinnsolver.sample import import_deepxde, unit_points
import numpy as np
module = import_deepxde()
assert module is import_deepxde() and module.backend.backend_name == "pytorch"
unit_points(100, 3, np.random.default_rng(0))
assert torch.get_default_device().type == "cpu"
assert torch.get_default_dtype() == torch.float64
assert "DDE_BACKEND" not in os.environ and os.environ["OMPI_COMM_WORLD_SIZE"] == "1"
"""
    done = run_fresh(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / ".deepxde").exists()


def test_the_room_loads_without_deepxde_and_torch(tmp_path):
    done = run_fresh(
        "import sys, pinnsolver.sample; assert not {'torch', 'deepxde'} & set(sys.modules)", tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_deepxde_on_another_backend_is_refused(monkeypatch):
    other = types.SimpleNamespace(backend=types.SimpleNamespace(backend_name="jax"))
    monkeypatch.setitem(sys.modules, "deepxde", other)
    with pytest.raises(UnsupportedProblem, match="backend jax"):
        import_deepxde()


def test_double_precision_is_put_back_also_after_an_error():
    real = import_deepxde().config.real
    before = real(np)
    with pytest.raises(KeyError), double_precision():
        assert import_deepxde().geometry.sample(4, 2, "Halton").dtype == np.float64
        raise KeyError
    assert real(np) is before is np.float32


# ------------------------------------------------------------------------------------- unit points


@pytest.mark.parametrize("dimension", [0, 1, 2, 3, 8])
def test_unit_points_lie_inside_and_differ(dimension):
    points = unit_points(700, dimension, rng())
    assert points.shape == (700, dimension) and points.dtype == np.float64
    assert ((points > 0) & (points < 1)).all()
    assert all(len(np.unique(column)) == 700 for column in points.T)


def test_unit_points_are_more_even_than_random_ones():
    points = unit_points(1024, 2, rng())
    counts, *_ = np.histogram2d(*points.T, bins=8, range=[[0, 1], [0, 1]])
    assert np.abs(counts - 16).max() <= 5  # independent points: standard deviation 4, largest of 64 about 10


def test_unit_points_follow_the_generator_alone():
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    assert np.array_equal(unit_points(50, 3, rng(1)), unit_points(50, 3, rng(1)))
    assert not np.isin(unit_points(50, 3, rng(1)), unit_points(50, 3, rng(2))).any()
    generator = rng(1)
    assert not np.isin(unit_points(50, 3, generator), unit_points(50, 3, generator)).any()
    assert np.array_equal(state, np.random.get_state()[1])


# ------------------------------------------------------------------------------------------ shapes

TURN = 0.5


def inside_ellipse(p):
    a = np.cos(TURN) * (p[:, 0] - 1) + np.sin(TURN) * p[:, 1]  # counterclockwise by TURN
    b = -np.sin(TURN) * (p[:, 0] - 1) + np.cos(TURN) * p[:, 1]
    return (a / 0.5) ** 2 + (b / 2) ** 2


def inside_l(p):
    return np.where((p[:, 0] <= 1) | (p[:, 1] <= 1), np.abs(p - 1).max(axis=1), 2.0)


def from_square(p):
    return np.abs(p).max(axis=1)


def l_shape():
    return Rectangle(XY, (0, 0), (2, 2)) - Rectangle(XY, (1, 1), (2, 2), name="notch")


def radius(p):
    return np.linalg.norm(p, axis=1)


# name: (shape, function that is 1 on its boundary and less inside or None, volume, measure of its boundary)
SHAPES = {
    "interval": (Interval(x, -1, 1), from_square, 2, None),
    "rectangle": (Rectangle(XY, (-1, -1), (1, 1)), from_square, 4, 8),
    "cuboid": (Cuboid(XYZ, (-1, -1, -1), (1, 1, 1)), from_square, 8, 24),
    "disk": (Disk(XY, (0, 0), 1), radius, pi, 2 * pi),
    "ball": (Ball(XYZ, (0, 0, 0), 1), radius, 4 / 3 * pi, 4 * pi),
    "ellipse": (Ellipse(XY, (1, 0), (0.5, 2), angle=TURN), inside_ellipse, pi, 8.578421775),
    "triangle": (
        Polygon(XY, [(0, 1), (1, 0), (0, 0)]),  # clockwise
        lambda p: 1 - np.minimum(p, 1 - p.sum(axis=1, keepdims=True)).min(axis=1),
        0.5,
        2 + sqrt(2),
    ),
    "axis-parallel polygon": (Polygon(XY, [(-1, -1), (1, -1), (1, 1), (-1, 1)]), from_square, 4, 8),
    "concave polygon": (Polygon(XY, L_VERTICES), None, 3, 8),
    "clockwise concave polygon": (Polygon(XY, L_VERTICES[::-1]), None, 3, 8),
    "L": (l_shape(), None, 3, 8),
    "holed": (
        Rectangle(XY, (-1, -1), (1, 1)) - Disk(XY, (0, 0), 0.5, name="hole"),
        None,
        4 - pi / 4,
        8 + pi,
    ),
    "union": (Rectangle(XY, (-1, -1), (1, 1)) | Rectangle(XY, (0, -1), (3, 1)), None, 8, 12),
    "lens": (
        Disk(XY, (-0.5, 0), 1) & Disk(XY, (0.5, 0), 1),
        None,
        2 * pi / 3 - sqrt(3) / 2,
        4 * pi / 3,
    ),
    "shell": (Ball(XYZ, (0, 0, 0), 1) - Ball(XYZ, (0, 0, 0), 0.8), None, 4 / 3 * pi * 0.488, 4 * pi * 1.64),
}


@pytest.mark.parametrize("name", SHAPES)
def test_contains_agrees_with_the_formula(name):
    shape, formula, volume, _ = SHAPES[name]
    geometry = build_geometry(shape)
    points = geometry.low + 1.2 * (rng().random((100_000, geometry.dimension)) - 0.1) * (
        geometry.high - geometry.low
    )
    inside = geometry.contains(points)
    box = np.prod(1.2 * (geometry.high - geometry.low))
    assert box * inside.mean() == pytest.approx(volume, rel=0.02)
    if formula is not None:
        assert np.array_equal(inside, formula(points) <= 1)


@pytest.mark.parametrize("name", SHAPES)
def test_volume_is_right_and_interior_points_fill_it(name):
    shape, _, volume, _ = SHAPES[name]
    geometry = build_geometry(shape)
    assert geometry.volume == pytest.approx(volume, rel=2e-3)
    points = geometry.interior(2000, rng())
    assert points.shape == (2000, geometry.dimension) and points.dtype == np.float64
    assert geometry.contains(points).all() and len(np.unique(points, axis=0)) == 2000
    middle = (geometry.low + geometry.high) / 2  # the share below the middle, as by independent points
    many = middle + (rng().random((100_000, geometry.dimension)) - 0.5) * (geometry.high - geometry.low)
    many = many[geometry.contains(many)]
    assert np.allclose((points < middle).mean(axis=0), (many < middle).mean(axis=0), atol=0.01)


@pytest.mark.parametrize("name", SHAPES)
def test_boundary_points_lie_on_the_boundary_with_outward_normals(name):
    shape, formula, _, measure = SHAPES[name]
    geometry = build_geometry(shape)
    points, normals = geometry.boundary(3000, rng())
    assert len(points) == (3000 if measure else 2)
    assert points.dtype == normals.dtype == np.float64
    assert np.abs(geometry.level(points)).max() < 1e-12
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-12
    assert geometry.contains(points - 1e-5 * normals).all()
    assert not geometry.contains(points + 1e-5 * normals).any()
    assert geometry.contains(points, slack=1e-9 * geometry.size).all()
    if formula is not None:
        assert np.abs(formula(points) - 1).max() < 1e-12


@pytest.mark.parametrize("name", [n for n in SHAPES if SHAPES[n][3]])
def test_boundary_points_are_uniform_by_length_and_area(name):
    # Divergence theorem: the mean of x.n over the boundary is dimension times volume over measure.
    shape, _, volume, measure = SHAPES[name]
    geometry = build_geometry(shape)
    points, normals = geometry.boundary(4000, rng())
    flux = np.einsum("ij,ij->i", points, normals).mean()
    assert flux == pytest.approx(geometry.dimension * volume / measure, rel=0.01)


def test_normals_in_a_hole_point_into_the_hole():
    geometry = build_geometry(SHAPES["holed"][0])
    points, normals = geometry.boundary(500, rng(), "hole")
    assert np.allclose(radius(points), 0.5, atol=1e-14)
    assert np.allclose(normals, -points / 0.5, atol=1e-12)


def test_an_l_of_two_rectangles_has_the_boundary_of_the_polygon():
    joined, polygon = (build_geometry(s) for s in (l_shape(), Polygon(XY, L_VERTICES)))
    for geometry, other in ((joined, polygon), (polygon, joined)):
        points, _ = geometry.boundary(4000, rng())
        assert np.abs(other.level(points)).max() < 1e-12
        edges = [
            np.isclose(points[:, axis], value) & (points[:, 1 - axis] < top)
            for axis, value, top in ((0, 0, 2), (0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 1, 2), (1, 2, 1))
        ]
        shares = np.array([edge.mean() for edge in edges])
        assert np.allclose(shares, np.array([2, 1, 1, 2, 1, 1]) / 8, atol=0.005)


def test_the_cut_off_edge_of_a_notch_is_outside_the_closed_region():
    geometry = build_geometry(l_shape())
    points = np.array([[2, 1.5], [1.5, 2], [2, 2], [2, 0.5], [1, 1], [2, 1], [0, 0], [1, 1.5]])
    assert geometry.contains(points, 1e-9).tolist() == [False] * 3 + [True] * 5


def test_an_edge_shared_by_two_shapes_is_drawn_once_or_not_at_all():
    geometry = build_geometry(SHAPES["union"][0])  # the two overlap in [0, 1] along y = -1 and y = 1
    points, _ = geometry.boundary(6000, rng())
    along = points[np.isclose(np.abs(points[:, 1]), 1)][:, 0]
    counts, _ = np.histogram(along, bins=4, range=(-1, 3))
    assert np.allclose(counts, 1000, atol=30)
    halves = build_geometry(Rectangle(XY, (0, 0), (1, 1)) | Rectangle(XY, (1, 0), (2, 1)))
    points, _ = halves.boundary(1000, rng())
    assert not np.isclose(points[:, 0], 1, atol=1e-9).any()
    assert halves.contains(np.array([[1, 0.5]])).all()


def test_slack_takes_in_what_lies_just_outside():
    for shape in (Disk(XY, (0, 0), 1), Rectangle(XY, (-1, -1), (1, 1)), SHAPES["holed"][0]):
        geometry = build_geometry(shape)
        points, normals = geometry.boundary(200, rng())
        assert geometry.contains(points + 0.9e-3 * normals, slack=1e-3).all()
        assert not geometry.contains(points + 1.1e-3 * normals, slack=1e-3).any()


def test_a_piece_that_the_others_cover_is_refused():
    covered = build_geometry(Rectangle(XY, (0, 0), (1, 1)) | Disk(XY, (0.5, 0.5), 0.2, name="hole"))
    with pytest.raises(DeclarationError, match=r'"hole".*cover it or cut it away.*\nMove or resize "hole"'):
        covered.boundary(100, rng(), "hole")
    with pytest.raises(DeclarationError, match='called "wall"'):
        covered.boundary(100, rng(), "wall")


def test_an_empty_shape_is_refused():
    apart = build_geometry(Disk(XY, (0, 0), 1) & Disk(XY, (1.9, 1.9), 1))  # their boxes overlap
    with pytest.raises(DeclarationError, match=r"is empty.*\nMove or resize"):
        apart.interior(100, rng())


def test_combined_shapes_agree_with_deepxde():
    with double_precision():
        g = import_deepxde().geometry
        square, disk = g.Rectangle([-1, -1], [1, 1]), g.Disk([0.3, 0], 0.9)
        oval = g.Ellipse([0, 0.5], 1.5, 0.4, angle=-TURN)  # DeepXDE turns clockwise
        theirs = g.CSGUnion(g.CSGDifference(square, disk), g.CSGIntersection(square, oval))
        points = 1.2 * (2 * rng().random((50_000, 2)) - 1)
        expected = theirs.inside(points)
    box = Rectangle(XY, (-1, -1), (1, 1))
    ours = (box - Disk(XY, (0.3, 0), 0.9)) | (box & Ellipse(XY, (0, 0.5), (1.5, 0.4), angle=TURN))
    assert np.array_equal(build_geometry(ours).contains(points), expected)


# ------------------------------------------------------------------------------------------- places


def sampler_of(*conditions, **declared) -> tuple[Sampler, list[Region]]:
    """Return the sampler of Laplace's equation and the regions of its conditions."""
    space = declared["domain"].symbols if not isinstance(declared["domain"], list) else ()
    space = space or [limits[0] for limits in declared["domain"]]
    arguments = [*space, *([declared["time"][0]] if "time" in declared else [])]
    field = u(*arguments)
    equation = sum(field.diff(s, 2) for s in space) + (field.diff(t) if "time" in declared else 0)
    family = sum(p[0] for p in declared.get("parameters", []))
    checked = check_problem(Problem("test", [Eq(equation, family)], conditions=list(conditions), **declared))
    return Sampler.of(checked), [c.region for c in checked.conditions]


BOX = {"domain": [(x, -1, 1), (y, 0, sympy_pi)], "time": (t, 0, 2), "parameters": [(nu, 5, 6)]}
INITIAL = Eq(u(x, y, 0), 0)


def test_interior_points_of_a_box_fill_all_coordinates():
    sampler, _ = sampler_of(INITIAL, **BOX)
    low, high = sampler.bounds
    assert low.tolist() == [-1, 0, 0, 5] and high.tolist() == [1, pi, 2, 6]
    drawn = sampler.interior(1000, rng())
    assert drawn.normals is None and drawn.points.shape == (1000, 4) and len(drawn) == 1000
    assert sampler.contains(drawn.points, slack=0).all()
    assert np.allclose(drawn.points.mean(axis=0), (low + high) / 2, atol=0.02)
    assert len(np.unique(drawn.points, axis=0)) == 1000


def test_pinned_coordinates_have_exactly_their_value():
    sampler, (start, face, edge) = sampler_of(
        INITIAL, Eq(u(x, sympy_pi, t), 0), Eq(u(S(1) / 3, 0, t), 0), **BOX
    )
    for region, pins in ((start, {2: 0.0}), (face, {1: pi}), (edge, {0: 1 / 3, 1: 0.0})):
        points = sampler.region(region, 300, rng()).points
        assert points.shape == (300, 4)
        for column in range(4):
            values = points[:, column]
            assert (values == pins[column]).all() if column in pins else len(np.unique(values)) == 300
        assert sampler.contains(points).all()


def test_a_point_is_one_point():
    sampler, (corner,) = sampler_of(Eq(u(0, 1), 0), domain=[(x, 0, 1), (y, 0, 1)])
    assert sampler.region(corner, 500, rng()).points.tolist() == [[0, 1]]


def test_coordinates_that_do_not_matter_stay_put():
    sampler, (start,) = sampler_of(INITIAL, **BOX)
    points = sampler.region(start, 100, rng(), free=["x"]).points
    assert len(np.unique(points[:, 0])) == 100 and np.allclose(points[:, 1:], [pi / 2, 0, 5.5])
    assert sampler.region(start, 100, rng(), free=[]).points.shape == (1, 4)


def test_where_narrows_a_face():
    sampler, (_, face) = sampler_of(
        INITIAL, On(Eq(u(-1, y, t), 1), where=(y > 3) & (t < root(y) - 1.5)), **BOX
    )
    points = sampler.region(face, 400, rng()).points
    assert points.shape == (400, 4) and (points[:, 0] == -1).all()
    assert ((points[:, 1] > 3) & (points[:, 2] < np.sqrt(points[:, 1]) - 1.5)).all()
    assert len(np.unique(points, axis=0)) == 400
    points = sampler.region(face, 50, rng(), free=[]).points  # what where mentions runs in any case
    assert len(np.unique(points[:, 1:3], axis=0)) == 50 and (points[:, 3] == 5.5).all()


def test_a_sliver_gives_the_few_points_that_are_found():
    region = Region(pins=(("x", S(0)),), where=y < 3e-5)
    sampler, _ = sampler_of(Eq(u(0, y), 0), domain=[(x, 0, 1), (y, 0, 1)])
    points = sampler.region(region, 200, rng()).points
    assert 1 <= len(points) < 200 and len(np.unique(points, axis=0)) == len(points)


def test_an_empty_where_is_refused_with_what_to_write():
    sampler, (_, face) = sampler_of(INITIAL, On(Eq(u(-1, y, t), 1), where=y > 4), **BOX)
    with pytest.raises(DeclarationError, match=r"where=y > 4 .*x = -1.*no points.*\nWrite a relation"):
        sampler.region(face, 100, rng())


HOLED = {"domain": Rectangle(XY, (0, 0), (1, 1)) - Disk(XY, (0.5, 0.5), 0.2, name="hole")}


def test_a_shaped_boundary_in_time_has_normals_and_runs_through_time():
    sampler, (_, hole) = sampler_of(
        INITIAL, On("hole", Eq(NormalDerivative(u(x, y, t)), 0)), **HOLED, time=(t, 0, 3)
    )
    drawn = sampler.region(hole, 800, rng())
    assert drawn.points.shape == (800, 3) and drawn.normals.shape == (800, 2)
    away = (drawn.points[:, :2] - 0.5) / 0.2
    assert np.allclose(drawn.normals, -away, atol=1e-12)
    angle, time = np.arctan2(away[:, 1], away[:, 0]), drawn.points[:, 2]
    counts, *_ = np.histogram2d(angle, time, bins=4)
    assert np.abs(counts - 50).max() < 12  # time and place are independent
    held = sampler.region(hole, 50, rng(), free=["x", "y"])
    assert (held.points[:, 2] == 1.5).all() and len(held) == 50


def test_where_narrows_a_shaped_boundary_and_time_can_be_pinned_on_it():
    sampler, (_, wall, hole) = sampler_of(
        INITIAL,
        On(HOLED["domain"].boundary, Eq(u(x, y, t), 0), where=(x < exp(-1)) & (t > 1)),
        On("hole", Eq(u(x, y, 3), 1)),
        **HOLED,
        time=(t, 0, 3),
    )
    drawn = sampler.region(wall, 500, rng())
    assert len(drawn) == len(drawn.normals) == 500
    assert (drawn.points[:, 0] < np.exp(-1)).all() and (drawn.points[:, 2] > 1).all()
    assert np.allclose(np.linalg.norm(drawn.normals, axis=1), 1)
    pinned = sampler.region(hole, 100, rng()).points
    assert (pinned[:, 2] == 3).all() and np.allclose(radius(pinned[:, :2] - 0.5), 0.2)
    with pytest.raises(DeclarationError, match="no points"):
        sampler.region(Region(boundary="hole", where=x > 0.8), 10, rng())
    with pytest.raises(DeclarationError, match="pins x on a shaped boundary"):
        sampler.region(Region(boundary="hole", pins=(("x", S(0)),)), 10, rng())


def test_lines_and_points_in_a_shape_stay_inside_it():
    sampler, (start, line) = sampler_of(INITIAL, Eq(u(x, S.Half, t), 0), **HOLED, time=(t, 0, 3))
    points = sampler.region(start, 500, rng()).points
    assert sampler.contains(points).all() and (points[:, 2] == 0).all()
    points = sampler.region(line, 500, rng()).points
    assert len(points) == 500 and (points[:, 1] == 0.5).all()
    assert (np.abs(points[:, 0] - 0.5) >= 0.2 - 1e-8).all()
    flat = Region(pins=(("x", S(1)),))  # an edge of the rectangle
    assert (sampler.region(flat, 100, rng()).points[:, 0] == 1).all()
    for pins in ((("x", S.Half), ("y", S.Half)), (("x", S(7) / 5),)):
        with pytest.raises(DeclarationError, match=r"no points: the shape .*\nPin"):
            sampler.region(Region(pins=pins), 100, rng())


def test_a_line_along_a_notch_leaves_out_the_cut_off_edge():
    sampler, (edge,) = sampler_of(Eq(u(2, y), 0), domain=l_shape())
    points = sampler.region(edge, 300, rng()).points
    assert len(points) == 300 and points[:, 1].max() < 1.001 and points[:, 1].max() > 0.95


def test_the_boundary_of_an_interval_is_its_ends():
    domain = Interval(x, 0, 1) | Interval(x, 2, 3)
    sampler, (ends,) = sampler_of(On(domain.boundary, Eq(u(x), 0)), domain=domain)
    drawn = sampler.region(ends, 100, rng())
    assert drawn.points.tolist() == [[0], [1], [2], [3]]
    assert drawn.normals.tolist() == [[-1], [1], [-1], [1]]
    domain = Interval(x, 0, 1)
    sampler, (_, ends) = sampler_of(
        Eq(u(x, 0), 0), On(domain.boundary, Eq(u(x, t), 0)), domain=domain, time=(t, 0, 1)
    )
    points = sampler.region(ends, 400, rng()).points
    for end in (0, 1):  # each end sees all times
        times = points[points[:, 0] == end][:, 1]
        assert len(times) == pytest.approx(200, abs=5) and np.histogram(times, 4, (0, 1))[0].min() > 40
    assert len(np.unique(points[:, 1])) == 400


def test_an_integral_over_a_shape_looks_at_one_inner_point():
    sampler, (_, integral) = sampler_of(
        INITIAL, Eq(Integral(u(x, y, 3), (x, 0, 0.2), (y, 0, 0.2)), 1), **HOLED, time=(t, 0, 3)
    )
    drawn = sampler.region(integral, 100, rng(), free=[])
    assert len(drawn) == 1 and sampler.contains(drawn.points, slack=0).all()


def test_contains_knows_the_ranges_the_shape_and_not_a_number():
    sampler, _ = sampler_of(INITIAL, **HOLED, time=(t, 0, 3))
    points = np.array([[0.1, 0.1, 1], [0.5, 0.5, 1], [0.1, 0.1, 3.1], [1 + 1e-11, 0, 3], [0.1, np.nan, 1]])
    assert sampler.contains(points).tolist() == [True, False, False, True, False]


def test_draws_follow_the_generator_and_differ_by_seed():
    sampler, (start, hole) = sampler_of(
        INITIAL, On("hole", Eq(u(x, y, t), 0), where=y > 0.5), **HOLED, time=(t, 0, 3)
    )

    def draw(seed: int) -> np.ndarray:
        generator = rng(seed)
        sets = [sampler.interior(64, generator), sampler.region(start, 64, generator)]
        return np.concatenate([s.points for s in [*sets, sampler.region(hole, 64, generator)]])

    assert np.array_equal(draw(1), draw(1))
    assert not np.isin(draw(1)[:, 0], draw(2)[:, 0]).any()


def test_drawing_is_fast():
    build_geometry(l_shape()).interior(10, rng())  # loads DeepXDE
    start = process_time()
    geometry = build_geometry(SHAPES["ellipse"][0] - Polygon(XY, [(1, 0), (1.2, 0), (1, 0.2)]))
    geometry.boundary(5000, rng())
    geometry.interior(5000, rng())
    assert process_time() - start < 1.0  # about 0.03 s on an idle machine
