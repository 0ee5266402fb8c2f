"""Reflections of a coordinate that leave a declaration as it is: its solution has them too, and so has a network built that way.

A reflection x -> 2 c - x takes each field f to s f, s = 1 or -1. If it takes every equation and every condition to one that is declared,
it takes solutions to solutions; where there is but one, f(2 c - x) = s f(x). (Of the solutions of linear equations the mean of one
and its image will do.) Then half of the domain says all, and a network of even functions knows the other half.
Found out in numbers: at scattered places, for random values of the fields and their derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Coordinate, Settings
from pinnsolver.declare.lower import Lowered
from pinnsolver.declare.settings import NetworkSettings
from pinnsolver.declare.values import FieldValue, IntegralValue, Pins
from pinnsolver.transform.flat import flat_functions
from pinnsolver.transform.hard import ROUGH
from pinnsolver.transform.modes import in_modes
from pinnsolver.transform.numeric import in_box, sample_points, values_at
from pinnsolver.transform.rates import initial_functions
from pinnsolver.transform.transformed import ASKED, Ansatz, Parity
from pinnsolver.transform.windows import carried

SAMPLES, CLOSE = 4096, 1e-9
NODES = 256  # along a period, to see where an initial state may be even or odd
FINEST = 48  # a centre is such a fraction of the period, if it is very near one
MOST_FIELDS = 6


@dataclass(frozen=True)
class Reflection:
    """A reflection of one coordinate.

    Args:
        coordinate: x.
        center: c; in the middle of a box, anywhere in a period.
        signs: s by field name, 1 for those that do not see the coordinate.
    """

    coordinate: Coordinate
    center: Expr
    signs: Mapping[str, int]


def choose_reflections(
    checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz], moving: bool
) -> tuple[tuple[Reflection, ...], str]:
    """Return the reflections that can be built in, and why there are none.

    Args:
        ansatz: by field.
        moving: whether the problem is stated in labels of particles.
    """
    if settings.symmetry is False:
        return (), ASKED
    if moving:
        return (), "labels of particles are not reflected"
    if settings.network.fourier:
        return (), "random features are neither even nor odd"
    reason = why_not_unique(checked)
    if reason is not None:
        return (), reason
    found = tuple(r for r in find_reflections(checked) if _fits(r, checked, ansatz))
    return found, "no reflection of a coordinate leaves equations and conditions as they are"


def without_layers(
    checked: CheckedProblem, reflections: Sequence[Reflection], modal: bool
) -> tuple[tuple[Reflection, ...], str]:
    """Return the reflections about places where no layer is to be expected, and which there are and why not.

    A function of the square of a distance resolves a layer of width d only as one of width d^2. Where a field is odd, and an equation is
    nonlinear or carries it there or away, it may be as steep as diffusion lets it; and data with kinks may have one there. Waves of a
    Fourier series do not mind.

    Args:
        modal: whether the network is one in modes.
    """
    steep = [] if modal else [r for r in reflections if _may_have_a_layer(checked, r)]
    kept = tuple(r for r in reflections if r not in steep)
    parts = ["; ".join(map(_said, kept)) + ": a part of the domain says all"] if kept else []
    if steep:
        parts.append(
            "; ".join(map(_said, steep))
            + ", but a layer or a kink may be there, which functions of its square resolve badly"
        )
    return kept, "; ".join(parts)


def _may_have_a_layer(checked: CheckedProblem, reflection: Reflection) -> bool:
    c = reflection.coordinate
    residuals = [*(e.residual for e in checked.equations), *(k.residual for k in checked.conditions)]
    if any(c.symbol in node.free_symbols for r in residuals for node in r.expr.atoms(*ROUGH)):
        return True
    odd = {name for name, sign in reflection.signs.items() if sign < 0}
    column = checked.coordinates.index(c)
    for equation in checked.equations:
        residual = equation.residual
        own = [v for v in residual.values if v.field in odd]
        if own and (not residual.is_linear() or any(v.orders[column] % 2 for v in own)):
            return True
    return False


def _said(reflection: Reflection) -> str:
    """Return which fields are even, and which are odd, in words."""
    x = reflection.coordinate
    own = {s: [name for name, sign in reflection.signs.items() if sign == s] for s in (1, -1)}
    parts = [f"{', '.join(names)} {kind}" for names, kind in ((own[1], "even"), (own[-1], "odd")) if names]
    share = (float(reflection.center) - x.low) / x.length
    where = "the middle" if abs(share - 0.5) < CLOSE else f"{share:.3g} of the period"
    return f"{' and '.join(parts)} in {x.name} about {where}"


def why_not_unique(checked: CheckedProblem) -> str | None:
    """Return why a symmetric declaration may have other solutions than symmetric ones, None where it has not."""
    if checked.shape is not None:
        return "it is looked for on boxes only"
    if checked.unknowns or checked.observations:
        return "unknown numbers and observations leave it open whether the solution is symmetric"
    residuals = [e.residual for e in checked.equations] + [c.residual for c in checked.conditions]
    if all(r.is_linear() for r in residuals):
        return None
    if checked.time is None:
        return "steady and nonlinear: there may be several solutions, which are not symmetric"
    nonlinear = next((c.name for c in checked.conditions if not c.residual.is_linear()), None)
    if nonlinear is not None:
        return f"{nonlinear} is nonlinear: there may be several solutions"
    states, column = carried(checked), checked.coordinates.index(checked.time)
    orders = {f.name: checked.highest_orders(f.name)[column] for f in checked.fields}
    for name, order in orders.items():
        if order and states[name] != order:
            return f"{name} has {states[name]} initial states, of order {order} in time"
    slaved = {name for name, order in orders.items() if not order}
    if not all(r.is_linear(slaved) for r in residuals):
        return f"{', '.join(sorted(slaved))} have no rate in time, and enter nonlinearly: there may be several solutions"
    for residual in residuals:
        rates = {
            v.symbol for v in residual.values if v.orders[column] and v.orders[column] == orders[v.field]
        }
        if any(residual.expr.diff(s).free_symbols & rates for s in rates):
            return "a rate in time enters nonlinearly: there may be several solutions"
    return None


def find_reflections(checked: CheckedProblem) -> Iterator[Reflection]:
    """Yield a reflection for each space coordinate of a box that has one."""
    if len(checked.fields) > MOST_FIELDS or any(c.region.where is not None for c in checked.conditions):
        return
    terms = [_Term.of(e.residual, checked) for e in checked.equations]
    conditions = [_Term.of(c.residual, checked) for c in checked.conditions]
    for c in checked.space:
        for center in _centers(checked, c):
            signs = next(
                (s for s in _signs(checked, c) if _leaves(terms, conditions, _Image(checked, c, center, s))),
                None,
            )
            if signs is not None:
                yield Reflection(c, center, signs)
                break


def _signs(checked: CheckedProblem, c: Coordinate) -> Iterator[dict[str, int]]:
    """Yield what a reflection may make of the fields."""
    kinds = [(1, -1) if c.symbol in f.arguments else (1,) for f in checked.fields]
    for signs in product(*kinds):
        yield dict(zip((f.name for f in checked.fields), signs, strict=True))


def _centers(checked: CheckedProblem, c: Coordinate) -> list[Expr]:
    """Return where a coordinate may be reflected: in the middle of its range; in a period where the initial states' longest wave is even or odd."""
    middle = (c.low_exact + c.high_exact) / 2
    if c.name not in checked.periodic:
        return [middle]
    found = [middle]
    for formula in initial_functions(checked).values():
        points = np.repeat(sample_points(checked, 1)[:1], NODES, axis=0)
        column = checked.coordinates.index(c)
        points[:, column] = c.low + c.length * np.arange(NODES) / NODES
        waves = np.fft.rfft(values_at(formula, checked, points))[1 : NODES // 3]
        sizes = np.abs(waves)
        if not np.isfinite(sizes).all() or sizes.max(initial=0.0) < CLOSE:
            continue
        k = int(np.argmax(sizes > 1e-6 * sizes.max())) + 1
        turn = -np.angle(waves[k - 1]) / (2 * np.pi * k)  # the crest, as a part of the period
        for j in range(2 * k):  # half a period further the centre is the same
            share = (turn + j / (4 * k)) % 0.5
            near = sympy.Rational(round(share * FINEST), FINEST)
            share = near if abs(float(near) - share) < CLOSE else sympy.Float(share)
            found.append(c.low_exact + share * (c.high_exact - c.low_exact))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class _Term:
    """A residual as a function of coordinates, of values of the fields and of integrals.

    Args:
        residual: as it was lowered.
        symbols: of the fields' values and of the integrals.
        function: of the coordinates, then of those; None where numpy lacks it.
    """

    residual: Lowered
    symbols: tuple[Symbol, ...]
    function: Callable[..., Any] | None

    @classmethod
    def of(cls, residual: Lowered, checked: CheckedProblem) -> _Term:
        symbols = (*(v.symbol for v in residual.values), *(i.symbol for i in residual.integrals))
        arguments = [*(c.symbol for c in checked.coordinates), *symbols]
        try:
            return cls(
                residual, symbols, sympy.lambdify(arguments, residual.expr, ["scipy", "numpy"], dummify=True)
            )
        except Exception:
            return cls(residual, symbols, None)

    def at(self, points: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return its values at points, nan where it has none."""
        found: Any = np.nan
        if self.function is not None:
            try:
                with np.errstate(all="ignore"):
                    found = np.asarray(self.function(*points.T, *values), dtype=float)
            except Exception:  # a function that numpy lacks, or that is complex
                found = np.nan
        return np.broadcast_to(found, (len(points),))


@dataclass(frozen=True)
class _Image:
    """What a reflection makes of places and values."""

    checked: CheckedProblem
    coordinate: Coordinate
    center: Expr
    signs: Mapping[str, int]

    def points(self, points: np.ndarray) -> np.ndarray:
        c, found = self.coordinate, points.copy()
        column = self.checked.coordinates.index(c)
        mirrored = 2 * float(self.center) - points[:, column]
        if c.name in self.checked.periodic:
            outside = (mirrored < c.low) | (mirrored > c.high)
            mirrored[outside] = c.low + np.mod(mirrored[outside] - c.low, c.length)
        found[:, column] = mirrored
        return found

    def pins(self, pins: Pins) -> Pins:
        """Return pinned places reflected."""
        return tuple(
            (name, self._place(place) if name == self.coordinate.name else place) for name, place in pins
        )

    def _place(self, place: Expr) -> Expr:
        c, mirrored = self.coordinate, 2 * self.center - place
        if c.name in self.checked.periodic:
            mirrored = c.low_exact + sympy.Mod(mirrored - c.low_exact, c.high_exact - c.low_exact)
        return mirrored

    def value(self, value: FieldValue) -> tuple[int, FieldValue]:
        """Return the sign and the value that a value of a field becomes."""
        order = value.orders[self.checked.coordinates.index(self.coordinate)]
        return self.signs[value.field] * (-1) ** order, replace(value, pins=self.pins(value.pins))

    def integral(self, integral: IntegralValue) -> int | None:
        """Return the sign that an integral takes, None where it becomes another one."""
        c = self.coordinate
        for name, low, high in integral.limits:
            if name == c.name and not np.isclose(
                low + high, 2 * float(self.center), rtol=0, atol=CLOSE * c.length
            ):
                whole = np.isclose(high - low, c.length)
                if not (whole and c.name in self.checked.periodic):
                    return None
        term = _Term.of(integral.integrand, self.checked)
        ratio = _ratio(term, term, self)
        return None if ratio is None else round(ratio)


def _leaves(terms: Sequence[_Term], conditions: Sequence[_Term], image: _Image) -> bool:
    """Say whether a reflection takes equations to themselves, and conditions to conditions."""
    return all(_ratio(t, t, image) is not None for t in terms) and all(
        any(_ratio(t, other, image) is not None for other in (t, *conditions)) for t in conditions
    )


def _ratio(term: _Term, other: _Term, image: _Image) -> float | None:
    """Return r with: the image of a term = r times another one, None where there is no such number."""
    if len(term.symbols) != len(other.symbols):
        return None
    names = {_key(v, image.checked): k for k, v in enumerate(other.residual.values)}
    places, signs = [], []
    for v in term.residual.values:
        sign, seen = image.value(v)
        key = _key(seen, image.checked)
        if key not in names:
            return None
        places.append(names[key])
        signs.append(sign)
    count = len(term.residual.values)
    for integral in term.residual.integrals:
        sign_of = image.integral(integral)
        if sign_of is None or integral not in other.residual.integrals:
            return None
        places.append(count + other.residual.integrals.index(integral))
        signs.append(sign_of)
    points = _inner_points(image.checked)
    mirrored = image.points(points)
    ratio: float | None = None
    nothing = [np.zeros(len(points))] * len(places)
    data = other.at(points, nothing), term.at(mirrored, nothing)
    if not (np.isfinite(data[0]).all() and np.isfinite(data[1]).all()):
        return None
    if np.abs(data[0]).max() > 0 or np.abs(data[1]).max() > 0:
        ratio = _common_ratio(*data, largest=True)
        if ratio is None:
            return None
    for values in _values(len(places), len(points)):
        taken = [s * values[p] for s, p in zip(signs, places, strict=True)]
        found = other.at(points, list(values)) - data[0], term.at(mirrored, taken) - data[1]
        finite = np.isfinite(found[0]) & np.isfinite(found[1])
        if finite.sum() < len(points) // 8:
            continue  # an exponential of large values
        own = _common_ratio(found[0][finite], found[1][finite])
        if own is None or (ratio is not None and abs(own - ratio) > CLOSE * abs(ratio)):
            return None
        ratio = own
    return ratio


def _inner_points(checked: CheckedProblem) -> np.ndarray:
    """Return scattered points, (SAMPLES, D), none on a wall: what vanishes there would be rounding."""
    share = np.random.default_rng(7).uniform(0.001, 0.999, (SAMPLES, len(checked.coordinates)))
    return in_box(checked, share)


def _values(count: int, samples: int) -> Iterator[np.ndarray]:
    """Yield values for the symbols of a term, (count, samples): all alike, then each far larger than the others.

    So the smallest term decides once, however small its coefficient.
    """
    rng = np.random.default_rng(11)
    for k in range(-1, count):
        size = np.ones((count, 1)) if k < 0 else np.full((count, 1), 1e-8)
        if k >= 0:
            size[k] = 1e8
        yield size * rng.normal(size=(count, samples))


def _common_ratio(plain: np.ndarray, mirrored: np.ndarray, largest: bool = False) -> float | None:
    """Return r with mirrored = r plain, at each point or relative to the largest number; None where there is none."""
    scale = np.abs(plain)
    if not scale.max() > 0:
        return None
    k = int(scale.argmax())
    ratio = float(mirrored[k] / plain[k])
    allowed = CLOSE * scale.max() if largest else 1e-6 * scale + 1e-13 * scale.max()
    return ratio if ratio and (np.abs(mirrored - ratio * plain) <= abs(ratio) * allowed).all() else None


def _key(value: FieldValue, checked: CheckedProblem) -> tuple[Any, ...]:
    """Return what tells values apart, places as numbers."""
    lengths = {c.name: c.length for c in checked.coordinates}
    return (
        value.field,
        value.orders,
        value.normal,
        tuple((name, round(float(place) / lengths[name], 9)) for name, place in value.pins),
    )


def _fits(reflection: Reflection, checked: CheckedProblem, ansatz: Mapping[str, Ansatz]) -> bool:
    """Say whether lift and factor of every field have the symmetry as well."""
    for name in _seeing(reflection, checked):
        lift = ansatz[name].lift
        if lift != 0 and _formula_sign(lift, _image(reflection, checked)) != reflection.signs[name]:
            return False
        if _raw_sign(name, ansatz[name], reflection, checked) is None:
            return False
    return True


def _seeing(reflection: Reflection, checked: CheckedProblem) -> list[str]:
    """Return the names of the fields that see the reflected coordinate."""
    return [f.name for f in checked.fields if reflection.coordinate.symbol in f.arguments]


def _raw_sign(field: str, own: Ansatz, reflection: Reflection, checked: CheckedProblem) -> int | None:
    """Return the sign of a field's network, None where the factor, or what the network sees, has no symmetry."""
    if own.flat.get(reflection.coordinate.name, "both") != "both" or own.slopes or own.distances:
        return None
    factor = _formula_sign(own.factor, _image(reflection, checked))
    return None if factor is None else factor * reflection.signs[field]


def _image(reflection: Reflection, checked: CheckedProblem) -> _Image:
    return _Image(checked, reflection.coordinate, reflection.center, reflection.signs)


def _formula_sign(formula: Expr, image: _Image) -> int | None:
    """Return 1 for a formula that is even, -1 for one that is odd, None for others."""
    points = sample_points(image.checked)
    plain, mirrored = (values_at(formula, image.checked, p) for p in (points, image.points(points)))
    largest = float(np.abs(plain).max())
    for sign in (1, -1):
        if np.abs(mirrored - sign * plain).max() <= CLOSE * largest:
            return sign
    return None


def with_parities(
    checked: CheckedProblem, ansatz: Mapping[str, Ansatz], reflections: Sequence[Reflection]
) -> dict[str, Ansatz]:
    """Return the ansatz of every field with the parity of its network."""
    found = dict(ansatz)
    for reflection in reflections:
        for name in _seeing(reflection, checked):
            sign = _raw_sign(name, ansatz[name], reflection, checked)
            assert sign is not None
            own = found[name]
            parity = {**own.parity, reflection.coordinate.name: Parity(sign, reflection.center)}
            # An odd field has no constant: what would fix one it meets by itself.
            constant = None if sign < 0 else own.constant
            found[name] = replace(own, parity=parity, constant=constant)
    return found


def halvings(ansatz: Mapping[str, Ansatz]) -> int:
    """Return the number of coordinates in which networks are even or odd."""
    return len({name for own in ansatz.values() for name in own.parity})


def with_odd_factors(
    checked: CheckedProblem, ansatz: Mapping[str, Ansatz], network: NetworkSettings
) -> dict[str, Ansatz]:
    """Return the ansatz with an odd factor in place of each odd network, but for those in modes, which are sines then.

    An odd function is x times an even one, a periodic one sin(w x) times an even one, one whose slopes vanish at the walls an odd
    function that does so times an even one.
    """
    found = dict(ansatz)
    for field in checked.fields:
        own, modal = found[field.name], in_modes(checked, field, network)
        for c in checked.coordinates:
            parity = own.parity.get(c.name)
            if parity is None or parity.sign == 1 or (modal and c.name in checked.periodic):
                continue
            share = (c.symbol - parity.center) / (c.high_exact - c.low_exact)
            if c.name in checked.periodic:
                factor = sympy.sin(2 * sympy.pi * share)
            else:
                factor = flat_functions(c, "both")[0] if c.name in own.flat else 2 * share
            own = replace(
                own, factor=own.factor * factor, parity={**own.parity, c.name: Parity(1, parity.center)}
            )
        found[field.name] = own
    return found
