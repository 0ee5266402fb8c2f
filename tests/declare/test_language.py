"""Every row of the language's table is accepted, and understood as it is meant."""

import numpy as np
import pytest
from sympy import Eq, Integral, Symbol, cos, exp, pi, sin, sqrt

from pinnsolver.declare import (
    Disk,
    NormalDerivative,
    Observations,
    On,
    Periodic,
    Problem,
    Rectangle,
    Region,
    Unknown,
    check_problem,
)

from .given import HEAT, POISSON, heat, nu, only, p, perforated, plate, steady, t, u, v, w, x, y

U, UY = u(x, t), u(x, y)


def pins(condition):
    return {name: float(value) for name, value in condition.region.pins}


@pytest.mark.parametrize(
    ("condition", "kind", "where", "orders"),
    [
        (Eq(u(0, t), 0), "Dirichlet", {"x": 0}, (0, 0)),
        (Eq(u(x, 0), sin(x)), "initial value", {"t": 0}, (0, 0)),
        (Eq(U.diff(x).subs(x, 1), 0), "Neumann", {"x": 1}, (1, 0)),
        (Eq(2 * U.diff(x).subs(x, 1) + 3 * u(1, t), 0), "Robin", {"x": 1}, None),
        (Eq(U.diff(x, 2).subs(x, 1), 0), "higher slope", {"x": 1}, (2, 0)),
        (Eq(u(x, 1), sin(x)), "final state", {"t": 1}, (0, 0)),
        (Eq(u(x, 0.25), sin(x)), "state at a time", {"t": 0.25}, (0, 0)),
        (Eq(u(0.5, t), 0), "interior value", {"x": 0.5}, (0, 0)),
        (Eq(u(0.5, 0.5), 1), "value at a point", {"x": 0.5, "t": 0.5}, (0, 0)),
        (Eq(u(0, t).diff(t), t), "Dirichlet", {"x": 0}, (0, 1)),
    ],
)
def test_a_condition_has_its_kind_its_pins_and_its_orders(condition, kind, where, orders):
    found = check_problem(
        heat(conditions=[Eq(u(x, 0), cos(x)) if kind != "initial value" else condition, condition])
    )
    condition = found.conditions[-1]
    assert condition.kind == kind
    assert pins(condition) == where
    if orders is not None:
        assert [value.orders for value in condition.residual.values] == [orders]


def test_a_problem_has_its_coordinates_in_the_order_space_time_parameters():
    checked = check_problem(heat(equations=[Eq(U.diff(t), nu * U.diff(x, 2))], parameters=[(nu, 0.01, 0.1)]))
    assert [(c.name, c.role, c.low, c.high) for c in checked.coordinates] == [
        ("x", "space", 0, 1),
        ("t", "time", 0, 1),
        ("nu", "parameter", 0.01, 0.1),
    ]
    assert checked.inputs(checked.fields[0]) == (0, 1, 2)
    assert checked.highest_orders("u") == (2, 1, 0)
    assert [c.name for c in checked.space] == ["x"] and checked.time.name == "t"


def test_equations_of_a_system_are_numbered_and_fields_come_in_order_of_appearance():
    checked = check_problem(
        heat(
            equations=[Eq(v(t).diff(t), -v(t)), Eq(U.diff(t), U.diff(x, 2) + v(t))],
            conditions=[Eq(u(x, 0), 0), Eq(v(0), 1), Eq(u(0, t), v(t)), Eq(u(1, t), 0)],
        )
    )
    assert [e.name for e in checked.equations] == ["equation 1", "equation 2"]
    assert [(f.name, f.arguments) for f in checked.fields] == [("v", (t,)), ("u", (x, t))]
    assert checked.inputs(checked.fields[0]) == (1,)
    assert [c.kind for c in checked.conditions] == [
        "initial value",
        "initial value",
        "Dirichlet",
        "Dirichlet",
    ]


def test_an_ode_system_needs_no_domain():
    checked = check_problem(
        Problem(
            "ode",
            [Eq(v(t).diff(t), w(t)), Eq(w(t).diff(t), -v(t))],
            [],
            (t, 0, 20),
            [Eq(v(0), 1), Eq(w(0), 0)],
        )
    )
    assert [c.name for c in checked.coordinates] == ["t"]
    assert [c.kind for c in checked.conditions] == ["initial value"] * 2


