"""Which particle is at a place: the flow map xi -> X(xi, t) of a trained Lagrangian frame, inverted.

In one dimension X rises with xi while particles keep their order, so that each place has a bracket, and Newton's
method safeguarded by bisection always ends. In more dimensions Newton's method starts from the place itself and, where it fails,
follows the particle through time: its label at t/n, 2t/n, ..., each the start of the next. From the moment on at which particles
cross, a place has several labels or none: there the label is NaN, as is all that is read out.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import sympy
import torch

from pinnsolver.compile import CompiledProblem
from pinnsolver.train import TrainableProblem, WindowedProblem

ITERATIONS = 100
STAGES = (1, 8, 64)  # of time, for places whose label Newton's method misses
LABELS = {1: 513, 2: 65, 3: 17}  # along each label, for the search of a crossing
MOMENTS = {1: 129, 2: 33, 3: 17}
PARAMETERS = 3  # members of a family that are looked at, along each parameter


class FlowMap:
    """The places of the particles of a trained problem, and their labels.

    Args:
        compiled: the problem restated in labels.
        module: its trained network.
        watch: look for a crossing; from then on there are no labels.
    """

    def __init__(
        self, compiled: CompiledProblem, module: TrainableProblem | WindowedProblem, watch: bool = True
    ) -> None:
        frame = compiled.transformed.frame
        assert frame is not None
        checked = frame.declared
        self._module, self._watch = module, watch
        self._rigid = frame.labels.is_rigid
        self._checked = checked
        self._n = len(checked.space)
        n = range(self._n)
        wanted: dict[str, sympy.Expr] = {f"X{i}": frame.labels.positions[i] for i in n}
        wanted |= {f"J{i}{j}": frame.labels.jacobian[i, j] for i in n for j in n}
        self._wanted = compiled.evaluator(wanted)
        self._length = np.array([c.length for c in checked.space])
        self._low = np.array([c.low for c in checked.space])
        self._periodic = np.array([c.name in checked.periodic for c in checked.space])
        assert checked.time is not None
        self._time = checked.coordinates.index(checked.time)
        single = compiled.transformed.settings.precision == "float32"
        self._close = (64 * float(np.finfo(np.float32 if single else float).eps)) * (
            self._length + np.maximum(abs(self._low), abs(self._low + self._length))
        )

    def at(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return places (n, k) and dX/dxi (n, k, k) at (n, D) labels."""
        module = self._module
        with torch.no_grad():
            found = self._wanted(labels, module.network, module.unknowns.values(), module.device)
        n = range(self._n)
        places = np.stack([found[f"X{i}"] for i in n], axis=1)
        jacobian = np.stack([np.stack([found[f"J{i}{j}"] for j in n], axis=1) for i in n], axis=1)
        return places, jacobian

    def labels(self, points: np.ndarray) -> np.ndarray:
        """Return the labels of the particles at (n, D) points, (n, D); NaN where there is none, or more than one."""
        if not len(points):
            return points
        if self._rigid:
            found = points.copy()
            displacement = self.at(points)[0] - points[:, : self._n]
            found[:, : self._n] = self._wrapped(points[:, : self._n] - displacement)
            return found
        found = self._bracketed(points) if self._n == 1 else self._followed(points)
        if self.crossing is not None:
            found[points[:, self._time] >= self.crossing, : self._n] = np.nan
        return found

    def _wrapped(self, labels: np.ndarray) -> np.ndarray:
        """Return (n, k) labels within their ranges: by whole periods, or at the nearest wall."""
        turned = self._low + np.mod(labels - self._low, self._length)
        return np.where(self._periodic, turned, np.clip(labels, self._low, self._low + self._length))

    # ------------------------------------------------------------------------------- one dimension

    def _bracketed(self, points: np.ndarray) -> np.ndarray:
        """Return labels by Newton's method within brackets, (n, D)."""
        low, length, close = self._low[0], self._length[0], self._close[0]
        labels = points.copy()
        labels[:, 0] = low
        first = self.at(labels)[0][:, 0]
        target = points[:, 0].copy()
        if self._periodic[0]:  # into [X(low), X(low) + period): X of a period is a period
            target += length * np.ceil((first - target) / length)
        a, b = np.full(len(points), low), np.full(len(points), low + length)
        labels[:, 0] = np.clip(low + (target - first), a, b)
        left = np.arange(len(points))
        rising = np.ones(len(points), dtype=bool)
        for k in range(ITERATIONS):
            places, jacobian = self.at(labels[left])
            off, slope = places[:, 0] - target[left], jacobian[:, 0, 0]
            rising[left] = slope > 0
            x = labels[left, 0]
            a[left] = np.where(off < 0, x, a[left])
            b[left] = np.where(off > 0, x, b[left])
            keep = ~(abs(off) <= close) & (b[left] - a[left] > 0.1 * close)
            left, x, off, slope = left[keep], x[keep], off[keep], slope[keep]
            if not len(left):
                break
            with np.errstate(all="ignore"):
                step = x - off / slope
            inside = (step > a[left]) & (step < b[left]) & (k % 4 != 3)
            labels[left, 0] = np.where(inside, step, 0.5 * (a[left] + b[left]))
        labels[left, 0] = np.nan
        labels[~rising, 0] = np.nan
        return labels

    # ------------------------------------------------------------------------------ more dimensions

    def _followed(self, points: np.ndarray) -> np.ndarray:
        """Return labels by Newton's method, followed through time where it fails, (n, D)."""
        start = self._checked.coordinates[self._time].low
        labels = points.copy()
        left = np.arange(len(points))
        for stages in STAGES:
            guess = points[left]
            for stage in range(1, stages + 1):
                then = points[left]
                then[:, self._time] = start + (then[:, self._time] - start) * stage / stages
                guess[:, self._time] = then[:, self._time]
                guess, solved = self._newton(guess, then)
            labels[left] = guess
            left = left[~solved]
            if not len(left):
                break
        labels[left, : self._n] = np.nan
        return labels

    def _newton(self, labels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (n, D) labels nearer to those of (n, D) points, and which are exact; steps are halved until they help."""
        labels = labels.copy()
        left = np.arange(len(points))
        off, jacobian = self._gap(labels, points)
        solved = np.zeros(len(points), dtype=bool)
        for _ in range(ITERATIONS):
            solved[left] = (abs(off) <= self._close).all(axis=1) & (np.linalg.det(jacobian) > 0)
            keep = ~solved[left] & np.isfinite(off).all(axis=1) & (abs(np.linalg.det(jacobian)) > 1e-12)
            left, off, jacobian = left[keep], off[keep], jacobian[keep]
            if not len(left):
                break
            step = np.linalg.solve(jacobian, off[:, :, None])[:, :, 0]
            size, open_ = np.linalg.norm(off, axis=1), np.ones(len(left), dtype=bool)
            for share in (1.0, 0.5, 0.25, 0.1, 0.02):
                trial = labels[left]
                trial[:, : self._n] = self._wrapped(trial[:, : self._n] - share * step)
                new_off, new_jacobian = self._gap(trial, points[left])
                better = open_ & (np.linalg.norm(new_off, axis=1) < size)
                rows = left[better]
                labels[rows] = trial[better]
                off[better], jacobian[better] = new_off[better], new_jacobian[better]
                open_ &= ~better
                if not open_.any():
                    break
            left, off, jacobian = left[~open_], off[~open_], jacobian[~open_]
        return labels, solved

    def _gap(self, labels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much particles miss their points, the nearest image counting, and dX/dxi."""
        places, jacobian = self.at(labels)
        off = places - points[:, : self._n]
        turns = np.where(self._periodic, np.round(off / self._length), 0.0)
        return off - turns * self._length, jacobian

    # ------------------------------------------------------------------------------------- crossing

    @cached_property
    def crossing(self) -> float | None:
        """The first time at which particles cross, on a grid of labels; None where they keep their order."""
        if self._rigid or not self._watch:
            return None
        counts = []
        for c in self._checked.coordinates:
            own = {"space": LABELS, "time": MOMENTS}.get(c.role, {})
            counts.append(own.get(self._n, PARAMETERS))
        axes = [
            np.linspace(c.low, c.high, count)
            for c, count in zip(self._checked.coordinates, counts, strict=True)
        ]
        grid = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        bad = np.linalg.det(self.at(grid)[1]) <= 0  # NaN where windows of time are not solved yet
        return float(grid[bad, self._time].min()) if bad.any() else None
