"""Least squares: sparse or dense factors that are used again, and Newton's method on the residuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from pinnsolver.verify.classical.forward import Deadline, NotApplicableError, OutOfTimeError
from pinnsolver.verify.classical.system import System

DENSE = 700  # columns up to which a QR factorisation with pivoting is as fast as a sparse one
FULL, MOST_FULL = (
    0.1,
    4000,
)  # share of entries that are not zero, and columns, between which full matrices are faster
RANK = 1e-13
TIKHONOV = 1e-15
REFINEMENTS = 3
CONTRACTION = 0.3  # a step that shrinks less than this wants a fresh Jacobian
PATIENCE = 40
STANDSTILL = 0.9  # part of the residual that is left where least squares have come to their end
FLOOR = 1e-12
SPARSE_RATE, FULL_RATE = 6e8, 3e10  # multiplications of matrices a second, measured on one core


def _work(jacobian: sp.csr_matrix) -> tuple[float, float]:
    """Return about how many seconds the normal equations take, as a sparse and as a full matrix."""
    rows, columns = jacobian.shape
    per_row = jacobian.nnz / max(rows, 1)
    return rows * per_row**2 / SPARSE_RATE, (rows + columns / 3) * columns**2 / FULL_RATE


def seconds_of(jacobian: sp.csr_matrix) -> float:
    """Return about how long a Jacobian takes to be factored."""
    return min(_work(jacobian))


class Factor:
    """A Jacobian made ready to solve min |J d + r| for several r.

    Dense by QR with column pivoting, columns without weight left out; sparse by Cholesky-like factors of the normal
    equations with refinement, which makes up for their squared condition number.

    Args:
        jacobian: (n, m).
    """

    def __init__(self, jacobian: sp.csr_matrix) -> None:
        self._scale = np.sqrt(np.asarray(jacobian.multiply(jacobian).sum(axis=0)).ravel())
        self._scale[self._scale == 0] = 1.0
        self._jacobian = (jacobian @ sp.diags(1 / self._scale)).tocsr()
        if not np.isfinite(self._jacobian.data).all():
            raise NotApplicableError("the residuals are not finite everywhere")
        self.rank = jacobian.shape[1]
        self._dense = self.rank <= DENSE
        if self._dense:
            self._q, triangle, self._order = scipy.linalg.qr(
                self._jacobian.toarray(), mode="economic", pivoting=True, check_finite=False
            )
            sizes = abs(np.diag(triangle))
            self.rank = int((sizes > RANK * sizes[0]).sum())
            self._triangle = triangle[: self.rank, : self.rank]
        else:
            self._normal = self._full_normal() or self._sparse_normal()

    def _full_normal(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """Return what solves the normal equations as a full matrix, None where a sparse one is better or needed."""
        columns = self._jacobian.shape[1]
        sparse, full = _work(self._jacobian)
        if full > sparse or columns > MOST_FULL:
            return None
        dense = self._jacobian.toarray()
        normal = dense.T @ dense
        normal[np.diag_indices(columns)] += TIKHONOV
        try:
            factors = scipy.linalg.cho_factor(normal, overwrite_a=True, check_finite=False)
        except scipy.linalg.LinAlgError:  # not definite, to rounding: pivots help
            return None
        return partial(scipy.linalg.cho_solve, factors, check_finite=False)

    def _sparse_normal(self) -> Callable[[np.ndarray], np.ndarray]:
        normal = (self._jacobian.T @ self._jacobian).tocsc()
        normal += TIKHONOV * sp.identity(self.rank, format="csc")
        try:
            factors = splu(
                normal, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
        except RuntimeError:
            raise NotApplicableError("its equations do not determine the fields") from None
        return cast(Callable[[np.ndarray], np.ndarray], factors.solve)

    def solve(self, residual: np.ndarray) -> np.ndarray:
        """Return the step d (m,) with the smallest |J d + residual|."""
        found = np.zeros(self._jacobian.shape[1])
        if self._dense:
            inner = scipy.linalg.solve_triangular(
                self._triangle, self._q[:, : self.rank].T @ -residual, check_finite=False
            )
            found[self._order[: self.rank]] = inner
        else:
            for _ in range(REFINEMENTS):
                found -= self._normal(self._jacobian.T @ (residual + self._jacobian @ found))
        return found / self._scale

    def remainder(self, step: np.ndarray, residual: np.ndarray) -> float:
        """Return |J d + residual|^2 for a step d (m,)."""
        left = residual + self._jacobian @ (self._scale * step)
        return float(left @ left)


@dataclass
class Solver:
    """Newton's method that keeps its factors as long as they serve."""

    deadline: Deadline
    factor: Factor | None = None

    def forget(self) -> None:
        """Drop the factors: the system has changed."""
        self.factor = None

    def solve(self, system: System, start: np.ndarray, tolerance: float = 1e-10) -> np.ndarray:
        """Return the vector whose residuals are least.

        Args:
            system: the rows, at their time step.
            start: (m,) first guess.
            tolerance: of the last step, relative to the vector.

        Raises:
            NotApplicableError: it does not converge.
        """
        vector, last, before = start.copy(), np.inf, np.inf
        fresh = False
        for _ in range(PATIENCE):
            self.deadline.check()
            if self.factor is None:
                jacobian = system.jacobian(vector)
                if seconds_of(jacobian) > max(self.deadline.left, 0.0):
                    raise OutOfTimeError("its matrices take longer than verification may")
                self.factor, fresh = Factor(jacobian), True
            residual = system.residual(vector)
            if not np.isfinite(residual).all():
                raise NotApplicableError("Newton's method leaves the finite numbers")
            step = self.factor.solve(residual)
            size = float(np.linalg.norm(step)) / max(float(np.linalg.norm(vector)), 1e-30)
            height = float(np.linalg.norm(residual))
            # Of a linear problem what still moves then are splines that hardly reach into the domain.
            if system.linear and (fresh or height > STANDSTILL * before):
                return vector + step
            before = height
            if size <= tolerance or (size < 1e3 * tolerance and size > last / 2):
                return vector + step
            if not system.linear and size > CONTRACTION * last and not fresh:
                self.factor = None  # the old Jacobian no longer points the way
                last = np.inf
                continue
            share = (
                _backtrack(system, vector, step, residual, self.factor)
                if fresh and not system.linear
                else 1.0
            )
            vector = vector + share * step
            if fresh and (share < 1 or size > CONTRACTION):
                self.factor = None
            last, fresh = size, False
        raise NotApplicableError("Newton's method does not converge")


def _backtrack(
    system: System, vector: np.ndarray, step: np.ndarray, residual: np.ndarray, factor: Factor
) -> float:
    """Return the share of a Newton step that brings a tenth of the decrease that the linear model promises."""
    before = float(residual @ residual)
    promised = before - factor.remainder(step, residual)
    share = 1.0
    for _ in range(10):
        after = system.residual(vector + share * step)
        left = float(after @ after)
        if np.isfinite(left) and left <= before - 0.1 * share * promised + FLOOR * before:
            return share
        share /= 2
    return share
