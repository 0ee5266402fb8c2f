"""A problem file to a Problem. A problem file is a program: it is run, as `python FILE` would run it."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from pathlib import Path

from pinnsolver.declare.problem import Problem
from pinnsolver.errors import DeclarationError, PinnsolverError

_EXAMPLE = 'problem = Problem("heat", equations=[...], domain=[(x, 0, 1)], time=(t, 0, 1), conditions=[...])'


def load_problem(path: str | Path) -> Problem:
    """Run a problem file and return the Problem that it calls `problem`.

    Args:
        path: a Python file.

    Raises:
        DeclarationError: the file is missing, a folder, not Python, fails, or has no `problem`.
    """
    file = Path(path).expanduser()
    source = _read(file)
    try:
        tree = ast.parse(source, filename=str(file))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"{file}, line {line}" if line else str(file)
        reason = getattr(error, "msg", str(error))
        raise DeclarationError(
            f"{place}: not valid Python: {reason}.\nA problem file is a Python file that ends with\n    {_EXAMPLE}"
        ) from None
    problem = _run(file.resolve(), source)
    return problem.located(
        about=ast.get_docstring(tree) or "", folder=file.resolve().parent, source=source, file_name=str(path)
    )


def _read(file: Path) -> str:
    """Return the text of a problem file."""
    if file.is_dir():
        raise DeclarationError(
            f"{file} is a folder, not a problem file.\nName a Python file, for example {file / 'problem.py'}"
        )
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DeclarationError(
            f"There is no file {file}.\nName a problem file, for example problems/burgers.py; `pinnsolver list` shows those at hand"
        ) from None
    except UnicodeDecodeError:
        raise DeclarationError(
            f"{file} is not a text in UTF-8.\nName a Python file, for example problems/burgers.py"
        ) from None
    except OSError as error:
        raise DeclarationError(
            f"{file} cannot be read: {error.strerror}.\nName a problem file that you may read"
        ) from None


def _run(file: Path, source: str) -> Problem:
    """Run the file as a module of its own, its folder importable as with `python FILE`."""
    spec = importlib.util.spec_from_file_location(f"_pinnsolver_problem_{file.stem}", file)
    if spec is None:  # a file without the suffix .py
        spec = importlib.util.spec_from_loader("_pinnsolver_problem", loader=None)
        assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(file)
    sys.path.insert(0, str(file.parent))
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    except PinnsolverError as error:
        raise type(error)(f"{file}{_line(error, file)}: {error}") from None
    except SystemExit:
        raise DeclarationError(f"{file} called exit().\nA problem file only declares {_EXAMPLE}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".strip().rstrip(":")
        raise DeclarationError(
            f"{file}{_line(error, file)} failed with {reason}.\nRun `python {file}` to see the whole error"
        ) from error
    finally:
        sys.path.remove(str(file.parent))
    if "problem" not in module.__dict__:
        raise DeclarationError(f"{file} defines no `problem`.\nEnd the file with\n    {_EXAMPLE}")
    problem = module.__dict__["problem"]
    if not isinstance(problem, Problem):
        raise DeclarationError(
            f"{file}: `problem` is a {type(problem).__name__}, not a Problem.\nWrite\n    {_EXAMPLE}"
        )
    return problem


def _line(error: BaseException, file: Path) -> str:
    """Return ", line 12": where in the file an error arose."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""
