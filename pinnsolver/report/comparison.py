"""From the finished contestants of a comparison to its files: table, picture and one self-contained page."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from pinnsolver.report.entries import Contest, Entry, readable, table_rows, worst_score
from pinnsolver.report.page import render
from pinnsolver.report.style import Picture, picture
from pinnsolver.report.versus import draw_contest
from pinnsolver.report.wording import duration, number, plain
from pinnsolver.runfolder import write_json, write_text, write_whole

FILES = ("compare.json", "compare.csv", "compare.html")


def write_comparison(contest: Contest, folder: Path) -> Path:
    """Write `compare.json`, `compare.csv`, `figures/compare.png` and `compare.html` into `folder`.

    Args:
        folder: is made where it is missing.

    Returns:
        The path of the page.
    """
    rows = table_rows(contest)
    shown = draw_picture(contest)
    write_json(folder / "compare.json", _as_json(contest, rows))
    write_text(folder / "compare.csv", _as_csv(rows))
    write_whole(folder / "figures" / "compare.png", lambda file: file.write(shown.png))
    page = folder / "compare.html"
    write_text(page, render_comparison(contest, shown))
    return page


def draw_picture(contest: Contest) -> Picture:
    """Return the picture with its description."""
    names = ", ".join(entry.label for entry in contest.entries)
    return picture(draw_contest(contest), "compare", f"{contest.title.rstrip('.')}: {names} compared")


def render_comparison(contest: Contest, shown: Picture) -> str:
    """Return the page."""
    heads, rows = readable(contest)
    return render(
        "comparison.html.j2",
        name=contest.problem,
        title=contest.title,
        facts=_facts(contest),
        picture=shown,
        scored=contest.is_scored,
        best=_best(contest),
        heads=heads,
        rows=list(zip(contest.entries, rows, strict=True)),
        absent=[e for e in contest.entries if e.why],
        command=contest.command,
    )


def _best(contest: Contest) -> tuple[Entry, float] | None:
    """Return the contestant with the least error, None where none is known."""
    known = [(e, s) for e in contest.entries if (s := worst_score(e)) is not None]
    return min(known, key=lambda pair: pair[1]) if known else None


def _facts(contest: Contest) -> list[tuple[str, str]]:
    budget = contest.budget
    facts = [
        ("Training each", duration(budget["seconds"]) if budget.get("seconds") else ""),
        ("Steps each, at most", number(budget["steps"]) if budget.get("steps") is not None else ""),
        ("Seed", plain(contest.seed) if contest.seed is not None else ""),
        ("Contestants", f"{len(contest.ran)} of {len(contest.entries)} ran"),
    ]
    return [(label, value) for label, value in facts if value]


def _as_json(contest: Contest, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "problem": contest.problem,
        "budget": dict(contest.budget),
        "seed": contest.seed,
        "command": contest.command,
        "contestants": [
            {**row, "asked": dict(entry.asked)} for entry, row in zip(contest.entries, rows, strict=True)
        ],
    }


def _as_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in row.items()} for row in rows
    )
    return text.getvalue()
