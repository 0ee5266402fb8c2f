"""The compiled problem as `deepxde.data.Data`: its points, and its losses by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from pinnsolver.compile import CompiledProblem, PreparedGroup
from pinnsolver.compile.causal import CausalState, chunk_losses
from pinnsolver.compile.early import early_weights
from pinnsolver.compile.terms import TermGroup
from pinnsolver.declare import Problem, check_problem
from pinnsolver.sample import PointSet, Sampler, import_deepxde
from pinnsolver.train.device import find_device
from pinnsolver.train.module import TrainableProblem
from pinnsolver.transform import transform_problem
from pinnsolver.transform.choices import JACOBIAN_BYTES
from pinnsolver.transform.edges import RADIUS
from pinnsolver.transform.transformed import ASKED

dde = import_deepxde()

CANDIDATES = 5  # for each point drawn by residual
INTEGRAL_NODES = 16384  # of all points of an integral condition, about
NOISE = 10.0  # weighted misfit over all else above which observations are noisy
SHARE = 0.01  # the same, once the loss no longer falls
LEAST_TRUST = 1e-4  # of the weight of observations, at the end of halving it
HELD_OUT = 0.5  # held-out points for each training point
ADAPTIVE = 16  # points below which a group is drawn uniformly: an end, a seam, the nodes of an integral
CHUNKS = 32  # of the time, for causal weights


class ProblemData(dde.data.Data):  # type: ignore[name-defined]
    """All terms of a compiled problem on their points.

    Args:
        compiled: the problem.
        sampler: of its domain.
        seed: of the points.
        device: where they are put.

    DeepXDE calls its network once a step on the inputs that `train_next_batch` hands out; the terms
    bring their own points and plans, so these inputs are a handful, and the call costs next to nothing.
    """

    def __init__(
        self, compiled: CompiledProblem, sampler: Sampler, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        self.compiled = compiled
        self.sampler = sampler
        self.device = device
        self.growth = 1.0  # interior points over the number that was chosen
        self.rng = np.random.default_rng([seed, 1])
        chosen = compiled.transformed.settings.weights or {}
        self.weights = {name: chosen.get(name, 1.0) for name in compiled.term_names}
        self._automatic = compiled.transformed.choices["weights"].reason != ASKED
        self._least = {name: LEAST_TRUST * weight for name, weight in self.weights.items()}
        causal = compiled.transformed.settings.causal
        self.causal = CausalState(torch.ones(CHUNKS, dtype=compiled.dtype, device=device)) if causal else None
        self.raw: dict[str, torch.Tensor] = {}
        self._slopes: torch.Tensor | None = None
        self.held_out = self._draw(np.random.default_rng([seed, 2]), HELD_OUT)
        self.groups: tuple[PreparedGroup, ...] = ()
        self.redraw()

    def state_dict(self) -> dict[str, Any]:
        """Return all of it that training changes: points, generator, weights, how far causal training has come."""
        causal = self.causal
        return {
            "generator": self.rng.bit_generator.state,
            "growth": self.growth,
            "weights": dict(self.weights),
            "causal": None if causal is None else {"weights": causal.weights, "level": causal.level},
            "raw": dict(self.raw),
            "points": [
                None if g.group.fixed is not None else {"points": g.points, "normals": g.point_normals}
                for g in self.groups
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set points, generator and weights to those of a state."""
        self.rng.bit_generator.state = state["generator"]
        self.growth = float(state["growth"])
        self.weights = {name: float(state["weights"][name]) for name in self.weights}
        if self.causal is not None:
            weights = state["causal"]["weights"].to(self.causal.weights)
            self.causal = CausalState(weights, int(state["causal"]["level"]))
        self.raw = {name: value.to(self.device) for name, value in state["raw"].items()}
        self.groups = tuple(
            self._draw_group(k, self.rng, 1.0, None)
            if drawn is None
            else self.compiled.prepare(k, drawn["points"], drawn["normals"], self.device)
            for k, drawn in zip(self.compiled.trained_groups, state["points"], strict=True)
        )

    def redraw(self, module: TrainableProblem | None = None) -> None:
        """Draw new points for every term; observations stay.

        With a module the points follow its residuals, in the interior and on every boundary.
        """
        groups = self.compiled.groups
        self.groups = tuple(
            self._draw_group(k, self.rng, self.growth if groups[k].kind == "equation" else 1.0, module)
            for k in self.compiled.trained_groups
        )

    def grow(self) -> None:
        """Let the next points be half as many again, as far as the settings and memory allow."""
        settings = self.compiled.transformed.settings.points
        most = settings.growth or 1.0
        if self._slopes is not None:
            most = min(most, self.growth * JACOBIAN_BYTES / self._slopes.nbytes)
        self.growth = max(self.growth, min(1.5 * self.growth, most))

    def trust_data_less(self, stagnant: bool) -> None:
        """Halve the weight of observations that no solution of the equations meets.

        Exact data and equations are met together ever better. Where their misfit is far above what is left of all
        else, or the loss no longer falls with a part of it theirs, they are noisy: at that weight the field
        bends to the noise, and the unknown numbers with it. At a small one the equations hold, and the fit is one of
        least squares among their solutions.

        Args:
            stagnant: whether the loss no longer falls.
        """
        own = {n for p in self.groups if p.group.kind == "observation" for n in p.group.names}
        if not own or not self._automatic:
            return
        weighted = {n: self.weights[n] * float(v.detach()) for n, v in self.raw.items()}
        rest = math.fsum(v for n, v in weighted.items() if n not in own)
        bound = SHARE * rest if stagnant else NOISE * rest
        for name in own:
            if weighted[name] > bound and self.weights[name] > self._least[name]:
                self.weights[name] *= 0.5

    def _draw(self, rng: np.random.Generator, share: float) -> tuple[PreparedGroup, ...]:
        """Return the trained groups on new points, `share` of the usual number."""
        return tuple(self._draw_group(k, rng, share, None) for k in self.compiled.trained_groups)

    def _draw_group(
        self, k: int, rng: np.random.Generator, share: float, module: TrainableProblem | None
    ) -> PreparedGroup:
        """Return one group on new points, with a module drawn with probability ~ |r| / mean |r| + 1.

        Source: Wu, Zhu, Tan, Kartha, Lu 2023 (residual-based adaptive distribution, k = c = 1).
        """
        group = self.compiled.groups[k]
        if group.fixed is not None:
            return self.compiled.prepare(k, group.fixed[0], None, self.device)
        wanted = self._count(group, share)
        adaptive = module is not None and wanted >= ADAPTIVE
        drawn = self._points(group, CANDIDATES * wanted if adaptive else wanted, rng)
        if not adaptive or len(drawn) <= wanted:
            return self.compiled.prepare(k, drawn.points[:wanted], _first(drawn.normals, wanted), self.device)
        assert module is not None
        candidates = self.compiled.prepare(k, drawn.points, drawn.normals, self.device)
        with torch.no_grad():
            residuals = self._residuals(module, (candidates,))
            squares = sum(self.weights[n] * r.square()[:, 0] for n, (r, _) in residuals.items())
            size = torch.as_tensor(squares).sqrt().cpu().numpy().astype(float)
        chance = None
        if np.isfinite(size).all() and size.mean() > 0:
            chance = size / size.mean() + 1
            chance /= chance.sum()
        rows = rng.choice(len(drawn), wanted, replace=False, p=chance)
        normals = None if drawn.normals is None else drawn.normals[rows]
        return self.compiled.prepare(k, drawn.points[rows], normals, self.device)

    def _points(self, group: TermGroup, n: int, rng: np.random.Generator) -> PointSet:
        if group.region is None:
            return self.sampler.interior(n, rng)
        return self.sampler.region(group.region, n, rng)

    def _count(self, group: TermGroup, share: float) -> int:
        """Return the number of points of a group."""
        settings = self.compiled.transformed.settings.points
        if group.kind == "equation":
            return max(16, int(share * (settings.interior or 1000)))
        assert group.region is not None
        return max(4, int(share * self._count_in(group, settings.boundary or 100)))

    def _count_in(self, group: TermGroup, most: int) -> int:
        """Return the points of a region: none runs 1, one runs a hundred at most, integrals fewer."""
        checked = self.compiled.checked
        assert group.region is not None
        gone = {column for view, _ in group.views for column in view.columns}
        pinned = {column for view, _ in group.views for column, _ in view.pins} | gone
        running = len(checked.coordinates) - len(pinned) - (group.region.boundary is not None)
        if running <= 0 and group.region.boundary is None:
            return 1
        nodes = max((len(view.nodes) for view, _ in group.views if view.nodes is not None), default=0)
        if nodes:  # each point costs as many evaluations
            return min(most, 32, max(8, INTEGRAL_NODES // nodes))
        return most if running > 1 else max(most // 2, 32)

    @property
    def points(self) -> dict[str, int]:
        """Number of points of each term."""
        trained = self.compiled.is_trained
        return {n: len(g.columns[0]) for g in self.groups for n in g.group.names if trained(n)}

    def terms(
        self, module: TrainableProblem, groups: tuple[PreparedGroup, ...] | None = None
    ) -> dict[str, torch.Tensor]:
        """Return each term's mean square residual, 0-d, without any weight."""
        return {name: r.square().mean() for name, (r, _) in self._residuals(module, groups).items()}

    def _residuals(
        self, module: TrainableProblem, groups: tuple[PreparedGroup, ...] | None = None
    ) -> dict[str, tuple[torch.Tensor, PreparedGroup]]:
        """Return each trained residual, (n, 1), with its group."""
        unknowns = module.unknowns.values()
        found: dict[str, tuple[torch.Tensor, PreparedGroup]] = {}
        for prepared in self.groups if groups is None else groups:
            residuals = self.compiled.residuals(prepared, module.network, unknowns)
            damping = self._damping(prepared)
            if damping is not None:
                residuals = {n: damping * r for n, r in residuals.items()}
            found |= {n: (r, prepared) for n, r in residuals.items() if self.compiled.is_trained(n)}
        return found

    def rows(self, module: TrainableProblem, slopes: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return all residuals as one vector whose square is the loss, (m,), and perhaps its slopes, (parameters, m).

        Each row is scaled by sqrt(weight / points), and by the root of its causal weight.
        """
        unknowns = module.unknowns.values()
        factors = self._row_factors()
        if not slopes:
            with torch.no_grad():
                found = self._residuals(module)
                parts = [f * found[n][0][:, 0] for n, f in factors.items()]
            return torch.cat(parts), None
        size = module.size
        total = sum(len(f) for f in factors.values())
        if self._slopes is None or self._slopes.shape != (size, total):
            self._slopes = None  # so that old and new never lie side by side
            self._slopes = torch.empty(size, total, dtype=self.compiled.dtype, device=self.device)
        out, places, start = self._slopes, {}, 0
        for prepared in self.groups:
            damping = self._damping(prepared)
            if damping is not None:
                factors |= {n: f * damping[:, 0] for n, f in factors.items() if n in prepared.group.names}
        for name, factor in factors.items():
            places[name] = (factor[:, None], out[:, start : start + len(factor)])
            start += len(factor)
        values: dict[str, torch.Tensor] = {}
        for prepared in self.groups:
            mine = {r.name: places[r.name] for r in prepared.group.residuals if r.name in places}
            values |= self.compiled.linearise(prepared, module.network, unknowns, mine)
        for i, value in enumerate(unknowns.values()):  # by value -> by raw parameter
            slope = torch.autograd.grad(value, module.unknowns.raw, retain_graph=True)[0][i]
            out[size - len(unknowns) + i] *= slope
        return torch.cat([f * values[n][:, 0] for n, f in factors.items()]), out

    def _damping(self, prepared: PreparedGroup) -> torch.Tensor | None:
        """Return what rows of the equations count, (n, 1), near edges where no solution is smooth, and early; None for 1.

        At a distance d from such an edge, in domain sizes, it is sqrt(d^2 / (d^2 + RADIUS^2)).
        """
        if prepared.group.kind != "equation":
            return None
        product, checked = None, self.compiled.checked
        early = self.compiled.transformed.settings.early or 1.0
        if checked.time is not None and early != 1.0:
            product = early_weights(
                prepared.columns[checked.coordinates.index(checked.time)], checked.time, early
            )
        for edge in self.compiled.transformed.edges:
            parts = zip(edge.columns, edge.ends, edge.lengths, strict=True)
            square = sum(((prepared.columns[c] - end) / length).square() for c, end, length in parts)
            factor = torch.as_tensor(square / (square + RADIUS**2)).sqrt()
            product = factor if product is None else product * factor
        return product

    def _row_factors(self) -> dict[str, torch.Tensor]:
        """Return sqrt(weight / points), times the root of the causal weight, of every row of every term."""
        factors = {}
        causal = None
        if self.causal is not None and not self.causal.open:
            causal = self.causal.weights[self._chunks()].sqrt()
        for prepared in self.groups:
            n = len(prepared.columns[0])
            for name in prepared.group.names:
                if self.compiled.is_trained(name):
                    ones = torch.full(
                        (n,), (self.weights[name] / n) ** 0.5, dtype=self.compiled.dtype, device=self.device
                    )
                    factors[name] = (
                        ones if causal is None or prepared is not self.groups[0] else ones * causal
                    )
        return factors

    def note_rows(self, rows: torch.Tensor, module: TrainableProblem) -> None:
        """Take the raw terms from the vector of rows at a module's parameters."""
        if self.causal is not None and not self.causal.open:  # a weight may have made a row vanish
            with torch.no_grad():
                self.raw = self.terms(module)
            return
        start = 0
        for name, factor in self._row_factors().items():
            part = rows[start : start + len(factor)]
            self.raw[name] = (part / factor).square().mean()
            start += len(factor)

    def refresh_causal(self, module: TrainableProblem) -> None:
        """Set the causal weights anew; a quasi-Newton optimizer needs them frozen in between."""
        if self.causal is None or self.causal.open:
            return
        initial = {c.name for c in self.compiled.checked.conditions if c.kind.startswith("initial")}
        at_start = tuple(p for p in self.groups if not initial.isdisjoint(p.group.names))
        with torch.no_grad():
            residuals = self._residuals(module, self.groups[:1])
            soft = self._residuals(module, at_start)
        # In units of what a wave of size 1 leaves in the equation: eps is made for numbers of order 1.
        scales = self.compiled.transformed.scales
        weighted = [r / scales[n] for n, (r, _) in residuals.items()]
        misfit = math.fsum(
            float((r / scales[n]).square().mean()) for n, (r, _) in soft.items() if n in initial
        )
        self.causal.update(chunk_losses(weighted, self._chunks(), CHUNKS), misfit)

    def _chunks(self) -> torch.Tensor:
        """Return the chunk of time of each interior point, (n,)."""
        time = self.compiled.checked.time
        assert time is not None
        t = self.groups[0].columns[self.compiled.checked.coordinates.index(time)][:, 0]
        return ((t - time.low) * (CHUNKS / time.length)).long().clamp(0, CHUNKS - 1)

    def largest_relative(self, raw: Mapping[str, float]) -> float:
        """Return the largest rms of the terms, each in units of what one wave of size 1 leaves in it."""
        scales = self.compiled.transformed.scales
        return max(math.sqrt(value) / scales[name] for name, value in raw.items())

    def total(self, raw: Mapping[str, float]) -> float:
        """Return the weighted sum of raw terms."""
        return math.fsum(self.weights[name] * value for name, value in raw.items())

    # ------------------------------------------------------------------ what deepxde.Model calls

    def losses(
        self, targets: Any, outputs: Any, loss_fn: Any, inputs: Any, model: Any, aux: Any = None
    ) -> list[torch.Tensor]:
        """Return the weighted terms; DeepXDE sums them."""
        found = self._residuals(model.net)
        self.raw = {name: r.detach().square().mean() for name, (r, _) in found.items()}
        causal = None
        if self.causal is not None and not self.causal.open:
            causal = self.causal.weights[self._chunks()][:, None]
        losses = []
        for name, (r, prepared) in found.items():
            squares = r.square() if causal is None or prepared is not self.groups[0] else causal * r.square()
            losses.append(self.weights[name] * squares.mean())
        return losses

    def losses_test(
        self, targets: Any, outputs: Any, loss_fn: Any, inputs: Any, model: Any, aux: Any = None
    ) -> list[torch.Tensor]:
        """Return the weighted terms on the held-out points."""
        raw = self.terms(model.net, self.held_out)
        return [self.weights[name] * value for name, value in raw.items()]

    def _probe(self) -> np.ndarray:
        columns = torch.cat(self.groups[0].columns, dim=1)[:4]
        probe: np.ndarray = columns.detach().cpu().numpy()
        return probe

    def train_next_batch(self, batch_size: int | None = None) -> tuple[np.ndarray, None]:
        """Return a few inputs and no targets; see the class."""
        return self._probe(), None

    def test(self) -> tuple[np.ndarray, None]:
        """Return a few inputs and no targets; see the class."""
        return self._probe(), None


def _first(normals: np.ndarray | None, n: int) -> np.ndarray | None:
    return None if normals is None else normals[:n]


def as_deepxde(problem: Problem, **values: Any) -> tuple[ProblemData, TrainableProblem]:
    """Return a problem as (data, net) for `deepxde.Model` in a script of one's own.

    Args:
        problem: the declaration.
        values: settings by dotted key with "__" for the dot, for example `points__interior=4000`.
    """
    settings = problem.settings.with_values({k.replace("__", "."): v for k, v in values.items()})
    compiled = CompiledProblem(transform_problem(check_problem(problem), settings))
    device = find_device(compiled.transformed.settings.device or "cpu")
    data = ProblemData(
        compiled, Sampler.of(compiled.checked), compiled.transformed.settings.seed or 0, device
    )
    return data, TrainableProblem(compiled).to(device)
