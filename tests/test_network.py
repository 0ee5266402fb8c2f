"""Derivatives of networks against finite differences and formulas; unknowns inside their bounds."""

import numpy as np
import pytest
import sympy
import torch
from conftest import Formula, compiled
from sympy import Eq, Function, symbols

from pinnsolver import Periodic, Problem, Unknown
from pinnsolver.compile import DerivativePlan
from pinnsolver.network import AutogradNetwork, Unknowns, build_network

x, y, t = symbols("x y t")
u, v = Function("u"), Function("v")
POINTS = torch.rand(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
ORDERS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (2, 0, 0), (0, 0, 3), (1, 1, 0), (4, 0, 0), (2, 1, 1)]


def test_nested_derivatives_agree_with_formulas():
    formulas = [sympy.sin(x * y) * sympy.exp(t), x**3 * y + t]
    network = AutogradNetwork(Formula([x, y, t], formulas), ["u", "v"])
    plan = DerivativePlan.of((name, orders) for name in "uv" for orders in ORDERS)
    found = network.derivatives(POINTS, plan)
    for (name, orders), values in found.items():
        formula = formulas["uv".index(name)]
        exact = formula.diff(x, orders[0], y, orders[1], t, orders[2]) if any(orders) else formula
        known = sympy.lambdify([x, y, t], exact, "numpy")(*POINTS.numpy().T)
        np.testing.assert_allclose(values[:, 0].detach(), known, rtol=1e-9, atol=1e-9)


def test_derivatives_of_a_constant_are_zero_and_gradients_reach_parameters():
    linear = torch.nn.Linear(3, 1).double()
    network = AutogradNetwork(linear, ["u"])
    found = network.derivatives(POINTS, DerivativePlan.of([("u", (2, 0, 0)), ("u", (1, 0, 0))]))
    assert float(found["u", (2, 0, 0)].detach().abs().max()) == 0
    found["u", (1, 0, 0)].sum().backward()
    assert float(linear.weight.grad[0, 0]) == pytest.approx(12)


def test_without_gradients_derivatives_still_come_and_carry_no_graph():
    network = AutogradNetwork(
        torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double(), ["u"]
    )
    plan = DerivativePlan.of([("u", (2, 0, 0))])
    with torch.no_grad():
        free = network.derivatives(POINTS, plan)["u", (2, 0, 0)]
    assert not free.requires_grad
    torch.testing.assert_close(free, network.derivatives(POINTS, plan)["u", (2, 0, 0)].detach())


def test_a_field_does_not_see_coordinates_that_are_not_its_own():
    problem = Problem(
        "p",
        [Eq(u(x, t).diff(t), v(t)), Eq(v(t).diff(t), 1)],
        [(x, 0, 1)],
        (t, 0, 1),
        [Eq(u(x, 0), 0), Eq(v(0), 0)],
    )
    made = compiled(problem)
    network = build_network(made.checked, made.transformed.settings, made.dtype)
    points = torch.rand(6, 2, dtype=torch.float64)
    moved = points.clone()
    moved[:, 0] = 0.5
    first, second = network(points), network(moved)
    k = network.fields.index("v")
    assert torch.equal(first[:, k], second[:, k])
    assert not torch.equal(first[:, 1 - k], second[:, 1 - k])


def test_the_seed_decides_the_weights():
    problem = Problem(
        "p", [Eq(u(x, t).diff(t), u(x, t).diff(x))], [(x, 0, 1)], (t, 0, 1), [Eq(u(x, 0), 0), Periodic(x)]
    )

    def weights(seed):
        made = compiled(problem, seed=seed)
        return torch.cat(
            [
                p.reshape(-1)
                for p in build_network(made.checked, made.transformed.settings, made.dtype).parameters()
            ]
        )

    assert torch.equal(weights(3), weights(3)) and not torch.equal(weights(3), weights(4))


@pytest.mark.parametrize(
    "unknown",
    [
        Unknown("k", 2),
        Unknown("k", 2, low=0),
        Unknown("k", 2, high=5),
        Unknown("k", 2, low=1, high=3),
        Unknown("k", 0),
    ],
    ids=lambda k: f"{k.low}-{k.high}-{k.start}",
)
def test_unknowns_start_where_they_are_told_and_stay_in_bounds(unknown):
    module = Unknowns([unknown], torch.float64)
    assert module.numbers()["k"] == pytest.approx(unknown.start)
    for raw in (-30.0, 30.0):
        torch.nn.init.constant_(module.raw, raw)
        value = module.numbers()["k"]
        assert unknown.low is None or value >= unknown.low
        assert unknown.high is None or value <= unknown.high
