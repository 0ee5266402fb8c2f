"""Every row of the problem language, trained and evaluated for real: a few steps show that it runs, a few
hundred that it converges to the known answer."""

import numpy as np
import pytest
from conftest import small
from sympy import Eq, Function, Integral, Piecewise, cos, exp, log, pi, sin, sqrt, symbols

from pinnsolver import (
    Ball,
    Disk,
    Interval,
    NormalDerivative,
    Observations,
    On,
    Periodic,
    Problem,
    Rectangle,
    Settings,
    Unknown,
    solve,
)

x, y, z, t, k = symbols("x y z t k")
u, v, p = Function("u"), Function("v"), Function("p")
laplace = u(x, y).diff(x, 2) + u(x, y).diff(y, 2)
hole = Disk((x, y), (0.5, 0.5), 0.2, name="hole")
square = Rectangle((x, y), (0, 0), (1, 1), name="outer")
E_ = Unknown("E", start=8, low=0)
rate = Unknown("rate", start=1, low=0)
times = np.linspace(0, 1, 20)

# name: (problem, steps, bound on the relative L2 error of each field: about three times what was measured)
ROWS = {
    "systems of fields, each with its own coordinates": (
        Problem(
            "p",
            [
                Eq(u(x, t).diff(t), u(x, t).diff(x, 2) + (pi**2 - 1) * u(x, t) + v(t) - exp(-t)),
                Eq(v(t).diff(t), -v(t)),
            ],
            [(x, 0, 1)],
            (t, 0, 1),
            [Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0), Eq(v(0), 1)],
            reference={u: sin(pi * x) * exp(-t), v: exp(-t)},
        ),
        300,
        2e-2,
    ),
    "an ODE system": (
        Problem(
            "p",
            [Eq(u(t).diff(t), v(t)), Eq(v(t).diff(t), -u(t))],
            domain=[],
            time=(t, 0, 3),
            conditions=[Eq(u(0), 0), Eq(v(0), 1)],
            reference={u: sin(t), v: cos(t)},
        ),
        500,
        1e-2,
    ),
    "Dirichlet on a box with a value at a point": (
        Problem(
            "p",
            [Eq(u(x).diff(x, 2), -sin(x))],
            [(x, 0, pi)],
            None,
            [Eq(u(0), 0), Eq(u(pi), 0)],
            reference={u: sin(x)},
        ),
        300,
        1e-3,
    ),
    "initial velocity": (
        Problem(
            "p",
            [Eq(u(t).diff(t, 2), -u(t))],
            [],
            (t, 0, 2),
            [Eq(u(0), 1), Eq(u(t).diff(t).subs(t, 0), 0)],
            reference={u: cos(t)},
        ),
        300,
        1e-2,
    ),
    "Neumann and Robin": (
        Problem(
            "p",
            [Eq(u(x).diff(x, 2), -sin(x))],
            [(x, 0, 1)],
            None,
            [Eq(u(x).diff(x).subs(x, 0), 1), Eq(u(x).diff(x).subs(x, 1) + 2 * u(1), cos(1) + 2 * sin(1))],
            reference={u: sin(x)},
        ),
        300,
        1e-2,
    ),
    "periodic, all derivatives": (
        Problem(
            "p",
            [Eq(u(x, t).diff(t) + u(x, t).diff(x), 0)],
            [(x, 0, 2 * pi)],
            (t, 0, 1),
            [Periodic(x), Eq(u(x, 0), sin(x))],
            reference={u: sin(x - t)},
        ),
        200,
        1e-2,
    ),
    "periodic, the value alone": (
        Problem(
            "p",
            [Eq(u(x, t).diff(t) + u(x, t).diff(x), 0)],
            [(x, 0, 2 * pi)],
            (t, 0, 0.5),
            [Eq(u(0, t), u(2 * pi, t)), Eq(u(x, 0), sin(x))],
            reference={u: sin(x - t)},
        ),
        300,
        3e-2,
    ),
    "a shaped domain with named pieces": (
        Problem(
            "p",
            [Eq(laplace, 4)],
            square - hole,
            None,
            [
                On("outer", Eq(u(x, y), x**2 + y**2)),
                On("hole", Eq(NormalDerivative(u(x, y)), -2 * ((x - 0.5) * x + (y - 0.5) * y) / 0.2)),
            ],
            reference={u: x**2 + y**2},
        ),
        500,
        1e-2,
    ),
    "a part of a box's face": (
        Problem(
            "p",
            [Eq(laplace, 0)],
            [(x, 0, 1), (y, 0, 1)],
            None,
            [
                On(Eq(u(0, y), y), where=y > 0.5),
                On(Eq(u(0, y), y), where=y <= 0.5),
                Eq(u(1, y), 1 + y),
                Eq(u(x, 0), x),
                Eq(u(x, 1), x + 1),
            ],
            reference={u: x + y},
        ),
        300,
        1e-2,
    ),
    "a value at one point of a shape": (
        Problem(
            "p",
            [Eq(u(x, y).diff(x), 1), Eq(u(x, y).diff(y), 2)],
            Disk((x, y), (0, 0), 1),
            None,
            [Eq(u(0, 0), 3)],
            reference={u: x + 2 * y + 3},
        ),
        300,
        1e-2,
    ),
    "a shaped domain in time": (
        Problem(
            "p",
            [Eq(u(x, y, t).diff(t), u(x, y, t).diff(x, 2) + u(x, y, t).diff(y, 2) - 4)],
            Disk((x, y), (0, 0), 1, name="rim"),
            (t, 0, 0.5),
            [On("rim", Eq(u(x, y, t), 1)), Eq(u(x, y, 0), x**2 + y**2)],
            reference={u: x**2 + y**2},
        ),
        200,
        5e-2,
    ),
    "an eigenvalue with an integral constraint": (
        Problem(
            "p",
            [Eq(-u(x).diff(x, 2), E_ * u(x))],
            [(x, 0, 1)],
            None,
            [Eq(u(0), 0), Eq(u(1), 0), Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)],
            reference={u: sqrt(2) * sin(pi * x)},
        ),
        600,
        2e-2,
    ),
    "an unknown number from measurements": (
        Problem(
            "p",
            [Eq(u(t).diff(t), -rate * u(t))],
            [],
            (t, 0, 1),
            [Eq(u(0), 1)],
            observations=[Observations(u(t), times, np.exp(-2 * times))],
            reference={u: exp(-2 * t)},
        ),
        400,
        1e-2,
    ),
    "a family of problems": (
        Problem(
            "p",
            [Eq(u(t).diff(t), -k * u(t))],
            [],
            (t, 0, 1),
            [Eq(u(0), 1)],
            parameters=[(k, 1, 2)],
            reference={u: exp(-k * t)},
        ),
        300,
        1e-2,
    ),
    "a coefficient with a jump": (
        Problem(
            "p",
            [Eq(u(x).diff(x), Piecewise((1, x < 0), (2, True)))],
            [(x, -1, 1)],
            None,
            [Eq(u(-1), -1)],
            reference={u: Piecewise((x, x < 0), (2 * x, True))},
        ),
        300,
        5e-2,
    ),
    "a fourth order equation": (
        Problem(
            "p",
            [Eq(u(x).diff(x, 4), 24)],
            [(x, 0, 1)],
            None,
            [Eq(u(0), 0), Eq(u(1), 1), Eq(u(x).diff(x).subs(x, 0), 0), Eq(u(x).diff(x, 2).subs(x, 1), 12)],
            reference={u: x**4},
        ),
        500,
        1e-2,
    ),
    "a lone interval": (
        Problem(
            "p",
            [Eq(u(x).diff(x, 2), 2)],
            Interval(x, 0, 1, name="ends"),
            None,
            [On("ends", Eq(u(x), x**2))],
            reference={u: x**2},
        ),
        300,
        1e-2,
    ),
    "a ball": (
        Problem(
            "p",
            [Eq(sum(u(x, y, z).diff(s, 2) for s in (x, y, z)), 6)],
            Ball((x, y, z), (0, 0, 0), 1, name="surface"),
            None,
            [On("surface", Eq(u(x, y, z), 1))],
            reference={u: x**2 + y**2 + z**2},
        ),
        150,
        1e-1,
    ),
}


