"""A classical solver refined until two grids agree, against the network's solution at the same points."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import sympy

from pinnsolver.declare.levels import level as signed_level
from pinnsolver.declare.levels import outline
from pinnsolver.declare.orders import differentiated
from pinnsolver.declare.shapes import (
    Ball,
    Combined,
    Cuboid,
    Disk,
    Ellipse,
    Interval,
    Polygon,
    Rectangle,
    Shape,
)
from pinnsolver.declare.values import Coordinate, FieldValue
from pinnsolver.declare.vectors import vector_components
from pinnsolver.verify.classical.elements import Elements
from pinnsolver.verify.classical.forward import Deadline, Forward, NotApplicableError, OutOfTimeError
from pinnsolver.verify.classical.fourier import WaveGrid, Waves
from pinnsolver.verify.classical.jumps import jump_places
from pinnsolver.verify.classical.newton import Factor, seconds_of
from pinnsolver.verify.classical.places import axis_nodes, inside, tensor
from pinnsolver.verify.classical.slabs import Slabs, initial_conditions
from pinnsolver.verify.classical.splines import Axis
from pinnsolver.verify.classical.system import Base
from pinnsolver.verify.classical.velocities import in_first_order
from pinnsolver.verify.classical.whole import Whole, space_of

FOURIER, SPLINES, ELEMENTS, DIFFERENCE = "fourier", "splines", "elements", "difference"
Evaluate = Callable[[np.ndarray, Mapping[str, sympy.Expr]], Mapping[str, np.ndarray]]
DEGREE = {0: 7, 1: 7, 2: 6, 3: 6}  # of the splines, by the number of axes
FIRST_PIECES = {0: 1, 1: 8, 2: 6, 3: 3}
# Points along each axis of a Fourier grid, by the number of axes in space.
FIRST_WAVES = {1: 64, 2: 32, 3: 24}
FINER = {1: 2.0, 2: 1.5, 3: 1.5}
REFINEMENT = {0: 1.0, 1: 2.0, 2: 1.45, 3: 1.5}
MOST_LEVELS = 9
TIME_TOLERANCE, TIGHTENING, TIGHTEST = 1e-5, 0.03, 1e-11
GROWTH = 3.0  # of the cost from one grid to the next, at least
AGREED = 0.2  # of the difference to the network, at which the grids agree well enough
DIVERGING = 3.0  # times the least difference of two grids, above which finer ones are no better: cut pieces have lost their digits
CONVERGED = 0.03  # of the solution: grids that differ by more have not converged, wherever the network is
FIRST_GRID = 0.35  # of the time, which a first grid may take
HOPELESS = 0.2  # of the time, below which no other first grid is tried
ROUNDING = 1e-11
NONE_OF_IT = 1e-6  # of the largest component of a vector: a smaller one vanishes
# Of the network's fields, what the splines of the first grid may miss; by the number of axes.
HELD = {1: 1e-4, 2: 1e-2, 3: 3e-2}
TRIED = 0.02  # of the time, which one such trial may take
PROBED = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of the horizon at which that is tried
GRID = {1: 801, 2: 121, 3: 29}


@dataclass(frozen=True)
class Compared:
    """A network's solution against a classical one, by field.

    Args:
        distance: relative L2 distance of the two.
        own: relative L2 difference of the last two grids, the classical solver's own error.
        level: words for the finest grid.
        norm: root mean square of the classical solution, by which members of a family are joined.
        unknowns: the unknown numbers that were found anew.
        largest: of a vector's component that vanishes the one by whose size its distances are measured.
        diverging: whether coarser grids agreed better than the last two.
        places: (n, D) points at which they were compared.
        values: of the classical solution there, (n,) by field; NaN where it is not known.
        network: likewise of the network.
    """

    distance: Mapping[str, float]
    own: Mapping[str, float]
    level: str
    norm: Mapping[str, float]
    unknowns: Mapping[str, float]
    largest: Mapping[str, str]
    diverging: bool
    places: np.ndarray = field(repr=False)
    values: Mapping[str, np.ndarray] = field(repr=False)
    network: Mapping[str, np.ndarray] = field(repr=False)

    @property
    def agreed(self) -> bool:
        """Whether the grids converge, and differ by less than a fifth of what the network differs."""
        return self._within(AGREED)

    @property
    def trusted(self) -> bool:
        """Whether they converge, and differ by at most half of it."""
        return self._within(0.5)

    def within(self, goal: float) -> bool:
        """Say whether they converge, and differ by no more than that."""
        return not self.diverging and all(own <= goal for own in self.own.values())

    def _within(self, share: float) -> bool:
        return not self.diverging and all(
            self.own[n] <= max(min(share * d, CONVERGED), ROUNDING) for n, d in self.distance.items()
        )


@dataclass(frozen=True, eq=False)
class Task:
    """A forward problem and the network's solution of it.

    Args:
        forward: the problem.
        evaluate: expressions of the fields at points (n, D) in the forward problem's columns.
        method: SPLINES or ELEMENTS for the solution, DIFFERENCE for splines that describe its difference to the network.
    """

    forward: Forward
    evaluate: Evaluate
    method: str

    @property
    def defect(self) -> bool:
        """Whether what is looked for is the difference to the network."""
        return self.method == DIFFERENCE

    def field(self, name: str, points: np.ndarray) -> np.ndarray:
        """Return the network's field at points (n, D), (n,)."""
        return np.asarray(self.evaluate(points, {name: self._applied(name)})[name])

    def base(self, value: FieldValue, points: np.ndarray, normals: np.ndarray | None) -> np.ndarray:
        """Return the network's derivative at points (n, D), (n,)."""
        if value.normal:
            assert normals is not None
            total = np.zeros(len(points))
            for k in range(normals.shape[1]):
                orders = tuple(o + (i == k) for i, o in enumerate(value.orders))
                total += normals[:, k] * self.base(FieldValue(value.field, orders), points, None)
            return total
        symbols = [
            c.symbol for c in self.forward.coordinates
        ]  # without a family's parameters, which come last
        expr = differentiated(self._applied(value.field), symbols, value.orders[: len(symbols)])
        found = np.asarray(self.evaluate(points, {"": expr})[""])
        if not np.isfinite(found).all():
            raise NotApplicableError("the network's solution is not known everywhere")
        return found

    def _applied(self, name: str) -> sympy.Expr:
        return next(f.applied for f in self.forward.fields if f.name == name)


