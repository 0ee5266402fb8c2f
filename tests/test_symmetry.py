"""Reflections of the declaration: found, built in, and held by every network."""

import json

import numpy as np
import pytest
import sympy
import torch
from conftest import assert_exact_solution_fits, assert_hard_conditions_hold, compiled, small, t, x, y
from sympy import Eq, Function, Integral, Piecewise, Rational, cos, exp, pi, sin

from pinnsolver import Disk, Observations, On, Periodic, Problem, Solution, Unknown, repeat, solve
from pinnsolver.declare import Settings, check_problem
from pinnsolver.errors import UnsupportedProblem
from pinnsolver.train import TrainableProblem
from pinnsolver.transform import transform_problem
from pinnsolver.transform.describe import describe

U, V, W = (Function(name) for name in "uvw")
u, v = U(x, t), V(x, t)
HEAT = Eq(u.diff(t), u.diff(x, 2))


COSINE = cos(pi * x)


def line(equations=HEAT, initial=COSINE, low=-1, walls=None, extra=(), periodic=False, **more):
    """Return a problem on [low, 1] x [0, 1] for u."""
    if walls is None:
        walls = [] if periodic else [Eq(U(end, t), -1) for end in (low, 1)]
    conditions = [Eq(U(x, 0), initial), *walls, *([Periodic(x)] if periodic else []), *extra]
    return Problem("line", [equations], [(x, low, 1)], (t, 0, 1), conditions, **more)


def plate(source, walls, domain=((x, 0, 1), (y, 0, 2)), equation=None):
    """Return a steady problem for w."""
    w = W(x, y)
    equation = Eq(w.diff(x, 2) + w.diff(y, 2), source) if equation is None else equation
    return Problem("plate", [equation], list(domain), conditions=walls(w))


def held(w):
    return [Eq(w.subs(c, end), 0) for c, last in ((x, 1), (y, 2)) for end in (0, last)]


def signs(problem, **settings):
    """Return by coordinate the signs of the fields, and the centre."""
    made = transform_problem(check_problem(problem), Settings().with_values(settings))
    return {r.coordinate.name: (dict(r.signs), r.center) for r in made.reflections}


ALLEN_CAHN = Eq(u.diff(t), u.diff(x, 2) / 100 - 5 * u**3 + 5 * u)
KURAMOTO = Eq(u.diff(t) + u * u.diff(x) + u.diff(x, 2) + u.diff(x, 4) / 50, 0)

