"""Curves: fields along a line, their error and residual; solid is the solution, dashed the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pinnsolver.report.names import name_math
from pinnsolver.report.style import DASHES, INK, LINES, few_ticks, new_figure

_DECADES = 10  # beneath the greatest size, where a whole curve is nothing but rounding


@dataclass(frozen=True)
class Curve:
    """One curve.

    Args:
        label: for matplotlib.
        x: (n,) values of the running coordinate.
        y: (n,) values; NaN leaves a gap.
        colour: of the line.
        dashes: of the line, as matplotlib takes them.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    dashes: str | tuple[float, tuple[float, ...]] = "-"


@dataclass(frozen=True)
class CurvePlot:
    """Several curves on the same axes.

    Args:
        title: for matplotlib, above the axes.
        axis: name of the running coordinate.
        curves: at least one.
        reference: known solutions to be dashed over the curves.
        size_only: draw absolute values on a logarithmic axis.
    """

    title: str
    axis: str
    curves: tuple[Curve, ...]
    reference: tuple[Curve, ...] = ()
    size_only: bool = False


def line_colours(count: int, ordered: bool) -> list[str]:
    """Return `count` colours: steps from dark to light for an order (times), else the palette, repeated."""
    if not ordered or count == 1:
        return [LINES[i % len(LINES)] for i in range(count)]
    viridis = matplotlib.colormaps["viridis"]
    return [matplotlib.colors.to_hex(viridis(v)) for v in np.linspace(0.12, 0.84, count)]


def line_dashes(index: int) -> str | tuple[float, tuple[float, ...]]:
    """Return the dashes of the curve number `index`, where colours repeat."""
    return DASHES[index // len(LINES) % len(DASHES)]


def has_size(values: np.ndarray) -> bool:
    """Return whether a logarithmic axis could show any of the values."""
    return bool(np.any(np.abs(values[np.isfinite(values)]) > 0))


def plot_curves(axes: Axes, plot: CurvePlot) -> list[Line2D]:
    """Draw the curves; returns the lines that a legend should name."""
    handles = []
    for curve in plot.curves:
        y = np.where(np.abs(curve.y) > 0, np.abs(curve.y), np.nan) if plot.size_only else curve.y
        handles += axes.plot(curve.x, y, color=curve.colour, linestyle=curve.dashes, label=curve.label)
        if curve.x.size == 1:
            handles[-1].set_marker("o")
    for i, curve in enumerate(plot.reference):
        (line,) = axes.plot(curve.x, curve.y, color=INK, linestyle=(0, (4, 3)), linewidth=1.0)
        if i == 0:
            line.set_label("reference")
            handles.append(line)
    if plot.size_only and any(has_size(c.y) for c in plot.curves):
        axes.set_yscale("log")
        _keep_rounding_out(axes, plot.curves)
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.set_xlabel(name_math(plot.axis))
    axes.set_title(plot.title)
    few_ticks(axes)
    first = plot.curves[0].x
    if np.ptp(first) > 0:
        axes.set_xlim(float(first[0]), float(first[-1]))
    if not plot.size_only:
        _keep_flat_lines_flat(axes, [c.y for c in (*plot.curves, *plot.reference)])
    return handles


def curve_figure(plot: CurvePlot) -> Figure:
    """Return the curves as a picture of their own, with the legend below."""
    names = len(plot.curves) + bool(plot.reference)
    named = names > 1 or plot.reference
    longest = max(len(c.label) for c in plot.curves)
    columns = min(names, 3 if longest <= 14 else 2 if longest <= 24 else 1)
    rows = -(-names // columns) if named else 0
    figure = new_figure(3.0 + 0.22 * rows)
    handles = plot_curves(figure.add_subplot(), plot)
    if named:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)
    return figure


def _keep_rounding_out(axes: Axes, curves: Sequence[Curve]) -> None:
    """End a logarithmic axis of sizes beneath the curves: one point at 1e-17, as of a hard condition, is cut off."""
    sizes = [np.abs(c.y[np.isfinite(c.y) & (c.y != 0)]) for c in curves]
    lows = [float(np.quantile(s, 0.02)) for s in sizes if s.size]
    high = axes.dataLim.y1
    shown = [low for low in lows if low > high * 10.0**-_DECADES]
    if shown and axes.dataLim.y0 < min(shown) / 10:
        axes.set_ylim(bottom=min(shown) / 10)


def _keep_flat_lines_flat(axes: Axes, values: Sequence[np.ndarray]) -> None:
    """Give a constant some room, or rounding errors of its last digits would fill the picture."""
    known = np.concatenate([v[np.isfinite(v)] for v in values])
    if known.size:
        middle, size = float(np.mean(known)), float(np.abs(known).max())
        if np.ptp(known) <= 1e-9 * size or size == 0:
            half = size / 10 or 1.0
            axes.set_ylim(middle - half, middle + half)
