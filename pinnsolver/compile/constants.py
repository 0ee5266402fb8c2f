"""Constants and sizes of trained fields, worked out from the conditions that fix them (`transform/constants.py`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from pinnsolver.compile.plan import DerivativePlan, FieldDerivative, FieldNetwork, Linearised
from pinnsolver.compile.problem import CompiledProblem
from pinnsolver.transform.constants import free_coordinates

CLOSE = 0.1  # a size that training missed by more is no matter of digits, and stays for all to see
CHUNK = 500  # places at which conditions are evaluated at once, each with all nodes of its integral


def with_constants(
    compiled: CompiledProblem, network: FieldNetwork, unknowns: Mapping[str, torch.Tensor]
) -> FieldNetwork:
    """Return a trained network of a problem's fields with the constants and sizes that single conditions fix."""
    fixed = any(a.constant or a.size for a in compiled.transformed.ansatz.values())
    return _FixedNetwork(compiled, network, unknowns) if fixed else network


class _FixedNetwork:
    """A network whose fields are multiplied by their sizes, and to which their constants are added; without gradients."""

    def __init__(
        self, compiled: CompiledProblem, network: FieldNetwork, unknowns: Mapping[str, torch.Tensor]
    ) -> None:
        self._compiled, self._network, self._unknowns = compiled, network, unknowns

    @torch.no_grad()
    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        found = dict(self._network.derivatives(points, plan))
        value = (0,) * points.shape[1]
        for name, ansatz in self._compiled.transformed.ansatz.items():
            mine = [key for key in found if key[0] == name]
            if mine and ansatz.size is not None:
                factor = self._factor(name, ansatz.size, points)
                found |= {key: factor * found[key] for key in mine}
            if (name, value) in found and ansatz.constant is not None:
                found[name, value] = found[name, value] + self._constant(name, ansatz.constant, points)
        return found

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Refuse: training knows nothing of constants."""
        raise NotImplementedError("constants and sizes are worked out for reading out only")

    def _constant(self, field: str, condition: str, points: torch.Tensor) -> torch.Tensor:
        """Return what has to be added to a field, (n, 1), so that a linear condition holds."""
        checked = self._compiled.checked
        function = next(f for f in checked.fields if f.name == field)
        source = next(c for c in checked.conditions if c.name == condition)
        free = [checked.coordinates.index(c) for c in checked.coordinates]
        free = [k for k in free if checked.coordinates[k].symbol in free_coordinates(source, function)]
        every = points.cpu().numpy().astype(float)
        _, first, back = np.unique(every[:, free], axis=0, return_index=True, return_inverse=True)
        places = every[first]
        found = []
        for start in range(0, len(places), CHUNK):
            some = places[start : start + CHUNK]
            missing = self._residual(condition, some, self._network, points.device)
            none, one = (
                self._residual(condition, some, _Constant({field: v}), points.device) for v in (0.0, 1.0)
            )
            found.append(missing / (none - one))
        return torch.cat(found)[torch.as_tensor(back.ravel(), device=points.device)].to(points.dtype)

    def _factor(self, field: str, condition: str, points: torch.Tensor) -> float:
        """Return what a field has to be multiplied by, so that the integral of its square is as asked for; 1 where that is far off."""
        place = points[:1].cpu().numpy().astype(float)
        if not len(place):
            return 1.0
        none = self._residual(condition, place, _Constant({field: 0.0}), points.device)
        square = self._residual(condition, place, self._network, points.device) - none
        factor = float(torch.sqrt(-none / square))
        return factor if abs(factor - 1) < CLOSE else 1.0

    def _residual(
        self, condition: str, places: np.ndarray, network: FieldNetwork, device: torch.device
    ) -> torch.Tensor:
        """Return what a network leaves in a condition, (n, 1)."""
        k = next(k for k, g in enumerate(self._compiled.groups) if condition in g.names)
        prepared = self._compiled.prepare(k, places, None, device)
        return self._compiled.residuals(prepared, network, self._unknowns)[condition]


class _Constant:
    """Fields of one number each, zero if none is said."""

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = numbers

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return each planned derivative, (n, 1)."""
        value = (0,) * points.shape[1]
        return {
            key: torch.full_like(points[:, :1], self._numbers.get(key[0], 0.0) if key[1] == value else 0.0)
            for key in plan.wanted
        }

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Refuse: there is nothing to train."""
        raise NotImplementedError("a constant has no parameters")
