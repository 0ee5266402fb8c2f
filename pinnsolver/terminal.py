"""What the commands print: rich tables, Unicode maths."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pinnsolver.declare.load import NOT_PYTHON
from pinnsolver.errors import DeclarationError
from pinnsolver.transform import TransformedProblem, describe


def _console() -> Console:
    # Piped output keeps its lines whole: formulas broken at 80 columns are unreadable.
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def print_understood(transformed: TransformedProblem) -> None:
    """Print what was understood of a problem, and what was chosen."""
    console, told = _console(), describe(transformed)
    console.print(Text(told["title"], style="bold"))
    if told["about"]:
        _indented(console, Text(told["about"]))
    _heading(console, "Domain")
    _indented(console, Text(told["domain"]))
    _heading(console, "Fields")
    for field in told["fields"]:
        _indented(console, Text(f"{field['name']}({', '.join(field['arguments'])})"))
    _heading(console, "Equations")
    for equation in told["equations"]:
        _formula(console, equation, len(told["equations"]) > 1)
    if told["conditions"]:
        _heading(console, "Conditions")
        _print_conditions(console, told["conditions"])
    shown = [f["ansatz"] for f in told["fields"] if f["ansatz"]]
    if shown:
        _heading(console, "Ansatz (N is the network's output)")
        for ansatz in shown:
            _formula(console, ansatz, False)
    if told["frame"]:
        _print_frame(console, told["frame"])
    for unknown in told["unknowns"]:
        bounds = f" in [{_bound(unknown['low'], '-∞')}, {_bound(unknown['high'], '∞')}]"
        console.print(Text(f"\nUnknown {unknown['name']}, from {unknown['start']:g}{bounds}"))
    for measured in told["observations"]:
        console.print(Text(f"\n{measured['name']}: {measured['count']} values of {measured['quantity']}"))
    _heading(console, "Derivatives needed")
    _indented(console, Text(", ".join(told["derivatives"])))
    _heading(console, "Choices")
    table = Table(box=None, padding=(0, 2), show_header=False)
    for _ in ("name", "value", "reason"):
        table.add_column(overflow="fold")
    for name, choice in transformed.choices.items():
        table.add_row(Text(name), Text(_value(choice.value)), Text(choice.reason, style="dim"))
    console.print(table)


def _print_frame(console: Console, frame: Mapping[str, Any]) -> None:
    """Print the system that is trained instead of the declared one: in labels, or with a stream function."""
    _heading(console, frame["title"])
    _indented(console, Text(frame["note"]))
    for formula in frame["formulas"]:
        _formula(console, formula, False)
    _heading(console, "Ansatz of what is trained (N is the network's output)")
    for formula in frame["ansatz"]:
        _formula(console, formula, False)


def _bound(value: float | None, without: str) -> str:
    return without if value is None else f"{value:g}"


def _heading(console: Console, text: str) -> None:
    console.print(Text(f"\n{text}", style="bold cyan"))


def _indented(console: Console, text: Text, whole: bool = False) -> None:
    """Print a text two columns in; a formula is kept whole: a wide one runs over the terminal's edge."""
    if whole:
        console.print(Text("\n").join(Text("  ") + line for line in text.split("\n")), soft_wrap=True)
    else:
        console.print(Padding(text, (0, 0, 0, 2), expand=False))


def _formula(console: Console, item: Mapping[str, Any], named: bool) -> None:
    if named:
        _indented(console, Text(item["name"], style="dim"))
    _indented(console, Text(item["unicode"]), whole=True)


_MET_BY = {"hard": "ansatz", "soft": "loss", "built in": "network input"}


def _print_conditions(console: Console, conditions: list[dict[str, Any]]) -> None:
    """Print conditions as a table where one fits, else one below the other."""
    heads = ("condition", "kind", "where", "met by")
    rows = [
        [Text(t) for t in (c["unicode"], c["kind"], c["where"], _MET_BY[c["enforced"]])] for c in conditions
    ]
    reasons = [Text(c["reason"], style="dim") for c in conditions]
    widths = [max(console.measure(cell).maximum for cell in column) for column in zip(*rows, strict=True)]
    if sum(widths) + 45 > console.width:  # 20 between the columns, 25 for the reasons
        for (formula, kind, where, by), reason in zip(rows, reasons, strict=True):
            _indented(console, formula, whole=True)
            told = Text.assemble(kind, ", ", where, "; met by the ", by, ": ", reason)
            console.print(Padding(told, (0, 0, 0, 4), expand=False))
        return
    table = Table(box=None, padding=(0, 2))
    for head in heads:
        table.add_column(head, header_style="dim", no_wrap=True)
    table.add_column("because", header_style="dim")
    for row, reason in zip(rows, reasons, strict=True):
        table.add_row(*row, reason)
    console.print(table)


