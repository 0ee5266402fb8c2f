"""Right declarations, as researchers write them, are never refused."""

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
    Sum,
    cos,
    cosh,
    exp,
    pi,
    sech,
    sin,
    sqrt,
    symbols,
)

from pinnsolver.declare import (
    Disk,
    Interval,
    NormalDerivative,
    Observations,
    On,
    Periodic,
    Polygon,
    Problem,
    Rectangle,
    Unknown,
    check_problem,
)

from .given import HEAT, LEFT, POISSON, RIGHT, START, heat, nu, p, s, steady, t, u, v, w, x, y

U, W = u(x, t), w(x, t)
LINE, SQUARE, NOW = [(x, 0, 1)], [(x, 0, 1), (y, 0, 1)], (t, 0, 1)
MEASURED = Observations(U, [[0.5, 0.5]], [1.0])


def navier_stokes(*more):
    """Return the momentum equations and the continuity equation, steady or, with t, transient."""
    a, b, q = (f(x, y, *more) for f in (u, v, p))
    momentum = [
        Eq(
            sum((f.diff(c) for c in more), a * f.diff(x) + b * f.diff(y)),
            -q.diff(c) + (f.diff(x, 2) + f.diff(y, 2)) / 100,
        )
        for f, c in ((a, x), (b, y))
    ]
    return [*momentum, Eq(a.diff(x) + b.diff(y), 0)]


def no_slip(field, lid, *more):
    return [
        Eq(field(x, 1, *more), lid),
        Eq(field(x, 0, *more), 0),
        Eq(field(0, y, *more), 0),
        Eq(field(1, y, *more), 0),
    ]


def cavity():
    return Problem(
        "cavity", navier_stokes(), SQUARE, conditions=[*no_slip(u, 1), *no_slip(v, 0), Eq(p(0, 0), 0)]
    )


def transient_cavity():
    at_rest = [Eq(f(x, y, 0), 0) for f in (u, v)]
    walls = [*no_slip(u, 1, t), *no_slip(v, 0, t), Eq(p(0, 0, t), 0)]
    return Problem("cavity", navier_stokes(t), SQUARE, NOW, [*walls, *at_rest])


def cylinder():
    channel = Rectangle((x, y), (0, 0), (2.2, 0.41), name="channel")
    domain = channel - Disk((x, y), (0.2, 0.2), 0.05, name="cylinder")
    a, b, q = u(x, y, t), v(x, y, t), p(x, y, t)
    inflow = 4 * y * (0.41 - y) / 0.41**2
    conditions = [
        On("cylinder", Eq(a, 0), Eq(b, 0)),
        On(channel.boundary, Eq(a, inflow), Eq(b, 0), where=x < 2.2 - 1e-6),
        On("channel", Eq(q, 0), where=x > 2.2 - 1e-6),
        Eq(u(x, y, 0), 0),
        Eq(v(x, y, 0), 0),
    ]
    return Problem("cylinder", navier_stokes(t), domain, NOW, conditions)


def kuramoto_sivashinsky():
    equation = U.diff(t) + U * U.diff(x) + U.diff(x, 2) + U.diff(x, 4)
    return Problem("ks", [equation], [(x, 0, 32 * pi)], (t, 0, 50), [Periodic(x), Eq(u(x, 0), cos(x / 16))])


def kuramoto_sivashinsky_by_hand():
    equation = U.diff(t) + U * U.diff(x) + U.diff(x, 2) + U.diff(x, 4)
    slopes = [Eq(U.diff(x, k).subs(x, 0), U.diff(x, k).subs(x, 2 * pi)) for k in (1, 2, 3)]
    conditions = [Eq(u(0, t), u(2 * pi, t)), *slopes, Eq(u(x, 0), cos(x))]
    return Problem("ks", [equation], [(x, 0, 2 * pi)], NOW, conditions)


def cantilever():
    shape = w(x)
    ends = [w(0), shape.diff(x).subs(x, 0), shape.diff(x, 2).subs(x, 1), shape.diff(x, 3).subs(x, 1)]
    return steady(Eq(shape.diff(x, 4), 1), *(Eq(end, 0) for end in ends))


def vibrating_beam():
    ends = [Eq(w(0, t), 0), Eq(W.diff(x, 2).subs(x, 0), 0), Eq(w(1, t), 0), Eq(W.diff(x, 2).subs(x, 1), 0)]
    start = [Eq(w(x, 0), sin(pi * x)), Eq(W.diff(t).subs(t, 0), 0)]
    return Problem("beam", [Eq(W.diff(t, 2) + W.diff(x, 4), 0)], LINE, NOW, [*ends, *start])


def robin():
    return heat(
        conditions=[
            Eq(-2 * U.diff(x).subs(x, 0), 3 * (20 - u(0, t))),
            Eq(2 * U.diff(x).subs(x, 1) + 3 * u(1, t) ** 4, 0),
            START,
        ]
    )


