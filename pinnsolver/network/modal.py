"""A network in modes: Fourier series along the periodic coordinates, their amplitudes a perceptron of the others.

    u(x, y, t) = sum_j phi_j(x, y) a_j(t),    a = perceptron(t),

with phi products of 1, cos(k w x), sin(k w x) of all periodic coordinates (`transform/modes.py` says which). Every derivative by
a periodic coordinate is that of a known function, so that one of fourth order costs as much as a value, and the amplitudes enter
linearly. The separation is that of a Fourier-Galerkin method, here trained by collocation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from pinnsolver.declare.orders import Orders
from pinnsolver.network.mlp import Features, Perceptron
from pinnsolver.transform.modes import Mode, wave_vector

# Of the neurons at first: measured on Kuramoto-Sivashinsky, a quarter of the error that neurons without shifts leave.
STEEPNESS, SHIFT = 1.0, 1.5
REMEMBERED = 3  # sets of points: those of training, of the held-out residual, of one more term
AT_A_TIME = 2**22  # numbers of modes at points that are held at a time


class Modes(torch.nn.Module):
    """The functions phi_j of some periodic coordinates.

    Args:
        columns: the columns of the points that are used.
        low, high: range of each of them.
        members: the functions, by what they are along each coordinate: 1, cos, sin, cos 2, sin 2, ... by number.
        sizes: what each function is multiplied by; None for 1.
    """

    low: torch.Tensor
    rates: torch.Tensor
    sizes: torch.Tensor
    # Of all modes together: each window of time has its own, and only one of them is at work.
    _known: ClassVar[dict[Any, tuple[torch.Tensor, dict[Orders, torch.Tensor]]]] = {}

    def __init__(
        self,
        columns: Sequence[int],
        low: Sequence[float],
        high: Sequence[float],
        members: Sequence[Mode],
        sizes: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.members = tuple(members)
        self.harmonics = max(max(wave_vector(own)) for own in self.members)
        own = [1.0] * len(self.members) if sizes is None else list(sizes)
        rates = [2 * torch.pi / (b - a) for a, b in zip(low, high, strict=True)]
        # Derived from the declaration, so no part of the checkpoint.
        self.register_buffer("low", torch.tensor(list(low), dtype=torch.float64), persistent=False)
        self.register_buffer("rates", torch.tensor(rates, dtype=torch.float64), persistent=False)
        self.register_buffer("sizes", torch.tensor(own, dtype=torch.float64), persistent=False)

    def __len__(self) -> int:
        return len(self.members)

    def derivative(self, points: torch.Tensor, orders: Orders) -> torch.Tensor:
        """Return a derivative of each function at (n, D) points, (modes, n).

        Args:
            orders: by each of the periodic coordinates.
        """
        tables = [self._along(points, axis, order) for axis, order in enumerate(orders)]
        found = self.sizes[:, None]
        for axis, table in enumerate(tables):
            found = found * table[[own[axis] for own in self.members]]
        return found

    def split(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return (n, D) points in parts so small that no derivative at one of them takes much memory."""
        return points.split(max(1, AT_A_TIME // len(self)))

    def known_derivative(self, points: torch.Tensor, orders: Orders) -> torch.Tensor:
        """Return what `derivative` does, without a graph and worked out once for points that stay the same."""
        # As long as modes and points are held here, nothing else has their name or lies where they do.
        place = (self, points.data_ptr(), points.shape, points._version)
        if place not in self._known:
            for old in list(self._known)[: max(0, len(self._known) + 1 - REMEMBERED)]:
                self._known.pop(old, None)
            self._known[place] = (points, {})
        known = self._known[place][1]
        if orders not in known:
            with torch.no_grad():
                known[orders] = self.derivative(points, orders)
        return known[orders]

    def _along(self, points: torch.Tensor, axis: int, order: int) -> torch.Tensor:
        """Return a derivative of 1, cos(w x), sin(w x), cos(2 w x), ... along one coordinate, (2 harmonics + 1, n)."""
        angle = (points[:, self.columns[axis]] - self.low[axis]) * self.rates[axis]
        k = torch.arange(1, self.harmonics + 1, dtype=angle.dtype, device=angle.device)[:, None]
        cosine, sine = torch.cos(k * angle), torch.sin(k * angle)
        pair = ((cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine))[order % 4]
        growth = (k * self.rates[axis]) ** order
        waves = torch.stack([pair[0] * growth, pair[1] * growth], dim=1).flatten(0, 1)
        return torch.cat([torch.full_like(angle, float(order == 0))[None], waves])


class ModalPerceptron(torch.nn.Module):
    """Fields in modes.

    Args:
        modes: of the periodic coordinates.
        features: of the other ones.
        outputs: number of fields.
    """

    def __init__(
        self,
        modes: Modes,
        features: Features,
        width: int,
        depth: int,
        outputs: int,
        activation: str,
        generator: Any,
    ) -> None:
        super().__init__()
        self.modes = modes
        self.amplitudes = Perceptron(features, width, depth, outputs * len(modes), activation, generator)
        # Neurons that turn at places of their own: without shifts all would be odd, and alike where they are nearly linear.
        first = self.layers[0]
        assert isinstance(first, torch.nn.Linear)
        torch.nn.init.normal_(first.weight, std=STEEPNESS, generator=generator)
        torch.nn.init.uniform_(first.bias, -SHIFT, SHIFT, generator=generator)

    @property
    def layers(self) -> torch.nn.Sequential:
        """The layers of the amplitudes."""
        return self.amplitudes.layers

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (n, outputs) for (n, D) points."""
        return torch.cat([self._some(part) for part in self.modes.split(points)])

    def _some(self, points: torch.Tensor) -> torch.Tensor:
        amplitudes = self.amplitudes(points).unflatten(1, (-1, len(self.modes)))
        phi = self.modes.derivative(points, (0,) * len(self.modes.columns))
        return torch.einsum("nfj,jn->nf", amplitudes, phi)
