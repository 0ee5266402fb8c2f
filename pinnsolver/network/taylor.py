"""Derivatives of our own networks by forward propagation of jets, with a backward pass written out by hand.

Every layer passes on the derivatives of its outputs by the coordinates (Taylor-mode differentiation; Griewank and
Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 13). For y = s(z) with a first coordinate e of the
multi-index a, Leibniz' rule on D^e y = s'(z) D^e z gives

    D^a y = sum_k C(a - e, k) D^k s'(z) D^(a - k) z,   k <= a - e,

and tanh' = 1 - tanh^2, sin' = cos close the recursion. The gradient of a loss follows from the jet of s'(z) alone,

    dL/d(D^b z) = sum_a C(a, b) D^(a - b) s'(z) dL/d(D^a y),   a >= b.

Tensors are (K, width, n), a derivative's values side by side, and points are taken in chunks that stay in the
processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from pinnsolver.compile import DerivativePlan, FieldDerivative
from pinnsolver.network.autograd import nested_derivatives
from pinnsolver.network.jets import JetTables, Orders, closed_indices, jet_tables
from pinnsolver.network.mlp import Features, Perceptron, Sine, Trunks

# Numbers in a chunk's jet on the CPU: 512 KiB in float64, so that the few in use fit the second-level cache.
CHUNK = 65536


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

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return the raw outputs, (n, number of fields)."""
        outputs: torch.Tensor = self.module(points)
        return outputs

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        return taylor_derivatives(self.module, self.fields, points, plan)


def taylor_derivatives(
    module: Trunks, fields: Sequence[str], points: torch.Tensor, plan: DerivativePlan
) -> Mapping[FieldDerivative, torch.Tensor]:
    """Return planned derivatives of the outputs of our own networks, as `nested_derivatives` would.

    They carry a graph to the parameters that can be followed once: a gradient of the gradient raises.

    Args:
        module: our networks; with another activation than tanh or sin this is `nested_derivatives`.
        fields: names of the outputs.
        points: (n, D); no gradient goes to them.
        plan: what is wanted.

    Returns:
        (n, 1) for each entry of the plan.
    """
    stacks = [_read_stack(trunk) for trunk in module.trunks]
    if not all(stacks):
        return nested_derivatives(module, fields, points, plan)
    order = module.order.tolist() if len(stacks) > 1 else list(range(len(fields)))
    found: dict[FieldDerivative, torch.Tensor] = {}
    first = 0
    for stack in stacks:
        assert stack is not None
        outputs = {f: order[k] - first for k, f in enumerate(fields) if 0 <= order[k] - first < stack.outputs}
        found |= _stack_derivatives(stack, outputs, points.detach(), plan)
        first += stack.outputs
    return found


@dataclass(frozen=True)
class _Stack:
    """One perceptron, read: features, then linear layers with an activation between them."""

    features: Features
    activation: type[_Tanh] | type[_Sine]
    parameters: tuple[torch.Tensor, ...]  # weight (out, in) and bias (out) of each layer in turn

    @property
    def outputs(self) -> int:
        return len(self.parameters[-1])


def _read_stack(trunk: torch.nn.Module) -> _Stack | None:
    """Return a perceptron's parts, None if one of them is not of the kinds known here."""
    if type(trunk) is not Perceptron or type(trunk.features) is not Features:
        return None
    layers = list(trunk.layers)
    linear, between = layers[::2], layers[1::2]
    kinds = {type(layer) for layer in between}
    if len(kinds) != 1 or not kinds <= _ACTIVATIONS.keys():
        return None
    parameters: list[torch.Tensor] = []
    for layer in linear:
        if type(layer) is not torch.nn.Linear or layer.bias is None:
            return None
        parameters += [layer.weight, layer.bias]
    return _Stack(trunk.features, _ACTIVATIONS[kinds.pop()], tuple(parameters))


