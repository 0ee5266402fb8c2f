"""Lowering pins exact values, orders and signs, and carries the rest over as it stands."""

import pytest
from sympy import Abs, Derivative, Eq, Function, Integral, Piecewise, Subs, Symbol, cos, pi, sin

from pinnsolver.declare import FieldValue, NormalDerivative, Unknown, check_problem
from pinnsolver.declare.lower import lower
from pinnsolver.declare.values import Coordinate, Field, Scope
from pinnsolver.errors import DeclarationError, UnsupportedProblem

from .given import heat, nu, refusal, s, steady, t, u, v, w, x, y

COORDINATES = tuple(
    Coordinate(symbol, low, high, role, low, high)
    for symbol, low, high, role in (
        (x, 0, 1, "space"),
        (y, -1, 2, "space"),
        (t, 0, 1, "time"),
        (nu, 1, 2, "parameter"),
    )
)
FIELDS = {"u": Field("u", (x, t)), "v": Field("v", (t, x, y)), "w": Field("w", (x, t, nu))}
SCOPE = Scope(COORDINATES, FIELDS)
ON_BOUNDARY = Scope(COORDINATES, FIELDS, normals_allowed=True)
U, V = u(x, t), v(t, x, y)


def one(expr, scope=SCOPE):
    """Return the one value that an expression is lowered to."""
    lowered = lower(expr, scope)
    (value,) = lowered.values
    assert lowered.expr == value.symbol
    return value


@pytest.mark.parametrize(
    ("expr", "orders", "pins"),
    [
        (U, (0, 0, 0, 0), ()),
        (U.diff(x, 2, t), (2, 0, 1, 0), ()),
        (U.diff(t).subs(t, 0), (0, 0, 1, 0), (("t", 0),)),
        (U.diff(x, t).subs({x: 1, t: 0}), (1, 0, 1, 0), (("x", 1), ("t", 0))),
        (u(0, t).diff(t), (0, 0, 1, 0), (("x", 0),)),
        (u(x, t).subs(t, 0).diff(x), (1, 0, 0, 0), (("t", 0),)),
        (U.diff(x).subs(x, 1).diff(t), (1, 0, 1, 0), (("x", 1),)),
        (Subs(Derivative(U, x), x, 1), (1, 0, 0, 0), (("x", 1),)),
        (v(0, x, y), (0, 0, 0, 0), (("t", 0),)),
        (V.diff(y, 2), (0, 2, 0, 0), ()),
        (v(t, 1, -1).diff(t), (0, 0, 1, 0), (("x", 1), ("y", -1))),
        (w(0, t, nu), (0, 0, 0, 0), (("x", 0),)),
        (u(0.0, t), (0, 0, 0, 0), (("x", 0),)),
        (u(1 - 1e-12, t), (0, 0, 0, 0), (("x", 1),)),
        (u(sin(pi / 6), t), (0, 0, 0, 0), (("x", sin(pi / 6)),)),
    ],
)
def test_a_value_has_its_orders_and_its_pins(expr, orders, pins):
    name = next(n for n in FIELDS if Function(n) in {f.func for f in expr.atoms(Function)})
    assert one(expr) == FieldValue(name, orders, pins)


def test_a_product_is_pinned_factor_by_factor():
    lowered = lower((U * U.diff(x)).subs(x, 1), SCOPE)
    value, slope = FieldValue("u", (0, 0, 0, 0), (("x", 1),)), FieldValue("u", (1, 0, 0, 0), (("x", 1),))
    assert set(lowered.values) == {value, slope}
    assert lowered.expr == value.symbol * slope.symbol


def test_a_pinned_product_also_pins_the_coordinate_itself():
    lowered = lower((x * U.diff(x)).subs(x, 1), SCOPE)
    assert lowered.expr == lowered.values[0].symbol


@pytest.mark.parametrize(("place", "sign"), [(0, -1), (1, 1)])
def test_the_normal_derivative_on_a_face_has_the_sign_of_its_side(place, sign):
    lowered = lower(NormalDerivative(u(place, t)), SCOPE)
    assert lowered.expr == sign * FieldValue("u", (1, 0, 0, 0), (("x", place),)).symbol


def test_the_normal_derivative_on_a_boundary_is_a_value_of_its_own():
    assert one(NormalDerivative(V), ON_BOUNDARY) == FieldValue("v", (0, 0, 0, 0), (), normal=True)


def test_the_normal_derivative_is_linear():
    n = FieldValue("v", (0, 0, 0, 0), (), normal=True).symbol
    m = FieldValue("u", (0, 0, 0, 0), (), normal=True).symbol
    assert lower(NormalDerivative(2 * V + nu * U), ON_BOUNDARY).expr == 2 * n + nu * m


def test_an_integral_keeps_its_lowered_integrand_and_limits():
    lowered = lower(Integral(x * U**2, (x, 0, 1)) - t, SCOPE)
    (integral,) = lowered.integrals
    value = FieldValue("u", (0, 0, 0, 0))
    assert integral.integrand.expr == x * value.symbol**2 and integral.limits == (("x", 0.0, 1.0),)
    assert lowered.expr == integral.symbol - t and lowered.values == () and lowered.all_values() == (value,)


