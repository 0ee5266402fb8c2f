"""The commands: what they print, what they write, which code they exit with."""

import contextlib
import csv
import io
import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import PROBLEMS, Interrupting
from rich.console import Console

from pinnsolver import Solution, cli, pipeline, terminal

ROOT = PROBLEMS[0].parents[1]
BURGERS = str(ROOT / "problems" / "burgers.py")
TINY = ["--threads", "1", "--quiet"]
for pair in ("points.interior=100", "points.boundary=20", "network.width=8", "network.depth=2"):
    TINY += ["--set", pair]

HEAD = "from sympy import *\nfrom pinnsolver import *\nx, t = symbols('x t')\nu = Function('u')\n"
LINE = HEAD + (
    "problem = Problem('a line (odd name)', [Eq(u(x).diff(x), 1)], [(x, 0, 1)], conditions=[Eq(u(0), 0)],"
    " reference={u: x})\n"
)


@pytest.fixture
def line(tmp_path):
    file = tmp_path / "line.py"
    file.write_text(LINE)
    return file


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of Burgers' equation."""
    place = tmp_path_factory.mktemp("runs") / "burgers"
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr(
            sys, "argv", ["pinnsolver", "solve", BURGERS, *TINY, "--steps", "7", "--out", str(place)]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert not ended.value.code
    return place


# ----------------------------------------------------------------------------------- check, show, list


@pytest.mark.parametrize("file", PROBLEMS, ids=lambda p: p.stem)
def test_check_and_show_take_every_problem(file, pinnsolver):
    code, out, err = pinnsolver("check", file)
    assert (code, err) == (0, "")
    assert out.startswith(f"{file}: right. ")
    code, out, _ = pinnsolver("show", file)
    assert code == 0
    for word in ("Domain", "Fields", "Equations", "Derivatives needed", "Choices"):
        assert f"\n{word}\n" in out
    assert "…" not in out


def test_show_says_which_conditions_are_hard_and_why(pinnsolver):
    _, out, _ = pinnsolver("show", BURGERS)
    assert "initial value" in out
    assert "Ansatz (N is the network's output)" in out
    assert pinnsolver("show", BURGERS, "--soft")[1].count("ansatz") < out.count("ansatz")
    assert "asked for" in pinnsolver("show", BURGERS, "--set", "points.interior=77")[1]


def test_show_cuts_nothing_off_on_a_narrow_terminal(pinnsolver, monkeypatch):
    _, wide, _ = pinnsolver("show", BURGERS)
    for width in (40, 80):
        monkeypatch.setattr(terminal, "_console", lambda width=width: Console(width=width, highlight=False))
        _, narrow, _ = pinnsolver("show", BURGERS)
        assert "…" not in narrow
        formulas = [text.strip() for text in wide.split("Ansatz (N")[1].split("Derivatives")[0].splitlines()]
        assert all(formula in narrow for formula in formulas if "N" in formula)
        for word in ("initial", "Dirichlet", "ansatz"):
            assert word in narrow


def test_list_shows_every_problem_with_its_title_and_runs_none(pinnsolver, tmp_path, monkeypatch):
    code, out, _ = pinnsolver("list", ROOT / "problems")
    assert code == 0
    assert all(file.name in out for file in PROBLEMS)
    assert "Viscous Burgers equation" in out
    (tmp_path / "evil.py").write_text('"""Evil."""\nproblem = 1 / 0\n')
    (tmp_path / "helper.py").write_text('"""No problem."""\n')
    (tmp_path / "broken.py").write_text("problem = (\n")
    _, out, _ = pinnsolver("list", tmp_path)
    assert "Evil." in out
    assert "helper" not in out
    assert "(not valid Python)" in out
    monkeypatch.chdir(tmp_path)
    assert pinnsolver("list")[0] == 1


# --------------------------------------------------------------------------------------------- solve


def test_solve_writes_the_run_folder_of_the_contract(run):
    names = {p.name for p in run.iterdir()}
    assert names >= {"problem.py", "settings.json", "result.json", "history.csv", "solution.npz"}
    assert names >= {"checkpoint", "figures", "report.html"}
    assert (run / "problem.py").read_bytes() == (ROOT / "problems" / "burgers.py").read_bytes()
    assert list((run / "figures").glob("*.png"))
    result = json.loads((run / "result.json").read_text())
    assert (result["steps"], result["stopped"]) == (7, "steps")
    settings = json.loads((run / "settings.json").read_text())
    assert settings["points"]["interior"] == 100
    assert settings["network"]["activation"] is not None
    page = (run / "report.html").read_text()
    assert "data:image/png" in page
    assert not [word for word in ('src="http', 'href="http', "<script") if word in page]


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_steps_are_exact(pinnsolver, line, tmp_path, steps):
    code, out, _ = pinnsolver("solve", line, *TINY, "--steps", steps, "--out", tmp_path / "run")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (code, result["steps"], result["stopped"]) == (0, steps, "steps")
    assert f"Stopped by steps after {steps} steps" in out
    assert f"Report: {tmp_path / 'run' / 'report.html'}" in out


def test_seconds_bound_the_training(pinnsolver, line, tmp_path):
    pinnsolver("solve", line, *TINY, "--seconds", "0.5", "--out", tmp_path / "run")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["stopped"] in ("seconds", "plateau")
    assert result["seconds"] < 1.5


def test_two_runs_without_out_get_two_folders(pinnsolver, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("seed3", "seed3-2"):
        code, out, _ = pinnsolver("solve", line, *TINY, "--steps", "1", "--seed", "3")
        assert code == 0
        assert os.path.join("outputs", "a_line_odd_name_", name, "report.html") in out or name in out
        assert [p for p in (tmp_path / "outputs").rglob("result.json") if p.parent.name == name]


def test_out_that_holds_a_run_is_refused_unless_overwrite(pinnsolver, line, tmp_path):
    place = tmp_path / "run"
    solved = ["solve", line, *TINY, "--steps", "1", "--out", place]
    assert pinnsolver(*solved)[0] == 0
    (place / "mine.txt").write_text("mine")
    code, _, err = pinnsolver(*solved, "--seed", "1")
    assert code == 1
    assert "already holds a run" in err
    assert "--overwrite" in err
    assert json.loads((place / "result.json").read_text())["seed"] == 0
    assert pinnsolver(*solved, "--seed", "1", "--overwrite")[0] == 0
    assert json.loads((place / "result.json").read_text())["seed"] == 1
    assert (place / "mine.txt").read_text() == "mine"


def test_a_wrong_command_costs_no_old_run_and_leaves_no_empty_folder(
    pinnsolver, line, run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = sorted(p.name for p in run.iterdir())
    wrong = ["solve", line, *TINY, "--steps", "1", "--device", "cuda:99"]
    assert pinnsolver(*wrong, "--out", run, "--overwrite")[0] == 1
    assert pinnsolver(*wrong)[0] == 1
    assert sorted(p.name for p in run.iterdir()) == before
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "-1"], "steps = -1"),
        (["--seconds", "-1"], "seconds = -1"),
        (["--seconds", "0"], "seconds = 0"),
        (["--seconds", "nan"], "seconds = nan"),
        (["--seed", "-1"], "seed = -1"),
        (["--seed", "9" * 30], "seed = 999"),
        (["--threads", "0"], "threads = 0"),
        (["--device", "cuda:99"], "cuda:99 is not there"),
        (["--device", "nonsense"], "nonsense"),
        (["--frame", "nonsense"], "'eulerian', 'lagrangian' or 'moving'"),
        (["--causal"], "has no time"),
        (["--set", "nonsense=1"], "There is no setting 'nonsense'"),
        (["--set", "points.nonsense=1"], "points.nonsense"),
        (["--set", "points.interior=-4"], "interior = -4"),
        (["--set", "points.interior=many"], "interior = 'many'"),
        (["--set", "points=4"], "points = 4"),
        (["--set", "network.width=[1, 2]"], "width = [1, 2]"),
        (["--set", "network.activation=relu"], "'tanh'"),
        (["--set", "weights.alien=3"], "'alien'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_settings_are_one_message_that_names_the_culprit(pinnsolver, line, tmp_path, words, said):
    code, out, err = pinnsolver("solve", line, *words, "--out", tmp_path / "run")
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert said in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["solve"], ["solve", "a.py", "--steps", "x"], ["solve", BURGERS, "--set", "x"]],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(pinnsolver, words):
    code, _, err = pinnsolver(*words)
    assert code == 2
    assert "Usage" in err or "Invalid" in err


@pytest.mark.parametrize("command", ["check", "show", "solve", "report", "evaluate"])
def test_a_missing_file_is_named(pinnsolver, tmp_path, command):
    words = ["points.csv"] if command == "evaluate" else []
    code, _, err = pinnsolver(command, tmp_path / "missing", *words)
    assert code == 1
    assert str(tmp_path / "missing") in err
    assert len(err.splitlines()) == 2  # what is wrong, and what to write


@pytest.mark.parametrize("place", ["line.py", "line.py/below", "/proc/nothing"])
def test_a_place_that_cannot_be_written_is_named(pinnsolver, line, tmp_path, place):
    code, _, err = pinnsolver("solve", line, *TINY, "--steps", "1", "--out", tmp_path / place)
    assert code == 1
    assert place in err
    assert "--out" in err


def test_a_sibling_import_works_from_anywhere(pinnsolver, tmp_path, monkeypatch):
    home = tmp_path / "there"
    home.mkdir()
    (home / "constants.py").write_text("speed = 3\n")
    (home / "moved.py").write_text("from constants import speed\n" + LINE.replace("1)]", "speed)]"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert pinnsolver("check", "../there/moved.py")[0] == 0
    assert pinnsolver("solve", "../there/moved.py", *TINY, "--steps", "1", "--out", "mine")[0] == 0
    assert (tmp_path / "here" / "mine" / "report.html").is_file()


def test_the_table_of_results_shows_numbers_beside_the_longest_names(capsys):
    long = "u(x, y, t) = 0 on the boundary where " + "(x > 1.0e-9) & " * 9 + "(y < 1)"
    terminal.print_results(
        {
            **{"stopped": "steps", "steps": 1, "seconds": 1.0, "seed": 0, "device": "cpu"},
            **{
                "precision": "float64",
                "relative_l2": {"u": 0.5},
                "max_error": {"u": 0.25},
                "unknowns": {"D": 2.5, "k": 4.0},
                "verified_against": {"unknown_errors": {"D": 0.0123}},
            },
            **{"residual_rms": {"equation": 0.125}, "conditions_rms": {long: 0.0625}},
        }
    )
    out = capsys.readouterr().out
    for number in ("5.000e-01", "2.500e-01", "2.5 ± 0.01", " 4 ", "1.250e-01", "6.250e-02"):
        assert number in out


# ------------------------------------------------------------------------------- interrupted and diverged


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_an_interrupted_run_is_a_run(pinnsolver, line, tmp_path, monkeypatch, number):
    monkeypatch.setattr(pipeline, "choose_progress", lambda quiet: Interrupting(number))
    place = tmp_path / "run"
    code, out, _ = pinnsolver("solve", line, *TINY, "--steps", "100000", "--out", place)
    assert code == 130
    assert "Stopped by interrupted" in out
    result = json.loads((place / "result.json").read_text())
    assert result["stopped"] == "interrupted"
    assert 20 <= result["steps"] < 200
    (tmp_path / "points.csv").write_text("x\n0.5\n")
    assert pinnsolver("evaluate", place, tmp_path / "points.csv")[0] == 0
    assert pinnsolver("report", place)[0] == 0


def test_a_second_interrupt_ends_at_once(pinnsolver, line, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "choose_progress", lambda quiet: Interrupting(signal.SIGINT, times=2))
    place = tmp_path / "run"
    code, _, err = pinnsolver("solve", line, *TINY, "--steps", "100000", "--out", place)
    assert code == 130
    code, _, err = pinnsolver("report", place)
    assert code == 1
    assert "was cut off" in err


def test_a_checkpoint_is_written_while_training(pinnsolver, line, tmp_path, monkeypatch):
    monkeypatch.setattr("pinnsolver.train.conductor.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(pipeline, "choose_progress", lambda quiet: Interrupting(signal.SIGINT, times=2))
    pinnsolver("solve", line, *TINY, "--steps", "100000", "--out", tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint" / "training.safetensors").is_file()
    assert (tmp_path / "run" / "history.csv").read_text().startswith("step,seconds,phase")


def test_a_run_that_diverges_exits_with_3_and_keeps_the_best(pinnsolver, line, tmp_path):
    place = tmp_path / "run"
    wild = ["--set", "network.activation=gelu", "--set", "optimizer.learning_rate=1e200"]
    code, _, _ = pinnsolver("solve", line, *TINY, *wild, "--steps", "50", "--out", place)
    assert code == 3
    assert json.loads((place / "result.json").read_text())["stopped"] == "diverged"
    assert np.isfinite(Solution.load(place)(x=0.5)["u"])


def test_a_term_that_is_not_finite_from_the_start_exits_with_3(pinnsolver, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(HEAD + "problem = Problem('bad', [Eq(u(x).diff(x), log(-1 - u(x)**2))], [(x, 0, 1)])\n")
    code, _, err = pinnsolver("solve", file, *TINY, "--steps", "5", "--out", tmp_path / "run")
    assert code == 3
    assert "before the first step" in err


# --------------------------------------------------------------------------------- report and evaluate


def test_report_writes_the_page_anew(pinnsolver, run):
    (run / "report.html").unlink()
    code, out, _ = pinnsolver("report", run)
    assert (code, out) == (0, f"Report: {run / 'report.html'}\n")
    assert (run / "report.html").is_file()


def evaluated(pinnsolver, run, tmp_path, text):
    """Evaluate at a CSV text; return exit code, the rows written, and stderr."""
    points, values = tmp_path / "points.csv", tmp_path / "deep" / "values.csv"
    points.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, _, err = pinnsolver("evaluate", run, points, "--out", values)
    rows = list(csv.reader(values.read_text().splitlines())) if values.exists() else []
    return code, rows, err


def test_evaluate_keeps_rows_and_gives_nan_off_the_domain(pinnsolver, run, tmp_path):
    text = "\ufeffextra, t,x\r\nhello,0.5,0.25\r\n\r\n,0.5,0.25\r\n,9,0\r\n,0.1,-1\r\n,0.30000000000000004,0.1\r\n"
    code, rows, err = evaluated(pinnsolver, run, tmp_path, text)
    assert code == 0
    assert rows[0] == ["x", "t", "u"]
    assert [row[:2] for row in rows[1:]] == [
        *[["0.25", "0.5"], ["0.25", "0.5"], ["0", "9"]],
        *[["-1", "0.10000000000000001"], ["0.10000000000000001", "0.30000000000000004"]],
    ]
    values = [float(row[2]) for row in rows[1:]]
    assert values[0] == values[1]
    assert math.isnan(values[2])
    assert values[4] == pytest.approx(float(Solution.load(run)(x=0.1, t=0.1 + 0.2)["u"]), abs=1e-15)
    assert err == "1 of 5 points lie off the domain: their values are nan\n"


def test_evaluate_prints_without_out(pinnsolver, run, tmp_path):
    (tmp_path / "points.csv").write_text("x,t\n0,0\n")
    code, out, err = pinnsolver("evaluate", run, tmp_path / "points.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "x,t,u"
    assert evaluated(pinnsolver, run, tmp_path, "x,t\n")[1] == [["x", "t", "u"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x is missing"),
        ("x,y\n1,2\n", "t is missing"),
        ("x;t\n1;2\n", "x is missing"),
        ("x,x,t\n1,2,3\n", "x stands there twice"),
        ("x,t\n0,0\n\n0,here\n", "line 4: the column t holds 'here'"),
        ("x,t\n0\n", "line 2: the column t holds ''"),
        (b"\xff\xfex,t\n0,0\n", "cannot be read"),
    ],
    ids=repr,
)
def test_evaluate_refuses_what_is_no_table_of_points(pinnsolver, run, tmp_path, text, said):
    code, rows, err = evaluated(pinnsolver, run, tmp_path, text)
    assert (code, rows) == (1, [])
    assert said in err
    assert len(err.splitlines()) == 2


def test_evaluate_names_a_place_that_cannot_be_written(pinnsolver, run, tmp_path):
    (tmp_path / "points.csv").write_text("x,t\n0,0\n")
    code, _, err = pinnsolver("evaluate", run, tmp_path / "points.csv", "--out", tmp_path)
    assert code == 1
    assert f"{tmp_path} cannot be written" in err


# ------------------------------------------------------------------------------------------ as a program


def test_the_program_stops_quietly_when_the_reader_of_its_pipe_leaves():
    command = f"{sys.executable} -m pinnsolver list {ROOT / 'problems'} | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; sys.argv = ['pinnsolver', '--version']\n"
        "from pinnsolver.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "assert not {'torch', 'sympy', 'deepxde', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pinnsolver ")
