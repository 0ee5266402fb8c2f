"""Panels as a run folder has them, made sound and sorted into groups that share a picture or a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pinnsolver.report.wording import finite
from pinnsolver.runfolder import Panel, RunData

_HUGE = 1e100  # beyond this, or below its inverse, matplotlib's own arithmetic leaves the doubles


@dataclass(frozen=True)
class Group:
    """Panels over the same running coordinates, with the same coordinates held fixed.

    Args:
        axes: names of the running coordinates, the horizontal one first.
        panels: at least one, in the order of the run folder.
        constant: fixed coordinates that have one value in all panels.
        varying: names of those that have several, time first.
    """

    axes: tuple[str, ...]
    panels: tuple[Panel, ...]
    constant: Mapping[str, float]
    varying: tuple[str, ...]

    def names(self, kind: str) -> list[str]:
        """Return the names in `kind` (`fields`, `reference`, `residual`) of any panel, in order."""
        return list(dict.fromkeys(name for panel in self.panels for name in getattr(panel, kind)))


def sound_panels(run: RunData) -> tuple[list[Panel], int]:
    """Return the panels that can be drawn, as sorted floats of the right shape, and how many cannot."""
    sound = [p for p in (_sound(panel) for panel in run.panels) if p is not None]
    return sound, len(run.panels) - len(sound)


def group_panels(panels: Iterable[Panel], times: frozenset[str]) -> list[Group]:
    """Sort panels into groups, in order of first appearance; `times` are the names of time coordinates."""
    found: dict[tuple[tuple[str, ...], frozenset[str]], list[Panel]] = {}
    for panel in panels:
        found.setdefault((panel.axes, frozenset(panel.fixed)), []).append(panel)
    groups = []
    for (axes, _), members in found.items():
        fixed = members[0].fixed
        constant = {n: v for n, v in fixed.items() if all(p.fixed[n] == v for p in members)}
        varying = sorted((n for n in fixed if n not in constant), key=lambda n: n not in times)
        groups.append(Group(axes, tuple(members), constant, tuple(varying)))
    return groups


def time_names(run: RunData) -> frozenset[str]:
    """Return the names of the coordinates that are time: those declared so, or else a plain `t`."""
    coordinates = [c for c in as_list(run.understood.get("coordinates")) if isinstance(c, Mapping)]
    roles = {str(c.get("name")): c.get("role") for c in coordinates}
    return frozenset(n for n, role in roles.items() if role == "time") if roles else frozenset("t")


def space_names(run: RunData) -> frozenset[str]:
    """Return the names of the coordinates that are lengths, and so may share one scale."""
    coordinates = [c for c in as_list(run.understood.get("coordinates")) if isinstance(c, Mapping)]
    if coordinates:
        return frozenset(str(c.get("name")) for c in coordinates if c.get("role") == "space")
    return frozenset(n for panel in run.panels for n in panel.axes) - {"t"}


def spread(items: list[Any], most: int) -> list[Any]:
    """Return at most `most` of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return items
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, most)]


def as_list(value: object) -> list[Any]:
    """Return a list of a JSON file, or an empty one where an older or damaged run has something else."""
    return list(value) if isinstance(value, list | tuple) else []


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return an object of a JSON file, or an empty one where an older or damaged run has something else."""
    return value if isinstance(value, Mapping) else {}


def _sound(panel: Panel) -> Panel | None:
    """Return the panel with sorted float axes and only the arrays that fit them; None where nothing fits."""
    axes = [np.asarray(panel.coordinates.get(name, [])) for name in panel.axes]
    if len(axes) not in (1, 2) or any(a.dtype.kind not in "iufb" or a.ndim != 1 or not a.size for a in axes):
        return None
    axes = [a.astype(float) for a in axes]
    if not all(np.isfinite(a).all() and (abs(a) < _HUGE).all() for a in axes):
        return None
    fixed = {str(n): finite(v) for n, v in panel.fixed.items()}
    if None in fixed.values():
        return None
    orders = [np.argsort(a, kind="stable") for a in axes]
    shape = tuple(a.size for a in axes)

    def fitting(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = {name: np.asarray(values) for name, values in arrays.items()}
        return {
            name: _tame(values)[np.ix_(*orders)]
            for name, values in found.items()
            if values.shape == shape and values.dtype.kind in "iufb"
        }

    fields = fitting(panel.fields)
    return replace(
        panel,
        fixed={n: v for n, v in fixed.items() if v is not None},
        coordinates={n: a[o] for n, a, o in zip(panel.axes, axes, orders, strict=True)},
        fields=fields,
        reference={n: v for n, v in fitting(panel.reference).items() if n in fields},
        residual=fitting(panel.residual),
    )


def _tame(values: np.ndarray) -> np.ndarray:
    """Return floats that can be drawn: beyond ±1e100 is not known (NaN), below 1e-100 is zero."""
    values = values.astype(float)
    size = np.abs(values)
    return np.where(size < _HUGE, np.where(size > 1 / _HUGE, values, 0.0), np.nan)
