"""The table of `make results`: a row of a run, rows that stay, pictures that are small."""

import json
import tomllib

import numpy as np
import pytest
from bench import results
from bench.thumbnail import draw_thumbnail, panels_at_tables
from conftest import PROBLEMS, small

from pinnsolver import load_problem, solve
from pinnsolver.runfolder import Panel

MACHINE = {"processor": "abacus", "cores": 2, "versions": {"torch": "1", "deepxde": "2", "pinnsolver": "3"}}
CHOICES = {"hard conditions": "3 of 4 conditions", "causal": False, "frame": "eulerian"}
RESULT = {
    "relative_l2": {"u": 1.234e-5},
    "unknowns": {},
    "seconds": 59.8,
    "steps": 700,
    "stopped": "seconds",
    "choices": {name: {"value": v} for name, v in (CHOICES | {"optimizer.second": "broyden"}).items()},
}


def run_of(name, result=RESULT, true=None):
    about = {
        "problem": name,
        "budget": 60.0,
        "seed": 0,
        "threads": 2,
        "machine": MACHINE,
        "date": "2026-01-02",
    }
    return about | results.record_of(result, true or {})


def test_a_row_says_error_time_method_and_what_is_published():
    published = {"error": "1e-2", "cost": "an hour", "source": "Someone 1999"}
    row = results.row_of(run_of("some_problem"), published)
    assert row.startswith("| [some problem](some_problem.py) | 1.2e-05 | <span")
    assert ">60 s, 2 threads, seed 0</span>" in row and "abacus, 2 cores" in row
    assert "| 3 of 4 conditions hard, broyden | 1e-2 | an hour | Someone 1999 | <img" in row
    assert row.count(" | ") == len(results.HEAD) - 1


def test_a_failed_run_has_a_row_as_well():
    row = results.row_of({"problem": "some", "failed": "Error: a | b"}, {})
    assert r"failed: Error: a \| b" in row


def test_errors_are_named_where_there_are_several():
    system = RESULT | {"relative_l2": {"u": 1e-3, "v": None}, "unknowns": {"E": 2.0, "D": 0.5}}
    assert results.error_text(run_of("some", system, {"E": 2.5})) == "u 1.0e-03, v -, E 2.0e-01, D = 0.5"
    assert results.error_text(run_of("some")) == "1.2e-05"


def test_the_method_names_what_is_not_usual():
    assert results.method_text({"optimizer.second": "lbfgs"}) == "soft, lbfgs"
    assert results.method_text({"windows": 8, "optimizer.second": "lbfgs"}) == "soft, 8 windows, lbfgs"
    chosen = CHOICES | {"causal": True, "frame": "lagrangian", "optimizer.second": "gauss-newton"}
    assert results.method_text(chosen) == "3 of 4 conditions hard, causal, lagrangian, gauss-newton"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    monkeypatch.setattr(results, "PAGE", tmp_path / "README.md")
    results.FOLDER.mkdir()
    return tmp_path


def test_a_row_that_is_not_measured_here_stays_and_one_measured_anew_changes(place):
    for name in ("heat", "wave"):
        (results.FOLDER / f"{name}.json").write_text(json.dumps(run_of(name)))
    results.write_page()
    first = results.PAGE.read_text()
    assert set(results.rows_of(first)) == {"heat", "wave"}
    (results.FOLDER / "heat.json").unlink()
    better = RESULT | {"relative_l2": {"u": 7e-9}}
    (results.FOLDER / "wave.json").write_text(json.dumps(run_of("wave", better)))
    results.write_page()
    second = results.PAGE.read_text()
    assert results.rows_of(second)["heat"] == results.rows_of(first)["heat"]
    assert "7.0e-09" in results.rows_of(second)["wave"]
    results.write_page()
    assert results.PAGE.read_text() == second


def test_a_problem_that_is_refused_is_recorded_with_its_message(place, monkeypatch):
    monkeypatch.setattr(results, "PROBLEMS", place)
    (place / "wrong.py").write_text("problem = 3\n")
    run = results.run_problem("wrong", 1.0, 0, 1)  # ends before torch loads
    assert run["failed"].startswith("Error: ") and "not a Problem" in run["failed"]


def test_what_is_published_is_published_for_a_problem_at_hand():
    published = tomllib.loads(results.PUBLISHED.read_text(encoding="utf-8"))
    assert set(published) <= set(results.names_at_hand())
    assert all({"error", "source"} <= set(p) <= {"error", "cost", "source"} for p in published.values())


def test_true_values_are_those_of_the_docstring():
    assert results.true_values("eigenvalue_well")["E"] == pytest.approx(np.pi**2)
    assert results.true_values("heat") == {}


def panel_of(kind):
    x, t = np.linspace(0, 1, 151), np.linspace(0, 2, 151)
    if kind == "curve":
        fields = {"u": np.sin(x), "v": np.cos(x)}
        return Panel(("x",), {}, {"x": x}, fields, {"u": np.sin(x) + 1e-3})
    noise = np.random.default_rng(0).random((151, 151))  # the worst for a picture's size
    noise[:20, :20] = np.nan
    return Panel(("t", "x"), {}, {"t": t, "x": x}, {"u": noise}, {"u": noise**2} if kind == "known" else {})


@pytest.mark.parametrize("kind", ["known", "unknown", "curve"])
def test_a_picture_is_small(kind, tmp_path):
    path = tmp_path / "picture.png"
    draw_thumbnail((panel_of(kind),), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 60_000


@pytest.mark.parametrize(("name", "axes", "field"), [("ks_regular", "tx", "u"), ("turbulence", "xy", "w")])
def test_a_table_is_pictured_at_its_own_points(name, axes, field):
    file = next(p for p in PROBLEMS if p.stem == name)
    solution = solve(load_problem(file), steps=1, settings=small(), quiet=True)
    (panel,) = panels_at_tables(solution)
    assert panel.axes == tuple(axes)
    with np.load(file.parent / "data" / f"{name}.npz") as table:
        known = table[field].T if axes == "tx" else table[field][..., -1]
    np.testing.assert_array_equal(panel.reference[field], known)
    at = {n: panel.coordinates[n][k] for n, k in zip(panel.axes, (7, 9), strict=True)} | dict(panel.fixed)
    assert panel.fields[field][7, 9] == pytest.approx(float(solution(**at)[field]), abs=1e-12)


def test_a_formula_needs_no_table():
    file = next(p for p in PROBLEMS if p.stem == "heat")
    assert panels_at_tables(solve(load_problem(file), steps=1, settings=small(), quiet=True)) == ()
