"""A problem solved at once over its whole domain by spline collocation in the sense of least squares.

Every coordinate is treated alike, the time too. More points than splines: what a declaration says twice at a corner, or of
a pressure, needs no bookkeeping. On a shape the splines of the box around it are used, those that reach into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pinnsolver.declare.values import Field, FieldValue
from pinnsolver.verify.classical.forward import Deadline, Forward
from pinnsolver.verify.classical.newton import Solver
from pinnsolver.verify.classical.places import axis_nodes, condition_points, inside, tensor
from pinnsolver.verify.classical.splines import Axis, SplineSpace
from pinnsolver.verify.classical.system import Base, Operator, Part, Rows, System, Trial


@dataclass(frozen=True, eq=False)
class WholeTrial(Trial):
    """Splines over all coordinates of a field.

    Args:
        spaces: by field.
        axes: by coordinate name.
    """

    spaces: dict[str, SplineSpace]
    axes: dict[str, Axis]

    def size(self, name: str) -> int:
        """Return the number of splines of a field."""
        return self.spaces[name].size

    def operator(self, value: FieldValue, points: np.ndarray, stage: np.ndarray | None) -> Operator:
        """Return a derivative at points (n, D)."""
        return Operator(self.spaces[value.field].matrix(points, value.orders))

    def scale(self, value: FieldValue) -> float:
        """Return 1: there is no time step."""
        return 1.0

    def lifted(self, value: FieldValue, operator: Operator) -> float:
        """Return 0: nothing is known beforehand."""
        return 0.0

    def quadrature(self, name: str, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        """Return Gauss nodes and weights on as many pieces as the splines have."""
        return Axis(low, high, self.axes[name].pieces, 1).gauss(self.axes[name].degree + 1)


@dataclass(frozen=True, eq=False)
class Whole:
    """A problem on one grid of splines.

    Args:
        system: its rows.
        trial: its splines.
        forward: the problem.
    """

    system: System
    trial: WholeTrial
    forward: Forward

    @classmethod
    def on(cls, forward: Forward, axes: Sequence[Axis]) -> Whole:
        """Return the rows of a problem for the splines of each coordinate."""
        nodes = axis_nodes(axes)
        points = inside(forward, tensor(forward, nodes))
        spaces = {f.name: space_of(f, forward, axes, points) for f in forward.fields}
        trial = WholeTrial(spaces, {c.name: a for c, a in zip(forward.coordinates, axes, strict=True)})
        rows = [Rows(name, lowered, points) for name, lowered in forward.equations.items()]
        for condition in forward.conditions:
            places, normals = condition_points(condition, forward, nodes)
            rows.append(Rows(condition.name, condition.residual, places, normals, condition=True))
        parts = [Part(forward, trial, row) for row in rows]
        return cls(System(forward, trial, parts), trial, forward)

    def solve(
        self,
        guess: Callable[[str, np.ndarray], np.ndarray] | None,
        deadline: Deadline,
        base: Base | None = None,
    ) -> np.ndarray:
        """Return the vector of the system.

        Args:
            guess: of a field at points (n, D): where Newton's method starts; zero for None.
            deadline: when to give up.
            base: what is solved for is the difference to these values.
        """
        self.system.begin(base=base)
        start = np.zeros(self.system.size)
        if guess is not None:
            points = self.system.parts[0].rows.points
            for name, part in self.system.slices.items():
                start[part] = fit(self.trial.spaces[name], points, guess(name, points))
        start[self.system.size - len(self.forward.unknowns) :] = list(self.forward.unknowns.values())
        return Solver(deadline).solve(self.system, start)

    def values(self, vector: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
        """Return the fields at points (n, D), (n,) each."""
        coefficients, _ = self.system.split(vector)
        zero = [0] * len(self.forward.coordinates)
        return {
            name: space.matrix(points, zero) @ coefficients[name] for name, space in self.trial.spaces.items()
        }


def space_of(field: Field, forward: Forward, axes: Sequence[Axis], points: np.ndarray) -> SplineSpace:
    """Return the splines of a field.

    Args:
        axes: of the first columns, all of them or all but the time.
        points: (n, D) of the domain, which on a shape the splines have to reach.
    """
    columns = tuple(c for c in forward.columns(field) if c < len(axes))
    space = SplineSpace(columns, tuple(axes[c] for c in columns))
    return space if forward.shape is None else space.restricted(points)


def fit(space: SplineSpace, points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the coefficients (m,) of the splines nearest to values (n,) at points (n, D)."""
    from pinnsolver.verify.classical.newton import Factor

    return Factor(space.matrix(points, [0] * points.shape[1])).solve(-values)
