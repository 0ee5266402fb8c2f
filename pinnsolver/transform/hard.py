"""Conditions into the ansatz field = lift + factor * raw, where that is possible; the others stay soft, with the reason.

On a box the lift interpolates the data of opposite faces, coordinate after coordinate, each on what the
earlier ones left over (transfinite interpolation by Boolean sums); in time it is the Taylor polynomial
of the initial states. The factor is the product of the factors of the faces (`walls.py`), of a shape (`distance.py`) and of the time.
Source: Lagaris, Likas, Fotiadis 1998; Sukumar and Srivastava 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Condition, Coordinate, Field
from pinnsolver.transform.kinks import diffused_kink, growth, spreading
from pinnsolver.transform.numeric import is_finite, sample_points, size, values_at, vanishes
from pinnsolver.transform.shaped import (
    Piece,
    fitting_pieces,
    piece_of,
    piece_points,
    shape_ansatz,
)
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

_ROUGH = (
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
_ON_FACES = ("Dirichlet", "Neumann", "Robin", "higher slope")


@dataclass
class _Draft:
    """An ansatz under construction: what has been built in so far."""

    function: Field
    checked: CheckedProblem
    enforcement: dict[str, Enforcement]
    lift: Expr = sympy.S.Zero
    factor: Expr = sympy.S.One
    flat: dict[str, str] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    known: dict[Symbol, Expr] = field(default_factory=dict)  # the distances of all fields
    distances: Mapping[Symbol, Expr] = field(default_factory=dict)

    @property
    def ansatz(self) -> Ansatz:
        """What has been built in."""
        return Ansatz(self.lift, self.factor, self.flat, self.distances)

    def clean(self, rest: Expr) -> Expr:
        """Return 0 for what is zero to rounding, so that formulas stay readable."""
        plain = self.ansatz.written_out(rest)
        scale = max((size(term, self.checked) for term in sympy.Add.make_args(plain)), default=0.0)
        return sympy.S.Zero if vanishes(plain, self.checked, scale) else rest

    def refuse(self, name: str, reason: str) -> None:
        """Leave a condition to the loss."""
        self.enforcement[name] = Enforcement("soft", reason)

    def rest(self, trace: Trace) -> Expr:
        """Return the data of a condition less what the lift gives already."""
        return self.clean(trace.data - trace.of(self.lift))


def build_hard_conditions(
    checked: CheckedProblem, wanted: bool | None
) -> tuple[dict[str, Ansatz], dict[str, Enforcement]]:
    """Return the ansatz of every field and how every condition is met.

    Args:
        wanted: False builds nothing in, True all that is possible, None what helps.
    """
    enforcement: dict[str, Enforcement] = {}
    usable: list[Trace | Piece] = []
    for condition in checked.conditions:
        found = "asked for" if wanted is False else _usable(condition, checked, wanted)
        if isinstance(found, str):
            enforcement[condition.name] = Enforcement("soft", found)
        else:
            usable.append(found)
    ansatz = {}
    known: dict[Symbol, Expr] = {}
    for unknown_function in checked.fields:
        draft = _Draft(unknown_function, checked, enforcement, known=known)
        own = [t for t in usable if t.condition.residual.values[0].field == unknown_function.name]
        _add_shape(draft, [p for p in own if isinstance(p, Piece)])
        mine = _without_slopes_that_disagree(draft, [t for t in own if isinstance(t, Trace)])
        for coordinate in checked.space:
            _add_walls(draft, [t for t in mine if t.coordinate == coordinate], coordinate)
        if checked.time is not None:
            _add_initial_states(draft, [t for t in mine if t.coordinate == checked.time], checked.time)
        ansatz[unknown_function.name] = draft.ansatz
    ordered = {c.name: enforcement[c.name] for c in checked.conditions}
    return ansatz, ordered


def _usable(condition: Condition, checked: CheckedProblem, wanted: bool | None) -> Trace | Piece | str:
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
    if not _is_linear(condition):
        return "it is not linear in its field"
    shaped = condition.region.boundary is not None
    found = piece_of(condition, checked, wanted) if shaped else trace_of(condition, checked)
    if isinstance(found, str):
        return found
    own = {checked.coordinates[i].symbol for i in checked.inputs(_field(checked, condition))}
    if found.data.free_symbols - own:
        return "its data contain " + ", ".join(sorted(map(str, found.data.free_symbols - own)))
    if any(node.free_symbols for node in found.data.atoms(*_ROUGH)):
        return "its data are not smooth: an ansatz would carry the kink through the whole domain"
    return found


def _is_linear(condition: Condition) -> bool:
    symbols = {v.symbol for v in condition.residual.values}
    return not any(condition.residual.expr.diff(s).free_symbols & symbols for s in symbols)


def _field(checked: CheckedProblem, condition: Condition) -> Field:
    name = condition.residual.values[0].field
    return next(f for f in checked.fields if f.name == name)


def _without_slopes_that_disagree(draft: _Draft, traces: list[Trace]) -> list[Trace]:
    """Refuse the slopes whose data disagree with a value on another face or an initial state; return the other conditions.

    Of two conditions that disagree where they meet one has to go soft, and values say more than slopes.
    """
    kept = []
    for trace in traces:
        steep = trace.coordinate.role == "space" and trace.order > 0
        others = [t for t in traces if t.coordinate != trace.coordinate]
        others = [t for t in others if t.order == 0 or t.coordinate.role == "time"]
        reason = next(filter(None, (_gap(trace, t, draft) for t in others)), None) if steep else None
        if reason:
            draft.refuse(trace.name, reason)
        else:
            kept.append(trace)
    return kept


def _gap(slope: Trace, other: Trace, draft: _Draft) -> str | None:
    """Return by how much a slope disagrees with another condition where they meet, None where it does not."""
    checked = draft.checked
    parts = slope.of(other.data), other.of(slope.data)
    scale = max(1e-3, size(slope.data, checked), *(size(p, checked) for p in parts))
    gap = parts[0] - parts[1]
    return None if vanishes(gap, checked, scale) else _disagreement(other.name, gap, draft)


def _disagreement(other: str, gap: Expr, draft: _Draft) -> str:
    return (
        f"its data disagree with {other} where they meet "
        f"(by up to {size(gap, draft.checked):.3g}): an ansatz would smear the jump"
    )


def _add_shape(draft: _Draft, pieces: list[Piece]) -> None:
    """Build in the values on a shaped boundary."""
    shape = draft.checked.shape
    if shape is None or not pieces:
        return
    kept, refused = fitting_pieces(pieces, shape)
    for name, reason in refused.items():
        draft.refuse(name, reason)
    for piece in list(kept):
        unfit = _why_unfit(piece.data, draft)
        if unfit:
            draft.refuse(piece.condition.name, unfit)
            kept.remove(piece)
    if not kept:
        return
    found = shape_ansatz(kept, shape, draft.known)
    draft.lift += found.lift
    draft.factor *= found.factor
    draft.distances = found.distances
    draft.pieces += kept
    for piece in kept:
        draft.enforcement[piece.condition.name] = Enforcement("hard", "a value on the boundary of a shape")


def _add_walls(draft: _Draft, traces: list[Trace], coordinate: Coordinate) -> None:
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


def _fitting(draft: _Draft, traces: list[Trace]) -> tuple[list[Trace], list[Trace]]:
    """Return the conditions on the low and on the high face that go together and agree with what is built in already."""
    left = list(traces)
    while True:
        faces = [accepted([t for t in left if t.low == low]) for low in (True, False)]
        kept = [*faces[0], *faces[1]]
        for trace in left:
            if trace not in kept:
                draft.refuse(trace.name, "its order beside the others of that face has no plain ansatz")
        left = [t for t in kept if not _refused(draft, t)]
        if left == kept:
            return faces[0], faces[1]


def _refused(draft: _Draft, trace: Trace) -> bool:
    """Say whether the data of a condition do not fit, and leave it to the loss then."""
    rest = draft.rest(trace)
    reason = _why_incompatible(trace, rest, draft) or _why_unfit(rest, draft)
    if reason:
        draft.refuse(trace.name, reason)
    return reason is not None


def _add_initial_states(draft: _Draft, states: list[Trace], time: Coordinate) -> None:
    """Build in the initial value, velocity, ...: a Taylor polynomial, as far as it reaches without a gap."""
    elapsed = time.symbol - time.low_exact
    by_order = {trace.order: trace for trace in states if len(trace.weights) == 1}
    level = 0
    walls = draft.lift
    while level in by_order:
        trace = by_order.pop(level)
        rest = draft.clean(trace.data - trace.of(walls))
        reason = _why_incompatible(trace, rest, draft)
        spread, kinks = _spread(rest, trace.data, time, draft) if level == 0 else (rest, frozenset())
        reason = reason or _why_unfit(trace.data if draft.distances else rest, draft, kinks)
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
        draft.factor *= (elapsed / coordinate_length(time)) ** level


def _why_incompatible(trace: Trace, rest: Expr, draft: _Draft) -> str | None:
    """Return where the data disagree with what is built in already, None where they agree."""
    checked = draft.checked
    rest = draft.ansatz.written_out(rest)
    scale = max(1e-3, size(trace.data, checked), size(rest, checked))
    for other in draft.traces:
        gap = other.of(rest)
        if not vanishes(gap, checked, scale * max(1, size(other.of(trace.data), checked))):
            return _disagreement(other.name, gap, draft)
    for piece in draft.pieces:
        gap = _largest_on(piece, rest, trace, draft)
        if not gap <= 1e-8 * scale:
            return (
                f"its data disagree with {piece.condition.name} where they meet (by up to {gap:.3g}): "
                "an ansatz would smear the jump"
            )
    return None


def _largest_on(piece: Piece, rest: Expr, trace: Trace, draft: _Draft) -> float:
    """Return the largest value that data of an initial state take on a piece of a shaped boundary."""
    checked = draft.checked
    assert checked.shape is not None
    places = piece_points(piece, checked.shape)
    points = np.resize(sample_points(checked), (len(places), len(checked.coordinates)))
    symbols = [c.symbol for c in checked.coordinates]
    points[:, [symbols.index(s) for s in checked.shape.symbols]] = places
    points[:, checked.coordinates.index(trace.coordinate)] = float(trace.at)
    return float(np.abs(values_at(rest, checked, points)).max(initial=0.0))


def _spread(rest: Expr, initial: Expr, time: Coordinate, draft: _Draft) -> tuple[Expr, frozenset[str]]:
    """Return what is left of an initial function with the kink of its periodic extension spread in time, and in which coordinate.

    One coordinate only: two seams that cross would need the product of their kinks.
    """
    checked, function = draft.checked, draft.function
    for c in checked.coordinates:
        if c.name not in checked.periodic or not rest.has(c.symbol):
            continue
        if _jump(rest, c, 0, checked) is None and _jump(rest, c, 1, checked) is not None:
            how = spreading(checked, function, c, initial)
            if how is not None:
                kink = diffused_kink(rest, c, time, how.nu)
                return growth(how.rate, time) * (rest + kink), frozenset({c.name})
    return rest, frozenset()


def _jump(rest: Expr, c: Coordinate, k: int, checked: CheckedProblem) -> str | None:
    """Return what jumps at the seam of a period in a derivative, None where it goes on."""
    slope = rest.diff(c.symbol, k)
    gap = slope.subs(c.symbol, c.low_exact) - slope.subs(c.symbol, c.high_exact)
    if vanishes(gap, checked, max(1.0, size(slope, checked))):
        return None
    return "a jump" if k == 0 else "a kink" if k == 1 else f"a jump in derivative {k}"


def _why_unfit(rest: Expr, draft: _Draft, diffused: frozenset[str] = frozenset()) -> str | None:
    """Return why a lift made of these data would spoil the equations, None where it would not.

    Args:
        diffused: periodic coordinates whose kink is taken care of.
    """
    checked = draft.checked
    orders = checked.highest_orders(draft.function.name)
    periodic = [c for c in checked.coordinates if c.name in checked.periodic and rest.has(c.symbol)]
    for c in periodic:
        for k in range(orders[checked.coordinates.index(c)] + 1):
            what = _jump(rest, c, k, checked)
            if what and not (k == 1 and c.name in diffused):
                return (
                    f"its periodic extension in {c.name} has {what}, which the ansatz would keep for all time"
                )
    ranges = [range(order + 1) for order in orders]
    for powers in product(*ranges):
        if sum(powers) > max(orders, default=0):
            continue
        term = rest
        for c, k in zip(checked.coordinates, powers, strict=True):
            term = term.diff(c.symbol, k) if k else term
        if not is_finite(term, checked):
            return "its data have no finite derivative somewhere: the lift would be singular"
    return None
