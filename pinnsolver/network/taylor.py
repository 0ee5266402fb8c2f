"""Derivatives of our own networks by forward propagation of jets, with a backward pass written out by hand.

Every layer passes on the derivatives of its outputs by the coordinates (Taylor-mode differentiation; Griewank and
Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 13). For y = s(z) with a first coordinate e of the
multi-index a, Leibniz' rule on D^e y = s'(z) D^e z gives

    D^a y = sum_k C(a - e, k) D^k s'(z) D^(a - k) z,   k <= a - e,

and tanh' = 1 - tanh^2, sin' = cos close the recursion. The gradient of a loss follows from the jet of s'(z) alone,

    dL/d(D^b z) = sum_a C(a, b) D^(a - b) s'(z) dL/d(D^a y),   a >= b.

Tensors are (K, width, n), a derivative's values side by side: matrix products of that shape run about twice as
fast as those of (K, n, width). Measured on two cores with one thread, float64, 3 layers of 20 to 26, loss and
gradient of an equation of second order cost 2.4 to 3.3 times less than nested autograd, of fourth order 3.6 times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from pinnsolver.compile import DerivativePlan, FieldDerivative, Linearised
from pinnsolver.network.autograd import nested_derivatives, nested_linearised
from pinnsolver.network.jets import JetTables, Orders, Span, Term, closed_indices, jet_tables
from pinnsolver.network.mlp import Features, Perceptron, Sine, Trunks

# Numbers in one jet of a chunk on the CPU, 2 MiB in float64: measured; smaller chunks pay for more operations.
CHUNK = 2**18


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


class Jet:
    """A jet, (K, width, m), with its parts at hand: making a view costs as much as a small operation on it."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values
        self.rest = values[1:]
        self._parts: dict[Span, torch.Tensor] = {}

    def part(self, span: Span) -> torch.Tensor:
        """Return the part from one position to before another."""
        found = self._parts.get(span)
        if found is None:
            found = self._parts[span] = self.values[span[0] : span[1]]
        return found

    @property
    def zeroth(self) -> torch.Tensor:
        """The values without derivatives, (1, width, m)."""
        return self.part((0, 1))


class Memory:
    """Jets for reuse: memory fresh from the system costs more than the arithmetic done in it.

    Holds at most as many free bytes as said; on other devices than the CPU torch itself reuses memory.
    """

    def __init__(self, limit: int = 2**28) -> None:
        self.limit = limit
        self._free: dict[tuple[tuple[int, ...], torch.dtype], list[Jet]] = {}
        self._bytes = 0

    def __reduce__(self) -> tuple[type[Memory], tuple[int]]:
        """Copies of a network start with empty hands."""
        return Memory, (self.limit,)

    def take(self, like: torch.Tensor, shape: tuple[int, ...]) -> Jet:
        """Return a jet of a shape with any content, of a tensor's dtype and device."""
        free = self._free.get((shape, like.dtype))
        if like.device.type != "cpu" or not free:
            return Jet(like.new_empty(shape))
        jet = free.pop()
        self._bytes -= jet.values.nbytes
        return jet

    def give(self, *jets: Jet) -> None:
        """Take back jets that nothing looks at any more."""
        for jet in jets:
            values = jet.values
            if values.device.type == "cpu" and self._bytes + values.nbytes <= self.limit:
                self._free.setdefault((tuple(values.shape), values.dtype), []).append(jet)
                self._bytes += values.nbytes


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
    stacks = [_read_stack(trunk) for trunk in module.trunks]
    if not all(stacks):
        return nested_derivatives(module, fields, points, plan)
    order = module.order.tolist() if len(stacks) > 1 else list(range(len(fields)))
    found: dict[FieldDerivative, torch.Tensor] = {}
    first = 0
    for stack in stacks:
        assert stack is not None
        outputs = {f: order[k] - first for k, f in enumerate(fields) if 0 <= order[k] - first < stack.outputs}
        found |= _stack_derivatives(stack, outputs, points.detach(), plan, memory)
        first += stack.outputs
    return found


