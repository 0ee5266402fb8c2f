"""What the parts of a problem are called: coordinates, fields, and the values that lowered expressions hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sympy import Expr, Function, Symbol
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

Pins = tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Coordinate:
    """One input of the fields.

    Args:
        symbol: the user's symbol.
        low, high: its range; `low_exact`, `high_exact` as the user wrote them.
        role: "space", "time" or "parameter".
    """

    symbol: Symbol
    low: float
    high: float
    role: str
    low_exact: Expr
    high_exact: Expr

    @property
    def name(self) -> str:
        """Name of the symbol."""
        return str(self.symbol.name)

    @property
    def length(self) -> float:
        """Length of its range."""
        return self.high - self.low


@dataclass(frozen=True)
class Field:
    """An unknown function; `arguments` are its coordinates in the order in which the user writes them."""

    name: str
    arguments: tuple[Symbol, ...]

    @property
    def applied(self) -> AppliedUndef:
        """The function at its coordinates."""
        return Function(self.name)(*self.arguments)


@dataclass(frozen=True)
class Scope:
    """What names mean in one problem: coordinates in their column order, and fields by name."""

    coordinates: tuple[Coordinate, ...]
    fields: Mapping[str, Field] = field(default_factory=dict)
    normals_allowed: bool = False

    def index(self, symbol: Symbol) -> int | None:
        """Return the column of a coordinate, None for any other symbol."""
        for i, coordinate in enumerate(self.coordinates):
            if coordinate.symbol == symbol:
                return i
        return None


@dataclass(frozen=True)
class FieldValue:
    """A derivative of a field, at running or at pinned coordinates.

    Args:
        field: name of the field.
        orders: order of the derivative by each coordinate of the problem, in column order.
        pins: coordinates that stand at a fixed value, by name, in column order.
        normal: whether the derivative along the outward normal is taken on top.
    """

    field: str
    orders: tuple[int, ...]
    pins: Pins = ()
    normal: bool = False

    @property
    def symbol(self) -> Symbol:
        """The symbol that stands for this value in lowered expressions; equal values have equal symbols."""
        pins = ",".join(f"{name}={value}" for name, value in self.pins)
        normal = "n" if self.normal else ""
        return Symbol(f"⟨{self.field}{self.orders}{normal}@{pins}⟩", real=True)


@dataclass(frozen=True)
class IntegralValue:
    """An integral of a lowered expression over some coordinates, between numbers.

    Args:
        integrand: the lowered integrand.
        limits: (coordinate name, low, high) of each integrated coordinate.
    """

    integrand: Lowered
    limits: tuple[tuple[str, float, float], ...]

    @property
    def symbol(self) -> Symbol:
        """The symbol that stands for this integral."""
        return Symbol(f"⟨∫{self.integrand.expr} {list(self.limits)}⟩", real=True)


@dataclass(frozen=True)
class Lowered:
    """An expression without fields.

    Args:
        expr: of coordinates, unknowns and the symbols of `values` and `integrals`.
        values: what those symbols stand for, in a fixed order.
        integrals: likewise.
    """

    expr: Expr
    values: tuple[FieldValue, ...]
    integrals: tuple[IntegralValue, ...] = ()

    @property
    def value(self) -> FieldValue | None:
        """The field value that it is by itself; None for any other expression."""
        return self.values[0] if len(self.values) == 1 and self.expr == self.values[0].symbol else None

    def is_linear(self, fields: Collection[str] | None = None) -> bool:
        """Say whether it is linear in the fields together, or in some of them; numbers that are not known are held."""
        own = {v.symbol for v in self.values if fields is None or v.field in fields}
        own |= {
            i.symbol
            for i in self.integrals
            if fields is None or any(v.field in fields for v in i.integrand.values)
        }
        if any(own & node.free_symbols for node in self.expr.atoms(Relational)):
            return False  # which piece of a function holds
        return all(own.isdisjoint(self.expr.diff(s).free_symbols) for s in own) and all(
            i.integrand.is_linear(fields) for i in self.integrals
        )

    def all_values(self) -> tuple[FieldValue, ...]:
        """Return the field values, those under integrals included, without repeats."""
        found = dict.fromkeys(self.values)
        for integral in self.integrals:
            found |= dict.fromkeys(integral.integrand.all_values())
        return tuple(found)
