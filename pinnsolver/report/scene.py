"""Where a comparison looks: one panel that all contestants share, and what each of them shows there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pinnsolver.report.entries import Contest
from pinnsolver.report.groups import Group, group_panels, sound_panels, space_names, time_names
from pinnsolver.report.names import plain_math
from pinnsolver.report.planes import comparable
from pinnsolver.runfolder import Panel


@dataclass(frozen=True)
class Scene:
    """One line or plane through the domain, with every contestant on it.

    Args:
        panel: that of the first contestant; its reference is everybody's.
        seen: the same panel of every contestant, by label.
        lengths: names of the coordinates that may share one scale.
    """

    panel: Panel
    seen: Mapping[str, Panel]
    lengths: frozenset[str]

    @property
    def fields(self) -> list[str]:
        """The fields, those with a known answer first."""
        return sorted(self.panel.fields, key=lambda n: not self.is_known(n))

    def is_known(self, field: str) -> bool:
        """Say whether the answer is known somewhere on the panel."""
        return field in self.panel.reference and bool(np.isfinite(self.panel.reference[field]).any())

    @property
    def is_to_scale(self) -> bool:
        """Say whether the panel is a plane whose coordinates can share one scale."""
        names = self.panel.axes
        return (
            len(names) == 2
            and self.lengths >= set(names)
            and comparable(*(self.panel.coordinates[n] for n in names))
        )

    def value(self, label: str, field: str) -> np.ndarray:
        """Return a contestant's field, with the sign of the common reference where the sign is free."""
        own = self.seen[label]
        if not self.is_known(field) or field not in own.reference:
            return own.fields[field]
        flipped = np.nansum(own.reference[field] * self.panel.reference[field]) < 0
        return -own.fields[field] if flipped else own.fields[field]

    def miss(self, label: str, field: str) -> tuple[str, np.ndarray] | None:
        """Return what is wrong with a contestant's field and how much: the error, or else a residual's size."""
        own = self.seen[label]
        if self.is_known(field):
            return "error", np.abs(self.value(label, field) - self.panel.reference[field])
        for name, values in own.residual.items():
            what = "residual" if len(own.residual) == 1 else f"residual of {plain_math(name)}"
            return what, np.abs(values)
        return None


def choose_scene(contest: Contest) -> Scene | None:
    """Return the plane, or else the line, that says most: at the end of the time, in the middle of a family."""
    found: dict[str, list[Panel]] = {}
    times: frozenset[str] = frozenset()
    lengths: frozenset[str] = frozenset()
    for entry in contest.ran:
        assert entry.run is not None
        found[entry.label] = sound_panels(entry.run)[0]
        times, lengths = time_names(entry.run), space_names(entry.run)
    first = next(iter(found.values()), [])
    if not first:
        return None
    groups = group_panels(first, times)
    group = next((g for g in groups if len(g.axes) == 2), groups[0])
    panel = _representative(group, times)
    seen = {label: p for label, panels in found.items() for p in panels if _same_place(p, panel)}
    return Scene(panel, seen, lengths)


def _representative(group: Group, times: frozenset[str]) -> Panel:
    panels = list(group.panels)
    for name in group.varying:
        values = sorted({p.fixed[name] for p in panels})
        wanted = values[-1] if name in times else values[len(values) // 2]
        panels = [p for p in panels if p.fixed[name] == wanted]
    return panels[0]


def _same_place(one: Panel, other: Panel) -> bool:
    return (
        one.axes == other.axes
        and dict(one.fixed) == dict(other.fixed)
        and all(np.array_equal(one.coordinates[n], other.coordinates[n]) for n in one.axes)
        and set(one.fields) == set(other.fields)
    )
