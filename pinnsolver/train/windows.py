"""A long horizon solved window by window: the windows' networks as one field, trained one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from pinnsolver.compile import CompiledProblem, DerivativePlan, FieldDerivative, Linearised, Seam
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.network import Unknowns
from pinnsolver.train.module import TrainableProblem
from pinnsolver.train.series import Series, fit_series
from pinnsolver.transform import TransformedProblem, transform_window
from pinnsolver.transform.windows import window_edges


def is_windowed(transformed: TransformedProblem) -> bool:
    """Say whether a problem is solved window by window."""
    return (transformed.settings.windows or 1) > 1


def compile_transformed(transformed: TransformedProblem) -> CompiledProblem:
    """Return a problem compiled, in windows for whatever gives its fields outright: the windows hold their own conditions."""
    return CompiledProblem(transformed, plain=is_windowed(transformed))


def module_of(compiled: CompiledProblem) -> TrainableProblem | WindowedProblem:
    """Return what is trained of a problem: a network for each window, or one."""
    return (
        WindowedProblem(compiled.transformed)
        if is_windowed(compiled.transformed)
        else TrainableProblem(compiled)
    )


@dataclass(frozen=True, eq=False)
class _End:
    """The last window's solution at its end."""

    compiled: CompiledProblem
    module: TrainableProblem
    known: dict[DerivativePlan, Mapping[FieldDerivative, torch.Tensor]] = field(default_factory=dict)
    series: dict[FieldDerivative, Series | None] = field(default_factory=dict)

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return the planned derivatives of the fields, (n, 1) each, at points of the end.

        The state does not change any more once it is handed over, so that it is worked out once: as numbers for a system in
        time alone, as a Fourier series where all of space is periodic.
        """
        checked = self.compiled.checked
        if len(checked.coordinates) == 1:
            if plan not in self.known:
                self.known[plan] = self._asked(points, plan)
            return self.known[plan]
        others = [c for c in checked.coordinates if c.name not in checked.periodic]
        if others != [checked.time]:
            return self._asked(points, plan)
        found: dict[FieldDerivative, torch.Tensor] = {}
        for field_name, orders in plan.wanted:
            assert not isinstance(orders, OrdersSum)
            columns = [i for i, c in enumerate(checked.coordinates) if c in checked.space]
            level = tuple(0 if i in columns else order for i, order in enumerate(orders))
            series = self._series((field_name, level), points[0], columns)
            if series is not None:
                found[field_name, orders] = series.derivative(points, tuple(orders[i] for i in columns))
        left = DerivativePlan.of(key for key in plan.wanted if key not in found)
        return found | dict(self._asked(points, left)) if left.wanted else found

    def _series(self, key: FieldDerivative, place: torch.Tensor, columns: Sequence[int]) -> Series | None:
        if key not in self.series:
            plan = DerivativePlan.of([key])
            self.series[key] = fit_series(
                lambda nodes: self._asked(nodes, plan)[key], place, columns, self.compiled.checked.space
            )
        return self.series[key]

    def _asked(self, points: torch.Tensor, plan: DerivativePlan) -> Mapping[FieldDerivative, torch.Tensor]:
        return self.compiled.derivatives_of(self.module.network, points, plan)


class WindowedProblem(torch.nn.Module):
    """The networks of all windows of time; to a solution it is one network that gives the fields.

    Args:
        transformed: the whole, its settings without gaps.
    """

    solved: torch.Tensor
    edges: torch.Tensor

    def __init__(self, transformed: TransformedProblem) -> None:
        super().__init__()
        checked, count = transformed.checked, transformed.settings.windows or 1
        assert checked.time is not None
        self.column = checked.coordinates.index(checked.time)
        self.fields = [f.name for f in checked.fields]
        self.windows: list[CompiledProblem] = []
        self.parts = torch.nn.ModuleList()
        for k in range(count):
            part = transform_window(transformed, k)
            # Later windows hold the same residuals, but for observations, which are cut.
            same = k > 1 and not checked.observations
            groups = self.windows[1].groups if same else None
            compiled = CompiledProblem(part, self._seam(part) if k else None, groups=groups)
            self.windows.append(compiled)
            self.parts.append(TrainableProblem(compiled))
        self.unknowns = Unknowns((), self.windows[0].dtype)
        # So many windows are solved: a run may have been cut off.
        self.register_buffer("solved", torch.zeros((), dtype=torch.int64))
        ends = [float(edge) for edge in window_edges(checked.time, count)[1:-1]]
        self.register_buffer("edges", torch.tensor(ends, dtype=torch.float64), persistent=False)

    def _seam(self, part: TransformedProblem) -> Seam:
        last = self.parts[-1]
        assert isinstance(last, TrainableProblem) and part.checked.time is not None
        state = _End(self.windows[-1], last)
        alone = len(part.checked.coordinates) == 1
        return Seam(state, self.column, part.checked.time.low, part.carried, alone)

    @property
    def network(self) -> WindowedProblem:
        """What gives the fields' derivatives."""
        return self

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.unknowns.raw.device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the parameters."""
        return self.windows[0].dtype

    @property
    def size(self) -> int:
        """Number of trainable numbers."""
        return sum(p.numel() for p in self.parameters())

    @property
    def reached(self) -> float:
        """The time up to which it is solved."""
        time = self.windows[max(int(self.solved) - 1, 0)].checked.time
        assert time is not None
        return time.high

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return the fields at (n, D) points, (n, number of fields); NaN at times that are not reached."""
        points = points.to(device=self.device, dtype=self.dtype)
        zero = (0,) * points.shape[1]
        found = self.derivatives(points, DerivativePlan.of((name, zero) for name in self.fields))
        return torch.cat([found[name, zero] for name in self.fields], dim=1)

    def derivatives(
        self, points: torch.Tensor, plan: DerivativePlan
    ) -> Mapping[FieldDerivative, torch.Tensor]:
        """Return planned derivatives of the fields, (n, 1) each; NaN at times that are not reached."""
        found = {key: points.new_full((len(points), 1), torch.nan) for key in plan.wanted}
        own = torch.bucketize(points[:, self.column].double().contiguous(), self.edges, right=True)
        for k, compiled in enumerate(self.windows[: int(self.solved)]):
            rows = (own == k).nonzero()[:, 0]
            if len(rows):
                part = self.parts[k]
                assert isinstance(part, TrainableProblem)
                for key, value in compiled.derivatives_of(part.network, points[rows], plan).items():
                    found[key][rows] = value.detach()
        return found

    def linearise(self, points: torch.Tensor, plan: DerivativePlan) -> Linearised:
        """Training works window by window, not on the whole."""
        raise NotImplementedError("slopes are taken window by window")

    def begin(self, k: int) -> TrainableProblem:
        """Return window k's module, started from the last one's weights."""
        part = self.parts[k]
        assert isinstance(part, TrainableProblem)
        if k:
            before = self.parts[k - 1]
            assert isinstance(before, TrainableProblem)
            part.load_state_dict(before.state_dict())
        self.solved.fill_(k + 1)
        return part
