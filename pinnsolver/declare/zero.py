"""The zero state: fields that vanish everywhere solve a homogeneous eigenvalue problem whatever the eigenvalue."""

from __future__ import annotations

import sympy

from pinnsolver.declare.checked import CheckedProblem
from pinnsolver.declare.values import Lowered
from pinnsolver.errors import DeclarationError


def refuse_zero_state(checked: CheckedProblem) -> None:
    """Refuse a problem for unknown numbers that fields of zero solve, for training would find those.

    Raises:
        DeclarationError: nothing tells the solution that is meant from zero.
    """
    if not checked.unknowns or checked.observations:
        return
    residuals = [e.residual for e in checked.equations] + [c.residual for c in checked.conditions]
    if all(map(allows_zero, residuals)):
        names = ", ".join(u.name for u in checked.unknowns)
        field = checked.fields[0]
        applied = f"{field.name}({', '.join(map(str, field.arguments))})"
        places = [c for c in checked.space if c.symbol in field.arguments] or list(checked.coordinates)
        limits = ", ".join(f"({c.name}, {c.low_exact}, {c.high_exact})" for c in places)
        raise DeclarationError(
            f"{' = '.join(f.name for f in checked.fields)} = 0 solves every equation and condition of the problem, "
            f"whatever {names} may be.\nAn eigenvalue problem needs the size of its eigenfunction: "
            f"add the condition Eq(Integral({applied}**2, {limits}), 1)"
        )


def norm_conditions(checked: CheckedProblem) -> dict[str, float]:
    """Return by name the integral conditions that fix a size, as that of psi^2 does, with what fields of zero leave in them."""
    found = {}
    for condition in checked.conditions:
        rest = at_zero(condition.residual)
        even = all(_is_even(i.integrand) for i in condition.residual.integrals)
        if condition.kind == "integral" and even and rest.is_number and rest != 0:
            found[condition.name] = abs(float(rest))
    return found


def _is_even(integrand: Lowered) -> bool:
    """Say whether an integrand is the same for the negatives of all its fields."""
    negated = integrand.expr.xreplace({v.symbol: -v.symbol for v in integrand.values})
    return bool(sympy.expand(negated - integrand.expr) == 0)


def allows_zero(lowered: Lowered) -> bool:
    """Say whether a residual vanishes for fields that are zero everywhere, whatever the unknown numbers."""
    return bool(sympy.expand(at_zero(lowered)) == 0)


def at_zero(lowered: Lowered) -> sympy.Expr:
    """Return what a residual leaves where every field is zero."""
    zero: dict[sympy.Symbol, sympy.Expr] = {v.symbol: sympy.S.Zero for v in lowered.values}
    # An integral of data alone, or of data beside fields, does not vanish with the fields: its symbol stays.
    zero |= {i.symbol: sympy.S.Zero for i in lowered.integrals if allows_zero(i.integrand)}
    return lowered.expr.xreplace(zero)
