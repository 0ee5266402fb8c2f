"""A problem solved once more from other draws, with a larger network and more points: what two runs disagree on, one of them has wrong."""

from __future__ import annotations

import math

from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import Settings
from pinnsolver.errors import PinnsolverError
from pinnsolver.train import Clock, Trained, compile_transformed, train_problem
from pinnsolver.transform import TransformedProblem, transform_problem
from pinnsolver.transform.transformed import ASKED

LARGER = 1.2  # times as many neurons and points, so that both do not miss the same


def solve_again(transformed: TransformedProblem, seconds: float) -> tuple[CompiledProblem, Trained] | None:
    """Return a second training of a problem, None where it came to nothing.

    Args:
        transformed: as it was trained first; its methods are kept.
        seconds: how long it may take.

    Raises:
        KeyboardInterrupt: it was interrupted.
    """
    clock = Clock()
    try:
        again = transform_problem(transformed.declared, _other_settings(transformed, seconds))
        compiled = compile_transformed(again)
        trained = train_problem(compiled, clock=clock)
    except PinnsolverError:
        return None
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    return None if trained.stopped == "diverged" else (compiled, trained)


def _other_settings(transformed: TransformedProblem, seconds: float) -> Settings:
    """Return the settings of the second run."""
    first = transformed.settings
    points, network = first.points, first.network
    again = first.with_values(
        {
            "seed": (first.seed or 0) + 1,
            "seconds": seconds,
            "points.interior": math.ceil(LARGER * (points.interior or 1)),
            "network.width": math.ceil(LARGER * (network.width or 1)),
        }
    )
    weights = first.weights if transformed.choices["weights"].reason == ASKED else None
    return again.model_copy(update={"steps": None, "tolerance": None, "weights": weights})
