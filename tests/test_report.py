"""The report of every kind of run: complete, self-contained, and inert whatever its run folder says."""

import base64
import html.parser
import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from sympy import Eq, Function, pi, symbols
from sympy.printing.mathml import mathml
from sympy.printing.pretty import pretty

from pinnsolver.report import draw_solution, write_report
from pinnsolver.report.curves import Curve, CurvePlot, curve_figure
from pinnsolver.report.gallery import plan_gallery
from pinnsolver.report.mathml import clean_mathml
from pinnsolver.report.names import name_html, name_math
from pinnsolver.report.wording import duration, number
from pinnsolver.runfolder import Panel, RunData

VOID = {"meta", "img", "br", "hr", "link", "input", "source", "base", "embed"}
x, y, t, nu = symbols("x y t nu")
u = Function("u")


def typeset(equation):
    return {"unicode": pretty(equation, use_unicode=True), "mathml": mathml(equation, printer="presentation")}


def make_history(terms, unknowns=(), scored=(), rows=60):
    steps = np.arange(rows, dtype=float) * 50
    decay = np.exp(-steps / 700) + 1e-5
    history = {
        "step": steps,
        "seconds": steps * 0.012,
        "phase": np.where(steps < 1500, "adam", "ssbroyden"),
        "loss": decay * len(terms),
    }
    for i, term in enumerate(terms):
        history[f"raw:{term}"] = decay * (i + 1) * (1 + 0.3 * np.sin(steps / (90 + 40 * i)))
        history[f"weighted:{term}"] = history[f"raw:{term}"] * 10
    for name, value in unknowns:
        history[f"unknown:{name}"] = value + (1 - value) * decay
    for name in scored:
        history[f"relative_l2:{name}"] = np.where(steps % 100 == 0, np.sqrt(decay), np.nan)
    return history


def make_run(name, fields, panels, *, coordinates, scored=(), unknowns=(), equations=None, **changes):
    equations = equations or ["equation 1"]
    terms = [*equations, "u at t = 0", "u at x = -1", "u at x = 1"]
    result = {
        "problem": name,
        "fields": list(fields),
        "stopped": "plateau",
        "seconds": 58.31,
        "steps": 2950,
        "parameters": 3441,
        "seed": 0,
        "device": "cpu",
        "precision": "float64",
        "residual_rms": dict.fromkeys(equations, 3.4e-5),
        "conditions_rms": {"u at t = 0": 2.1e-6, "u at x = -1": 0.0, "u at x = 1": None},
        "relative_l2": {f: (4.2e-4 if f in scored else None) for f in fields},
        "max_error": {f: (1.3e-3 if f in scored else None) for f in fields},
        "unknowns": dict(unknowns),
        "choices": {
            "hard conditions": {"value": True, "reason": "every face of the box carries a value"},
            "network": {"value": [40, 40, 40], "reason": "one field, two coordinates, a front that moves"},
            "optimizer": {"value": "ssbroyden", "reason": "3,441 trainable numbers fit a dense Hessian"},
        },
        "versions": {"pinnsolver": "0.1.0", "torch": "2.7.0", "sympy": "1.14.0", "python": "3.11.2"},
        "command": f"pinnsolver solve problems/{name}.py --seed 0 --seconds 60",
        "started": "2025-11-22T07:18:00+00:00",
        "hardware": "2 cores, 8 GB",
        "points": dict.fromkeys(terms, 2048),
    }
    understood = {
        "name": name,
        "title": f"The problem {name}",
        "about": "u_t + u u_x = nu u_xx on a box.  Source: a paper.\n\n    kept as it is\n\nThe end.",
        "equations": [
            {"name": e, **typeset(Eq(u(x, t).diff(t) + u(x, t) * u(x, t).diff(x), nu * u(x, t).diff(x, 2)))}
            for e in equations
        ],
        "conditions": [
            {
                "name": "u at t = 0",
                **typeset(Eq(u(x, 0), -pi * x**2)),
                "kind": "initial",
                "where": "t = 0",
                "enforced": "hard",
                "reason": "one value on a whole face",
            },
            {
                "name": "u at x = -1",
                **typeset(Eq(u(-1, t), 0)),
                "kind": "Dirichlet",
                "where": "x = -1",
                "enforced": "soft",
                "reason": "",
            },
        ],
        "coordinates": [
            {"name": n, "role": r, "low": -1, "high": 1, "periodic": False} for n, r in coordinates
        ],
        "domain": "[-1, 1] × [0, 1]",
        "fields": [{"name": f, "arguments": ["x", "t"], "ansatz": None} for f in fields],
        "unknowns": [{"name": n, "start": 1, "low": 0, "high": None} for n, _ in unknowns],
        "observations": [],
        "derivatives": ["u", "u_t", "u_xx"],
        "warnings": [],
    }
    run = RunData(
        folder=None,
        result=result,
        settings={"train": {"steps": 3000, "seconds": None}, "network": {"width": 40, "kind": "mlp"}},
        understood=understood,
        history=make_history(terms, unknowns, scored),
        panels=tuple(panels),
        source='"""A problem."""\nif 1 < 2 and "a" != "b":\n    problem = None\n',
    )
    return replace(run, **changes)


