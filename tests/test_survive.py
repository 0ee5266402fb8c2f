"""Runs that survive: killed, interrupted, on a full disk or in wrong hands, they go on as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from conftest import PROBLEMS, Interrupting, compiled, small
from safetensors.numpy import load_file
from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import (
    Observations,
    Problem,
    RunFolderError,
    Solution,
    Unknown,
    load_problem,
    pipeline,
    repeat,
    resume,
    solve,
)
from pinnsolver.hold import hold
from pinnsolver.records import run_mark
from pinnsolver.runfolder import TRAINING, read_history
from pinnsolver.train import Start, conductor, read_training, train_problem
from pinnsolver.train.data import ProblemData

x, t = symbols("x t")
u, v = Function("u"), Function("v")
BURGERS = next(p for p in PROBLEMS if p.stem == "burgers")
NUMBERS = ("steps", "stopped", "residual_rms", "conditions_rms", "relative_l2", "max_error", "unknowns")
NUMBERS += ("choices", "course", "points", "warnings", "threads", "command")

D = Unknown("D", start=1, low=0)
NOISE = np.random.default_rng(0).normal(size=30)
PLACES = np.random.default_rng(1).random((30, 2))
INVERSE = Problem(
    "inverse",
    [Eq(u(x, t).diff(t), D * u(x, t).diff(x, 2))],
    [(x, 0, 1)],
    (t, 0, 1),
    [Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
    observations=[
        Observations(u(x, t), PLACES, np.sin(np.pi * PLACES[:, 0]) * np.exp(-PLACES[:, 1]) + 0.01 * NOISE)
    ],
    reference={u: lambda x, t: np.sin(np.pi * x) * np.exp(-t)},
)
SWING = Problem(
    "swing",
    [Eq(u(t).diff(t), v(t)), Eq(v(t).diff(t), -sin(u(t)))],
    [],
    (t, 0, 4),
    [Eq(u(0), 1), Eq(v(0), 0)],
)
GAUSS = dict(problem=load_problem(BURGERS), steps=120)
WINDOWS = dict(problem=SWING, steps=150, values={"windows": 3, "causal": True})
SOFT = dict(problem=INVERSE, steps=140, values={"hard": False})
COURSES = {
    "Gauss-Newton": GAUSS,
    "windows": WINDOWS,
    "soft and inverse": SOFT,
    "Broyden": {**GAUSS, "values": {"optimizer.second": "broyden", "network.kind": "modified"}},
    "L-BFGS": {**SOFT, "values": {"optimizer.second": "lbfgs", "precision": "float32"}},
    "randomised": {**GAUSS, "values": {"optimizer.rank": 20, "network.fourier": 3}},
}


def run(place, problem, steps, values=None, **more):
    """Solve into a folder."""
    settings = small(**(values or {}))
    return solve(problem, steps=steps, threads=1, settings=settings, out=place, quiet=True, **more)


def assert_same(place, whole):
    """Two runs are equal bit for bit, but for the clock."""
    one, other = (load_file(p / "checkpoint" / "weights.safetensors") for p in (place, whole))
    assert one.keys() == other.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    one, other = (json.loads((p / "result.json").read_text()) for p in (place, whole))
    assert {k: one[k] for k in NUMBERS} == {k: other[k] for k in NUMBERS}
    one, other = (read_history(p / "history.csv") for p in (place, whole))
    assert one.keys() == other.keys()
    for name in one:
        if name != "seconds":
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert (place / "solution.npz").read_bytes() == (whole / "solution.npz").read_bytes()


def forked(work):
    """Return the process id of a child that does some work, and nothing else."""
    child = os.fork()
    if child:
        return child
    try:  # in the child
        conductor.CHECKPOINT_SECONDS = 0.02
        work()
    finally:
        os._exit(0)


def killed(work, place, seconds):
    """Let a child work for a while from its first checkpoint on, then kill it."""
    child = forked(work)
    for _ in range(3000):
        if (place / TRAINING).exists() or os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.01)
    time.sleep(seconds)
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        return


@pytest.fixture(scope="module")
def wholes(tmp_path_factory):
    """Return a function that gives the folder of an uninterrupted run, and how long it took."""
    found = {}

    def whole(name):
        if name not in found:
            place, begin = tmp_path_factory.mktemp("whole") / "run", time.perf_counter()
            run(place, **COURSES[name])
            found[name] = place, time.perf_counter() - begin
        return found[name]

    return whole


# ------------------------------------------------------------------------------------------------ killed


@pytest.mark.parametrize("name", COURSES)
def test_a_run_interrupted_now_and_again_ends_where_the_uninterrupted_one_does(
    name, wholes, tmp_path, monkeypatch
):
    """Every step of a run may be its last one in a process: here each ends after some twenty."""
    whole, _ = wholes(name)
    place, ended = tmp_path / "run", []

    class Often(Interrupting):
        asked = False

        def show(self, status):
            if status.step >= 20 * (len(ended) + 1) and not self.asked:
                self.asked = True  # a second time would end it at once: a window may end and the next begin at one step
                signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(pipeline, "choose_progress", lambda quiet: Often(0))
    solution = run(place, **COURSES[name])
    while solution.result["stopped"] == "interrupted":
        ended.append(solution.result["steps"])
        solution = resume(place, quiet=True)
    assert len(ended) >= 3
    assert_same(place, whole)


@pytest.mark.parametrize("name", ["Gauss-Newton", "windows", "soft and inverse"])
def test_a_killed_run_ends_where_the_uninterrupted_one_does(name, wholes, tmp_path):
    whole, seconds = wholes(name)
    place, chance = tmp_path / "run", random.Random(name)
    killed(lambda: run(place, **COURSES[name]), place, chance.uniform(0, 0.5) * seconds)
    killed(lambda: resume(place, quiet=True), place, chance.uniform(0, 0.5) * seconds)
    resume(place, quiet=True)
    assert_same(place, whole)


@pytest.mark.slow
@pytest.mark.parametrize("kill", range(10))
@pytest.mark.parametrize("name", ["Gauss-Newton", "windows", "soft and inverse"])
def test_thirty_random_kills_lose_nothing(name, kill, wholes, tmp_path):
    whole, seconds = wholes(name)
    place, chance = tmp_path / "run", random.Random(f"{name} {kill} {time.time()}")
    wait = chance.uniform(0, 1.1) * seconds
    killed(lambda: run(place, **COURSES[name]), place, wait)
    resume(place, quiet=True)
    assert_same(place, whole)


def test_a_command_killed_in_its_own_process_goes_on_in_another(wholes, tmp_path):
    """Nothing of a process takes part: not its hash seed, not the file that declared the problem."""
    file, place = tmp_path / "burgers.py", tmp_path / "run"
    file.write_bytes(BURGERS.read_bytes())
    (tmp_path / "references").mkdir()
    for table in (BURGERS.parent / "references").glob("burgers*"):
        (tmp_path / "references" / table.name).write_bytes(table.read_bytes())
    words = ["solve", str(file), "--steps", "120", "--threads", "1", "--quiet", "--out", str(place)]
    for key, value in small().model_dump()["points"].items():
        words += [] if value is None else ["--set", f"points.{key}={value}"]
    words += ["--set", "network.width=12", "--set", "network.depth=2"]
    code = "import sys; from pinnsolver.train import conductor; conductor.CHECKPOINT_SECONDS = 0.1\n"
    code += "from pinnsolver import cli; sys.argv = ['pinnsolver', *sys.argv[1:]]; cli.main()"
    with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL) as process:
        for _ in range(6000):
            history = place / "history.csv"
            if process.poll() is not None or (history.exists() and len(history.read_text().splitlines()) > 6):
                break
            time.sleep(0.005)
        process.kill()
    assert not (place / "result.json").exists()
    file.unlink()
    resume(place, quiet=True)
    told = {k: v for k, v in json.loads((place / "result.json").read_text()).items() if k != "command"}
    whole = json.loads((wholes("Gauss-Newton")[0] / "result.json").read_text())
    assert {k: told[k] for k in NUMBERS if k != "command"} == {k: whole[k] for k in NUMBERS if k != "command"}


# ------------------------------------------------------------------------------- finished, and gone on with


def test_a_finished_run_is_returned_as_it_is_and_goes_on_by_new_totals(tmp_path):
    place = tmp_path / "run"
    run(place, GAUSS["problem"], 40)
    before = (place / "result.json").read_bytes()
    assert resume(place, quiet=True).result["steps"] == 40
    assert (place / "result.json").read_bytes() == before
    longer = resume(place, steps=70, quiet=True)
    assert (longer.result["steps"], longer.result["stopped"]) == (70, "steps")
    assert longer.result["seconds"] > json.loads(before)["seconds"]
    assert longer.history["step"][0] == 0 and longer.history["step"][-1] == 70
    assert json.loads((place / "settings.json").read_text())["steps"] == 70
    # All that it did is known: done in one go it ends at the same bits.
    assert_equal_runs(place, repeat(place, out=tmp_path / "again", quiet=True).folder)


def assert_equal_runs(place, other):
    one, two = (load_file(p / "checkpoint" / "weights.safetensors") for p in (place, other))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert (place / "solution.npz").read_bytes() == (other / "solution.npz").read_bytes()
    one, two = (json.loads((p / "result.json").read_text()) for p in (place, other))
    assert all(one[k] == two[k] for k in ("steps", "stopped", "residual_rms", "relative_l2", "course"))


def test_a_training_that_had_ended_by_itself_goes_on_when_asked(tmp_path):
    line = Problem("line", [Eq(u(x).diff(x), 1)], [(x, 0, 1)], conditions=[Eq(u(0), 0)])
    ended = solve(line, steps=5000, threads=1, settings=small(), out=tmp_path / "run", quiet=True).result
    assert ended["stopped"] == "plateau"
    further = resume(tmp_path / "run", steps=ended["steps"] + 3, quiet=True).result
    assert ended["steps"] < further["steps"] <= ended["steps"] + 3
    assert further["course"][0]["renewed"] == [ended["steps"]]
    assert_equal_runs(tmp_path / "run", repeat(tmp_path / "run", out=tmp_path / "b", quiet=True).folder)


def test_a_saved_solution_takes_its_training_along(tmp_path):
    solution = solve(SWING, steps=40, threads=1, settings=small(), quiet=True).save(tmp_path / "a")
    Solution.load(tmp_path / "a").save(tmp_path / "b")
    for place in (tmp_path / "a", tmp_path / "b"):
        assert resume(place, steps=60, quiet=True).result["steps"] == 60
    assert_equal_runs(tmp_path / "a", tmp_path / "b")
    assert solution.folder == tmp_path / "a"


# -------------------------------------------------------------------------------------------- done once more


@pytest.mark.parametrize("name", ["Gauss-Newton", "windows", "soft and inverse"])
def test_a_run_repeats_bit_for_bit_from_its_folder(name, wholes, pinnsolver, tmp_path):
    whole, _ = wholes(name)
    code, out, _ = pinnsolver("solve", whole, "--quiet", "--out", tmp_path / "again")
    assert code == 0 and "Report:" in out
    assert_equal_runs(tmp_path / "again", whole)


def test_processes_that_hash_differently_train_alike(tmp_path):
    """Sets of strings go through in another order in each process; the holes' distances have derivatives by the dozen."""
    code = (
        "import sys; from pinnsolver import load_problem, solve; "
        "solve(load_problem(sys.argv[1]), steps=2, threads=1, quiet=True, out=sys.argv[2], "
        "settings={'network.width': 8, 'points.interior': 64})"
    )
    problem = str(BURGERS.with_stem("poisson_holes"))
    for seed in "12":
        command = [sys.executable, "-c", code, problem, str(tmp_path / seed)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
    assert_equal_runs(tmp_path / "1", tmp_path / "2")


def test_a_run_by_the_clock_repeats_by_what_it_did(tmp_path):
    solve(SWING, seconds=1.0, threads=1, settings=small(), out=tmp_path / "run", quiet=True)
    again = repeat(tmp_path / "run", out=tmp_path / "again", quiet=True)
    assert_equal_runs(tmp_path / "run", again.folder)
    assert again.compiled.transformed.settings.seconds is None


def test_a_repeated_run_may_differ_in_what_is_said(wholes, tmp_path):
    whole, _ = wholes("Gauss-Newton")
    other = repeat(whole, out=tmp_path / "other", seed=5, steps=30, quiet=True)
    assert (other.result["seed"], other.result["steps"]) == (5, 30)
    assert other.result["choices"]["seed"] == {"value": 5, "reason": "asked for"}
    assert other.compiled.transformed.settings.points.interior == 200


# ------------------------------------------------------------------------- wrong hands, full disks, closed doors


def test_a_folder_in_use_is_refused_until_its_process_is_gone(tmp_path):
    place = tmp_path / "run"
    run(place, SWING, 30)
    with hold(place):
        for work in (
            lambda: resume(place, steps=40, quiet=True),
            lambda: run(place, SWING, 30, overwrite=True),
        ):
            with pytest.raises(RunFolderError, match=rf"in use by another run \(process {os.getpid()}\)"):
                work()
    assert (place / "result.json").is_file()

    def stay():
        with hold(place):
            time.sleep(60)

    child = forked(stay)
    for _ in range(500):
        if (place / ".lock").exists():
            break
        time.sleep(0.01)
    time.sleep(0.05)
    with pytest.raises(RunFolderError, match=f"process {child}"):
        resume(place, steps=40, quiet=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert (place / ".lock").exists()  # stale
    assert resume(place, steps=40, quiet=True).result["steps"] == 40
    assert not (place / ".lock").exists()


@pytest.mark.parametrize("damage", ["half", "foreign bytes", "missing", "of another run", "settings changed"])
def test_a_checkpoint_that_cannot_be_gone_on_with_is_one_clear_message(damage, tmp_path):
    place, other = tmp_path / "run", tmp_path / "other"
    run(place, SWING, 20)
    target = place / TRAINING
    if damage == "half":
        target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    elif damage == "foreign bytes":
        target.write_bytes(b"\x80\x04]\x94.")
    elif damage == "missing":
        target.unlink()
    elif damage == "of another run":
        run(other, SWING, 20, {"seed": 1})
        target.write_bytes((other / TRAINING).read_bytes())
    else:
        settings = json.loads((place / "settings.json").read_text())
        settings["network"]["width"] = 13
        (place / "settings.json").write_text(json.dumps(settings))
    words = {"missing": "no training to go on with", "half": "damaged", "foreign bytes": "damaged"}
    before = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    with pytest.raises(RunFolderError, match=words.get(damage, "belongs to another run")):
        resume(place, steps=30, quiet=True)
    assert {p: p.read_bytes() for p in place.rglob("*") if p.is_file()} == before


def test_a_state_that_lacks_something_is_one_clear_message(tmp_path):
    made = compiled(SWING, steps=20)
    state = dict(train_problem(made).state)
    for key in ("module", "conductor", "leg", "history"):
        with pytest.raises(RunFolderError, match="does not fit the problem"):
            train_problem(made, start=Start({k: v for k, v in state.items() if k != key}))


def test_a_full_disk_costs_a_checkpoint_but_no_training(tmp_path, monkeypatch, capsys):
    """Files may not grow beyond some bytes, as `ulimit -f` says it: every large write fails half-way."""
    import resource

    place, soft_hard = tmp_path / "run", resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(conductor, "CHECKPOINT_SECONDS", 0.0)

    class Filling(Interrupting):
        def show(self, status):
            if status.step == 20:
                resource.setrlimit(resource.RLIMIT_FSIZE, (2000, soft_hard[1]))

    monkeypatch.setattr(pipeline, "choose_progress", lambda quiet: Filling(0))
    try:
        with pytest.raises(RunFolderError, match=r"cannot be written(.|\n)*pinnsolver resume"):
            run(place, SWING, 40)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft_hard)
    err = capsys.readouterr().err
    assert "no checkpoint at step 25" in err and "is still there" in err
    assert not list(place.rglob(".training*"))  # no half is left
    monkeypatch.undo()
    resume(place, quiet=True)
    run(tmp_path / "whole", SWING, 40)
    assert_same(place, tmp_path / "whole")


def test_a_folder_that_cannot_be_written_is_one_clear_message(tmp_path, monkeypatch):
    run(tmp_path / "run", SWING, 20)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may write anywhere, so a mode would not do
    with pytest.raises(RunFolderError, match="cannot be written: Permission denied"):
        resume(tmp_path / "run", steps=30, quiet=True)


def test_halves_of_a_killed_run_are_cleared_away(tmp_path):
    place = tmp_path / "run"
    run(place, SWING, 20)
    halves = [place / ".result.json.abc", place / "checkpoint" / ".training.safetensors.xyz"]
    for half in halves:
        half.write_text("half")
    resume(place, steps=25, quiet=True)
    assert not any(half.exists() for half in halves)


def test_the_commands_resume_and_say_what_there_is(pinnsolver, tmp_path):
    place = tmp_path / "run"
    run(place, SWING, 20)
    code, out, err = pinnsolver("resume", place, "--quiet")
    assert code == 0 and "is finished" in err and "after 20 steps" in out
    code, out, _ = pinnsolver("resume", place, "--steps", "30", "--quiet")
    assert code == 0 and "after 30 steps" in out
    code, _, err = pinnsolver("resume", tmp_path, "--quiet")
    assert code == 1 and "is not the folder of a run" in err


def test_resuming_executes_nothing_of_the_folder(tmp_path):
    place = tmp_path / "run"
    run(place, SWING, 20)
    (place / "problem.py").write_text("raise SystemExit('executed')\n")
    assert resume(place, steps=25, quiet=True).result["steps"] == 25
    data = (place / TRAINING).read_bytes()
    assert b"pickle" not in data and read_training(place, run_mark(place))["step"] == 25


# --------------------------------------------------------------------------------------------------- divergence


def test_a_divergence_names_term_step_and_place(pinnsolver, tmp_path):
    file = tmp_path / "wild.py"
    file.write_text(
        "from sympy import *\nfrom pinnsolver import *\nx, u = symbols('x'), Function('u')\n"
        "problem = Problem('wild', [Eq(u(x).diff(x), exp(u(x)))], [(x, 0, 1)], conditions=[Eq(u(0), 0)])\n"
    )
    words = [
        "--set",
        "optimizer.learning_rate=1e6",
        "--set",
        "network.activation=gelu",
        "--set",
        "optimizer.adam=60",
    ]
    words += ["--set", "network.width=8", "--set", "points.interior=40"]
    code, _, err = pinnsolver("solve", file, "--quiet", "--steps", "300", *words, "--out", tmp_path / "run")
    assert code == 3
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["stopped"] == "diverged" and result["divergence"] in result["warnings"]
    for text in ("Training diverged at step", "after 3 new starts", "The term “equation” is", "at x = "):
        assert text in result["divergence"] and text in err


def test_points_at_which_a_term_is_not_finite_are_drawn_anew(monkeypatch):
    made = compiled(SWING, steps=120, **{"points__interior": 40, "network__width": 8, "network__depth": 2})
    own, calls = ProblemData.redraw, []

    def poisoned(self, module=None):
        own(self, module)
        calls.append(1)
        if len(calls) == 4:  # one bad draw
            for view in self.groups[0].views:
                view.points[3] = float("nan")

    monkeypatch.setattr(ProblemData, "redraw", poisoned)
    trained = train_problem(made)
    assert trained.stopped == "steps" and trained.why is None
    assert all(torch.isfinite(p).all() for p in trained.module.parameters())
