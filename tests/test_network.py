"""Derivatives of networks against finite differences and formulas; unknowns inside their bounds."""

import numpy as np
import pytest
import sympy
import torch
from conftest import Formula, compiled
from sympy import Eq, Function, symbols

from pinnsolver import DeclarationError, Periodic, Problem, Unknown
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
    network = build_network(made.checked, made.transformed.settings, made.transformed.ansatz, made.dtype)
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
                for p in build_network(
                    made.checked, made.transformed.settings, made.transformed.ansatz, made.dtype
                ).parameters()
            ]
        )

    assert torch.equal(weights(3), weights(3)) and not torch.equal(weights(3), weights(4))


TWO = Problem(
    "two",
    [Eq(u(x, t).diff(t), v(x, t)), Eq(v(x, t).diff(t), u(x, t).diff(x, 2))],
    [(x, 0, 2)],
    (t, 0, 1),
    [Eq(u(x, 0), 0), Eq(v(x, 0), 1), Periodic(x)],
)


def built(problem, **settings):
    """Return the network of a problem, and its trunks' modules."""
    made = compiled(problem, **settings)
    network = build_network(made.checked, made.transformed.settings, made.transformed.ansatz, made.dtype)
    return network, list(network.module.trunks)


def test_fields_of_the_same_coordinates_share_a_trunk_or_have_one_each():
    network, trunks = built(TWO)
    assert len(trunks) == 1
    network, trunks = built(TWO, network__trunks="separate")
    assert len(trunks) == 2
    torch.nn.init.zeros_(trunks[0].layers[-1].weight)
    values = network(POINTS[:, :2])
    assert values.shape == (12, 2) and not values[:, 0].any() and values[:, 1].all()


def test_random_features_follow_the_scaled_coordinates_that_are_not_periodic():
    _, (trunk,) = built(TWO, network__fourier=5, network__fourier_scale=3.0)
    features = trunk.features
    assert features.width == 4 + 1 + 10
    assert features.frequencies.shape == (5, 2) and not features.frequencies[:, 0].any()
    found = features(POINTS[:, :2])
    scaled = 2 * POINTS[:, 1:2] - 1  # t in [0, 1] to [-1, 1]
    torch.testing.assert_close(found[:, 4:5], scaled)
    arguments = scaled * features.frequencies[:, 1]
    torch.testing.assert_close(found[:, 5:], torch.cat([arguments.cos(), arguments.sin()], dim=1))


def test_random_frequencies_follow_seed_and_scale_and_are_kept_with_the_weights():
    (network, (first,)), (_, (second,)) = (
        built(TWO, network__fourier=400, network__fourier_scale=s) for s in (1, 3)
    )
    torch.testing.assert_close(3 * first.features.frequencies, second.features.frequencies)
    assert float(first.features.frequencies[:, 1].std()) == pytest.approx(1, abs=0.1)
    _, (other,) = built(TWO, network__fourier=400, network__fourier_scale=1.0, seed=1)
    assert not torch.equal(first.features.frequencies, other.features.frequencies)
    assert "module.trunks.0.features.frequencies" in network.state_dict()
    plain, _ = built(TWO)
    assert not [name for name in plain.state_dict() if "features" in name]


def test_random_features_are_refused_where_all_coordinates_are_periodic():
    problem = Problem("ring", [Eq(u(x).diff(x, 2), u(x) - 1)], [(x, 0, 1)], conditions=[Periodic(x)])
    with pytest.raises(DeclarationError, match=r"every coordinate is periodic(.|\n)*network\.harmonics"):
        compiled(problem, network__fourier=3)


def test_a_modified_perceptron_is_its_formula():
    _, (trunk,) = built(
        TWO, network__kind="modified", network__depth=2, network__width=5, network__activation="tanh"
    )
    state = {name: value.detach() for name, value in trunk.named_parameters()}

    def dense(name, values):
        return values @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    h = trunk.features(POINTS[:, :2])
    low, high = dense("u", h).tanh(), dense("v", h).tanh()
    for layer in ("layers.0", "layers.2"):
        z = dense(layer, h).tanh()
        h = (1 - z) * low + z * high
    torch.testing.assert_close(trunk(POINTS[:, :2]).detach(), dense("layers.4", h))


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