def plane(axes, function, fixed=None, *, shape=(41, 31), known=True, ranges=None, equations=("equation 1",)):
    ranges = ranges or {a: ((0, 1) if a == "t" else (-1, 1)) for a in axes}
    coordinates = {a: np.linspace(*ranges[a], n) for a, n in zip(axes, shape, strict=True)}
    a, b = np.meshgrid(*coordinates.values(), indexing="ij")
    values = function(a, b)
    fields = {name: v + 1e-3 * np.sin(9 * a * b) for name, v in values.items()}
    residual = {e: 1e-4 * np.cos(5 * a + i) * b for i, e in enumerate(equations)}
    return Panel(tuple(axes), fixed or {}, coordinates, fields, values if known else {}, residual)


def line(axis, function, fixed=None, *, n=81, known=True, span=(-1, 1), equations=()):
    s = np.linspace(*span, n)
    values = function(s)
    fields = {name: v + 1e-3 * np.sin(9 * s) for name, v in values.items()}
    return Panel(
        (axis,),
        fixed or {},
        {axis: s},
        fields,
        values if known else {},
        {e: 1e-4 * np.cos(7 * s) for e in equations},
    )


def front(time, space):
    return {"u": -np.tanh(np.sin(np.pi * space) * (1 + 6 * time))}


def one_dimension_and_time():
    slices = [line("x", lambda s, k=k: front(k, s), {"t": k}) for k in (0.0, 0.25, 0.5, 0.75, 1.0)]
    coordinates = [("x", "space"), ("t", "time")]
    return make_run("burgers", ["u"], [plane("tx", front), *slices], coordinates=coordinates, scored=["u"])


def ode_system():
    panel = line(
        "t",
        lambda s: {"_hidden": s / 20, "prey": 2 + np.sin(s), "predator": 1.5 + np.cos(s)},
        known=False,
        span=(0, 20),
        equations=["prey grows", "predator starves"],
    )
    return make_run(
        "lotka",
        ["prey", "predator"],
        [panel],
        coordinates=[("t", "time")],
        equations=["prey grows", "predator starves"],
    )


def with_a_hole():
    def bump(a, b):
        return {"u": np.where(a**2 + b**2 < 0.25, np.nan, np.cos(a) * np.cos(b))}

    return make_run(
        "hole", ["u"], [plane("xy", bump, known=False)], coordinates=[("x", "space"), ("y", "space")]
    )


