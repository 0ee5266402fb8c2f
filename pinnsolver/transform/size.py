"""How many numbers a network will have, before it is built: methods are chosen by it."""

from __future__ import annotations

from collections.abc import Mapping

from pinnsolver.declare import CheckedProblem, Settings
from pinnsolver.declare.settings import NetworkSettings
from pinnsolver.transform.modes import in_modes, mode_count, mode_parities
from pinnsolver.transform.transformed import Ansatz


def trunk_members(
    checked: CheckedProblem, network: NetworkSettings, ansatz: Mapping[str, Ansatz]
) -> list[list[int]]:
    """Return the fields, by number, that share a trunk: those that see the same coordinates in the same way."""
    if network.trunks == "separate":
        return [[k] for k in range(len(checked.fields))]
    groups: dict[tuple[object, ...], list[int]] = {}
    for k, field in enumerate(checked.fields):
        own, modal = ansatz[field.name], in_modes(checked, field, network)
        # A network that is not in modes is even: what is odd has a factor.
        waves = checked.periodic if modal else ()
        parities = sorted((n, str(p.center), p.sign if n in waves else 1) for n, p in own.parity.items())
        key = (checked.inputs(field), *sorted(own.flat.items()), *parities)
        groups.setdefault(key, []).append(k)
    return list(groups.values())


def parameter_count(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> int:
    """Return the number of trainable numbers of the network that the settings ask for, unknowns included.

    Args:
        settings: with the network's choices made.
        ansatz: by field.
    """
    network = settings.network
    total = len(checked.unknowns)
    width, depth = network.width or 32, network.depth or 3
    for members in trunk_members(checked, network, ansatz):
        field = checked.fields[members[0]]
        names = [checked.coordinates[i].name for i in checked.inputs(field)]
        flat, parity = ansatz[field.name].flat, ansatz[field.name].parity
        periodic = sum(name in checked.periodic for name in names)
        flattened = sum(name in flat for name in names)
        outputs, features = len(members), len(names) + flattened
        if in_modes(checked, field, network):
            features -= periodic
            outputs *= mode_count(mode_parities(checked, field, ansatz[field.name]), network.harmonics or 1)
        else:
            waves = [1 if name in parity else 2 for name in names if name in checked.periodic]
            features += sum(w * (network.harmonics or 1) - 1 for w in waves)
        features += 2 * (network.fourier or 0) * (periodic + flattened < len(names))
        first = (features + 1) * width
        total += first * (3 if network.kind == "modified" else 1)
        total += (depth - 1) * (width + 1) * width + (width + 1) * outputs
    return total