def test_the_wave_equation_takes_an_initial_velocity():
    checked = check_problem(
        heat(
            equations=[Eq(U.diff(t, 2), U.diff(x, 2))],
            conditions=[Eq(u(x, 0), 0), Eq(U.diff(t).subs(t, 0), sin(x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
        )
    )
    assert checked.conditions[1].kind == "initial velocity"
    assert checked.conditions[1].residual.values[0].orders == (0, 1)
    assert checked.conditions[1].solved[1] == sin(x)


def test_periodic_names_its_coordinates():
    assert check_problem(heat(conditions=[Eq(u(x, 0), sin(2 * pi * x)), Periodic(x)])).periodic == ("x",)


def test_a_periodic_equation_looks_at_two_places():
    condition = check_problem(heat(conditions=[Eq(u(x, 0), 0), Eq(u(0, t), u(1, t))])).conditions[1]
    assert condition.kind == "periodic" and condition.solved is None
    assert [dict(place) for place in condition.locations] == [{"x": 0}, {"x": 1}]
    assert condition.region == Region()


def test_an_antiperiodic_equation_is_nonlocal():
    assert (
        check_problem(heat(conditions=[Eq(u(x, 0), 0), Eq(u(0, t), -u(1, t))])).conditions[1].kind
        == "nonlocal"
    )


def test_conditions_stand_on_a_shaped_boundary_and_on_its_pieces():
    hole = Disk((x, y), (0.5, 0.5), 0.2, name="hole")
    domain = Rectangle((x, y), (0, 0), (1, 1)) - hole
    checked = check_problem(
        perforated(
            On(domain.boundary, Eq(UY, 0), where=x < 0.1),
            On("hole", Eq(NormalDerivative(UY), 1)),
            On(hole.boundary, Eq(NormalDerivative(UY) + 2 * UY, x), where=y > 0.5),
            domain=domain,
        )
    )
    assert [c.kind for c in checked.conditions] == ["Dirichlet", "Neumann", "Robin"]
    assert [c.region.boundary for c in checked.conditions] == ["", "hole", "hole"]
    assert checked.conditions[0].region.where == (x < 0.1)
    assert checked.conditions[1].residual.values[0].normal
    assert checked.shape is domain and [c.low for c in checked.coordinates] == [0, 0]


def test_a_part_of_a_boxs_face_needs_no_place():
    condition = only(plate(On(Eq(u(-1, y), 1), where=y > 0.5)))
    assert condition.kind == "Dirichlet" and condition.region == Region((("x", -1),), None, y > 0.5)


def test_a_value_at_one_point_pins_every_coordinate():
    condition = only(plate(Eq(u(0, 0), 2)))
    assert condition.kind == "value at a point" and condition.solved[1] == 2


def test_a_shaped_domain_moves_in_time():
    shape = Disk((x, y), (0, 0), 1, name="rim")
    field = u(x, y, t)
    checked = check_problem(
        Problem(
            "drum",
            [Eq(field.diff(t), field.diff(x, 2) + field.diff(y, 2))],
            shape,
            time=(t, 0, 1),
            conditions=[On("rim", Eq(field, 0)), Eq(u(x, y, 0), x)],
        )
    )
    assert [c.kind for c in checked.conditions] == ["Dirichlet", "initial value"]
    assert checked.warnings == ()


def test_an_integral_constraint_and_an_eigenvalue():
    E = Unknown("E", start=5, low=0)
    checked = check_problem(
        steady(
            Eq(-u(x).diff(x, 2), E * u(x)), Eq(u(0), 0), Eq(u(1), 0), Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)
        )
    )
    condition = checked.conditions[-1]
    assert condition.kind == "integral" and checked.unknowns == (E,)
    (integral,) = condition.residual.integrals
    assert integral.limits == (("x", 0.0, 1.0),)
    assert checked.warnings == ()


def test_an_integral_may_stand_beside_the_value_of_a_face():
    condition = check_problem(
        heat(conditions=[Eq(u(x, 0), 0), Eq(u(1, t), 0), Eq(u(0, t), Integral(x * U, (x, 0, 1)))])
    ).conditions[-1]
    assert condition.kind == "integral" and pins(condition) == {"x": 0}


def test_measurements_become_points_and_values():
    D = Unknown("D", start=1)
    checked = check_problem(
        heat(
            equations=[Eq(U.diff(t), D * U.diff(x, 2))],
            conditions=[Eq(u(0, t), 0), Eq(u(1, t), 0)],
            observations=[Observations(U, [[0.5, 0.1], [0.5, 0.2]], [1, 2])],
        )
    )
    (measured,) = checked.observations
    assert measured.coordinates == ("x", "t") and measured.name == "observations of u(x, t)"
    np.testing.assert_array_equal(measured.points, [[0.5, 0.1], [0.5, 0.2]])
    np.testing.assert_array_equal(measured.values, [1, 2])


def test_references_are_kept_by_field():
    checked = check_problem(heat(reference={u: sin(x) * exp(-t)}))
    assert checked.references["u"].formula == sin(x) * exp(-t)


@pytest.mark.parametrize("field", [u(x, t, nu), u(x, t)])
def test_a_parameter_may_be_an_argument_or_not(field):
    at = (lambda a, b: u(a, b, nu)) if len(field.args) == 3 else u
    checked = check_problem(
        heat(
            equations=[Eq(field.diff(t), nu * field.diff(x, 2))],
            conditions=[Eq(at(x, 0), sin(nu * x)), Eq(at(0, t), 0), Eq(at(1, t), nu)],
            parameters=[(nu, 1, 2)],
        )
    )
    assert checked.inputs(checked.fields[0]) == (0, 1, 2)
    assert [c.kind for c in checked.conditions] == ["initial value", "Dirichlet", "Dirichlet"]


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        (Eq(u(0, t), 1), 1),
        (Eq(1, u(0, t)), 1),
        (Eq(2 * u(0, t), 2), 1),
        (Eq(u(0, t) - t, 0), t),
        (u(0, t) - t, t),
        (Eq(-u(0, t) / 3, sin(t)), -3 * sin(t)),
    ],
)
def test_a_condition_in_any_form_gives_the_same_value(condition, value):
    solved = check_problem(heat(conditions=[Eq(u(x, 0), 0), condition])).conditions[1].solved
    assert solved[0].pins == (("x", 0),)
    assert (solved[1] - value).expand() == 0


