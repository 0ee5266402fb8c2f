"""An error estimate for each field of a trained problem, with what it rests on.

First a classical solver takes the declaration by itself: Fourier series where all is periodic, splines, or finite elements on a shape with corners that enter it or
where splines do not get through. Where that does not resolve the network's error in the time allowed, the same splines look
for the difference to the network, whose residuals are its right-hand side: a difference of 1e-5 need not be known to more
than one digit. Where no solver gets through, the problem is solved by a network once more, and what both disagree on is
shared out between them by their residuals.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pinnsolver.declare import CheckedProblem
from pinnsolver.verify.classical.forward import Deadline, NotApplicableError, restate_forward
from pinnsolver.verify.numbers import NumbersError, estimate_numbers
from pinnsolver.verify.refine import (
    DIFFERENCE,
    ELEMENTS,
    FOURIER,
    GRID,
    SPLINES,
    Compared,
    Evaluate,
    Task,
    has_entering_corner,
    refine,
)
from pinnsolver.verify.wording import BOUND

# Of the training's time: the rest is for steps that cannot be cut short, so that it takes no longer than the training; and seconds
# that it may take at least, below which little could be said.
ALLOWED, LEAST_SECONDS = 0.75, 5.0
FIRST_SHARE = 0.75  # of the time, for the solver by itself; the rest is for the difference to the network
# Of a field: with more of a disagreement laid to the first run neither is near the solution, and residuals say little of errors.
COARSE = 0.05
LEAST_SHARE = 0.1  # of the square of a disagreement, which then is laid to the first run at least
SECOND_SHARE = 0.35  # of the time, kept for a second run while no solver has got through
FOR_RUN = 0.95  # of what is left, for that; the rest is for comparing
LEAST_SECOND = (
    0.15  # of the time, for a second run at least, where solvers took longer than they were allowed
)
# Of a family: its nodes, as shares of the parameters' ranges, with their weights (Gauss-Legendre); at the very ends errors are larger.
MEMBERS = {0.5 - math.sqrt(0.15): 5 / 18, 0.5: 8 / 18, 0.5 + math.sqrt(0.15): 5 / 18}
PERIODIC_SHARE = 0.6  # of the time, for Fourier series, where splines come next
SHAPED_SHARE = 0.4  # of the time, for splines on a shape, where finite elements come next
WORTHLESS = 0.5  # an own error from which a classical solution says nothing
CLASSICAL, SECOND, NONE = "classical", "second run", "none"
# Points along each axis at which two runs are compared: those of the solvers, fewer where these have no grid.
RUNS_GRID = {**GRID, 4: 13}


@dataclass(frozen=True)
class FieldEstimate:
    """The estimate for one field.

    Args:
        value: relative L2 error, None where there is no estimate.
        own_error: of the solver that gave it, likewise relative.
        basis: what it rests on, in words.
        of_unknowns: the part of numbers that observations determine, likewise relative; None where there are none.
        distance: of the classical solution at these numbers, likewise; None where no such solver told.
    """

    value: float | None
    own_error: float | None
    basis: str
    of_unknowns: float | None = None
    distance: float | None = None

    def entry(self) -> dict[str, Any]:
        """Return what `result.json` says of the field."""
        told = {"value": self.value, "own_error": self.own_error, "basis": self.basis}
        return told if self.of_unknowns is None else told | {"of_unknowns": self.of_unknowns}


@dataclass(frozen=True)
class ErrorEstimate:
    """How far a solution is off, by field.

    Args:
        fields: the estimates.
        method: "classical", "difference", "second run" or "none".
        unknowns: by name, the unknown numbers that the solver found for itself.
        unknown_errors: by name, the standard error of those that observations determine.
        notes: what the reader has to know: fixed unknowns, members of the family, why another method did not apply.
        seconds: wall clock.
    """

    fields: Mapping[str, FieldEstimate]
    method: str
    unknowns: Mapping[str, float]
    unknown_errors: Mapping[str, float]
    notes: tuple[str, ...]
    seconds: float

    def entries(self) -> dict[str, Any]:
        """Return what `result.json` gains."""
        told: dict[str, Any] = {
            "error_estimate": {name: f.entry() for name, f in self.fields.items()},
            "verified_against": {
                "method": self.method,
                "unknowns": dict(self.unknowns),
                "unknown_errors": dict(self.unknown_errors),
                "notes": list(self.notes),
                "seconds": self.seconds,
            },
        }
        if self.method == CLASSICAL:
            told["reference_l2"] = {name: f.distance for name, f in self.fields.items()}
        return told


@dataclass(frozen=True)
class SecondRun:
    """The same problem solved by another network.

    Args:
        evaluate: as that of the first.
        share: of the squared disagreement that is the first one's, by their residuals.
        words: what is different, in words.
    """

    evaluate: Evaluate
    share: float
    words: str


def allowed_seconds(trained: float) -> float:
    """Return how long verification may take by itself, of a training of so many seconds."""
    return max(ALLOWED * trained, LEAST_SECONDS)


def estimate_error(
    checked: CheckedProblem,
    evaluate: Evaluate,
    unknowns: Mapping[str, float],
    seconds: float,
    second: Callable[[float], SecondRun | None] | None = None,
) -> ErrorEstimate:
    """Return an estimate of the error of every field.

    Args:
        checked: the declaration; its reference is not looked at.
        evaluate: expressions of the fields at points (n, D) in the declaration's columns, (n,) each.
        unknowns: the unknown numbers as found.
        seconds: how long it may take.
        second: solves the problem once more in so many seconds; None where it came to nothing.
    """
    begun = time.monotonic()
    members = _members(checked)
    notes = _notes(members)
    compared: list[Compared] = []
    method, doubtful = NONE, True
    whole = Deadline.after(seconds)
    for attempt, share in _attempts(checked):
        # Fourier series either get through or soon do not.
        sure = attempt == FOURIER or _is_usable(compared) or second is None
        kept = 0.0 if sure else SECOND_SHARE * seconds
        allowed = share * (whole.left - kept)
        try:
            found = _all_members(checked, evaluate, unknowns, members, attempt, allowed)
        except NotApplicableError as error:
            notes.append(f"{_WORDS[attempt]}: {error}.")
            continue
        doubtful = not all(c.trusted for c in found)
        if not (doubtful and compared and max(map(_worst, found)) >= max(map(_worst, compared))):
            compared, method = found, attempt
        if not doubtful:
            break
        why = (
            "coarser grids agree better than its finest ones"
            if any(c.diverging for c in found)
            else "its grids still differ by about as much as the network does"
        )
        notes.append(f"{_WORDS[attempt]}: {why}.")
    usable = _is_usable(compared)
    if not usable and second is not None and seconds > 0:
        again = second(max(FOR_RUN * whole.left, LEAST_SECOND * seconds))
        if again is not None:
            if checked.observations:
                notes.append(
                    "The second run meets the same observations: what their noise makes of both comes on top."
                )
            return ErrorEstimate(
                disagreement(checked, evaluate, again), SECOND, {}, {}, tuple(notes), time.monotonic() - begun
            )
        notes.append("A second run came to nothing.")
    if not usable:
        compared, method = [], NONE
    numbers = _numbers(checked, evaluate, unknowns, method, compared, whole, notes)
    fields = {f.name: _joined(f.name, compared, method, doubtful, numbers) for f in checked.fields}
    found_anew = compared[-1].unknowns if compared else {}
    told = CLASSICAL if method in (FOURIER, SPLINES, ELEMENTS) else method
    errors = numbers.unknowns if numbers else {}
    return ErrorEstimate(fields, told, found_anew, errors, tuple(notes), time.monotonic() - begun)


_WORDS = {
    FOURIER: "Fourier series",
    SPLINES: "The solver by itself",
    ELEMENTS: "Finite elements",
    DIFFERENCE: "The solver for the difference",
}


def _attempts(checked: CheckedProblem) -> tuple[tuple[str, float], ...]:
    """Return the methods in their order, each with its share of the time that is left."""
    periodic = all(c.name in checked.periodic for c in checked.space)
    if checked.time is not None and checked.space and periodic:
        return (FOURIER, PERIODIC_SHARE), (SPLINES, FIRST_SHARE), (DIFFERENCE, 1.0)
    if checked.shape is None or (checked.time is not None and not has_entering_corner(checked.shape)):
        return (SPLINES, FIRST_SHARE), (DIFFERENCE, 1.0)
    if has_entering_corner(checked.shape):
        return (ELEMENTS, 1.0), (DIFFERENCE, 1.0)
    return (SPLINES, SHAPED_SHARE), (ELEMENTS, FIRST_SHARE), (DIFFERENCE, 1.0)


def disagreement(checked: CheckedProblem, evaluate: Evaluate, second: SecondRun) -> dict[str, FieldEstimate]:
    """Return the estimates by what a second run has otherwise.

    With independent errors e1, e2 in proportion to the residuals r1, r2 the two differ by sqrt(e1^2 + e2^2), of which e1 is the share
    r1 / sqrt(r1^2 + r2^2), and more where both are far off. A second run is no independent solver: what networks of both sizes miss
    alike, it does not show.
    """
    count = RUNS_GRID.get(len(checked.coordinates), 7)
    axes = [np.linspace(c.low, c.high, count) for c in checked.coordinates]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    applied = {f.name: f.applied for f in checked.fields}
    one, two = evaluate(points, applied), second.evaluate(points, applied)
    apart: dict[str, float | None] = {}
    for name in applied:
        seen = np.isfinite(one[name]) & np.isfinite(two[name])
        a, b = one[name][seen], two[name][seen]
        if checked.unknowns and not checked.observations and a @ b < 0:
            b = -b  # an eigenfunction has no sign
        if len(a) and not _has_value(name, checked):
            b = b + np.mean(a - b)  # nor a field a constant of which nothing is said
        size = float(np.linalg.norm(b))
        apart[name] = float(np.linalg.norm(a - b)) / size if size else None
    share = math.sqrt(second.share)
    if any(distance is not None and share * distance > COARSE for distance in apart.values()):
        share = max(share, math.sqrt(LEAST_SHARE))
    basis = f"a second run, as no classical solver got through: {second.words}"
    return {
        name: FieldEstimate(None, None, "no estimate: a second run found zero")
        if distance is None
        else FieldEstimate(share * distance, None, basis)
        for name, distance in apart.items()
    }


def _has_value(field: str, checked: CheckedProblem) -> bool:
    """Say whether an equation or a condition holds a field itself, not only its derivatives."""
    residuals = [e.residual for e in checked.equations] + [c.residual for c in checked.conditions]
    values = [v for r in residuals for v in r.all_values() if v.field == field]
    return bool(checked.observations) or any(not any(v.orders) and not v.normal for v in values)


def _worst(compared: Compared) -> float:
    return max(compared.own.values())


def _is_usable(compared: Sequence[Compared]) -> bool:
    """Say whether solvers got through, with errors of their own that leave something to be said."""
    return bool(compared) and max(map(_worst, compared)) < WORTHLESS


def _all_members(
    checked: CheckedProblem,
    evaluate: Evaluate,
    unknowns: Mapping[str, float],
    members: Sequence[Mapping[str, float]],
    method: str,
    seconds: float,
) -> list[Compared]:
    found = []
    for member in members:
        forward = restate_forward(checked, unknowns, member)
        task = Task(forward, _at_member(evaluate, member), method)
        found.append(refine(task, Deadline.after(seconds / len(members))))
    return found


def _at_member(evaluate: Evaluate, member: Mapping[str, float]) -> Evaluate:
    """Return the function of points without the parameters' columns, which come last."""
    values = np.array(list(member.values()))
    return lambda points, wanted: evaluate(np.hstack([points, np.tile(values, (len(points), 1))]), wanted)


