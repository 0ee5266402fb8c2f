"""From the data of a run and its drawn pictures to the text of `report.html`.

The template escapes everything; the only markup it takes as it is comes from `names.py` and `mathml.py`,
which build it from escaped pieces. The page's own policy forbids scripts and anything to be fetched.
"""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pinnsolver.report import wording
from pinnsolver.report.groups import as_list, as_mapping
from pinnsolver.report.history import named_columns, rows
from pinnsolver.report.mathml import clean_mathml
from pinnsolver.report.names import name_html
from pinnsolver.report.style import Picture
from pinnsolver.runfolder import RunData

_MOST_CARDS = 6


@dataclass(frozen=True)
class DrawnBlock:
    """A block of `sketches.py` with its pictures drawn."""

    heading: Markup
    pictures: tuple[Picture, ...]
    columns: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """Every picture of a report, by section."""

    solution: tuple[DrawnBlock, ...] = ()
    residual: tuple[DrawnBlock, ...] = ()
    history: tuple[Picture, ...] = ()
    unknowns: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()

    def all(self) -> list[Picture]:
        """Return all pictures, in the order of the page."""
        blocks = [p for block in (*self.solution, *self.residual) for p in block.pictures]
        return [*blocks, *self.history, *self.unknowns]


@dataclass(frozen=True)
class Card:
    """One number at the head of the page."""

    label: Markup
    value: str
    note: str


def render_page(run: RunData, pictures: Pictures) -> str:
    """Return the whole page."""
    return render("page.html.j2", **describe_run(run), pictures=pictures)


