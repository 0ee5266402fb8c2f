"""Memory for jets, used again from step to step."""

from __future__ import annotations

import torch

from pinnsolver.network.jets import Span


class Jet:
    """A jet, (K, width, m), with its parts at hand: making a view costs as much as a small operation on it."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values
        self.shape = tuple(values.shape)
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
                self._free.setdefault((jet.shape, values.dtype), []).append(jet)
                self._bytes += values.nbytes


class Kept:
    """What the backward pass needs; its memory goes back when the graph is dropped."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.chunks: list[list[tuple[Jet, ...]]] = []  # by hidden layer: outputs, perhaps companion

    def __del__(self) -> None:
        for chunk in self.chunks:
            for jets in chunk:
                self.memory.give(*jets)
