"""Networks in modes: their derivatives, when they are chosen, and the series that carry a state from window to window."""

import numpy as np
import pytest
import torch
from sympy import Abs, Eq, Function, Rational, cos, exp, lambdify, nan, pi, sin, symbols

from pinnsolver import DeclarationError, Periodic, Problem, Solution, solve
from pinnsolver.compile.plan import OrdersSum
from pinnsolver.declare import Settings, check_problem
from pinnsolver.network import taylor as taylor_module
from pinnsolver.network.mlp import Features, Perceptron, Trunks
from pinnsolver.network.modal import ModalPerceptron, Modes
from pinnsolver.network.taylor import OwnNetwork
from pinnsolver.train.series import fit_series
from pinnsolver.transform import Ansatz, transform_problem
from pinnsolver.transform.choices import decided_by_seconds
from pinnsolver.transform.modes import choose_harmonics, mode_count, mode_numbers, mode_sizes
from tests.test_taylor import assert_agrees, assert_rows_agree, planned, some_points

x, y, t = symbols("x y t")
u, v = Function("u"), Function("v")
LOW, LENGTH = (-1.0, 0.0, 0.5), (2.0, 2.0, 0.75)


def growth(start, nonlinear=1, domain=((x, 0, 2 * pi),), damping=1, time=9, **others):
    """Return an equation whose long waves grow: Kuramoto and Sivashinsky's along the coordinates of a box."""
    at = (*[c for c, _, _ in domain], t)
    laplacian = sum(u(*at).diff(c, 2) for c, _, _ in domain)
    return Problem(
        "growth",
        [
            Eq(
                u(*at).diff(t) + nonlinear * u(*at) * u(*at).diff(x) + laplacian,
                -damping * sum(u(*at).diff(c, 4) for c, _, _ in domain),
            )
        ],
        list(domain),
        (t, 0, time),
        [Eq(u(*at[:-1], 0), start), *(Periodic(c) for c, _, _ in domain)],
        **others,
    )


def choices_of(problem, **values):
    return transform_problem(check_problem(problem), Settings().with_values(values)).settings


def modal(periodic, fields=1, columns=3, harmonics=3, activation="tanh", depth=2, sizes=None):
    others = [c for c in range(columns) if c not in periodic]
    features = Features(
        others, [LOW[c] for c in others], [LOW[c] + LENGTH[c] for c in others], [False] * len(others), 1
    )
    ranges = ([LOW[c] for c in periodic], [LOW[c] + LENGTH[c] for c in periodic])
    modes = Modes(periodic, *ranges, mode_numbers((0,) * len(periodic), harmonics), sizes)
    made = ModalPerceptron(
        modes, features, 5, depth, fields, activation, torch.Generator().manual_seed(1)
    ).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    return made


@pytest.fixture(params=["compiled", "torch"], autouse=True)
def engine(request, monkeypatch):
    """Run everything with the compiled loops and without them."""
    if request.param == "torch":
        monkeypatch.setattr(taylor_module, "can_fuse", lambda like: False)
    else:
        pytest.importorskip("numba")


ORDERS = [(0, 0, 0), (1, 0, 0), (4, 0, 0), (0, 3, 0), (0, 0, 2), (2, 1, 0), (1, 1, 1), (0, 2, 1)]
SUMS = [
    OrdersSum((((2, 0, 0), 1.0), ((0, 2, 0), 0.5), ((0, 0, 2), -2.0))),
    OrdersSum((((4, 0, 0), 1.0), ((2, 2, 0), 2.0), ((0, 4, 0), 1.0))),
]


@pytest.mark.parametrize("periodic", [(0,), (1,), (0, 2), (2, 1)])
@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_derivatives_and_slopes_are_those_of_autograd(periodic, activation):
    network = OwnNetwork(Trunks([modal(periodic, 2, activation=activation)], [1, 0]), "uv")
    plan = planned("uv", [*ORDERS, *SUMS])
    assert_agrees(network, some_points(), plan, 1e-10, 1e-9)
    assert_rows_agree(network, some_points(), plan, 1e-11)


def test_fields_in_modes_stand_beside_others():
    plain = Perceptron(
        Features([2], [0.5], [1.25], [False], 1), 5, 1, 1, "tanh", torch.Generator().manual_seed(2)
    )
    network = OwnNetwork(Trunks([modal((0,), 2), plain.double()], [2, 0, 1]), "wuv")
    plan = planned("uvw", ORDERS)
    assert_agrees(network, some_points(), plan, 1e-10, 1e-9)
    assert_rows_agree(network, some_points(), plan, 1e-11)
    assert network.output_parameters()[0].shape == (2 * 7, 5)


