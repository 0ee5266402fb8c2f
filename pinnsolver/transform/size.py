"""How many numbers a network will have, before it is built: methods are chosen by it."""

from __future__ import annotations

from collections import Counter

from pinnsolver.declare import CheckedProblem, Settings


def parameter_count(checked: CheckedProblem, settings: Settings) -> int:
    """Return the number of trainable numbers of the network that the settings ask for, unknowns included.

    Args:
        settings: with the network's choices made.
    """
    network = settings.network
    columns = [checked.inputs(field) for field in checked.fields]
    trunks = [(c, 1) for c in columns] if network.trunks == "separate" else list(Counter(columns).items())
    total = len(checked.unknowns)
    width, depth = network.width or 32, network.depth or 3
    for inputs, outputs in trunks:
        periodic = sum(checked.coordinates[i].name in checked.periodic for i in inputs)
        features = len(inputs) - periodic + 2 * (network.harmonics or 1) * periodic
        features += 2 * (network.fourier or 0) * (periodic < len(inputs))
        first = (features + 1) * width
        total += first * (3 if network.kind == "modified" else 1)
        total += (depth - 1) * (width + 1) * width + (width + 1) * outputs
    return total
