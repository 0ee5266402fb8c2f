"""The race: for each problem and seed DeepXDE and pinnsolver, one after the other, each in its own process.

Imports nothing heavy: a process starts with the peak memory of the one that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from .machine import ROOT, describe_machine, new_path, write_json

PROBLEMS = ("burgers", "allen_cahn", "helmholtz", "convection", "poisson_lshape", "inverse_diffusion")
PATIENCE = 300.0  # seconds that a run may take beside ten times its own


@dataclass(frozen=True)
class External:
    """Scripts of another library, in an environment of their own.

    `python folder/<name>_<problem>.py --seconds N --seed S` ends with a line of JSON: {"curve": [[s, error]...]}.
    """

    python: str
    folder: Path
    name: str = "jinns"

    def script(self, problem: str) -> Path | None:
        """Return the script of a problem, None if there is none."""
        path = self.folder / f"{self.name}_{problem}.py"
        return path if path.is_file() else None


@dataclass(frozen=True)
class Entry:
    """One run to be done."""

    peer: str
    problem: str
    seed: int
    command: tuple[str, ...]


def entries_of(
    problem: str,
    seeds: Sequence[int],
    seconds: float,
    threads: int,
    points: Path,
    external: External | None,
    swapped: bool = False,
) -> Iterator[Entry]:
    """Yield the runs of a problem, pair after pair; who goes first alternates."""
    for k, seed in enumerate(seeds):
        common = ["--seconds", str(seconds), "--seed", str(seed)]
        ours = [problem, *common, "--threads", str(threads)]
        pair = [
            Entry("deepxde", problem, seed, (*_module("deepxde_run"), *ours, "--points", str(points))),
            Entry("pinnsolver", problem, seed, (*_module("own_run"), *ours)),
        ]
        yield from reversed(pair) if (k % 2 == 1) != swapped else pair
        script = external.script(problem) if external else None
        if external and script:
            yield Entry(external.name, problem, seed, (external.python, str(script), *common))


def run_entry(entry: Entry, seconds: float) -> dict[str, Any]:
    """Run one and return what its last line says, with its peak memory; `failed` says why there is nothing.

    Both of ours run on the CPU: DeepXDE would take an accelerator by itself, pinnsolver when asked.
    """
    environment = {**os.environ, "DDE_BACKEND": "pytorch", "CUDA_VISIBLE_DEVICES": ""}
    run: dict[str, Any] = {"problem": entry.problem, "peer": entry.peer, "seed": entry.seed}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        status, peak = _wait(
            subprocess.Popen(entry.command, cwd=ROOT, env=environment, stdout=out, stderr=err),
            PATIENCE + 10 * seconds,
        )
        out.seek(0)
        err.seek(0)
        lines, complaint = out.read().strip().splitlines(), err.read().strip().splitlines()
    if status != 0 or not lines:
        return run | {"failed": complaint[-1] if complaint else f"ended with status {status}"}
    return json.loads(lines[-1]) | run | {"memory_mib": peak}


def _wait(process: subprocess.Popen[str], limit: float) -> tuple[int, float]:
    """Return a process's status and its peak memory in MiB."""
    alarm = threading.Timer(limit, process.kill)
    alarm.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    finally:
        alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes there, in KiB elsewhere
    return process.returncode, round(usage.ru_maxrss / unit, 1)


def race(
    problems: Sequence[str],
    seeds: Sequence[int],
    seconds: float,
    threads: int,
    external: External | None = None,
) -> Path:
    """Run all pairs; what is done is on disk after each run.

    Returns:
        The path of the result.
    """
    path, console = new_path("peers"), Console()
    result: dict[str, Any] = {"kind": "peers", "seconds": seconds, "threads": threads, "seeds": list(seeds)}
    result |= {"machine": describe_machine(), "runs": []}
    for k, problem in enumerate(problems):
        with tempfile.TemporaryDirectory() as folder:
            points = Path(folder) / "points.npz"
            command = [*_module("own_run"), problem, "--write-points", str(points)]
            subprocess.run(command, cwd=ROOT, check=True)
            for entry in entries_of(problem, seeds, seconds, threads, points, external, k % 2 == 1):
                run = run_entry(entry, seconds)
                result["runs"].append(run)
                write_json(path, result)
                console.print(_line(run), highlight=False, soft_wrap=True)
    return path


def _line(run: dict[str, Any]) -> str:
    head = f"{run['problem']:18} seed {run['seed']}  {run['peer']:11}"
    if "failed" in run:
        return f"{head} failed: {run['failed']}"
    seconds, error = run["curve"][-1]
    unknowns = "".join(f", {name} = {value:.5f}" for name, value in run.get("unknowns", {}).items())
    return f"{head} relative L2 {error:.1e} after {seconds:.1f} s, {run['memory_mib']:.0f} MiB{unknowns}"


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tests.bench.{name}")
