"""Runs that survive: killed, interrupted, on a full disk or in wrong hands, they go on as if nothing had happened."""

import json
import os
import random
import signal
import time

import numpy as np
import pytest
from conftest import PROBLEMS, Interrupting, small
from safetensors.numpy import load_file
from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import (
    Observations,
    Problem,
    Unknown,
    load_problem,
    pipeline,
    resume,
    solve,
)
from pinnsolver.runfolder import read_history
from pinnsolver.train import conductor
from pinnsolver.train.checkpoint import TRAINING

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
        def show(self, status):
            if status.step >= 20 * (len(ended) + 1):
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
