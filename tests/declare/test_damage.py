"""Right declarations, damaged at random: what comes back is right, or a message of ours, never another error."""

import random

import numpy as np
import pytest
import sympy
from sympy import Derivative, Eq, Function, I, Integral, Piecewise, Subs, Symbol, oo

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
    check_problem,
)
from pinnsolver.errors import PinnsolverError

from .given import HEAT, LEFT, START, heat, nu, perforated, s, t, u, v, x, y

U = u(x, t)
ORDER = Symbol("n", integer=True)
ODD = [
    *(None, "x", "u(x, t)", "", 0, -1, 1.5, float("nan"), float("inf"), 10**400, True, False, 1j, b"x"),
    *([], (), [[]], [[1, [2]]], {}, {1: 2}, set(), object(), len, lambda *a: 0, int),
    *(np.zeros(3), np.zeros((2, 2)), np.float64(1), np.array(1.0), np.bool_(True)),
    *(x, t, nu, s, Symbol("x", positive=True), Symbol("x", commutative=False), sympy.Dummy("x"), Unknown("k")),
    *(u, u(), u(x), U, u(t, x), u(t, t), u(x, t, nu), u(x, t - 1), u(2 * x, t), u(s, t), u(0, t), u(0, 0), u(x, 5)),
    *(u(I, t), u(oo, t), u(x, v(t)), u(U, t), u(v(x, t), t).diff(t), u(2 * x, t).diff(x), Function("f")(x)),
    *(Derivative(U, s), Derivative(U, (x, ORDER)), Derivative(U**2, U), Derivative(sympy.Abs(U), x)),
    *(NormalDerivative(U), NormalDerivative(u(0, t)), NormalDerivative(U**2), Derivative(NormalDerivative(U), t)),
    *(Integral(U, (x, 0, 1)), Integral(U, x), Integral(U, (x, 0, t)), Integral(U, (x, 0, oo)), Integral(s, (s, 0, x))),
    *(Integral(Integral(U, (x, 0, 1)), (t, 0, 1)), Integral(u(s, t), (s, 0, 1))),
    *(Subs(U, x, s), Subs(Derivative(U, x), x, 0), Subs(Derivative(U, x), (x,), (t,)), sympy.Sum(U * ORDER, (ORDER, 0, 3))),
    *(Piecewise((1, x < 0), (2, True)), Piecewise((U, U > 0), (0, True)), sympy.Matrix([U]), sympy.MatrixSymbol("M", 2, 2)),
    *(sympy.Lambda(x, x), sympy.Tuple(), sympy.Interval(0, 1), sympy.FiniteSet(1), sympy.Poly(x), sympy.true, sympy.false),
    *(x < 0, Eq(x, 0), sympy.Ne(x, 0), sympy.And(x < 0, t < 0), Eq(U, 0), Eq(u(0, t), x), oo, sympy.zoo, sympy.nan, I),
    *(sympy.pi, sympy.DiracDelta(x), sympy.AccumBounds(0, 1), sympy.IndexedBase("a"), sympy.O(x), sympy.Wild("w")),
    *(sympy.WildFunction("f"), sympy.sin, Eq, sympy.Quaternion(1, 2, 3, 4), sympy.ITE(x < 0, x > 1, True), Settings()),
    *(On(Eq(u(0, t), 0)), Periodic(x), Periodic(s), Observations(U, np.zeros((1, 2)), [0]), Disk((x, y), (0, 0), 1)),
]  # fmt: skip


def variants(odd):
    """Yield what a damaged argument may hold."""
    yield from (
        odd,
        [odd],
        (odd, 0),
        (odd, 0, 1),
        (x, odd, 1),
        [(x, 0, 1), odd],
        [(x, odd, 1)],
        [(odd, 0, 1)],
        {u: odd},
    )
    try:
        made = [
            [Eq(odd, 0)],
            [Eq(U.diff(t), odd)],
            [Eq(u(0, t), odd)],
            [Eq(u(x, 0) * odd, odd)],
            [u(odd, t)],
            [u(x, odd)],
        ]
    except Exception:  # sympy refuses it at once
        return
    yield from made


