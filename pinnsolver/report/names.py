r"""How a name of the declaration is shown: `nu` as ν and `u_x` with a subscript, on a page and in a picture.

A name that is not letters, digits and underscores is shown as it is, so that no `$`, `^` or `\` in it can
break the mathematics around it.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from markupsafe import Markup, escape
from matplotlib import font_manager

FONT = "DejaVu Sans"  # comes with matplotlib, so that pictures are the same everywhere
LONGEST = 28  # letters of a name in a picture; the page shows names in full

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi"
    " chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_LETTERS = {
    name: unicodedata.lookup(
        f"GREEK {'SMALL' if name.islower() else 'CAPITAL'} LETTER {name.upper().replace('MBDA', 'MDA')}"
    )
    for name in _GREEK.split()
}
_LETTERS["lamda"] = _LETTERS["lambda"]  # sympy's own spelling, since `lambda` is a Python keyword
_SAFE = re.compile(r"([A-Za-z]+)(?:_([A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)|([0-9]+))?")


def name_html(name: object) -> Markup:
    """Return a name as HTML: italic letters, Greek letters, subscripts; escaped where it is anything else."""
    parts = _parts(name)
    if parts is None:
        return escape(printable(name))
    base, *subscript = ((_LETTERS.get(p, p), _is_symbol(p)) for p in parts)
    letters = Markup(",").join(_html_piece(*piece) for piece in subscript)
    return _html_piece(*base) + (Markup("<sub>{}</sub>").format(letters) if subscript else "")


def name_text(name: object) -> str:
    """Return a name as plain text for an alt text: Greek letters, everything else as it is."""
    parts = _parts(name)
    return printable(name) if parts is None else "_".join(_LETTERS.get(p, p) for p in parts)


def name_math(name: object, longest: int = LONGEST) -> str:
    """Return a name for matplotlib: mathtext where that is safe, plain text otherwise."""
    parts = _parts(name)
    if parts is None or len(str(name)) > longest:
        return plain_math(name, longest)
    base, *subscript = (_math_piece(p) for p in parts)
    return f"${base}_{{{','.join(subscript)}}}$" if subscript else f"${base}$"


def plain_math(text: object, longest: int = LONGEST) -> str:
    """Return any text for matplotlib: shortened, without missing glyphs, with nothing read as mathtext."""
    text = printable(text)
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    known = _known_glyphs()
    text = "".join(c if ord(c) in known else "?" for c in text)
    if text.startswith("_"):
        text = f" {text}"  # a legend leaves out what starts with an underscore
    return text.replace("\\", "∖").replace("$", r"\$")  # a backslash could escape the next dollar sign


def printable(text: object) -> str:
    """Return `text` on one line, without control characters and lone surrogates."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in str(text))


def slug(name: object) -> str:
    """Return a name as a part of a file name: ASCII letters, digits, `_` and `-` only."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", str(name)).strip("-")[:40] or "unnamed"


def _parts(name: object) -> list[str] | None:
    """Split `u_x_y` into u, x, y and `x1` into x, 1; None where a name is not of this form."""
    match = _SAFE.fullmatch(str(name))
    if match is None:
        return None
    base, subscript, digits = match.groups()
    return [base, *(subscript.split("_") if subscript else []), *([digits] if digits else [])]


def _is_symbol(part: str) -> bool:
    """Return whether a part is set in italics: a letter, or coordinates as in `u_xt`."""
    return part in _LETTERS or (len(part) == 1 and part.isalpha()) or set(part) <= set("xyzt")


def _html_piece(letter: str, italic: bool) -> Markup:
    return Markup("<i>{}</i>" if italic else "{}").format(letter)


def _math_piece(part: str) -> str:
    if part in _LETTERS:
        return "\\" + part.replace("lamda", "lambda")
    return part if _is_symbol(part) else rf"\mathrm{{{part}}}"


@functools.cache
def _known_glyphs() -> frozenset[int]:
    """Return the code points that the pictures' font can draw."""
    return frozenset(font_manager.get_font(font_manager.findfont(FONT)).get_charmap())
