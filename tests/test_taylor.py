"""Derivatives by propagated jets against nested autograd, and their gradients by the parameters."""

import copy
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pinnsolver.compile import DerivativePlan
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.network import AutogradNetwork
from pinnsolver.network import fused as fused_module
from pinnsolver.network import sweep as sweep_module
from pinnsolver.network import taylor as taylor_module
from pinnsolver.network.autograd import nested_derivatives
from pinnsolver.network.jets import closed_indices, jet_tables
from pinnsolver.network.mlp import Features, ModifiedPerceptron, Perceptron, Trunks
from pinnsolver.network.taylor import OwnNetwork


@pytest.fixture(params=["compiled", "torch"], scope="module", autouse=True)
def engine(request):
    """Run everything with the compiled loops and without them."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "torch":
            patch.setattr(taylor_module, "can_fuse", lambda like: False)
        else:
            pytest.importorskip("numba")
        yield request.param


LOW, HIGH = (-1.0, 0.0, 0.5), (1.0, 2.0, 1.25)
PLANS = {
    "values": [(0, 0, 0)],
    "first": [(1, 0, 0), (0, 0, 1)],
    "second": [(0, 0, 0), (2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0)],
    "third": [(3, 0, 0), (0, 1, 2), (1, 1, 1)],
    "fourth": [(4, 0, 0), (2, 1, 1), (0, 2, 2)],
    "fifth": [(0, 5, 0)],
    "laplacian": [(0, 1, 0), OrdersSum((((2, 0, 0), 1.0), ((0, 2, 0), 0.5), ((0, 0, 2), -2.0)))],
    "biharmonic": [
        (0, 0, 1),
        OrdersSum((((4, 0, 0), 1.0), ((2, 2, 0), 2.0), ((0, 4, 0), 1.0))),
        OrdersSum((((1, 0, 1), 3.0), ((1, 1, 0), 1.0))),
    ],
}


def trunk(
    columns,
    fields,
    activation="tanh",
    periodic=(False, False, False),
    depth=2,
    width=6,
    seed=3,
    kind=Perceptron,
    fourier=0,
    flat=("", "", ""),
):
    generator = torch.Generator().manual_seed(seed + 1)
    own = torch.tensor([not periodic[c] and not flat[c] for c in columns])
    features = Features(
        columns,
        [LOW[c] for c in columns],
        [HIGH[c] for c in columns],
        [periodic[c] for c in columns],
        2,
        own * torch.randn(fourier, len(columns), generator=generator) if fourier else None,
        [flat[c] for c in columns],
    )
    made = kind(features, width, depth, fields, activation, torch.Generator().manual_seed(seed))
    for k, parameter in enumerate(made.parameters()):
        if k % 2:  # zero biases would hide their part
            torch.nn.init.normal_(parameter, generator=generator)
    return made.double()


def some_points(n=11, columns=3, dtype=torch.float64):
    unit = torch.rand(n, columns, dtype=dtype, generator=torch.Generator().manual_seed(5))
    low, high = (torch.tensor(v[:columns], dtype=dtype) for v in (LOW, HIGH))
    return low + (high - low) * unit


def planned(fields, orders):
    return DerivativePlan.of(product(fields, orders))


def loss_of(found, scales):
    """Return a loss that looks at every derivative, each of size one."""
    generator = torch.Generator().manual_seed(7)
    total = 0
    for key in DerivativePlan.of(found).wanted:
        weights = torch.rand(found[key].shape, dtype=found[key].dtype, generator=generator)
        total = total + (weights * (found[key] / scales[key] + 0.3) ** 2).sum()
    return total


def assert_agrees(network, points, plan, values=1e-11, gradients=1e-10):
    """Compare with nested autograd, relative to the largest number of each tensor."""
    known = nested_derivatives(network.module, network.fields, points, plan)
    found = network.derivatives(points, plan)
    assert set(found) == set(plan.wanted)
    scales = {}
    for key, value in known.items():
        size = max(float(value.detach().abs().max()), 1e-9)
        scales[key] = size
        assert found[key].shape == (len(points), 1)
        assert float((found[key] - value).detach().abs().max()) <= values * size, key
    parameters = [p for p in network.parameters() if p.requires_grad]
    grads = [
        torch.autograd.grad(loss_of(f, scales), parameters, allow_unused=True, materialize_grads=True)
        for f in (known, found)
    ]
    for first, second in zip(*grads, strict=True):
        assert float((first - second).abs().max()) <= gradients * max(float(first.abs().max()), 1e-9)


def assert_rows_agree(network, points, plan, tolerance=1e-12):
    """Compare slopes point by point with nested autograd's, relative to the largest."""
    generator = torch.Generator().manual_seed(9)
    shape = (len(points), 1)
    known = nested_derivatives(network.module, network.fields, points, plan)
    seeds = {key: torch.rand(shape, dtype=points.dtype, generator=generator) for key in plan.wanted}
    parameters = list(network.parameters())
    total = sum(seeds[key] * known[key] for key in plan.wanted)
    rows = []
    for value in total[:, 0]:
        slopes = torch.autograd.grad(value, parameters, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([s.flatten() for s in slopes]))
    line = network.linearise(points, plan)
    for key, value in line.values.items():
        size = float(known[key].detach().abs().max())
        assert not value.requires_grad
        assert float((value - known[key]).detach().abs().max()) <= tolerance * size, key
    found = torch.full((len(rows[0]), len(points)), torch.nan, dtype=points.dtype)
    line.fill(seeds, found)
    expected = torch.stack(rows, dim=1)
    assert float((found - expected).abs().max()) <= tolerance * float(expected.abs().max())


