"""How many numbers a network will have, before it is built: methods are chosen by it."""

from __future__ import annotations

from pinnsolver.declare import CheckedProblem, Settings


def parameter_count(checked: CheckedProblem, settings: Settings) -> int:
    """Return the number of trainable numbers of the network that the settings ask for, unknowns included.

    Args:
        settings: with the network's choices made.
    """
    network = settings.network
    width, depth = network.width or 32, network.depth or 3
    groups: dict[tuple[int, ...], int] = {}
    for field in checked.fields:
        groups[checked.inputs(field)] = groups.get(checked.inputs(field), 0) + 1
    total = len(checked.unknowns)
    for columns, outputs in groups.items():
        periodic = sum(checked.coordinates[i].name in checked.periodic for i in columns)
        inputs = len(columns) - periodic + 2 * (network.harmonics or 1) * periodic
        total += (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs
    return total
