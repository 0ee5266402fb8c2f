"""The automatic choices: settings filled in from the declaration, each with its reason."""

from __future__ import annotations

from typing import Any

from pinnsolver.declare import CheckedProblem, Settings
from pinnsolver.errors import DeclarationError, UnsupportedProblem
from pinnsolver.transform.hard import build_hard_conditions
from pinnsolver.transform.scaling import term_weights
from pinnsolver.transform.transformed import Choice, Enforcement, TransformedProblem

DEFAULT_STEPS = 5000


def transform_problem(checked: CheckedProblem, settings: Settings) -> TransformedProblem:
    """Restate a checked problem: hard conditions, and every setting that was left open.

    Args:
        settings: what the user said, command line and problem file joined.

    Raises:
        UnsupportedProblem: a method was asked for that is not ours yet.
    """
    if settings.causal and checked.time is None:
        raise DeclarationError(
            "Causal weighting was asked for, but the problem is steady: it has no time.\nLeave out causal=True (--causal)"
        )
    if settings.frame == "lagrangian":
        raise UnsupportedProblem(
            'The Lagrangian frame is not built yet.\nLeave out frame="lagrangian" (--frame): the solver then works in the Eulerian frame'
        )
    if settings.network.fourier and all(c.name in checked.periodic for c in checked.coordinates):
        raise DeclarationError(
            "Random features were asked for, but every coordinate is periodic and has its harmonics.\n"
            "Leave out network.fourier, and set network.harmonics higher"
        )
    ansatz, enforcement = build_hard_conditions(checked, settings.hard)
    automatic, scale = term_weights(checked)
    weights, weight_choice = _weights(automatic, settings, enforcement)
    resolved, choices = _fill_in(checked, settings)
    resolved = resolved.with_values({f"weights.{name}": value for name, value in weights.items()})
    choices["weights"] = weight_choice
    hard = [name for name, e in enforcement.items() if e.how == "hard"]
    counts = f"{len(hard)} of {len(enforcement)} conditions"
    choices = {
        "hard conditions": Choice(
            counts, "asked for" if settings.hard is not None else "every condition whose ansatz is plain"
        ),
        **choices,
    }
    return TransformedProblem(checked, resolved, ansatz, enforcement, choices, scale)


def _weights(
    automatic: dict[str, float], settings: Settings, enforcement: dict[str, Enforcement]
) -> tuple[dict[str, float], Choice]:
    """Return the weight of every term of the loss.

    Raises:
        DeclarationError: the user weighs a term that is not in the loss.
    """
    soft = {n: w for n, w in automatic.items() if n not in enforcement or enforcement[n].how == "soft"}
    given = settings.weights or {}
    alien = [name for name in given if name not in automatic]
    if alien:
        raise DeclarationError(
            f"There is a weight for {alien[0]!r}, which is no term of the loss.\n"
            f"The terms are: {'; '.join(soft)}"
        )
    reason = "each residual in units of what one wave of size 1 across the domain leaves in it"
    return soft | dict(given), Choice(soft | dict(given), "asked for" if given else reason)


def _fill_in(checked: CheckedProblem, settings: Settings) -> tuple[Settings, dict[str, Choice]]:
    """Return the settings without gaps, and the choices that filled them."""
    inputs = len(checked.coordinates)
    highest = max((max(checked.highest_orders(f.name), default=0) for f in checked.fields), default=0)
    fields = len(checked.fields)
    automatic: dict[str, tuple[Any, str]] = {
        "seed": (0, "fixed, so that a run can be repeated"),
        "device": ("cpu", "small networks in float64 run best there"),
        "precision": ("float64", "quasi-Newton methods stall on the rounding of float32"),
        "frame": ("eulerian", "the only one built yet"),
        "causal": _causal(checked),
        "points.interior": (_interior_points(inputs), f"{inputs} coordinate{'s' * (inputs > 1)}"),
        "points.boundary": (
            _boundary_points(inputs),
            "for each condition; half of them where one coordinate runs",
        ),
        "points.integral": (48, "Gauss-Legendre nodes along each integrated coordinate"),
        "points.redraw": (
            250,
            "new points, more where residuals are large, before the old ones are learnt by heart",
        ),
        "network.kind": ("mlp", "the plain one"),
        "network.trunks": ("shared", "fields of the same coordinates share what they learn"),
        "network.width": (
            _width(inputs, fields),
            f"{inputs} input{'s' * (inputs > 1)}, {fields} field{'s' * (fields > 1)}",
        ),
        "network.depth": (3, "deep enough for the products of features, shallow enough to train"),
        "network.activation": ("tanh", f"smooth: the equations differentiate {highest} times"),
        "network.harmonics": (2, "of each periodic coordinate"),
        "network.fourier": (0, "the scaled coordinates will do"),
        "network.fourier_scale": (
            2.0,
            "of random frequencies if there are any: 2 is two thirds of a wave across",
        ),
        "optimizer.adam": (500, "first order finds the basin, then a quasi-Newton method the digits"),
        "optimizer.learning_rate": (5e-3, "falls to a tenth along Adam's steps"),
        "optimizer.second": (
            "broyden",
            "self-scaled Broyden: most digits a second; L-BFGS above 4000 numbers",
        ),
        "optimizer.memory": (50, "pairs that L-BFGS remembers"),
    }
    if settings.steps is None and settings.seconds is None:
        automatic["steps"] = (
            DEFAULT_STEPS,
            "neither steps nor seconds were given; steps make the run repeatable",
        )
    given = settings.model_dump()
    values, choices = {}, {}
    for key, (value, reason) in automatic.items():
        node: Any = given
        for part in key.split("."):
            node = node[part]
        values[key] = value if node is None else node
        choices[key] = Choice(values[key], reason if node is None else "asked for")
    for key in ("steps", "seconds", "threads", "hard"):
        if given[key] is not None:
            choices[key] = Choice(given[key], "asked for")
    return settings.with_values(values), choices


def _causal(checked: CheckedProblem) -> tuple[bool, str]:
    """Return whether time is weighted causally, and why."""
    if checked.time is None:
        return False, "no time"
    if checked.space:
        return False, "a field in space: walls and diffusion hold its times together"
    if not any(c.kind.startswith("initial") for c in checked.conditions):
        return False, "no initial state to start from"
    return True, "a system in time alone: solved early times first, or it falls for a false solution"


def _interior_points(inputs: int) -> int:
    """Return points for the equations: more in more dimensions, never so many that a step takes long."""
    return {1: 400, 2: 2500, 3: 5000}.get(inputs, 8000)


def _boundary_points(inputs: int) -> int:
    """Return points for each condition that runs over two or more coordinates."""
    return {1: 100, 2: 600, 3: 1000}.get(inputs, 1000)


def _width(inputs: int, fields: int) -> int:
    """Return neurons in a layer."""
    return {1: 20, 2: 20, 3: 26}.get(inputs, 32) + 4 * min(fields - 1, 3)
