"""`make calibrate`: the estimated error of every problem with a reference beside the true one, in problems/CALIBRATION.md.

Each problem is solved for a short time and verified like a user's; the reference scores afterwards. What is measured is kept in
outputs/calibration, a JSON file for each problem and seed.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from pinnsolver import Solution
from pinnsolver.verify.estimate import SECOND_SHARE, disagreement
from pinnsolver.verify.wording import FACTOR, ROUNDING, parted

from .machine import ROOT, machine_line, stamp, write_json
from .results import PROBLEMS, names_at_hand, solve_apart
from .table import budget_text, markdown_row, number, problem_link, replace_between

FOLDER, PAGE = ROOT / "outputs" / "calibration", PROBLEMS / "CALIBRATION.md"
BEGIN, END = "<!-- calibration -->", "<!-- /calibration -->"
HEAD = (
    *("problem", "field", "true error", "estimate", "estimate / true", "solver's own error"),
    *("by", "training", "verification", "by a second run", "budget"),
)
INTRODUCTION = f"""# Estimated errors against true ones

Each problem is solved by the automatic choices in a short time and then verified, `pinnsolver solve FILE --verify`; the reference only
scores afterwards. Errors are relative L2. An estimate that is off by more than a factor of {FACTOR:g} stands in bold; `warned` says that the run
itself warned of its estimate, or that its answer may be wrong. Errors below {ROUNDING:g} count as equal to it. The column before the last
has what a second run of {SECOND_SHARE:.0%} of the training would say, which is asked where no classical solver gets through. The estimate of an inverse
problem includes the standard error that its data leave: with luck the truth is nearer. `make calibrate` measures.

{BEGIN}
{END}
"""


def calibrate(names: Sequence[str], seconds: float, seeds: Sequence[int], threads: int) -> None:
    """Solve and verify some problems, one after the other; after each its record and the table are on disk."""
    console = Console()
    for name in names:
        for seed in seeds:
            record: dict[str, Any] = {"problem": name, "seconds": seconds, "seed": seed, "threads": threads}
            record |= stamp()
            place = FOLDER / f"{name}-seed{seed}"
            result = solve_apart(name, place, seconds, seed, threads, ["--verify"])
            record |= result if "failed" in result else record_of(result) | by_second_run(place)
            write_json(FOLDER / f"{name}-seed{seed}.json", record)
            write_page()
            for cells in _rows(record):
                console.print("  ".join(cells), highlight=False, soft_wrap=True)


def record_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table needs of a verified run's `result.json`: fields whose answer is known."""
    return {
        "fields": {
            name: {"true": true, **result["error_estimate"][name]}
            for name, true in result["relative_l2"].items()
            if true is not None
        },
        "trained": result["seconds"],
        "verified": result["verified_against"]["seconds"],
        "warnings": result["warnings"],
    }


def by_second_run(place: Path) -> dict[str, Any]:
    """Return the errors that a second run would tell, by field, of a run that is saved."""
    solution = Solution.load(place)
    second = solution.second_run(SECOND_SHARE * solution.result["seconds"])
    told = {} if second is None else disagreement(solution.checked, solution.evaluate, second)
    return {"second": {name: found.value for name, found in told.items()}}


# ---------------------------------------------------------------------------------------------- table


def write_page() -> None:
    """Write problems/CALIBRATION.md from what is measured."""
    at_hand = names_at_hand()
    records = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    records = [r for r in records if r["problem"] in at_hand and ("failed" in r or r["fields"])]
    lines = [
        markdown_row(HEAD),
        markdown_row(["---"] * len(HEAD)),
        *(markdown_row(cells) for record in records for cells in _rows(record)),
        "",
        _summary(records),
    ]
    PAGE.write_text(replace_between(INTRODUCTION, "\n".join(lines), BEGIN, END), encoding="utf-8")


def _rows(record: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield a row for each field."""
    head, budget = problem_link(record["problem"]), budget_text(record)
    if "failed" in record:
        yield [head, "", f"failed: {record['failed']}", *[""] * (len(HEAD) - 4), budget]
        return
    for name, found in record["fields"].items():
        by = found["basis"].partition(": ")[2].partition(";")[0] if found["value"] is not None else "nothing"
        by = f"second run, {by}" if found["basis"].startswith("a second run") else by
        times = (number(record[key], "{:.0f} s") for key in ("trained", "verified"))
        second = number(record.get("second", {}).get(name), missing="not measured")
        yield [
            *(head, name, number(found["true"]), number(found["value"], missing="none")),
            *(
                _factor_text(found, record["warnings"]),
                number(found["own_error"]),
                by,
                *times,
                second,
                budget,
            ),
        ]


def _factor_text(found: Mapping[str, Any], warnings: Sequence[str]) -> str:
    warned = " (warned)" if warnings else ""
    if found["value"] is None:
        return f"-{warned}"
    text = f"{max(found['value'], ROUNDING) / max(found['true'], ROUNDING):.2g}"
    return f"{text}{warned}" if is_within(found) else f"**{text}**{warned}"


def is_within(found: Mapping[str, Any]) -> bool:
    """Say whether a field's estimate is there and within the factor of the true error."""
    return found["value"] is not None and parted(found["true"], found["value"]) <= FACTOR


def is_silent(record: Mapping[str, Any]) -> bool:
    """Say whether an estimate lies below the true error by more than the factor without a warning."""
    low = any(
        f["value"] is not None and f["value"] < f["true"] and not is_within(f)
        for f in record["fields"].values()
    )
    return low and not record["warnings"]


def _summary(records: Sequence[Mapping[str, Any]]) -> str:
    """Return how many runs hold, all fields of each, and what verification costs."""
    ended = [r for r in records if "failed" not in r]
    if not ended:
        return "Nothing is measured yet."
    within = sum(all(map(is_within, r["fields"].values())) for r in ended)
    missing = sum(any(f["value"] is None for f in r["fields"].values()) for r in ended)
    silent = sum(map(is_silent, ended))
    cost = statistics.median(r["verified"] / max(r["trained"], 1e-9) for r in ended)
    return (
        f"Within a factor of {FACTOR:g}: {within} of {len(ended)} runs ({within / len(ended):.0%}); without an estimate: {missing}; "
        f"too low by more than that without a warning: {silent}. Verification over training time, median: {cost:.2g}. "
        f"{_second_summary(ended)}{machine_line(ended[-1]['machine'])}."
    )


def _second_summary(ended: Sequence[Mapping[str, Any]]) -> str:
    """Return how many runs a second run alone would have told right, and how far it would be off."""
    pairs = [
        [(f["true"], r["second"].get(name)) for name, f in r["fields"].items()]
        for r in ended
        if r.get("second")
    ]
    told = [[(true, value) for true, value in run if value is not None] for run in pairs]
    told = [run for run in told if run]
    if not told:
        return ""
    within = sum(all(parted(*pair) <= FACTOR for pair in run) for run in told)
    low = sum(any(value < true / FACTOR and true > ROUNDING for true, value in run) for run in told)
    return f"By second runs alone: within the factor {within} of {len(told)} runs, too low {low}. "
