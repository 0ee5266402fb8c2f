"""The table of the automatic choice against choices by hand."""

import pytest

from pinnsolver import Settings, load_problem
from tests.bench import hands
from tests.bench.results import PROBLEMS

RECORD = {
    "problem": "burgers",
    "automatic": "3 of 3 hard, gauss-newton",
    "errors": {
        "automatic": 3e-4,
        "hard=true, causal=false, frame=eulerian": 2e-4,
        "hard=false, causal=true, frame=eulerian": 1e-2,
        "hard=false, causal=false, frame=eulerian": None,
    },
    "seconds": 20.0,
    "threads": 1,
    "seed": 0,
}


def test_ratio_is_against_the_best_by_hand_that_did_not_fail():
    assert abs(hands.ratio_of(RECORD) - 1.5) < 1e-12
    assert hands.ratio_of({**RECORD, "errors": {"automatic": None, "soft": 1.0}}) is None


def test_of_several_seeds_the_medians_stand_and_a_failure_is_no_error():
    wrong = {"automatic": 1e-3, "hard=true, causal=false, frame=eulerian": 4e-4, "soft": None}
    others = [{**RECORD, "seed": k, "errors": {**RECORD["errors"], **wrong}} for k in (1, 2)]
    (record,) = hands.joined([RECORD, *others])
    assert record["errors"]["automatic"] == 1e-3
    assert record["errors"]["hard=false, causal=false, frame=eulerian"] is None
    assert hands._cells(record)[-1] == "20 s, 1 thread, seeds 0, 1, 2"
    assert hands._cells(record)[5] == "2.5"


def test_seeds_of_other_budgets_are_not_joined():
    with pytest.raises(ValueError, match="several budgets"):
        hands.joined([RECORD, {**RECORD, "seed": 1, "seconds": 2 * RECORD["seconds"]}])


def test_a_choice_that_is_the_automatic_one_has_its_error_in_every_seed():
    hand = "hard=true, causal=false, frame=eulerian"
    failed = {**RECORD, "errors": dict.fromkeys(RECORD["errors"])}
    others = [
        {**RECORD, "seed": k, "errors": {"automatic": 1e-3, "soft": 9e-3}, "same": [hand]} for k in (1, 2)
    ]
    for records in ([failed, *others], [*others, failed]):
        (record,) = hands.joined(records)
        assert record["errors"][hand] == 1e-3
        assert hands.ratio_of(record) == 1


def test_another_budget_takes_the_place_of_an_older_one(tmp_path, monkeypatch):
    monkeypatch.setattr(hands, "FOLDER", tmp_path)
    monkeypatch.setattr(hands, "PAGE", tmp_path / "page.md")
    measured = {"errors": RECORD["errors"], "automatic": "", "same": []}
    monkeypatch.setattr(hands, "_measured", lambda *_: measured)
    hands.measure_hands(["burgers", "heat"], 20.0, [0, 1], 1)
    hands.measure_hands(["burgers"], 40.0, [0], 1)
    assert sorted(path.name for path in tmp_path.glob("*.json")) == [
        "burgers-seed0.json",
        "heat-seed0.json",
        "heat-seed1.json",
    ]


def test_a_row_names_the_best_and_the_worst_in_words():
    cells = hands._cells(RECORD)
    assert cells[3] == "hard, eulerian"
    assert cells[5] == "1.5"
    assert cells[6] == "soft, causal, eulerian"


def test_a_ratio_says_where_the_best_by_hand_is_the_automatic_choice():
    same = {**RECORD, "same": ["hard=true, causal=false, frame=eulerian"]}
    assert hands._cells(same)[5] == "1 (the same)"  # one run, not two
    problem = load_problem(PROBLEMS / "burgers.py")
    ways = hands.ways_by_hand(problem, Settings(steps=5))
    same = ["hard=true, causal=false, frame=eulerian"]
    assert hands.same_as_automatic(problem, Settings(steps=5), ways) == same


def test_ways_by_hand_leave_out_what_comes_to_the_same():
    problem = load_problem(PROBLEMS / "poisson_lshape.py")
    ways = hands.ways_by_hand(problem, Settings(steps=5))
    assert set(ways) == {
        "hard=true, causal=false, frame=eulerian",
        "hard=false, causal=false, frame=eulerian",
    }  # steady: neither causal weights nor another frame
    convection = hands.ways_by_hand(load_problem(PROBLEMS / "convection.py"), Settings(steps=5))
    assert {asked["frame"] for asked in convection.values()} >= {"eulerian", "lagrangian"}
