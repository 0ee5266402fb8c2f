"""An ansatz under construction, and why a condition does not fit into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Coordinate, Field
from pinnsolver.transform.fluxes import Flux
from pinnsolver.transform.numeric import is_finite, sample_points, size, values_at, vanishes
from pinnsolver.transform.shaped import Piece, half_width, piece_points
from pinnsolver.transform.transformed import Ansatz, Enforcement
from pinnsolver.transform.walls import Trace


@dataclass
class Draft:
    """An ansatz under construction: what has been built in so far."""

    function: Field
    checked: CheckedProblem
    enforcement: dict[str, Enforcement]
    bend: bool
    lift: Expr = sympy.S.Zero
    factor: Expr = sympy.S.One
    flat: dict[str, str] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    known: dict[Symbol, Expr] = field(default_factory=dict)  # the distances of all fields
    distances: Mapping[Symbol, Expr] = field(default_factory=dict)
    slopes: Mapping[Symbol, Expr] = field(default_factory=dict)

    @property
    def ansatz(self) -> Ansatz:
        """What has been built in."""
        return Ansatz(self.lift, self.factor, self.flat, self.distances, self.slopes)

    def multiply(self, factor: Expr) -> None:
        """Multiply what the network contributes."""
        self.factor *= factor
        self.slopes = {x: slope * factor for x, slope in self.slopes.items()}

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


def why_they_disagree(slope: Trace, other: Trace, draft: Draft) -> str | None:
    """Return by how much a slope disagrees with another condition where they meet, None where it does not."""
    checked = draft.checked
    parts = slope.of(other.data), other.of(slope.data)
    scale = max(1e-3, size(slope.data, checked), *(size(p, checked) for p in parts))
    gap = parts[0] - parts[1]
    return None if vanishes(gap, checked, scale) else _disagreement(other.name, gap, draft)


def why_incompatible(trace: Trace, rest: Expr, draft: Draft) -> str | None:
    """Return where the data disagree with what is built in already, None where they agree."""
    checked = draft.checked
    rest = draft.ansatz.written_out(rest)
    scale = max(1e-3, size(trace.data, checked), size(rest, checked))
    for other in draft.traces:
        gap = other.of(rest)
        if not vanishes(gap, checked, scale * max(1, size(other.of(trace.data), checked))):
            return _disagreement(other.name, gap, draft)
    for piece in draft.pieces:
        assert checked.shape is not None
        gap = _largest_on(
            piece_points(piece.condition.region.boundary or "", checked.shape), rest, trace, draft
        )
        if not gap <= 1e-8 * scale:
            return (
                f"its data disagree with {piece.condition.name} where they meet (by up to {gap:.3g}): "
                "an ansatz would smear the jump"
            )
    return None


def why_slope_disagrees(flux: Flux, state: Trace, draft: Draft) -> str | None:
    """Return by how much a slope on a shaped boundary disagrees with an initial state, None where it does not."""
    checked = draft.checked
    assert checked.shape is not None and checked.time is not None
    data = flux.data.diff(checked.time.symbol, state.order) if state.order else flux.data
    weight = flux.weight.diff(checked.time.symbol)
    if weight != 0:
        return "its coefficient changes in time, beside an initial state"
    scale = max(1e-3, size(data, checked), size(state.data, checked) / float(half_width(checked.shape)))
    everywhere = piece_points(flux.condition.region.boundary or "", checked.shape)
    for wall in flux.walls:
        heights = sympy.lambdify(checked.shape.symbols, wall.formula, "numpy")(*everywhere.T)
        places = everywhere[np.abs(heights) <= 1e-9 * checked.shape.size]
        gap = _largest_on(places, flux.of(state.data, wall, checked.shape.symbols) - data, state, draft)
        if not gap <= 1e-8 * scale:
            return f"its data disagree with {state.name} where they meet (by up to {gap:.3g}): an ansatz would smear the jump"
    return None


def _largest_on(places: np.ndarray, rest: Expr, trace: Trace, draft: Draft) -> float:
    """Return the largest value that data of an initial state take at places (n, d) of a shaped boundary."""
    checked = draft.checked
    assert checked.shape is not None
    points = np.resize(sample_points(checked), (len(places), len(checked.coordinates)))
    symbols = [c.symbol for c in checked.coordinates]
    points[:, [symbols.index(s) for s in checked.shape.symbols]] = places
    points[:, checked.coordinates.index(trace.coordinate)] = float(trace.at)
    return float(np.abs(values_at(rest, checked, points)).max(initial=0.0))


def jump_at_seam(rest: Expr, c: Coordinate, k: int, checked: CheckedProblem) -> str | None:
    """Return what jumps at the seam of a period in a derivative, None where it goes on."""
    slope = rest.diff(c.symbol, k)
    gap = slope.subs(c.symbol, c.low_exact) - slope.subs(c.symbol, c.high_exact)
    if vanishes(gap, checked, max(1.0, size(slope, checked))):
        return None
    return "a jump" if k == 0 else "a kink" if k == 1 else f"a jump in derivative {k}"


def why_unfit(rest: Expr, draft: Draft, diffused: frozenset[str] = frozenset()) -> str | None:
    """Return why a lift made of these data would spoil the equations, None where it would not.

    Args:
        diffused: periodic coordinates whose kink is taken care of.
    """
    checked = draft.checked
    orders = checked.highest_orders(draft.function.name)
    periodic = [c for c in checked.coordinates if c.name in checked.periodic and rest.has(c.symbol)]
    for c in periodic:
        for k in range(orders[checked.coordinates.index(c)] + 1):
            what = jump_at_seam(rest, c, k, checked)
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


def _disagreement(other: str, gap: Expr, draft: Draft) -> str:
    return (
        f"its data disagree with {other} where they meet "
        f"(by up to {size(gap, draft.checked):.3g}): an ansatz would smear the jump"
    )
