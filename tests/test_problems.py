"""Every file in problems/ is a test case: it loads, checks, and its reference solves it.

A formula is put into the user's own equations by sympy; a numpy callable is differentiated by finite
differences; a table is only checked for its place here, its values by tests/test_references.py.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy import Derivative, Eq, Symbol

from pinnsolver.declare import (
    Disk,
    NormalDerivative,
    On,
    Periodic,
    Polygon,
    Rectangle,
    check_problem,
    load_problem,
)
from pinnsolver.declare.shapes import Boundary, Combined

FOLDER = Path(__file__).parents[1] / "problems"
FILES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def checked_by_name():
    return {file.stem: check_problem(load_problem(file)) for file in FILES}


@pytest.fixture(params=[file.stem for file in FILES])
def checked(request, checked_by_name):
    return checked_by_name[request.param]


# -------------------------------------------------------------------------------------------- points


def contains(shape, points, slack=0.0):
    """Return for points (n, 2) whether they lie in a shape; with slack, also just outside it."""
    if isinstance(shape, Combined):
        if shape.operation == "-":
            return contains(shape.left, points, slack) & ~contains(shape.right, points, -slack)
        left, right = contains(shape.left, points, slack), contains(shape.right, points, slack)
        return left | right if shape.operation == "|" else left & right
    if isinstance(shape, Disk):
        return np.hypot(*(points - shape.center).T) <= shape.radius + slack
    if isinstance(shape, Rectangle):
        return ((points >= np.array(shape.low) - slack) & (points <= np.array(shape.high) + slack)).all(
            axis=1
        )
    assert isinstance(shape, Polygon), f"write here when a point lies in a {type(shape).__name__}"
    x, y = points.T
    inside = np.zeros(len(points), dtype=bool)
    for (a, b), (c, d) in corner_pairs(shape):
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= ((b > y) != (d > y)) & (x < a + (y - b) * (c - a) / (d - b))
    if slack == 0:
        return inside
    nearest = np.min([distance_to_side(points, *side) for side in corner_pairs(shape)], axis=0)
    return (inside | (nearest <= slack)) if slack > 0 else (inside & (nearest > -slack))


def corner_pairs(shape):
    corners = shape.vertices
    return list(zip(corners, [*corners[1:], corners[0]], strict=True))


def distance_to_side(points, start, end):
    start, along = np.array(start), np.subtract(end, start)
    s = np.clip((points - start) @ along / (along @ along), 0, 1)
    return np.hypot(*(points - start - s[:, None] * along).T)


def curve(primitive, s):
    """Return points (n, 2) and unit normals (n, 2) of a primitive's boundary for 0 <= s < 1."""
    if isinstance(primitive, Disk):
        normal = np.stack([np.cos(2 * np.pi * s), np.sin(2 * np.pi * s)], axis=1)
        return primitive.center + primitive.radius * normal, normal
    if isinstance(primitive, Rectangle):
        (a, b), (c, d) = primitive.low, primitive.high
        corners = np.array([(a, b), (c, b), (c, d), (a, d)])
    else:
        assert isinstance(primitive, Polygon), f"write here the boundary of a {type(primitive).__name__}"
        corners = np.array(primitive.vertices)
    k = np.floor(s * len(corners)).astype(int)
    along = np.roll(corners, -1, axis=0)[k] - corners[k]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    return corners[k] + (s * len(corners) - k)[:, None] * along, normal


def boundary_of(shape, name):
    """Return points and outward normals of a shape's whole boundary (name ""), or of one piece."""
    s = np.random.default_rng(1).random(200)
    pieces = [curve(p, s) for p in shape.primitives() if name in ("", p.name)]
    points, normals = (np.concatenate(part) for part in zip(*pieces, strict=True))
    ahead, behind = (contains(shape, points + side * 1e-6 * normals) for side in (1, -1))
    kept = ahead != behind  # not where a piece lies inside or outside the domain
    return points[kept], np.where(ahead, -1, 1)[kept, None] * normals[kept]


def random_points(checked, margin=0.0, count=300):
    """Return a dict of columns (n,) by symbol, within the domain, off its ends by a part of each range."""
    rng = np.random.default_rng(0)
    columns = {
        c.symbol: c.low + c.length * (margin + (1 - 2 * margin) * rng.random(count))
        for c in checked.coordinates
    }
    if checked.shape is not None:
        inside = contains(
            checked.shape, np.stack([columns[s] for s in checked.shape.symbols], axis=1), -margin
        )
        columns = {symbol: column[inside] for symbol, column in columns.items()}
    return columns


