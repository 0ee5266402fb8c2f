"""The network that a problem's settings ask for."""

from __future__ import annotations

import torch

from pinnsolver.declare import CheckedProblem, Settings
from pinnsolver.network.mlp import Features, Perceptron, Trunks
from pinnsolver.network.taylor import OwnNetwork


def build_network(checked: CheckedProblem, settings: Settings, dtype: torch.dtype) -> OwnNetwork:
    """Return the network that a problem's settings ask for, initialised from their seed.

    Args:
        settings: without gaps.
        dtype: of weights and computation.
    """
    generator = torch.Generator().manual_seed(settings.seed or 0)
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, field in enumerate(checked.fields):
        groups.setdefault(checked.inputs(field), []).append(k)
    trunks = []
    for columns, members in groups.items():
        used = [checked.coordinates[i] for i in columns]
        features = Features(
            columns,
            [c.low for c in used],
            [c.high for c in used],
            [c.name in checked.periodic for c in used],
            settings.network.harmonics or 1,
        )
        trunks.append(
            Perceptron(
                features,
                settings.network.width or 32,
                settings.network.depth or 3,
                len(members),
                settings.network.activation or "tanh",
                generator,
            )
        )
    stacked = [k for members in groups.values() for k in members]
    order = [stacked.index(k) for k in range(len(checked.fields))]
    return OwnNetwork(Trunks(trunks, order), [f.name for f in checked.fields]).to(dtype)
