"""Printing, plans and Leibniz' rule, each against an independent route."""

import numpy as np
import pytest
import sympy
import torch
from conftest import Formula, compiled
from sympy import Eq, Function, Rational, exp, pi, sin, symbols

from pinnsolver import CompileError, Problem, UnsupportedProblem
from pinnsolver.compile import DerivativePlan
from pinnsolver.compile.ansatz import compile_ansatz
from pinnsolver.compile.printing import compile_expressions
from pinnsolver.compile.terms import quadrature
from pinnsolver.declare.orders import leibniz_terms
from pinnsolver.network import AutogradNetwork

x, t, a, b = symbols("x t a b")
u = Function("u")
VALUES = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)[:, None]

EXPRESSIONS = [
    sin(x) * sympy.sqrt(2),
    x**3 + x ** Rational(3, 2) + 1 / x + x ** (-2) + x**2.5,
    exp(-x) + sympy.log(x) + sympy.atan2(x, 2 * x) + sympy.erf(x),
    sympy.Piecewise((0.1, x < 0.3), (0.7, x < Rational(1, 2)), (x**2, True)),
    sympy.Piecewise((1, (x > 0.2) & (x < 0.6)), (2, sympy.Or(x > 0.8, x < 0.15)), (3, True)),
    sympy.Max(x, 0.5, 1 - x) + sympy.Min(x, Rational(1, 3)),
    sympy.Heaviside(x - 0.5) + sympy.sign(x - 0.4) + sympy.Abs(x - 0.3),
    sympy.sec(x) + sympy.cot(x) + sympy.sech(x) + sympy.coth(x) + sympy.csc(x),
    sympy.floor(3 * x) + sympy.ceiling(2 * x) + sympy.Mod(x, 0.4),
    sympy.tanh(x) + sympy.sinh(x) * sympy.cosh(x) + sympy.asinh(x) + sympy.atanh(x) + sympy.acosh(1 + x),
    sympy.asin(x) + sympy.acos(x) + sympy.tan(x) + sympy.atan(x) + sympy.loggamma(x),
    sympy.Integer(3),
    pi**2 * sympy.E,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_torch_agrees_with_arbitrary_precision(expression):
    found = compile_expressions([expression], [x], "The test")(VALUES)[0]
    found = torch.as_tensor(found, dtype=torch.float64) * torch.ones_like(VALUES)
    known = [float(expression.subs(x, sympy.Float(v.item(), 30)).evalf(25)) for v in VALUES]
    np.testing.assert_allclose(found[:, 0].numpy(), known, rtol=1e-13, atol=1e-13)


def test_piecewise_without_a_default_is_nan_elsewhere():
    found = compile_expressions([sympy.Piecewise((x, x < 0.5))], [x], "The test")(VALUES)[0]
    assert torch.isnan(found[VALUES >= 0.5]).all() and torch.isfinite(found[VALUES < 0.5]).all()


@pytest.mark.parametrize(
    "function", [sympy.DiracDelta(x), sympy.zeta(x), sympy.Function("f")(x), sympy.besselj(2, x)], ids=str
)
def test_what_torch_lacks_is_refused_by_name(function):
    with pytest.raises(CompileError, match=type(function).__name__):
        compile_expressions([function], [x], "The equation")


def test_a_delta_in_an_equation_is_refused_before_training():
    problem = Problem(
        "p", [Eq(u(x).diff(x, 2), sympy.DiracDelta(x))], [(x, -1, 1)], None, [Eq(u(-1), 0), Eq(u(1), 0)]
    )
    with pytest.raises((CompileError, UnsupportedProblem), match="DiracDelta"):
        compiled(problem)


def test_leibniz_terms_of_a_mixed_derivative():
    terms = leibniz_terms((2, 1))
    assert len(terms) == 6
    assert (2, (1, 0), (1, 1)) in terms
    assert sum(count for count, _, _ in terms) == 8  # (1 + 1)^2 (1 + 1)^1


def test_leibniz_agrees_with_differentiating_the_whole_ansatz():
    problem = Problem(
        "p",
        [Eq(u(x, t).diff(t) + u(x, t).diff(x, 4) + u(x, t).diff(x, t), u(x, t).diff(x, 2))],
        [(x, -1, 2)],
        (t, 0, 1),
        [Eq(u(x, 0), (x + 1) * (2 - x) * exp(x)), Eq(u(-1, t), sin(t)), Eq(u(2, t), t**2)],
    )
    made = compiled(problem)
    ansatz = made.transformed.ansatz["u"]
    raw = sin(2 * x) * exp(t) + x * t
    whole = ansatz.lift + ansatz.factor * raw
    points = torch.rand(20, 2, dtype=torch.float64) + 0.1
    wanted = [("u", o) for o in [(0, 0), (1, 0), (0, 1), (2, 0), (4, 0), (1, 1), (3, 1)]]
    plan = compile_ansatz(made.transformed, DerivativePlan.of(wanted))
    network = AutogradNetwork(Formula([x, t], [raw]), ["u"])
    found = plan.assemble(plan.tables(points), network.derivatives(points, plan.raw))
    for key in wanted:
        exact = whole.diff(x, key[1][0], t, key[1][1]) if any(key[1]) else whole
        known = sympy.lambdify([x, t], exact, "numpy")(*points.numpy().T)
        np.testing.assert_allclose(found[key][:, 0].detach(), known, rtol=1e-9, atol=1e-9)


def test_quadrature_is_exact_for_polynomials():
    nodes, weights = quadrature([("x", 0, 2), ("y", -1, 1)], 8)
    assert np.isclose((nodes[:, 0] ** 3 * nodes[:, 1] ** 2) @ weights, 4 * 2 / 3)


def test_a_plan_is_sorted_and_has_no_repeats():
    plan = DerivativePlan.of([("u", (1, 0)), ("u", (0, 0)), ("u", (1, 0))])
    assert plan.wanted == (("u", (0, 0)), ("u", (1, 0)))
    assert (plan | DerivativePlan.of([("v", (0, 0))])).orders_of("v") == ((0, 0),)
