"""The whole story on one page: check, transform, compile, train, audit, save."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pinnsolver.alarms import alarms_of
from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import Problem, Settings, check_problem
from pinnsolver.errors import RunFolderError
from pinnsolver.hold import hold
from pinnsolver.readout import Readout, read_out
from pinnsolver.records import plain_choices, run_mark, write_declaration
from pinnsolver.runfolder import HistoryFile, clear_leftovers, has_training, new_run_folder, unwritable
from pinnsolver.sample import Sampler
from pinnsolver.scoring import Scored, live_score, scoring_points
from pinnsolver.solution import Solution
from pinnsolver.train import (
    Clock,
    History,
    Start,
    TrainableProblem,
    Trained,
    WindowedProblem,
    choose_progress,
    compile_transformed,
    find_device,
    read_training,
    train_problem,
    write_training,
)
from pinnsolver.transform import TransformedProblem, transform_problem
from pinnsolver.transform.choices import decided_by_seconds
from pinnsolver.transform.transformed import ASKED

PACKAGES = ("pinnsolver", "torch", "deepxde", "sympy", "numpy", "scipy")


def solve(
    problem: Problem,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    hard: bool | None = None,
    causal: bool | None = None,
    frame: str | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Solution:
    """Solve a problem; every choice that is not said is made automatically and explained.

    What is said here goes before `settings`, and that before the problem's own settings.

    Args:
        problem: the declaration.
        seconds: bound on the training's wall clock.
        steps: bound on the iterations of all optimizers; 1500 if neither bound is given.
        seed: of everything that is drawn.
        device: "cpu" or "cuda".
        threads: of torch on the CPU.
        hard: build conditions into the ansatz, or none.
        causal, frame: methods; see the README for those that are built.
        settings: further settings.
        out: run folder, written from the start on; nothing is saved without it (see `Solution.save`).
        overwrite: replace a run that `out` holds.
        quiet: show no progress.

    Returns:
        The solution; `solution.result["stopped"]` says why training ended.

    Raises:
        DeclarationError: the problem or a setting is wrong.
        UnsupportedProblem: it is right, but not ours yet.
        CompileError: torch lacks a function that it uses.
        RunFolderError: `out` cannot be used.
        TrainingDiverged: its terms are not finite from the start.
    """
    said = {
        **dict(seconds=seconds, steps=steps, seed=seed, device=device, threads=threads),
        **dict(hard=hard, causal=causal, frame=frame),
    }
    joined = join_settings(problem.settings, settings).with_values(said)
    begin = None if out is None else partial(new_run_folder, out, problem.name, "", overwrite)
    return solve_into(begin, problem, joined, quiet)


def solve_into(
    begin: Callable[[], Path] | None, problem: Problem, joined: Settings, quiet: bool = False
) -> Solution:
    """Solve a problem by its joined settings.

    Args:
        begin: makes the run folder; called when nothing is wrong with the problem any more, so that a wrong one leaves no empty folder
            and costs no old run. None for no folder.
    """
    started = datetime.datetime.now(datetime.UTC)
    with own_threads(joined.threads):
        checked = check_problem(problem)
        clock = start_clock(joined.device)
        return train_through(
            transform_problem(checked, joined), Folder(begin), clock, Start(), started, quiet
        )


def start_clock(device: str | None, before: float = 0.0) -> Clock:
    """Return the clock of a training, started once what is no training is over.

    Raises:
        DeclarationError: the device is not there.
    """
    find_device(device or "cpu")
    import torch._dynamo  # noqa: F401 (torch's first optimizer loads it, for seconds: imports are no training)

    return Clock(before)


def train_through(
    transformed: TransformedProblem,
    folder: Folder,
    clock: Clock,
    start: Start,
    started: datetime.datetime,
    quiet: bool,
) -> Solution:
    """Compile, train, audit and save a transformed problem.

    Args:
        folder: where it is written to.
        start: where the training sets out.
        started: the moment at which the run began, for the record.
    """
    compiled = compile_transformed(transformed)
    scored = clock.without(lambda: scoring_points(transformed.declared, Sampler.of(transformed.declared)))
    folder.describe(compiled, scored)
    watched: dict[str, Any] = {
        "clock": clock,
        "progress": choose_progress(quiet),
        "score": lambda module: live_score(scored, _Fields(compiled, module)),
        "ready": folder.begin,
        "checkpoint": folder.checkpoint,
        "start": start,
    }
    with folder:
        trained = train_problem(compiled, **watched)
        solution = _audited(compiled, trained, started, scored)
        return folder.save(solution)


def join_settings(own: Settings, given: Settings | Mapping[str, Any] | None) -> Settings:
    """Return the problem's own settings with the given ones on top."""
    if given is None:
        return own
    values = (given if isinstance(given, Settings) else Settings.of(given)).model_dump()
    return own.with_values(_flat(values))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


