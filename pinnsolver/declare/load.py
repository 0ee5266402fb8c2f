"""A problem file to a Problem. A problem file is a program: it is run, as `python FILE` would run it."""

from __future__ import annotations

import ast
import sys
import traceback
from pathlib import Path
from types import CodeType, ModuleType

from pinnsolver.declare.problem import Problem
from pinnsolver.errors import DeclarationError, PinnsolverError

NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)  # the last two: nested too deeply
_EXAMPLE = 'problem = Problem("heat", equations=[...], domain=[(x, 0, 1)], time=(t, 0, 1), conditions=[...])'


def load_problem(path: str | Path) -> Problem:
    """Run a problem file and return the Problem that it calls `problem`.

    Args:
        path: a Python file.

    Raises:
        DeclarationError: the file is missing, a folder, not Python, fails, or has no `problem`.
    """
    file, source = _read(path)
    try:
        code = compile(source, str(file.resolve()), "exec")
        about = ast.get_docstring(ast.parse(source)) or ""
    except NOT_PYTHON as error:
        line = getattr(error, "lineno", None)
        place = f"{file}, line {line}" if line else str(file)
        reason = getattr(error, "msg", str(error) or "it is nested too deeply")
        raise DeclarationError(
            f"{place}: not valid Python: {reason}.\nA problem file is a Python file that ends with\n    {_EXAMPLE}"
        ) from None
    problem = _run(file.resolve(), code)
    return problem.located(about=about, folder=file.resolve().parent, source=source, file_name=str(path))


def _read(path: str | Path) -> tuple[Path, str]:
    """Return a problem file and its text."""
    example = "Name a Python file, for example problems/burgers.py; `pinnsolver list` shows those at hand"
    if not isinstance(path, str | Path):
        raise DeclarationError(f"{path!r} is not the path of a problem file.\n{example}")
    file = Path(path)
    try:
        file = file.expanduser()
        return file, file.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise DeclarationError(f"{file} is a folder, not a problem file.\n{example}") from None
    except FileNotFoundError:
        raise DeclarationError(f"There is no file {file}.\n{example}") from None
    except UnicodeDecodeError:
        raise DeclarationError(f"{file} is not a text in UTF-8.\n{example}") from None
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # no permission, no such home, a null byte in the path
        raise DeclarationError(f"{str(file)!r} cannot be read: {error}.\n{example}") from None


def _run(file: Path, code: CodeType) -> Problem:
    """Run the file as a module of its own, its folder importable as with `python FILE`."""
    module = ModuleType(f"_pinnsolver_problem_{file.stem}")
    module.__file__ = str(file)
    folder = str(file.parent)
    before = set(sys.modules)
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    sys.path.insert(0, folder)
    try:
        exec(code, module.__dict__)
    except PinnsolverError as error:
        raise type(error)(f"{file}{_line(error, file)}: {error}") from None
    except SystemExit:
        raise DeclarationError(f"{file} called exit().\nA problem file only declares {_EXAMPLE}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".strip().rstrip(":.")
        raise DeclarationError(
            f"{file}{_line(error, file)} failed with {reason}.\nRun `python {file}` to see the whole error"
        ) from error
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        sys.modules.pop(module.__name__, None)
        _forget(set(sys.modules) - before, file.parent)
    if "problem" not in module.__dict__:
        raise DeclarationError(f"{file} defines no `problem`.\nEnd the file with\n    {_EXAMPLE}")
    problem = module.__dict__["problem"]
    if not isinstance(problem, Problem):
        raise DeclarationError(
            f"{file}: `problem` is a {type(problem).__name__}, not a Problem.\nWrite\n    {_EXAMPLE}"
        )
    return problem


def _forget(names: set[str], folder: Path) -> None:
    """Forget the modules that stand beside a problem: another problem may have a sibling of the same name."""
    for name in sorted(names, reverse=True):  # a package after its modules
        top = name.partition(".")[0]
        file = getattr(sys.modules.get(top), "__file__", None)
        if file is not None and Path(file) in (folder / f"{top}.py", folder / top / "__init__.py"):
            sys.modules.pop(name, None)


def _line(error: BaseException, file: Path) -> str:
    """Return ", line 12": where in the file an error arose."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""
