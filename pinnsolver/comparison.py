"""One problem and one budget, several methods: solved one after the other, then told in one table and one picture.

The module is not called after its function: importing `pinnsolver.compare` would hide the function of that name.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinnsolver.contestants import AUTOMATIC, Contestant, Given, choose_contestants, label_of
from pinnsolver.declare import Problem, Settings, check_problem
from pinnsolver.errors import PinnsolverError, RunFolderError, TrainingDiverged, UnsupportedProblem
from pinnsolver.network import warm_up
from pinnsolver.pipeline import join_settings, solve_into
from pinnsolver.report import write_report
from pinnsolver.report.comparison import FILES, write_comparison
from pinnsolver.report.entries import Contest, Entry, readable, table_rows
from pinnsolver.report.names import slug
from pinnsolver.report.versus import draw_contest
from pinnsolver.report.wording import flatten
from pinnsolver.runfolder import RUN_FILES, new_run_folder, read_run, unwritable
from pinnsolver.solution import Solution
from pinnsolver.train import compile_transformed, find_device
from pinnsolver.transform import transform_problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several solutions of one problem, and how they compare.

    Args:
        contest: the finished contestants as plain data.
        solutions: by label, of those that ran.
        folder: where everything is saved, None if nowhere.
        page: `compare.html` in it.
        interrupted: whether the user cut it short.
    """

    contest: Contest
    solutions: Mapping[str, Solution]
    folder: Path | None = None
    page: Path | None = None
    interrupted: bool = False

    @property
    def table(self) -> list[dict[str, Any]]:
        """A flat row for each contestant, all with the same keys; None where a number is not known."""
        return table_rows(self.contest)

    def in_words(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Return heads, rows and notes of the table as text."""
        notes = [f"{e.label}: {e.stopped}. {e.why}" for e in self.contest.entries if e.why]
        return *readable(self.contest), notes

    def plot(self) -> Figure:
        """Return a matplotlib figure: errors over training time, and what each contestant has found."""
        return draw_contest(self.contest)


def compare(
    problem: Problem,
    contestants: Given = None,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    only: bool = False,
    out: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Comparison:
    """Solve a problem in several ways under one budget; they run one after the other.

    Args:
        problem: the declaration.
        contestants: settings by dotted key, one mapping each, as in [{"hard": False}, {"frame": "lagrangian"}], or
            such mappings by name; the plain alternatives that the problem allows if left out.
        seconds, steps, seed, device, threads, settings: of every contestant, as `solve` takes them.
        only: without the automatic run, which else is the first contestant.
        out: folder of the comparison, each run in a folder of its own in it; nothing is saved without it.
        overwrite: replace a comparison that `out` holds.
        quiet: show no progress.

    Returns:
        The comparison. A contestant that this problem does not allow, or whose training fails, has a row that says why.

    Raises:
        DeclarationError: the problem or a setting is wrong; nothing has been trained.
        RunFolderError: `out` cannot be used.
        PinnsolverError: no contestant could be trained; the error is the first one's.
    """
    said = {"seconds": seconds, "steps": steps, "seed": seed, "device": device, "threads": threads}
    common = join_settings(problem.settings, settings).with_values(said)
    place = None if out is None else Place(problem.name, Path(out).expanduser(), overwrite)
    return compare_into(place, problem, choose_contestants(problem, common, contestants, only), common, quiet)


@dataclass
class Place:
    """The folder of a comparison: made when the first contestant begins to train.

    Args:
        problem: its name.
        out: the user's choice; None for `outputs/<problem>/compare`, or the first of compare-2, compare-3, ...
        overwrite: replace what is there.
        folder: once it is made.
    """

    problem: str
    out: Path | None = None
    overwrite: bool = False
    folder: Path | None = None

    def refuse_held(self, names: Mapping[str, str]) -> None:
        """Raise where the chosen folder holds a comparison, or a contestant's a run; `names` are by label."""
        if self.out is None or self.overwrite:
            return
        held = [self.out / name for name in FILES]
        held += [self.out / folder / name for folder in names.values() for name in RUN_FILES]
        if any(path.exists() for path in held):
            raise RunFolderError(
                f"{self.out} already holds a comparison.\n"
                "Name another folder, or write --overwrite (overwrite=True) to replace it"
            )

    def begin(self, name: str) -> Path:
        """Make the folder of one run and return it."""
        if self.folder is None:
            self.folder = new_run_folder(self.out, self.problem, "compare", False)
        return new_run_folder(self.folder / name, self.problem, "", self.overwrite)


def compare_into(
    place: Place | None,
    problem: Problem,
    contestants: tuple[Contestant, ...],
    common: Settings,
    quiet: bool = False,
) -> Comparison:
    """Run contestants that were checked; see `compare`.

    Args:
        common: the settings of all of them.
    """
    for contestant in contestants:
        find_device(contestant.settings.device or "cpu")
    folders = folder_names(contestants)
    if place is not None:
        place.refuse_held(folders)
    _rehearse(problem, contestants)
    tour = _Tour(place, problem, folders, quiet)
    for k, contestant in enumerate(contestants):
        tour.visit(contestant, f"{k + 1} of {len(contestants)}")
    if tour.first_error is not None and not (tour.solutions or tour.interrupted):
        raise tour.first_error
    contest = _told(problem, common, tour.entries)
    page = _written(contest, place)
    return Comparison(contest, tour.solutions, place.folder if place else None, page, tour.interrupted)


def _rehearse(problem: Problem, contestants: tuple[Contestant, ...]) -> None:
    """Prepare a contestant as its training will: else the first alone would wait for our loops, and for what sympy remembers."""
    warm_up()
    able = next((c for c in contestants if not c.unsupported), None)
    if able is not None:
        with suppress(PinnsolverError):  # its own turn will tell
            compile_transformed(transform_problem(check_problem(problem), able.settings))


@dataclass
class _Tour:
    """The contestants' turns, one after the other."""

    place: Place | None
    problem: Problem
    folders: Mapping[str, str]
    quiet: bool
    entries: list[Entry] = field(default_factory=list)
    solutions: dict[str, Solution] = field(default_factory=dict)
    first_error: PinnsolverError | None = None
    interrupted: bool = False

    def visit(self, contestant: Contestant, which: str) -> None:
        """Let one contestant train, unless it cannot or the user has had enough."""
        label = contestant.label
        if contestant.unsupported:
            self._fail(contestant, UnsupportedProblem(contestant.unsupported))
        elif self.interrupted:
            self._absent(contestant, "not run", "The comparison was interrupted before its turn.")
        else:
            if not self.quiet:
                print(f"Contestant {which}: {label}", file=sys.stderr, flush=True)
            try:
                self._solve(contestant)
            except PinnsolverError as error:
                self._fail(contestant, error)
            except KeyboardInterrupt:
                self.interrupted = True
                if label not in self.solutions:  # else it came while the report was written
                    self._absent(contestant, "interrupted", "It was interrupted before its run was saved.")

    def _solve(self, contestant: Contestant) -> None:
        name, place = self.folders[contestant.label], self.place
        begin = None if place is None else lambda: place.begin(name)
        solution = solve_into(begin, self.problem, contestant.settings, self.quiet)
        stopped = str(solution.result["stopped"])
        self.interrupted = stopped == "interrupted"
        run = solution.run_data() if solution.folder is None else read_run(solution.folder)
        folder = "" if solution.folder is None else name
        self.entries.append(
            Entry(contestant.label, contestant.asked, run, stopped, _REASONS.get(stopped, ""), folder)
        )
        self.solutions[contestant.label] = solution
        if solution.folder is not None:
            write_report(run, solution.folder)

    def _fail(self, contestant: Contestant, error: PinnsolverError) -> None:
        self.first_error = self.first_error or error
        kinds = {UnsupportedProblem: "unsupported", TrainingDiverged: "diverged"}
        self._absent(contestant, kinds.get(type(error), "failed"), str(error))

    def _absent(self, contestant: Contestant, stopped: str, why: str) -> None:
        self.entries.append(Entry(contestant.label, contestant.asked, None, stopped, why))


_REASONS = {
    "diverged": "Training left the finite numbers; what was best before that is shown.",
    "interrupted": "The user ended it early.",
}


def folder_names(contestants: tuple[Contestant, ...]) -> dict[str, str]:
    """Return a folder's name for every label: the same label gives the same folder, two labels never one."""
    taken = {"figures"}
    found = {}
    for contestant in contestants:
        stem = name = slug(contestant.label)
        k = 1
        while name.lower() in taken:  # some file systems do not tell A from a
            k += 1
            name = f"{stem}-{k}"
        taken.add(name.lower())
        found[contestant.label] = name
    return found


def _told(problem: Problem, common: Settings, entries: list[Entry]) -> Contest:
    """Return the finished contestants as data."""
    first = next((e.run for e in entries if e.run is not None), None)
    title = str(first.understood.get("title")) if first else problem.name
    seed = first.result.get("seed") if first else common.seed
    given = {"seconds": common.seconds, "steps": common.steps}
    budget = {key: value for key, value in given.items() if value is not None}
    if first and not budget:
        budget = {"steps": int(first.settings["steps"])}
    return Contest(problem.name, title, tuple(entries), budget, seed, _command(problem, common, entries))


def _command(problem: Problem, common: Settings, entries: list[Entry]) -> str:
    """Return the command that repeats the comparison, "" where there is no file to name."""
    if not problem.file_name:
        return ""
    words = ["pinnsolver", "compare", problem.file_name]
    for entry in entries:
        text = label_of(entry.asked).replace(", ", ",")
        if entry.asked:
            words += ["--with", text if entry.label == label_of(entry.asked) else f"{entry.label}: {text}"]
    if all(entry.label != AUTOMATIC for entry in entries):
        words.append("--only")
    own = dict(flatten(problem.settings.model_dump()))
    for key, text in flatten(common.model_dump()):
        if text != own.get(key):
            flag = key in ("seconds", "steps", "seed", "threads")
            words += [f"--{key}", text] if flag else ["--set", label_of({key: json.loads(text)})]
    return shlex.join(words)


def _written(contest: Contest, place: Place | None) -> Path | None:
    """Write the table, the picture and the page where something was saved."""
    if place is None or place.folder is None:
        return None
    try:
        return write_comparison(contest, place.folder)
    except OSError as error:
        raise unwritable(place.folder, error) from None
