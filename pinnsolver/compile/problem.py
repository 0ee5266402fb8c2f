"""The compiled problem: on given points, the value of every named residual, for any field network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
import torch
from sympy import Expr

from pinnsolver.compile.ansatz import AnsatzPlan, compile_ansatz
from pinnsolver.compile.plan import DerivativePlan, FieldDerivative, FieldNetwork, Linearised
from pinnsolver.compile.printing import compile_expressions
from pinnsolver.compile.seam import Seam
from pinnsolver.compile.terms import DATA, Residual, TermGroup, View, compile_groups, needed_derivatives
from pinnsolver.declare.lower import FieldValue, lower
from pinnsolver.errors import DeclarationError
from pinnsolver.transform import TransformedProblem


@dataclass(frozen=True)
class PreparedView:
    """Points of one view on the device, with what depends on them alone."""

    points: torch.Tensor
    ansatz: AnsatzPlan
    tables: list[torch.Tensor]

    def values(self, network: FieldNetwork) -> dict[FieldDerivative, torch.Tensor]:
        """Return the planned derivatives of the fields, (n, 1) each."""
        raw = network.derivatives(self.points, self.ansatz.raw) if self.ansatz.raw.wanted else {}
        return self.ansatz.assemble(self.tables, raw)


@dataclass(frozen=True)
class PreparedGroup:
    """A group of terms on its points.

    Args:
        group: its residuals.
        columns: (n, 1) columns of the group's own points.
        normals: (n, k) outward normals, None where there is no boundary.
        data: (n, 1) measured values, None but for observations.
        views: one for each view of the group.
        points: (n, D) what the columns were made of, in double precision.
        point_normals: likewise the normals, (n, k) or None.
    """

    group: TermGroup
    columns: tuple[torch.Tensor, ...]
    normals: torch.Tensor | None
    data: torch.Tensor | None
    views: tuple[PreparedView, ...]
    points: np.ndarray
    point_normals: np.ndarray | None


def _spread(value: torch.Tensor, rows: int) -> torch.Tensor:
    """Return a number as it is, a column (n, 1) of one for each point as (n q, 1): one for each node."""
    return value if value.ndim == 0 or len(value) == rows else value.repeat_interleave(rows // len(value), 0)


class CompiledProblem:
    """Residual functions, ansatz and derivative plans of one problem, ready for torch.

    Args:
        transformed: the problem.
        seam: the state that the last window of time hands over.
        plain: whether its networks give the fields outright, as those of several windows of time together do.
        groups: those of a problem that differs in the ranges of its coordinates only.

    Raises:
        CompileError: a function has no counterpart in torch.
    """

    def __init__(
        self,
        transformed: TransformedProblem,
        seam: Seam | None = None,
        plain: bool = False,
        groups: tuple[TermGroup, ...] | None = None,
    ) -> None:
        self.transformed = transformed
        self.seam = seam
        self.plain = plain
        self.checked = transformed.checked
        settings = transformed.settings
        self.groups = groups or compile_groups(self.checked, settings.points.integral or 48)
        self.dtype = torch.float32 if settings.precision == "float32" else torch.float64
        self._known_plans: dict[DerivativePlan, AnsatzPlan] = {}
        self._plans = [[self.ansatz_plan(plan) for _, plan in g.views] for g in self.groups]

    def ansatz_plan(self, plan: DerivativePlan) -> AnsatzPlan:
        """Return how planned derivatives of the fields follow from raw ones; worked out once for each plan."""
        if plan not in self._known_plans:
            self._known_plans[plan] = compile_ansatz(self.transformed, plan, self.seam, self.plain)
        return self._known_plans[plan]

    def derivatives_of(
        self, network: FieldNetwork, points: torch.Tensor, plan: DerivativePlan
    ) -> dict[FieldDerivative, torch.Tensor]:
        """Return planned derivatives of the fields, (n, 1) each, at (n, D) points on the device."""
        ansatz = self.ansatz_plan(plan)
        return PreparedView(points, ansatz, ansatz.tables(points)).values(network)

    @property
    def trained_groups(self) -> tuple[int, ...]:
        """Indices of the groups that training has to look at: those with a condition that is not built in."""
        return tuple(k for k, g in enumerate(self.groups) if any(self.is_trained(n) for n in g.names))

    def is_trained(self, name: str) -> bool:
        """Say whether a named term belongs to the loss; a hard condition holds anyway."""
        enforcement = self.transformed.enforcement.get(name)
        return enforcement is None or enforcement.how == "soft"

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the terms of the loss, in the order of declaration."""
        return tuple(n for g in self.groups for n in g.names if self.is_trained(n))

    @property
    def derivatives(self) -> tuple[FieldDerivative, ...]:
        """All derivatives that some residual needs."""
        plans = [plan for g in self.groups for _, plan in g.views]
        return DerivativePlan.of(key for plan in plans for key in plan.wanted).wanted

    def tensor(self, values: np.ndarray, device: torch.device | str) -> torch.Tensor:
        """Return an array as a tensor of the run's precision."""
        return torch.as_tensor(np.ascontiguousarray(values), dtype=self.dtype, device=device)

    def prepare(
        self, k: int, points: np.ndarray, normals: np.ndarray | None, device: torch.device | str
    ) -> PreparedGroup:
        """Return group k on its points.

        Args:
            points: (n, D) coordinates.
            normals: (n, space) outward normals where the group lies on a shaped boundary.

        Raises:
            DeclarationError: the data of the problem are not finite at some point.
        """
        group = self.groups[k]
        views = tuple(
            self._prepare_view(view, plan, points, device)
            for (view, _), plan in zip(group.views, self._plans[k], strict=True)
        )
        data = None if group.fixed is None else self.tensor(group.fixed[1], device)
        columns = self.tensor(points, device).split(1, dim=1)
        outward = None if normals is None else self.tensor(normals, device)
        return PreparedGroup(group, columns, outward, data, views, points, normals)

    def _prepare_view(
        self, view: View, plan: AnsatzPlan, base: np.ndarray, device: torch.device | str
    ) -> PreparedView:
        points = self.tensor(view.points(base), device)
        tables = plan.tables(points)
        for table in tables:
            if not torch.isfinite(table).all():
                row = int((~torch.isfinite(table)).any(dim=1).nonzero()[0])
                raise DeclarationError(
                    f"The data of a hard condition are not finite at {self._place(points[row])}.\n"
                    "Give data that are finite on the whole domain, or solve with hard=False (--soft)"
                )
        return PreparedView(points, plan, tables)

    def _place(self, point: torch.Tensor) -> str:
        pairs = zip(self.checked.coordinates, point.tolist(), strict=True)
        return ", ".join(f"{c.name} = {v:.6g}" for c, v in pairs)

    def residuals(
        self, prepared: PreparedGroup, network: FieldNetwork, unknowns: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Return each residual of a group, (n, 1), with a graph to the parameters where gradients are on."""
        values = [view.values(network) for view in prepared.views]
        return {
            r.name: self._residual(r, prepared, values, unknowns, prepared.columns)
            for r in prepared.group.residuals
        }

    def linearise(
        self,
        prepared: PreparedGroup,
        network: FieldNetwork,
        unknowns: Mapping[str, torch.Tensor],
        slots: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
    ) -> dict[str, torch.Tensor]:
        """Return the trained residuals of a group, (n, 1), and their slopes by the parameters.

        A residual depends on its own point's derivatives alone (at several places, or at the nodes of an
        integral), so its slopes are those of sum_k c_k derivative_k with c_k = dr/d(derivative_k).

        Args:
            unknowns: with a graph to the raw parameters, or none.
            slots: by term the factors of its rows, (n, 1), and the tensor that takes them, (parameters, n); the last rows are
                the unknowns' slopes, by value.
        """
        rows = len(prepared.columns[0])
        lines = [network.linearise(view.points, view.ansatz.raw) for view in prepared.views]
        leaves = [{key: v.detach().requires_grad_() for key, v in line.values.items()} for line in lines]
        numbers = {n: v.detach().expand(rows, 1).clone().requires_grad_() for n, v in unknowns.items()}
        flat = [leaf for view in leaves for leaf in view.values()] + list(numbers.values())
        with torch.enable_grad():
            values = [
                v.ansatz.assemble(v.tables, leaf) for v, leaf in zip(prepared.views, leaves, strict=True)
            ]
            found = {
                r.name: self._residual(r, prepared, values, numbers, prepared.columns)
                for r in prepared.group.residuals
                if r.name in slots
            }
        for name, residual in found.items():
            factor, out = slots[name]
            slopes: Sequence[torch.Tensor | None] = (None,) * len(flat)
            if residual.requires_grad:
                slopes = torch.autograd.grad(
                    residual, flat, factor.expand_as(residual), retain_graph=True, allow_unused=True
                )
            given = iter(slopes)
            size = len(out) - len(numbers)
            self._fill(lines, [{k: next(given) for k in view} for view in leaves], out[:size])
            for i, slope in enumerate(given):
                out[size + i] = 0 if slope is None else slope[:, 0]
        return {name: value.detach() for name, value in found.items()}

    def _fill(
        self,
        lines: Sequence[Linearised],
        seeds: list[dict[FieldDerivative, torch.Tensor | None]],
        out: torch.Tensor,
    ) -> None:
        """Set out, (parameters, n), to the sum over the views of a group, and over the nodes of each point."""
        first = True
        for line, view in zip(lines, seeds, strict=True):
            used = {key: slope for key, slope in view.items() if slope is not None}
            if not used:
                continue
            n = len(next(iter(used.values())))
            if first and n == out.shape[1]:
                line.fill(used, out)
            else:
                part = out.new_empty(len(out), n)
                line.fill(used, part)
                summed = part.view(len(out), out.shape[1], -1).sum(dim=2)
                out.copy_(summed) if first else out.add_(summed)
            first = False
        if first:
            out.zero_()

    def _residual(
        self,
        residual: Residual,
        prepared: PreparedGroup,
        values: list[dict[FieldDerivative, torch.Tensor]],
        unknowns: Mapping[str, torch.Tensor],
        columns: tuple[torch.Tensor, ...],
    ) -> torch.Tensor:
        rows = len(columns[0])
        known: dict[sympy.Symbol, torch.Tensor] = {
            c.symbol: column for c, column in zip(self.checked.coordinates, columns, strict=True)
        }
        known |= {u: _spread(unknowns[u.name], rows) for u in self.checked.unknowns}
        known[DATA] = columns[0] if prepared.data is None else prepared.data
        for symbol, (view, value) in residual.slots.items():
            known[symbol] = self._value(value, values[view], prepared.normals)
        for symbol, (view, inner) in residual.integrals.items():
            nodes = prepared.views[view].points.split(1, dim=1)
            integrand = self._residual(inner, prepared, values, unknowns, nodes)
            weights = self._weights(prepared, view, integrand)
            known[symbol] = integrand.reshape(rows, -1) @ weights  # (n q, 1) -> (n, q) -> (n, 1)
        found = residual.function(*(known[s] for s in residual.symbols))[0]
        if not isinstance(found, torch.Tensor):
            found = columns[0].new_tensor(float(found))
        return found.expand(rows, 1) if found.shape != (rows, 1) else found

    def _weights(self, prepared: PreparedGroup, view: int, like: torch.Tensor) -> torch.Tensor:
        weights = prepared.group.views[view][0].weights
        assert weights is not None
        return torch.as_tensor(weights[:, None], dtype=like.dtype, device=like.device)

    def _value(
        self,
        value: FieldValue,
        values: Mapping[FieldDerivative, torch.Tensor],
        normals: torch.Tensor | None,
    ) -> torch.Tensor:
        if not value.normal:
            return values[value.field, value.orders]
        assert normals is not None
        gradient = [values[key] for key in needed_derivatives(value, self.checked)]
        return (normals * torch.cat(gradient, dim=1)).sum(dim=1, keepdim=True)

    def evaluate(
        self,
        expressions: Mapping[str, Expr],
        points: np.ndarray,
        network: FieldNetwork,
        unknowns: Mapping[str, torch.Tensor],
        device: torch.device | str,
        chunk: int = 20000,
    ) -> dict[str, np.ndarray]:
        """Return named expressions of the fields at (n, D) points, (n,) each.

        Raises:
            DeclarationError, CompileError: an expression that means nothing here, or that torch lacks.
        """
        return self.evaluator(expressions)(points, network, unknowns, device, chunk)

    def evaluator(self, expressions: Mapping[str, Expr]) -> Callable[..., dict[str, np.ndarray]]:
        """Return `evaluate` of fixed expressions, a function of the rest, for those that are asked for many times.

        Raises:
            DeclarationError, CompileError: an expression that means nothing here, or that torch lacks.
        """
        lowered = {name: lower(expr, self.checked.scope) for name, expr in expressions.items()}
        values = list(dict.fromkeys(v for low in lowered.values() for v in low.values))
        for name, low in lowered.items():
            if low.integrals or any(v.pins for v in low.values):
                raise DeclarationError(
                    f"{expressions[name]} is no expression of the fields at running coordinates.\n"
                    "Write for example u(x, t).diff(x), and give the coordinates as arrays"
                )
        plan = self.ansatz_plan(DerivativePlan.of((v.field, v.orders) for v in values))
        symbols = [*(c.symbol for c in self.checked.coordinates), *self.checked.unknowns]
        symbols += [v.symbol for v in values]
        alien = {s for low in lowered.values() for s in low.expr.free_symbols} - set(symbols)
        if alien:
            name = sorted(map(str, alien))[0]
            raise DeclarationError(
                f"The expression uses {name}, which is neither a coordinate nor an unknown of the problem.\n"
                f"Use {', '.join(map(str, symbols[: len(self.checked.coordinates)]))}"
            )
        function = compile_expressions([low.expr for low in lowered.values()], symbols, "The expression")

        def evaluate(
            points: np.ndarray,
            network: FieldNetwork,
            unknowns: Mapping[str, torch.Tensor],
            device: torch.device | str,
            chunk: int = 20000,
        ) -> dict[str, np.ndarray]:
            parts: list[list[np.ndarray]] = []
            for start in range(0, max(len(points), 1), chunk):
                x = self.tensor(points[start : start + chunk], device)
                view = PreparedView(x, plan, plan.tables(x))
                found = view.values(network) if plan.entries else {}
                columns = [*x.split(1, dim=1), *(unknowns[u.name] for u in self.checked.unknowns)]
                columns += [found[v.field, v.orders] for v in values]
                with torch.no_grad():
                    results = function(*columns)
                    parts.append([(r * torch.ones_like(x[:, :1])).cpu().numpy()[:, 0] for r in results])
            return {name: np.concatenate([p[i] for p in parts]) for i, name in enumerate(lowered)}

        return evaluate
