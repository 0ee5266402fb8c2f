"""Particle labels and the chain rule: derivatives by place and time as those by label and time.

A particle that was at xi when time began is at X(xi, t) = xi + D(xi, t). With J = dX/dxi, for any quantity g(xi, t)

    grad_x g = J^-T grad_xi g,        dg/dt at a fixed place = g_t - X_t . grad_x g,

and a second derivative is the first one applied again: u_xx = (1/J) d/dxi(U_xi / J). Source: Mojgani, Balajewicz and
Hassanzadeh 2022, arXiv 2205.02902, whose released code takes U_xixi there, right only where J = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Matrix, Symbol

from pinnsolver.declare import CheckedProblem, Field, FieldValue


@dataclass(frozen=True)
class Labels:
    """The places of particles as expressions of their labels; a label has the symbol of its coordinate.

    Args:
        coordinates: all coordinates' symbols, in column order.
        space: those of them that are labels.
        time: of the coordinates.
        displacement: D by label, with sympy functions of the coordinates where it is to be learned.
    """

    coordinates: tuple[Symbol, ...]
    space: tuple[Symbol, ...]
    time: Symbol
    displacement: tuple[Expr, ...]

    @property
    def positions(self) -> tuple[Expr, ...]:
        """X by label."""
        return tuple(x + d for x, d in zip(self.space, self.displacement, strict=True))

    @cached_property
    def jacobian(self) -> Matrix:
        """J = dX/dxi."""
        n = len(self.space)
        return Matrix(n, n, lambda i, j: int(i == j) + self.displacement[i].diff(self.space[j]))

    @cached_property
    def determinant(self) -> Expr:
        """det J: by how much a cloud of particles has grown."""
        found: Expr = self.jacobian[0, 0] if len(self.space) == 1 else self.jacobian.det(method="berkowitz")
        return found

    @property
    def is_rigid(self) -> bool:
        """Whether all particles move alike: J = 1."""
        return bool(self.jacobian == sympy.eye(len(self.space)))

    @cached_property
    def _inverse(self) -> Matrix:
        return self.jacobian.adjugate() / self.determinant

    def slope(self, g: Expr, i: int) -> Expr:
        """Return dg/dx_i at a fixed time."""
        if self.is_rigid:
            return g.diff(self.space[i])
        terms = (self._inverse[j, i] * g.diff(x) for j, x in enumerate(self.space))
        return sympy.Add(*terms)

    def rate(self, g: Expr) -> Expr:
        """Return dg/dt at a fixed place."""
        carried = (d.diff(self.time) * self.slope(g, i) for i, d in enumerate(self.displacement))
        return g.diff(self.time) - sympy.Add(*carried)

    def value(self, value: FieldValue, function: Field) -> Expr:
        """Return a derivative of a field by place and time in labels; pins are put in last."""
        found: Expr = function.applied
        for symbol, order in zip(self.coordinates, value.orders, strict=True):
            for _ in range(order):
                found = (
                    self.slope(found, self.space.index(symbol)) if symbol in self.space else self.rate(found)
                )
        return found


def labels_of(checked: CheckedProblem, displacement: Sequence[Expr]) -> Labels:
    """Return the labels of a problem's coordinates."""
    assert checked.time is not None
    symbols = tuple(c.symbol for c in checked.coordinates)
    return Labels(symbols, tuple(c.symbol for c in checked.space), checked.time.symbol, tuple(displacement))
