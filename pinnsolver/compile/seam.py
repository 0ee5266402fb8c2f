"""The state that one window of time hands over to the next, as a part of the next one's lift.

A window takes over S_l(x) = d_t^l u(x, T), l < levels, and its lift holds sum_l (t - T)^l / l! S_l(x), of which

    D_x^a d_t^b = sum_{l >= b} (t - T)^(l - b) / (l - b)! D_x^a d_t^l u(x, T).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial
from typing import Protocol

import torch

from pinnsolver.compile.plan import DerivativePlan, FieldDerivative, OrdersSum
from pinnsolver.declare.orders import Orders


class State(Protocol):
    """Something that knows the fields at the seam: the last window's solution."""

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return the planned derivatives of the fields, (n, 1) each, at points that lie on the seam."""
        ...


@dataclass(frozen=True)
class Seam:
    """Where a window begins, and what it takes over.

    Args:
        state: of the last window.
        column: of the time among the coordinates.
        time: of the seam.
        levels: by field, the number of states handed over.
        alone: whether the state is the same at all points, that is a system in time alone.
    """

    state: State
    column: int
    time: float
    levels: Mapping[str, int]
    alone: bool

    def columns(
        self, points: torch.Tensor, wanted: tuple[FieldDerivative, ...]
    ) -> dict[FieldDerivative, torch.Tensor]:
        """Return by wanted derivative what the state adds to it, (n, 1); nothing where it adds nothing.

        Args:
            points: (n, D) of the window.
        """
        parts = {key: list(self._parts(*key)) for key in wanted}
        plan = DerivativePlan.of(asked for found in parts.values() for _, _, asked in found)
        if not plan.wanted:
            return {}
        at_seam = points[:1].clone() if self.alone else points.clone()
        at_seam[:, self.column] = self.time
        with torch.no_grad():
            state = self.state.derivatives(at_seam, plan)
        elapsed = points[:, self.column : self.column + 1] - self.time
        columns = {}
        for key, found in parts.items():
            if found:
                terms = [number * elapsed**power * state[asked] for number, power, asked in found]
                columns[key] = torch.stack(terms).sum(0)
        return columns

    def _parts(self, field: str, orders: Orders | OrdersSum) -> list[tuple[float, int, FieldDerivative]]:
        """Return the terms of the module's formula as (number, power of the elapsed time, derivative at the seam)."""
        found: list[tuple[float, int, FieldDerivative]] = []
        for single, number in orders.parts if isinstance(orders, OrdersSum) else ((orders, 1.0),):
            by_time = single[self.column]
            for level in range(by_time, self.levels.get(field, 0)):
                asked = tuple(level if i == self.column else order for i, order in enumerate(single))
                found.append((number / factorial(level - by_time), level - by_time, (field, asked)))
        return found
