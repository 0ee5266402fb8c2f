"""Measures, decides nothing: `make bench` prints the tables and writes them to outputs/bench."""

import json
import os
import platform
import statistics
import time
from pathlib import Path

import pytest
import torch
from conftest import compiled

from pinnsolver import load_problem
from pinnsolver.network import AutogradNetwork
from pinnsolver.sample import Sampler
from pinnsolver.train import ProblemData, TrainableProblem

ROOT = Path(__file__).parents[1]
ENGINE = ["burgers", "helmholtz", "wave", "poisson_3d", "beam"]
REPEATS = 30


def gradient_seconds(data, module):
    """Return the wall clock of one loss and gradient."""
    begin = time.perf_counter()
    module.zero_grad()
    sum(data.terms(module).values()).backward()
    return time.perf_counter() - begin


@pytest.mark.bench
@pytest.mark.parametrize("threads", [1, os.cpu_count()])
def test_loss_and_gradient_by_the_forward_engine_and_by_nested_autograd(threads):
    torch.set_num_threads(threads)
    rows = []
    for name in ENGINE:
        made = compiled(load_problem(ROOT / "problems" / f"{name}.py"))
        data = ProblemData(made, Sampler.of(made.checked), seed=0)
        own = TrainableProblem(made)
        nested = TrainableProblem(made)
        nested.network = AutogradNetwork(nested.network.module, nested.network.fields)
        taken = {"own": [], "nested": []}
        for _ in range(REPEATS + 3):  # in alternation: both see the same noise; the first three warm up
            taken["own"].append(gradient_seconds(data, own))
            taken["nested"].append(gradient_seconds(data, nested))
        own_ms, nested_ms = (1e3 * statistics.median(taken[k][3:]) for k in ("own", "nested"))
        rows.append({"problem": name, "points": data.points, "own_ms": own_ms, "nested_ms": nested_ms})
        print(
            f"{name:12} {threads} threads: nested {nested_ms:6.1f} ms, forward {own_ms:6.1f} ms, {nested_ms / own_ms:.1f} times"
        )
    torch.set_num_threads(1)
    folder = ROOT / "outputs" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"
    (folder / f"engine-{threads}.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=2))
