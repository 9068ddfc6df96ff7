"""From what matplotlib writes to a small piece of SVG that obeys the page: its colours, fonts and security policy."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Figures are drawn in these colours, and the page's style sheet says what each means in light, in dark and on paper.
COLOURS = {
    "#000001": "ink",
    "#000002": "muted",
    "#000003": "rule",
    "#000004": "generator",
    "#000005": "discriminator",
    "#000006": "metric",
    "#000007": "bad",
}
INK, MUTED, RULE, GENERATOR, DISCRIMINATOR, METRIC, BAD = COLOURS

SETTINGS = {
    "svg.fonttype": "none",  # text stays text: selectable, and set in the reader's own font
    "svg.hashsalt": "ganbench",
    "font.family": "sans-serif",
    "font.size": 9,
}

_NAMESPACE = re.compile(r"\{[^}]*\}")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_DROPPED = {"metadata", "style", "defs", "title"}
_KEPT_STYLES = {"fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "fill-opacity", "opacity"}
_DEFAULTS = {("stroke-dasharray", "none"), ("fill", "#000000"), ("opacity", "1"), ("stroke-opacity", "1")}


def settings() -> AbstractContextManager[None]:
    """Return the context that figures are made and drawn in."""
    from matplotlib import rc_context

    return rc_context({key: value for key, value in SETTINGS.items()})  # type: ignore[misc] - keys are typed as literals


def parts(figure: Figure) -> list[ET.Element]:
    """Return what a figure draws, within `settings()`; the same figure gives the same elements.

    There are no style attributes, which the page's security policy would ignore, and no ids, which would clash:
    a figure must not need clipping or markers.
    """
    raw = BytesIO()
    figure.savefig(raw, format="svg", transparent=True, dpi=72, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(raw.getvalue())
    _clean(root)
    return list(root)


def element(inside: Sequence[ET.Element], size: tuple[float, float], alternative: str) -> str:
    """Return an `<svg>` element of that size in inches, with a text alternative."""
    width, height = (_tenths(round(720 * side)) for side in size)
    root = ET.Element("svg", {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": alternative})
    root.extend(inside)
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _clean(element: ET.Element) -> None:
    """Strip an element and what is in it down to what is seen."""
    element.tag = _NAMESPACE.sub("", element.tag)
    attributes = {name: value for name, value in element.attrib.items() if name in ("d", "x", "y", "transform")}
    attributes |= _presentation(element.attrib.get("style", ""), element.tag)
    element.attrib.clear()
    element.attrib.update({name: _path(v) if name == "d" else _compact(v) for name, v in attributes.items()})
    element.tail = None
    if element.tag != "text":
        element.text = None
    kept: list[ET.Element] = []
    for child in list(element):
        if not isinstance(child.tag, str) or _NAMESPACE.sub("", child.tag) in _DROPPED:
            continue
        _clean(child)
        # Groups say what matplotlib called them: without attributes they say nothing.
        plain_group = child.tag == "g" and not child.attrib
        kept += list(child) if plain_group else [child]
    element[:] = [child for child in kept if _seen(child)]


def _seen(element: ET.Element) -> bool:
    if element.tag == "path":
        return bool(element.get("d")) and (element.get("fill") != "none" or "stroke" in element.attrib)
    return len(element) > 0 or bool(element.text)


def _presentation(style: str, tag: str) -> dict[str, str]:
    """Return a style attribute's declarations as attributes, with the page's colours."""
    found = dict(part.split(":", 1) for part in style.replace(" ", "").split(";") if ":" in part)
    kept = {name: value for name, value in found.items() if name in _KEPT_STYLES and (name, value) not in _DEFAULTS}
    if "text-anchor" in found and found["text-anchor"] != "start":
        kept["text-anchor"] = found["text-anchor"]
    for name in ("fill", "stroke"):
        if kept.get(name) in COLOURS:
            kept[name] = f"var(--{COLOURS[kept[name]]})"
    return kept


def _path(d: str) -> str:
    """Return a path of straight lines in relative steps of a tenth of a point, which is half as long."""
    words = d.split()
    if not set(words[::3]) <= {"M", "L"} or len(words) % 3:
        return _compact(d)
    text, command, at = "", "", (0, 0)
    for letter, x, y in zip(words[::3], words[1::3], words[2::3], strict=True):
        to = (round(10 * float(x)), round(10 * float(y)))
        new = letter if letter == "M" or not text else "l"
        step = to if new == "M" else (to[0] - at[0], to[1] - at[1])
        if new == "l" and step == (0, 0):
            continue
        first, second = _tenths(step[0]), _tenths(step[1])
        between = "" if new != command else " " if not first.startswith("-") else ""
        text += (new if new != command else between) + first + ("" if second.startswith("-") else " ") + second
        command, at = new, to
    return text


def _tenths(n: int) -> str:
    sign, n = ("-", -n) if n < 0 else ("", n)
    whole, rest = divmod(n, 10)
    return f"{sign}{whole or ('' if rest else 0)}" + (f".{rest}" if rest else "")


def _compact(value: str) -> str:
    return _NUMBER.sub(lambda m: _short(m.group()), value)


def _short(number: str) -> str:
    """Return a coordinate to a tenth of a point."""
    return _tenths(round(10 * float(number)))
