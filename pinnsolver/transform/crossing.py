"""When particles cross, as far as that can be known before training.

Where D is a formula, det J is one; where the fields change along a particle by what they are there alone, without
derivatives in space, each particle is an ordinary differential equation by itself, and a row of neighbours shows when
two of them meet: for u_t + u u_x = 0 at t* = 1 / max(-u0'). Elsewhere, diffusion say, nothing is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, FieldValue
from pinnsolver.transform.labels import Labels
from pinnsolver.transform.paths import initial_values
from pinnsolver.transform.transport import Transport

LABELS = {1: 2001, 2: 101}  # along each label
STEPS = {1: 400, 2: 100}  # of time
Columns = dict[Symbol, np.ndarray | float]


@dataclass(frozen=True)
class Spacing:
    """How particles keep apart within the horizon.

    Args:
        least: the smallest det J.
        crossing: when particles first meet; None where they do not.
    """

    least: float
    crossing: float | None


def find_spacing(
    checked: CheckedProblem, transport: Transport, labels: Labels, known: bool
) -> Spacing | None:
    """Return how particles keep apart, None where that is not known before training.

    Args:
        known: whether D is a formula.
    """
    if labels.is_rigid:
        return Spacing(1.0, None)
    if checked.unknowns or len(checked.space) > 2:
        return None
    grid, found = _grid(checked), []
    for member in _members(checked):
        smallest = (
            _by_formula(checked, labels, grid, member)
            if known
            else _by_paths(checked, transport, grid, member)
        )
        if smallest is None or not np.isfinite(smallest).all():
            return None
        found.append(Spacing(float(smallest.min()), _first_zero(checked, smallest)))
    times = [s.crossing for s in found if s.crossing is not None]
    return Spacing(min(s.least for s in found), min(times, default=None))


def _members(checked: CheckedProblem) -> list[Columns]:
    """Return the members of a family that are looked at: ends and middles."""
    parameters = [c for c in checked.coordinates if c.role == "parameter"]
    ends = [(c.low, 0.5 * (c.low + c.high), c.high) for c in parameters]
    return [dict(zip([c.symbol for c in parameters], values, strict=True)) for values in product(*ends)]


def _grid(checked: CheckedProblem) -> list[np.ndarray]:
    """Return the labels, one array of the grid's shape a coordinate."""
    axes = [np.linspace(c.low, c.high, LABELS[len(checked.space)]) for c in checked.space]
    return list(np.meshgrid(*axes, indexing="ij"))


def _first_zero(checked: CheckedProblem, smallest: np.ndarray) -> float | None:
    """Return when the smallest det J over the labels, (steps + 1,), first vanishes, linear in between."""
    assert checked.time is not None
    bad = ~(smallest > 0)
    k = int(np.argmax(bad))
    if not bad.any() or k == 0:
        return None
    share = smallest[k - 1] / (smallest[k - 1] - smallest[k])
    return float(checked.time.low + checked.time.length * (k - 1 + share) / STEPS[len(checked.space)])


def _times(checked: CheckedProblem) -> np.ndarray:
    assert checked.time is not None
    return np.linspace(checked.time.low, checked.time.high, STEPS[len(checked.space)] + 1)


def _by_formula(
    checked: CheckedProblem, labels: Labels, grid: list[np.ndarray], member: Columns
) -> np.ndarray | None:
    """Return the smallest det J at each time from its formula."""
    determinant = _numeric(labels.determinant, [*labels.space, labels.time, *member])
    fixed = list(member.values())
    return np.array([np.min(determinant(*grid, t, *fixed)) for t in _times(checked)])


def _by_paths(
    checked: CheckedProblem, transport: Transport, grid: list[np.ndarray], member: Columns
) -> np.ndarray | None:
    """Return the smallest det J at each time from paths by the classical Runge-Kutta method; None where a path needs its neighbours."""
    assert checked.time is not None
    zero = (0,) * len(checked.coordinates)
    plain = {FieldValue(f.name, zero).symbol: f.name for f in checked.fields}
    rights = {line.field: line.right for line in transport.lines}
    start = initial_values(checked)
    used = set().union(*(e.free_symbols for e in (*transport.velocity, *rights.values())))
    if used & set(transport.values) - set(plain) or set(rights) != set(plain.values()):
        return None
    if not used & set(plain) or any(name not in start for name in rights):
        return None  # a prescribed velocity has one path through each point
    space = [c.symbol for c in checked.space]
    symbols = [*space, *plain, checked.time.symbol, *member]
    rates = [_numeric(e, symbols) for e in (*transport.velocity, *(rights[name] for name in plain.values()))]
    fixed = list(member.values())
    initial = [
        _numeric(start[name], [*space, *member])(*grid, *fixed) + 0 * grid[0] for name in plain.values()
    ]

    def rate(state: np.ndarray, t: float) -> np.ndarray:
        placed = [_wrapped(checked, i, x) for i, x in enumerate(state[: len(space)])]
        return np.stack([f(*placed, *state[len(space) :], t, *fixed) + 0 * grid[0] for f in rates])

    state, smallest = np.stack([*grid, *initial]), [1.0]
    times = _times(checked)
    h = float(times[1] - times[0])
    with np.errstate(all="ignore"):
        for t in times[:-1]:
            a = rate(state, t)
            b = rate(state + 0.5 * h * a, t + 0.5 * h)
            c = rate(state + 0.5 * h * b, t + 0.5 * h)
            d = rate(state + h * c, t + h)
            state = state + h / 6 * (a + 2 * b + 2 * c + d)
            smallest.append(_smallest_jacobian(state[: len(space)], checked))
            if not smallest[-1] > 0:
                break
    return np.array(smallest)


def _wrapped(checked: CheckedProblem, i: int, x: np.ndarray) -> np.ndarray:
    c = checked.space[i]
    return c.low + np.mod(x - c.low, c.length) if c.name in checked.periodic else x


def _smallest_jacobian(places: np.ndarray, checked: CheckedProblem) -> float:
    """Return the smallest det J of a grid of places, by differences between neighbours."""
    steps = [c.length / (LABELS[len(checked.space)] - 1) for c in checked.space]
    if len(places) == 1:
        return float(np.min(np.diff(places[0]) / steps[0]))
    (a, b), (c, d) = (np.gradient(p, *steps, edge_order=2) for p in places)
    return float(np.min(a * d - b * c))


def _numeric(expr: Expr, symbols: list[Symbol]) -> Callable[..., np.ndarray]:
    function: Callable[..., np.ndarray] = sympy.lambdify(symbols, expr, ["scipy", "numpy"])
    return function
