"""The main picture of a run, for a notebook: its first fields, with references and errors beside them."""

from __future__ import annotations

from matplotlib.figure import Figure

from pinnsolver.report.curves import plot_curves
from pinnsolver.report.gallery import plan_gallery
from pinnsolver.report.history import draw_loss_only, rows
from pinnsolver.report.planes import HeatMap, map_height, plot_map
from pinnsolver.report.sketches import Block, Sketch
from pinnsolver.report.style import WIDTH, drawing, new_figure
from pinnsolver.runfolder import RunData

_MOST_ROWS = 4
_MOST_COLUMNS = 4
_DPI = 100


def draw_solution(run: RunData) -> Figure:
    """Return the solution as one figure of matplotlib, which a notebook shows and `savefig` saves.

    Args:
        run: with at least one panel; without any, the history of the loss is drawn instead.
    """
    with drawing():
        table = _table(list(plan_gallery(run).solution))
        if table:
            return _draw_table(table)
        figure = new_figure(3.2, dpi=_DPI)
        if rows(run.history) and "loss" in run.history:
            draw_loss_only(figure, run.history)
        else:
            figure.text(0.5, 0.5, "Nothing was recorded of this run", ha="center", va="center")
        return figure


def _table(blocks: list[Block]) -> list[list[Sketch]]:
    """Return rows of sketches: the first block's, and those of the blocks that continue it."""
    if not blocks:
        return []
    kind = type(blocks[0].sketches[0].what)
    table: list[list[Sketch]] = []
    for block in blocks:
        if not isinstance(block.sketches[0].what, kind):
            continue
        width = block.columns or _MOST_COLUMNS
        first = block.sketches[: width * (_MOST_ROWS if block is blocks[0] and block.columns else 1)]
        table += [list(first[i : i + width]) for i in range(0, len(first), width)]
    return table[:_MOST_ROWS]


def _draw_table(table: list[list[Sketch]]) -> Figure:
    columns = max(map(len, table))
    heights = [max(map_height(s.what) if isinstance(s.what, HeatMap) else 3.2 for s in row) for row in table]
    figure = new_figure(sum(heights), WIDTH * columns, _DPI)
    axes = figure.subplots(len(table), columns, squeeze=False, height_ratios=heights)
    for i, row in enumerate(table):
        for j in range(columns):
            if j >= len(row):
                axes[i][j].set_visible(False)
                continue
            what = row[j].what
            if isinstance(what, HeatMap):
                plot_map(axes[i][j], what)
            elif len(handles := plot_curves(axes[i][j], what)) > 1:
                axes[i][j].legend(handles=handles, fontsize=9, frameon=True, edgecolor="none")
    return figure
