"""Random right problems of the declared language, by manufactured solutions: exact fields first, forcing and data from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from sympy import Eq, Function, Integral, Rational, cos, exp, pi, sin, symbols, tanh

from pinnsolver.declare import (
    Disk,
    Ellipse,
    NormalDerivative,
    Observations,
    On,
    Periodic,
    Polygon,
    Problem,
    Rectangle,
    Unknown,
)

x, y, t, mu = symbols("x y t mu")
NAMES = ("u", "v", "w")
SPACE = [(0, 1), (-1, 1), (0, 2 * pi), (1, 3), (0, Rational(1, 2)), (-2.5, -0.5)]
TIME = [(0, 1), (0, 2), (1, Rational(3, 2)), (0, 0.5)]
KINDS = ("line", "line in time", "square", "square in time", "shape", "shape in time", "ode")


@dataclass
class Draft:
    """The arguments of a right Problem, which a test may damage, and its exact solution.

    Args:
        declared: arguments of `Problem`, lists where it takes them.
        exact: formula by field name.
        unknowns: true value by name of an unknown number.
    """

    declared: dict[str, Any]
    exact: dict[str, sympy.Expr]
    unknowns: dict[str, float] = field(default_factory=dict)

    def problem(self) -> Problem:
        """Return the problem."""
        return Problem(**self.declared)

    def copy(self) -> Draft:
        """Return a draft whose lists are its own."""
        own = {k: list(v) if isinstance(v, list) else v for k, v in self.declared.items()}
        return Draft(own, dict(self.exact), dict(self.unknowns))

    def __repr__(self) -> str:  # what hypothesis prints of a failing example
        return f"Problem(**{self.declared!r})"


def _profile(draw: Any, c: sympy.Symbol, limits: tuple[Any, Any], periodic: bool) -> sympy.Expr:
    """Return a smooth function of one coordinate."""
    low, high = limits
    if periodic:
        phase = draw(st.sampled_from([1, 2])) * 2 * pi * (c - low) / (high - low)
        return draw(st.sampled_from([sin(phase), cos(phase), exp(sin(phase)), 1 + sin(phase) / 2]))
    k = draw(st.sampled_from([1, 2, Rational(1, 2)]))
    return draw(
        st.sampled_from([c, 1 + c**2, sin(k * c), cos(k * c), exp(-k * c), tanh(k * c), 1 / (1 + c**2)])
    )


def _formula(draw: Any, coordinates: list[Any], limits: Any, periodic: set[Any]) -> sympy.Expr:
    """Return an exact solution: a sum of products of profiles."""
    formula = sympy.Integer(draw(st.sampled_from([0, 1])))
    for _ in range(draw(st.integers(1, 2))):
        factor = draw(st.sampled_from([1, -1, 2, Rational(1, 2)]))
        formula += factor * sympy.Mul(*[_profile(draw, c, limits[c], c in periodic) for c in coordinates])
    return formula


@st.composite
def drafts(draw: Any, kinds: tuple[str, ...] = KINDS) -> Draft:
    """Draw a right problem."""
    kind = draw(st.sampled_from(kinds))
    timed = "time" in kind or kind == "ode"
    shaped = "shape" in kind
    space = {"line": [x], "ode": []}.get(kind.partition(" ")[0], [x, y])
    limits: dict[sympy.Symbol, tuple[Any, Any]] = {c: draw(st.sampled_from(SPACE)) for c in space}
    domain: Any = [(c, *limits[c]) for c in space]
    pieces: list[Any] = []
    if shaped:
        domain, pieces = _shape(draw)
        low, high = domain.bounds()
        limits = {c: (low[k], high[k]) for k, c in enumerate(space)}
    if timed:
        limits[t] = draw(st.sampled_from(TIME))
    periodic = {c for c in space if not shaped and draw(st.integers(0, 3)) == 0}
    family = draw(st.integers(0, 4)) == 0
    count = draw(st.sampled_from([1, 1, 2, 3] if kind != "ode" else [1, 2, 3]))
    order = draw(st.sampled_from([1, 2])) if timed else 0
    arguments = [*space, *([t] if timed else [])]
    # A field of time alone beside fields in space and time.
    lone = count > 1 and timed and bool(space) and draw(st.booleans())

    applied, exact = {}, {}
    for k, name in enumerate(NAMES[:count]):
        own = [t] if lone and k == count - 1 else arguments
        formula = _formula(draw, own, limits, periodic)
        applied[name] = Function(name)(*own)
        exact[name] = formula * (1 + mu) if family and draw(st.booleans()) else formula

    unknown = (
        Unknown("kappa", start=draw(st.sampled_from([1, 2])), low=0) if draw(st.integers(0, 3)) == 0 else None
    )
    true = {unknown: Rational(3, 2)} if unknown is not None else {}
    equations, orders = [], {}
    for name, f in applied.items():
        operator, orders[name] = _operator(draw, f, applied, periodic, order, steady=not timed)
        if family and name == "u":
            operator += mu * f
        if unknown is not None and name == "u":
            operator += unknown * f * draw(st.sampled_from([1, f]))
        forcing = _at(operator, applied, exact).xreplace(true)
        equations.append(Eq(operator, forcing, evaluate=False) if draw(st.booleans()) else operator - forcing)

    conditions: list[Any] = [Periodic(*sorted(periodic, key=str))] if periodic else []
    for name, f in applied.items():
        if timed:
            conditions += _initial(f, exact[name], order, limits[t][0])
        if shaped:
            conditions += _on(draw, f, exact[name], domain, pieces)
            continue
        for c in f.args:
            if c != t and c not in periodic:
                conditions += _walls(draw, f, exact[name], c, limits[c], orders[name][c])

    observations = []
    if unknown is not None or draw(st.integers(0, 5)) == 0:
        observations = _measured(draw, applied["u"], exact["u"], limits, domain if shaped else None, family)
    if kind.startswith("line") and not timed and not family and draw(st.integers(0, 2)) == 0:
        square = applied["u"] ** 2 if draw(st.booleans()) else applied["u"]
        conditions.append(
            Eq(Integral(square, (x, *limits[x])), _integral(_at(square, applied, exact), limits[x]))
        )

    declared = {
        "name": "drawn",
        "equations": equations,
        "domain": domain,
        "time": (t, *limits[t]) if timed else None,
        "conditions": conditions,
        "observations": observations,
        "parameters": [(mu, Rational(1, 2), 2)] if family else [],
        "reference": {Function(name): formula for name, formula in exact.items()},
    }
    return Draft(declared, exact, {u.name: float(v) for u, v in true.items()})


def _at(expression: sympy.Expr, applied: Any, exact: Any) -> sympy.Expr:
    """Return an expression of fields with the exact ones in their place."""
    return expression.subs({applied[n]: exact[n] for n in exact}).doit()


def _operator(
    draw: Any, f: Any, applied: Any, periodic: set[Any], order: int, steady: bool
) -> tuple[sympy.Expr, dict[Any, int]]:
    """Return the left side of an equation for a field, and its order by space coordinate."""
    space = [c for c in f.args if c != t]
    operator = f.diff(t, order) if order else sympy.Integer(0)
    orders = {}
    for c in space:
        possible = [2] if len(space) > 1 else [1, 2, 2, 4]
        orders[c] = draw(st.sampled_from(possible if c not in periodic else [2]))
        weight = draw(st.sampled_from([1, Rational(1, 10), 1 + c**2, exp(-c), 2 + sin(space[0])]))
        sign = 1 if steady or orders[c] == 4 else -1
        operator += sign * weight * f.diff(c, orders[c])
        if orders[c] > 1 and draw(st.integers(0, 2)) == 0:
            operator += draw(st.sampled_from([f, 1, cos(c)])) * f.diff(c)
    others = [g for g in applied.values() if g != f and set(g.args) <= set(f.args)]
    terms = [f, f**2, -(f**3), sin(f), *others, *(f * g for g in others)]
    for term in draw(st.lists(st.sampled_from(terms), max_size=2)):
        operator += draw(st.sampled_from([1, -1, Rational(1, 3)])) * term
    return operator, orders


def _initial(f: Any, formula: sympy.Expr, order: int, start: Any) -> list[Any]:
    """Return the state at the start, for an equation of some order in time."""
    levels = [f, *(f.diff(t, k) for k in range(1, order))]
    return [
        Eq(left.subs(t, start), formula.diff(t, k).subs(t, start), evaluate=False)
        for k, left in enumerate(levels)
    ]


def _integral(formula: sympy.Expr, limits: Any) -> float:
    """Return the integral of a formula of x, by Gauss's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    a, b = (float(v) for v in limits)
    values = sympy.lambdify(x, formula, "numpy")(a + (b - a) * (nodes + 1) / 2)
    return float(np.sum(weights * values)) * (b - a) / 2


