"""Conditions into the ansatz field = lift + factor * raw, where that is plain; the others stay soft.

On a box the lift interpolates the data of opposite faces, coordinate after coordinate, each on what the
earlier ones left over (transfinite interpolation by Boolean sums); in time it is the Taylor polynomial
of the initial states. The factor is the product of the distances. Source: Lagaris, Likas, Fotiadis 1998;
Sukumar and Srivastava 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import sympy
from sympy import Expr

from pinnsolver.declare import CheckedProblem, Condition, Coordinate, Field
from pinnsolver.transform.kinks import diffused_kink, growth, spreading
from pinnsolver.transform.numeric import is_finite, size, vanishes
from pinnsolver.transform.transformed import Ansatz, Enforcement

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


@dataclass
class _Draft:
    """An ansatz under construction: what has been built in so far."""

    lift: Expr = sympy.S.Zero
    factor: Expr = sympy.S.One
    faces: list[tuple[Coordinate, Expr, Condition]] = field(default_factory=list)


def build_hard_conditions(
    checked: CheckedProblem, wanted: bool | None
) -> tuple[dict[str, Ansatz], dict[str, Enforcement]]:
    """Return the ansatz of every field and how every condition is met.

    Args:
        wanted: False builds nothing in; True and None build in what is plain.
    """
    enforcement: dict[str, Enforcement] = {}
    for condition in checked.conditions:
        reason = "asked for" if wanted is False else _why_not_plain(condition, checked)
        if reason is not None:
            enforcement[condition.name] = Enforcement("soft", reason)
    ansatz = {}
    for unknown_function in checked.fields:
        draft = _Draft()
        mine = [
            c
            for c in checked.conditions
            if c.name not in enforcement and c.solved and c.solved[0].field == unknown_function.name
        ]
        for coordinate in [*checked.space, *filter(None, [checked.time])]:
            faces = [c for c in mine if c.region.pins[0][0] == coordinate.name]
            if coordinate.role == "time":
                _add_initial_states(draft, faces, coordinate, unknown_function, checked, enforcement)
            else:
                _add_walls(draft, faces, coordinate, unknown_function, checked, enforcement)
        ansatz[unknown_function.name] = Ansatz(draft.lift, draft.factor)
    ordered = {c.name: enforcement[c.name] for c in checked.conditions}
    return ansatz, ordered


def _why_not_plain(condition: Condition, checked: CheckedProblem) -> str | None:
    """Return why a condition cannot be built in, None where it can."""
    reasons: Mapping[str, str] = {
        "Neumann": "a slope: its ansatz is not plain",
        "Robin": "a mixture of value and slope: its ansatz is not plain",
        "integral": "an integral",
        "periodic": "value only; Periodic(...) would build it in with all derivatives",
        "nonlocal": "it ties two places together",
    }
    if condition.kind in reasons:
        return reasons[condition.kind]
    if condition.region.boundary is not None or (checked.shape and condition.kind == "Dirichlet"):
        return "a shaped boundary: distance factors are not built yet"
    if condition.region.where is not None:
        return "it holds on a part of a face only"
    if condition.kind != "Dirichlet" and not condition.kind.startswith(_INITIAL):
        return f"{condition.kind}: only values on faces and initial states are plain"
    if condition.solved is None:
        return "it does not give one field outright"
    value, expr = condition.solved
    time = checked.time
    column = checked.coordinates.index(time) if time else -1
    if condition.kind == "Dirichlet" and any(value.orders):
        return "a derivative along the face"
    if any(order for k, order in enumerate(value.orders) if k != column):
        return "a derivative by a space coordinate at the start"
    own = {checked.coordinates[i].symbol for i in checked.inputs(_field(checked, value.field))}
    if expr.free_symbols - own:
        return "its data contain " + ", ".join(sorted(map(str, expr.free_symbols - own)))
    if any(node.free_symbols for node in expr.atoms(*_ROUGH)):
        return "its data are not smooth: an ansatz would carry the kink through the whole domain"
    return None


def _field(checked: CheckedProblem, name: str) -> Field:
    return next(f for f in checked.fields if f.name == name)


def _add_walls(
    draft: _Draft,
    faces: list[Condition],
    coordinate: Coordinate,
    function: Field,
    checked: CheckedProblem,
    enforcement: dict[str, Enforcement],
) -> None:
    """Build in the values on the one or two faces of a space coordinate."""
    x = coordinate.symbol
    good: list[tuple[Condition, Expr, Expr]] = []
    for condition in faces:
        assert condition.solved is not None
        at = condition.region.pins[0][1]
        low = abs(float(at) - coordinate.low) < abs(float(at) - coordinate.high)
        at = coordinate.low_exact if low else coordinate.high_exact
        rest = _clean(condition.solved[1] - draft.lift.subs(x, at), checked)
        reason = _why_incompatible(condition, rest, draft, checked)
        reason = reason or _why_unfit(condition, rest, function, checked)
        if reason:
            enforcement[condition.name] = Enforcement("soft", reason)
            continue
        good.append((condition, at, rest))
    if not good:
        return
    if len(good) == 1:
        draft.lift += good[0][2]
    else:
        (_, a, at_a), (_, b, at_b) = good
        draft.lift += at_a * (b - x) / (b - a) + at_b * (x - a) / (b - a)
    for condition, at, _ in good:
        draft.factor *= x - at if float(at) < coordinate.high else at - x
        draft.faces.append((coordinate, at, condition))
        enforcement[condition.name] = Enforcement("hard", "a value on a face of the box")
    length = coordinate_length(coordinate)
    draft.factor *= 1 / length if len(good) == 1 else 4 / length**2  # of size 1


def _add_initial_states(
    draft: _Draft,
    states: list[Condition],
    time: Coordinate,
    function: Field,
    checked: CheckedProblem,
    enforcement: dict[str, Enforcement],
) -> None:
    """Build in the initial value, velocity, ...: a Taylor polynomial, as far as it reaches without a gap."""
    t, start = time.symbol, time.low_exact
    column = checked.coordinates.index(time)
    by_order = {c.solved[0].orders[column]: c for c in states if c.solved}
    level = 0
    walls = draft.lift
    while level in by_order:
        condition = by_order.pop(level)
        assert condition.solved is not None
        left = walls.diff(t, level) if level else walls
        rest = _clean(condition.solved[1] - left.subs(t, start), checked)
        reason = _why_incompatible(condition, rest, draft, checked)
        spread, kinks = (
            _spread(rest, condition.solved[1], time, function, checked) if level == 0 else (rest, frozenset())
        )
        reason = reason or _why_unfit(condition, rest, function, checked, kinks)
        if reason:
            enforcement[condition.name] = Enforcement("soft", reason)
            break
        draft.lift += spread * (t - start) ** level / sympy.factorial(level)
        how = "an initial state"
        if kinks:
            how += f"; the kink of its periodic extension in {', '.join(sorted(kinks))} is spread by the diffusion"
        enforcement[condition.name] = Enforcement("hard", how)
        level += 1
    for condition in by_order.values():
        enforcement[condition.name] = Enforcement("soft", "a lower initial state is soft")
    if level:
        draft.factor *= ((t - start) / coordinate_length(time)) ** level


def coordinate_length(coordinate: Coordinate) -> Expr:
    """Return the exact length of a coordinate's range."""
    length = coordinate.high_exact - coordinate.low_exact
    # A limit such as 0.5 is binary: as a rational it keeps formulas readable.
    return sympy.nsimplify(length, rational=True) if isinstance(length, sympy.Float) else length