def two_dimensions_and_time():
    def wave(k):
        return lambda a, b: {"u": np.sin(3 * a - k) * np.cos(b), "v": np.cos(3 * a - k)}

    panels = [
        plane("xy", wave(k), {"t": k}, shape=(31, 21), ranges={"x": (0, 2), "y": (0, 1)}) for k in (0.0, 1.0)
    ]
    coordinates = [("x", "space"), ("y", "space"), ("t", "time")]
    return make_run("wave", ["u", "v"], panels, coordinates=coordinates, scored=["u", "v"])


def three_dimensions():
    def ball(a, b):
        return {"phi": a**2 - b**2}

    panels = [
        plane(axes, ball, {other: 0.5}, shape=(21, 21), known=False)
        for axes, other in (("xy", "z"), ("xz", "y"), ("yz", "x"))
    ]
    return make_run("poisson3d", ["phi"], panels, coordinates=[(n, "space") for n in "xyz"])


def five_dimensions():
    names = [f"x{i}" for i in range(1, 6)]
    panels = [
        line(
            n,
            lambda s: {"u": s**2 + 1},
            {m: 0.5 for m in names if m != n},
            known=False,
            equations=["equation 1"],
        )
        for n in names
    ]
    return make_run("poisson5d", ["u"], panels, coordinates=[(n, "space") for n in names])


def inverse():
    run = one_dimension_and_time()
    return make_run(
        "inverse",
        ["u"],
        run.panels[:1],
        coordinates=[("x", "space"), ("t", "time")],
        scored=["u"],
        unknowns=[("nu", 0.0031831), ("lamda_1", 0.998)],
    )


def parametric():
    panels = [
        line(
            "x",
            lambda s, k=k, v=v: {"u": np.exp(-s * s * v * 9) * np.cos(k)},
            {"nu": v, "t": k},
            known=False,
            equations=["equation 1"],
        )
        for v in (0.01, 0.1)
        for k in (0.0, 0.5, 1.0)
    ]
    planes = [plane("tx", front, {"nu": v}, shape=(21, 21), known=False) for v in (0.01, 0.1)]
    coordinates = [("x", "space"), ("t", "time"), ("nu", "parameter")]
    return make_run("family", ["u"], [*planes, *panels], coordinates=coordinates)


def interrupted():
    run = one_dimension_and_time()
    empty = {name: values[:0] for name, values in run.history.items()}
    result = {**run.result, "stopped": "interrupted", "warnings": ["The optimizer <b>stalled</b> once"]}
    return replace(run, history=empty, result=result)


EVIL = [
    "<script>alert(1)</script>",
    "</pre></code><img src=x onerror=alert(1)>",
    '"onload="alert(1)',
    "$a^",
    "\\frac{",
    "a\\",
    "</style></title><svg/onload=alert(1)>",
    "{{ 7 * 7 }}",
    "../../../etc/passwd",
    "名\x00\ud800\n🙂",
    "_" * 300,
]
EVIL_MATHML = [
    "<mi>x</mi><script>alert(1)</script>",
    '<mi href="javascript:alert(1)">x</mi>',
    '<annotation-xml encoding="text/html"><img src="x" onerror="alert(1)"/></annotation-xml>',
    "<mrow><mi>x</mrow>",
    "<mtext>&lt;script&gt;alert(1)&lt;/script&gt;</mtext>",
    '<!DOCTYPE a [<!ENTITY b "<script/>">]><mi>&b;</mi>',
    "</math><script>alert(1)</script>",
    "<mrow>" * 5000 + "</mrow>" * 5000,
]