@pytest.mark.parametrize("periodic", [(False,) * 3, (True, False, True)], ids=["plain", "periodic"])
@pytest.mark.parametrize("activation", ["tanh", "sin"])
@pytest.mark.parametrize("orders", PLANS.values(), ids=PLANS)
def test_jets_agree_with_nested_autograd(orders, activation, periodic):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 2, activation, periodic)], [0, 1]), "uv")
    assert_agrees(network, some_points(), planned("uv", orders))


@pytest.mark.parametrize("dimension", [1, 2])
def test_jets_agree_in_fewer_coordinates(dimension):
    columns = tuple(range(dimension))
    network = OwnNetwork(Trunks([trunk(columns, 1, depth=3)], [0]), "u")
    orders = [o for o in product(range(5), repeat=dimension) if sum(o) <= 4]
    assert_agrees(network, some_points(columns=dimension), planned("u", orders))


def test_fields_of_other_coordinates_have_trunks_of_their_own():
    trunks = [trunk((2, 0), 2), trunk((1,), 1, "sin", depth=1)]
    network = OwnNetwork(Trunks(trunks, [0, 2, 1]), "uvw")
    points = some_points()
    plan = planned("uvw", [*PLANS["second"], *PLANS["third"]])
    assert_agrees(network, points, plan)
    found = network.derivatives(points, plan)
    assert not found["v", (2, 0, 0)].any() and not found["u", (1, 1, 0)].any()
    assert torch.equal(torch.cat([found[f, (0, 0, 0)] for f in "uvw"], dim=1), found_values(network, points))


def found_values(network, points):
    with torch.no_grad():
        plan = planned(network.fields, [(0, 0, 0)])
        values = network.derivatives(points, plan)
    columns = [values[f, (0, 0, 0)] for f in network.fields]
    torch.testing.assert_close(torch.cat(columns, dim=1), network(points).detach())
    return torch.cat(columns, dim=1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=4),
    st.sampled_from(["tanh", "sin"]),
    st.tuples(*[st.booleans()] * 3),
    st.integers(1, 3),
    st.sampled_from([Perceptron, ModifiedPerceptron]),
    st.integers(0, 2),
)
def test_jets_agree_for_any_plan(orders, activation, periodic, depth, kind, fourier):
    made = trunk((0, 1, 2), 1, activation, periodic, depth, kind=kind, fourier=fourier)
    network = OwnNetwork(Trunks([made], [0]), "u")
    assert_agrees(network, some_points(4), planned("u", [o for o in orders if sum(o) <= 4] or [(1, 0, 0)]))


KINDS = {
    "random": {"fourier": 3},
    "modified": {"kind": ModifiedPerceptron},
    "modified-random": {"kind": ModifiedPerceptron, "fourier": 3, "depth": 1},
    "periodic-random": {"fourier": 3, "periodic": (True, False, False)},
    "modified-periodic": {"kind": ModifiedPerceptron, "depth": 3, "periodic": (False, True, True)},
    "flat": {"flat": ("both", "low", "high")},
    "flat-mixed": {
        "kind": ModifiedPerceptron,
        "flat": ("low", "", "both"),
        "periodic": (False, True, False),
    },
    "even": {"flat": ("even", "both, even", "")},
    "even-periodic": {"flat": ("both", "even", "even"), "periodic": (False, True, True)},
    "even-modified": {
        "kind": ModifiedPerceptron,
        "flat": ("even", "even", "low"),
        "periodic": (False, True, False),
    },
    "flat-random": {"fourier": 3, "flat": ("", "high", "")},
}


@pytest.mark.parametrize("activation", ["tanh", "sin"])
@pytest.mark.parametrize("orders", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_jets_agree_for_every_kind_of_network(kind, orders, activation):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 2, activation, **kind)], [0, 1]), "uv")
    assert_agrees(network, some_points(), planned("uv", orders), 1e-12, 1e-12)


