"""Plane flows by their stream function: how the declaration is restated, what is built in, and the velocity that is read out."""

import numpy as np
import pytest
import sympy
from conftest import Formula, compiled, small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Eq, Function, Integral, Rational, cos, exp, pi, sin, symbols

from pinnsolver import (
    DeclarationError,
    Disk,
    NormalDerivative,
    Observations,
    On,
    Periodic,
    Problem,
    Rectangle,
    Settings,
    Solution,
    UnsupportedProblem,
    resume,
    solve,
)
from pinnsolver.declare import check_problem
from pinnsolver.network import AutogradNetwork
from pinnsolver.sample import Sampler
from pinnsolver.transform import describe, transform_problem
from pinnsolver.transform.stream import plane_velocity, stream_function

x, y, z, t = symbols("x y z t")
U, V, P, psi = Function("u"), Function("v"), Function("p"), Function("psi")
BOX = [(x, 0, 2), (y, 0, 1)]
INLET = 4 * y * (1 - y)
NU = Rational(1, 10)


def momentum(*at, forces=(0, 0), nu=NU):
    """Return the equations of an incompressible flow, the continuity last."""
    u, v, p = U(*at), V(*at), P(*at)
    equations = []
    for f, c, force in ((u, x, forces[0]), (v, y, forces[1])):
        rate = f.diff(t) if t in at else 0
        carried = u * f.diff(x) + v * f.diff(y) - nu * (f.diff(x, 2) + f.diff(y, 2))
        equations.append(Eq(rate + carried + p.diff(c), force))
    return [*equations, Eq(u.diff(x) + v.diff(y), 0)]


def channel(*conditions, equations=None, domain=BOX, **others):
    """A flow between two walls; what happens at their ends is left to the conditions."""
    walls = [Eq(f(x, end), 0) for f in (U, V) for end in (0, 1)]
    return Problem("channel", equations or momentum(x, y), domain, conditions=[*walls, *conditions], **others)


def box(u0, v0, *conditions, domain=((x, 0, 1), (y, 0, 1)), forces=(0, 0), **others):
    """A flow that starts from a velocity, by default in a box with slippery walls."""
    walls = [Eq(U(end, y, t), 0) for end in (0, 1)] + [Eq(V(x, end, t), 0) for end in (0, 1)]
    start = [Eq(U(x, y, 0), u0), Eq(V(x, y, 0), v0)]
    return Problem(
        "box",
        momentum(x, y, t, forces=forces),
        list(domain),
        (t, 0, 1),
        [*start, *(conditions or walls)],
        **others,
    )


SQUARE = [(x, 0, 2), (y, 0, 2)]
VORTEX = (sin(pi * x) * cos(pi * y), -cos(pi * x) * sin(pi * y))
OPEN = (Eq(U(0, y), INLET), Eq(V(0, y), 0), Eq(U(x, y).diff(x).subs(x, 2), 0), Eq(P(2, y), 0))


def restated(problem):
    return stream_function(check_problem(problem))


def written(problem):
    """Return by declared condition the condition on psi that stands for it."""
    found = restated(problem)
    conditions = found.restated.conditions
    names = [c.name for c in found.declared.conditions]
    return {n: conditions[k].name for n, k in zip(names, found.counterparts, strict=True)}


@pytest.mark.parametrize(
    ("equation", "found"),
    [
        (Eq(U(x, y).diff(x) + V(x, y).diff(y), 0), ("u", "v")),
        (Eq(-3 * V(x, y).diff(x), 3 * U(x, y).diff(y)), ("v", "u")),
        (Eq(U(x, y).diff(x) - V(x, y).diff(y), 0), None),
        (Eq(U(x, y).diff(x) + V(x, y).diff(y), 1), None),
        (Eq(U(x, y).diff(x) + U(x, y).diff(y), 0), None),
        (Eq(x * U(x, y).diff(x) + x * V(x, y).diff(y), 0), None),
        (Eq(U(x, y).diff(y) + V(x, y).diff(x), 0), ("v", "u")),
    ],
    ids=str,
)
def test_a_velocity_free_of_divergence_is_found(equation, found):
    u, v = U(x, y), V(x, y)
    others = [Eq(u.diff(x, 2) + u.diff(y, 2), v), Eq(v.diff(x, 2) + v.diff(y, 2), u)]
    checked = check_problem(Problem("any", [*others, equation], BOX))
    velocity = plane_velocity(checked)
    assert (None if velocity is None else velocity[:2]) == found


