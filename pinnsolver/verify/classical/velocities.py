"""A problem of higher order in time as one of first order: a field and each of its time derivatives but the last as fields.

Radau collocation damps what the grid does not resolve only where equations are of first order in time; for u_tt themselves it
lets short waves grow from step to step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from pinnsolver.declare.checked import Condition
from pinnsolver.declare.values import Field, FieldValue, IntegralValue, Lowered
from pinnsolver.verify.classical.forward import Forward


@dataclass(frozen=True)
class Chain:
    """A field and those that stand for its time derivatives.

    Args:
        column: of the time.
        names: the field's own, then its velocity's, and so on.
    """

    column: int
    names: tuple[str, ...]

    def renamed(self, value: FieldValue) -> FieldValue:
        """Return a derivative of the field as one of the highest field that it reaches."""
        order = value.orders[self.column]
        k = min(order, len(self.names) - 1)
        return replace(value, field=self.names[k], orders=_with_order(value.orders, self.column, order - k))

    def original(self, value: FieldValue) -> FieldValue:
        """Return a derivative of any of the chain's fields as one of the first."""
        k = self.names.index(value.field)
        orders = _with_order(value.orders, self.column, value.orders[self.column] + k)
        return replace(value, field=self.names[0], orders=orders)


def in_first_order(forward: Forward) -> tuple[Forward, Mapping[str, Chain]]:
    """Return a problem whose fields have first time derivatives at most, and the chain of each of its fields by name."""
    column = forward.time
    assert column is not None
    chains: dict[str, Chain] = {}
    fields: list[Field] = []
    links: dict[str, Lowered] = {}
    for f in forward.fields:
        names = tuple(f.name + "'" * k for k in range(max(1, forward.order(f.name, column))))
        chain = Chain(column, names)
        chains |= dict.fromkeys(names, chain)
        fields += [Field(name, f.arguments) for name in names]
        none = (0,) * len(forward.coordinates)
        for low, high in pairwise(names):
            slope, velocity = FieldValue(low, _with_order(none, column, 1)), FieldValue(high, none)
            links[f"the velocity of {low}"] = Lowered(slope.symbol - velocity.symbol, (slope, velocity))
    if not links:
        return forward, chains
    equations = {name: _renamed(low, chains) for name, low in forward.equations.items()}
    conditions = tuple(_condition(c, chains) for c in forward.conditions)
    conditions += tuple(
        _moved(c, chains, forward) for c in forward.conditions if _can_move(c, chains, forward)
    )
    found = replace(forward, fields=tuple(fields), equations=equations | links, conditions=conditions)
    return found, chains


def _can_move(condition: Condition, chains: Mapping[str, Chain], forward: Forward) -> bool:
    """Say whether a condition holds at all times, and is one of fields with velocities alone."""
    values = condition.residual.values
    name = forward.coordinates[forward.time or 0].name
    pinned = any(n == name for location in condition.locations for n, _ in location)
    alone = all(len(chains[v.field].names) > 1 and not v.orders[chains[v.field].column] for v in values)
    return bool(values) and alone and not pinned and not condition.residual.integrals


def _moved(condition: Condition, chains: Mapping[str, Chain], forward: Forward) -> Condition:
    """Return the time derivative of a condition, of the velocities: least squares in which they may slip at a wall let waves grow."""
    lowered = condition.residual
    assert forward.time is not None
    total = lowered.expr.diff(forward.coordinates[forward.time].symbol)
    values = list(lowered.values)
    for value in lowered.values:
        velocity = replace(value, field=chains[value.field].names[1])
        total += lowered.expr.diff(value.symbol) * velocity.symbol
        values.append(velocity)
    kept = tuple(v for v in values if total.has(v.symbol))
    moved = Lowered(total, kept)
    return replace(condition, name=f"{condition.name}, moving", residual=moved, solved=None)


def _with_order(orders: tuple[int, ...], column: int, order: int) -> tuple[int, ...]:
    return tuple(order if i == column else o for i, o in enumerate(orders))


def _renamed(lowered: Lowered, chains: Mapping[str, Chain]) -> Lowered:
    values = tuple(chains[v.field].renamed(v) for v in lowered.values)
    symbols = {a.symbol: b.symbol for a, b in zip(lowered.values, values, strict=True)}
    inner = tuple(IntegralValue(_renamed(i.integrand, chains), i.limits) for i in lowered.integrals)
    symbols |= {a.symbol: b.symbol for a, b in zip(lowered.integrals, inner, strict=True)}
    return Lowered(lowered.expr.xreplace(symbols), values, inner)


def _condition(condition: Condition, chains: Mapping[str, Chain]) -> Condition:
    solved = condition.solved
    if solved is not None:
        solved = (chains[solved[0].field].renamed(solved[0]), solved[1])
    return replace(condition, residual=_renamed(condition.residual, chains), solved=solved)