@pytest.mark.parametrize("activation", ["tanh", "sin"])
@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("kind", [{}, *KINDS.values()], ids=["plain", *KINDS])
def test_slopes_agree_point_by_point(kind, dimension, activation):
    columns = tuple(range(dimension))
    network = OwnNetwork(Trunks([trunk(columns, 2, activation, **kind)], [0, 1]), "uv")
    orders = [(0, 0, 0), (2, 0, 0), (4, 0, 0), (0, 1, 0), (2, 2, 0), (1, 1, 1), (0, 0, 3), (1, 2, 1)]
    plan = planned("uv", [o[:dimension] for o in orders if not any(o[dimension:])])
    assert_rows_agree(network, some_points(columns=dimension), plan)


def test_slopes_of_several_trunks_lie_in_the_order_of_the_parameters():
    trunks = [trunk((2, 0), 2, kind=ModifiedPerceptron), trunk((1,), 1, "sin", depth=1, fourier=2)]
    network = OwnNetwork(Trunks(trunks, [0, 2, 1]), "uvw")
    assert_rows_agree(network, some_points(), planned("uvw", [*PLANS["second"], *PLANS["third"]]))
    assert_rows_agree(network, some_points(), planned("u", PLANS["second"]))


@pytest.mark.parametrize("kind", [Perceptron, ModifiedPerceptron])
def test_slopes_of_other_activations_come_by_nested_autograd(kind):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, "silu", kind=kind)], [0]), "u")
    assert_agrees(network, some_points(), planned("u", PLANS["second"]), 1e-12, 1e-12)
    assert_rows_agree(network, some_points(70), planned("u", PLANS["second"]))
    assert_rows_agree(network, some_points(70), planned("u", PLANS["first"]))  # the last bias does nothing


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_chunks_change_nothing_for_any_kind(monkeypatch, kind):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, **kind)], [0]), "u")
    monkeypatch.setattr(sweep_module, "CHUNK", 1)
    for n in (1, 65, 131):
        assert_agrees(network, some_points(n), planned("u", PLANS["second"]), 1e-12, 1e-12)
        assert_rows_agree(network, some_points(n), planned("u", PLANS["second"]))


@pytest.mark.parametrize("activation", ["tanh", "sin"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_blocks_and_threads_change_nothing(monkeypatch, activation, threads):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, activation)], [0]), "u")
    monkeypatch.setattr(fused_module, "LEAST_WORK", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for n in (1, 127, 128, 129, 500):
            assert_agrees(network, some_points(n), planned("u", PLANS["second"]), 1e-12, 1e-12)
            assert_rows_agree(network, some_points(n), planned("u", PLANS["second"]))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("activation", ["tanh", "sin"])
@pytest.mark.parametrize("size", [1e-3, 30.0, 4e3])
def test_small_and_large_arguments_are_as_exact_as_torchs(activation, size):
    module = Trunks([trunk((0, 1, 2), 1, activation)], [0])
    with torch.no_grad():
        module.trunks[0].layers[0].weight.mul_(size)
    network = OwnNetwork(module, "u")
    assert_agrees(network, some_points(200), planned("u", PLANS["first"]), 1e-11, 1e-10)


@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_what_is_no_number_stays_none(activation):
    module = Trunks([trunk((0, 1, 2), 1, activation)], [0])
    with torch.no_grad():
        module.trunks[0].layers[0].bias[2] = torch.nan
    network = OwnNetwork(module, "u")
    for value in network.derivatives(some_points(), planned("u", PLANS["second"])).values():
        assert value.isnan().all()


@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_chunks_change_nothing(monkeypatch, activation):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, activation)], [0]), "u")
    monkeypatch.setattr(sweep_module, "CHUNK", 1)
    for n in (63, 64, 65, 300):
        assert_agrees(network, some_points(n), planned("u", PLANS["second"]))


@pytest.mark.parametrize("kind", [Perceptron, ModifiedPerceptron])
@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_without_gradients_the_numbers_are_the_same_and_carry_no_graph(activation, kind):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, activation, depth=3, kind=kind)], [0]), "u")
    plan = planned("u", PLANS["fourth"])
    with torch.no_grad():
        free = network.derivatives(some_points(), plan)
    for key, value in network.derivatives(some_points(), plan).items():
        assert value.requires_grad and not free[key].requires_grad
        assert torch.equal(value.detach(), free[key])


@pytest.mark.parametrize("kind", [{}, *KINDS.values()], ids=["plain", *KINDS])
def test_single_precision(kind):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, **kind)], [0]), "u").to(torch.float32)
    plan = planned("u", PLANS["second"])
    points = some_points(dtype=torch.float32)
    assert_agrees(network, points, plan, 1e-4, 1e-4)
    assert_rows_agree(network, points, plan, 1e-4)
    assert network.derivatives(points, plan)["u", (2, 0, 0)].dtype == torch.float32


