"""torch's L-BFGS, one iteration a step: bounded, no evaluation twice, and at home in DeepXDE's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from pinnsolver.train.flat import gather


class SteppedLBFGS(torch.optim.LBFGS):
    """L-BFGS with strong Wolfe line search, each `step` one iteration.

    torch's own `step` evaluates the closure once more at the point where the last one ended, and skips
    curvature pairs with y's below 1e-10, which a small loss falls below long before it has converged.
    Here the last evaluations are remembered, and the loss that the iteration sees is scaled up.

    Args:
        params: parameters, one group.
        memory: curvature pairs to keep.
    """

    def __init__(self, params: Iterable[torch.nn.Parameter], memory: int = 50) -> None:
        super().__init__(
            params,
            lr=1.0,
            max_iter=1,
            max_eval=25,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=memory,
            line_search_fn="strong_wolfe",
        )
        self.evaluations = 0
        self.moved = True
        self._seen: list[tuple[torch.Tensor, float, torch.Tensor]] = []
        self._scale: float | None = None
        self._changed = False

    def function_changed(self) -> None:
        """Say that the points or the weights are new: old evaluations do not count, the curvature does."""
        self._changed = True

    def forget(self) -> None:
        """Drop the curvature as well: the next step is along the gradient."""
        self.state.clear()
        self._seen.clear()
        self._scale = None
        self._changed = False

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on: torch's own memory, and the evaluations that are remembered."""
        memory = {"moved": self.moved, "evaluations": self.evaluations, "scale": self._scale}
        return {**super().state_dict(), "memory": memory | {"changed": self._changed}, "seen": self._seen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as the optimizer would that gave the state."""
        super().load_state_dict({key: state_dict[key] for key in ("state", "param_groups")})
        memory, like = state_dict["memory"], self._params[0]
        self.moved, self.evaluations = bool(memory["moved"]), int(memory["evaluations"])
        self._scale, self._changed = memory["scale"], bool(memory["changed"])
        self._seen = [
            (point.to(like).clone(), float(loss), gradient.to(like).clone())
            for point, loss, gradient in state_dict["seen"]
        ]

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Do one iteration.

        Args:
            closure: clears the gradients, computes the loss and its gradient, and returns the loss.

        Returns:
            The loss before the iteration.
        """
        before = gather(self._params)
        if self._changed and self._seen:
            self._carry_over(before, closure)
        self._changed = False
        seen = self._seen
        self._seen = []

        def remembered() -> Any:
            here = gather(self._params)
            for point, loss, gradient in (*seen, *self._seen):
                if torch.equal(point, here):
                    self._put_gradient(gradient)
                    return loss
            return self._evaluate(here, closure)

        loss = super().step(remembered)
        after = gather(self._params)
        self.moved = not torch.equal(before, after)
        self._seen = [s for s in (*seen, *self._seen) if torch.equal(s[0], after)]
        return loss / (self._scale or 1.0)

    def _evaluate(self, here: torch.Tensor, closure: Callable[[], Any]) -> float:
        with torch.enable_grad():
            loss = float(closure().detach())
        self.evaluations += 1
        if self._scale is None:
            self._scale = 1e3 / loss if 0 < loss < float("inf") else 1.0
        gradient = self._gather_flat_grad().mul(self._scale)
        self._put_gradient(gradient)
        self._seen.append((here, loss * self._scale, gradient))
        return loss * self._scale

    def _carry_over(self, here: torch.Tensor, closure: Callable[[], Any]) -> None:
        """Make the next curvature pair that of the old function: shift its gradient by what the change added."""
        state = self.state[self._params[0]]
        old = next((g for point, _, g in self._seen if torch.equal(point, here)), None)
        self._seen.clear()
        self._evaluate(here, closure)
        if old is not None and state.get("prev_flat_grad") is not None:
            state["prev_flat_grad"] = state["prev_flat_grad"] + (self._seen[-1][2] - old)

    def _put_gradient(self, gradient: torch.Tensor) -> None:
        offset = 0
        for p in self._params:
            p.grad = gradient[offset : offset + p.numel()].view_as(p).clone()
            offset += p.numel()
