"""Unknown numbers as trainable parameters that never leave their bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from pinnsolver.declare import Unknown


class Unknowns(torch.nn.Module):
    """One raw parameter for each unknown; its value follows by a smooth map into the bounds.

    Without bounds value = start + scale * raw with scale = max(|start|, 1), or |start| where that is its unit; with one bound the distance to it
    is start's distance times exp(raw), with two the position between them is a logistic of raw. All raw
    numbers start at zero.
    """

    def __init__(self, unknowns: Sequence[Unknown], dtype: torch.dtype, own_units: bool = False) -> None:
        super().__init__()
        self.least = 0.0 if own_units else 1.0
        self.declared = tuple(unknowns)
        self.raw = torch.nn.Parameter(torch.zeros(len(unknowns), dtype=dtype))

    def values(self) -> dict[str, torch.Tensor]:
        """Return each unknown's value, a 0-d tensor, by name."""
        return {u.name: _bounded(u, self.raw[i], self.least) for i, u in enumerate(self.declared)}

    def numbers(self) -> dict[str, float]:
        """Return each unknown's value as a float."""
        return {name: float(value.detach()) for name, value in self.values().items()}


def _bounded(unknown: Unknown, raw: torch.Tensor, least: float) -> torch.Tensor:
    low, high, start = unknown.low, unknown.high, unknown.start
    if low is not None and high is not None:
        offset = math.log((start - low) / (high - start))
        return low + (high - low) * torch.sigmoid(raw + offset)
    if low is not None:
        return low + (start - low) * torch.exp(raw)
    if high is not None:
        return high - (high - start) * torch.exp(raw)
    return start + (max(abs(start), least) or 1.0) * raw
