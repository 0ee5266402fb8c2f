"""A picture before it is drawn, and a block of pictures under one heading."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pinnsolver.report.curves import CurvePlot, curve_figure
from pinnsolver.report.names import name_html, name_math, name_text
from pinnsolver.report.planes import HeatMap, map_figure
from pinnsolver.report.style import Picture, picture
from pinnsolver.report.wording import number

_SHORT = 12  # letters of a name beside its value
_LINE = 34  # letters of a title


@dataclass(frozen=True)
class Sketch:
    """One picture before it is drawn.

    Args:
        name: file name without its ending.
        alt: what is seen, in words.
        what: the data and how it is drawn.
    """

    name: str
    alt: str
    what: HeatMap | CurvePlot

    def draw(self) -> Picture:
        """Return the picture."""
        figure = map_figure(self.what) if isinstance(self.what, HeatMap) else curve_figure(self.what)
        return picture(figure, self.name, self.alt)


@dataclass(frozen=True)
class Block:
    """Pictures that belong together.

    Args:
        heading: what is shown, as HTML.
        sketches: in reading order, row by row.
        columns: of a wide page; 0 for as many as fit.
        notes: what a reader should know, for example what is left out.
    """

    heading: Markup
    sketches: tuple[Sketch, ...]
    columns: int = 0
    notes: tuple[str, ...] = ()


def places_math(fixed: Mapping[str, float], names: Sequence[str]) -> str:
    """Return `t = 0.5, ν = 0.01` for matplotlib; of more than two coordinates the first two."""
    parts = [f"{name_math(n, _SHORT)} = {number(fixed[n])}" for n in names[:2]]
    return ", ".join(parts) + (", …" if len(names) > 2 else "")


def placed_title(title: str, fixed: Mapping[str, float], names: Sequence[str]) -> str:
    """Return a title with the place behind it, or below it where both together would be too wide."""
    where = places_math(fixed, names)
    if not where:
        return title
    letters = len(re.sub(r"\\mathrm|[${}\\_]", "", title + where))
    return f"{title}{chr(10) if letters > _LINE else '   '}{where}"


def places_text(fixed: Mapping[str, float]) -> str:
    """Return ` at t = 0.5, ν = 0.01` for an alt text, or nothing."""
    return " at " + ", ".join(f"{name_text(n)} = {number(v)}" for n, v in fixed.items()) if fixed else ""


def places_html(fixed: Mapping[str, float]) -> Markup:
    """Return ` at y = z = 0.5` for a heading, or nothing; coordinates with one value share one sign."""
    by_value: dict[str, list[Markup]] = {}
    for name, value in fixed.items():
        by_value.setdefault(number(value), []).append(name_html(name))
    parts = [Markup(" = ").join([*names, value]) for value, names in by_value.items()]
    return Markup(" at {}").format(Markup(", ").join(parts)) if parts else Markup("")


def left_out(count: int, one: str, many: str | None = None) -> tuple[str, ...]:
    """Return a note that `count` things are not shown, or nothing."""
    if count <= 0:
        return ()
    return (
        (f"1 more {one} is not shown.",)
        if count == 1
        else (f"{count} more {many or one + 's'} are not shown.",)
    )
