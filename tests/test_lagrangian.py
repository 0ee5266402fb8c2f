"""The Lagrangian frame as formulas: the restated declaration, where it is refused, when it is chosen."""

import numpy as np
import pytest
import sympy
from conftest import Formula
from sympy import (
    Derivative,
    Eq,
    Function,
    Integral,
    Piecewise,
    Rational,
    cos,
    exp,
    log,
    pi,
    sin,
    symbols,
)

from pinnsolver import (
    DeclarationError,
    Disk,
    Observations,
    On,
    Periodic,
    Problem,
    Unknown,
    UnsupportedProblem,
)
from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import FieldValue, Settings, check_problem
from pinnsolver.network import AutogradNetwork
from pinnsolver.sample import Sampler
from pinnsolver.transform import describe, transform_problem
from pinnsolver.transform.labels import Labels
from pinnsolver.transform.lagrangian import lagrangian_frame, moving_frame

x, y, t, c = symbols("x y t c")
u, v, D_x, D_y = map(Function, ("u", "v", "D_x", "D_y"))
U, V, W = u(x, t), v(x, t), u(x, y, t)
ROUND = [(x, 0, 2 * pi)]
START = [Eq(u(x, 0), sin(x)), Periodic(x)]


def declared(equations, conditions=START, domain=ROUND, end=1, **more):
    """Return a problem on a ring, or on what is given."""
    equations = equations if isinstance(equations, list) else [equations]
    return Problem("some", equations, domain, (t, 0, end), conditions, **more)


def carried(field, *velocity):
    """Return D(field)/Dt as it is written in places."""
    return field.diff(t) + sum(f * field.diff(s) for f, s in zip(velocity, (x, y), strict=False))


def frame_of(*args, **more):
    return lagrangian_frame(check_problem(declared(*args, **more)))


def residuals(frame):
    return [e.source.lhs - e.source.rhs for e in frame.restated.equations]


# ------------------------------------------------------------------------------------ derived systems


def test_convection_becomes_an_equation_without_space():
    frame = frame_of(Eq(carried(U, 30), 0))
    assert residuals(frame) == [U.diff(t)]
    assert frame.labels.displacement == (30 * t,) and frame.learned == () and frame.is_still


def test_convection_and_diffusion_become_diffusion():
    frame = frame_of(Eq(carried(U, 30), U.diff(x, 2) / 100))
    assert residuals(frame) == [U.diff(t) - U.diff(x, 2) / 100] and not frame.is_still


def test_a_velocity_of_time_is_integrated():
    frame = frame_of(Eq(carried(U, cos(3 * t)), U.diff(x, 2)))
    assert frame.labels.displacement == (sin(3 * t) / 3,) and frame.labels.is_rigid


@pytest.mark.parametrize("flux", [U * U.diff(x), (U**2 / 2).diff(x), Derivative(U**2, x) / 2])
def test_viscous_burgers_follows_the_paper_with_the_slope_of_the_jacobian(flux):
    frame = frame_of(Eq(U.diff(t) + flux, U.diff(x, 2) / 100))
    displacement = D_x(x, t)
    jacobian = 1 + displacement.diff(x)
    bent = U.diff(x, 2) / jacobian**2 - U.diff(x) * displacement.diff(x, 2) / jacobian**3
    first, second = residuals(frame)
    assert sympy.simplify(first - (U.diff(t) - bent / 100)) == 0
    assert second == displacement.diff(t) - U
    assert frame.learned == ("D_x",) and frame.labels.positions == (x + displacement,)


def test_steady_motion_in_the_mean_is_split_off_the_displacement():
    frame = frame_of(Eq(carried(U, U), U.diff(x, 2)), [Eq(u(x, 0), 2 + sin(x)), Periodic(x)])
    assert frame.labels.displacement == (2 * t + D_x(x, t),)
    assert residuals(frame)[1] == D_x(x, t).diff(t) - (U - 2)


def test_a_frame_that_moves_with_the_mean_keeps_the_rest_of_the_transport():
    start = [Eq(u(x, 0), 9 + sin(x)), Periodic(x)]
    frame = moving_frame(check_problem(declared(Eq(carried(U, U), U.diff(x, 2)), start)))
    assert frame.labels.displacement == (9 * t,) and frame.learned == () and frame.name == "moving"
    assert sympy.expand(residuals(frame)[0] - (carried(U, U - 9) - U.diff(x, 2))) == 0


