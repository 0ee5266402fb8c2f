"""Equations of three orders in three sets of coordinates, and three ways to their derivatives.

All ways give the same numbers: the derivatives of one field at points, by name ("" the field, "xxt" for u_xxt).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.func import functional_call, grad, jacfwd, jacrev, vmap

from pinnsolver.compile import DerivativePlan
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.network import AutogradNetwork, OwnNetwork
from pinnsolver.network.mlp import Features, Perceptron, Trunks

Derivatives = Mapping[str, torch.Tensor]
Residual = Callable[[Derivatives], torch.Tensor]


@dataclass(frozen=True)
class Equation:
    """A residual of one field.

    Args:
        text: how it is written.
        coordinates: their letters, in the order of the points' columns.
        needs: the derivatives it is made of.
        residual: of them, and of their sum, under the name "sum".
        sum: derivatives of the highest order with their numbers, needed as a sum only.
    """

    text: str
    coordinates: str
    needs: tuple[str, ...]
    residual: Residual
    sum: tuple[tuple[str, float], ...] = ()

    def orders(self, name: str) -> tuple[int, ...]:
        """Return how often a derivative differentiates by each coordinate."""
        return tuple(name.count(letter) for letter in self.coordinates)

    @property
    def plan(self) -> DerivativePlan:
        """The derivatives as the network is asked for them."""
        return DerivativePlan.of(("u", orders) for orders in self.asked.values())

    @property
    def asked(self) -> dict[str, tuple[int, ...] | OrdersSum]:
        """What the network is asked for by name: the sum in place of its parts."""
        parts = dict(self.sum)
        found: dict[str, tuple[int, ...] | OrdersSum] = {
            name: self.orders(name) for name in self.needs if name not in parts
        }
        if parts:
            found["sum"] = OrdersSum(tuple((self.orders(name), number) for name, number in self.sum))
        return found


def _square(names: tuple[str, ...]) -> Residual:
    return lambda d: torch.stack([d[name] ** 2 for name in names]).sum(0) - 1


def _one(d: Derivatives) -> torch.Tensor:
    return d["sum"] - 1


def _laplacian(*pure: str) -> tuple[tuple[str, float], ...]:
    return tuple((name, 1.0) for name in pure)


def _biharmonic(pure: tuple[str, ...], mixed: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    return (*_laplacian(*pure), *((name, 2.0) for name in mixed))


_PURE, _MIXED = ("xxxx", "yyyy", "zzzz"), ("xxyy", "xxzz", "yyzz")
EQUATIONS: dict[tuple[str, int], Equation] = {
    ("1-D+t", 1): Equation("u_t + u u_x", "xt", ("", "x", "t"), lambda d: d["t"] + d[""] * d["x"]),
    ("1-D+t", 2): Equation(
        "u_t + u u_x - u_xx", "xt", ("", "x", "t", "xx"), lambda d: d["t"] + d[""] * d["x"] - d["xx"]
    ),
    ("1-D+t", 4): Equation(
        "u_t + u u_x + u_xx + u_xxxx",
        "xt",
        ("", "x", "t", "xx", "xxxx"),
        lambda d: d["t"] + d[""] * d["x"] + d["xx"] + d["xxxx"],
    ),
    ("2-D", 1): Equation("|grad u|^2 - 1", "xy", ("x", "y"), _square(("x", "y"))),
    ("2-D", 2): Equation("Laplace u - 1", "xy", ("xx", "yy"), _one, _laplacian("xx", "yy")),
    ("2-D", 4): Equation(
        "Laplace Laplace u - 1", "xy", (*_PURE[:2], "xxyy"), _one, _biharmonic(_PURE[:2], ("xxyy",))
    ),
    ("3-D", 1): Equation("|grad u|^2 - 1", "xyz", ("x", "y", "z"), _square(("x", "y", "z"))),
    ("3-D", 2): Equation("Laplace u - 1", "xyz", ("xx", "yy", "zz"), _one, _laplacian("xx", "yy", "zz")),
    ("3-D", 4): Equation("Laplace Laplace u - 1", "xyz", (*_PURE, *_MIXED), _one, _biharmonic(_PURE, _MIXED)),
}


def make_module(dimension: int, depth: int, width: int) -> Trunks:
    """Return a tanh network of our own on [-1, 1]^dimension in float64."""
    features = Features(
        range(dimension), [-1.0] * dimension, [1.0] * dimension, [False] * dimension, harmonics=1
    )
    generator = torch.Generator().manual_seed(0)
    return Trunks([Perceptron(features, width, depth, 1, "tanh", generator)], [0]).double()


def by_network(
    equation: Equation, network: OwnNetwork | AutogradNetwork, points: torch.Tensor
) -> Derivatives:
    """Return the derivatives, (n, 1), as one of our field networks gives them."""
    found = network.derivatives(points, equation.plan)
    return {name: found["u", orders] for name, orders in equation.asked.items()}


def by_func(equation: Equation, module: torch.nn.Module, points: torch.Tensor, nesting: str) -> Derivatives:
    """Return the derivatives, (n,), by torch.func over one point, mapped over all of them.

    Args:
        nesting: "grad" (one inside the other, by single coordinates), "jacfwd" (likewise) or "jacfwd over jacrev"
            (whole tensors of derivatives by the point, of which the wanted entries are taken).
    """
    parameters = dict(module.named_parameters())

    def value(*coordinates: torch.Tensor) -> torch.Tensor:
        return functional_call(module, parameters, (torch.stack(coordinates)[None],))[0, 0]

    if nesting == "jacfwd over jacrev":
        return _summed(equation, _whole_tensors(equation, lambda point: value(*point), points))
    step = grad if nesting == "grad" else jacfwd

    def all_of(point: torch.Tensor) -> dict[str, torch.Tensor]:
        found = {}
        for name in equation.needs:
            function = value
            for letter in name:
                function = step(function, argnums=equation.coordinates.index(letter))
            found[name] = function(*point)
        return found

    return _summed(equation, vmap(all_of)(points))


def _summed(equation: Equation, found: dict[str, torch.Tensor]) -> Derivatives:
    """Return derivatives with their sum."""
    if not equation.sum:
        return found
    return {**found, "sum": torch.stack([number * found[name] for name, number in equation.sum]).sum(0)}


def _whole_tensors(
    equation: Equation, value: Callable[[torch.Tensor], torch.Tensor], points: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the derivatives as entries of the tensors of all derivatives of an order."""
    functions, highest = [value], max(len(name) for name in equation.needs)
    for order in range(highest):
        functions.append(jacfwd(functions[-1]) if order else jacrev(value))
    used = sorted({len(name) for name in equation.needs})

    def all_of(point: torch.Tensor) -> dict[str, torch.Tensor]:
        tensors = {order: functions[order](point) for order in used}
        return {
            name: tensors[len(name)][tuple(equation.coordinates.index(letter) for letter in name)]
            for name in equation.needs
        }

    return vmap(all_of)(points)
