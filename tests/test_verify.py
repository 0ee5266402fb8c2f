"""The error estimate: a classical solver on the same declaration, against what the error truly is."""

import json

import numpy as np
import pytest
from sympy import (
    Abs,
    Eq,
    Function,
    Heaviside,
    Integral,
    Max,
    Piecewise,
    Rational,
    atan,
    cos,
    cosh,
    exp,
    pi,
    sin,
    sinh,
    symbols,
)
from typer.testing import CliRunner

from pinnsolver import Disk, On, Periodic, Problem, Rectangle, Solution, resume, solve
from pinnsolver.cli import app
from pinnsolver.declare import check_problem
from pinnsolver.verify import estimate, refine
from pinnsolver.verify.classical.forward import Deadline, NotApplicableError, restate_forward
from pinnsolver.verify.classical.fourier import WaveGrid, Waves
from pinnsolver.verify.classical.jumps import jump_places
from pinnsolver.verify.classical.slabs import Pace, Slabs
from pinnsolver.verify.classical.splines import Axis
from pinnsolver.verify.classical.velocities import in_first_order
from pinnsolver.verify.wording import warnings_of

x, y, t = symbols("x y t")
u, v = Function("u"), Function("v")
QUICK = {"network": {"width": 8, "depth": 2}, "symmetry": False}  # errors that are worth estimating


EXACT = sin(pi * x) * exp(-(pi**2) * t / 5)


def heat(reference=EXACT):
    return Problem(
        "heat",
        [Eq(u(x, t).diff(t), u(x, t).diff(x, 2) / 5)],
        [(x, 0, 1)],
        time=(t, 0, 1),
        conditions=[Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
        reference={u: reference} if reference is not None else None,
    )


def wave():
    return Problem(
        "wave",
        [Eq(u(x, t).diff(t, 2), u(x, t).diff(x, 2))],
        [(x, 0, 1)],
        time=(t, 0, 1),
        conditions=[
            Eq(u(x, 0), sin(pi * x)),
            Eq(u(x, t).diff(t).subs(t, 0), sin(2 * pi * x)),
            Eq(u(0, t), 0),
            Eq(u(1, t), 0),
        ],
        reference={u: sin(pi * x) * cos(pi * t) + sin(2 * pi * x) * sin(2 * pi * t) / (2 * pi)},
    )


def turning():
    return Problem(
        "turning",
        [Eq(u(t).diff(t), v(t)), Eq(v(t).diff(t), -u(t))],
        [],
        time=(t, 0, 3),
        conditions=[Eq(u(0), 1), Eq(v(0), 0)],
        reference={u: cos(t), v: -sin(t)},
    )


def robin():
    """Steady and nonlinear, with an end that loses what it gets."""
    exact = exp(-x)
    return Problem(
        "robin",
        [Eq(u(x).diff(x, 2), u(x) + u(x) ** 2 - exact**2)],
        [(x, 0, 1)],
        conditions=[Eq(u(0), 1), Eq(u(x).diff(x).subs(x, 1) + u(1), 0)],
        reference={u: exact},
    )


def plate():
    exact = sin(pi * x) * sin(pi * y)
    return Problem(
        "plate",
        [Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), -2 * pi**2 * exact)],
        [(x, 0, 1), (y, 0, 1)],
        conditions=[Eq(u(0, y), 0), Eq(u(1, y), 0), Eq(u(x, 0), 0), Eq(u(x, 1), 0)],
        reference={u: exact},
    )


def plate_with_a_hole():
    domain = Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.2)
    exact = sin(x) * exp(y)
    return Problem(
        "hole",
        [Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), 0)],
        domain,
        conditions=[On(domain.boundary, Eq(u(x, y), exact))],
        reference={u: exact},
    )


def soliton():
    """Of third order in space: short waves that a coarse grid does not hold run away with its steps."""
    exact = 2 / cosh(x - 4 * t) ** 2
    values = [Eq(u(end, t), exact.subs(x, end)) for end in (-6, 10)]
    return Problem(
        "soliton",
        [Eq(u(x, t).diff(t) + 6 * u(x, t) * u(x, t).diff(x) + u(x, t).diff(x, 3), 0)],
        [(x, -6, 10)],
        time=(t, 0, Rational(1, 4)),
        conditions=[
            Eq(u(x, 0), exact.subs(t, 0)),
            *values,
            Eq(u(x, t).diff(x).subs(x, 10), exact.diff(x).subs(x, 10)),
        ],
        reference={u: exact},
    )


