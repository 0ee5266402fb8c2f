"""What the tests of this room declare: one right problem of each sort, to be changed in one place."""

import pytest
from sympy import Eq, Function, sin, symbols

from pinnsolver.declare import Disk, On, Problem, Rectangle, check_problem
from pinnsolver.errors import DeclarationError

x, y, z, t, s, nu = symbols("x y z t s nu")
u, v, w, p = (Function(name) for name in "uvwp")
HEAT = Eq(u(x, t).diff(t), u(x, t).diff(x, 2))
POISSON = Eq(u(x, y).diff(x, 2) + u(x, y).diff(y, 2), 1)
START, LEFT, RIGHT = Eq(u(x, 0), sin(x)), Eq(u(0, t), 0), Eq(u(1, t), 0)


def heat(**changes):
    """Return the heat equation on [0, 1] x [0, 1], with some arguments changed."""
    declared = {
        "equations": [HEAT],
        "domain": [(x, 0, 1)],
        "time": (t, 0, 1),
        "conditions": [START, LEFT, RIGHT],
    }
    return Problem("heat", **{**declared, **changes})


def steady(equation, *conditions, **changes):
    """Return a steady problem in one dimension, on [0, 1]."""
    return Problem(
        "steady", **{"equations": [equation], "domain": [(x, 0, 1)], "conditions": conditions, **changes}
    )


def plate(*conditions, **changes):
    """Return Poisson's equation on the square [-1, 1] x [0, 1]."""
    declared = {"equations": [POISSON], "domain": [(x, -1, 1), (y, 0, 1)], "conditions": conditions}
    return Problem("plate", **{**declared, **changes})


def perforated(*conditions, domain=None):
    """Return Poisson's equation on the unit square with a hole, both named; a function of it makes the conditions."""
    if domain is None:
        domain = Rectangle((x, y), (0, 0), (1, 1), name="square") - Disk((x, y), (0.5, 0.5), 0.2, name="hole")
    if not conditions:
        conditions = [On(domain.boundary, Eq(u(x, y), 0))]
    return Problem("perforated", [POISSON], domain, conditions=conditions)


def refusal(problem, *phrases, error=DeclarationError):
    """Return the message with which a problem, or a callable, is refused; it holds the phrases and says what to do."""
    with pytest.raises(error) as caught:
        check_problem(problem() if callable(problem) else problem)
    message = str(caught.value)
    assert type(caught.value) is error
    for phrase in phrases:
        assert phrase in message, message
    assert "\n" in message, f"the message says nothing to write instead: {message}"
    return message


def only(problem):
    """Return the one condition of a problem, checked."""
    (condition,) = check_problem(problem).conditions
    return condition
