"""A kink of the initial function's periodic extension, spread by the equation's own diffusion."""

import numpy as np
import pytest
import sympy
from conftest import compiled
from sympy import Eq, Function, Rational, cos, exp, pi, symbols

from pinnsolver import Periodic, Problem
from pinnsolver.declare import check_problem
from pinnsolver.transform.kinks import diffused_kink, growth, spreading

x, t = symbols("x t")
u = Function("u")
NU = Rational(1, 50)
KINKED = x**2 * cos(pi * x)


def problem(right, left=None, initial=KINKED):
    """Return left = right, periodic on [-1, 1]."""
    left = u(x, t).diff(t) if left is None else left
    return Problem("kink", [Eq(left, right)], [(x, -1, 1)], (t, 0, 1), [Eq(u(x, 0), initial), Periodic(x)])


def spreading_of(made):
    checked = check_problem(made)
    return spreading(checked, checked.fields[0], checked.coordinates[0], KINKED)


def parts(made):
    """Return the spread kink and the coordinates."""
    checked = check_problem(made)
    space, time = checked.coordinates
    return diffused_kink(KINKED, space, time, NU)


def test_diffusivity_and_rate_are_read_from_the_equation():
    found = spreading_of(problem(NU * u(x, t).diff(x, 2) - u(x, t) ** 3))
    assert (found.nu, found.rate) == (NU, -3)  # -3 u^2 at u(+-1) = -1
    found = spreading_of(problem(-2 * u(x, t).diff(x, 2), left=-4 * u(x, t).diff(t)))
    assert (found.nu, found.rate) == (Rational(1, 2), 0)


def test_a_kink_decays_exponentially_and_at_most_doubles():
    time = check_problem(problem(NU * u(x, t).diff(x, 2))).coordinates[1]
    assert sympy.simplify(growth(sympy.Integer(-3), time) - exp(-3 * t)) == 0
    rising = growth(sympy.Integer(7), time)
    assert rising.subs(t, 0) == 1 and rising.diff(t).subs(t, 0) == 7 and rising.subs(t, 100) < 2


@pytest.mark.parametrize(
    "right",
    [
        -u(x, t).diff(x),  # no diffusion
        NU * u(x, t).diff(x, 2) - u(x, t).diff(x),  # carried away
        u(x, t) * u(x, t).diff(x, 2),  # not a constant one
        -NU * u(x, t).diff(x, 2),  # against the arrow of time
        NU * u(x, t).diff(x, 2) - u(x, t).diff(x, 4),  # not the highest order
    ],
)
def test_what_does_not_diffuse_by_a_constant_has_none(right):
    made = problem(right)
    assert spreading_of(made) is None
    stays = compiled(made, frame="eulerian").transformed.enforcement["u(x, 0) = x**2*cos(pi*x)"]
    assert stays.how == "soft"


def test_the_spread_kink_solves_the_heat_equation_and_vanishes_at_the_start():
    spread = parts(problem(NU * u(x, t).diff(x, 2)))
    left = spread.diff(t) - NU * spread.diff(x, 2)
    for at in ({x: 0.3, t: 0.2}, {x: -0.97, t: 0.01}):
        assert abs(float(left.subs(at).evalf())) < 1e-12
    assert abs(float(spread.subs({x: 0.99, t: 0}).evalf())) < 1e-12
    # One value by hand: at the seam (J / 2) s / sqrt(pi), with J = 2 x cos(pi x) at -1 less that at 1 = 2 + 2.
    s = 2 * np.sqrt(0.02 * 0.01)
    assert float(spread.subs({x: 1, t: 0.01}).evalf()) == pytest.approx(2 * s / np.sqrt(np.pi))


def test_value_slope_and_curvature_go_on_through_the_seam():
    lift = KINKED + parts(problem(NU * u(x, t).diff(x, 2)))
    for k in range(3):
        slope = sympy.diff(lift, x, k).subs(t, 0.03)
        assert float(slope.subs(x, -1).evalf()) == pytest.approx(float(slope.subs(x, 1).evalf()))


def test_a_kinked_initial_function_is_built_in_where_the_equation_diffuses():
    transformed = compiled(problem(NU * u(x, t).diff(x, 2) - u(x, t) ** 3)).transformed
    found = transformed.enforcement["u(x, 0) = x**2*cos(pi*x)"]
    assert found.how == "hard" and "spread by the diffusion" in found.reason
    lift = sympy.lambdify((x, t), transformed.ansatz["u"].lift, ["scipy", "numpy"])
    places = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(lift(places, 0.0), places**2 * np.cos(np.pi * places), atol=1e-11)


def test_a_jump_stays_soft():
    made = problem(NU * u(x, t).diff(x, 2), initial=exp(x))
    assert {e.how for e in compiled(made).transformed.enforcement.values()} == {"soft"}


@pytest.mark.parametrize("start", [1, 5, Rational(-1, 2)])
def test_the_spread_kink_is_finite_wherever_time_starts(start):
    made = Problem(
        "late",
        [Eq(u(x, t).diff(t), NU * u(x, t).diff(x, 2))],
        [(x, -1, 1)],
        (t, start, start + 1),
        [Eq(u(x, start), KINKED), Periodic(x)],
    )
    lift = sympy.lambdify((x, t), compiled(made).transformed.ansatz["u"].lift, ["scipy", "numpy"])
    places = np.linspace(-1, 1, 41)
    for early in (0.0, 1e-10):  # points are in the domain within a little slack
        values = lift(places, float(start) - early)
        np.testing.assert_allclose(values, places**2 * np.cos(np.pi * places), atol=1e-4)


@pytest.mark.parametrize("mixed", [u(x, t).diff(x, 2, t), u(x, t).diff(x, t)])
def test_a_mixed_derivative_keeps_the_kink_soft(mixed):
    assert spreading_of(problem(NU * u(x, t).diff(x, 2) + mixed)) is None