def boundary_narrowed():
    domain = Rectangle((x, y), (0, 0), (1, 1))
    return Problem(
        "p",
        [Eq(laplace, 0)],
        domain,
        None,
        [
            On(domain.boundary, Eq(u(x, y), x - y), where=x < 0.5),
            On(domain.boundary, Eq(u(x, y), x - y), where=x >= 0.5),
        ],
        reference={u: x - y},
    )


def five_dimensions():
    s = symbols("a b c d e")
    total = sum(s)
    faces = [Eq(u(*s).subs(q, end), total.subs(q, end)) for q in s for end in (0, 1)]
    return Problem(
        "p",
        [Eq(sum(u(*s).diff(q, 2) for q in s), 0)],
        [(q, 0, 1) for q in s],
        None,
        faces,
        reference={u: total},
    )


ROWS["a boundary narrowed by a relation"] = (boundary_narrowed(), 300, 1e-2)
ROWS["five dimensions"] = (five_dimensions(), 30, 1e-2)


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_language_is_solved(row):
    problem, steps, bound = ROWS[row]
    solution = solve(problem, steps=steps, seed=0, settings=small(), quiet=True)
    assert solution.result["stopped"] in ("steps", "plateau")
    for field, error in solution.relative_l2.items():
        assert error < bound, (field, error)


def test_the_unknown_is_found():
    problem, steps, _ = ROWS["an unknown number from measurements"]
    assert solve(problem, steps=steps, settings=small(), quiet=True).unknowns["rate"] == pytest.approx(
        2, rel=0.02
    )


def test_the_eigenvalue_is_found():
    problem, steps, _ = ROWS["an eigenvalue with an integral constraint"]
    assert solve(problem, steps=steps, settings=small(), quiet=True).unknowns["E"] == pytest.approx(
        np.pi**2, rel=0.01
    )


def test_settings_of_the_problem_are_used_and_the_call_goes_before_them():
    problem = Problem(
        "p",
        [Eq(u(t).diff(t), 1)],
        [],
        (t, 0, 1),
        [Eq(u(0), 0)],
        settings=Settings(steps=7, points={"interior": 50}),
    )
    assert solve(problem, quiet=True).result["steps"] == 7
    assert solve(problem, steps=3, quiet=True).result["steps"] == 3
    assert solve(problem, quiet=True).result["points"] == {"equation": 50}


def test_observations_from_a_file_are_used(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("t,u\n" + "\n".join(f"{s},{2 * s}" for s in times))
    problem = Problem(
        "p",
        [Eq(u(t).diff(t), rate)],
        [],
        (t, 0, 1),
        [Eq(u(0), 0)],
        observations=[Observations(u(t), str(file))],
    )
    assert solve(problem, steps=300, settings=small(), quiet=True).unknowns["rate"] == pytest.approx(
        2, rel=0.02
    )


def test_a_logarithm_of_a_negative_field_is_named_before_the_first_step():
    from pinnsolver import TrainingDiverged

    problem = Problem("p", [Eq(u(t).diff(t), log(u(t) - 10))], [], (t, 0, 1), [Eq(u(0), 1)])
    with pytest.raises(TrainingDiverged, match=r"equation.*before the first step"):
        solve(problem, steps=3, quiet=True)