def test_the_time_derivative_of_an_integral_goes_under_it():
    (integral,) = lower(Derivative(Integral(U, (x, 0, 1)), t), SCOPE).integrals
    assert integral.integrand.values == (FieldValue("u", (0, 0, 1, 0)),)


def test_derivatives_of_products_are_carried_out():
    lowered = lower(Derivative(x * U, x), SCOPE)
    value, slope = FieldValue("u", (0, 0, 0, 0)), FieldValue("u", (1, 0, 0, 0))
    assert lowered.expr.equals(value.symbol + x * slope.symbol)


def test_what_sympy_makes_of_the_derivative_of_abs_is_real():
    lowered = lower((Abs(x) * U.diff(x)).diff(x), SCOPE)
    assert not lowered.expr.has(Derivative)
    assert {v.orders for v in lowered.values} == {(1, 0, 0, 0), (2, 0, 0, 0)}
    slope = lower(Abs(U).diff(x), SCOPE)
    value = FieldValue("u", (0, 0, 0, 0)).symbol
    assert slope.expr.subs({value: -2.0, FieldValue("u", (1, 0, 0, 0)).symbol: 3.0}) == -3.0


def test_other_mathematics_is_carried_over():
    k = Unknown("k")
    data = Piecewise((cos(x), x < 0.5), (k, True))
    assert lower(data * U, SCOPE).expr == data * FieldValue("u", (0, 0, 0, 0)).symbol


def test_equal_values_have_equal_symbols():
    assert lower(u(0, t), SCOPE).expr == lower(u(0.0, t), SCOPE).expr
    assert lower(u(0, t), SCOPE).expr != lower(u(1, t), SCOPE).expr


@pytest.mark.parametrize(
    ("expr", "error", "phrase"),
    [
        (u(x), DeclarationError, "has 1 arguments; the equations use u(x, t)"),
        (u(t, x), DeclarationError, "has t in the place of x"),
        (u(x, t - 1), UnsupportedProblem, "delays"),
        (u(2 * x, t), UnsupportedProblem, "delays"),
        (u(x, x), UnsupportedProblem, "takes the field at x instead of t"),
        (u(nu, t), UnsupportedProblem, "takes the field at nu"),
        (u(V, t), UnsupportedProblem, "instead of x"),
        (u(Unknown("L"), t), UnsupportedProblem, "Scale the coordinate"),
        (u(s, t), DeclarationError, "undeclared symbol s"),
        (u(Symbol("x", positive=True), t), DeclarationError, "another symbol x"),
        (Function("q")(x), DeclarationError, "q stands in no equation"),
        (Derivative(U, s), DeclarationError, ""),
        (w(x, t, nu).diff(nu), DeclarationError, "never differentiated"),
        (Derivative(U, (x, Symbol("n", integer=True))), UnsupportedProblem, "symbolic order"),
        (NormalDerivative(V), DeclarationError, "no boundary"),
        (NormalDerivative(v(t, 0, -1)), DeclarationError, "an edge has no normal"),
        (NormalDerivative(u(0.5, t)), DeclarationError, "no outward normal"),
        (NormalDerivative(U**2), UnsupportedProblem, "normal derivative of an expression"),
        (Integral(U, x), DeclarationError, "no low and high limit"),
        (Integral(u(s, t), (s, 0, 1)), DeclarationError, "integrates over s"),
        (Integral(U, (x, 0, t)), UnsupportedProblem, "limits that are not numbers"),
        (Integral(U, (x, 0, 2)), DeclarationError, "x lies in [0, 1]"),
        (Integral(U, (x, 1, 0)), DeclarationError, "the lower one first"),
        (Integral(sin(s), (s, 0, x)), UnsupportedProblem, "doit"),
    ],
)
def test_what_cannot_be_lowered_is_refused_by_name(expr, error, phrase):
    if expr == 0:
        pytest.skip("sympy has decided it")
    with pytest.raises(error) as caught:
        lower(expr, SCOPE)
    assert type(caught.value) is error and phrase in str(caught.value) and "\n" in str(caught.value)


def test_fields_that_lack_a_coordinate_fit_beside_a_pinned_one():
    problem = heat(
        equations=[Eq(U.diff(t), U.diff(x, 2)), Eq(w(t).diff(t), -w(t))],
        conditions=[Eq(u(x, 0), 0), Eq(w(0), 1), Eq(u(0, t), w(t)), Eq(U.diff(x).subs(x, 1), w(t))],
    )
    checked = check_problem(problem)
    assert [len(c.locations) for c in checked.conditions] == [1, 1, 1, 1]
    assert checked.conditions[3].kind == "Neumann"


def test_deeply_nested_expressions_are_refused_with_a_message():
    expr = u(x)
    for k in range(400):
        expr = 1 / (1 + expr) if k % 2 else x * expr + 1
    refusal(
        lambda: steady(Eq(u(x).diff(x), expr, evaluate=False), Eq(u(0), 0)),
        "nested too deeply",
        error=UnsupportedProblem,
    )