def _stack_derivatives(
    stack: _Stack, outputs: Mapping[str, int], points: torch.Tensor, plan: DerivativePlan
) -> dict[FieldDerivative, torch.Tensor]:
    """Return the planned derivatives of one perceptron's fields.

    Args:
        outputs: its output columns by field.
    """
    columns = stack.features.columns.tolist()
    local: dict[FieldDerivative, Orders] = {}
    found: dict[FieldDerivative, torch.Tensor] = {}
    for field, orders in plan.wanted:
        if field in outputs:
            own = tuple(orders[c] for c in columns)
            if sum(own) == sum(orders):
                local[field, orders] = own
            else:  # a derivative by a coordinate that the field does not see
                found[field, orders] = points.new_zeros(len(points), 1)
    if not local:
        return found
    indices = closed_indices(local.values(), len(columns))
    with torch.no_grad():
        inputs = _input_jet(stack.features, points, indices)
    sweep = _Sweep(stack.activation, inputs, len(points))
    wanted = tuple((indices.index(own), outputs[field]) for (field, _), own in local.items())
    if torch.is_grad_enabled() and any(p.requires_grad for p in stack.parameters):
        values = _Propagation.apply(sweep, wanted, *stack.parameters)
    else:
        with torch.no_grad():
            jet = sweep.forward(stack.parameters, None)
        values = tuple(jet[k, f].unsqueeze(1) for k, f in wanted)
    return found | dict(zip(local, values, strict=True))


@dataclass(frozen=True)
class _InputJet:
    """The derivatives of the features, those that are zero left out.

    Args:
        indices: all multi-indices of the sweep.
        present: which of them are not zero.
        varying: positions of those that depend on the point; the zeroth first.
        values: (len(varying), features, n).
        fixed: positions of those that are the same at all points.
        slopes: (len(fixed), features).
    """

    indices: tuple[Orders, ...]
    present: frozenset[Orders]
    varying: tuple[int, ...]
    values: torch.Tensor
    fixed: tuple[int, ...]
    slopes: torch.Tensor


def _input_jet(features: Features, points: torch.Tensor, indices: tuple[Orders, ...]) -> _InputJet:
    """Return the derivatives of the features; each feature depends on one coordinate."""
    rows = [2 * features.harmonics if p else 1 for p in features.periodic]
    varying, fixed = [0], []
    values, slopes = [features(points).T], []
    for place, orders in enumerate(indices):
        axes = [i for i, order in enumerate(orders) if order]
        if len(axes) != 1:
            continue
        axis, order = axes[0], orders[axes[0]]
        start = sum(rows[:axis])
        if features.periodic[axis]:
            value = values[0].new_zeros(values[0].shape)
            value[start : start + rows[axis]] = _harmonics(features, values[0], start, axis, order)
            varying.append(place)
            values.append(value)
        elif order == 1:
            slope = points.new_zeros(features.width)
            slope[start] = features.scale[axis]
            fixed.append(place)
            slopes.append(slope)
    present = frozenset(indices[k] for k in (*varying, *fixed))
    shape = (0, features.width)
    return _InputJet(
        indices,
        present,
        tuple(varying),
        torch.stack(values),
        tuple(fixed),
        torch.stack(slopes) if slopes else points.new_zeros(shape),
    )


def _harmonics(features: Features, zeroth: torch.Tensor, start: int, axis: int, order: int) -> torch.Tensor:
    """Return the derivative of (cos k s x, sin k s x), k = 1.., by x: (2 harmonics, n)."""
    stop = start + 2 * features.harmonics
    cos, sin = zeroth[start:stop:2], zeroth[start + 1 : stop : 2]
    turned = {0: (cos, sin), 1: (-sin, cos), 2: (-cos, -sin), 3: (sin, -cos)}[order % 4]
    k = torch.arange(1, features.harmonics + 1, dtype=zeroth.dtype, device=zeroth.device)
    factor = (k * features.scale[axis]).pow(order)
    return (torch.stack(turned, dim=1) * factor[:, None, None]).flatten(0, 1)


