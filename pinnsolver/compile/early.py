"""Weights that fall with time where perturbations grow: what is left of a residual at the start is larger at the end.

A residual r(t) leaves the error e' = g e + r, at the end the integral of exp(g (T - t)) r(t); over all times, and with growth that
saturates, about the root of that counts (measured: `tests/bench/choices.md`).
"""

from __future__ import annotations

import math

import torch

from pinnsolver.declare import Coordinate


def early_weights(times: torch.Tensor, time: Coordinate, early: float) -> torch.Tensor:
    """Return what residuals count, of the shape of `times`: at the start `early` times as much as at the end; their mean square is 1.

    Args:
        times: in the units of the training.
        early: above 0, not 1; dimensionless.
    """
    rate = math.log(early)
    share = (times - time.low) / time.length
    return torch.exp(-rate * share) / math.sqrt(-math.expm1(-2 * rate) / (2 * rate))
