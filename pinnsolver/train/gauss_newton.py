"""Levenberg-Marquardt: Gauss-Newton steps on the residual vector, damped as far as the model is trusted.

With residuals r and their Jacobian J a step solves (J'J + lambda D) d = -J'r. For a network this is natural gradient
descent in the metric of the equation's residual (Mueller and Zeinhofer 2023; Jnini, Vella, Zeinhofer 2024). The step
is corrected by half the geodesic acceleration (Transtrum and Sethna 2012, arXiv 1201.5885): a second right-hand side
for the factor that is there anyway. Measured on Burgers' and Helmholtz' equations it is worth one to two digits in 20 s.

With A = J D^-1/2 there are three ways to the same step D^-1/2 (A'A + lambda I)^-1 A'r: by Cholesky's factor of A'A; of A A' where
there are fewer residuals than parameters; and for larger networks by conjugate gradients, preconditioned with a
randomised Nystrom approximation of A'A (Frangella, Tropp, Udell 2023, SIAM J. Matrix Anal. Appl. 44).
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from pinnsolver.train.flat import gather, scatter

# Takes whether slopes are wanted; gives residuals (m,) and their slopes (n, m), the transposed Jacobian, or None.
Residuals = Callable[[bool], tuple[torch.Tensor, torch.Tensor | None]]

# Measured together: a smaller fall of the damping saves trials that fail.
FALL, RISE = 0.7, 3.0
AHEAD = 0.1  # part of the step at which the residuals' curvature is measured
LEAST, MOST = 1e-18, 1e6  # of the damping


class LevenbergMarquardt(torch.optim.Optimizer):
    """Gauss-Newton with damping; each `step` takes one Jacobian.

    The damping of a parameter is lambda * sqrt(mean diagonal * own diagonal of J'J), half-way between
    Levenberg's and Marquardt's: measured, the best of the three.

    Args:
        params: parameters, one group.
        residuals: gives residuals and slopes at the current parameters, scaled so that the loss is r'r.
        damping: lambda at first, dimensionless.
        acceleration: whether the step is corrected for the curvature of the residuals.
        tries: dampings tried in one step at most.
        rank: of the randomised approximation; None solves by a factor of the whole matrix.
        seed: of the approximation's test vectors.
    """

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        residuals: Residuals,
        damping: float = 1e-3,
        acceleration: bool = True,
        tries: int = 8,
        rank: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(params, {})
        self._rank = rank
        self._generator = torch.Generator().manual_seed(seed)
        self._params: list[torch.nn.Parameter] = self.param_groups[0]["params"]
        self._residuals = residuals
        self.damping = damping
        self.acceleration = acceleration
        self.tries = tries
        self.moved = True
        self.evaluations = 0
        self.accepted: torch.Tensor | None = None  # residuals where the last step ended

    def function_changed(self) -> None:
        """Say that the points or the weights are new: nothing is remembered of the old ones."""

    def forget(self) -> None:
        """Trust the model less."""
        self.damping = min(self.damping * 100, MOST)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on, the damping and the test vectors' generator among it."""
        memory = {"damping": self.damping, "moved": self.moved, "evaluations": self.evaluations}
        return {**super().state_dict(), "memory": memory, "generator": self._generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as the optimizer would that gave the state."""
        super().load_state_dict({key: state_dict[key] for key in ("state", "param_groups")})
        memory = state_dict["memory"]
        self.damping, self.moved = float(memory["damping"]), bool(memory["moved"])
        self.evaluations = int(memory["evaluations"])
        self._generator.set_state(state_dict["generator"])
        self.accepted = None

    def step(self, closure: Callable[[], Any] | None = None) -> float:  # type: ignore[override]
        """Do one iteration; a closure, as DeepXDE hands one over, is not needed.

        Returns:
            The loss before the iteration.
        """
        x = gather(self._params)
        r, slopes = self._evaluate(True)
        assert slopes is not None
        wide = r.double()  # in single precision J'J would know no small singular value
        loss = float(wide.dot(wide))
        self.accepted, self.moved = r, False
        wide_slopes = slopes.double()
        # Sums of squares tell of every number that is not finite, ten times sooner than a look at each.
        diagonal = torch.linalg.vector_norm(wide_slopes, dim=1).square()
        if not math.isfinite(loss) or not torch.isfinite(diagonal).all():
            return loss
        model = _model(wide_slopes, diagonal, self._rank, self._generator)
        for _ in range(self.tries):
            found = self._try(x, wide, loss, model)
            if found is not None:
                place, gain, self.accepted = found
                scatter(place, self._params)
                self.moved = True
                change = FALL if gain > 0.75 else 1.0 if gain > 0.25 else 2.0
                self.damping = max(self.damping * change, LEAST)
                return loss
            self.damping = min(self.damping * RISE, MOST)
        scatter(x, self._params)
        return loss

    def _try(
        self, x: torch.Tensor, r: torch.Tensor, loss: float, model: _Model
    ) -> tuple[torch.Tensor, float, torch.Tensor] | None:
        """Return the place, the gain over the model and the residuals of a step that lowers the loss, else None."""
        solve = model.factored(self.damping)
        if solve is None:
            return None
        d = solve(r).neg_()
        left = r + torch.mv(model.slopes.T, d)
        predicted = loss - float(left.dot(left))
        total, found = self._trial(x + d)
        if self.acceleration and math.isfinite(total):
            scatter(x + AHEAD * d, self._params)
            ahead = self._evaluate(False)[0].double()
            # r(x + h d) = r + h J d + h^2/2 r'' d d: the bend is r'' d d, the correction -1/2 J^+ bend.
            bend = (ahead - r).sub_(left - r, alpha=AHEAD).mul_(2 / AHEAD**2)
            correction = solve(bend).mul_(-0.5)
            if 2 * float(correction.norm()) <= float(d.norm()):
                total2, found2 = self._trial(x + d + correction)
                if total2 < total:
                    d, total, found = d + correction, total2, found2
        if not total < loss:
            return None
        return x + d, (loss - total) / max(predicted, 1e-300), found

    def _trial(self, place: torch.Tensor) -> tuple[float, torch.Tensor]:
        scatter(place, self._params)
        r = self._evaluate(False)[0].double()
        total = float(r.dot(r))
        return (total if math.isfinite(total) else math.inf), r

    def _evaluate(self, slopes: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.evaluations += 1
        return self._residuals(slopes)


def residuals_by_autograd(
    function: Callable[[], torch.Tensor], params: Iterable[torch.nn.Parameter], batch: int = 256
) -> Residuals:
    """Return residuals and slopes of any torch function of parameters, for a script of one's own.

    Args:
        function: gives (m,) residuals with a graph to the parameters; its loss is their mean square.
        batch: backward passes done at a time.
    """
    parameters = list(params)

    def residuals(slopes: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        with torch.set_grad_enabled(slopes):
            r = function()
            r = r / len(r) ** 0.5
        if not slopes:
            return r, None
        rows = torch.eye(len(r), dtype=r.dtype, device=r.device)
        parts = []
        for some in rows.split(batch):
            found = torch.autograd.grad(
                r, parameters, some, retain_graph=True, is_grads_batched=True, materialize_grads=True
            )
            parts.append(torch.cat([f.reshape(len(some), -1) for f in found], dim=1))
        return r.detach(), torch.cat(parts).T.contiguous()

    return residuals


Solve = Callable[[torch.Tensor], torch.Tensor]  # residuals b (m,) to (J'J + damping D)^-1 J'b (n,)


@dataclass(frozen=True)
class _Model(abc.ABC):
    """The linear model r + J d, prepared for any damping.

    Args:
        slopes: (n, m), J'.
        scale: (n,), square roots of D.
    """

    slopes: torch.Tensor
    scale: torch.Tensor

    @abc.abstractmethod
    def factored(self, damping: float) -> Solve | None:
        """Return the solver for a damping; None where rounding forbids it."""


@dataclass(frozen=True)
class _ByParameters(_Model):
    """gram: J'J, (n, n)."""

    gram: torch.Tensor

    def factored(self, damping: float) -> Solve | None:
        factor = _cholesky(self.gram, damping * self.scale.square())
        if factor is None:
            return None
        return lambda b: torch.cholesky_solve((self.slopes @ b)[:, None], factor)[:, 0]


@dataclass(frozen=True)
class _ByResiduals(_Model):
    """gram: A A', (m, m)."""

    gram: torch.Tensor

    def factored(self, damping: float) -> Solve | None:
        factor = _cholesky(self.gram, self.gram.new_tensor(damping))
        if factor is None:
            return None
        return lambda b: (self.slopes @ torch.cholesky_solve(b[:, None], factor)[:, 0]) / self.scale.square()


@dataclass(frozen=True)
class _Randomised(_Model):
    """A'A ~ basis diag(values) basis', basis (n, k) with orthonormal columns, values (k,) falling."""

    basis: torch.Tensor
    values: torch.Tensor

    @classmethod
    def of(
        cls, slopes: torch.Tensor, scale: torch.Tensor, rank: int, generator: torch.Generator
    ) -> _Randomised | None:
        """Return the Nystrom approximation from `rank` random vectors (algorithm 2.1 of the source), None on failure."""
        test = torch.randn(len(slopes), rank, dtype=slopes.dtype, generator=generator).to(slopes.device)
        test = torch.linalg.qr(test).Q
        seen = (slopes @ (slopes.T @ (test / scale[:, None]))) / scale[:, None]
        shift = len(slopes) ** 0.5 * torch.finfo(seen.dtype).eps * seen.norm()
        seen.add_(test, alpha=float(shift))
        inner = test.T @ seen
        factor, info = torch.linalg.cholesky_ex(0.5 * (inner + inner.T))
        if int(info):
            return None
        basis, singular, _ = torch.linalg.svd(
            torch.linalg.solve_triangular(factor, seen.T, upper=False).T, full_matrices=False
        )
        return cls(slopes, scale, basis, (singular.square() - shift).clamp(min=0))

    def factored(self, damping: float) -> Solve | None:
        weights = (self.values[-1] + damping) / (self.values + damping) - 1

        def precondition(v: torch.Tensor) -> torch.Tensor:
            return v + self.basis @ (weights * (self.basis.T @ v))

        def apply(v: torch.Tensor) -> torch.Tensor:
            return (self.slopes @ (self.slopes.T @ (v / self.scale))) / self.scale + damping * v

        return lambda b: conjugate_gradients(apply, (self.slopes @ b) / self.scale, precondition) / self.scale


def _model(
    slopes: torch.Tensor, diagonal: torch.Tensor, rank: int | None, generator: torch.Generator
) -> _Model:
    """Return the linear model in the form that is cheapest to solve.

    Args:
        diagonal: of J'J, (n,).
    """
    n, m = slopes.shape
    mean = diagonal.mean().clamp(min=1e-100)
    # A floor: a parameter without any slope must not move freely.
    scale = (mean * diagonal.clamp(min=1e-12 * float(mean))).pow(0.25)
    if rank is not None and rank < min(n, m):
        found = _Randomised.of(slopes, scale, rank, generator)
        if found is not None:
            return found
    if m < n:
        return _ByResiduals(slopes, scale, gram_matrix((slopes / scale[:, None]).T.contiguous()))
    return _ByParameters(slopes, scale, gram_matrix(slopes))


def _cholesky(gram: torch.Tensor, shift: torch.Tensor) -> torch.Tensor | None:
    shifted = gram.clone()
    shifted.diagonal().add_(shift)
    factor, info = torch.linalg.cholesky_ex(shifted)
    return None if int(info) else factor


def conjugate_gradients(
    apply: Callable[[torch.Tensor], torch.Tensor],
    b: torch.Tensor,
    precondition: Callable[[torch.Tensor], torch.Tensor],
    most: int = 50,
    tolerance: float = 1e-6,
) -> torch.Tensor:
    """Return x with apply(x) ~ b for a positive definite map, to a relative residual or `most` iterations."""
    x, r = torch.zeros_like(b), b.clone()
    z = precondition(r)
    p, rz = z.clone(), float(r.dot(z))
    goal = tolerance * float(b.norm())
    for _ in range(most):
        if not float(r.norm()) > goal:
            break
        ap = apply(p)
        curvature = float(p.dot(ap))
        if not curvature > 0:
            break
        x.add_(p, alpha=rz / curvature)
        r.sub_(ap, alpha=rz / curvature)
        z = precondition(r)
        rz, before = float(r.dot(z)), rz
        p.mul_(rz / before).add_(z)
    return x


def gram_matrix(rows: torch.Tensor, block: int = 128) -> torch.Tensor:
    """Return rows rows', (n, n) of (n, m), by blocks of the lower triangle: half the work of a full product."""
    n = len(rows)
    found = rows.new_empty(n, n)
    for start in range(0, n, block):
        stop = min(start + block, n)
        torch.mm(rows[start:stop], rows[:stop].T, out=found[start:stop, :stop])
        if start:
            found[:start, start:stop] = found[start:stop, :start].T
    return found
