"""A solution: evaluated, scored, audited, saved and loaded, and nothing of a foreign folder believed."""

import csv
import json
import shutil

import numpy as np
import pytest
import sympy
from conftest import PROBLEMS, small
from sympy import Eq, Function, Integral, Symbol, cos, exp, pi, sin, sqrt, symbols

from pinnsolver import (
    DeclarationError,
    Disk,
    Observations,
    On,
    Problem,
    Rectangle,
    RunFolderError,
    Solution,
    Unknown,
    load_problem,
    solve,
)
from pinnsolver.declare import check_problem
from pinnsolver.report import write_report
from pinnsolver.runfolder import new_run_folder, read_panels, read_run, write_arrays
from pinnsolver.scoring import Scored, has_free_sign, live_score, relative_l2

x, y, t = symbols("x y t")
u, v, w, file, lambda_ = map(Function, ("u", "v", "w", "file", "lambda_"))
exact = sin(pi * x) * exp(-t)
HEAT = Problem(
    "a run, (odd) names",
    [Eq(file(x, t).diff(t), file(x, t).diff(x, 2) / pi**2), Eq(lambda_(t).diff(t), -lambda_(t))],
    [(x, 0, 1)],
    (t, 0, 1),
    [Eq(file(x, 0), sin(pi * x)), Eq(file(0, t), 0), Eq(file(1, t), 0), Eq(lambda_(0), 1)],
    reference={file: exact, lambda_: lambda t: np.exp(-t)},
)
KEYS = {
    *("problem", "fields", "stopped", "seconds", "steps", "parameters", "seed", "device", "precision"),
    *("residual_rms", "conditions_rms", "relative_l2", "max_error", "unknowns", "choices", "versions"),
}


@pytest.fixture(scope="module")
def heat(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "heat"
    return solve(HEAT, steps=60, settings=small(), out=place, quiet=True)


@pytest.fixture(scope="module")
def holed():
    plate = Rectangle((x, y), (0, 0), (1, 1)) - Disk((x, y), (0.5, 0.5), 0.25, name="hole")
    problem = Problem(
        "plate",
        [u(x, y).diff(x, 2) + u(x, y).diff(y, 2)],
        plate,
        conditions=[On(plate.boundary, Eq(u(x, y), x))],
        reference={u: x},
    )
    return solve(problem, steps=5, settings=small(), quiet=True)


@pytest.fixture
def run(heat, tmp_path):
    """A copy of a run folder, to be damaged."""
    return shutil.copytree(heat.folder, tmp_path / "run")


# ------------------------------------------------------------------------------------------------ calling it


def test_fields_come_by_name_in_the_broadcast_shape(heat):
    values = heat(x=np.linspace(0, 1, 5)[:, None], t=[0.0, 0.5, 1.0])
    assert set(values) == {"file", "lambda_"}
    assert values["file"].shape == values["lambda_"].shape == (5, 3)
    assert heat(x=0.5, t=0)["file"].shape == ()
    assert heat(x=[], t=[])["file"].shape == (0,)
    np.testing.assert_allclose(values["file"][:, 0], np.sin(np.pi * np.linspace(0, 1, 5)), atol=1e-15)


def test_an_expression_is_one_array_and_needs_its_coordinates_only(heat):
    points = np.array([0.2, 0.4])
    slope = heat(file(x, t).diff(x), x=points, t=0.5)
    h = 1e-5
    difference = (heat(file(x, t), x=points + h, t=0.5) - heat(file(x, t), x=points - h, t=0.5)) / (2 * h)
    np.testing.assert_allclose(slope, difference, rtol=1e-7)
    np.testing.assert_array_equal(heat(lambda_(t) ** 2 + t, t=[0.3]), heat(lambda_(t), t=[0.3]) ** 2 + 0.3)
    assert heat(sympy.Integer(2), x=0.5).shape == ()


def test_points_off_the_domain_give_nan(heat, holed):
    assert np.isnan(heat(x=[1.5, -1, np.nan], t=0.5)["file"]).all()
    found = holed(x=[0.5, 0.1, 2.0], y=[0.5, 0.1, 0.1])["u"]
    np.testing.assert_array_equal(np.isnan(found), [True, False, True])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x": 0.5}, "t is missing"),
        ({}, "x is missing"),
        ({"x": 0.5, "t": 0, "z": 1}, "z is no coordinate"),
        ({"x": "left", "t": 0}, "no arrays of numbers"),
        ({"x": [1, 2], "t": [1, 2, 3]}, "no arrays of numbers"),
    ],
)
def test_wrong_coordinates_are_refused_with_an_example(heat, arguments, said):
    with pytest.raises(DeclarationError, match=said) as raised:
        heat(**arguments)
    assert "Write solution(x=..., t=...)" in str(raised.value)


