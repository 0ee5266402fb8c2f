"""Splines of high degree on a grid, and their derivatives, as sparse matrices (de Boor 1978)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from scipy.interpolate import BSpline

FAINT = 1e-6  # of the most that a product of splines weighs on the points: those that weigh less are left out


@dataclass(frozen=True)
class Axis:
    """The splines of one coordinate: polynomials on about equal pieces that join with all derivatives but the highest.

    Args:
        low, high: the range.
        pieces: number of intervals, about.
        degree: of the polynomials.
        periodic: whether the ends join like two pieces; then there are no breaks.
        breaks: places between two pieces where derivatives need not join from an order on.
        order: that order, 1 to degree.
    """

    low: float
    high: float
    pieces: int
    degree: int
    periodic: bool = False
    breaks: tuple[float, ...] = ()
    order: int = 1

    @property
    def size(self) -> int:
        """Number of splines."""
        return self.pieces if self.periodic else len(self.knots()) - self.degree - 1

    def ends(self) -> np.ndarray:
        """Return the ends of the pieces, in order."""
        bounds = np.array([self.low, *self.breaks, self.high])
        share = self.pieces * np.diff(bounds) / (self.high - self.low)
        counts = np.maximum(np.round(share).astype(int), 1)
        parts = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(bounds, bounds[1:], counts, strict=False)]
        return np.concatenate([*parts, [self.high]])

    def knots(self) -> np.ndarray:
        """Return the knots: the ends of the pieces, breaks several times, and `degree` more at both ends."""
        inner, p = self.ends(), self.degree
        if self.periodic:
            away = (self.high - self.low) / self.pieces * np.arange(1, p + 1)
            return np.concatenate([self.low - away[::-1], inner, self.high + away])
        inner = np.repeat(inner, np.where(np.isin(inner, self.breaks), p - self.order + 1, 1))
        return np.concatenate([[self.low] * p, inner, [self.high] * p])

    def local(self, x: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivative of some order of the splines that are not zero at x (n,), and which they are.

        Returns:
            values and columns, (n, degree + 1) each.
        """
        p, t = self.degree, self.knots()
        x = np.clip(x, self.low, self.high)
        if order > p:
            columns = self._first(x, t)[:, None] + np.arange(p + 1)
            return np.zeros(columns.shape), columns % self.size
        if order:
            t_low = t[order:-order]
            low = BSpline.design_matrix(x, t_low, p - order)
            slopes = sp.identity(len(t) - p - 1, format="csr")
            for k in range(order):
                slopes = _slope(t[k : len(t) - k], p - k) @ slopes
            dense = (low @ slopes).tocsr()
        else:
            dense = BSpline.design_matrix(x, t, p).tocsr()
        columns = self._first(x, t)[:, None] + np.arange(p + 1)
        values = np.asarray(dense[np.arange(len(x))[:, None], columns].todense())
        return values, columns % self.size

    def _first(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the first spline that is not zero at x, (n,)."""
        p = self.degree
        return np.clip(np.searchsorted(t, x, side="right") - 1 - p, 0, len(t) - 2 * p - 2)

    def gauss(self, per_piece: int) -> tuple[np.ndarray, np.ndarray]:
        """Return Gauss points and weights on every piece, (pieces * per_piece,) each."""
        s, w = np.polynomial.legendre.leggauss(per_piece)
        ends = self.ends()
        steps = np.diff(ends)[:, None]
        return (ends[:-1, None] + steps * (s + 1) / 2).ravel(), (steps * w / 2).ravel()

    def collocation(self) -> np.ndarray:
        """Return Gauss points, at least half as many again as there are splines."""
        return self.gauss(max(2, int(np.ceil(1.5 * self.size / (len(self.ends()) - 1)))))[0]


def _slope(t: np.ndarray, degree: int) -> sp.csr_matrix:
    """Return the matrix that takes a spline's coefficients to those of its derivative (de Boor 1978, X.15)."""
    count = len(t) - degree - 1
    width = t[degree + 1 : count + degree] - t[1:count]
    with np.errstate(divide="ignore"):
        factor = np.where(width > 0, degree / width, 0.0)
    return sp.diags([-factor, factor], [0, 1], shape=(count - 1, count), format="csr")


@dataclass(frozen=True, eq=False)
class SplineSpace:
    """Products of splines, one for each coordinate of a field.

    Args:
        columns: the columns of points that the coordinates stand in.
        axes: the splines of each.
        active: which products are used, None for all.
    """

    columns: tuple[int, ...]
    axes: tuple[Axis, ...]
    active: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return self._all if self.active is None else len(self.active)

    @property
    def _all(self) -> int:
        return int(np.prod([a.size for a in self.axes], dtype=int))

    def matrix(self, points: np.ndarray, orders: Sequence[int]) -> sp.csr_matrix:
        """Return the (n, size) values of a derivative at points (n, D).

        Args:
            points: in the problem's columns.
            orders: of the derivative by each of the problem's coordinates.
        """
        n = len(points)
        values, columns = np.ones((n, 1)), np.zeros((n, 1), dtype=np.int64)
        for column, axis in zip(self.columns, self.axes, strict=True):
            v, c = axis.local(points[:, column], orders[column])
            values = (values[:, :, None] * v[:, None, :]).reshape(n, -1)
            columns = (columns[:, :, None] * axis.size + c[:, None, :]).reshape(n, -1)
        start = np.arange(n + 1) * values.shape[1]
        found = sp.csr_matrix((values.ravel(), columns.ravel(), start), shape=(n, self._all))
        return found if self.active is None else found[:, self.active]

    def restricted(self, points: np.ndarray) -> SplineSpace:
        """Return the products that reach to some of the points (n, D)."""
        weight = np.asarray(abs(self.matrix(points, [0] * points.shape[1])).sum(axis=0)).ravel()
        return replace(self, active=np.flatnonzero(weight > FAINT * weight.max()))
