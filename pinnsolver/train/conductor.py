"""The callback that watches over training: history, held-out best, redraws, stops, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pinnsolver.sample import import_deepxde
from pinnsolver.train.course import Budget, Clock, Done, Leg
from pinnsolver.train.data import ProblemData
from pinnsolver.train.diagnosis import find_culprit
from pinnsolver.train.gauss_newton import LevenbergMarquardt
from pinnsolver.train.history import History
from pinnsolver.train.interrupt import Interrupt
from pinnsolver.train.module import TrainableProblem
from pinnsolver.train.progress import Progress, Status
from pinnsolver.train.second import SecondOrder

dde = import_deepxde()

CHECKPOINT_SECONDS = 8.0  # the contract: at least every 10 s
PATIENCE = 2000  # steps of Adam without a better held-out loss
OVERFIT = 3.0  # held-out loss over the training one above which points are being learnt by heart
NOISE = 1.5  # ratio of held-out losses that their few points in sharp layers cannot tell apart: measured
PROGRESS = 0.99  # a held-out loss that falls below this part of the best one counts as progress
# A window that has had its equal part of the budget takes more only as long as its loss falls to this part in so many steps.
WINDOW_PATIENCE, WINDOW_PROGRESS = 40, 0.5
RESTARTS = 3  # from the best state after a loss that is not finite
EXPLODED = 1e8  # times the loss at the start: Adam has left for infinity


@dataclass
class Best:
    """The state that is kept, the last one whose held-out loss is the lowest so far within its noise.

    Args:
        lowest: the held-out terms where their sum was lowest, raw: weights may change.
    """

    state: dict[str, torch.Tensor]
    lowest: dict[str, float]


@dataclass
class Phase:
    """What one optimizer does.

    Args:
        name: "start" before the first step, "Adam", or the second-order method's.
        begun: step at which it began.
        steps: how many it has; None for all that are left.
        seconds: of the training at which it ends; None for no such bound.
        record_every: steps between two rows of the history.
        causal_every: steps between two refreshments of causal weights.
        patience: steps without a better held-out loss after which training has converged.
    """

    name: str = "start"
    begun: int = 0
    steps: int | None = None
    seconds: float | None = None
    record_every: int = 50
    causal_every: int = 1
    patience: int = PATIENCE

    def over(self, step: int, seconds: float) -> bool:
        """Say whether the next optimizer is to go on."""
        by_steps = self.steps is not None and step - self.begun >= self.steps
        return by_steps or (self.seconds is not None and seconds >= self.seconds)


# What of a conductor is a number and belongs to its state.
_NUMBERS = (
    *("step", "stopped", "why", "last_progress", "last_leap", "stalls", "restarts", "overfits", "idle"),
    *("trained", "first", "adam", "planned"),
)


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
        interrupt: whether the user has had enough.
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
        interrupt: Interrupt,
    ) -> None:
        super().__init__()
        self.data, self.module, self.leg, self.clock = data, module, leg, clock
        self.budget: Budget = leg.budget
        self.score, self.progress, self.checkpoint = score, progress, checkpoint
        self.history, self.interrupt = history, interrupt
        self.phase = Phase(begun=leg.step)
        self.step = leg.step
        self.stopped: str | None = None
        self.why: str | None = None  # of a divergence
        self.best: Best | None = None
        self.last_progress = self.last_leap = leg.step
        self.stalls = 0
        self.restarts = 0
        self.overfits = 0
        self.idle = 0  # redraws since the training loss fell
        self.trained = math.inf
        self.first = math.inf  # loss at the start
        self.adam = 0  # steps that it took
        self.planned = 0  # and those that its rate was made for
        self.renewed: list[int] = []
        self.checkpointed = clock.seconds
        self.on_redraw: Callable[[], None] = lambda: None
        self._raw: Mapping[str, torch.Tensor] | None = None

    # -------------------------------------------------------------------------------------- its state

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on, besides the module and what this object was made with."""
        best, model = self.best, self.model
        optimizer = None if model is None else model.opt.state_dict()
        scheduler = None if model is None or model.lr_scheduler is None else model.lr_scheduler.state_dict()
        return {
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
            "renewed": list(self.renewed),
            "phase": dict(vars(self.phase)),
            "best": None if best is None else {"state": best.state, "lowest": best.lowest},
            "data": self.data.state_dict(),
            "optimizer": optimizer,
            "scheduler": scheduler,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the optimizer's is loaded by whoever makes the optimizer."""
        for name in _NUMBERS:
            setattr(self, name, state["numbers"][name])
        self.renewed = list(state["renewed"])
        self.phase = Phase(**state["phase"])
        best = state["best"]
        self.best = None if best is None else Best(dict(best["state"]), dict(best["lowest"]))
        self.data.load_state_dict(state["data"])

    @property
    def done(self) -> Done:
        """What the leg did so far."""
        return Done(self.adam, self.planned, self.step, self.stopped or "steps", tuple(self.renewed))

    def go_on(self, further: bool) -> None:
        """Take up again a training that was interrupted, or whose bounds are new.

        Args:
            further: whether also a training that had ended by itself goes on.
        """
        if self.stopped in (None, "interrupted", "steps", "seconds"):
            self.stopped = None
            self._decide(self.clock.seconds)
        elif further:
            self.stopped = self.why = None
            self._renew()
            self._decide(self.clock.seconds)

    def _renew(self) -> None:
        """Be patient once more."""
        self.renewed.append(self.step)
        self.last_progress = self.last_leap = self.step
        self.stalls = self.restarts = 0

    # ----------------------------------------------------------------------------- called by DeepXDE

    def on_train_begin(self) -> None:
        """Put back the terms of the last step: DeepXDE has evaluated them anew before the first one."""
        if self._raw is not None:
            self.data.raw, self._raw = dict(self._raw), None

    def keep_raw(self) -> None:
        """Let a training that goes on begin with the terms of its last step."""
        self._raw = dict(self.data.raw)

    def on_epoch_end(self) -> None:
        """Look after one step."""
        self.step += 1
        self.adam += self.phase.name == "Adam"
        optimizer = self.model.opt
        if isinstance(optimizer, LevenbergMarquardt) and optimizer.accepted is not None:
            self.data.note_rows(optimizer.accepted, self.module)
        loss = self.data.total({name: float(value) for name, value in self.data.raw.items()})
        if not math.isfinite(loss) or self._exploded(loss):
            self._recover(loss)
            self._decide(self.clock.seconds)
            return
        if self.step % self.phase.record_every == 0:
            self.record(loss)
        self._advance_causal()
        redraw = self.data.compiled.transformed.settings.points.redraw
        if redraw and self.step % redraw == 0:
            self.redraw()
        self._watch_stall()
        seconds = self.clock.seconds
        self._decide(seconds)
        # Last of all: a training that goes on from here is just before its next step.
        if seconds - self.checkpointed > CHECKPOINT_SECONDS:
            self.checkpoint(self)
            self.checkpointed = self.clock.seconds

    # ------------------------------------------------------------------------------------- the parts

    def record(self, loss: float | None = None) -> None:
        """Add a row to the history, and keep the state if it is the best by the held-out points."""
        raw = {name: float(value) for name, value in self.data.raw.items()}
        loss = self.data.total(raw) if loss is None else loss
        held_out = {n: float(v.detach()) for n, v in self._held_out().items()}
        self._keep_if_better(held_out)
        error = dict(self.clock.without(self.score))
        unknowns = self.module.unknowns.numbers()
        row: dict[str, Any] = {"step": self.step, "seconds": self.clock.seconds, "phase": self.phase.name}
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
        where += self.phase.name
        if causal is not None and not causal.open:
            where += f" (causal, {causal.reached:.0%} of the time open)"
        self.progress.show(Status(where, self.step, self.clock.seconds, fraction, loss, raw, error, unknowns))

    def _advance_causal(self) -> None:
        """Refresh causal weights: each step of Adam, but only now and then where curvature is learnt."""
        causal = self.data.causal
        if causal is None or causal.open or self.step % self.phase.causal_every:
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
        if total < PROGRESS * best:
            self.last_progress = self.step
        if total < WINDOW_PROGRESS * best:
            self.last_leap = self.step
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
        if self.phase.name not in ("start", "Adam"):
            self.idle = self.idle + 1 if trained > 0.95 * self.trained else 0
            self.data.trust_data_less(stagnant=self.idle >= 2)
            self.trained = self.data.total({n: float(v.detach()) for n, v in self.data.raw.items()})
        self.data.redraw(self.module)
        self.on_redraw()

    def _exploded(self, loss: float) -> bool:
        """Say whether first-order steps have left for infinity; later methods never raise the loss."""
        return self.phase.name == "Adam" and 0 < EXPLODED * self.first < loss

    def _recover(self, loss: float) -> None:
        """Go back to the best state after a loss that is not finite, more carefully; give up after a few times."""
        if self.best is None or self.restarts >= RESTARTS:
            self.why = self._explain(loss)
            self._stop("diverged")
            return
        self.restarts += 1
        self.module.load_state_dict(self.best.state)
        with torch.no_grad():
            self.data.raw = self.data.terms(self.module)
            if not all(torch.isfinite(value) for value in self.data.raw.values()):  # it was the points
                self.data.redraw(self.module)
                self.data.raw = self.data.terms(self.module)
        optimizer = self.model.opt
        if isinstance(optimizer, SecondOrder):
            optimizer.forget()
        else:
            optimizer.state.clear()
            for group in optimizer.param_groups:
                group["lr"] *= 0.3

    def _explain(self, loss: float) -> str:
        """Return what is to be known of a divergence: term, step and place."""
        culprit = find_culprit(self.data, self.module, largest=True)
        again = f", after {self.restarts} new starts from the best state" if self.restarts else ""
        return (
            f"Training diverged at step {self.step} ({self.phase.name}){again}: the loss is {loss:.3g}. {culprit}.\n"
            "Write the equation so that it is finite there, or lower optimizer.learning_rate; what was best before is kept"
        )

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
        script = self.leg.script
        if script is not None and self.step in script.renewed:
            self._renew()
        spent = self.budget.spent(self.step, seconds)
        if spent is not None:
            self._stop(spent)
        elif script is None and self._has_converged(seconds):
            self._stop("plateau")
        elif self.interrupt.asked:
            self._stop("interrupted")
        if self.model is not None and self.phase.over(self.step, seconds):
            self.model.stop_training = True  # this phase only

    def _has_converged(self, seconds: float) -> bool:
        """Say whether the held-out loss has stopped falling; a window asks for more once it has had its equal part."""
        if self.step - self.last_progress > self.phase.patience:
            return True
        equal = self.leg.equal
        full = equal is not None and equal.spent(self.step, seconds) is not None
        return full and self.step - self.last_leap > WINDOW_PATIENCE

    def _stop(self, reason: str) -> None:
        script = self.leg.script
        if script is not None and reason in ("plateau", "tolerance", "steps", "seconds"):
            if self.step < script.steps:
                return  # it went on from there
            reason = script.stopped
        self.stopped = self.stopped or reason
        if self.model is not None:  # none yet before the first step
            self.model.stop_training = True
