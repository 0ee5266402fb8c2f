"""The command line: parses, prints, sets exit codes. Heavy rooms load only when a command needs them."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinnsolver import __version__
from pinnsolver.errors import PinnsolverError, TrainingDiverged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinnsolver.declare import Problem, Settings
    from pinnsolver.solution import Solution

app = typer.Typer(
    name="pinnsolver",
    help="Write a differential equation in sympy, get a trained, checked and plotted solution.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A problem file, for example problems/burgers.py.")
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, for example outputs/burgers/seed0.")]
Hard = Annotated[
    bool | None,
    typer.Option(
        "--hard/--soft", help="Build conditions into the ansatz, or none of them.", show_default="automatic"
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting by its dotted key, for example points.interior=4000."
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed of everything that is drawn.", show_default="0")
]
Threads = Annotated[
    int | None, typer.Option("--threads", help="Threads on the CPU.", show_default="all cores")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="[NAME:] KEY=VALUE[,KEY=VALUE]",
        help="A contestant by the settings that make it differ, for example causal=true or plain:hard=false,causal=false.",
        show_default="the plain alternatives",
    ),
]


class Exit(IntEnum):
    """The exit codes of the contract; 2, wrong usage, is typer's own."""

    DONE = 0
    WRONG = 1
    DIVERGED = 3
    INTERRUPTED = 130


def main() -> None:
    """Run the command line; an error that a user can cause becomes one message, a bug keeps its traceback."""
    # Threads that wait for each other spin only briefly: measured on two cores, a step costs the same on a quiet
    # machine, and on a busy one 4 times as much instead of up to 50 times.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    before = signal.signal(signal.SIGTERM, _interrupted)  # like Ctrl-C, also before and after the training
    try:
        app()
    except TrainingDiverged as error:
        _fail(error, Exit.DIVERGED)
    except PinnsolverError as error:
        _fail(error, Exit.WRONG)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        raise SystemExit(Exit.INTERRUPTED) from None
    except BrokenPipeError:  # the reader of a pipe left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(Exit.DONE) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupted(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _fail(error: PinnsolverError, code: Exit) -> None:
    print(f"Error: {error}", file=sys.stderr)
    raise SystemExit(code)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"pinnsolver {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def solve(
    file: File,
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder.", show_default="outputs/<problem>/seed<N>")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run that --out already holds.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Bound on the training's wall clock.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", help="Bound on the iterations.", show_default="1500 without --seconds"),
    ] = None,
    seed: Seed = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda or cuda:1.", show_default="cpu")
    ] = None,
    threads: Threads = None,
    hard: Hard = None,
    causal: Annotated[
        bool | None,
        typer.Option("--causal/--no-causal", help="Causal weighting in time.", show_default="automatic"),
    ] = None,
    frame: Annotated[
        str | None, typer.Option("--frame", help="eulerian, lagrangian or moving.", show_default="automatic")
    ] = None,
    set_: Set = None,
    verify: Annotated[bool, typer.Option("--verify", help="Estimate the error afterwards.")] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            help="The error wanted: stop once held-out residuals are below it, then estimate the error and say whether it is.",
            show_default="none",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Solve a problem file: train, audit, save a run folder, write its report. A run folder in its place: repeat that run."""
    said: dict[str, Any] = {"seconds": seconds, "steps": steps, "seed": seed, "device": device}
    said |= {"threads": threads, "hard": hard, "causal": causal, "frame": frame, "tolerance": tolerance}
    verify = verify or tolerance is not None
    if (file / "declaration.json").is_file():
        _end(_repeat(file, out, overwrite, said | _pairs(set_), quiet), verify)
        return
    problem = _load(file)
    settings = _settings(problem, set_).with_values(said)
    _prepare(problem, settings)  # a wrong problem is refused before torch loads
    from pinnsolver.pipeline import solve_into
    from pinnsolver.runfolder import new_run_folder

    begin = partial(new_run_folder, out, problem.name, f"seed{settings.seed or 0}", overwrite)
    _end(solve_into(begin, problem, settings, quiet), verify)


def _repeat(run: Path, out: Path | None, overwrite: bool, said: dict[str, Any], quiet: bool) -> Solution:
    """Do a run once more, in a folder of its own, and return its solution."""
    from pinnsolver.rerun import repeat_into
    from pinnsolver.runfolder import new_run_folder, read_json

    name = str(read_json(run / "declaration.json").get("name"))
    seed = said["seed"] if said["seed"] is not None else read_json(run / "settings.json").get("seed")
    return repeat_into(partial(new_run_folder, out, name, f"seed{seed}", overwrite), run, said, quiet)


@app.command()
def resume(
    run: Run,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", help="New total of the training's wall clock.", show_default="as before"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="New total of iterations.", show_default="as before")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was killed or interrupted, or with a finished one by new totals; nothing of it is executed."""
    from pinnsolver import resume as go_on
    from pinnsolver.rerun import is_finished

    if seconds is None and steps is None and is_finished(run):
        print(f"{run} is finished; --steps or --seconds set a new total", file=sys.stderr)
    _end(go_on(run, seconds=seconds, steps=steps, quiet=quiet))


