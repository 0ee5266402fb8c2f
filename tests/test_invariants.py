"""The harness: every problem times every transform keeps what mathematics says it keeps."""

import numpy as np
import pytest
import torch
from conftest import compiled, exact_network

from pinnsolver.compile.constants import with_constants
from pinnsolver.network import AutogradNetwork
from pinnsolver.sample import Sampler
from pinnsolver.train import ProblemData, TrainableProblem

TRANSFORMS = [{"hard": True}, {"hard": False}, {"hard": True, "units": True}]


@pytest.fixture(params=TRANSFORMS, ids=lambda p: "-".join(f"{k}={v}" for k, v in p.items()), scope="module")
def made(request, problem):
    return compiled(problem, points__interior=300, points__boundary=40, points__integral=24, **request.param)


def residuals(made, network, rng, groups=None):
    """Return every residual of the wanted groups on fresh points, with its points' size."""
    sampler = Sampler.of(made.checked)
    unknowns = {
        u.name: torch.tensor(true_value(made, u.name), dtype=torch.float64) for u in made.checked.unknowns
    }
    found = {}
    for k, group in enumerate(made.groups):
        if group.kind == "observation":
            continue
        drawn = sampler.interior(200, rng) if group.region is None else sampler.region(group.region, 60, rng)
        prepared = made.prepare(k, drawn.points, drawn.normals, "cpu")
        found |= made.residuals(prepared, network, unknowns)
    return found


def true_value(made, name):
    """Return the value of an unknown that the problem's docstring states: `True value: D = 0.15`."""
    import sympy

    line = next(s for s in made.checked.problem.about.splitlines() if "True value:" in s and f"{name} =" in s)
    return float(sympy.sympify(line.split("=")[1].strip(" .")))


def test_the_exact_solution_has_no_residual(made):
    exact = exact_network(made)
    if exact is None:
        pytest.skip("no formula for the reference")
    fields = [f.name for f in made.checked.fields]
    found = residuals(made, AutogradNetwork(exact, fields), np.random.default_rng(1))
    places = {c.name: {(c.region.boundary, pins) for pins in c.locations} for c in made.checked.conditions}
    enforced = made.transformed.enforcement
    held = set().union(*(at for name, at in places.items() if enforced[name].how == "hard"))
    for name, values in found.items():
        finite = values.detach()[torch.isfinite(values)]  # (u - lift) / factor is 0/0 on a face itself
        assert len(finite) or places[name] & held, name
        # A raw output divided by a factor loses digits close to a face: judge by the median there.
        assert float(finite.abs().median() if len(finite) else 0) < 1e-7, name


def test_hard_conditions_hold_for_random_weights(made):
    torch.manual_seed(0)
    module = TrainableProblem(made)
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.7)
    probe = torch.tensor(Sampler.of(made.checked).interior(200, np.random.default_rng(2)).points)
    size = float(module(probe).detach().abs().max())
    unknowns = module.unknowns.values()
    network = with_constants(made, module.network, unknowns)
    sampler = Sampler.of(made.checked)
    for k, group in enumerate(made.groups):
        if group.kind != "condition":
            continue
        drawn = sampler.region(group.region, 50, np.random.default_rng(3))
        prepared = made.prepare(k, drawn.points, drawn.normals, "cpu")
        for name, values in made.residuals(prepared, network, unknowns).items():
            if made.transformed.enforcement[name].how == "hard":
                assert float(values.detach().abs().max()) < 1e-12 * max(size, 1), name


def test_permuted_points_permute_residuals(made):
    module = TrainableProblem(made)
    points = Sampler.of(made.checked).interior(64, np.random.default_rng(4)).points
    order = np.random.default_rng(5).permutation(64)
    unknowns = module.unknowns.values()
    straight = made.residuals(made.prepare(0, points, None, "cpu"), module.network, unknowns)
    mixed = made.residuals(made.prepare(0, points[order], None, "cpu"), module.network, unknowns)
    for name, values in straight.items():
        torch.testing.assert_close(values[order], mixed[name], rtol=1e-10, atol=1e-10)


def test_periodic_fields_repeat_with_their_slopes(made):
    if not made.checked.periodic:
        pytest.skip("nothing is periodic")
    module = TrainableProblem(made)
    points = Sampler.of(made.checked).interior(20, np.random.default_rng(6)).points
    for name in made.checked.periodic:
        k = [c.name for c in made.checked.coordinates].index(name)
        ends = []
        for end in (made.checked.coordinates[k].low, made.checked.coordinates[k].high):
            at = torch.tensor(points)
            at[:, k] = end
            at.requires_grad_()
            values = module.network(at)
            ends.append(torch.cat([values, torch.autograd.grad(values.sum(), at)[0]], dim=1))
        torch.testing.assert_close(ends[0], ends[1], rtol=1e-9, atol=1e-9)


def test_every_named_term_has_points_and_a_finite_loss(made):
    data = ProblemData(made, Sampler.of(made.checked), seed=0)
    raw = data.terms(TrainableProblem(made))
    assert set(raw) == set(made.term_names) == set(data.points)
    assert all(torch.isfinite(v) for v in raw.values())
    assert min(data.points.values()) >= 1