FOUND = {
    "even, a box": (line(), {"x": ({"u": 1}, 0)}),
    "odd, a box": (
        line(initial=sin(pi * x), walls=[Eq(U(-1, t), 0), Eq(U(1, t), 0)]),
        {"x": ({"u": -1}, 0)},
    ),
    "the walls' data are images": (
        line(initial=x, walls=[Eq(U(-1, t), -cos(t)), Eq(U(1, t), cos(t))]),
        {"x": ({"u": -1}, 0)},
    ),
    "fluxes out of both walls": (
        line(walls=[Eq(u.diff(x).subs(x, end), -end * U(end, t)) for end in (-1, 1)]),
        {"x": ({"u": 1}, 0)},
    ),
    "the middle of a box": (
        line(
            initial=(x - Rational(1, 4)) ** 2,
            low=-Rational(1, 2),
            walls=[Eq(U(e, t), Rational(9, 16)) for e in (-Rational(1, 2), 1)],
        ),
        {"x": ({"u": 1}, Rational(1, 4))},
    ),
    "nonlinear and even": (line(ALLEN_CAHN, x**2 * cos(pi * x)), {"x": ({"u": 1}, 0)}),
    "a period": (line(ALLEN_CAHN, x**2 * cos(pi * x), periodic=True), {"x": ({"u": 1}, 0)}),
    "elsewhere in a period": (
        line(ALLEN_CAHN, cos(pi * (x - Rational(1, 3))) + cos(3 * pi * (x - Rational(1, 3))), periodic=True),
        {"x": ({"u": 1}, -Rational(2, 3))},
    ),
    "two fields, one odd": (
        Problem(
            "sound",
            [Eq(u.diff(t) + v.diff(x), 0), Eq(v.diff(t) + u.diff(x), 0)],
            [(x, -1, 1)],
            (t, 0, 1),
            [Eq(U(x, 0), exp(-(x**2))), Eq(V(x, 0), 0), Eq(V(-1, t), 0), Eq(V(1, t), 0)],
        ),
        {},  # the slope carries v there and away
    ),
    "both coordinates": (
        plate(sin(pi * x) * (y - 1) ** 2, held),
        {"x": ({"w": 1}, Rational(1, 2)), "y": ({"w": 1}, 1)},
    ),
    "a rough source": (plate(Piecewise((1, x < 0.5), (-1, True)), held), {"y": ({"w": 1}, 1)}),
    "a coefficient": (
        plate(0, held, equation=Eq((1 + x) * W(x, y).diff(x, 2) + W(x, y).diff(y, 2), -1)),
        {"y": ({"w": 1}, 1)},
    ),
    "a mean": (
        plate(
            cos(pi * x),
            lambda w: [
                *(Eq(w.diff(x).subs(x, e), 0) for e in (0, 1)),
                *(Eq(w.diff(y).subs(y, e), 0) for e in (0, 2)),
                Eq(Integral(w, (x, 0, 1), (y, 0, 2)), 0),
            ],
        ),
        {"x": ({"w": -1}, Rational(1, 2)), "y": ({"w": 1}, 1)},
    ),
}


@pytest.mark.parametrize(("problem", "expected"), FOUND.values(), ids=FOUND)
def test_reflections_are_found(problem, expected):
    assert {k: (s, sympy.nsimplify(c)) for k, (s, c) in signs(problem).items()} == expected


E_ = Unknown("E", start=5)
NONE = {
    "neither even nor odd": (line(initial=cos(pi * x) + x), "leaves equations"),
    "the walls differ": (line(walls=[Eq(U(-1, t), -1), Eq(u.diff(x).subs(x, 1), 0)]), "leaves equations"),
    "a part of a wall": (
        plate(1, lambda w: [*held(w)[1:], On(Eq(w.subs(x, 0), 0), where=y > 1)]),
        "leaves equations",
    ),
    "transport": (line(Eq(u.diff(t) + u.diff(x) / 10, u.diff(x, 2))), "leaves equations"),
    "a front": (
        line(
            Eq(u.diff(t) + u * u.diff(x), u.diff(x, 2) / 100),
            -sin(pi * x),
            walls=[Eq(U(-1, t), 0), Eq(U(1, t), 0)],
        ),
        "layer",
    ),
    "a point on one side": (line(extra=[Eq(u.diff(x).subs(x, Rational(1, 2)), 0)]), "leaves equations"),
    "steady and nonlinear": (
        plate(0, held, equation=Eq(W(x, y).diff(x, 2) + W(x, y).diff(y, 2) + exp(W(x, y)), 0)),
        "several solutions",
    ),
    "an unknown number": (
        line(
            Eq(u.diff(t), E_ * u.diff(x, 2)),
            observations=[Observations(u, np.array([[0.1, 0.5]]), np.array([0.3]))],
        ),
        "unknown numbers",
    ),
    "a shape": (
        Problem(
            "disk",
            [Eq(W(x, y).diff(x, 2) + W(x, y).diff(y, 2), -1)],
            Disk((x, y), (0, 0), 1, name="rim"),
            conditions=[On("rim", Eq(W(x, y), 0))],
        ),
        "boxes only",
    ),
    "a field without a rate": (
        Problem(
            "slaved",
            [Eq(u.diff(t), u.diff(x, 2) + v), Eq(v**2, u)],
            [(x, -1, 1)],
            (t, 0, 1),
            [Eq(U(x, 0), cos(pi * x / 2)), Eq(U(-1, t), 0), Eq(U(1, t), 0)],
        ),
        "no rate in time",
    ),
}


