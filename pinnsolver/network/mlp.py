"""Our own networks: inputs scaled to [-1, 1], periodic coordinates as harmonics, multilayer perceptrons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from pinnsolver.transform.flat import FLAT, Polynomial, derivatives


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
    """Coordinates to inputs of a perceptron: scaled, (cos k w x, sin k w x) where periodic, or the functions of `transform/flat.py`.

    Random Fourier features (Tancik et al. 2020, arXiv 2006.10739, eq. 5) may follow: cos(B x), then sin(B x), x scaled.

    Args:
        columns: the columns of the points that are used.
        low, high: range of each of them; a periodic one may begin anywhere, so that its middle is where it is even.
        periodic: whether each of them is periodic.
        harmonics: k = 1..harmonics.
        frequencies: B, (number, columns), with zeros for periodic and flat columns; None for no random features.
        flat: for each column a key of `FLAT`, else ""; for a periodic one "even" for the cosines alone.
    """

    columns: torch.Tensor
    center: torch.Tensor
    scale: torch.Tensor
    multiples: torch.Tensor
    frequencies: torch.Tensor

    def __init__(
        self,
        columns: Sequence[int],
        low: Sequence[float],
        high: Sequence[float],
        periodic: Sequence[bool],
        harmonics: int,
        frequencies: torch.Tensor | None = None,
        flat: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.periodic = tuple(periodic)
        self.flat = ("",) * len(self.periodic) if flat is None else tuple(flat)
        self.harmonics = harmonics
        self._in_order = list(columns) == list(range(len(columns)))
        self.random = 0 if frequencies is None else len(frequencies)
        center = [0.5 * (a + b) for a, b in zip(low, high, strict=True)]
        factors = [
            2 * math.pi / (b - a) if p else 2 / (b - a) for a, b, p in zip(low, high, periodic, strict=True)
        ]
        multiples = [
            [float(k) if i == axis else 0.0 for i in range(len(self.periodic))]
            for axis, p in enumerate(self.periodic)
            for k in _multiples(p, self.flat[axis], harmonics)
        ]
        drawn = torch.zeros(0, len(center)) if frequencies is None else frequencies
        # Derived from the declaration, so no part of the checkpoint; what was drawn is.
        self.register_buffer("columns", torch.tensor(list(columns)), persistent=False)
        self.register_buffer("center", torch.tensor(center, dtype=torch.float64), persistent=False)
        self.register_buffer("scale", torch.tensor(factors, dtype=torch.float64), persistent=False)
        self.register_buffer("multiples", torch.tensor(multiples, dtype=torch.float64), persistent=False)
        self.register_buffer("frequencies", drawn.double(), persistent=frequencies is not None)

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.multiples) + 2 * self.random

    @property
    def rates(self) -> torch.Tensor:
        """How fast each feature's argument grows along each coordinate, (width, columns)."""
        if not self.random:
            return self.multiples * self.scale
        return torch.cat([self.multiples, self.frequencies, self.frequencies]) * self.scale

    def scaled(self, points: torch.Tensor) -> torch.Tensor:
        """Return the coordinates scaled, (n, columns), of (n, D) points."""
        whole = self._in_order and points.shape[1] == len(self.periodic)  # selecting costs more than scaling
        return ((points if whole else points.index_select(1, self.columns)) - self.center) * self.scale

    def companions(self, points: torch.Tensor) -> torch.Tensor:
        """Return what derivatives of the functions need beside them, (n, count).

        By column the polynomials' derivatives by the scaled coordinate, order after order, or the sines of lone cosines.
        """
        if not any(self.flat):
            return points.new_empty(len(points), 0)
        scaled = self.scaled(points)
        parts = []
        for i, kind in enumerate(self.flat):
            x = scaled[:, i : i + 1]
            if self.periodic[i]:
                parts += [torch.sin(k * x) for k in range(1, self.harmonics + 1)] if kind else []
            elif kind:
                parts += [evaluated(d, x) for polynomial in FLAT[kind] for d in derivatives(polynomial)[1:]]
        return torch.cat(parts, dim=1)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, width) features of (n, D) points."""
        scaled = self.scaled(points)
        if not any(self.periodic) and not any(self.flat) and not self.random:
            return scaled
        parts = []
        for i, periodic in enumerate(self.periodic):
            x = scaled[:, i : i + 1]
            if periodic:
                for k in range(1, self.harmonics + 1):
                    parts += [torch.cos(k * x)] if self.flat[i] else [torch.cos(k * x), torch.sin(k * x)]
            elif self.flat[i]:
                parts += [evaluated(polynomial, x) for polynomial in FLAT[self.flat[i]]]
            else:
                parts.append(x)
        if self.random:
            arguments = scaled @ self.frequencies.T
            parts += [torch.cos(arguments), torch.sin(arguments)]
        return torch.cat(parts, dim=1)


def _multiples(periodic: bool, flat: str, harmonics: int) -> list[int]:
    """Return how many times the scaled coordinate each feature of a column has in its argument."""
    if not periodic:
        return [1] * (len(FLAT[flat]) if flat else 1)
    return [k for k in range(1, harmonics + 1) for _ in range(1 if flat else 2)]


def evaluated(polynomial: Polynomial, z: torch.Tensor) -> torch.Tensor:
    """Return a polynomial at z, by Horner's rule."""
    total = torch.full_like(z, polynomial[-1])
    for coefficient in reversed(polynomial[:-1]):
        total = total * z + coefficient
    return total


