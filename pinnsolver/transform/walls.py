"""Values and slopes on the faces of a box into an ansatz: what each face asks of lift, factor and network.

With s the distance from a face in lengths of the box, 1 at the opposite one, the homogeneous condition holds for

    a value, up to m - 1 slopes with it       s^m R
    a slope or Robin, u_s = sigma u           w R,  w = 1 + sigma s or 1 / (1 - sigma s),   R_s = 0 there
    value and second slope (simply supported) s R,                                          R_s = 0 there

with R any smooth function, R_s = 0 by the network's inputs (`flat.py`). Where the opposite face needs R_s = 0, the functions of s are
bent so that they are flat there. Every smooth function that meets the conditions is of this form.
The lift carries the data: polynomials in s that give 1 to one condition of the coordinate and 0 to the others.
Source: Lagaris, Likas, Fotiadis 1998; Sukumar and Srivastava 2022 (arXiv 2104.08426), where slopes are done otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr

from pinnsolver.declare import CheckedProblem, Condition, Coordinate


@dataclass(frozen=True)
class Trace:
    """A condition on a face, or an initial state, as a linear functional of its field: sum_k weight_k D^k u = data.

    Args:
        condition: as declared.
        coordinate: across the face; the time for an initial state.
        low: whether the face is at the coordinate's low end.
        weights: numbers by order of the derivative across.
        data: of the other coordinates.
    """

    condition: Condition
    coordinate: Coordinate
    low: bool
    weights: Mapping[int, Expr]
    data: Expr

    @property
    def name(self) -> str:
        """Name of the condition."""
        return self.condition.name

    @property
    def at(self) -> Expr:
        """Where the face is."""
        return self.coordinate.low_exact if self.low else self.coordinate.high_exact

    @property
    def order(self) -> int:
        """Order of the highest derivative."""
        return max(self.weights)

    def of(self, expr: Expr) -> Expr:
        """Return what the functional makes of an expression of the coordinates."""
        x = self.coordinate.symbol
        terms = (w * (expr.diff(x, k) if k else expr).subs(x, self.at) for k, w in self.weights.items())
        return sympy.Add(*terms)


def trace_of(condition: Condition, checked: CheckedProblem) -> Trace | str:
    """Return a condition on a face as a functional of one field, or why it is none."""
    values = condition.residual.values
    if len({v.field for v in values}) != 1:
        return "it ties several fields together"
    (name, at), *others = values[0].pins
    coordinate = next(c for c in checked.coordinates if c.name == name)
    column = checked.coordinates.index(coordinate)
    if others:
        return "it does not run along a face"
    weights = {}
    for value in values:
        if any(order for k, order in enumerate(value.orders) if k != column):
            return "a derivative along the face"
        weights[value.orders[column]] = condition.residual.expr.diff(value.symbol)
    if not all(w.is_number for w in weights.values()):
        return "its coefficients are not numbers"
    data = -condition.residual.expr.xreplace({v.symbol: sympy.S.Zero for v in values})
    lead = weights[max(weights)]
    low = abs(float(at) - coordinate.low) < abs(float(at) - coordinate.high)
    return Trace(condition, coordinate, low, {k: w / lead for k, w in weights.items()}, data / lead)


def accepted(face: Sequence[Trace], bend: bool) -> list[Trace]:
    """Return those conditions of one face that an ansatz can carry together.

    Args:
        bend: whether the network may see functions of the coordinate in its place.
    """
    kept = sorted(face, key=lambda trace: trace.order)
    while kept and (not _fits(kept) or (needs_flat(kept) and not bend)):
        kept.pop()
    return kept


def _fits(face: Sequence[Trace]) -> bool:
    orders = [trace.order for trace in face]
    if orders == [0, 2]:  # s R has (s R)'' = 2 R', but a slope beside it would not vanish
        return not face[1].weights.get(1, 0)
    return orders == [1] or orders == list(range(len(orders)))


def needs_flat(face: Sequence[Trace]) -> bool:
    """Say whether the network's slope has to vanish on a face."""
    return [trace.order for trace in face] in ([1], [0, 2])


