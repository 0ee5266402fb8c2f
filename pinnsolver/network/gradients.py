"""What a backward pass leaves behind: the gradient by every weight and bias, added over the points or point by point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch

from pinnsolver.network.inputs import InputJet


class Gradients(ABC):
    """Takes the gradients by the outputs of linear layers, numbered as their weights and biases lie in turn."""

    @abstractmethod
    def first(self, layer: int, chunk: slice, above: torch.Tensor) -> None:
        """Take the gradient by the outputs of a layer on the features.

        Args:
            above: (K, out, m); only the first `InputJet.count` positions are meant.
        """

    @abstractmethod
    def inner(self, layer: int, chunk: slice, above: torch.Tensor, values: torch.Tensor) -> None:
        """Take the gradient by the outputs of a layer on hidden values.

        Args:
            above: (K, out, m).
            values: what the layer acted on, (K, in, m).
        """


class TotalGradients(Gradients):
    """Gradients added over all points."""

    def __init__(self, parameters: Sequence[torch.Tensor], inputs: InputJet, heads: int) -> None:
        """Start from zero.

        Args:
            heads: so many layers, the first ones, act on the features.
        """
        self._inputs = inputs
        self._heads = heads
        weights = parameters[::2]
        # One matrix for each multi-index, added up in the end.
        self._sums = [
            w.new_zeros(inputs.count * len(w), len(inputs.values))
            if k < heads
            else w.new_zeros(len(inputs.indices), *w.shape)
            for k, w in enumerate(weights)
        ]
        self._biases = [b.new_zeros(b.shape) for b in parameters[1::2]]

    def first(self, layer: int, chunk: slice, above: torch.Tensor) -> None:
        """Take the gradient by the outputs of a layer on the features."""
        rows = above[: self._inputs.count].flatten(0, 1)
        self._sums[layer].addmm_(rows, self._inputs.values[:, chunk].T)

    def inner(self, layer: int, chunk: slice, above: torch.Tensor, values: torch.Tensor) -> None:
        """Take the gradient by the outputs of a layer on hidden values."""
        self._sums[layer].baddbmm_(above, values.transpose(1, 2))
        self._biases[layer].add_(above[0].sum(1))

    def result(self) -> list[torch.Tensor]:
        """Return weight and bias of each layer in turn."""
        back = self._inputs.matrices.transpose(1, 2)
        found = []
        for k, (total, bias) in enumerate(zip(self._sums, self._biases, strict=True)):
            if k < self._heads:
                parts = total.unflatten(0, (self._inputs.count, len(bias)))
                found += [torch.bmm(parts, back).sum(0), parts[0, :, -1].clone()]
            else:
                found += [total.sum(0), bias]
        return found


class RowGradients(Gradients):
    """Gradients point by point.

    Args:
        parameters: weight and bias of each layer in turn.
        out: (number of parameters, n), to be filled in: weights row by row before biases, layer after layer.
    """

    def __init__(self, parameters: Sequence[torch.Tensor], inputs: InputJet, out: torch.Tensor) -> None:
        self._inputs = inputs
        self._rows: list[tuple[torch.Tensor, torch.Tensor]] = []
        start = 0
        for weight in parameters[::2]:
            middle = start + weight.numel()
            stop = middle + len(weight)
            self._rows.append((out[start:middle].view(*weight.shape, -1), out[middle:stop]))
            start = stop

    def first(self, layer: int, chunk: slice, above: torch.Tensor) -> None:
        """Take the gradient by the outputs of a layer on the features."""
        derivatives = (self._inputs.derivative(k, chunk) for k in range(self._inputs.count))
        self._take(layer, chunk, above, derivatives)

    def inner(self, layer: int, chunk: slice, above: torch.Tensor, values: torch.Tensor) -> None:
        """Take the gradient by the outputs of a layer on hidden values."""
        self._take(layer, chunk, above, values)

    def _take(self, layer: int, chunk: slice, above: torch.Tensor, values: Iterable[torch.Tensor]) -> None:
        slopes, bias = self._rows[layer][0][:, :, chunk], self._rows[layer][1]
        for k, value in enumerate(values):
            if k == 0:
                torch.mul(above[0, :, None], value[None], out=slopes)
            else:
                slopes.addcmul_(above[k, :, None], value[None])
        bias[:, chunk] = above[0]