class _Tanh:
    """y = tanh(z), s'(z) = 1 - y y. The companion jet C has C0 = 1 - y0^2 and else D^a (y y) / 2."""

    factor = -2.0  # D^a s'(z) = factor * companion, a > 0
    keeps_companion = False

    @staticmethod
    def forward(z: torch.Tensor, bias: torch.Tensor, y: torch.Tensor, c: torch.Tensor, t: JetTables) -> None:
        # tanh(z) = 2 / (1 + exp(-2 z)) - 1; torch's logistic function is several times faster than its tanh.
        torch.add(2 * bias[:, None], z[0], alpha=2, out=y[0]).sigmoid_()
        torch.add(y.new_tensor(-1), y[0], alpha=2, out=y[0])
        torch.addcmul(y.new_tensor(1), y[0], y[0], value=-1, out=c[0])
        torch.mul(c[:1], z[1:], out=y[1:])
        for level in t.levels:
            for term in level.chain:
                y[term.target].addcmul_(c[term.first], z[term.second], value=-2 * term.number)
            if level is not t.levels[-1]:
                torch.mul(y[:1], y[level.span], out=c[level.span])
                for term in level.square:
                    c[term.target].addcmul_(y[term.first], y[term.second], value=term.number)

    @staticmethod
    def complete(y: torch.Tensor, c: torch.Tensor, t: JetTables) -> None:
        torch.addcmul(y.new_tensor(1), y[0], y[0], value=-1, out=c[0])
        torch.mul(y[:1], y[1:], out=c[1:])
        for level in t.levels:
            for term in level.square:
                c[term.target].addcmul_(y[term.first], y[term.second], value=term.number)


class _Sine:
    """y = sin(z), s'(z) = cos(z) is the companion."""

    factor = 1.0
    keeps_companion = True

    @staticmethod
    def forward(z: torch.Tensor, bias: torch.Tensor, y: torch.Tensor, c: torch.Tensor, t: JetTables) -> None:
        z[0].add_(bias[:, None])
        torch.sin(z[0], out=y[0])
        torch.cos(z[0], out=c[0])
        torch.mul(c[:1], z[1:], out=y[1:])
        torch.mul(y[:1], z[1:], out=c[1:]).neg_()
        for level in t.levels:
            for term in level.chain:
                y[term.target].addcmul_(c[term.first], z[term.second], value=term.number)
                c[term.target].addcmul_(y[term.first], z[term.second], value=-term.number)

    @staticmethod
    def complete(y: torch.Tensor, c: torch.Tensor, t: JetTables) -> None:
        """Nothing is missing: the forward pass keeps the companion."""


_ACTIVATIONS: dict[type[torch.nn.Module], type[_Tanh] | type[_Sine]] = {torch.nn.Tanh: _Tanh, Sine: _Sine}

# What the backward pass needs of one chunk: by hidden layer its outputs and, if kept, their companion.
_Kept = list[tuple[torch.Tensor, torch.Tensor]]