def test_an_open_channel_has_its_walls_and_inlet_built_in():
    problem = channel(*OPEN)
    found = written(problem)
    flux = sympy.integrate(INLET, (y, 0, 1))
    assert found["u(x, 0) = 0"] == "psi_y(x, 0) = 0"
    assert found["v(x, 0) = 0"] == "psi(x, 0) = 0"
    assert found["v(x, 1) = 0"] == f"psi(x, 1) = {flux}"
    assert found["v(0, y) = 0"] == "psi_x(0, y) = 0"
    assert found["u_x(2, y) = 0"] == "psi_xy(2, y) = 0"
    assert found["p(2, y) = 0"] == "p(2, y) = 0"
    made = transform_problem(check_problem(problem), Settings(stream_function=True))
    soft = {n for n, e in made.enforcement.items() if e.how == "soft"}
    assert soft == {"psi_xy(2, y) = 0"}
    assert [e.name for e in made.checked.equations] == ["equation 1", "equation 2"]


def test_walls_apart_keep_a_constant_of_their_own():
    periodic = channel(Periodic(x), Eq(P(0, Rational(1, 2)), 0), equations=momentum(x, y, forces=(1, 0)))
    for problem in (periodic, channel(Eq(P(0, y), 1), Eq(P(2, y), 0), Eq(V(0, y), 0), Eq(V(2, y), 0))):
        found = written(problem)
        values = [found["v(x, 0) = 0"], found["v(x, 1) = 0"]]
        assert sorted(values) == ["-psi_x(x, 1) = 0", "psi(x, 0) = 0"]


def test_the_initial_velocity_becomes_the_initial_stream_function():
    found = written(box(*VORTEX))
    assert found["u(x, y, 0) = sin(pi*x)*cos(pi*y)"] == "psi(x, y, 0) = sin(pi*x)*sin(pi*y)/pi"
    assert len(set(found.values())) == len(found) - 1


@pytest.mark.parametrize(
    ("problem", "error", "says"),
    [
        (
            channel(Eq(U(0, y), INLET), Eq(U(2, y), 0)),
            DeclarationError,
            "more into the domain than out of it",
        ),
        (box(x, y), UnsupportedProblem, "not free of divergence"),
        (box(exp(y**4), 0), UnsupportedProblem, "no integral in closed form"),
        (
            box(1 + sin(2 * pi * y), 0, Periodic(x, y), Eq(P(0, 0, t), 0)),
            UnsupportedProblem,
            "u may have a mean across the periodic y",
        ),
        (
            Problem("steady", momentum(x, y), BOX, conditions=[Periodic(x, y), Eq(P(0, 0), 0)]),
            UnsupportedProblem,
            "u may have a mean across the periodic y",
        ),
        (
            Problem("through", momentum(x, y), BOX, conditions=[Periodic(y), Eq(U(0, y), 1), Eq(P(2, y), 0)]),
            UnsupportedProblem,
            "u may have a mean across the periodic y",
        ),
        (
            Problem("open", momentum(x, y), BOX, conditions=[Periodic(y), Eq(P(0, y), 1), Eq(P(2, y), 0)]),
            UnsupportedProblem,
            "u may have a mean across the periodic y",
        ),
        (
            box(*VORTEX, Periodic(x, y), Eq(P(0, 0, t), 0), domain=SQUARE, forces=(1, 0)),
            UnsupportedProblem,
            "may have a mean",
        ),
        (
            Problem(
                "blown",
                momentum(x, y),
                [(x, 0, 2 * pi), (y, 0, 1)],
                conditions=[*(Eq(V(x, end), exp(cos(x))) for end in (0, 1)), Periodic(x), Eq(P(0, 0), 0)],
            ),
            UnsupportedProblem,
            "v may have a mean across the periodic x",
        ),
        (
            channel(Eq((U(x, y).diff(x) + V(x, y).diff(y)).subs(x, 2), 0)),
            UnsupportedProblem,
            "says no more than",
        ),
        (
            Problem(
                "waves",
                [
                    *(
                        Eq(f.diff(t, 2) + P(x, y, t).diff(c), 0)
                        for f, c in ((U(x, y, t), x), (V(x, y, t), y))
                    ),
                    Eq(U(x, y, t).diff(x) + V(x, y, t).diff(y), 0),
                ],
                BOX,
                (t, 0, 1),
                [Eq(f(x, y, t).diff(t, k).subs(t, 0), 0) for f in (U, V) for k in (0, 1)],
            ),
            UnsupportedProblem,
            "second order in time",
        ),
        (
            Problem(
                "heat", [Eq(U(x, t).diff(t), U(x, t).diff(x, 2))], [(x, 0, 1)], (t, 0, 1), [Eq(U(x, 0), 0)]
            ),
            UnsupportedProblem,
            "no equation of the problem",
        ),
    ],
    ids=[
        "leak",
        "divergence",
        "integral",
        "mean",
        "steady",
        "through",
        "open",
        "force",
        "blown",
        "continuity",
        "waves",
        "heat",
    ],
)
def test_what_has_no_stream_function_is_refused(problem, error, says):
    with pytest.raises(error, match=says):
        restated(problem)


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        ((0, 0), True),
        ((U(x, y, t) / 3 + P(x, y, t).diff(x, 2), sin(pi * x)), True),
        (((1 + cos(pi * x) * sin(pi * y)) * U(x, y, t), 0), False),
        ((U(x, y, t) ** 2, 0), False),
        ((U(x, y, t) * V(x, y, t).diff(x), 0), False),
        ((cos(pi * x) * U(x, y, t).diff(x, 2), 0), False),
        ((0, 1 + sin(pi * x)), False),
    ],
    ids=str,
)
def test_a_periodic_flow_whose_mean_may_change_is_left_to_its_velocity(terms, fits):
    problem = box(*VORTEX, Periodic(x, y), Eq(P(0, 0, t), 0), domain=SQUARE, forces=terms)
    made = transform_problem(check_problem(problem), Settings())
    assert (made.stream is not None) is fits


