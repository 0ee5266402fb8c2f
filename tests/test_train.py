"""Optimizers, the loop through DeepXDE, bounds, interrupts, recovery, checkpoints."""

import signal

import numpy as np
import pytest
import torch
from conftest import compiled, small
from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import DeclarationError, Problem, RunFolderError, load_problem, solve
from pinnsolver.compile.causal import CausalState, causal_weights, chunk_losses
from pinnsolver.sample import Sampler, import_deepxde
from pinnsolver.train import (
    ProblemData,
    SteppedLBFGS,
    TrainableProblem,
    as_deepxde,
    read_checkpoint,
    train_problem,
    write_checkpoint,
)
from pinnsolver.train.broyden import SelfScaledBroyden, self_scaling
from pinnsolver.train.progress import Quiet

x, t = symbols("x t")
u = Function("u")
HEAT = Problem(
    "heat",
    [Eq(u(x, t).diff(t), u(x, t).diff(x, 2))],
    [(x, 0, 1)],
    (t, 0, 0.1),
    [Eq(u(x, 0), sin(pi * x)), Eq(u(x, t).diff(x).subs(x, 0), pi), Eq(u(1, t), 0)],
)
TINY = {"points__interior": 60, "points__boundary": 10, "network__width": 6, "network__depth": 2}


def quadratic(optimizer_of, dimension=12, steps=160):
    """Return how far an optimizer comes on a quadratic with condition number 1e4."""
    weights = torch.logspace(0, 4, dimension, dtype=torch.float64)
    parameter = torch.nn.Parameter(torch.ones(dimension, dtype=torch.float64))
    optimizer = optimizer_of([parameter])

    def closure():
        optimizer.zero_grad()
        loss = 0.5 * (weights * parameter.square()).sum()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return float(closure().detach())


def banana(optimizer_of, steps, seen=None):
    """Return where an optimizer comes to on Rosenbrock's function, and the optimizer; `seen` collects its points."""
    parameter = torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
    optimizer = optimizer_of([parameter])

    def closure():
        optimizer.zero_grad()
        if seen is not None:
            seen.append(tuple(parameter.detach().tolist()))
        a, b = parameter
        loss = (1 - a) ** 2 + 100 * (b - a**2) ** 2
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return parameter.detach(), optimizer


def test_stepped_lbfgs_solves_a_stiff_quadratic():
    assert quadratic(lambda p: SteppedLBFGS(p, memory=20)) < 1e-20


def test_one_step_is_one_iteration_and_evaluates_no_point_twice():
    seen = []
    place, optimizer = banana(SteppedLBFGS, 30, seen)
    assert optimizer.state[optimizer._params[0]]["n_iter"] == 30
    assert len(seen) == len(set(seen)) == optimizer.evaluations
    np.testing.assert_allclose(place, [1, 1], atol=0.05)


def test_stepped_lbfgs_takes_the_same_path_as_torchs_own():
    def own(parameters):
        return torch.optim.LBFGS(
            parameters,
            max_iter=30,
            max_eval=200,
            history_size=50,
            line_search_fn="strong_wolfe",
            tolerance_change=0,
        )

    # The scaled loss makes only the very first step another one.
    np.testing.assert_allclose(banana(SteppedLBFGS, 30)[0], banana(own, 1)[0], atol=1e-3)


def test_curvature_survives_a_changed_function():
    parameter = torch.nn.Parameter(torch.ones(8, dtype=torch.float64))
    optimizer = SteppedLBFGS([parameter], memory=20)
    scale = torch.logspace(0, 3, 8, dtype=torch.float64)
    shift = torch.zeros(8, dtype=torch.float64)

    def closure():
        optimizer.zero_grad()
        loss = (scale * (parameter - shift).square()).sum()
        loss.backward()
        return loss

    for _ in range(10):
        optimizer.step(closure)
    shift += 0.1
    optimizer.function_changed()
    for _ in range(25):
        optimizer.step(closure)
    assert float(closure().detach()) < 1e-8


def test_causal_weights_start_at_one_never_rise_and_carry_no_gradient():
    losses = torch.rand(2, 10, dtype=torch.float64, requires_grad=True)
    weights = causal_weights(losses, 3.0)
    assert weights[0] == 1 and (weights.diff() <= 0).all() and not weights.requires_grad
    # The third weight of a single equation: exp(-eps (L_0 + L_1)).
    one = causal_weights(torch.tensor([[0.1, 0.2, 0.7]], dtype=torch.float64), 2.0)
    assert float(one[2]) == pytest.approx(np.exp(-2 * 0.3))


def test_chunks_hold_the_mean_squares_of_their_points():
    residual = torch.tensor([[1.0], [3.0], [2.0]], dtype=torch.float64)
    found = chunk_losses([residual], torch.tensor([0, 0, 2]), 3)
    np.testing.assert_allclose(found, [[5.0, 0.0, 4.0]])


