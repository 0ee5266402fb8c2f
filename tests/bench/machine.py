"""What a measurement ran on, and where its result is kept."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "outputs" / "bench"
PACKAGES = ("pinnsolver", "deepxde", "torch", "numpy")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def describe_machine() -> dict[str, Any]:
    """Return the processor, its cores, the load before the measurement (None if unknown) and the versions."""
    return {
        "processor": processor(),
        "cores": cores(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def machine_line(machine: dict[str, Any]) -> str:
    """Return the machine in one line."""
    versions = machine["versions"]
    return (
        f"{machine['processor']}, {machine['cores']} cores; torch {versions['torch']}, DeepXDE {versions['deepxde']}, "
        f"pinnsolver {versions['pinnsolver']}"
    )


def new_path(kind: str) -> Path:
    """Return where a new measurement of a kind, "engine" or "peers", is kept."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}.json"


def stamp() -> dict[str, Any]:
    """Return where and when something is measured, for its record."""
    return {"machine": describe_machine(), "date": time.strftime("%Y-%m-%d")}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1))
    part.replace(path)


def newest(kind: str, paths: Iterable[Path] | None = None) -> dict[str, Any] | None:
    """Return the newest measurement of a kind, None if there is none."""
    found = sorted(FOLDER.glob(f"{kind}-*.json") if paths is None else paths, key=lambda p: p.name)
    return json.loads(found[-1].read_text()) if found else None
