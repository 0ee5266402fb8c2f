"""Jets through a perceptron, and the gradient of a loss back through it, written out by hand.

Tensors are (K, width, n), a derivative's values side by side: matrix products of that shape run about twice as
fast as those of (K, n, width).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from pinnsolver.network.activations import SineJets, TanhJets, accumulate
from pinnsolver.network.buffers import Jet, Kept, Memory
from pinnsolver.network.inputs import InputJet
from pinnsolver.network.jets import JetTables, jet_tables

# Numbers in one jet of a chunk on the CPU, 2 MiB in float64: measured; smaller chunks pay for more operations.
CHUNK = 2**18


class Sweep:
    """Both passes over one perceptron, in chunks of points.

    Args:
        activation: of the hidden layers.
        inputs: derivatives of the features.
        n: number of points.
        memory: for all that is as large as a jet.
    """

    def __init__(
        self, activation: type[TanhJets] | type[SineJets], inputs: InputJet, n: int, memory: Memory
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

    def forward(self, parameters: Sequence[torch.Tensor], kept: Kept | None) -> torch.Tensor:
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
        self, parameters: Sequence[torch.Tensor], kept: Kept, gradient: torch.Tensor
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
        self, parameters: Sequence[torch.Tensor], kept: Kept, seeds: torch.Tensor, out: torch.Tensor
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
        accumulate(d, tables.adjoint, c, g, self.activation.factor)
        return d.values