def test_a_wave_whose_crests_lie_at_the_ends_is_carried_nowhere_on_the_mean():
    start = [Eq(u(x, 0), 9 * cos(x)), Periodic(x)]
    with pytest.raises(UnsupportedProblem, match="nothing is carried on the mean"):
        moving_frame(check_problem(declared(Eq(carried(U, U), U.diff(x, 2)), start)))


def test_a_moving_frame_does_not_mind_walls_along_which_it_goes():
    box = [*ROUND, (y, 0, 1)]
    ends = [Eq(u(x, 0, t), sin(x)), Eq(W.diff(y).subs(y, 1), 0)]
    equation = Eq(carried(W, 8 + W, W), W.diff(x, 2) + W.diff(y, 2))
    frame = moving_frame(check_problem(declared(equation, [Eq(u(x, y, 0), sin(x)), Periodic(x), *ends], box)))
    assert frame.labels.displacement == (8 * t, 0)
    assert [k.name for k in frame.restated.conditions][1] == "u(x, 0, t) = sin(x)"
    assert frame.restated.conditions[1].residual.expr.has(sin(x + 8 * t))
    with pytest.raises(UnsupportedProblem, match="does not vanish on the wall y = 0"):
        lagrangian_frame(frame.declared)


def test_a_plane_that_moves_as_a_whole_keeps_its_laplacian():
    box = [*ROUND, (y, 0, 2 * pi)]
    start = [Eq(u(x, y, 0), sin(x) * cos(y)), Periodic(x, y)]
    laplacian = W.diff(x, 2) + W.diff(y, 2)
    frame = frame_of(Eq(carried(W, 2, -1), laplacian / 10), start, box)
    assert sympy.expand(residuals(frame)[0] - (W.diff(t) - laplacian / 10)) == 0
    assert frame.labels.displacement == (2 * t, -t)


def test_a_shear_is_known_and_strains_the_laplacian():
    box = [*ROUND, (y, 0, 2 * pi)]
    start = [Eq(u(x, y, 0), sin(x)), Periodic(x, y)]
    frame = frame_of(Eq(carried(W, sin(y), 0), W.diff(x, 2) + W.diff(y, 2)), start, box)
    assert frame.labels.displacement == (t * sin(y), 0) and frame.learned == ()
    slope = W.diff(y) - t * cos(y) * W.diff(x)  # by y at a fixed place
    hand = W.diff(x, 2) + slope.diff(y) - t * cos(y) * slope.diff(x)
    assert sympy.expand(residuals(frame)[0] - (W.diff(t) - hand)) == 0


def test_a_scalar_is_carried_by_another_field():
    equations = [Eq(carried(U, U), U.diff(x, 2)), Eq(carried(V, U), sin(x) * V)]
    frame = frame_of(equations, [*START, Eq(v(x, 0), cos(x))])
    assert residuals(frame)[1] == V.diff(t) - sin(x + D_x(x, t)) * V
    assert [e.name for e in frame.restated.equations] == ["equation 1", "equation 2", "path"]


def test_equations_without_time_are_kept_and_seen_by_particles():
    psi = Function("psi")
    P = psi(x, y, t)
    vorticity = Eq(W.diff(t) + P.diff(y) * W.diff(x) - P.diff(x) * W.diff(y), 0)
    poisson = Eq(P.diff(x, 2) + P.diff(y, 2), -W)
    box = [*ROUND, (y, 0, 2 * pi)]
    start = [Eq(u(x, y, 0), sin(x) * sin(y)), Periodic(x, y)]
    frame = frame_of([vorticity, poisson], start, box)
    a, b = D_x(x, y, t), D_y(x, y, t)
    j = (1 + a.diff(x)) * (1 + b.diff(y)) - a.diff(y) * b.diff(x)
    by_y = ((1 + a.diff(x)) * P.diff(y) - a.diff(y) * P.diff(x)) / j
    assert residuals(frame)[0] == W.diff(t)
    assert sympy.simplify(residuals(frame)[2] - (a.diff(t) - by_y)) == 0


def test_coefficients_without_a_period_are_taken_at_the_place_in_the_domain():
    frame = frame_of(Eq(carried(U, 5), -exp(-((x - 3) ** 2)) * U))
    place = frame.restated.equations[0].source.rhs
    at = [place.subs({U: 1, x: 1.0, t: k * 2 * pi / 5}).evalf() for k in (0, 1, 2)]
    np.testing.assert_allclose(np.array(at, dtype=float), -np.exp(-4), rtol=1e-12)


