"""The network that a problem's settings ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from pinnsolver.declare import CheckedProblem, Coordinate, Settings
from pinnsolver.declare.settings import NetworkSettings
from pinnsolver.network.mlp import Features, ModifiedPerceptron, Perceptron, Trunks
from pinnsolver.network.modal import ModalPerceptron, Modes
from pinnsolver.network.taylor import OwnNetwork
from pinnsolver.transform import Ansatz
from pinnsolver.transform.modes import in_modes, mode_numbers, mode_parities, mode_sizes
from pinnsolver.transform.size import trunk_members


def build_network(
    checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz], dtype: torch.dtype
) -> OwnNetwork:
    """Return the network that a problem's settings ask for, initialised from their seed.

    Args:
        settings: without gaps.
        ansatz: by field; it says which slopes of the network have to vanish.
        dtype: of weights and computation.
    """
    chosen = settings.network
    generator = torch.Generator().manual_seed(settings.seed or 0)
    groups = trunk_members(checked, chosen, ansatz)
    trunks = [_trunk(checked, members, chosen, ansatz, generator) for members in groups]
    stacked = [k for members in groups for k in members]
    order = [stacked.index(k) for k in range(len(checked.fields))]
    return OwnNetwork(Trunks(trunks, order), [f.name for f in checked.fields]).to(dtype)


def _trunk(
    checked: CheckedProblem,
    members: Sequence[int],
    chosen: NetworkSettings,
    ansatz: Mapping[str, Ansatz],
    generator: torch.Generator,
) -> torch.nn.Module:
    """Return the network of the fields that share one."""
    field = checked.fields[members[0]]
    columns, own = checked.inputs(field), ansatz[field.name]
    size = (chosen.width or 32, chosen.depth or 3, len(members), chosen.activation or "tanh", generator)
    if not in_modes(checked, field, chosen):
        kind = ModifiedPerceptron if chosen.kind == "modified" else Perceptron
        return kind(_features(checked, columns, chosen, own, generator), *size)
    periodic = [i for i in columns if checked.coordinates[i].name in checked.periodic]
    ranges = [_range(checked.coordinates[i], own) for i in periodic]
    waves = mode_numbers(mode_parities(checked, field, own), chosen.harmonics or 1)
    sizes = mode_sizes(checked, periodic, waves).tolist()
    modes = Modes(periodic, [low for low, _ in ranges], [high for _, high in ranges], waves, sizes)
    others = tuple(i for i in columns if i not in periodic)
    return ModalPerceptron(modes, _features(checked, others, chosen, own, generator), *size)


def _features(
    checked: CheckedProblem,
    columns: tuple[int, ...],
    chosen: NetworkSettings,
    ansatz: Ansatz,
    generator: torch.Generator,
) -> Features:
    """Return the features of some coordinates, random frequencies drawn."""
    used = [checked.coordinates[i] for i in columns]
    periodic = [c.name in checked.periodic for c in used]
    flat = [ansatz.seen(c.name) for c in used]
    frequencies = None
    free = [not p and not ends for p, ends in zip(periodic, flat, strict=True)]
    if chosen.fourier and any(free):
        drawn = torch.randn(chosen.fourier, len(used), dtype=torch.float64, generator=generator)
        frequencies = drawn * (chosen.fourier_scale or 1.0) * torch.tensor(free)
    ranges = [_range(c, ansatz) for c in used]
    return Features(
        columns,
        [low for low, _ in ranges],
        [high for _, high in ranges],
        periodic,
        chosen.harmonics or 1,
        frequencies,
        flat,
    )


def _range(c: Coordinate, ansatz: Ansatz) -> tuple[float, float]:
    """Return the range of a coordinate; a period in whose middle the network is even or odd."""
    if c.name not in ansatz.parity:
        return c.low, c.high
    center = float(ansatz.parity[c.name].center)
    return center - c.length / 2, center + c.length / 2
