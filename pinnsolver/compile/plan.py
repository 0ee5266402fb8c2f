"""Which derivatives of which field are needed on one set of points, asked for once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from pinnsolver.declare.orders import Orders


@dataclass(frozen=True)
class OrdersSum:
    """A sum of derivatives of one total order, propagated as one: the Laplacian, say.

    Args:
        parts: the orders of each with its number.
    """

    parts: tuple[tuple[Orders, float], ...]


FieldDerivative = tuple[str, Orders | OrdersSum]


@dataclass(frozen=True)
class DerivativePlan:
    """The derivatives wanted, as (field, orders by coordinate), sorted and without repeats."""

    wanted: tuple[FieldDerivative, ...]

    @classmethod
    def of(cls, wanted: Iterable[FieldDerivative]) -> DerivativePlan:
        """Return the plan of some derivatives in any order."""
        return cls(tuple(sorted(set(wanted), key=_place)))

    def __or__(self, other: DerivativePlan) -> DerivativePlan:
        return DerivativePlan.of((*self.wanted, *other.wanted))

    def orders_of(self, field: str) -> tuple[Orders | OrdersSum, ...]:
        """Return the orders wanted of one field."""
        return tuple(orders for name, orders in self.wanted if name == field)


def _place(wanted: FieldDerivative) -> tuple[str, bool, tuple[Any, ...]]:
    """Return what a plan is sorted by: single derivatives before sums."""
    field, orders = wanted
    is_sum = isinstance(orders, OrdersSum)
    return field, is_sum, orders.parts if isinstance(orders, OrdersSum) else orders


@dataclass(frozen=True)
class Linearised:
    """Derivatives of a network's outputs at points, and their slopes by the network's parameters.

    Args:
        values: (n, 1) for each entry of a plan, without a graph.
        fill: takes seeds c_k, (n, 1) by entry, and sets a tensor (parameters, n) to the slopes of
            sum_k c_k derivative_k at each point; parameters in the order of `Module.parameters`.
    """

    values: Mapping[FieldDerivative, torch.Tensor]
    fill: Callable[[Mapping[FieldDerivative, torch.Tensor], torch.Tensor], None]


class FieldNetwork(Protocol):
    """A network that gives derivatives of named fields; every torch module becomes one by nested autograd."""

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative.

        Args:
            points: (n, D) coordinates of the problem, in column order.
            plan: what is wanted.

        Returns:
            (n, 1) for each entry of the plan, with a graph to the parameters where gradients are on.
        """
        ...

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Return each planned derivative and its slopes by the parameters.

        Args:
            points: (n, D) coordinates of the problem, in column order.
            plan: what is wanted.
        """
        ...