def hostile():
    names = [EVIL[1], EVIL[3]]
    base = two_dimensions_and_time()

    def dress(k):
        panel = plane("xy", lambda a, b: {n: a * b for n in names}, {e: float(k) for e in EVIL}, shape=(5, 4))
        return replace(panel, residual=dict.fromkeys((EVIL[0], EVIL[5]), panel.fields[names[0]]))

    evil = " ".join(EVIL)
    typeset_evil = [
        {"name": e, "unicode": e, "mathml": m, "kind": e, "where": e, "enforced": e, "reason": e}
        for e, m in zip(EVIL, EVIL_MATHML, strict=False)
    ]
    return RunData(
        folder=None,
        result={
            **base.result,
            **dict.fromkeys(
                ("problem", "stopped", "device", "precision", "command", "hardware", "started", "seed"), evil
            ),
            "fields": EVIL,
            "versions": dict.fromkeys(EVIL, evil),
            "choices": {e: {"value": e, "reason": e} for e in EVIL},
            "relative_l2": dict.fromkeys(EVIL, 0.1),
            "unknowns": dict.fromkeys(EVIL, 2.0),
            "residual_rms": dict.fromkeys(EVIL, "<script>"),
            "points": dict.fromkeys(EVIL, "<script>"),
            "warnings": EVIL,
        },
        settings={e: {e: e} for e in EVIL},
        understood={
            "title": evil,
            "about": evil,
            "domain": evil,
            "equations": typeset_evil,
            "conditions": typeset_evil,
            "fields": [
                {"name": e, "arguments": EVIL, "ansatz": m} for e, m in zip(EVIL, typeset_evil, strict=False)
            ],
            "coordinates": [{"name": e, "role": e, "low": e, "high": e, "periodic": e} for e in EVIL],
            "unknowns": [{"name": e, "start": e, "low": e, "high": e} for e in EVIL],
            "observations": [{"name": e, "count": e} for e in EVIL],
            "derivatives": EVIL,
        },
        history={**make_history(EVIL, [(e, 2.0) for e in EVIL[2:4]], EVIL), "phase": np.array(EVIL * 6)[:60]},
        panels=(dress(0), dress(1), replace(dress(2), coordinates={"x": np.array(["<script>"])})),
        source=evil,
    )


RUNS = {
    make.__name__: make
    for make in (
        one_dimension_and_time,
        ode_system,
        with_a_hole,
        two_dimensions_and_time,
        three_dimensions,
        five_dimensions,
        inverse,
        parametric,
        interrupted,
        hostile,
    )
}


class Page(html.parser.HTMLParser):
    """Read a page; raise where its tags are not balanced."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        raise AssertionError(f"<{tag}/> is not how this page writes")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)

    def values(self, tag, name):
        return [v for tag_, name_, v in self.attributes if (tag_, name_) == (tag, name)]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Every kind of run, its folder and its page, written once."""
    written = {}
    for name, make in RUNS.items():
        folder = tmp_path_factory.mktemp(name)
        run = make()
        path = write_report(run, folder)
        assert path == folder / "report.html"
        written[name] = (run, folder, Page(path.read_text(encoding="utf-8")))
    return written


@pytest.mark.parametrize("name", RUNS)
def test_a_page_fetches_nothing_and_runs_nothing(reports, name):
    page = reports[name][2]
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "svg", "input"} & set(
        page.tags
    )
    allowed = {
        "alt",
        "aria-label",
        "aria-labelledby",
        "class",
        "charset",
        "content",
        "display",
        "height",
        "href",
    }
    allowed |= {
        "http-equiv",
        "id",
        "lang",
        "name",
        "role",
        "scope",
        "src",
        "tabindex",
        "width",
        "mathvariant",
    }
    allowed |= {"stretchy", "fence", "separator", "columnalign", "rowalign", "linethickness"}
    assert {attribute for _, attribute, _ in page.attributes} <= allowed
    assert all(value.startswith("data:image/png;base64,") for value in page.values("img", "src"))
    assert all(value.startswith("#") for value in page.values("a", "href"))
    assert {tag for tag, attribute, _ in page.attributes if attribute in ("href", "src")} <= {"a", "img"}


