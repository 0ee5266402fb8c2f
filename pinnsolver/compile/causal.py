"""Causal weights in time: a chunk counts only once all earlier ones are solved.

Source: Wang, Sankaran, Perdikaris 2022 (arXiv 2203.07404), with the strict sum: a chunk does not damp itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

# The paper climbs from 1e-2 to 100 on residuals as they stand. Ours are in units of what one wave leaves in the
# equation, and a false solution sits at 1e-4 of that: below 1e3 it passes for solved (measured on Lotka-Volterra).
LEVELS = (1e3, 1e4)
OPEN = 0.99  # a level ends when the least weight is above this


def causal_weights(losses: torch.Tensor, sharpness: float, start: float = 0.0) -> torch.Tensor:
    """Return w_i = exp(-eps * (L_ic + sum_{k<i} L_k)), the least over equations; without gradient.

    Args:
        losses: (equations, chunks) mean square residuals, dimensionless.
        sharpness: eps.
        start: L_ic, the mean square misfit of initial conditions that are soft; dimensionless.

    Returns:
        (chunks,) weights; the first is 1 where no initial condition is soft, and none is larger than the one before.
    """
    before = torch.cumsum(losses.detach(), dim=1) - losses.detach()  # (equations, chunks)
    return torch.exp(-sharpness * (start + before)).min(dim=0).values


@dataclass
class CausalState:
    """How far causal training has come.

    Args:
        weights: (chunks,) current weights.
        level: index into `LEVELS`; one past the end once all weights have opened at the last level.
    """

    weights: torch.Tensor
    level: int = 0

    @property
    def open(self) -> bool:
        """Whether every chunk counts fully: training is then plain."""
        return self.level >= len(LEVELS)

    @property
    def reached(self) -> float:
        """The part of the time that counts, from 0 to 1: up to the first chunk with a weight below one half."""
        shut = (self.weights < 0.5).nonzero()
        return float(shut[0]) / len(self.weights) if len(shut) else 1.0

    def update(self, losses: torch.Tensor, start: float = 0.0) -> None:
        """Set the weights from the chunks' losses, (equations, chunks), and climb a level where they have opened.

        Args:
            start: as in `causal_weights`.
        """
        while not self.open:
            self.weights = causal_weights(losses, LEVELS[self.level], start)
            if float(self.weights.min()) <= OPEN:
                return
            self.level += 1
        self.weights = torch.ones_like(self.weights)


def chunk_losses(residuals: list[torch.Tensor], chunks: torch.Tensor, count: int) -> torch.Tensor:
    """Return the mean square of each residual over each chunk, (equations, chunks); 0 for an empty chunk.

    Args:
        residuals: (n, 1) each, in units that make them comparable.
        chunks: (n,) index of each point's chunk.
        count: number of chunks.
    """
    members = torch.zeros(count, dtype=residuals[0].dtype, device=chunks.device)
    members.index_add_(0, chunks, torch.ones_like(residuals[0][:, 0]))
    rows = []
    for residual in residuals:
        sums = torch.zeros_like(members).index_add_(0, chunks, residual.detach()[:, 0].square())
        rows.append(sums / members.clamp(min=1))
    return torch.stack(rows)