@pytest.mark.parametrize(("problem", "reason"), NONE.values(), ids=NONE)
def test_where_there_are_none_the_reason_is_told(problem, reason):
    made = transform_problem(check_problem(problem), Settings())
    assert not made.reflections
    assert reason in made.choices["symmetry"].reason
    with pytest.raises(UnsupportedProblem, match=f"Symmetry was asked for: .*{reason}"):
        transform_problem(check_problem(problem), Settings(symmetry=True))
    told = transform_problem(check_problem(problem), Settings(symmetry=False)).choices["symmetry"]
    assert (told.value, told.reason) == (False, "asked for")


HELD = {
    "even": (line(), {}),
    "odd": (FOUND["odd, a box"][0], {}),
    "odd, insulated": (
        line(initial=sin(pi * x / 2), walls=[Eq(u.diff(x).subs(x, e), 0) for e in (-1, 1)]),
        {},
    ),
    "even, insulated": (line(walls=[Eq(u.diff(x).subs(x, e), 0) for e in (-1, 1)]), {}),
    "a period": (FOUND["elsewhere in a period"][0], {}),
    "odd in a period": (line(initial=sin(pi * x), periodic=True), {}),
    "modes": (line(KURAMOTO, sin(pi * x), periodic=True), {"network.kind": "modal", "network.harmonics": 5}),
    "even modes": (
        line(ALLEN_CAHN, cos(pi * (x - 0.3)), periodic=True),
        {"network.kind": "modal", "network.harmonics": 5},
    ),
    "a modified network": (line(), {"network.kind": "modified"}),
    "soft": (line(), {"hard": False}),
    "a plate": (FOUND["both coordinates"][0], {}),
}


@pytest.mark.parametrize(("problem", "settings"), HELD.values(), ids=HELD)
def test_every_network_has_the_symmetry_and_keeps_its_conditions(problem, settings):
    made = compiled(problem, **{**small().model_dump(exclude_unset=True), **settings})
    assert made.transformed.reflections
    torch.manual_seed(0)
    module = TrainableProblem(made)
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.5)
    coordinates = made.checked.coordinates
    rng = np.random.default_rng(3)
    points = np.column_stack([c.low + c.length * rng.random(40) for c in coordinates])
    for reflection in made.transformed.reflections:
        image, k = points.copy(), coordinates.index(reflection.coordinate)
        image[:, k] = 2 * float(reflection.center) - image[:, k]
        fields = [module(torch.tensor(p)).detach().numpy() for p in (points, image)]
        for j, f in enumerate(made.checked.fields):
            size = np.abs(fields[0][:, j]).max()
            np.testing.assert_allclose(
                fields[1][:, j], reflection.signs[f.name] * fields[0][:, j], atol=1e-12 * size
            )
            assert np.ptp(fields[0][:, j]) > 1e-3 * size
    assert_hard_conditions_hold(made)


def test_exact_solutions_fit():
    bump = exp(-(pi**2) * t)
    assert_exact_solution_fits(
        compiled(line(walls=[Eq(U(e, t), -bump) for e in (-1, 1)], reference={U: cos(pi * x) * bump}))
    )
    assert_exact_solution_fits(
        compiled(line(initial=sin(pi * x), periodic=True, reference={U: sin(pi * x) * bump}))
    )
    w = sin(pi * x) * sin(pi * y)
    problem = plate(-2 * pi**2 * w, held)
    made = compiled(
        Problem("p", problem.equations, problem.domain, conditions=problem.conditions, reference={W: w})
    )
    assert len(made.transformed.reflections) == 2
    assert_exact_solution_fits(made)


