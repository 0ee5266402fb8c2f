"""The declaration as the user wrote it: a frozen value, not yet checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sympy import Tuple

from pinnsolver.declare.settings import Settings
from pinnsolver.declare.shapes import Shape
from pinnsolver.declare.symbols import shown
from pinnsolver.errors import DeclarationError


@dataclass(frozen=True, eq=False, init=False)
class Problem:
    """A differential equation with its domain, conditions and data, in sympy.

    Args:
        name: short name; the run folder is called after it.
        equations: sympy equations, `Eq(left, right)`; an expression means that it vanishes.
        domain: limits `(symbol, low, high)` of a box, or a shape; `[]` for an ODE system in time.
        time: limits `(t, start, end)`, or None for a steady problem.
        conditions: equations with pinned coordinates, `On(...)`, `Periodic(...)`, integral equations.
        observations: measurements, `Observations(...)`.
        parameters: limits `(symbol, low, high)` of a family of problems, solved at once.
        reference: known answer by field, for scoring only: sympy, `f(x, t)` on numpy arrays, or the
            path of an `.npz` file; or one such path for all fields.
        settings: this problem's own settings.

    Raises:
        DeclarationError: an argument is not of the kind that it has to be. Whether the mathematics is
            sound is for `check_problem` to say.
    """

    name: str
    equations: tuple[Any, ...]
    domain: tuple[Any, ...] | Shape
    time: tuple[Any, ...] | None
    conditions: tuple[Any, ...]
    observations: tuple[Any, ...]
    parameters: tuple[Any, ...]
    reference: Any
    settings: Settings
    about: str = field(default="")
    folder: Path | None = field(default=None)
    source: str = field(default="")
    file_name: str = field(default="")

    def __init__(
        self,
        name: str,
        equations: Any,
        domain: Any = (),
        time: Any = None,
        conditions: Any = (),
        observations: Any = (),
        parameters: Any = (),
        reference: Any = None,
        settings: Settings | Mapping[str, Any] | None = None,
    ) -> None:
        _check_name(name)
        if isinstance(settings, Mapping):
            settings = Settings.of(settings)
        if settings is not None and not isinstance(settings, Settings):
            raise DeclarationError(
                f"settings={shown(settings)} is not a Settings.\nWrite for example settings=Settings(seed=1)"
            )
        values = {
            "name": name,
            "equations": _sequence(equations, "equations", "[Eq(u(x).diff(x, 2), 1)]"),
            "domain": domain
            if isinstance(domain, Shape)
            else _limits_listed(domain, "domain", "[(x, 0, 1), (y, 0, 1)]"),
            "time": None if time is None else _sequence(time, "time", "(t, 0, 1)"),
            "conditions": _sequence(conditions, "conditions", "[Eq(u(0, t), 0)]"),
            "observations": _sequence(observations, "observations", '[Observations(u(x, t), "data.csv")]'),
            "parameters": _limits_listed(parameters, "parameters", "[(nu, 0.01, 0.1)]"),
            "reference": reference,
            "settings": settings or Settings(),
            "about": "",
            "folder": None,
            "source": "",
            "file_name": "",
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    def located(self, **where: Any) -> Problem:
        """Return the same problem with its docstring, folder, source text or copied files filled in."""
        copy = object.__new__(Problem)
        for key, value in {**self.__dict__, **where}.items():
            object.__setattr__(copy, key, value)
        return copy

    def path(self, declared: str) -> Path:
        """Return where a declared file lies: relative to the problem file."""
        return (self.folder or Path.cwd()) / Path(declared).expanduser()


def _check_name(name: Any) -> None:
    """Refuse a name that cannot be a folder's."""
    example = 'Write for example Problem("burgers", ...)'
    if not isinstance(name, str) or not name.strip():
        raise DeclarationError(f"The problem's name is {shown(name)}; it has to be a text.\n{example}")
    if len(name) > 100 or name.startswith(".") or not name.isprintable() or set(name) & set("/\\"):
        raise DeclarationError(
            f"The problem's name is {name[:120]!r}; the run folder is called after it, so it has no slash, no line break, "
            f"no dot in front, and 100 letters at most.\n{example}"
        )


def _sequence(value: Any, what: str, example: str) -> tuple[Any, ...]:
    """Return `value` as a tuple if it is a list or a tuple."""
    if not isinstance(value, list | tuple | Tuple):
        raise DeclarationError(f"{what}={shown(value)} is not a list.\nWrite for example {what}={example}")
    return tuple(value)


def _limits_listed(value: Any, what: str, example: str) -> tuple[tuple[Any, ...], ...]:
    """Return limits as a tuple of tuples; one bare triple is refused with a message."""
    limits = _sequence(value, what, example)
    if any(isinstance(item, Shape) for item in limits):
        raise DeclarationError(
            f"{what}={shown(value)} has a shape in a list.\n"
            "Write the shape itself, for example domain=Disk((x, y), (0, 0), 1); shapes join with |, & and -"
        )
    if not all(isinstance(item, list | tuple | Tuple) for item in limits):
        raise DeclarationError(
            f"{what}={shown(value)} is not a list of limits (symbol, low, high).\nWrite for example {what}={example}"
        )
    return tuple(tuple(item) for item in limits)
