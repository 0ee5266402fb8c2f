"""What was understood of a declaration, as text and MathML: for `show`, for the report, for the record."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Function

from pinnsolver.declare import CheckedProblem, Condition
from pinnsolver.declare.texts import mathml_text, plain_text, unicode_text
from pinnsolver.transform.constants import free_coordinates
from pinnsolver.transform.flat import flat_functions
from pinnsolver.transform.formulas import frame_formulas
from pinnsolver.transform.modes import in_modes
from pinnsolver.transform.transformed import TransformedProblem


def describe(transformed: TransformedProblem) -> dict[str, Any]:
    """Return what was understood: the content of `understood.json`."""
    checked = transformed.declared
    restated = transformed.restatement is not None or transformed.units is not None
    title, _, about = checked.problem.about.partition("\n")
    conditions = [
        {
            "name": c.name,
            **_maths(c.source),
            "kind": c.kind,
            "where": str(c.region),
            "enforced": transformed.enforcement[trained].how,
            "reason": transformed.enforcement[trained].reason,
        }
        for c, trained in zip(checked.conditions, transformed.counterparts, strict=True)
    ]
    conditions += [_periodic(name, transformed) for name in checked.periodic]
    return {
        "name": checked.problem.name,
        "title": title or checked.problem.name,
        "about": about.strip(),
        "domain": domain_text(checked),
        "coordinates": [
            {
                "name": c.name,
                "role": c.role,
                "low": c.low,
                "high": c.high,
                "periodic": c.name in checked.periodic,
            }
            for c in checked.coordinates
        ],
        "fields": [
            {
                "name": f.name,
                "arguments": [str(a) for a in f.arguments],
                "ansatz": None if restated else _ansatz(transformed, f.name),
            }
            for f in checked.fields
        ],
        "equations": [{"name": e.name, **_maths(e.source)} for e in checked.equations],
        "conditions": conditions,
        "frame": _restated(transformed),
        "unknowns": [
            {"name": u.name, "start": u.start, "low": u.low, "high": u.high} for u in checked.unknowns
        ],
        "observations": [
            {"name": m.name, "quantity": plain_text(m.source), "count": len(m.values)}
            for m in checked.observations
        ],
        "derivatives": derivative_names(transformed.checked),
        "warnings": list(checked.warnings),
    }


def domain_text(checked: CheckedProblem) -> str:
    """Return the domain as one line of Unicode: x ∈ [-1, 1], t ∈ [0, 1]."""
    boxes = [c for c in checked.coordinates if checked.shape is None or c.role != "space"]
    parts = [f"{_pretty(c.symbol)} ∈ [{_pretty(c.low_exact)}, {_pretty(c.high_exact)}]" for c in boxes]
    if checked.shape is not None:
        names = ", ".join(_pretty(s) for s in checked.shape.symbols)
        parts.insert(0, f"({names}) ∈ {checked.shape}")
    return ", ".join(parts)


def derivative_names(checked: CheckedProblem) -> list[str]:
    """Return the derivatives that equations and conditions need: u, u_t, u_xx."""
    found: dict[str, None] = {}
    names = [c.name for c in checked.coordinates]
    separator = "" if all(len(n) == 1 for n in names) else ","
    lowered = [e.residual for e in checked.equations] + [c.residual for c in checked.conditions]
    lowered += [m.quantity for m in checked.observations]
    for value in (v for low in lowered for v in low.all_values()):
        by = [n for n, order in zip(names, value.orders, strict=True) for _ in range(order)]
        by += ["n"] if value.normal else []
        found.setdefault(value.field + ("_" + separator.join(by) if by else ""))
    return sorted(found, key=lambda n: (n.partition("_")[0], len(n), n))


def _pretty(expr: Any) -> str:
    expr = f"{float(expr):g}" if isinstance(expr, sympy.Float) else expr
    text = expr if isinstance(expr, str) else unicode_text(expr)
    return text if "\n" not in text else plain_text(expr)


def _maths(source: Any) -> dict[str, str]:
    """Return an equation as Unicode and MathML; an expression stands for expression = 0."""
    equation = source if isinstance(source, sympy.Eq) else sympy.Eq(source, 0, evaluate=False)
    return {"unicode": unicode_text(equation), "mathml": mathml_text(equation)}


def _periodic(name: str, transformed: TransformedProblem) -> dict[str, str]:
    checked = transformed.declared
    c = next(c for c in checked.coordinates if c.name == name)
    symbol = sympy.Symbol(name)
    functions = [f for f in checked.fields if c.symbol in f.arguments]
    shifted = [
        sympy.Eq(
            Function(f.name)(
                *[symbol + (c.high_exact - c.low_exact) if a == c.symbol else a for a in f.arguments]
            ),
            Function(f.name)(*f.arguments),
            evaluate=False,
        )
        for f in functions[:1]
    ]
    texts = _maths(shifted[0]) if shifted else {"unicode": "", "mathml": ""}
    return {
        "name": f"periodic in {name}",
        **texts,
        "kind": "periodic",
        "where": f"{name} ∈ [{c.low:g}, {c.high:g}]",
        "enforced": "built in",
        "reason": (
            "the network is a Fourier series along the coordinate: every derivative is periodic"
            if transformed.settings.network.kind == "modal"
            else "the network sees waves of the coordinate: every derivative is periodic"
        ),
    }


def _ansatz(transformed: TransformedProblem, field: str) -> dict[str, str] | None:
    """Return the formula of a field's ansatz, None where the field is the network's output."""
    ansatz = transformed.ansatz[field]
    if ansatz.is_plain:
        return None
    name = sympy.Symbol(field)
    network = _network(transformed, field)
    parts = [] if ansatz.lift == 0 else [ansatz.lift]
    fixed = next((c for c in transformed.checked.conditions if c.name == ansatz.constant), None)
    if fixed is not None:
        parts.append(_constant(field, fixed, transformed.checked))
    parts.append(network if ansatz.factor == 1 else sympy.Mul(ansatz.factor, network, evaluate=False))
    parts += [
        sympy.Mul(s, sympy.Derivative(network, x), evaluate=False) for x, s in ansatz.slopes.items() if s != 0
    ]
    right: Expr = sympy.Add(*parts, evaluate=False) if len(parts) > 1 else parts[0]
    equations = [sympy.Eq(name, right, evaluate=False)]
    equations += [sympy.Eq(symbol, formula, evaluate=False) for symbol, formula in ansatz.distances.items()]
    equations += [] if fixed is None else [fixed.source]
    mathml = [mathml_text(equation) for equation in equations]
    if len(mathml) > 1:
        mathml = ["<mtable>", *(f"<mtr><mtd>{row}</mtd></mtr>" for row in mathml), "</mtable>"]
    return {"unicode": "\n\n".join(map(unicode_text, equations)), "mathml": "".join(mathml)}


def _constant(field: str, fixed: Condition, checked: CheckedProblem) -> Expr:
    """Return the constant that a condition fixes, as a symbol, or a function of the coordinates that it leaves free."""
    free = free_coordinates(fixed, next(f for f in checked.fields if f.name == field))
    return Function(f"c_{field}")(*free) if free else sympy.Symbol(f"c_{field}")


def _restated(transformed: TransformedProblem) -> dict[str, Any] | None:
    """Return the problem as it was restated: what the letters mean, its formulas, the ansatz of its fields."""
    frame, stream, units = transformed.frame, transformed.stream, transformed.units
    found = [_ansatz(transformed, f.name) for f in transformed.checked.fields]
    ansatz = [a for a in found if a is not None]
    in_units = "" if units is None else f" Formulas are in the units of the training: {units.text}."
    if stream is not None:
        rest = [e.source for e in stream.restated.equations]
        return {
            "title": "Stream function",
            "note": f"{stream.function.name} stands for the velocity ({', '.join(stream.velocity)}), whose divergence vanishes "
            f"identically; the solution is read out as declared.{in_units}",
            "formulas": [_maths(f) for f in (*stream.formulas, *rest)],
            "ansatz": ansatz,
        }
    if frame is None and units is not None:
        return {
            "title": "Units",
            "note": f"Trained in units in which coordinates and fields are of size 1: {units.text}. Formulas here are in these; "
            "the solution is read out as declared.",
            "formulas": [_maths(e.source) for e in units.restated.equations],
            "ansatz": ansatz,
        }
    if frame is None:
        return None
    names = [str(x) for x in frame.labels.space]
    places = ", ".join(_pretty(sympy.Symbol(f"X_{n}")) for n in names)
    return {
        "title": "Lagrangian frame" if frame.follows else "Moving frame",
        "note": f"Here ({', '.join(names)}) is the label of a particle, its place when time begins; later it is at ({places}). "
        f"The network sees labels; the solution is read out at places.{in_units}",
        "formulas": [_maths(f) for f in frame_formulas(frame)],
        "ansatz": ansatz,
    }


def _network(transformed: TransformedProblem, field: str) -> Expr:
    """Return the network's output, with what it sees where that is not the coordinates."""
    own, checked = transformed.ansatz[field], transformed.checked
    function = next(f for f in checked.fields if f.name == field)
    series = in_modes(checked, function, transformed.settings.network)
    seen: list[Expr] = []
    for c in (checked.coordinates[k] for k in checked.inputs(function)):
        kind = own.seen(c.name)
        if c.name not in checked.periodic:
            seen += flat_functions(c, kind) if kind else [c.symbol]
        elif kind and not series:
            wave = 2 * sympy.pi * (c.symbol - own.parity[c.name].center) / (c.high_exact - c.low_exact)
            seen.append(sympy.cos(wave))
        else:
            seen.append(c.symbol)
    usual = not own.slopes and all(isinstance(s, sympy.Symbol) for s in seen)
    return sympy.Symbol(f"N_{field}") if usual else Function(f"N_{field}")(*seen)
