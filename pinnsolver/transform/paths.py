"""Where particles go: displacements that are known as formulas, and fields for those that have to be learned."""

from __future__ import annotations

import numpy as np
import sympy
from sympy import Expr, Integral, Symbol
from sympy.integrals.manualintegrate import manualintegrate

from pinnsolver.declare import CheckedProblem, Field, FieldValue
from pinnsolver.transform.carried_walls import Wall
from pinnsolver.transform.hard import ROUGH
from pinnsolver.transform.numeric import vanishes
from pinnsolver.transform.transport import Transport

SHIFT = 0.05  # mean displacement over the domain's length from which on it is split off


def particle_paths(
    checked: CheckedProblem, transport: Transport, walls: tuple[Wall, ...]
) -> tuple[tuple[Expr, ...], dict[int, Field]]:
    """Return D by space coordinate, and the fields that stand in those that have to be learned."""
    found: dict[int, Expr] = {}
    kept = {s: u for s, u in _initial_symbols(checked).items() if s in _unchanging(transport)}
    space = [c.symbol for c in checked.space]
    for _ in space:  # a shear is known once the displacement across it is
        for i, f in enumerate(transport.velocity):
            places = {space[j]: space[j] + d for j, d in found.items()}
            if i in found or any(f.has(x) for x in set(space) - set(places)):
                continue
            path = f.xreplace({**places, **kept})
            if path.free_symbols <= {*space, checked.time.symbol if checked.time else None}:
                d = _elapsed(path, checked)
                if d is not None and _fits(d, i, checked, walls):
                    found[i] = d
    learned = {i: _displacement_field(i, checked) for i in range(len(space)) if i not in found}
    for i, function in learned.items():
        found[i] = mean_shift(i, checked, transport) + function.applied
    return tuple(found[i] for i in range(len(space))), learned


def initial_values(checked: CheckedProblem) -> dict[str, Expr]:
    """Return the declared initial value of each field that has one."""
    assert checked.time is not None
    found = {}
    for condition in checked.conditions:
        if condition.solved and condition.region.where is None:
            value, expr = condition.solved
            if not any(value.orders) and dict(value.pins) == {checked.time.name: checked.time.low_exact}:
                found[value.field] = expr
    return found


def _initial_symbols(checked: CheckedProblem) -> dict[Symbol, Expr]:
    """Return the initial values by the symbols of the fields."""
    zero = (0,) * len(checked.coordinates)
    return {FieldValue(name, zero).symbol: expr for name, expr in initial_values(checked).items()}


def _unchanging(transport: Transport) -> set[Symbol]:
    """Return the symbols of the fields that do not change along the particles."""
    still = {line.field for line in transport.lines if line.field is not None and line.right == 0}
    return {s for s, v in transport.values.items() if v.field in still}


def _elapsed(path: Expr, checked: CheckedProblem) -> Expr | None:
    """Return the integral of a velocity along its path from the start, None where it is no plain formula."""
    assert checked.time is not None
    t, start = checked.time.symbol, checked.time.low_exact
    if any(node.free_symbols for node in path.atoms(*ROUGH)):
        return None
    if not path.has(t):
        return path * (t - start)
    primitive = manualintegrate(path, t)
    found: Expr = primitive - primitive.subs(t, start)
    return None if found.has(Integral, sympy.Piecewise, sympy.zoo, sympy.nan) else found


def _fits(d: Expr, i: int, checked: CheckedProblem, walls: tuple[Wall, ...]) -> bool:
    """Say whether a displacement is zero across its walls, and the same at both ends of every period."""
    symbols = {c.name: c.symbol for c in checked.space}
    own = [at for name, at in walls if name == checked.space[i].name]
    at_walls = [d.subs(checked.space[i].symbol, at) for at in own]
    ends = [
        d.subs(symbols[c.name], c.low_exact) - d.subs(symbols[c.name], c.high_exact)
        for c in checked.space
        if c.name in checked.periodic
    ]
    return all(vanishes(gap, checked, checked.space[i].length) for gap in at_walls + ends)


def _displacement_field(i: int, checked: CheckedProblem) -> Field:
    """Return the field that is learned for D along a space coordinate, D_x for x."""
    assert checked.time is not None
    taken = {f.name for f in checked.fields} | {c.name for c in checked.coordinates}
    name = f"D_{checked.space[i].name}"
    while name in taken:
        name += "_"
    return Field(name, (*(c.symbol for c in checked.space), checked.time.symbol))


def mean_shift(i: int, checked: CheckedProblem, transport: Transport) -> Expr:
    """Return the displacement by the mean initial velocity along a period: what is learned is then small and J as before."""
    c, time = checked.space[i], checked.time
    assert time is not None
    initial = _initial_symbols(checked)
    first = transport.velocity[i].xreplace(initial).subs(time.symbol, time.low_exact)
    known = first.free_symbols <= {x.symbol for x in checked.coordinates}
    if c.name not in checked.periodic or not known:
        return sympy.S.Zero
    mean = float(f"{_mean(first, checked):.2g}")
    if abs(mean) * time.length < SHIFT * c.length:
        return sympy.S.Zero
    return sympy.nsimplify(mean, rational=True) * (time.symbol - time.low_exact)


def _mean(expr: Expr, checked: CheckedProblem) -> float:
    """Return the mean of an expression over the domain, by the rule that is exact for periodic waves; 0 where it is not finite."""
    used = [c for c in checked.coordinates if expr.has(c.symbol)]
    axes = [c.low + c.length * (np.arange(64) + 0.5) / 64 for c in used]
    grids = np.meshgrid(*axes, indexing="ij")
    with np.errstate(all="ignore"):
        values = sympy.lambdify([c.symbol for c in used], expr, ["scipy", "numpy"])(*grids)
    mean = float(np.mean(values))
    return mean if np.isfinite(mean) and abs(mean) > 1e-9 else 0.0
