"""The finished contestants of a comparison as plain data, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pinnsolver.report.groups import as_mapping
from pinnsolver.report.history import named_columns
from pinnsolver.report.wording import UNKNOWN, finite, number, plain
from pinnsolver.runfolder import RunData

# Column of the table -> name of the choice.
CHOSEN = {
    "hard": "hard conditions",
    "causal": "causal",
    "frame": "frame",
    "optimizer": "optimizer.second",
}
_GROUPS = {
    "relative_l2": "relative L² error of {}",
    "unknown": "{}",
    "residual_rms": "residual of {}, rms",
}
_NUMBERS = ("held_out", "seconds", "steps", *_GROUPS)


@dataclass(frozen=True)
class Entry:
    """How one contestant did.

    Args:
        label: its name.
        asked: its settings by dotted key; empty for the automatic run.
        run: its run, None where there is none.
        stopped: why training ended, or why there is no run: "unsupported", "failed", "not run".
        why: the message that goes with it, "" where nothing went wrong.
        folder: of the run, relative to that of the comparison; "" where nothing was saved.
    """

    label: str
    asked: Mapping[str, Any]
    run: RunData | None
    stopped: str
    why: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Contest:
    """A comparison as its table, picture and page need it.

    Args:
        problem, title: the problem's name, and its title in words.
        entries: in the order of the table.
        budget: "seconds" and "steps", those that were given.
        seed: of all runs, None where it was left open and nothing ran.
        command: that repeats it, "" where the problem was built in a session.
    """

    problem: str
    title: str
    entries: tuple[Entry, ...]
    budget: Mapping[str, float]
    seed: int | None = None
    command: str = ""

    @property
    def is_scored(self) -> bool:
        """Whether an error against a known answer can be shown."""
        return any(finite(v) is not None for e in self.entries for v in scores(e).values())

    @property
    def ran(self) -> list[Entry]:
        """The entries that have a run."""
        return [e for e in self.entries if e.run is not None]


def table_rows(contest: Contest) -> list[dict[str, Any]]:
    """Return a flat row for each contestant, all with the same keys: None where a number is not known."""
    rows = [_row(entry) for entry in contest.entries]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    groups = ("contestant", "relative_l2:", "unknown:", "residual_rms:")  # then the others, as they come
    keys.sort(key=lambda k: next((i for i, g in enumerate(groups) if k.startswith(g)), len(groups)))
    return [{key: row.get(key) for key in keys} for row in rows]


def readable(contest: Contest) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of the table in words: residuals only where no answer is known."""
    rows = table_rows(contest)
    keys = [key for key in rows[0] if key not in ("why", "folder") and any(r[key] is not None for r in rows)]
    if contest.is_scored:
        keys = [key for key in keys if key != "held_out" and not key.startswith("residual_rms:")]
    return [_head(key) for key in keys], [[_cell(key, row[key]) for key in keys] for row in rows]


def scores(entry: Entry) -> Mapping[str, Any]:
    """Return the relative L2 error by field; {} where there is no run."""
    return as_mapping(entry.run.result.get("relative_l2")) if entry.run else {}


def worst_score(entry: Entry) -> float | None:
    """Return the largest relative L2 error of the fields; None where none is known."""
    known = [v for v in map(finite, scores(entry).values()) if v is not None]
    return max(known) if known else None


def held_out_loss(entry: Entry) -> float | None:
    """Return the lowest held-out loss; None where none was recorded."""
    _, values = progress_of(entry, scored=False)
    return float(values.min()) if values.size else None


def progress_of(entry: Entry, scored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) seconds and (n,) values where they are known and positive.

    Args:
        scored: the largest relative L2 error of the fields, else the held-out loss.
    """
    history = entry.run.history if entry.run else {}
    columns = list(named_columns(history, "relative_l2").values()) if scored else []
    if not scored and "held_out" in history:
        columns = [np.asarray(history["held_out"], dtype=float)]
    if not columns or "seconds" not in history:
        return np.empty(0), np.empty(0)
    seconds, values = np.asarray(history["seconds"], dtype=float), np.max(columns, axis=0)
    known = np.isfinite(seconds) & np.isfinite(values) & (values > 0) & (values < 1e100)
    return seconds[known], values[known]


def _row(entry: Entry) -> dict[str, Any]:
    result = entry.run.result if entry.run else {}
    choices = as_mapping(result.get("choices"))
    row: dict[str, Any] = {"contestant": entry.label}
    for key, short in (("relative_l2", "relative_l2"), ("unknowns", "unknown"), ("residual_rms",) * 2):
        row |= {f"{short}:{name}": finite(v) for name, v in as_mapping(result.get(key)).items()}
    row |= {"held_out": held_out_loss(entry)}
    row |= {"seconds": finite(result.get("seconds")), "steps": result.get("steps"), "stopped": entry.stopped}
    for column, name in CHOSEN.items():
        row[column] = as_mapping(choices.get(name)).get("value")
    return row | {"why": entry.why, "folder": entry.folder}


def _head(key: str) -> str:
    group, _, name = key.partition(":")
    return _GROUPS[group].format(name) if group in _GROUPS else key.replace("_", "-")


def _cell(key: str, value: Any) -> str:
    if value is None:
        return UNKNOWN
    return number(value) if key.partition(":")[0] in _NUMBERS else plain(value)
