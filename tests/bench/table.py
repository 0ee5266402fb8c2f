"""Measurements as tables: in the terminal, and in the README between two marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .curves import summarise
from .machine import machine_line

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
Rows = list[tuple[str, ...]]
NAMES = {"deepxde": "DeepXDE", "pinnsolver": "pinnsolver"}

PEERS_HEAD = (
    *("problem", "peer", "its error", "after", "ours there after", "times faster"),
    *("our error then", "times closer", "peak MiB, peer/ours"),
)
ENGINE_HEAD = (
    *("order", "in", "network", "points", "forward ms", "nested ms", "func ms"),
    *("over nested", "over func", "limit share"),
)


def peers_rows(result: dict[str, Any]) -> Rows:
    """Return a race's rows as texts, by `PEERS_HEAD`."""
    return [
        (
            row["problem"].replace("_", " "),
            NAMES.get(row["peer"], row["peer"]),
            number(row["peer_error"]),
            number(row["peer_seconds"], "{:.0f} s"),
            number(row["own_seconds"], "{:.1f} s", "never"),
            number(row["speed_up"], times(row["speed_up"])),
            number(row["own_error"]),
            number(row["closer"], times(row["closer"])),
            f"{number(row['peer_mib'], '{:.0f}')}/{number(row['own_mib'], '{:.0f}')}",
        )
        for row in summarise(result["runs"])
    ]


def engine_rows(result: dict[str, Any]) -> Rows:
    """Return the engine's rows as texts, by `ENGINE_HEAD`."""
    return [
        (
            str(row["order"]),
            row["dimension"],
            f"{row['depth']} x {row['width']}",
            str(row["points"]),
            *(f"{row[key]:.1f}" for key in ("forward_ms", "nested_ms", "func_ms")),
            f"{row['over_nested']:.1f}",
            f"{row['over_func']:.1f}",
            f"{100 * row['share']:.0f} %",
        )
        for row in result["rows"]
    ]


def markdown_row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def problem_link(name: str) -> str:
    """Return the link to a problem's file from the pages beside it."""
    return f"[{name.replace('_', ' ')}]({name}.py)"


def budget_text(run: Mapping[str, Any]) -> str:
    """Return what a run was given, or several were: seconds, threads and seeds."""
    threads, seeds = run["threads"], run.get("seeds", [run["seed"]])
    said = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return f"{run['seconds']:.0f} s, {threads} thread{'s' * (threads > 1)}, {said}"


def number(value: float | None, form: str = "{:.1e}", missing: str = "-") -> str:
    """Return a number as a text."""
    return missing if value is None else form.format(value)


def times(value: float | None) -> str:
    """Return the format of a factor: no digits that a repetition would not confirm."""
    return "{:.1f}" if value is None or value < 10 else "{:.2g}" if value < 100 else "{:.0f}"


def threads_of(result: dict[str, Any]) -> str:
    """Return how many threads were used, in words."""
    return f"{result['threads']} thread{'s' if result['threads'] > 1 else ''}"


def peers_note(result: dict[str, Any]) -> str:
    """Return in words how a race was run."""
    seeds = ", ".join(map(str, result["seeds"]))
    return (
        f"{machine_line(result['machine'])}. {result['seconds']:g} s a run, {threads_of(result)}, seed {seeds} "
        "(medians where several); DeepXDE by its documented recipe cut to the time, half of it Adam, then L-BFGS, in float32; pinnsolver "
        "with its automatic choices in float64. Relative L2 errors at the same points, scoring off the clock."
    )


def engine_note(result: dict[str, Any]) -> str:
    """Return in words how the engine was measured."""
    rates = result["rates"]
    products = ", ".join(
        f"{rate:.0f} GFLOP/s at width {width}" for width, rate in rates["matmul_gflops"].items()
    )
    return (
        f"{machine_line(result['machine'])}. Loss and gradient in float64 on {threads_of(result)}; nested: autograd; "
        f"func: the fastest of three nestings of torch.func. Limit share: matrix products ({products}) and activations "
        f"({rates['activation_giga']:.2f} billion a second) at the rates measured here, alone, as a share of the forward engine's time."
    )


def unknowns_note(result: dict[str, Any]) -> str:
    """Return the unknowns that were found, "" if there are none."""
    found: dict[tuple[str, str], list[str]] = {}
    for run in result["runs"]:
        for name, value in (run.get("unknowns") or {}).items():
            peer = NAMES.get(run["peer"], run["peer"])
            found.setdefault((run["problem"], name), []).append(f"{peer} {value:.5f}")
    return "; ".join(
        f"{problem.replace('_', ' ')}, {name} found: {', '.join(v)}" for (problem, name), v in found.items()
    )


def failures_note(result: dict[str, Any]) -> str:
    """Return the runs that failed, "" if there are none."""
    return "; ".join(
        f"{run['problem'].replace('_', ' ')}, {NAMES.get(run['peer'], run['peer'])}, seed {run['seed']} failed"
        for run in result["runs"]
        if "failed" in run
    )


def print_result(result: dict[str, Any]) -> None:
    """Print a measurement."""
    peers = result["kind"] == "peers"
    head, rows = (PEERS_HEAD, peers_rows(result)) if peers else (ENGINE_HEAD, engine_rows(result))
    table = Table(box=None, header_style="bold", pad_edge=False, collapse_padding=True)
    for k, name in enumerate(head):  # a word a line: fits 80 columns
        table.add_column(name.replace(" ", "\n"), justify="left" if k < 2 else "right")
    for first, *others in rows:
        table.add_row(first.replace(" ", "\n"), *others)
    console = Console()
    console.print(table)
    console.print()
    console.print(peers_note(result) if peers else engine_note(result), highlight=False)
    for note in (unknowns_note, failures_note) if peers else ():
        if note(result):
            console.print(note(result), highlight=False)


def markdown(peers: dict[str, Any] | None, engine: dict[str, Any] | None) -> str:
    """Return what stands in the README of the newest measurements."""
    parts = []
    if peers is not None:
        parts += [_markdown_table(PEERS_HEAD, peers_rows(peers)), peers_note(peers)]
        parts += [note(peers) + "." for note in (unknowns_note, failures_note) if note(peers)]
    if engine is not None:
        parts += [_markdown_table(ENGINE_HEAD, engine_rows(engine)), engine_note(engine)]
    return "\n\n".join(parts)


def _markdown_table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(map(markdown_row, lines))


def replace_between(text: str, content: str, begin: str = BEGIN, end: str = END) -> str:
    """Return a text with what stands between two marks replaced; the marks stay.

    Raises:
        ValueError: the marks do not stand there once each, in this order.
    """
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(
            f"The text has no single pair of marks {begin} and {end}, in this order.\nWrite both into it once"
        )
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n{content}\n{end}{after}"


def write_readme(path: Path, peers: dict[str, Any] | None, engine: dict[str, Any] | None) -> None:
    """Write the newest measurements into the README."""
    path.write_text(replace_between(path.read_text(), markdown(peers, engine)))
