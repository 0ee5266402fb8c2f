"""Levenberg-Marquardt: closed forms, valleys, its three ways to one step, and problems trained with it."""

import itertools

import numpy as np
import pytest
import torch
from conftest import compiled
from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import Observations, Problem, Unknown
from pinnsolver.sample import Sampler
from pinnsolver.train import (
    LevenbergMarquardt,
    ProblemData,
    TrainableProblem,
    residuals_by_autograd,
    train_problem,
)
from pinnsolver.train.gauss_newton import _model, conjugate_gradients, gram_matrix

x, t = symbols("x t")
u = Function("u")
SINE = Problem(
    "sine",
    [Eq(u(x).diff(x, 2), -(pi**2) * sin(pi * x))],
    [(x, 0, 1)],
    conditions=[Eq(u(0), 0), Eq(u(1), 0)],
    reference={u: sin(pi * x)},
)


def least_squares(function, start, **kwargs):
    """Return a parameter vector and the optimizer of a residual function on it."""
    parameter = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def residuals(slopes):
        r = function(parameter.detach())
        return r, torch.autograd.functional.jacobian(function, parameter.detach()).T if slopes else None

    return parameter, LevenbergMarquardt([parameter], residuals, **kwargs)


def rosenbrock(p):
    return torch.stack([1 - p[0], 10 * (p[1] - p[0] ** 2)])


def steps_to(function, start, goal, most=200, **kwargs):
    """Return the number of steps to a loss."""
    _, optimizer = least_squares(function, start, **kwargs)
    for step in range(most):
        if optimizer.step() < goal:
            return step
    return most


def test_a_linear_problem_is_solved_to_rounding():
    torch.manual_seed(0)
    a, b = torch.randn(30, 8, dtype=torch.float64), torch.randn(30, dtype=torch.float64)
    a = a * torch.logspace(0, 3, 8, dtype=torch.float64)
    place, optimizer = least_squares(lambda p: a @ p - b, [1.0] * 8)
    for _ in range(60):
        optimizer.step()
    np.testing.assert_allclose(place.detach(), torch.linalg.lstsq(a, b[:, None]).solution[:, 0], rtol=1e-8)


def test_the_banana_valley_is_walked_down_in_few_steps():
    assert steps_to(rosenbrock, [-1.2, 1.0], 1e-20) < 30


def test_geodesic_acceleration_saves_steps_in_a_curved_valley():
    def valley(p):  # a narrow one along a parabola
        return torch.stack([1e-2 * (p[0] - 3), p[1] - p[0] ** 2])

    plain = steps_to(valley, [-3.0, 9.0], 1e-12, acceleration=False)
    assert steps_to(valley, [-3.0, 9.0], 1e-12) < 0.8 * plain


def test_a_step_never_raises_the_loss():
    torch.manual_seed(1)
    _, optimizer = least_squares(lambda p: torch.cat([torch.sin(3 * p), p.square() - 1]), [2.0, -1.5, 0.4])
    losses = [optimizer.step() for _ in range(40)]
    assert all(b <= a for a, b in itertools.pairwise(losses))


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_the_three_forms_give_the_same_step(shape):
    generator = torch.Generator().manual_seed(0)
    slopes = torch.randn(*shape, dtype=torch.float64, generator=generator)
    b = torch.randn(shape[1], dtype=torch.float64, generator=generator)
    damping = 0.3
    diagonal = slopes.square().sum(1)
    d = torch.diag((diagonal.mean() * diagonal).sqrt())
    expected = torch.linalg.solve(slopes @ slopes.T + damping * d, slopes @ b)
    for rank in (None, 8):
        diagonal = slopes.square().sum(dim=1)
        found = _model(slopes, diagonal, rank, generator).factored(damping)(b)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_gram_matrix_by_blocks_is_the_product():
    rows = torch.randn(70, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for block in (7, 32, 128):
        np.testing.assert_allclose(gram_matrix(rows, block), rows @ rows.T, atol=1e-12)


def test_conjugate_gradients_solve_in_as_many_steps_as_there_are_eigenvalues():
    a = torch.diag(torch.tensor([1.0, 1.0, 50.0, 50.0, 900.0], dtype=torch.float64))
    b = torch.ones(5, dtype=torch.float64)
    found = conjugate_gradients(lambda v: a @ v, b, lambda v: v, most=3)
    np.testing.assert_allclose(found, 1 / a.diagonal(), rtol=1e-9)


def test_rows_and_slopes_are_the_loss_and_its_gradient():
    made = compiled(SINE, points__interior=50, network__width=6)
    data, module = ProblemData(made, Sampler.of(made.checked), seed=0), TrainableProblem(made)
    loss = sum(data.weights[n] * v for n, v in data.terms(module).items())
    loss.backward()
    rows, slopes = data.rows(module, True)
    gradient = torch.cat([p.grad.reshape(-1) for p in module.parameters() if p.numel()])
    assert float(rows @ rows) == pytest.approx(float(loss.detach()), rel=1e-12)
    np.testing.assert_allclose(2 * slopes @ rows, gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ({}, 1e-6),  # measured 3e-9 .. 2e-8
        ({"optimizer__rank": 40}, 1e-5),
        ({"precision": "float32"}, 1e-3),
        ({"points__interior": 60}, 1e-5),  # fewer residuals than parameters
    ],
)
def test_a_problem_is_trained_to_many_digits_in_a_few_steps(settings, bound):
    made = compiled(SINE, steps=80, **{"points__interior": 200, "network__width": 10, **settings})
    module = train_problem(made).module
    points = torch.linspace(0, 1, 101, dtype=module.dtype)[:, None]
    found = module(points).detach().double()
    exact = torch.sin(torch.pi * points.double())
    assert float((found - exact).norm() / exact.norm()) < bound