PLANE = Problem(
    "some", [Eq(W.diff(t), W.diff(x) + W.diff(y))], [(x, 0, 1), (y, 0, 1)], (t, 0, 1), [Eq(u(x, y, 0), 0)]
)


@pytest.mark.parametrize(
    ("orders", "derivative"),
    [((1, 0, 0), (x,)), ((0, 2, 0), (y, y)), ((1, 1, 0), (x, y)), ((0, 0, 1), (t,)), ((1, 0, 1), (x, t))],
)
def test_the_chain_rule_gives_derivatives_by_place(orders, derivative):
    known = sin(x - y) * exp(t * y) + x**2 * t
    bend = (t * sin(x + y) / 5, t**2 * x * cos(y) / 7)
    labels = Labels((x, y, t), (x, y), t, bend)
    there = {x: labels.positions[0], y: labels.positions[1]}
    function = next(f for f in check_problem(PLANE).fields)
    found = labels.value(FieldValue("u", orders), function)
    found = found.subs(function.applied, known.subs(there, simultaneous=True)).doit()
    expected = known.diff(*derivative).subs(there, simultaneous=True)
    gap = sympy.lambdify([x, y, t], found - expected)
    points = np.random.default_rng(0).random((3, 20))
    np.testing.assert_allclose(gap(*points), 0, atol=1e-11)


def test_slopes_on_walls_are_divided_by_the_jacobian():
    ends = [Eq(u(0, t), 0), Eq(u(pi, t), 0), Eq(U.diff(x).subs(x, 0), t)]
    frame = frame_of(Eq(carried(U, U), U.diff(x, 2)), [Eq(u(x, 0), sin(x)), *ends], [(x, 0, pi)])
    by_name = {k.name: k for k in frame.restated.conditions}
    slope = by_name["u_x(0, t) = t"].source
    hand = U.diff(x).subs(x, 0) / (1 + D_x(x, t).diff(x).subs(x, 0)) - t
    assert sympy.simplify((slope.lhs - slope.rhs) - hand) == 0
    assert by_name["u(0, t) = 0"].source == ends[0]
    assert {"D_x(0, t) = 0", "D_x(pi, t) = 0", "D_x(x, 0) = 0"} <= set(by_name)


def test_a_name_that_is_taken_is_not_taken_again():
    equations = [Eq(carried(U, U), U.diff(x, 2)), Eq(carried(D_x(x, t), U), 0)]
    frame = frame_of(equations, [*START, Eq(D_x(x, 0), 0)])
    assert frame.learned == ("D_x_",)


# -------------------------------------------------------------------------------------- exact answers


def exact_residuals(problem, formulas):
    """Return the largest residual of each restated term for known fields and displacements, conditions soft."""
    settings = Settings(frame="lagrangian", hard=False)
    made = CompiledProblem(transform_problem(check_problem(problem), settings))
    names = [f.name for f in made.checked.fields]
    module = Formula([k.symbol for k in made.checked.coordinates], [formulas[n] for n in names])
    sampler, rng, found = Sampler.of(made.checked), np.random.default_rng(0), {}
    for k, group in enumerate(made.groups):
        drawn = sampler.interior(100, rng) if group.region is None else sampler.region(group.region, 30, rng)
        prepared = made.prepare(k, drawn.points, None, "cpu")
        found |= made.residuals(prepared, AutogradNetwork(module, names), {})
    return {name: float(values.detach().abs().max()) for name, values in found.items()}


def test_damped_burgers_before_its_crossing_has_no_residual():
    k = Rational(1, 2)
    problem = declared(Eq(carried(U, U), -k * U), end=1)
    path = sin(x) * (1 - exp(-k * t)) / k
    found = exact_residuals(problem, {"u": sin(x) * exp(-k * t), "D_x": path})
    assert set(found) == {"equation", "path", "u(x, 0) = sin(x)", "D_x(x, 0) = 0"}
    assert max(found.values()) < 1e-13


