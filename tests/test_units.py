"""Problems in metres and seconds: trained in units of size 1, read out as declared."""

import numpy as np
import pytest
import sympy
from conftest import small
from sympy import Eq, Function, Integral, Rational, cos, exp, pi, sin, symbols

from pinnsolver import Periodic, Problem, Solution, solve
from pinnsolver.declare import (
    Ball,
    Cuboid,
    Disk,
    Ellipse,
    Interval,
    NormalDerivative,
    Observations,
    On,
    Polygon,
    Rectangle,
    Settings,
    Unknown,
    check_problem,
)
from pinnsolver.errors import UnsupportedProblem
from pinnsolver.records import run_mark
from pinnsolver.runfolder import read_json, write_json
from pinnsolver.transform import transform_problem
from pinnsolver.transform.units import choose_units, scaled_shape

x, y, z, t = symbols("x y z t")
u, v, w, p = (Function(name) for name in "uvwp")
PLAIN = Settings(units=False)


def units_of(problem, **settings):
    return choose_units(check_problem(problem), Settings(**settings))[0]


def exponents(problem):
    """Return by name the power of ten of each unit that is not 1."""
    found = units_of(problem)
    return (
        {}
        if found is None
        else {
            n: round(np.log10(float(e))) for n, e in {**found.coordinates, **found.fields}.items() if e != 1
        }
    )


def rod(length=1, time=1, size=1, level=0, rate=None):
    """Return heat in a rod, as long, as slow and as hot as is said."""
    rate = length**2 / (5 * time) if rate is None else rate
    exact = level + size * sin(pi * x / length) * exp(-rate * (pi / length) ** 2 * t)
    return Problem(
        "rod",
        [Eq(u(x, t).diff(t), rate * u(x, t).diff(x, 2))],
        [(x, 0, length)],
        (t, 0, time),
        [Eq(u(x, 0), exact.subs(t, 0)), Eq(u(0, t), level), Eq(u(length, t), level)],
        reference={u: exact},
    )


def beam(length, stiffness, load):
    deflection = w(x)
    ends = [w(0), deflection.diff(x).subs(x, 0), *(deflection.diff(x, k).subs(x, length) for k in (2, 3))]
    return Problem(
        "beam",
        [Eq(stiffness * deflection.diff(x, 4), load)],
        [(x, 0, length)],
        None,
        [Eq(e, 0) for e in ends],
    )


def channel(height=0.01, speed=0.02):
    a, b, q = (f(x, y) for f in (u, v, p))
    profile = 4 * speed * y * (height - y) / height**2
    momentum = [
        Eq(1000 * (a * f.diff(x) + b * f.diff(y)), -q.diff(c) + (f.diff(x, 2) + f.diff(y, 2)) / 1000)
        for f, c in ((a, x), (b, y))
    ]
    walls = [Eq(f.subs(y, at), 0) for f in (a, b) for at in (0, height)]
    return Problem(
        "channel",
        [*momentum, Eq(a.diff(x) + b.diff(y), 0)],
        [(x, 0, 5 * height), (y, 0, height)],
        None,
        [*walls, Eq(u(0, y), profile), Eq(v(0, y), 0), Eq(p(5 * height, y), 0)],
        reference={u: profile},
    )


# -------------------------------------------------------------------------------------------- choices


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (rod, {}),
        (lambda: rod(length=7, time=0.1, size=30), {}),
        (lambda: rod(length=0.05, time=100, size=50, level=300), {"x": -1, "t": 2, "u": 3}),
        (lambda: rod(length=Rational(1, 10**6), time=1e-15), {"x": -6, "t": -15}),
        (lambda: beam(1, 1, 1), {}),
        (lambda: beam(3e-4, 2e-12, 1e-3), {"x": -4, "w": -6}),
        (channel, {"x": -1, "y": -1, "u": -2, "v": -2, "p": -1}),
    ],
)
def test_what_is_far_from_size_one_has_a_unit_of_its_own(problem, expected):
    assert exponents(problem()) == expected


def test_sizes_come_from_slopes_norms_and_observations():
    radius, strength = 7e6, 4e14
    speed = float(np.sqrt(strength / radius))
    cube = (u(t) ** 2 + v(t) ** 2) ** Rational(3, 2)
    orbit = Problem(
        "orbit",
        [Eq(f(t).diff(t, 2), -strength * f(t) / cube) for f in (u, v)],
        [],
        (t, 0, 5800),
        [Eq(u(0), radius), Eq(v(0), 0), Eq(u(t).diff(t).subs(t, 0), 0), Eq(v(t).diff(t).subs(t, 0), speed)],
    )
    assert exponents(orbit) == {"t": 4, "u": 7, "v": 7}
    energy, norm = Unknown("E", start=5e-20, low=0), Eq(Integral(u(x) ** 2, (x, 0, 1e-9)), 1)
    well = Problem(
        "well",
        [Eq(-6e-39 * u(x).diff(x, 2), energy * u(x))],
        [(x, 0, 1e-9)],
        None,
        [Eq(u(0), 0), Eq(u(1e-9), 0), norm],
    )
    assert exponents(well) == {"x": -9, "u": 5}
    seen = Observations(u(x, t), [[0.5, 0.5]], [2e-7])
    inverse = Problem(
        "seen", [Eq(u(x, t).diff(t), u(x, t).diff(x))], [(x, 0, 1)], (t, 0, 1), observations=[seen]
    )
    assert exponents(inverse) == {"u": -7}


