"""The race as one picture: error over time, a panel for each problem, in the report's own look."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from pinnsolver.report.style import DASHES, LINES, drawing, new_figure

from .table import NAMES

ORDER = ("pinnsolver", "deepxde")  # further peers follow; color and dashes both tell them apart
COLUMNS = 3
PANEL = (3.4, 2.7)  # inches


def draw_race(result: dict[str, Any], path: Path) -> None:
    """Draw the curves of all runs, a line for each seed, and write a PNG."""
    runs = [run for run in result["runs"] if run.get("curve")]
    problems = list(dict.fromkeys(run["problem"] for run in runs))
    peers = sorted(
        {run["peer"] for run in runs}, key=lambda p: (ORDER.index(p) if p in ORDER else len(ORDER), p)
    )
    if not problems:
        return
    columns = min(COLUMNS, len(problems))
    rows = math.ceil(len(problems) / columns)
    with drawing():
        figure = new_figure(PANEL[1] * rows + 0.5, max(PANEL[0] * columns, 2 * PANEL[0]))
        panels = figure.subplots(rows, columns, squeeze=False)
        for k, panel in enumerate(panels.flat):
            if k >= len(problems):
                panel.set_visible(False)
                continue
            _draw_panel(panel, [run for run in runs if run["problem"] == problems[k]], peers)
            panel.set_title(problems[k].replace("_", " "))
            if k + columns >= len(problems):
                panel.set_xlabel("time / s")
            if k % columns == 0:
                panel.set_ylabel("relative L2 error")
        handles: dict[str, Any] = {}
        for panel in panels.flat:
            handles |= {line.get_label(): line for line in panel.lines if line.get_label()[0] != "_"}
        figure.legend(
            list(handles.values()), list(handles), loc="outside upper left", ncols=len(handles), frameon=False
        )
        figure.savefig(path)


def _draw_panel(panel: Axes, runs: list[dict[str, Any]], peers: list[str]) -> None:
    seen: set[str] = set()
    for run in sorted(runs, key=lambda r: peers.index(r["peer"])):
        style, peer = peers.index(run["peer"]), run["peer"]
        panel.plot(
            [seconds for seconds, _ in run["curve"]],
            [error for _, error in run["curve"]],
            color=LINES[style % len(LINES)],
            linestyle=DASHES[style % len(DASHES)],
            linewidth=1.8,
            label="_" if peer in seen else NAMES.get(peer, peer),
        )
        seen.add(peer)
    panel.set_yscale("log")
    panel.set_xlim(left=0)
    panel.set_ylim(*whole_decades([error for run in runs for _, error in run["curve"]]))
    panel.yaxis.set_major_locator(LogLocator(numticks=8))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(axis="y")


def whole_decades(values: list[float]) -> tuple[float, float]:
    """Return the powers of ten around positive values; at least one decade, so that the axis has numbers."""
    logs = [math.log10(v) for v in values if math.isfinite(v) and v > 0] or [0.0]
    low = math.floor(min(logs))
    return 10.0**low, 10.0 ** max(math.ceil(max(logs)), low + 1)
