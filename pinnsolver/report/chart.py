"""The chart of a comparison: the error of every contestant over the seconds of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import NullFormatter

from pinnsolver.report.curves import line_colours, line_dashes
from pinnsolver.report.entries import Contest, Entry, held_out_loss, progress_of, worst_score
from pinnsolver.report.names import plain_math
from pinnsolver.report.style import QUIET, few_ticks
from pinnsolver.report.wording import duration, number

_APART = 0.085  # of the chart's height, between two labels

Style = Mapping[str, Any]


def contest_styles(contest: Contest) -> dict[str, Style]:
    """Return colour and dashes by label: the same in the chart and beneath it."""
    labels = [entry.label for entry in contest.ran]
    colours = line_colours(len(labels), ordered=False)
    return {
        label: {"color": colours[i], "linestyle": line_dashes(i), "solid_capstyle": "butt"}
        for i, label in enumerate(labels)
    }


def draw_chart(part: SubFigure, contest: Contest, styles: Mapping[str, Style]) -> None:
    """Draw the error, or without a known answer the held-out loss, over the seconds of training.

    A line ends with the state that is kept, the one with the best held-out loss: its number is that of the table.
    """
    axes = part.subplots()
    ends: list[tuple[float, Entry]] = []
    for entry in contest.ran:
        seconds, values = progress_of(entry, contest.is_scored)
        kept = worst_score(entry) if contest.is_scored else held_out_loss(entry)
        if not seconds.size or not kept:
            continue
        style = styles[entry.label]
        colour, above = style["color"], 3 - 0.01 * len(ends)  # the first contestant lies on top
        axes.plot(seconds, values, **style, linewidth=2.4, zorder=above)
        axes.plot([seconds[-1]] * 2, [values[-1], kept], color=colour, linewidth=1, linestyle=":")
        axes.plot(seconds[-1], kept, "o", markersize=7, color=colour, clip_on=False, zorder=above)
        ends.append((kept, entry))
    _head_chart(part, axes, contest)
    axes.grid(True)
    axes.set_axisbelow(True)
    if ends:
        axes.set_yscale("log")
        _show_decades(axes)
        axes.set_xlim(0, axes.dataLim.x1)
        few_ticks(axes)
    _label_ends(axes, ends, styles)
    _note_absent(part, contest)


def _head_chart(part: SubFigure, axes: Axes, contest: Contest) -> None:
    part.suptitle(plain_math(contest.title.rstrip("."), 100), fontsize=17, x=0.012, ha="left")
    budget = {"seconds": duration, "steps": lambda v: f"{number(v)} steps"}
    words = [budget[key](value) for key, value in contest.budget.items()]
    what = "Relative L² error against the reference" if contest.is_scored else "Held-out loss"
    each = f", {' or '.join(words)} each" if words else ""
    axes.set_title(f"{what}{each}", color=QUIET, fontsize=12.5)
    axes.set_xlabel("seconds of training")


def _show_decades(axes: Axes) -> None:
    """Let a logarithmic axis end at powers of ten, so that it has at least two numbers."""
    low, high = axes.dataLim.intervaly
    axes.set_ylim(*decades(low, high))
    axes.yaxis.set_minor_formatter(NullFormatter())


def decades(low: float, high: float) -> tuple[float, float]:
    """Return the powers of ten around two positive numbers."""
    first, last = np.floor(np.log10(low) + 1e-9), np.ceil(np.log10(high) - 1e-9)
    return float(10.0**first), float(10.0 ** max(last, first + 1))


def _label_ends(axes: Axes, ends: list[tuple[float, Entry]], styles: Mapping[str, Style]) -> None:
    """Write each line's name and last number to its right, kept apart from each other."""
    if not ends:
        axes.text(0.5, 0.5, "Nothing was recorded", ha="center", va="center", transform=axes.transAxes)
        return
    low, high = np.log10(axes.get_ylim())
    ends = sorted(ends, key=lambda end: end[0])
    heights = kept_apart([(np.log10(value) - low) / (high - low) for value, _ in ends])
    numbers = [number(value, 2) for value, _ in ends]
    room = 20 + 7 * max(map(len, numbers))  # points from the strokes to the names
    stroke: Style = {"transform": axes.transAxes, "clip_on": False, "linewidth": 3.2}
    for (_, entry), height, value in zip(ends, heights, numbers, strict=True):
        axes.plot([1.015, 1.045], [height, height], **stroke, **styles[entry.label])
        name = plain_math(entry.label, 40)
        if entry.stopped in ("diverged", "interrupted"):
            name += f" ({entry.stopped})"
        for points, text, weight in ((8, value, "bold"), (room, name, "normal")):
            axes.annotate(
                text,
                (1.045, height),
                (points, 0),
                "axes fraction",
                "offset points",
                va="center",
                fontsize=12,
                weight=weight,
                annotation_clip=False,
            )


def kept_apart(heights: Sequence[float]) -> list[float]:
    """Return rising heights moved as little as it takes to be apart, and inside the axes where there is room."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + _APART) if placed else max(height, 0.0))
    top = 1.0
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], top)
        top = placed[i] - _APART
    return placed


def _note_absent(part: SubFigure, contest: Contest) -> None:
    """Say beneath the chart who has no line, and why."""
    absent = [e for e in contest.entries if e.run is None]
    if absent:
        lines = [f"{e.label}: {e.stopped}. {e.why.partition(chr(10))[0]}" for e in absent[:4]]
        part.supxlabel(
            "\n".join(plain_math(line, 150) for line in lines), fontsize=10.5, color=QUIET, ha="left", x=0.02
        )