def _walls(draw: Any, f: Any, formula: sympy.Expr, c: Any, limits: Any, order: int) -> list[Any]:
    """Return what holds at the two ends of a coordinate."""
    found = []
    for k, end in enumerate(limits):
        value = f.subs(c, end), formula.subs(c, end)
        slope = f.diff(c).subs(c, end), formula.diff(c).subs(c, end)
        if order == 1:
            found += [value] if k == 0 else []
        elif order == 4:
            found += [value, slope]
        else:
            robin = slope[0] + 2 * value[0], slope[1] + 2 * value[1]
            found.append(value if k == 0 else draw(st.sampled_from([value, slope, robin])))
    return [Eq(*sides, evaluate=False) for sides in found]


def _shape(draw: Any) -> tuple[Any, list[Any]]:
    """Return a shape, and its named pieces."""
    outer = draw(
        st.sampled_from(
            [
                Rectangle((x, y), (-1, 0), (1, 1), name="outer"),
                Ellipse(
                    (x, y),
                    (0, Rational(1, 2)),
                    (1, 0.6),
                    angle=draw(st.sampled_from([0, pi / 6])),
                    name="outer",
                ),
                Disk((x, y), (0, 0.5), 0.9, name="outer"),
                Polygon((x, y), [(-1, 0), (1, 0), (1, 1), (0, 1.3), (-1, 1)], name="outer"),
            ]
        )
    )
    hole = Disk((x, y), (0.1, 0.5), 0.2, name="hole")
    kind = draw(st.sampled_from(["whole", "holed", "joined"]))
    if kind == "whole":
        return outer, [outer]
    if kind == "holed":
        return outer - hole, [outer, hole]
    return outer | Disk((x, y), (0, 0.7), 0.8, name="more"), []


