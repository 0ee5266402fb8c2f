"""A run's declaration on disk: written before training, read back without executing anything."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import CheckedProblem, Problem, Settings, check_problem
from pinnsolver.declare.codec import decode_problem, encode_problem
from pinnsolver.errors import DeclarationError, RunFolderError, UnsupportedProblem
from pinnsolver.runfolder import (
    read_arrays,
    read_json,
    read_source,
    unwritable,
    write_arrays,
    write_json,
    write_text,
)
from pinnsolver.scoring import Scored
from pinnsolver.transform import Choice, TransformedProblem, describe, transform_problem


def write_declaration(place: Path, compiled: CompiledProblem, scored: Mapping[str, Scored]) -> None:
    """Write what is known before training: the declaration, its data files, the settings, what was understood.

    Args:
        scored: where the answers are known; kept as a table where there is no formula.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    checked = compiled.transformed.declared
    problem = checked.problem
    tables = {
        name: _table(checked, name, known)
        for name, known in scored.items()
        if checked.references[name].formula is None
    }
    encoded, arrays = encode_problem(checked, tables)
    try:
        write_text(place / "problem.py", problem.source or _NO_SOURCE)
        for declared in [m.path for m in checked.observations if m.path]:
            # A copy beside problem.py keeps that file runnable; the run itself reads declaration.json.
            if not Path(declared).is_absolute() and ".." not in Path(declared).parts:
                (place / declared).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(problem.path(declared), place / declared)
        if arrays:
            write_arrays(place / "reference.npz", arrays)
        write_json(place / "declaration.json", encoded)
        write_understood(place, compiled.transformed)
    except OSError as error:
        raise unwritable(place, error) from None


def write_understood(place: Path, transformed: TransformedProblem) -> None:
    """Write the settings without gaps, and what was understood and chosen."""
    told = {**describe(transformed), "choices": plain_choices(transformed)}
    write_json(place / "understood.json", told)
    write_json(place / "settings.json", transformed.settings.model_dump())


def plain_choices(transformed: TransformedProblem) -> dict[str, Any]:
    """Return every choice with its reason, as `result.json` has them."""
    return {name: {"value": c.value, "reason": c.reason} for name, c in transformed.choices.items()}


def run_mark(place: Path) -> str:
    """Return what tells a run's checkpoint from those of others: its declaration and settings, but for its bounds.

    Raises:
        RunFolderError: they cannot be read.
    """
    settings = read_json(place / "settings.json")
    off = ("units", False)  # as in runs from before there were any, whose checkpoints know nothing of them
    chosen = {
        key: value
        for key, value in settings.items()
        if key not in ("steps", "seconds") and (key, value) != off
    }
    text = json.dumps([read_json(place / "declaration.json"), chosen], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def transform_as_recorded(place: Path) -> tuple[TransformedProblem, Settings]:
    """Return a run's declaration, transformed by the settings that the run had, and these.

    Raises:
        RunFolderError: a file is missing or damaged.
    """
    # Runs from before symmetries and units were looked for have none.
    recorded = {"symmetry": False, "units": False, **read_json(place / "settings.json")}
    try:
        settings = Settings(**recorded)
        return transform_problem(check_problem(read_declaration(place)), settings), settings
    except (TypeError, DeclarationError, UnsupportedProblem) as error:
        raise RunFolderError(
            f"The declaration or the settings of {place} are not those of a run: {error}"
        ) from None


class _Numbers(BaseModel):
    """What a result has to hold so that it can be printed and built on; the rest may be anything."""

    stopped: str
    seconds: float
    steps: int
    relative_l2: dict[str, float | None]
    max_error: dict[str, float | None]
    residual_rms: dict[str, float]
    conditions_rms: dict[str, float]
    unknowns: dict[str, float]
    warnings: list[str] = []
    tolerance: dict[str, float | None] = {}


def read_result(place: Path) -> dict[str, Any]:
    """Return a run's `result.json`.

    Raises:
        RunFolderError: it is missing, or its numbers are none.
    """
    result = read_json(place / "result.json")
    try:
        _Numbers.model_validate(result)
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise RunFolderError(
            f"result.json of {place} is not that of a run ({told}).\nSolve the problem again"
        ) from None
    return result


def read_transformed(place: Path) -> TransformedProblem:
    """Return a run's problem as it was transformed: the settings and choices are those of the run.

    Raises:
        RunFolderError: a file is missing or damaged, or another version chose otherwise.
    """
    transformed, recorded = transform_as_recorded(place)
    told = read_json(place / "understood.json")
    refuse_another_ansatz(place, transformed, told)
    choices = told.get("choices")
    if not isinstance(choices, dict) or transformed.settings != recorded:
        raise RunFolderError(
            f"{place} was made by another version, which chose its settings otherwise.\nSolve the problem again"
        )
    try:
        kept = {name: Choice(c["value"], str(c["reason"])) for name, c in choices.items()}
    except (LookupError, TypeError) as error:
        raise RunFolderError(
            f"understood.json of {place} is damaged: {error}.\nSolve the problem again"
        ) from None
    return replace(transformed, choices={**transformed.choices, **kept})


def refuse_another_ansatz(place: Path, transformed: TransformedProblem, told: Mapping[str, Any]) -> None:
    """Raise where the version that saved a run met a condition in another way: its weights mean another field.

    Args:
        told: the content of `understood.json`.
    """
    recorded = told.get("conditions")
    enforced = [
        (c.get("name"), c.get("enforced"))
        for c in (recorded if isinstance(recorded, list) else [])
        if isinstance(c, dict)
    ]
    names = [c.name for c in transformed.declared.conditions]
    trained = dict(zip(names, transformed.counterparts, strict=True))
    for name, how in enforced:
        now = transformed.enforcement.get(trained.get(name, "")) if isinstance(name, str) else None
        if now is not None and how is not None and now.how != how:
            raise RunFolderError(
                f"{place} was made by another version, for which the condition {name} was {how}; now it is {now.how}.\n"
                "Solve the problem again"
            )


def read_declaration(place: Path) -> Problem:
    """Return the declaration that a run folder keeps as data; nothing of the folder is executed."""
    reference = place / "reference.npz"
    return decode_problem(
        read_json(place / "declaration.json"),
        read_arrays(reference) if reference.exists() else {},
        read_source(place),
        place,
    )


def _table(checked: CheckedProblem, name: str, known: Scored) -> dict[str, np.ndarray]:
    """Return where a field's answer is known as arrays by coordinate, values under ""."""
    function = next(f for f in checked.fields if f.name == name)
    columns = {checked.coordinates[i].name: known.points[:, i] for i in checked.inputs(function)}
    return {**columns, "": known.values}


_NO_SOURCE = (
    '"""This problem was built in a session, not in a file; `declaration.json` holds it as data."""\n'
)