def test_edges_are_those_of_the_declared_velocity():
    """Where a lid and a wall contradict the continuity, which a stream function takes out of the equations, no psi is smooth either."""
    lid = channel(Eq(U(0, y), 0), Eq(V(0, y), 0), Eq(U(2, y), 0), Eq(V(2, y), y * (1 - y)), Eq(P(0, 0), 0))
    for problem, places in ((lid, ["x = 2, y = 0", "x = 2, y = 1"]), (channel(*OPEN), None)):
        made = transform_problem(check_problem(problem), Settings(stream_function=True))
        choice = made.choices.get("contradicted edges")
        assert (None if choice is None else choice.value) == places


def test_a_velocity_on_a_whole_shaped_boundary_is_carried_over():
    disk = Disk((x, y), (0.5, 0.5), 0.5)
    for where in (None, x > 0.5):
        walls = [On(disk.boundary, Eq(f(x, y), g), where=where) for f, g in ((U, y), (V, 0))]
        found = written(Problem("disk", momentum(x, y), disk, conditions=[*walls, Eq(P(0.5, 0.5), 0)]))
        assert any("psi_y(x, y)" in name for name in found.values())


def test_a_moving_frame_at_once_is_refused():
    settings = Settings(stream_function=True, frame="lagrangian")
    with pytest.raises(UnsupportedProblem, match="both at once"):
        transform_problem(check_problem(box(*VORTEX)), settings)


def test_data_without_a_formula_stay_a_condition_on_a_slope():
    problem = channel(Eq(U(0, y), exp(y**4)), Eq(V(0, y), 0), Eq(P(2, y), 0))
    assert written(problem)["u(0, y) = exp(y**4)"] == "-exp(y**4) + psi_y(0, y) = 0"


def test_the_name_of_the_stream_function_is_free():
    heat = psi(x, y)
    more = Eq(heat.diff(x, 2) + heat.diff(y, 2), U(x, y))
    problem = channel(Eq(psi(x, 0), 0), equations=[*momentum(x, y), more])
    assert restated(problem).function.name == "psi_1"


HOLE = Rectangle((x, y), (0, 0), (2, 1)) - Disk((x, y), (1, Rational(1, 2)), Rational(1, 4), name="hole")
SHAPED = Problem(
    "hole",
    momentum(x, y),
    HOLE,
    conditions=[On("hole", Eq(U(x, y), 0)), On("hole", Eq(NormalDerivative(V(x, y)), 0)), Eq(P(0, 0), 0)],
)
MEAN = channel(Eq(Integral(U(0, y), (y, 0, 1)), Rational(2, 3)), *OPEN[1:])


