"""Loss-and-gradient time of the forward engine against nested autograd and torch.func, and its distance to arithmetic.

The time that the arithmetic alone would need is that of the matrix products and of the activations, each at the rate
measured on this machine for the layer's shape; sums of products between derivatives are left out of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from pinnsolver.network import AutogradNetwork, OwnNetwork
from pinnsolver.network.jets import closed_indices
from pinnsolver.network.sweep import CHUNK

from .machine import cores, describe_machine, new_path, write_json
from .ways import EQUATIONS, Derivatives, Equation, by_func, by_network, make_module

NESTINGS = ("grad", "jacfwd", "jacfwd over jacrev")
PROBE = 500  # points at which torch.func's nestings are tried
ROUNDS, LEAST, ENOUGH = 15, 3, 3.5  # rounds at most, at least, and the seconds that are enough for a row
TURN = 4  # calls in a row that count
AGREE = 1e-8  # of the gradients, relative to the largest entry


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    dimension: str
    order: int
    depth: int
    width: int
    points: int


def _cases() -> list[Case]:
    """Return each order in each dimension; then sizes of network and of sets of points, at the second and fourth order."""
    by_order = [
        Case(dimension, order, 4, 32, 1000 if order == 4 else 4000)
        for order in (1, 2, 4)
        for dimension in ("1-D+t", "2-D", "3-D")
    ]
    by_size = [
        Case("1-D+t", 2, depth, width, points)
        for depth, width in ((3, 20), (4, 32), (4, 64))
        for points in (1000, 4000, 20000)
    ]
    large = [Case("1-D+t", 4, 4, 64, 4000), Case("3-D", 2, 4, 64, 20000)]
    return list(dict.fromkeys([*by_order, *by_size, *large]))


CASES = _cases()


def loss_and_gradient(
    equation: Equation, parameters: list[torch.Tensor], derivatives: Callable[[], Derivatives]
) -> tuple[torch.Tensor, ...]:
    """Return the gradient of the mean square residual."""
    loss = equation.residual(derivatives()).square().mean()
    return torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)


def measure_case(case: Case) -> dict[str, Any]:
    """Return the row of a case."""
    equation = EQUATIONS[case.dimension, case.order]
    dimension = len(equation.coordinates)
    module = make_module(dimension, case.depth, case.width)
    parameters = list(module.parameters())
    generator = torch.Generator().manual_seed(1)
    points = 2 * torch.rand(case.points, dimension, generator=generator, dtype=torch.float64) - 1
    networks = {"forward": OwnNetwork(module, ["u"]), "nested": AutogradNetwork(module, ["u"])}

    def work(derivatives: Callable[[], Derivatives]) -> Callable[[], tuple[torch.Tensor, ...]]:
        return lambda: loss_and_gradient(equation, parameters, derivatives)

    nesting = _fastest_nesting(equation, module, points[:PROBE], work)
    ways = {name: work(partial(by_network, equation, n, points)) for name, n in networks.items()}
    ways["func"] = work(partial(by_func, equation, module, points, nesting))
    _check_agreement(ways)
    taken = _alternate(ways)
    K = len(closed_indices(equation.asked.values(), dimension))
    alone = arithmetic_seconds(case, dimension, K)
    return {
        **{"dimension": case.dimension, "order": case.order, "equation": equation.text},
        **{"depth": case.depth, "width": case.width, "points": case.points, "func_nesting": nesting},
        **{f"{name}_ms": 1e3 * seconds for name, seconds in taken.items()},
        "over_nested": taken["nested"] / taken["forward"],
        "over_func": taken["func"] / taken["forward"],
        **{"arithmetic_ms": 1e3 * alone, "share": alone / taken["forward"], "channels": K},
    }


def _fastest_nesting(
    equation: Equation,
    module: torch.nn.Module,
    points: torch.Tensor,
    work: Callable[[Callable[[], Derivatives]], Callable[[], Any]],
) -> str:
    """Return the nesting of torch.func that is the fastest at a few points."""
    ways = {name: work(partial(by_func, equation, module, points, name)) for name in NESTINGS}
    for way in ways.values():  # the first call is slower
        way()
    taken = {name: _seconds(way) for name, way in ways.items()}
    return min(taken, key=taken.__getitem__)


def _check_agreement(ways: Mapping[str, Callable[[], tuple[torch.Tensor, ...]]]) -> None:
    """Compare the gradients of all ways; this also warms up.

    Raises:
        ArithmeticError: they differ.
    """
    found = {name: torch.cat([g.flatten() for g in way()]) for name, way in ways.items()}
    known = found["nested"]
    for name, gradient in found.items():
        difference = float((gradient - known).abs().max() / known.abs().max())
        if not difference <= AGREE:
            raise ArithmeticError(
                f"The gradient by {name} differs from nested autograd's by {difference:.1e}"
            )


def _alternate(ways: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return each way's median seconds, measured in turn so that all see the same noise.

    A turn is a few calls after one that does not count: in training, too, a way finds the caches as it left them.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    begin = time.perf_counter()
    for count in range(ROUNDS):
        if count >= LEAST and time.perf_counter() - begin > ENOUGH:
            break
        for name, way in ways.items():
            way()
            taken[name] += [_seconds(way) for _ in range(TURN)]
    return {name: statistics.median(values) for name, values in taken.items()}


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


# ------------------------------------------------------------------------------------------ arithmetic


def arithmetic_seconds(case: Case, dimension: int, K: int) -> float:
    """Return the seconds that matrix products and activations alone would take.

    Each weight matrix works on all K derivatives three times: forward, for its own gradient and for that of what
    is below it. The first layer sees coordinates, whose derivatives are constants: once forward, once for its own.

    Args:
        dimension: of the coordinates.
        K: number of derivatives that a layer passes on.
    """
    products, activations = arithmetic_counts(case.depth, case.width, case.points, dimension, K)
    rows = min(case.points, max(64, CHUNK // (K * case.width)))
    return products / matmul_rate(case.width, K, rows) + activations / activation_rate(case.width, rows)


def arithmetic_counts(depth: int, width: int, points: int, dimension: int, K: int) -> tuple[int, int]:
    """Return the floating-point operations of the matrix products, and the number of activations."""
    first = 2 * 2 * dimension * width * points
    inner = (depth - 1) * 3 * 2 * K * width * width * points
    last = 3 * 2 * K * width * points
    return first + inner + last, depth * width * points


@cache
def matmul_rate(width: int, K: int, rows: int) -> float:
    """Return operations a second of a hidden layer's product, the faster of one for each derivative and one for all."""
    weight = torch.randn(width, width, dtype=torch.float64)
    each = torch.randn(K, width, rows, dtype=torch.float64)
    together = torch.randn(width, K * rows, dtype=torch.float64)
    out_each, out_together = torch.empty_like(each), torch.empty_like(together)
    spread = weight.expand(K, -1, -1)
    best = min(
        _best_seconds(lambda: torch.bmm(spread, each, out=out_each)),
        _best_seconds(lambda: torch.mm(weight, together, out=out_together)),
    )
    return 2 * K * width * width * rows / best


