"""Heat maps: a field, its error and a residual over two coordinates, on their true shape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pinnsolver.report.names import name_math
from pinnsolver.report.style import FIELD_MAP, OUTSIDE, RESIDUAL_MAP, SIGNED_MAP, WIDTH, few_ticks, new_figure

_MOST_UNEQUAL = 8  # sides of a plane that still share one scale
_DECADES = 5  # of a residual map


@dataclass(frozen=True)
class HeatMap:
    """One heat map, ready to be drawn.

    Args:
        title: for matplotlib, above the map.
        axes: names of the horizontal and the vertical coordinate.
        horizontal: (n0,) values of the first, rising.
        vertical: (n1,) values of the second, rising.
        values: (n0, n1); NaN is drawn as outside.
        norm: the colour scale, shared by the maps that are compared.
        colours: name of the colour map.
        equal: both coordinates on one scale.
    """

    title: str
    axes: tuple[str, str]
    horizontal: np.ndarray
    vertical: np.ndarray
    values: np.ndarray
    norm: Normalize
    colours: str
    equal: bool


def field_norm(arrays: Iterable[np.ndarray]) -> tuple[Normalize, str] | None:
    """Return the scale from the least to the greatest value; None where nothing is finite."""
    known = _known(arrays)
    if not known.size:
        return None
    low, high = float(known.min()), float(known.max())
    size = max(abs(low), abs(high))
    if high - low <= 1e-9 * size:  # a constant: centre it, or its last digits would fill the scale
        middle, half = (low + high) / 2, size / 10 or 1.0
        low, high = middle - half, middle + half
    return Normalize(low, high), FIELD_MAP


def error_norm(arrays: Iterable[np.ndarray]) -> tuple[Normalize, str] | None:
    """Return a scale centred at zero; None where nothing is finite."""
    known = _known(arrays)
    if not known.size:
        return None
    most = float(np.abs(known).max()) or 1.0
    return Normalize(-most, most), SIGNED_MAP


def residual_norm(arrays: Iterable[np.ndarray]) -> tuple[Normalize, str] | None:
    """Return a logarithmic scale of one to five decades; None where no value is finite and not zero."""
    known = np.abs(_known(arrays))
    known = known[known > 0]
    if not known.size:
        return None
    high = float(known.max())
    low = float(np.quantile(known, 0.02))
    return LogNorm(min(max(low, high * 10.0**-_DECADES), high / 10), high), RESIDUAL_MAP


def plot_cells(axes: Axes, heat: HeatMap) -> QuadMesh:
    """Draw the cells of one heat map alone, and return them for a colour bar."""
    x, y = _edges(heat.horizontal), _edges(heat.vertical)
    values = np.ma.masked_invalid(heat.values.T)  # (n1, n0): rows are the vertical coordinate
    if isinstance(heat.norm, LogNorm):  # zero and whatever is under the scale show as its lowest colour
        values = np.ma.clip(values, heat.norm.vmin, heat.norm.vmax)
    axes.set_facecolor(OUTSIDE if np.ma.is_masked(values) else "white")
    colours = matplotlib.colormaps[heat.colours]
    mesh = axes.pcolormesh(x, y, values, norm=heat.norm, cmap=colours, shading="flat", rasterized=True)
    # Half a cell sticks out on every side; the picture ends where the domain does.
    axes.set_xlim(*_limits(heat.horizontal, x))
    axes.set_ylim(*_limits(heat.vertical, y))
    axes.set_aspect("equal" if heat.equal else "auto")
    axes.spines[:].set_visible(True)
    few_ticks(axes)
    return mesh


def plot_map(axes: Axes, heat: HeatMap) -> None:
    """Draw one heat map with its colour bar."""
    mesh = plot_cells(axes, heat)
    axes.set_xlabel(name_math(heat.axes[0]))
    axes.set_ylabel(name_math(heat.axes[1]))
    axes.set_title(heat.title)
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    # Inside the axes' own frame of reference the bar is as high as the map, on any shape.
    bar = figure.colorbar(mesh, cax=axes.inset_axes((1.03, 0, 0.045, 1)))
    bar.outline.set_visible(False)
    if not isinstance(heat.norm, LogNorm):
        bar.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
        bar.update_ticks()


def map_height(heat: HeatMap) -> float:
    """Return the height in inches of a picture of one map; on one scale it follows from the shape."""
    if not heat.equal:
        return 3.2
    return min(max(0.74 * WIDTH * _ratio(heat.horizontal, heat.vertical) + 0.85, 2.0), 5.6)


def map_figure(heat: HeatMap) -> Figure:
    """Return one heat map as a picture of its own."""
    figure = new_figure(map_height(heat))
    plot_map(figure.add_subplot(), heat)
    return figure


def comparable(horizontal: np.ndarray, vertical: np.ndarray) -> bool:
    """Return whether two coordinates can share one scale without a splinter of a picture."""
    return 1 / _MOST_UNEQUAL < _ratio(horizontal, vertical) < _MOST_UNEQUAL


def _ratio(horizontal: np.ndarray, vertical: np.ndarray) -> float:
    wide, high = np.ptp(horizontal), np.ptp(vertical)
    return float(high / wide) if wide > 0 and high > 0 else np.inf


def _known(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return every finite value of the arrays, in one row."""
    flat = np.concatenate([np.ravel(a) for a in arrays] or [np.empty(0)])
    return flat[np.isfinite(flat)]


def _edges(centres: np.ndarray) -> np.ndarray:
    """Return the (n+1,) edges of cells around (n,) rising centres; a lone centre gets a cell of width 1."""
    if np.ptp(centres) == 0:
        return np.linspace(centres[0] - 0.5, centres[0] + 0.5, centres.size + 1)
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _limits(centres: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    ends = centres if np.ptp(centres) > 0 else edges
    return float(ends[0]), float(ends[-1])
