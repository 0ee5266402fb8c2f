"""The plan of a leg: Adam, then a second-order method, driven by `deepxde.Model`; from its beginning or from a state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from pinnsolver.errors import RunFolderError, TrainingDiverged
from pinnsolver.network import OwnNetwork
from pinnsolver.sample import import_deepxde
from pinnsolver.train.conductor import Conductor, Phase
from pinnsolver.train.data import ProblemData
from pinnsolver.train.diagnosis import find_culprit
from pinnsolver.train.module import TrainableProblem
from pinnsolver.train.second import second_order

dde = import_deepxde()

ADAM_SHARE = 0.2  # of the budget at most, so that short runs reach the second order
ENDLESS = (
    10**9
)  # steps: the conductor says when to stop, so that where a training is cut has no influence on it


@contextlib.contextmanager
def fitting() -> Iterator[None]:
    """Turn what goes wrong while a state is taken up into one message."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunFolderError(
            f"The state of the training does not fit the problem: {reason}.\nSolve the problem again"
        ) from error


def begin_leg(conductor: Conductor, ready: Callable[[], None] | None) -> None:
    """Do what comes before the first step of a leg: check it, record where it stands, write the first checkpoint.

    Args:
        ready: called once nothing can be wrong with the problem any more.
    """
    data, module, leg = conductor.data, conductor.module, conductor.leg
    if leg.index:
        _start_from(module, data)
    culprit = find_culprit(data, module)
    if culprit is not None:
        raise TrainingDiverged(
            f"{culprit}, before the first step.\n"
            "Write the equation so that it is finite there: a division by zero, a logarithm or a root of a negative field?"
        )
    if ready and not leg.index:
        conductor.clock.without(ready)
    data.refresh_causal(module)
    data.raw = {name: value.detach() for name, value in data.terms(module).items()}
    conductor.first = data.total({name: float(value) for name, value in data.raw.items()})
    conductor.record()
    if leg.budget.steps == leg.step:
        conductor.stopped = conductor.stopped or "steps"
    elif not leg.index:
        conductor.checkpoint(conductor)


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


def run_phases(conductor: Conductor, memory: Mapping[str, Any] | None) -> None:
    """Train a leg to its end.

    Args:
        memory: the conductor's state to go on from, already loaded into it; None at the beginning.
    """
    if (
        conductor.stopped is None and not conductor.leg.index
    ):  # a later window starts from the last one's weights
        _run_adam(conductor, memory)
    if conductor.stopped is None:
        _run_second_order(conductor, memory)


def _run_adam(conductor: Conductor, memory: Mapping[str, Any] | None) -> None:
    """First order: into the basin. The learning rate falls to a tenth."""
    settings, budget, script = (
        conductor.data.compiled.transformed.settings,
        conductor.budget,
        conductor.leg.script,
    )
    if conductor.phase.name == "start":
        begun = conductor.clock.seconds
        until = None if budget.seconds is None else begun + ADAM_SHARE * (budget.seconds - begun)
        planned = settings.optimizer.adam or 0
        if script is not None:
            planned = script.planned
        elif budget.steps is not None:
            planned = min(planned, max(1, int(ADAM_SHARE * (budget.steps - conductor.step))))
        if not planned:
            return
        taken = planned if script is None else script.adam
        conductor.planned = planned
        conductor.phase = Phase("Adam", conductor.step, taken, until)
        memory = None
    elif conductor.phase.name != "Adam":
        return
    if conductor.phase.over(conductor.step, conductor.clock.seconds):
        return
    rate = settings.optimizer.learning_rate or 1e-3
    optimizer = torch.optim.Adam(conductor.module.parameters(), lr=rate)
    _drive(conductor, optimizer, ("exponential", 0.1 ** (1 / conductor.planned)), memory)


def _run_second_order(conductor: Conductor, memory: Mapping[str, Any] | None) -> None:
    """Second order: the digits."""
    stretch = second_order(conductor.module, conductor.data)
    new = conductor.phase.name in ("start", "Adam")
    if new:
        phase = Phase(stretch.name, conductor.step, record_every=stretch.record_every)
        conductor.phase = replace(phase, causal_every=stretch.causal_every, patience=stretch.patience)
        conductor.redraw()
        conductor.last_progress = conductor.last_leap = conductor.step
    conductor.on_redraw = stretch.optimizer.function_changed
    _drive(conductor, stretch.optimizer, None, None if new else memory)


def _drive(
    conductor: Conductor, optimizer: torch.optim.Optimizer, decay: Any, memory: Mapping[str, Any] | None
) -> None:
    """Let `deepxde.Model` do the steps of a phase, from the optimizer's memory where there is one."""
    model = dde.Model(conductor.data, conductor.module)
    model.compile(optimizer, decay=decay, verbose=0)
    if memory is not None:
        with fitting():
            optimizer.load_state_dict(memory["optimizer"])
            if model.lr_scheduler is not None:
                model.lr_scheduler.load_state_dict(memory["scheduler"])
        conductor.keep_raw()
    model.train(iterations=ENDLESS, display_every=10**12, callbacks=[conductor], verbose=0)
