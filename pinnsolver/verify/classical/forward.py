"""A checked declaration to a forward problem with numbers in it: no parameters, no data, no reference."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy

from pinnsolver.declare import CheckedProblem
from pinnsolver.declare.checked import Condition
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.values import Coordinate, Field, IntegralValue, Lowered


class NotApplicableError(Exception):
    """A method does not suit a problem; its message says why, in half a sentence."""


class OutOfTimeError(NotApplicableError):
    """The time allowed is over."""


@dataclass(frozen=True)
class Deadline:
    """A bound on the wall clock.

    Args:
        end: in seconds of `time.monotonic`.
    """

    end: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the moment that lies some seconds ahead."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    def check(self) -> None:
        """Raise `OutOfTimeError` where it is past."""
        if self.left < 0:
            raise OutOfTimeError("it takes longer than verification may")


@dataclass(frozen=True, eq=False)
class Forward:
    """Equations and conditions that a classical solver can take.

    Args:
        coordinates: space, then time: the columns of every array of points.
        shape: the shaped domain, or None for a box.
        fields: the functions to be found.
        equations: residuals by name.
        conditions: as checked, their residuals with numbers in place of parameters and of fixed unknowns.
        periodic: names of the coordinates that `Periodic` names.
        unknowns: the numbers that are found with the fields, and where to start.
    """

    coordinates: tuple[Coordinate, ...]
    shape: Shape | None
    fields: tuple[Field, ...]
    equations: Mapping[str, Lowered]
    conditions: tuple[Condition, ...]
    periodic: tuple[str, ...]
    unknowns: Mapping[sympy.Symbol, float]

    @property
    def time(self) -> int | None:
        """Column of the time, None for a steady problem."""
        return next((i for i, c in enumerate(self.coordinates) if c.role == "time"), None)

    def columns(self, field: Field) -> tuple[int, ...]:
        """Return the columns that a field depends on."""
        return tuple(i for i, c in enumerate(self.coordinates) if c.symbol in field.arguments)

    def order(self, field: str, column: int) -> int:
        """Return the highest derivative of a field by a coordinate in the equations."""
        values = [v for e in self.equations.values() for v in e.all_values() if v.field == field]
        return max([v.orders[column] for v in values], default=0)

    def middle(self, count: int) -> np.ndarray:
        """Return (count, D) points in the middle of the domain."""
        return np.tile([0.5 * (c.low + c.high) for c in self.coordinates], (count, 1))


def restate_forward(
    checked: CheckedProblem, found: Mapping[str, float], parameters: Mapping[str, float]
) -> Forward:
    """Return the forward problem of a declaration.

    Args:
        checked: the declaration. Its reference and its observations are not looked at.
        found: the unknown numbers of the network's solution. With observations they stay as they are; without, the
            declaration determines them and they are found anew, from there.
        parameters: the member of the family, by name.
    """
    numbers = {
        c.symbol: sympy.Float(parameters[c.name], 17) for c in checked.coordinates if c.role == "parameter"
    }
    start = {symbol: found[str(symbol)] for symbol in checked.unknowns}
    if checked.observations:
        numbers |= {symbol: sympy.Float(value, 17) for symbol, value in start.items()}
        start = {}
    return Forward(
        tuple(c for c in checked.coordinates if c.role != "parameter"),
        checked.shape,
        checked.fields,
        {e.name: _with_numbers(e.residual, numbers) for e in checked.equations},
        tuple(_condition_with(c, numbers) for c in checked.conditions),
        checked.periodic,
        start,
    )


def _with_numbers(lowered: Lowered, numbers: Mapping[sympy.Symbol, sympy.Expr]) -> Lowered:
    """Return an expression with numbers in place of symbols, under its integrals too."""
    if not numbers:
        return lowered
    inner = [IntegralValue(_with_numbers(i.integrand, numbers), i.limits) for i in lowered.integrals]
    renamed = {a.symbol: b.symbol for a, b in zip(lowered.integrals, inner, strict=True)}
    return Lowered(lowered.expr.xreplace({**numbers, **renamed}), lowered.values, tuple(inner))


def _condition_with(condition: Condition, numbers: Mapping[sympy.Symbol, sympy.Expr]) -> Condition:
    solved = condition.solved
    if solved is not None:
        solved = (solved[0], solved[1].xreplace(dict(numbers)))
    return replace(condition, residual=_with_numbers(condition.residual, numbers), solved=solved)