def _clean(rest: Expr, checked: CheckedProblem) -> Expr:
    """Return 0 for what is zero to rounding, so that formulas stay readable."""
    scale = max((size(term, checked.coordinates) for term in sympy.Add.make_args(rest)), default=0.0)
    return sympy.S.Zero if vanishes(rest, checked.coordinates, scale) else rest


def _why_incompatible(condition: Condition, rest: Expr, draft: _Draft, checked: CheckedProblem) -> str | None:
    """Return where the data disagree with what is built in already, None where they agree."""
    assert condition.solved is not None
    scale = max(1e-3, size(condition.solved[1], checked.coordinates), size(rest, checked.coordinates))
    for coordinate, at, other in draft.faces:
        gap = rest.subs(coordinate.symbol, at)
        if not vanishes(gap, checked.coordinates, scale):
            return (
                f"its data disagree with {other.name} where they meet "
                f"(by up to {size(gap, checked.coordinates):.3g}): an ansatz would smear the jump"
            )
    return None


def _spread(
    rest: Expr, initial: Expr, time: Coordinate, function: Field, checked: CheckedProblem
) -> tuple[Expr, frozenset[str]]:
    """Return what is left of an initial function with the kink of its periodic extension spread in time, and in which coordinate.

    One coordinate only: two seams that cross would need the product of their kinks.
    """
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
    if vanishes(gap, checked.coordinates, max(1.0, size(slope, checked.coordinates))):
        return None
    return "a jump" if k == 0 else "a kink" if k == 1 else f"a jump in derivative {k}"


def _why_unfit(
    condition: Condition,
    rest: Expr,
    function: Field,
    checked: CheckedProblem,
    diffused: frozenset[str] = frozenset(),
) -> str | None:
    """Return why a lift made of these data would spoil the equations, None where it would not.

    Args:
        diffused: periodic coordinates whose kink is taken care of.
    """
    orders = checked.highest_orders(function.name)
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
        if not is_finite(term, checked.coordinates):
            return "its data have no finite derivative somewhere: the lift would be singular"
    return None
