"""Damage to right declarations: of a draft all that can be wrong with it, each with what its message has to name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sympy
from sympy import (
    Derivative,
    Eq,
    Function,
    I,
    Integral,
    Lambda,
    Matrix,
    Symbol,
    nan,
    oo,
    sin,
)

from pinnsolver.declare import (
    Disk,
    Ellipse,
    NormalDerivative,
    Observations,
    On,
    Periodic,
    Polygon,
    Rectangle,
    Settings,
    Unknown,
)
from pinnsolver.declare.shapes import Shape

from .random_problems import Draft, mu, t, x, y

ALIEN, G = Symbol("qq"), Function("gg")


@dataclass(frozen=True)
class Damage:
    """One way in which a declaration is wrong.

    Args:
        name: what was done, unique among the damages of a draft.
        culprits: what the message has to contain, at any rate.
        apply: does it to the arguments of `Problem`; may be refused at once.
    """

    name: str
    culprits: tuple[str, ...]
    apply: Callable[[dict[str, Any]], object]


def _set(key: str, value: Any, declared: dict[str, Any]) -> None:
    declared[key] = value


def _listed(key: str, declared: dict[str, Any]) -> list[Any]:
    """Return a list to be damaged further; nothing where an earlier damage has put something else there."""
    return declared[key] if isinstance(declared[key], list) else []


def _append(key: str, make: Callable[[], Any], declared: dict[str, Any]) -> None:
    declared[key] = [*_listed(key, declared), make()]


def _replace(key: str, k: int, make: Callable[[], Any], declared: dict[str, Any]) -> None:
    items = _listed(key, declared)
    declared[key] = [*items[:k], make(), *items[k + 1 :]]


def _drop(key: str, k: int, declared: dict[str, Any]) -> None:
    items = _listed(key, declared)
    declared[key] = [*items[:k], *items[k + 1 :]]


def put(name: str, key: str, value: Any, *culprits: str) -> Damage:
    """Put a value in the place of an argument."""
    return Damage(name, culprits, partial(_set, key, value))


def add(name: str, key: str, make: Callable[[], Any], *culprits: str) -> Damage:
    """Add an item to a list; it is made late, for it may be refused at once."""
    return Damage(name, culprits, partial(_append, key, make))


NO_LISTS = {
    "text": ("words", "'words'"),
    "number": (3, "3"),
    "mapping": ({1: 2}, "{1: 2}"),
    "function": (len, "len"),
    "set": ({7}, "{7}"),
    "float": (float("nan"), "nan"),
    "bytes": (b"xx", "b'xx'"),
}
NO_EQUATIONS = {
    "False, as == gives": (False, "false for every field"),
    "True, as == gives": (True, "trivially true"),
    "numpy's False": (np.bool_(False), "False"),
    "text": ("u_t = u_xx", "'u_t = u_xx'"),
    "None": (None, "None"),
    "list": ([1], "[1]"),
    "int": (3, "3"),
    "a float": (float("nan"), "nan"),
    "array": (np.zeros(2), "array"),
    "Lambda": (Lambda(x, x), "Lambda"),
    "function class": (sin, "sin"),
    "sympy true": (sympy.true, "trivially true"),
    "And": (sympy.And(x < 0, y < 0), "(x < 0)"),
    "set": (sympy.FiniteSet(1), "{1}"),
}
BAD_LIMITS = {
    "nan": ((0, float("nan")), "nan"),
    "inf": ((0, float("inf")), "inf"),
    "minus inf": ((-float("inf"), 1), "inf"),
    "oo": ((0, oo), "oo"),
    "zoo": ((sympy.zoo, 1), "zoo"),
    "complex": ((0, 1 + 2 * I), "2*I"),
    "python complex": ((0, 1j), "1j"),
    "symbol": ((0, ALIEN), "qq"),
    "text": ((0, "one"), "one"),
    "None": ((None, 1), "None"),
    "bool": ((False, 1), "False"),
    "reversed": ((2, 1), "inverted"),
    "empty": ((1, 1), "empty"),
    "list": ((0, [1]), "[1]"),
    "array": ((0, np.zeros(3)), "array"),
    "field": ((0, Function("u")(x)), "u(x)"),
    "integer beyond floats": ((0, 10**400), "limit"),
    "a length without end": ((0, 1e40), "1e+40"),
    "hardly a length": ((0, 1e-40), "1e-40"),
}


def damages_of(draft: Draft) -> list[Damage]:
    """Return all that can be done to a right declaration so that it is wrong."""
    found = [
        *_of_lists(),
        *_of_names(),
        *_of_equations(draft),
        *_of_coordinates(draft),
        *_of_conditions(draft),
        *_of_observations(draft),
        *_of_references(draft),
        *_of_settings(),
        *_of_parameters(draft),
        *_of_unknowns(draft),
    ]
    found += _of_shapes(draft) if isinstance(draft.declared["domain"], Shape) else _of_boxes(draft)
    names = [d.name for d in found]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    return found


def _of_lists() -> Iterator[Damage]:
    for key in ("equations", "domain", "time", "conditions", "observations", "parameters"):
        for name, (value, culprit) in NO_LISTS.items():
            yield put(f"{key} is a {name}", key, value, f"{key}=", culprit)
    yield put("no equations", "equations", [], "no equations")
    yield put("an equation that is no list", "equations", Eq(Function("u")(x), 0), "equations=", "u(x)")
    yield put("one bare limit", "domain", (x, 0, 1), "domain=", "(x, 0, 1)")
    yield put("domain None", "domain", None, "domain=None")
    yield put("limits of time in a list of lists", "time", [(t, 0, 1)], "(t, 0, 1)")


def _of_names() -> Iterator[Damage]:
    for value in (
        "",
        "   ",
        None,
        3,
        b"x",
        ["x"],
        "a/b",
        "..",
        ".hidden",
        "a\nb",
        "a\\b",
        "x" * 101,
        "a\x00b",
        "../../up",
    ):
        culprit = repr(value)[:20] if isinstance(value, str) and value.strip() else "name"
        yield put(f"the name {value!r}", "name", value, culprit)


def _of_equations(draft: Draft) -> Iterator[Damage]:
    coordinates = _symbols(draft)
    own = list(_fields(draft).values())
    for k, equation in enumerate(draft.declared["equations"]):
        residual = equation.lhs - equation.rhs if isinstance(equation, Eq) else equation
        f = own[k]
        c = f.args[-1]
        swap = partial(
            lambda k, name, value, *culprits: Damage(
                f"equation {k}: {name}", culprits, partial(_replace, "equations", k, lambda: value)
            ),
            k,
        )
        for name, (value, culprit) in NO_EQUATIONS.items():
            yield swap(name, value, culprit)
        yield swap("inequality", residual < 0, "inequality")
        yield swap("not equal", sympy.Ne(residual, 0), "inequality")
        yield swap("both sides equal", Eq(f, f, evaluate=False), "trivially true")
        yield swap("Matrix", Matrix([residual, 0]), "matrix")
        yield swap("without a field", Eq(c, 1, evaluate=False), "no field")
        for name, value, *culprits in (
            ("alien symbol", residual + ALIEN, "qq"),
            ("alien symbol of the name of a coordinate", residual + Symbol(c.name, positive=True), f"another symbol {c.name}"),
            ("imaginary unit", residual + I * f, "imaginary unit"),
            ("infinity", Eq(residual, oo, evaluate=False), "infinity"),
            ("nan", Eq(residual, nan, evaluate=False), "nan"),
            ("does not commute", residual + Symbol("qq", commutative=False) * f, "qq", "commute"),
            ("delay", residual + f.subs(c, c - 1), f"{c} - 1"),
            ("map", residual + f.subs(c, c**2), f"{c}**2"),
            ("pinned", residual + f.subs(c, 0), f"{c} = 0"),
            ("integral of a field", residual + Integral(f, (c, 0, 1)), "integral"),
            ("integral without limits", residual + Integral(f, c), "integral"),
            ("normal derivative", residual + NormalDerivative(f), "NormalDerivative"),
            ("symbolic order", residual + Derivative(f, (c, Symbol("n", integer=True))), "symbolic order"),
            ("a very high order", residual + Derivative(f, (c, 40), evaluate=False), "order above"),
            ("a function without arguments", residual + f.func(*f.args[:-1], sin), "sin without"),
            ("a derivative by another symbol", residual + Derivative(f, ALIEN, evaluate=False), "qq"),
            ("too many arguments", residual + f.func(*f.args, ALIEN), "qq"),
            ("no arguments", residual + f.func(), f"{f.func}()"),
            ("a field inside a field", residual + f.func(*f.args[:-1], f), str(f)),
            ("an Order", Eq(residual, sympy.O(c**9), evaluate=False), "O("),
            ("a matrix inside", residual + Function("tr")(sympy.MatrixSymbol("M", 2, 2)), "M"),
        ):  # fmt: skip
            yield swap(name, value, *culprits)
        if len(f.args) > 1:
            turned = f.func(*reversed(f.args))
            yield swap("arguments the other way round", residual + turned, str(turned))
            yield swap("too few arguments", residual + f.func(f.args[0]), str(f.func(f.args[0])))
        if len(own) > 1 and len(draft.declared["equations"]) > 1:
            continue
        yield swap("a field of the name of a coordinate", residual.subs(f, Function(c.name)(*f.args)), c.name)
    for c in coordinates:
        yield add(
            f"another equation, false, in {c}", "equations", partial(lambda c: Eq(c, c + 1), c), "false"
        )


def _of_coordinates(draft: Draft) -> Iterator[Damage]:
    """Space as a box, and time: limits that are none."""
    places = [("time", None, draft.declared["time"])] if draft.declared["time"] else []
    if not isinstance(draft.declared["domain"], Shape):
        places += [("domain", k, item) for k, item in enumerate(draft.declared["domain"])]
    for key, k, limits in places:
        c = limits[0]

        def make(
            name: str, value: Any, *culprits: str, key: str = key, k: int | None = k, c: Any = c
        ) -> Damage:
            label = f"{key} of {c}: {name}"
            if k is None:
                return put(label, key, value, *culprits)
            return Damage(label, culprits, partial(_replace, key, k, lambda: value))

        for name, (pair, culprit) in BAD_LIMITS.items():
            yield make(f"limits with {name}", (c, *pair), culprit, str(c))
        yield make("no symbol", (1, 0, 1), "(1, 0, 1)")
        yield make("a name instead of a symbol", (c.name, 0, 1), c.name)
        yield make("one limit", (c, 1), f"({c}, 1)")
        yield make("three limits", (c, 0, 1, 2), f"({c}, 0, 1, 2)")
        yield make("an expression", (2 * c, 0, 1), f"2*{c}")
        yield make("an unknown number", (Unknown("k"), 0, 1), "k")
        yield make("an integer symbol", (Symbol(c.name, integer=True), 0, 1), c.name)
        yield make("another symbol", (ALIEN, 0, 1), c.name)
        yield make("nothing", (), "()")
    symbols = _symbols(draft)
    if draft.declared["time"]:
        yield put("no time", "time", None, "t")
        yield add("time among the parameters too", "parameters", lambda: (t, 0, 1), "t is declared twice")
    if symbols[0] != t:
        yield put("space also as time", "time", (symbols[0], 0, 1), str(symbols[0]))
    yield Damage("nothing at all", ("neither a domain nor a time",), _emptied)


def _emptied(declared: dict[str, Any]) -> None:
    declared |= {"domain": [], "time": None, "parameters": []}


def _of_boxes(draft: Draft) -> Iterator[Damage]:
    domain = draft.declared["domain"]
    f = _fields(draft)["u"]
    for k, (c, _, _) in enumerate(domain):
        yield Damage(f"without {c}", (c.name,), partial(_drop, "domain", k))
        yield add(f"{c} twice", "domain", partial(lambda c: (c, 0, 1), c), f"{c} is declared twice")
    yield add("a shape in a list", "domain", lambda: Disk((x, y), (0, 0), 1), "shape in a list")
    pinned = f.subs(f.args[0], _start(draft, f.args[0]))
    yield add("On a boundary of a box", "conditions", lambda: On("wall", Eq(f, 0)), "wall", "box")
    other = Disk((x, y), (0, 0), 1)
    yield add(
        "On the boundary of a shape elsewhere",
        "conditions",
        lambda: On(other.boundary, Eq(f, 0)),
        "a boundary",
        "box",
    )
    yield add("a shape as a condition", "conditions", lambda: other, "Disk")
    for name, where, culprit in (
        ("false", sympy.false, "false everywhere"),
        ("text", "x < 0", "'x < 0'"),
        ("symbol", x, "where=x"),
        ("number", 1, "where=1"),
        ("alien", ALIEN < 0, "qq"),
        ("field", f > 0, str(f)),
        ("pinned", f.args[0] < 0, str(f.args[0])),
        ("complex", sympy.Gt(sin(ALIEN), 0) & sympy.Ne(I * ALIEN, 0), "where"),
    ):
        yield add(
            f"where: {name}", "conditions", partial(lambda w: On(Eq(pinned, 0), where=w), where), culprit
        )


def more(name: str, make: Any, *culprits: str) -> Damage:
    return add(
        f"condition: {name}",
        "conditions",
        make if callable(make) and not isinstance(make, type) else (lambda: make),
        *culprits,
    )


def _of_conditions(draft: Draft) -> Iterator[Damage]:
    for name, (value, culprit) in NO_EQUATIONS.items():
        yield add(f"condition: {name}", "conditions", partial(lambda v: v, value), culprit)
    shaped = isinstance(draft.declared["domain"], Shape)
    for name, f in _fields(draft).items():
        c = f.args[-1]
        low = _start(draft, c)
        pinned = f.subs(c, low)
        label = partial(lambda n, what: f"{n}: {what}", name)
        yield more(label("inequality"), pinned < 0, "inequality")
        yield more(label("pins nothing"), Eq(f, 0), str(f), "pins no coordinate")
        yield more(label("uses what it pins"), Eq(pinned, sin(c)), f"uses {c}")
        yield more(label("off the domain"), Eq(f.subs(c, 1234), 0), "1234", "off the domain")
        yield more(label("far off"), Eq(f.subs(c, -(10**30)), 0), "off the domain")
        yield more(label("at infinity"), Eq(pinned.func(*f.args[:-1], oo), 0), "oo")
        yield more(label("at a complex place"), Eq(f.func(*f.args[:-1], I), 0), "I")
        yield more(label("at an unknown symbol"), Eq(f.func(*f.args[:-1], ALIEN), 0), "qq")
        yield more(label("at an unknown number"), Eq(f.func(*f.args[:-1], Unknown("front")), 0), "front")
        yield more(label("too many arguments"), Eq(f.func(*f.args, 0), 0), str(f.func(*f.args, 0)))
        yield more(label("no arguments"), Eq(f.func(), 0), f"{name}()")
        yield more(label("fixed and running"), Eq(pinned + f, 0), str(f))
        yield more(label("of another function"), Eq(G(*pinned.args), 0), "gg")
        yield more(label("product with another function"), Eq(pinned * G(*f.args), 0), "gg")
        yield more(label("alien symbol"), Eq(pinned, ALIEN), "qq")
        yield more(label("complex"), Eq(pinned, I), "imaginary unit")
        yield more(label("infinite"), Eq(pinned, oo, evaluate=False), "infinity")
        yield more(label("nan"), Eq(pinned, nan, evaluate=False), "nan")
        yield from _of_derivatives_and_integrals(draft, name, f)
        if len(f.args) > 1:
            turned = f.func(*reversed(pinned.args))
            if turned not in (pinned, f):
                yield more(label("arguments the other way round"), Eq(turned, 0), str(turned))
        if not shaped and c not in _periodic(draft):
            k = _holding(draft, pinned)
            if k is not None:
                old = draft.declared["conditions"][k]
                yield more(label("contradiction"), Eq(old.lhs, old.rhs + 7), "contradict", str(name))
        if c == t and not draft.unknowns and not draft.declared["observations"]:
            order = _time_order(draft, f)
            yield Damage(f"{name}: no initial state", (name, "initial"), partial(_without_initial, f, low))
            high = f.diff(t, order).subs(t, low)
            yield more(label("an initial state too many"), Eq(high, 0), "too many", name)
    names = {c.name for c in _symbols(draft)}
    for name, make, culprit in (
        ("Periodic of another symbol", lambda: Periodic(ALIEN), "qq"),
        ("Periodic of nothing", Periodic, "Periodic("),
        ("Periodic of a text", lambda: Periodic("x"), "'x'"),
        ("Periodic of a field", lambda: Periodic(next(iter(_fields(draft).values()))), "u("),
        ("Periodic of limits", lambda: Periodic((x, 0, 1)), "(x, 0, 1)"),
    ):
        yield add(name, "conditions", make, culprit)
    if "mu" not in names:
        yield add("Periodic of no parameter", "conditions", lambda: Periodic(mu), "mu")


def _of_derivatives_and_integrals(draft: Draft, name: str, f: Any) -> Iterator[Damage]:
    """Conditions on derivatives and integrals of a field, and on parts of a face."""
    c = f.args[-1]
    low = _start(draft, c)
    pinned, slope = f.subs(c, low), f.diff(c).subs(c, low)
    label = partial(lambda n, what: f"{n}: {what}", name)
    yield more(
        label("pinned before its derivative"),
        partial(lambda p, c: Eq(p.diff(c), 0), pinned, c),
        "trivially true",
    )
    yield more(
        label("pinned before its derivative, not zero"),
        partial(lambda p, c: Eq(p.diff(c), 1), pinned, c),
        "false",
    )
    yield more(label("a function without arguments"), Eq(f.func(*f.args[:-1], sin), 0), "sin without")
    yield more(label("derivative by another symbol"), Eq(Derivative(pinned, ALIEN, evaluate=False), 0), "qq")
    yield more(
        label("symbolic order"),
        Eq(Derivative(f, (c, Symbol("n", integer=True))).subs(c, low), 0),
        "symbolic order",
    )
    yield more(label("integral over another symbol"), Eq(Integral(f, (ALIEN, 0, 1)), 1), "qq")
    yield more(label("integral off the domain"), Eq(Integral(f, (c, 0, 1234)), 1), "1234")
    yield more(label("integral the wrong way"), Eq(Integral(f, (c, *reversed(_range(draft, c)))), 1), f"{c}")
    yield more(label("integral to infinity"), Eq(Integral(f, (c, low, oo)), 1), "oo")
    yield more(label("integral without limits"), Eq(Integral(f, c), 1), "limit")
    yield more(label("integral with a moving limit"), Eq(Integral(f, (c, low, c)), 1), "limit")
    yield more(
        label("integral of an integral"),
        Eq(Integral(Integral(f, (c, *_range(draft, c))) * f, (c, *_range(draft, c))), 1),
        "nest",
    )
    yield more(
        label("integral of another function"), Eq(Integral(G(*f.args), (c, *_range(draft, c))), 1), "gg"
    )
    yield more(label("normal derivative of nothing"), partial(NormalDerivative), "NormalDerivative")
    if c != t or len(f.args) == 1:
        yield more(label("normal derivative away from walls"), Eq(NormalDerivative(f), 0), "NormalDerivative")
    yield more(label("a list inside On"), partial(On, [Eq(pinned, 0)]), "On(")
    yield more(label("On nothing"), partial(On), "On(")
    yield more(label("On with a number for where"), partial(On, Eq(pinned, 0), where=3), "where=3")
    yield more(label("Matrix"), Matrix([pinned, slope]), "matrix")


def _without_initial(f: Any, start: Any, declared: dict[str, Any]) -> None:
    """Take away all that is known of a field at a time."""
    plain = f.subs(t, start)
    declared["conditions"] = [
        c
        for c in _listed("conditions", declared)
        if not (isinstance(c, Eq) and c.lhs in (plain, f.diff(t).subs(t, start)))
    ]


def _of_observations(draft: Draft) -> Iterator[Damage]:
    f = _fields(draft)["u"]
    columns = [*f.args, *([mu] if draft.declared["parameters"] else [])]
    inside = np.array([[float(sum(_range(draft, c))) / 2 for c in columns]])
    shaped = isinstance(draft.declared["domain"], Shape)
    for name, make, *culprits in (
        ("of a number", lambda: Observations(3, inside, [0]), "3"),
        ("of a text", lambda: Observations("u", inside, [0]), "'u'"),
        ("of another field", lambda: Observations(G(*f.args), inside, [0]), "gg"),
        ("of no field", lambda: Observations(f.args[0], inside, [0]), str(f.args[0])),
        ("of a pinned field", lambda: Observations(f.subs(f.args[0], 1), inside, [0]), f"{f.args[0]} = 1"),
        ("of an integral", lambda: Observations(Integral(f, (f.args[0], *_range(draft, f.args[0]))), inside, [0]), "integral"),
        ("without values", lambda: Observations(f, inside), str(f), "values"),
        ("of text", lambda: Observations(f, [["a"] * len(columns)], [0]), str(f), "'a'"),
        ("complex", lambda: Observations(f, inside * 1j, [0]), str(f)),
        ("ragged", lambda: Observations(f, [[1], [1, 2]], [0, 1]), "[1, 2]"),
        ("None for values among them", lambda: Observations(f, inside, ["x"]), "'x'"),
        ("one column too many", lambda: Observations(f, np.column_stack([inside, [[0.0]]]), [0]), f"(1, {len(columns) + 1})"),
        ("rows that do not fit", lambda: Observations(f, inside, [0, 1, 2]), "(3,)"),
        ("a cube of points", lambda: Observations(f, np.zeros((1, 1, 1)), [0]), "(1, 1, 1)"),
        ("none", lambda: Observations(f, np.zeros((0, len(columns))), []), "no rows"),
        ("nan values", lambda: Observations(f, inside, [float("nan")]), "NaN", "row 1"),
        ("inf values", lambda: Observations(f, inside, [float("inf")]), "infinity", "row 1"),
        ("nan points", lambda: Observations(f, inside * float("nan"), [0]), "NaN", "row 1"),
        ("off the domain", lambda: Observations(f, inside + 1234, [0]), "off the domain", "row 1"),
        ("a file that is not there", lambda: Observations(f, "nowhere.csv"), "nowhere.csv"),
        ("a file that is a folder", lambda: Observations(f, "/"), "/"),
        ("a path with a null byte", lambda: Observations(f, "a\x00b.csv"), "a"),
        ("a name that is none", lambda: Observations(f, inside, [0], name=3), "name=3"),
        ("a list of numbers", lambda: [1, 2], "[1, 2]"),
        ("a pair", lambda: (f, 3), str(f)),
        ("an equation", lambda: Eq(f, 3), str(f)),
        ("None", lambda: None, "None"),
        ("a derivative of another field", lambda: Observations(G(*f.args).diff(f.args[0]), inside, [0]), "gg"),
        ("an alien symbol", lambda: Observations(f + ALIEN, inside, [0]), "qq"),
        ("a complex quantity", lambda: Observations(I * f, inside, [0]), "imaginary unit"),
        ("an infinite quantity", lambda: Observations(f + sympy.zoo, inside, [0]), "zoo"),
        ("a Matrix", lambda: Observations(Matrix([f]), inside, [0]), "Matrix"),
    ):  # fmt: skip
        if shaped and name == "of an integral":
            continue
        yield add(f"observations {name}", "observations", make, *culprits)


def _of_references(draft: Draft) -> Iterator[Damage]:
    f = _fields(draft)["u"]
    u = Function("u")
    for name, value, *culprits in (
        ("a number", 3, "3"),
        ("a list", [1], "[1]"),
        ("a formula without a field", sin(x), "sin(x)"),
        ("another field", {G: 0}, "gg"),
        ("a number for a field", {3: 0}, "3"),
        ("text for a formula", {u: "sin(x)"}, "sin(x)"),
        ("None", {u: None}, "None"),
        ("an array", {u: np.zeros(3)}, "array"),
        ("a class", {u: dict}, "dict"),
        ("an equation", {u: Eq(f, 1)}, "Eq("),
        ("alien symbol", {u: ALIEN}, "qq"),
        ("a function without arguments", {u: Function("g")(sin)}, "sin without"),
        ("a field inside", {u: f}, str(f)),
        ("complex", {u: I}, "imaginary unit"),
        ("infinite", {u: oo}, "infinity"),
        ("an integral", {u: Integral(sin(f.args[0]) ** f.args[0], (f.args[0], 0, 1))}, "integral"),
        ("a function of nothing", {u: lambda: 0}, "()"),
        ("a function of too much", {u: lambda a, b, c, d, e, g, h: 0}, "cannot be called"),
        ("a file that is not there", "nowhere.npz", "nowhere.npz"),
        ("a file that is none", {u: "/dev/null"}, "/dev/null"),
        ("a path with a null byte", {u: "a\x00b"}, "cannot be read"),
        ("python complex", {u: 1j}, "1j"),
    ):
        yield put(f"reference: {name}", "reference", value, *culprits)


def _of_settings() -> Iterator[Damage]:
    for key, values in {
        "steps": (-1, 1.5, "many", float("nan"), [1], "1e9x"),
        "seconds": (0, -1, float("inf"), float("nan"), "soon", [1]),
        "tolerance": (0, -1e-3, float("nan"), "x"),
        "seed": (-1, 2**63, 0.5, "x", "s"),
        "device": ("tpu", "cuda:x", 3, ""),
        "precision": ("float16", 64, ""),
        "threads": (0, -2, 1.5, "all"),
        "windows": (0, -1, 2.5, "x"),
        "frame": ("moon", 1, ""),
        "hard": ("maybe", 3, [True]),
        "causal": ("maybe", 3),
        "weights": ({"equation": -1}, {"equation": "x"}, {"equation": float("nan")}, 3, [1]),
        "points": ({"interior": 0}, {"interior": -5}, {"interior": "x"}, {"boundary": 1.5}, {"middle": 1}, 3, {"growth": 0.5}),
        "network": ({"width": 0}, {"depth": -1}, {"activation": "relu6"}, {"kind": "cnn"}, {"size": 3}, "big", {"fourier_scale": 0}),
        "optimizer": ({"second": "sgd"}, {"learning_rate": 0}, {"adam": -1}, {"rank": -1}, {"lr": 1}, "adam"),
        "no_such_setting": (1,),
        "Steps": (100,),
    }.items():  # fmt: skip
        for value in dict.fromkeys(map(repr, values)):
            given = next(v for v in values if repr(v) == value)
            culprit = key
            if isinstance(given, dict) and key != "weights":
                culprit = f"{key}.{next(iter(given))}"
            yield put(f"settings {key}={value}", "settings", {key: given}, culprit)
    yield put("settings: a text", "settings", "steps=3", "steps=3")
    yield put("settings: a list", "settings", [("steps", 3)], "steps")
    yield put("settings: a class", "settings", Settings, "Settings")


def _of_parameters(draft: Draft) -> Iterator[Damage]:
    f = _fields(draft)["u"]
    yield add("a parameter that stands nowhere", "parameters", lambda: (ALIEN, 0, 1), "qq")
    yield add(
        "a coordinate as a parameter",
        "parameters",
        lambda: (f.args[0], 0, 1),
        f"{f.args[0]} is declared twice",
    )
    for name, item, culprit in (
        ("nan", (ALIEN, 0, float("nan")), "nan"),
        ("reversed", (ALIEN, 1, 0), "inverted"),
        ("a field", (f, 0, 1), str(f)),
        ("text", ("mu", 0, 1), "mu"),
        ("two", (ALIEN, 1), "qq"),
        ("a symbol alone", ALIEN, "qq"),
    ):
        yield add(f"a parameter with {name}", "parameters", partial(lambda i: i, item), culprit)
    if draft.declared["parameters"]:
        seen = () if draft.declared["observations"] else ("mu",)  # else their column of it is found first
        yield put("without the parameter", "parameters", [], *seen)
        pinned = f.subs(f.args[0], _start(draft, f.args[0]))
        yield add(
            "a condition at a parameter's symbol", "conditions", lambda: Eq(f.func(*f.args[:-1], mu), 0), "mu"
        )
        yield add("Periodic of a parameter", "conditions", lambda: Periodic(mu), "mu")
        yield add(
            "derivative by a parameter",
            "conditions",
            lambda: Eq(Derivative(pinned, mu, evaluate=False), 0),
            "mu",
        )


def _of_unknowns(draft: Draft) -> Iterator[Damage]:
    f = _fields(draft)["u"]
    pinned = f.subs(f.args[0], _start(draft, f.args[0]))
    named = partial(lambda k: add(f"an unknown called {k}", "conditions", lambda: Eq(pinned, Unknown(k)), k))
    yield named(f.args[0].name)
    yield named("u")
    for name, make, *culprits in (
        ("without a name", lambda: Unknown(""), "''"),
        ("of a symbol", lambda: Unknown(x), "x"),
        ("with a text", lambda: Unknown("k", start="one"), "'k'", "one"),
        ("at nan", lambda: Unknown("k", start=float("nan")), "'k'", "nan"),
        ("at its bound", lambda: Unknown("k", start=0, low=0), "'k'"),
        ("with bounds reversed", lambda: Unknown("k", start=1, low=2, high=0), "'k'"),
        ("with a complex start", lambda: Unknown("k", start=1j), "'k'", "1j"),
        ("with an infinite bound", lambda: Unknown("k", high=oo), "'k'", "oo"),
    ):
        yield add(f"an unknown {name}", "conditions", partial(lambda m: Eq(pinned, m()), make), *culprits)
    twice = lambda: Eq(pinned, Unknown("kk", start=1) + Unknown("kk", start=2))  # noqa: E731
    yield add("two unknowns of one name", "conditions", twice, "kk")
    beside = lambda: Eq(pinned, Unknown("kk") * Symbol("kk"))  # noqa: E731
    yield add("an unknown beside a symbol of its name", "conditions", beside, "kk")


def _of_shapes(draft: Draft) -> Iterator[Damage]:
    domain = draft.declared["domain"]
    f = _fields(draft)["u"]
    pair = (x, y)
    for name, make, *culprits in (
        ("radius 0", lambda: domain - Disk(pair, (0, 0), 0), "radius", "0"),
        ("radius negative", lambda: domain - Disk(pair, (0, 0), -1), "radius", "-1"),
        ("radius nan", lambda: domain - Disk(pair, (0, 0), float("nan")), "radius", "nan"),
        ("radius infinite", lambda: domain | Disk(pair, (0, 0), oo), "radius", "oo"),
        ("radius a text", lambda: domain - Disk(pair, (0, 0), "big"), "radius", "big"),
        ("center of three", lambda: domain - Disk(pair, (0, 0, 0), 1), "(0, 0, 0)"),
        ("center a symbol", lambda: domain - Disk(pair, (x, 0), 1), "center", "x"),
        ("three coordinates", lambda: Disk((x, y, t), (0, 0), 1), "Disk", "3"),
        ("one coordinate twice", lambda: Disk((x, x), (0, 0), 1), "Disk", "(x, x)"),
        ("coordinates by name", lambda: Disk("xy", (0, 0), 1), "Disk", "xy"),
        ("no area", lambda: Rectangle(pair, (0, 0), (1, 0)), "Rectangle", "y"),
        ("corners reversed", lambda: Rectangle(pair, (1, 1), (0, 0)), "Rectangle", "1 to 0"),
        ("semiaxis negative", lambda: Ellipse(pair, (0, 0), (1, -1)), "semiaxis", "-1"),
        ("one semiaxis", lambda: Ellipse(pair, (0, 0), 1), "semiaxes"),
        ("angle nan", lambda: Ellipse(pair, (0, 0), (1, 1), angle=float("nan")), "angle", "nan"),
        ("two vertices", lambda: Polygon(pair, [(0, 0), (1, 1)]), "Polygon", "2 vertices"),
        ("vertices on a line", lambda: Polygon(pair, [(0, 0), (1, 1), (2, 2)]), "Polygon", "no area"),
        ("edges that cross", lambda: Polygon(pair, [(0, 0), (1, 1), (1, 0), (0, 1)]), "Polygon", "cross"),
        ("a number joined", lambda: domain - 3, "3"),
        ("a boundary joined", lambda: domain - domain.boundary, "Boundary"),
        ("coordinates the other way round", lambda: domain - Disk((y, x), (0, 0), 1), "(y, x)"),
        ("another coordinate", lambda: domain - Disk((x, ALIEN), (0, 0), 1), "qq"),
        ("shapes that do not meet", lambda: domain & Disk(pair, (50, 50), 1), "do not meet"),
        ("a shape in other coordinates", lambda: Disk((ALIEN, y), (0, 0.5), 1), "x"),
    ):
        yield Damage(
            f"shape: {name}", tuple(culprits), partial(lambda m, d: d.__setitem__("domain", m()), make)
        )
    other = Disk(pair, (0, 0), 1)
    for name, make, *culprits in (
        ("a name that no shape has", lambda: On("nowhere", Eq(f, 0)), '"nowhere"'),
        ("an odd name", lambda: On("<script>", Eq(f, 0)), "<script>"),
        ("no name", lambda: On("", Eq(f, 0)), '""'),
        ("another shape's boundary", lambda: On(other.boundary, Eq(f, 0)), "Disk((0, 0), 1)"),
        ("the shape itself", lambda: On(domain, Eq(f, 0)), "boundary"),
        ("an inequality", lambda: On(domain.boundary, f < 0), "inequality"),
        ("nothing", lambda: On(domain.boundary), "no equation"),
        ("a text", lambda: On(domain.boundary, "u = 0"), "u = 0"),
        ("without a field", lambda: On(domain.boundary, Eq(x, 1)), "no field"),
        ("pinned", lambda: On(domain.boundary, Eq(f.subs(x, 0), 0)), "pins x"),
        ("an integral", lambda: On(domain.boundary, Eq(Integral(f, (x, 0, 0.1)), 0)), "integrates"),
        ("where a field", lambda: On(domain.boundary, Eq(f, 0), where=f > 0), str(f)),
        ("where an alien", lambda: On(domain.boundary, Eq(f, 0), where=ALIEN > 0), "qq"),
        ("where false", lambda: On(domain.boundary, Eq(f, 0), where=False), "false"),
        ("a contradiction", lambda: On(domain.boundary, Eq(f, 1234)), "contradict", "1234"),
        ("normal derivative of a product", lambda: On(domain.boundary, Eq(NormalDerivative(f**2), 0)), "NormalDerivative"),
        ("normal derivative of another field", lambda: On(domain.boundary, Eq(NormalDerivative(G(x, y)), 0)), "gg"),
        ("a value far off", lambda: Eq(f.subs({x: 0.9, y: 7}), 0), "off the domain"),
        ("Periodic", lambda: Periodic(x), "Periodic(x)"),
        ("an integral across the hole", lambda: Eq(Integral(f, (x, -1, 1), (y, 0, 1)), 0), "outside"),
    ):  # fmt: skip
        if name == "an integral across the hole" and ("hole" not in str(domain) or len(f.args) > 2):
            continue
        if name == "a value far off" and len(f.args) > 2:
            continue
        if name == "a contradiction" and not _given_on_all(draft, f):
            continue
        yield add(f"On: {name}", "conditions", make, *culprits)


# ------------------------------------------------------------------------------------------ of a draft


def _given_on_all(draft: Draft, f: Any) -> bool:
    """Say whether a condition gives a field on the outer boundary."""
    given = [c for c in draft.declared["conditions"] if isinstance(c, On)]
    return any(f in (e.lhs for e in c.equations if isinstance(e, Eq)) for c in given)


def _fields(draft: Draft) -> dict[str, Any]:
    """Return the applied fields by name."""
    applied = {
        str(a.func): a for e in draft.declared["equations"] for a in e.atoms(sympy.core.function.AppliedUndef)
    }
    return {name: applied[name] for name in draft.exact}


def _symbols(draft: Draft) -> list[Any]:
    domain = draft.declared["domain"]
    space = list(domain.symbols) if isinstance(domain, Shape) else [item[0] for item in domain]
    more = [draft.declared["time"]] if draft.declared["time"] else []
    return space + [item[0] for item in [*more, *draft.declared["parameters"]]]


def _range(draft: Draft, c: Any) -> tuple[Any, Any]:
    """Return the limits of a coordinate."""
    domain = draft.declared["domain"]
    if isinstance(domain, Shape) and c in domain.symbols:
        low, high = domain.bounds()
        k = domain.symbols.index(c)
        return low[k], high[k]
    more = [draft.declared["time"]] if draft.declared["time"] else []
    items = [*([] if isinstance(domain, Shape) else domain), *more, *draft.declared["parameters"]]
    return next(tuple(item[1:]) for item in items if item[0] == c)


def _start(draft: Draft, c: Any) -> Any:
    return _range(draft, c)[0]


def _periodic(draft: Draft) -> set[Any]:
    return {s for c in draft.declared["conditions"] if isinstance(c, Periodic) for s in c.symbols}


def _holding(draft: Draft, left: Any) -> int | None:
    """Return which condition gives a value outright, None where none does."""
    for k, c in enumerate(draft.declared["conditions"]):
        if isinstance(c, Eq) and c.lhs == left:
            return k
    return None


def _time_order(draft: Draft, f: Any) -> int:
    """Return the order of the equations in time."""
    found = [
        sum(int(n) for s, n in d.variable_count if s == t)
        for e in draft.declared["equations"]
        for d in e.atoms(Derivative)
        if d.expr == f
    ]
    return max(found, default=0)
