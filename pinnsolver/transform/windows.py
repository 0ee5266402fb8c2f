"""A long horizon in windows of time, solved one after the other: each starts from the state in which the last one ends.

What is handed over at a seam t = T is every initial state that the declaration gives: the field, and for an equation of second
order in time its velocity. In a later window the ansatz carries it,

    field = W(x, t) + sum_l (t - T)^l / l! (S_l(x) - d_t^l W(x, T)) + factor * ((t - T) / length)^levels * raw,

with W and factor of the conditions in space and S_l the state of the last window, known at every point. So value and velocity
match at the seams to rounding. Source: Wang, Sankaran, Perdikaris 2022 (time marching).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import sympy
from sympy import Expr

from pinnsolver.declare import CheckedProblem, Condition, Coordinate
from pinnsolver.declare.checked import Measured
from pinnsolver.transform.rates import initial_change, rates
from pinnsolver.transform.transformed import Ansatz

INITIAL = "initial"  # what the kinds of initial conditions begin with
TURN = 4.0  # of growth or turning that one window takes, in radians or e-foldings: measured on Lorenz' system
FEW = 8.0  # e-foldings of growth that one network holds of a field in space
# Of a field in space that grows more: e-foldings that one window takes, and times that the initial state changes by its own size.
# Measured on Kuramoto-Sivashinsky, where longer windows end in false solutions and shorter ones are left with too few steps.
GROWN, CHANGED = 2.0, 1.5
# In modes, whose amplitudes are small networks, if there are so many steps for each.
MODAL_GROWN, MODAL_CHANGED, STEPS_MODAL = 0.6, 0.4, 60
# Windows of a system in time alone, whatever its rates at the start: measured on eleven systems. One network alone ends in
# false solutions on some seeds, and cannot follow a relaxation oscillation; a window costs a fraction of its steps.
ALONE, STEPS_ALONE = 8, 40  # and steps that each needs at least
MOST = 100  # windows


@lru_cache(maxsize=16)
def window_edges(time: Coordinate, count: int) -> tuple[Expr, ...]:
    """Return the count + 1 exact ends of windows of equal length."""
    low, high = (
        sympy.nsimplify(e, rational=True) if e.has(sympy.Float) else e
        for e in (time.low_exact, time.high_exact)
    )
    return tuple(low + sympy.Rational(k, count) * (high - low) for k in range(count + 1))


def window_problem(checked: CheckedProblem, count: int, k: int) -> CheckedProblem:
    """Return the declaration on window k of count; from the second on without its initial conditions.

    References are left out: the whole is scored, not its parts.
    """
    time = checked.time
    assert time is not None
    edges = window_edges(time, count)
    low, high = edges[k], edges[k + 1]
    own = replace(time, low=float(low), high=float(high), low_exact=low, high_exact=high)
    return replace(
        checked,
        coordinates=tuple(own if c == time else c for c in checked.coordinates),
        conditions=tuple(c for c in checked.conditions if k == 0 or not c.kind.startswith(INITIAL)),
        observations=tuple(m for o in checked.observations if (m := _observed(o, time, own)) is not None),
        references={},
    )


def _observed(measured: Measured, time: Coordinate, own: Coordinate) -> Measured | None:
    """Return what was measured in a window, None if nothing was."""
    if time.name not in measured.coordinates:
        return measured
    t = measured.points[:, measured.coordinates.index(time.name)]
    rows = (t >= own.low) & ((t < own.high) | (own.high >= time.high))
    return (
        replace(measured, points=measured.points[rows], values=measured.values[rows]) if rows.any() else None
    )


def carried(checked: CheckedProblem) -> dict[str, int]:
    """Return by field the number of initial states, which are handed over at a seam."""
    found = {f.name: 0 for f in checked.fields}
    for condition in checked.conditions:
        if condition.kind.startswith(INITIAL):
            for name in {v.field for v in condition.residual.values}:
                found[name] += 1
    return found


def seam_ansatz(walls: Ansatz, time: Coordinate, levels: int) -> Ansatz:
    """Return the formulas of a later window for a field, but for the state that is handed over.

    Args:
        walls: what the conditions in space give.
        levels: number of states handed over.
    """
    elapsed = time.symbol - time.low_exact
    length = sympy.nsimplify(time.high_exact - time.low_exact, rational=True)
    lift = walls.lift
    for level in range(levels):
        at_seam = walls.lift.diff(time.symbol, level) if level else walls.lift
        lift -= elapsed**level / sympy.factorial(level) * at_seam.subs(time.symbol, time.low_exact)
    ramp = (elapsed / length) ** levels
    slopes = {x: slope * ramp for x, slope in walls.slopes.items()}
    return replace(walls, lift=lift, factor=walls.factor * ramp, slopes=slopes)


def why_one_window(checked: CheckedProblem) -> str | None:
    """Return why a problem cannot be cut into windows of time, None where it can."""
    time = checked.time
    if time is None:
        return "it is steady"
    if checked.unknowns:
        return "its unknown numbers belong to all times at once"
    if any(e.residual.integrals for e in checked.equations) or any(
        _ties_times(c, time) for c in checked.conditions
    ):
        return "a condition ties several times together, or holds at another than the first"
    states = carried(checked)
    column = checked.coordinates.index(time)
    for field in checked.fields:
        order = checked.highest_orders(field.name)[column]
        if order and states[field.name] != order:
            return f"{field.name} has {states[field.name]} initial states, of order {order} in time"
    return None


def _ties_times(condition: Condition, time: Coordinate) -> bool:
    places = [dict(pins).get(time.name) for pins in (condition.region.pins, *condition.locations)]
    others = [p for p in places if p is not None and float(p) != time.low]
    limits = {name for i in condition.residual.integrals for name, _, _ in i.limits}
    return bool(others) or time.name in limits


def choose_windows(checked: CheckedProblem, steps: int | None = None, modal: bool = False) -> tuple[int, str]:
    """Return a number of windows, and why.

    Args:
        steps: how many there are for all windows; None where seconds bound the run.
        modal: whether the network may be one in modes where fields grow.
    """
    reason = why_one_window(checked)
    if reason is not None:
        return 1, f"one: {reason}"
    assert checked.time is not None
    found, length = rates(checked), checked.time.length
    if checked.space:
        return _in_space(found.growth * length, checked, steps, modal)
    turns = max(found.growth, found.turning) * length
    count = int(np.clip(np.ceil(turns / TURN), 1, MOST))
    what = f"perturbations of the initial state turn or grow by {turns:.3g} radians or e-foldings over the horizon"
    if len(checked.coordinates) > 1:  # a family
        return (
            (count, f"{what}: about {TURN:g} a window")
            if turns > FEW
            else (1, f"{what}: one network holds it")
        )
    least = ALONE if steps is None else min(ALONE, max(1, steps // STEPS_ALONE))
    if count < least:
        return least, f"a system in time alone is solved soonest, and most surely, in {least} short windows"
    return count, f"{what}: about {TURN:g} a window"


def grows(checked: CheckedProblem) -> bool:
    """Say whether a field in space grows by more than one network holds."""
    return (
        bool(checked.space) and checked.time is not None and rates(checked).growth * checked.time.length > FEW
    )


def _in_space(growth: float, checked: CheckedProblem, steps: int | None, modal: bool) -> tuple[int, str]:
    """Return a number of windows for fields in space, by the e-foldings over the horizon, and why."""
    assert checked.time is not None
    what = f"perturbations of the initial state grow by {growth:.3g} e-foldings over the horizon"
    if growth <= FEW:
        return 1, f"{what}: one network holds it" if growth else "nothing that grows over the horizon"
    changes = initial_change(checked) * checked.time.length
    count = int(np.clip(np.ceil(max(growth / GROWN, changes / CHANGED)), 1, MOST))
    if modal:
        finer = int(np.ceil(max(growth / MODAL_GROWN, changes / MODAL_CHANGED)))
        count = max(count, min(finer, MOST if steps is None else steps // STEPS_MODAL))
    also = f", and it changes by {changes:.2g} times its own size" if changes else ""
    return count, f"{what}{also}: about {growth / count:.2g} e-foldings a window"
