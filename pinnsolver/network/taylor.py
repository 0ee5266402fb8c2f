"""Derivatives of our own networks by forward propagation of jets, with a backward pass written out by hand.

Every layer passes on the derivatives of its outputs by the coordinates (Taylor-mode differentiation; Griewank and
Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 13); `activations.py` has the formulas; `loops.py` has the passes as compiled loops, `sweep.py` and
`gated.py` as torch operations for other devices, precisions and networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from pinnsolver.compile import DerivativePlan, FieldDerivative, Linearised
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.declare.orders import Orders
from pinnsolver.network.activations import ACTIVATIONS, SineJets, TanhJets
from pinnsolver.network.autograd import nested_derivatives, nested_linearised
from pinnsolver.network.buffers import Kept, Memory
from pinnsolver.network.fused import FusedPasses, can_fuse
from pinnsolver.network.gated import GatedSweep
from pinnsolver.network.inputs import input_jet
from pinnsolver.network.jets import Index, closed_indices, parts_of
from pinnsolver.network.mlp import Features, ModifiedPerceptron, Perceptron, Trunks
from pinnsolver.network.modal import ModalPerceptron, Modes
from pinnsolver.network.passes import Passes
from pinnsolver.network.sweep import PlainSweep


class OwnNetwork(torch.nn.Module):
    """Our perceptrons as a field network: derivatives by jets where the activations allow, else by autograd.

    Args:
        module: maps (n, D) coordinates, in the problem's column order, to (n, number of fields).
        fields: names of its outputs.
    """

    def __init__(self, module: Trunks, fields: Sequence[str]) -> None:
        super().__init__()
        self.module = module
        self.fields = tuple(fields)
        self.memory = Memory()

    def output_parameters(self) -> list[torch.nn.Parameter]:
        """Return weights and biases of the last layers: all zero, every output is zero."""
        found: list[torch.nn.Parameter] = []
        for trunk in self.module.trunks:
            assert isinstance(trunk, Perceptron | ModifiedPerceptron | ModalPerceptron)
            found += trunk.layers[-1].parameters()
        return found

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return the raw outputs, (n, number of fields)."""
        outputs: torch.Tensor = self.module(points)
        return outputs

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        return taylor_derivatives(self.module, self.fields, points, plan, self.memory)

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Return each planned derivative, (n, 1), and a function that gives their slopes by the parameters."""
        found = _taylor_linearised(self.module, self.fields, points.detach(), plan, self.memory)
        return found or nested_linearised(self.module, self.fields, points, plan)


def warm_up() -> None:
    """Compile the loops, which then lie on the disk, so that no run has to wait for them."""
    features = Features([0], [-1.0], [1.0], [False], harmonics=1)
    trunk = Perceptron(features, 4, 2, 1, "tanh", torch.Generator().manual_seed(0))
    network = OwnNetwork(Trunks([trunk], [0]).double(), ["u"])
    points, plan = torch.zeros(3, 1, dtype=torch.float64), DerivativePlan.of([("u", (1,))])
    network.derivatives(points, plan)["u", (1,)].sum().backward()
    parameters = sum(p.numel() for p in network.parameters())
    line = network.linearise(points, plan)
    line.fill(
        {key: torch.ones(3, 1, dtype=torch.float64) for key in line.values},
        torch.empty(parameters, 3, dtype=torch.float64),
    )


def taylor_derivatives(
    module: Trunks,
    fields: Sequence[str],
    points: torch.Tensor,
    plan: DerivativePlan,
    memory: Memory | None = None,
) -> Mapping[FieldDerivative, torch.Tensor]:
    """Return planned derivatives of the outputs of our own networks, as `nested_derivatives` would.

    They carry a graph to the parameters that can be followed once: a gradient of the gradient raises.

    Args:
        module: our networks; with another activation than tanh or sin this is `nested_derivatives`.
        fields: names of the outputs.
        points: (n, D); no gradient goes to them.
        plan: what is wanted.
        memory: buffers of earlier calls.

    Returns:
        (n, 1) for each entry of the plan.
    """
    if memory is None or torch.is_inference_mode_enabled():  # what is made there serves nowhere else
        memory = Memory(0)
    stacks = _read_stacks(module, fields)
    if stacks is None:
        return nested_derivatives(module, fields, points, plan)
    found: dict[FieldDerivative, torch.Tensor] = {}
    for stack, columns in stacks:
        found |= _stack_derivatives(stack, columns, points.detach(), plan, memory)
    return found


def _taylor_linearised(
    module: Trunks, fields: Sequence[str], points: torch.Tensor, plan: DerivativePlan, memory: Memory
) -> Linearised | None:
    """Return planned derivatives with their slopes; None where an activation is not of the kinds known here."""
    stacks = _read_stacks(module, fields)
    if stacks is None:
        return None
    values: dict[FieldDerivative, torch.Tensor] = {}
    parts: list[tuple[slice, _StackLine]] = []
    start = 0
    for stack, columns in stacks:
        stop = start + sum(p.numel() for p in stack.parameters)
        with torch.no_grad():
            line = _StackLine.of(stack, columns, points, plan, memory)
        values |= line.values
        parts.append((slice(start, stop), line))
        start = stop

    def fill(seeds: Mapping[FieldDerivative, torch.Tensor], out: torch.Tensor) -> None:
        with torch.no_grad():
            for rows, line in parts:
                line.fill(seeds, out[rows])

    return Linearised(values, fill)


@dataclass(frozen=True)
class _Stack:
    """One perceptron, read: features, then linear layers with an activation between them, perhaps modes on its outputs."""

    features: Features
    activation: type[TanhJets] | type[SineJets]
    passes: type[Passes]
    parameters: tuple[torch.Tensor, ...]  # weight (out, in) and bias (out) of each layer in turn
    modes: Modes | None = None

    @property
    def outputs(self) -> int:
        return len(self.parameters[-1])

    @property
    def fields(self) -> int:
        return self.outputs // (1 if self.modes is None else len(self.modes))


def _read_stacks(module: Trunks, fields: Sequence[str]) -> list[tuple[_Stack, dict[str, int]]] | None:
    """Return each perceptron's parts with its output columns by field; None if one is not of the kinds known here."""
    order = module.order.tolist() if len(module.trunks) > 1 else list(range(len(fields)))
    found = []
    first = 0
    for trunk in module.trunks:
        stack = _read_stack(trunk)
        if stack is None:
            return None
        columns = {f: order[k] - first for k, f in enumerate(fields) if 0 <= order[k] - first < stack.fields}
        found.append((stack, columns))
        first += stack.fields
    return found


