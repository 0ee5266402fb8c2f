"""A problem in place and time to the same problem in particle labels and time, itself an ordinary declaration.

    w_t + f . grad_x w = g     becomes     W_t = g,   D_t = f(W, xi + D, t),   D(xi, t0) = 0,

with labels xi of the same symbols and ranges as the places (X = xi when time begins), fields of the same names, and the
displacement D = X - xi, periodic where the domain is. Where f is known along the paths beforehand, D is a
formula: nothing has to be learned for it, and pure convection is W_t = 0. Source: Mojgani, Balajewicz, Hassanzadeh
2022, arXiv 2205.02902; J as in `labels.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr

from pinnsolver.declare import CheckedProblem, Field, FieldValue, check_problem
from pinnsolver.errors import UnsupportedProblem
from pinnsolver.transform.carried_walls import Wall, all_walls, closed_walls
from pinnsolver.transform.crossing import find_spacing
from pinnsolver.transform.labels import Labels, labels_of
from pinnsolver.transform.paths import mean_shift, particle_paths
from pinnsolver.transform.restate import carried_observations, named_as_declared, restated_problem
from pinnsolver.transform.transport import ASKED_FOR, EULERIAN, Transport, find_transport


@dataclass(frozen=True)
class LagrangianFrame:
    """A problem restated for particles.

    Args:
        declared: the problem in place and time.
        restated: the same in labels and time: what is compiled and trained.
        labels: where the particles are.
        learned: names of the fields of `restated` that are displacements.
        transport: the equations of `declared` as transport.
        least: the smallest det J within the horizon; None where it is not known before training.
        follows: whether labels go with the velocity; else they move with its mean.
    """

    declared: CheckedProblem
    restated: CheckedProblem
    labels: Labels
    learned: tuple[str, ...]
    transport: Transport
    least: float | None
    follows: bool = True

    @property
    def name(self) -> str:
        """What the frame is called."""
        return "lagrangian" if self.follows else "moving"

    def value(self, value: FieldValue) -> Expr:
        """Return a derivative of a declared field by place and time in labels."""
        return self.labels.value(value, next(f for f in self.declared.fields if f.name == value.field))

    @property
    def is_still(self) -> bool:
        """Whether nothing changes along the particles: then the solution is its initial values, carried."""
        return all(line.field is not None and line.right == 0 for line in self.transport.lines)


def lagrangian_frame(checked: CheckedProblem) -> LagrangianFrame:
    """Return a problem in the frame of its particles.

    Raises:
        DeclarationError: it has no time or no space.
        UnsupportedProblem: it is no transport by one velocity, its conditions cannot be carried over, or its particles
            are known to cross.
    """
    transport = find_transport(checked)
    walls = closed_walls(checked, transport)
    displacement, learned = particle_paths(checked, transport, walls)
    if learned and len(checked.space) > 2:
        raise UnsupportedProblem(
            f"{ASKED_FOR} the paths of the particles have to be learned, which is built for one and two space coordinates, "
            f"not for {len(checked.space)}.\n{EULERIAN}"
        )
    labels = labels_of(checked, displacement)
    if checked.observations and not labels.is_rigid:
        raise UnsupportedProblem(
            f"{ASKED_FOR} there are observations, and which particles pass by their places is part of the solution.\n{EULERIAN}"
        )
    spacing = find_spacing(checked, transport, labels, not learned)
    if spacing is not None:
        _refuse_crossing(checked, spacing.crossing)
    restated = _restate(checked, transport, labels, learned, walls, follows=True)
    names = tuple(f.name for f in learned.values())
    least = None if spacing is None else spacing.least
    return LagrangianFrame(checked, restated, labels, names, transport, least)


def moving_frame(checked: CheckedProblem) -> LagrangianFrame:
    """Return a problem in a frame that moves with the mean initial velocity along its periodic coordinates.

    Nothing is learned for it and nothing crosses; what is left of the transport stays in the equations.

    Raises:
        DeclarationError: it has no time or no space.
        UnsupportedProblem: it is no transport by one velocity, it is carried nowhere on the mean, or its conditions
            cannot be carried over.
    """
    transport = find_transport(checked)
    displacement = tuple(mean_shift(i, checked, transport) for i in range(len(checked.space)))
    if all(d == 0 for d in displacement):
        raise UnsupportedProblem(
            f"{ASKED_FOR} nothing is carried on the mean along a periodic coordinate.\n{EULERIAN}"
        )
    labels = labels_of(checked, displacement)
    restated = _restate(checked, transport, labels, {}, all_walls(checked), follows=False)
    return LagrangianFrame(checked, restated, labels, (), transport, 1.0, follows=False)


def _restate(
    checked: CheckedProblem,
    transport: Transport,
    labels: Labels,
    learned: dict[int, Field],
    walls: tuple[Wall, ...],
    follows: bool,
) -> CheckedProblem:
    """Return the declaration in labels, checked like any other, with the declared names and observations."""
    problem = restated_problem(checked, transport, labels, learned, walls, follows)
    restated = named_as_declared(check_problem(problem), checked, learned)
    return replace(
        restated, observations=carried_observations(checked, labels) if checked.observations else ()
    )


def _refuse_crossing(checked: CheckedProblem, meeting: float | None) -> None:
    assert checked.time is not None
    if meeting is not None and meeting <= checked.time.high:
        t, start = checked.time.name, checked.time.low
        raise UnsupportedProblem(
            f"{ASKED_FOR} the particles cross at about {t} = {meeting:.6g}: a shock forms, and from then on the field has several "
            f"values at one place.\nEnd the time before, for example time=({t}, {checked.time.low_exact}, "
            f"{start + 0.9 * (meeting - start):.3g}), or give the equation a viscosity. {EULERIAN}"
        )
