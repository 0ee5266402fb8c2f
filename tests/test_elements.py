"""Finite elements made from a declaration: meshes that follow shapes, convergence as if there were no corner, refusals."""

import sys

import numpy as np
import pytest
from sympy import Eq, Function, Rational, atan2, cos, lambdify, sin, sqrt, symbols

from pinnsolver import Disk, Ellipse, NormalDerivative, On, Polygon, Problem, Rectangle, solve
from pinnsolver.declare import check_problem
from pinnsolver.declare.levels import level
from pinnsolver.verify.classical.elements import Elements
from pinnsolver.verify.classical.forward import Deadline, NotApplicableError, restate_forward
from pinnsolver.verify.classical.triangles import COARSE, Outline, coarse_mesh, graded

skfem = pytest.importorskip("skfem")
x, y, t = symbols("x y t")
u, v = Function("u"), Function("v")
LSHAPE = Polygon((x, y), [(0, 0), (0, 1), (-1, 1), (-1, -1), (1, -1), (1, 0)])
WALL = Rectangle((x, y), (0, 0), (1, 1), name="wall")
HOLED = WALL - Disk((x, y), (0.5, 0.5), 0.2, name="hole")


def laplace(w):
    return w.diff(x, 2) + w.diff(y, 2)


def rectangle(*corners):
    return Rectangle((x, y), *corners)


def disk(center, radius):
    return Disk((x, y), center, radius)


