"""A trained problem read out at places: the declared fields and all their derivatives, in any frame.

In the Eulerian frame the trained network is asked as it is. In a Lagrangian frame it knows fields at labels, and with a stream function
it knows no velocity: a network of the declared fields is made of it, which gives their derivatives by the formulas of the
restatement, at labels after it has found the label of each place.
Whatever evaluates, audits or draws a declaration works on it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy
import torch

from pinnsolver.compile import CompiledProblem, DerivativePlan, FieldDerivative
from pinnsolver.compile.constants import with_constants
from pinnsolver.compile.plan import FieldNetwork, Linearised, OrdersSum
from pinnsolver.declare import CheckedProblem, FieldValue
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

    def restated(
        self,
        declared: CheckedProblem,
        module: TrainableProblem | WindowedProblem,
        value: Callable[[FieldValue], sympy.Expr],
        places: Callable[[np.ndarray], np.ndarray] | None,
    ) -> Readout:
        """Return what another declaration, of which this one is a restatement, is read out from.

        Args:
            value: gives a derivative of its fields as an expression of this one's.
            places: gives the points of this one, (n, D), that belong to its points; None where they are the same.
        """
        transformed = self.compiled.transformed
        plain = TransformedProblem(
            declared,
            transformed.settings,
            {f.name: Ansatz.plain() for f in declared.fields},
            {c.name: Enforcement("soft", "read out only") for c in declared.conditions},
            transformed.choices,
            transformed.scales,
        )
        network = _DeclaredNetwork(self, module, value, places)
        return Readout(CompiledProblem(plain), network)


def read_out(
    compiled: CompiledProblem, module: TrainableProblem | WindowedProblem, watch: bool = True
) -> Readout:
    """Return what to read a trained problem out from.

    Args:
        watch: look for a crossing of particles; from then on there are no values.
    """
    found, units = read_out_in_units(compiled, module, watch), compiled.transformed.units
    if units is None:
        return found
    declared, time = (
        found.restated(units.declared, module, units.value, units.restated_points),
        units.declared.time,
    )
    if found.crossing is None or time is None:
        return declared
    return replace(declared, crossing=found.crossing * float(units.coordinates[time.name]))


def read_out_in_units(
    compiled: CompiledProblem, module: TrainableProblem | WindowedProblem, watch: bool = True
) -> Readout:
    """Return what to read a trained problem out from in the units of the training; `watch` as above."""
    transformed = compiled.transformed
    found = Readout(compiled, with_constants(compiled, module.network, module.unknowns.values()))
    restatement = transformed.restatement
    if restatement is None:
        return found
    flow = None if transformed.frame is None else FlowMap(compiled, module, watch)
    labels = None if flow is None else flow.labels
    found = found.restated(restatement.declared, module, restatement.value, labels)
    return replace(found, crossing=None if flow is None else flow.crossing)


class _DeclaredNetwork:
    """A network of the fields of a restated problem as one of the declared fields; for reading out, without gradients.

    Args:
        restated: what the restated problem is read out from.
        module: what was trained.
        value, places: as `Readout.restated` takes them.
    """

    def __init__(
        self,
        restated: Readout,
        module: TrainableProblem | WindowedProblem,
        value: Callable[[FieldValue], sympy.Expr],
        places: Callable[[np.ndarray], np.ndarray] | None,
    ) -> None:
        self._restated, self._module, self._value, self._places = restated, module, value, places
        self._ready: dict[DerivativePlan, Callable[..., dict[str, np.ndarray]]] = {}

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative by place and time, (n, 1); NaN where a place has not exactly one label."""
        labels = points.detach().cpu().numpy().astype(float)
        if self._places is not None:
            labels = self._places(labels)
        known = np.isfinite(labels).all(axis=1)
        if plan not in self._ready:  # formulas only: they know nothing of the weights
            expressions = {str(k): self._expression(*key) for k, key in enumerate(plan.wanted)}
            self._ready[plan] = self._restated.compiled.evaluator(expressions)
        module = self._module
        network = self._restated.network
        found = self._ready[plan](labels[known], network, module.unknowns.values(), module.device)
        values = {}
        for k, key in enumerate(plan.wanted):
            column = np.full((len(labels), 1), np.nan)
            column[known, 0] = found[str(k)]
            values[key] = torch.as_tensor(column, dtype=points.dtype, device=points.device)
        return values

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Refuse: training goes on with the restated fields."""
        raise NotImplementedError("declared fields are read out; those of the restatement are trained")

    def _expression(self, field: str, orders: Orders | OrdersSum) -> sympy.Expr:
        """Return a derivative of a declared field as an expression of the restated problem."""
        parts = orders.parts if isinstance(orders, OrdersSum) else ((orders, 1.0),)
        return sympy.Add(*(number * self._value(FieldValue(field, part)) for part, number in parts))
