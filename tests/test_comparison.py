"""Several methods on one problem: who takes part, what is written, and what happens when one of them fails."""

import csv
import json
import shlex
import signal
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from conftest import PROBLEMS, Interrupting, small
from matplotlib.figure import Figure
from sympy import Eq, Function, sin, symbols
from test_report import RUNS, Page

from pinnsolver import DeclarationError, Problem, Settings, compare, comparison, load_problem, pipeline
from pinnsolver.contestants import AUTOMATIC, choose_contestants
from pinnsolver.report import comparison as report
from pinnsolver.report.chart import kept_apart
from pinnsolver.report.comparison import draw_picture, render_comparison
from pinnsolver.report.entries import Contest, Entry, table_rows
from pinnsolver.report.scene import choose_scene
from pinnsolver.report.style import Picture
from pinnsolver.report.versus import draw_contest
from pinnsolver.runfolder import Panel

HEAD = "from sympy import *\nfrom pinnsolver import *\nx, y, t = symbols('x y t')\nu = Function('u')\n"
RING = HEAD + (
    "problem = Problem('ring', [Eq(u(x, t).diff(t) + u(x, t).diff(x), 0)], [(x, 0, 2*pi)], (t, 0, 1),"
    " [Eq(u(x, 0), sin(x)), Periodic(x)], reference={u: sin(x - t)})\n"
)
LINE_TEXT = HEAD + (
    "problem = Problem('line', [Eq(u(x).diff(x), 1)], [(x, 0, 1)], conditions=[Eq(u(0), 0)], reference={u: x})\n"
)
TINY = ["--threads", "1", "--steps", "5", "--quiet"]
for pair in ("points.interior=60", "points.boundary=20", "network.width=6", "network.depth=2"):
    TINY += ["--set", pair]
WILD = "network.activation=gelu,optimizer.learning_rate=1e200"

x, t = symbols("x t")
u = Function("u")
LINE = Problem("line", [Eq(u(x).diff(x), 1)], [(x, 0, 1)], conditions=[Eq(u(0), 0)], reference={u: x})
TIMED = Problem(
    "timed", [Eq(u(x, t).diff(t), u(x, t).diff(x, 2))], [(x, 0, 1)], (t, 0, 1), [Eq(u(x, 0), sin(x))]
)


@pytest.fixture
def ring(tmp_path):
    file = tmp_path / "ring.py"
    file.write_text(RING)
    return file


@pytest.fixture
def light(monkeypatch):
    """Leave out the reports of the runs and the picture: they are tested by themselves."""
    monkeypatch.setattr(comparison, "write_report", lambda run, folder: folder)
    monkeypatch.setattr(report, "draw_picture", lambda contest: Picture("compare", "", b"", 1, 1))


@pytest.fixture
def line(tmp_path, light):
    file = tmp_path / "line.py"
    file.write_text(LINE_TEXT)
    return file


def written(place):
    """Return compare.json, by contestant."""
    return {c["contestant"]: c for c in json.loads((place / "compare.json").read_text())["contestants"]}


# ------------------------------------------------------------------------------------------- the command


def test_compare_writes_a_run_for_each_contestant_a_table_a_picture_and_a_page(pinnsolver, ring, tmp_path):
    place = tmp_path / "out"
    given = [
        "--with",
        "frame=eulerian",
        "--with",
        "plain: hard=false, causal=false",
        "--with",
        "causal=true",
    ]
    code, out, _ = pinnsolver("compare", ring, *TINY, "--seed", "3", *given, "--out", place)
    assert code == 0
    rows = written(place)
    assert list(rows) == [AUTOMATIC, "frame=eulerian", "plain", "causal=true"]
    for row in rows.values():
        result = json.loads((place / row["folder"] / "result.json").read_text())
        assert (place / row["folder"] / "report.html").is_file()
        assert (result["seed"], result["steps"]) == (3, 5)
        assert row["relative_l2:u"] == result["relative_l2"]["u"]
        assert row["stopped"] == "steps"
    assert rows["plain"]["hard"] == "0 of 1 conditions"
    assert rows["causal=true"]["causal"] is True
    assert rows["plain"]["asked"] == {"hard": False, "causal": False}
    table = list(csv.DictReader((place / "compare.csv").read_text().splitlines()))
    assert [row["contestant"] for row in table] == list(rows)
    assert float(table[0]["relative_l2:u"]) == rows[AUTOMATIC]["relative_l2:u"]
    assert (place / "figures" / "compare.png").read_bytes().startswith(b"\x89PNG")
    for word in (*rows, "relative L² error of u", str(place / "compare.html")):
        assert word in out
    page = (place / "compare.html").read_text()
    assert 'href="plain/report.html"' in page
    assert not [word for word in ('src="http', 'href="http', "<script") if word in page]


