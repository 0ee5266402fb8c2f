"""Shared helpers: problems as values, exact solutions as networks, the command line, and torch on one thread."""

import signal
import sys
from pathlib import Path

import pytest
import sympy
import torch

from pinnsolver import cli
from pinnsolver.compile import CompiledProblem
from pinnsolver.compile.printing import compile_expressions
from pinnsolver.declare import Settings, check_problem, load_problem
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
    """Return the module whose ansatz gives the references of a compiled problem, None without formulas."""
    checked = made.checked
    raw = []
    for field in checked.fields:
        reference = checked.references.get(field.name)
        if reference is None or reference.formula is None:
            return None
        ansatz = made.transformed.ansatz[field.name]
        raw.append((reference.formula - ansatz.lift) / ansatz.factor)
    return Formula([c.symbol for c in checked.coordinates], raw)


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
