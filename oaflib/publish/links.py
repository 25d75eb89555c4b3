"""Links of a page: those to its neighbours, and all of them when it moves to another folder."""

from __future__ import annotations

import posixpath
import re

#: The one part of a report's page that is renewed when another report comes.
NEIGHBOURS = re.compile(r"<!--nav-->.*?<!--/nav-->", re.DOTALL)
_TAG = re.compile(r'<(?:a|img|link|script)\b(?:[^>"]|"[^"]*")*>')
_ADDRESS = re.compile(r'( (?:href|src|data-root)=")(?![a-zA-Z][a-zA-Z0-9+.-]*:|#|/)([^"]+)"')


def moved(page: str, old: str, new: str) -> str:
    """`page`, written for the folder `old` of the repository, as it must read in folder `new`.

    Relative addresses of links, pictures, styles and scripts are turned; anchors within the page
    and addresses elsewhere stay.
    """

    def turned(found: re.Match[str]) -> str:
        address, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", found[2], re.DOTALL).groups()  # type: ignore[union-attr]
        full = posixpath.normpath(posixpath.join(old, address))
        relative = posixpath.relpath(full, new)
        slash = "/" if address.endswith("/") else ""
        return f'{found[1]}{relative}{slash}{mark}{rest}"'

    return _TAG.sub(lambda tag: _ADDRESS.sub(turned, tag[0]), page)