def _on(draw: Any, f: Any, formula: sympy.Expr, domain: Any, pieces: list[Any]) -> list[Any]:
    """Return what holds on the boundary of a shape."""
    equal = Eq(f, formula, evaluate=False)
    if len(pieces) < 2:
        if draw(st.booleans()):
            return [On(domain.boundary, equal)]
        return [On(domain.boundary, equal, where=x <= 0), On(domain.boundary, equal, where=x > 0)]
    hole = pieces[1]
    (a, b), r = hole.center, hole.radius
    slope = (
        -((x - a) * formula.diff(x) + (y - b) * formula.diff(y)) / r
    )  # outward from the domain: into the hole
    normal = NormalDerivative(f)
    inner = draw(st.sampled_from([(f, formula), (normal, slope), (2 * normal + f, 2 * slope + formula)]))
    return [
        On("outer", equal),
        On(draw(st.sampled_from(["hole", hole.boundary])), Eq(*inner, evaluate=False)),
    ]


def _measured(draw: Any, f: Any, formula: sympy.Expr, limits: Any, shape: Any, family: bool) -> list[Any]:
    """Return observations of a field, exact; a family is measured at some of its parameters."""
    from pinnsolver.declare.levels import level

    n, rng = draw(st.integers(1, 12)), np.random.default_rng(draw(st.integers(0, 99)))
    share = rng.random((400, len(f.args)))
    low, high = (np.array([float(limits[c][k]) for c in f.args]) for k in (0, 1))
    points = low + (high - low) * share
    if shape is not None:
        points = points[level(shape, points[:, :2]) < -0.01]
    points = points[:n]
    columns = list(f.args)
    if family:
        points = np.column_stack([points, 0.5 + 1.5 * rng.random(n)])
        columns.append(mu)
    values = sympy.lambdify(columns, formula, "numpy")(*points.T)
    return [Observations(f, points, np.broadcast_to(values, n))]
