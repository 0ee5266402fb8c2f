"""`make hands`: the automatic choice against every choice by hand, at equal budget, as a table in problems/CHOICES.md.

By hand means {all conditions hard that can be, all soft} x {causal, not} x {the frames}, as far as the problem allows them
and they differ. What is measured is kept in outputs/hands, a JSON file for each problem and seed.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from pinnsolver import load_problem
from pinnsolver.comparison import compare
from pinnsolver.contestants import AUTOMATIC, effect_of, label_of
from pinnsolver.declare import Problem, Settings, check_problem
from pinnsolver.errors import DeclarationError, PinnsolverError, UnsupportedProblem
from pinnsolver.report.entries import worst_score
from pinnsolver.transform import transform_problem

from .machine import ROOT, machine_line, stamp, write_json
from .results import PROBLEMS, chosen_methods, method_text, names_at_hand
from .table import budget_text, markdown_row, number, problem_link, replace_between

FOLDER, PAGE = ROOT / "outputs" / "hands", PROBLEMS / "CHOICES.md"
FRAMES = ("eulerian", "lagrangian", "moving")
BEGIN, END = "<!-- hands -->", "<!-- /hands -->"
HEAD = (
    "problem",
    "automatic choice",
    "error",
    "best by hand",
    "error",
    "ratio",
    "worst by hand",
    "error",
    "budget",
)
INTRODUCTION = f"""# The automatic choice against choices by hand

Each problem is solved by the automatic choices and by every choice by hand that it allows, of hard or soft conditions, causal weights or
none, and the frames, all else alike and at equal budget. Errors are the largest relative L2 error of the fields, of several seeds the
median. `ratio` is the automatic error over that of the best by hand: 2 is the bar. A choice by hand that is the automatic one, "the same",
has its error: run twice for so many seconds, the two would differ by how busy the machine was.
`make hands` measures.

{BEGIN}
{END}
"""


def measure_hands(names: Sequence[str], seconds: float, seeds: Sequence[int], threads: int) -> None:
    """Compare on some problems, one after the other; after each its record and the table are on disk."""
    console = Console()
    for name, seed in itertools.product(names, seeds):
        record = {"problem": name, "seconds": seconds, "seed": seed, "threads": threads}
        record |= stamp()
        record |= _measured(load_problem(PROBLEMS / f"{name}.py"), seconds, seed, threads)
        for path in FOLDER.glob(
            f"{name}-seed*.json"
        ):  # seeds of another budget cannot be joined with this one
            if _budget(json.loads(path.read_text())) != _budget(record):
                path.unlink()
        write_json(FOLDER / f"{name}-seed{seed}.json", record)
        write_page()
        console.print("  ".join(_cells(record)), highlight=False, soft_wrap=True)


def ways_by_hand(problem: Problem, common: Settings) -> dict[str, Mapping[str, Any]]:
    """Return the choices by hand that a problem allows, by label; of two that come to the same, the first."""
    checked = check_problem(problem)
    found: dict[str, Mapping[str, Any]] = {}
    seen = []
    for asked in _grid():
        try:
            effect = effect_of(transform_problem(checked, common.with_values(asked)))
        except (DeclarationError, UnsupportedProblem):
            continue
        if effect not in seen:
            seen.append(effect)
            found[label_of(asked)] = asked
    return found


def same_as_automatic(problem: Problem, common: Settings, ways: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the labels of those choices by hand that come to the automatic one."""
    checked = check_problem(problem)
    own = effect_of(transform_problem(checked, common))
    return [
        label
        for label, asked in ways.items()
        if effect_of(transform_problem(checked, common.with_values(asked))) == own
    ]


def _grid() -> Iterator[dict[str, Any]]:
    for hard, causal, frame in itertools.product((True, False), (False, True), FRAMES):
        yield {"hard": hard, "causal": causal, "frame": frame}


def _measured(problem: Problem, seconds: float, seed: int, threads: int) -> dict[str, Any]:
    """Return the error of every contestant by label, None where it failed, and the automatic methods in words."""
    common = problem.settings.with_values({"seconds": seconds, "seed": seed, "threads": threads})
    ways = ways_by_hand(problem, common)
    said: dict[str, Any] = {"seconds": seconds, "seed": seed, "threads": threads, "quiet": True}
    same: list[str] = []
    try:
        same = same_as_automatic(problem, common, ways)
        others = {label: asked for label, asked in ways.items() if label not in same}
        contest = compare(problem, others or ways, **said, out=FOLDER / problem.name, overwrite=True).contest
    except PinnsolverError as error:
        return {
            "errors": dict.fromkeys([AUTOMATIC, *ways]),
            "automatic": str(error).partition("\n")[0],
            "same": same,
        }
    first = contest.entries[0]
    chosen = method_text(chosen_methods(first.run.result)) if first.run else first.why
    errors = {entry.label: worst_score(entry) for entry in contest.entries}
    return {"errors": errors, "automatic": chosen, "same": same}


