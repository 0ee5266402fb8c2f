"""Fourier modes of the periodic coordinates: which there are, and what size each may have.

A product of 1, cos(k w x), sin(k w x), ... of all periodic coordinates is a mode; its wave vector is that of the k.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from math import isqrt

import numpy as np

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.settings import NetworkSettings
from pinnsolver.declare.values import Field
from pinnsolver.transform.numeric import values_at
from pinnsolver.transform.rates import growing_waves, initial_functions, wave_rates
from pinnsolver.transform.transformed import Ansatz

MODAL_WIDTH, USUAL_HARMONICS = 6, 16
# Waves that a field holds down to NEGLIGIBLE of its largest, for each that can grow, the first that cannot among them: measured
# on Kuramoto-Sivashinsky, regular and chaotic. What is left out comes back multiplied by its wave number to the equation's order.
FINER, NEGLIGIBLE = 6.0, 1e-6
# Along a coordinate, to see which waves an initial state holds, by the number of periodic coordinates.
NODES = {1: 1024, 2: 128, 3: 32}
MOST_MODES = 20_000

Mode = tuple[int, ...]  # along each periodic coordinate: 0 for 1, then cos, sin, cos 2, sin 2, ...


def in_modes(checked: CheckedProblem, field: Field, network: NetworkSettings) -> bool:
    """Say whether a field's network is in modes: one that sees both periodic coordinates and others."""
    periodic = {checked.coordinates[i].name in checked.periodic for i in checked.inputs(field)}
    return network.kind == "modal" and len(periodic) == 2


Parities = tuple[int, ...]  # along each periodic coordinate: 1 for even modes, -1 for odd ones, 0 for both


@lru_cache(maxsize=64)
def mode_numbers(parities: Parities, harmonics: int) -> tuple[Mode, ...]:
    """Return the modes of some periodic coordinates whose wave vector is no longer than `harmonics`."""
    return tuple(_modes_within(parities, harmonics**2))


def mode_parities(checked: CheckedProblem, field: Field, ansatz: Ansatz) -> Parities:
    """Return the parity that a field's modes have along each of its periodic coordinates."""
    names = [checked.coordinates[i].name for i in checked.inputs(field)]
    return tuple(ansatz.parity[n].sign if n in ansatz.parity else 0 for n in names if n in checked.periodic)


def wave_vector(mode: Mode) -> tuple[int, ...]:
    """Return how many waves a mode has along each periodic coordinate."""
    return tuple((m + 1) // 2 for m in mode)


def _modes_within(parities: Parities, square: int) -> Iterator[Mode]:
    if not parities:
        yield ()
        return
    for m in range(2 * isqrt(square) + 1):
        if parities[0] and parities[0] != (-1 if m and m % 2 == 0 else 1):
            continue
        for rest in _modes_within(parities[1:], square - ((m + 1) // 2) ** 2):
            yield (m, *rest)


def mode_count(parities: Parities, harmonics: int) -> int:
    """Return the number of `mode_numbers`, which may be too large to list them; `MOST_MODES` + 1 if it is larger than that."""
    return len(list(islice(_modes_within(parities, harmonics**2), MOST_MODES + 1)))


def mode_sizes(checked: CheckedProblem, columns: Sequence[int], modes: Sequence[Mode]) -> np.ndarray:
    """Return 1 / (1 + T r) for each mode, with T the horizon and r how fast it decays, grows or turns at the start.

    In such units all amplitudes leave alike residuals, as a method wants them that damps all its parameters alike. All 1 where
    the rates cannot be told.

    Args:
        columns: of the periodic coordinates.
    """
    ranges = [checked.coordinates[i] for i in columns]
    vectors = list(dict.fromkeys(map(wave_vector, modes)))  # a cosine and its sine have one
    waves = [
        {c.name: 2 * np.pi * k / c.length for c, k in zip(ranges, vector, strict=True)} for vector in vectors
    ]
    found = wave_rates(checked, waves)
    if found is None or checked.time is None:
        return np.ones(len(modes))
    sizes = dict(zip(vectors, 1 / (1 + checked.time.length * found), strict=True))
    return np.array([sizes[wave_vector(mode)] for mode in modes])


def choose_harmonics(
    checked: CheckedProblem, network: NetworkSettings, most: int, ansatz: Mapping[str, Ansatz]
) -> int | None:
    """Return how long a wave vector a growing field needs in modes, None where modes are not the choice.

    That is where space is a periodic box, the rates at the start can be told, and the amplitudes are few enough.

    Args:
        most: so many parameters at most.
    """
    periodic = [c for c in checked.coordinates if c.name in checked.periodic]
    others = [c for c in checked.coordinates if c not in periodic]
    if others != [checked.time] or not periodic or len(periodic) > max(NODES):
        return None
    growing, held = growing_waves(checked), _initial_harmonics(checked)
    if growing is None or held is None:
        return None
    wanted = max(int(np.ceil(FINER * (growing + 1))), held)
    return wanted if amplitude_parameters(checked, network, wanted, ansatz) <= most else None


def amplitude_parameters(
    checked: CheckedProblem, network: NetworkSettings, harmonics: int, ansatz: Mapping[str, Ansatz]
) -> int:
    """Return how many parameters the amplitudes have, the hidden layers' apart, where all fields are in modes."""
    counts = [mode_count(mode_parities(checked, f, ansatz[f.name]), harmonics) for f in checked.fields]
    return sum(counts) * ((network.width or MODAL_WIDTH) + 1)


def _initial_harmonics(checked: CheckedProblem) -> int | None:
    """Return the length of the longest wave vector in the initial states, None where there is no end to them."""
    periodic = [i for i, c in enumerate(checked.coordinates) if c.name in checked.periodic]
    size, assumed = NODES[len(periodic)], checked.coordinates
    share = np.arange(size) / size
    grid = np.meshgrid(*[share] * len(periodic), indexing="ij")
    points = np.array([[c.low for c in assumed]]).repeat(size ** len(periodic), axis=0)
    for i, part in zip(periodic, grid, strict=True):
        points[:, i] += assumed[i].length * part.ravel()
    waves = np.meshgrid(*[np.fft.fftfreq(size, 1 / size)] * len(periodic), indexing="ij")
    lengths = np.sqrt(sum(w**2 for w in waves))
    longest = 0
    for formula in initial_functions(checked).values():
        sizes = np.abs(np.fft.fftn(values_at(formula, checked, points).reshape(grid[0].shape)))
        if not np.isfinite(sizes).all():
            return None
        longest = max(longest, int(np.ceil(lengths[sizes > NEGLIGIBLE * sizes.max()].max(initial=0.0))))
    return longest if longest < size // 3 else None
