"""The whole story on one page: check, transform, compile, train, audit, save."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import Problem, Settings, check_problem
from pinnsolver.readout import Readout, read_out
from pinnsolver.records import write_declaration
from pinnsolver.runfolder import new_run_folder, unwritable, write_history
from pinnsolver.sample import Sampler
from pinnsolver.scoring import Scored, live_score, scoring_points
from pinnsolver.solution import Solution
from pinnsolver.train import (
    TrainableProblem,
    Trained,
    WindowedProblem,
    choose_progress,
    compile_whole,
    find_device,
    train_problem,
    train_windows,
    write_checkpoint,
)
from pinnsolver.train.conductor import Clock, History
from pinnsolver.transform import transform_problem

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
    with _threads(joined.threads):
        checked = check_problem(problem)
        find_device(joined.device or "cpu")
        import torch._dynamo  # noqa: F401 (torch's first optimizer loads it, for seconds: imports are no training)

        clock = Clock()
        transformed = transform_problem(checked, joined)
        windowed = (transformed.settings.windows or 1) > 1
        compiled = compile_whole(transformed) if windowed else CompiledProblem(transformed)
        scored = clock.without(lambda: scoring_points(checked, Sampler.of(checked)))
        run = _Run(begin, compiled, scored)
        watched: dict[str, Any] = {
            "clock": clock,
            "progress": choose_progress(quiet),
            "score": lambda module: live_score(scored, _Fields(compiled, module)),
            "ready": run.begin,
            "checkpoint": run.checkpoint,
        }
        trained = train_windows(transformed, **watched) if windowed else train_problem(compiled, **watched)
        solution = _audited(compiled, trained, started, scored)
        return solution if run.place is None else solution.save_in(run.place)


def join_settings(own: Settings, given: Settings | Mapping[str, Any] | None) -> Settings:
    """Return the problem's own settings with the given ones on top."""
    if given is None:
        return own
    values = (given if isinstance(given, Settings) else Settings(**given)).model_dump()
    return own.with_values(_flat(values))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Set torch's threads for the run only."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class _Run:
    """The run folder of a training: made before the first step, written to now and then."""

    make: Callable[[], Path] | None
    compiled: CompiledProblem
    scored: Mapping[str, Scored]
    place: Path | None = None

    def begin(self) -> None:
        """Make the folder and write what is known before training."""
        if self.make is not None:
            self.place = self.make()
            write_declaration(self.place, self.compiled, self.scored)

    def checkpoint(
        self,
        module: TrainableProblem | WindowedProblem,
        history: History,
        step: int,
        seconds: float,
        phase: str,
    ) -> None:
        """Write the state of training."""
        if self.place is None:
            return
        try:
            progress = {"steps": step, "seconds": seconds, "phase": phase}
            write_checkpoint(self.place, module.state_dict(), progress)
            write_history(self.place / "history.csv", history.columns())
        except OSError as error:
            raise unwritable(self.place, error) from None


@dataclass(frozen=True)
class _Fields:
    """The fields of a module in training, at points."""

    compiled: CompiledProblem
    module: TrainableProblem | WindowedProblem

    def __call__(self, points: np.ndarray) -> dict[str, np.ndarray]:
        if self.compiled.transformed.frame is not None:
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
        "choices": {
            name: {"value": c.value, "reason": c.reason} for name, c in compiled.transformed.choices.items()
        },
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "warnings": [*checked.warnings, *draft.notes],
        "points": dict(trained.points),
        "threads": torch.get_num_threads(),
        "hardware": _hardware(settings.device or "cpu"),
        "started": started.isoformat(timespec="seconds"),
        "command": _command(compiled, trained),
    }
    return Solution(compiled, trained.module, result, draft.history)


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
    for key, choice in compiled.transformed.choices.items():
        asked = choice.reason == "asked for" and key not in implied
        if asked and own.get(key) != choice.value:
            words += ["--set", f"{key}={json.dumps(choice.value)}"]
    return shlex.join(words)