def test_modes_are_a_ball_of_wave_vectors_of_size_one_or_what_is_asked():
    assert len(mode_numbers((0,), 4)) == 9
    numbers = mode_numbers((0, 0), 3)
    assert len(set(numbers)) == len(numbers)
    assert mode_count((0, 0), 3) == len(numbers) and mode_count((0, 0, 0), 1000) == 20_001
    assert (5, 0) in numbers and (3, 4) in numbers and (5, 2) not in numbers  # 3, 0; 2, 2; 3, 1
    sizes = np.linspace(1, 2, len(numbers)).tolist()
    points = some_points(5)
    plain, sized = (Modes((0, 1), LOW[:2], (1.0, 2.0), numbers, s) for s in (None, sizes))
    found = sized.derivative(points, (1, 2)) / plain.derivative(points, (1, 2))
    ratio = torch.tensor(sizes, dtype=torch.float64)[:, None].expand_as(found)
    torch.testing.assert_close(found[~found.isnan()], ratio[~found.isnan()])


def test_known_derivatives_follow_points_that_change_in_place():
    modes = Modes((0,), (0.0,), (1.0,), mode_numbers((0,), 2))
    points = torch.rand(7, 1, dtype=torch.float64)
    first = modes.known_derivative(points, (1,)).clone()
    assert modes.known_derivative(points, (1,)) is modes.known_derivative(points, (1,))
    points += 0.25
    second = modes.known_derivative(points, (1,))
    assert not torch.allclose(first, second)
    torch.testing.assert_close(second, modes.derivative(points, (1,)))


def test_large_numbers_of_points_are_evaluated_in_parts(monkeypatch):
    made = modal((0,))
    whole = made(some_points(40))
    monkeypatch.setattr("pinnsolver.network.modal.AT_A_TIME", 30)
    torch.testing.assert_close(made(some_points(40)), whole)


