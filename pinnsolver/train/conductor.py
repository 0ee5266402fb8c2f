"""The callback that watches over training: clock, history, held-out best, redraws, stops, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from pinnsolver.sample import import_deepxde
from pinnsolver.train.data import ProblemData
from pinnsolver.train.gauss_newton import LevenbergMarquardt
from pinnsolver.train.module import TrainableProblem
from pinnsolver.train.progress import Progress, Status
from pinnsolver.train.second import SecondOrder

dde = import_deepxde()

CHECKPOINT_SECONDS = 8.0  # the contract: at least every 10 s
PATIENCE = 2000  # steps of Adam without a better held-out loss
OVERFIT = 3.0  # held-out loss over the training one above which points are being learnt by heart
NOISE = 1.5  # ratio of held-out losses that their few points in sharp layers cannot tell apart: measured
WINDOW_PATIENCE = (
    40  # steps in which a window's held-out loss has to fall to the next part, or it has converged
)
WINDOW_PROGRESS = 0.5
LEAST_SHARE = 0.1  # of what is left, for a window that needs it
WINDOW_SHARE = 3  # of the equal parts of what is left, for a window that needs them: errors of the first ones grow in all others
RESTARTS = 3  # from the best state after a loss that is not finite


class Clock:
    """Wall clock of the training; scoring against a reference, which training does not need, pauses it."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._paused = 0.0

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._start - self._paused

    def without(self, work: Callable[[], Any]) -> Any:
        """Do some work off the clock and return its result."""
        begin = time.perf_counter()
        try:
            return work()
        finally:
            self._paused += time.perf_counter() - begin


@dataclass
class Best:
    """The state that is kept, the last one whose held-out loss is the lowest so far within its noise.

    Args:
        lowest: the held-out terms where their sum was lowest, raw: weights may change.
    """

    state: dict[str, torch.Tensor]
    lowest: dict[str, float]


@dataclass(frozen=True)
class Budget:
    """What bounds a run: iterations, seconds, or both; without seconds nothing depends on a clock."""

    steps: int | None
    seconds: float | None

    def fraction(self, step: int, seconds: float) -> float:
        """Return how much of the budget is used up."""
        shares = [0.0]
        if self.steps is not None:
            shares.append(step / max(self.steps, 1))
        if self.seconds is not None:
            shares.append(seconds / self.seconds)
        return max(shares)

    def part(self, step: int, seconds: float, left: int) -> Budget:
        """Return until when the first of so many windows may take at most."""
        share = max(WINDOW_SHARE / (left + WINDOW_SHARE - 1), LEAST_SHARE)  # all of it for the last one
        steps = None if self.steps is None else step + max(1, int((self.steps - step) * share))
        until = None if self.seconds is None else seconds + max(0.0, self.seconds - seconds) * share
        return Budget(steps, until)


@dataclass(frozen=True)
class Leg:
    """A part of a run that one network trains in.

    Args:
        budget: until where, counted from the start of the run.
        step: steps done before it.
        index, count: number of the window of time, and how many there are.
        whole: the budget of all legs; this one's if left out.
    """

    budget: Budget
    step: int = 0
    index: int = 0
    count: int = 1
    whole: Budget | None = None