def breather():
    """Nonlinear and of second order in time."""
    exact = 4 * atan(Rational(4, 3) * cos(Rational(3, 5) * t) / cosh(Rational(4, 5) * x))
    return Problem(
        "breather",
        [Eq(u(x, t).diff(t, 2) - u(x, t).diff(x, 2) + sin(u(x, t)), 0)],
        [(x, -8, 8)],
        time=(t, 0, 2),
        conditions=[
            Eq(u(x, 0), exact.subs(t, 0)),
            Eq(u(x, t).diff(t).subs(t, 0), 0),
            *(Eq(u(end, t), exact.subs(x, end)) for end in (-8, 8)),
        ],
        reference={u: exact},
    )


def vortices():
    """Periodic in the plane, the stream function without a time derivative and pinned at a point."""
    w, psi = (Function(n)(x, y, t) for n in ("w", "psi"))
    shape = cos(x) * cos(y) * exp(-t / 5)
    carried = w.diff(t) + psi.diff(y) * w.diff(x) - psi.diff(x) * w.diff(y)
    return Problem(
        "vortices",
        [Eq(carried, (w.diff(x, 2) + w.diff(y, 2)) / 10), Eq(psi.diff(x, 2) + psi.diff(y, 2), -w)],
        [(x, 0, 2 * pi), (y, 0, 2 * pi)],
        time=(t, 0, 1),
        conditions=[
            Eq(w.subs(t, 0), 2 * shape.subs(t, 0)),
            Eq(psi.subs({x: pi, y: pi / 3}), shape.subs({x: pi, y: pi / 3})),
            Periodic(x),
            Periodic(y),
        ],
        reference={Function("w"): 2 * shape, Function("psi"): shape},
    )


def cells():
    """A flow in velocities, with a mean that a force turns; the pressure follows from the continuity and is pinned at a point."""
    v, p = (Function(n)(x, y, t) for n in "vp")
    w, decay = u(x, y, t), exp(-t / 5)
    exact = {
        w: sin(x) * cos(y) * decay + sin(t),
        v: -cos(x) * sin(y) * decay,
        p: (cos(2 * x) + cos(2 * y)) / 4 * decay**2,
    }

    def left(f, c):
        return f.diff(t) + w * f.diff(x) + v * f.diff(y) + p.diff(c) - (f.diff(x, 2) + f.diff(y, 2)) / 10

    forces = [left(f, c).subs(exact).doit() for f, c in ((w, x), (v, y))]
    return Problem(
        "cells",
        [Eq(left(w, x), forces[0]), Eq(left(v, y), forces[1]), Eq(w.diff(x) + v.diff(y), 0)],
        [(x, 0, 2 * pi), (y, 0, 2 * pi)],
        time=(t, 0, 1),
        conditions=[
            *(Eq(f.subs(t, 0), exact[f].subs(t, 0)) for f in (w, v)),
            Eq(p.subs({x: 1, y: 2}), exact[p].subs({x: 1, y: 2})),
            Periodic(x, y),
        ],
        reference={u: exact[w], Function("v"): exact[v], Function("p"): exact[p]},
    )


def cells_of_a_mean():
    """The same, the pressure known by its mean."""
    pinned = cells()
    mean = Eq(Integral(Function("p")(x, y, t), (x, 0, 2 * pi), (y, 0, 2 * pi)), 0)
    conditions = [mean if "p(" in str(c) else c for c in pinned.conditions]
    assert mean in conditions
    return Problem(
        "cells", pinned.equations, pinned.domain, pinned.time, conditions, reference=pinned.reference
    )