def test_windows_keep_it_and_hand_over_what_they_have():
    problem = line(KURAMOTO, sin(pi * x), periodic=True)
    for kind in ("modal", "mlp"):
        if kind == "mlp":
            problem = line(ALLEN_CAHN, cos(pi * x), periodic=True)
        run = solve(
            problem,
            settings=small(windows=3, **{"network.kind": kind, "network.harmonics": 4}),
            steps=12,
            quiet=True,
        )
        assert run.compiled.transformed.reflections
        places = np.linspace(0.01, 0.99, 9)
        sign = -1 if kind == "modal" else 1
        for at in (0.2, 1 / 3, 0.5, 0.9):
            here, there = (run(x=s * places, t=np.full(9, at))["u"] for s in (1, -1))
            np.testing.assert_allclose(here, sign * there, atol=1e-13)


def test_a_run_is_saved_read_and_gone_on_with(tmp_path):
    folder = tmp_path / "run"
    run = solve(
        line(ALLEN_CAHN, x**2 * cos(pi * x), periodic=True),
        settings=small(),
        steps=12,
        out=folder,
        quiet=True,
    )
    again = Solution.load(folder)
    np.testing.assert_array_equal(
        run(x=[0.3, -0.3], t=[0.5, 0.5])["u"], again(x=[0.3, -0.3], t=[0.5, 0.5])["u"]
    )
    assert again.result["choices"]["symmetry"]["value"] is True


def test_what_the_network_sees_is_shown():
    def ansatz(problem, settings=None):
        made = transform_problem(check_problem(problem), Settings().with_values(settings or {}))
        return describe(made)["fields"][0]["ansatz"]["unicode"]

    assert "Nᵤ(cos(π⋅x), t)" in ansatz(line(ALLEN_CAHN, cos(pi * x), periodic=True))
    assert "Nᵤ⎝2⋅x  - 1, t⎠" in ansatz(line())
    assert "u = Nᵤ⋅t + sin(π⋅x)" in ansatz(*HELD["modes"])


def test_half_of_the_points_and_a_narrower_network_are_enough():
    whole, half = (
        transform_problem(check_problem(line()), Settings(symmetry=s)).settings for s in (False, None)
    )
    assert half.points.interior * 2 == whole.points.interior
    assert half.network.width < whole.network.width
    asked = transform_problem(
        check_problem(line()), Settings().with_values({"points.interior": 300, "network.width": 9})
    ).settings
    assert (asked.points.interior, asked.network.width) == (300, 9)


A, B, C = (Function(name) for name in "abc")
SLAVED = [A(x, t), B(x, t), C(x, t)]


def slaved():
    """Return a problem in which the product of two fields without a rate counts."""
    a, b, c = SLAVED
    equations = [
        Eq(u.diff(t), u.diff(x, 2) + a),
        Eq(a.diff(x, 2) + 20 * a, 20 * b * c),
        Eq(b, a * c),
        Eq(c, a),
    ]
    conditions = [Eq(U(x, 0), cos(pi * x)), *[Eq(f(e, t), 0) for f in (U, A) for e in (-1, 1)]]
    return Problem("slaved", equations, [(x, -1, 1)], (t, 0, 1), conditions)


SEVERAL = {
    "fields without rates, together": slaved(),
    "a branch of a field": plate(
        0,
        held,
        equation=Eq(
            W(x, y).diff(x, 2) + W(x, y).diff(y, 2) + 20 * Piecewise((1, W(x, y) > 0), (-1, True)), 0
        ),
    ),
    "a rate": Problem("p", [Eq(u.diff(t) ** 2, x**2)], [(x, -1, 1)], (t, 0, 1), [Eq(U(x, 0), 0)]),
    "an initial state": Problem(
        "p",
        [HEAT],
        [(x, -1, 1)],
        (t, 0, 1),
        [Eq(U(x, 0) ** 2, x**2), Eq(U(-1, t) ** 2, 1), Eq(U(1, t) ** 2, 1)],
    ),
}


@pytest.mark.parametrize("problem", SEVERAL.values(), ids=SEVERAL)
def test_what_may_have_several_solutions_has_no_symmetry(problem):
    made = transform_problem(check_problem(problem), Settings())
    assert not made.reflections and "several solutions" in made.choices["symmetry"].reason