def test_an_expression_of_an_alien_field_is_refused(heat):
    with pytest.raises(DeclarationError, match="w"):
        heat(w(x), x=0.5)


# --------------------------------------------------------------------------------------- numbers of the run


def test_result_has_every_key_of_the_contract(heat):
    result = json.loads((heat.folder / "result.json").read_text())
    assert set(result) >= KEYS
    assert result["fields"] == ["file", "lambda_"]
    assert set(result["residual_rms"]) == {"equation 1", "equation 2"}
    assert len(result["conditions_rms"]) == 4
    assert result["steps"] == 60
    assert result["stopped"] == "steps"
    assert result["parameters"] == sum(p.numel() for p in heat.module.parameters())
    for choice in result["choices"].values():
        assert set(choice) == {"value", "reason"}
        assert choice["reason"]


def test_history_has_the_columns_of_the_contract(heat):
    with (heat.folder / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = {"step", "seconds", "phase", "loss", "raw:equation 1", "weighted:equation 1"}
    assert expected | {"relative_l2:file", "relative_l2:lambda_"} <= set(rows[0])
    steps = [int(r["step"]) for r in rows]
    assert steps == sorted(set(steps))
    assert steps[0] == 0
    assert steps[-1] == 60
    total = sum(float(v) for n, v in rows[-1].items() if n.startswith("weighted:"))
    assert total == pytest.approx(float(rows[-1]["loss"]), rel=1e-9)


def test_solution_file_has_axes_and_fields_by_name(heat):
    with np.load(heat.folder / "solution.npz", allow_pickle=False) as archive:
        found = {n: archive[n] for n in archive.files}
    assert set(found) == {"x", "t", "file", "lambda_"}
    assert found["file"].shape == (len(found["x"]), len(found["t"]))
    assert found["lambda_"].shape == (len(found["t"]),)
    again = heat(x=found["x"][:, None], t=found["t"])["file"]
    np.testing.assert_allclose(found["file"], again, rtol=0, atol=1e-15)


def test_relative_l2_is_that_of_the_contract_recomputed_from_the_saved_run(heat):
    axis = np.linspace(0, 1, 256)
    X, T = np.meshgrid(axis, axis, indexing="ij")
    known = np.sin(np.pi * X) * np.exp(-T)
    found = Solution.load(heat.folder)(x=X, t=T)
    result = json.loads((heat.folder / "result.json").read_text())
    error = np.linalg.norm(found["file"] - known) / np.linalg.norm(known)
    assert result["relative_l2"]["file"] == pytest.approx(error, rel=1e-12)
    assert result["max_error"]["file"] == pytest.approx(np.abs(found["file"] - known).max(), rel=1e-12)
    decay = np.exp(-axis)
    error = np.linalg.norm(heat(lambda_(t), t=axis) - decay) / np.linalg.norm(decay)
    assert result["relative_l2"]["lambda_"] == pytest.approx(error, rel=1e-12)


def test_a_table_is_scored_at_its_own_points(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.random(40)
    write_arrays(tmp_path / "known.npz", {"x": points, "file": points**2, "w": np.full(40, np.nan)})
    problem = Problem(
        "table",
        [file(x).diff(x, 2) - 2],
        [(x, 0, 1)],
        conditions=[Eq(file(0), 0), Eq(file(1), 1)],
        reference=str(tmp_path / "known.npz"),
    )
    solution = solve(problem, steps=3, settings=small(), out=tmp_path / "run", quiet=True)
    (tmp_path / "known.npz").unlink()
    found = Solution.load(tmp_path / "run")(x=points)["file"]
    error = np.linalg.norm(found - points**2) / np.linalg.norm(points**2)
    assert solution.relative_l2["file"] == pytest.approx(error, rel=1e-12)


def test_the_audit_measures_residuals_on_fresh_points(heat):
    equations, conditions = heat.audit(seed=7)
    assert equations != heat.result["residual_rms"]
    for name, value in equations.items():
        assert value == pytest.approx(heat.result["residual_rms"][name], rel=0.5)
    assert all(value < 1e-15 for value in conditions.values())  # all are built in
    assert heat.audit(seed=0)[0] == heat.result["residual_rms"]


def test_two_runs_with_the_same_seed_give_the_same_bytes(tmp_path):
    problem = load_problem(next(p for p in PROBLEMS if p.stem == "burgers"))
    places = [tmp_path / name for name in ("a", "b", "c")]
    for place, seed in zip(places, (3, 3, 4), strict=True):
        solve(problem, steps=25, seed=seed, threads=1, settings=small(), out=place, quiet=True)
    a, b, c = [(place / "solution.npz").read_bytes() for place in places]
    assert a == b != c


# --------------------------------------------------------------------------------------- the free sign


def declared(*equations, conditions=(), **more):
    """Return a checked problem in x on [0, 1]."""
    return check_problem(Problem("sign", list(equations), [(x, 0, 1)], conditions=list(conditions), **more))


WALLS = (Eq(u(0), 0), Eq(u(1), 0))
SIZE = Eq(Integral(u(x) ** 2, (x, 0, 1)), 1)
E = Unknown("E", start=8, low=0)


@pytest.mark.parametrize(
    ("checked", "free"),
    [
        (declared(u(x).diff(x, 2) + E * u(x), conditions=[*WALLS, SIZE]), True),
        (declared(u(x).diff(x, 2) + E * sin(u(x)), conditions=[*WALLS, SIZE]), True),
        (declared(u(x).diff(x, 2) * u(x) - u(x) ** 2, conditions=WALLS), True),
        (declared(u(x).diff(x, 2) + E * u(x), conditions=[Eq(Integral(u(x), (x, 0, 1)), 1)]), False),
        (declared(u(x).diff(x, 2) + E * u(x), conditions=[Eq(u(0), 0), Eq(u(1), 1)]), False),
        (declared(u(x).diff(x, 2) + u(x) ** 2, conditions=WALLS), False),
        (declared(u(x).diff(x, 2) + cos(u(x)), conditions=WALLS), False),
        (
            declared(
                u(x).diff(x, 2) + E * u(x),
                conditions=[*WALLS, SIZE],
                observations=[Observations(u(x), [0.5], [1.0])],
            ),
            False,
        ),
        (
            declared(
                u(x).diff(x, 2) + E * u(x),
                conditions=[*WALLS, SIZE],
                observations=[Observations(u(x) ** 2, [0.5], [1.0])],
            ),
            True,
        ),
    ],
)
def test_a_sign_is_free_where_the_declaration_is_the_same_for_the_negative(checked, free):
    assert has_free_sign(checked, "u") is free


def test_one_field_of_a_system_may_have_a_free_sign():
    checked = declared(
        u(x).diff(x, 2) + E * u(x), v(x).diff(x) - u(x) ** 2, conditions=[*WALLS, SIZE, Eq(v(0), 0)]
    )
    assert has_free_sign(checked, "u")
    assert not has_free_sign(checked, "v")


@pytest.mark.parametrize("file", PROBLEMS, ids=lambda p: p.stem)
def test_of_the_problems_at_hand_only_eigenfunctions_have_a_free_sign(file):
    checked = check_problem(load_problem(file))
    free = [f.name for f in checked.fields if has_free_sign(checked, f.name)]
    wells = {
        "eigenvalue_well": ["psi"],
        "quantum_well_excited": ["psi"],
        "quantum_well_pair": ["psi1", "psi2"],
    }
    assert free == wells.get(file.stem, [])


def test_the_better_sign_is_scored_live_and_at_the_end():
    values = np.array([1.0, 2.0, -3.0])
    found = -values + 0.1
    free, bound = Scored(values[:, None], values, True), Scored(values[:, None], values)
    assert (free.sign(found), bound.sign(found), free.sign(-found)) == (-1.0, 1.0, 1.0)
    assert free.sign(np.array([np.nan, -1.0, 1.0])) == -1.0
    score = live_score({"u": free}, lambda points: {"u": -points[:, 0] + 0.1})()
    assert score["u"] == pytest.approx(relative_l2(found, -values))
    assert live_score({"u": bound}, lambda points: {"u": -points[:, 0] + 0.1})()["u"] > 1


def test_an_eigenfunction_is_scored_and_drawn_with_its_better_sign():
    answers = []
    for sign in (1, -1):
        problem = Problem(
            "well",
            [Eq(-u(x).diff(x, 2), E * u(x))],
            [(x, 0, 1)],
            conditions=[*WALLS, SIZE],
            reference={u: sign * sqrt(2) * sin(pi * x)},
        )
        solution = solve(problem, steps=80, settings=small(), quiet=True)
        (panel,) = solution.panels()
        assert solution.relative_l2["u"] < 0.5
        assert np.abs(panel.fields["u"] - panel.reference["u"]).max() < 0.5
        answers.append(solution.relative_l2["u"])
        assert solution.history["relative_l2:u"][-1] < 0.5
    assert answers[0] == answers[1]


# ----------------------------------------------------------------------------------------- grids and pictures


def test_to_xarray_gives_the_asked_shape(heat):
    data = heat.to_xarray(shape={"x": 7})
    assert data["file"].dims == ("x", "t")
    assert data["file"].shape == (7, 201)
    assert data["lambda_"].dims == ("t",)
    with pytest.raises(DeclarationError, match="no coordinate"):
        heat.to_xarray(shape={"z": 7})


def test_a_shaped_domain_is_saved_as_points_inside_it(holed):
    arrays = holed.arrays()
    assert set(arrays) == {"x", "y", "u"}
    assert np.isfinite(arrays["u"]).all()
    assert (np.hypot(arrays["x"] - 0.5, arrays["y"] - 0.5) > 0.25 - 1e-9).all()
    assert np.isnan(holed.to_xarray(shape={"x": 11, "y": 11})["u"].values).any()


def test_plot_gives_a_figure(heat):
    import matplotlib.pyplot as plt

    assert heat.plot().axes
    plt.close("all")


# ----------------------------------------------------------------------------------------- save and load


def test_a_saved_solution_comes_back_to_the_last_digit(heat, tmp_path):
    loaded = Solution.load(heat.folder)
    again = Solution.load(loaded.save(tmp_path / "again").folder)
    points = {"x": np.linspace(0, 1, 17)[:, None], "t": np.linspace(0, 1, 9)}
    for other in (loaded, again):
        for name, values in heat(**points).items():
            np.testing.assert_allclose(other(**points)[name], values, rtol=0, atol=1e-15)
        assert other.result == json.loads((heat.folder / "result.json").read_text())
        assert set(other.history) == set(heat.history)
    assert (tmp_path / "again" / "solution.npz").read_bytes() == (heat.folder / "solution.npz").read_bytes()


def test_random_features_come_back_from_the_saved_run(tmp_path):
    chosen = small(**{"network.fourier": 4, "network.kind": "modified", "network.trunks": "separate"})
    made = solve(HEAT, steps=5, settings=chosen, out=tmp_path / "run", quiet=True)
    settings = json.loads((made.folder / "settings.json").read_text())
    settings["seed"] += 1  # what was drawn is kept, not drawn again
    (made.folder / "settings.json").write_text(json.dumps(settings))
    loaded = Solution.load(made.folder)
    points = {"x": np.linspace(0, 1, 17)[:, None], "t": np.linspace(0, 1, 9)}
    for name, values in made(**points).items():
        np.testing.assert_allclose(loaded(**points)[name], values, rtol=0, atol=1e-15)


def test_saving_over_a_run_is_refused_unless_asked_for_and_spares_foreign_files(heat, run):
    (run / "mine.txt").write_text("mine")
    (run / "figures").mkdir(exist_ok=True)
    with pytest.raises(RunFolderError, match="already holds a run"):
        heat.save(run)
    heat.save(run, overwrite=True)
    assert (run / "mine.txt").read_text() == "mine"
    assert not (run / "figures").exists()
    with pytest.raises(RunFolderError, match="is a file"):
        heat.save(run / "mine.txt")
    with pytest.raises(RunFolderError, match="cannot be written"):
        heat.save(run / "mine.txt" / "below")


def test_a_run_needs_nothing_beside_its_folder(tmp_path):
    home = tmp_path / "home" / "problems"
    home.mkdir(parents=True)
    (home.parent / "data.csv").write_text("x,u\n0.25,0.5\n0.75,1.5\n")
    (home / "sibling.py").write_text("slope = 2\n")
    (home / "inverse.py").write_text(
        "from sympy import Eq, Function, symbols\n"
        "from pinnsolver import Observations, Problem, Unknown\n"
        "from sibling import slope\n"
        "x, u, k = symbols('x'), Function('u'), Unknown('k', start=1)\n"
        "problem = Problem('inverse', [Eq(u(x).diff(x), k)], [(x, 0, 1)], conditions=[Eq(u(0), 0)],\n"
        f"    observations=[Observations(u(x), '../data.csv'), Observations(u(x), {str(home.parent / 'data.csv')!r})],\n"
        "    reference={u: lambda x: slope * x})\n"
    )
    solution = solve(
        load_problem(home / "inverse.py"), steps=30, settings=small(), out=tmp_path / "run", quiet=True
    )
    assert not (tmp_path / "data.csv").exists()
    before = solution(x=[0.1, 0.9])["u"]
    shutil.rmtree(tmp_path / "home")
    moved = tmp_path / "elsewhere"
    (tmp_path / "run").rename(moved)
    loaded = Solution.load(moved)
    np.testing.assert_allclose(loaded(x=[0.1, 0.9])["u"], before, rtol=0, atol=1e-15)
    assert loaded.unknowns == solution.unknowns
    assert loaded.errors(loaded.scored())[0]["u"] == pytest.approx(solution.relative_l2["u"], rel=1e-12)
    assert loaded.report() == moved / "report.html"


def test_loading_executes_nothing_of_the_folder(run):
    (run / "problem.py").write_text("raise SystemExit('executed')\n")
    assert Solution.load(run)(x=0.5, t=0.5)
    assert write_report(read_run(run), run).is_file()


FOREIGN = ["", "[]", "null", "3", '"x"', "[" * 100_000, '{"half": ', "\x00"]


@pytest.mark.parametrize("content", FOREIGN, ids=lambda c: repr(c[:9]))
@pytest.mark.parametrize("name", ["result.json", "settings.json", "understood.json", "declaration.json"])
def test_foreign_json_in_a_run_folder_is_one_clear_message(run, name, content):
    (run / name).write_text(content)
    readers = (Solution.load,) if name == "declaration.json" else (read_run, Solution.load)
    for read in readers:
        with pytest.raises(RunFolderError, match=name):
            read(run)


@pytest.mark.parametrize("name", ["panels.npz", "checkpoint/weights.safetensors", "history.csv"])
@pytest.mark.parametrize("damage", ["missing", "half", "foreign"])
def test_damaged_files_are_one_clear_message(run, name, damage):
    target = run / name
    if damage == "missing":
        target.unlink()
    else:
        target.write_bytes(
            target.read_bytes()[: target.stat().st_size // 2] if damage == "half" else b"a\n\xff"
        )
    if (name, damage) == ("history.csv", "half"):
        target.write_text("step,seconds\n1\n")
    with pytest.raises(RunFolderError, match=target.name.split(".")[0]):
        (Solution.load if "weights" in name else read_run)(run)


def test_panels_that_are_none_are_refused(tmp_path):
    for arrays in (
        {"a": np.ones(2)},
        {"meta": np.frombuffer(b"[3]", dtype=np.uint8)},
        {"meta": np.frombuffer(b"[]", dtype=np.uint8), "0/x/y": np.ones(1)},
    ):
        write_arrays(tmp_path / "panels.npz", arrays)
        with pytest.raises(RunFolderError, match="holds no panels"):
            read_panels(tmp_path / "panels.npz")
    np.savez(tmp_path / "panels.npz", meta=np.array([print], dtype=object))
    with pytest.raises(RunFolderError, match="cannot be read"):
        read_panels(tmp_path / "panels.npz")


def test_a_run_of_a_version_that_met_a_condition_in_another_way_is_refused(run):
    understood = json.loads((run / "understood.json").read_text())
    hard = next(c for c in understood["conditions"] if c["enforced"] == "hard")
    hard["enforced"] = "soft"
    (run / "understood.json").write_text(json.dumps(understood))
    with pytest.raises(RunFolderError, match=r"another version(.|\n)*Solve the problem again"):
        Solution.load(run)


def test_weights_of_another_network_are_refused(run):
    settings = json.loads((run / "settings.json").read_text())
    settings["network"]["width"] = 13
    (run / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(RunFolderError, match="do not fit its settings"):
        Solution.load(run)


def test_a_run_that_was_cut_off_says_how_to_go_on(run):
    (run / "result.json").unlink()
    for read in (read_run, Solution.load):
        with pytest.raises(RunFolderError, match=r"was cut off(.|\n)*--overwrite"):
            read(run)


def test_a_folder_of_something_else_is_not_a_run(tmp_path):
    for read in (read_run, Solution.load):
        with pytest.raises(RunFolderError, match="not a finished run"):
            read(tmp_path)
        with pytest.raises(RunFolderError, match="is not a folder"):
            read(tmp_path / "missing")


def test_runs_without_a_place_get_one_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = [new_run_folder(None, "a / name", "seed0", False) for _ in range(3)]
    assert [str(p) for p in places] == [f"outputs/a_name/seed0{end}" for end in ("", "-2", "-3")]


def test_a_problem_found_wrong_before_training_leaves_the_old_run_alone(heat, run):
    before = sorted(p.name for p in run.iterdir())
    with pytest.raises(DeclarationError, match="not there"):
        solve(HEAT, steps=1, settings=small(), device="cuda:99", out=run, overwrite=True, quiet=True)
    bad = Problem(
        "bad", [u(x).diff(x)], [(x, 0, 1)], conditions=[Eq(u(0), 0)], reference={u: lambda x: 1 / (0 * x)}
    )
    with pytest.raises(DeclarationError, match="reference of u"):
        solve(bad, steps=1, settings=small(), out=run, overwrite=True, quiet=True)
    assert sorted(p.name for p in run.iterdir()) == before


def test_settings_that_are_said_go_before_those_of_the_problem():
    k = Symbol("k")
    problem = Problem(
        "first",
        [u(x).diff(x) - k],
        [(x, 0, 1)],
        conditions=[Eq(u(0), 0)],
        parameters=[(k, 1, 2)],
        settings=small(seed=5, steps=7),
    )
    solution = solve(problem, steps=2, quiet=True)
    assert (solution.result["seed"], solution.result["steps"]) == (5, 2)
    assert solution(x=0.5, k=[1.0, 2.0])["u"].shape == (2,)
    with pytest.raises(DeclarationError, match="k is missing"):
        solution(x=0.5)
