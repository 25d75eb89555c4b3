"""HTML from notebooks made harmless: what is not on the list does not pass."""

from __future__ import annotations

import html
import re

import nh3

_WORDS = """
a abbr b bdi blockquote br caption cite code col colgroup dd del details dfn div dl dt em
figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span
strong sub summary sup table tbody td tfoot th thead time tr tt u ul var
"""
_TAGS = frozenset(_WORDS.split())
_EVERYWHERE = frozenset({"class", "id", "title", "lang", "dir", "role", "aria-label"})
_ATTRIBUTES = {
    "*": set(_EVERYWHERE),
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "loading"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "scope", "headers"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type"},
    "details": {"open"},
    "time": {"datetime"},
}
_PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]+|figures/[\w.-]+")
_PLACE = re.compile(r"(?:https?:|mailto:)[^\x00-\x20]*|#.*", re.IGNORECASE | re.DOTALL)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_EMPTY_HEAD = re.compile(r"<th(?: [^<>\"]*(?:\"[^\"]*\"[^<>\"]*)*)?></th>")

MARK = "nb-"
"""What the ids of a notebook's own HTML begin with, so that none is taken for one of the page."""


def cleaned(markup: str) -> str:
    """`markup` with only the elements and attributes a report needs; no style, no script.

    Pictures are PNG or JPEG data, or files of ``figures/``; links lead to the web, mail or the page
    itself. Ids get `MARK` in front, and links within the page follow.
    """
    markup = nh3.clean(
        markup,
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "title", "textarea", "template", "noscript"},
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )
    return _EMPTY_HEAD.sub("<td></td>", markup)  # pandas heads its corner with nothing


def escaped(text: str) -> str:
    """Plain text as HTML: no terminal colours, control and direction characters made visible."""
    return html.escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", text)))


def _attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "id":
        return MARK + value
    if tag == "img" and attribute == "src":
        return value if _PICTURE.fullmatch(value) else None
    if tag == "a" and attribute == "href":
        if not _PLACE.fullmatch(value):
            return None
        return f"#{MARK}{value[1:]}" if value.startswith("#") else value
    if attribute in ("width", "height"):
        return value if re.fullmatch(r"\d{1,4}", value) else None
    return value