def test_places_are_told_apart_by_the_size_of_the_box():
    problem = Problem(
        "small",
        [Eq(u.diff(t), u.diff(x, 2))],
        [(x, 0, 1e-10)],
        (t, 0, 1),
        [Eq(U(x, 0), 1), Eq(U(0, t), 1), Eq(U(1e-10, t), 2)],
    )
    assert not transform_problem(check_problem(problem), Settings(hard=False)).reflections


@pytest.mark.parametrize("point", [False, True])
def test_an_odd_field_needs_no_constant(point):
    def walls(w):
        slopes = [Eq(w.diff(c).subs(c, e), 0) for c, last in ((x, 1), (y, 2)) for e in (0, last)]
        mean = Eq(Integral(w, (x, 0, 1), (y, 0, 2)), 0)
        return [*slopes, Eq(W(Rational(1, 2), 1), 0) if point else mean]

    run = solve(plate(cos(pi * x), walls), settings=small(), steps=60, quiet=True)
    assert run.compiled.transformed.reflections
    assert run(x=0.2, y=0.3)["w"] == pytest.approx(-np.cos(0.2 * np.pi) / np.pi**2, rel=1e-2)


def test_walls_that_settle_keep_their_symmetry_in_late_windows():
    rise = 1 - exp(-50 * t)
    problem = line(initial=0, walls=[Eq(U(e, t), e * rise) for e in (-1, 1)])
    run = solve(problem, settings=small(windows=5), steps=25, quiet=True)
    assert run.compiled.transformed.reflections
    np.testing.assert_allclose(run(x=[1.0, -1.0], t=[0.9, 0.9])["u"], [1, -1], atol=1e-9)


def test_runs_from_before_have_none(tmp_path):
    folder = tmp_path / "run"
    run = solve(line(), settings=small(symmetry=False), steps=6, out=folder, quiet=True)
    for name in ("settings.json", "understood.json"):
        told = json.loads((folder / name).read_text())
        (told if name == "settings.json" else told["choices"]).pop("symmetry")
        (folder / name).write_text(json.dumps(told))
    again = Solution.load(folder)
    np.testing.assert_array_equal(*(s(x=[0.3, -0.4], t=[0.5, 0.5])["u"] for s in (run, again)))
    assert repeat(folder, steps=3, quiet=True).result["steps"] == 3


def test_a_run_is_repeated_by_other_methods(tmp_path):
    folder = tmp_path / "run"
    problem = line(KURAMOTO, sin(pi * x), periodic=True)
    modal = small(**{"network.kind": "modal", "network.harmonics": 4})
    assert solve(problem, settings=modal, steps=3, out=folder, quiet=True).compiled.transformed.reflections
    again = repeat(folder, network__kind="mlp", steps=3, quiet=True)
    assert not again.compiled.transformed.reflections


def test_parities_count_as_the_network_has_them():
    """Two fields, both even in a period, of which one is odd across the other coordinate, have one trunk."""
    a, b = U(x, y, t), V(x, y, t)
    wave = cos(2 * pi * x)
    problem = Problem(
        "two",
        [Eq(a.diff(t), a.diff(x, 2) + a.diff(y, 2)), Eq(b.diff(t), b.diff(x, 2) + b.diff(y, 2))],
        [(x, 0, 1), (y, -1, 1)],
        (t, 0, 1),
        [
            *(Eq(F(x, e, t), 0) for F in (U, V) for e in (-1, 1)),
            Eq(U(x, y, 0), wave * (1 - y**2)),
            Eq(V(x, y, 0), wave * (y - y**3)),
            Periodic(x),
        ],
    )
    made = compiled(problem, network__kind="modal", network__harmonics=2)
    assert {r.coordinate.name for r in made.transformed.reflections} == {"x", "y"}
    told = made.transformed.choices["optimizer.second"].reason
    assert told.startswith(f"{TrainableProblem(made).size} parameters")