@pytest.mark.parametrize("name", RUNS)
def test_every_picture_of_a_page_is_also_a_file(reports, name):
    _, folder, page = reports[name]
    inside = {base64.b64decode(value.split(",", 1)[1]) for value in page.values("img", "src")}
    files = {path.read_bytes() for path in (folder / "figures").glob("*.png")}
    assert inside == files
    assert len(list((folder / "figures").iterdir())) == len(page.values("img", "src"))
    assert inside
    assert all(png.startswith(b"\x89PNG") for png in inside)
    assert all(page.values("img", "alt"))


@pytest.mark.parametrize("name", [n for n in RUNS if n != "hostile"])
def test_a_page_names_every_term_choice_setting_and_version(reports, name):
    run, _, page = reports[name]
    terms = [k.split(":", 1)[1] for k in run.history if k.startswith("raw:")]
    audited = [*run.result["residual_rms"], *run.result["conditions_rms"]]
    reasons = [c["reason"] for c in run.result["choices"].values()]
    versions = [*run.result["versions"], *run.result["versions"].values()]
    kinds = ["initial", "Dirichlet", "hard", "soft", "one value on a whole face"]
    rest = [run.result["command"], run.source.strip(), "train.steps", "network.width", "kept as it is"]
    for words in (*terms, *audited, *reasons, *versions, *kinds, *rest):
        assert words in page.text, words
    assert page.tags.count("math") >= 3
    assert page.tags.count("h1") == 1


def test_a_heat_map_has_its_reference_and_error_beside_it(reports):
    pictures = reports["one_dimension_and_time"][2].values("img", "alt")
    for kind in ("solution", "reference", "error", "residual"):
        assert any(alt.startswith(f"Heat map, {kind} of") and "over t and x" in alt for alt in pictures)
    assert any(alt == "Curves, solution of u over x: 5 slice(s)" for alt in pictures)


def test_a_page_without_a_reference_says_so(reports):
    assert "No reference was declared: the numbers below say" in reports["ode_system"][2].text
    assert "No reference" not in reports["one_dimension_and_time"][2].text
    assert "against the declared reference" in reports["one_dimension_and_time"][2].text


@pytest.mark.parametrize(("value", "told"), [(2e-4, True), (None, False)])
def test_a_page_without_a_reference_says_that_its_error_is_estimated(tmp_path, value, told):
    run = ode_system()
    found = {f: {"value": value, "own_error": None, "basis": "a solver"} for f in run.result["fields"]}
    run = replace(run, result={**run.result, "error_estimate": found})
    page = Page(write_report(run, tmp_path).read_text(encoding="utf-8"))
    assert ("beside the error estimate, the numbers below say" in page.text) is told


def test_unknowns_are_shown_with_their_value_and_their_way(reports):
    page = reports["inverse"][2]
    assert "0.0031831" in page.text
    assert "ν over the steps of training, ending at 0.0031831" in page.values("img", "alt")
    assert "λ_1 over the steps of training, ending at 0.998" in page.values("img", "alt")


def test_an_unknown_that_was_verified_has_its_standard_error(tmp_path):
    run = inverse()
    name = next(iter(run.result["unknowns"]))
    run = replace(run, result={**run.result, "verified_against": {"unknown_errors": {name: 1.234e-5}}})
    text = Page(write_report(run, tmp_path).read_text(encoding="utf-8")).text
    assert text.count("standard error 1 × 10⁻⁵") == 1


def test_an_interrupted_run_with_an_empty_history_is_a_page(reports):
    text = reports["interrupted"][2].text
    assert "Interrupted" in text
    assert "No step of training was recorded" in text
    assert "The optimizer <b>stalled</b> once" in text


def test_hostile_strings_are_shown_as_they_are(reports):
    text = reports["hostile"][2].text
    for words in EVIL[:9]:
        assert words in text
    names = [path.name for path in (reports["hostile"][1] / "figures").iterdir()]
    assert all(
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
        for name in names
    )