def _taylor_linearised(
    module: Trunks, fields: Sequence[str], points: torch.Tensor, plan: DerivativePlan, memory: Memory
) -> Linearised | None:
    """Return planned derivatives with their slopes; None where an activation is not of the kinds known here."""
    stacks = [_read_stack(trunk) for trunk in module.trunks]
    if not all(stacks):
        return None
    order = module.order.tolist() if len(stacks) > 1 else list(range(len(fields)))
    values: dict[FieldDerivative, torch.Tensor] = {}
    parts: list[tuple[slice, _StackLine]] = []
    first = start = 0
    for stack in stacks:
        assert stack is not None
        outputs = {f: order[k] - first for k, f in enumerate(fields) if 0 <= order[k] - first < stack.outputs}
        stop = start + sum(p.numel() for p in stack.parameters)
        with torch.no_grad():
            line = _StackLine.of(stack, outputs, points, plan, memory)
        values |= line.values
        parts.append((slice(start, stop), line))
        first, start = first + stack.outputs, stop

    def fill(seeds: Mapping[FieldDerivative, torch.Tensor], out: torch.Tensor) -> None:
        with torch.no_grad():
            for rows, line in parts:
                line.fill(seeds, out[rows])

    return Linearised(values, fill)


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
    if (
        len({len(bias) for bias in parameters[1:-1:2]}) != 1
    ):  # jets of one shape are passed from layer to layer
        return None
    return _Stack(trunk.features, _ACTIVATIONS[kinds.pop()], tuple(parameters))


def _stack_derivatives(
    stack: _Stack, outputs: Mapping[str, int], points: torch.Tensor, plan: DerivativePlan, memory: Memory
) -> dict[FieldDerivative, torch.Tensor]:
    """Return the planned derivatives of one perceptron's fields.

    Args:
        outputs: its output columns by field.
    """
    sweep, local, found = _plan_sweep(stack, outputs, points, plan, memory)
    if sweep is None:
        return found
    wanted = tuple(local.values())
    if torch.is_grad_enabled() and any(p.requires_grad for p in stack.parameters):
        values = _Propagation.apply(sweep, wanted, *stack.parameters)
    else:
        with torch.no_grad():
            jet = sweep.forward(stack.parameters, None)
        values = tuple(jet[k, f].unsqueeze(1) for k, f in wanted)
    return found | dict(zip(local, values, strict=True))


def _plan_sweep(
    stack: _Stack, outputs: Mapping[str, int], points: torch.Tensor, plan: DerivativePlan, memory: Memory
) -> tuple[_Sweep | None, dict[FieldDerivative, tuple[int, int]], dict[FieldDerivative, torch.Tensor]]:
    """Return the sweep over one perceptron, where in its jet each derivative lies, and those that are zero."""
    columns = stack.features.columns.tolist()
    local: dict[FieldDerivative, Orders] = {}
    zero: dict[FieldDerivative, torch.Tensor] = {}
    for field, orders in plan.wanted:
        if field in outputs:
            own = tuple(orders[c] for c in columns)
            if sum(own) == sum(orders):
                local[field, orders] = own
            else:  # a derivative by a coordinate that the field does not see
                zero[field, orders] = points.new_zeros(len(points), 1)
    if not local:
        return None, {}, zero
    indices = closed_indices(local.values(), len(columns))
    with torch.no_grad():
        inputs = _input_jet(stack.features, points, indices)
    sweep = _Sweep(stack.activation, inputs, len(points), memory)
    return sweep, {key: (indices.index(own), outputs[key[0]]) for key, own in local.items()}, zero