def test_a_method_that_is_not_built_stops_nobody_and_its_row_says_why(
    pinnsolver, line, tmp_path, monkeypatch
):
    monkeypatch.setattr("pinnsolver.contestants.transform_problem", refusing("sideways"))
    place = tmp_path / "out"
    code, out, _ = pinnsolver("compare", line, *TINY, "--with", "frame=lagrangian", "--out", place)
    assert code == 0
    row = written(place)["frame=lagrangian"]
    assert row["stopped"] == "unsupported"
    assert row["why"].startswith("Not sideways")
    assert (row["steps"], row["relative_l2:u"], row["folder"]) == (None, None, "")
    assert "frame=lagrangian: unsupported. Not sideways" in out
    assert "Not sideways" in (place / "compare.html").read_text()


def refusing(word):
    """Return `transform_problem` without the Lagrangian frame, whatever is built by now."""
    from pinnsolver.errors import UnsupportedProblem
    from pinnsolver.transform import transform_problem

    def refuse(checked, settings):
        if settings.frame == "lagrangian":
            raise UnsupportedProblem(f"Not {word}.\nLeave it out")
        return transform_problem(checked, settings)

    return refuse


def test_where_no_contestant_can_run_the_first_error_is_the_message(pinnsolver, line, tmp_path, monkeypatch):
    monkeypatch.setattr("pinnsolver.contestants.transform_problem", refusing("sideways"))
    code, _, err = pinnsolver(
        "compare", line, *TINY, "--only", "--with", "frame=lagrangian", "--out", tmp_path / "out"
    )
    assert code == 1
    assert "Not sideways" in err
    assert not (tmp_path / "out").exists()


