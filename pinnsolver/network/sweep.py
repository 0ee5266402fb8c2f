"""Jets through a perceptron, and the gradient of a loss back through it, written out by hand.

Tensors are (K, width, n), a derivative's values side by side: matrix products of that shape run about twice as
fast as those of (K, n, width).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch

from pinnsolver.network.buffers import Jet, Kept
from pinnsolver.network.gradients import Gradients, RowGradients, TotalGradients
from pinnsolver.network.jets import JetTables, jet_tables
from pinnsolver.network.passes import Passes
from pinnsolver.network.products import transposed_product

# Numbers in one jet of a chunk on the CPU, 2 MiB in float64: measured; smaller chunks pay for more operations.
CHUNK = 2**18

Saved = list[tuple[Jet, ...]]


@dataclass(frozen=True)
class Layers:
    """The linear layers as the forward pass takes them.

    Args:
        heads: of those on the features, (count * width, features + 1) for the jet of the features.
        spread: the weights, (K, out, in).
        shifts: the hidden biases as the activation takes them, (width, 1).
        bias: of the last layer, (out, 1).
    """

    heads: list[torch.Tensor]
    spread: list[torch.Tensor]
    shifts: list[torch.Tensor]
    bias: torch.Tensor


class Sweep(Passes):
    """Both passes in chunks of points; layers are numbered as their parameters lie."""

    heads: ClassVar[int]  # so many layers, the first ones, act on the features

    @cached_property
    def first(self) -> JetTables:
        """The sums of a layer on the features."""
        return jet_tables(self.inputs.indices, self.inputs.present)

    @cached_property
    def inner(self) -> JetTables:
        """The sums of a layer on hidden values."""
        return jet_tables(self.inputs.indices)

    @cached_property
    def one(self) -> torch.Tensor:
        """The number, 0-d."""
        return self.inputs.values.new_ones(())

    @abstractmethod
    def up(self, layers: Layers, chunk: slice, keep: bool) -> Saved:
        """Return the jets of the hidden layers in an order of the network's own, what the last layer takes last.

        Args:
            keep: whether the way back needs them; otherwise the last will do.
        """

    @abstractmethod
    def down(
        self,
        weights: Sequence[torch.Tensor],
        saved: Saved,
        above: torch.Tensor,
        chunk: slice,
        into: Gradients,
    ) -> None:
        """Hand out the gradients by the outputs of all linear layers.

        Args:
            saved: from the way up.
            above: by the outputs' jet, (K, outputs, m).
        """

    def forward(self, parameters: Sequence[torch.Tensor], kept: Kept | None) -> torch.Tensor:
        """Return the outputs' jet, (K, outputs, n)."""
        layers = self._layers(parameters)
        result = self.inputs.values.new_empty(self.K, len(layers.bias), self.n)
        for chunk in self._chunks(len(parameters[0])):
            saved = self.up(layers, chunk, kept is not None)
            torch.bmm(layers.spread[-1], saved[-1][0].values, out=result[:, :, chunk])
            if kept is not None:
                kept.chunks.append(saved)
            else:
                for jets in saved:
                    self.memory.give(*jets)
        result[0].add_(layers.bias)
        return result

    def backward(
        self, parameters: Sequence[torch.Tensor], kept: Kept, gradient: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the gradients by the parameters."""
        into = TotalGradients(parameters, self.inputs, self.heads)
        self._all_down(parameters, kept, gradient, into)
        return into.result()

    def jacobian(
        self, parameters: Sequence[torch.Tensor], kept: Kept, seeds: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Set out to the gradient at each point by itself."""
        self._all_down(parameters, kept, seeds, RowGradients(parameters, self.inputs, out))

    def _all_down(
        self, parameters: Sequence[torch.Tensor], kept: Kept, gradient: torch.Tensor, into: Gradients
    ) -> None:
        weights = parameters[::2]
        for chunk, saved in zip(self._chunks(len(weights[0])), kept.chunks, strict=True):
            self.down(weights, saved, gradient[:, :, chunk], chunk, into)

    def _chunks(self, width: int) -> Iterator[slice]:
        """Yield the points in chunks, on other devices than the CPU all at once."""
        rows = max(self.n, 1)
        if self.inputs.values.device.type == "cpu":
            rows = min(rows, max(64, CHUNK // (self.K * width)))
            rows = -(-self.n // max(1, round(self.n / rows))) or 1
        for start in range(0, self.n, rows):
            yield slice(start, min(start + rows, self.n))

    def _layers(self, parameters: Sequence[torch.Tensor]) -> Layers:
        weights, biases = parameters[::2], parameters[1::2]
        matrices, count = self.inputs.matrices, self.inputs.count
        return Layers(
            [torch.bmm(w.expand(count, -1, -1), matrices).flatten(0, 1) for w in weights[: self.heads]],
            [w.expand(self.K, -1, -1) for w in weights],
            [(self.activation.shift * b).unsqueeze(1) for b in biases[:-1]],
            biases[-1].unsqueeze(1),
        )

    # ------------------------------------------------------------------------------- steps of a way up or down

    def take(self, width: int, chunk: slice) -> Jet:
        """Return a jet with any content."""
        return self.memory.take(self.inputs.values, (self.K, width, chunk.stop - chunk.start))

    def enter(self, head: torch.Tensor, chunk: slice, out: Jet) -> None:
        """Fill in the jet of a linear layer on the features."""
        torch.mm(head, self.inputs.values[:, chunk], out=out.part((0, self.inputs.count)).flatten(0, 1))
        if self.inputs.count < self.K:
            out.part((self.inputs.count, self.K)).zero_()

    def activate(self, z: Jet, scratch: Jet, shift: torch.Tensor, tables: JetTables) -> tuple[Jet, ...]:
        """Return the activation's jet, with its companion if that is kept; z is spent."""
        y = self.memory.take(z.values, z.shape)
        c = self.memory.take(z.values, z.shape) if self.activation.keeps_companion else scratch
        self.activation.forward(z, shift, y, c, self.one, tables)
        return (y, c) if self.activation.keeps_companion else (y,)

    def through_linear(self, weight: torch.Tensor, above: torch.Tensor, out: Jet) -> None:
        """Set out to the gradient by what a linear layer acted on, (K, in, m).

        Args:
            above: by its outputs, (K, out, m).
        """
        if len(weight) == 1:  # an outer product, which torch.bmm does slowly
            torch.mul(weight.T, above, out=out.values)
        else:
            torch.bmm(weight.T.expand(self.K, -1, -1), above, out=out.values)

    def through_activation(
        self, saved: tuple[Jet, ...], gradient: Jet, scratch: Jet, out: Jet, tables: JetTables
    ) -> None:
        """Set out to the gradient by the argument of an activation, at the first `tables.count` positions.

        Args:
            saved: the activation's values, and its companion if that is kept.
            gradient: by its values.
        """
        c = scratch
        if self.activation.keeps_companion:
            c = saved[1]
        else:
            self.activation.complete(saved[0], c, self.one, tables)
        transposed_product(c, gradient, out, tables, self.activation.factor)


class PlainSweep(Sweep):
    """Both passes over a `Perceptron`; it saves the activations of each hidden layer."""

    heads = 1

    def up(self, layers: Layers, chunk: slice, keep: bool) -> Saved:
        """Return the jets of the hidden layers."""
        width = len(layers.shifts[0])
        z, c = self.take(width, chunk), self.take(width, chunk)
        self.enter(layers.heads[0], chunk, z)
        saved = [self.activate(z, c, layers.shifts[0], self.first)]
        for weight, shift in zip(layers.spread[1:-1], layers.shifts[1:], strict=True):
            torch.bmm(weight, saved[-1][0].values, out=z.values)
            if not keep:
                self.memory.give(*saved.pop())
            saved.append(self.activate(z, c, shift, self.inner))
        self.memory.give(z, c)
        return saved

    def down(
        self,
        weights: Sequence[torch.Tensor],
        saved: Saved,
        above: torch.Tensor,
        chunk: slice,
        into: Gradients,
    ) -> None:
        """Hand out the gradients by the outputs of all linear layers."""
        c, g, d = (self.take(len(weights[0]), chunk) for _ in range(3))
        for layer in reversed(range(1, len(weights))):
            into.inner(layer, chunk, above, saved[layer - 1][0].values)
            self.through_linear(weights[layer], above, g)
            tables = self.inner if layer > 1 else self.first
            self.through_activation(saved[layer - 1], g, c, d, tables)
            above = d.values
        into.first(0, chunk, above)
        self.memory.give(c, g, d)