def drifting():
    """Periodic and of second order in time, with a source; its mean moves at constant speed."""
    exact = sin(x) * cos(t) + t + sin(2 * x) * t**2
    return Problem(
        "drifting",
        [Eq(u(x, t).diff(t, 2) - u(x, t).diff(x, 2), exact.diff(t, 2) - exact.diff(x, 2))],
        [(x, 0, 2 * pi)],
        time=(t, 0, 1),
        conditions=[Eq(u(x, 0), sin(x)), Eq(u(x, t).diff(t).subs(t, 0), 1), Periodic(x)],
        reference={u: exact},
    )


def step_of_a_source():
    """Whose second derivative jumps at 0.3."""
    beyond = (x - Rational(3, 10)) ** 2 / 2 * Heaviside(x - Rational(3, 10))
    return Problem(
        "step",
        [Eq(u(x).diff(x, 2), Piecewise((0, x < Rational(3, 10)), (1, True)))],
        [(x, 0, 1)],
        conditions=[Eq(u(0), 0), Eq(u(1), 0)],
        reference={u: beyond - Rational(49, 200) * x},
    )


def strip_of_a_source():
    """A strip that is heated: a source that jumps along one axis."""
    low, high = Rational(1, 4), Rational(3, 5)
    source = -sin(pi * y) * (Heaviside(x - low) - Heaviside(x - high))
    inside = exact_strip(float(low), float(high))
    return Problem(
        "strip",
        [Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), source)],
        [(x, 0, 1), (y, 0, 1)],
        conditions=[Eq(u(0, y), 0), Eq(u(1, y), 0), Eq(u(x, 0), 0), Eq(u(x, 1), 0)],
        reference={u: inside * sin(pi * y)},
    )


def exact_strip(low, high):
    """Return the solution of w'' - pi^2 w = -1 between low and high, 0 beyond, with zero ends: by Green's function."""

    def left(a, b):  # of sinh(pi s) over (a, b)
        return (cosh(pi * b) - cosh(pi * a)) / pi

    def right(a, b):  # of sinh(pi (1 - s)) over (a, b)
        return (cosh(pi * (1 - a)) - cosh(pi * (1 - b))) / pi

    size = pi * sinh(pi)
    near, far = sinh(pi * x), sinh(pi * (1 - x))
    return Piecewise(
        (near * right(low, high) / size, x < low),
        ((far * left(low, x) + near * right(x, high)) / size, x < high),
        (far * left(low, high) / size, True),
    )


def trained(problem, **more):
    return solve(problem, steps=105, seed=0, threads=1, quiet=True, settings=QUICK, **more)


CASES = [
    heat,
    wave,
    turning,
    robin,
    plate,
    plate_with_a_hole,
    soliton,
    breather,
    vortices,
    cells,
    cells_of_a_mean,
    drifting,
    step_of_a_source,
    strip_of_a_source,
]


@pytest.mark.parametrize("build", CASES)
def test_the_estimate_is_the_true_error(build):
    solution = trained(build())
    found = solution.estimate(30)
    assert found.method == "classical"
    for name, true in solution.result["relative_l2"].items():
        assert true > 1e-10  # or there would be nothing to estimate
        assert found.fields[name].value == pytest.approx(true, rel=0.2)


@pytest.mark.parametrize("build", [vortices, cells, cells_of_a_mean, drifting])
def test_what_is_periodic_is_verified_by_fourier_series(build):
    forward = restate_forward(check_problem(build()), {}, {})
    grid = WaveGrid(Waves(forward), 32)
    places = np.array([[0.3, 1.1, 0.0], [4.0, 5.0, 0.0]])[:, [0, 2] if build is drifting else [0, 1, 2]]
    times = np.linspace(0, 1, 11)
    found = grid.march(places, times, 4, Deadline.after(60))
    for function, exact in build().reference.items():
        values = [
            [float(exact.subs({**dict(zip((x, y), p, strict=False)), t: s})) for s in times] for p in places
        ]
        assert np.allclose(found[str(function)], values, atol=1e-7)


