"""The trainable whole as DeepXDE sees it: networks and unknown numbers in one torch module."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pinnsolver.compile import CompiledProblem, DerivativePlan, FieldDerivative
from pinnsolver.errors import UnsupportedProblem
from pinnsolver.network import AutogradNetwork, Unknowns, build_network


class TrainableProblem(torch.nn.Module):
    """A compiled problem's network and unknowns; calling it gives the fields, ansatz included.

    It is what `deepxde.Model` takes for a network: the unknowns are parameters of it, so every optimizer
    and every checkpoint has them.

    Args:
        compiled: the problem.
        network: any module from (n, D) to (n, number of fields); our own where it is left out.

    Raises:
        UnsupportedProblem: slopes are built in, for which a network has to see its coordinates otherwise.
    """

    def __init__(self, compiled: CompiledProblem, network: torch.nn.Module | None = None) -> None:
        super().__init__()
        checked = compiled.checked
        names = [f.name for f in checked.fields]
        if network is not None:
            _refuse_slopes(compiled)
        self.network = (
            build_network(checked, compiled.transformed.settings, compiled.transformed.ansatz, compiled.dtype)
            if network is None
            else AutogradNetwork(network, names).to(compiled.dtype)
        )
        own_units = bool(compiled.transformed.settings.units)
        self.unknowns = Unknowns(checked.unknowns, compiled.dtype, own_units)
        self._ansatz = compiled.ansatz_plan(
            DerivativePlan.of((n, (0,) * len(checked.coordinates)) for n in names)
        )
        self._keys: list[FieldDerivative] = [(n, (0,) * len(checked.coordinates)) for n in names]
        self.dtype = compiled.dtype
        # What deepxde.Model looks for in a network.
        self.regularizer = None
        self.auxiliary_vars = None

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.unknowns.raw.device

    @property
    def size(self) -> int:
        """Number of trainable numbers."""
        return sum(p.numel() for p in self.parameters())

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return the fields at (n, D) points, (n, number of fields)."""
        points = points.to(device=self.device, dtype=self.dtype)
        if set(self._ansatz.raw.wanted) <= set(self._keys):
            raw = self.network(points)
            outputs: Mapping[FieldDerivative, torch.Tensor] = {
                key: raw[:, k : k + 1] for k, key in enumerate(self._keys)
            }
        else:  # slopes on a shaped boundary that are built in need those of the network
            outputs = self.network.derivatives(points, self._ansatz.raw)
        fields = self._ansatz.assemble(self._ansatz.tables(points), outputs)
        return torch.cat([fields[key] for key in self._keys], dim=1)


def _refuse_slopes(compiled: CompiledProblem) -> None:
    """Refuse a foreign network where the ansatz counts on the inputs of ours."""
    for name, ansatz in compiled.transformed.ansatz.items():
        if ansatz.flat:
            raise UnsupportedProblem(
                f"A network of your own was given for {name}, whose slope in {', '.join(ansatz.flat)} is built in: "
                "that takes inputs which only our networks have.\n"
                "Leave out network=, or use the settings hard=False (--soft)"
            )