def points_of_place(checked, boundary, where):
    """Return columns, normal components by symbol, for a place on a shaped boundary or anywhere."""
    columns, normals = random_points(checked), {}
    if boundary is not None:
        points, outward = boundary_of(checked.shape, boundary)
        rng = np.random.default_rng(2)
        columns = {c.symbol: c.low + c.length * rng.random(len(points)) for c in checked.coordinates}
        for i, symbol in enumerate(checked.shape.symbols):
            columns[symbol], normals[normal_symbol(symbol)] = points[:, i], outward[:, i]
    columns |= normals
    if where is not None:
        kept = evaluate(where, columns).astype(bool)
        columns = {symbol: column[kept] for symbol, column in columns.items()}
    return columns


def normal_symbol(symbol):
    return Symbol(f"normal_{symbol}")


def evaluate(expr, columns):
    values = sympy.lambdify(list(columns), expr, "numpy")(*columns.values())
    return np.broadcast_to(np.asarray(values), next(iter(columns.values())).shape)


# ------------------------------------------------------------------------------------------- formulas


def true_unknowns(checked):
    """Return the true value of each unknown, from the line `True value: D = 0.15` of the docstring."""
    found = dict(re.findall(r"^True value: (\w+) = (.+)$", checked.problem.about, flags=re.MULTILINE))
    return {unknown: sympy.sympify(found[unknown.name]) for unknown in checked.unknowns}


def put_in(side, checked):
    """Return one side of an equation with the references' formulas in the place of the fields."""
    space = [c.symbol for c in checked.space]
    side = side.replace(
        NormalDerivative, lambda arg: sympy.Add(*[normal_symbol(s) * Derivative(arg, s) for s in space])
    )
    for field in checked.fields:
        formula = checked.references[field.name].formula
        side = side.replace(
            sympy.Function(field.name),
            lambda *args, formula=formula, field=field: formula.subs(
                dict(zip(field.arguments, args, strict=True)), simultaneous=True
            ),
        )
    return side.doit().subs(true_unknowns(checked))


def relative_misfit(equation, columns, checked):
    """Return the largest difference of an equation's sides over the largest of sides and fields."""
    left, right = (evaluate(put_in(side, checked), columns) for side in (equation.lhs, equation.rhs))
    inside = random_points(checked)
    fields = [abs(evaluate(r.formula, inside)).max() for r in checked.references.values()]
    return abs(left - right).max() / max(abs(left).max(), abs(right).max(), *fields)


def place_of(item, checked):
    """Return the equations, the boundary's name and the relation of a declared condition."""
    if not isinstance(item, On):
        return (item,), None, None
    place = item.place
    if isinstance(place, Boundary):
        named = [p.name for p in checked.shape.primitives() if p is place.shape and p.name]
        place = "" if place.shape is checked.shape else named[0]
    return item.equations, place, item.where


def kind_of_reference(checked):
    """Return "formula", "function" or "table"; one problem keeps to one kind."""
    references = checked.references.values()
    (kind,) = {k for k in ("formula", "function", "table") for r in references if getattr(r, k) is not None}
    return kind


# ------------------------------------------------------------------------------------------ callables


FIRST = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}  # central differences of order 8
SECOND = {0: -205 / 72, 1: 8 / 5, 2: -1 / 5, 3: 8 / 315, 4: -1 / 560}


def derivative(function, orders, columns, steps):
    """Return a derivative of function(*columns), by central differences one coordinate after another."""
    for i, order in enumerate(orders):
        if order == 0:
            continue
        rest = [*orders]
        rest[i] = max(order - 2, 0)

        def shifted(k, i=i, rest=tuple(rest)):
            moved = [c + k * steps[i] if j == i else c for j, c in enumerate(columns)]
            return derivative(function, rest, moved, steps)

        if order == 1:
            return sum(w * (shifted(k) - shifted(-k)) for k, w in FIRST.items()) / steps[i]
        twice = sum(w * (shifted(k) + shifted(-k)) for k, w in SECOND.items() if k)
        return (twice + SECOND[0] * shifted(0)) / steps[i] ** 2
    return function(*columns)