class Perceptron(torch.nn.Module):
    """Features, then a multilayer perceptron with Glorot-normal weights and zero biases."""

    def __init__(
        self, features: Features, width: int, depth: int, outputs: int, activation: str, generator: Any
    ) -> None:
        super().__init__()
        self.features = features
        self.layers = _layers(features.width, width, depth, outputs, activation)
        _initialise(self, generator)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, outputs) for (n, D) points."""
        outputs: torch.Tensor = self.layers(self.features(points))
        return outputs


class ModifiedPerceptron(torch.nn.Module):
    """A perceptron whose hidden layers choose between two encodings of the features.

    With s the activation and H = X at first, U = s(X W1 + b1), V = s(X W2 + b2), each hidden layer is

        Z = s(H W + b),   H <- (1 - Z) U + Z V.

    Source: Wang, Teng, Perdikaris 2021 (arXiv 2001.04536), eq. 43-47; the first layer is one of these
    as in Wang, Sankaran, Wang, Perdikaris 2023 (arXiv 2308.08468).
    """

    def __init__(
        self, features: Features, width: int, depth: int, outputs: int, activation: str, generator: Any
    ) -> None:
        super().__init__()
        self.features = features
        self.activation = _ACTIVATIONS[activation]()
        self.u = torch.nn.Linear(features.width, width)
        self.v = torch.nn.Linear(features.width, width)
        self.layers = _layers(features.width, width, depth, outputs, activation)
        _initialise(self, generator)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, outputs) for (n, D) points."""
        x = self.features(points)
        u, v = self.activation(self.u(x)), self.activation(self.v(x))
        for k in range(0, len(self.layers) - 1, 2):
            z = self.layers[k + 1](self.layers[k](x))
            x = u + z * (v - u)
        outputs: torch.Tensor = self.layers[-1](x)
        return outputs


def _layers(size: int, width: int, depth: int, outputs: int, activation: str) -> torch.nn.Sequential:
    """Return linear layers with activations between them."""
    layers: list[torch.nn.Module] = []
    for _ in range(depth):
        layers += [torch.nn.Linear(size, width), _ACTIVATIONS[activation]()]
        size = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(size, outputs))


def _initialise(module: torch.nn.Module, generator: Any) -> None:
    """Draw Glorot-normal weights, biases zero."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.xavier_normal_(layer.weight, generator=generator)
            torch.nn.init.zeros_(layer.bias)


class Trunks(torch.nn.Module):
    """Several perceptrons side by side, each for some of the fields; columns in field order."""

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
