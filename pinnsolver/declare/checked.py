"""The checked declaration: what every later stage reads. Frozen values, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from pinnsolver.declare.conditions import On
from pinnsolver.declare.problem import Problem
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.symbols import Unknown
from pinnsolver.declare.values import Coordinate, Field, FieldValue, Lowered, Pins, Scope


@dataclass(frozen=True)
class Region:
    """Where a condition holds.

    Args:
        pins: coordinates at a fixed value; the others run.
        boundary: None for no boundary, "" for the whole boundary of a shape, else the name of a piece.
        where: a relation of the running coordinates that narrows it, or None.
    """

    pins: Pins = ()
    boundary: str | None = None
    where: Any = None

    def __str__(self) -> str:
        pins = [(n, f"{float(v):g}" if isinstance(v, sympy.Float) else str(v)) for n, v in self.pins]
        parts = [f"{name} = {value}" for name, value in pins]
        if self.boundary is not None:
            parts.append(f"on “{self.boundary}”" if self.boundary else "on the boundary")
        if self.where is not None:
            parts.append(f"where {sympy.pretty(self.where, use_unicode=True, wrap_line=False)}")
        return ", ".join(parts) or "everywhere"

    def holding(self, equation: Any, shape: Shape | None) -> Any:
        """Return the condition that an equation holds here; pinned coordinates are pinned in the equation.

        Args:
            shape: of the domain, None for a box.
        """
        if self.boundary is not None:
            assert shape is not None
            return On(self.boundary or shape.boundary, equation, where=self.where)
        return equation if self.where is None else On(equation, where=self.where)


@dataclass(frozen=True)
class Equation:
    """An equation as residual = 0, for all coordinates.

    Args:
        name: its name among the loss terms.
        source: what the user wrote.
        residual: left side minus right side, lowered.
    """

    name: str
    source: Any
    residual: Lowered


@dataclass(frozen=True)
class Condition:
    """A condition as residual = 0 on a region.

    Args:
        name: its name among the loss terms: the equation and the place.
        source: what the user wrote.
        residual: left side minus right side, lowered.
        region: where it holds; with several locations, the pins that all share.
        locations: the pins of each place that the residual looks at; one for most conditions, two for
            `Eq(u(-1, t), u(1, t))`.
        kind: "initial value", "Dirichlet", "Neumann", "Robin", "periodic", "integral", ...
        solved: (value, expression) where the condition gives one field value outright.
    """

    name: str
    source: Any
    residual: Lowered
    region: Region
    locations: tuple[Pins, ...]
    kind: str
    solved: tuple[FieldValue, Expr] | None = None


@dataclass(frozen=True)
class Measured:
    """Observations, opened and checked.

    Args:
        name: its name among the loss terms.
        quantity: what was measured, lowered.
        source: what was measured, as the user wrote it.
        coordinates: names of the columns of `points`.
        points: (n, d) where it was measured.
        values: (n,) what was measured.
        path: the file that it came from, as declared.
    """

    name: str
    quantity: Lowered
    source: Expr
    coordinates: tuple[str, ...]
    points: np.ndarray
    values: np.ndarray
    path: str | None = None


@dataclass(frozen=True)
class Reference:
    """The known answer of one field, for scoring only.

    Exactly one of the three is set.

    Args:
        formula: sympy expression of the coordinates.
        function: numpy callable of the field's arguments, then the parameters.
        table: coordinates and values, (n,) each, by name; the values under "".
    """

    formula: Expr | None = None
    function: Callable[..., Any] | None = None
    table: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True)
class CheckedProblem:
    """A declaration that holds together.

    Args:
        problem: what the user wrote.
        coordinates: space, then time, then parameters: the columns of every array of points.
        shape: the shaped domain, or None for a box.
        fields: the unknown functions, in order of appearance.
        equations, conditions, observations: lowered, classified, opened.
        periodic: names of the coordinates that `Periodic` names.
        unknowns: the numbers to be found, in order of appearance.
        references: known answers by field.
        warnings: what looks odd but may be meant.
    """

    problem: Problem
    coordinates: tuple[Coordinate, ...]
    shape: Shape | None
    fields: tuple[Field, ...]
    equations: tuple[Equation, ...]
    conditions: tuple[Condition, ...]
    observations: tuple[Measured, ...]
    periodic: tuple[str, ...]
    unknowns: tuple[Unknown, ...]
    references: Mapping[str, Reference]
    warnings: tuple[str, ...]

    @property
    def scope(self) -> Scope:
        """What names mean in this problem."""
        return Scope(self.coordinates, {f.name: f for f in self.fields})

    @property
    def space(self) -> tuple[Coordinate, ...]:
        """The space coordinates."""
        return tuple(c for c in self.coordinates if c.role == "space")

    @property
    def time(self) -> Coordinate | None:
        """The time, None for a steady problem."""
        return next((c for c in self.coordinates if c.role == "time"), None)

    def inputs(self, field: Field) -> tuple[int, ...]:
        """Return the columns that a field depends on: its arguments and every parameter."""
        return tuple(
            i for i, c in enumerate(self.coordinates) if c.symbol in field.arguments or c.role == "parameter"
        )

    def highest_orders(self, field: str) -> tuple[int, ...]:
        """Return the highest order of derivative of a field by each coordinate, over all equations."""
        orders = [0] * len(self.coordinates)
        for equation in self.equations:
            for value in equation.residual.values:
                if value.field == field:
                    orders = [max(a, b) for a, b in zip(orders, value.orders, strict=True)]
        return tuple(orders)
