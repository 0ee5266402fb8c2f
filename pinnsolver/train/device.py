"""Devices by name."""

from __future__ import annotations

import torch

from pinnsolver.errors import DeclarationError


def find_device(name: str) -> torch.device:
    """Return a device that is there.

    Raises:
        DeclarationError: it is not.
    """
    if name.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = int(name.partition(":")[2] or 0)
        if index >= count:
            there = ", ".join(["cpu", *(f"cuda:{i}" for i in range(count))])
            raise DeclarationError(
                f"The device {name} is not there; torch finds {there}.\nWrite --device cpu, or leave it out"
            )
    return torch.device(name)