# ---------------------------------------------------------------------------------------------- table


def write_page() -> None:
    """Write problems/CHOICES.md from what is measured."""
    records = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    at_hand = names_at_hand()
    records = joined([r for r in records if r["problem"] in at_hand])
    rows = [_cells(record) for record in records]
    ratios = {r["problem"]: ratio for r in records if (ratio := ratio_of(r)) is not None}
    lines = [
        markdown_row(HEAD),
        markdown_row(["---"] * len(HEAD)),
        *map(markdown_row, rows),
        "",
        _summary(ratios, records),
    ]
    PAGE.write_text(replace_between(INTRODUCTION, "\n".join(lines), BEGIN, END), encoding="utf-8")


def joined(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a record for each problem, of several seeds the median errors; a choice that failed counts as infinitely wrong."""
    by_problem: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        by_problem.setdefault(record["problem"], []).append(record)
    found = []
    for name, alike in by_problem.items():
        if len(set(map(_budget, alike))) > 1:
            raise ValueError(f"{FOLDER} has {name} at several budgets: remove some of its records")
        every = [_errors(r) for r in alike]
        medians = {label: _median([errors.get(label) for errors in every]) for label in _all(every)}
        same = [label for label in _all(every) if any(label in r.get("same", ()) for r in alike)]
        found.append({**alike[0], "errors": medians, "same": same, "seeds": sorted(r["seed"] for r in alike)})
    return found


def _budget(record: Mapping[str, Any]) -> tuple[float, int]:
    return record["seconds"], record["threads"]


def _errors(record: Mapping[str, Any]) -> dict[str, float | None]:
    """Return all errors of a record: a choice by hand that is the automatic one has the automatic one's."""
    errors: dict[str, float | None] = record["errors"]
    return errors | dict.fromkeys(record.get("same", ()), errors.get(AUTOMATIC))


def _all(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(label for record in records for label in record))


def _median(errors: Sequence[float | None]) -> float | None:
    middle = statistics.median(math.inf if error is None else error for error in errors)
    return middle if math.isfinite(middle) else None


def ratio_of(record: Mapping[str, Any]) -> float | None:
    """Return the automatic choice's error over that of the best choice by hand; None where one of them has none."""
    own, others = record["errors"].get(AUTOMATIC), _by_hand(record)
    if own is None or not others:
        return None
    return own / min(error for _, error in others)


def _by_hand(record: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [
        (k, v) for k, v in _errors(record).items() if k != AUTOMATIC and v is not None and math.isfinite(v)
    ]


def _cells(record: Mapping[str, Any]) -> list[str]:
    others, ratio = _by_hand(record), ratio_of(record)
    best = min(others, key=lambda pair: pair[1], default=("none", None))
    worst = max(others, key=lambda pair: pair[1], default=("none", None))
    return [
        problem_link(record["problem"]),
        record["automatic"],
        number(record["errors"].get(AUTOMATIC)),
        short(best[0]),
        number(best[1]),
        number(ratio, "{:.2g}") + (" (the same)" if best[0] in record.get("same", ()) else ""),
        short(worst[0]),
        number(worst[1]),
        budget_text(record),
    ]


def short(label: str) -> str:
    """Return a choice by hand in words: "hard=true, causal=false, frame=eulerian" is "hard, eulerian"."""
    words = label.replace("hard=true", "hard").replace("hard=false", "soft")
    words = words.replace(", causal=false", "").replace("causal=true", "causal")
    return words.replace("frame=", "")


def _summary(ratios: Mapping[str, float], records: Sequence[Mapping[str, Any]]) -> str:
    if not ratios:
        return "Nothing is measured yet."
    within = sum(ratio <= 2 for ratio in ratios.values())
    machine = machine_line(records[-1]["machine"])
    return f"Within twice of the best by hand: {within} of {len(ratios)}; median ratio {statistics.median(ratios.values()):.2g}. {machine}."
