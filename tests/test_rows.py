"""Residuals as rows with their slopes: the loss, its gradient and every row against autograd."""

from types import SimpleNamespace

import pytest
import torch
from conftest import PROBLEMS
from sympy import Eq, Function, Integral, cos, pi, symbols

from pinnsolver import Problem, Unknown, load_problem
from pinnsolver.compile.early import early_weights
from pinnsolver.declare import check_problem
from pinnsolver.train import as_deepxde

x, t = symbols("x t")
u, v = Function("u"), Function("v")
FEW = {
    "points__interior": 40,
    "points__boundary": 10,
    "points__integral": 7,
    "network__width": 6,
    "network__depth": 2,
}
# The wall values meet each other, integrals of u are given, and unknown numbers stand in conditions too.
k, c = Unknown("k", start=2, low=0.5, high=4), Unknown("c", start=0.3)
NONLOCAL = Problem(
    "nonlocal",
    [
        Eq(u(x, t).diff(t), k * u(x, t).diff(x, 2) + v(t) * u(x, t) ** 2),
        Eq(v(t).diff(t), -k * v(t)),
    ],
    [(x, -1, 1)],
    (t, 0, 1),
    [
        Eq(u(x, 0), cos(pi * x)),
        Eq(u(-1, t), u(1, t)),
        Eq(u(x, t).diff(x).subs(x, -1), c * u(x, t).diff(x).subs(x, 1)),
        Eq(v(0), 1),
        Eq(Integral(u(x, t) ** 2 * x, (x, -1, 1)), c - k),
        Eq(Integral(u(x, t), (x, -1, 1), (t, 0, 1)), 0.2),
    ],
)
KINDS = {
    "plain": {},
    "modified": {"network__kind": "modified", "network__activation": "sin"},
    "random": {"network__fourier": 3, "network__trunks": "separate"},
    "foreign": {"network__kind": "modified", "network__activation": "silu"},
}


def started(problem, **settings):
    """Return data and module, the weights and the unknowns away from where they start."""
    data, module = as_deepxde(problem, **FEW, **settings)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(
                torch.randn(parameter.shape, dtype=parameter.dtype, generator=generator), alpha=0.1
            )
    data.refresh_causal(module)
    return data, module


def gradient(value, parameters):
    slopes = torch.autograd.grad(value, parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([slope.flatten() for slope in slopes])


def assert_rows_are_those_of_autograd(data, module, tolerance=1e-12):
    parameters = list(module.parameters())
    losses = data.losses(None, None, None, None, SimpleNamespace(net=module))
    loss = torch.stack(losses).sum()
    r, slopes = data.rows(module, True)
    assert slopes.shape == (module.size, len(r)) and not r.requires_grad
    assert float(r.dot(r)) == pytest.approx(float(loss.detach()), rel=tolerance)
    known = gradient(loss, parameters)
    assert float((2 * slopes @ r - known).abs().max()) <= tolerance * float(known.abs().max())
    torch.testing.assert_close(data.rows(module, False)[0], r, rtol=tolerance, atol=tolerance)
    start = 0
    for term, weighted in zip(data._residuals(module).values(), losses, strict=True):
        residual = term[0][:, 0]
        own = r[start : start + len(residual)]
        assert float(own.dot(own)) == pytest.approx(float(weighted.detach()), rel=tolerance, abs=1e-30)
        for i in {0, len(residual) // 2, len(residual) - 1}:
            if float(residual[i].detach()) == 0:  # met by the symmetry of the network
                assert float(own[i]) == 0
                continue
            factor = (own[i] / residual[i]).detach()
            row = factor * gradient(residual[i], parameters)
            error = (slopes[:, start + i] - row).abs().max()
            assert float(error) <= tolerance * max(float(row.abs().max()), 1e-9)
        start += len(residual)
    assert start == len(r)


@pytest.mark.parametrize("path", PROBLEMS, ids=lambda p: p.stem)
def test_rows_are_those_of_autograd_for_every_problem(path):
    assert_rows_are_those_of_autograd(*started(load_problem(path)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("hard", [True, False])
def test_rows_are_those_of_autograd_with_conditions_between_places(kind, hard):
    data, module = started(NONLOCAL, hard=hard, **kind)
    assert {"u", "v"} == set(module.network.fields) and len(module.unknowns.raw) == 2
    assert_rows_are_those_of_autograd(data, module)


def test_causal_weights_are_in_the_rows():
    data, module = started(load_problem(next(p for p in PROBLEMS if p.stem == "heat")), causal=True)
    weights = data.causal.weights
    assert float(weights[-1]) < float(weights[0])
    assert_rows_are_those_of_autograd(data, module)


def test_early_weights_are_in_the_rows():
    heat = load_problem(next(p for p in PROBLEMS if p.stem == "heat"))
    (early, module), (plain, _) = started(heat, early=20.0), started(heat)
    assert_rows_are_those_of_autograd(early, module)
    ratio = early.rows(module, False)[0] / plain.rows(module, False)[0]
    times = early.groups[0].columns[1][:, 0]
    found = ratio[: len(times)] * 20.0**times
    torch.testing.assert_close(found, found[:1].expand_as(found))


def test_early_weights_leave_the_mean_square_of_residuals():
    time = check_problem(load_problem(next(p for p in PROBLEMS if p.stem == "heat"))).time
    times = torch.linspace(time.low, time.high, 20001, dtype=torch.float64)
    for early in (0.1, 7.0):
        weights = early_weights(times, time, early)
        assert float(weights[0] / weights[-1]) == pytest.approx(early)
        assert float(weights.square().mean()) == pytest.approx(1.0, rel=1e-3)
