"""Conditions into the ansatz field = lift + factor * raw, where that is possible; the others stay soft, with the reason.

On a box the lift interpolates the data of opposite faces, coordinate after coordinate, each on what the
earlier ones left over (transfinite interpolation by Boolean sums); in time it is the Taylor polynomial
of the initial states. The factor is the product of the factors of the faces (`walls.py`), of a shape (`distance.py`) and of the time.
Source: Lagaris, Likas, Fotiadis 1998; Sukumar and Srivastava 2022.
"""

from __future__ import annotations

import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Condition, Coordinate, Field
from pinnsolver.transform.draft import (
    Draft,
    jump_at_seam,
    why_incompatible,
    why_slope_disagrees,
    why_they_disagree,
    why_unfit,
)
from pinnsolver.transform.fluxes import Flux, flux_ansatz, flux_of
from pinnsolver.transform.kinks import diffused_kink, growth, spreading
from pinnsolver.transform.shaped import Piece, Steps, fitting_pieces, piece_of, shape_ansatz, touch
from pinnsolver.transform.transformed import Ansatz, Enforcement
from pinnsolver.transform.walls import (
    Trace,
    accepted,
    coordinate_length,
    flat_ends,
    lift_shapes,
    needs_flat,
    trace_of,
    walls_factor,
)

ROUGH = (
    sympy.Piecewise,
    sympy.Abs,
    sympy.sign,
    sympy.Heaviside,
    sympy.DiracDelta,
    sympy.Max,
    sympy.Min,
    sympy.floor,
    sympy.ceiling,
)
_INITIAL = ("initial value", "initial velocity", "initial acceleration", "initial derivative")
_NO_ANSATZ = "its order beside the others of that face has no plain ansatz"
_RANDOM = "a slope, while random features need the coordinate itself"
_ON_FACES = ("Dirichlet", "Neumann", "Robin", "higher slope")


def build_hard_conditions(
    checked: CheckedProblem, wanted: bool | None, bend: bool = True
) -> tuple[dict[str, Ansatz], dict[str, Enforcement]]:
    """Return the ansatz of every field and how every condition is met.

    Args:
        wanted: False builds nothing in, True all that is possible, None what helps.
        bend: whether the network may see functions of a coordinate in its place, as slopes need.
    """
    enforcement: dict[str, Enforcement] = {}
    usable: list[Trace | Piece | Flux] = []
    for condition in checked.conditions:
        found = "asked for" if wanted is False else _usable(condition, checked, wanted)
        if isinstance(found, str):
            enforcement[condition.name] = Enforcement("soft", found)
        else:
            usable.append(found)
    ansatz = {}
    known: dict[Symbol, Expr] = {}
    for unknown_function in checked.fields:
        draft = Draft(unknown_function, checked, enforcement, bend, known=known)
        own = [t for t in usable if t.condition.residual.values[0].field == unknown_function.name]
        _add_shape(draft, [p for p in own if isinstance(p, Piece)])
        mine = _without_slopes_that_disagree(draft, [t for t in own if isinstance(t, Trace)])
        _add_fluxes(draft, [f for f in own if isinstance(f, Flux)], mine)
        for coordinate in checked.space:
            _add_walls(draft, [t for t in mine if t.coordinate == coordinate], coordinate)
        if checked.time is not None:
            _add_initial_states(draft, [t for t in mine if t.coordinate == checked.time], checked.time)
        ansatz[unknown_function.name] = draft.ansatz
    ordered = {c.name: enforcement[c.name] for c in checked.conditions}
    return ansatz, ordered


