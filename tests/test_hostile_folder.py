"""A run folder of unknown origin: whatever stands in it, nothing of it is executed, and it ends in a message of ours or a right result."""

import json
import os
import shutil
import time

import numpy as np
import pytest
from conftest import small
from safetensors.torch import load_file, save_file
from sympy import Eq, Function, pi, sin, symbols

from pinnsolver import Problem, solve
from pinnsolver.records import run_mark
from pinnsolver.runfolder import TRAINING, WEIGHTS
from pinnsolver.train import read_training, write_training

x, t = symbols("x t")
u = Function("u")
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
CODE = "__import__('pathlib').Path('canary').touch()"
FAST, SLOW = (
    ("report", "evaluate"),
    ("verify", "resume", "solve"),
)  # those that train or solve take seconds each


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a right run."""
    place = tmp_path_factory.mktemp("whole") / "run"
    heat = Problem(
        "heat",
        [Eq(u(x, t).diff(t), u(x, t).diff(x, 2))],
        [(x, 0, 1)],
        (t, 0, 0.1),
        [Eq(u(x, 0), sin(pi * x)), Eq(u(0, t), 0), Eq(u(1, t), 0)],
        reference={u: sin(pi * x)},
    )
    solve(heat, steps=3, threads=1, settings=small(**{"points.interior": 50}), out=place, quiet=True)
    return place


class Payload:
    """What a pickle runs when it is opened."""

    def __reduce__(self):
        return exec, (CODE,)


def edit(name, change):
    """Return a damage: a JSON file changed by a function of its content."""

    def damage(place):
        value = json.loads((place / name).read_text())
        changed = change(value)
        (place / name).write_text(json.dumps(value if changed is None else changed))

    return damage


def everywhere(value, put):
    """Return JSON data with every text replaced."""
    if isinstance(value, dict):
        return {k: everywhere(v, put) for k, v in value.items()}
    if isinstance(value, list):
        return [everywhere(v, put) for v in value]
    return put if isinstance(value, str) else value


def other_types(value):
    """Return JSON data with every leaf of another type."""
    if isinstance(value, dict):
        return {k: other_types(v) for k, v in value.items()}
    return [value] if not isinstance(value, list) else {"a": value}


def nested(depth):
    return "[" * depth + "]" * depth


def write(name, content):
    def damage(place):
        if isinstance(content, bytes):
            (place / name).write_bytes(content)
        else:
            (place / name).write_text(content)

    return damage


def arrays(name, **values):
    return lambda place: np.savez(place / name, **values)


def linked(name, target):
    """Return a damage: a file or folder replaced by a link."""

    def damage(place):
        path = place / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.symlink_to(target)

    return damage


def pipe(name):
    def damage(place):
        (place / name).unlink()
        os.mkfifo(place / name)

    return damage


def weights(change):
    def damage(place):
        save_file(change(load_file(place / WEIGHTS)), place / WEIGHTS)

    return damage


def training(change):
    """Return a damage of a training's state, which bears the right mark."""

    def damage(place):
        mark = run_mark(place)
        write_training(place, change(read_training(place, mark)), mark)

    return damage


def equation(data):
    return edit("declaration.json", lambda d: d["equations"].__setitem__(0, data))


def tower():
    ten = ["int", "10"]
    return ["call", "Pow", ten, ["call", "Pow", ten, ["call", "Pow", ten, ten]]]


