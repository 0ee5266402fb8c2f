"""The history of a training: a row for each recorded step, as columns for the table and for a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

PHASE = "phase"  # the only column of texts


class History:
    """A row for each recorded step; the first row says which columns there are.

    Rows are turned into numbers once, so that a long history costs a checkpoint nothing.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers = np.empty((0, 0))  # (rows so far, columns without the phase)

    def columns(self) -> dict[str, np.ndarray]:
        """Return it as columns; a number that a row lacks is NaN."""
        if not self.rows:
            return {}
        numbers = self._packed()
        found: dict[str, np.ndarray] = {}
        k = 0
        for name, first in self.rows[0].items():
            if name == PHASE:
                found[name] = np.array([row[PHASE] for row in self.rows])
                continue
            whole = isinstance(first, int)
            found[name] = numbers[:, k].astype(np.int64) if whole else numbers[:, k].copy()
            k += 1
        return found

    def _packed(self) -> np.ndarray:
        names = [name for name in self.rows[0] if name != PHASE]
        known = len(self._numbers)
        new = [[float(row.get(name, math.nan)) for name in names] for row in self.rows[known:]]
        if new:
            rows = np.array(new, dtype=float).reshape(len(new), len(names))
            self._numbers = np.concatenate([self._numbers, rows]) if known else rows
        return self._numbers

    def state_dict(self) -> dict[str, Any]:
        """Return all rows as columns."""
        return {name: list(c) if name == PHASE else c for name, c in self.columns().items()}

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> History:
        """Return the history of some columns, as `state_dict` gave them."""
        made = cls()
        lists = {name: list(map(_plain, column)) for name, column in columns.items()}
        made.rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        return made


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