SHAPES = {  # with its area and its number of corners that enter
    "L": (LSHAPE, 3, 1),
    "hole": (HOLED, 1 - np.pi * 0.2**2, 0),
    "side by side": (rectangle((0, 0), (1, 1)) | rectangle((1, 0), (2, 0.5)), 1.5, 1),
    "flush step": (rectangle((0, 0), (4, 1)) - rectangle((0, 0), (1, 0.5)), 3.5, 1),
    "bitten": (rectangle((0, 0), (1, 1)) - disk((1, 0.5), 0.3), 1 - np.pi * 0.3**2 / 2, 0),
    "thin ring": (disk((0, 0), 1) - disk((0, 0), 0.95), np.pi * (1 - 0.95**2), 0),
    "lens": (disk((0, 0), 1) & disk((1, 0), 1), 2 * np.pi / 3 - np.sqrt(3) / 2, 0),
    "turned": (
        Ellipse((x, y), (0, 0), (2, 0.5), angle=0.4) - rectangle((-0.2, -0.2), (0.3, 0.1)),
        np.pi - 0.15,
        4,
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_mesh_follows_its_shape(name):
    shape, area, entering = SHAPES[name]
    outline = Outline.of(shape, [])
    points, triangles = coarse_mesh(outline)
    mesh = skfem.MeshTri(np.ascontiguousarray(points.T), np.ascontiguousarray(triangles.T))
    assert sum(c.entering for c in outline.corners) == entering
    for k in (1, 2):
        mesh = graded(mesh, outline, COARSE * shape.size / 2**k, Deadline.after(30), 10**5)
    a, b, c = mesh.p[:, mesh.t].transpose(1, 0, 2)
    double = abs((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0])
    assert double.sum() / 2 == pytest.approx(area, rel=5e-3)
    longest = np.max([((p - q) ** 2).sum(axis=0) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    assert (double / longest).min() > 0.1  # no flat triangles
    rim = mesh.p[:, np.unique(mesh.facets[:, mesh.boundary_facets()])].T
    assert abs(level(shape, rim)).max() < 1e-7 * shape.size


def problem(equation, domain, conditions):
    return Problem("shaped", [equation], domain, conditions=conditions)


ANGLE = atan2((x - y) / sqrt(2), -(x + y) / sqrt(2))  # from the middle of the L's corner
AT_CORNER = (x**2 + y**2) ** Rational(1, 3) * cos(2 * ANGLE / 3)  # zero on its walls, with an infinite slope
AT_CHANGE = sqrt((sqrt(x**2 + y**2) + x) / 2)  # zero for x < 0 on y = 0, no flux for x > 0 (Motz 1947)
SMOOTH = sin(2 * x) * cos(y) + 2


def corner():
    return AT_CORNER, problem(Eq(laplace(u(x, y)), 0), LSHAPE, [On(LSHAPE.boundary, Eq(u(x, y), AT_CORNER))])


def change():
    domain = rectangle((-1, 0), (1, 1))
    given = [
        Eq(u(-1, y), AT_CHANGE.subs(x, -1)),
        Eq(u(1, y), AT_CHANGE.subs(x, 1)),
        Eq(u(x, 1), AT_CHANGE.subs(y, 1)),
    ]
    mixed = [On(Eq(u(x, 0), 0), where=x < 0), On(Eq(u(x, y).diff(y).subs(y, 0), 0), where=x > 0)]
    return AT_CHANGE, problem(Eq(laplace(u(x, y)), 0), domain, [*given, *mixed])


def nonlinear():
    """Convection, a cubic sink, and a hole that radiates."""
    equation = Eq(*(laplace(w) + w.diff(x) * w - w**3 for w in (u(x, y), SMOOTH)))
    outward = -(SMOOTH.diff(x) * (x - 0.5) + SMOOTH.diff(y) * (y - 0.5)) / 0.2
    hole = Eq(NormalDerivative(u(x, y)) + 3 * u(x, y) ** 2, outward + 3 * SMOOTH**2)
    return SMOOTH, problem(equation, HOLED, [On("wall", Eq(u(x, y), SMOOTH)), On("hole", hole)])


def turned_tensor():
    """Coefficients that depend on the place and on u, mixed derivatives, a Robin condition on one wall."""

    def left(w):
        return ((2 + x * y + w**2 / 10) * w.diff(x)).diff(x) + (1 + x**2) * w.diff(y, 2) + w.diff(x, y) / 2

    walls = [Eq(u(0, y), SMOOTH.subs(x, 0)), Eq(u(1, y), SMOOTH.subs(x, 1)), Eq(u(x, 0), SMOOTH.subs(y, 0))]
    conormal = (1 + x**2) * SMOOTH.diff(y) + SMOOTH.diff(x) / 4 + SMOOTH
    slope = (1 + x**2) * u(x, y).diff(y).subs(y, 1) + u(x, y).diff(x).subs(y, 1) / 4
    top = Eq(slope + u(x, 1), conormal.subs(y, 1))
    equation = Eq(left(u(x, y)).doit(), left(SMOOTH).doit())
    return SMOOTH, problem(equation, HOLED, [On("hole", Eq(u(x, y), SMOOTH)), *walls, top])


def elements_of(declared, seconds=60.0):
    return Elements(restate_forward(check_problem(declared), {}, {}), Deadline.after(seconds))


@pytest.mark.parametrize("build", [corner, change, nonlinear, turned_tensor])
def test_halved_triangles_bring_an_eighth_of_the_error(build):
    exact, declared = build()
    shape = check_problem(declared).shape
    axes = [np.linspace(a, b, 61) for a, b in zip(*shape.bounds(), strict=True)]
    places = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    places = places[level(shape, places) <= 0]
    true = lambdify((x, y), exact, "numpy")(*places.T)
    elements, errors = elements_of(declared), []
    for _ in range(3):
        elements.refine()
        found = elements.solve(lambda p: np.ones(len(p)), places)
        errors.append(np.linalg.norm(found - true) / np.linalg.norm(true))
    assert errors[-1] < 1e-6
    assert errors[0] > 6 * errors[1] > 36 * errors[2]


LOADED = Eq(laplace(u(x, y)), 1)


def on_wall(condition, equation=LOADED):
    rest = On("wall", Eq(u(x, y), 0))
    return problem(equation, HOLED, [rest, On("hole", condition)])


REFUSED = {
    "elliptic": on_wall(Eq(u(x, y), 0), Eq(u(x, y).diff(x, 2), u(x, y).diff(y, 2))),
    "conormal": on_wall(Eq(u(x, y).diff(x) + u(x, y), 0)),
    "no condition": problem(Eq(laplace(u(x, y)), 1), HOLED, [On("wall", Eq(u(x, y), 0))]),
    "second order": on_wall(Eq(u(x, y), 0), Eq(laplace(laplace(u(x, y))).doit(), 1)),
    "single equation": problem(Eq(laplace(u(x, y)), v(x, y)), HOLED, [On("wall", Eq(u(x, y), 0))]),
    "highest derivatives": on_wall(Eq(u(x, y), 0), Eq(laplace(u(x, y)) + u(x, y).diff(x, 2) ** 2, 1)),
    "linearly in the condition": on_wall(Eq(NormalDerivative(u(x, y)) ** 2, 1)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_it_does_not_solve_is_refused_with_the_reason(reason):
    with pytest.raises(NotApplicableError, match=reason):
        elements_of(REFUSED[reason]).solve(lambda p: np.ones(len(p)), np.array([[0.1, 0.1]]))


def trained():
    settings = {"network": {"width": 8, "depth": 2}}
    return solve(
        Problem("corner", corner()[1].equations, LSHAPE, conditions=corner()[1].conditions, reference={u: AT_CORNER}),
        steps=105, seed=0, threads=1, quiet=True, settings=settings,
    )  # fmt: skip


def test_behind_a_corner_the_estimate_is_the_true_error():
    solution = trained()
    found, true = solution.estimate(30), solution.result["relative_l2"]["u"]
    assert found.method == "classical" and "finite elements" in found.fields["u"].basis
    assert found.fields["u"].value == pytest.approx(true, rel=0.2)


def test_without_scikit_fem_the_estimate_says_what_to_install_and_is_that_of_a_second_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "skfem", None)
    found = trained().estimate(5)
    assert found.method == "second run" and found.fields["u"].value > 0
    assert any("pip install 'pinnsolver[verify]'" in note for note in found.notes)
