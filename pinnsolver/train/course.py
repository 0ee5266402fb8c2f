"""What bounds a run, and the course that it took: its clock, its budget, and the legs in which networks are trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

LEAST_SHARE = 0.1  # of what is left, for a window that needs it
WINDOW_SHARE = 3  # of the equal parts of what is left, for a window that needs them: errors of the first ones grow in all others
KEPT = 0.6  # of an equal part that is kept for each later window, however much the earlier ones take


class Clock:
    """Wall clock of the training; scoring against a reference, which training does not need, pauses it.

    Args:
        before: seconds that a training which goes on has used already.
    """

    def __init__(self, before: float = 0.0) -> None:
        self._start = time.perf_counter() - before
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

    def part(self, step: int, seconds: float, left: int, count: int) -> Budget:
        """Return until when the first of the windows that are left may take at most.

        Args:
            left: windows without a solution.
            count: all windows.
        """
        share = max(WINDOW_SHARE / (left + WINDOW_SHARE - 1), LEAST_SHARE)  # all of it for the last one
        kept = KEPT * (left - 1) / count  # of the whole, for those after it

        def until(whole: float, used: float) -> float:
            rest = max(0.0, whole - used)
            return used + max(rest / left, min(rest * share, rest - kept * whole))

        return Budget(
            None if self.steps is None else max(step + 1, int(until(self.steps, step))),
            None if self.seconds is None else until(self.seconds, seconds),
        )

    def equal_part(self, step: int, seconds: float, left: int) -> Budget:
        """Return until when the first of so many windows has what all of them could have."""
        steps = None if self.steps is None else step + (self.steps - step) // left
        until = None if self.seconds is None else seconds + max(0.0, self.seconds - seconds) / left
        return Budget(steps, until)

    def spent(self, step: int, seconds: float) -> str | None:
        """Return which bound is met, "steps" or "seconds"."""
        if self.steps is not None and step >= self.steps:
            return "steps"
        return "seconds" if self.seconds is not None and seconds >= self.seconds else None


@dataclass(frozen=True)
class Done:
    """What one leg of a run did: enough to do it once more, also where a clock had a say.

    Args:
        adam: steps of Adam that were taken.
        planned: steps of Adam that its learning rate was made for.
        steps: at its end, counted from the start of the run.
        stopped: why it ended.
        renewed: steps at which it went on although it had ended by itself.
    """

    adam: int
    planned: int
    steps: int
    stopped: str
    renewed: tuple[int, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Done:
        """Return what `plain` gave.

        Raises:
            KeyError, TypeError, ValueError: the data are something else.
        """
        adam, planned, steps = (int(data[key]) for key in ("adam", "planned", "steps"))
        renewed = tuple(int(step) for step in data["renewed"])
        return cls(adam, planned, steps, str(data["stopped"]), renewed)

    def plain(self) -> dict[str, Any]:
        """Return it as numbers, texts and a list."""
        return {**asdict(self), "renewed": list(self.renewed)}


@dataclass(frozen=True)
class Leg:
    """A part of a run that one network trains in.

    Args:
        budget: until where, counted from the start of the run.
        equal: until where as long as every window has the same part; this one's budget if left out.
        step: steps done before it.
        index, count: number of the window of time, and how many there are.
        whole: the budget of all legs; this one's if left out.
        begun: seconds of training before it.
        script: what it did in the run that is repeated; None for a course that is found.
    """

    budget: Budget
    equal: Budget | None = None
    step: int = 0
    index: int = 0
    count: int = 1
    whole: Budget | None = None
    begun: float = 0.0
    script: Done | None = None
