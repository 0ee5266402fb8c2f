"""The picture of a comparison: the error of every contestant over time, and beneath it what each has found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, NullFormatter

from pinnsolver.report.curves import Curve, CurvePlot, line_colours, line_dashes, plot_curves
from pinnsolver.report.entries import Contest, Entry, held_out_loss, progress_of, worst_score
from pinnsolver.report.names import name_math, plain_math
from pinnsolver.report.planes import HeatMap, field_norm, plot_cells
from pinnsolver.report.scene import Scene, choose_scene
from pinnsolver.report.sketches import places_math
from pinnsolver.report.style import FIELD_MAP, INK, QUIET, RESIDUAL_MAP, drawing, few_ticks, new_figure
from pinnsolver.report.wording import duration, number

_WIDTH = 13.33  # inches: a slide is 13.33 x 7.5
_CHART, _MAP, _HIGHEST, _CURVES = 3.4, 1.6, 2.3, 2.3  # heights in inches
_GAP = 0.4  # between two maps, in inches
_NARROW = 2.4  # of a map, where three numbers along it are enough
_DPI = 150
_MOST_COLUMNS = 6
_MOST_FIELDS = 4
_DECADES = 8  # of the errors' colour scale
_APART = 0.085  # of the chart's height, between two labels

Style = Mapping[str, Any]


def draw_contest(contest: Contest) -> Figure:
    """Return the whole picture: a chart over training time, then maps or curves of the solutions."""
    with drawing():
        scene = choose_scene(contest)
        heights = [_CHART, *_heights(contest, scene)]
        figure = new_figure(sum(heights), _WIDTH, _DPI)
        parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
        styles = _styles(contest)
        _draw_chart(parts[0], contest, styles)
        if scene is not None and len(scene.panel.axes) == 2:
            for part, labels in zip(parts[1:], _chunks(scene), strict=True):
                _draw_maps(part, contest, scene, labels, styles)
        elif scene is not None:
            _draw_curves(parts[1], contest, scene, styles)
        return figure


def _styles(contest: Contest) -> dict[str, Style]:
    """Return colour and dashes by label: the same in the chart and beneath it."""
    labels = [entry.label for entry in contest.ran]
    colours = line_colours(len(labels), ordered=False)
    return {
        label: {"color": colours[i], "linestyle": line_dashes(i), "solid_capstyle": "butt"}
        for i, label in enumerate(labels)
    }


def _heights(contest: Contest, scene: Scene | None) -> list[float]:
    if scene is None:
        return []
    if len(scene.panel.axes) == 1:
        return [2 * _CURVES]
    return [2 * _map_height(scene) + 0.9] * len(_chunks(scene))


def _map_height(scene: Scene) -> float:
    """Return the height in inches of one map; on its true scale it follows from the room for a column."""
    if not scene.is_to_scale:
        return _MAP
    return float(np.clip(_column_width(scene) / _slimness(scene), 1.2, _HIGHEST))


def _column_width(scene: Scene) -> float:
    """Return how wide a map may be, in inches."""
    return (_WIDTH - 1.4) / len(_chunks(scene)[0]) - _GAP


def _slimness(scene: Scene) -> float:
    """Return width over height of a plane."""
    across, up = (float(np.ptp(scene.panel.coordinates[n])) for n in scene.panel.axes)
    return across / up


# ---------------------------------------------------------------------------------------- the chart


def _draw_chart(part: SubFigure, contest: Contest, styles: Mapping[str, Style]) -> None:
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
    _label_ends(axes, ends, contest, styles)
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
    axes.set_ylim(*_decades(low, high))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _decades(low: float, high: float) -> tuple[float, float]:
    """Return the powers of ten around two positive numbers."""
    first, last = np.floor(np.log10(low) + 1e-9), np.ceil(np.log10(high) - 1e-9)
    return float(10.0**first), float(10.0 ** max(last, first + 1))


def _label_ends(
    axes: Axes, ends: list[tuple[float, Entry]], contest: Contest, styles: Mapping[str, Style]
) -> None:
    """Write each line's name and last number to its right, kept apart from each other."""
    if not ends:
        axes.text(0.5, 0.5, "Nothing was recorded", ha="center", va="center", transform=axes.transAxes)
        return
    low, high = np.log10(axes.get_ylim())
    ends = sorted(ends, key=lambda end: end[0])
    heights = kept_apart([(np.log10(value) - low) / (high - low) for value, _ in ends])
    numbers = [number(value, 2) for value, _ in ends]
    room = 16 + 7 * max(map(len, numbers))  # points from the strokes to the names
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
    over = placed[-1] - 1.0
    if over > 0:
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


