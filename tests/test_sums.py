"""Sums of derivatives propagated as one: which equations hold one, and that nothing changes but the cost."""

import pytest
import torch
from sympy import Eq, Function, cos, sin, symbols

from pinnsolver import Problem
from pinnsolver.compile import terms as terms_module
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.compile.sums import collapse_sums
from pinnsolver.declare import check_problem
from pinnsolver.train import as_deepxde

x, y, z, t = symbols("x y z t")
u, v, p = Function("u"), Function("v"), Function("p")
W, V, P = u(x, y), v(x, y), p(x, y)


def laplace(f):
    return f.diff(x, 2) + f.diff(y, 2)


def box(equations, time=None):
    return Problem("sums", equations, [(x, 0, 1), (y, 0, 2)], time, [])


def sums_of(problem):
    """Return by equation the sums it holds, as {field: {orders: number}}."""
    found = []
    for lowered in collapse_sums([e.residual for e in check_problem(problem).equations]):
        sums = [value for value in lowered.values if isinstance(value.orders, OrdersSum)]
        found.append({s.field: dict(s.orders.parts) for s in sums})
    return found


def test_a_laplacian_is_one_derivative():
    assert sums_of(box([Eq(laplace(W) + W**3, sin(x))])) == [{"u": {(0, 2): 1.0, (2, 0): 1.0}}]


def test_numbers_and_a_common_variable_factor_stay():
    (found,) = sums_of(box([Eq(3 * (1 + x**2) * (W.diff(x, 2) + W.diff(y, 2) / 4), cos(W))]))
    assert found == {"u": {(0, 2): 1.0, (2, 0): 4.0}}


def test_a_biharmonic_operator_is_one_derivative():
    (found,) = sums_of(box([Eq(laplace(laplace(W)), W)]))
    assert found == {"u": {(0, 4): 1.0, (2, 2): 2.0, (4, 0): 1.0}}


def test_each_momentum_equation_holds_its_own():
    momentum = [W * f.diff(x) + V * f.diff(y) + P.diff(s) - laplace(f) / 100 for f, s in ((W, x), (V, y))]
    found = sums_of(box([*(Eq(m, 0) for m in momentum), Eq(W.diff(x) + V.diff(y), 0)]))
    both = {(0, 2): 1.0, (2, 0): 1.0}
    assert found == [{"u": both}, {"v": both}, {}]


@pytest.mark.parametrize(
    "equations",
    [
        [Eq(W.diff(x, 2) + x * W.diff(y, 2), 0)],
        [Eq(W.diff(x, 2) * W.diff(y, 2), 1)],
        [Eq(sin(W.diff(x, 2) + W.diff(y, 2)), 1)],
        [Eq(laplace(W), V), Eq(V, W.diff(x, 2))],
        [Eq(W.diff(x) + W.diff(y), 1)],
        [Eq(laplace(W), 0), Eq(V.diff(x, 2), 0), Eq(P.diff(y, 2), 0)],
    ],
    ids=["variable", "product", "nonlinear", "part alone", "first order", "others need the parts"],
)
def test_what_saves_nothing_stays_as_it_is(equations):
    assert not any(sums_of(box(equations)))


@pytest.mark.parametrize(
    "kind", [{}, {"network__kind": "modified"}, {"network__activation": "silu"}], ids=str
)
def test_residuals_and_slopes_are_those_of_the_parts(kind, monkeypatch):
    problem = Problem(
        "plate",
        [Eq(u(x, y, t).diff(t), laplace(u(x, y, t)) / 5 + sin(u(x, y, t)))],
        [(x, 0, 1), (y, 0, 2)],
        (t, 0, 1),
        [Eq(u(x, y, 0), sin(x)), Eq(u(0, y, t), 0), Eq(u(x, y, t).diff(y).subs(y, 0), 0)],
    )
    few = {"points__interior": 30, "points__boundary": 9, "network__width": 6, "network__depth": 2, **kind}

    def rows():
        data, module = as_deepxde(problem, **few)
        slopes = []
        parameters = list(module.parameters())
        found = data.terms(module)
        for value in found.values():
            grads = torch.autograd.grad(value, parameters, retain_graph=True, materialize_grads=True)
            slopes.append(torch.cat([g.flatten() for g in grads]))
        residuals, jacobian = data.rows(module, slopes=True)
        return (
            len(data.compiled.derivatives),
            torch.stack(list(found.values())),
            torch.stack(slopes),
            residuals,
            jacobian,
        )

    fewer, *found = rows()
    monkeypatch.setattr(terms_module, "collapse_sums", tuple)
    more, *known = rows()
    assert fewer == more - 1
    for one, other in zip(found, known, strict=True):
        assert float((one - other).detach().abs().max()) < 1e-12 * float(other.detach().abs().max())
