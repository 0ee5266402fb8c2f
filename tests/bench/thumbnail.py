"""A run as one small picture: the first field, and beside it how far it is from the reference.

Where the reference is a table on a grid, the picture is taken at its own points: what is drawn is then the error
that is scored, not that of an interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import Image

from pinnsolver.report.style import FIELD_MAP, LINES, OUTSIDE, RESIDUAL_MAP, drawing, new_figure
from pinnsolver.runfolder import Panel
from pinnsolver.solution import Solution

from .picture import whole_decades

DPI = 80
COLOURS = 64
SIZE = (4.4, 1.7)  # inches


def draw_thumbnail(panels: Sequence[Panel], path: Path) -> None:
    """Write a small PNG of a run's panels: maps of the last plane, or curves of the first line."""
    panel = _panel_of(panels)
    name = next((n for n in panel.fields if n in panel.reference), next(iter(panel.fields)))
    known = panel.reference.get(name)
    with drawing():
        figure = new_figure(SIZE[1], SIZE[0], DPI)
        solution, error = figure.subplots(1, 2)
        for axes in (solution, error):
            axes.tick_params(labelsize=7)
        if len(panel.axes) == 2:
            _map(solution, panel, panel.fields[name], FIELD_MAP)
            if known is not None:
                _map(error, panel, np.abs(panel.fields[name] - known), RESIDUAL_MAP)
        else:
            _curves(solution, error, panel)
        solution.set_title(name, fontsize=9, pad=3)
        error.set_title("|error|", fontsize=9, pad=3)
        error.set_visible(known is not None)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    # A palette: a third of the size, and no difference to the eye.
    Image.fromarray(np.ascontiguousarray(pixels)).quantize(COLOURS).save(path, optimize=True)


def panels_at_tables(solution: Solution) -> tuple[Panel, ...]:
    """Return the plane of a solution's table, at the last of its times if it has three axes; () for no such table."""
    checked = solution.checked
    tables = {n: r.table for n, r in checked.references.items() if r.table is not None}
    if not tables:
        return ()
    first = next(iter(tables.values()))
    names = [c.name for c in checked.coordinates if c.name in first]
    axes = {n: np.unique(first[n]) for n in names}
    shape = tuple(a.size for a in axes.values())
    if len(names) not in (2, 3) or np.prod(shape) != first[""].size:
        return ()
    points = np.stack([first[n] for n in names], axis=1)  # all coordinates of a problem without parameters
    if points.shape[1] != len(checked.coordinates):
        return ()
    order = np.lexsort(points.T[::-1])
    found = solution.evaluate(points[order])
    grids = {n: found[n].reshape(shape) for n in tables}
    known = {n: table[""][order].reshape(shape) for n, table in tables.items()}
    fixed = {}
    if len(names) == 3:
        fixed = {names[2]: float(axes[names[2]][-1])}
        grids, known = ({n: v[..., -1] for n, v in group.items()} for group in (grids, known))
    turned = len(names) == 2 and checked.time is not None and names[1] == checked.time.name
    shown = tuple(names[:2][::-1] if turned else names[:2])  # time runs to the right
    if turned:
        grids, known = ({n: v.T for n, v in group.items()} for group in (grids, known))
    return (Panel(shown, fixed, {n: axes[n] for n in shown}, grids, known),)


def _panel_of(panels: Sequence[Panel]) -> Panel:
    """Return the panel that says most: a plane of space and time, else the last plane, else the first line."""
    planes = [p for p in panels if len(p.axes) == 2]
    if not planes:
        return panels[0]
    return planes[-1] if len({p.axes for p in planes}) == 1 else planes[0]


def _map(axes: Axes, panel: Panel, values: np.ndarray, colours: str) -> None:
    x, y = (panel.coordinates[name] for name in panel.axes)
    finite = values[np.isfinite(values)]
    axes.set_facecolor(OUTSIDE)
    norm = Normalize(finite.min(), finite.max()) if finite.size else None
    axes.imshow(
        values.T,
        origin="lower",
        extent=(x[0], x[-1], y[0], y[-1]),
        aspect="auto",
        norm=norm,
        cmap=colours,
        interpolation="nearest",
    )
    axes.set_xlabel(panel.axes[0], fontsize=8, labelpad=1)
    axes.set_ylabel(panel.axes[1], fontsize=8, labelpad=1)
    if finite.size:
        axes.text(
            0.98,
            0.96,
            f"{finite.min():.2g} to {finite.max():.2g}",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=7,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1},
        )


def _curves(solution: Axes, error: Axes, panel: Panel) -> None:
    x = panel.coordinates[panel.axes[0]]
    errors: list[float] = []
    for k, (name, values) in enumerate(panel.fields.items()):
        colour = LINES[k % len(LINES)]
        solution.plot(x, values, color=colour, linewidth=1.4)
        if name in panel.reference:
            solution.plot(x, panel.reference[name], color="black", linestyle=":", linewidth=0.9)
            misfit = np.abs(values - panel.reference[name])
            error.semilogy(x, misfit, color=colour, linewidth=1.0)
            errors += [float(v) for v in misfit[misfit > 0]]
    error.set_ylim(*whole_decades(errors))
    error.yaxis.set_major_locator(LogLocator(numticks=5))
    error.yaxis.set_minor_formatter(NullFormatter())
    for axes in (solution, error):
        axes.set_xlabel(panel.axes[0], fontsize=8, labelpad=1)