def test_points_learnt_by_heart_become_more():
    made = compiled(SINE, steps=120, points__interior=16, network__width=12, points__growth=3)
    trained = train_problem(made)
    assert trained.points["equation"] > 16


def test_training_stops_at_the_tolerance():
    made = compiled(SINE, steps=400, tolerance=1e-4, network__width=10)
    trained = train_problem(made)
    assert trained.stopped == "tolerance" and trained.steps < 400


def test_a_network_of_a_plain_torch_script_is_fitted():
    """Ten lines of a torch user."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(1, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1)).double()
    places = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    residuals = residuals_by_autograd(lambda: (net(places) - torch.sin(3 * places))[:, 0], net.parameters())
    optimizer = LevenbergMarquardt(net.parameters(), residuals)
    first = optimizer.step()
    for _ in range(60):
        last = optimizer.step()
    assert last < 1e-9 * first


def test_points_do_not_become_more_than_a_jacobian_may_hold():
    made = compiled(SINE, points__interior=50, points__growth=100, network__width=6)
    data, module = ProblemData(made, Sampler.of(made.checked), seed=0), TrainableProblem(made)
    data.rows(module, True)
    data._slopes = data._slopes.expand(2**24, -1, -1)  # as if there were many more parameters
    data.grow()
    assert data.growth == 1


def test_a_tolerance_met_at_the_start_ends_at_once():
    assert train_problem(compiled(SINE, steps=50, tolerance=1e6)).stopped == "tolerance"


def test_only_the_equations_get_more_points():
    made = compiled(SINE, hard=False, points__interior=50, points__growth=4, points__boundary=40)
    data = ProblemData(made, Sampler.of(made.checked), seed=0)
    before = data.points
    data.grow()
    data.redraw()
    assert data.points["equation"] == 75
    assert all(data.points[name] == count for name, count in before.items() if name != "equation")


def test_noisy_observations_lose_weight_unless_weights_were_asked_for():
    rate = Unknown("rate", start=1, low=0)
    times = np.linspace(0, 1, 21)
    noise = np.random.default_rng(0).normal(0, 0.05, 21)
    problem = Problem(
        "decay",
        [Eq(u(t).diff(t), -rate * u(t))],
        [],
        (t, 0, 1),
        [Eq(u(0), 1)],
        observations=[Observations(u(t), times, np.exp(-2 * times) + noise)],
    )
    found = {}
    for asked in ({}, {"weights__equation": 1.0}):
        made = compiled(problem, steps=300, network__width=12, causal=False, **asked)
        history = train_problem(made).history.columns()
        name = "observations of u(t)"
        ratio = history[f"weighted:{name}"] / history[f"raw:{name}"]
        found[bool(asked)] = (ratio[-1] / ratio[0], history["unknown:rate"][-1])
    assert found[False][0] < 0.01 and found[True][0] == pytest.approx(1)
    best = least_squares_rate(times, np.exp(-2 * times) + noise)
    assert abs(found[False][1] - best) < 0.2 * abs(found[True][1] - best)


def least_squares_rate(times, values):
    """Return the rate of the exact solution that fits best."""
    rates = np.linspace(1.5, 2.5, 100_001)
    misfit = ((np.exp(-np.outer(rates[::100], times)) - values) ** 2).sum(1)
    near = rates[::100][misfit.argmin()]
    fine = np.linspace(near - 0.002, near + 0.002, 4001)
    return fine[((np.exp(-np.outer(fine, times)) - values) ** 2).sum(1).argmin()]
