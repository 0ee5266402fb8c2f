"""The compiled loops of `loops.py` as an engine: the same numbers as `sweep.py`, two to four times sooner on a CPU.

Needs numba (the extra `fast`); without it, for other devices, precisions and networks, `sweep.py` does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pinnsolver.network.activations import SineJets
from pinnsolver.network.buffers import Kept
from pinnsolver.network.passes import Passes

if TYPE_CHECKING:
    from pinnsolver.network.loops import Programs

LEAST_WORK = 2**15  # numbers in all the jets of a pass below which a second thread costs more than it gives


def can_fuse(like: torch.Tensor) -> bool:
    """Say whether the compiled loops serve for tensors of a device and precision."""
    return like.device.type == "cpu" and like.dtype == torch.float64 and _has_numba()


@cache
def _has_numba() -> bool:
    if find_spec("numba") is None:
        return False
    try:
        from pinnsolver.network import loops  # noqa: F401
    except RuntimeError:  # numba finds no folder that it may keep the compiled loops in
        return False
    return True


@cache
def _crew() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="pinnsolver")


class FusedPasses(Passes):
    """Both passes over a `Perceptron` in float64 on the CPU."""

    def forward(self, parameters: Sequence[torch.Tensor], kept: Kept | None) -> torch.Tensor:
        """Return the outputs' jet, (K, outputs, n)."""
        from pinnsolver.network import loops

        weights, biases = _arrays(parameters[::2]), _arrays(parameters[1::2])
        result = self.inputs.values.new_empty(self.K, len(biases[-1]), self.n)
        width, B = len(biases[0]), loops.POINTS
        blocks, layers = -(-self.n // B), len(biases) - 1
        # Each thread has blocks of its own, so without keeping one block's room is enough for each.
        room = (blocks if kept else 1, layers, 1 + self._sine, self.K, width, B)
        jet = self.memory.take(self.inputs.values, room) if kept else None
        arguments = (
            self._phi,
            weights[0] @ self.inputs.matrices.numpy(),
            _stacked(weights[1:-1], (width, width)),
            _stacked(biases[:-1], (width,)),
            weights[-1],
            biases[-1],
            self._sine,
            self._programs.forward,
        )

        def work(part: tuple[int, int]) -> None:
            saved = np.empty(room) if jet is None else jet.values.numpy()
            loops.forward(*arguments, saved, kept is not None, part, result.numpy())

        self._share(work, blocks, width)
        if kept is not None and jet is not None:
            kept.chunks.append([(jet,)])
        return result

    def backward(
        self, parameters: Sequence[torch.Tensor], kept: Kept, gradient: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the gradients by the parameters."""
        from pinnsolver.network import loops

        saved, down = self._way_down(parameters, kept)
        blocks, layers, width = saved.shape[0], saved.shape[1], saved.shape[4]
        outputs, above = len(parameters[-1]), _contiguous(gradient)

        def work(part: tuple[int, int]) -> tuple[np.ndarray, ...]:
            sums = (
                np.zeros((self.inputs.count, width, loops.padded(len(self._phi)))),
                np.zeros((layers - 1, width, loops.padded(width))),
                np.zeros((layers, width)),
                np.zeros((outputs, width)),
                np.zeros(outputs),
            )
            loops.backward(self._phi, *down, saved, above, part, *sums)
            return sums

        parts = self._share(work, blocks, width)
        for more in parts[1:]:
            for total, part in zip(parts[0], more, strict=True):
                np.add(total, part, out=total)
        head, between, biases, top, shift = map(torch.from_numpy, parts[0])
        head, between = head[:, :, : len(self._phi)], between[:, :, :width].contiguous()
        first = torch.bmm(head, self.inputs.matrices.transpose(1, 2)).sum(0)
        biases[0] = head[0, :, -1]
        inner = [gradient for pair in zip([first, *between], biases, strict=True) for gradient in pair]
        return [*inner, top, shift]

    def jacobian(
        self, parameters: Sequence[torch.Tensor], kept: Kept, seeds: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Set out to the gradient at each point by itself."""
        from pinnsolver.network import loops

        saved, down = self._way_down(parameters, kept)
        inputs = (self._phi, self.inputs.partners.numpy(), self.inputs.factors.numpy())
        above = _contiguous(seeds)

        def work(part: tuple[int, int]) -> None:
            loops.jacobian(*inputs, *down, saved, above, part, out.numpy())

        self._share(work, saved.shape[0], saved.shape[4])

    # ------------------------------------------------------------------------------------------ parts

    @property
    def _sine(self) -> bool:
        return self.activation is SineJets

    @property
    def _phi(self) -> np.ndarray:
        return self.inputs.values.numpy()

    @property
    def _programs(self) -> Programs:
        from pinnsolver.network import loops

        return loops.programs(self.inputs.indices, self.inputs.present, self._sine)

    def _way_down(self, parameters: Sequence[torch.Tensor], kept: Kept) -> tuple[np.ndarray, tuple[Any, ...]]:
        """Return what the way up kept, and what both ways down take first."""
        weights, steps = _arrays(parameters[::2]), self._programs
        width = len(weights[0])
        return kept.chunks[0][0][0].values.numpy(), (
            _stacked(weights[1:-1], (width, width)),
            weights[-1],
            self._sine,
            steps.backward,
        )

    def _share(self, work: Callable[[tuple[int, int]], Any], blocks: int, width: int) -> list[Any]:
        """Do work on shares of the blocks, one for each of torch's threads; results in their order."""
        threads = torch.get_num_threads() if self.K * width * self.n >= LEAST_WORK else 1
        threads = max(1, min(threads, blocks))
        edges = [round(k * blocks / threads) for k in range(threads + 1)]
        mine, *others = pairwise(edges)
        waiting = [_crew().submit(work, part) for part in others]
        done = work(mine)
        return [done, *(w.result() for w in waiting)]


def _arrays(tensors: Sequence[torch.Tensor]) -> list[np.ndarray]:
    return [np.ascontiguousarray(t.detach().numpy()) for t in tensors]


def _contiguous(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def _stacked(arrays: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return arrays of one shape, perhaps none, as one; numpy's own function takes longer than the copies."""
    stacked = np.empty((len(arrays), *shape))
    for place, array in zip(stacked, arrays, strict=True):
        place[...] = array
    return stacked
