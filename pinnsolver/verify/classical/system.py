"""Rows of residuals, one for each point of each equation and condition, against the coefficients of a trial space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from pinnsolver.declare.values import FieldValue, IntegralValue, Lowered
from pinnsolver.verify.classical.formula import Formula, formula_of
from pinnsolver.verify.classical.forward import Forward

Base = Callable[[FieldValue, np.ndarray, "np.ndarray | None"], np.ndarray]
MOST_WEIGHT = 1e12


@dataclass(frozen=True, eq=False)
class Rows:
    """Where a residual is asked for.

    Args:
        name: of the equation or the condition.
        lowered: the residual.
        points: (n, D) in the problem's columns.
        normals: (n, d) outward, or None.
        stage: (n,) place in the time step, from 0 to 1; None where time is a coordinate like any other.
        condition: whether it is a condition: those are weighed to count as much as the equations' highest derivatives.
    """

    name: str
    lowered: Lowered
    points: np.ndarray
    normals: np.ndarray | None = None
    stage: np.ndarray | None = None
    condition: bool = False


@dataclass(frozen=True, eq=False)
class Operator:
    """A derivative of a field at points as a matrix.

    Args:
        main: (n, m) for the coefficients that are solved for.
        lifts: (n, k) each, for coefficients that are known.
    """

    main: sp.csr_matrix
    lifts: tuple[sp.csr_matrix, ...] = ()


class Trial(ABC):
    """A space in which the fields are looked for."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the number of coefficients of a field."""

    @abstractmethod
    def operator(self, value: FieldValue, points: np.ndarray, stage: np.ndarray | None) -> Operator:
        """Return a derivative at points (n, D), pins already in them, normals not."""

    @abstractmethod
    def scale(self, value: FieldValue) -> float:
        """Return the factor of the main matrix: it depends on the time step."""

    @abstractmethod
    def lifted(self, value: FieldValue, operator: Operator) -> np.ndarray | float:
        """Return what the known coefficients contribute, (n,)."""

    @abstractmethod
    def quadrature(self, name: str, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights of an integral over a coordinate."""


class Part:
    """A lowered expression at points, by the coefficients of a trial space."""

    def __init__(self, forward: Forward, trial: Trial, rows: Rows) -> None:
        self._forward, self._trial, self.rows = forward, trial, rows
        self._formula: Formula = formula_of(rows.lowered, forward)
        self.points = rows.points.copy()
        self._places = [self._pinned(v) for v in rows.lowered.values]
        self._operators = [
            self._with_normals(v, p) for v, p in zip(rows.lowered.values, self._places, strict=True)
        ]
        self._base: list[np.ndarray | float] = [0.0] * len(self._places)
        self._inner = [self._integrated(i) for i in rows.lowered.integrals]

    @property
    def linear(self) -> bool:
        """Whether it is of first degree in everything that is solved for."""
        return self._formula.linear and all(part.linear for part, _ in self._inner)

    def begin(self, start: float, step: float, base: Base | None) -> None:
        """Move the points to a time step, and look up what is known beforehand."""
        column = self._forward.time
        if self.rows.stage is not None and column is not None:
            for points in [self.points, *self._places]:
                points[:, column] = start + step * self.rows.stage
        if base is not None:
            self._base = [
                base(v, p, self.rows.normals)
                for v, p in zip(self.rows.lowered.values, self._places, strict=True)
            ]
        for part, _ in self._inner:
            part.begin(start, step, base)

    def evaluate(self, coefficients: Mapping[str, np.ndarray], unknowns: np.ndarray) -> Evaluated:
        """Return the residual and what its derivatives are made of."""
        values = [
            self._trial.scale(v) * (o.main @ coefficients[v.field]) + self._trial.lifted(v, o) + b
            for v, o, b in zip(self.rows.lowered.values, self._operators, self._base, strict=True)
        ]
        inner = [(part.evaluate(coefficients, unknowns), total) for part, total in self._inner]
        integrals = [total @ found.residual for found, total in inner]
        residual, *slopes = self._formula(self.points, [*unknowns, *values, *integrals])
        return Evaluated(residual, slopes, inner)

    def jacobian(
        self, found: Evaluated, sizes: Mapping[str, int]
    ) -> tuple[dict[str, sp.csr_matrix], np.ndarray]:
        """Return the derivatives by each field's coefficients, (n, m) each, and by the unknowns, (n, k)."""
        count, values = len(self.points), self.rows.lowered.values
        columns: dict[str, sp.csr_matrix] = {}

        def add(name: str, matrix: sp.csr_matrix) -> None:
            columns[name] = columns[name] + matrix if name in columns else matrix

        for v, o, slope in zip(values, self._operators, found.slopes, strict=False):
            add(v.field, sp.diags(slope * self._trial.scale(v)) @ o.main)
        by_unknown = np.zeros((count, len(self._forward.unknowns)))
        after = found.slopes[len(values) :]
        for (part, total), (inside, _), slope in zip(self._inner, found.inner, after, strict=False):
            deeper, numbers = part.jacobian(inside, sizes)
            for name, matrix in deeper.items():
                add(name, (sp.diags(slope) @ (total @ matrix)).tocsr())
            by_unknown += slope[:, None] * (total @ numbers)
        for k, slope in enumerate(after[len(self._inner) :]):
            by_unknown[:, k] += slope
        return columns, by_unknown

    def _pinned(self, value: FieldValue) -> np.ndarray:
        places = self.rows.points.copy()
        names = [c.name for c in self._forward.coordinates]
        for name, at in value.pins:
            places[:, names.index(name)] = float(at)
        return places

    def _with_normals(self, value: FieldValue, places: np.ndarray) -> Operator:
        if not value.normal:
            return self._trial.operator(value, places, self.rows.stage)
        normals = self.rows.normals
        assert normals is not None
        parts = []
        for k in range(normals.shape[1]):
            orders = tuple(o + (i == k) for i, o in enumerate(value.orders))
            along = self._trial.operator(replace(value, orders=orders, normal=False), places, self.rows.stage)
            turn = sp.diags(normals[:, k])
            parts.append(
                Operator((turn @ along.main).tocsr(), tuple((turn @ m).tocsr() for m in along.lifts))
            )
        first, *others = parts
        for other in others:
            lifts = tuple(a + b for a, b in zip(first.lifts, other.lifts, strict=True))
            first = Operator(first.main + other.main, lifts)
        return first

    def _integrated(self, integral: IntegralValue) -> tuple[Part, sp.csr_matrix]:
        """Return the integrand at all nodes of all rows, and the matrix that sums them."""
        names = [c.name for c in self._forward.coordinates]
        n, nodes, weights = len(self.rows.points), np.zeros((1, 0)), np.ones(1)
        for name, low, high in integral.limits:
            x, w = self._trial.quadrature(name, low, high)
            nodes = np.hstack([np.repeat(nodes, len(x), axis=0), np.tile(x, len(nodes))[:, None]])
            weights = np.repeat(weights, len(w)) * np.tile(w, len(weights))
        points = np.repeat(self.rows.points, len(nodes), axis=0)
        for k, (name, _, _) in enumerate(integral.limits):
            points[:, names.index(name)] = np.tile(nodes[:, k], n)
        stage = None if self.rows.stage is None else np.repeat(self.rows.stage, len(nodes))
        rows = Rows(self.rows.name, integral.integrand, points, None, stage)
        return Part(self._forward, self._trial, rows), sp.kron(sp.identity(n), weights[None, :], format="csr")


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A residual (n,), its derivatives by values, integrals and unknowns, and the integrands' likewise."""

    residual: np.ndarray
    slopes: Sequence[np.ndarray]
    inner: Sequence[tuple[Evaluated, sp.csr_matrix]]


@dataclass(eq=False)
class System:
    """All rows of a problem; the vector holds the fields' coefficients one after the other, then the unknowns.

    Conditions are weighed so that their rows of the Jacobian are about as long as the equations': a least-squares
    solution then keeps them as well as the splines allow.

    Args:
        forward: the problem.
        trial: where the fields are looked for.
        parts: the rows.
    """

    forward: Forward
    trial: Trial
    parts: Sequence[Part]
    weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = [f.name for f in self.forward.fields]
        self.sizes = {name: self.trial.size(name) for name in self.names}
        ends = np.cumsum([0, *self.sizes.values()])
        self.slices = {name: slice(a, b) for name, a, b in zip(self.names, ends[:-1], ends[1:], strict=True)}
        self.size = int(ends[-1]) + len(self.forward.unknowns)

    @property
    def linear(self) -> bool:
        """Whether every row is of first degree."""
        return all(part.linear for part in self.parts)

    def begin(self, start: float = 0.0, step: float = 1.0, base: Base | None = None) -> None:
        """Move to a time step."""
        for part in self.parts:
            part.begin(start, step, base)

    def split(self, vector: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the coefficients by field, and the unknowns."""
        count = len(self.forward.unknowns)
        return {n: vector[s] for n, s in self.slices.items()}, vector[self.size - count :]

    def residual(self, vector: np.ndarray) -> np.ndarray:
        """Return all weighed rows, (n,)."""
        coefficients, unknowns = self.split(vector)
        found = [part.evaluate(coefficients, unknowns).residual for part in self.parts]
        return np.concatenate([w * r for w, r in zip(self.weights or [1.0] * len(found), found, strict=True)])

    def jacobian(self, vector: np.ndarray) -> sp.csr_matrix:
        """Return the derivatives of all weighed rows, (n, size)."""
        coefficients, unknowns = self.split(vector)
        blocks = []
        for part in self.parts:
            found = part.evaluate(coefficients, unknowns)
            columns, by_unknown = part.jacobian(found, self.sizes)
            n = len(part.points)
            row = [columns.get(name, sp.csr_matrix((n, self.sizes[name]))) for name in self.names]
            blocks.append(sp.hstack([*row, sp.csr_matrix(by_unknown)], format="csr"))
        if not self.weights:
            self.weights = self._balanced(blocks)
        return sp.vstack([w * b for w, b in zip(self.weights, blocks, strict=True)], format="csr")

    def _balanced(self, blocks: Sequence[sp.csr_matrix]) -> list[float]:
        """Return a weight for each block."""
        longest = {
            name: max(
                (_length(b[:, s]) for b, p in zip(blocks, self.parts, strict=True) if not p.rows.condition),
                default=1.0,
            )
            for name, s in self.slices.items()
        }
        weights = []
        for block, part in zip(blocks, self.parts, strict=True):
            weight = 1.0
            if part.rows.condition:
                ratios = [
                    longest[n] / length
                    for n, s in self.slices.items()
                    if (length := _length(block[:, s])) > 0
                ]
                weight = min(max([1.0, *ratios]), MOST_WEIGHT)
            weights.append(weight)
        return weights


def _length(block: sp.csr_matrix) -> float:
    """Return the typical length of a row."""
    squares = np.asarray(block.multiply(block).sum(axis=1)).ravel()
    return float(np.sqrt(squares.mean())) if squares.size else 0.0
