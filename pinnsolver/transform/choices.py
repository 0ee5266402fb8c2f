"""The automatic choices: settings filled in from the declaration, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import ceil, exp
from typing import Any

from pinnsolver.declare import CheckedProblem, Settings
from pinnsolver.declare.settings import NetworkSettings
from pinnsolver.errors import DeclarationError, PinnsolverError, UnsupportedProblem
from pinnsolver.transform.constants import fix_constants
from pinnsolver.transform.edges import Edge, edge_choice, find_edges
from pinnsolver.transform.frames import choose_frame
from pinnsolver.transform.hard import build_hard_conditions
from pinnsolver.transform.modes import (
    FINER,
    MODAL_WIDTH,
    MOST_MODES,
    USUAL_HARMONICS,
    amplitude_parameters,
    choose_harmonics,
    in_modes,
    mode_count,
)
from pinnsolver.transform.rates import rates
from pinnsolver.transform.scaling import term_weights
from pinnsolver.transform.size import parameter_count
from pinnsolver.transform.stream import StreamFunction, choose_stream
from pinnsolver.transform.symmetry import (
    choose_reflections,
    halvings,
    with_odd_factors,
    with_parities,
    without_layers,
)
from pinnsolver.transform.transformed import ASKED, Ansatz, Choice, Enforcement, TransformedProblem
from pinnsolver.transform.units import Units, choose_units
from pinnsolver.transform.windows import (
    FEW,
    carried,
    choose_windows,
    grows,
    seam_ansatz,
    why_one_window,
    window_problem,
)

DEFAULT_STEPS = 1500
EXACT = 2000  # parameters up to which Gauss-Newton is used
LEAST_WIDTH = 16  # of a network that is narrowed for its sake, or for a short window of time
# Seconds of a step in modes, and for the cube of the number of parameters: measured on one core. With fewer steps in each window
# than so many, a perceptron in longer windows comes further.
MODAL_STEP, MODAL_STEPS = (5e-3, 1.6e-10), 25
MODAL_WIDEST, MODAL_STEPS_WIDE = 10, 100  # neurons, where each window has so many steps
POINTS_A_PARAMETER = 2.7  # in modes: fewer residuals are learnt by heart
WINDOW_POINTS = {1: 128, 2: 1000}  # by the number of coordinates
NARROWER = (
    0.8  # times as many neurons for each reflection: measured on Allen-Cahn, reaction, Helmholtz and Poisson
)
LONG, WIDER = 240.0, 8  # seconds in which a wider network overtakes, and by how many neurons: measured
GROWING = 1.0  # e-foldings from which on early residuals count more
DENSE = 4000  # parameters up to which a dense quasi-Newton matrix costs less than a gradient
MOST_DENSE = 12000  # parameters up to which a dense matrix may be asked for: 1.2 GB
JACOBIAN_BYTES = 2**30  # of the largest Jacobian


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
    if (settings.early or 1.0) != 1.0 and checked.time is None:
        raise DeclarationError(
            "Early residuals were asked to count more, but the problem is steady: it has no time.\nLeave out early"
        )
    units, choice = choose_units(checked, settings)
    if units is not None:
        try:
            return _transform(units.restated, settings.with_values({"units": True}), units, choice)
        except PinnsolverError:
            if settings.units:
                raise
            choice = Choice(False, "in other units it cannot be transformed")
    # Without units of its own, what is wrong with a problem is told in the numbers that were declared.
    return _transform(checked, settings.with_values({"units": False}), None, choice)


def _transform(
    checked: CheckedProblem, settings: Settings, units: Units | None, units_choice: Choice
) -> TransformedProblem:
    """Restate a problem in the units of the training."""
    stream, stream_choice = choose_stream(checked, settings)
    if stream is not None:
        checked = stream.restated
        frame, frame_choice = None, Choice("eulerian", "a stream function is not carried along")
    else:
        frame, frame_choice = choose_frame(checked, settings.frame)
    settings = settings.with_values({"frame": frame_choice.value, "stream_function": stream is not None})
    if frame is not None:
        checked = frame.restated
    if settings.network.fourier and all(c.name in checked.periodic for c in checked.coordinates):
        raise DeclarationError(
            "Random features were asked for, but every coordinate is periodic and has its harmonics.\n"
            "Leave out network.fourier, and set network.harmonics higher"
        )
    _refuse_modes(checked, settings.network)
    ansatz, enforcement = build_hard_conditions(checked, settings.hard, bend=not settings.network.fourier)
    if settings.hard is not False:
        ansatz, enforcement = fix_constants(checked, ansatz, enforcement)
    reflections, why = choose_reflections(checked, settings, ansatz, frame is not None)
    automatic, scales = term_weights(checked, () if frame is None else frame.learned)
    weights, weight_choice = _weights(automatic, settings, enforcement)
    reflected = with_parities(checked, ansatz, reflections)
    resolved, choices = _fill_in(checked, settings, reflected)
    if reflections:
        found, why = without_layers(checked, reflections, resolved.network.kind == "modal")
        if found != reflections:
            reflections, reflected = found, with_parities(checked, ansatz, found)
            resolved, choices = _fill_in(checked, settings, reflected)
    if settings.symmetry and not reflections:
        raise UnsupportedProblem(f"Symmetry was asked for: {why}.\nLeave out symmetry, or set it to false")
    resolved = resolved.with_values({"symmetry": bool(reflections)})
    resolved = resolved.with_values({f"weights.{name}": value for name, value in weights.items()})
    choices["weights"] = weight_choice
    ansatz = with_odd_factors(checked, reflected, resolved.network)
    hard = [name for name, e in enforcement.items() if e.how == "hard"]
    counts = f"{len(hard)} of {len(enforcement)} conditions"
    choices = {
        "hard conditions": Choice(
            counts,
            ASKED if settings.hard is not None else "every condition that an ansatz can carry without harm",
        ),
        "units": units_choice,
        "frame": frame_choice,
        **({} if stream_choice is None else {"stream function": stream_choice}),
        "symmetry": Choice(bool(reflections), why if settings.symmetry is None else ASKED),
        **choices,
    }
    edges = find_edges(checked, ansatz, scales) if stream is None else _declared_edges(stream, settings)
    if units is not None:
        edges = tuple(replace(e, place=_place(e, units)) for e in edges)
        if stream is None and frame is None:
            enforcement = _told_as_declared(units.declared, settings, enforcement)
    if edges:
        choices["contradicted edges"] = edge_choice(edges)
    return TransformedProblem(
        checked,
        resolved,
        ansatz,
        enforcement,
        choices,
        scales,
        frame=frame,
        stream=stream,
        reflections=reflections,
        edges=edges,
        units=units,
    )


def _place(edge: Edge, units: Units) -> str:
    """Return where an edge is, in declared units."""
    both = [units.declared.coordinates[k] for k in edge.columns]
    pairs = zip(both, edge.ends, strict=True)
    return ", ".join(f"{c.name} = {float(units.coordinates[c.name]) * end:g}" for c, end in pairs)


def _told_as_declared(
    declared: CheckedProblem, settings: Settings, enforcement: Mapping[str, Enforcement]
) -> dict[str, Enforcement]:
    """Return how conditions are met, with reasons in the numbers of the declaration."""
    told = build_hard_conditions(declared, settings.hard, bend=not settings.network.fourier)[1]
    return {n: told[n] if n in told and told[n].how == e.how else e for n, e in enforcement.items()}


def _declared_edges(stream: StreamFunction, settings: Settings) -> tuple[Edge, ...]:
    """Return the edges at which the velocities that were declared contradict an equation: there no stream function is smooth."""
    declared = stream.declared
    ansatz, _ = build_hard_conditions(declared, settings.hard, bend=not settings.network.fourier)
    return find_edges(declared, ansatz, term_weights(declared)[1])


def _refuse_modes(checked: CheckedProblem, network: NetworkSettings) -> None:
    """Refuse modes that were asked for where there are none, or more than can be listed."""
    if network.kind != "modal":
        return
    if not any(in_modes(checked, f, network) for f in checked.fields):
        raise DeclarationError(
            "A network in modes was asked for, but no field has both a periodic coordinate and another one.\n"
            "Leave out network.kind, or declare Periodic(x) for a coordinate of a field"
        )
    periodic = sum(c.name in checked.periodic for c in checked.coordinates)
    if network.harmonics and mode_count((0,) * periodic, network.harmonics) > MOST_MODES:
        raise DeclarationError(
            f"A network with network.harmonics={network.harmonics} in {periodic} periodic coordinates has more than {MOST_MODES} modes.\n"
            "Use fewer, for example network.harmonics=10"
        )


def transform_window(whole: TransformedProblem, k: int) -> TransformedProblem:
    """Restate window k of a problem that is solved window by window; settings and methods are the whole's."""
    checked = window_problem(whole.checked, whole.settings.windows or 1, k)
    ansatz, enforcement = build_hard_conditions(
        checked, whole.settings.hard, bend=not whole.settings.network.fourier
    )
    levels = carried(whole.checked) if k else {}
    if k:
        assert checked.time is not None
        ansatz = {name: seam_ansatz(a, checked.time, levels[name]) for name, a in ansatz.items()}
    ansatz = with_parities(checked, ansatz, whole.reflections)
    ansatz = with_odd_factors(checked, ansatz, whole.settings.network)
    fixed = {a.constant for a in whole.ansatz.values()} & set(enforcement)
    enforcement |= {name: whole.enforcement[name] for name in fixed if name is not None}
    settings = whole.settings
    automatic, scales = term_weights(checked, () if whole.frame is None else whole.frame.learned)
    asked = whole.choices["weights"].reason == ASKED
    given = {n: w for n, w in (settings.weights or {}).items() if asked and n in automatic}
    settings = settings.model_copy(update={"weights": given})
    weights, _ = _weights(automatic, settings, enforcement)
    settings = settings.model_copy(update={"weights": weights})
    assert whole.checked.time is not None
    time = whole.checked.coordinates.index(whole.checked.time) if k else None
    # Those at the start belong to the first window.
    edges = tuple(e for e in whole.edges if time not in e.columns)
    return TransformedProblem(
        checked,
        settings,
        ansatz,
        enforcement,
        whole.choices,
        scales,
        levels,
        reflections=whole.reflections,
        edges=edges,
    )


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
    if any(name.startswith("observations") for name in soft):
        reason += "; that of observations is halved as often as they prove to be noise"
    return soft | dict(given), Choice(soft | dict(given), ASKED if given else reason)


