"""What a user writes for a condition that a bare equation cannot say: `On` a boundary, `Periodic`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from pinnsolver.declare.shapes import Boundary, Shape
from pinnsolver.declare.symbols import shown
from pinnsolver.errors import DeclarationError

_ON = (
    'On(domain.boundary, Eq(u(x, y), 0)), On("hole", Eq(NormalDerivative(u(x, y)), 1)) '
    "or On(Eq(u(-1, y), 1), where=y > 0.5)"
)


@dataclass(frozen=True, eq=False, init=False)
class On:
    """Conditions on a boundary, on a named piece of it, or on a part of a face.

    Args:
        place: `domain.boundary`, or the name of a shape whose boundary is meant; left out where the
            equations pin a coordinate.
        equations: sympy equations that hold there.
        where: a sympy relation of the coordinates that narrows the place.
    """

    place: Boundary | str | None
    equations: tuple[Any, ...]
    where: Any

    def __init__(self, *place_and_equations: Any, where: Any = None) -> None:
        place: Boundary | str | None = None
        equations = place_and_equations
        if equations and isinstance(equations[0], str | Boundary):
            place, equations = equations[0], equations[1:]
        if not equations:
            raise DeclarationError(f"On(...) has no equation.\nWrite for example {_ON}")
        for equation in equations:
            if isinstance(equation, Shape):
                raise DeclarationError(
                    f"On(...) got the shape {equation}; a condition holds on its boundary.\nWrite On(domain.boundary, ...)"
                )
            if not isinstance(equation, sympy.Basic | bool):
                raise DeclarationError(
                    f"On(...) got {shown(equation)}, which is neither a boundary nor an equation.\nWrite for example {_ON}"
                )
            if isinstance(equation, Relational) and not isinstance(equation, Eq):
                raise DeclarationError(
                    f"On(...) got the inequality {equation} as an equation.\nWrite where={equation} to narrow the place"
                )
        if where is not None and (not isinstance(where, Boolean | bool) or isinstance(where, sympy.Symbol)):
            raise DeclarationError(
                f"On(..., where={shown(where)}): where has to be a relation of the coordinates.\n"
                "Write for example where=x < 0, or where=(x > 0) & (y < 1)"
            )
        object.__setattr__(self, "place", place)
        object.__setattr__(self, "equations", equations)
        object.__setattr__(self, "where", where)


@dataclass(frozen=True, eq=False, init=False)
class Periodic:
    """The solution is periodic in these coordinates, with all its derivatives; for all fields.

    The period is the coordinate's whole range.
    """

    symbols: tuple[sympy.Symbol, ...]

    def __init__(self, *symbols: sympy.Symbol) -> None:
        if not symbols or not all(isinstance(s, sympy.Symbol) for s in symbols):
            raise DeclarationError(
                f"Periodic({', '.join(map(shown, symbols))}) needs coordinates of the domain.\nWrite for example Periodic(x)"
            )
        object.__setattr__(self, "symbols", symbols)