class _Sweep:
    """Both passes over one perceptron, in chunks of points.

    Args:
        activation: of the hidden layers.
        inputs: derivatives of the features.
        n: number of points.
    """

    def __init__(self, activation: type[_Tanh] | type[_Sine], inputs: _InputJet, n: int) -> None:
        self.activation = activation
        self.inputs = inputs
        self.n = n
        self.K = len(inputs.indices)
        self.first = jet_tables(inputs.indices, inputs.present)
        self.inner = jet_tables(inputs.indices)

    def chunks(self, width: int) -> Iterator[slice]:
        """Yield the points in chunks, on other devices than the CPU all at once."""
        rows = max(self.n, 1)
        if self.inputs.values.device.type == "cpu":
            rows = min(rows, max(64, CHUNK // (self.K * width)))
            rows = -(-self.n // max(1, round(self.n / rows))) or 1
        for start in range(0, self.n, rows):
            yield slice(start, min(start + rows, self.n))

    def forward(self, parameters: Sequence[torch.Tensor], kept: list[_Kept] | None) -> torch.Tensor:
        """Return the outputs' jet, (K, outputs, n).

        Args:
            parameters: weight and bias of each layer in turn.
            kept: takes what the backward pass needs.
        """
        weights, biases = parameters[::2], parameters[1::2]
        width = len(biases[0])
        result = self.inputs.values.new_empty(self.K, len(biases[-1]), self.n)
        z = y = c = result.new_empty(0)
        for chunk in self.chunks(width):
            m = chunk.stop - chunk.start
            saved: _Kept = []
            if z.shape[-1] != m:
                start = self._first_jet(weights[0], m)
                z, y, c = (torch.empty_like(start) for _ in range(3))
            for i, place in enumerate(self.inputs.varying):
                torch.mm(weights[0], self.inputs.values[i, :, chunk], out=start[place])
            for layer, bias in enumerate(biases[:-1]):
                source = start
                if layer:
                    source = torch.bmm(weights[layer].expand(self.K, -1, -1), y, out=z)
                if kept is not None:
                    y = torch.empty_like(z)
                    c = torch.empty_like(z) if self.activation.keeps_companion else c
                self.activation.forward(source, bias, y, c, self.inner if layer else self.first)
                saved.append((y, c))
            torch.bmm(weights[-1].expand(self.K, -1, -1), y, out=(out := result.new_empty(self.K, len(biases[-1]), m)))
            out[0].add_(biases[-1][:, None])
            result[:, :, chunk] = out
            if kept is not None:
                kept.append(saved)
        return result

    def _first_jet(self, weight: torch.Tensor, m: int) -> torch.Tensor:
        """Return the first linear layer's jet, (K, width, m), but for the parts that depend on the points."""
        jet = weight.new_zeros(self.K, len(weight), m)
        for i, place in enumerate(self.inputs.fixed):
            jet[place] = (weight @ self.inputs.slopes[i])[:, None]
        return jet

    def backward(
        self, parameters: Sequence[torch.Tensor], kept: list[_Kept], gradient: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the gradients by the parameters.

        Args:
            kept: from the forward pass.
            gradient: by the outputs' jet, (K, outputs, n).
        """
        weights = parameters[::2]
        # One matrix for each multi-index, added up in the end.
        sums = [w.new_zeros(self.K, *w.shape) for w in weights[1:]]
        sums.insert(0, weights[0].new_zeros(weights[0].shape))
        biases = [b.new_zeros(b.shape) for b in parameters[1::2]]
        fixed = weights[0].new_zeros(len(self.inputs.fixed), len(weights[0]))
        g = d = c = gradient.new_empty(0)
        for chunk, saved in zip(self.chunks(len(weights[0])), kept, strict=True):
            part = gradient[:, :, chunk]
            if g.shape[-1] != part.shape[-1]:
                g, d, c = (torch.empty_like(saved[0][0]) for _ in range(3))
            above = part
            for layer in reversed(range(1, len(weights))):
                y, companion = saved[layer - 1]
                sums[layer].baddbmm_(above, y.transpose(1, 2))
                biases[layer].add_(above[0].sum(1))
                torch.bmm(weights[layer].T.expand(self.K, -1, -1), above, out=g)
                companion = companion if self.activation.keeps_companion else c
                tables = self.inner if layer > 1 else self.first
                self.activation.complete(y, companion, tables)
                above = self._through(g, companion, d, tables)
            biases[0].add_(above[0].sum(1))
            for i, place in enumerate(self.inputs.varying):
                sums[0].addmm_(above[place], self.inputs.values[i, :, chunk].T)
            for i, place in enumerate(self.inputs.fixed):
                fixed[i].add_(above[place].sum(1))
        sums[0].addmm_(fixed.T, self.inputs.slopes)
        totals = [sums[0], *(s.sum(0) for s in sums[1:])]
        return [t for pair in zip(totals, biases, strict=True) for t in pair]

    def _through(
        self, g: torch.Tensor, c: torch.Tensor, out: torch.Tensor, tables: JetTables
    ) -> torch.Tensor:
        """Return the gradient by an activation's argument from the one by its value g."""
        torch.mul(c[:1], g[: tables.count], out=out[: tables.count])
        for term in tables.adjoint:
            value = self.activation.factor * term.number
            out[term.target].addcmul_(c[term.first], g[term.second], value=value)
        return out


class _Propagation(torch.autograd.Function):
    """The wanted derivatives, (n, 1) each, as a function of the parameters."""

    @staticmethod
    def forward(
        ctx: Any, sweep: _Sweep, wanted: Sequence[tuple[int, int]], *parameters: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(*parameters)
        ctx.sweep, ctx.wanted, ctx.kept = sweep, wanted, []
        ctx.set_materialize_grads(False)
        jet = sweep.forward(parameters, ctx.kept)
        ctx.shape = jet.shape
        return tuple(jet[k, f].unsqueeze(1) for k, f in wanted)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        parameters = ctx.saved_tensors
        total = parameters[0].new_zeros(ctx.shape)
        for (k, f), gradient in zip(ctx.wanted, gradients, strict=True):
            if gradient is not None:
                total[k, f] += gradient[:, 0]
        found = ctx.sweep.backward(parameters, ctx.kept, total)
        needed = ctx.needs_input_grad[2:]
        return (None, None, *(g if need else None for g, need in zip(found, needed, strict=True)))
