"""Which term is not finite, and where: what a user needs to know of a training that left the finite numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pinnsolver.train.data import ProblemData
from pinnsolver.train.module import TrainableProblem


@dataclass(frozen=True)
class Culprit:
    """A term that is not finite, or the largest there is.

    Args:
        term: its name.
        value: of its residual at the point.
        place: of the point, as text.
        bad, points: number of points at which it is not finite, and of all.
    """

    term: str
    value: float
    place: str
    bad: int
    points: int

    def __str__(self) -> str:
        how_many = f" ({self.bad} of {self.points} points)" if self.bad else ""
        return f"The term “{self.term}” is {self.value:.6g} at {self.place}{how_many}"


def find_culprit(data: ProblemData, module: TrainableProblem, largest: bool = False) -> Culprit | None:
    """Return the first term that is not finite on the current points, with the first such point.

    Args:
        largest: where all are finite, return the one with the largest weighted residual; else None.
    """
    unknowns = module.unknowns.values()
    found, most = None, -1.0
    for prepared in data.groups:
        with torch.no_grad():
            residuals = data.compiled.residuals(prepared, module.network, unknowns)
        for name, residual in residuals.items():
            if not data.compiled.is_trained(name):
                continue
            bad = ~torch.isfinite(residual[:, 0])
            size = residual[:, 0].abs()
            row = int(bad.nonzero()[0]) if bad.any() else int(size.argmax())
            weighted = data.weights[name] ** 0.5 * float(size[row])
            if bad.any() or weighted > most:
                pairs = zip(data.compiled.checked.coordinates, prepared.columns, strict=True)
                units = data.compiled.transformed.units
                own = {} if units is None else units.coordinates
                place = ", ".join(
                    f"{c.name} = {float(column[row]) * float(own.get(c.name, 1)):.6g}" for c, column in pairs
                )
                found, most = (
                    Culprit(name, float(residual[row, 0]), place, int(bad.sum()), len(bad)),
                    weighted,
                )
            if bad.any():
                return found
    return found if largest else None
