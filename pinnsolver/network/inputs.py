"""Points to the derivatives of a network's features by the coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pinnsolver.network.jets import Orders
from pinnsolver.network.mlp import Features


@dataclass(frozen=True)
class InputJet:
    """The derivatives of the features, those that are zero left out.

    Args:
        indices: all multi-indices of the sweep.
        present: which of them are not zero.
        varying: positions of those that depend on the point; the zeroth first.
        values: (len(varying), features, n).
        fixed: positions of those that are the same at all points.
        slopes: (len(fixed), features).
    """

    indices: tuple[Orders, ...]
    present: frozenset[Orders]
    varying: tuple[int, ...]
    values: torch.Tensor
    fixed: tuple[int, ...]
    slopes: torch.Tensor


def input_jet(features: Features, points: torch.Tensor, indices: tuple[Orders, ...]) -> InputJet:
    """Return the derivatives of the features; each feature depends on one coordinate."""
    rows = [2 * features.harmonics if p else 1 for p in features.periodic]
    varying, fixed = [0], []
    values, slopes = [features(points).T], []
    for place, orders in enumerate(indices):
        axes = [i for i, order in enumerate(orders) if order]
        if len(axes) != 1:
            continue
        axis, order = axes[0], orders[axes[0]]
        start = sum(rows[:axis])
        if features.periodic[axis]:
            value = values[0].new_zeros(values[0].shape)
            value[start : start + rows[axis]] = _harmonics(features, values[0], start, axis, order)
            varying.append(place)
            values.append(value)
        elif order == 1:
            slope = points.new_zeros(features.width)
            slope[start] = features.scale[axis]
            fixed.append(place)
            slopes.append(slope)
    present = frozenset(indices[k] for k in (*varying, *fixed))
    shape = (0, features.width)
    return InputJet(
        indices,
        present,
        tuple(varying),
        torch.stack(values),
        tuple(fixed),
        torch.stack(slopes) if slopes else points.new_zeros(shape),
    )


def _harmonics(features: Features, zeroth: torch.Tensor, start: int, axis: int, order: int) -> torch.Tensor:
    """Return the derivative of (cos k s x, sin k s x), k = 1.., by x: (2 harmonics, n)."""
    stop = start + 2 * features.harmonics
    cos, sin = zeroth[start:stop:2], zeroth[start + 1 : stop : 2]
    turned = {0: (cos, sin), 1: (-sin, cos), 2: (-cos, -sin), 3: (sin, -cos)}[order % 4]
    k = torch.arange(1, features.harmonics + 1, dtype=zeroth.dtype, device=zeroth.device)
    factor = (k * features.scale[axis]).pow(order)
    return (torch.stack(turned, dim=1) * factor[:, None, None]).flatten(0, 1)
