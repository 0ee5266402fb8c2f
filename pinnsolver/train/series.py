"""The state at a seam of two windows as a Fourier series, where all of space is periodic.

A window's solution rests on the state that it took over, which rests on the window before: without this, a state would be
asked of all earlier windows. The series is fitted once, to rounding, and from then on as quick for the last window as for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch

from pinnsolver.declare import Coordinate
from pinnsolver.declare.orders import Orders
from pinnsolver.network.modal import Modes

FIRST_GRID = 32  # nodes along a coordinate at first
MOST_NODES = {1: 1024, 2: 128, 3: 32}  # along a coordinate at last, by their number
NEGLIGIBLE = 1e-14  # of the largest coefficient: rounding, which derivatives would enlarge
BETWEEN = 0.382  # of a distance of nodes, where a series is checked
TAIL = 1e-12  # of the largest coefficient that the shortest third of the waves may have


@dataclass(frozen=True)
class Series:
    """sum_j c_j phi_j.

    Args:
        modes: the phi_j.
        coefficients: c_j, (modes,).
    """

    modes: Modes
    coefficients: torch.Tensor

    def derivative(self, points: torch.Tensor, orders: Orders) -> torch.Tensor:
        """Return a derivative at (n, D) points, (n, 1).

        Args:
            orders: by each of the periodic coordinates.
        """
        parts = [self.coefficients @ self.modes.derivative(p, orders) for p in self.modes.split(points)]
        return torch.cat(parts).unsqueeze(1)


def fit_series(
    function: Callable[[torch.Tensor], torch.Tensor],
    place: torch.Tensor,
    columns: Sequence[int],
    ranges: Sequence[Coordinate],
) -> Series | None:
    """Return the series of a function of some periodic coordinates, None where no grid of moderate size can hold it.

    Args:
        function: gives (n, 1) at (n, D) points.
        place: (D,), the other coordinates.
        columns: of the periodic coordinates.
        ranges: the periodic coordinates.
    """
    size = FIRST_GRID
    while size <= MOST_NODES.get(len(columns), 0):
        share = torch.arange(size, dtype=place.dtype, device=place.device) / size
        nodes = torch.cartesian_prod(*[c.low + c.length * share for c in ranges]).reshape(-1, len(columns))
        points = place.expand(len(nodes), -1).clone()
        points[:, list(columns)] = nodes
        found = values = function(points).reshape([size] * len(columns))
        transform = _transform(share)
        for axis in range(len(columns)):
            found = torch.tensordot(transform, found, dims=([1], [axis])).movedim(0, axis)
        largest = found.abs().max()
        if not torch.isfinite(largest):
            return None
        short = torch.zeros_like(found, dtype=torch.bool)
        for axis in range(len(columns)):
            short.narrow(axis, 2 * len(transform) // 3, len(transform) - 2 * len(transform) // 3).fill_(True)
        if not (found.abs()[short] > TAIL * largest).any():
            kept = (found.abs() > NEGLIGIBLE * largest).flatten()
            kept[0] = True
            every = list(product(range(len(transform)), repeat=len(columns)))
            members = [every[int(j)] for j in kept.nonzero()]
            modes = Modes(columns, [c.low for c in ranges], [c.high for c in ranges], members)
            series = Series(modes.to(place), found.flatten()[kept])
            # Between the nodes too: a wave that is too short for a grid looks like a long one on it.
            points[:, list(columns)] += BETWEEN / size * place.new_tensor([c.length for c in ranges])
            off = (series.derivative(points, (0,) * len(columns)) - function(points)).abs().max()
            if off <= TAIL * len(members) * max(float(values.abs().max()), float(largest)):
                return series
        size *= 2
    return None


def _transform(share: torch.Tensor) -> torch.Tensor:
    """Return the matrix from values on a uniform grid to the coefficients of 1, cos, sin, cos 2, sin 2, ... (size - 1, size)."""
    waves = torch.arange(1, len(share) // 2, dtype=share.dtype, device=share.device)[:, None]
    angle = 2 * torch.pi * waves * share
    pairs = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1).flatten(0, 1)
    return torch.cat([torch.ones_like(share)[None], 2 * pairs]) / len(share)
