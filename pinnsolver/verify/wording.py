"""What is said of an error estimate, beside the true error where a reference is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FACTOR = 5.0  # estimate and truth further apart than this are told
BOUND = 0.5  # of an estimate, above which a solver's own error or the noise of data leaves it no more than a bound
ROUNDING = 1e-10  # below it neither says anything
MARK = "The error estimate of "


def warnings_of(result: Mapping[str, Any]) -> list[str]:
    """Return a run's warnings: the old ones, and where the estimate is missing or parts from the true error."""
    kept = [w for w in result.get("warnings", []) if not str(w).startswith(MARK)]
    return [*kept, *_doubts(result)]


def _doubts(result: Mapping[str, Any]) -> Iterator[str]:
    for name, found in result["error_estimate"].items():
        true, value = result.get("relative_l2", {}).get(name), found["value"]
        if value is None:
            yield f"{MARK}{name} is missing: {found['basis'].removeprefix('no estimate: ')}."
        elif true is not None and not (parted(true, value) <= FACTOR or (true < value and is_bound(found))):
            yield (
                f"{MARK}{name}, {value:.1e}, and its error against the declared reference, {true:.1e}, are further apart "
                f"than a factor of {FACTOR:g}: {_why(found, true < value)}."
            )
    asked = result.get("tolerance", {}).get("asked")
    for name, found in result["error_estimate"].items():
        if asked is not None and found["value"] is not None and found["value"] > asked:
            yield f"{MARK}{name}, {found['value']:.1e}, is above the tolerance, {asked:.1e}: {_remedy(found)}."


def _remedy(found: Mapping[str, Any]) -> str:
    if (found.get("of_unknowns") or 0.0) > BOUND * found["value"]:
        return "the observations leave the unknown numbers so open, give more of them or better ones"
    return "go on with the training (pinnsolver resume RUN --seconds N), or solve again with more points"


def is_bound(found: Mapping[str, Any]) -> bool:
    """Say whether an estimate is hardly more than the solver's own error, or what noise may do: the true one may be smaller."""
    parts = [found.get(key) for key in ("own_error", "of_unknowns")]
    return any(part is not None and part > BOUND * found["value"] for part in parts)


def _why(found: Mapping[str, Any], too_high: bool) -> str:
    if too_high and found.get("own_error") is None:
        return "a second run is a rough judge"
    return "one of the two is wrong, or the reference is too coarse"


def tolerance_entry(estimates: Mapping[str, Any], asked: float) -> dict[str, Any]:
    """Return what `result.json` says of a tolerance: whether the estimated error of every field is below it, None if unknown."""
    values = [found["value"] for found in estimates.values()]
    missed = any(value is not None and value > asked for value in values)
    known = all(value is not None for value in values)
    return {"asked": asked, "reached": False if missed else True if known else None}


def parted(true: float, value: float) -> float:
    """Return the factor between two errors, at least 1; those below rounding count as equal to it."""
    a, b = max(true, ROUNDING), max(value, ROUNDING)
    return max(a / b, b / a)


def basis_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the estimates of a run rest on, for the terminal."""
    by_basis: dict[str, list[str]] = {}
    for name, found in result.get("error_estimate", {}).items():
        by_basis.setdefault(found["basis"], []).append(name)
    for basis, names in by_basis.items():
        yield f"{', '.join(names)}: {basis}"
    yield from result.get("verified_against", {}).get("notes", [])