# ----------------------------------------------------------------------------------------- the maps


def _chunks(scene: Scene) -> list[list[str | None]]:
    """Return the columns of every row of maps by label; None is the reference."""
    first: list[str | None] = [None] if scene.is_known(scene.fields[0]) else []
    columns = [*first, *scene.seen]
    return [columns[i : i + _MOST_COLUMNS] for i in range(0, len(columns), _MOST_COLUMNS)]


def _draw_maps(
    part: SubFigure,
    contest: Contest,
    scene: Scene,
    labels: list[str | None],
    styles: Mapping[str, Style],
) -> None:
    """Draw one row of solutions and beneath it one of errors, each on one colour scale."""
    field = scene.fields[0]
    entries = {e.label: e for e in contest.entries}
    part = _narrowed(part, scene)
    columns = len(_chunks(scene)[0])
    grid = part.subplots(2, columns, sharex=True, sharey=True, squeeze=False)
    values, misses = _map_norms(scene, field)
    for j, label in enumerate(labels):
        upper, lower = grid[0][j], grid[1][j]
        if label is None:
            _cells(upper, scene, scene.panel.reference[field], values, FIELD_MAP)
            upper.set_title("reference", pad=12)
            _number_below(upper, name_math(scene.panel.axes[0]))
            lower.set_visible(False)
        else:
            _cells(upper, scene, scene.value(label, field), values, FIELD_MAP)
            _name_column(upper, entries[label], styles[label], _column_width(scene))
            miss = scene.miss(label, field)
            if miss is not None and misses is not None:
                _cells(lower, scene, miss[1], misses, RESIDUAL_MAP)
        lower.set_xlabel(name_math(scene.panel.axes[0]))
    for row in grid:
        row[0].set_ylabel(name_math(scene.panel.axes[1]))
    for row in grid[:, len(labels) :]:
        for axes in row:
            axes.set_visible(False)
    what = next((scene.miss(label, field) for label in scene.seen), None)
    _bar(part, grid[0], values, FIELD_MAP, _placed(name_math(field), scene))
    if misses is not None and what is not None:
        _bar(part, grid[1], misses, RESIDUAL_MAP, f"{what[0]}, absolute")


def _narrowed(part: SubFigure, scene: Scene) -> SubFigure:
    """Return the left of a part where maps on their true scale would else lie far apart."""
    needed = len(_chunks(scene)[0]) * (_map_height(scene) * _slimness(scene) + _GAP) + 1.4
    if not scene.is_to_scale or needed > 0.95 * _WIDTH:
        return part
    halves = part.subfigures(1, 2, width_ratios=[needed, _WIDTH - needed], squeeze=False)
    left: SubFigure = halves[0, 0]
    return left


def _map_norms(scene: Scene, field: str) -> tuple[Normalize, LogNorm | None]:
    """Return the scale of the solutions, the reference's where it is known, and that of what they miss."""
    arrays = [scene.value(label, field) for label in scene.seen]
    known = [scene.panel.reference[field]] if scene.is_known(field) else arrays
    norm = field_norm(known) or (Normalize(-1, 1), FIELD_MAP)
    found = [miss[1] for label in scene.seen if (miss := scene.miss(label, field)) is not None]
    sizes = [m[np.isfinite(m) & (m > 0)] for m in found]
    sizes = [s for s in sizes if s.size]
    if not sizes:
        return norm[0], None
    high = max(float(s.max()) for s in sizes)
    low = min(float(np.quantile(s, 0.1)) for s in sizes)
    return norm[0], LogNorm(*_decades(max(low, high * 10.0**-_DECADES), high))