def test_a_scalar_between_walls_that_nothing_crosses_has_no_residual():
    problem = declared(Eq(carried(U, sin(x)), 0), [Eq(u(x, 0), cos(x))], [(x, 0, 3)])
    with pytest.raises(UnsupportedProblem, match="does not vanish on the wall x = 3"):
        frame_of(Eq(carried(U, sin(x)), 0), [Eq(u(x, 0), cos(x))], [(x, 0, 3)])
    problem = declared(Eq(carried(U, x * (1 - x)), 0), [Eq(u(x, 0), cos(x))], [(x, 0, 1)])
    place = x * exp(t) / (1 - x + x * exp(t))  # the logistic equation
    found = exact_residuals(problem, {"u": cos(x), "D_x": place - x})
    assert max(found.values()) < 1e-13


def test_viscous_burgers_has_no_residual_along_a_known_path():
    # u = x / (1 + t) solves Burgers' equation with any viscosity; the walls' values play no part in the equations.
    frame = frame_of(
        Eq(carried(U, U), U.diff(x, 2)), [Eq(u(x, 0), sin(x)), Eq(u(0, t), 0), Eq(u(pi, t), 0)], [(x, 0, pi)]
    )
    for residual in residuals(frame):  # X = xi (1 + t), U = X / (1 + t) = xi
        known = residual.replace(u, lambda x, t: x).replace(D_x, lambda x, t: x * t)
        assert sympy.simplify(known.doit()) == 0


def test_known_formulas_are_carried_with_the_particles():
    frame = frame_of(Eq(carried(U, 30), 0), reference={u: sin(x - 30 * t)})
    assert sympy.expand(frame.restated.references["u"].formula) == sin(x)


def test_observations_are_carried_where_all_particles_move_alike():
    k = Unknown("k", start=2)
    points, values = np.array([[1.0, 0.5], [6.0, 0.25]]), np.array([0.1, 0.2])
    given = [Observations(U, points, values, name="sensor"), Observations(U.diff(t) + x * k, points, values)]
    frame = frame_of(Eq(carried(U, 30), U.diff(x, 2)), observations=given)
    first, second = frame.restated.observations
    labels = np.mod(points[:, 0] - 30 * points[:, 1], 2 * np.pi)
    np.testing.assert_allclose(first.points, np.stack([labels, points[:, 1]], axis=1))
    assert first.name == "sensor" and frame.restated.unknowns == (k,)
    names = {v.orders: v.symbol for v in second.quantity.values}
    wrapped = sympy.Mod(x + 30 * t, 2 * pi)
    assert second.quantity.expr == names[0, 1] - 30 * names[1, 0] + wrapped * k


# ------------------------------------------------------------------------------------------- crossing


@pytest.mark.parametrize(("right", "time"), [(0, 1.0), (-U / 10, float(-10 * log(0.9)))])
def test_the_time_of_the_first_crossing_is_named(right, time):
    with pytest.raises(UnsupportedProblem, match="cross at about t = ") as error:
        frame_of(Eq(carried(U, U), right), end=2)
    said = float(str(error.value).split("t = ")[1].split(":")[0])
    assert said == pytest.approx(time, rel=1e-5)


def test_before_the_crossing_all_is_well():
    frame = frame_of(Eq(carried(U, U), 0), end=0.9)
    assert frame.labels.displacement == (t * sin(x),) and frame.is_still


def test_particles_in_a_plane_cross_as_well():
    box = [*ROUND, (y, 0, 2 * pi)]
    equations = [Eq(carried(W, W, v(x, y, t)), 0), Eq(carried(v(x, y, t), W, v(x, y, t)), 0)]
    start = [Eq(u(x, y, 0), sin(x)), Eq(v(x, y, 0), 2 * sin(y)), Periodic(x, y)]
    with pytest.raises(UnsupportedProblem, match=r"t = 0.5[:0]"):
        frame_of(equations, start, box)


def test_a_family_crosses_when_its_first_member_does():
    with pytest.raises(UnsupportedProblem, match=r"t = 0.500"):
        frame_of(
            Eq(carried(U, U), 0), [Eq(u(x, 0), c * sin(x)), Periodic(x)], parameters=[(c, 1, 2)], end=0.9
        )


# -------------------------------------------------------------------------------------------- refusals

BURGERS = Eq(carried(U, U), U.diff(x, 2))
WALLS = [Eq(u(x, 0), sin(x)), Eq(u(0, t), 0), Eq(u(pi, t), 0)]
HALF = [(x, 0, pi)]