def test_exponential_steps_converge_to_order_four():
    # u' = -u + u^2 in every place: exact 1 / (1 + 3 e^t) from 1/4
    problem = Problem(
        "decay",
        [Eq(u(x, t).diff(t), -u(x, t) + u(x, t) ** 2)],
        [(x, 0, 1)],
        time=(t, 0, 1),
        conditions=[Eq(u(x, 0), Rational(1, 4)), Periodic(x)],
    )
    waves = Waves(restate_forward(check_problem(problem), {}, {}))
    errors = []
    for steps in (4, 8):
        found = WaveGrid(waves, 8).march(np.zeros((1, 2)), np.array([0.0, 1.0]), steps, Deadline.after(60))
        errors.append(abs(found["u"][0, -1] - 1 / (1 + 3 * np.e)))
    assert 13 < errors[0] / errors[1] < 20


def test_waves_do_not_grow_on_a_fine_grid():
    forward, _ = in_first_order(restate_forward(check_problem(wave()), {}, {}))
    assert any(
        "moving" in c.name for c in forward.conditions
    )  # what holds at a wall holds for the velocity too
    places = np.array([[0.2, 0.0], [0.7, 0.0]])
    times = np.linspace(0, 1, 6)
    found = Slabs(forward, [Axis(0.0, 1.0, 32, 7)], 3e-7).march(places, times, Deadline.after(60))
    exact = wave().reference[u]
    values = [[float(exact.subs({x: p[0], t: s})) for s in times] for p in places]
    assert np.allclose(found["u"], values, atol=3e-6)


@pytest.mark.parametrize(
    ("formula", "places"),
    [
        (Piecewise((0, x < Rational(3, 10)), (1, True)), [0.3]),
        (Heaviside(sin(3 * pi * x)), [1 / 3, 2 / 3]),
        (Abs(x - 0.5) + Max(x, 1 - x) * Heaviside(y - 0.2), [0.5]),
        (Piecewise((1, x + y < 1), (0, True)) + sin(x), []),  # not along the axis
        (Heaviside(x + 1), []),
    ],
)
def test_jumps_along_an_axis_are_found(formula, places):
    problem = Problem(
        "jumps",
        [Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), formula)],
        [(x, 0, 1), (y, 0, 1)],
        conditions=[Eq(u(0, y), 0), Eq(u(1, y), 0), Eq(u(x, 0), 0), Eq(u(x, 1), 0)],
    )
    assert jump_places(restate_forward(check_problem(problem), {}, {}), 0) == pytest.approx(places)


def test_splines_with_a_break_hold_a_kink_in_a_derivative_and_nothing_worse():
    axis = Axis(0.0, 1.0, 8, 7, False, (0.3,), 2)
    assert 0.3 in axis.ends() and len(axis.ends()) == 9
    nodes, weights = axis.gauss(9)
    assert weights.sum() == pytest.approx(1.0)
    values, columns = axis.local(nodes, 0)
    matrix = np.zeros((len(nodes), axis.size))
    np.put_along_axis(matrix, columns, values, axis=1)
    assert matrix.sum(axis=1) == pytest.approx(1.0)
    for power, held in ((2, True), (1, False)):
        target = np.maximum(nodes - 0.3, 0.0) ** power
        coefficients = np.linalg.lstsq(matrix, target, rcond=None)[0]
        assert bool(np.abs(matrix @ coefficients - target).max() < 1e-12) is held
    slope, columns = axis.local(np.array([0.2999, 0.3001]), 2)
    second = (slope * np.linalg.lstsq(matrix, np.maximum(nodes - 0.3, 0.0) ** 2, rcond=None)[0][columns]).sum(
        axis=1
    )
    assert second == pytest.approx([0.0, 2.0], abs=1e-9)


def test_steps_that_the_noise_of_a_grid_keeps_refusing_are_taken():
    pace = Pace(limit=1e-6)
    assert pace.refuses(1e-4)
    shorter = pace.shorter(0.1, 1e-4)
    assert 0.01 <= shorter < 0.1
    assert not pace.refuses(0.9e-4)  # a shorter step has not helped
    assert pace.next(shorter, 0.9e-4) == 0.1  # back to the long one
    assert not pace.refuses(2e-4) and pace.limit == 0.9e-4
    assert pace.refuses(float("inf"))