def _members(checked: CheckedProblem) -> list[dict[str, float]]:
    """Return the members of a family that are verified: at the nodes of a quadrature over its parameters."""
    parameters = [c for c in checked.coordinates if c.role == "parameter"]
    shares = tuple(MEMBERS) if parameters else (0.0,)
    return [{c.name: c.low + share * c.length for c in parameters} for share in shares]


def _notes(members: Sequence[Mapping[str, float]]) -> list[str]:
    notes = []
    if len(members) > 1:
        told = "; ".join(", ".join(f"{n} = {v:g}" for n, v in m.items()) for m in members)
        notes.append(f"Verified at {told}.")
    return notes


def _numbers(
    checked: CheckedProblem,
    evaluate: Evaluate,
    unknowns: Mapping[str, float],
    method: str,
    compared: Sequence[Compared],
    deadline: Deadline,
    notes: list[str],
) -> NumbersError | None:
    """Return how far the numbers that observations determine are off, None where that is not known; and note it."""
    if not (compared and checked.observations and unknowns):
        return None
    told = ", ".join(f"{name} = {value:.8g}" for name, value in unknowns.items())
    try:
        if len(compared) > 1:
            raise NotApplicableError("that takes a single classical solution")
        found = estimate_numbers(checked, evaluate, unknowns, method, compared[0], deadline)
    except NotApplicableError as error:
        notes.append(
            f"Verified is the forward problem at the numbers found, {told}: their own error comes on top, and is not known: {error}."
        )
        return None
    told = ", ".join(f"{name} = {unknowns[name]:.8g} ± {error:.1g}" for name, error in found.unknowns.items())
    notes.append(f"Included is what the misfit of {found.count} observations leaves open: {told}.")
    return found


