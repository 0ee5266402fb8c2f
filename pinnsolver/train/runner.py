"""The training plan: Adam, then a second-order method, driven by `deepxde.Model`."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pinnsolver.compile import CompiledProblem
from pinnsolver.errors import TrainingDiverged
from pinnsolver.network import OwnNetwork
from pinnsolver.sample import Sampler, import_deepxde
from pinnsolver.train.conductor import WINDOW_PATIENCE, Budget, Clock, Conductor, History, Leg
from pinnsolver.train.data import ProblemData
from pinnsolver.train.device import find_device
from pinnsolver.train.module import TrainableProblem
from pinnsolver.train.progress import Progress, Quiet
from pinnsolver.train.second import second_order
from pinnsolver.train.windows import WindowedProblem
from pinnsolver.transform import TransformedProblem

dde = import_deepxde()

# Of a module to be trained: a function that gives its relative L2 error by field.
Score = Callable[[torch.nn.Module], Callable[[], Mapping[str, float]]]
# Of module, history, step, seconds and phase.
Checkpoint = Callable[[torch.nn.Module, History, int, float, str], None]
ADAM_SHARE = 0.2  # of the budget at most, so that short runs reach the second order


@dataclass(frozen=True)
class Trained:
    """What training leaves.

    Args:
        module: with the best parameters by the held-out points.
        history: a row for each recorded step.
        stopped: "tolerance", "plateau", "steps", "seconds", "interrupted" or "diverged".
        steps, seconds: used.
        points: number of points of each term.
    """

    module: TrainableProblem | WindowedProblem
    history: History
    stopped: str
    steps: int
    seconds: float
    points: Mapping[str, int]


def train_problem(
    compiled: CompiledProblem,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
    score: Score | None = None,
    ready: Callable[[], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train a compiled problem by the settings it was transformed with.

    Args:
        compiled: the problem; its settings have no gaps.
        clock: started before the problem was compiled; a new one if left out.
        progress: where the status is shown.
        score: gives, for the module to be trained, a function of its relative L2 error by field, where a
            reference is known; only shown and recorded.
        ready: called once nothing can be wrong with the problem any more, before the first step.
        checkpoint: writes one, at least every ten seconds.

    Raises:
        DeclarationError: a region without points, data that are not finite, a device that is not there.
        TrainingDiverged: the loss is not finite at the very start.
    """
    settings = compiled.transformed.settings
    torch.manual_seed(settings.seed or 0)
    clock = clock or Clock()
    module = TrainableProblem(compiled).to(find_device(settings.device or "cpu"))
    watch = _Watch(clock, progress or Quiet(), score(module) if score else dict, ready, checkpoint, module)
    leg = Leg(Budget(settings.steps, settings.seconds))
    conductor = _train_leg(compiled, module, leg, watch, History())
    return Trained(
        module,
        conductor.history,
        conductor.stopped or "steps",
        conductor.step,
        clock.seconds,
        conductor.data.points,
    )