def lowered_misfit(lowered, columns, checked):
    """Return the largest residual over the largest field value in it, for callables as references."""
    steps = {c.name: 1e-4 * c.length for c in checked.coordinates}
    values = {}
    for value in lowered.values:
        assert not value.normal, "write here the normal derivative of a callable"
        field = next(f for f in checked.fields if f.name == value.field)
        inputs = [checked.coordinates[i] for i in checked.inputs(field)]
        inputs.sort(key=lambda c: field.arguments.index(c.symbol) if c.symbol in field.arguments else 99)
        pins = {name: float(place) for name, place in value.pins}
        at = [np.where(True, pins.get(c.name, columns[c.symbol]), columns[c.symbol]) for c in inputs]
        orders = [value.orders[checked.coordinates.index(c)] for c in inputs]
        function = checked.references[value.field].function
        values[value.symbol] = derivative(function, orders, at, [steps[c.name] for c in inputs])
    residual = evaluate(lowered.expr.subs(true_unknowns(checked)), {**columns, **values})
    return abs(residual).max() / max(1, *(abs(v).max() for v in values.values()))


# ---------------------------------------------------------------------------------------------- tests


def test_there_are_problems():
    assert len(FILES) >= 16


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_problem_file_is_short_and_says_what_it_is(file):
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") < 60
    about = load_problem(file).about
    title, blank, *rest = about.split("\n")
    assert title.endswith(".") and not blank and rest
    assert "Source: " in about and re.search(r"^Measured: \S", about, flags=re.MULTILINE)


def test_a_problem_is_called_like_its_file(checked_by_name):
    assert [c.problem.name for c in checked_by_name.values()] == list(checked_by_name)


def test_a_problem_checks_without_warnings(checked):
    assert checked.warnings == ()


def test_every_field_has_a_reference(checked):
    assert set(checked.references) == {field.name for field in checked.fields}


def test_the_reference_solves_the_equations(checked):
    kind = kind_of_reference(checked)
    if kind == "formula":
        for equation in checked.problem.equations:
            assert relative_misfit(equation, random_points(checked), checked) < 1e-9
    elif kind == "function":
        columns = random_points(checked, margin=0.01)
        for equation in checked.equations:
            assert lowered_misfit(equation.residual, columns, checked) < 1e-7
    else:
        check_tables(checked)  # their values are for tests/test_references.py


def test_the_reference_meets_the_conditions(checked):
    kind = kind_of_reference(checked)
    if kind == "formula":
        check_conditions_of_formula(checked)
    elif kind == "function":
        for condition in checked.conditions:
            columns = points_of_place(checked, condition.region.boundary, condition.region.where)
            assert lowered_misfit(condition.residual, columns, checked) < 2e-9


def check_conditions_of_formula(checked):
    for item in checked.problem.conditions:
        if isinstance(item, Periodic):
            check_periodic_formula(item, checked)
            continue
        equations, boundary, where = place_of(item, checked)
        columns = points_of_place(checked, boundary, where)
        for equation in equations:
            assert isinstance(equation, Eq)
            assert relative_misfit(equation, columns, checked) < 1e-9


def check_periodic_formula(item, checked):
    columns = random_points(checked)
    for symbol in item.symbols:
        (length,) = [c.high_exact - c.low_exact for c in checked.coordinates if c.symbol == symbol]
        for reference in checked.references.values():
            gap = reference.formula - reference.formula.subs(symbol, symbol + length)
            assert abs(evaluate(gap, columns)).max() < 1e-12


def check_tables(checked):
    for field in checked.fields:
        table = checked.references[field.name].table
        assert table[""].size > 1000
        if checked.shape is not None:
            points = np.stack([table[str(s)] for s in checked.shape.symbols], axis=1)
            assert contains(checked.shape, points, 1e-12).all()


def test_observations_agree_with_the_reference(checked):
    for measured in checked.observations:
        symbols = [c.symbol for name in measured.coordinates for c in checked.coordinates if c.name == name]
        columns = dict(zip(symbols, measured.points.T, strict=True))
        exact = evaluate(put_in(measured.source, checked), columns)
        assert np.linalg.norm(measured.values - exact) < 0.05 * np.linalg.norm(exact)


def test_boundary_normals_point_out_of_an_annulus():
    x, y = sympy.symbols("x y")
    ring = Disk((x, y), (0, 0), 2, name="outer") - Disk((x, y), (0, 0), 1, name="inner")
    for name, sign, radius in (("outer", 1, 2), ("inner", -1, 1)):
        points, normals = boundary_of(ring, name)
        assert len(points) == 200
        np.testing.assert_allclose(normals, sign * points / radius, atol=1e-12)


def test_central_differences_reproduce_a_known_derivative():
    columns = [np.linspace(0.1, 1, 5), np.linspace(0.2, 2, 5)]
    got = derivative(lambda x, t: np.sin(2 * x) * np.exp(t), (2, 1), columns, (1e-2, 1e-2))
    np.testing.assert_allclose(got, -4 * np.sin(2 * columns[0]) * np.exp(columns[1]), rtol=1e-9)