def survives(action):
    """Run an action; only an error of ours may come out of it, with two lines."""
    try:
        action()
    except PinnsolverError as error:
        assert "\n" in str(error), str(error)


@pytest.mark.filterwarnings("ignore::sympy.utilities.exceptions.SymPyDeprecationWarning")
@pytest.mark.parametrize(
    "argument", ["equations", "domain", "time", "conditions", "observations", "parameters"]
)
def test_a_damaged_argument_is_refused_in_our_words(argument):
    rng = random.Random(argument)
    for odd in ODD:
        for given in rng.sample(list(variants(odd)), 3):
            survives(lambda given=given: check_problem(heat(**{argument: given})))


@pytest.mark.filterwarnings("ignore::sympy.utilities.exceptions.SymPyDeprecationWarning")
@pytest.mark.parametrize("argument", ["equations", "conditions", "observations"])
def test_a_damaged_item_is_refused_in_our_words(argument):
    right = {"equations": [HEAT], "conditions": [START, LEFT], "observations": []}[argument]
    for odd in ODD:
        for given in variants(odd):
            item = given[0] if isinstance(given, list) and given else given
            survives(lambda item=item: check_problem(heat(**{argument: [*right, item]})))


@pytest.mark.parametrize("argument", ["reference", "settings"])
def test_a_damaged_reference_or_setting_is_refused_in_our_words(argument):
    for odd in ODD:
        for given in (odd, {u: odd}, {"u": odd}):
            survives(lambda given=given: check_problem(heat(**{argument: given})))


@pytest.mark.filterwarnings("ignore::sympy.utilities.exceptions.SymPyDeprecationWarning")
def test_damaged_constructors_refuse_in_our_words():
    rim = Eq(u(x, y), 0)
    for odd in ODD:
        for action in (
            lambda odd=odd: check_problem(perforated(On(odd))),
            lambda odd=odd: check_problem(perforated(On("hole", odd))),
            lambda odd=odd: check_problem(perforated(On(odd, rim))),
            lambda odd=odd: check_problem(perforated(On("hole", rim, where=odd))),
            lambda odd=odd: check_problem(heat(conditions=[START, Periodic(odd)])),
            lambda odd=odd: check_problem(heat(observations=[Observations(odd, np.zeros((1, 2)), [0.0])])),
            lambda odd=odd: check_problem(heat(observations=[Observations(U, odd, [0.0])])),
            lambda odd=odd: check_problem(heat(observations=[Observations(U, np.zeros((1, 2)), odd)])),
            lambda odd=odd: NormalDerivative(odd),
            lambda odd=odd: Unknown(odd),
            lambda odd=odd: Unknown("k", start=odd, high=odd),
            lambda odd=odd: Rectangle(odd, (0, 0), odd),
            lambda odd=odd: Disk((x, y), odd, 1, name=odd),
            lambda odd=odd: Disk((x, odd), (0, 0), odd),
            lambda odd=odd: Ellipse((x, y), (0, 0), odd, angle=odd),
            lambda odd=odd: Polygon((x, y), odd),
            lambda odd=odd: Polygon((x, y), [(0, 0), (1, 0), odd]),
            lambda odd=odd: Disk((x, y), (0, 0), 1) - odd,
        ):
            survives(action)


def test_damaged_settings_refuse_in_our_words():
    for odd in ODD:
        for action in (
            lambda odd=odd: Settings(points=odd, seed=odd),
            lambda odd=odd: Settings(device=odd, hard=odd),
            lambda odd=odd: Settings(weights={"a": odd}),
            lambda odd=odd: Settings().with_values({"points.interior": odd, "weights.a": odd}),
            lambda odd=odd: Settings().with_values({str(odd): 1}),
        ):
            survives(action)