def _cells(axes: Axes, scene: Scene, values: np.ndarray, norm: Normalize, colours: str) -> None:
    across, up = scene.panel.axes
    horizontal, vertical = scene.panel.coordinates[across], scene.panel.coordinates[up]
    heat = HeatMap("", (across, up), horizontal, vertical, values, norm, colours, scene.is_to_scale)
    plot_cells(axes, heat)
    if min(_column_width(scene), _map_height(scene) * _slimness(scene) if heat.equal else np.inf) < _NARROW:
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))


def _name_column(axes: Axes, entry: Entry, style: Style, width: float) -> None:
    """Write the label above a map, with a stroke like its line in the chart."""
    axes.plot([0, 1], [1.05, 1.05], transform=axes.transAxes, clip_on=False, linewidth=3.2, **style)
    lines = textwrap.wrap(plain_math(entry.label, 80), max(int(10.5 * width), 10))[:3]
    axes.set_title("\n".join(lines), pad=12)


def _number_below(axes: Axes, label: str) -> None:
    """Write numbers and label beneath a map into the empty cell below it, so that the rows stay together."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    numbers = axes.xaxis.get_major_formatter().format_ticks(ticks)
    below: Style = {
        "xycoords": ("data", "axes fraction"),
        "textcoords": "offset points",
        "ha": "center",
        "va": "top",
    }
    for tick, text in zip(ticks, numbers, strict=True):
        axes.annotate(text, (tick, 0), (0, -7), **below).set_in_layout(False)
    axes.annotate(label, ((low + high) / 2, 0), (0, -24), **below, fontsize=12).set_in_layout(False)


def _bar(part: SubFigure, axes: np.ndarray, norm: Normalize, colours: str, label: str) -> None:
    bar = part.colorbar(
        ScalarMappable(norm, colours), ax=list(axes), pad=0.01, aspect=14, fraction=0.05, shrink=0.96
    )
    bar.outline.set_visible(False)
    bar.set_label(label)
    if isinstance(norm, LogNorm):
        bar.ax.yaxis.set_minor_formatter(NullFormatter())


def _placed(text: str, scene: Scene) -> str:
    where = places_math(scene.panel.fixed, list(scene.panel.fixed))
    return f"{text} at {where}" if where else text


# --------------------------------------------------------------------------------------- the curves


def _draw_curves(part: SubFigure, contest: Contest, scene: Scene, styles: Mapping[str, Style]) -> None:
    """Draw every field with all contestants in one plot, and beneath it what they miss."""
    fields = scene.fields[:_MOST_FIELDS]
    grid = part.subplots(2, len(fields), sharex=True, squeeze=False)
    axis = scene.panel.axes[0]
    x = scene.panel.coordinates[axis]
    for j, field in enumerate(fields):
        labels = list(scene.seen)
        curves = tuple(_curve(x, scene.value(label, field), styles[label]) for label in labels)
        known = (Curve("reference", x, scene.panel.reference[field], INK),) if scene.is_known(field) else ()
        title = _placed(name_math(field), scene) + (", the reference dashed" if known else "")
        handles = plot_curves(grid[0][j], CurvePlot(title, axis, curves, known))
        _limit(grid[0][j], scene, field)
        grid[0][j].set_xlabel("")
        misses = [(label, scene.miss(label, field)) for label in labels]
        found = tuple(_curve(x, m[1], styles[label]) for label, m in misses if m is not None)
        if found and handles:
            what = next(m[0] for _, m in misses if m is not None)
            plot_curves(grid[1][j], CurvePlot(f"{what}, absolute", axis, found, size_only=True))
        else:
            grid[1][j].set_visible(False)


def _curve(x: np.ndarray, y: np.ndarray, style: Style) -> Curve:
    return Curve("", x, y, str(style["color"]), style["linestyle"])


def _limit(axes: Axes, scene: Scene, field: str) -> None:
    """Keep the reference readable where a contestant has run away from it."""
    if not scene.is_known(field):
        return
    known = scene.panel.reference[field]
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    room = 0.6 * (high - low) or 1.0
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, low - room), min(top, high + room))
