"""Runs on an accelerator give what they give on the CPU; skipped where there is none."""

import numpy as np
import pytest
import torch
from conftest import PROBLEMS, small
from sympy import cos, sin, symbols
from test_modal import growth

from pinnsolver import Settings, Solution, load_problem, resume, solve
from pinnsolver.runfolder import read_history

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no accelerator")

BURGERS = next(p for p in PROBLEMS if p.stem == "burgers")
HELMHOLTZ = next(p for p in PROBLEMS if p.stem == "helmholtz")
WAYS = [
    {"optimizer.second": "broyden"},
    {"optimizer.second": "bfgs"},
    {"optimizer.second": "lbfgs"},
    {"optimizer.second": "gauss-newton"},
    {"network.kind": "modified"},
    {"network.activation": "sin", "network.fourier": 8},
    {"causal": True, "hard": False},
    {"frame": "lagrangian"},
    {"windows": 2},
]


def assert_alike(problem, tmp_path, steps, settings=None, strict=1e-6):
    """Both devices start from the same weights and points and take the same steps, to rounding grown by each."""
    losses = {}
    for device in ("cpu", "cuda"):
        run = solve(
            problem,
            settings=settings or Settings(),
            steps=steps,
            device=device,
            seed=0,
            out=tmp_path / device,
            quiet=True,
        )
        assert run.result["device"] == device
        losses[device] = read_history(tmp_path / device / "history.csv")["loss"]
        run.report()
    assert losses["cuda"][0] == pytest.approx(losses["cpu"][0], rel=strict)
    assert losses["cuda"][-1] == pytest.approx(losses["cpu"][-1], rel=1e-2)


@pytest.mark.parametrize("file", PROBLEMS, ids=lambda p: p.stem)
def test_every_problem_trains_alike(file, tmp_path):
    assert_alike(load_problem(file), tmp_path, steps=3)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_method_trains_alike(way, tmp_path):
    problem = load_problem(BURGERS)
    assert_alike(problem, tmp_path, 12, small(**way, **{"optimizer.adam": 6}))


def test_single_precision_trains(tmp_path):
    run = solve(
        load_problem(BURGERS), settings=small(precision="float32"), steps=40, device="cuda", quiet=True
    )
    assert run.result["precision"] == "float32"
    assert np.isfinite(run.relative_l2["u"])


def test_modes_train_alike(tmp_path):
    x = symbols("x")
    assert_alike(growth(cos(x) * (1 + sin(x))), tmp_path, 3, small(**{"network.kind": "modal"}))


def test_a_run_goes_on_and_reads_on_either_device(tmp_path):
    run = solve(
        load_problem(HELMHOLTZ), settings=small(), steps=20, device="cuda", out=tmp_path / "a", quiet=True
    )
    points = {"x": np.linspace(-0.5, 0.5, 7), "y": np.linspace(-0.5, 0.5, 7)}
    there = run(**points)["u"]
    for device in ("cpu", "cuda"):
        assert Solution.load(tmp_path / "a", device=device)(**points)["u"] == pytest.approx(there, rel=1e-9)
    on = resume(tmp_path / "a", steps=30, quiet=True)
    assert on.result["steps"] == 30
    assert on.result["device"] == "cuda"
