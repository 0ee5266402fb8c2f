"""Constants and sizes of trained fields, worked out from the conditions that fix them (`transform/constants.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch

from pinnsolver.compile.plan import DerivativePlan, FieldDerivative, FieldNetwork, Linearised
from pinnsolver.compile.problem import CompiledProblem
from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.lower import Lowered
from pinnsolver.declare.orders import Orders
from pinnsolver.transform.constants import free_coordinates

CLOSE = 0.1  # a size that training missed by more is no matter of digits, and stays for all to see
CHUNK = 500  # places at which conditions are evaluated at once, each with all nodes of its integral


def with_constants(
    compiled: CompiledProblem, network: FieldNetwork, unknowns: Mapping[str, torch.Tensor]
) -> FieldNetwork:
    """Return a trained network of a problem's fields with the constants and sizes that single conditions fix."""
    fixed = any(a.constant or a.size for a in compiled.transformed.ansatz.values())
    return _FixedNetwork(compiled, network, unknowns) if fixed else network


class _FixedNetwork:
    """A network whose fields are multiplied by their sizes, and to which their constants are added; without gradients."""

    def __init__(
        self, compiled: CompiledProblem, network: FieldNetwork, unknowns: Mapping[str, torch.Tensor]
    ) -> None:
        self._compiled, self._network, self._unknowns = compiled, network, unknowns
        self._known: dict[tuple[str, Orders], CompiledProblem] = {}

    @torch.no_grad()
    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        found = dict(self._network.derivatives(points, plan))
        for name, ansatz in self._compiled.transformed.ansatz.items():
            mine = [key for key in found if key[0] == name]
            if mine and ansatz.size is not None:
                factor = self._factor(ansatz.size, name, points)
                found |= {key: factor * found[key] for key in mine}
            if ansatz.constant is not None:
                for key in mine:
                    # A sum of derivatives is of second order in space, at least.
                    if isinstance(key[1], tuple):
                        found[key] = found[key] + self._constant(ansatz.constant, name, key[1], points)
        return found

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Refuse: training knows nothing of constants."""
        raise NotImplementedError("constants and sizes are worked out for reading out only")

    def _constant(
        self, condition: str, field: str, orders: Orders, points: torch.Tensor
    ) -> torch.Tensor | float:
        """Return the derivative of what has to be added to a field, so that a linear condition holds; (n, 1), or zero."""
        checked = self._compiled.checked
        source = next(c for c in checked.conditions if c.name == condition)
        symbols = free_coordinates(source, next(f for f in checked.fields if f.name == field))
        free = [c.symbol in symbols or c.role == "parameter" for c in checked.coordinates]
        if any(order and not is_free for order, is_free in zip(orders, free, strict=True)):
            return 0.0

        def solved(places: np.ndarray) -> torch.Tensor:
            none, one = (
                self._residual(condition, places, _Constant({field: v}), points.device) for v in (0.0, 1.0)
            )
            return self._residual(condition, places, self._network, points.device, orders) / (none - one)

        return self._by_place(points, free, solved)

    def _factor(self, condition: str, field: str, points: torch.Tensor) -> torch.Tensor:
        """Return what a field has to be multiplied by, (n, 1), so that the integral of its square is as asked for; 1 where that is far off."""

        def solved(places: np.ndarray) -> torch.Tensor:
            none = self._residual(condition, places, _Constant({field: 0.0}), points.device)
            square = self._residual(condition, places, self._network, points.device) - none
            factor = torch.sqrt(-none / square)
            return torch.where((factor - 1).abs() < CLOSE, factor, torch.ones_like(factor))

        return self._by_place(
            points, [c.role == "parameter" for c in self._compiled.checked.coordinates], solved
        )

    def _by_place(
        self, points: torch.Tensor, free: list[bool], solved: Callable[[np.ndarray], torch.Tensor]
    ) -> torch.Tensor:
        """Return what depends on some coordinates only, (n, 1) at points (n, D), worked out once for each of their values."""
        every = points.cpu().numpy().astype(float)
        if not len(every):
            return torch.zeros_like(points[:, :1])
        _, first, back = np.unique(every[:, free], axis=0, return_index=True, return_inverse=True)
        found = [solved(every[first[start : start + CHUNK]]) for start in range(0, len(first), CHUNK)]
        return torch.cat(found)[torch.as_tensor(back.ravel(), device=points.device)].to(points.dtype)

    def _residual(
        self,
        condition: str,
        places: np.ndarray,
        network: FieldNetwork,
        device: torch.device,
        orders: Orders = (),
    ) -> torch.Tensor:
        """Return what a network leaves in a condition, or in a derivative of it by coordinates that it leaves free, (n, 1)."""
        compiled = self._differentiated(condition, orders) if any(orders) else self._compiled
        k = next(k for k, g in enumerate(compiled.groups) if condition in g.names)
        prepared = compiled.prepare(k, places, None, device)
        return compiled.residuals(prepared, network, self._unknowns)[condition]

    def _differentiated(self, name: str, orders: Orders) -> CompiledProblem:
        """Return the problem with the derivative of a condition in its place."""
        if (name, orders) not in self._known:
            transformed = self._compiled.transformed
            checked = transformed.checked
            residual = next(c.residual for c in checked.conditions if c.name == name)
            for column, order in enumerate(orders):
                for _ in range(order):
                    residual = _derivative(residual, column, checked)
            conditions = tuple(
                replace(c, residual=residual) if c.name == name else c for c in checked.conditions
            )
            other = replace(transformed, checked=replace(checked, conditions=conditions))
            self._known[name, orders] = CompiledProblem(other, self._compiled.seam, self._compiled.plain)
        return self._known[name, orders]


def _derivative(lowered: Lowered, column: int, checked: CheckedProblem) -> Lowered:
    """Return the derivative of a linear residual by a coordinate that none of its values is pinned at or integrated over."""
    expr = lowered.expr.diff(checked.coordinates[column].symbol)
    values, integrals = dict.fromkeys(lowered.values), dict.fromkeys(lowered.integrals)
    for v in lowered.values:
        moved = replace(v, orders=tuple(n + (k == column) for k, n in enumerate(v.orders)))
        expr += lowered.expr.diff(v.symbol) * moved.symbol
        values.setdefault(moved)
    for i in lowered.integrals:
        inner = replace(i, integrand=_derivative(i.integrand, column, checked))
        expr += lowered.expr.diff(i.symbol) * inner.symbol
        integrals.setdefault(inner)
    return Lowered(
        expr,
        tuple(v for v in values if expr.has(v.symbol)),
        tuple(i for i in integrals if expr.has(i.symbol)),
    )


class _Constant:
    """Fields of one number each, zero if none is said."""

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = numbers

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        value = (0,) * points.shape[1]
        return {
            key: torch.full_like(points[:, :1], self._numbers.get(key[0], 0.0) if key[1] == value else 0.0)
            for key in plan.wanted
        }

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Refuse: there is nothing to train."""
        raise NotImplementedError("a constant has no parameters")