def render(template: str, **values: Any) -> str:
    """Return a template of this folder filled in; it is given the style of all pages as `style`."""
    environment = Environment(
        loader=PackageLoader("pinnsolver.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "symbol": name_html,
        "number": wording.number,
        "duration": wording.duration,
        "plain": wording.plain,
        "data_uri": _data_uri,
    }
    style = Markup(resources.files("pinnsolver.report").joinpath("page.css").read_text(encoding="utf-8"))
    text = environment.get_template(template).render(**values, style=style)
    return text.encode("utf-8", "replace").decode()  # a lone surrogate of a JSON file is no text


def describe_run(run: RunData) -> dict[str, Any]:
    """Return the variables of the template; whatever a run does not say is empty, never missing."""
    result, understood = run.result, run.understood
    name = str(result.get("problem") or understood.get("name") or "Unnamed problem")
    return {
        "name": name,
        "title": str(understood.get("title") or name),
        "about": _paragraphs(str(understood.get("about") or "")),
        "status": _status(result),
        "warnings": list(dict.fromkeys(map(str, _all_of("warnings", result, understood)))),
        "cards": _cards(result),
        "scored": _scores(result, "relative_l2"),
        "unscored": [f for f in _fields(run) if f not in _scores(result, "relative_l2")],
        "equations": [_formula(e) for e in _mappings(understood.get("equations"))],
        "conditions": [_formula(c) for c in _mappings(understood.get("conditions"))],
        "coordinates": [
            _only(c, "name", "role", "low", "high", "periodic")
            for c in _mappings(understood.get("coordinates"))
        ],
        "domain": str(understood.get("domain") or ""),
        "fields": _declared_fields(understood),
        "observations": [_only(o, "name", "count") for o in _mappings(understood.get("observations"))],
        "frame": _frame(understood),
        "derivatives": [str(d) for d in as_list(understood.get("derivatives"))],
        "choices": _choices(result),
        "unknowns": _unknowns(result, understood),
        "results": _results(run),
        "verified": _verified(result),
        "residual_rms": as_mapping(result.get("residual_rms")),
        "conditions_rms": as_mapping(result.get("conditions_rms")),
        "terms": _terms(run),
        "recorded": rows(run.history),
        "settings": wording.flatten(run.settings),
        "versions": as_mapping(result.get("versions")),
        "machine": _machine(result),
        "command": str(result.get("command") or ""),
        "source": run.source,
    }


def _status(result: Mapping[str, Any]) -> dict[str, Any]:
    tone, word, sentence = wording.stop_words(result.get("stopped"))
    facts = [
        ("Training", wording.duration(result.get("seconds"))),
        ("Steps", wording.number(result.get("steps"))),
        ("Trainable numbers", wording.number(result.get("parameters"))),
        ("Seed", wording.plain(result.get("seed"))),
        ("Device", " · ".join(str(result[k]) for k in ("device", "precision") if result.get(k))),
    ]
    return {
        "tone": tone,
        "word": word,
        "sentence": sentence,
        "facts": [f for f in facts if f[1] not in ("", "none")],
    }


def _cards(result: Mapping[str, Any]) -> list[Card]:
    """Return the numbers at the head: errors where a reference is known, else how well equations hold."""
    cards = [
        Card(
            name_html(field) + Markup(", relative L² error"),
            wording.number(value),
            "against the declared reference",
        )
        for field, value in _scores(result, "relative_l2").items()
    ]
    cards += [
        Card(
            name_html(field) + Markup(", estimated error"),
            wording.number(found.get("value")),
            "relative L², by what a second run has otherwise"
            if _is_second_run(result)
            else "relative L² distance from a classical solver's answer",
        )
        for field, found in as_mapping(result.get("error_estimate")).items()
        if isinstance(found, Mapping) and wording.finite(found.get("value")) is not None
    ]
    errors = as_mapping(as_mapping(result.get("verified_against")).get("unknown_errors"))
    unknowns = [
        Card(
            name_html(name),
            wording.number(value, 6),
            "unknown, as found"
            if wording.finite(errors.get(name)) is None
            else f"unknown, as found; standard error {wording.number(errors[name], 1)}",
        )
        for name, value in as_mapping(result.get("unknowns")).items()
    ]
    if not cards:
        audits = (("residual_rms", "equation", "residual"), ("conditions_rms", "condition", "mismatch"))
        for key, what, measure in audits:
            values = {
                str(n): v for n, v in as_mapping(result.get(key)).items() if wording.finite(v) is not None
            }
            if values:
                worst = max(values, key=lambda n: values[n])
                label = Markup("Worst {}: {}").format(what, worst) if len(values) > 1 else worst
                cards.append(
                    Card(
                        Markup("{}").format(label),
                        wording.number(values[worst]),
                        f"{measure}, root mean square",
                    )
                )
    return (unknowns + cards)[:_MOST_CARDS]


def _formula(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an equation, a condition or an ansatz with its MathML made harmless, or None for it."""
    return {
        "name": str(entry.get("name") or ""),
        "mathml": clean_mathml(entry.get("mathml")),
        "text": str(entry.get("unicode") or ""),
        "kind": str(entry.get("kind") or ""),
        "where": str(entry.get("where") or ""),
        "enforced": str(entry.get("enforced") or ""),
        "reason": str(entry.get("reason") or ""),
    }


def _declared_fields(understood: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": str(f.get("name") or ""),
            "arguments": [str(a) for a in as_list(f.get("arguments"))],
            "ansatz": _formula(f["ansatz"]) if isinstance(f.get("ansatz"), Mapping) else None,
        }
        for f in _mappings(understood.get("fields"))
    ]


def _frame(understood: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the system in particle labels, None in the frame of places."""
    frame = understood.get("frame")
    if not isinstance(frame, Mapping):
        return None
    listed = {key: [_formula(e) for e in _mappings(frame.get(key))] for key in ("formulas", "ansatz")}
    return {"title": str(frame.get("title") or "Frame"), "note": str(frame.get("note") or ""), **listed}


def _choices(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for name, choice in as_mapping(result.get("choices")).items():
        known = isinstance(choice, Mapping)
        value, reason = (choice.get("value"), choice.get("reason")) if known else (choice, None)
        rows.append((str(name).replace("_", " "), wording.plain(value), str(reason or "")))
    return rows


def _unknowns(result: Mapping[str, Any], understood: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = as_mapping(result.get("unknowns"))
    declared = {str(u.get("name")): u for u in _mappings(understood.get("unknowns"))}
    return [
        {
            "name": name,
            "found": found.get(name),
            **_only(declared.get(name, {}), "start", "low", "high"),
        }
        for name in dict.fromkeys([*declared, *map(str, found)])
    ]


def _fields(run: RunData) -> list[str]:
    names = as_list(run.result.get("fields")) or [
        f.get("name") for f in _mappings(run.understood.get("fields"))
    ]
    return [str(n) for n in names]


def _results(run: RunData) -> list[dict[str, Any]]:
    """Return for every field its range on the panels and its errors against the reference."""
    relative, most = _scores(run.result, "relative_l2"), _scores(run.result, "max_error")
    table = []
    for name in dict.fromkeys([*_fields(run), *relative, *most]):
        arrays = [np.ravel(np.asarray(p.fields[name])) for p in run.panels if name in p.fields]
        known = np.concatenate([a.astype(float) for a in arrays if a.dtype.kind in "iufb"] or [np.empty(0)])
        known = known[np.isfinite(known)]
        low, high = (float(known.min()), float(known.max())) if known.size else (None, None)
        table.append(
            {"name": name, "low": low, "high": high, "relative": relative.get(name), "most": most.get(name)}
        )
    return table


def _is_second_run(result: Mapping[str, Any]) -> bool:
    """Say whether the error was estimated by a second run."""
    return as_mapping(result.get("verified_against")).get("method") == "second run"


def _verified(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the error estimate by field beside the true error, None where nothing was verified."""
    estimates = as_mapping(result.get("error_estimate"))
    if not estimates:
        return None
    true, told = _scores(result, "relative_l2"), as_mapping(result.get("verified_against"))
    rows = [
        {
            "name": str(name),
            "value": as_mapping(found).get("value"),
            "own": as_mapping(found).get("own_error"),
            "basis": str(as_mapping(found).get("basis") or ""),
            "true": true.get(name),
        }
        for name, found in estimates.items()
    ]
    unknowns = [f"{n} = {wording.number(v, 9)}" for n, v in as_mapping(told.get("unknowns")).items()]
    notes = [str(note) for note in as_list(told.get("notes"))]
    if unknowns:
        notes.append(f"The solver found {', '.join(unknowns)}.")
    return {"rows": rows, "notes": notes, "seconds": told.get("seconds"), "again": _is_second_run(result)}


def _terms(run: RunData) -> list[dict[str, Any]]:
    """Return for every named term of the loss its points and its last values, raw and weighted."""
    points = as_mapping(run.result.get("points"))
    raw, weighted = named_columns(run.history, "raw"), named_columns(run.history, "weighted")
    return [
        {
            "name": name,
            "points": points.get(name),
            "raw": _last(raw.get(name)),
            "weighted": _last(weighted.get(name)),
        }
        for name in dict.fromkeys([*raw, *weighted, *map(str, points)])
    ]


def _machine(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    keys = (
        ("started", "Started"),
        ("hardware", "Hardware"),
        ("device", "Device"),
        ("precision", "Precision"),
    )
    return [(label, str(result[key])) for key, label in keys if result.get(key)]


def _scores(result: Mapping[str, Any], key: str) -> dict[str, float]:
    """Return the numbers of one score by field, without the nulls of fields that have no reference."""
    return {str(n): v for n, v in as_mapping(result.get(key)).items() if wording.finite(v) is not None}


def _paragraphs(text: str) -> list[tuple[bool, str]]:
    """Split a docstring at its empty lines; (True, text) is a paragraph whose lines are to be kept."""
    parts = []
    for paragraph in textwrap.dedent(text).strip("\n").split("\n\n"):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        if lines:
            kept = all(line[0] in " \t" for line in lines)
            parts.append(
                (
                    kept,
                    textwrap.dedent("\n".join(lines)) if kept else " ".join(line.strip() for line in lines),
                )
            )
    return parts


def _last(values: np.ndarray | None) -> float | None:
    known = values[np.isfinite(values)] if values is not None else np.empty(0)
    return float(known[-1]) if known.size else None


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [v for v in as_list(value) if isinstance(v, Mapping)]


def _only(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value.get(key) for key in keys}


def _all_of(key: str, *sources: Mapping[str, Any]) -> Iterable[Any]:
    return (v for source in sources for v in as_list(source.get(key)))


def _data_uri(picture: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"
