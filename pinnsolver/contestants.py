"""Who takes part in a comparison: one problem, one budget, several settings, all checked before anything trains."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pinnsolver.declare import CheckedProblem, Settings, check_problem
from pinnsolver.declare.problem import Problem
from pinnsolver.errors import DeclarationError, UnsupportedProblem
from pinnsolver.transform import TransformedProblem, transform_problem

AUTOMATIC = "automatic"
BUDGET = ("seconds", "steps")

# The network of Raissi et al. 2019, section 3: tanh, every condition in the loss, fixed points, Adam and then L-BFGS.
PLAIN: Mapping[str, Any] = {
    "hard": False,
    "causal": False,
    "early": 1.0,
    "frame": "eulerian",
    "stream_function": False,
    "symmetry": False,
    "units": False,
    "network.activation": "tanh",
    "optimizer.second": "lbfgs",
    "points.redraw": 0,
    "points.growth": 1,
}

Given = Sequence[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] | None


@dataclass(frozen=True)
class Contestant:
    """One way of solving the problem.

    Args:
        label: what the table calls it.
        asked: the settings that make it differ from the automatic run, by dotted key.
        settings: all that was said: the problem's own, the common ones and its own.
        unsupported: why this problem cannot be solved so; "" where it can.
    """

    label: str
    asked: Mapping[str, Any]
    settings: Settings
    unsupported: str = ""


def choose_contestants(
    problem: Problem, common: Settings, given: Given = None, only: bool = False
) -> tuple[Contestant, ...]:
    """Return the contestants in the order of the table, the automatic run first.

    Args:
        common: the problem's own settings with those of all contestants on top, the budget among them.
        given: settings by dotted key, one mapping a contestant, or such mappings by the contestant's name; the
            plain alternatives that the problem allows if left out.
        only: without the automatic run.

    Raises:
        DeclarationError: the problem, a setting or a name is wrong; the message names the contestant.
    """
    checked = check_problem(problem)
    named = _named(given)
    automatic = _enter(checked, common, AUTOMATIC, {})
    if not named:
        if only:
            raise DeclarationError(
                "Only the named contestants were asked for, but none is named.\n"
                "Name one, for example --with causal=true, or leave out --only"
            )
        named = _alternatives(checked, problem.settings, common)
    others = [_enter(checked, common, label, asked) for label, asked in named.items()]
    if not only and AUTOMATIC in named:
        raise _twice(AUTOMATIC)
    return (*others,) if only else (automatic, *others)


def label_of(asked: Mapping[str, Any]) -> str:
    """Return settings as `--with` takes them, which is also the contestant's label: hard=false, causal=true."""
    return ", ".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in asked.items()
    )


def by_label(entered: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    """Return contestants by label; one without a name is called after its settings.

    Raises:
        DeclarationError: two of one label.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for name, asked in entered:
        label = name.strip() or label_of(asked)
        if label in found:
            raise _twice(label)
        found[label] = asked
    return found


def _named(given: Given) -> dict[str, Mapping[str, Any]]:
    """Return what was given by label."""
    if isinstance(given, Mapping):
        pairs = [(str(name), asked) for name, asked in given.items()]
    else:
        pairs = [("", asked) for asked in given or ()]
    for name, asked in pairs:
        if not isinstance(asked, Mapping) or not asked:
            raise DeclarationError(
                f"The contestant {name or asked!r} has no settings by key.\n"
                'Write for example compare(problem, [{"causal": True}, {"hard": False, "causal": False}])'
            )
    return by_label(pairs)


def _enter(checked: CheckedProblem, common: Settings, label: str, asked: Mapping[str, Any]) -> Contestant:
    """Return a contestant whose settings are right, perhaps unsupported.

    Raises:
        DeclarationError: a key or a value is wrong.
    """
    budget = [key for key in asked if key in BUDGET]
    if budget:
        raise DeclarationError(
            f"The contestant {label} asks for {budget[0]} of its own; all get the same budget.\n"
            f"Write {budget[0]} once for all: --{budget[0]} {asked[budget[0]]}"
        )
    try:
        settings = common.with_values(dict(asked))
        transform_problem(checked, settings)
    except UnsupportedProblem as error:
        return Contestant(label, asked, settings, str(error))
    except DeclarationError as error:
        if label == AUTOMATIC:
            raise
        raise DeclarationError(f"The contestant {label}: {error}") from None
    return Contestant(label, asked, settings)


def _alternatives(checked: CheckedProblem, own: Settings, common: Settings) -> dict[str, Mapping[str, Any]]:
    """Return what the automatic choice could have been: soft, causal or not, another frame, and the plain network."""
    try:
        automatic = transform_problem(checked, common)
    except UnsupportedProblem:
        return {"plain": PLAIN}
    chosen = automatic.settings
    other = "lagrangian" if chosen.frame == "eulerian" else "eulerian"
    candidates: list[tuple[str, Mapping[str, Any]]] = [
        ("soft", {"hard": False}),
        ("not causal" if chosen.causal else "causal", {"causal": not chosen.causal}),
        (other, {"frame": other}),
        ("plain", PLAIN),
    ]
    entered: list[tuple[str, Mapping[str, Any]]] = []
    seen = [effect_of(automatic)]
    for name, asked in candidates:
        if any(getattr(common, key, None) != getattr(own, key, None) for key in asked):
            continue  # the user has settled it for all contestants
        try:
            effect = effect_of(transform_problem(checked, common.with_values(dict(asked))))
        except (UnsupportedProblem, DeclarationError):
            continue
        if effect not in seen:
            entered.append((name, asked))
            seen.append(effect)
    return by_label(entered)


def effect_of(transformed: TransformedProblem) -> tuple[Settings, tuple[str, ...]]:
    """Return what a contestant really does: two ways of asking for the same are one."""
    how = tuple(e.how for e in transformed.enforcement.values())
    return transformed.settings.model_copy(update={"hard": None}), how


def _twice(label: str) -> DeclarationError:
    return DeclarationError(
        f"The contestant {label} stands there twice.\nLeave one out, or name it: --with 'again: causal=true'"
    )