def stefan():
    front = w(t)
    melting = Eq(front**2 * U.diff(t) - x * front * front.diff(t) * U.diff(x), U.diff(x, 2))
    balance = Eq(front * front.diff(t), -U.diff(x).subs(x, 1))
    start = [Eq(w(0.1), 0.3), Eq(u(x, 0.1), 1 - x)]
    return Problem("stefan", [melting], LINE, (t, 0.1, 1), [Eq(u(1, t), 0), Eq(u(0, t), 1), balance, *start])


def schroedinger():
    a, b = Function("a"), Function("b")
    A, B = a(x, t), b(x, t)
    equations = [
        Eq(A.diff(t), -B.diff(x, 2) / 2 - (A**2 + B**2) * B),
        Eq(B.diff(t), A.diff(x, 2) / 2 + (A**2 + B**2) * A),
    ]
    ends = [Eq(f(-5, t), f(5, t)) for f in (a, b)]
    slopes = [Eq(f.diff(x).subs(x, -5), f.diff(x).subs(x, 5)) for f in (A, B)]
    start = [Eq(a(x, 0), 2 / cosh(x)), Eq(b(x, 0), 0)]
    return Problem("schroedinger", equations, [(x, -5, 5)], (t, 0, pi / 2), [*ends, *slopes, *start])


def eigenvalue():
    E = Unknown("E", start=5, low=0)
    norm = Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)
    return steady(Eq(-u(x).diff(x, 2), E * u(x)), Eq(u(0), 0), Eq(u(1), 0), norm)


def inverse_without_initial_state():
    D = Unknown("D", start=1, low=0)
    return heat(
        equations=[Eq(U.diff(t), D * U.diff(x, 2))], conditions=[LEFT, RIGHT], observations=[MEASURED]
    )


def unknown_coefficient_function():
    return heat(equations=[Eq(U.diff(t), (w(x) * U.diff(x)).diff(x))], observations=[MEASURED])


def unknown_source():
    return heat(equations=[Eq(U.diff(t), U.diff(x, 2) + w(t))], observations=[MEASURED])


def final_value():
    return heat(equations=[Eq(U.diff(t), -U.diff(x, 2))], conditions=[LEFT, RIGHT, Eq(u(x, 1), sin(pi * x))])


def boundary_values_in_time():
    return heat(equations=[Eq(U.diff(t, 2), U.diff(x, 2))], conditions=[START, Eq(u(x, 1), 0), LEFT, RIGHT])


def interface():
    k = Piecewise((1, x < Rational(1, 2)), (10, True))
    return steady(Eq((k * u(x).diff(x)).diff(x), Heaviside(x - 0.3)), Eq(u(0), 0), Eq(u(1), 0))


def transmission():
    a, b = u(x), v(x)
    flux = Eq(a.diff(x).subs(x, 1), 10 * b.diff(x).subs(x, 0))
    conditions = [Eq(u(0), 0), Eq(u(1), v(0)), flux, Eq(v(1), 0)]
    return Problem("transmission", [Eq(a.diff(x, 2), 1), Eq(b.diff(x, 2), 2)], LINE, conditions=conditions)


def lorenz():
    X, Y, Z = (Function(name)(t) for name in "XYZ")
    equations = [
        Eq(X.diff(t), 10 * (Y - X)),
        Eq(Y.diff(t), X * (28 - Z) - Y),
        Eq(Z.diff(t), X * Y - Rational(8, 3) * Z),
    ]
    return Problem("lorenz", equations, [], (t, 0, 20), [Eq(f.subs(t, 0), 1) for f in (X, Y, Z)])


def pendulum_in_cartesian_coordinates():
    a, b, tension = u(t), v(t), w(t)
    equations = [Eq(a.diff(t, 2), -tension * a), Eq(b.diff(t, 2), -tension * b - 9.81), Eq(a**2 + b**2, 1)]
    at_rest = [Eq(f.diff(t).subs(t, 0), 0) for f in (a, b)]
    return Problem("pendulum", equations, time=NOW, conditions=[Eq(u(0), 1), Eq(v(0), 0), *at_rest])


def poisson_in_five_dimensions():
    coordinates = symbols("x1:6")
    field = u(*coordinates)
    faces = [Eq(field.subs(c, end), 0) for c in coordinates for end in (0, 1)]
    laplacian = sum(field.diff(c, 2) for c in coordinates)
    return Problem("poisson5", [Eq(laplacian, 1)], [(c, 0, 1) for c in coordinates], conditions=faces)


def korteweg_de_vries():
    walls = [Eq(u(-10, t), 0), Eq(u(10, t), 0), Eq(U.diff(x).subs(x, 10), 0)]
    equation = Eq(U.diff(t) + 6 * U * U.diff(x) + U.diff(x, 3), 0)
    return Problem("kdv", [equation], [(x, -10, 10)], NOW, [Eq(u(x, 0), sech(x) ** 2), *walls])


def pure_neumann_with_a_zero_mean():
    faces = [NormalDerivative(f) for f in (u(0, y), u(1, y), u(x, 0), u(x, 1))]
    mean = Eq(Integral(u(x, y), (x, 0, 1), (y, 0, 1)), 0)
    return Problem("neumann", [POISSON], SQUARE, conditions=[*(Eq(f, 0) for f in faces), mean])