@contextlib.contextmanager
def own_threads(count: int | None) -> Iterator[None]:
    """Set torch's threads for the run only."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Folder:
    """The run folder of a training: held while it lasts, made before the first step, written to now and then.

    Args:
        make: makes it; None for no folder.
        place: where it is; None until it is made.
    """

    def __init__(self, make: Callable[[], Path] | None, place: Path | None = None) -> None:
        self.make, self.place = make, place
        self._held = contextlib.ExitStack()
        self._mark = ""
        self._written: int | None = None  # step of the last checkpoint
        self._history: HistoryFile | None = None

    def describe(self, compiled: CompiledProblem, scored: Mapping[str, Scored]) -> None:
        """Take note of what will be written before training."""
        self._compiled, self._scored = compiled, scored

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def begin(self) -> None:
        """Make the folder and write what is known before training."""
        if self.make is not None and self.place is None:
            self.place = self.make()
            self._hold(self.place)
            write_declaration(self.place, self._compiled, self._scored)
            self._settle(self.place)

    def take_up(self) -> dict[str, Any]:
        """Keep others out of a run's folder, and return the state of its training.

        Raises:
            RunFolderError: another run is in it, it cannot be written, or it has no such state.
        """
        assert self.place is not None
        self._hold(self.place)
        self._settle(self.place)
        return read_training(self.place, self._mark)

    def _hold(self, place: Path) -> None:
        try:
            self._held.enter_context(hold(place))
            clear_leftovers(place)
        except OSError as error:
            raise unwritable(place, error) from None

    def _settle(self, place: Path) -> None:
        self._mark = run_mark(place)
        self._history = HistoryFile(place / "history.csv")

    def checkpoint(self, state: Mapping[str, Any], history: History) -> None:
        """Write the state of training; where the disk is full, training goes on and the next one is tried.

        Raises:
            RunFolderError: the very first one cannot be written.
        """
        if self.place is None or self._history is None:
            return
        try:
            write_training(self.place, state, self._mark)
            if not (self.place / "result.json").exists():  # else the table is the one of that result
                self._history.write(history.columns())
            self._written = int(state["step"])
        except OSError as error:
            if self._written is None and not has_training(self.place):
                raise unwritable(self.place, error) from None
            last = "an earlier one" if self._written is None else f"that of step {self._written}"
            print(
                f"Warning: no checkpoint at step {state['step']}: {self.place} cannot be written "
                f"({error.strerror or error}); {last} is still there, and training goes on",
                file=sys.stderr,
                flush=True,
            )

    def save(self, solution: Solution) -> Solution:
        """Write what training gave.

        Raises:
            RunFolderError: it cannot be written; the last checkpoint is still there.
        """
        if self.place is None:
            return solution
        try:
            return solution.save_in(self.place)
        except RunFolderError as error:
            raise RunFolderError(
                f"{error}.\nNothing is lost up to the last checkpoint: make room, then write: pinnsolver resume {self.place}"
            ) from None


@dataclass(frozen=True)
class _Fields:
    """The fields of a module in training, at points."""

    compiled: CompiledProblem
    module: TrainableProblem | WindowedProblem

    def __call__(self, points: np.ndarray) -> dict[str, np.ndarray]:
        if self.compiled.transformed.read_otherwise:
            return self._readout.fields(points, self.module)
        with torch.no_grad():
            values = self.module(self.compiled.tensor(points, self.module.device)).cpu().numpy()
        return {f.name: values[:, k] for k, f in enumerate(self.compiled.checked.fields)}

    @cached_property
    def _readout(self) -> Readout:
        return read_out(self.compiled, self.module, watch=False)


def _audited(
    compiled: CompiledProblem, trained: Trained, started: datetime.datetime, scored: Mapping[str, Scored]
) -> Solution:
    """Return the solution with everything that `result.json` says."""
    settings = compiled.transformed.settings
    checked = compiled.transformed.declared
    draft = Solution(compiled, trained.module, {}, trained.history.columns())
    residual_rms, conditions_rms = draft.audit(settings.seed or 0)
    relative, largest = draft.errors(scored)
    result = {
        "problem": checked.problem.name,
        "fields": [f.name for f in checked.fields],
        "stopped": trained.stopped,
        "seconds": trained.seconds,
        "steps": trained.steps,
        "parameters": trained.module.size,
        "seed": settings.seed,
        "device": settings.device,
        "precision": settings.precision,
        "residual_rms": residual_rms,
        "conditions_rms": conditions_rms,
        "relative_l2": relative,
        "max_error": largest,
        "unknowns": trained.module.unknowns.numbers(),
        "choices": plain_choices(compiled.transformed),
        "versions": {name: _version(name) for name in PACKAGES} | {"python": platform.python_version()},
        "divergence": trained.why,
        "points": dict(trained.points),
        "threads": torch.get_num_threads(),
        "hardware": _hardware(settings.device or "cpu"),
        "started": started.isoformat(timespec="seconds"),
        "command": _command(compiled, trained),
        "course": [done.plain() for done in trained.course],
    }
    alarms = alarms_of(draft, result)
    result["warnings"] = [*checked.warnings, *draft.notes, *alarms, *([trained.why] if trained.why else [])]
    return Solution(compiled, trained.module, result, draft.history, training=trained.state)


def _version(package: str) -> str:
    """Return an installed package's version; a source tree that is not installed must not cost a trained run."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _hardware(device: str) -> str:
    """Return what it ran on."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def _command(compiled: CompiledProblem, trained: Trained) -> str:
    """Return the command that repeats the run, as far as the clock allows: by its number of steps."""
    problem, settings = compiled.transformed.declared.problem, compiled.transformed.settings
    words = ["pinnsolver", "solve", problem.file_name or "problem.py", "--seed", str(settings.seed)]
    words += ["--steps", str(trained.steps), "--threads", str(torch.get_num_threads())]
    own = _flat(problem.settings.model_dump())
    implied = {"seed", "steps", "seconds", "threads", "hard conditions"}
    by_seconds = decided_by_seconds(compiled.transformed)  # of a command by steps they have to be asked
    for key, choice in compiled.transformed.choices.items():
        asked = choice.reason == ASKED and key not in implied
        if key in by_seconds or (asked and own.get(key) != choice.value):
            words += ["--set", f"{key}={json.dumps(choice.value)}"]
    return shlex.join(words)
