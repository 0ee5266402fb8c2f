"""The one place that imports DeepXDE: quietly, on torch, leaving torch's defaults as they were.

By itself DeepXDE 1.15 prints on import, moves torch's default device to the accelerator, reads a backend from
the user's home (writing one there where it finds none) and rounds what it samples to float32.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import ModuleType

from pinnsolver.errors import UnsupportedProblem

_BACKEND = "pytorch"


def import_deepxde() -> ModuleType:
    """Return the module `deepxde`, on its torch backend.

    Nothing is printed, no warning escapes, and torch's default device and dtype, the environment and the
    home folder stay as they are. Where DeepXDE is already imported, that module is returned as it is.

    Raises:
        UnsupportedProblem: it is already imported on another backend.
    """
    if "deepxde" not in sys.modules:
        _import_quietly()
    module = sys.modules["deepxde"]
    backend = module.backend.backend_name
    if backend != _BACKEND:
        raise UnsupportedProblem(
            f"DeepXDE is already imported in this process with the backend {backend}; "
            f"pinnsolver trains on {_BACKEND}, and a process has one backend.\n"
            f"Set DDE_BACKEND={_BACKEND} before `import deepxde`, or import pinnsolver's solve first"
        )
    return module


@contextmanager
def double_precision() -> Iterator[None]:
    """Within it DeepXDE's samplers and geometries compute in float64.

    Its default, float32, rounds points to 1e-7; `dde.config.set_default_float` would print,
    and change torch's default dtype as well.
    """
    real = import_deepxde().config.real
    before = real.precision, real.reals
    real.set_float64()
    try:
        yield
    finally:
        real.precision, real.reals = before


def _import_quietly() -> None:
    """Import DeepXDE and put back what its import changes."""
    import torch  # only for its two defaults, which have to be read before DeepXDE changes them

    device, dtype = torch.get_default_device(), torch.get_default_dtype()
    # A set DDE_BACKEND keeps DeepXDE out of the home; under OMPI_COMM_WORLD_SIZE it wants Horovod and raises.
    with (
        _environment(DDE_BACKEND=_BACKEND, OMPI_COMM_WORLD_SIZE=None),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            import deepxde  # noqa: F401
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_default_device() != device:
                # None stands for the CPU and, unlike "cpu", costs later calls of torch nothing.
                torch.set_default_device(None if device.type == "cpu" else device)


@contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """Set environment variables (None removes one) and put the old values back."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _set_environment(values)
        yield
    finally:
        _set_environment(before)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
