"""`make results`: every problem solved for some seconds by the automatic choices, as a table with pictures in problems/.

What is measured is kept in outputs/results, a JSON file and a run folder for each problem, so that the table can be built
again and single rows can be measured anew; a row that was not measured here stays as the table has it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from .machine import ROOT, machine_line, stamp, write_json
from .race import PATIENCE
from .table import budget_text, markdown_row, number, problem_link, replace_between

PROBLEMS, FOLDER = ROOT / "problems", ROOT / "outputs" / "results"
PAGE, FIGURES = PROBLEMS / "README.md", PROBLEMS / "figures"
PUBLISHED = Path(__file__).with_name("published.toml")
BEGIN, END = "<!-- results -->", "<!-- /results -->"
HEAD = ("problem", "our error", "after", "by", "published error", "its cost", "where", "picture")
INTRODUCTION = f"""# The problems, solved

Each file is a declaration with a reference of our own; `pinnsolver solve problems/NAME.py` repeats a row. Errors are relative
L2 over the reference's points, by field where there are several; for an unknown number its relative error. All choices
are automatic. `make results` measures, `make results PROBLEMS="lorenz heat" SECONDS=60` some rows; those that fall
short stand here as well. Published figures are others' words for the same problem or one like it, on their machines.

{BEGIN}
{END}
"""


def names_at_hand() -> list[str]:
    """Return the names of all problems."""
    return sorted(file.stem for file in PROBLEMS.glob("*.py"))


def measure(names: Sequence[str], seconds: float, seed: int, threads: int) -> None:
    """Solve some problems one after the other; after each its record, its picture and the table are on disk."""
    console = Console()
    for name in names:
        run = run_problem(name, seconds, seed, threads)
        write_json(FOLDER / f"{name}.json", run)
        if "failed" not in run:
            draw(name)
        write_page()
        told = run.get("failed") or f"{error_text(run)} after {run['seconds']:.0f} s"
        console.print(f"{name:28} {told}", highlight=False, soft_wrap=True)


def run_problem(name: str, seconds: float, seed: int, threads: int) -> dict[str, Any]:
    """Solve one problem and return what the table needs; `failed` says why there is nothing."""
    run: dict[str, Any] = {"problem": name, "budget": seconds, "seed": seed, "threads": threads}
    run |= stamp()
    result = solve_apart(name, FOLDER / name, seconds, seed, threads)
    return run | (result if "failed" in result else record_of(result, true_values(name)))


def solve_apart(
    name: str, place: Path, seconds: float, seed: int, threads: int, more: Sequence[str] = ()
) -> dict[str, Any]:
    """Solve one problem in a process of its own and return its `result.json`; `failed` says why there is none.

    Args:
        name: of the problem.
        place: run folder.
        seconds, seed, threads: of the run.
        more: words of the command line.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pinnsolver.cli", "solve", str(PROBLEMS / f"{name}.py"), "--quiet"]
    command += ["--seconds", str(seconds), "--seed", str(seed), "--threads", str(threads)]
    command += ["--overwrite", "--out", str(place), *more]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE + 10 * seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"did not end {PATIENCE + 9 * seconds:.0f} s after its time"}
    if ended.returncode != 0 or not (place / "result.json").is_file():
        lines = ended.stderr.strip().splitlines()
        message = next((line for line in lines if line.startswith("Error: ")), lines[-1] if lines else "")
        return {"failed": message or f"ended with status {ended.returncode}"}
    found: dict[str, Any] = json.loads((place / "result.json").read_text())
    return found


def record_of(result: Mapping[str, Any], true: Mapping[str, float]) -> dict[str, Any]:
    """Return what the table needs of a run's `result.json`.

    Args:
        result: its content.
        true: the unknown numbers' true values, by name.
    """
    return {
        "relative_l2": result["relative_l2"],
        "unknowns": {
            name: {"value": value, "error": abs(value / true[name] - 1) if name in true else None}
            for name, value in result["unknowns"].items()
        },
        **{key: result[key] for key in ("seconds", "steps", "stopped")},
        "choices": chosen_methods(result),
    }


