"""Residuals as torch functions, grouped by the points they share.

A group is one set of points: all equations in the interior, or the conditions of one region. A group
may look at several places (`Eq(u(-1, t), u(1, t))`) and at quadrature nodes (integrals); each of these
is a view: its points follow from the group's own, and the network is asked once for each view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sympy import Symbol

from pinnsolver.compile.plan import DerivativePlan, FieldDerivative
from pinnsolver.compile.printing import compile_expressions
from pinnsolver.compile.sums import collapse_sums
from pinnsolver.declare import CheckedProblem, Region
from pinnsolver.declare.lower import FieldValue, IntegralValue, Lowered, Pins

NORMALS = tuple(Symbol(f"⟨normal {i}⟩") for i in range(16))
DATA = Symbol("⟨measured⟩")


@dataclass(frozen=True)
class View:
    """One set of points derived from a group's points.

    Args:
        pins: columns set to a value.
        nodes: (q, k) quadrature nodes and (q,) weights that replace `columns`; None for none.
    """

    pins: tuple[tuple[int, float], ...] = ()
    columns: tuple[int, ...] = ()
    nodes: np.ndarray | None = None
    weights: np.ndarray | None = None

    def points(self, base: np.ndarray) -> np.ndarray:
        """Return the (n q, D) points of this view for (n, D) points of the group."""
        points = base.copy()
        for column, value in self.pins:
            points[:, column] = value
        if self.nodes is None:
            return points
        q = len(self.nodes)
        points = np.repeat(points, q, axis=0)  # (n, D) -> (n q, D), node fastest
        points[:, list(self.columns)] = np.tile(self.nodes, (len(base), 1))
        return points


@dataclass(frozen=True)
class Residual:
    """One named residual of a group.

    Args:
        name: of the loss term.
        function: of the symbols in `symbols`, columns (n, 1), giving one column.
        symbols: coordinates, unknowns, normals, measured values, field values, integrals.
        slots: field value symbol -> (view, value).
        integrals: integral symbol -> (view, inner residual function).
    """

    name: str
    function: Callable[..., list[torch.Tensor]]
    symbols: tuple[Symbol, ...]
    slots: Mapping[Symbol, tuple[int, FieldValue]]
    integrals: Mapping[Symbol, tuple[int, Residual]]


@dataclass(frozen=True)
class TermGroup:
    """Residuals that share a set of points.

    Args:
        kind: "equation", "condition" or "observation".
        region: where the points are; None for the interior, and for observations.
        residuals: named, in the order of declaration.
        views: the sets of points at which the network is asked, with the plan of each.
        fixed: (n, D) points and (n, 1) data of observations, else None.
    """

    kind: str
    region: Region | None
    residuals: tuple[Residual, ...]
    views: tuple[tuple[View, DerivativePlan], ...]
    fixed: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its loss terms."""
        return tuple(r.name for r in self.residuals)


class _Views:
    """Collects the views of a group and what each has to deliver."""

    def __init__(self, checked: CheckedProblem) -> None:
        self.checked = checked
        self.columns = {c.name: i for i, c in enumerate(checked.coordinates)}
        self.wanted: dict[tuple[Pins, tuple[tuple[str, float, float], ...]], list[FieldDerivative]] = {}

    def slot(self, value: FieldValue, limits: tuple[tuple[str, float, float], ...] = ()) -> int:
        """Return the number of the view that delivers a field value."""
        key = (value.pins, limits)
        wanted = self.wanted.setdefault(key, [])
        wanted += needed_derivatives(value, self.checked)
        return list(self.wanted).index(key)

    def build(self, nodes: int) -> tuple[tuple[View, DerivativePlan], ...]:
        """Return the views with their plans."""
        return tuple((self._view(*key, nodes), DerivativePlan.of(w)) for key, w in self.wanted.items())

    def _view(self, pins: Pins, limits: tuple[tuple[str, float, float], ...], count: int) -> View:
        pinned = tuple((self.columns[name], float(value)) for name, value in pins)
        if not limits:
            return View(pinned)
        nodes, weights = quadrature(limits, count)
        return View(pinned, tuple(self.columns[name] for name, _, _ in limits), nodes, weights)