def _joined(
    name: str, compared: Sequence[Compared], method: str, doubtful: bool, numbers: NumbersError | None
) -> FieldEstimate:
    """Return the estimate of a field from all members, weighed by their size and as nodes."""
    if not compared:
        return FieldEstimate(None, None, "no estimate: no solver resolved the problem in the time allowed")
    weights = MEMBERS.values() if len(compared) > 1 else (1.0,)
    sizes = [w * c.norm[name] ** 2 for w, c in zip(weights, compared, strict=True)]
    value, own = (
        float(
            np.sqrt(
                sum(s * getattr(c, key)[name] ** 2 for s, c in zip(sizes, compared, strict=True)) / sum(sizes)
            )
        )
        for key in ("distance", "own")
    )
    what = (
        "classical solver for the difference"
        if method == DIFFERENCE
        else "classical solver on the same declaration"
    )
    basis = f"{what}: {compared[-1].level}; its own error {own:.1e}"
    other = compared[-1].largest.get(name)
    basis += "" if other is None else f"; in units of {other}, as {name} vanishes"
    if doubtful and own > BOUND * value:
        value, basis = max(value, own), f"{basis}, which is all that is known: the error may be smaller"
    if numbers is None:
        return FieldEstimate(value, own, basis, distance=value)
    part = numbers.fields[name]
    basis += f"; the numbers found add {part:.1e}"
    return FieldEstimate(math.hypot(value, part), own, basis, part, value)
