"""Which second-order method trains, and at what pace the rest goes along with it."""

from __future__ import annotations

from dataclasses import dataclass

from pinnsolver.train.broyden import SelfScaledBroyden
from pinnsolver.train.data import ProblemData
from pinnsolver.train.gauss_newton import LevenbergMarquardt
from pinnsolver.train.lbfgs import SteppedLBFGS
from pinnsolver.train.module import TrainableProblem

SecondOrder = LevenbergMarquardt | SelfScaledBroyden | SteppedLBFGS


@dataclass(frozen=True)
class Stretch:
    """A second-order method with the pace of what happens beside it.

    Args:
        name: of the phase, for the history.
        optimizer: the method.
        record_every: steps between two rows of the history.
        causal_every: steps between two refreshments of causal weights: what learns curvature needs them frozen.
        patience: steps without a better held-out loss after which it has converged.
    """

    name: str
    optimizer: SecondOrder
    record_every: int
    causal_every: int
    patience: int


def second_order(module: TrainableProblem, data: ProblemData) -> Stretch:
    """Return the method that the settings name."""
    settings = data.compiled.transformed.settings
    chosen = settings.optimizer
    parameters = list(module.parameters())
    if chosen.second in ("broyden", "bfgs"):
        name = "SSBroyden" if chosen.second == "broyden" else "SSBFGS"
        return Stretch(name, SelfScaledBroyden(parameters, chosen.second), 20, 50, 2000)
    if chosen.second == "lbfgs":
        return Stretch("L-BFGS", SteppedLBFGS(parameters, chosen.memory or 50), 20, 50, 2000)
    optimizer = LevenbergMarquardt(
        parameters,
        lambda slopes: data.rows(module, slopes),
        rank=chosen.rank or None,
        seed=settings.seed or 0,
    )
    return Stretch("Gauss-Newton", optimizer, 5, 5, 300)