def _end(solution: Solution, verify: bool = False) -> None:
    """Write the report of a run, verified or not, print its results, and exit by how it ended."""
    if verify and solution.result["stopped"] != "interrupted":
        solution = solution.verify()
    page = solution.report()
    _print_results(solution)
    _print_warnings(solution)
    print(f"Report: {page}")
    stopped = solution.result["stopped"]
    if stopped in ("diverged", "interrupted"):
        raise typer.Exit(Exit.DIVERGED if stopped == "diverged" else Exit.INTERRUPTED)


@app.command()
def compare(
    file: File,
    with_: With = None,
    only: Annotated[
        bool, typer.Option("--only", help="Without the automatic run, which else comes first.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the comparison.", show_default="outputs/<problem>/compare"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a comparison that --out already holds.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Bound on the wall clock of each training.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", help="Bound on the iterations of each.", show_default="1500 without --seconds"
        ),
    ] = None,
    seed: Seed = None,
    threads: Threads = None,
    set_: Set = None,
    quiet: Quiet = False,
) -> None:
    """Solve a problem file in several ways under one budget: one table, one picture, one page."""
    from pinnsolver.contestants import choose_contestants

    problem = _load(file)
    said = {"seconds": seconds, "steps": steps, "seed": seed, "threads": threads}
    common = _settings(problem, set_).with_values(said)
    # A wrong contestant is refused before torch loads.
    contestants = choose_contestants(problem, common, _contestants(with_), only)
    from pinnsolver.comparison import Place, compare_into
    from pinnsolver.terminal import print_comparison

    comparison = compare_into(Place(problem.name, out, overwrite), problem, contestants, common, quiet)
    print_comparison(*comparison.in_words())
    if comparison.page:
        print(f"Page: {comparison.page}")
        print(f"Picture: {comparison.page.parent / 'figures' / 'compare.png'}")
    if comparison.interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    if {row["stopped"] for row in comparison.table} == {"diverged"}:
        raise typer.Exit(Exit.DIVERGED)


@app.command()
def show(file: File, hard: Hard = None, set_: Set = None) -> None:
    """Show what was understood: equations, kinds of conditions, the ansatz, the automatic choices."""
    from pinnsolver.terminal import print_understood

    problem = _load(file)
    settings = _settings(problem, set_).with_values({"hard": hard})
    print_understood(_prepare(problem, settings))


@app.command()
def check(file: File) -> None:
    """Check a problem file without solving it."""
    from pinnsolver.declare import check_problem

    checked = check_problem(_load(file))
    for warning in checked.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    counts = {
        "equation": len(checked.equations),
        "field": len(checked.fields),
        "condition": len(checked.conditions) + len(checked.periodic),
        "unknown": len(checked.unknowns),
        "data set": len(checked.observations),
    }
    parts = [f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items() if n]
    print(f"{file}: right. {', '.join(parts)}.")


@app.command(name="list")
def list_problems(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look.")] = Path("problems"),
) -> None:
    """List the problem files at hand, with their titles; none of them is run."""
    from pinnsolver.terminal import print_problems

    print_problems(folder)