def test_sizes_make_all_amplitudes_leave_alike_residuals():
    checked = check_problem(growth(sin(x), nonlinear=0))
    modes = mode_numbers((0,), 20)
    sizes = mode_sizes(checked, (0,), modes)
    k = np.array([(m + 1) // 2 for (m,) in modes])
    np.testing.assert_allclose(sizes, 1 / (1 + 9 * abs(k**4 - k**2)))


def test_a_field_that_grows_on_a_periodic_box_is_in_modes():
    problem = growth(sin(x) + cos(18 * x), damping=0.25, time=12)  # k^2 - k^4 / 4: k = 1 grows
    found = choices_of(problem)
    assert found.network.kind == "modal" and found.network.harmonics == 18
    assert (found.windows, found.optimizer.adam) != (1, 100)
    assert choices_of(growth(sin(x), damping=0.01)).network.harmonics == 60


@pytest.mark.parametrize(
    "problem",
    [
        growth(sin(x), time=1),
        growth(Abs(x - pi), damping=0.25),
        growth(exp(-100 * (x - pi) ** 2), damping=1e-4),
        growth(sin(x) * cos(y), domain=((x, 0, 20), (y, 0, 20))),
    ],
    ids=["quiet", "kink", "too fine", "too many"],
)
def test_other_fields_are_not(problem):
    assert choices_of(problem).network.kind == "mlp"


def test_whoever_asks_for_a_network_gets_it():
    problem = growth(sin(x), damping=0.25, time=12)
    assert choices_of(problem, **{"network.kind": "mlp"}).windows < choices_of(problem).windows
    asked = choices_of(growth(sin(x), time=1), **{"network.kind": "modal", "network.harmonics": 7})
    assert (asked.network.kind, asked.network.harmonics, asked.windows) == ("modal", 7, 1)
    plain = {"u": Ansatz.plain()}
    assert choose_harmonics(check_problem(problem), asked.network, 10, plain) is None


def test_modes_without_a_period_are_refused():
    problem = Problem(
        "rod",
        [Eq(u(x, t).diff(t), u(x, t).diff(x, 2))],
        [(x, 0, 1)],
        (t, 0, 1),
        [Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
    )
    with pytest.raises(
        DeclarationError, match=r"no field has both a periodic coordinate(.|\n)*Periodic\(x\)"
    ):
        choices_of(problem, **{"network.kind": "modal"})


def test_more_modes_than_can_be_listed_are_refused():
    plane = growth(sin(x) * cos(y), domain=((x, 0, 2 * pi), (y, 0, 2 * pi)))
    with pytest.raises(DeclarationError, match=r"harmonics=1000 in 2 periodic(.|\n)*harmonics=10"):
        choices_of(plane, **{"network.kind": "modal", "network.harmonics": 1000})


def test_modes_are_taken_where_there_is_time_for_them_and_the_recorded_command_will_say_so():
    problem = growth(sin(x), damping=0.25, time=12)
    short, long = (choices_of(problem, seconds=s) for s in (1, 60))
    assert (short.network.kind, long.network.kind) == ("mlp", "modal")
    for seconds in (1, 60):
        transformed = transform_problem(check_problem(problem), Settings(seconds=seconds))
        assert {"network.kind", "windows"} & decided_by_seconds(transformed) >= {"network.kind"}
        network = transformed.settings.network
        assert ("network.width" in decided_by_seconds(transformed)) == (network.kind == "modal")
        values = {"network.kind": network.kind, "network.width": network.width}
        assert choices_of(problem, steps=100, **values).network == network


def test_amplitudes_are_wider_where_there_is_time():
    problem = growth(sin(x), damping=0.25, time=12)
    assert [choices_of(problem, seconds=s).network.width for s in (5, 600)] == [6, 10]
    assert [choices_of(problem, steps=s).network.width for s in (300, 9000)] == [6, 10]


def test_growing_waves_are_solved_to_their_closed_form(tmp_path):
    """u_t = a u + b u_xx + c u_xxxx with rates -2, 4 and -100 of one, two and three waves."""
    a, b, c = Rational(-77, 5), Rational(-65, 4), Rational(-57, 20)
    answer = exp(-2 * t) * sin(x) + exp(4 * t) * cos(2 * x) / 10
    at = u(x, t)
    problem = Problem(
        "linear",
        [Eq(at.diff(t), a * at + b * at.diff(x, 2) + c * at.diff(x, 4))],
        [(x, 0, 2 * pi)],
        (t, 0, 1),
        [Eq(u(x, 0), answer.subs(t, 0)), Periodic(x)],
        reference={u: answer},
    )
    values = {"network.width": 5, "network.harmonics": 3, "network.kind": "modal", "windows": 4}
    solution = solve(problem, steps=400, threads=1, quiet=True, settings=Settings().with_values(values))
    assert solution.relative_l2["u"] < 1.5e-4
    solution.save(tmp_path / "run")
    again = Solution.load(tmp_path / "run")
    places = {"x": np.linspace(0, 6, 30), "t": np.linspace(0, 1, 30)}
    np.testing.assert_array_equal(again(**places)["u"], solution(**places)["u"])


# ------------------------------------------------------------------------------------------ series


def of_points(formula, symbols_):
    function = lambdify(symbols_, formula, "numpy")
    return lambda points: torch.from_numpy(function(*points.numpy().T))[:, None]


def ranges_of(problem, names):
    return [c for c in check_problem(problem).coordinates if c.name in names]


def test_a_series_is_its_function_to_rounding_and_so_are_its_derivatives():
    formula = exp(sin(x)) * 1.5 + cos(7 * x)
    ranges = ranges_of(growth(sin(x)), "x")
    found = fit_series(of_points(formula, (x, t)), torch.tensor([0.0, 3.0]).double(), [0], ranges)
    points = torch.rand(50, 2, dtype=torch.float64) * 6
    for order, tolerance in ((0, 1e-14), (1, 1e-13), (4, 1e-9)):
        expected = of_points(formula.diff(x, order), (x, t))(points)
        error = (found.derivative(points, (order,)) - expected).abs().max()
        assert error <= tolerance * expected.abs().max()


def test_a_series_in_the_plane_holds_products():
    formula = exp(sin(x) * cos(y + 1))
    problem = growth(sin(x), domain=((x, 0, 2 * pi), (y, 0, 2 * pi)))
    found = fit_series(
        of_points(formula, (x, y, t)), torch.zeros(3).double(), [0, 1], ranges_of(problem, "xy")
    )
    points = torch.rand(50, 3, dtype=torch.float64) * 6
    expected = of_points(formula.diff(x, y), (x, y, t))(points)
    torch.testing.assert_close(found.derivative(points, (1, 1)), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("formula", [Abs(x - pi) + 0 * t, sin(3000 * x), nan])
def test_what_no_series_holds_is_left_alone(formula):
    ranges = ranges_of(growth(sin(x)), "x")
    function = of_points(formula, (x, t)) if formula.has(x) else lambda points: points[:, :1] * torch.nan
    assert fit_series(function, torch.zeros(2).double(), [0], ranges) is None