def _usable(condition: Condition, checked: CheckedProblem, wanted: bool | None) -> Trace | Piece | Flux | str:
    """Return a condition on a face, on a shape or at the start as what an ansatz takes, or why it cannot be built in."""
    reasons = {
        "integral": "an integral",
        "periodic": "value only; Periodic(...) would build it in with all derivatives",
        "nonlocal": "it ties two places together",
    }
    if condition.kind in reasons:
        return reasons[condition.kind]
    if condition.region.where is not None:
        return "it holds on a part of a face or boundary only"
    if condition.region.boundary is None and condition.kind not in (*_ON_FACES, *_INITIAL):
        return f"{condition.kind}: only conditions on faces and initial states can be built in"
    if condition.region.boundary is None and checked.shape and condition.kind in _ON_FACES:
        return "its face crosses a shaped domain"
    if not condition.residual.is_linear():
        return "it is not linear in its field"
    found: Trace | Piece | Flux | str
    if condition.region.boundary is None:
        found = trace_of(condition, checked)
    elif condition.kind in ("Neumann", "Robin"):
        found = flux_of(condition, checked, wanted)
    else:
        found = piece_of(condition, checked, wanted)
    if isinstance(found, str):
        return found
    own = {checked.coordinates[i].symbol for i in checked.inputs(_field(checked, condition))}
    said = found.data.free_symbols | (found.weight.free_symbols if isinstance(found, Flux) else set())
    if said - own:
        return "its data contain " + ", ".join(sorted(map(str, said - own)))
    if any(node.free_symbols for node in found.data.atoms(*ROUGH)):
        return "its data are not smooth: an ansatz would carry the kink through the whole domain"
    return found


def _field(checked: CheckedProblem, condition: Condition) -> Field:
    name = condition.residual.values[0].field
    return next(f for f in checked.fields if f.name == name)


def _without_slopes_that_disagree(draft: Draft, traces: list[Trace]) -> list[Trace]:
    """Refuse the slopes whose data disagree with a value on another face or an initial state; return the other conditions.

    Of two conditions that disagree where they meet one has to go soft, and values say more than slopes.
    """
    kept = []
    for trace in traces:
        steep = trace.coordinate.role == "space" and trace.order > 0
        others = [t for t in traces if t.coordinate != trace.coordinate]
        others = [t for t in others if t.order == 0 or t.coordinate.role == "time"]
        reason = (
            next(filter(None, (why_they_disagree(trace, t, draft) for t in others)), None) if steep else None
        )
        if reason:
            draft.refuse(trace.name, reason)
        else:
            kept.append(trace)
    return kept


def _add_shape(draft: Draft, pieces: list[Piece]) -> None:
    """Build in the values on a shaped boundary."""
    shape = draft.checked.shape
    if shape is None or not pieces:
        return
    kept, refused = fitting_pieces(pieces, shape)
    for name, reason in refused.items():
        draft.refuse(name, reason)
    for piece in list(kept):
        unfit = why_unfit(piece.data, draft)
        if unfit:
            draft.refuse(piece.condition.name, unfit)
            kept.remove(piece)
    if not kept:
        return
    found = shape_ansatz(kept, shape, Steps(draft.known))
    draft.lift += found.lift
    draft.factor *= found.factor
    draft.distances = found.distances
    draft.pieces += kept
    for piece in kept:
        draft.enforcement[piece.condition.name] = Enforcement("hard", "a value on the boundary of a shape")


def _add_fluxes(draft: Draft, fluxes: list[Flux], traces: list[Trace]) -> None:
    """Build in the slopes on a shaped boundary, beside the values that are there already."""
    shape = draft.checked.shape
    if shape is None:
        return
    kept: list[Flux] = []
    for flux in fluxes:
        others: list[Piece | Flux] = [*draft.pieces, *kept]
        neighbour = next((k for k in others if touch(k, flux, shape)), None)
        states = (why_slope_disagrees(flux, t, draft) for t in traces if t.coordinate == draft.checked.time)
        reason = (
            f"it meets {neighbour.condition.name}: a slope and a value ask for different things there"
            if neighbour
            else why_unfit(flux.data, draft) or next(filter(None, states), None)
        )
        if reason:
            draft.refuse(flux.condition.name, reason)
        else:
            kept.append(flux)
    if not kept:
        return
    found = flux_ansatz(kept, shape, draft.lift, draft.factor, Steps(draft.known))
    draft.lift, draft.factor, draft.slopes = found.lift, found.factor, found.slopes
    draft.distances = found.distances
    for flux in kept:
        draft.enforcement[flux.condition.name] = Enforcement("hard", "a slope on the boundary of a shape")