U = ["apply", "u", {}, ["symbol", "x", {}], ["symbol", "t", {}]]
PICKLE = np.array([Payload()], dtype=object)
DAMAGES = {
    **{f"scripts in {n}": edit(f"{n}.json", lambda v: everywhere(v, SCRIPT)) for n in ("result", "understood", "settings")},
    **{f"code in {n}": edit(f"{n}.json", lambda v: everywhere(v, CODE)) for n in ("result", "declaration", "settings")},
    **{f"other types in {n}": edit(f"{n}.json", other_types) for n in ("result", "understood", "declaration", "settings")},
    **{f"{n} is nested": write(f"{n}.json", '{"a": ' + nested(100_000) + "}") for n in ("result", "declaration", "settings")},
    **{f"{n} is binary": write(f"{n}.json", b"\x80\x04\x95\xff\x00") for n in ("result", "understood", "declaration")},
    **{f"{n} is a pipe": pipe(n) for n in ("result.json", "history.csv", "panels.npz", WEIGHTS, "problem.py")},
    **{f"{n} is endless": linked(n, "/dev/zero") for n in ("settings.json", "history.csv", "panels.npz", "problem.py")},
    **{f"{n} is a link out": linked(n, "../secret") for n in ("problem.py", "result.json", "report.html", "figures", "checkpoint", ".lock")},
    **{f"{n} is a link to itself": linked(n, n) for n in ("result.json", "problem.py")},
    "huge numbers in result": edit("result.json", lambda v: {k: 10**300 if not isinstance(w, str | dict | list) else w for k, w in v.items()}),
    "a number of many digits": lambda place: (place / "result.json").write_text('{"steps": ' + "9" * 10_000 + "}"),
    "a setting called self": edit("settings.json", lambda s: {**s, "self": 1}),
    "huge network": edit("settings.json", lambda s: s["network"].update(width=9999, depth=99)),
    "huge frequencies": edit("settings.json", lambda s: s["network"].update(fourier=10_000, harmonics=1000)),
    "huge points": edit("settings.json", lambda s: s["points"].update(interior=10**15)),
    "many windows": edit("settings.json", lambda s: s.update(windows=10_000)),
    "a seed that is a path": edit("settings.json", lambda s: s.update(seed="../../../up")),
    "a name that is a path": edit("declaration.json", lambda d: d.update(name="../../up")),
    "a name that is markup": edit("declaration.json", lambda d: d.update(name=SCRIPT.replace("/", ""))),
    "observations that are a path": edit("declaration.json", lambda d: d.update(observations=[{"quantity": U, "name": "o", "points": "/etc/passwd", "values": None}])),
    "code for an equation": equation(CODE),
    "sympify for an equation": equation(["call", "sympify", ["symbol", CODE, {}]]),
    "lambdify for an equation": equation(["call", "lambdify", ["symbol", CODE, {}], U]),
    "code for a symbol": equation(["call", "Add", ["symbol", CODE, {}], U]),
    "code for a field": equation(["call", "Add", ["apply", CODE, {}, ["symbol", "x", {}], ["symbol", "t", {}]], U]),
    "a tower of powers": equation(["call", "Mul", tower(), U]),
    "an endless gamma function": equation(["call", "Mul", ["call", "gamma", ["int", "9" * 20]], U]),
    "a power of a large sum": equation(["call", "Pow", ["call", "Add", ["int", "1"], U], ["int", "9" * 9]]),
    "an endless factorial": equation(["call", "Mul", ["call", "factorial", ["int", "9" * 20]], U]),
    "an endless Fibonacci number": equation(["call", "Mul", ["call", "fibonacci", ["int", "9" * 20]], U]),
    "an endless float": equation(["call", "Mul", ["float", 0, "1", 10**15, 1, 53], U]),
    "endless digits": equation(["call", "Mul", ["float", 0, "1", 1, 1, 10**15], U]),
    "objects in panels": arrays("panels.npz", meta=PICKLE),
    "objects in the reference": arrays("reference.npz", **{"u/x": PICKLE, "u/t": PICKLE, "u/": PICKLE}),
    "objects in the solution": arrays("solution.npz", u=PICKLE),
    "a pickle for panels": lambda place: PICKLE.dump(place / "panels.npz"),
    "a pickle for weights": lambda place: PICKLE.dump(place / WEIGHTS),
    "paths in panels": arrays("panels.npz", meta=np.frombuffer(b'[{"axes": ["x"], "fixed": {}}]', np.uint8), **{"0/coordinates/x": np.arange(3.0), "0/fields/..\\..\\up": np.arange(3.0)}),
    "a history of markup": write("history.csv", f"step,seconds,phase,{SCRIPT}\n1,2,{SCRIPT},3\n"),
    "a history with an endless cell": write("history.csv", "step,phase\n" + "1" * 200_000 + ",a\n"),
    "a history with a null byte": write("history.csv", b"step,phase\n1\x00,a\n"),
    "an empty history": write("history.csv", ""),
    "a source of markup": write("problem.py", f"# {SCRIPT}\n{CODE}\n"),
    "a source that is binary": write("problem.py", b"\xff\xfe\x00"),
    "weights of nan": weights(lambda w: {k: v * float("nan") for k, v in w.items()}),
    "weights of another shape": weights(lambda w: {k: v[..., :1].contiguous() for k, v in w.items()}),
    "weights of other names": weights(lambda w: {f"../{k}": v for k, v in w.items()}),
    "no weights": weights(lambda w: {}),
    "a training of texts": training(lambda s: everywhere(s, CODE)),
    "a training of other types": training(lambda s: dict.fromkeys(s, 3)),
    "a training of lists": training(lambda s: {k: [v] for k, v in s.items()}),
    "an empty training": training(lambda s: {}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # of numpy, about the numbers that the damage made
@pytest.mark.parametrize("commands", [FAST, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["read", "run"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_hostile_folder_is_data(damage, commands, whole, pinnsolver, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("a secret of the reader's")
    (tmp_path / "points.csv").write_text("x,t\n0.5,0.05\n")
    kept = {"secret", "points.csv", "run", "outputs"}
    for command in commands:
        place = tmp_path / "run"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
        damage(place)
        words = {
            "evaluate": ["points.csv"],
            "verify": ["--seconds", "1"],
            "resume": ["--steps", "4", "--quiet"],
            "solve": ["--steps", "2", "--quiet"],
        }
        begin = time.process_time()
        code, out, err = pinnsolver(command, place, *words.get(command, []))
        assert time.process_time() - begin < 20
        assert code in (0, 1, 3), (command, out, err)
        assert (code == 0) == ("Error:" not in err)
        assert "secret of the reader" not in out + err
        assert {p.name for p in tmp_path.iterdir()} <= kept, command
        assert (tmp_path / "secret").read_text() == "a secret of the reader's"
        page = place / "report.html"
        if page.is_file() and not page.is_symlink():
            text = page.read_text()
            assert "<script" not in text and "onerror=alert(1)>" not in text.replace("&gt;", "")
            assert "secret of the reader" not in text
    assert not (tmp_path / "canary").exists()


def test_a_folder_of_links_is_no_place_to_write(whole, pinnsolver, tmp_path):
    """Neither pictures nor a checkpoint nor a lock go through a link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "run"
    shutil.copytree(whole, place)
    shutil.rmtree(place / "figures", ignore_errors=True)
    (place / "figures").symlink_to(outside)
    code, _, err = pinnsolver("report", place)
    assert code == 1 and "is a link" in err
    assert not list(outside.iterdir())
    (place / "figures").unlink()
    (outside / "mine").write_text("mine")
    (place / ".lock").symlink_to(outside / "mine")
    code, _, err = pinnsolver("resume", place, "--steps", "4", "--quiet")
    assert code == 1 and "cannot be written" in err
    assert (outside / "mine").read_text() == "mine"
    assert (place / TRAINING).is_file()


def test_a_folder_of_hostile_files_is_listed_without_running_one(pinnsolver, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text(f'"""{SCRIPT} [bold]x"""\nproblem = {CODE}\n')
    (tmp_path / "b.py").write_bytes(b"\xff\x00")
    (tmp_path / "c.py").write_text("problem = " + "-" * 20_000 + "1")
    (tmp_path / "d.py").write_text("problem = " + "(" * 5_000)
    (tmp_path / "e.py").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "f.py")
    (tmp_path / "g.py").mkdir()
    code, out, _ = pinnsolver("list", tmp_path)
    assert code == 0 and "[bold]x" in out
    assert not (tmp_path / "canary").exists()