def refine(task: Task, deadline: Deadline, goal: float | None = None) -> Compared:
    """Return how far the network is from the classical solution, refined until its grids agree or time is out.

    Args:
        goal: of the solver's own error, where not the difference to the network says how well the grids have to agree.

    Raises:
        NotApplicableError: no two grids could be solved.
    """
    levels = _levels(task, deadline)
    places, network = _network(task)
    last: dict[str, np.ndarray] | None = None
    best: Compared | None = None
    why: NotApplicableError | None = None
    spent, allowed, count = 0.0, deadline.left, 0
    course = _Course()
    for solve in levels:
        if best is not None and GROWTH * spent > deadline.left:
            break
        begun = time.monotonic()
        # A first grid that leaves no time for a second one is given up: where it is too coarse, a finer one may be faster.
        share = FIRST_GRID if last is None else 1.0
        try:
            solved = solve(places, Deadline.after(share * deadline.left), count)
        except OutOfTimeError as error:
            why = why or error
            if last is not None or deadline.left < HOPELESS * allowed:
                break
            continue
        except NotApplicableError as error:
            why = error
            continue
        spent, count, found = time.monotonic() - begun, count + 1, solved.values
        if task.defect:
            found = {name: network[name] + values for name, values in found.items()}
        if last is not None:
            best = _compare(task.forward, places, network, found, last, solved, course)
            if best.agreed if goal is None else best.within(goal):
                break
        last = found
    if best is None:
        raise why or NotApplicableError("no two grids could be solved in the time allowed")
    return best


