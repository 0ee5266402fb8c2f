"""Shared helpers: problems as values, exact solutions as networks, the command line, and torch on one thread."""

import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

from pinnsolver import cli
from pinnsolver.compile import CompiledProblem
from pinnsolver.compile.constants import with_constants
from pinnsolver.compile.printing import compile_expressions
from pinnsolver.declare import Settings, check_problem, load_problem
from pinnsolver.network import AutogradNetwork
from pinnsolver.sample import Sampler
from pinnsolver.train import TrainableProblem
from pinnsolver.train.progress import Quiet
from pinnsolver.transform import transform_problem

PROBLEMS = sorted((Path(__file__).parents[1] / "problems").glob("*.py"))


class Formula(torch.nn.Module):
    """sympy formulas of the coordinates as a torch module, (n, D) -> (n, fields)."""

    def __init__(self, symbols, formulas):
        super().__init__()
        self.function = compile_expressions(formulas, symbols, "The test")

    def forward(self, points):
        columns = points.split(1, dim=1)
        zero = 0 * points.sum(dim=1, keepdim=True)
        return torch.cat([f + zero for f in self.function(*columns)], dim=1)


def compiled(problem, **settings):
    """Return a problem compiled with some settings."""
    joined = problem.settings.with_values({k.replace("__", "."): v for k, v in settings.items()})
    return CompiledProblem(transform_problem(check_problem(problem), joined))


def exact_network(made):
    """Return the module whose ansatz gives the references of a compiled problem, None without formulas.

    None as well where slopes on a shaped boundary are built in: the network is the solution of an equation there.
    """
    checked = made.checked
    raw = []
    for field in checked.fields:
        reference = checked.references.get(field.name)
        if reference is None or reference.formula is None:
            return None
        ansatz = made.transformed.ansatz[field.name]
        if ansatz.slopes:
            return None
        raw.append(ansatz.written_out((reference.formula - ansatz.lift) / ansatz.factor))
    return Formula([c.symbol for c in checked.coordinates], raw)


def is_hard(made):
    """Return by condition whether it is built in."""
    return {name: e.how == "hard" for name, e in made.transformed.enforcement.items()}


def assert_hard_conditions_hold(made, strict=1e-12):
    """Every hard condition holds for random weights, relative to what its derivatives are inside."""
    torch.manual_seed(0)
    module = TrainableProblem(made)
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.5)
    sampler, unknowns = Sampler.of(made.checked), module.unknowns.values()
    network = with_constants(made, module.network, unknowns)
    inside = sampler.interior(100, np.random.default_rng(1)).points
    for k, group in enumerate(made.groups):
        hard = [n for n in group.names if group.kind == "condition" and is_hard(made)[n]]
        if not hard:
            continue
        drawn = sampler.region(group.region, 60, np.random.default_rng(2))
        found = made.residuals(made.prepare(k, drawn.points, drawn.normals, "cpu"), network, unknowns)
        for name in hard:
            condition = next(c for c in made.checked.conditions if c.name == name)
            parts = {str(v): _running(made, v) for v in condition.residual.values}
            sizes = made.evaluate(parts, inside, network, unknowns, "cpu").values()
            scale = max(1.0, *(np.abs(s).max() for s in sizes))
            assert float(found[name].detach().abs().max()) < strict * scale, name


def _running(made, value):
    """Return a field value at running coordinates."""
    field = next(f for f in made.checked.fields if f.name == value.field)
    function = sympy.Function(field.name)(*field.arguments)
    by = [(c.symbol, k) for c, k in zip(made.checked.coordinates, value.orders, strict=True) if k]
    return sympy.Derivative(function, *by) if by else function


def assert_exact_solution_fits(made, strict=1e-6):
    """The exact solution solves the transformed problem."""
    network = AutogradNetwork(exact_network(made), [f.name for f in made.checked.fields])
    points = Sampler.of(made.checked).interior(100, np.random.default_rng(1)).points
    found = made.residuals(made.prepare(0, points, None, "cpu"), network, {})
    assert all(float(r.detach().abs().median()) < strict for r in found.values())


def small(**values):
    """Return settings of a run of seconds."""
    usual = {"points.interior": 200, "points.boundary": 40, "network.width": 12, "network.depth": 2}
    return Settings().with_values({**usual, **values})


class Interrupting(Quiet):
    """Sends a signal to this process at some steps."""

    def __init__(self, number, times=1):
        self.number, self.times = number, times

    def show(self, status):
        if status.step >= 20:
            for _ in range(self.times):
                signal.raise_signal(self.number)


@pytest.fixture
def pinnsolver(capsys, monkeypatch):
    """Return a function that runs a command line and gives exit code, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["pinnsolver", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code or 0, out, err

    return run


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(params=PROBLEMS, ids=lambda p: p.stem, scope="session")
def problem(request):
    return load_problem(request.param)


x, y, t = sympy.symbols("x y t")