def test_the_estimate_knows_nothing_of_the_reference():
    with_it, without = trained(heat()).estimate(30), trained(heat(None)).estimate(30)
    assert with_it.fields["u"].value == pytest.approx(without.fields["u"].value, rel=1e-9)


def test_a_wrong_reference_is_told_from_a_wrong_solution():
    verified = trained(heat(2 * EXACT)).verify(30)
    assert verified.result["error_estimate"]["u"]["value"] < 0.1 < verified.result["relative_l2"]["u"]
    assert any("one of the two is wrong" in w for w in verified.result["warnings"])


@pytest.mark.parametrize(
    ("own", "value", "true", "said"),
    [
        (2e-8, 2.2e-8, 2e-9, None),  # the solver cannot tell more: it is no evidence against either
        (2e-8, 2.2e-8, 2e-6, "one of the two is wrong"),
        (1e-12, 2.2e-8, 2e-9, "one of the two is wrong"),
        (None, 1e-5, 1e-6, "a second run is a rough judge"),
        (None, 1e-6, 1e-5, "one of the two is wrong"),
        (1e-7, 1e-6, 2e-6, None),
    ],
)
def test_estimate_and_true_error_that_part_are_told_by_what_they_say(own, value, true, said):
    result = {
        "relative_l2": {"u": true},
        "error_estimate": {"u": {"value": value, "own_error": own, "basis": "a solver"}},
    }
    told = warnings_of(result)
    assert (told == []) if said is None else (said in told[0])


@pytest.mark.parametrize(("part", "count"), [(1.9e-3, 0), (1e-4, 1)])
def test_noise_that_happens_to_do_little_is_no_alarm(part, count):
    found = {"value": 2e-3, "own_error": 1e-9, "basis": "a solver", "of_unknowns": part}
    assert len(warnings_of({"relative_l2": {"u": 1e-4}, "error_estimate": {"u": found}})) == count


@pytest.mark.parametrize(("with_second", "most"), [(True, 65.0), (False, 100.0)])
def test_time_is_kept_for_a_second_run_while_no_solver_got_through(monkeypatch, with_second, most):
    allowed: list[float] = []
    asked: list[float] = []

    def fails_at_once(_, deadline):
        allowed.append(deadline.left)
        raise NotApplicableError("it is only a test")

    def second(seconds):
        asked.append(seconds)

    monkeypatch.setattr(estimate, "refine", fails_at_once)
    solution = trained(heat())
    found = estimate.estimate_error(
        solution.checked, solution.evaluate, {}, 100.0, second if with_second else None
    )
    assert found.method == "none"
    assert allowed == pytest.approx([0.75 * most, most], rel=0.1)
    assert asked == (pytest.approx([95.0], rel=0.1) if with_second else [])


def test_of_a_family_the_error_is_that_over_all_its_members():
    k = symbols("k")
    decay = Problem(
        "decay",
        [Eq(u(t).diff(t), -k * u(t))],
        time=(t, 0, 1),
        conditions=[Eq(u(0), 1)],
        parameters=[(k, 1, 5)],
    )
    checked = check_problem(decay)
    column = {c.name: i for i, c in enumerate(checked.coordinates)}

    def evaluate(points, wanted):
        rate, time = points[:, column["k"]], points[:, column["t"]]
        return dict.fromkeys(wanted, np.exp(-rate * time) * (1 + 1e-3 * (rate - 1)))

    found = estimate.estimate_error(checked, evaluate, {}, 20.0)
    rates, times = np.meshgrid(np.linspace(1, 5, 401), np.linspace(0, 1, 401))
    exact = np.exp(-rates * times)
    true = np.linalg.norm(exact * 1e-3 * (rates - 1)) / np.linalg.norm(exact)
    assert found.fields["u"].value == pytest.approx(true, rel=0.05)


def test_without_time_there_is_no_estimate_and_a_warning_says_so():
    verified = trained(heat()).verify(0.0)
    assert verified.result["error_estimate"]["u"]["value"] is None
    assert "reference_l2" not in verified.result
    assert any(w.startswith("The error estimate of u is missing") for w in verified.result["warnings"])