def _fill_in(
    checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]
) -> tuple[Settings, dict[str, Choice]]:
    """Return the settings without gaps, and the choices that filled them."""
    choices: dict[str, Choice] = {}
    method, network, points, second = (
        partial(f, ansatz=ansatz) for f in (_method, _network, _points, _second)
    )
    for automatic in (_run, method, network, points, second, _plan):  # the later look at the earlier ones
        for key, (value, reason) in automatic(checked, settings).items():
            given = _value(settings, key)
            choices[key] = Choice(value if given is None else given, reason if given is None else ASKED)
            settings = settings.with_values({key: choices[key].value})
    for key in ("steps", "seconds", "tolerance", "threads", "hard"):
        given = _value(settings, key)
        if given is not None and key not in choices:
            choices[key] = Choice(given, ASKED)
    return settings, choices


_Automatic = dict[str, tuple[Any, str]]


def _value(settings: Settings, key: str) -> Any:
    node: Any = settings
    for part in key.split("."):
        node = getattr(node, part)
    return node


def _run(checked: CheckedProblem, settings: Settings) -> _Automatic:
    """Return where and how far it runs."""
    found: _Automatic = {
        "seed": (0, "fixed, so that a run can be repeated"),
        "device": ("cpu", "small networks in float64 run best there"),
        "precision": ("float64", "second-order methods stall on the rounding of float32"),
    }
    if settings.steps is None and settings.seconds is None:
        reason = "neither steps nor seconds were given; steps make the run repeatable"
        found["steps"] = (DEFAULT_STEPS, reason)
    return found