def test_an_older_run_that_says_nothing_is_a_page(tmp_path):
    run = RunData(None, {}, {}, {}, {}, ())
    page = Page(write_report(run, tmp_path).read_text(encoding="utf-8"))
    assert "Unnamed problem" in page.text
    assert "img" not in page.tags


def test_a_run_full_of_wrong_types_is_a_page(tmp_path):
    run = one_dimension_and_time()
    wrong = RunData(
        None,
        {**dict.fromkeys(run.result, "wrong"), "seconds": 10**400, "relative_l2": {"u": 10**400}},
        {"a": [1, {"b": None}]},
        dict.fromkeys(run.understood, "wrong"),
        {"step": np.array(["wrong"])},
        (
            replace(run.panels[0], fields={"u": np.array("wrong"), "v": np.zeros(3)}),
            replace(run.panels[0], fixed={"y": "wrong"}),
        ),
    )
    Page(write_report(wrong, tmp_path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("values", ["constant", "zero", "unknown", "tiny", "huge", "integers", "one point"])
def test_awkward_values_are_drawn_without_a_warning(values, tmp_path):
    shape = (1, 1) if values == "one point" else (6, 5)
    fill = {"constant": 1.0, "zero": 0.0, "unknown": np.nan, "tiny": 1e-310, "huge": 1e300}.get(values, 2)
    field = np.full(shape, fill) if values != "integers" else np.arange(30).reshape(shape)
    a, b = np.arange(shape[0]), np.arange(shape[1])
    panel = Panel(("t", "x"), {}, {"t": a, "x": b}, {"u": field}, {"u": field}, {"r": field})
    curve = Panel(("x",), {"t": 0}, {"x": b}, {"u": field[0]}, {"u": field[0]}, {"s": field[0]})
    history = {"step": np.array([3]), "loss": np.array([float(fill)]), "raw:r": np.array([np.nan])}
    run = RunData(None, {"relative_l2": {"u": np.nan}}, {}, {}, history, (panel, curve))
    page = Page(write_report(run, tmp_path).read_text(encoding="utf-8"))
    assert page.values("img", "src") or values in ("unknown", "huge")
    draw_solution(run)


def test_many_fields_are_limited_and_the_page_says_what_is_left_out():
    names = [f"u_{i}" for i in range(12)]
    panel = plane("tx", lambda a, b: dict.fromkeys(names, a * b), shape=(4, 4))
    panels = [*[panel] * 9, replace(panel, fixed={"y": 0.5})]
    plan = plan_gallery(make_run("many", names, panels, coordinates=[]))
    assert any("4 more fields are not shown." in block.notes for block in plan.solution)
    assert sum(len(block.sketches) for block in plan.solution) <= 48
    assert any("more pictures of the solution are not shown" in note for note in plan.notes)


def test_lines_through_one_point_share_a_heading():
    (block,) = plan_gallery(five_dimensions()).solution
    assert block.heading == "Along each coordinate, the others at 0.5"
    assert [s.name.split("-")[0] for s in block.sketches] == ["solution"] * 5


def test_slices_are_curves_of_one_picture_and_a_parameter_makes_several():
    blocks = plan_gallery(parametric()).solution
    plots = [s.what for block in blocks for s in block.sketches if isinstance(s.what, CurvePlot)]
    assert [len(plot.curves) for plot in plots] == [3, 3]
    assert [plot.curves[1].label for plot in plots] == ["$t$ = 0.5"] * 2
    assert ["0.01" in plots[0].title, "0.1" in plots[1].title] == [True, True]


def test_space_keeps_its_true_shape_and_time_runs_across():
    (still,) = (b.sketches[0].what for b in plan_gallery(with_a_hole()).solution)
    assert still.equal
    assert np.isnan(still.values).any()
    moving = plan_gallery(one_dimension_and_time()).solution[0].sketches
    assert [m.what.axes for m in moving] == [("t", "x")] * 3
    assert not any(m.what.equal for m in moving)
    assert moving[0].what.norm is moving[1].what.norm or (
        moving[0].what.norm.vmin,
        moving[0].what.norm.vmax,
    ) == (moving[1].what.norm.vmin, moving[1].what.norm.vmax)
    assert moving[2].what.norm.vmin == -moving[2].what.norm.vmax


def test_one_point_at_rounding_does_not_press_an_axis_of_sizes_together():
    x = np.linspace(0, 1, 101)
    error = np.where(x < 1, 1e-3 * (1.1 + np.sin(9 * x)), 1e-17)
    exact = Curve("exact", x, np.full(101, 1e-16), "black")  # nothing but rounding: it may leave the picture
    figure = curve_figure(CurvePlot("", "x", (Curve("error", x, error, "black"), exact), size_only=True))
    low, high = figure.axes[0].get_ylim()
    assert 1e-6 < low < error[:-1].min() < error.max() < high


@pytest.mark.parametrize("name", RUNS)
def test_the_main_picture_is_a_figure_that_pyplot_does_not_know(name):
    before = dict(matplotlib.rcParams)
    figure = draw_solution(RUNS[name]())
    assert isinstance(figure, Figure)
    assert figure.axes
    assert dict(matplotlib.rcParams) == before


def test_a_notebook_shows_the_main_picture():
    assert draw_solution(ode_system())._repr_png_().startswith(b"\x89PNG")


def test_the_report_loads_neither_torch_nor_deepxde_nor_pyplot():
    heavy = "{'torch', 'deepxde', 'matplotlib.pyplot'}"
    program = f"import sys, pinnsolver.report; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("source", [m for i, m in enumerate(EVIL_MATHML) if i not in (1, 4)])
def test_mathml_that_is_not_mathematics_is_refused(source):
    assert clean_mathml(source) is None


def test_mathml_loses_attributes_that_can_act():
    source = '<mi href="javascript:alert(1)" onclick="x" style="x" mathvariant="bold">x</mi>'
    assert clean_mathml(
        source
    ) == '<math display="block"><mrow><mi mathvariant="bold">x</mi></mrow></math>'.replace(
        "<mrow>", ""
    ).replace("</mrow>", "")
    assert (
        clean_mathml("<mtext>&lt;b&gt;&LT;</mtext>")
        == '<math display="block"><mtext>&lt;b&gt;&lt;</mtext></math>'
    )


def test_mathml_of_sympy_survives():
    a, b = symbols("a b")
    cleaned = clean_mathml(mathml(Eq(u(a), pi * a.conjugate() * b), printer="presentation"))
    assert "π" in cleaned
    assert "\u2062" in cleaned
    assert "<mover>" in cleaned
    assert "<mo>&lt;</mo>" in clean_mathml(mathml(a < b, printer="presentation"))
    assert "<mrow><mo>(</mo><mi>x</mi><mo>,</mo><mn>0</mn><mo>)</mo></mrow>" in clean_mathml(
        "<mfenced><mi>x</mi><mn>0</mn></mfenced>"
    )


def test_names_are_set_like_mathematics_where_that_is_safe():
    assert name_html("nu") == "<i>ν</i>"
    assert name_html("u_x") == "<i>u</i><sub><i>x</i></sub>"
    assert name_html("file") == "file"
    assert name_html("<b>") == "&lt;b&gt;"
    assert name_math("lamda_1") == r"$\lambda_{\mathrm{1}}$"
    assert name_math("$a^") == r"\$a^"
    assert not name_math("_p").startswith("_")


def test_numbers_and_times_are_put_as_a_reader_writes_them():
    assert number(0.000342) == "3.42 × 10⁻⁴"
    assert number(-0.0125) == "−0.0125"
    assert number(12000) == "12,000"
    assert number(float("nan")) == number(None) == "–"
    assert [duration(s) for s in (58.31, 200, 7500)] == ["58.3 s", "3 min 20 s", "2 h 5 min"]
