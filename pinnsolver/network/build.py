"""The network that a problem's settings ask for."""

from __future__ import annotations

import torch

from pinnsolver.declare import CheckedProblem, Settings
from pinnsolver.declare.settings import NetworkSettings
from pinnsolver.network.mlp import Features, ModifiedPerceptron, Perceptron, Trunks
from pinnsolver.network.taylor import OwnNetwork

_KINDS = {"mlp": Perceptron, "modified": ModifiedPerceptron}


def build_network(checked: CheckedProblem, settings: Settings, dtype: torch.dtype) -> OwnNetwork:
    """Return the network that a problem's settings ask for, initialised from their seed.

    Args:
        settings: without gaps.
        dtype: of weights and computation.
    """
    chosen = settings.network
    generator = torch.Generator().manual_seed(settings.seed or 0)
    groups = _groups(checked, chosen)
    trunks = [
        _KINDS[chosen.kind or "mlp"](
            _features(checked, checked.inputs(checked.fields[members[0]]), chosen, generator),
            chosen.width or 32,
            chosen.depth or 3,
            len(members),
            chosen.activation or "tanh",
            generator,
        )
        for members in groups
    ]
    stacked = [k for members in groups for k in members]
    order = [stacked.index(k) for k in range(len(checked.fields))]
    return OwnNetwork(Trunks(trunks, order), [f.name for f in checked.fields]).to(dtype)


def _groups(checked: CheckedProblem, chosen: NetworkSettings) -> list[list[int]]:
    """Return the fields, by number, that share a trunk."""
    if chosen.trunks == "separate":
        return [[k] for k in range(len(checked.fields))]
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, field in enumerate(checked.fields):
        groups.setdefault(checked.inputs(field), []).append(k)
    return list(groups.values())


def _features(
    checked: CheckedProblem, columns: tuple[int, ...], chosen: NetworkSettings, generator: torch.Generator
) -> Features:
    """Return the features of some coordinates, random frequencies drawn."""
    used = [checked.coordinates[i] for i in columns]
    periodic = [c.name in checked.periodic for c in used]
    frequencies = None
    if chosen.fourier and not all(periodic):
        drawn = torch.randn(chosen.fourier, len(used), dtype=torch.float64, generator=generator)
        frequencies = drawn * (chosen.fourier_scale or 1.0) * torch.tensor([not p for p in periodic])
    return Features(
        columns,
        [c.low for c in used],
        [c.high for c in used],
        periodic,
        chosen.harmonics or 1,
        frequencies,
    )