@dataclass(frozen=True)
class _StackLine:
    """The planned derivatives of one perceptron's fields, with what their slopes need."""

    values: dict[FieldDerivative, torch.Tensor]
    stack: _Stack
    sweep: _Sweep | None
    local: dict[FieldDerivative, tuple[int, int]]
    kept: _Kept

    @classmethod
    def of(
        cls,
        stack: _Stack,
        outputs: Mapping[str, int],
        points: torch.Tensor,
        plan: DerivativePlan,
        memory: Memory,
    ) -> _StackLine:
        sweep, local, values = _plan_sweep(stack, outputs, points, plan, memory)
        kept = _Kept(memory)
        if sweep is not None:
            jet = sweep.forward(stack.parameters, kept)
            values |= {key: jet[k, f].unsqueeze(1) for key, (k, f) in local.items()}
        return cls(values, stack, sweep, local, kept)

    def fill(self, seeds: Mapping[FieldDerivative, torch.Tensor], out: torch.Tensor) -> None:
        """Set out, (parameters, n), to the slopes of sum_k seeds_k derivative_k at each point."""
        mine = [(place, seeds[key]) for key, place in self.local.items() if key in seeds]
        if self.sweep is None or not mine:
            out.zero_()
            return
        total = out.new_zeros(self.sweep.K, self.stack.outputs, self.sweep.n)
        for (k, f), seed in mine:
            total[k, f] += seed[:, 0]
        self.sweep.jacobian(self.stack.parameters, self.kept, total, out)


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
    """y = tanh(z), s'(z) = 1 - y y. The companion jet c has 1 - y0^2 and else D^a (y y) / 2."""

    factor = -2.0  # D^a s'(z) = factor * companion, a > 0
    shift = -2.0  # takes the bias as shift * bias, (width, 1)
    keeps_companion = False

    @staticmethod
    def forward(z: Jet, bias: torch.Tensor, y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        # tanh(z) = 1 - 2 / (1 + exp(2 z)); torch's logistic function is several times faster than its tanh.
        torch.add(bias, z.zeroth, alpha=-2, out=y.zeroth)
        y.zeroth.sigmoid_()
        torch.add(one, y.zeroth, alpha=-2, out=y.zeroth)
        torch.addcmul(one, y.zeroth, y.zeroth, value=-1, out=c.zeroth)
        torch.mul(c.zeroth, z.rest, out=y.rest)
        for level in tables.levels:
            _accumulate(y, level.chain, c, z, -2.0)
            if level is not tables.levels[-1]:
                torch.mul(y.zeroth, y.part(level.span), out=c.part(level.span))
                _accumulate(c, level.square, y, y, 1.0)

    @staticmethod
    def complete(y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        """Work the companion out again."""
        torch.addcmul(one, y.zeroth, y.zeroth, value=-1, out=c.zeroth)
        torch.mul(y.zeroth, y.rest, out=c.rest)
        for level in tables.levels:
            _accumulate(c, level.square, y, y, 1.0)


class _Sine:
    """y = sin(z), s'(z) = cos(z) is the companion."""

    factor = 1.0
    shift = 1.0
    keeps_companion = True

    @staticmethod
    def forward(z: Jet, bias: torch.Tensor, y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        z.zeroth.add_(bias)
        torch.sin(z.zeroth, out=y.zeroth)
        torch.cos(z.zeroth, out=c.zeroth)
        torch.mul(c.zeroth, z.rest, out=y.rest)
        torch.mul(y.zeroth, z.rest, out=c.rest).neg_()
        for level in tables.levels:
            _accumulate(y, level.chain, c, z, 1.0)
            _accumulate(c, level.chain, y, z, -1.0)

    @staticmethod
    def complete(y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        """Nothing is missing: the forward pass keeps the companion."""


def _accumulate(target: Jet, terms: Sequence[Term], first: Jet, second: Jet, factor: float) -> None:
    for term in terms:
        target.part(term.target).addcmul_(
            first.part(term.first), second.part(term.second), value=factor * term.number
        )


_ACTIVATIONS: dict[type[torch.nn.Module], type[_Tanh] | type[_Sine]] = {torch.nn.Tanh: _Tanh, Sine: _Sine}


class _Kept:
    """What the backward pass needs; its memory goes back when the graph is dropped."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.chunks: list[list[tuple[Jet, ...]]] = []  # by hidden layer: outputs, perhaps companion

    def __del__(self) -> None:
        for chunk in self.chunks:
            for jets in chunk:
                self.memory.give(*jets)


class _Sweep:
    """Both passes over one perceptron, in chunks of points.

    Args:
        activation: of the hidden layers.
        inputs: derivatives of the features.
        n: number of points.
        memory: for all that is as large as a jet.
    """

    def __init__(
        self, activation: type[_Tanh] | type[_Sine], inputs: _InputJet, n: int, memory: Memory
    ) -> None:
        self.activation = activation
        self.inputs = inputs
        self.n = n
        self.memory = memory
        self.K = len(inputs.indices)
        self.first = jet_tables(inputs.indices, inputs.present)
        self.inner = jet_tables(inputs.indices)
        self.one = inputs.values.new_ones(())

    def chunks(self, width: int) -> Iterator[slice]:
        """Yield the points in chunks, on other devices than the CPU all at once."""
        rows = max(self.n, 1)
        if self.inputs.values.device.type == "cpu":
            rows = min(rows, max(64, CHUNK // (self.K * width)))
            rows = -(-self.n // max(1, round(self.n / rows))) or 1
        for start in range(0, self.n, rows):
            yield slice(start, min(start + rows, self.n))

    def forward(self, parameters: Sequence[torch.Tensor], kept: _Kept | None) -> torch.Tensor:
        """Return the outputs' jet, (K, outputs, n).

        Args:
            parameters: weight and bias of each layer in turn.
            kept: takes what the backward pass needs.
        """
        weights, biases = parameters[::2], parameters[1::2]
        width = len(biases[0])
        shifts = [(self.activation.shift * bias)[:, None] for bias in biases[:-1]]
        spread = [w.expand(self.K, -1, -1) for w in weights]  # (K, out, in)
        result = self.inputs.values.new_empty(self.K, len(biases[-1]), self.n)
        for chunk in self.chunks(width):
            shape = (self.K, width, chunk.stop - chunk.start)
            z, y, c = (self.memory.take(result, shape) for _ in range(3))
            self._first_jet(weights[0], chunk, z.values)
            saved: list[tuple[Jet, ...]] = []
            for layer, shift in enumerate(shifts):
                if layer:
                    torch.bmm(spread[layer], y.values, out=z.values)
                if kept is not None and layer:
                    y = self.memory.take(result, shape)
                    c = self.memory.take(result, shape) if self.activation.keeps_companion else c
                tables = self.inner if layer else self.first
                self.activation.forward(z, shift, y, c, self.one, tables)
                saved.append((y, c) if self.activation.keeps_companion else (y,))
            out = torch.bmm(spread[-1], y.values)
            out[0].add_(biases[-1][:, None])
            result[:, :, chunk] = out
            self.memory.give(z)
            if kept is None:
                self.memory.give(y, c)
            else:
                kept.chunks.append(saved)
                if not self.activation.keeps_companion:
                    self.memory.give(c)
        return result

    def _first_jet(self, weight: torch.Tensor, chunk: slice, out: torch.Tensor) -> None:
        """Fill in the first linear layer's jet, (K, width, m)."""
        out[1:].zero_()
        for i, place in enumerate(self.inputs.varying):
            torch.mm(weight, self.inputs.values[i, :, chunk], out=out[place])
        for i, place in enumerate(self.inputs.fixed):
            out[place] = (weight @ self.inputs.slopes[i])[:, None]

    def backward(
        self, parameters: Sequence[torch.Tensor], kept: _Kept, gradient: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the gradients by the parameters.

        Args:
            kept: from the forward pass.
            gradient: by the outputs' jet, (K, outputs, n).
        """
        weights = parameters[::2]
        # Between layers one matrix for each multi-index, added up in the end.
        sums = [w.new_zeros(w.shape if k == 0 else (self.K, *w.shape)) for k, w in enumerate(weights)]
        biases = [b.new_zeros(b.shape) for b in parameters[1::2]]
        fixed = weights[0].new_zeros(len(self.inputs.fixed), len(weights[0]))
        for chunk, saved in zip(self.chunks(len(weights[0])), kept.chunks, strict=True):
            shape = tuple(saved[0][0].values.shape)
            scratch = [self.memory.take(gradient, shape) for _ in range(3)]
            above = gradient[:, :, chunk]
            for layer in reversed(range(1, len(weights))):
                sums[layer].baddbmm_(above, saved[layer - 1][0].values.transpose(1, 2))
                biases[layer].add_(above[0].sum(1))
                tables = self.inner if layer > 1 else self.first
                above = self._below(weights[layer], above, saved[layer - 1], scratch, tables)
            biases[0].add_(above[0].sum(1))
            for i, place in enumerate(self.inputs.varying):
                sums[0].addmm_(above[place], self.inputs.values[i, :, chunk].T)
            for i, place in enumerate(self.inputs.fixed):
                fixed[i].add_(above[place].sum(1))
            self.memory.give(*scratch)
        sums[0].addmm_(fixed.T, self.inputs.slopes)
        totals = [sums[0], *(s.sum(0) for s in sums[1:])]
        return [t for pair in zip(totals, biases, strict=True) for t in pair]

    def jacobian(
        self, parameters: Sequence[torch.Tensor], kept: _Kept, seeds: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Set out to the gradient at each point by itself, what `backward` adds up over the points.

        Args:
            kept: from the forward pass.
            seeds: by the outputs' jet, (K, outputs, n).
            out: (number of parameters, n), weights row by row before biases, layer after layer.
        """
        weights = parameters[::2]
        rows: list[tuple[torch.Tensor, torch.Tensor]] = []
        start = 0
        for weight in weights:
            middle = start + weight.numel()
            stop = middle + len(weight)
            rows.append((out[start:middle].view(*weight.shape, self.n), out[middle:stop]))
            start = stop
        for chunk, saved in zip(self.chunks(len(weights[0])), kept.chunks, strict=True):
            shape = tuple(saved[0][0].values.shape)
            scratch = [self.memory.take(seeds, shape) for _ in range(3)]
            above = seeds[:, :, chunk]
            for layer in reversed(range(1, len(weights))):
                values = saved[layer - 1][0].values
                slopes, bias = rows[layer][0][:, :, chunk], rows[layer][1]
                torch.mul(above[0, :, None], values[0, None], out=slopes)
                for k in range(1, self.K):
                    slopes.addcmul_(above[k, :, None], values[k, None])
                bias[:, chunk] = above[0]
                tables = self.inner if layer > 1 else self.first
                above = self._below(weights[layer], above, saved[layer - 1], scratch, tables)
            slopes, bias = rows[0][0][:, :, chunk], rows[0][1]
            bias[:, chunk] = above[0]
            slopes.zero_()
            for i, place in enumerate(self.inputs.varying):
                slopes.addcmul_(above[place, :, None], self.inputs.values[i, None, :, chunk])
            for i, place in enumerate(self.inputs.fixed):
                for feature in self.inputs.slopes[i].nonzero()[:, 0].tolist():
                    slopes[:, feature].add_(above[place], alpha=float(self.inputs.slopes[i, feature]))
            self.memory.give(*scratch)

    def _below(
        self,
        weight: torch.Tensor,
        above: torch.Tensor,
        saved: tuple[Jet, ...],
        scratch: Sequence[Jet],
        tables: JetTables,
    ) -> torch.Tensor:
        """Return the gradient by the argument of the activation under a linear layer, (K, in, m).

        Args:
            weight: of the linear layer, (out, in).
            above: gradient by that layer's outputs, (K, out, m); may lie in the last of `scratch`.
            saved: the activation's values, and its companion if that is kept.
            scratch: three jets; the last holds the result.
            tables: of the activation; the result is meant at its first `tables.count` positions.
        """
        c, g, d = scratch
        if len(weight) == 1:  # an outer product, which torch.bmm does slowly
            torch.mul(weight.T, above, out=g.values)
        else:
            torch.bmm(weight.T.expand(self.K, -1, -1), above, out=g.values)
        if self.activation.keeps_companion:
            c = saved[1]
        else:
            self.activation.complete(saved[0], c, self.one, tables)
        head = (0, tables.count)
        torch.mul(c.zeroth, g.part(head), out=d.part(head))
        _accumulate(d, tables.adjoint, c, g, self.activation.factor)
        return d.values


class _Propagation(torch.autograd.Function):
    """The wanted derivatives, (n, 1) each, as a function of the parameters."""

    @staticmethod
    def forward(
        ctx: Any, sweep: _Sweep, wanted: Sequence[tuple[int, int]], *parameters: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(*parameters)
        ctx.sweep, ctx.wanted, ctx.kept = sweep, wanted, _Kept(sweep.memory)
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