@cache
def activation_rate(width: int, rows: int) -> float:
    """Return activations a second, the faster of tanh and of the logistic function, from which it follows."""
    values = torch.randn(width, rows, dtype=torch.float64)
    out = torch.empty_like(values)
    best = min(
        _best_seconds(lambda: torch.tanh(values, out=out)),
        _best_seconds(lambda: torch.sigmoid(values, out=out)),
    )
    return width * rows / best


def _best_seconds(work: Callable[[], Any], enough: float = 0.1) -> float:
    """Return the shortest of many calls."""
    work()
    best, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < enough:
        best = min(best, _seconds(work))
    return best


def measure_engine(threads: int | None = None, cases: list[Case] | None = None) -> Path:
    """Measure all cases and write the result.

    Args:
        threads: of torch; all cores by default.
        cases: all by default.

    Returns:
        The path of the result.
    """
    torch.set_num_threads(threads or cores())
    path = new_path("engine")
    result: dict[str, Any] = {
        "kind": "engine",
        "machine": describe_machine(),
        "threads": torch.get_num_threads(),
    }
    cases = CASES if cases is None else cases
    result["rows"] = [measure_case(case) for case in track(cases, "Engine")]
    rates = [(c.width, c.points) for c in cases]
    result["rates"] = {
        "matmul_gflops": {
            str(w): matmul_rate(w, 4, max(64, CHUNK // (4 * w))) / 1e9 for w, _ in sorted(set(rates))
        },
        "activation_giga": activation_rate(32, 2048) / 1e9,
    }
    write_json(path, result)
    return path