def needed_derivatives(value: FieldValue, checked: CheckedProblem) -> list[FieldDerivative]:
    """Return the derivatives behind a field value: itself, or the gradient of a normal derivative."""
    if not value.normal:
        return [(value.field, value.orders)]
    return [
        (value.field, tuple(o + (k == i) for k, o in enumerate(value.orders)))
        for i in range(len(checked.space))
    ]


def quadrature(limits: Sequence[tuple[str, float, float]], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Legendre nodes (q, k) and weights (q,) on a box; fewer along each of many coordinates."""
    count = max(4, min(count, round(4096 ** (1 / len(limits)))))
    x, w = np.polynomial.legendre.leggauss(count)
    axes = [(0.5 * (b - a) * x + 0.5 * (a + b), 0.5 * (b - a) * w) for _, a, b in limits]
    nodes = np.stack([g.ravel() for g in np.meshgrid(*(a for a, _ in axes), indexing="ij")], axis=1)
    weights = np.prod([g.ravel() for g in np.meshgrid(*(b for _, b in axes), indexing="ij")], axis=0)
    return nodes, weights


def compile_groups(checked: CheckedProblem, nodes: int) -> tuple[TermGroup, ...]:
    """Return all residuals of a problem as groups: equations, conditions by region, observations.

    Args:
        nodes: quadrature nodes along each integrated coordinate.

    Raises:
        CompileError: a function has no counterpart in torch.
    """
    views = _Views(checked)
    lowered = collapse_sums([e.residual for e in checked.equations])
    equations = tuple(
        _residual(e.name, own, views, f"The equation {e.source}")
        for e, own in zip(checked.equations, lowered, strict=True)
    )
    groups = [TermGroup("equation", None, equations, views.build(nodes))]
    regions: dict[tuple[Region, tuple[Pins, ...]], list[int]] = {}
    for k, condition in enumerate(checked.conditions):
        regions.setdefault((condition.region, condition.locations), []).append(k)
    for (region, _), members in regions.items():
        views = _Views(checked)
        residuals = tuple(
            _residual(c.name, c.residual, views, f"The condition {c.name}")
            for c in (checked.conditions[k] for k in members)
        )
        groups.append(TermGroup("condition", region, residuals, views.build(nodes)))
    for measured in checked.observations:
        views = _Views(checked)
        misfit = Lowered(measured.quantity.expr - DATA, measured.quantity.values)
        residual = _residual(measured.name, misfit, views, f"The observation of {measured.source}")
        points = np.empty((len(measured.points), len(checked.coordinates)))
        points[:] = [0.5 * (c.low + c.high) for c in checked.coordinates]
        points[:, [views.columns[n] for n in measured.coordinates]] = measured.points
        fixed = (points, measured.values[:, None])
        groups.append(TermGroup("observation", None, (residual,), views.build(nodes), fixed))
    return tuple(groups)


def _residual(
    name: str,
    lowered: Lowered,
    views: _Views,
    where: str,
    limits: tuple[tuple[str, float, float], ...] = (),
) -> Residual:
    """Return a lowered expression as a torch function with its slots."""
    checked = views.checked
    slots = {v.symbol: (views.slot(v, limits), v) for v in lowered.values}
    integrals = {i.symbol: _integral(i, views, where) for i in lowered.integrals}
    symbols: tuple[Symbol, ...] = (
        *(c.symbol for c in checked.coordinates),
        *checked.unknowns,
        DATA,
        *slots,
        *integrals,
    )
    function = compile_expressions([lowered.expr], symbols, where)
    return Residual(name, function, symbols, slots, integrals)


def _integral(integral: IntegralValue, views: _Views, where: str) -> tuple[int, Residual]:
    """Return the view of an integral's nodes and its integrand."""
    pins: Pins = ()
    inner = _residual("integrand", integral.integrand, views, where, integral.limits)
    used = {view for view, _ in inner.slots.values()}
    if not used:  # an integral of data only still needs its nodes
        views.wanted.setdefault((pins, integral.limits), [])
        used = {list(views.wanted).index((pins, integral.limits))}
    return min(used), inner