def test_a_condition_that_is_not_linear_in_its_value_gives_none():
    assert check_problem(heat(conditions=[Eq(u(x, 0) ** 2, 1), Eq(u(0, t), 0)])).conditions[0].solved is None


def test_places_are_exact_or_rounded_or_of_numpy():
    right = sqrt(2) / 2
    checked = check_problem(
        heat(
            domain=[(x, np.float64(0.3), right)],
            time=(t, 0.1 + 0.2, 2 * pi),
            conditions=[
                Eq(u(0.1 + 0.2, t), 0),
                Eq(u(np.sqrt(2) / 2, t), 1),
                Eq(u(x, 0.3), 0),
                Eq(u(x, 2 * np.pi), 1),
            ],
        )
    )
    assert [c.kind for c in checked.conditions] == ["Dirichlet", "Dirichlet", "initial value", "final state"]
    assert checked.conditions[1].region.pins == (("x", right),)


def test_conditions_are_named_after_their_equation_and_place():
    checked = check_problem(perforated(On("hole", Eq(UY, 0), where=x < 0.5), On("square", Eq(UY, 1))))
    assert [c.name for c in checked.conditions] == [
        "u(x, y) = 0 on hole where x < 0.5",
        "u(x, y) = 1 on square",
    ]


def test_sympy_tuples_serve_as_limits():
    from sympy import Tuple

    assert check_problem(heat(domain=Tuple(Tuple(x, 0, 1)), time=Tuple(t, 0, 1))).time.high == 1


def test_time_may_stand_first_among_the_arguments():
    field = u(t, x)
    checked = check_problem(
        heat(
            equations=[Eq(field.diff(t), field.diff(x, 2))],
            conditions=[Eq(u(0, x), 0), Eq(u(t, 0), 0), Eq(u(t, 1), 1)],
        )
    )
    assert [c.kind for c in checked.conditions] == ["initial value", "Dirichlet", "Dirichlet"]
    assert checked.equations[0].residual.values[0].orders in ((2, 0), (0, 1))


def test_symbols_and_functions_may_carry_assumptions():
    from sympy import Function, symbols

    r, tau = symbols("r tau", positive=True)
    f = Function("f", real=True)
    checked = check_problem(
        Problem(
            "assumed",
            [Eq(f(r, tau).diff(tau), f(r, tau).diff(r, 2))],
            [(r, 0, 1)],
            (tau, 0, 1),
            [Eq(f(r, 0), 1), Eq(f(0, tau), 1), Eq(f(1, tau), 1)],
        )
    )
    assert checked.fields[0].arguments == (r, tau)


def test_a_bare_expression_is_an_equation():
    checked = check_problem(heat(equations=[HEAT.lhs - HEAT.rhs]))
    assert checked.equations[0].residual == check_problem(heat()).equations[0].residual


def test_a_pressure_is_fixed_at_one_point_of_a_system():
    checked = check_problem(
        plate(Eq(p(0, 0), 0), equations=[POISSON, Eq(p(x, y).diff(x), UY), Eq(p(x, y).diff(y), UY)])
    )
    assert checked.conditions[0].kind == "value at a point"


def test_an_unknown_is_a_symbol_to_be_used_anywhere():
    k = Unknown("k", start=2)
    assert isinstance(k, Symbol)
    checked = check_problem(steady(Eq(u(x).diff(x), k), Eq(u(0), k), Eq(u(1), 1)))
    assert checked.unknowns == (k,) and checked.unknowns[0].start == 2