def test_a_verified_solution_can_still_be_gone_on_with(tmp_path):
    trained(heat()).verify(0.0).save(tmp_path / "run")
    assert resume(tmp_path / "run", steps=107, quiet=True).result["steps"] == 107


def test_a_saved_run_is_verified_from_the_command_line(tmp_path):
    folder = tmp_path / "run"
    trained(heat(), out=folder).report()
    before = json.loads((folder / "result.json").read_text())
    ended = CliRunner().invoke(app, ["verify", str(folder)])
    assert ended.exit_code == 0, ended.output
    after = json.loads((folder / "result.json").read_text())
    assert after["reference_l2"]["u"] == pytest.approx(before["relative_l2"]["u"], rel=0.2)
    assert after["seconds"] == before["seconds"]  # off the training clock
    assert "Error estimate" in (folder / "report.html").read_text()
    assert Solution.load(folder).result["error_estimate"]["u"]["value"] > 0


def test_a_tolerance_is_compared_with_the_estimate(tmp_path):
    words = ["solve", "problem.py", "--steps", "105", "--threads", "1", "--quiet"]
    text = (
        "from sympy import Eq, Function, pi, sin, symbols\nfrom pinnsolver import Problem\n"
        "x, t = symbols('x t')\nu = Function('u')\n"
        "problem = Problem('heat', [Eq(u(x, t).diff(t), u(x, t).diff(x, 2) / 5)], [(x, 0, 1)], time=(t, 0, 1),\n"
        "    conditions=[Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)])\n"
    )
    (tmp_path / "problem.py").write_text(text)
    words[1] = str(tmp_path / "problem.py")
    words += ["--set", "network.width=8", "--set", "network.depth=2"]
    ended = CliRunner().invoke(app, [*words, "--tolerance", "1e-13", "--out", str(tmp_path / "missed")])
    assert ended.exit_code == 0, ended.output
    assert "is above the tolerance, 1.0e-13" in ended.output
    result = json.loads((tmp_path / "missed" / "result.json").read_text())
    assert result["tolerance"] == {"asked": 1e-13, "reached": False}
    assert "is above the tolerance" in (tmp_path / "missed" / "report.html").read_text()
    ended = CliRunner().invoke(app, [*words, "--tolerance", "0.9", "--out", str(tmp_path / "met")])
    result = json.loads((tmp_path / "met" / "result.json").read_text())
    assert result["stopped"] == "tolerance" and result["tolerance"]["reached"] in (True, False)
    within = result["error_estimate"]["u"]["value"] <= 0.9
    assert result["tolerance"]["reached"] is within
    told = "Every estimate is below the tolerance" if within else "is above the tolerance"
    assert told in ended.output and told in (tmp_path / "met" / "report.html").read_text()


@pytest.mark.parametrize(
    ("off", "trusted"),
    [
        ([1e-2, 1e-4, 1e-6, 1e-8], True),
        ([1e-4, 5e-5, 3.5e-4, 6e-4], False),  # finer grids are worse again: what they differ by says nothing
        ([1e-1, 9e-2, 1e-3, 1e-6], True),  # coarse ones that were wrong alike
        ([1e-4, 1e-13, 5e-13, 1e-13], True),  # rounding
    ],
)
def test_grids_that_do_not_converge_are_not_trusted(monkeypatch, off, trusted):
    def exact(points, wanted):
        return {name: np.sin(points[:, 0]) for name in wanted}

    def level(error):
        def solved(places, deadline, count):
            return refine.Solved("a grid", {"u": np.sin(places[:, 0]) + error * np.cos(places[:, 0])})

        return solved

    problem = Problem("p", [Eq(u(x).diff(x, 2), -u(x))], [(x, 0, 1)], None, [Eq(u(0), 0), Eq(u(1), sin(1))])
    monkeypatch.setattr(refine, "_levels", lambda task, deadline: map(level, off))
    monkeypatch.setattr(refine, "GROWTH", 0.0)

    def near(points, wanted):
        return {name: values * 1.0001 for name, values in exact(points, wanted).items()}

    task = refine.Task(restate_forward(check_problem(problem), {}, {}), near, refine.SPLINES)
    assert refine.refine(task, Deadline.after(100.0)).trusted is trusted
