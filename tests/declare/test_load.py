"""Problem files: what is wrong with one is said with its name and line, never by another exception."""

import sys
import textwrap

import pytest

from pinnsolver.declare import check_problem, load_problem
from pinnsolver.errors import DeclarationError, UnsupportedProblem

RIGHT = '''
    """A line.

    More of it.
    """
    from sympy import Eq, Function, symbols
    from pinnsolver import Problem
    x = symbols("x")
    u = Function("u")
    problem = Problem("line", [Eq(u(x).diff(x), 1)], [(x, 0, 1)], conditions=[Eq(u(0), 0)])
'''


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a problem file and returns its path."""

    def write(text, name="line.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).lstrip().encode())
        return path

    return write


def test_a_file_becomes_a_problem_that_knows_where_it_comes_from(file, tmp_path):
    path = file(RIGHT)
    problem = load_problem(str(path))
    assert problem.file_name == str(path)
    assert problem.name == "line" and problem.about == "A line.\n\nMore of it."
    assert problem.folder == tmp_path and problem.source.startswith('"""A line.')
    assert problem.path("data.csv") == tmp_path / "data.csv"
    assert check_problem(problem).fields[0].name == "u"


def test_a_byte_order_mark_and_any_suffix_are_read(file):
    assert load_problem(file(b"\xef\xbb\xbf" + textwrap.dedent(RIGHT).lstrip().encode())).name == "line"
    assert load_problem(file(RIGHT, "line.txt")).name == "line"
    assert load_problem(file(RIGHT, "my-line 2")).name == "line"


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", ["defines no `problem`", "End the file with", 'problem = Problem("heat"']),
        ("problem = 3", ["`problem` is a int, not a Problem"]),
        ("problem = [1]", ["`problem` is a list"]),
        ("x = (\n", ["line.py, line 1: not valid Python"]),
        ("x = 1\nreturn 3\n", ["line 2: not valid Python", "outside function"]),
        ("hello world", ["not valid Python"]),
        ("x = 1\x00", ["not valid Python"]),
        (b"\xff\xfe\x00", ["not a text in UTF-8"]),
        ("a = 1\nb = a / 0\n", ["line.py, line 2 failed with ZeroDivisionError: division by zero"]),
        ("import no_such_module\n", ["line 1 failed with ModuleNotFoundError", "no_such_module"]),
        (
            "def f():\n    raise ValueError\n\nf()\n",
            ["line 2 failed with ValueError.", "to see the whole error"],
        ),
        ("def f():\n    f()\nf()\n", ["failed with RecursionError"]),
        ("exit()", ["called exit()"]),
        ("import sys\nsys.exit(3)", ["called exit()"]),
        ("from pinnsolver import Disk\n\nDisk(1, 2, 3)", ["line 3: Disk got the coordinates"]),
        ("from pinnsolver import Settings\nSettings(foo=1)", ["line 2: There is no setting 'foo'"]),
        ("from pinnsolver import Problem\nproblem = Problem()", ["line 2 failed with TypeError", "missing"]),
    ],
)
def test_a_wrong_file_is_refused(file, text, phrases):
    path = file(text)
    with pytest.raises(DeclarationError) as caught:
        load_problem(path)
    assert all(phrase in str(caught.value) for phrase in [str(path), *phrases]), caught.value
    assert "\n" in str(caught.value)


def test_an_error_of_ours_keeps_its_class(file):
    path = file("from pinnsolver import UnsupportedProblem\nraise UnsupportedProblem('not yet.\\nWait')\n")
    with pytest.raises(UnsupportedProblem, match=r"line 2: not yet"):
        load_problem(path)


@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("nowhere.py", "There is no file nowhere.py"),
        ("no\0thing", "cannot be read"),
        (None, "None is not the path"),
    ],
)
def test_what_is_no_file_is_refused(path, phrase):
    with pytest.raises(DeclarationError) as caught:
        load_problem(path)
    assert phrase in str(caught.value) and "problems/burgers.py" in str(caught.value)


@pytest.mark.parametrize("path", ["~nobody_of_this_name/problem.py", "a" * 5000])
def test_odd_paths_are_refused(path):
    with pytest.raises(DeclarationError):
        load_problem(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DeclarationError, match="is a folder, not a problem file"):
        load_problem(tmp_path)


def test_a_file_may_print(file, capsys):
    load_problem(file(RIGHT + "    print('hello')\n"))
    assert capsys.readouterr().out == "hello\n"


def test_a_file_is_not_the_main_program(file):
    load_problem(file(RIGHT + "    if __name__ == '__main__':\n        raise ValueError\n"))


def test_a_file_may_declare_dataclasses(file):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    b: int\n"
    load_problem(file(text + textwrap.dedent(RIGHT)))


def test_siblings_are_imported_and_not_mistaken_for_one_another(tmp_path):
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "line_helper.py").write_text(f"NAME = {name!r}\n")
        (folder / "line_tools").mkdir()
        (folder / "line_tools" / "__init__.py").write_text("from line_tools.inner import ONE\n")
        (folder / "line_tools" / "inner.py").write_text("ONE = 1\n")
        text = textwrap.dedent(RIGHT).replace('"line"', "NAME")
        (folder / "line.py").write_text("from line_helper import NAME\nfrom line_tools import ONE\n" + text)
    before = list(sys.path)
    assert [load_problem(tmp_path / name / "line.py").name for name in ("first", "second")] == [
        "first",
        "second",
    ]
    assert sys.path == before
    assert not {"line_helper", "line_tools", "line_tools.inner"} & set(sys.modules)


def test_a_failing_file_leaves_the_path_as_it_was(file):
    before = list(sys.path)
    with pytest.raises(DeclarationError):
        load_problem(file("import sys\nsys.path.clear()\nraise ValueError"))
    sys.path[:] = before