def test_a_soft_initial_condition_holds_back_all_chunks():
    losses = torch.tensor([[0.1, 0.2, 0.7]], dtype=torch.float64)
    free, held = causal_weights(losses, 2.0), causal_weights(losses, 2.0, 0.5)
    torch.testing.assert_close(held, free * torch.exp(torch.tensor(-1.0, dtype=torch.float64)))


@pytest.mark.parametrize(("hard", "first"), [(True, 1.0), (False, 0.5)])
def test_the_misfit_of_soft_initial_conditions_is_in_the_causal_sum(hard, first):
    made = compiled(HEAT, causal=True, hard=hard, **TINY)
    data = ProblemData(made, Sampler.of(made.checked), seed=0)
    data.refresh_causal(TrainableProblem(made))
    weight = float(data.causal.weights[0])
    assert weight == 1.0 if hard else weight < first


def test_causal_training_opens_level_by_level():
    state = CausalState(torch.ones(4, dtype=torch.float64))
    state.update(torch.full((1, 4), 1e-2, dtype=torch.float64))
    assert state.level == 0 and not state.open and float(state.weights[1]) < 1e-4
    state.update(torch.zeros((1, 4), dtype=torch.float64))
    assert state.open and float(state.weights.min()) == 1


@pytest.mark.parametrize("steps", [1, 7, 60, 130])
def test_steps_are_bounded_exactly(steps):
    trained = train_problem(compiled(HEAT, steps=steps, **TINY))
    assert trained.steps == steps and trained.stopped == "steps"


def test_no_steps_leave_the_network_as_it_was_initialised():
    made = compiled(HEAT, steps=0, **TINY)
    trained = train_problem(made)
    assert trained.steps == 0 and len(trained.history.rows) == 1


def test_seconds_are_bounded():
    trained = train_problem(compiled(HEAT, seconds=1.0, **TINY))
    assert trained.stopped in ("seconds", "plateau") and trained.seconds < 2.5


def test_the_same_seed_gives_the_same_network_bit_for_bit():
    runs = [train_problem(compiled(HEAT, steps=150, seed=s, **TINY)).module.state_dict() for s in (0, 0, 1)]
    assert all(torch.equal(runs[0][k], runs[1][k]) for k in runs[0])
    assert not all(torch.equal(runs[0][k], runs[2][k]) for k in runs[0])


def test_history_has_every_named_term_raw_and_weighted():
    made = compiled(HEAT, steps=400, hard=False, **TINY)
    columns = train_problem(made).history.columns()
    for name in ("equation", "u_x(0, t) = pi"):
        np.testing.assert_allclose(
            columns[f"weighted:{name}"], made.transformed.settings.weights[name] * columns[f"raw:{name}"]
        )
    assert {"start", "Adam", "Gauss-Newton"} == set(columns["phase"])
    assert columns["loss"][-1] < columns["loss"][0]


class Impatient(Quiet):
    """Presses Ctrl-C when it is shown the first step."""

    pressed_at = 0

    def show(self, status):
        if status.step and not self.pressed_at:
            self.pressed_at = status.step
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_stops_at_the_next_step_and_keeps_what_there_is():
    before, user = signal.getsignal(signal.SIGINT), Impatient()  # it is ignored in a shell's background
    trained = train_problem(compiled(HEAT, steps=10**6, **TINY), progress=user)
    assert trained.stopped == "interrupted" and user.pressed_at <= trained.steps <= user.pressed_at + 1
    assert trained.steps > 1
    assert signal.getsignal(signal.SIGINT) is before


def test_training_that_leaves_the_finite_numbers_goes_back_and_ends_diverged(monkeypatch):
    made = compiled(HEAT, steps=400, **TINY)
    original, calls = ProblemData.losses, []

    def poisoned(self, *args, **kwargs):
        calls.append(1)
        losses = original(self, *args, **kwargs)
        if len(calls) > 60:
            self.raw = {name: value * float("nan") for name, value in self.raw.items()}
            losses = [value * float("nan") for value in losses]
        return losses

    monkeypatch.setattr(ProblemData, "losses", poisoned)
    monkeypatch.setattr(ProblemData, "losses_train", poisoned)
    trained = train_problem(made)
    assert trained.stopped == "diverged"
    assert all(torch.isfinite(p).all() for p in trained.module.parameters())


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path):
    module = TrainableProblem(compiled(HEAT, **TINY))
    write_checkpoint(tmp_path, module.state_dict(), {"steps": 3})
    state, progress = read_checkpoint(tmp_path)
    assert progress == {"steps": 3}
    assert all(torch.equal(state[k], v) for k, v in module.state_dict().items())