def test_units_are_chosen_with_a_reason_and_may_be_said():
    hot = check_problem(rod(size=500))
    chosen = transform_problem(hot, Settings())
    assert chosen.settings.units is True and "u is of size 5e+02" in chosen.choices["units"].reason
    assert chosen.declared is hot and chosen.checked.coordinates == hot.coordinates
    plain = transform_problem(hot, PLAIN)
    assert (
        plain.settings.units is False
        and plain.checked is hot
        and plain.choices["units"].reason == "asked for"
    )
    asked = transform_problem(check_problem(rod(size=20)), Settings(units=True))
    assert asked.units is not None and asked.units.text == "u in 1e1"
    usual = transform_problem(check_problem(rod()), Settings())
    assert usual.units is None and usual.settings.units is False


def test_terms_keep_their_names():
    for problem in (rod(length=1e-3), channel()):
        checked = check_problem(problem)
        restated = choose_units(checked, Settings())[0].restated
        for kind in ("equations", "conditions"):
            assert [e.name for e in getattr(restated, kind)] == [e.name for e in getattr(checked, kind)]
        assert [c.kind for c in restated.conditions] == [c.kind for c in checked.conditions]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Interval(x, 0, 3), "[0, 30]"),
        (Rectangle((x, y), (0, 1), (2, 3), name="box"), "[0, 20] × [10, 30] “box”"),
        (Cuboid((x, y, z), (0, 0, 0), (1, 1, 2)), "[0, 10] × [0, 10] × [0, 20]"),
        (Disk((x, y), (1, 2), 3, name="hole"), "Disk((10, 20), 30) “hole”"),
        (Ball((x, y, z), (0, 0, 1), 2), "Ball((0, 0, 10), 20)"),
        (Ellipse((x, y), (1, 0), (2, 1), angle=0.5), "Ellipse((10, 0), (20, 10), angle 0.5)"),
        (Polygon((x, y), [(0, 0), (1, 0), (0, 2)]), "Polygon((0, 0), (10, 0), (0, 20))"),
    ],
)
def test_shapes_keep_their_form(shape, expected):
    assert str(scaled_shape(shape, 0.1)) == expected
    if len(shape.symbols) == 2:
        both = shape - Disk((x, y), (0.1, 0.2), 0.1)
        assert str(scaled_shape(both, 0.1)) == f"{expected} - Disk((1, 2), 1)"


# ------------------------------------------------------------------------------------------- the same


def same(first, second, rtol=1e-6):
    """Two problems train alike, step by step."""
    settings = small(steps=25, seed=1)
    pair = [solve(problem, settings=settings, quiet=True) for problem in (first, second)]
    for name in ("loss", *(n for n in pair[0].history if n.startswith("relative_l2"))):
        np.testing.assert_allclose(pair[0].history[name], pair[1].history[name], rtol=rtol)
    return pair


@pytest.mark.usefixtures("one_thread")
def test_a_problem_in_other_units_is_the_same_problem():
    same(rod(), rod(length=Rational(1, 1000), time=100, size=Rational(1, 10**5)))


@pytest.mark.usefixtures("one_thread")
def test_a_shape_with_slopes_and_a_source_in_other_units_is_the_same_problem():
    def plate(length, size):
        domain = Rectangle((x, y), (-length, -length), (length, length)) - Disk(
            (x, y), (0, 0), length / 3, name="hole"
        )
        rim = [Eq(u(x, y), size * (1 + x / length)), Eq(NormalDerivative(u(x, y)), size / length)]
        return Problem(
            "plate",
            [Eq(-(length**2) * (u(x, y).diff(x, 2) + u(x, y).diff(y, 2)), size * sympy.exp(x / length))],
            domain,
            None,
            [On(domain.boundary, rim[0], where=x**2 + y**2 > length**2 / 4), On("hole", rim[1])],
        )

    same(plate(1, 1), plate(Rational(1, 1000), 10**4), rtol=1e-4)


