"""Which pictures of the panels a report shows, in which order, and what it leaves out (and says so)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from pinnsolver.report.groups import Group, group_panels, sound_panels, space_names, time_names
from pinnsolver.report.maps import residual_maps, solution_maps
from pinnsolver.report.sketches import Block, left_out
from pinnsolver.report.slices import residual_slices, solution_slices
from pinnsolver.report.wording import number
from pinnsolver.runfolder import RunData

_MOST_NAMES = 8  # fields or equations of one group
_MANY_LINES = 3  # blocks of lines through one point that become one block
_MOST_PICTURES = 48  # of solutions, and half as many of residuals


@dataclass(frozen=True)
class Gallery:
    """Blocks of pictures not yet drawn, by section of the report.

    Args:
        solution: fields with their references and errors.
        residual: how far the equations are from holding.
        notes: what is left out.
    """

    solution: tuple[Block, ...]
    residual: tuple[Block, ...]
    notes: tuple[str, ...]


def plan_gallery(run: RunData) -> Gallery:
    """Return what to draw of a run's panels."""
    panels, unreadable = sound_panels(run)
    groups = group_panels(panels, time_names(run))
    space = space_names(run)
    solution = _gathered(groups, [_solutions(group, space) for group in groups])
    residual = _gathered(groups, [_residuals(group, groups, space) for group in groups])
    kept, cut = _within(solution, _MOST_PICTURES)
    kept_residual, cut_residual = _within(residual, _MOST_PICTURES // 2)
    notes = (
        *left_out(unreadable, "panel, which could not be read,", "panels, which could not be read,"),
        *left_out(cut, "picture of the solution", "pictures of the solution"),
        *left_out(cut_residual, "picture of residuals", "pictures of residuals"),
    )
    return Gallery(_unique(kept), _unique(kept_residual), notes)


def _solutions(group: Group, space: frozenset[str]) -> list[Block]:
    fields = _known_names(group, "fields")
    shown = fields[:_MOST_NAMES]
    if not shown:
        return []
    blocks = solution_slices(group, shown) if len(group.axes) == 1 else solution_maps(group, shown, space)
    return _with_notes(blocks, left_out(len(fields) - len(shown), "field"))


def _residuals(group: Group, groups: list[Group], space: frozenset[str]) -> list[Block]:
    """Return the residuals of one group; along a line only for the equations that no map shows."""
    mapped = {n for g in groups if len(g.axes) == 2 for n in _known_names(g, "residual")}
    line = len(group.axes) == 1
    equations = [n for n in _known_names(group, "residual") if not (line and n in mapped)]
    shown = equations[:_MOST_NAMES]
    if not shown:
        return []
    blocks = residual_slices(group, shown) if line else residual_maps(group, shown, space)
    return _with_notes(blocks, left_out(len(equations) - len(shown), "equation"))


def _gathered(groups: list[Group], blocks: list[list[Block]]) -> list[Block]:
    """Return the blocks of all groups in a row; several lines through one point become one block."""
    several = [b for group, found in zip(groups, blocks, strict=True) for b in found if _through(group)]
    points = {_through(group) for group, found in zip(groups, blocks, strict=True) if found} - {None}
    if len(several) < _MANY_LINES or len(points) != 1:
        return [b for found in blocks for b in found]
    heading = Markup("Along each coordinate, the others at {}").format(points.pop())
    sketches = tuple(s for b in several for s in b.sketches)
    notes = tuple(dict.fromkeys(n for b in several for n in b.notes))
    rest = [b for group, found in zip(groups, blocks, strict=True) for b in found if not _through(group)]
    return [*rest, Block(heading, sketches, max(b.columns for b in several), notes)]


def _through(group: Group) -> str | None:
    """Return the one value of all fixed coordinates, where the group is a lone line."""
    values = {number(v) for v in group.constant.values()}
    return values.pop() if len(group.axes) == 1 and not group.varying and len(values) == 1 else None


def _known_names(group: Group, kind: str) -> list[str]:
    """Return the names of which at least one value is known."""
    return [
        name
        for name in group.names(kind)
        if any(np.isfinite(getattr(p, kind)[name]).any() for p in group.panels if name in getattr(p, kind))
    ]


def _with_notes(blocks: list[Block], notes: tuple[str, ...]) -> list[Block]:
    return [*blocks[:-1], replace(blocks[-1], notes=(*blocks[-1].notes, *notes))] if blocks else []


def _within(blocks: list[Block], most: int) -> tuple[list[Block], int]:
    """Return the first blocks that together hold at most `most` pictures, and how many pictures are cut."""
    kept: list[Block] = []
    room, total = most, sum(len(b.sketches) for b in blocks)
    for block in blocks:
        if not block.sketches:
            continue
        if len(block.sketches) > room:
            break
        kept.append(block)
        room -= len(block.sketches)
    return kept, total - (most - room)


def _unique(blocks: list[Block]) -> tuple[Block, ...]:
    """Return the blocks with a number behind every file name that was there before."""
    seen: dict[str, int] = {}
    named = []
    for block in blocks:
        sketches = []
        for sketch in block.sketches:
            key = sketch.name.lower()  # some file systems do not tell U from u
            seen[key] = seen.get(key, 0) + 1
            sketches.append(sketch if seen[key] == 1 else replace(sketch, name=f"{sketch.name}.{seen[key]}"))
        named.append(replace(block, sketches=tuple(sketches)))
    return tuple(named)
