"""The choice of the frame: that of places, of the particles, or one that moves with their mean, where it is clearly better."""

from __future__ import annotations

import numpy as np
import sympy

from pinnsolver.declare import CheckedProblem, FieldValue
from pinnsolver.errors import DeclarationError, UnsupportedProblem
from pinnsolver.transform.lagrangian import LagrangianFrame, lagrangian_frame, moving_frame
from pinnsolver.transform.numeric import size
from pinnsolver.transform.transformed import ASKED, Choice
from pinnsolver.transform.transport import ASKED_FOR

CARRIED = 0.25  # of the domain's length over the horizon, from which on transport dominates
PECLET = 10.0  # speed times length over diffusivity, likewise
CROWDED = 0.5  # det J below which fields steepen so much that paths are worth learning
ROOM = 0.05  # det J down to which particles are followed without being asked to
_BUILT = {"lagrangian": lagrangian_frame, "moving": moving_frame}  # in the order in which they are tried


def choose_frame(checked: CheckedProblem, wanted: str | None) -> tuple[LagrangianFrame | None, Choice]:
    """Return the Lagrangian frame or None for the Eulerian one, and why.

    Args:
        wanted: "eulerian", "lagrangian", "moving", or None for the best one.

    Raises:
        DeclarationError, UnsupportedProblem: another frame than the Eulerian one is wanted, but does not fit.
    """
    if wanted == "eulerian":
        return None, Choice("eulerian", ASKED)
    if wanted is not None:
        return _BUILT[wanted](checked), Choice(wanted, ASKED)
    reasons = []
    for name, build in _BUILT.items():
        try:
            frame = build(checked)
        except (DeclarationError, UnsupportedProblem) as error:
            reasons.append(str(error).partition("\n")[0].removeprefix(ASKED_FOR).strip().rstrip("."))
            continue
        better, reason = _is_better(frame)
        if better:
            return frame, Choice(name, reason)
        reasons.append(reason)
    return None, Choice("eulerian", reasons[0])


def _is_better(frame: LagrangianFrame) -> tuple[bool, str]:
    """Say whether particles serve clearly better than places, and why."""
    labels, least = frame.labels, frame.least
    alone = least is not None and len(labels.space) == 1  # each particle changes by what it is and where
    if frame.learned and not alone:
        return False, "the paths of the particles would have to be learned as well"
    if least is not None and least < ROOM:
        return False, f"particles come so close that they hold {least:.2g} of their first volume"
    if frame.learned:
        if least is None or least > CROWDED:
            return False, "transport steepens little, and the paths of the particles would have to be learned"
        return True, "each particle changes by itself, while places see the fields steepen"
    if frame.follows and frame.is_still:
        return True, "nothing changes along the particles, whose paths are known: the start is carried"
    if not labels.is_rigid:
        return False, "neighbouring particles move apart, which strains what diffuses between them"
    rest = () if frame.follows else frame.transport.velocity
    used = [line.right for line in frame.transport.lines]
    if any(expr.free_symbols & set(labels.space) for expr in (*used, *rest)):
        return False, "what happens at fixed places would flicker for a particle"
    lengths, moved = carried_lengths(frame), peclet_number(frame)
    if lengths < CARRIED:
        return False, f"the fields are carried {lengths:.2g} lengths of the domain only"
    if moved < PECLET:
        return False, f"diffusion is as fast as transport (Péclet number {moved:.2g})"
    by = "without diffusion" if np.isinf(moved) else f"at a Péclet number of {moved:.2g}"
    what = "a known velocity" if frame.follows else "the mean velocity"
    return True, f"carried {lengths:.2g} lengths of the domain by {what}, {by}"


def carried_lengths(frame: LagrangianFrame) -> float:
    """Return the largest displacement over the horizon in lengths of the domain."""
    pairs = zip(frame.labels.displacement, frame.declared.space, strict=True)
    return max(size(d, frame.declared) / c.length for d, c in pairs)


def peclet_number(frame: LagrangianFrame) -> float:
    """Return speed times length over diffusivity; infinite without second derivatives in space."""
    checked = frame.declared
    assert checked.time is not None
    diffusivity = 0.0
    for line in frame.transport.lines:
        for symbol, value in frame.transport.values.items():
            if _is_second(value, checked):
                slope = line.right.diff(symbol)
                fields = dict.fromkeys(slope.free_symbols & set(frame.transport.values), sympy.S.One)
                diffusivity = max(diffusivity, size(slope.xreplace(fields), checked))
    length = max(c.length for c in checked.space)
    speed = carried_lengths(frame) * length / checked.time.length
    return speed * length / diffusivity if diffusivity > 0 else np.inf


def _is_second(value: FieldValue, checked: CheckedProblem) -> bool:
    """Say whether a field value is a second derivative in space."""
    return sum(n for n, c in zip(value.orders, checked.coordinates, strict=True) if c.role == "space") == 2
