"""Unknown numbers are symbols that keep their start and bounds; numbers are real and finite."""

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from sympy import I, Piecewise, Rational, Symbol, cos, oo, pi, sin, sqrt, zoo

from pinnsolver.declare import NormalDerivative, Unknown
from pinnsolver.declare.symbols import shown, to_number
from pinnsolver.errors import DeclarationError

from .given import u, x, y


@pytest.mark.parametrize(
    ("args", "phrase"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": 3}, "Unknown(3) needs a name"),
        ({"name": x}, "needs a name"),
        ({"name": "k", "start": "1"}, "The start of Unknown('k') is '1'"),
        ({"name": "k", "start": x}, "The start of Unknown('k') is x"),
        ({"name": "k", "start": oo}, "finite"),
        ({"name": "k", "low": [0]}, "The low bound"),
        ({"name": "k", "high": 1j}, "The high bound"),
        ({"name": "k", "start": 1, "low": 1}, "not strictly between its bounds low=1 and high=None"),
        ({"name": "k", "start": 3, "low": 0, "high": 2}, "Write a start inside them"),
        ({"name": "k", "start": 1, "low": 2, "high": 0}, "not strictly between"),
    ],
)
def test_a_wrong_unknown_is_refused(args, phrase):
    with pytest.raises(DeclarationError) as caught:
        Unknown(**args)
    assert phrase in str(caught.value) and "\nWrite" in str(caught.value)


def test_an_unknown_survives_algebra_copies_and_pickling():
    k = Unknown("k", start=2, low=0, high=5)
    assert (k * x).free_symbols == {k, x} and (k + k).args == (2, k)
    for twin in (copy.deepcopy(k), pickle.loads(pickle.dumps(k))):
        assert twin == k and (twin.start, twin.low, twin.high) == (2, 0, 5)
    assert k != Symbol("k") and k != Unknown("k") and k.is_real


@pytest.mark.parametrize(
    "value",
    [1, 1.0, np.float32(1), np.int64(1), Fraction(1), Decimal(1), Rational(2, 2), sqrt(1), sin(pi / 2)],
)
def test_numbers_of_every_kind_are_numbers(value):
    assert to_number(value, "It") == 1.0


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "1",
        b"1",
        1j,
        np.nan,
        np.zeros(1),
        [1],
        x,
        I,
        oo,
        zoo,
        10**400,
        Piecewise((1, x < 0)),
        object(),
        u(x),
    ],
)
def test_the_rest_is_not(value):
    with pytest.raises(DeclarationError, match=r"It is .*finite real number"):
        to_number(value, "It")


def test_long_values_are_shortened_in_messages():
    assert len(shown("a" * 1000)) < 220


def test_the_slope_of_a_constant_is_zero():
    assert NormalDerivative(3) == 0 and NormalDerivative(pi) == 0
    assert NormalDerivative(u(x, y)).args == (u(x, y),) and NormalDerivative(cos(x)) != 0