def chosen_methods(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the methods that a run chose, by name, from its `result.json`."""
    choices = {name: choice["value"] for name, choice in result["choices"].items()}
    keys = ("hard conditions", "causal", "frame", "symmetry", "windows", "optimizer.second")
    return {key: choices.get(key) for key in keys}


def true_values(name: str) -> dict[str, float]:
    """Return the true values of the unknown numbers, from the lines `True value: D = 0.15` of a problem's docstring."""
    import sympy

    text = (PROBLEMS / f"{name}.py").read_text(encoding="utf-8")
    found = re.findall(r"^True value: (\w+) = (.+)$", text, flags=re.MULTILINE)
    return {unknown: float(sympy.sympify(value)) for unknown, value in found}


def draw(name: str) -> None:
    """Draw the picture of a problem from its run folder."""
    from pinnsolver.runfolder import read_run
    from pinnsolver.solution import Solution

    from .thumbnail import draw_thumbnail, panels_at_tables

    FIGURES.mkdir(exist_ok=True)
    place = FOLDER / name
    panels = panels_at_tables(Solution.load(place)) or read_run(place).panels
    draw_thumbnail(panels, FIGURES / f"{name}.png")


# ---------------------------------------------------------------------------------------------- table


def write_page() -> None:
    """Write problems/README.md from what is measured."""
    runs = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else INTRODUCTION
    published = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    rows = rows_of(text) | {run["problem"]: row_of(run, published.get(run["problem"], {})) for run in runs}
    at_hand = names_at_hand()
    lines = [
        markdown_row(HEAD),
        markdown_row(["---"] * len(HEAD)),
        *(rows[name] for name in at_hand if name in rows),
    ]
    PAGE.write_text(replace_between(text, "\n".join(lines), BEGIN, END), encoding="utf-8")


def rows_of(text: str) -> dict[str, str]:
    """Return the rows of a table by problem."""
    return {m[1]: m[0] for m in re.finditer(r"^\| \[[^]]+\]\((\w+)\.py\) \|.*$", text, flags=re.MULTILINE)}


def row_of(run: Mapping[str, Any], published: Mapping[str, str]) -> str:
    """Return one row of the table."""
    name = run["problem"]
    head = problem_link(name)
    others = [published.get(key, "") for key in ("error", "cost", "source")]
    if "failed" in run:
        return markdown_row([head, f"failed: {run['failed']}", "", "", *others, ""])
    versions = machine_line(run["machine"])
    after = f'<span title="{run["date"]}, {versions}">{budget_text(run)}</span>'
    picture = f'<img src="figures/{name}.png" width="220" alt="{name.replace("_", " ")}">'
    return markdown_row([head, error_text(run), after, method_text(run["choices"]), *others, picture])


def error_text(run: Mapping[str, Any]) -> str:
    """Return the errors of a run, by name where there are several."""
    errors = {k: number(v) for k, v in run["relative_l2"].items()}
    numbers = [
        f"{name} {number(found['error'])}" if found["error"] is not None else f"{name} = {found['value']:.6g}"
        for name, found in run["unknowns"].items()
    ]
    lone = len(errors) + len(numbers) == 1
    return ", ".join([*(text if lone else f"{name} {text}" for name, text in errors.items()), *numbers])


def method_text(choices: Mapping[str, Any]) -> str:
    """Return the methods chosen, in words."""
    parts = [f"{choices['hard conditions']} hard" if choices.get("hard conditions") else "soft"]
    parts += ["causal"] * (choices.get("causal") not in (None, False, "False"))
    parts += [choices["frame"]] if choices.get("frame") not in (None, "eulerian") else []
    parts += ["symmetric"] * (choices.get("symmetry") is True)
    parts += [f"{choices['windows']} windows"] if choices.get("windows") not in (None, 1) else []
    return ", ".join([*parts, str(choices.get("optimizer.second"))])
