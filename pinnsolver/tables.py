"""A solution at the rows of a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from pinnsolver.errors import DeclarationError
from pinnsolver.solution import Solution


def evaluate_rows(solution: Solution, file: Path) -> tuple[str, int, int]:
    """Return the CSV text of coordinates and fields at a file's points, its rows, and how many lie off the domain.

    Rows keep their order and number; numbers have 17 digits, which a float64 survives.

    Raises:
        DeclarationError: the file is missing, lacks a coordinate, or holds text where a number is due.
    """
    coordinates = solution.checked.coordinates
    used = {i for f in solution.checked.fields for i in solution.checked.inputs(f)}
    names = [c.name for i, c in enumerate(coordinates) if i in used]
    table = _read(file, names)
    values = solution(**{n: table[:, k] for k, n in enumerate(names)})
    fields = [f.name for f in solution.checked.fields]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*names, *fields])
    columns = np.column_stack([table, *(values[f] for f in fields)]) if len(table) else table
    writer.writerows([f"{v:.17g}" for v in row] for row in columns)
    outside = int(np.isnan(values[fields[0]]).sum()) if len(table) else 0
    return stream.getvalue(), len(table), outside


def _read(file: Path, names: list[str]) -> np.ndarray:
    """Return the named columns of a CSV file, (n, d)."""
    wanted = f"Write a CSV file whose first row names the coordinates: {','.join(names)}"
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except FileNotFoundError:
        raise DeclarationError(f"There is no file {file}.\n{wanted}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DeclarationError(f"{file} cannot be read: {error}.\n{wanted}") from None
    head = [cell.strip() for cell in rows[0][1]] if rows else []
    wrong = next((n for n in names if head.count(n) != 1), None)
    if wrong is not None:
        what = "stands there twice" if wrong in head else "is missing"
        raise DeclarationError(
            f"{file} has the columns {', '.join(head) or '(none)'}; {wrong} {what}.\n{wanted}"
        )
    table = np.empty((len(rows) - 1, len(names)))
    for i, (line, row) in enumerate(rows[1:]):
        for k, name in enumerate(names):
            column = head.index(name)
            text = row[column] if column < len(row) else ""
            try:
                table[i, k] = float(text)
            except ValueError:
                raise DeclarationError(
                    f"{file}, line {line}: the column {name} holds {text!r}, which is not a number.\nWrite a number there"
                ) from None
    return table
