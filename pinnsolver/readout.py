"""A trained problem read out at places: the declared fields and all their derivatives, in any frame.

In the Eulerian frame the trained network is asked as it is. In a Lagrangian frame it knows fields at labels: a network of the
declared fields is made of it, which finds the label of each place and gives derivatives by place through the chain rule.
Whatever evaluates, audits or draws a declaration works on it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy
import torch

from pinnsolver.compile import CompiledProblem, DerivativePlan, FieldDerivative
from pinnsolver.compile.plan import FieldNetwork, Linearised, OrdersSum
from pinnsolver.declare import FieldValue
from pinnsolver.declare.orders import Orders
from pinnsolver.flow import FlowMap
from pinnsolver.train import TrainableProblem, WindowedProblem
from pinnsolver.transform import Ansatz, Enforcement, TransformedProblem


@dataclass(frozen=True)
class Readout:
    """What a declaration is read out from.

    Args:
        compiled: the declaration as it was written, in places.
        network: of its fields, before the ansatz of `compiled`.
        crossing: when particles cross; None where they do not, or where there are none.
    """

    compiled: CompiledProblem
    network: FieldNetwork
    crossing: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the fields has to know of them."""
        time = self.compiled.checked.time
        if self.crossing is None or time is None:
            return ()
        return (
            f"Particles cross from about {time.name} = {self.crossing:.4g} on: a place has several of them there, and the fields are "
            "given before that only. The numbers of errors and residuals hold for those times.",
        )

    def fields(self, points: np.ndarray, module: TrainableProblem | WindowedProblem) -> dict[str, np.ndarray]:
        """Return all declared fields at (n, D) points, (n,) each."""
        expressions = {f.name: f.applied for f in self.compiled.checked.fields}
        unknowns = module.unknowns.values()
        return self.compiled.evaluate(expressions, points, self.network, unknowns, module.device)


def read_out(
    compiled: CompiledProblem, module: TrainableProblem | WindowedProblem, watch: bool = True
) -> Readout:
    """Return what to read a trained problem out from.

    Args:
        watch: look for a crossing of particles; from then on there are no values.
    """
    transformed = compiled.transformed
    if transformed.frame is None:
        return Readout(compiled, module.network)
    declared = transformed.declared
    plain = TransformedProblem(
        declared,
        transformed.settings,
        {f.name: Ansatz.plain() for f in declared.fields},
        {c.name: Enforcement("soft", "read out only") for c in declared.conditions},
        transformed.choices,
        transformed.scales,
    )
    flow = FlowMap(compiled, module, watch)
    return Readout(CompiledProblem(plain), _PlaceNetwork(compiled, module, flow), flow.crossing)


class _PlaceNetwork:
    """A network of fields at labels as one of fields at places; for reading out, without gradients.

    Args:
        compiled: the problem restated in labels.
        module: its trained network.
        flow: finds labels.
    """

    def __init__(
        self, compiled: CompiledProblem, module: TrainableProblem | WindowedProblem, flow: FlowMap
    ) -> None:
        self._compiled, self._module, self._flow = compiled, module, flow
        self._ready: dict[DerivativePlan, Callable[..., dict[str, np.ndarray]]] = {}

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative by place and time, (n, 1); NaN where a place has not exactly one label."""
        labels = self._flow.labels(points.detach().cpu().numpy().astype(float))
        known = np.isfinite(labels).all(axis=1)
        if plan not in self._ready:  # formulas only: they know nothing of the weights
            expressions = {str(k): self._in_labels(*key) for k, key in enumerate(plan.wanted)}
            self._ready[plan] = self._compiled.evaluator(expressions)
        module = self._module
        found = self._ready[plan](labels[known], module.network, module.unknowns.values(), module.device)
        values = {}
        for k, key in enumerate(plan.wanted):
            column = np.full((len(labels), 1), np.nan)
            column[known, 0] = found[str(k)]
            values[key] = torch.as_tensor(column, dtype=points.dtype, device=points.device)
        return values

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Refuse: training goes on at labels."""
        raise NotImplementedError("fields are read out at places, and trained at labels")

    def _in_labels(self, field: str, orders: Orders | OrdersSum) -> sympy.Expr:
        """Return a derivative by place and time as an expression at labels."""
        frame = self._compiled.transformed.frame
        assert frame is not None
        function = next(f for f in frame.declared.fields if f.name == field)
        parts = orders.parts if isinstance(orders, OrdersSum) else ((orders, 1.0),)
        terms = (number * frame.labels.value(FieldValue(field, part), function) for part, number in parts)
        return sympy.Add(*terms)
