"""Checkpoints: the weights of a solution, and the whole state of a training, each one file that is written whole or not at all.

A state is a tree of mappings, lists, numbers, texts, tensors and arrays. Its tensors and arrays become those of a safetensors
file, all the rest the JSON text in that file's header: nothing is pickled, and what is written belongs together because it
is one file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pinnsolver.errors import RunFolderError
from pinnsolver.runfolder import TRAINING, WEIGHTS, own_file, write_whole

FORMAT = 1  # of the state of a training


def write_checkpoint(folder: Path, state: dict[str, torch.Tensor], progress: dict[str, Any]) -> None:
    """Write the weights of a solution.

    Args:
        folder: the run folder.
        state: a module's `state_dict`.
        progress: plain numbers and texts: step, seconds, phase, ...
    """
    _write(folder / WEIGHTS, {name: _array(value) for name, value in state.items()}, "progress", progress)


def read_checkpoint(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the weights of a solution, and progress.

    Raises:
        RunFolderError: there are none, or they are damaged.
    """
    return _read(folder, WEIGHTS, "progress")


def write_training(folder: Path, state: Mapping[str, Any], mark: str) -> None:
    """Write the state of a training.

    Args:
        folder: the run folder.
        state: a tree, as the module's docstring says.
        mark: tells the runs of other declarations and settings from this one.

    Raises:
        OSError: it cannot be written; the last one is still there.
    """
    arrays: dict[str, np.ndarray] = {}
    text = _encode(state, "", arrays)
    _write(folder / TRAINING, arrays, "state", {"format": FORMAT, "mark": mark, "tree": text})


def read_training(folder: Path, mark: str) -> dict[str, Any]:
    """Return the state of a training.

    Raises:
        RunFolderError: there is none, it is damaged, or it belongs to another run or another version.
    """
    tensors, head = _read(folder, TRAINING, "state")
    if head.get("format") != FORMAT:
        raise RunFolderError(
            f"{folder / TRAINING} has the format {head.get('format')!r}, this version reads {FORMAT}.\n"
            "Go on with the version that began the run, or solve the problem again"
        )
    if head.get("mark") != mark:
        raise RunFolderError(
            f"{folder / TRAINING} belongs to another run: its declaration or settings are not those of {folder}.\n"
            "Put back what was changed or copied, or solve the problem again"
        )
    try:
        tree = _decode(head["tree"], tensors)
        if not isinstance(tree, dict):
            raise ValueError(f"it holds a {type(tree).__name__}")
        return tree
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(folder / TRAINING, error) from None


def _write(path: Path, arrays: dict[str, np.ndarray], key: str, head: Any) -> None:
    from safetensors.numpy import save

    blob = save(arrays, metadata={key: json.dumps(head)})
    write_whole(path, lambda stream: stream.write(blob))


def _read(folder: Path, name: str, key: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return tensors and head of a file; tensors lie where torch's own do, which rounding may depend on."""
    from safetensors import SafetensorError, safe_open

    path = own_file(folder / name)
    if not path.is_file():
        raise RunFolderError(f"{folder} has no checkpoint ({name}).\nSolve the problem again")
    try:
        with safe_open(path, framework="pt") as archive:
            head = json.loads((archive.metadata() or {}).get(key, "{}"))
            if not isinstance(head, dict):
                raise ValueError(f"its head is a {type(head).__name__}")
            return {n: archive.get_tensor(n).clone() for n in archive.keys()}, head  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> RunFolderError:
    return RunFolderError(f"{path} is damaged: {type(error).__name__}: {error}.\nSolve the problem again")


def _array(value: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(value.detach().cpu().numpy()).reshape(tuple(value.shape))


# What JSON cannot say, as a mapping with one key that no name of ours begins with.
_TENSOR, _ARRAY, _NUMBER, _ITEMS = "$tensor", "$array", "$number", "$items"


def _encode(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return a tree as JSON data, its tensors and arrays put into `arrays`."""
    if isinstance(value, torch.Tensor):
        return {_TENSOR: _stored(_array(value), path, arrays)}
    if isinstance(value, np.ndarray):
        return {_ARRAY: _stored(np.ascontiguousarray(value), path, arrays)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _encode(v, f"{path}/{key}", arrays) for key, v in value.items()}
        return {_ITEMS: [[key, _encode(v, f"{path}/{key}", arrays)] for key, v in value.items()]}
    if isinstance(value, list | tuple):
        return [_encode(v, f"{path}/{k}", arrays) for k, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{path} is a {type(value).__name__}, which a checkpoint does not hold")


def _stored(array: np.ndarray, path: str, arrays: dict[str, np.ndarray]) -> str:
    name = path.strip("/")
    while name in arrays:  # a name of the user's may have a slash
        name += "'"
    arrays[name] = array
    return name


def _decode(data: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Return the tree that `_encode` encoded."""
    if isinstance(data, list):
        return [_decode(v, tensors) for v in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((key, value),) = data.items()
        if key == _TENSOR:
            return tensors[value]
        if key == _ARRAY:
            return tensors[value].numpy()
        if key == _NUMBER:
            return float(value)
        if key == _ITEMS:
            return {k: _decode(v, tensors) for k, v in value}
    return {key: _decode(v, tensors) for key, v in data.items()}
