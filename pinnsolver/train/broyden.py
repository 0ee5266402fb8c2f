"""Self-scaled Broyden with a strong Wolfe line search: a dense quasi-Newton method for small networks.

Source: Al-Baali's self-scaling of the Broyden family; Urban, Stefanou, Pons 2025 (J. Comput. Phys. 523) for PINNs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim.lbfgs import _strong_wolfe

from pinnsolver.train.flat import gather, scatter


class SelfScaledBroyden(torch.optim.Optimizer):
    """The inverse Hessian as a dense matrix, updated in place; each `step` is one iteration.

    Memory is 8 n^2 bytes for n parameters in float64, and an update costs about 8 n^2 operations: meant for
    n up to a few thousand. Usable in any torch or DeepXDE script.

    Args:
        params: parameters, one group.
        family: "broyden", or "bfgs" for the member with theta = 0.
    """

    def __init__(self, params: Iterable[torch.nn.Parameter], family: str = "broyden") -> None:
        super().__init__(params, {})
        self.family = family
        self._params: list[torch.nn.Parameter] = self.param_groups[0]["params"]
        self.moved = True
        self.evaluations = 0
        self._inverse: torch.Tensor | None = None  # (n, n); None until the first step gave a pair
        self._known: tuple[float, torch.Tensor] | None = None  # loss and gradient where the last step ended

    def function_changed(self) -> None:
        """Say that the points or the weights are new: the gradient is taken anew, the curvature stays."""
        self._known = None

    def forget(self) -> None:
        """Drop the curvature as well: the next step is along the gradient."""
        self._known = None
        self._inverse = None

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on, the dense matrix among it."""
        memory = {"moved": self.moved, "evaluations": self.evaluations, "known": self._known}
        return {**super().state_dict(), "memory": memory, "inverse": self._inverse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as the optimizer would that gave the state."""
        super().load_state_dict({key: state_dict[key] for key in ("state", "param_groups")})
        memory, like = state_dict["memory"], self._params[0]
        self.moved, self.evaluations = bool(memory["moved"]), int(memory["evaluations"])
        known, inverse = memory["known"], state_dict["inverse"]
        self._known = None if known is None else (float(known[0]), known[1].to(like).clone())
        self._inverse = None if inverse is None else inverse.to(like).clone()

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Do one iteration.

        Args:
            closure: clears the gradients, computes the loss and its gradient, and returns the loss.

        Returns:
            The loss before the iteration.
        """
        x = gather(self._params)
        loss, gradient = self._known or self._evaluate(closure)
        self._known = (loss, gradient)
        if not math.isfinite(loss):
            self.moved = False
            return loss
        direction = -gradient if self._inverse is None else torch.mv(self._inverse, gradient).neg_()
        slope = float(gradient.dot(direction))
        if slope >= 0:  # rounding has spoilt the matrix
            self._inverse = None
            direction = -gradient
            slope = float(gradient.dot(direction))
        if slope == 0:
            self.moved = False
            return loss
        start = 1.0 if self._inverse is not None else min(1.0, 1.0 / float(gradient.abs().sum()))

        def along(origin: torch.Tensor, length: float, d: torch.Tensor) -> tuple[float, torch.Tensor]:
            scatter(origin + length * d, self._params)
            return self._evaluate(closure)

        new_loss, new_gradient, length, _ = _strong_wolfe(
            along, x, start, direction, loss, gradient, slope, tolerance_change=1e-16
        )
        length = float(length)
        self.moved = bool(length != 0 and math.isfinite(new_loss) and new_loss <= loss)
        if not self.moved:
            scatter(x, self._params)
            return loss
        scatter(x + length * direction, self._params)
        self._known = (float(new_loss), new_gradient)
        self._update(length * direction, new_gradient - gradient, gradient, length)
        return loss

    def _update(self, s: torch.Tensor, y: torch.Tensor, g: torch.Tensor, length: float) -> None:
        """Update the inverse Hessian in place, by one rank-three product; skipped where the curvature is not positive."""
        sy = float(s.dot(y))
        if not sy > 0:
            return
        first = self._inverse is None
        if self._inverse is None:
            self._inverse = torch.eye(len(s), dtype=s.dtype, device=s.device)
        n, rho = len(s), 1.0 / sy
        hy = torch.mv(self._inverse, y)
        yhy = float(y.dot(hy))
        h = rho * yhy
        b = -length * rho * float(s.dot(g))
        theta, scale = self_scaling(h, b, n, first, self.family)
        if not (math.isfinite(theta) and math.isfinite(scale) and scale > 0 and yhy > 0):
            return
        a = b * h - 1
        phi = (1 - theta) / (1 + theta * a)
        v = rho * s - hy / yhy
        # H+ = (H - Hy y'H / y'Hy + phi (y'Hy) v v') / tau + rho s s'
        columns = torch.stack([hy, v, s], dim=1)
        factors = columns * columns.new_tensor([-1 / (yhy * scale), phi * yhy / scale, rho])
        torch.addmm(self._inverse, factors, columns.T, beta=1 / scale, out=self._inverse)

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[float, torch.Tensor]:
        with torch.enable_grad():
            loss = float(closure().detach())
        self.evaluations += 1
        parts = [
            torch.zeros_like(p).reshape(-1) if p.grad is None else p.grad.reshape(-1) for p in self._params
        ]
        return loss, torch.cat(parts)


def self_scaling(
    h: float, b: float, n: int, first: bool = False, family: str = "broyden"
) -> tuple[float, float]:
    """Return (theta, tau) of the self-scaled Broyden update.

    Args:
        h: y'Hy / y's.
        b: s'Bs / y's.
        n: number of parameters.
        first: whether it is the first update, on a matrix that knows nothing.
        family: "broyden" or "bfgs".
    """
    a = b * h - 1
    if abs(a) < 1e-12 or family == "bfgs":  # the limit is BFGS: theta = 0
        return 0.0, h if first else min(1.0, 1 / b)
    c = math.sqrt(abs(a) / (1 + a)) if a > -1 else math.inf
    rm = min(1.0, h * (1 - c))
    tm = (rm - 1) / a
    tp = 1 / rm if rm != 0 else math.inf
    theta = max(tm, min(tp, (1 - b) / b))
    sg = 1 + theta * a
    if sg == 0 or n < 2:
        return theta, math.nan
    if first:
        return theta, h / sg
    sn = abs(sg) ** (1 / (1 - n))
    rk = min(1.0, 1 / b)
    return theta, min(rk * sn, sg) if theta <= 0 else rk * min(sn, 1 / theta)