@pytest.mark.usefixtures("one_thread")
def test_an_unknown_number_is_found_in_its_own_unit():
    def decay(time, size, rate):
        places = np.array([[0.5], [1.5]])
        unknown = Unknown("k", start=rate)
        seen = Observations(u(t), time * places, size * np.exp(-2 * places[:, 0]))
        return Problem(
            "decay", [Eq(u(t).diff(t), -unknown * u(t))], [], (t, 0, 2 * time), [Eq(u(0), size)], [seen]
        )

    first, second = (
        solve(decay(*numbers), settings=small(steps=60), quiet=True)
        for numbers in ((1, 1, 1), (1e6, 1e-5, 1e-6))
    )
    assert first.unknowns["k"] == pytest.approx(2, rel=1e-4)
    assert second.unknowns["k"] == pytest.approx(2e-6, rel=1e-4)
    assert second.relative_l2 == {"u": None}


# ------------------------------------------------------------------------------------------- read out


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A rod in SI units, trained and saved."""
    problem = rod(length=0.05, time=20, size=50, level=300)
    place = tmp_path_factory.mktemp("units") / "run"
    return solve(problem, settings=small(steps=80), out=place, quiet=True)


def test_fields_slopes_and_residuals_are_those_of_the_declaration(trained):
    exact = trained.checked.references["u"].formula
    assert trained.relative_l2["u"] < 1e-5
    places = {"x": np.linspace(0.003, 0.047, 7), "t": 12.0}
    for by in ((), (x,), (t,), (x, x)):
        known = sympy.lambdify((x, t), exact.diff(*by) if by else exact)(*places.values())
        found = trained(u(x, t).diff(*by) if by else u(x, t), **places)
        np.testing.assert_allclose(found, known, rtol=1e-3, atol=1e-3 * np.abs(known).max())
    assert trained.arrays()["x"].max() == pytest.approx(0.05) and trained.arrays()[
        "u"
    ].max() == pytest.approx(350, rel=1e-3)
    assert 0 < trained.result["residual_rms"]["equation"] < 1e-2
    assert trained.contains(np.array([[0.04, 19.0], [0.4, 1.0]])).tolist() == [True, False]


def test_a_saved_run_reads_and_goes_on_as_it_was(trained):
    again = Solution.load(trained.folder)
    places = {"x": [0.01, 0.02], "t": 5.0}
    np.testing.assert_array_equal(again(**places)["u"], trained(**places)["u"])
    assert again.compiled.transformed.units is not None


def test_errors_are_estimated_in_units_of_the_training():
    stiff, load, length = 2e-12, 1e-3, 3e-4
    exact = load * x**2 * (6 * length**2 - 4 * length * x + x**2) / (24 * stiff)
    problem = beam(length, stiff, load)
    micro = Problem(
        "micro", problem.equations, problem.domain, None, problem.conditions, reference={w: exact}
    )
    found = solve(micro, settings=small(steps=40), quiet=True).verify()
    true, estimate = found.relative_l2["w"], found.result["error_estimate"]["w"]["value"]
    assert true / 5 < estimate < 5 * true < 1e-2


def test_what_was_understood_says_the_units_and_shows_the_formulas(trained):
    from pinnsolver.transform import describe

    told = describe(trained.compiled.transformed)
    assert told["frame"]["title"] == "Units" and "x in 1e-1, t in 1e1, u in 1e3" in told["frame"]["note"]
    assert len(told["frame"]["formulas"]) == len(told["frame"]["ansatz"]) == 1
    assert told["domain"] == "x ∈ [0, 0.05], t ∈ [0, 20]"


def test_a_moving_frame_and_windows_are_read_out_in_declared_units():
    speed, length = 500, Rational(1, 1000)
    wave = Problem(
        "wave",
        [Eq(u(x, t).diff(t) + speed * u(x, t).diff(x), 0)],
        [(x, 0, length)],
        (t, 0, 1e-6),
        [Eq(u(x, 0), 7 + cos(2 * pi * x / length)), Periodic(x)],
        reference={u: 7 + cos(2 * pi * (x - speed * t) / length)},
    )
    for settings in ({"frame": "moving"}, {"frame": "eulerian", "windows": 3}):
        found = solve(wave, settings=small(steps=90, **settings), quiet=True)
        assert found.compiled.transformed.units is not None
        assert found.relative_l2["u"] < 1e-2
        assert np.isfinite(found(x=0.0005, t=[0, 9e-7])["u"]).all()
        assert np.isfinite(found.result["residual_rms"]["equation"])


def test_particles_cross_at_a_time_of_the_declaration():
    steep = Problem(
        "steep",
        [Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), 0)],
        [(x, 0, 2000 * pi)],
        (t, 0, 900),
        [Eq(u(x, 0), 2 + sin(x / 1000)), Periodic(x)],
    )
    found = solve(steep, settings=small(steps=60, frame="lagrangian"), quiet=True)
    assert found.compiled.transformed.units is not None and found.notes == ()
    values = found(x=np.array([1000.0, 4000.0]), t=500.0)["u"]
    start = np.array([1000.0, 4000.0])
    for _ in range(200):
        start = np.array([1000.0, 4000.0]) - 500 * (2 + np.sin(start / 1000))
    np.testing.assert_allclose(values, 2 + np.sin(start / 1000), rtol=1e-3)


def test_a_stream_function_in_units():
    found = transform_problem(check_problem(channel()), Settings(stream_function=True))
    assert found.units is not None and found.stream is not None
    assert (
        found.declared.coordinates[0].high == pytest.approx(0.05) and found.in_units is found.units.restated
    )


# ---------------------------------------------------------------------------- what a reviewer found


def test_sources_are_not_multiplied_out():
    def restated(source):
        ends = [Eq(u(0), 0), Eq(u(Rational(1, 100)), 0)]
        problem = Problem("rod", [Eq(u(x).diff(x, 2), source)], [(x, 0, Rational(1, 100))], None, ends)
        return units_of(problem, units=True).restated.equations[0].residual.expr

    for source in (exp(-(((x - Rational(1, 200)) / Rational(1, 5000)) ** 2)), 1000 * ((x - 5) * 100) ** 8):
        values = sympy.lambdify(x, restated(source).subs({s: 0 for s in restated(source).free_symbols - {x}}))
        exact = sympy.lambdify(x, source.subs(x, x / 100))
        places = np.linspace(0, 1, 11)
        ratio = values(places) / exact(places)
        np.testing.assert_allclose(ratio, ratio[5], rtol=1e-9)


def test_singular_data_and_sizes_without_data_stop_nothing():
    steep = Problem(
        "steep",
        [Eq(u(x, t).diff(t), u(x, t).diff(x, 2))],
        [(x, 0, 1)],
        (t, 0, 1),
        [Eq(u(x, 0), 1 / sympy.sqrt(x))],
    )
    assert exponents(steep) == {}
    twice = Problem(
        "twice", [Eq(u(x).diff(x), 1), Eq(u(x).diff(x, 2), 10**8)], [(x, 0, 1)], None, [Eq(u(0), 1)]
    )
    assert "u" in exponents(twice)


def test_fields_that_are_driven_together_are_sized_together():
    stiff = 10**11
    a, b = u(x, y), v(x, y)
    plate = Problem(
        "plate",
        [Eq(stiff * (a.diff(x, 2) + b.diff(x, y)), 0), Eq(stiff * (b.diff(y, 2) + a.diff(x, y)), 10**5)],
        [(x, 0, 1), (y, 0, 1)],
        None,
        [Eq(f(0, y), 0) for f in (u, v)],
    )
    assert exponents(plate) == {"u": -6, "v": -6}


@pytest.mark.usefixtures("one_thread")
def test_observations_of_expressions_count_as_much_in_any_units():
    def decay(size, quantity):
        unknown, places = Unknown("k", start=1), np.array([[0.2], [0.9], [1.7]])
        seen = Observations(quantity, places, size**2 * np.exp(-4 * places[:, 0]))
        return Problem("decay", [Eq(u(t).diff(t), -unknown * u(t))], [], (t, 0, 2), [Eq(u(0), size)], [seen])

    for size in (1, 1e-6):
        found = solve(decay(size, u(t) ** 2), settings=small(steps=60), quiet=True)
        assert found.unknowns["k"] == pytest.approx(2, rel=1e-3)


def test_columns_of_observations_keep_their_order():
    function = Function("u")(t, x)
    seen = Observations(1000 * function, [[0.25, 0.5]], [7.0])
    problem = Problem(
        "seen", [Eq(function.diff(t), function.diff(x))], [(x, 0, 1)], (t, 0, 1), observations=[seen]
    )
    found = units_of(problem, units=True)
    (before,), (after,) = found.declared.observations, found.restated.observations
    for m in (before, after):
        assert dict(zip(m.coordinates, m.points[0], strict=True)) == {"x": 0.25, "t": 0.5}


def test_what_is_wrong_is_told_in_declared_numbers():
    steep = Problem(
        "steep",
        [Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), 0)],
        [(x, 0, 2000 * pi)],
        (t, 0, 3000),
        [Eq(u(x, 0), 2 + sin(x / 1000)), Periodic(x)],
    )
    with pytest.raises(UnsupportedProblem, match=r"at about t = (1\.?0*e\+03|1000|99\d)"):
        transform_problem(check_problem(steep), Settings(frame="lagrangian"))


def test_a_run_from_before_units_is_the_same_run(tmp_path):
    place = solve(rod(), settings=small(steps=5), out=tmp_path / "run", quiet=True).folder
    mark, settings = run_mark(place), read_json(place / "settings.json")
    assert settings.pop("units") is False
    write_json(place / "settings.json", settings)
    assert run_mark(place) == mark
    assert Solution.load(place).compiled.transformed.units is None