def test_a_damaged_checkpoint_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no checkpoint"):
        read_checkpoint(tmp_path)
    write_checkpoint(tmp_path, {"a": torch.ones(3)}, {})
    file = tmp_path / "checkpoint" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(RunFolderError, match="damaged"):
        read_checkpoint(tmp_path)


def test_a_device_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("it is there")
    with pytest.raises(DeclarationError, match="cuda is not there"):
        solve(HEAT, device="cuda", steps=1, quiet=True)


def test_a_plain_deepxde_script_trains_a_compiled_problem(capsys):
    """Ten lines of a DeepXDE user, with DeepXDE's own optimizer and a stock callback."""
    dde = import_deepxde()
    data, net = as_deepxde(load_problem("problems/helmholtz.py"), **TINY)
    model = dde.Model(data, net)
    model.compile("adam", lr=1e-2)
    stopper = dde.callbacks.EarlyStopping(min_delta=1e-9, patience=1000)
    history, _ = model.train(iterations=60, display_every=20, callbacks=[stopper])
    assert sum(history.loss_train[-1]) < sum(history.loss_train[0])
    values = model.predict(np.array([[0.1, 0.2], [1.0, 0.3]]))
    assert values.shape == (2, 1) and abs(values[1, 0]) < 1e-6  # the wall is built in


def test_any_torch_module_can_be_the_network():
    made = compiled(HEAT, hard=False, **TINY)
    net = TrainableProblem(
        made, torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    )
    data = ProblemData(made, Sampler.of(made.checked), seed=0)
    losses = data.terms(net)
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in net.network.module.parameters() if p.numel())


def test_threads_are_set_for_the_run_only():
    before = torch.get_num_threads()
    solve(HEAT, steps=1, threads=2, settings=small(), quiet=True)
    assert torch.get_num_threads() == before


def test_self_scaled_broyden_solves_a_stiff_quadratic():
    assert quadratic(SelfScaledBroyden, steps=80) < 1e-20


def test_self_scaled_broyden_walks_down_the_banana_valley():
    np.testing.assert_allclose(banana(SelfScaledBroyden, 45)[0], [1, 1], atol=1e-8)


def test_self_scaling_of_one_update():
    # h = 2, b = 3, n = 10 by hand: a = 5, c = sqrt(5/6), rm = 2 (1 - c), tm = (rm - 1)/5, tp = 1/rm,
    # theta = max(tm, min(tp, -2/3)), sg = 1 + 5 theta, tau = min(rk |sg|^(-1/9), sg), rk = 1/3.
    c = (5 / 6) ** 0.5
    theta = max((2 * (1 - c) - 1) / 5, min(1 / (2 * (1 - c)), -2 / 3))
    sg = 1 + 5 * theta
    expected = min(abs(sg) ** (-1 / 9) / 3, sg)
    assert self_scaling(2.0, 3.0, 10) == pytest.approx((theta, expected))


def test_the_inverse_hessian_of_a_quadratic_is_learnt():
    weights = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)
    parameter = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = SelfScaledBroyden([parameter])

    def closure():
        optimizer.zero_grad()
        loss = 0.5 * (weights * parameter.square()).sum()
        loss.backward()
        return loss

    for _ in range(12):
        optimizer.step(closure)
    learnt = torch.diagonal(optimizer._inverse) * weights
    np.testing.assert_allclose(learnt, np.ones(3), rtol=0.2)


def test_points_follow_the_residuals():
    made = compiled(HEAT, **{**TINY, "points__interior": 400})
    data, module = ProblemData(made, Sampler.of(made.checked), seed=0), TrainableProblem(made)
    sizes = []
    for network in (None, module):
        totals = []
        for _ in range(5):
            data.redraw(network)
            totals.append(float(data.terms(module)["equation"].detach()))
        sizes.append(np.mean(totals))
    assert sizes[1] > 1.1 * sizes[0]  # more points where the residual is large


def test_large_networks_are_trained_with_limited_memory():
    made = compiled(
        HEAT, steps=30, network__width=48, network__depth=3, points__interior=30, points__boundary=8
    )
    assert "L-BFGS" in set(train_problem(made).history.columns()["phase"])


@pytest.mark.parametrize("family", ["broyden", "bfgs"])
def test_the_self_scaled_families_solve_a_stiff_quadratic(family):
    assert quadratic(lambda p: SelfScaledBroyden(p, family), steps=90) < 1e-18


@pytest.mark.parametrize(
    ("second", "phase"),
    [("broyden", "SSBroyden"), ("bfgs", "SSBFGS"), ("lbfgs", "L-BFGS"), ("gauss-newton", "Gauss-Newton")],
)
def test_every_second_order_method_can_be_asked_for(second, phase):
    columns = train_problem(compiled(HEAT, steps=60, optimizer__second=second, **TINY)).history.columns()
    assert phase in set(columns["phase"]) and columns["loss"][-1] < columns["loss"][0]