def _read_stack(trunk: torch.nn.Module) -> _Stack | None:
    """Return a perceptron's parts, None if one of them is not of the kinds known here."""
    if type(trunk) is ModalPerceptron:
        stack = _read_stack(trunk.amplitudes)
        return None if stack is None else replace(stack, modes=trunk.modes)
    if type(trunk) not in _SWEEPS:
        return None
    assert isinstance(trunk, Perceptron | ModifiedPerceptron)
    layers = list(trunk.layers)
    linear, between = layers[::2], layers[1::2]
    if isinstance(trunk, ModifiedPerceptron):
        linear, between = [trunk.u, trunk.v, *linear], [trunk.activation, *between]
    kinds = {type(layer) for layer in between}
    if type(trunk.features) is not Features or len(kinds) != 1 or not kinds <= ACTIVATIONS.keys():
        return None
    parameters: list[torch.Tensor] = []
    for layer in linear:
        if type(layer) is not torch.nn.Linear or layer.bias is None:
            return None
        parameters += [layer.weight, layer.bias]
    widths = {len(bias) for bias in parameters[1:-1:2]}
    if len(widths) != 1:  # jets of one shape are passed from layer to layer
        return None
    return _Stack(trunk.features, ACTIVATIONS[kinds.pop()], _SWEEPS[type(trunk)], tuple(parameters))


_SWEEPS: dict[type[torch.nn.Module], type[Passes]] = {
    Perceptron: PlainSweep,
    ModifiedPerceptron: GatedSweep,
}


@dataclass(frozen=True)
class _Reading:
    """How a derivative of a field follows from the jet of the outputs: a sum of rows of it.

    Args:
        parts: position in the jet, some of the outputs, and what they are multiplied by, (outputs, n), before they are
            added up; None where one output is the field.
    """

    parts: tuple[tuple[int, slice, torch.Tensor | None], ...]

    def of(self, jet: torch.Tensor) -> torch.Tensor:
        """Return the derivative, (n, 1), from a jet (K, outputs, n)."""
        rows = [
            jet[k, some] if factors is None else (jet[k, some] * factors).sum(0, keepdim=True)
            for k, some, factors in self.parts
        ]
        return sum(rows[1:], rows[0]).T

    def add_gradient(self, gradient: torch.Tensor, total: torch.Tensor) -> None:
        """Add what a gradient by the derivative, (n, 1), is by the jet."""
        for k, some, factors in self.parts:
            if factors is None:
                total[k, some] += gradient.T
            else:
                total[k, some].addcmul_(gradient.T, factors)


_Readings = dict[FieldDerivative, _Reading]


def _stack_derivatives(
    stack: _Stack, columns: Mapping[str, int], points: torch.Tensor, plan: DerivativePlan, memory: Memory
) -> dict[FieldDerivative, torch.Tensor]:
    """Return the planned derivatives of one perceptron's fields.

    Args:
        columns: their numbers among its fields.
    """
    passes, readings, found = _plan_passes(stack, columns, points, plan, memory)
    if passes is None:
        return found
    wanted = tuple(readings.values())
    if torch.is_grad_enabled() and any(p.requires_grad for p in stack.parameters):
        values = _Propagation.apply(passes, wanted, *stack.parameters)
    else:
        with torch.no_grad():
            jet = passes.forward(stack.parameters, None)
        values = tuple(reading.of(jet) for reading in wanted)
    return found | dict(zip(readings, values, strict=True))


