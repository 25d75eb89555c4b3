"""SVG drawings made harmless."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_SPACE = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_WORDS = """
svg g path rect circle ellipse line polyline polygon text tspan defs use clipPath linearGradient
radialGradient stop style title desc image pattern marker symbol
"""
_ELEMENTS = frozenset(_WORDS.split())
_PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]+")
_OUTSIDE = re.compile(r"url\s*\(\s*(?!['\"]?#)|@import|expression|javascript:|\\", re.IGNORECASE)
_LIMIT = 10_000_000


def safe_svg(text: str) -> bytes | None:
    """The drawing without scripts, events, animations and addresses outside itself.

    None when it is not SVG, is larger than ten megabytes, or declares entities.
    """
    if len(text) > _LIMIT or re.search(r"<!ENTITY", text, re.IGNORECASE):
        return None
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        return None
    if root.tag != f"{{{_SPACE}}}svg":
        return None
    _strip(root)
    ElementTree.register_namespace("", _SPACE)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    try:
        drawing: bytes = ElementTree.tostring(root, encoding="utf-8")
    except RecursionError:  # nested deeper than any drawing
        return None
    return drawing


def _strip(root: ElementTree.Element) -> None:
    waiting = [root]  # not by recursion: a drawing may nest deeper than Python calls
    while waiting:
        element = waiting.pop()
        for name, value in list(element.attrib.items()):
            if not _harmless(name, value):
                del element.attrib[name]
        if element.tag == f"{{{_SPACE}}}style" and _OUTSIDE.search(element.text or ""):
            element.text = ""
        for child in list(element):
            space, _, name = str(child.tag).rpartition("}")
            if space != f"{{{_SPACE}" or name not in _ELEMENTS:
                element.remove(child)
            else:
                waiting.append(child)


def _harmless(name: str, value: str) -> bool:
    if name in ("href", _LINK):
        return value.startswith("#") or _PICTURE.fullmatch(value) is not None
    if name.lower().startswith("on"):
        return False
    return not _OUTSIDE.search(value)
