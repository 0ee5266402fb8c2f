"""Measured values of a field at points, given as arrays or as a CSV file."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from pinnsolver.errors import DeclarationError

_EXAMPLE = (
    "Observations(u(x, t), points, values) with points of shape (n, 2) and values of shape (n,), "
    'or Observations(u(x, t), "file.csv")'
)


@dataclass(frozen=True, eq=False, init=False)
class Observations:
    """Measurements of a field, or of an expression of fields.

    Args:
        quantity: what was measured, for example `u(x, t)`.
        points: (n, d) coordinates, the columns in the order of the quantity's coordinates; or the path
            of a CSV file with a column for each coordinate and one for the field, by name. A relative
            path starts at the problem file.
        values: (n,) measured values; left out with a file.
        name: what the loss term is called; the quantity itself where it is left out.

    Raises:
        DeclarationError: shapes that do not fit; what is in a file is checked when it is opened.
    """

    quantity: sympy.Expr
    points: np.ndarray | None
    values: np.ndarray | None
    path: str | None
    name: str | None = field(default=None)

    def __init__(self, quantity: Any, points: Any, values: Any = None, *, name: str | None = None) -> None:
        if not isinstance(quantity, sympy.Expr):
            raise DeclarationError(
                f"Observations of {quantity!r}: the first argument has to be a field at its coordinates.\nWrite for example {_EXAMPLE}"
            )
        path = str(points) if isinstance(points, str | Path) else None
        if (path is None) == (values is None):
            raise DeclarationError(
                f"Observations({quantity}, ...) need points and values, or one path of a CSV file.\nWrite for example {_EXAMPLE}"
            )
        object.__setattr__(self, "quantity", quantity)
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "points", None if path else _numbers(points, quantity, "points"))
        object.__setattr__(self, "values", None if path else _numbers(values, quantity, "values"))

    def load(self, columns: tuple[str, ...], file: Path | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the (n, d) points and (n,) values, checked.

        Args:
            columns: names of the coordinates and, last, of the value's column.
            file: the CSV file, for observations that were given by a path.

        Raises:
            DeclarationError: no rows, missing columns, NaN or text where a number is due.
        """
        if file is not None:
            points, values = _read_csv(file, columns, self.quantity)
        else:
            assert self.points is not None and self.values is not None
            points, values = self.points, self.values.reshape(-1)
            if points.ndim == 1 and len(columns) == 2:
                points = points[:, None]  # one coordinate: (n,) -> (n, 1)
            if points.ndim != 2 or points.shape[1] != len(columns) - 1 or len(points) != len(values):
                raise DeclarationError(
                    f"Observations({self.quantity}) got points.shape={self.points.shape} and values.shape={self.values.shape}; "
                    f"they have to be (n, {len(columns) - 1}) and (n,), a column for each of {', '.join(columns[:-1])}.\n"
                    f"Write for example {_EXAMPLE}"
                )
        if len(values) == 0:
            raise DeclarationError(
                f"Observations({self.quantity}) have no rows.\nGive one measured point at the least"
            )
        bad = ~(np.isfinite(points).all(axis=1) & np.isfinite(values))
        if bad.any():
            raise DeclarationError(
                f"Observations({self.quantity}) have {int(bad.sum())} rows with NaN or infinity, the first is row "
                f"{int(np.argmax(bad)) + 1}.\nLeave such rows out"
            )
        return points, values


def _numbers(values: Any, quantity: Any, what: str) -> np.ndarray:
    """Return an array of floats."""
    try:
        return np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise DeclarationError(
            f"The {what} of Observations({quantity}) are not an array of numbers.\nWrite for example {_EXAMPLE}"
        ) from None


def _read_csv(file: Path, columns: tuple[str, ...], quantity: Any) -> tuple[np.ndarray, np.ndarray]:
    """Read the named columns of a CSV file."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except FileNotFoundError:
        raise DeclarationError(
            f"Observations({quantity}): there is no file {file}.\nA relative path starts at the problem file's folder"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DeclarationError(
            f"Observations({quantity}): {file} cannot be read: {error}.\nGive a CSV file in UTF-8"
        ) from None
    head = [cell.strip() for cell in rows[0]] if rows else []
    missing = [c for c in columns if c not in head]
    if missing or len(set(head)) != len(head):
        raise DeclarationError(
            f"{file} has the columns {', '.join(head) or '(none)'}; Observations({quantity}) need each of "
            f"{', '.join(columns)} once.\nName the columns in the first row: {','.join(columns)}"
        )
    table = np.empty((len(rows) - 1, len(columns)))
    for i, row in enumerate(rows[1:]):
        for j, name in enumerate(columns):
            try:
                table[i, j] = float(row[head.index(name)])
            except (ValueError, IndexError):
                got = row[head.index(name)] if head.index(name) < len(row) else ""
                raise DeclarationError(
                    f"{file}, row {i + 2}: the column {name} holds {got!r}, which is not a number.\n"
                    "Write a number, or leave the row out"
                ) from None
    return table[:, :-1], table[:, -1]
