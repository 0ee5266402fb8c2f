"""MathML of a run folder, which nobody vouches for, into MathML that can do nothing but be read.

The text is parsed as XML and written anew from a whitelist; what does not parse, or holds anything else
than mathematics, is refused as a whole, and the page shows the equation's plain text instead.
"""

from __future__ import annotations

import html.entities
import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape as escape_xml

from markupsafe import Markup, escape

_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
_ELEMENT_NAMES = (
    "math mrow mi mn mo mtext ms mspace mfrac msqrt mroot msub msup msubsup munder mover munderover"
    " mmultiscripts mprescripts none mtable mtr mtd mstyle mpadded mphantom mfenced menclose merror"
)
_ATTRIBUTE_NAMES = (
    "mathvariant display stretchy fence separator separators open close columnalign rowalign linethickness"
)
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_VALUE = re.compile(r"[\w .,;|()\[\]{}%-]{0,40}")
_LONGEST = 400_000  # letters
_DEEPEST = 150  # levels
# Letters of double-struck differentials, which few system fonts have, as the plain letters they stand for.
_DOUBLE_STRUCK = str.maketrans({"ⅅ": "D", "ⅆ": "d", "ⅇ": "e", "ⅈ": "i", "ⅉ": "j"})


def clean_mathml(source: object, display: bool = True) -> Markup | None:
    """Return `source` as one harmless `<math>` element, or None where it is not pure mathematics.

    Args:
        source: presentation MathML, with or without the outer `<math>`; HTML's named entities are allowed.
        display: on a line of its own, instead of inside a sentence.
    """
    if not isinstance(source, str) or not source.strip() or len(source) > _LONGEST:
        return None
    try:
        root = ElementTree.fromstring(f"<mrow>{_as_xml(source)}</mrow>")
        body = _children(root, 0)
    except (ElementTree.ParseError, ValueError):
        return None
    return Markup('<math display="{}">{}</math>').format("block" if display else "inline", body)


def _as_xml(source: str) -> str:
    """Return `source` with HTML's named entities replaced and every stray `<` and `&` escaped.

    A `<` that opens no element is text (sympy writes `<mo><</mo>`). Declarations, comments and
    processing instructions thereby become text too, so that the parser never sees an entity's definition.
    """
    source = re.sub(r"<(?![A-Za-z/])", "&lt;", source)
    return re.sub(r"&(?:#[0-9]{1,7};|#x[0-9A-Fa-f]{1,6};|([A-Za-z][A-Za-z0-9]*);)?", _entity, source)


def _entity(match: re.Match[str]) -> str:
    if match.group(0) == "&":
        return "&amp;"
    name = match.group(1)
    if name is None:  # a number: the XML parser reads it, and refuses what is no character
        return match.group(0)
    value = html.entities.html5.get(f"{name};")
    return f"&amp;{name};" if value is None else escape_xml(value)


def _write(element: ElementTree.Element, depth: int) -> Markup:
    """Return one element of the whitelist, written anew.

    Raises:
        ValueError: it is not on the whitelist, or nested absurdly deep.
    """
    name = element.tag.removeprefix(_NAMESPACE)
    if name not in _ELEMENTS or depth > _DEEPEST:
        raise ValueError(name)
    body = _children(element, depth)
    if name == "math":  # the outer one is written by the caller
        return Markup("<mrow>{}</mrow>").format(body)
    if name == "mfenced":  # browsers dropped it from MathML Core
        return _fenced(element, depth)
    if name == "menclose":  # likewise; sympy writes it for a conjugate
        return Markup("<mover><mrow>{}</mrow><mo>¯</mo></mover>").format(body)
    attributes = Markup("").join(
        Markup(' {}="{}"').format(key, value)
        for key, value in element.attrib.items()
        if key in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, attributes, body)


def _children(element: ElementTree.Element, depth: int) -> Markup:
    text = (element.text or "").translate(_DOUBLE_STRUCK)
    if element.tag.removeprefix(_NAMESPACE) in ("mn", "mo"):
        text = text.replace("-", "−")
    parts = [escape(text)]
    for child in element:
        parts.append(_write(child, depth + 1))
        parts.append(escape(child.tail or ""))
    return Markup("").join(parts)


def _fenced(element: ElementTree.Element, depth: int) -> Markup:
    opening, closing = element.get("open", "("), element.get("close", ")")
    comma = Markup("<mo>{}</mo>").format((element.get("separators", ",") or ",")[0])
    return Markup("<mrow><mo>{}</mo>{}<mo>{}</mo></mrow>").format(
        opening, comma.join(_write(child, depth + 1) for child in element), closing
    )
