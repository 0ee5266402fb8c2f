"""The picture of a comparison: the error of every contestant over time, and beneath it what each has found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, NullFormatter

from pinnsolver.report.chart import Style, contest_styles, decades, draw_chart
from pinnsolver.report.curves import Curve, CurvePlot, plot_curves
from pinnsolver.report.entries import Contest, Entry
from pinnsolver.report.names import name_math, plain_math
from pinnsolver.report.planes import HeatMap, field_norm, plot_cells
from pinnsolver.report.scene import Scene, choose_scene
from pinnsolver.report.sketches import places_math
from pinnsolver.report.style import FIELD_MAP, INK, RESIDUAL_MAP, drawing, new_figure

_WIDTH = 13.33  # inches: a slide is 13.33 x 7.5
_CHART, _MAP, _HIGHEST, _CURVES = 3.4, 1.6, 2.3, 2.3  # heights in inches
_GAP = 0.4  # between two maps, in inches
_NARROW = 2.4  # of a map, where three numbers along it are enough
_DPI = 150
_MOST_COLUMNS = 6
_MOST_FIELDS = 4
_DECADES = 8  # of the errors' colour scale


def draw_contest(contest: Contest) -> Figure:
    """Return the whole picture: a chart over training time, then maps or curves of the solutions."""
    with drawing():
        scene = choose_scene(contest)
        heights = [_CHART, *_heights(scene)]
        figure = new_figure(sum(heights), _WIDTH, _DPI)
        parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
        styles = contest_styles(contest)
        draw_chart(parts[0], contest, styles)
        if scene is not None and len(scene.panel.axes) == 2:
            for part, labels in zip(parts[1:], _chunks(scene), strict=True):
                _draw_maps(part, contest, scene, labels, styles)
        elif scene is not None:
            _draw_curves(parts[1], contest, scene, styles)
        return figure


def _heights(scene: Scene | None) -> list[float]:
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
    return norm[0], LogNorm(*decades(max(low, high * 10.0**-_DECADES), high))


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