@dataclass
class History:
    """A row for each recorded step."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def columns(self) -> dict[str, np.ndarray]:
        """Return it as columns."""
        if not self.rows:
            return {}
        return {key: np.array([row.get(key, math.nan) for row in self.rows]) for key in self.rows[0]}


class Conductor(dde.callbacks.Callback):  # type: ignore[name-defined]
    """Sees every step of `deepxde.Model` and decides when something has to happen.

    Args:
        data, module: what is trained.
        leg: the part of the run, with what bounds it.
        clock: started by the caller, so that preparing counts.
        score: gives the relative L2 error by field, or {}.
        progress: where the status is shown.
        checkpoint: called with this object, at least every ten seconds.
        history: goes on from the part before.
    """

    def __init__(
        self,
        data: ProblemData,
        module: TrainableProblem,
        leg: Leg,
        clock: Clock,
        score: Callable[[], Mapping[str, float]],
        progress: Progress,
        checkpoint: Callable[[Conductor], None],
        history: History,
    ) -> None:
        super().__init__()
        self.data, self.module, self.leg, self.clock = data, module, leg, clock
        self.budget = leg.budget
        self.score, self.progress, self.checkpoint = score, progress, checkpoint
        self.history = history
        self.phase = "Adam"
        self.phase_seconds: float | None = None
        self.record_every = 50
        self.causal_every = 1
        self.patience = PATIENCE
        self.step = leg.step
        self.interrupted = False
        self.stopped: str | None = None
        self.best: Best | None = None
        self.last_progress = leg.step
        self.stalls = 0
        self.restarts = 0
        self.overfits = 0
        self.idle = 0  # redraws since the training loss fell
        self.trained = math.inf
        self.checkpointed = clock.seconds
        self.on_redraw: Callable[[], None] = lambda: None

    # ----------------------------------------------------------------------------- called by DeepXDE

    def on_epoch_end(self) -> None:
        """Look after one step."""
        self.step += 1
        optimizer = self.model.opt
        if isinstance(optimizer, LevenbergMarquardt) and optimizer.accepted is not None:
            self.data.note_rows(optimizer.accepted, self.module)
        loss = self.data.total({name: float(value) for name, value in self.data.raw.items()})
        if not math.isfinite(loss):
            self._recover()
            return
        if self.step % self.record_every == 0:
            self.record(loss)
        self._advance_causal()
        redraw = self.data.compiled.transformed.settings.points.redraw
        if redraw and self.step % redraw == 0:
            self.redraw()
        self._watch_stall()
        seconds = self.clock.seconds
        if seconds - self.checkpointed > CHECKPOINT_SECONDS:
            self.checkpoint(self)
            self.checkpointed = seconds
        self._decide(seconds)

    # ------------------------------------------------------------------------------------- the parts

    def record(self, loss: float | None = None) -> None:
        """Add a row to the history, and keep the state if it is the best by the held-out points."""
        raw = {name: float(value) for name, value in self.data.raw.items()}
        loss = self.data.total(raw) if loss is None else loss
        held_out = {n: float(v.detach()) for n, v in self._held_out().items()}
        self._keep_if_better(held_out)
        error = dict(self.clock.without(self.score))
        unknowns = self.module.unknowns.numbers()
        row: dict[str, Any] = {"step": self.step, "seconds": self.clock.seconds, "phase": self.phase}
        if self.leg.count > 1:
            row["window"] = self.leg.index + 1
        row |= {"loss": loss, "held_out": self.data.total(held_out)}
        causal = self.data.causal
        if causal is not None:
            row |= {"causal:level": causal.level + 1, "causal:least weight": float(causal.weights.min())}
            row["causal:reached"] = causal.reached
        row |= {f"raw:{name}": value for name, value in raw.items()}
        row |= {f"weighted:{name}": self.data.weights[name] * value for name, value in raw.items()}
        row |= {f"unknown:{name}": value for name, value in unknowns.items()}
        row |= {f"relative_l2:{name}": value for name, value in error.items()}
        self.history.rows.append(row)
        fraction = (self.leg.whole or self.budget).fraction(self.step, self.clock.seconds)
        where = f"window {self.leg.index + 1} of {self.leg.count}: " if self.leg.count > 1 else ""
        where += self.phase
        if causal is not None and not causal.open:
            where += f" (causal, {causal.reached:.0%} of the time open)"
        self.progress.show(Status(where, self.step, self.clock.seconds, fraction, loss, raw, error, unknowns))

    def _advance_causal(self) -> None:
        """Refresh causal weights: each step of Adam, but only now and then where curvature is learnt."""
        causal = self.data.causal
        if causal is None or causal.open or self.step % self.causal_every:
            return
        level = causal.level
        self.data.refresh_causal(self.module)
        if causal.level != level:
            self.best = None  # what was best for the early times only is not best any more
        self.on_redraw()

    def _held_out(self) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            return self.data.terms(self.module, self.data.held_out)

    def _keep_if_better(self, held_out: dict[str, float]) -> None:
        total = self.data.total(held_out)
        if not math.isfinite(total):
            return
        best = math.inf if self.best is None else self.data.total(self.best.lowest)
        if total < (0.99 if self.leg.count == 1 else WINDOW_PROGRESS) * best:
            self.last_progress = self.step
        tolerance = self.data.compiled.transformed.settings.tolerance
        met = tolerance is not None and self.data.largest_relative(held_out) < tolerance
        if met:
            self._stop("tolerance")
        if total < NOISE * best or met:
            state = {k: v.detach().clone() for k, v in self.module.state_dict().items()}
            lowest = held_out if self.best is None or total < best else self.best.lowest
            self.best = Best(state, lowest)

    def redraw(self) -> None:
        """Draw new points, more of them where the old ones were learnt by heart; whoever remembers those is told."""
        trained, held_out = (
            self.data.total({n: float(v.detach()) for n, v in terms.items()})
            for terms in (self.data.raw, self._held_out())
        )
        # Drawn where residuals are large, the points make the training loss the larger one: this is a clear sign.
        self.overfits = self.overfits + 1 if held_out > OVERFIT * trained else 0
        if self.overfits >= 2:
            self.data.grow()
            self.overfits = 0
        if self.phase not in ("start", "Adam"):
            self.idle = self.idle + 1 if trained > 0.95 * self.trained else 0
            self.data.trust_data_less(stagnant=self.idle >= 2)
            self.trained = self.data.total({n: float(v.detach()) for n, v in self.data.raw.items()})
        self.data.redraw(self.module)
        self.on_redraw()

    def _recover(self) -> None:
        """Go back to the best state after a loss that is not finite; give up after a few times."""
        if self.best is None or self.restarts >= RESTARTS:
            self._stop("diverged")
            return
        self.restarts += 1
        self.module.load_state_dict(self.best.state)
        optimizer = self.model.opt
        if isinstance(optimizer, SecondOrder):
            optimizer.forget()
        else:
            optimizer.state.clear()
            for group in optimizer.param_groups:
                group["lr"] *= 0.3

    def _watch_stall(self) -> None:
        """A method that cannot move forgets what it knows or gets new points, and at the fourth time has converged."""
        optimizer = self.model.opt
        if not isinstance(optimizer, SecondOrder):
            return
        self.stalls = 0 if optimizer.moved else self.stalls + 1
        if self.stalls == 1 and not isinstance(optimizer, LevenbergMarquardt):
            optimizer.forget()
        elif self.stalls in (1, 2):
            self.redraw()
        elif self.stalls >= 4:
            self._stop("plateau")

    def _decide(self, seconds: float) -> None:
        """Stop where a bound is met."""
        budget = self.budget
        if self.interrupted:
            self._stop("interrupted")
        elif budget.steps is not None and self.step >= budget.steps:
            self._stop("steps")
        elif budget.seconds is not None and seconds >= budget.seconds:
            self._stop("seconds")
        elif self.step - self.last_progress > self.patience:
            self._stop("plateau")
        elif self.phase_seconds is not None and seconds >= self.phase_seconds:
            self.model.stop_training = True  # this phase only

    def _stop(self, reason: str) -> None:
        self.stopped = self.stopped or reason
        if self.model is not None:  # none yet before the first step
            self.model.stop_training = True
