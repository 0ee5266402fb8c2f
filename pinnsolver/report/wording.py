"""How numbers, times and stop reasons are put into words."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from typing import Any

UNKNOWN = "–"

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

STOPPED = {
    "tolerance": ("good", "Converged", "every held-out residual fell below the tolerance"),
    "plateau": ("good", "Finished", "the loss no longer fell"),
    "steps": ("good", "Finished", "all steps were done"),
    "seconds": ("good", "Finished", "the time budget was used up"),
    "interrupted": ("warn", "Interrupted", "the numbers below are those of the last state saved"),
    "diverged": ("bad", "Diverged", "training left the finite numbers; what was best before that is shown"),
}


def number(value: object, digits: int = 3) -> str:
    """Return a number as a reader writes it: 0.0125, 3.42 × 10⁻⁴, 12,000; `UNKNOWN` for null and NaN."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return UNKNOWN if value is None else plain(value)
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}".replace("-", "−")
    x = float(value)
    if not math.isfinite(x):
        return UNKNOWN if math.isnan(x) else ("∞" if x > 0 else "−∞")
    if x == 0 or 1e-3 <= abs(x) < 10 ** max(digits, 4):
        return f"{x:.{digits}g}".replace("-", "−") if "e" not in f"{x:.{digits}g}" else f"{x:,.0f}"
    mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
    return f"{mantissa.replace('-', '−')} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def finite(value: object) -> float | None:
    """Return a number of a JSON file as a float; None for anything that is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        x = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return x if math.isfinite(x) else None


def duration(value: object) -> str:
    """Return seconds as `59.8 s`, `3 min 20 s` or `2 h 5 min`."""
    seconds = finite(value)
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def plain(value: object) -> str:
    """Return any value of a JSON file as text: `yes`, `none`, `0.01`, `64, 64`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(v) for v in value) if value else "none"
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, Mapping) else str(value)


def stop_words(stopped: object) -> tuple[str, str, str]:
    """Return the tone (`good`, `warn`, `bad`), one word and a sentence for a stop reason of result.json."""
    return STOPPED.get(str(stopped), ("warn", "Stopped", f"the reason recorded is “{stopped or 'unknown'}”"))


def flatten(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as dotted keys (those that `--set` takes) and their values as JSON text."""
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            rows += flatten(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", json.dumps(value, ensure_ascii=False, default=str)))
    return rows
