"""Our own networks: inputs scaled to [-1, 1], periodic coordinates as harmonics, a multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch


class Sine(torch.nn.Module):
    """sin, as an activation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return sin(x)."""
        return torch.sin(x)


_ACTIVATIONS: dict[str, type[torch.nn.Module]] = {
    "tanh": torch.nn.Tanh,
    "sin": Sine,
    "silu": torch.nn.SiLU,
    "gelu": torch.nn.GELU,
}


class Features(torch.nn.Module):
    """Coordinates to inputs of a perceptron: scaled, or (cos k w x, sin k w x) where periodic.

    Args:
        columns: the columns of the points that are used.
        low, high: range of each of them.
        periodic: whether each of them is periodic.
        harmonics: k = 1..harmonics.
    """

    columns: torch.Tensor
    center: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        columns: Sequence[int],
        low: Sequence[float],
        high: Sequence[float],
        periodic: Sequence[bool],
        harmonics: int,
    ) -> None:
        super().__init__()
        self.periodic = tuple(periodic)
        self.harmonics = harmonics
        center = [0.5 * (a + b) for a, b in zip(low, high, strict=True)]
        factors = [
            2 * math.pi / (b - a) if p else 2 / (b - a) for a, b, p in zip(low, high, periodic, strict=True)
        ]
        # Derived from the declaration, so no part of the checkpoint.
        self.register_buffer("columns", torch.tensor(list(columns)), persistent=False)
        self.register_buffer("center", torch.tensor(center, dtype=torch.float64), persistent=False)
        self.register_buffer("scale", torch.tensor(factors, dtype=torch.float64), persistent=False)

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(2 * self.harmonics if p else 1 for p in self.periodic)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, width) features of (n, D) points."""
        scaled = (points[:, self.columns] - self.center) * self.scale
        if not any(self.periodic):
            return scaled
        parts = []
        for i, periodic in enumerate(self.periodic):
            x = scaled[:, i : i + 1]
            if periodic:
                for k in range(1, self.harmonics + 1):
                    parts += [torch.cos(k * x), torch.sin(k * x)]
            else:
                parts.append(x)
        return torch.cat(parts, dim=1)


class Perceptron(torch.nn.Module):
    """Features, then a multilayer perceptron with Glorot-normal weights and zero biases."""

    def __init__(
        self, features: Features, width: int, depth: int, outputs: int, activation: str, generator: Any
    ) -> None:
        super().__init__()
        self.features = features
        layers: list[torch.nn.Module] = []
        size = features.width
        for _ in range(depth):
            layers += [torch.nn.Linear(size, width), _ACTIVATIONS[activation]()]
            size = width
        layers.append(torch.nn.Linear(size, outputs))
        self.layers = torch.nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, torch.nn.Linear):
                torch.nn.init.xavier_normal_(layer.weight, generator=generator)
                torch.nn.init.zeros_(layer.bias)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, outputs) for (n, D) points."""
        outputs: torch.Tensor = self.layers(self.features(points))
        return outputs


class Trunks(torch.nn.Module):
    """One perceptron for each group of fields that depend on the same coordinates, columns in field order."""

    order: torch.Tensor

    def __init__(self, trunks: Sequence[torch.nn.Module], order: Sequence[int]) -> None:
        super().__init__()
        self.trunks = torch.nn.ModuleList(trunks)
        self.register_buffer("order", torch.tensor(list(order)), persistent=False)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, number of fields) for (n, D) points."""
        if len(self.trunks) == 1:
            outputs: torch.Tensor = self.trunks[0](points)
            return outputs
        return torch.cat([trunk(points) for trunk in self.trunks], dim=1)[:, self.order]
