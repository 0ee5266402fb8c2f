"""Coordinates and fields in units in which they are of size 1: a declaration in metres, kelvins and pascals, made dimensionless.

With x = X x', u = U u' a derivative is u_x = U/X u'_x', and every equation and condition is divided by its largest coefficient. X is
the power of ten next to a coordinate's length, U that next to a field's size, which is read from the declaration:

    data            |u| of initial states and walls; |u_x| L/2 where there are slopes only; what is observed; a norm that is asked for
    equations       the largest of the other terms over the largest coefficient of the field, a derivative counting (2/L)^order

the second for fields without data, a pressure from the momentum, and for sources that outweigh the data. Unknown numbers and
parameters stay in their own units.
Source: Barenblatt 1996, Scaling, Self-similarity and Intermediate Asymptotics; dominant balance as in any text on asymptotics.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Expr, Integral, Rational, Symbol
from sympy.core.function import AppliedUndef

from pinnsolver.declare import (
    CheckedProblem,
    Condition,
    FieldValue,
    NormalDerivative,
    Observations,
    Periodic,
    Problem,
    Settings,
    check_problem,
)
from pinnsolver.declare.checked import Measured
from pinnsolver.declare.lower import Lowered
from pinnsolver.declare.orders import differentiated
from pinnsolver.declare.shape import Combined, Shape
from pinnsolver.declare.shapes import Ball, Cuboid, Disk, Ellipse, Interval, Polygon, Rectangle
from pinnsolver.declare.vectors import vector_components
from pinnsolver.errors import PinnsolverError, UnsupportedProblem
from pinnsolver.transform.numeric import in_box, size
from pinnsolver.transform.scaling import wave_size
from pinnsolver.transform.transformed import ASKED, Choice

FAR = 50.0  # from 1, to either side: what is so far from it is given another unit
FAR_BALANCED = 1000.0  # likewise of sizes that follow from equations, which waves of their data can make ten or a hundred times smaller
ALIKE = 100.0  # how much shorter than the longest a space coordinate may be and share its unit
SAMPLES = 128


@dataclass(frozen=True)
class Units:
    """A declaration in other units.

    Args:
        declared: as the user wrote it.
        restated: in these units, its terms named as declared.
        coordinates: unit of each coordinate by name, a power of ten.
        fields: unit of each field by name, likewise.
    """

    declared: CheckedProblem
    restated: CheckedProblem
    coordinates: Mapping[str, Rational]
    fields: Mapping[str, Rational]

    def value(self, value: FieldValue) -> Expr:
        """Return a derivative of a declared field, at running coordinates, as an expression of the restated problem."""
        return _Restater(self.declared, self.coordinates, self.fields).value(value)

    def restated_points(self, points: np.ndarray) -> np.ndarray:
        """Return (n, D) declared points in these units."""
        return points / [float(self.coordinates[c.name]) for c in self.declared.coordinates]

    @property
    def text(self) -> str:
        """The units as one line: x in 1e-3, u in 1e2."""
        units = {**self.coordinates, **self.fields}
        parts = [f"{name} in 1e{_exponent(unit)}" for name, unit in units.items() if unit != 1]
        return ", ".join(parts) or "unknown numbers in those of their starts"


def choose_units(checked: CheckedProblem, settings: Settings) -> tuple[Units | None, Choice]:
    """Return the units in which a problem is trained, None for those in which it is declared, and why."""
    if settings.units is False:
        return None, Choice(False, ASKED)
    lengths = {c.name: c.length for c in checked.coordinates if c.role != "parameter"}
    given, sizes = _field_sizes(checked)
    starts = {u.name: abs(u.start) for u in checked.unknowns if u.start and u.low is None and u.high is None}
    found = {**sizes, **lengths, **starts}
    allowed = {name: FAR_BALANCED if name in sizes and name not in given else FAR for name in found}
    far = [name for name, value in found.items() if not 1 / allowed[name] <= value <= allowed[name]]
    if not far and not settings.units:
        return None, Choice(
            False, f"coordinates and fields are of size 1 as declared, within a factor of {FAR:g}"
        )
    coordinates = {c.name: _power_of_ten(lengths.get(c.name, 1.0)) for c in checked.coordinates}
    longest = max((c.length for c in checked.space), default=1.0)
    for c in checked.space:  # places keep their form: a shape, a Laplacian, a divergence
        if checked.shape is not None or c.length * ALIKE >= longest:
            coordinates[c.name] = _power_of_ten(longest)
    fields = {f.name: _power_of_ten(sizes.get(f.name, 1.0)) for f in checked.fields}
    for together in vector_components([e.residual for e in checked.equations], checked.coordinates):
        known = [fields[name] for name in together if name in sizes]
        fields |= dict.fromkeys(together, max(known, default=sympy.Integer(1)))
    try:
        units = Units(checked, _restate(checked, coordinates, fields), coordinates, fields)
    except PinnsolverError as error:
        if settings.units:
            raise
        return None, Choice(
            False, f"the problem cannot be written in other units: {str(error).partition(chr(10))[0]}"
        )
    if settings.units:
        return units, Choice(True, ASKED)
    farthest = max(far, key=lambda n: abs(math.log(found[n])))
    return units, Choice(True, f"{farthest} is of size {found[farthest]:.1g}: trained with {units.text}")


# ------------------------------------------------------------------------------------------- how large


def _field_sizes(checked: CheckedProblem) -> tuple[dict[str, float], dict[str, float]]:
    """Return about how large fields are by their data, and by data and equations; nothing for one whose size nothing tells."""
    scales = _Scales(checked)
    given = scales.from_data()
    sizes = dict(given)
    for _ in range(2 * len(checked.fields)):
        found = scales.balanced(sizes, 1) or scales.balanced(sizes, len(checked.fields))
        if not found:
            break
        sizes |= found
    for equation in checked.equations:
        names = {v.field for v in equation.residual.values}
        if len(names) == 1 and equation.residual.is_linear(names):
            (name,) = names
            driven = scales.balance(equation.residual, names, {})
            if driven > FAR_BALANCED * sizes.get(name, math.inf):
                sizes[name] = driven
                given.pop(name, None)
    return given, sizes


@dataclass(frozen=True)
class _Scales:
    """Sizes of terms of lowered expressions."""

    checked: CheckedProblem

    def from_data(self) -> dict[str, float]:
        """Return the size of each field that conditions or observations give a size."""
        plain: dict[str, float] = {}
        slopes: dict[str, float] = {}
        for condition in self.checked.conditions:
            for name, (order, found) in self._given(condition).items():
                kind = slopes if order else plain
                kind[name] = max(kind.get(name, 0.0), found)
        for m in self.checked.observations:
            value = m.quantity.value
            if value is not None:
                found = _largest(m) / self._wave(value)
                kind = slopes if any(value.orders) else plain
                kind[value.field] = max(kind.get(value.field, 0.0), found)
        return {**_usable(slopes), **_usable(plain)}

    def _given(self, condition: Condition) -> dict[str, tuple[int, float]]:
        """Return by field the order of a derivative that a condition gives, and the size of the field that follows."""
        residual = condition.residual
        if condition.solved is not None:
            value, data = condition.solved
            found = size(data, self.checked) / self._wave(value)
            return {value.field: (sum(value.orders) + value.normal, found)}
        if residual.integrals:
            return self._norm(residual)
        known = _rest(residual, self.checked)
        by_field: dict[str, tuple[int, float]] = {}
        for value in residual.values if residual.is_linear() else ():
            slope = size(residual.expr.diff(value.symbol), self.checked) * self._wave(value)
            if slope > 0:
                given = (sum(value.orders) + value.normal, known / slope)
                by_field[value.field] = min(by_field.get(value.field, given), given)
        return by_field

    def _wave(self, value: FieldValue) -> float:
        return wave_size(value, self.checked, turn=2.0)

    def _norm(self, residual: Lowered) -> dict[str, tuple[int, float]]:
        """Return the size that an integral condition of one field asks for."""
        fields = {v.field for v in residual.all_values()}
        if len(fields) != 1 or len(residual.integrals) != 1 or residual.values:
            return {}
        (name,), (integral,) = fields, residual.integrals
        data = _rest(residual, self.checked)
        slope = size(residual.expr.diff(integral.symbol), self.checked)
        volume = math.prod(high - low for _, low, high in integral.limits)
        one, two = (self._size(integral.integrand.expr, integral.integrand, {name: u}) for u in (1.0, 2.0))
        if not (data > 0 and slope > 0 and one > 0 and two > 0):
            return {}
        degree = math.log2(two / one)
        if degree < 0.5:
            return {}
        return {name: (0, (data / (slope * volume * one)) ** (1 / degree))}

    def balanced(self, sizes: Mapping[str, float], most: int) -> dict[str, float]:
        """Return the sizes of further fields that follow from equations with so many fields of unknown size at most."""
        found: dict[str, float] = {}
        for equation in self.checked.equations:
            missing = {v.field for v in equation.residual.values} - set(sizes)
            if 0 < len(missing) <= most and equation.residual.is_linear(missing):
                balance = self.balance(equation.residual, missing, sizes)
                found |= {name: max(found.get(name, 0.0), balance) for name in missing}
        return _usable(found)

    def balance(self, residual: Lowered, missing: Collection[str], sizes: Mapping[str, float]) -> float:
        """Return how large fields have to be for their largest term to balance the largest of the others; 0 where nothing is known.

        Args:
            missing: the fields, taken to be of one size.
            sizes: of other fields; those without a size are left out with their terms.
        """
        ones = dict.fromkeys(missing, 1.0)
        own, others = [], []
        symbols = {v.symbol: v.field for v in residual.values}
        for term in sympy.Add.make_args(residual.expr):
            names = {symbols[s] for s in term.free_symbols & set(symbols)}
            if names <= set(sizes):
                others.append(self._size(term, residual, sizes))
            elif names <= {*sizes, *ones}:
                own.append(self._size(term, residual, {**sizes, **ones}))
        known, largest = max(others, default=0.0), max(own, default=0.0)
        return known / largest if known > 0 and largest > 0 and math.isfinite(known / largest) else 0.0

    def _size(self, expr: Expr, lowered: Lowered, sizes: Mapping[str, float]) -> float:
        """Return the root mean square of an expression for random fields of these sizes, 0 where it cannot be had."""
        rng = np.random.default_rng(11)
        points = in_box(self.checked, rng.random((SAMPLES, len(self.checked.coordinates))))
        columns: dict[Symbol, Any] = {c.symbol: points[:, i] for i, c in enumerate(self.checked.coordinates)}
        columns |= {u: np.full(SAMPLES, u.start) for u in self.checked.unknowns}
        for v in lowered.values:
            sign = rng.choice([-1.0, 1.0], SAMPLES) * (0.5 + 0.5 * rng.random(SAMPLES))
            columns[v.symbol] = sign * sizes.get(v.field, 0.0) * self._wave(v)
        try:
            with np.errstate(all="ignore"):
                found = sympy.lambdify(list(columns), expr, ["scipy", "numpy"], dummify=True)(
                    *columns.values()
                )
            found = np.broadcast_to(np.asarray(found, dtype=float), (SAMPLES,))
        except Exception:  # numpy lacks a function of it, or it is complex
            return 0.0
        found = found[np.isfinite(found)]
        return float(np.sqrt(np.mean(found**2))) if found.size else 0.0


def _usable(sizes: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in sizes.items() if 0 < value < math.inf}


def _largest(m: Measured) -> float:
    return float(np.nanmax(np.abs(m.values), initial=0.0))


def _power_of_ten(size: float) -> Rational:
    return sympy.Integer(10) ** round(math.log10(size))


def _exponent(unit: Rational) -> int:
    return round(math.log10(unit))


# ------------------------------------------------------------------------------------------- restated


@dataclass(frozen=True)
class _Restater:
    """Lowered expressions to sympy expressions in other units."""

    checked: CheckedProblem
    coordinates: Mapping[str, Rational]
    fields: Mapping[str, Rational]

    def __call__(self, lowered: Lowered) -> Expr:
        """Return a lowered expression, written with fields."""
        put: dict[Symbol, Expr] = {v.symbol: self.value(v) for v in lowered.values}
        put |= {i.symbol: self._integral(i.integrand, i.limits) for i in lowered.integrals}
        return self.of_places(lowered.expr).xreplace(put)

    def of_places(self, expr: Any) -> Any:
        """Return an expression or a relation of the coordinates in their units."""
        return expr.xreplace(
            {c.symbol: self.coordinates[c.name] * c.symbol for c in self.checked.coordinates}
        )

    def unit(self, value: FieldValue) -> Rational:
        """Return the unit of a derivative."""
        pairs = zip(self.checked.coordinates, value.orders, strict=True)
        found = self.fields[value.field] / sympy.prod(self.coordinates[c.name] ** k for c, k in pairs)
        return found / self.coordinates[self.checked.space[0].name] if value.normal else found

    def value(self, value: FieldValue) -> Expr:
        """Return unit times derivative."""
        function = next(f for f in self.checked.fields if f.name == value.field).applied
        symbols = {c.name: c.symbol for c in self.checked.coordinates}
        found = differentiated(function, list(symbols.values()), value.orders)
        found = found.subs({symbols[name]: at / self.coordinates[name] for name, at in value.pins})
        return self.unit(value) * (NormalDerivative(found) if value.normal else found)

    def _integral(self, integrand: Lowered, limits: tuple[tuple[str, float, float], ...]) -> Expr:
        symbols = {c.name: c for c in self.checked.coordinates}
        between = [
            (symbols[n].symbol, *(self._limit(symbols[n], v) for v in (low, high))) for n, low, high in limits
        ]
        unit = sympy.prod(self.coordinates[n] for n, _, _ in limits)
        return unit * Integral(self(integrand), *between)

    def _limit(self, c: Any, number: float) -> Expr:
        exact = {c.low: c.low_exact, c.high: c.high_exact}.get(number, sympy.Float(number))
        return exact / self.coordinates[c.name]


def _restate(
    checked: CheckedProblem, coordinates: Mapping[str, Rational], fields: Mapping[str, Rational]
) -> CheckedProblem:
    """Return the declaration in other units, its terms named as declared."""
    restater = _Restater(checked, coordinates, fields)
    limits = {
        c.name: (c.symbol, c.low_exact / coordinates[c.name], c.high_exact / coordinates[c.name])
        for c in checked.coordinates
    }
    shape = None
    if checked.shape is not None:
        shape = scaled_shape(checked.shape, float(coordinates[checked.space[0].name]))
    periodic = [c.symbol for c in checked.coordinates if c.name in checked.periodic]
    problem = Problem(
        checked.problem.name,
        [
            Eq(_of_size_one(restater(e.residual), e.residual, restater), 0, evaluate=False)
            for e in checked.equations
        ],
        [limits[c.name] for c in checked.space] if shape is None else shape,
        None if checked.time is None else limits[checked.time.name],
        [
            *(_condition(c, restater, shape) for c in checked.conditions),
            *([Periodic(*periodic)] if periodic else []),
        ],
        [_observed(m, restater) for m in checked.observations],
        [limits[c.name] for c in checked.coordinates if c.role == "parameter"],
        reference={
            f.name: restater.of_places(checked.references[f.name].formula) / fields[f.name]
            for f in checked.fields
            if f.name in checked.references and checked.references[f.name].formula is not None
        },
    )
    found = check_problem(problem.located(about=checked.problem.about))
    return replace(
        found,
        equations=_named(found.equations, checked.equations),
        conditions=_named(found.conditions, checked.conditions),
        observations=_named(found.observations, checked.observations),
        unknowns=checked.unknowns,
        warnings=checked.warnings,
    )


def _named(restated: Sequence[Any], declared: Sequence[Any]) -> tuple[Any, ...]:
    """Return restated terms with the names of those that they stand for."""
    if len(restated) != len(declared):
        raise UnsupportedProblem(
            "in other units some of its terms say the same.\nLeave out units, or set it to false"
        )
    return tuple(replace(new, name=old.name) for new, old in zip(restated, declared, strict=True))


def _of_size_one(expr: Expr, lowered: Lowered, restater: _Restater) -> Expr:
    """Return a restated residual divided by the power of ten next to its largest coefficient."""
    checked = restater.checked
    slopes = []
    for value in lowered.values:
        slope = lowered.expr.diff(value.symbol).xreplace({v.symbol: restater.unit(v) for v in lowered.values})
        slope = slope.xreplace({u: sympy.Float(u.start) for u in checked.unknowns})
        slopes.append(size(slope, checked) * float(restater.unit(value)))
    largest = max((s for s in slopes if math.isfinite(s)), default=0.0)
    if not 0 < largest < math.inf:
        return expr
    unit = _power_of_ten(largest)
    # Term by term: multiplied out, (x - 5)**8 loses its digits and exp(-(x - 5)**2) its range.
    return sympy.Add(*(term / unit for term in sympy.Add.make_args(expr)))


def _condition(condition: Condition, restater: _Restater, shape: Shape | None) -> Any:
    """Return a condition in other units."""
    if condition.solved is not None:
        value, data = condition.solved
        unit = restater.unit(value)
        equation = Eq(restater.value(value) / unit, restater.of_places(data) / unit, evaluate=False)
    else:
        residual = restater(condition.residual)
        if condition.residual.integrals and not condition.residual.values:
            residual = residual / _power_of_ten(_rest(condition.residual, restater.checked) or 1.0)
        else:
            residual = _of_size_one(residual, condition.residual, restater)
        equation = Eq(residual, 0, evaluate=False)
    region = condition.region
    where = None if region.where is None else restater.of_places(region.where)
    return replace(region, where=where).holding(equation, shape)


def _rest(residual: Lowered, checked: CheckedProblem) -> float:
    """Return the size of what a residual holds besides fields."""
    symbols = [v.symbol for v in residual.values] + [i.symbol for i in residual.integrals]
    zero = dict.fromkeys(symbols, sympy.S.Zero)
    return size(residual.expr.xreplace(zero), checked)


def _observed(m: Measured, restater: _Restater) -> Observations:
    """Return observations in other units."""
    value = m.quantity.value
    unit = _power_of_ten(_largest(m) or 1.0) if value is None else restater.unit(value)
    quantity, names = restater(m.quantity) / unit, list(m.coordinates)
    if isinstance(quantity, AppliedUndef):  # its columns are read in the order of its arguments
        arguments = [str(a) for a in quantity.args]
        names.sort(key=lambda n: arguments.index(n) if n in arguments else len(arguments))
    columns = [m.points[:, m.coordinates.index(n)] / float(restater.coordinates[n]) for n in names]
    return Observations(quantity, np.stack(columns, axis=1), m.values / float(unit))


@singledispatch
def scaled_shape(shape: Shape, unit: float) -> Shape:
    """Return a shape with its lengths in another unit."""
    raise NotImplementedError(type(shape).__name__)


@scaled_shape.register
def _(shape: Combined, unit: float) -> Shape:
    return Combined(shape.operation, scaled_shape(shape.left, unit), scaled_shape(shape.right, unit))


@scaled_shape.register(Rectangle)
@scaled_shape.register(Cuboid)
def _(shape: Rectangle | Cuboid, unit: float) -> Shape:
    return type(shape)(shape.symbols, _over(shape.low, unit), _over(shape.high, unit), name=shape.name)


@scaled_shape.register
def _(shape: Interval, unit: float) -> Shape:
    return Interval(shape.symbols[0], shape.low[0] / unit, shape.high[0] / unit, name=shape.name)


@scaled_shape.register(Disk)
@scaled_shape.register(Ball)
def _(shape: Disk | Ball, unit: float) -> Shape:
    return type(shape)(shape.symbols, _over(shape.center, unit), shape.radius / unit, name=shape.name)


@scaled_shape.register
def _(shape: Ellipse, unit: float) -> Shape:
    axes = _over(shape.semiaxes, unit)
    return Ellipse(shape.symbols, _over(shape.center, unit), axes, angle=shape.angle, name=shape.name)


@scaled_shape.register
def _(shape: Polygon, unit: float) -> Shape:
    return Polygon(shape.symbols, [_over(v, unit) for v in shape.vertices], name=shape.name)


def _over(numbers: tuple[float, ...], unit: float) -> tuple[float, ...]:
    return tuple(v / unit for v in numbers)