def print_results(result: Mapping[str, Any]) -> None:
    """Print the numbers of a run."""
    console = _console()
    console.print(
        Text(
            f"Stopped by {result['stopped']} after {result['steps']} steps, {result['seconds']:.1f} s "
            f"(seed {result['seed']}, {result['device']}, {result['precision']})"
        )
    )
    table = Table(box=None, padding=(0, 2))
    table.add_column("", overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    for field, value in result["relative_l2"].items():
        if value is None:
            table.add_row(Text(f"{field}: error"), Text("unknown, no reference"))
        else:
            table.add_row(Text(f"{field}: relative L2 error"), Text(f"{value:.3e}"))
            table.add_row(Text(f"{field}: largest error"), Text(f"{result['max_error'][field]:.3e}"))
    for field, found in result.get("error_estimate", {}).items():
        told = "none" if found["value"] is None else f"{found['value']:.3e}"
        table.add_row(Text(f"{field}: estimated error"), Text(told))
    errors = result.get("verified_against", {}).get("unknown_errors", {})
    for name, value in result["unknowns"].items():
        error = f" ± {errors[name]:.1g}" if name in errors else ""
        table.add_row(Text(f"{name} ="), Text(f"{value:.8g}{error}"))
    for name, value in result["residual_rms"].items():
        table.add_row(Text(f"{name}: residual (rms, fresh points)"), Text(f"{value:.3e}"))
    for name, value in result["conditions_rms"].items():
        table.add_row(Text(f"{name}: violation (rms)"), Text(f"{value:.3e}"))
    console.print(table)
    from pinnsolver.verify.wording import basis_lines  # only here: its package loads scipy

    for line in basis_lines(result):
        console.print(Text(line, style="dim"))


def print_comparison(heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
    """Print the table of a comparison, and beneath it why a contestant is missing."""
    console = _console()
    table = Table(box=None, padding=(0, 1))
    for k, head in enumerate(heads):
        table.add_column(Text(head), header_style="dim", overflow="fold", min_width=0 if k else 12)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
    for note in notes:
        console.print(Text(note))


def print_problems(folder: Path) -> None:
    """Print the problem files of a folder with the first line of their docstrings; none is executed.

    Raises:
        DeclarationError: there is no such folder, or no problem file in it.
    """
    if not folder.is_dir():
        raise DeclarationError(
            f"There is no folder {folder}.\nName one that holds problem files: pinnsolver list FOLDER"
        )
    console = _console()
    table = Table(box=None, padding=(0, 2), show_header=False)
    found = 0
    for file in sorted(filter(Path.is_file, folder.glob("*.py"))):  # a pipe or a device may never end
        try:
            tree = ast.parse(file.read_text(encoding="utf-8-sig"))
        except (*NOT_PYTHON, OSError):
            table.add_row(Text(str(file)), Text("(not valid Python)", style="dim"))
            continue
        if not any(_defines_problem(node) for node in tree.body):
            continue
        title = (ast.get_docstring(tree) or "").partition("\n")[0]
        table.add_row(Text(str(file)), Text(title))
        found += 1
    if not found:
        raise DeclarationError(
            f"{folder} holds no problem file.\nA problem file is Python that defines `problem = Problem(...)`"
        )
    console.print(table)


def _defines_problem(node: ast.stmt) -> bool:
    targets: list[Any] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return any(isinstance(t, ast.Name) and t.id == "problem" for t in targets)


def _value(value: Any) -> str:
    """Return a choice's value as text; the weights of the terms one below the other."""
    if isinstance(value, Mapping):
        return "\n".join(f"{number:g}  {name}" for name, number in value.items())
    return str(value)
