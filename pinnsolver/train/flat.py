"""Parameters as one vector, as the optimizers see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch


def gather(params: Iterable[torch.nn.Parameter]) -> torch.Tensor:
    """Return the parameters' values one after the other, (n,), without a graph."""
    return torch.cat([p.detach().reshape(-1) for p in params])


def scatter(flat: torch.Tensor, params: Sequence[torch.nn.Parameter]) -> None:
    """Set the parameters to the values of (n,)."""
    offset = 0
    with torch.no_grad():
        for p in params:
            p.copy_(flat[offset : offset + p.numel()].view_as(p))
            offset += p.numel()
