"""A run's declaration on disk: written before training, read back without executing anything."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import CheckedProblem, Problem
from pinnsolver.declare.codec import decode_problem, encode_problem
from pinnsolver.runfolder import read_arrays, read_json, unwritable, write_arrays, write_json, write_text
from pinnsolver.scoring import Scored
from pinnsolver.transform import describe


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
        write_json(place / "settings.json", compiled.transformed.settings.model_dump())
        write_json(place / "understood.json", describe(compiled.transformed))
    except OSError as error:
        raise unwritable(place, error) from None


def read_declaration(place: Path) -> Problem:
    """Return the declaration that a run folder keeps as data; nothing of the folder is executed."""
    source, reference = place / "problem.py", place / "reference.npz"
    return decode_problem(
        read_json(place / "declaration.json"),
        read_arrays(reference) if reference.exists() else {},
        source.read_text(encoding="utf-8") if source.is_file() else "",
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