def _add_walls(draft: Draft, traces: list[Trace], coordinate: Coordinate) -> None:
    """Build in the conditions on the one or two faces of a space coordinate."""
    low, high = _fitting(draft, traces)
    kept = [*low, *high]
    if not kept:
        return
    rests = [draft.rest(trace) for trace in kept]
    draft.lift += sympy.Add(*map(sympy.Mul, rests, lift_shapes(kept, coordinate)))
    draft.factor *= walls_factor(low, high, coordinate)
    ends = flat_ends(low, high)
    if ends:
        draft.flat[coordinate.name] = ends
    for trace in kept:
        what = "a value" if trace.order == 0 else "a slope" if trace.order == 1 else "a second slope"
        how = f"{what} on a face of the box"
        if needs_flat(low if trace.low else high) and trace.order:
            how += f"; the network sees {coordinate.name} through functions whose slopes vanish there"
        draft.enforcement[trace.name] = Enforcement("hard", how)
    draft.traces += kept


def _fitting(draft: Draft, traces: list[Trace]) -> tuple[list[Trace], list[Trace]]:
    """Return the conditions on the low and on the high face that go together and agree with what is built in already."""
    left = list(traces)
    while True:
        faces = [accepted([t for t in left if t.low == low], draft.bend) for low in (True, False)]
        kept = [*faces[0], *faces[1]]
        for trace in left:
            if trace not in kept:
                draft.refuse(trace.name, _NO_ANSATZ if draft.bend else _RANDOM)
        left = [t for t in kept if not _refused(draft, t)]
        if left == kept:
            return faces[0], faces[1]


def _refused(draft: Draft, trace: Trace) -> bool:
    """Say whether the data of a condition do not fit, and leave it to the loss then."""
    rest = draft.rest(trace)
    reason = why_incompatible(trace, rest, draft) or why_unfit(rest, draft)
    if reason:
        draft.refuse(trace.name, reason)
    return reason is not None


def _add_initial_states(draft: Draft, states: list[Trace], time: Coordinate) -> None:
    """Build in the initial value, velocity, ...: a Taylor polynomial, as far as it reaches without a gap."""
    elapsed = time.symbol - time.low_exact
    by_order = {trace.order: trace for trace in states if len(trace.weights) == 1}
    level = 0
    walls = draft.lift
    while level in by_order:
        trace = by_order.pop(level)
        rest = draft.clean(trace.data - trace.of(walls))
        reason = why_incompatible(trace, rest, draft)
        spread, kinks = _spread(rest, trace.data, time, draft) if level == 0 else (rest, frozenset())
        reason = reason or why_unfit(trace.data if draft.distances else rest, draft, kinks)
        if reason:
            draft.refuse(trace.name, reason)
            break
        draft.lift += spread * elapsed**level / sympy.factorial(level)
        how = "an initial state"
        if kinks:
            how += f"; the kink of its periodic extension in {', '.join(sorted(kinks))} is spread by the diffusion"
        draft.enforcement[trace.name] = Enforcement("hard", how)
        level += 1
    for trace in states:
        if trace.name not in draft.enforcement:
            draft.refuse(trace.name, "a lower initial state is soft")
    if level:
        draft.multiply((elapsed / coordinate_length(time)) ** level)


def _spread(rest: Expr, initial: Expr, time: Coordinate, draft: Draft) -> tuple[Expr, frozenset[str]]:
    """Return what is left of an initial function with the kink of its periodic extension spread in time, and in which coordinate.

    One coordinate only: two seams that cross would need the product of their kinks.
    """
    checked, function = draft.checked, draft.function
    for c in checked.coordinates:
        if c.name not in checked.periodic or not rest.has(c.symbol):
            continue
        if jump_at_seam(rest, c, 0, checked) is None and jump_at_seam(rest, c, 1, checked) is not None:
            how = spreading(checked, function, c, initial)
            if how is not None:
                kink = diffused_kink(rest, c, time, how.nu)
                return growth(how.rate, time) * (rest + kink), frozenset({c.name})
    return rest, frozenset()
