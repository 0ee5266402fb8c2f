"""A checkpoint: weights and where training stood, in one file that is written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from pinnsolver.errors import RunFolderError
from pinnsolver.runfolder import write_whole

WEIGHTS = "checkpoint/weights.safetensors"


def write_checkpoint(folder: Path, state: dict[str, torch.Tensor], progress: dict[str, Any]) -> None:
    """Write weights and progress.

    Args:
        folder: the run folder.
        state: a module's `state_dict`.
        progress: plain numbers and texts: step, seconds, phase, ...
    """
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    blob = save(tensors, metadata={"progress": json.dumps(progress)})
    write_whole(folder / WEIGHTS, lambda stream: stream.write(blob))


def read_checkpoint(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return weights and progress.

    Raises:
        RunFolderError: there is none, or it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    if not path.is_file():
        raise RunFolderError(f"{folder} has no checkpoint ({WEIGHTS}).\nSolve the problem again")
    try:
        with safe_open(path, framework="pt") as archive:
            progress = json.loads((archive.metadata() or {}).get("progress", "{}"))
            return {name: archive.get_tensor(name) for name in archive.keys()}, progress  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise RunFolderError(f"{path} is damaged: {error}.\nSolve the problem again") from None