def _plan_passes(
    stack: _Stack, columns: Mapping[str, int], points: torch.Tensor, plan: DerivativePlan, memory: Memory
) -> tuple[Passes | None, _Readings, dict[FieldDerivative, torch.Tensor]]:
    """Return the engine for one perceptron, how each derivative follows from its jet, and those that are zero."""
    seen = stack.features.columns.tolist()
    local: dict[FieldDerivative, list[tuple[Index, torch.Tensor | None]]] = {}
    zero: dict[FieldDerivative, torch.Tensor] = {}
    for field, orders in plan.wanted:
        if field in columns:
            own = _split(stack.modes, orders, seen, points)
            if own:
                local[field, orders] = own
            else:
                zero[field, orders] = points.new_zeros(len(points), 1)
    if not local:
        return None, {}, zero
    indices = closed_indices((index for own in local.values() for index, _ in own), len(seen))
    with torch.no_grad():
        inputs = input_jet(stack.features, points, indices)
    kind = stack.passes
    if kind is PlainSweep and can_fuse(inputs.values):
        kind = FusedPasses
    passes = kind(stack.activation, inputs, len(points), memory)
    each = stack.outputs // stack.fields
    readings = {
        key: _Reading(
            tuple(
                (indices.index(index), slice(columns[key[0]] * each, (columns[key[0]] + 1) * each), factors)
                for index, factors in own
            )
        )
        for key, own in local.items()
    }
    return passes, readings, zero


def _split(
    modes: Modes | None, orders: Index, seen: Sequence[int], points: torch.Tensor
) -> list[tuple[Index, torch.Tensor | None]]:
    """Return a derivative as derivatives of the perceptron, each with what it is multiplied by; none where it is zero.

    Args:
        modes: None where a field is the output itself.
        seen: the columns that the perceptron sees.
    """
    if modes is None:
        own = _seen(orders, seen)
        return [] if own is None else [(own, None)]
    found: dict[Orders, torch.Tensor] = {}
    for part, number in parts_of(orders):
        outer = tuple(part[c] for c in seen)
        inner = tuple(part[c] for c in modes.columns)
        if sum(outer) + sum(inner) == sum(part):
            derivative = modes.known_derivative(points, inner)
            term = derivative if number == 1 else number * derivative
            found[outer] = found[outer] + term if outer in found else term
    return list(found.items())


def _seen(orders: Index, columns: Sequence[int]) -> Index | None:
    """Return a derivative by the coordinates that a field sees, None where it differentiates by others: it is zero."""
    parts = [(tuple(part[c] for c in columns), number) for part, number in parts_of(orders)]
    left = tuple(
        (own, n) for (own, n), (part, _) in zip(parts, parts_of(orders), strict=True) if sum(own) == sum(part)
    )
    if not left:
        return None
    return OrdersSum(left) if isinstance(orders, OrdersSum) else left[0][0]


@dataclass(frozen=True)
class _StackLine:
    """The planned derivatives of one perceptron's fields, with what their slopes need."""

    values: dict[FieldDerivative, torch.Tensor]
    stack: _Stack
    passes: Passes | None
    readings: _Readings
    kept: Kept

    @classmethod
    def of(
        cls,
        stack: _Stack,
        columns: Mapping[str, int],
        points: torch.Tensor,
        plan: DerivativePlan,
        memory: Memory,
    ) -> _StackLine:
        passes, readings, values = _plan_passes(stack, columns, points, plan, memory)
        kept = Kept(memory)
        if passes is not None:
            jet = passes.forward(stack.parameters, kept)
            values |= {key: reading.of(jet) for key, reading in readings.items()}
        return cls(values, stack, passes, readings, kept)

    def fill(self, seeds: Mapping[FieldDerivative, torch.Tensor], out: torch.Tensor) -> None:
        """Set out, (parameters, n), to the slopes of sum_k seeds_k derivative_k at each point."""
        mine = [(reading, seeds[key]) for key, reading in self.readings.items() if key in seeds]
        if self.passes is None or not mine:
            out.zero_()
            return
        total = out.new_zeros(self.passes.K, self.stack.outputs, self.passes.n)
        for reading, seed in mine:
            reading.add_gradient(seed, total)
        self.passes.jacobian(self.stack.parameters, self.kept, total, out)


class _Propagation(torch.autograd.Function):
    """The wanted derivatives, (n, 1) each, as a function of the parameters."""

    @staticmethod
    def forward(
        ctx: Any, passes: Passes, wanted: Sequence[_Reading], *parameters: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(*parameters)
        ctx.passes, ctx.wanted, ctx.kept = passes, wanted, Kept(passes.memory)
        ctx.set_materialize_grads(False)
        jet = passes.forward(parameters, ctx.kept)
        ctx.shape = jet.shape
        return tuple(reading.of(jet) for reading in wanted)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        parameters = ctx.saved_tensors
        total = parameters[0].new_zeros(ctx.shape)
        for reading, gradient in zip(ctx.wanted, gradients, strict=True):
            if gradient is not None:
                reading.add_gradient(gradient, total)
        found = ctx.passes.backward(parameters, ctx.kept, total)
        needed = ctx.needs_input_grad[2:]
        return (None, None, *(g if need else None for g, need in zip(found, needed, strict=True)))