def test_frozen_parameters_get_no_gradient():
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1)], [0]), "u")
    frozen = network.module.trunks[0].layers[0].weight.requires_grad_(False)
    assert_agrees(network, some_points(), planned("u", PLANS["second"]))
    sum(
        v.sum() for v in network.derivatives(some_points(), planned("u", PLANS["second"])).values()
    ).backward()
    assert frozen.grad is None and network.module.trunks[0].layers[0].bias.grad is not None
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    assert not network.derivatives(some_points(), planned("u", [(1, 0, 0)]))["u", (1, 0, 0)].requires_grad


def test_no_points_give_no_values_and_zero_gradients():
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1)], [0]), "u")
    found = network.derivatives(some_points(0), planned("u", PLANS["second"]))
    assert all(v.shape == (0, 1) for v in found.values())
    sum(v.sum() for v in found.values()).backward()
    assert not any(p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("kind", [Perceptron, ModifiedPerceptron])
@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_graphs_alive_at_the_same_time_do_not_share_memory(activation, kind):
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, activation, kind=kind)], [0]), "u")
    points, plan = some_points(), planned("u", PLANS["third"])
    parameters = list(network.parameters())

    def gradient(found):
        return torch.autograd.grad(sum((v**2).sum() for v in found.values()), parameters, retain_graph=True)

    alone = gradient(network.derivatives(points, plan))
    first = network.derivatives(points, plan)
    second = network.derivatives(2 * points, plan)
    other = gradient(second)
    for _ in range(2):  # also a second time through a graph that is kept
        assert all(torch.equal(a, b) for a, b in zip(alone, gradient(first), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(other, gradient(second), strict=True))


def test_a_derivative_that_the_loss_ignores_adds_nothing():
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1)], [0]), "u")
    wide = network.derivatives(some_points(), planned("u", PLANS["fourth"]))["u", (4, 0, 0)]
    narrow = network.derivatives(some_points(), planned("u", [(4, 0, 0)]))["u", (4, 0, 0)]
    parameters = list(network.parameters())
    for a, b in zip(*(torch.autograd.grad(v.sum(), parameters) for v in (wide, narrow)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_other_activations_fall_back_to_nested_autograd():
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1, "silu")], [0]), "u")
    assert_agrees(network, some_points(), planned("u", PLANS["second"]))


def test_a_gradient_of_the_gradient_is_refused():
    network = OwnNetwork(Trunks([trunk((0, 1, 2), 1)], [0]), "u")
    weight = network.module.trunks[0].layers[0].weight
    loss = (network.derivatives(some_points(), planned("u", [(2, 0, 0)]))["u", (2, 0, 0)] ** 2).sum()
    (gradient,) = torch.autograd.grad(loss, weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_checkpoints_of_the_autograd_network_fit_and_copies_are_independent():
    module = Trunks([trunk((0, 1, 2), 1)], [0])
    network = OwnNetwork(module, "u")
    assert list(network.state_dict()) == list(AutogradNetwork(module, "u").state_dict())
    plan = planned("u", PLANS["second"])
    before = network.derivatives(some_points(), plan)["u", (2, 0, 0)].detach().clone()
    twin = copy.deepcopy(network)
    torch.nn.init.zeros_(twin.module.trunks[0].layers[-1].weight)
    assert not twin.derivatives(some_points(), plan)["u", (2, 0, 0)].any()
    assert torch.equal(before, network.derivatives(some_points(), plan)["u", (2, 0, 0)].detach())


def test_tables_of_the_second_order_are_the_known_formulas():
    # y_xx = s' z_xx + s'' z_x z_x, y_tt alike: one run for both, and D s' = s'' z_x is in the companion.
    indices = closed_indices([(2, 0), (0, 2)], 2)
    assert indices == ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2))
    (term,) = jet_tables(indices).levels[1].chain
    assert (term.number, term.target, term.first, term.second) == (1.0, (3, 5), (1, 3), (1, 3))
    (half,) = jet_tables(indices).levels[1].square  # (y y)_xx / 2 = y y_xx + y_x y_x
    assert half.number == 1.0


def test_the_table_of_a_product_is_leibniz_rule():
    # (f g)_xt = f g_xt + f_xt g + f_x g_t + f_t g_x; the first two hold a value.
    indices = closed_indices([(1, 1)], 2)
    places = {orders: k for k, orders in enumerate(indices)}
    x, t, xt = (places[o] for o in ((1, 0), (0, 1), (1, 1)))
    terms = {(m.number, m.target[0], m.first[0], m.second[0]) for m in jet_tables(indices).product}
    assert terms == {(1.0, xt, x, t), (1.0, xt, t, x)}
