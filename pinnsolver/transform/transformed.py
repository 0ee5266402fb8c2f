"""The problem restated: which conditions are built in, by which formulas, and every choice with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Expr, Symbol

from pinnsolver.declare import CheckedProblem, Settings

if TYPE_CHECKING:
    from pinnsolver.transform.edges import Edge
    from pinnsolver.transform.lagrangian import LagrangianFrame
    from pinnsolver.transform.stream import StreamFunction
    from pinnsolver.transform.symmetry import Reflection
    from pinnsolver.transform.units import Units

ASKED = "asked for"  # the reason of what the user chose


@dataclass(frozen=True)
class Choice:
    """One choice and why it was made; the reason says so where the user asked for it."""

    value: Any
    reason: str


@dataclass(frozen=True)
class Parity:
    """Whether a function is even (sign 1) or odd (sign -1) in a coordinate, about which place."""

    sign: int
    center: Expr


@dataclass(frozen=True)
class Ansatz:
    """field = lift + factor * raw + sum_x slopes_x * d raw / dx: the conditions that these carry hold for every network.

    Args:
        lift: meets the conditions, in the problem's coordinates.
        factor: vanishes where they hold, to the order that they need.
        flat: "low", "high" or "both" by coordinate: the ends at which the slope of raw has to vanish, which it
            does where the network sees the functions of `flat.py` in the coordinate's place.
        distances: of the walls of a shape, by the symbol that stands for each in lift, factor, slopes and the later ones; functions of
            the space coordinates.
        slopes: by coordinate what the network's slope is multiplied by, which slopes on a shaped boundary need.
        parity: by coordinate whether raw is even or odd, and about which place; an odd one only in modes, where it is periodic.
        constant, size: names of the conditions that fix what is added to the field, or by what it is multiplied, once it is
            trained; see `constants.py`.
    """

    lift: Expr
    factor: Expr
    flat: Mapping[str, str] = field(default_factory=dict)
    distances: Mapping[Symbol, Expr] = field(default_factory=dict)
    slopes: Mapping[Symbol, Expr] = field(default_factory=dict)
    parity: Mapping[str, Parity] = field(default_factory=dict)
    constant: str | None = None
    size: str | None = None

    def written_out(self, expr: Expr) -> Expr:
        """Return an expression of the distances as one of the coordinates alone."""
        for symbol, formula in reversed(list(self.distances.items())):
            expr = expr.xreplace({symbol: formula})
        return expr

    def seen(self, coordinate: str) -> str:
        """Return the kind of functions that the network sees in the place of a coordinate, a key of `FLAT`; "" for the usual ones."""
        kinds = (self.flat.get(coordinate), "even" if coordinate in self.parity else None)
        return ", ".join(filter(None, kinds))

    @classmethod
    def plain(cls) -> Ansatz:
        """Return the ansatz that carries no condition."""
        return cls(sympy.S.Zero, sympy.S.One)

    @property
    def is_plain(self) -> bool:
        """Whether the field is the network's own output."""
        return bool(
            self.lift == 0
            and self.factor == 1
            and not self.flat
            and not self.parity
            and not self.slopes
            and self.constant is None
        )


@dataclass(frozen=True)
class Enforcement:
    """How a condition is met: "hard" (by the ansatz), "built in" (by the network's input) or "soft" (by the loss)."""

    how: str
    reason: str


@dataclass(frozen=True)
class TransformedProblem:
    """What is compiled.

    Args:
        checked: the declaration; restated in other units, in labels in a Lagrangian frame, or with a stream function.
        settings: with every automatic choice filled in.
        ansatz: by field name, for every field.
        enforcement: by condition name, for every condition.
        choices: by name, for the report.
        scales: by term, what one wave of size 1 leaves in it (see `scaling.py`).
        carried: by field, how many states this window of time takes over from the last one; empty for the first.
        frame: the Lagrangian frame, None for the Eulerian one.
        stream: the stream function, None without one.
        reflections: that are built in.
        edges: where two faces of a box meet and hard conditions contradict an equation.
        units: those that coordinates and fields are restated in first of all, None for the declaration's.
    """

    checked: CheckedProblem
    settings: Settings
    ansatz: Mapping[str, Ansatz]
    enforcement: Mapping[str, Enforcement]
    choices: Mapping[str, Choice]
    scales: Mapping[str, float]
    carried: Mapping[str, int] = field(default_factory=dict)
    frame: LagrangianFrame | None = None
    stream: StreamFunction | None = None
    reflections: tuple[Reflection, ...] = ()
    edges: tuple[Edge, ...] = ()
    units: Units | None = None

    @property
    def restatement(self) -> LagrangianFrame | StreamFunction | None:
        """By what the declaration, in the units of the training, was restated; None where it was not."""
        return self.frame or self.stream

    @property
    def in_units(self) -> CheckedProblem:
        """The declaration in the units of the training."""
        return self.checked if self.restatement is None else self.restatement.declared

    @property
    def declared(self) -> CheckedProblem:
        """The declaration as the user wrote it."""
        return self.in_units if self.units is None else self.units.declared

    @property
    def counterparts(self) -> tuple[str, ...]:
        """Names of the conditions of `checked` that stand for those of the declaration, in the declaration's order."""
        # In labels each condition has its counterpart, in the same order, before those of the paths.
        places = range(len(self.declared.conditions)) if self.stream is None else self.stream.counterparts
        return tuple(self.checked.conditions[k].name for k in places)

    @property
    def read_otherwise(self) -> bool:
        """Whether fields are read out otherwise than they are trained: as declared, or with constants."""
        restated = self.restatement is not None or self.units is not None
        return restated or any(a.constant or a.size for a in self.ansatz.values())
