"""Panels of one coordinate as blocks of curves: the solution with its dashed reference, and the error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from markupsafe import Markup

from pinnsolver.report.curves import Curve, CurvePlot, has_size, line_colours, line_dashes
from pinnsolver.report.groups import Group, spread
from pinnsolver.report.names import name_html, name_math, name_text, slug
from pinnsolver.report.sketches import Block, Sketch, left_out, placed_title, places_html, places_math
from pinnsolver.runfolder import Panel

_MOST_LINES = 6  # of one picture
_MOST_FACETS = 4  # pictures of one field in one group
_SAME_SIZE = 30  # fields whose greatest values differ less than this share one picture

Values = Callable[[Panel, str], np.ndarray | None]


def solution_slices(group: Group, fields: list[str]) -> list[Block]:
    """Return one block of curves: fields of like size together on a lone panel, else one picture a field."""
    if len(group.panels) == 1 and _alike(group.panels[0], fields):
        plots = _together(group, fields)
    else:
        plots = [s for name in fields for s in _apart(group, name)]
    errors = any(s.name.startswith("error-") for s in plots)
    heading = Markup("{} along {}{}").format(
        Markup(", ").join(name_html(n) for n in fields), name_html(group.axes[0]), places_html(group.constant)
    )
    notes = left_out(len(group.panels) - sum(map(len, _facets(group))), "slice")
    return [Block(heading, tuple(plots), 2 if errors else 0, notes)] if plots else []


def residual_slices(group: Group, equations: list[str]) -> list[Block]:
    """Return one block of curves: the size of every equation's residual."""
    if len(group.panels) == 1:
        plots = _lone(group, "residual", "Residual, absolute", equations)
    else:
        plots = [
            s
            for n in equations
            for s in _faceted(group, "residual", n, f"Residual, absolute: {name_math(n)}")
        ]
    heading = Markup("{} along {}{}").format(
        Markup(", ").join(name_html(n) for n in equations),
        name_html(group.axes[0]),
        places_html(group.constant),
    )
    return [Block(heading, tuple(plots))] if plots else []


def _together(group: Group, fields: list[str]) -> list[Sketch]:
    title = "Solution" if len(fields) > 1 else name_math(fields[0])
    plots = _lone(group, "solution", title, fields)
    return plots + _lone(group, "error", "Error against the reference, absolute", fields)


def _apart(group: Group, name: str) -> list[Sketch]:
    plots = _faceted(group, "solution", name, name_math(name))
    return plots + _faceted(group, "error", name, f"|{name_math(name)} − reference|")


def _lone(group: Group, kind: str, title: str, names: list[str]) -> list[Sketch]:
    """Return one picture with a curve for every name, on the group's only panel."""
    values, size_only = _KINDS[kind]
    panel, axis = group.panels[0], group.axes[0]
    x = panel.coordinates[axis]
    curves = [
        Curve(name_math(name), x, y, line_colours(i + 1, ordered=False)[-1], line_dashes(i))
        for i, name in enumerate(names)
        if (y := values(panel, name)) is not None and _worth(y, size_only)
    ]
    if not curves:
        return []
    dashed = _references([panel], axis, names) if kind == "solution" else ()
    alt = f"Curves, {kind} of {', '.join(map(name_text, names))} over {name_text(axis)}"
    stem = f"{kind}-{slug('-'.join(names))}-along-{slug(axis)}"
    return [Sketch(stem, alt, CurvePlot(title, axis, tuple(curves), dashed, size_only))]


def _faceted(group: Group, kind: str, name: str, title: str) -> list[Sketch]:
    """Return one picture for every value of the slowly varying coordinates, a curve for each of the first."""
    values, size_only = _KINDS[kind]
    axis = group.axes[0]
    sketches = []
    for i, panels in enumerate(_facets(group)):
        having = [p for p in panels if (y := values(p, name)) is not None and _worth(y, size_only)]
        if not having:
            continue
        colours = line_colours(len(having), ordered=True)
        curves = []
        for panel, colour in zip(having, colours, strict=True):
            y = values(panel, name)
            label = places_math(panel.fixed, group.varying[:1]) or name_math(name)
            curves.append(Curve(label, panel.coordinates[axis], y if y is not None else np.empty(0), colour))
        dashed = _references(having, axis, [name]) if kind == "solution" else ()
        alt = f"Curves, {kind} of {name_text(name)} over {name_text(axis)}: {len(curves)} slice(s)"
        stem = f"{kind}-{slug(name)}-along-{slug(axis)}-{i + 1}"
        heading = placed_title(title, having[0].fixed, group.varying[1:])
        sketches.append(Sketch(stem, alt, CurvePlot(heading, axis, tuple(curves), dashed, size_only)))
    return sketches


def _facets(group: Group) -> list[list[Panel]]:
    """Return the panels of each picture: they share all but the first of the coordinates that vary."""
    by_place: dict[tuple[float, ...], list[Panel]] = {}
    for panel in group.panels:
        by_place.setdefault(tuple(panel.fixed[n] for n in group.varying[1:]), []).append(panel)
    facets = spread(list(by_place.values()), _MOST_FACETS)
    return [spread(panels, _MOST_LINES) for panels in facets]


def _references(panels: Iterable[Panel], axis: str, names: Sequence[str]) -> tuple[Curve, ...]:
    return tuple(
        Curve("reference", p.coordinates[axis], p.reference[n], "black")
        for p in panels
        for n in names
        if n in p.reference and np.isfinite(p.reference[n]).any()
    )


def _alike(panel: Panel, fields: list[str]) -> bool:
    """Return whether one axis can show all these fields."""
    sizes = [np.nanmax(np.abs(panel.fields[n])) for n in fields if n in panel.fields]
    return len(sizes) <= _MOST_LINES and 0 < max(sizes) <= _SAME_SIZE * min(sizes)


def _worth(values: np.ndarray, size_only: bool) -> bool:
    return has_size(values) if size_only else bool(np.isfinite(values).any())


def _solution(panel: Panel, name: str) -> np.ndarray | None:
    return panel.fields.get(name)


def _error(panel: Panel, name: str) -> np.ndarray | None:
    known: Mapping[str, np.ndarray] = panel.reference
    return panel.fields[name] - known[name] if name in known and name in panel.fields else None


def _residual(panel: Panel, name: str) -> np.ndarray | None:
    return panel.residual.get(name)


# What a kind of picture shows, and whether as absolute values on a logarithmic axis.
_KINDS: dict[str, tuple[Values, bool]] = {
    "solution": (_solution, False),
    "error": (_error, True),
    "residual": (_residual, True),
}
