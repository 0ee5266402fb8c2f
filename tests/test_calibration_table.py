"""The table of estimated errors against true ones."""

import pytest

from tests.bench import calibration
from tests.bench.machine import describe_machine

BASIS = "classical solver on the same declaration: splines of degree 6, 38 × 38 pieces; its own error 2.0e-08"


def found(true, value, own=1e-9):
    return {
        "true": true,
        "value": value,
        "own_error": own,
        "basis": BASIS if value else "no estimate: too hard",
    }


def record(warnings=(), **fields):
    given = {"problem": "heat", "seconds": 10.0, "seed": 0, "threads": 1, "machine": describe_machine()}
    return given | {"fields": fields, "trained": 10.0, "verified": 5.0, "warnings": list(warnings)}


def test_a_row_shows_estimate_beside_truth_and_their_ratio():
    (cells,) = calibration._rows(record(u=found(1e-4, 1.1e-4)))
    assert cells[1:5] == ["u", "1.0e-04", "1.1e-04", "1.1"]
    assert cells[6] == "splines of degree 6, 38 × 38 pieces" and cells[7:9] == ["10 s", "5 s"]


@pytest.mark.parametrize(("true", "value"), [(1e-4, 6e-4), (6e-4, 1e-4)])
def test_an_estimate_off_by_more_than_a_factor_of_five_is_bold(true, value):
    (cells,) = calibration._rows(record(["odd"], u=found(true, value)))
    assert cells[4].startswith("**") and cells[4].endswith("(warned)")


def test_errors_below_rounding_count_as_equal():
    assert calibration.is_within(found(1e-15, 1e-11)) and calibration.is_within(found(1e-11, 1e-15))


def test_only_an_estimate_that_is_too_low_without_a_warning_is_silent():
    low = {"u": found(1e-2, 1e-3)}
    assert calibration.is_silent(record(**low)) and not calibration.is_silent(record(["odd"], **low))
    assert not calibration.is_silent(record(u=found(1e-3, 1e-2)))


def test_the_summary_counts_runs_with_all_their_fields():
    runs = [
        record(u=found(1e-4, 1e-4), v=found(1e-4, 9e-4)),
        record(u=found(1e-4, 1e-4)),
        record(u=found(1e-4, None)),
    ]
    text = calibration._summary([*runs, {"problem": "heat", "failed": "Error: no"}])
    assert "1 of 3 runs (33%); without an estimate: 1" in text and "median: 0.5" in text


def test_a_record_holds_the_fields_whose_answer_is_known():
    estimate = {"value": 1e-3, "own_error": 1e-6, "basis": BASIS}
    kept = calibration.record_of(
        {
            "relative_l2": {"u": 1e-3, "v": None},
            "error_estimate": {"u": estimate, "v": estimate},
            "seconds": 9.0,
            "verified_against": {"seconds": 3.0},
            "warnings": [],
        }
    )
    assert kept == {
        "fields": {"u": {"true": 1e-3, **estimate}},
        "trained": 9.0,
        "verified": 3.0,
        "warnings": [],
    }
