"""A run: one leg of training, or several where there are windows of time; begun, or gone on with from its state."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from pinnsolver.compile import CompiledProblem
from pinnsolver.sample import Sampler
from pinnsolver.train.conductor import Conductor
from pinnsolver.train.course import Budget, Clock, Done, Leg
from pinnsolver.train.data import ProblemData
from pinnsolver.train.device import find_device
from pinnsolver.train.history import History
from pinnsolver.train.interrupt import Interrupt, interruptible
from pinnsolver.train.module import TrainableProblem
from pinnsolver.train.phases import begin_leg, fitting, run_phases
from pinnsolver.train.progress import Progress, Quiet
from pinnsolver.train.windows import WindowedProblem, module_of

# Of a module to be trained: a function that gives its relative L2 error by field.
Score = Callable[[torch.nn.Module], Callable[[], Mapping[str, float]]]
# Of the state of the training and its history.
Checkpoint = Callable[[Mapping[str, Any], History], None]


@dataclass(frozen=True)
class Start:
    """Where a training sets out.

    Args:
        state: of a training that goes on, as `Trained.state`; None for the beginning.
        further: whether its bounds are new ones, so that it goes on even where it had ended by itself.
        script: the legs of a run that is done once more.
    """

    state: Mapping[str, Any] | None = None
    further: bool = False
    script: Sequence[Done] = ()


@dataclass(frozen=True)
class Trained:
    """What training leaves.

    Args:
        module: with the best parameters by the held-out points.
        history: a row for each recorded step.
        stopped: "tolerance", "plateau", "steps", "seconds", "interrupted" or "diverged".
        steps, seconds: used.
        points: number of points of each term.
        course: what each leg did.
        state: from which the training can go on.
        why: of a divergence: term, step and place.
    """

    module: TrainableProblem | WindowedProblem
    history: History
    stopped: str
    steps: int
    seconds: float
    points: Mapping[str, int]
    course: tuple[Done, ...]
    state: Mapping[str, Any]
    why: str | None = None


def train_problem(
    compiled: CompiledProblem,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
    score: Score | None = None,
    ready: Callable[[], None] | None = None,
    checkpoint: Checkpoint | None = None,
    start: Start | None = None,
) -> Trained:
    """Train a compiled problem by the settings it was transformed with.

    In windows of time each sets out from the last one's final state and weights, and ends when it has converged, or at three times
    its equal part of what is left of the budget.

    Args:
        compiled: the problem; its settings have no gaps.
        clock: started before the problem was compiled; a new one if left out.
        progress: where the status is shown.
        score: gives, for the module to be trained, a function of its relative L2 error by field, where a
            reference is known; only shown and recorded.
        ready: called once nothing can be wrong with the problem any more, before the first step.
        checkpoint: takes the state before the first step, at least every ten seconds, and at the end.
        start: where it sets out; at the beginning if left out.

    Raises:
        DeclarationError: a region without points, data that are not finite, a device that is not there.
        RunFolderError: the state to go on from does not fit the problem.
        TrainingDiverged: the loss is not finite at the very start.
    """
    settings = compiled.transformed.settings
    torch.manual_seed(settings.seed or 0)
    clock = clock or Clock()
    module = module_of(compiled).to(find_device(settings.device or "cpu"))
    watch = _Watch(clock, progress or Quiet(), score(module) if score else dict, ready, checkpoint)
    budget = Budget(settings.steps, settings.seconds)
    if isinstance(module, WindowedProblem):
        run = _Run(module, module.windows, module.begin, budget, watch, start or Start())
    else:
        run = _Run(module, (compiled,), lambda k: module, budget, watch, start or Start())
    return run.through()


@dataclass(frozen=True)
class _Watch:
    """What is told about the training, leg after leg."""

    clock: Clock
    progress: Progress
    score: Callable[[], Mapping[str, float]]
    ready: Callable[[], None] | None
    checkpoint: Checkpoint | None


@dataclass
class _Run:
    """A training: its legs one after the other, a network in each.

    Args:
        module: all networks together.
        legs: what each of them solves.
        begin: gives the network of a leg, with the weights that it sets out with.
        budget: of all legs.
        watch: who is told.
        start: where it sets out.
        history: of all legs.
        done: the finished legs.
        interrupt: whether the user has had enough.
    """

    module: TrainableProblem | WindowedProblem
    legs: Sequence[CompiledProblem]
    begin: Callable[[int], TrainableProblem]
    budget: Budget
    watch: _Watch
    start: Start
    history: History = field(default_factory=History)
    done: list[Done] = field(default_factory=list)
    interrupt: Interrupt = field(default_factory=Interrupt)

    def through(self) -> Trained:
        """Train all legs, those that are done already left out."""
        clock, state = self.watch.clock, self.start.state
        first, step, begun = (0, 0, clock.seconds) if state is None else self._take_up(state)
        with self.watch.progress, interruptible(self.interrupt), _quiet():
            for k in range(first, len(self.legs)):
                conductor, end = self._train(self._leg(k, step, begun), state)
                step, begun, state = conductor.step, clock.seconds, None
                stopped = conductor.stopped or "steps"
                if stopped in ENDED:
                    break
                self.done.append(conductor.done)
        return Trained(
            self.module,
            self.history,
            stopped,
            step,
            clock.seconds,
            conductor.data.points,
            (*self.done, conductor.done) if stopped in ENDED else tuple(self.done),
            end,
            conductor.why,
        )

    def _leg(self, k: int, step: int, begun: float) -> Leg:
        """Return a leg with its part of the budget."""
        count = len(self.legs)
        budget = self.budget if count == 1 else self.budget.part(step, begun, count - k, count)
        equal = None if count == 1 else self.budget.equal_part(step, begun, count - k)
        script = self.start.script[k] if k < len(self.start.script) else None
        if script is not None:
            budget = Budget(script.steps, None)
        return Leg(budget, equal, step, k, count, self.budget, begun, script)

    def _take_up(self, state: Mapping[str, Any]) -> tuple[int, int, float]:
        """Set networks, generator and history to those of a state; return its leg, and steps and seconds before that."""
        with fitting():
            index = int(state["leg"]["index"])
            if not 0 <= index < len(self.legs):
                raise ValueError(f"it is in leg {index} of {len(self.legs)}")
            self.done = [Done.of(done) for done in state["done"]]
            self.history = History.of(state["history"])
            self.begin(index)
            self.module.load_state_dict(state["module"])
            torch.set_rng_state(state["generator"])
            return index, int(state["leg"]["step"]), float(state["leg"]["begun"])

    def _train(self, leg: Leg, state: Mapping[str, Any] | None) -> tuple[Conductor, Mapping[str, Any]]:
        """Train one network and leave the best state in it; also return the state from which it can go on."""
        compiled, watch = self.legs[leg.index], self.watch
        part = self.module if isinstance(self.module, TrainableProblem) else self.module.parts[leg.index]
        assert isinstance(part, TrainableProblem)
        if state is None:
            self.begin(leg.index)
        seed = compiled.transformed.settings.seed or 0
        data = ProblemData(compiled, Sampler.of(compiled.checked), seed, part.device)

        def write(conductor: Conductor) -> None:
            if watch.checkpoint:
                watch.checkpoint(self._state(conductor), self.history)

        conductor = Conductor(
            data, part, leg, watch.clock, watch.score, watch.progress, write, self.history, self.interrupt
        )
        memory = None
        if state is None:
            begin_leg(conductor, watch.ready)
        else:
            with fitting():
                memory = state["conductor"]
                conductor.load_state_dict(memory)
                ended = leg.index == leg.count - 1 or conductor.stopped == "diverged"
                conductor.go_on(self.start.further and ended)
        run_phases(conductor, memory)
        end = self._state(conductor) if conductor.model is not None or state is None else state
        if watch.checkpoint and (leg.index == leg.count - 1 or conductor.stopped in ENDED):
            watch.checkpoint(end, self.history)
        if conductor.stopped not in ("diverged", None) and conductor.step % conductor.phase.record_every:
            conductor.record()
        if conductor.best is not None:
            part.load_state_dict(conductor.best.state)
        return conductor, end

    def _state(self, conductor: Conductor) -> dict[str, Any]:
        """Return all that the rest of the training depends on, as a tree of plain values, tensors and arrays."""
        leg = conductor.leg
        return {
            "step": conductor.step,
            "seconds": conductor.clock.seconds,
            "threads": torch.get_num_threads(),
            "leg": {"index": leg.index, "step": leg.step, "begun": leg.begun},
            "done": [done.plain() for done in self.done],
            "module": {name: value.detach().clone() for name, value in self.module.state_dict().items()},
            "generator": torch.get_rng_state(),
            "conductor": conductor.state_dict(),
            "history": self.history.state_dict(),
        }


ENDED = ("interrupted", "diverged")  # reasons after which no further leg begins


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """DeepXDE prints how long it took whatever it is told; our own progress goes to stderr."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
