"""What two curves of error over time say of each other; pure functions of numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Curve = Sequence[Sequence[float]]  # (seconds, relative L2 error), in the order of time

OVERRUN = (
    1.02  # runs of the same length end within this factor of each other: then the last marks are compared
)


def time_to_error(curve: Curve, target: float) -> float | None:
    """Return from when on a curve stays at or below an error, None if it does not end there.

    A dip does not count: between its marks an error may swing.
    """
    reached: float | None = None
    for seconds, error in curve:
        if not error <= target:  # also NaN
            reached = None
        elif reached is None:
            reached = seconds
    return reached


def error_at_time(curve: Curve, seconds: float) -> float | None:
    """Return the last error seen at or before some time, None before the first one."""
    seen = [error for at, error in curve if at <= seconds]
    return seen[-1] if seen else None


def quotient(above: float | None, below: float | None) -> float | None:
    """Return above / below, None where one of them is missing, zero or not finite."""
    if not above or not below or not math.isfinite(above) or not math.isfinite(below):
        return None
    return above / below


def compare_runs(peer: dict[str, Any], own: dict[str, Any]) -> dict[str, float | None]:
    """Return what a peer's run and ours of the same problem and seed say of each other.

    Args:
        peer, own: with `curve` and `memory_mib`.

    Returns:
        The peer's last error and its time; our time to that error and how many times less that is; our error at
        the peer's time and how many times less that is; peak memory of both in MiB.
    """
    finish, error = peer["curve"][-1]
    reached = time_to_error(own["curve"], error)
    ours = error_at_time(own["curve"], OVERRUN * finish)
    return {
        "peer_seconds": finish,
        "peer_error": error,
        "own_seconds": reached,
        "speed_up": quotient(finish, reached),
        "own_error": ours,
        "closer": quotient(error, ours),
        "peer_mib": peer.get("memory_mib"),
        "own_mib": own.get("memory_mib"),
    }


def median(values: Iterable[float | None]) -> float | None:
    """Return the median; None, which stands for never reached, if more than half are None."""
    given = list(values)
    known = sorted(v for v in given if v is not None)
    return statistics.median(known) if 2 * len(known) > len(given) else None


def summarise(runs: Sequence[dict[str, Any]], own: str = "pinnsolver") -> list[dict[str, Any]]:
    """Return a row for each problem and peer, in the order of the runs: medians over the seeds.

    Args:
        runs: each with `problem`, `peer`, `seed`, `curve` and `memory_mib`; those without a curve are left out.
        own: the name under which ours stand among them.
    """
    done = {(r["problem"], r["peer"], r["seed"]): r for r in runs if r.get("curve")}
    pairs: dict[tuple[str, str], list[dict[str, float | None]]] = {}
    for (problem, peer, seed), run in done.items():
        ours = done.get((problem, own, seed))
        if peer != own and ours is not None:
            pairs.setdefault((problem, peer), []).append(compare_runs(run, ours))
    order = {problem: k for k, problem in enumerate(dict.fromkeys(problem for problem, _, _ in done))}
    return [
        {
            "problem": problem,
            "peer": peer,
            "seeds": len(found),
            **{key: median(pair[key] for pair in found) for key in found[0]},
        }
        for (problem, peer), found in sorted(pairs.items(), key=lambda item: order[item[0][0]])
    ]