def test_a_contestant_that_diverges_does_not_stop_the_others(pinnsolver, line, tmp_path):
    place = tmp_path / "out"
    given = ["--with", WILD, "--with", "hard=false"]
    code, out, _ = pinnsolver("compare", line, *TINY, "--steps", "50", *given, "--out", place)
    assert code == 0
    assert [row["stopped"] for row in written(place).values()] == ["steps", "diverged", "steps"]
    assert "diverged. Training left the finite numbers" in out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nonsense=1"], "The contestant nonsense=1: There is no setting 'nonsense'"),
        (["causal=true", "hard=perhaps"], "The contestant hard=perhaps: The setting hard = 'perhaps'"),
        (["mine: network.width=-3"], "The contestant mine: The setting network.width = -3"),
        (["hard=false,causal"], "hard = 'false,causal'"),
        (["weights.alien=3"], "The contestant weights.alien=3: There is a weight for 'alien'"),
        (["seconds=5"], "The contestant seconds=5 asks for seconds of its own"),
        (["causal=true", "causal = true"], "The contestant causal=true stands there twice"),
        (["mine: causal=true", "mine: hard=false"], "The contestant mine stands there twice"),
        (["automatic: hard=false"], "The contestant automatic stands there twice"),
        (["device=cuda:99"], "cuda:99 is not there"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_contestant_is_named_before_anything_trains(pinnsolver, ring, tmp_path, given, said):
    words = [word for text in given for word in ("--with", text)]
    code, out, err = pinnsolver("compare", ring, *TINY, *words, "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert said in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "causal", "name:", "=3", "name: =3"])
def test_with_needs_a_key_and_a_value(pinnsolver, line, text):
    code, _, err = pinnsolver("compare", line, "--with", text)
    assert code == 2
    assert "KEY=VALUE" in err


def test_only_needs_somebody(pinnsolver, line):
    code, _, err = pinnsolver("compare", line, "--only")
    assert code == 1
    assert "--with causal=true" in err


def test_a_term_with_signs_in_its_name_can_be_weighed(pinnsolver, ring, light, tmp_path):
    name = "u(x, 0) = sin(x)"
    given = ["--only", "--with", f"hard=false,weights.{name}=7.5,network.width=4"]
    assert pinnsolver("compare", ring, *TINY, *given, "--out", tmp_path)[0] == 0
    (row,) = written(tmp_path).values()
    settings = json.loads((tmp_path / row["folder"] / "settings.json").read_text())
    assert settings["weights"][name] == 7.5
    assert settings["network"]["width"] == 4


def test_labels_that_collide_get_folders_of_their_own(pinnsolver, line, tmp_path):
    place = tmp_path / "out"
    labels = ["a b", "a/b", "A-B", "figures", "..", "compare.json"]
    given = [word for k, label in enumerate(labels) for word in ("--with", f"{label}: network.width={k + 3}")]
    assert pinnsolver("compare", line, *TINY, "--steps", "0", *given, "--out", place)[0] == 0
    rows = written(place)
    folders = [rows[label]["folder"] for label in labels]
    assert folders == ["a-b", "a-b-2", "A-B-3", "figures-2", "unnamed", "compare-json"]
    assert all((place / folder / "result.json").is_file() for folder in folders)


def test_a_folder_that_holds_a_comparison_is_refused_unless_overwrite(pinnsolver, line, tmp_path):
    place = tmp_path / "out"
    words = ["compare", line, *TINY, "--with", "hard=false", "--out", place]
    assert pinnsolver(*words)[0] == 0
    (place / "compare.json").unlink()  # as after a comparison that was killed
    code, _, err = pinnsolver(*words, "--seed", "1")
    assert code == 1
    assert "--overwrite" in err
    assert pinnsolver(*words, "--seed", "1", "--overwrite")[0] == 0
    assert json.loads((place / "compare.json").read_text())["seed"] == 1
    assert json.loads((place / "hard-false" / "result.json").read_text())["seed"] == 1


def test_without_out_it_lies_beside_the_problem_s_runs(pinnsolver, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("compare", "compare-2"):
        code, out, _ = pinnsolver("compare", line, *TINY, "--with", "hard=false", "--only")
        assert code == 0
        assert f"outputs/line/{name}/compare.html" in out
        assert (tmp_path / "outputs" / "line" / name / "hard-false" / "result.json").is_file()


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_keeps_what_is_done_and_still_writes_the_table(
    pinnsolver, line, tmp_path, monkeypatch, times
):
    progress = iter([*[pipeline.choose_progress(True)] * 1, Interrupting(signal.SIGINT, times)])
    monkeypatch.setattr(pipeline, "choose_progress", lambda quiet: next(progress))
    place = tmp_path / "out"
    given = ["--with", "hard=false", "--with", "network.width=4"]
    code, out, _ = pinnsolver("compare", line, *TINY, "--steps", "30", *given, "--out", place)
    assert code == 130
    rows = written(place)
    assert [row["stopped"] for row in rows.values()] == ["steps", "interrupted", "not run"]
    assert (rows["hard=false"]["steps"] is not None) == (times == 1)  # a second Ctrl-C leaves no run
    assert "not run" in out
    assert (place / "compare.html").is_file()


def test_the_recorded_command_repeats_the_comparison(pinnsolver, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--with", "mine: hard=false,network.activation=tanh", "--with", "network.width=4", "--only"]
    assert pinnsolver("compare", line, *TINY, "--seed", "2", *given, "--out", "one")[0] == 0
    told = json.loads((tmp_path / "one" / "compare.json").read_text())
    words = shlex.split(told["command"])
    assert words[:3] == ["pinnsolver", "compare", str(line)]
    assert pinnsolver(*words[1:], "--quiet", "--out", "two")[0] == 0
    again = json.loads((tmp_path / "two" / "compare.json").read_text())
    for one, two in zip(told["contestants"], again["contestants"], strict=True):
        assert {k: one[k] for k in ("contestant", "asked", "relative_l2:u")} == {
            k: two[k] for k in ("contestant", "asked", "relative_l2:u")
        }


# --------------------------------------------------------------------------------- kinds of problems

ODES = HEAD + (
    "v = Function('v')\n"
    "problem = Problem('odes', [Eq(u(t).diff(t), v(t)), Eq(v(t).diff(t), -u(t))], [], (t, 0, 1),"
    " [Eq(u(0), 1), Eq(v(0), 0)], reference={u: cos(t)})\n"
)
HOLED = HEAD + (
    "domain = Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.2)\n"
    "problem = Problem('holed', [Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), 1)], domain,"
    " conditions=[On(domain.boundary, Eq(u(x, y), 0))])\n"
)
WELL = HEAD + (
    "E = Unknown('E', start=9)\n"
    "problem = Problem('well', [Eq(u(x).diff(x, 2) + E*u(x), 0)], [(x, 0, 1)],"
    " conditions=[Eq(u(0), 0), Eq(u(1), 0), Eq(Integral(u(x)**2, (x, 0, 1)), 1)],"
    " reference={u: sqrt(2)*sin(pi*x)})\n"
)


@pytest.mark.parametrize(
    ("text", "contestants", "head"),
    [
        (ODES, ["automatic", "soft", "causal", "plain"], "relative L² error of u"),
        (HOLED, ["automatic"], "residual of equation, rms"),
        (WELL, ["automatic", "soft", "plain"], "E"),
    ],
    ids=["odes", "holed", "well"],
)
def test_every_kind_of_problem_has_its_plain_alternatives(
    pinnsolver, tmp_path, light, text, contestants, head
):
    file = tmp_path / "given.py"
    file.write_text(text)
    code, out, err = pinnsolver("compare", file, *TINY, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    rows = written(tmp_path / "out")
    assert set(contestants) <= set(rows)
    assert head in out
    assert all(row["stopped"] == "steps" for row in rows.values())


@pytest.mark.parametrize("file", PROBLEMS, ids=lambda p: p.stem)
def test_the_alternatives_of_a_problem_differ_from_the_automatic_run(file):
    problem = load_problem(file)
    found = choose_contestants(problem, problem.settings)
    assert found[0].label == AUTOMATIC
    assert "plain" in [c.label for c in found]
    assert not [c for c in found if c.unsupported]


def test_what_is_settled_for_all_has_no_alternative():
    settled = Settings(hard=True, causal=False)
    labels = [c.label for c in choose_contestants(TIMED, settled)]
    assert not {"soft", "causal", "not causal", "plain"} & set(labels)


# -------------------------------------------------------------------------------------- from Python


def test_the_python_call_gives_rows_and_a_figure():
    found = compare(LINE, [{"hard": False}], steps=5, seed=1, settings=small(), quiet=True)
    assert [row["contestant"] for row in found.table] == [AUTOMATIC, "hard=false"]
    assert found.table[0].keys() == found.table[1].keys()
    assert found.table[1]["relative_l2:u"] == found.solutions["hard=false"].relative_l2["u"]
    assert isinstance(found.plot(), Figure)
    assert (found.folder, found.page, found.interrupted) == (None, None, False)


def test_contestants_can_have_names(tmp_path):
    ways = {"soft": {"hard": False}, "small": {"network.width": 3}}
    found = compare(LINE, ways, steps=2, settings=small(), only=True, quiet=True, out=tmp_path / "out")
    assert list(found.solutions) == ["soft", "small"]
    assert (found.folder / "soft" / "result.json").is_file()
    assert found.page == found.folder / "compare.html"


@pytest.mark.parametrize("given", [{"hard": False}, [{}], ["hard=false"]])
def test_contestants_are_settings_by_key(given):
    with pytest.raises(DeclarationError, match='"hard": False'):
        compare(LINE, given, steps=1, quiet=True)


def test_the_name_compare_stays_the_function():
    import pinnsolver

    assert pinnsolver.compare is comparison.compare


# ------------------------------------------------------------------------------ the table and the picture


@pytest.fixture(scope="module")
def entries():
    """Two finished contestants on a line."""
    found = compare(LINE, [{"hard": False}], steps=5, settings=small(), quiet=True)
    return found.contest.entries


def test_a_label_with_markup_is_text(entries):
    evil = replace(entries[0], label="<b>x</b> $\\frac{$", why="<script>", stopped="failed")
    contest = Contest("line", "A <i>line</i>", (evil, entries[1]), {"seconds": 1.0})
    page = render_comparison(contest, draw_picture(contest))
    assert "<b>x" not in page
    assert "<script" not in page
    assert "<i>line" not in page
    Page(page)


@pytest.mark.parametrize(
    "name",
    [
        *("one_dimension_and_time", "ode_system", "with_a_hole", "two_dimensions_and_time"),
        *("five_dimensions", "parametric", "hostile"),
    ],
)
def test_every_kind_of_run_has_its_picture_and_page(name):
    run = RUNS[name]()
    ways = (Entry("automatic", {}, run, "steps"), Entry("other", {"hard": False}, run, "seconds"))
    contest = Contest(name, name, ways, {"steps": 5}, 0, "pinnsolver compare")
    page = Page(render_comparison(contest, draw_picture(contest)))
    assert "other" in page.text
    assert all(value.startswith("data:image/png;base64,") for value in page.values("img", "src"))


def test_a_comparison_without_a_run_still_has_its_picture():
    entry = Entry("automatic", {}, None, "not run", "why")
    contest = Contest("line", "line", (entry,), {})
    assert isinstance(draw_contest(contest), Figure)
    assert table_rows(contest)[0]["seconds"] is None


def test_an_eigenfunction_of_the_other_sign_is_shown_as_the_reference(entries):
    def mirrored(panel):
        return replace(
            panel,
            fields={n: -v for n, v in panel.fields.items()},
            reference={n: -v for n, v in panel.reference.items()},
        )

    first, second = entries
    turned = replace(second, run=replace(second.run, panels=tuple(map(mirrored, second.run.panels))))
    plain = choose_scene(Contest("line", "line", (first, second), {}))
    scene = choose_scene(Contest("line", "line", (first, turned), {}))
    np.testing.assert_array_equal(scene.value("hard=false", "u"), plain.value("hard=false", "u"))
    np.testing.assert_array_equal(scene.miss("hard=false", "u")[1], plain.miss("hard=false", "u")[1])


def test_the_scene_is_the_last_time_of_a_plane(entries):
    square = np.linspace(0, 1, 4)
    panels = tuple(
        Panel(("x", "y"), {"t": at}, {"x": square, "y": square}, {"u": np.full((4, 4), at)})
        for at in (0.0, 0.5, 1.0)
    )
    told = {"coordinates": [{"name": n, "role": "time" if n == "t" else "space"} for n in "xyt"]}
    runs = [replace(e, run=replace(e.run, panels=panels, understood=told)) for e in entries]
    contest = Contest("line", "line", tuple(runs), {})
    scene = choose_scene(contest)
    assert scene.panel.fixed == {"t": 1.0}
    assert scene.is_to_scale
    assert isinstance(draw_contest(contest), Figure)


@pytest.mark.parametrize("heights", [[0.5], [0.1, 0.11, 0.12], [0.97, 0.98, 1.0], list(np.linspace(0, 1, 9))])
def test_names_beside_the_chart_keep_apart(heights):
    found = kept_apart(heights)
    assert len(found) == len(heights)
    assert all(b - a > 0.08 for a, b in pairwise(found))
    assert found[-1] <= 1.001
