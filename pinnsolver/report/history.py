"""How training went: the loss and its named terms, the error over time, each unknown on its way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinnsolver.report.curves import has_size, line_colours, line_dashes
from pinnsolver.report.names import name_math, name_text, plain_math, printable, slug
from pinnsolver.report.style import INK, LINES, QUIET, Picture, few_ticks, new_figure, picture
from pinnsolver.report.wording import finite, number

MOST_TERMS = 20  # curves of one picture
MOST_UNKNOWNS = 8
_LETTER = 0.022  # width of a letter of a phase's name, as a part of the axis

History = Mapping[str, np.ndarray]


def named_columns(history: History, kind: str) -> dict[str, np.ndarray]:
    """Return the columns called `kind:<name>` by their name, as floats; columns of text are left out."""
    found = {k.split(":", 1)[1]: np.asarray(v) for k, v in history.items() if k.startswith(f"{kind}:")}
    return {name: values.astype(float) for name, values in found.items() if values.dtype.kind in "iufb"}


def rows(history: History) -> int:
    """Return how many steps were recorded; 0 where steps or losses are missing or not of equal length."""
    lengths = {np.asarray(v).shape for v in history.values()}
    if (
        "step" not in history
        or len(lengths) != 1
        or lengths == {()}
        or np.asarray(history["step"]).dtype.kind not in "iuf"
    ):
        return 0
    return lengths.pop()[0]


def draw_history(history: History) -> list[Picture]:
    """Return the pictures of a training: losses over steps and, if known, errors over seconds."""
    if not rows(history):
        return []
    pictures = [draw_losses(history)]
    errors = {n: v for n, v in named_columns(history, "relative_l2").items() if has_size(v)}
    if errors:
        pictures.append(_draw_errors(history, errors))
    pictures.append(_draw_causal(history))
    return [p for p in pictures if p is not None]


def draw_losses(history: History) -> Picture | None:
    """Return the total loss and every raw term over the steps, the phases marked; None if none is known."""
    terms = {n: v for n, v in named_columns(history, "raw").items() if np.isfinite(v).any()}
    for name in ("held_out", "loss"):
        if name in history and np.asarray(history[name]).dtype.kind in "iuf":
            values = np.asarray(history[name], dtype=float)
            if np.isfinite(values).any():
                terms = {("total" if name == "loss" else "held out"): values, **terms}
    if not terms:
        return None
    shown = dict(list(terms.items())[:MOST_TERMS])
    lines = [n for n in shown if n not in ("total", "held out")]
    colours = dict(zip(lines, line_colours(len(lines), ordered=False), strict=True))
    columns = 2 if max(len(printable(n)) for n in shown) <= 22 else 1
    figure = new_figure(3.2 + 0.22 * -(-len(shown) // columns))
    axes = figure.add_subplot()
    steps = np.asarray(history["step"], dtype=float)
    for name, values in shown.items():
        style: dict[str, object] = {"color": QUIET, "linestyle": ":"}
        if name == "total":
            style = {"color": INK, "linewidth": 2.2}
        elif name in colours:
            dashes = line_dashes(lines.index(name))
            style = {"color": colours[name], "linewidth": 1.3, "linestyle": dashes}
        _plot(axes, steps, values, label=plain_math(name, 44), **style)
    _dress(axes, "step", "Loss: total and its terms before weighting", list(shown.values()))
    _mark_phases(axes, steps, np.asarray(history.get("phase", [])))
    figure.legend(loc="outside lower center", ncols=columns)
    return picture(figure, "history", f"Loss over {len(steps)} recorded steps: {', '.join(shown)}")


def draw_unknowns(history: History, found: Mapping[str, object]) -> list[Picture]:
    """Return one picture for each unknown: its value over the steps, ending at the value found."""
    pictures = []
    if rows(history):
        steps = np.asarray(history["step"], dtype=float)
        for name, values in list(named_columns(history, "unknown").items())[:MOST_UNKNOWNS]:
            if not np.isfinite(values).any():
                continue
            figure = new_figure(2.7)
            axes = figure.add_subplot()
            last = found.get(name, values[np.isfinite(values)][-1])
            _plot(axes, steps, values, color=LINES[0])
            if (end := finite(last)) is not None and abs(end) < 1e100:
                axes.axhline(end, color=QUIET, linewidth=1, linestyle=(0, (1, 2)))
            _dress(axes, "step", f"{name_math(name)} = {number(last, 5)}", None)
            alt = f"{name_text(name)} over the steps of training, ending at {number(last, 5)}"
            pictures.append(picture(figure, f"unknown-{slug(name)}", alt))
    return pictures


def _draw_errors(history: History, errors: Mapping[str, np.ndarray]) -> Picture:
    seconds = np.asarray(history.get("seconds", history["step"]), dtype=float)
    shown = dict(list(errors.items())[:MOST_TERMS])
    figure = new_figure(3.2 + (0.22 * -(-len(shown) // 3) if len(shown) > 1 else 0))
    axes = figure.add_subplot()
    colours = line_colours(len(shown), ordered=False)
    for i, (name, values) in enumerate(shown.items()):
        _plot(axes, seconds, values, color=colours[i], linestyle=line_dashes(i), label=name_math(name))
    title = "Relative L² error against the reference"
    _dress(axes, "seconds" if "seconds" in history else "step", title, list(shown.values()))
    if len(shown) > 1:
        figure.legend(loc="outside lower center", ncols=min(len(shown), 3))
    names = ", ".join(name_text(n) for n in shown)
    return picture(figure, "error-history", f"Relative L2 error of {names} over the seconds of training")


def _draw_causal(history: History) -> Picture | None:
    """Return how far causal training had come over the steps, window by window; None for a run without it."""
    found = named_columns(history, "causal")
    shown = {
        label: found[name]
        for name, label in (("reached", "time that counts"), ("least weight", "least weight"))
        if name in found and np.isfinite(found[name]).any()
    }
    if not shown:
        return None
    steps = np.asarray(history["step"], dtype=float)
    figure = new_figure(3.0)
    axes = figure.add_subplot()
    for i, (label, values) in enumerate(shown.items()):
        _plot(axes, steps, values, color=LINES[i], linestyle=line_dashes(i), label=label)
    _dress(axes, "step", "Causal weights: from the first times to all (1)", None)
    axes.set_ylim(-0.05, 1.05)
    windows = np.asarray(history.get("window", []), dtype=float)
    if windows.shape == steps.shape:
        for at in steps[1:][windows[1:] != windows[:-1]]:
            axes.axvline(at, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0.5)
    figure.legend(loc="outside lower center", ncols=2)
    return picture(
        figure, "causal-weights", f"Causal weights over {len(steps)} recorded steps: {', '.join(shown)}"
    )


def _plot(axes: Axes, x: np.ndarray, y: np.ndarray, **style: object) -> None:
    """Draw one column over the rows where it is known; a lone value gets a marker."""
    known = np.isfinite(x) & np.isfinite(y) & (np.abs(y) < 1e100)
    axes.plot(x[known], y[known], marker="o" if known.sum() == 1 else None, **style)  # type: ignore[arg-type]


def _dress(axes: Axes, across: str, title: str, logarithmic: list[np.ndarray] | None) -> None:
    """Title, label and grid; a logarithmic axis where `logarithmic` columns are given that it can show."""
    axes.set_xlabel(across)
    axes.set_title(title)
    if logarithmic and any((v[np.isfinite(v)] > 0).any() for v in logarithmic):
        axes.set_yscale("log", nonpositive="mask")
    axes.grid(True)
    axes.set_axisbelow(True)
    few_ticks(axes)
    axes.margins(x=0.02)


def _mark_phases(axes: Axes, steps: np.ndarray, phases: np.ndarray) -> None:
    """Draw a line where a phase of training begins, and its name above where there is room."""
    if phases.shape != steps.shape or not phases.size:
        return
    starts = [0, *(np.flatnonzero(phases[1:] != phases[:-1]) + 1)]
    if len(starts) == 1:
        return
    low, high = axes.get_xlim()
    axes.set_title(axes.get_title(loc="left"), pad=22)
    free = -np.inf  # where the last name ends, as a part of the axis
    for i in starts:
        at = (steps[i] - low) / (high - low)
        axes.axvline(steps[i], color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0.5)
        name = plain_math(phases[i], 18)
        width = _LETTER * len(name)
        if free < at < 1 - width:
            axes.text(at, 1.02, name, transform=axes.transAxes, fontsize=9.5, color=QUIET).set_in_layout(
                False
            )
            free = at + width


def draw_loss_only(figure: Figure, history: History) -> None:
    """Draw the total loss into an empty figure, for a run without a panel."""
    axes = figure.add_subplot()
    _plot(axes, np.asarray(history["step"], dtype=float), np.asarray(history["loss"], dtype=float), color=INK)
    _dress(axes, "step", "Loss", [np.asarray(history["loss"], dtype=float)])
