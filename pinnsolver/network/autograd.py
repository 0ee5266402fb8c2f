"""Derivatives of any torch module by nested reverse-mode autograd: the reference, and for foreign modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from pinnsolver.compile import DerivativePlan, FieldDerivative, Linearised
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.declare.orders import Orders


def nested_derivatives(
    module: torch.nn.Module, fields: Sequence[str], points: torch.Tensor, plan: DerivativePlan
) -> Mapping[FieldDerivative, torch.Tensor]:
    """Return planned derivatives of the outputs of a module.

    Each gradient is taken once and gives the derivatives by all coordinates, so that u_x and u_t cost one
    backward pass together, and so do u_xx and u_xt.

    Args:
        module: maps (n, D) to (n, number of fields).
        fields: names of its outputs.
        points: (n, D).
        plan: what is wanted.

    Returns:
        (n, 1) for each entry of the plan.
    """
    training = torch.is_grad_enabled()
    with torch.enable_grad():
        inputs = points.detach().requires_grad_(True)
        outputs = module(inputs)
        found: dict[FieldDerivative, torch.Tensor] = {}
        for k, field in enumerate(fields):
            wanted = plan.orders_of(field)
            if wanted:
                tree = _Tree(outputs[:, k : k + 1], inputs)
                for orders in wanted:
                    found[field, orders] = (
                        sum_of(orders, tree.derivative)
                        if isinstance(orders, OrdersSum)
                        else tree.derivative(orders)
                    )
    return found if training else {key: value.detach() for key, value in found.items()}


def nested_linearised(
    module: torch.nn.Module,
    fields: Sequence[str],
    points: torch.Tensor,
    plan: DerivativePlan,
    batch: int = 64,
) -> Linearised:
    """Return planned derivatives with their slopes for any torch module: one backward pass for each point.

    Args:
        batch: passes done at a time.
    """
    with torch.enable_grad():
        found = nested_derivatives(module, fields, points, plan)
    parameters = list(module.parameters())

    def fill(seeds: Mapping[FieldDerivative, torch.Tensor], out: torch.Tensor) -> None:
        out.zero_()
        used = [key for key in seeds if found[key].requires_grad]
        if not used:
            return
        with torch.enable_grad():
            total = torch.stack([(seeds[key] * found[key])[:, 0] for key in used]).sum(0)
        for start in range(0, len(total), batch):
            stop = min(start + batch, len(total))
            rows = torch.zeros(stop - start, len(total), dtype=out.dtype, device=out.device)
            rows[torch.arange(stop - start), torch.arange(start, stop)] = 1
            slopes = torch.autograd.grad(
                total, parameters, rows, retain_graph=True, is_grads_batched=True, allow_unused=True
            )
            first = 0
            for parameter, slope in zip(parameters, slopes, strict=True):
                if slope is not None:  # a derivative may not depend on a bias, or on another field's network
                    out[first : first + parameter.numel(), start:stop] = slope.reshape(stop - start, -1).T
                first += parameter.numel()

    return Linearised({key: value.detach() for key, value in found.items()}, fill)


def sum_of(total: OrdersSum, derivative: Callable[[Orders], torch.Tensor]) -> torch.Tensor:
    """Return a sum of derivatives from its parts."""
    (first, number), *others = total.parts
    found = number * derivative(first)
    for orders, number in others:
        found = found + number * derivative(orders)
    return found


class _Tree:
    """The derivatives of one output, each gradient taken once."""

    def __init__(self, output: torch.Tensor, inputs: torch.Tensor) -> None:
        self.inputs = inputs
        self.known: dict[Orders, torch.Tensor] = {(0,) * inputs.shape[1]: output}
        self.gradients: dict[Orders, torch.Tensor] = {}

    def derivative(self, orders: Orders) -> torch.Tensor:
        """Return the derivative of the given orders, (n, 1)."""
        if orders not in self.known:
            # Lower the last coordinate that is still differentiated: u_xx and u_xt then share u_x.
            last = max(i for i, order in enumerate(orders) if order)
            parent = tuple(o - (i == last) for i, o in enumerate(orders))
            self.known[orders] = self._gradient(parent)[:, last : last + 1]
        return self.known[orders]

    def _gradient(self, orders: Orders) -> torch.Tensor:
        if orders not in self.gradients:
            column = self.derivative(orders)
            if not column.requires_grad:
                self.gradients[orders] = torch.zeros_like(self.inputs)
            else:
                # Rows are independent, so the gradient of the sum holds each row's own gradient.
                gradient = torch.autograd.grad(
                    column.sum(), self.inputs, create_graph=True, materialize_grads=True
                )[0]
                self.gradients[orders] = gradient
        return self.gradients[orders]


class AutogradNetwork(torch.nn.Module):
    """Any torch module as a field network.

    Args:
        module: maps (n, D) coordinates, in the problem's column order, to (n, number of fields).
        fields: names of its outputs.
    """

    def __init__(self, module: torch.nn.Module, fields: Sequence[str]) -> None:
        super().__init__()
        self.module = module
        self.fields = tuple(fields)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return the raw outputs, (n, number of fields)."""
        outputs: torch.Tensor = self.module(points)
        return outputs

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        return nested_derivatives(self.module, self.fields, points, plan)

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Return each planned derivative, (n, 1), and a function that gives their slopes by the parameters."""
        return nested_linearised(self.module, self.fields, points, plan)