@dataclass
class _Course:
    """How the differences of two successive grids have gone, by field.

    Args:
        before: of the two grids before.
        least: of all so far.
    """

    before: dict[str, float] = field(default_factory=dict)
    least: dict[str, float] = field(default_factory=dict)

    def error_of(self, name: str, difference: float) -> float:
        """Return the error of the finer grid: where the grids converge, what is left is a geometric series."""
        before = self.before.get(name, 0.0)
        if not 0 < difference < 0.5 * before:
            return difference
        ratio = difference / before
        return difference * min(1.0, max(ratio / (1 - ratio), 0.05))

    def diverges(self, own: Mapping[str, float]) -> bool:
        """Say whether coarser grids agreed better than those that have these errors."""
        return any(own[n] > max(DIVERGING * least, ROUNDING) for n, least in self.least.items())

    def go_on(self, own: Mapping[str, float]) -> None:
        """Take in the errors of the next grid."""
        self.before = dict(own)
        self.least = {n: min(value, self.least.get(n, value)) for n, value in own.items()}


def _compare(
    forward: Forward,
    places: np.ndarray,
    network: Mapping[str, np.ndarray],
    found: Mapping[str, np.ndarray],
    last: Mapping[str, np.ndarray],
    solved: Solved,
    course: _Course,
) -> Compared:
    """Compare the network with the values found on the finest grid, and these with those on the last one before it."""
    distance, own, norm = {}, {}, {}
    largest: dict[str, str] = {}
    seen_by = {n: np.isfinite(v) & np.isfinite(network[n]) & np.isfinite(last[n]) for n, v in found.items()}
    sizes = {name: float(np.linalg.norm(values[seen_by[name]])) for name, values in found.items()}
    for names in vector_components(forward.equations.values(), forward.coordinates):
        main = max(names, key=lambda n: sizes[n])
        largest |= {n: main for n in names if sizes[n] < NONE_OF_IT * sizes[main]}
    for name, values in found.items():
        seen, size = seen_by[name], sizes[largest.get(name, name)]
        if size == 0:
            raise NotApplicableError(f"{name} is zero, so that a relative error means nothing")
        distance[name] = float(np.linalg.norm((values - network[name])[seen])) / size
        own[name] = course.error_of(name, float(np.linalg.norm((values - last[name])[seen])) / size)
        norm[name] = size / float(np.sqrt(seen.sum()))
    diverging = course.diverges(own)
    course.go_on(own)
    return Compared(
        distance, own, solved.words, norm, solved.unknowns, largest, diverging, places, found, network
    )


@dataclass(frozen=True)
class Solved:
    """What one grid gave.

    Args:
        words: for the grid.
        values: of the fields at the points asked for, (n,) each.
        unknowns: the unknown numbers that were found anew.
    """

    words: str
    values: dict[str, np.ndarray]
    unknowns: Mapping[str, float] = field(default_factory=dict)


# Of points (n, D), the moment when to give up, and how many grids were solved before.
Solve = Callable[[np.ndarray, Deadline, int], Solved]