@pytest.mark.parametrize(
    ("problem", "error", "words"),
    [
        (declared(Eq(U.diff(t), U.diff(x, 2))), UnsupportedProblem, "nothing in the equation is carried"),
        (declared(Eq(U.diff(t) + U.diff(x) ** 2 / 2, 0)), UnsupportedProblem, "nothing in the equation"),
        (declared(Eq(U.diff(t) + U.diff(x, t), 0)), UnsupportedProblem, "has the derivative u_tx"),
        (
            declared(Eq(U.diff(t, 2) + U.diff(x), 0), [*START, Eq(U.diff(t).subs(t, 0), 0)]),
            UnsupportedProblem,
            "has the derivative u_tt",
        ),
        (declared(Eq(U.diff(t) ** 2 + U.diff(x), 0)), UnsupportedProblem, "time derivative to a power"),
        (
            declared([BURGERS, Eq(carried(V, 2), 0)], [*START, Eq(v(x, 0), 0)]),
            UnsupportedProblem,
            "equation 1 carries its field with u(x, t) and equation 2 with 2",
        ),
        (
            declared([Eq(carried(U, 2) + V.diff(t), 0), BURGERS], [*START, Eq(v(x, 0), 0)]),
            UnsupportedProblem,
            "several time derivatives",
        ),
        (
            Problem("some", [Eq(u(x).diff(x), u(x).diff(x, 2))], [(x, 0, 1)], None, [Eq(u(0), 0)]),
            DeclarationError,
            "is steady: it has no time",
        ),
        (
            Problem("some", [Eq(u(t).diff(t), -u(t))], [], (t, 0, 1), [Eq(u(0), 1)]),
            DeclarationError,
            "no space coordinate",
        ),
        (
            declared(Eq(carried(W, 1, 0), 0), [Eq(u(x, y, 0), 0)], Disk((x, y), (0, 0), 1)),
            UnsupportedProblem,
            "the domain is the shape",
        ),
        (
            declared(
                [Eq(carried(W, 1, 0), V), Eq(V.diff(t), V)],
                [Eq(u(x, y, 0), 0), Eq(v(x, 0), 0)],
                [(x, 0, 1), (y, 0, 1)],
            ),
            UnsupportedProblem,
            "v(x, t) does not depend on all of x, y and t",
        ),
        (
            declared(Eq(carried(U, 2), 0), WALLS, HALF),
            UnsupportedProblem,
            "2 does not vanish on the wall x = 0",
        ),
        (declared(BURGERS, WALLS[:2], HALF), UnsupportedProblem, "no condition gives the velocity u(x, t)"),
        (declared(Eq(carried(U, x), 0)), UnsupportedProblem, "the velocity x is not periodic in x"),
        (declared(BURGERS, [Periodic(t)]), UnsupportedProblem, "periodic in the time"),
        (
            declared(BURGERS, observations=[Observations(U, [[1.0, 0.5]], [0.3])]),
            UnsupportedProblem,
            "there are observations, and",
        ),
        (
            declared(BURGERS, [*START, Eq(Integral(U, (x, 0, 2 * pi)), 0)]),
            UnsupportedProblem,
            "integrates over places",
        ),
        (declared(BURGERS, [*WALLS, Eq(u(1, t), 0)], HALF), UnsupportedProblem, "stands at x = 1, which"),
        (
            declared(BURGERS, [*WALLS, Eq(u(x, 1), u(x, Rational(1, 2)))], HALF),
            UnsupportedProblem,
            "ties two places",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_followed_is_refused_before_training(problem, error, words):
    with pytest.raises(error) as found:
        transform_problem(check_problem(problem), Settings(frame="lagrangian"))
    said = str(found.value)
    assert words in said and "A frame that moves was asked for" in said and "fixed places" in said


def test_a_part_of_a_wall_along_which_particles_move_is_refused():
    box = [*ROUND, (y, 0, 1)]
    some = [Eq(u(x, y, 0), 0), Periodic(x)]
    part = On(Eq(u(x, 1, t), 1), where=x < 1)
    with pytest.raises(UnsupportedProblem, match="part of a wall"):
        frame_of(Eq(carried(W, 1, 0), W.diff(y, 2)), [*some, part], box)
    whole = frame_of(Eq(carried(W, 1, 0), W.diff(y, 2)), [*some, Eq(u(x, 1, t), sin(x))], box)
    assert whole.restated.conditions[-1].residual.expr.has(sin(x + t))


def test_unknown_velocities_and_families_of_them_are_learned_as_paths():
    k = Unknown("k", start=2)
    final = [*START, Eq(u(x, 1), sin(x - 3))]
    assert frame_of(Eq(carried(U, k), 0), final).learned == ("D_x",)
    family = frame_of(Eq(carried(U, c), 0), parameters=[(c, 0, 5)])
    assert family.learned == ("D_x",)


# -------------------------------------------------------------------------------------------- choices


@pytest.mark.parametrize(
    ("problem", "frame", "reason"),
    [
        (declared(Eq(carried(U, 30), 0)), "lagrangian", "nothing changes along"),
        (declared(Eq(carried(U, 30), U.diff(x, 2) / 100)), "lagrangian", "carried 4.8 lengths"),
        (declared(Eq(carried(U, U), 0), end=0.9), "lagrangian", "nothing changes along"),
        (declared(Eq(carried(U, U), 0), end=0.99), "eulerian", "so close"),
        (declared(Eq(carried(U, U), 0), end=2), "eulerian", "cross at about t = 1"),
        (declared(Eq(carried(U, 30), sin(x))), "eulerian", "flicker"),
        (declared(Eq(carried(U, Rational(1, 10)), U.diff(x, 2))), "eulerian", "0.016 lengths"),
        (declared(Eq(carried(U, 3), 5 * U.diff(x, 2))), "eulerian", "Péclet number 3.8"),
        (declared(BURGERS), "eulerian", "would have to be learned"),
        (declared(Eq(carried(U, U), -U), end=2), "lagrangian", "each particle changes by itself"),
        (declared(Eq(carried(U, U), -9 * U), end=2), "eulerian", "steepens little"),
        (
            declared(Eq(carried(U, U), U.diff(x, 2) / 100), [Eq(u(x, 0), 9 + sin(x)), Periodic(x)]),
            "moving",
            "mean",
        ),
        (declared(Eq(U.diff(t), U.diff(x, 2))), "eulerian", "nothing in the equation is carried"),
        (declared(Eq(carried(U, 30), 0), WALLS, HALF), "eulerian", "does not vanish on the wall"),
    ],
)
def test_the_frame_is_chosen_by_what_is_carried_how_far(problem, frame, reason):
    found = transform_problem(check_problem(problem), Settings())
    assert found.choices["frame"].value == frame == found.settings.frame
    assert reason in found.choices["frame"].reason


def test_what_is_asked_for_goes_before_the_choice():
    found = transform_problem(check_problem(declared(Eq(carried(U, 30), 0))), Settings(frame="eulerian"))
    assert found.frame is None and found.choices["frame"].reason == "asked for"


def test_the_derived_system_is_shown():
    told = describe(transform_problem(check_problem(declared(BURGERS)), Settings(frame="lagrangian")))
    texts = [f["unicode"] for f in told["frame"]["formulas"]]
    assert texts[0] == "Xₓ = x + Dₓ(x, t)" and texts[1] == "J(x, t) = Dₓ_x(x, t) + 1"
    assert "J_x(x, t)⋅u_x(x, t)" in texts[2] and texts[3] == "Dₓ_t(x, t) = u(x, t)"
    assert all("<m" in f["mathml"] for f in told["frame"]["formulas"])
    assert [e["unicode"] for e in told["equations"]] != texts[2:3]  # the declared one stays as it was written
    assert describe(transform_problem(check_problem(declared(BURGERS)), Settings()))["frame"] is None


def test_the_conditions_of_the_declaration_stay_in_place():
    found = transform_problem(check_problem(declared(BURGERS, WALLS, HALF)), Settings(frame="lagrangian"))
    told = describe(found)["conditions"]
    assert [k["name"] for k in told] == ["u(x, 0) = sin(x)", "u(0, t) = 0", "u(pi, t) = 0"]
    assert {k["enforced"] for k in told} == {"hard"}
    assert found.declared.problem.conditions == tuple(WALLS) and found.checked is not found.declared


def test_a_jump_of_the_velocity_crosses_at_once():
    step = [Eq(u(x, 0), Piecewise((1, x < pi), (0, True))), Periodic(x)]
    assert frame_of(Eq(carried(U, 30), 0), step).labels.displacement == (30 * t,)
    with pytest.raises(UnsupportedProblem, match=r"cross at about t = 0\.00"):
        frame_of(Eq(carried(U, U), 0), step)
