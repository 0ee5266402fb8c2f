"""What a run leaves on disk, as data: written whole or not at all, read without executing anything.

A run folder is described in section 3 of the design. Besides the files listed there a run keeps
`understood.json` (what was understood of the declaration, as text and MathML), `declaration.json`
(the declaration as data, see `declare/codec.py`) and `panels.npz` (lines and planes for the pictures).
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pinnsolver.errors import RunFolderError
from pinnsolver.hold import refuse_held

_INNER = ("checkpoint", "figures")  # folders inside a run folder


@dataclass(frozen=True)
class Panel:
    """The solution on a line or a plane through the domain: the data behind one row of pictures.

    Args:
        axes: names of the one or two coordinates that run; time, where it runs, is first.
        fixed: value of every other coordinate, by name (empty where all run).
        coordinates: (n,) values by running coordinate.
        fields: by field name, (n,) for a line and (n0, n1) for a plane, indexed like `axes`;
            NaN off a shaped domain. Dimensionless.
        reference: the same by field name, only for the fields whose solution is known.
        residual: the same by equation name: left side minus right side.
    """

    axes: tuple[str, ...]
    fixed: Mapping[str, float]
    coordinates: Mapping[str, np.ndarray]
    fields: Mapping[str, np.ndarray]
    reference: Mapping[str, np.ndarray] = field(default_factory=dict)
    residual: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class RunData:
    """All that the report needs of one run; plain data, no declaration and no network.

    Args:
        folder: where the run lives, or None for a solution that was never saved.
        result: the content of `result.json`.
        settings: the content of `settings.json`.
        understood: the content of `understood.json`.
        history: column name -> (n,) array of `history.csv`; `phase` is an array of str.
        panels: lines and planes for the pictures.
        source: text of `problem.py`, or "" when the problem was built in a session.
    """

    folder: Path | None
    result: Mapping[str, Any]
    settings: Mapping[str, Any]
    understood: Mapping[str, Any]
    history: Mapping[str, np.ndarray]
    panels: tuple[Panel, ...]
    source: str = ""


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises:
        RunFolderError: its folder is one of a run's own, but a link to elsewhere.
    """
    if path.parent.name in _INNER and path.parent.is_symlink():
        raise RunFolderError(
            f"{path.parent} is a link to another place; nothing is written through it.\nRemove the link"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_whole(path, lambda stream: stream.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; NaN and infinity become null, which JSON can say."""
    write_text(path, json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as a compressed `.npz`, without pickle; equal arrays give equal bytes.

    numpy's own `savez` cannot take an array called "file", and a field may be called so.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its date is fixed: 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)
    write_whole(path, lambda stream: stream.write(buffer.getvalue()))


def write_history(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns of equal length as CSV; a NaN (not known at that step) is an empty cell."""
    HistoryFile(path).write(columns)


class HistoryFile:
    """A history that grows: written anew, whole, each time; its old rows are put into words only once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = 0
        self._text = io.StringIO()

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        """Write columns of equal length whose first rows are those of the last time."""
        writer = csv.writer(self._text, lineterminator="\n")
        if not self._text.tell():
            writer.writerow(columns)
        new = [c[self._rows :] for c in columns.values()]
        for row in zip(*new, strict=True):
            writer.writerow(["" if isinstance(v, float) and np.isnan(v) else v for v in map(_plain, row)])
            self._rows += 1
        write_text(self.path, self._text.getvalue())


def own_file(path: Path) -> Path:
    """Return the path of a run folder's file, which is a file and lies in that folder, if it is there at all.

    Raises:
        RunFolderError: it is a device or a pipe, which may never end, or a link to what is not the run's.
    """
    root = path.parent.parent if path.parent.name in _INNER else path.parent
    try:
        real = path.resolve()
        foreign = path.exists() and not (path.is_file() and real.is_relative_to(root.resolve()))
    except (OSError, RuntimeError, ValueError):  # links in a circle
        foreign = True
    if foreign:
        raise RunFolderError(
            f"{path} is not a file of the run folder, but a link out of it, a folder or a device.\nSolve the problem again"
        )
    return path


def read_source(folder: Path) -> str:
    """Return the text of a run's `problem.py`, for showing only; "" where there is none."""
    file = own_file(folder / "problem.py")
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError as error:
        raise RunFolderError(f"{file} cannot be read: {error}\nSolve the problem again.") from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run folder, an object.

    Raises:
        RunFolderError: the file is missing or holds something else.
    """
    try:
        value = json.loads(own_file(path).read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"it holds a {type(value).__name__}, not an object")
        return value
    except FileNotFoundError:
        raise _unfinished(path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} cannot be read as JSON: {error}\nSolve the problem again.") from None


def _unfinished(path: Path) -> RunFolderError:
    """Return the error of a folder without one of a run's files."""
    if path.name == "result.json" and (path.parent / "declaration.json").is_file():
        again = f"solve the problem again, with --out {path.parent} --overwrite"
        go_on = f"Go on with: pinnsolver resume {path.parent}; or {again}"
        return RunFolderError(
            f"{path.parent} holds a run that was cut off: it has no {path.name}.\n"
            + (go_on if has_training(path.parent) else again.capitalize())
        )
    return RunFolderError(
        f"{path.parent} has no {path.name}: it is not a finished run of pinnsolver.\n"
        "Name a folder that `pinnsolver solve` wrote, for example outputs/burgers/seed0"
    )


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read an `.npz` without unpickling anything.

    Raises:
        RunFolderError: the file is missing, truncated, or holds objects.
    """
    own = own_file(path)
    try:
        with own.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent} has no {path.name}.\nSolve the problem again.") from None
    except Exception as error:  # numpy raises five kinds for a damaged archive
        raise RunFolderError(f"{path} cannot be read: {error}\nSolve the problem again.") from None


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Read `history.csv`: every column as float except `phase`; an empty cell is NaN.

    Raises:
        RunFolderError: the file is missing or not such a table.
    """
    try:
        with own_file(path).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        head, body = rows[0], rows[1:]
        return {
            name: np.array([row[i] for row in body])
            if name == "phase"
            else np.array([float(row[i]) if row[i] else np.nan for row in body])
            for i, name in enumerate(head)
        }
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent} has no {path.name}.\nSolve the problem again.") from None
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise RunFolderError(f"{path} is not a table of numbers: {error}\nSolve the problem again.") from None


def write_panels(path: Path, panels: tuple[Panel, ...]) -> None:
    """Write panels as one `.npz`: array `k/group/name` for panel k, plus `meta`, a JSON text."""
    arrays: dict[str, np.ndarray] = {}
    meta = []
    for k, panel in enumerate(panels):
        meta.append({"axes": list(panel.axes), "fixed": dict(panel.fixed)})
        for group in ("coordinates", "fields", "reference", "residual"):
            for name, values in getattr(panel, group).items():
                arrays[f"{k}/{group}/{name}"] = np.asarray(values)
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    write_arrays(path, arrays)


def read_panels(path: Path) -> tuple[Panel, ...]:
    """Read what `write_panels` wrote.

    Raises:
        RunFolderError: the file is missing, truncated, or holds something else.
    """
    arrays = read_arrays(path)
    try:
        meta = json.loads(arrays.pop("meta").tobytes().decode())
        groups: list[dict[str, dict[str, np.ndarray]]] = [
            {"coordinates": {}, "fields": {}, "reference": {}, "residual": {}} for _ in meta
        ]
        for key, values in arrays.items():
            k, group, name = key.split("/", 2)
            groups[int(k)][group][name] = values
        return tuple(
            Panel(axes=tuple(m["axes"]), fixed=m["fixed"], **g) for m, g in zip(meta, groups, strict=True)
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RunFolderError(
            f"{path} holds no panels ({type(error).__name__}: {error}).\nSolve the problem again."
        ) from None


def read_run(folder: Path) -> RunData:
    """Read everything that the report needs; executes nothing of the folder.

    Raises:
        RunFolderError: `folder` is not a run folder, or a file of it is damaged.
    """
    if not folder.is_dir():
        raise RunFolderError(
            f"{folder} is not a folder.\nName a folder that `pinnsolver solve` wrote, for example outputs/burgers/seed0"
        )
    return RunData(
        folder=folder,
        result=read_json(folder / "result.json"),
        settings=read_json(folder / "settings.json"),
        understood=read_json(folder / "understood.json"),
        history=read_history(folder / "history.csv"),
        panels=read_panels(folder / "panels.npz"),
        source=read_source(folder),
    )


def _plain(value: Any) -> Any:
    """Return a numpy scalar as the Python number or str it is."""
    return value.item() if isinstance(value, np.generic) else value


def _finite(value: Any) -> Any:
    """Return `value` with every NaN and infinity replaced by None and every numpy scalar made plain."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    value = _plain(value)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


RUN_FILES = (
    "problem.py",
    "settings.json",
    "declaration.json",
    "understood.json",
    "reference.npz",
    "result.json",
    "history.csv",
    "solution.npz",
    "panels.npz",
    "report.html",
    "checkpoint",
    "figures",
)


WEIGHTS = "checkpoint/weights.safetensors"  # of the solution, beside result.json
TRAINING = "checkpoint/training.safetensors"  # where the training stands, also while it runs


def has_training(folder: Path) -> bool:
    """Say whether a run folder holds the state of a training."""
    return (folder / TRAINING).is_file()


def new_run_folder(folder: str | Path | None, problem: str, run: str, overwrite: bool) -> Path:
    """Make the folder of a new run and return it.

    Args:
        folder: the user's choice; None for a new one under `outputs/<problem>/`.
        problem, run: names for a chosen folder.
        overwrite: clear a run that is there of its own files; others stay.

    Raises:
        RunFolderError: it holds a run already, or cannot be made or written.
    """
    try:
        if folder is None:
            return _unused(Path("outputs") / _slug(problem), _slug(run))
        place = Path(folder).expanduser()
        if place.exists() and not place.is_dir():
            raise RunFolderError(f"{place} is a file.\nName a folder with --out, for example outputs/mine")
        held = [name for name in RUN_FILES if (place / name).exists()]
        if any(name in held for name in ("result.json", "settings.json", "checkpoint")) and not overwrite:
            raise RunFolderError(
                f"{place} already holds a run.\nName another folder, or write --overwrite (overwrite=True) to replace it"
            )
        place.mkdir(parents=True, exist_ok=True)
        handle, probe = tempfile.mkstemp(dir=place, prefix=".probe")
        os.close(handle)
        Path(probe).unlink()
        if overwrite:
            refuse_held(place)
            for name in held:
                target = place / name
                shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
        return place
    except OSError as error:
        raise unwritable(Path(folder or "outputs"), error) from None


def clear_leftovers(place: Path) -> None:
    """Remove the halves of files that a killed run was about to write; call it while the folder is held."""
    for path in (place / name for name in (*RUN_FILES, WEIGHTS, TRAINING)):
        if path.parent.is_symlink():
            continue
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)


def unwritable(place: Path, error: OSError) -> RunFolderError:
    """Return the error of a folder or file that cannot be written."""
    return RunFolderError(
        f"{place} cannot be written: {error.strerror or error}.\nName another place with --out"
    )


def _unused(parent: Path, run: str) -> Path:
    """Make the first of run, run-2, run-3, ... that is not there; two runs at once get two."""
    parent.mkdir(parents=True, exist_ok=True)
    for name in itertools.chain([run], (f"{run}-{k}" for k in itertools.count(2))):
        try:
            (parent / name).mkdir()
        except FileExistsError:
            continue
        return parent / name
    raise AssertionError("unreachable")


def _slug(name: str) -> str:
    """Return a name that is safe as a folder's."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "problem"
