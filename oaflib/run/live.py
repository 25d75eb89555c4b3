"""A notebook that the site trusts, with the scripts of its outputs: for a frame of its own."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

#: The network stays shut: what a trusted script draws, it draws from what the notebook holds.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; form-action 'none'"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<title>Notebook with its own scripts</title></head>
<body>{body}</body></html>
"""
_LIMIT = 25_000_000


def live_page(notebook: Path) -> bytes:
    """The executed notebook's outputs as they are, nothing cleaned; empty when it cannot be read.

    Not for the site's own pages: it belongs into a sandboxed frame.
    """
    nbformat: Any = import_module("nbformat")  # untyped
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = nbformat.read(notebook, as_version=4)
            body, _ = _exporter().from_notebook_node(node)
    except Exception:  # whatever nbformat's validators and JSON raise: the clean page says it
        return b""
    page = _PAGE.format(policy=_POLICY, body=body).encode("utf-8", "replace")
    return page if len(page) <= _LIMIT else b""


@lru_cache(maxsize=1)
def _exporter() -> Any:
    nbconvert: Any = import_module("nbconvert")
    return nbconvert.HTMLExporter(
        template_name="basic", embed_images=False, exclude_input=True, exclude_anchor_links=True
    )