def _method(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> _Automatic:
    """Return the transforms."""
    reason = why_one_window(checked)
    if reason is not None and (settings.windows or 1) > 1:
        raise UnsupportedProblem(
            f"The problem cannot be cut into {settings.windows} windows of time: {reason}.\nLeave out windows, or use windows=1"
        )
    steps = settings.steps if settings.seconds is None else None
    windows = choose_windows(checked, steps, _harmonics(checked, settings, ansatz) is not None)
    count = settings.windows or windows[0]
    return {"windows": windows, "causal": _causal(checked, count), "early": _early(checked, count)}


def _harmonics(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> int | None:
    """Return the longest wave vector of a network in modes, None where it is to be another network."""
    network = settings.network
    if network.kind == "modal":
        return network.harmonics or choose_harmonics(checked, network, EXACT, ansatz) or USUAL_HARMONICS
    if (
        network.kind is not None
        or network.harmonics
        or network.depth
        or (settings.windows or 2) == 1
        or not grows(checked)
    ):
        return None
    found = choose_harmonics(checked, network, EXACT, ansatz)
    if found is None or settings.seconds is None:
        return found
    windows = settings.windows or choose_windows(checked, modal=True)[0]
    return found if _steps_in_modes(checked, settings, found, windows, ansatz) >= MODAL_STEPS else None


def _steps_in_modes(
    checked: CheckedProblem, settings: Settings, harmonics: int, windows: int, ansatz: Mapping[str, Ansatz]
) -> float:
    """Return how many steps each window will have, about.

    Args:
        settings: bound by steps or seconds.
    """
    if settings.seconds is None:
        return (settings.steps or 0) / windows
    size = amplitude_parameters(checked, settings.network, harmonics, ansatz)
    step = MODAL_STEP[0] + MODAL_STEP[1] * size**3
    return settings.seconds / windows / step


def _modal_width(
    checked: CheckedProblem, settings: Settings, harmonics: int, ansatz: Mapping[str, Ansatz]
) -> tuple[int, str]:
    """Return the width of the amplitudes' layer, more where there is time."""
    for width in range(MODAL_WIDEST, MODAL_WIDTH, -1):
        trial = settings.with_values({"network.width": width})
        steps = _steps_in_modes(checked, trial, harmonics, settings.windows or 1, ansatz)
        if (
            amplitude_parameters(checked, trial.network, harmonics, ansatz) <= EXACT
            and steps >= MODAL_STEPS_WIDE
        ):
            return (
                width,
                f"of the amplitudes: there is time for {MODAL_STEPS_WIDE} steps and more in each window",
            )
    return MODAL_WIDTH, "of the amplitudes, in each window"


def _network(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> _Automatic:
    """Return the network, so narrow that Gauss-Newton can train it, if that is not too narrow; wider where there is time."""
    found = _usual_network(checked, settings, ansatz)
    usual, reason = found["network.width"]
    modal = "modal" in (settings.network.kind, found["network.kind"][0])
    if modal or settings.network.width is not None or settings.optimizer.second not in (None, "gauss-newton"):
        return found
    trial = settings.with_values({k: v for k, (v, _) in found.items() if _value(settings, k) is None})
    wanted = usual + WIDER if _is_long(settings) else usual
    for width in range(wanted, LEAST_WIDTH - 1, -1):
        size = parameter_count(checked, trial.with_values({"network.width": width}), ansatz)
        if size <= EXACT:
            break
    else:
        return found
    if width > usual:
        reason += f": {size} parameters, for in {settings.seconds:g} s a smaller network would stop improving"
    elif width < usual:
        most = parameter_count(checked, trial, ansatz)
        reason += f": {size} parameters, so that Gauss-Newton can be used ({most} at width {usual})"
    return found | {"network.width": (width, reason)}


def _is_long(settings: Settings) -> bool:
    """Say whether there is time for what is best in the end, in every window."""
    return settings.tolerance is None and (settings.seconds or 0.0) >= LONG * (settings.windows or 1)


def decided_by_seconds(transformed: TransformedProblem) -> set[str]:
    """Return the automatic choices of a run bound by seconds that one bound by steps may make otherwise."""
    settings = transformed.settings
    found = {"windows"} if settings.seconds is not None and (settings.windows or 1) > 1 else set()
    found |= {"network.width"} if _is_long(settings) else set()
    if settings.seconds is not None and grows(transformed.checked):
        found |= {"network.kind", "network.width"} if settings.network.kind == "modal" else {"network.kind"}
    return {key for key in found if transformed.choices[key].reason != ASKED}


def _usual_network(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> _Automatic:
    """Return the network by the numbers of coordinates and fields alone."""
    inputs, fields = len(checked.coordinates), len(checked.fields)
    linear = all(e.residual.is_linear() for e in checked.equations)
    count = f"{inputs} input{'s' * (inputs > 1)}, {fields} field{'s' * (fields > 1)}"
    halved = halvings(ansatz)
    found: _Automatic = {
        "network.kind": ("mlp", "the modified one costs two to three times as much a step"),
        "network.trunks": ("shared", "fields of the same coordinates share what they learn"),
        "network.width": (
            (LEAST_WIDTH, f"{count}, in each window")
            if (settings.windows or 1) > 1 and inputs <= 2
            else (
                max(LEAST_WIDTH, round(_width(inputs, fields) * NARROWER**halved)),
                count + ", narrower for each reflection" * bool(halved),
            )
        ),
        "network.depth": (3, "deep enough for the products of features, shallow enough to train"),
        # Measured at equal time: sin is 5 to 50 times better on linear waves, 10 to 30 times worse on fronts.
        "network.activation": (
            ("sin", "linear in the fields: solutions are sums of waves")
            if linear
            else ("tanh", "nonlinear in the fields: fronts may form")
        ),
        "network.harmonics": (2, "of each periodic coordinate"),
        "network.fourier": (0, "the scaled coordinates will do"),
        "network.fourier_scale": (2.0, "of random frequencies if there are any: two thirds of a wave across"),
    }
    harmonics = _harmonics(checked, settings, ansatz)
    if harmonics is None:
        return found
    return found | {
        "network.kind": (
            "modal",
            "a field that grows on a periodic box: all its waves, at the cost of a value",
        ),
        "network.width": _modal_width(checked, settings, harmonics, ansatz),
        "network.depth": (1, "amplitudes are smooth within a window"),
        "network.harmonics": (
            harmonics,
            f"{FINER:g} times the waves that can grow, and all of the initial state",
        ),
    }


def _points(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> _Automatic:
    """Return the numbers of points."""
    inputs = len(checked.coordinates)
    plural = f"{inputs} coordinate{'s' * (inputs > 1)}"
    return {
        "points.interior": _interior(checked, settings, ansatz, plural),
        "points.boundary": (_boundary_points(inputs), "for each condition; half of them where one runs"),
        "points.integral": (48, "Gauss-Legendre nodes along each integrated coordinate"),
        "points.growth": (
            (4.0, "more interior points where held-out ones show that these are learnt by heart")
            if settings.points.interior is None
            else (1.0, "the number of points was asked for")
        ),
    }


def _interior(
    checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz], plural: str
) -> tuple[int, str]:
    """Return the number of points for the equations, and why.

    Args:
        plural: the number of coordinates in words.
    """
    inputs = len(checked.coordinates)
    if settings.network.kind == "modal":
        size = parameter_count(checked, settings, ansatz)
        count = ceil(POINTS_A_PARAMETER * size / len(checked.equations))
        return count, f"{POINTS_A_PARAMETER:g} residuals for each of {size} parameters"
    windowed = (settings.windows or 1) > 1 and inputs in WINDOW_POINTS
    count, reflected = WINDOW_POINTS[inputs] if windowed else _interior_points(inputs), halvings(ansatz)
    reason = plural + ", in each window" * windowed + ", halved for each reflection" * bool(reflected)
    return max(1, count // 2**reflected), reason


def _second(checked: CheckedProblem, settings: Settings, ansatz: Mapping[str, Ansatz]) -> _Automatic:
    """Return the second-order method, by the size of its matrices."""
    size = parameter_count(checked, settings, ansatz)
    given = settings.optimizer.second
    if given in ("broyden", "bfgs", "gauss-newton") and not settings.optimizer.rank and size > MOST_DENSE:
        raise DeclarationError(
            f"The network has {size} parameters: a dense matrix of them, as optimizer.second={given} needs, takes "
            f"{8e-9 * size**2:.1f} GB.\nUse optimizer.second=lbfgs, or a smaller network.width"
        )
    if settings.optimizer.rank and given not in (None, "gauss-newton"):
        raise DeclarationError(
            f"optimizer.rank belongs to Gauss-Newton, but optimizer.second={given} was asked for.\n"
            "Leave out one of them, or use optimizer.second=gauss-newton"
        )
    if settings.optimizer.rank and given is None:
        return {"optimizer.second": ("gauss-newton", "its rank was asked for")}
    rows = len(checked.equations) * (settings.points.interior or 0)
    numbers = f"{size} parameters"
    if size <= EXACT and 8.0 * size * rows <= JACOBIAN_BYTES:
        found = ("gauss-newton", f"{numbers}: the most digits a second while the Jacobian is small")
    elif size <= DENSE:
        found = ("broyden", f"{numbers}: a dense matrix still fits, a Jacobian costs too much")
    else:
        found = ("lbfgs", f"{numbers}: no dense matrix fits")
    return {"optimizer.second": found}


def _plan(checked: CheckedProblem, settings: Settings) -> _Automatic:
    """Return the pace of training, by the second-order method."""
    exact, modal = settings.optimizer.second == "gauss-newton", settings.network.kind == "modal"
    redraw = (
        (40, "points enough that none is learnt by heart")
        if exact and modal
        else (10, "Gauss-Newton remembers nothing of the old points; more where residuals are large")
        if exact
        else (250, "before the points are learnt by heart; more where residuals are large")
    )
    return {
        "points.redraw": redraw,
        "optimizer.adam": (
            (0, "the amplitudes enter linearly: there is no basin to find")
            if exact and modal
            else (100 if exact else 500, "first order finds the basin, second order the digits")
        ),
        "optimizer.learning_rate": (5e-3, "falls to a tenth along Adam's steps"),
        "optimizer.memory": (50, "pairs that L-BFGS remembers"),
        "optimizer.rank": (0, "Gauss-Newton solves its system exactly"),
    }


def _causal(checked: CheckedProblem, windows: int) -> tuple[bool, str]:
    """Return whether time is weighted causally, and why."""
    if checked.time is None:
        return False, "no time"
    if checked.space:
        return False, "a field in space: walls and diffusion hold its times together"
    if windows > 1:
        return False, "windows of time are short enough to be solved at once"
    return False, "all times at once take a tenth of the steps, or fewer, and are solved as surely"


def _early(checked: CheckedProblem, windows: int) -> tuple[float, str]:
    """Return how much more a residual counts at the start than at the end, and why."""
    if checked.time is None:
        return 1.0, "no time"
    if windows > 1:
        return 1.0, "little grows within a window"
    if why_one_window(checked) is not None:
        return 1.0, "not all is said at the start"
    growth = rates(checked).growth * checked.time.length
    if not GROWING <= growth <= FEW:
        return (
            1.0,
            "little grows over the horizon" if growth < GROWING else "more grows than one network holds",
        )
    found = float(f"{exp(growth / 2):.2g}")
    return found, f"what a residual leaves grows by up to {growth:.3g} e-foldings until the end: half of them"


def _interior_points(inputs: int) -> int:
    """Return points for the equations: more in more dimensions, never so many that a step takes long."""
    return {1: 400, 2: 2000, 3: 4000}.get(inputs, 6000)


def _boundary_points(inputs: int) -> int:
    """Return points for each condition that runs over two or more coordinates."""
    return {1: 100, 2: 600, 3: 1000}.get(inputs, 1000)


def _width(inputs: int, fields: int) -> int:
    """Return neurons in a layer."""
    return {1: 20, 2: 20, 3: 26}.get(inputs, 32) + 4 * min(fields - 1, 3)