@pytest.mark.parametrize("problem", [channel(*OPEN), SHAPED, MEAN], ids=["box", "shape", "mean"])
def test_restated_equations_leave_what_the_declared_ones_do(problem):
    """For any psi and p, at points inside: by sympy's derivatives on one side, by ours on the other."""
    made = compiled(problem, stream_function=True, hard=False)
    chosen = {"psi": sin(x + 2 * y) * exp(-x * y), "p": cos(x - y)}
    names = [f.name for f in made.checked.fields]
    network = AutogradNetwork(Formula([x, y], [chosen[n] for n in names]), names)
    points = Sampler.of(made.checked).interior(50, np.random.default_rng(0)).points
    found = made.residuals(made.prepare(0, points, None, "cpu"), network, {})
    velocity = {U(x, y): chosen["psi"].diff(y), V(x, y): -chosen["psi"].diff(x), P(x, y): chosen["p"]}
    for values, declared in zip(found.values(), momentum(x, y)[:2], strict=True):
        exact = sympy.lambdify([x, y], (declared.lhs - declared.rhs).subs(velocity).doit(), "numpy")(
            *points.T
        )
        np.testing.assert_allclose(values.detach().numpy()[:, 0], exact, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run of an open channel, saved."""
    folder = tmp_path_factory.mktemp("stream") / "run"
    seen = Observations(U(x, y), np.array([[1.0, 0.5], [0.5, 0.25]]), np.array([1.0, 0.75]))
    problem = channel(
        *OPEN, observations=[seen], reference={U: INLET, V: 0 * x, P: Rational(8, 10) * (2 - x)}
    )
    return solve(problem, settings=small(stream_function=True), steps=30, out=folder, quiet=True)


def test_the_velocity_that_is_read_out_has_no_divergence(run):
    points = np.random.default_rng(0).uniform((0, 0), (2, 1), (200, 2))
    at = {"x": points[:, 0], "y": points[:, 1]}
    u, v = U(x, y), V(x, y)
    slope = run(u.diff(x), **at)
    assert np.abs(slope).max() > 1e-8  # the flow is one along the channel, but for what training left
    np.testing.assert_allclose(slope + run(v.diff(y), **at), 0, atol=1e-14)
    assert run.result["residual_rms"]["equation 3"] < 1e-12
    assert set(run.result["residual_rms"]) == {"equation 1", "equation 2", "equation 3"}


def test_declared_conditions_hold_where_psi_carries_them(run):
    rms = run.result["conditions_rms"]
    for name in ("u(x, 0) = 0", "v(x, 1) = 0", "v(0, y) = 0", "p(2, y) = 0"):
        assert rms[name] < 1e-12, name
    assert run.relative_l2["u"] < 1e-2
    assert run.result["choices"]["stream function"]["value"] is True


def test_a_saved_run_gives_the_same_and_goes_on(run):
    at = {"x": [0.3, 1.2], "y": [0.4, 0.9]}
    again = Solution.load(run.folder)
    for name, values in run(**at).items():
        np.testing.assert_array_equal(again(**at)[name], values)
    assert list(run(**at)) == ["u", "v", "p"]
    on = resume(run.folder, steps=35, quiet=True)
    assert on.result["steps"] == 35


def test_the_restatement_is_shown_as_formulas():
    told = describe(transform_problem(check_problem(channel(*OPEN)), Settings(stream_function=True)))
    assert told["frame"]["title"] == "Stream function"
    assert len(told["frame"]["formulas"]) == 4
    assert {c["name"]: c["enforced"] for c in told["conditions"]}["v(x, 1) = 0"] == "hard"


@pytest.mark.parametrize(
    ("problem", "said", "says"),
    [
        (channel(*OPEN), {}, "one field for u and v"),
        (channel(*OPEN), {"frame": "eulerian", "hard": False}, "one field for u and v"),
        (
            box(*VORTEX, Periodic(x, y), Eq(P(0, 0, t), 0), domain=SQUARE, forces=(sin(pi * y), 0)),
            {},
            "one field for u and v",
        ),
        (channel(*OPEN), {"stream_function": False}, "asked for"),
        (channel(*OPEN), {"weights": {"p(2, y) = 0": 2.0}}, "weights were asked for"),
        (SHAPED, {}, "on a shaped boundary are not known"),
        (box(x, y), {}, "not free of divergence"),
        (
            channel(Eq(P(0, y), 1), Eq(P(2, y), 0)),
            {},
            "its value where v(x, 1) = 0 would be part of the solution",
        ),
        (channel(Periodic(x), Eq(P(0, 0), 0)), {}, "one field for u and v"),
    ],
)
def test_it_is_chosen_where_it_fits(problem, said, says):
    made = transform_problem(check_problem(problem), Settings(**said))
    choice = made.choices["stream function"]
    assert says in choice.reason
    assert choice.value is (made.stream is not None) is says.startswith("one field")


@pytest.mark.parametrize("ways", [{"causal": True}, {"windows": 3}, {"hard": False}], ids=str)
def test_other_methods_go_with_it(ways):
    more = [Eq(P(Rational(1, 2), Rational(1, 2), t), 0)]
    walls = [Eq(U(end, y, t), 0) for end in (0, 1)] + [Eq(V(x, end, t), 0) for end in (0, 1)]
    problem = box(*VORTEX, *walls, *more)
    run = solve(problem, settings=small(stream_function=True, **ways), steps=6, quiet=True)
    assert run.result["residual_rms"]["equation 3"] < 1e-11
    assert np.isfinite(list(run.result["conditions_rms"].values())).all()


def test_a_periodic_flow_keeps_its_period():
    problem = box(*VORTEX, Periodic(x, y), Eq(P(0, 0, t), 0), domain=SQUARE)
    run = solve(problem, settings=small(stream_function=True), steps=6, quiet=True)
    at = {"y": 0.3, "t": 0.5}
    assert run(x=0.0, **at)["u"] == pytest.approx(run(x=2.0, **at)["u"], abs=1e-12)


@st.composite
def flows(draw):
    """Draw a flow that is known: its declaration, psi and p."""
    timed = draw(st.booleans())
    at = (x, y, t) if timed else (x, y)
    along = draw(st.sampled_from([sin(x), exp(-x), 1 + x**2, x, cos(2 * x)]))
    across = draw(st.sampled_from([cos(y), y**3, exp(y / 2), sin(3 * y) + y, y**2 - y]))
    psi_, p_ = along * across * (exp(-t) if timed else 1), sin(x) * y
    exact = {U(*at): psi_.diff(y), V(*at): -psi_.diff(x), P(*at): p_}
    zero = momentum(*at)
    forced = [Eq(e.lhs, (e.lhs - e.rhs).subs(exact).doit(), evaluate=False) for e in zero[:2]]
    conditions = [Eq(P(0, 0, *at[2:]), 0)]
    for c, ends in ((x, (0, 2)), (y, (0, 1))):
        for end in ends:
            for f in draw(st.sampled_from([(U, V), (U, V), (U,), (V,), ()])):
                conditions.append(Eq(f(*at).subs(c, end), exact[f(*at)].subs(c, end), evaluate=False))
    if timed:
        conditions += [Eq(f(*at).subs(t, 0), exact[f(*at)].subs(t, 0), evaluate=False) for f in (U, V)]
    problem = Problem("flow", [*forced, zero[2]], BOX, (t, 0, 1) if timed else None, conditions)
    return problem, psi_, p_


@settings(
    max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(flows())
def test_the_exact_flow_meets_all_that_is_restated(flow):
    problem, psi_, p_ = flow
    made = compiled(problem, stream_function=True, hard=False)
    stream = made.transformed.stream
    symbols_ = [c.symbol for c in made.checked.coordinates]
    corners = [psi_.subs({x: a, y: b}) for a in (0, 2) for b in (0, 1)]  # psi is zero at one of them
    names = [f.name for f in made.checked.fields]
    best = np.inf
    for corner in corners:
        exact = {"psi": psi_ - corner, "p": p_}
        network = AutogradNetwork(Formula(symbols_, [exact[n] for n in names]), names)
        worst = 0.0
        for k, group in enumerate(made.groups):
            sampler, rng = Sampler.of(made.checked), np.random.default_rng(0)
            drawn = (
                sampler.interior(20, rng) if group.region is None else sampler.region(group.region, 9, rng)
            )
            found = made.residuals(made.prepare(k, drawn.points, drawn.normals, "cpu"), network, {})
            worst = max(worst, *(float(r.detach().abs().max()) for r in found.values()))
        best = min(best, worst)
    assert best < 1e-11
    assert len(stream.counterparts) == len(check_problem(problem).conditions)