def _levels(task: Task, deadline: Deadline) -> Iterator[Solve]:
    """Yield functions that solve on a grid, finer and finer.

    Raises:
        NotApplicableError: the method does not suit the problem.
    """
    forward = task.forward
    if task.method in (ELEMENTS, FOURIER):
        yield from _element_levels(task, deadline) if task.method == ELEMENTS else _fourier_levels(task)
        return
    if forward.shape is not None and has_entering_corner(forward.shape):
        raise NotApplicableError("a corner enters the domain: splines cannot follow the solution there")
    marched = forward.time is not None
    if marched:
        try:
            initial_conditions(forward)
        except NotApplicableError:
            marched = False
    axes = [c for c in forward.coordinates if not marched or c.role != "time"]
    if len(axes) not in DEGREE:
        raise NotApplicableError(f"{len(axes)} dimensions are too many for a grid")
    held = False
    breaks = [_breaks(forward, c) for c in axes]
    for k in range(MOST_LEVELS):
        pieces = _pieces(forward, len(axes), k)
        made = [
            Axis(c.low, c.high, n, DEGREE[len(axes)], c.name in forward.periodic, *b)
            for c, n, b in zip(axes, pieces, breaks, strict=True)
        ]
        held = held or not (marched and axes) or _can_hold(task, made, deadline)
        if not held:
            continue
        if not axes and TIME_TOLERANCE * TIGHTENING**k < TIGHTEST:
            return
        yield partial(_solve_slabs if marched else _solve_whole, task, made)


def _breaks(forward: Forward, coordinate: Coordinate) -> tuple[tuple[float, ...], int]:
    """Return where along an axis solutions may have a kink in some derivative, and the order of the least such."""
    column = forward.coordinates.index(coordinate)
    orders = {forward.order(f.name, column) for f in forward.fields if column in forward.columns(f)}
    # Fields share their axes: of several orders the highest would be left with kinks in lower derivatives.
    if coordinate.name in forward.periodic or len(orders) != 1 or orders == {0}:
        return (), 1
    return jump_places(forward, column), orders.pop()


def _element_levels(task: Task, deadline: Deadline) -> Iterator[Solve]:
    elements = Elements(task.forward, deadline)
    (field,) = task.forward.fields

    def solve(places: np.ndarray, _: Deadline, __: int) -> Solved:
        size = max(c.length for c in task.forward.coordinates if c.role == "space")
        words = f"quadratic finite elements, edges up to {elements.longest / 2 / size:.1%} of the domain"
        words += ", shorter towards corners" if elements.outline.corners else ""
        elements.refine()
        return Solved(words, {field.name: elements.solve(partial(task.field, field.name), places)})

    for _ in range(MOST_LEVELS):
        yield solve


def _fourier_levels(task: Task) -> Iterator[Solve]:
    waves = Waves(task.forward)
    dimension, column = len(waves.space), waves.column
    if dimension not in FIRST_WAVES:
        raise NotApplicableError(f"{dimension} dimensions are too many for a grid")

    def solve(count: int, steps: int, places: np.ndarray, deadline: Deadline, _: int) -> Solved:
        times = np.unique(places[:, column])
        first = places[places[:, column] == times[0]]
        found = WaveGrid(waves, count).march(first, times, steps, deadline)
        words = (
            f"Fourier series, {' × '.join([str(count)] * dimension)} points, {steps * (len(times) - 1)} steps"
        )
        return Solved(words, {f.name: found[f.name].T.ravel() for f in task.forward.fields})

    for k in range(MOST_LEVELS):
        yield partial(solve, 2 * round(FIRST_WAVES[dimension] * FINER[dimension] ** k / 2), 2**k)


def _pieces(forward: Forward, dimension: int, k: int) -> list[int]:
    """Return the pieces of each axis; on a shape they are about square."""
    pieces = FIRST_PIECES[dimension] * REFINEMENT[dimension] ** k if dimension else 0
    if forward.shape is None:
        return [round(pieces)] * dimension
    lengths = np.array([c.length for c in forward.coordinates[:dimension]])
    ratio = lengths / np.exp(np.log(lengths).mean())
    return [max(2, round(pieces * r)) for r in ratio]


def _words(axes: list[Axis]) -> str:
    pieces = " × ".join(str(axis.pieces) for axis in axes)
    return f"splines of degree {axes[0].degree}, {pieces} pieces" if axes else ""


