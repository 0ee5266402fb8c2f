"""Panels of two coordinates as blocks of heat maps: solution, reference and error side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.colors import Normalize

from pinnsolver.report.groups import Group, spread
from pinnsolver.report.names import name_html, name_math, name_text, slug
from pinnsolver.report.planes import HeatMap, comparable, error_norm, field_norm, residual_norm
from pinnsolver.report.sketches import Block, Sketch, left_out, placed_title, places_html, places_text
from pinnsolver.runfolder import Panel

_MOST_MAPS = 30  # of one group
_MOST_PANELS = 6  # of one field in one group

Scale = tuple[Normalize, str]


@dataclass(frozen=True)
class _View:
    """Panel number `index` of a group; `space` names the coordinates that are lengths."""

    group: Group
    panel: Panel
    index: int
    space: frozenset[str]


def solution_maps(group: Group, fields: list[str], space: frozenset[str]) -> list[Block]:
    """Return the maps of every field: one block each, or one for all where there is nothing to compare."""
    known = set(group.names("reference"))
    maps = sum(3 if name in known else 1 for name in fields)
    panels = _chosen(group, maps)
    notes = left_out(len(group.panels) - len(panels), "panel")
    blocks = []
    for name in fields:
        views = [_View(group, p, i, space) for i, p in enumerate(panels) if name in p.fields]
        rows = [_field_row(view, name) for view in views]
        heading = Markup("{}{}").format(name_html(name), _over(group))
        blocks.append(Block(heading, tuple(s for row in rows for s in row), 3 if name in known else 0, notes))
    return _joined(group, blocks, fields) if not known and len(panels) == 1 else blocks


def residual_maps(group: Group, equations: list[str], space: frozenset[str]) -> list[Block]:
    """Return the maps of every equation's residual, likewise."""
    panels = _chosen(group, len(equations))
    notes = left_out(len(group.panels) - len(panels), "panel")
    blocks = []
    for name in equations:
        scale = residual_norm(p.residual[name] for p in group.panels if name in p.residual)
        views = [_View(group, p, i, space) for i, p in enumerate(panels) if name in p.residual]
        title = f"Residual: {name_math(name)}"
        row = [_map(v, ("residual", name), title, np.abs(v.panel.residual[name]), scale) for v in views]
        heading = Markup("{}{}").format(name_html(name), _over(group))
        blocks.append(Block(heading, tuple(s for s in row if s is not None), 0, notes))
    return _joined(group, blocks, equations) if len(panels) == 1 else blocks


def _field_row(view: _View, name: str) -> list[Sketch]:
    """Return the solution on one panel and, where the reference is known, the reference and the error."""
    panel = view.panel
    having = [p for p in view.group.panels if name in p.fields]
    references = [p.reference[name] for p in having if name in p.reference]
    scale = field_norm([*(p.fields[name] for p in having), *references])
    title = name_math(name)
    row = [_map(view, ("solution", name), f"{title}, solution", panel.fields[name], scale)]
    if name in panel.reference:
        errors = error_norm(p.fields[name] - p.reference[name] for p in having if name in p.reference)
        reference = panel.reference[name]
        difference = panel.fields[name] - reference
        row += [
            _map(view, ("reference", name), f"{title}, reference", reference, scale),
            _map(view, ("error", name), f"{title} − reference", difference, errors),
        ]
    return [s for s in row if s is not None]


def _map(
    view: _View, what: tuple[str, str], title: str, values: np.ndarray, scale: Scale | None
) -> Sketch | None:
    """Return one map, or None where none of its values is known; `what` is its kind and its name."""
    if scale is None or not np.isfinite(values).any():
        return None
    group, panel = view.group, view.panel
    across, up = group.axes
    horizontal, vertical = panel.coordinates[across], panel.coordinates[up]
    equal = {across, up} <= view.space and comparable(horizontal, vertical)
    heat = HeatMap(
        title=placed_title(title, panel.fixed, group.varying),
        axes=(across, up),
        horizontal=horizontal,
        vertical=vertical,
        values=values,
        norm=scale[0],
        colours=scale[1],
        equal=equal,
    )
    kind, name = what
    over = f"{name_text(across)} and {name_text(up)}{places_text(panel.fixed)}"
    alt = f"Heat map, {kind} of {name_text(name)} over {over}"
    return Sketch(f"{kind}-{slug(name)}-{slug(across)}-{slug(up)}-{view.index + 1}", alt, heat)


def _chosen(group: Group, maps_each: int) -> list[Panel]:
    """Return as many panels of the group as a page can show, evenly spread."""
    return spread(list(group.panels), min(_MOST_PANELS, max(2, _MOST_MAPS // max(maps_each, 1))))


def _joined(group: Group, blocks: list[Block], names: list[str]) -> list[Block]:
    """Return blocks of few maps as one."""
    heading = Markup("{}{}").format(Markup(", ").join(name_html(n) for n in names), _over(group))
    sketches = tuple(s for block in blocks for s in block.sketches)
    return [Block(heading, sketches, 0, blocks[0].notes)] if blocks else []


def _over(group: Group) -> Markup:
    across, up = (name_html(n) for n in group.axes)
    return Markup(" over {} and {}{}").format(across, up, places_html(group.constant))
