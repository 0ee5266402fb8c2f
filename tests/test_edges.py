"""Edges at which hard conditions contradict an equation: found, told, and no longer counted in full."""

import pytest
import torch
from sympy import Eq, Function, cos, pi, sin, symbols

from pinnsolver import On, Problem, Rectangle
from pinnsolver.declare import Settings, check_problem
from pinnsolver.train.data import as_deepxde
from pinnsolver.transform import transform_problem

x, y, t = symbols("x y t")
u, v, p = (Function(name)(x, y) for name in "uvp")


def stream(lid, **more):
    """Return slow flow in a box below a lid that moves."""
    return Problem(
        "stream",
        [
            Eq(p.diff(x) - u.diff(x, 2) - u.diff(y, 2), 0),
            Eq(p.diff(y) - v.diff(x, 2) - v.diff(y, 2), 0),
            Eq(u.diff(x) + v.diff(y), 0),
        ],
        [(x, 0, 2), (y, 0, 1)],
        conditions=[
            Eq(u.subs(y, 1), lid),
            Eq(v.subs(y, 1), 0),
            *[Eq(f.subs(side, end), 0) for f in (u, v) for side, end in ((x, 0), (x, 2), (y, 0))],
            Eq(p.subs({x: 0, y: 0}), 0),
        ],
        **more,
    )


def edges_of(problem, **settings):
    return transform_problem(check_problem(problem), Settings(**settings)).edges


def test_a_lid_that_slides_past_its_walls_contradicts_continuity_at_its_ends():
    edges = edges_of(stream(x * (2 - x)))
    assert {e.ends for e in edges} == {(0, 1), (2, 1)}
    for edge in edges:  # u_x = 2 - 2 x = +-2 at the ends, v_y = 0
        assert edge.equation == "equation 3"
        assert edge.misfit == pytest.approx(2)


def test_a_lid_that_stops_smoothly_at_its_ends_contradicts_nothing():
    assert edges_of(stream((x * (2 - x)) ** 2)) == ()


def test_soft_conditions_contradict_nothing():
    assert edges_of(stream(x * (2 - x)), hard=False) == ()


def test_the_start_may_contradict_the_walls():
    w = Function("w")(x, t)

    def heat(start, wall):
        conditions = [Eq(w.subs(t, 0), start), Eq(w.subs(x, 0), wall), Eq(w.subs(x, 1), 0)]
        return Problem("heat", [Eq(w.diff(t), w.diff(x, 2))], [(x, 0, 1)], (t, 0, 1), conditions)

    assert edges_of(heat(sin(pi * x), 0)) == ()
    # w_t = -pi sin(0) = 0 at the wall's start by its own cosine, w_xx = 0 by the initial one's sine.
    assert edges_of(heat(1 - x, cos(t))) == ()
    found = edges_of(heat(1 - x, 1 + 40 * t))  # 40 at the wall, 0 by the start
    assert [e.place for e in found] == ["x = 0, t = 0"]
    assert found[0].misfit == pytest.approx(40)


def test_a_slope_that_the_network_cannot_have_is_known_too():
    w = Function("w")(x, t)
    problem = Problem(
        "rod",
        [Eq(w.diff(x).diff(t) + 40 * x, 0)],
        [(x, 0, 1)],
        (t, 0, 1),
        [Eq(w.subs(t, 0), 0), Eq(w.diff(x).subs(x, 1), 0)],
    )
    assert [e.ends for e in edges_of(problem)] == [(1, 0), (1, 1)]  # w_xt = 0 all along the wall


def test_shapes_have_no_edges_that_are_looked_at():
    w = Function("w")(x, y)
    box = Rectangle((x, y), (0, 0), (1, 1))
    problem = Problem("p", [Eq(w.diff(x, 2) + w.diff(y, 2), 1)], box, conditions=[On(box.boundary, Eq(w, 0))])
    assert edges_of(problem) == ()


def test_the_choice_names_place_equation_and_misfit():
    choice = transform_problem(check_problem(stream(x * (2 - x))), Settings()).choices["contradicted edges"]
    assert choice.value == ["x = 0, y = 1", "x = 2, y = 1"]
    assert "equation 3" in choice.reason and "2 in" in choice.reason
    assert "contradicted edges" not in transform_problem(check_problem(stream(0)), Settings()).choices


def test_rows_of_the_equations_count_less_near_an_edge():
    small = {"points__interior": 50, "network__width": 6}
    data, _ = as_deepxde(stream(x * (2 - x)), **small)
    columns = data.groups[0].columns
    far = ((columns[0] / 2) ** 2 + (columns[1] - 1) ** 2)[:, 0]
    other = ((columns[0] / 2 - 1) ** 2 + (columns[1] - 1) ** 2)[:, 0]
    expected = (far / (far + 0.04) * other / (other + 0.04)).sqrt()
    assert torch.allclose(data._damping(data.groups[0])[:, 0], expected)
    for group in data.groups[1:]:
        assert data._damping(group) is None
    plain, _ = as_deepxde(stream(0), **small)
    assert plain._damping(plain.groups[0]) is None


def test_both_ways_to_the_rows_agree_and_give_the_loss():
    data, module = as_deepxde(stream(x * (2 - x)), points__interior=50, network__width=6)
    alone, none = data.rows(module, slopes=False)
    rows, slopes = data.rows(module, slopes=True)
    assert none is None and torch.allclose(alone, rows, rtol=1e-12, atol=1e-14)
    loss = sum(data.losses(None, None, None, None, type("M", (), {"net": module})()))
    total = float(loss.detach())
    assert float(rows.square().sum()) == pytest.approx(total, rel=1e-12)
    gradient = torch.autograd.grad(loss, list(module.parameters()), allow_unused=True, materialize_grads=True)
    flat = torch.cat([g.flatten() for g in gradient])
    assert float((2 * slopes @ rows - flat).abs().max() / flat.abs().max()) < 1e-10
    data.note_rows(rows, module)
    assert data.total({n: float(r) for n, r in data.raw.items()}) == pytest.approx(total, rel=1e-12)