def motz():
    field = u(x, y)
    conditions = [
        Eq(u(1, y), 500),
        On(Eq(u(x, 0), 0), where=x < 0),
        On(Eq(field.diff(y).subs(y, 0), 0), where=x > 0),
        Eq(field.diff(y).subs(y, 1), 0),
        Eq(field.diff(x).subs(x, -1), 0),
    ]
    return Problem("motz", [POISSON], [(x, -1, 1), (y, 0, 1)], conditions=conditions)


def elasticity():
    a, b = u(x, y), v(x, y)
    stress = 2 * a.diff(x) + b.diff(y)
    equations = [
        Eq(stress.diff(x) + (a.diff(y) + b.diff(x)).diff(y), 0),
        Eq((a.diff(y) + b.diff(x)).diff(x), 0),
    ]
    traction = [Eq(stress.subs(x, 1), 1), Eq((a.diff(y) + b.diff(x)).subs(x, 1), 0)]
    return Problem("bar", equations, SQUARE, conditions=[Eq(u(0, y), 0), Eq(v(0, y), 0), *traction])


def l_shape():
    domain = Polygon((x, y), [(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)])
    return Problem("l-shape", [POISSON], domain, conditions=[On(domain.boundary, Eq(u(x, y), 0))])


def mixed_walls_of_a_disk():
    disk = Disk((x, y), (0, 0), 1)
    flux = On(disk.boundary, Eq(NormalDerivative(2 * u(x, y)) + u(x, y), x), where=(x < 0) | (y > 0.5))
    value = On(disk.boundary, Eq(u(x, y), 0), where=(x >= 0) & (y <= 0.5))
    return Problem("disk", [POISSON], disk, conditions=[flux, value])


def interval_with_two_sorts_of_walls():
    rod = Interval(x, 0, 1)
    left = On(rod.boundary, Eq(U, 0), where=x < 0.5)
    return heat(
        domain=rod, conditions=[START, left, On(rod.boundary, Eq(NormalDerivative(U), 0), where=x > 0.5)]
    )


def nonlocal_wall():
    return heat(conditions=[START, RIGHT, Eq(u(0, t), Integral(exp(-x) * U, (x, 0, 1)))])


def conserved_mass():
    return heat(conditions=[Eq(u(x, 0), 1), Eq(Integral(U, (x, 0, 1)), 1), Eq(u(0, t), u(1, t))])


def wall_driven_by_an_ode():
    return heat(
        equations=[HEAT, Eq(w(t).diff(t), -w(t))], conditions=[START, Eq(u(0, t), w(t)), RIGHT, Eq(w(0), 0)]
    )


def dynamic_wall():
    return heat(conditions=[START, Eq(u(0, t).diff(t), -u(0, t)), RIGHT])


def limit_cycle():
    period = Unknown("T", start=6, low=1)
    equation = Eq(u(t).diff(t, 2), period**2 * ((1 - u(t) ** 2) * u(t).diff(t) / period - u(t)))
    return Problem("cycle", [equation], time=NOW, conditions=[Periodic(t), Eq(u(0), 2)])


def mixed_derivatives():
    return heat(equations=[Eq(U.diff(x, t), sin(U))], conditions=[Eq(u(x, 0), x), LEFT])


def degenerate_and_nonsmooth():
    flux = sqrt(Abs(U)) * U.diff(x, 2) + Max(U, 0) + (Abs(x - Rational(1, 2)) * U).diff(x)
    return heat(equations=[Eq(U.diff(t), flux)])


def singular_at_the_axis():
    return steady(
        Eq(u(x).diff(x, 2) + 2 / x * u(x).diff(x) + u(x) ** 5, 0), Eq(u(0), 1), Eq(u(x).diff(x).subs(x, 0), 0)
    )


def series_as_data():
    return heat(conditions=[Eq(u(x, 0), Sum(sin(s * pi * x) / s, (s, 1, 5))), LEFT, RIGHT])


def family_in_a_condition():
    return steady(Eq(u(x).diff(x, 2), 1), Eq(u(0), nu), Eq(u(1), 0), parameters=[(nu, np.float64(0.5), 1)])


def integral_of_data():
    moment = Eq(Integral(x * u(x), (x, 0, 1)), Integral(x**2, (x, 0, 1)))
    return steady(Eq(u(x).diff(x, 2), 1), Eq(u(0), 0), moment)


def eikonal():
    return Problem(
        "eikonal", [Eq(u(x, y).diff(x) ** 2 + u(x, y).diff(y) ** 2, 1)], SQUARE, conditions=[Eq(u(0, 0), 0)]
    )


def corners_that_disagree():
    return heat(conditions=[Eq(u(x, 0), 1), LEFT, RIGHT])


PROBLEMS = [
    value
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", "") == __name__
    and name not in ("navier_stokes", "no_slip")
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda f: f.__name__)
def test_a_right_declaration_is_accepted(problem):
    checked = check_problem(problem())
    assert len(checked.conditions) + len(checked.periodic) == sum(
        len(item.equations) if isinstance(item, On) else 1 for item in checked.problem.conditions
    )
