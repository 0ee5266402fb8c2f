"""What a user sees while training runs: a rich bar on a terminal, plain lines elsewhere, nothing if quiet."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Status:
    """Where training stands.

    Args:
        phase: "Adam" or "L-BFGS".
        step: iterations done.
        seconds: of training.
        fraction: of the budget that is used up.
        loss: weighted total.
        terms: raw value of each named term.
        error: relative L2 error by field, where a reference is known.
        unknowns: their values.
    """

    phase: str
    step: int
    seconds: float
    fraction: float
    loss: float
    terms: Mapping[str, float]
    error: Mapping[str, float]
    unknowns: Mapping[str, float]

    @property
    def left(self) -> float:
        """Seconds left, at the speed so far."""
        return self.seconds * (1 - self.fraction) / max(self.fraction, 1e-9)

    def line(self) -> str:
        """Return it as one line of text."""
        parts = [f"{self.phase:6} step {self.step:6d}", f"{self.seconds:6.1f} s", f"loss {self.loss:.2e}"]
        worst = sorted(self.terms.items(), key=lambda item: -item[1])[:2]
        if len(self.terms) > 1:
            parts += [f"{_short(name)} {value:.1e}" for name, value in worst]
        parts += [f"error {_short(name)} {value:.2e}" for name, value in self.error.items()]
        parts += [f"{name} = {value:.6g}" for name, value in self.unknowns.items()]
        if self.fraction > 0:
            parts.append(f"{max(self.left, 0):.0f} s left")
        return "  ".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


class Progress(Protocol):
    """Receives the status from time to time."""

    def __enter__(self) -> Progress:
        """Begin to show."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop showing."""
        ...

    def show(self, status: Status) -> None:
        """Show where training stands."""
        ...


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def show(self, status: Status) -> None:
        """Show nothing."""


class Lines:
    """A plain line now and then, for logs and pipes."""

    def __init__(self, every: float = 10.0) -> None:
        self.every = every
        self.last: Status | None = None
        self.shown: Status | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        if self.last is not None and self.last is not self.shown:
            self._print(self.last)

    def show(self, status: Status) -> None:
        """Print a line if the phase is new or some seconds have passed."""
        self.last = status
        old = self.shown
        if old is None or status.phase != old.phase or status.seconds - old.seconds >= self.every:
            self._print(status)

    def _print(self, status: Status) -> None:
        print(status.line(), file=sys.stderr, flush=True)
        self.shown = status


class Bar:
    """A rich bar with the line beside it."""

    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            BarColumn(bar_width=20), TextColumn("{task.description}", markup=False), console=console
        )
        self._task = self._bar.add_task("preparing", total=1.0)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, status: Status) -> None:
        """Move the bar and rewrite the line."""
        self._bar.update(self._task, completed=min(status.fraction, 1.0), description=status.line())


def choose_progress(quiet: bool) -> Progress:
    """Return a bar on a terminal, plain lines elsewhere, nothing if quiet."""
    if quiet:
        return Quiet()
    from rich.console import Console

    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()
