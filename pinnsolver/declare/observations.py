"""Measured values of a field at points, given as arrays or as a CSV file."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from pinnsolver.declare.symbols import shown
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
                f"Observations of {shown(quantity)}: the first argument has to be a field at its coordinates.\nWrite for example {_EXAMPLE}"
            )
        if name is not None and (not isinstance(name, str) or not name):
            raise DeclarationError(
                f'Observations({quantity}, name={shown(name)}): a name is a text.\nWrite for example name="sensor 1"'
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
            points, values = _table(self.points, self.values, columns, self.quantity)
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
        array = np.asarray(values)
        if not np.iscomplexobj(array):
            return np.array(array, dtype=float)
    except Exception:  # numpy hands on whatever an item raises when asked for its number
        pass
    raise DeclarationError(
        f"The {what} of Observations({quantity}) are not an array of real numbers: got {shown(values)}.\nWrite for example {_EXAMPLE}"
    )


def _table(
    given: np.ndarray, values: np.ndarray, columns: tuple[str, ...], quantity: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays as (n, d) points and (n,) values; one coordinate may be (n,), the values (n, 1)."""
    points = given[:, None] if given.ndim == 1 and len(columns) == 2 else given
    flat = values.reshape(-1)
    if (
        points.ndim != 2
        or points.shape[1] != len(columns) - 1
        or values.shape not in ((len(points),), (len(points), 1))
    ):
        raise DeclarationError(
            f"Observations({quantity}) got points.shape={given.shape} and values.shape={values.shape}; "
            f"they have to be (n, {len(columns) - 1}) and (n,), a column for each of {', '.join(columns[:-1])}.\n"
            f"Write for example {_EXAMPLE}"
        )
    return points, flat


def _read_csv(file: Path, columns: tuple[str, ...], quantity: Any) -> tuple[np.ndarray, np.ndarray]:
    """Read the named columns of a CSV file; other columns and blank lines are left aside."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except FileNotFoundError:
        raise DeclarationError(
            f"Observations({quantity}): there is no file {file}.\nA relative path starts at the problem file's folder"
        ) from None
    except (OSError, ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        raise DeclarationError(
            f"Observations({quantity}): {file} cannot be read: {error}.\nGive a CSV file in UTF-8"
        ) from None
    head = [cell.strip() for cell in rows[0][1]] if rows else []
    if any(head.count(c) != 1 for c in columns):
        raise DeclarationError(
            f"{file} has the columns {', '.join(head) or '(none)'}; Observations({quantity}) need each of "
            f"{', '.join(columns)} once.\nName the columns in the first row, with commas between: {','.join(columns)}"
        )
    table = np.empty((len(rows) - 1, len(columns)))
    for i, (line, row) in enumerate(rows[1:]):
        for j, name in enumerate(columns):
            place = head.index(name)
            cell = row[place].strip() if place < len(row) else ""
            try:
                table[i, j] = float(cell)
                known = np.isfinite(table[i, j])
            except ValueError:
                known = False
            if not known:
                raise DeclarationError(
                    f"{file}, line {line}: the column {name} holds {cell!r}, which is not a finite number.\n"
                    "Write a number, or leave the row out"
                )
    return table[:, :-1], table[:, -1]