def train_windows(
    transformed: TransformedProblem,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
    score: Score | None = None,
    ready: Callable[[], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train window after window of time, each from the last one's final state and weights; arguments as of `train_problem`.

    A window ends when it has converged, or at three times its equal part of what is left of the budget.
    """
    settings = transformed.settings
    torch.manual_seed(settings.seed or 0)
    clock = clock or Clock()
    whole = WindowedProblem(transformed).to(find_device(settings.device or "cpu"))
    watch = _Watch(clock, progress or Quiet(), score(whole) if score else dict, ready, checkpoint, whole)
    history, step, stopped, points = History(), 0, "steps", {}
    budget, count = Budget(settings.steps, settings.seconds), len(whole.windows)
    for k, compiled in enumerate(whole.windows):
        leg = Leg(budget.part(step, clock.seconds, count - k), step, k, count, budget)
        conductor = _train_leg(compiled, whole.begin(k), leg, watch, history)
        step, stopped, points = conductor.step, conductor.stopped or "steps", conductor.data.points
        if stopped in ("interrupted", "diverged"):
            break
    return Trained(whole, history, stopped, step, clock.seconds, points)


@dataclass(frozen=True)
class _Watch:
    """What is told about the training, leg after leg."""

    clock: Clock
    progress: Progress
    score: Callable[[], Mapping[str, float]]
    ready: Callable[[], None] | None
    checkpoint: Checkpoint | None
    module: torch.nn.Module

    def write(self, conductor: Conductor) -> None:
        if self.checkpoint:
            self.checkpoint(
                self.module, conductor.history, conductor.step, self.clock.seconds, conductor.phase
            )


def _train_leg(
    compiled: CompiledProblem, module: TrainableProblem, leg: Leg, watch: _Watch, history: History
) -> Conductor:
    """Train one network and leave the best state in it."""
    seed = compiled.transformed.settings.seed or 0
    data = ProblemData(compiled, Sampler.of(compiled.checked), seed, module.device)
    conductor = Conductor(data, module, leg, watch.clock, watch.score, watch.progress, watch.write, history)
    if leg.index:
        _start_from(module, data)
    _refuse_bad_start(data, module)
    if watch.ready and not leg.index:
        watch.clock.without(watch.ready)
    with conductor.progress, _interruptible(conductor), _quiet():
        data.refresh_causal(module)
        data.raw = {name: value.detach() for name, value in data.terms(module).items()}
        conductor.phase = "start"
        conductor.record()
        if leg.budget.steps != leg.step:
            if not leg.index:  # a later window starts from the last one's weights
                _run_adam(conductor)
            if conductor.stopped is None:
                _run_second_order(conductor)
        if conductor.stopped not in ("diverged", None) and conductor.step % conductor.record_every:
            conductor.record()
    if conductor.best is not None:
        module.load_state_dict(conductor.best.state)
    return conductor


def _start_from(module: TrainableProblem, data: ProblemData) -> None:
    """Let a later window start from the last one's weights as they are, or from its state at rest: what fits better.

    At rest means outputs of zero, the hidden layers kept.
    """

    def loss() -> float:
        with torch.no_grad():
            return data.total({name: float(value) for name, value in data.terms(module).items()})

    moving = loss()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert isinstance(module.network, OwnNetwork)  # windows have networks of our own only
    with torch.no_grad():
        for parameter in module.network.output_parameters():
            parameter.zero_()
    if moving < loss():
        module.load_state_dict(before)


def _run_adam(conductor: Conductor) -> None:
    """First order: into the basin. The learning rate falls to a tenth."""
    settings = conductor.data.compiled.transformed.settings
    steps = settings.optimizer.adam or 0
    budget, begun = conductor.budget, conductor.clock.seconds
    if budget.seconds is not None:
        conductor.phase_seconds = begun + ADAM_SHARE * (budget.seconds - begun)
    if budget.steps is not None:
        steps = min(steps, max(1, int(ADAM_SHARE * (budget.steps - conductor.step))))
    if not steps:
        return
    conductor.phase, conductor.record_every = "Adam", 50
    rate = settings.optimizer.learning_rate or 1e-3
    optimizer = torch.optim.Adam(conductor.module.parameters(), lr=rate)
    schedule = ("exponential", 0.1 ** (1 / steps))
    _drive(conductor, optimizer, steps, schedule)
    conductor.phase_seconds = None


def _run_second_order(conductor: Conductor) -> None:
    """Second order: the digits."""
    stretch = second_order(conductor.module, conductor.data)
    conductor.phase, conductor.record_every = stretch.name, stretch.record_every
    conductor.causal_every, conductor.patience = stretch.causal_every, stretch.patience
    if conductor.leg.count > 1:
        conductor.patience = WINDOW_PATIENCE
    conductor.redraw()
    conductor.on_redraw = stretch.optimizer.function_changed
    conductor.last_progress = conductor.step
    left = None if conductor.budget.steps is None else conductor.budget.steps - conductor.step
    _drive(conductor, stretch.optimizer, 10**9 if left is None else left, None)


def _drive(conductor: Conductor, optimizer: torch.optim.Optimizer, steps: int, decay: Any) -> None:
    """Let `deepxde.Model` do the steps."""
    if conductor.stopped or steps <= 0:
        return
    model = dde.Model(conductor.data, conductor.module)
    model.compile(optimizer, decay=decay, verbose=0)
    model.train(iterations=steps, display_every=10**12, callbacks=[conductor], verbose=0)


def _refuse_bad_start(data: ProblemData, module: TrainableProblem) -> None:
    """Raise where a term is not finite before the first step, with the term and the place."""
    unknowns = module.unknowns.values()
    for prepared in data.groups:
        for name, residual in data.compiled.residuals(prepared, module.network, unknowns).items():
            bad = ~torch.isfinite(residual[:, 0])
            if data.compiled.is_trained(name) and bad.any():
                row = int(bad.nonzero()[0])
                pairs = zip(data.compiled.checked.coordinates, prepared.columns, strict=True)
                place = ", ".join(f"{c.name} = {float(column[row]):.6g}" for c, column in pairs)
                raise TrainingDiverged(
                    f"The term “{name}” is {float(residual[row, 0].detach())} at {place}, before the first step "
                    f"({int(bad.sum())} of {len(bad)} points).\n"
                    "Write the equation so that it is finite there: a division by zero, a logarithm or a root of a negative field?"
                )


@contextlib.contextmanager
def _interruptible(conductor: Conductor) -> Iterator[None]:
    """End at the next step on Ctrl-C or SIGTERM; a second Ctrl-C ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: Any) -> None:
        if conductor.interrupted:
            raise KeyboardInterrupt
        conductor.interrupted = True

    before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """DeepXDE prints how long it took whatever it is told; our own progress goes to stderr."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
