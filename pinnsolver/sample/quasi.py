"""Quasi-random points in the unit cube, and the loop that keeps drawing them until enough are accepted."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil

import numpy as np

from pinnsolver.sample.fence import double_precision, import_deepxde

_BATCH = 2**16
_PATIENCE = 2**20
_RARE = 1e-4


def unit_points(n: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    """Return (n, dimension) quasi-random points strictly inside the unit cube, float64.

    DeepXDE's Halton sequence under a random shift modulo 1 (Cranley and Patterson 1976), so that every draw
    and every seed has other points of the same evenness. Of DeepXDE's samplers Halton is the one for all
    dimensions. Sobol is no more even up to dimension 8, up to ten times slower, and warns unless n is a power
    of two. Hammersley is a quarter more even, but its first points do not fill the cube, as rejection needs.
    """
    if dimension == 0 or n == 0:
        return np.empty((n, dimension))
    base = _halton(n, dimension) if n <= _BATCH else _halton.__wrapped__(n, dimension)
    shifted = (base + rng.random(dimension)) % 1.0
    return np.clip(shifted, 2.0**-53, 1.0 - 2.0**-53)


@lru_cache(maxsize=16)
def _halton(n: int, dimension: int) -> np.ndarray:
    """Return the first n points of the Halton sequence (read-only); DeepXDE leaves the origin out."""
    with double_precision():
        points = np.asarray(import_deepxde().geometry.sample(n, dimension, "Halton"), dtype=float)
    points.flags.writeable = False
    return points


def collect(
    n: int,
    dimension: int,
    rng: np.random.Generator,
    propose: Callable[[np.ndarray], np.ndarray],
    expected: float = 0.6,
) -> np.ndarray:
    """Draw unit points until `propose` has accepted n of them.

    Args:
        n: how many are wanted.
        dimension: columns of the unit points.
        rng: where the shifts come from.
        propose: maps (m, dimension) unit points to the accepted (k, ...) points, k <= m.
        expected: the share that will probably be accepted.

    Returns:
        The first n accepted points; fewer, or none, where under 1 in 10,000 of a million is accepted.
    """
    found: list[np.ndarray] = []
    total = tried = 0
    batch = ceil(n / expected)
    while total < n:
        found.append(propose(unit_points(batch, dimension, rng)))
        total += len(found[-1])
        tried += batch
        if tried >= _PATIENCE and total < _RARE * tried:
            break
        missing = 1.2 * (n - total) * tried / max(total, 1)
        batch = 2 ** int(np.clip(ceil(np.log2(max(missing, 1))), 8, np.log2(_BATCH)))
    return np.concatenate(found)[:n] if found else propose(np.empty((0, dimension)))
