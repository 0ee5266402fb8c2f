"""Imports point down the ladder of rooms, and light rooms load nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "pinnsolver"
LADDER = [
    ["errors"],
    ["declare"],
    ["transform"],
    ["verify"],  # a classical solver knows the declaration alone
    ["compile"],
    ["network"],
    ["hold"],
    ["runfolder"],
    ["report"],  # draws plain run data, so `Solution.report` can stand above it
    ["sample"],
    ["train"],
    ["scoring", "panels", "flow"],
    ["readout"],
    ["second"],
    ["records"],
    ["solution"],
    ["alarms"],
    ["tables", "terminal", "contestants"],
    ["pipeline"],
    ["rerun"],
    ["comparison"],
    ["cli"],
]
HEIGHT = {room: k for k, rooms in enumerate(LADDER) for room in rooms}
FILES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__init__.py" or p.parent != ROOT)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {n.split(".")[1] for n in names if n.startswith("pinnsolver.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down_the_ladder(path):
    room = room_of(path)
    if room == "__main__":
        return
    for other in imported_rooms(path):
        assert HEIGHT[other] < HEIGHT[room] or other == room, f"{room} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_deepxde_is_imported_by_the_fence_alone(path):
    tree = ast.parse(path.read_text())
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    if path.name != "fence.py":
        assert not [n for n in names if n.split(".")[0] == "deepxde"]


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_help_loads_neither_sympy_nor_torch():
    loaded = modules_after("import pinnsolver.cli")
    assert not loaded & {"sympy", "torch", "deepxde", "matplotlib", "pydantic", "numpy"}


def test_checking_and_describing_load_no_torch():
    loaded = modules_after(
        "import pinnsolver.declare, pinnsolver.transform, pinnsolver.terminal, pinnsolver.contestants"
    )
    assert not loaded & {"torch", "deepxde", "matplotlib", "scipy"}


def test_reporting_loads_no_torch():
    loaded = modules_after("import pinnsolver.report")
    assert not loaded & {"torch", "deepxde"}