def flat_ends(low: Sequence[Trace], high: Sequence[Trace]) -> str:
    """Return at which ends of a coordinate the network has to be flat: "low", "high", "both" or ""."""
    ends = {(True, True): "both", (True, False): "low", (False, True): "high", (False, False): ""}
    return ends[needs_flat(low), needs_flat(high)]


def walls_factor(low: Sequence[Trace], high: Sequence[Trace], coordinate: Coordinate) -> Expr:
    """Return what vanishes as the conditions on both faces of a coordinate ask, of size 1."""
    a, b = coordinate.low_exact, coordinate.high_exact
    length = coordinate_length(coordinate)
    factor = sympy.S.One
    for face, opposite, distance in ((low, high, coordinate.symbol - a), (high, low, b - coordinate.symbol)):
        if face:
            factor *= _face_factor(face, distance / length, length, needs_flat(opposite))
    orders = [trace.order for trace in (*low, *high)]
    if low and high and not flat_ends(low, high):
        factor *= 2 ** len(orders)  # 4 s (1 - s) is of size 1
    return factor


def _face_factor(face: Sequence[Trace], s: Expr, length: Expr, opposite_flat: bool) -> Expr:
    """Return the factor of one face, its slope vanishing at s = 1 where the opposite face asks for that.

    Args:
        s: distance from the face in lengths of the box.
    """
    orders = [trace.order for trace in face]
    if orders == [0, 2]:
        return s * (3 - s**2) / 2 if opposite_flat else s
    if orders == [1]:
        inward = 1 if face[0].low else -1
        sigma = -inward * length * face[0].weights.get(0, sympy.S.Zero)  # u_s = sigma u
        bent = s * (2 - s) / 2 if opposite_flat else s
        if sigma == 0:
            return sympy.S.One
        if float(sigma) > 0:
            return (1 + sigma * bent) / (1 + sigma * (sympy.S.Half if opposite_flat else 1))
        return 1 / (1 - sigma * bent)
    m = len(orders)
    return s**m * (1 + m * (1 - s)) if opposite_flat else s**m


def lift_shapes(traces: Sequence[Trace], coordinate: Coordinate) -> list[Expr]:
    """Return by condition the polynomial of the coordinate that gives it 1 and the others 0, of least degree."""
    x, length = coordinate.symbol, coordinate_length(coordinate)
    if [(t.order, t.low) for t in traces] == [(0, True), (0, False)]:
        a, b = coordinate.low_exact, coordinate.high_exact
        return [(b - x) / (b - a), (x - a) / (b - a)]
    s = (x - coordinate.low_exact) / length
    for degree in range(len(traces) - 1, 3 * len(traces) + 3):
        powers = [s**k for k in range(degree + 1)]
        matrix = sympy.Matrix(
            [[length**t.order * t.of(power) for power in powers] for t in traces]  # slopes by s, of size 1
        )
        if not _has_full_rank(matrix):
            continue
        # The least coefficients, for there may be several polynomials.
        solution = matrix.T * (matrix * matrix.T).inv()
        if degree == len(traces) - 1:
            solution = matrix.inv()
        return [
            sympy.Add(*(length**t.order * solution[k, i] * power for k, power in enumerate(powers)))
            for i, t in enumerate(traces)
        ]
    raise AssertionError(f"no polynomial for {[t.name for t in traces]}")


def _has_full_rank(matrix: sympy.Matrix) -> bool:
    """Say whether the rows are independent, to rounding."""
    numbers = matrix.evalf()
    gram = numbers * numbers.T
    scale = max(float(gram[i, i]) for i in range(gram.rows)) or 1.0
    return abs(float(gram.det())) > 1e-12 * scale**gram.rows


def coordinate_length(coordinate: Coordinate) -> Expr:
    """Return the exact length of a coordinate's range."""
    length = coordinate.high_exact - coordinate.low_exact
    # A limit such as 0.5 is binary: as a rational it keeps formulas readable.
    return sympy.nsimplify(length, rational=True) if isinstance(length, sympy.Float) else length
