"""The look of every picture: one palette legible to the colour-blind, one size that a phone can show."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pinnsolver.report.names import FONT

# Okabe and Ito's palette without its yellow, which white paper swallows, and its black, which is the total's.
LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", (0, (6, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
INK = "#1a1a1a"
QUIET = "#5c6670"
FIELD_MAP = "viridis"
SIGNED_MAP = "RdBu_r"
RESIDUAL_MAP = "cividis"
OUTSIDE = "#e9ecef"

# 4.6 inches shown 350 pixels wide make 11 points about 12 pixels high.
WIDTH = 4.6
DPI = 170

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],
    "mathtext.fontset": "dejavusans",
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 12,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#d9dde1",
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 2.2,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """One picture of a report.

    Args:
        name: file name without its ending, unique in a report.
        alt: what is seen, in words.
        png: the picture.
        width: its width in CSS pixels (96 an inch).
        height: its height likewise.
    """

    name: str
    alt: str
    png: bytes
    width: int
    height: int


class _ShownFigure(Figure):
    """A figure that a notebook shows as it is, though pyplot does not know it."""

    def _repr_png_(self) -> bytes:
        return _png(self)


def few_ticks(axes: Axes) -> None:
    """Let numbers on the axes keep their distance."""
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in this report's style, whatever the user's own is, and leave the user's as it was."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)  # type: ignore[arg-type]
        yield


def new_figure(height: float, width: float = WIDTH, dpi: float = DPI) -> Figure:
    """Return an empty figure with an Agg canvas; sizes in inches."""
    figure = _ShownFigure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def picture(figure: Figure, name: str, alt: str) -> Picture:
    """Return a drawn figure as a picture."""
    width, height = figure.get_size_inches()
    return Picture(name, alt, _png(figure), round(96 * width), round(96 * height))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.print_png(buffer, metadata={"Software": None})  # `savefig` would lay everything out twice
    return buffer.getvalue()
