"""The bench's arithmetic: what two curves say of each other, and the README between its marks."""

import json
import math

import numpy as np
import pytest
from bench.curves import compare_runs, error_at_time, median, summarise, time_to_error
from bench.machine import newest
from bench.table import BEGIN, END, markdown, replace_between
from hypothesis import given
from hypothesis import strategies as st

CURVE = [(1.0, 1e-1), (2.0, 1e-2), (3.0, 5e-2), (4.0, 8e-3), (5.0, 1e-3)]
PEER = {
    "problem": "burgers",
    "peer": "deepxde",
    "seed": 0,
    "curve": [(1, 0.5), (10, 0.01)],
    "memory_mib": 300.0,
}
OWN = {"problem": "burgers", "peer": "pinnsolver", "seed": 0, "curve": CURVE, "memory_mib": 400.0}
MACHINE = {
    "processor": "abacus",
    "cores": 2,
    "versions": {"torch": "1", "deepxde": "2", "pinnsolver": "3"},
}


def race(*runs):
    return {
        "kind": "peers",
        "runs": list(runs),
        "seconds": 10.0,
        "threads": 2,
        "seeds": [0],
        "machine": MACHINE,
    }


def test_an_error_is_reached_when_the_curve_stays_below_it_for_good():
    assert time_to_error(CURVE, 1e-2) == 4.0  # the dip at 2 s does not count
    assert time_to_error(CURVE, 1e-1) == 1.0
    assert time_to_error(CURVE, 1e-4) is None
    assert time_to_error([*CURVE, (6.0, math.nan)], 1e-2) is None
    assert time_to_error(CURVE, math.nan) is None
    assert time_to_error([], 1.0) is None


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(0, 1))
def test_from_the_time_to_an_error_on_no_point_lies_above_it(errors, target):
    curve = list(enumerate(errors))
    reached = time_to_error(curve, target)
    if reached is None:
        assert errors[-1] > target
    else:
        assert all(error <= target for at, error in curve if at >= reached)
        assert reached == 0 or errors[reached - 1] > target


def test_the_error_at_a_time_is_the_last_one_seen():
    assert error_at_time(CURVE, 2.9) == 1e-2
    assert error_at_time(CURVE, 3.0) == 5e-2
    assert error_at_time(CURVE, 99.0) == 1e-3
    assert error_at_time(CURVE, 0.5) is None


def test_a_pair_is_compared_at_the_peers_error_and_at_its_time():
    found = compare_runs(PEER, OWN)
    assert found["own_seconds"] == 4.0
    assert found["speed_up"] == 2.5
    assert found["own_error"] == 1e-3
    assert found["closer"] == pytest.approx(10)
    assert (found["peer_mib"], found["own_mib"]) == (300.0, 400.0)


def test_runs_of_the_same_length_are_compared_by_their_last_marks():
    ours = [(9.0, 0.004), (10.1, 0.005)]
    assert compare_runs(PEER, OWN | {"curve": ours})["own_error"] == 0.005


def test_a_peer_that_diverged_gives_no_factor():
    found = compare_runs(PEER | {"curve": [(1, 0.5), (10, math.nan)]}, OWN)
    assert found["own_seconds"] is None
    assert found["speed_up"] is None
    assert found["closer"] is None


def test_never_reached_counts_as_the_longest_time():
    assert median([1.0, 2.0, None]) == 1.5
    assert median([1.0, None]) is None
    assert median([]) is None


def test_the_summary_pairs_runs_by_problem_and_seed_and_skips_those_that_failed():
    failed = {"problem": "heat", "peer": "deepxde", "seed": 0, "failed": "no memory"}
    lone = PEER | {"seed": 1}
    rows = summarise([PEER, OWN, failed, OWN | {"problem": "heat"}, lone, OWN | {"peer": "jinns"}])
    assert [(r["problem"], r["peer"], r["seeds"]) for r in rows] == [
        ("burgers", "deepxde", 1),
        ("burgers", "jinns", 1),
    ]


def test_the_readme_changes_between_its_marks_only_and_a_second_time_to_the_same():
    text = f"head\n{BEGIN}\nold\n{END}\ntail\n"
    once = replace_between(text, "new | table")
    assert once == f"head\n{BEGIN}\nnew | table\n{END}\ntail\n"
    assert replace_between(once, "new | table") == once


@pytest.mark.parametrize("text", ["no marks", BEGIN, f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_text_without_one_pair_of_marks_is_refused(text):
    with pytest.raises(ValueError, match="single pair of marks"):
        replace_between(text, "new")


def test_the_markdown_names_machine_and_factors():
    text = markdown(race(PEER, OWN | {"unknowns": {"D": 0.15}}), None)
    assert "| burgers | DeepXDE | 1.0e-02 | 10 s | 4.0 s | 2.5 | 1.0e-03 | 10 | 300/400 |" in text
    assert "abacus, 2 cores; torch 1, DeepXDE 2" in text
    assert "D found: pinnsolver 0.15000" in text


def test_the_newest_result_is_the_last_by_its_name(tmp_path):
    for stamp in ("20260102-000000", "20251231-235959"):
        (tmp_path / f"peers-{stamp}.json").write_text(json.dumps({"stamp": stamp}))
    assert newest("peers", tmp_path.glob("peers-*.json")) == {"stamp": "20260102-000000"}
    assert newest("peers", []) is None


def test_both_sides_are_scored_at_the_same_points():
    from bench.own_run import sample_of

    from pinnsolver.scoring import Scored, live_score, relative_l2

    points = np.random.default_rng(1).random((5000, 2))
    scored = Scored(points, points[:, 0] + 1)
    sample, known = sample_of(scored)
    live = live_score({"u": scored}, lambda p: {"u": p[:, 1]})()["u"]
    assert relative_l2(sample[:, 1], known) == live


@pytest.mark.filterwarnings(
    "ignore:.torch.jit.script. is deprecated"
)  # torch's own first use of forward mode
@pytest.mark.parametrize("nesting", ["grad", "jacfwd", "jacfwd over jacrev"])
@pytest.mark.parametrize("key", [("1-D+t", 2), ("2-D", 4)])
def test_all_ways_to_the_derivatives_agree(key, nesting):
    import torch
    from bench.ways import EQUATIONS, by_func, by_network, make_module

    from pinnsolver.network import OwnNetwork

    equation = EQUATIONS[key]
    module = make_module(len(equation.coordinates), depth=1, width=3)
    points = torch.linspace(-0.9, 0.8, 6, dtype=torch.float64).reshape(3, 2)
    known = by_network(equation, OwnNetwork(module, ["u"]), points)
    found = by_func(equation, module, points, nesting)
    for name in equation.asked:
        torch.testing.assert_close(found[name], known[name][:, 0], rtol=1e-10, atol=1e-10)
