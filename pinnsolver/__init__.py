"""pinnsolver: write a differential equation in sympy, get a trained, checked and plotted solution.

Names load on first use, so that importing the package, and `pinnsolver --help`, costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinnsolver.comparison import Comparison as Comparison
    from pinnsolver.comparison import compare as compare
    from pinnsolver.declare import Ball as Ball
    from pinnsolver.declare import Cuboid as Cuboid
    from pinnsolver.declare import Disk as Disk
    from pinnsolver.declare import Ellipse as Ellipse
    from pinnsolver.declare import Interval as Interval
    from pinnsolver.declare import NormalDerivative as NormalDerivative
    from pinnsolver.declare import Observations as Observations
    from pinnsolver.declare import On as On
    from pinnsolver.declare import Periodic as Periodic
    from pinnsolver.declare import Polygon as Polygon
    from pinnsolver.declare import Problem as Problem
    from pinnsolver.declare import Rectangle as Rectangle
    from pinnsolver.declare import Settings as Settings
    from pinnsolver.declare import Unknown as Unknown
    from pinnsolver.declare import load_problem as load_problem
    from pinnsolver.errors import CompileError as CompileError
    from pinnsolver.errors import DeclarationError as DeclarationError
    from pinnsolver.errors import PinnsolverError as PinnsolverError
    from pinnsolver.errors import RunFolderError as RunFolderError
    from pinnsolver.errors import TrainingDiverged as TrainingDiverged
    from pinnsolver.errors import UnsupportedProblem as UnsupportedProblem
    from pinnsolver.pipeline import solve as solve
    from pinnsolver.rerun import repeat as repeat
    from pinnsolver.rerun import resume as resume
    from pinnsolver.solution import Solution as Solution

__version__ = "0.1.0"

_HOMES = {
    "pinnsolver.comparison": "Comparison compare",
    "pinnsolver.declare": (
        "Ball Cuboid Disk Ellipse Interval NormalDerivative Observations On Periodic Polygon Problem "
        "Rectangle Settings Unknown load_problem"
    ),
    "pinnsolver.errors": (
        "CompileError DeclarationError PinnsolverError RunFolderError TrainingDiverged UnsupportedProblem"
    ),
    "pinnsolver.pipeline": "solve",
    "pinnsolver.rerun": "repeat resume",
    "pinnsolver.solution": "Solution",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Ball",
    "Comparison",
    "CompileError",
    "Cuboid",
    "DeclarationError",
    "Disk",
    "Ellipse",
    "Interval",
    "NormalDerivative",
    "Observations",
    "On",
    "Periodic",
    "PinnsolverError",
    "Polygon",
    "Problem",
    "Rectangle",
    "RunFolderError",
    "Settings",
    "Solution",
    "TrainingDiverged",
    "Unknown",
    "UnsupportedProblem",
    "compare",
    "load_problem",
    "repeat",
    "resume",
    "solve",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pinnsolver' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
