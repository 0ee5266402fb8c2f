"""What a derivative engine does with one perceptron: its outputs' jet, and the gradients back to the parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pinnsolver.network.activations import SineJets, TanhJets
from pinnsolver.network.buffers import Kept, Memory
from pinnsolver.network.inputs import InputJet


@dataclass(frozen=True)
class Passes(ABC):
    """Both passes over one network.

    Args:
        activation: of the hidden layers.
        inputs: derivatives of the features.
        n: number of points.
        memory: for all that is as large as a jet.
    """

    activation: type[TanhJets] | type[SineJets]
    inputs: InputJet
    n: int
    memory: Memory

    @property
    def K(self) -> int:
        """Number of derivatives that a layer passes on."""
        return len(self.inputs.indices)

    @abstractmethod
    def forward(self, parameters: Sequence[torch.Tensor], kept: Kept | None) -> torch.Tensor:
        """Return the outputs' jet, (K, outputs, n).

        Args:
            parameters: weight and bias of each layer in turn.
            kept: takes what the backward pass needs.
        """

    @abstractmethod
    def backward(
        self, parameters: Sequence[torch.Tensor], kept: Kept, gradient: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the gradients by the parameters.

        Args:
            kept: from the forward pass.
            gradient: by the outputs' jet, (K, outputs, n).
        """

    @abstractmethod
    def jacobian(
        self, parameters: Sequence[torch.Tensor], kept: Kept, seeds: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Set out to the gradient at each point by itself, what `backward` adds up over the points.

        Args:
            kept: from the forward pass.
            seeds: by the outputs' jet, (K, outputs, n).
            out: (number of parameters, n), weights row by row before biases, layer after layer.
        """