def _solve_whole(task: Task, axes: list[Axis], places: np.ndarray, deadline: Deadline, _: int) -> Solved:
    whole = Whole.on(task.forward, axes)
    base: Base | None = task.base if task.defect else None
    guess = None if task.defect or (whole.system.linear and not task.forward.unknowns) else task.field
    vector = whole.solve(guess, deadline, base)
    names = [str(s) for s in task.forward.unknowns]
    unknowns = whole.system.split(vector)[1]
    numbers = dict(zip(names, map(float, unknowns), strict=True))
    return Solved(_words(axes), whole.values(vector, places), numbers)


def _solve_slabs(task: Task, axes: list[Axis], places: np.ndarray, deadline: Deadline, before: int) -> Solved:
    tolerance = max(TIME_TOLERANCE * TIGHTENING**before, TIGHTEST)
    forward, chains = in_first_order(task.forward)
    slabs = Slabs(forward, axes, tolerance)
    column = forward.time
    assert column is not None
    times = np.unique(places[:, column])
    first = places[places[:, column] == times[0]]

    def base(value: FieldValue, points: np.ndarray, normals: np.ndarray | None) -> np.ndarray:
        return task.base(chains[value.field].original(value), points, normals)

    found = slabs.march(first, times, deadline, base if task.defect else None)
    words = [_words(axes)] if axes else []
    told = ", ".join([*words, f"Radau steps to {tolerance:.0e}"])
    return Solved(told, {f.name: found[f.name].T.ravel() for f in task.forward.fields})


def _can_hold(task: Task, axes: list[Axis], deadline: Deadline) -> bool:
    """Say whether splines can hold about what the network says: on coarser grids Newton's method fails, or takes tiny steps."""
    forward = task.forward
    column = forward.time
    assert column is not None
    points = inside(forward, tensor(forward, axis_nodes(axes)))
    t = forward.coordinates[column]
    for f in forward.fields:
        matrix = space_of(f, forward, axes, points).matrix(points, [0] * points.shape[1])
        if seconds_of(matrix) > TRIED * deadline.left:
            return True
        factor = Factor(matrix)
        for share in PROBED:
            points[:, column] = t.low + share * t.length
            values = task.field(f.name, points)
            if not np.isfinite(values).all():
                return True
            left = matrix @ factor.solve(-values) - values
            if np.linalg.norm(left) > HELD[len(axes)] * np.linalg.norm(values):
                return False
    return True


def _network(task: Task) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return points (n, D), time by time, and the network's fields there."""
    forward = task.forward
    columns = sorted(range(len(forward.coordinates)), key=lambda k: (k != forward.time, k))
    per_axis = GRID.get(len(columns), 11)
    nodes = {
        k: np.linspace(forward.coordinates[k].low, forward.coordinates[k].high, per_axis) for k in columns
    }
    places = tensor(forward, nodes)
    if forward.shape is not None:
        places = places[signed_level(forward.shape, places[:, : forward.shape.dimension]) <= 0]
    return places, {f.name: task.field(f.name, places) for f in forward.fields}


def has_entering_corner(shape: Shape) -> bool:
    """Say whether a corner of the domain may enter it, of more than half a turn; told apart on the safe side."""
    if isinstance(shape, Disk | Ball | Ellipse | Rectangle | Interval | Cuboid):
        return False
    if isinstance(shape, Polygon):
        return not _is_convex(shape)
    assert isinstance(shape, Combined)
    if has_entering_corner(shape.left):
        return True
    if shape.operation == "&":
        return has_entering_corner(shape.right)
    if shape.operation == "|":
        return True
    if not isinstance(shape.right, Disk | Ball | Ellipse):
        return True
    rim = outline(shape.right, 400, np.random.default_rng(0))
    return not bool((signed_level(shape.left, rim) < 0).all())  # a hole that cuts the rim leaves corners


def _is_convex(shape: Polygon) -> bool:
    corners = np.array(shape.vertices)
    ahead, behind = np.roll(corners, -1, 0) - corners, corners - np.roll(corners, 1, 0)
    turns = behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0]
    return bool((turns >= 0).all() or (turns <= 0).all())
