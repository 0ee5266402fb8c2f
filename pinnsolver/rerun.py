"""Runs that are gone on with, and runs that are done once more; both from the data of a run folder, of which nothing is executed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pinnsolver.declare import Settings
from pinnsolver.declare.settings import MOST_THREADS
from pinnsolver.errors import RunFolderError
from pinnsolver.pipeline import Folder, own_threads, start_clock, train_through
from pinnsolver.records import read_transformed, write_understood
from pinnsolver.runfolder import has_training, new_run_folder, read_json, unwritable
from pinnsolver.solution import Solution
from pinnsolver.train import Done, Start
from pinnsolver.transform import Choice, TransformedProblem, transform_problem
from pinnsolver.transform.transformed import ASKED


def resume(
    folder: str | Path, *, seconds: float | None = None, steps: int | None = None, quiet: bool = False
) -> Solution:
    """Go on with a run as if nothing had happened: one that was killed or interrupted, or a finished one with new bounds.

    Settings, choices and number of threads are those of the first run; the declaration is read as data.

    Args:
        folder: the run folder.
        seconds, steps: new totals, counted from the start of the run; its old bounds hold where neither is given.
        quiet: show no progress.

    Returns:
        The solution. A finished run without new totals is returned as it is.

    Raises:
        DeclarationError: a bound is wrong.
        RunFolderError: it is no run, in use, damaged, or has no training to go on with.
    """
    place = Path(folder).expanduser()
    _refuse_no_run(place)
    transformed = read_transformed(place)
    if seconds is not None or steps is not None:
        transformed = _bounded(
            transformed, {"steps": steps, "seconds": seconds}, "asked for when it was resumed"
        )
    elif is_finished(place):
        return Solution.load(place)
    if not has_training(place):
        raise RunFolderError(
            f"{place} has no training to go on with: it was cut off before its first step, or saved without.\n"
            f"Repeat it in another folder: pinnsolver solve {place} --out DIR"
        )
    run = Folder(None, place)
    with run:
        state = run.take_up()
        started = _started(place)
        try:
            write_understood(place, transformed)
        except OSError as error:
            raise unwritable(place, error) from None
        with own_threads(_number(state, "threads", place)):
            clock = start_clock(transformed.settings.device, float(_number(state, "seconds", place)))
            start = Start(state, further=seconds is not None or steps is not None)
            return train_through(transformed, run, clock, start, started, quiet)


def is_finished(place: Path) -> bool:
    """Say whether a run ended by itself or at its bounds."""
    file = place / "result.json"
    return file.is_file() and read_json(file).get("stopped") != "interrupted"


def repeat(
    folder: str | Path,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
    **values: Any,
) -> Solution:
    """Do a run once more, in a new folder: by its steps, seed, threads and device, to the same numbers.

    Args:
        folder: the run folder to repeat.
        out: the new run folder; nothing is saved without it.
        overwrite: replace a run that `out` holds.
        quiet: show no progress.
        values: settings that are to be others, by dotted key with "__" for the dot.

    Raises:
        RunFolderError: it is no run, or damaged, or `out` cannot be used.
    """
    begin = None
    if out is not None:
        name = str(read_json(Path(folder).expanduser() / "declaration.json").get("name"))
        begin = partial(new_run_folder, out, name, "", overwrite)
    return repeat_into(begin, folder, {k.replace("__", "."): v for k, v in values.items()}, quiet)


def repeat_into(
    begin: Callable[[], Path] | None, folder: str | Path, said: Mapping[str, Any], quiet: bool
) -> Solution:
    """Do a run once more; see `repeat`.

    Args:
        begin: makes the new folder.
        said: settings by dotted key that are to be others; None changes nothing.
    """
    place = Path(folder).expanduser()
    _refuse_no_run(place)
    transformed = read_transformed(place)
    result = read_json(place / "result.json") if (place / "result.json").is_file() else {}
    said = {key: value for key, value in said.items() if value is not None}
    script: tuple[Done, ...] = ()
    if said:
        settings = transformed.settings.with_values(dict(said))
        symmetry = transformed.choices.get("symmetry")
        if "symmetry" not in said and symmetry is not None and symmetry.reason != ASKED:
            settings = settings.model_copy(update={"symmetry": None})  # other methods may allow another
        if {"steps", "seconds"} & set(said):
            settings = settings.model_copy(update={k: said.get(k) for k in ("steps", "seconds")})
        transformed = _chosen_again(transformed, settings, said)
    elif result:
        transformed = _bounded(transformed, {"steps": result.get("steps"), "seconds": None}, f"as in {place}")
        script = _script(result, place)
    started = datetime.datetime.now(datetime.UTC)
    threads = said.get("threads")
    if threads is None:
        threads = _number(result, "threads", place) if "threads" in result else transformed.settings.threads
    with own_threads(threads):
        clock = start_clock(transformed.settings.device)
        return train_through(transformed, Folder(begin), clock, Start(script=script), started, quiet)


def _chosen_again(
    transformed: TransformedProblem, settings: Settings, said: Mapping[str, Any]
) -> TransformedProblem:
    """Return a problem with some other settings; the choices that nobody touched keep their reasons."""
    again = transform_problem(transformed.declared, settings)
    kept = {n: c for n, c in transformed.choices.items() if n in again.choices and n not in said}
    return replace(again, choices={**again.choices, **kept})


def _bounded(transformed: TransformedProblem, bounds: Mapping[str, Any], reason: str) -> TransformedProblem:
    """Return a problem with other bounds of its training."""
    settings = transformed.settings.with_values(dict(bounds)).model_copy(update=dict(bounds))
    choices = {n: c for n, c in transformed.choices.items() if n not in bounds}
    choices |= {n: Choice(value, reason) for n, value in bounds.items() if value is not None}
    return replace(transformed, settings=settings, choices=choices)


def _script(result: Mapping[str, Any], place: Path) -> tuple[Done, ...]:
    """Return what the legs of a finished run did; one that was interrupted ends by its steps."""
    try:
        course = [Done.of(done) for done in result["course"]]
    except (LookupError, TypeError, ValueError) as error:
        raise RunFolderError(
            f"result.json of {place} does not say what the run did: {error}.\nSolve the problem file again"
        ) from None
    return tuple(replace(d, stopped="steps") if d.stopped == "interrupted" else d for d in course)


def _refuse_no_run(place: Path) -> None:
    if not (place / "declaration.json").is_file():
        raise RunFolderError(
            f"{place} is not the folder of a run.\n"
            "Name a folder that `pinnsolver solve` wrote, for example outputs/burgers/seed0"
        )


def _number(state: Mapping[str, Any], key: str, place: Path) -> Any:
    value = state.get(key)
    wrong = not isinstance(value, int | float) or value < 0
    if wrong or (key == "threads" and not (isinstance(value, int) and 1 <= value <= MOST_THREADS)):
        raise RunFolderError(f"The record of {place} has {key} = {str(value)[:20]}.\nSolve the problem again")
    return value


def _started(place: Path) -> datetime.datetime:
    """Return when the run began, as far as that is known."""
    try:
        return datetime.datetime.fromisoformat(str(read_json(place / "result.json")["started"]))
    except (RunFolderError, KeyError, ValueError):
        moment = (place / "declaration.json").stat().st_mtime
        return datetime.datetime.fromtimestamp(moment, datetime.UTC)
