"""The count of initial states of each field against its order in time."""

from __future__ import annotations

from pinnsolver.declare.checked import CheckedProblem, Condition
from pinnsolver.declare.values import Coordinate, Field
from pinnsolver.errors import DeclarationError


def check_initial_states(checked: CheckedProblem, warnings: list[str]) -> None:
    """Count the initial states of each field against its order in time.

    Raises:
        DeclarationError: too few or too many.
    """
    time = checked.time
    if time is None:
        return
    initial = [c for c in checked.conditions if c.kind.startswith("initial")]
    shared = [c for c in initial if len({(v.field, v.orders) for v in c.residual.values}) > 1]
    own = [c for c in initial if c not in shared]
    for field in checked.fields:
        mine = [c for c in own if c.residual.values[0].field == field.name]
        joint = sum(any(v.field == field.name for v in c.residual.values) for c in shared)
        _check_not_too_many(checked, time, field, mine)
        if time.symbol in field.arguments and time.name not in checked.periodic:
            _check_not_too_few(checked, time, field, mine, joint, warnings)


def _check_not_too_many(
    checked: CheckedProblem, time: Coordinate, field: Field, mine: list[Condition]
) -> None:
    """Refuse an initial state of the order of the equations; an inverse problem may measure one."""
    if checked.unknowns or len(checked.equations) < len(checked.fields):
        return
    column = checked.coordinates.index(time)
    # An equation for a wall, such as w'(t) = -T_x(1, t), is among the conditions.
    running = [
        v
        for c in checked.conditions
        for v in c.residual.all_values()
        if v.field == field.name and time.name not in dict(v.pins)
    ]
    order = max([checked.highest_orders(field.name)[column], *(v.orders[column] for v in running)])
    for condition in mine:
        if condition.residual.values[0].orders[column] >= order:
            allowed = "no initial state" if order == 0 else f"{order} initial state{'s' * (order > 1)}"
            raise DeclarationError(
                f"The condition {condition.name} is one initial state too many: the equations are of order {order} in "
                f"{time.name} for {field.name}, which takes {allowed}.\n"
                "Leave it out, or write the time derivative that is missing in the equations"
            )


def _check_not_too_few(
    checked: CheckedProblem,
    time: Coordinate,
    field: Field,
    mine: list[Condition],
    joint: int,
    warnings: list[str],
) -> None:
    """Refuse a missing initial state, unless other data may make up for it.

    Args:
        checked: the problem.
        time: its time.
        field: the field in question, which depends on time.
        mine: the initial states of this field alone.
        joint: how many initial states it shares with other fields or orders.
        warnings: where a doubt is noted.
    """
    column = checked.coordinates.index(time)
    order = checked.highest_orders(field.name)[column]
    levels = {c.residual.values[0].orders[column] for c in mine}
    missing = [k for k in range(order) if k not in levels]
    if len(missing) <= joint:
        return
    if _known_otherwise(checked, field.name, time.name):
        warnings.append(
            f"{field.name} is of order {order} in {time.name} and has {len(levels)} initial state{'s' * (len(levels) != 1)}: "
            "the other data have to make up for it."
        )
        return
    usual = f"{field.name}({', '.join(map(str, field.arguments))})"
    start = str(time.low_exact)
    k = missing[0]
    slope = f"{usual}.diff({time.name}{f', {k}' if k > 1 else ''}).subs({time.name}, {start})"
    pinned = ", ".join(start if s == time.symbol else str(s) for s in field.arguments)
    write = f"{field.name}({pinned})" if k == 0 else slope
    what = {0: "initial value", 1: "initial velocity"}.get(k, f"initial derivative of order {k}")
    raise DeclarationError(
        f"{usual} has a time derivative of order {order} but no {what}: it needs {order} initial state{'s' * (order > 1)} "
        f"at {time.name} = {start} and has {len(levels)}.\nAdd Eq({write}, ...) to the conditions"
    )


def _known_otherwise(checked: CheckedProblem, field: str, time: str) -> bool:
    """Say whether data at other times can stand in for an initial state."""
    if any(v.field == field for m in checked.observations for v in m.quantity.values):
        return True
    return any(
        c.kind in ("final state", "state at a time", "periodic", "nonlocal", "integral")
        and any(v.field == field for v in c.residual.all_values())
        and (c.kind == "integral" or any(n == time for loc in c.locations for n, _ in loc))
        for c in checked.conditions
    )
