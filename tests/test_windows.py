"""Windows of time: where they are cut, what is handed over at the seams, and one solution over all of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sympy import Eq, Function, Integral, Rational, cos, exp, pi, sin, sqrt, symbols

from pinnsolver import On, Periodic, Problem, Rectangle, Solution, Unknown, UnsupportedProblem, solve
from pinnsolver.compile import DerivativePlan
from pinnsolver.declare import Settings, check_problem
from pinnsolver.train import WindowedProblem
from pinnsolver.train.conductor import Conductor
from pinnsolver.train.course import Budget, Leg
from pinnsolver.transform import transform_problem, transform_window
from pinnsolver.transform.rates import initial_change, rates
from pinnsolver.transform.windows import carried, choose_windows, window_edges, window_problem

x, y, t = symbols("x y t")
u, v, w = Function("u"), Function("v"), Function("w")
SMALL = {"points.interior": 60, "points.boundary": 20, "network.width": 8, "network.depth": 2}

HEAT = Problem(
    "heat",
    [Eq(u(x, t).diff(t), u(x, t).diff(x, 2) / 10)],
    [(x, 0, 1)],
    (t, 0, 1),
    [Eq(u(x, 0), sin(pi * x) + x), Eq(u(0, t), 0), Eq(u(1, t), 1 + sin(t) * t)],
)
WAVE = Problem(
    "wave",
    [Eq(u(x, t).diff(t, 2), u(x, t).diff(x, 2))],
    [(x, 0, 1)],
    (t, 0, Rational(3, 2)),
    [
        Eq(u(x, 0), sin(pi * x)),
        Eq(u(x, t).diff(t).subs(t, 0), x * (1 - x)),
        Eq(u(0, t), 0),
        Eq(u(1, t), 0),
    ],
)
RING = Problem(
    "ring",
    [Eq(u(x, t).diff(t) + u(x, t).diff(x), 0)],
    [(x, 0, 2 * pi)],
    (t, 0, 3),
    [Eq(u(x, 0), sin(x)), Periodic(x)],
)
SQUARE = Rectangle((x, y), (0, 0), (1, 1))
PLATE = Problem(
    "plate",
    [Eq(u(x, y, t).diff(t), u(x, y, t).diff(x, 2) + u(x, y, t).diff(y, 2))],
    SQUARE,
    (t, 0, 1),
    [Eq(u(x, y, 0), sin(pi * x) * sin(pi * y)), On(SQUARE.boundary, Eq(u(x, y, t), 0))],
)
PENDULUM = Problem(
    "pendulum",
    [Eq(u(t).diff(t, 2), -sin(u(t))), Eq(v(t).diff(t), u(t))],
    [],
    (t, 0, 4),
    [Eq(u(0), 1), Eq(u(t).diff(t).subs(t, 0), 0), Eq(v(0), 2)],
)
LORENZ = Problem(
    "lorenz",
    [
        Eq(u(t).diff(t), 10 * (v(t) - u(t))),
        Eq(v(t).diff(t), u(t) * (28 - w(t)) - v(t)),
        Eq(w(t).diff(t), u(t) * v(t) - Rational(8, 3) * w(t)),
    ],
    [],
    (t, 0, 20),
    [Eq(u(0), 1), Eq(v(0), 1), Eq(w(0), 1)],
)


def windowed(problem, count, **values):
    """Return the windows of a problem with random weights, all of them solved."""
    settings = Settings().with_values({**SMALL, "windows": count, **values})
    torch.manual_seed(0)
    made = WindowedProblem(transform_problem(check_problem(problem), settings))
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.5)
    made.solved.fill_(count)
    return made


def test_edges_are_exact_and_of_equal_distance():
    (time,) = [c for c in check_problem(WAVE).coordinates if c.role == "time"]
    assert window_edges(time, 3) == (0, Rational(1, 2), 1, Rational(3, 2))


def test_later_windows_have_no_initial_conditions():
    checked = check_problem(WAVE)
    first, second = (window_problem(checked, 2, k) for k in (0, 1))
    assert len(first.conditions) == 4 and len(second.conditions) == 2
    assert (second.time.low, second.time.high) == (0.75, 1.5) and carried(checked) == {"u": 2}


@pytest.mark.parametrize("problem", [HEAT, WAVE, RING, PLATE, PENDULUM], ids=lambda p: p.name)
def test_value_and_velocity_match_at_every_seam_for_random_weights(problem):
    made = windowed(problem, 3)
    rng = np.random.default_rng(1)
    checked = made.windows[0].checked
    D, column = len(checked.coordinates), made.column
    levels = carried(check_problem(problem))
    for k in (1, 2):
        points = torch.tensor(rng.random((7, D)))
        points[:, column] = made.windows[k].checked.time.low
        for field, count in levels.items():
            for level in range(count):
                for space in {0, 1} if D > 1 else {0}:
                    orders = tuple(level if i == column else space * (i == 0) for i in range(D))
                    plan = DerivativePlan.of([(field, orders)])
                    left, right = (
                        made.windows[j].derivatives_of(made.parts[j].network, points, plan)[field, orders]
                        for j in (k - 1, k)
                    )
                    size = max(1.0, float(left.detach().abs().max()))
                    assert float((left - right).detach().abs().max()) < 1e-12 * size


def test_conditions_in_space_stay_hard_in_later_windows():
    made = windowed(HEAT, 4)
    times = torch.linspace(0, 1, 41, dtype=torch.float64)
    for end, known in ((0.0, torch.zeros(41)), (1.0, 1 + torch.sin(times) * times)):
        found = made(torch.stack([torch.full_like(times, end), times], dim=1))[:, 0]
        assert float((found.detach() - known).abs().max()) < 1e-12


def test_derivatives_across_windows_are_those_of_autograd():
    made = windowed(WAVE, 3)
    points = torch.tensor([[0.3, 0.2], [0.6, 0.7], [0.4, 1.2]], dtype=torch.float64)
    step = 1e-4

    def at(dx, dt):
        return made(points + torch.tensor([dx, dt], dtype=torch.float64)).detach()

    plan = DerivativePlan.of([("u", (2, 0)), ("u", (0, 1)), ("u", (0, 2))])
    found = made.derivatives(points, plan)
    known = {
        (2, 0): (at(step, 0) - 2 * at(0, 0) + at(-step, 0)) / step**2,
        (0, 1): (at(0, step) - at(0, -step)) / (2 * step),
        (0, 2): (at(0, step) - 2 * at(0, 0) + at(0, -step)) / step**2,
    }
    for orders, value in known.items():
        torch.testing.assert_close(found["u", orders], value, rtol=1e-5, atol=1e-5)


def test_times_that_are_not_reached_have_no_value():
    made = windowed(HEAT, 4)
    made.solved.fill_(2)
    found = made(torch.tensor([[0.5, 0.4], [0.5, 0.6]], dtype=torch.float64))
    assert torch.isfinite(found[0]).all() and torch.isnan(found[1]).all() and made.reached == 0.5


def test_an_equal_part_is_what_every_window_that_is_left_could_have():
    assert Budget(None, 100.0).equal_part(0, 20.0, 4) == Budget(None, 40.0)
    assert Budget(100, None).equal_part(20, 5.0, 4) == Budget(40, None)
    assert Budget(100, 50.0).equal_part(20, 60.0, 1) == Budget(100, 60.0)  # late already


def test_a_window_ends_early_only_after_its_equal_part():
    part = Leg(Budget(None, 30.0), equal=Budget(None, 10.0), count=2)
    conductor = SimpleNamespace(
        leg=part, step=100, last_progress=90, last_leap=50, phase=SimpleNamespace(patience=300)
    )
    assert not Conductor._has_converged(conductor, 9.0)
    assert Conductor._has_converged(conductor, 11.0)  # 50 steps without half the loss
    conductor.last_leap = 80
    assert not Conductor._has_converged(conductor, 11.0)
    conductor.last_progress = -300
    assert Conductor._has_converged(conductor, 1.0)


def test_a_budget_is_shared_among_the_windows_that_are_left():
    whole = Budget(100, 60.0)
    first = whole.part(0, 0.0, 4, 4)
    assert (first.steps, first.seconds) == (50, 30.0)  # up to three times an equal part
    assert whole.part(90, 30.0, 1, 4) == Budget(100, 60.0)
    assert whole.part(0, 0.0, 100, 100) == Budget(10, 6.0)  # a tenth at least


def test_windows_that_take_all_they_may_leave_enough_to_the_last_ones():
    whole, step, parts = Budget(4000, None), 0, []
    for k in range(40):
        end = whole.part(step, 0.0, 40 - k, 40).steps
        parts.append(end - step)
        step = end
    assert step == 4000 and max(parts) > 250 and min(parts) >= 59  # of an equal part of 100
    assert whole.part(3999, 0.0, 3, 40).steps == 4000


@pytest.mark.parametrize(
    ("problem", "culprit"),
    [
        (Problem("p", [Eq(u(x).diff(x, 2), 1)], [(x, 0, 1)], None, [Eq(u(0), 0), Eq(u(1), 0)]), "steady"),
        (
            Problem(
                "p",
                [Eq(u(t).diff(t), Unknown("k", start=1) * u(t))],
                [],
                (t, 0, 1),
                [Eq(u(0), 1), Eq(u(1), 2)],
            ),
            "unknown numbers",
        ),
        (
            Problem(
                "p",
                [Eq(u(t).diff(t, 2), -u(t))],
                [],
                (t, 0, 1),
                [Eq(u(0), 1), Eq(Integral(u(t), (t, 0, 1)), 1)],
            ),
            "ties several times",
        ),
        (Problem("p", [Eq(u(t).diff(t, 2), -u(t))], [], (t, 0, 1), [Eq(u(0), 1), Eq(u(1), 2)]), "times"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_reason(problem, culprit):
    with pytest.raises(UnsupportedProblem, match=culprit):
        transform_problem(check_problem(problem), Settings(windows=3))
    assert choose_windows(check_problem(problem))[0] == 1


def test_rates_are_those_of_the_dispersion_relation():
    # u_t = -u_xx - u_xxxx on 20 pi: growth k^2 - k^4, at most 1/4 at k = 1/sqrt(2), here at k = 0.7.
    ks = Problem(
        "ks",
        [Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x) + u(x, t).diff(x, 2) + u(x, t).diff(x, 4), 0)],
        [(x, 0, 20 * pi)],
        (t, 0, 1),
        [Eq(u(x, 0), cos(x / 10)), Periodic(x)],
    )
    assert rates(check_problem(ks)).growth == pytest.approx(0.49 - 0.49**2, rel=1e-9)
    assert rates(check_problem(RING)).turning == pytest.approx(63, rel=1e-9)
    assert rates(check_problem(HEAT)).growth == 0
    # The pendulum is of second order: not told.
    assert rates(check_problem(PENDULUM)).turning == 0
    grow = rates(check_problem(LORENZ)).growth  # largest eigenvalue of the Jacobian at (1, 1, 1)
    jacobian = [[-10, 10, 0], [27, -1, -1], [1, 1, -8 / 3]]
    assert grow == pytest.approx(max(np.linalg.eigvals(jacobian).real), rel=1e-9)


def test_chaos_is_cut_and_a_short_quiet_run_is_not():
    assert choose_windows(check_problem(LORENZ))[0] > 10
    assert choose_windows(check_problem(HEAT))[0] == 1


def test_a_system_in_time_alone_gets_windows_that_its_steps_can_fill():
    assert choose_windows(check_problem(PENDULUM))[0] == 8
    assert choose_windows(check_problem(PENDULUM), steps=1500)[0] == 8
    assert choose_windows(check_problem(PENDULUM), steps=125)[0] == 3
    assert choose_windows(check_problem(PENDULUM), steps=5)[0] == 1
    assert choose_windows(check_problem(LORENZ), steps=5)[0] > 10  # what its rates ask for stays


def test_fields_in_space_are_cut_where_waves_grow_much():
    def burst(rate):
        grown = Eq(u(x, t).diff(t), rate * u(x, t) + u(x, t).diff(x, 2) - u(x, t) ** 3)
        return Problem("burst", [grown], [(x, 0, 1)], (t, 0, 1), [Eq(u(x, 0), 0), Periodic(x)])

    assert choose_windows(check_problem(burst(7)))[0] == 1
    count, reason = choose_windows(check_problem(burst(12)))
    assert count == 6 and "12" in reason


def test_a_state_that_changes_fast_by_itself_is_cut_more_often():
    def wave(speed):
        carried = Eq(u(x, t).diff(t) + speed * u(x, t).diff(x), 10 * u(x, t) + u(x, t).diff(x, 2) / 10)
        return check_problem(
            Problem("wave", [carried], [(x, 0, 2 * pi)], (t, 0, 1), [Eq(u(x, 0), sin(x)), Periodic(x)])
        )

    # u_t = 9.9 sin(x) - speed cos(x) at the start; rms over that of sin(x)
    assert initial_change(wave(0)) == pytest.approx(9.9)
    assert initial_change(wave(30)) == pytest.approx(np.hypot(9.9, 30), rel=0.1)  # by scattered points
    assert choose_windows(wave(30))[0] > choose_windows(wave(0))[0]


def test_a_window_takes_its_weights_anew_from_its_length():
    settings = Settings().with_values({**SMALL, "windows": 5, "hard": False})
    whole = transform_problem(check_problem(HEAT), settings)
    part = transform_window(whole, 1)
    assert (
        part.scales["equation"] > whole.scales["equation"]
        and "u(x, 0) = x + sin(pi*x)" not in part.enforcement
    )


def test_a_weight_that_was_asked_for_a_soft_initial_condition_stays_with_the_first_window():
    name = "u(x, 0) = x + sin(pi*x)"
    settings = Settings().with_values({**SMALL, "windows": 3, "hard": False, f"weights.{name}": 7.0})
    whole = transform_problem(check_problem(HEAT), settings)
    first, second = (transform_window(whole, k) for k in (0, 1))
    assert first.settings.weights[name] == 7.0 and name not in second.settings.weights


def decay():
    rate, start = sqrt(2), 3
    return Problem(
        "decay",
        [Eq(u(t).diff(t), -rate * u(t))],
        [],
        (t, 0, 3),
        [Eq(u(0), start)],
        reference={u: start * exp(-rate * t)},
    )


def test_windows_are_trained_saved_and_loaded_as_one_solution(tmp_path):
    settings = Settings().with_values({**SMALL, "windows": 3})
    solution = solve(decay(), steps=120, settings=settings, seed=0, quiet=True)
    assert solution.relative_l2["u"] < 3e-4
    assert set(solution.history["window"]) == {1, 2, 3} and solution.result["steps"] <= 120
    saved = solution.save(tmp_path / "run")
    again = Solution.load(tmp_path / "run")
    times = np.linspace(0, 3, 31)
    np.testing.assert_array_equal(again(t=times)["u"], saved(t=times)["u"])
    slope = again(u(t).diff(t), t=times)
    np.testing.assert_allclose(slope, -np.sqrt(2) * again(t=times)["u"], atol=2e-2)
    assert saved.report().is_file()


def test_a_run_cut_off_in_its_second_window_keeps_the_first(monkeypatch, tmp_path):
    from pinnsolver.train import conductor as conductor_module

    decide = conductor_module.Conductor._decide

    def cut(self, seconds):
        self.interrupt.asked = self.leg.index == 1
        decide(self, seconds)

    monkeypatch.setattr(conductor_module.Conductor, "_decide", cut)
    settings = Settings().with_values({**SMALL, "windows": 3})
    solution = solve(decay(), steps=60, settings=settings, quiet=True, out=tmp_path / "run")
    assert solution.result["stopped"] == "interrupted"
    values = Solution.load(tmp_path / "run")(t=[0.5, 1.5, 2.5])["u"]
    assert np.isfinite(values[:2]).all() and np.isnan(values[2])
    assert np.isfinite(solution.result["residual_rms"]["equation"])
    assert solution.report().is_file()