@app.command()
def evaluate(
    run: Run,
    points: Annotated[
        Path, typer.Argument(metavar="POINTS.csv", help="A column for each coordinate, by name.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV file to write.", show_default="the terminal")
    ] = None,
) -> None:
    """Evaluate a solution at the points of a CSV file; rows keep their order, points off the domain give nan."""
    from pinnsolver.solution import Solution
    from pinnsolver.tables import evaluate_rows

    text, rows, outside = evaluate_rows(Solution.load(run), points)
    if out is None:
        print(text, end="")
    else:
        _write(out, text)
        print(f"{rows} rows written to {out}")
    if outside:
        print(f"{outside} of {rows} points lie off the domain: their values are nan", file=sys.stderr)


@app.command()
def verify(
    run: Run,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", help="How long it may take.", show_default="as long as the training, at least 5"
        ),
    ] = None,
) -> None:
    """Estimate a run's error by a classical solver on its declaration, or a second run; result.json and report are written anew."""
    from pinnsolver.solution import Solution

    solution = Solution.load(run).verify(seconds)
    page = solution.report()
    _print_results(solution)
    _print_warnings(solution)
    print(f"Report: {page}")


@app.command()
def report(run: Run) -> None:
    """Write a run's figures and report page anew; nothing of the run is executed."""
    from pinnsolver.report import write_report
    from pinnsolver.runfolder import read_run, unwritable

    data = read_run(run)
    try:
        page = write_report(data, run)
    except OSError as error:
        raise unwritable(run, error) from None
    print(f"Report: {page}")


def _load(file: Path) -> Problem:
    from pinnsolver.declare import load_problem

    return load_problem(file)


def _settings(problem: Problem, pairs: list[str] | None) -> Settings:
    """Return the problem's own settings with those of --set on top."""
    return problem.settings.with_values(_pairs(pairs))


def _pairs(pairs: list[str] | None) -> dict[str, Any]:
    """Return what --set says."""
    example = "write KEY=VALUE, for example --set points.interior=4000"
    return dict(_pair(pair, f"--set {pair}: {example}") for pair in pairs or [])


def _contestants(texts: list[str] | None) -> Mapping[str, Mapping[str, Any]]:
    """Return what --with says: settings by contestant."""
    from pinnsolver.contestants import by_label

    entered = []
    for text in texts or []:
        name, colon, rest = text.partition(":")
        if not colon or "=" in name:  # a colon inside a value, as in cuda:1, is no name's
            name, rest = "", text
        example = f"--with {text}: write KEY=VALUE, for example --with hard=false,causal=false"
        pairs = re.split(r",\s*(?=weights\.|[a-z_]+(?:\.[a-z_]+)?\s*=)", rest)
        entered.append((name, dict(_pair(pair, example) for pair in pairs)))
    return by_label(entered)


def _pair(text: str, usage: str) -> tuple[str, Any]:
    """Return key and value of KEY=VALUE."""
    # A term of the loss may have an equals sign in its name, as in "weights.u(1, t) = 0=10"; a number has none.
    weight = text.strip().startswith("weights.")
    key, equals, value = text.rpartition("=") if weight else text.partition("=")
    if not equals or not key.strip():
        raise typer.BadParameter(usage)
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value.strip()  # a word such as tanh


def _prepare(problem: Problem, settings: Settings) -> Any:
    """Return the transformed problem, and print its warnings."""
    from pinnsolver.declare import check_problem
    from pinnsolver.transform import transform_problem

    transformed = transform_problem(check_problem(problem), settings)
    for warning in transformed.checked.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    return transformed


def _print_results(solution: Solution) -> None:
    from pinnsolver.terminal import print_results

    print_results(solution.result)


def _print_warnings(solution: Solution) -> None:
    """Print what a run's result warns of, without what was said of the declaration before training."""
    said = solution.checked.warnings
    for warning in solution.result.get("warnings", []):
        if warning not in said:
            print(f"Warning: {warning}", file=sys.stderr)


def _write(path: Path, text: str) -> None:
    from pinnsolver.runfolder import unwritable, write_text

    try:
        write_text(path, text)
    except OSError as error:
        raise unwritable(path, error) from None


if __name__ == "__main__":
    main()
