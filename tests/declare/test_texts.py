"""Expressions as text: derivatives as subscripts, pins in the place of coordinates."""

from sympy import Eq, pi, sin, sqrt

from pinnsolver.declare import NormalDerivative
from pinnsolver.declare.texts import mathml_text, plain_text, unicode_text

from .given import HEAT, t, u, x, y

U = u(x, t)


def test_plain_text_is_one_line_with_subscripts():
    assert plain_text(U.diff(x, 2) + sin(pi * x)) == "sin(pi*x) + u_xx(x, t)"
    assert plain_text(U.diff(t).subs(t, 0)) == "u_t(x, 0)"
    assert plain_text(NormalDerivative(u(x, y))) == "d/dn u(x, y)"


def test_unicode_text_uses_the_same_short_forms():
    assert unicode_text(HEAT) == "u_t(x, t) = u_xx(x, t)"
    assert unicode_text(Eq(U.diff(t).subs(t, 0), 1)) == "u_t(x, 0) = 1"


def test_powers_of_derivatives_are_shown():
    shown = unicode_text(Eq(U.diff(x) ** 2 + sqrt(U.diff(t)), 1 / U.diff(x).subs(x, 0) ** 3))
    assert "u_x (x, t)" in shown and "√" in shown.replace("╲╱", "√")
    assert unicode_text(U.diff(x) ** 2).split("\n")[0].strip() == "2"
    assert "<msup>" in mathml_text(U.diff(x) ** 2) and plain_text(U.diff(x) ** 2) == "u_x(x, t)**2"


def test_mathml_shows_a_field_by_its_letter_and_a_pinned_one_with_its_place():
    assert mathml_text(U) == "<mi>u</mi>"
    assert "<mn>0</mn>" in mathml_text(u(x, 0))
    slope = "<mfrac><mrow><mo>&#8706;</mo><mi>u</mi></mrow><mrow><mo>&#8706;</mo><mi>x</mi></mrow></mfrac>"
    assert mathml_text(U.diff(x)) == slope
    assert "<mi>n</mi>" in mathml_text(NormalDerivative(u(x, y)))
