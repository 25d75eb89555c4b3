"""Atom feeds: one for each dataset, one for all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree

from oaflib.publish.entry import Entry
from oaflib.publish.front import Front
from oaflib.publish.shelf import Shelf
from oaflib.publish.site import Site
from oaflib.publish.words import NAMES, counted, tidy
from oaflib.window import instant

_SPACE = "http://www.w3.org/2005/Atom"
_LATEST = 30


def of_dataset(shelf: Shelf, site: Site) -> str:
    """The feed of one dataset's latest reports; `shelf` is not empty."""
    latest = shelf.latest
    name = f"{site.title}: {latest.id}"
    entries = shelf.recent[:_LATEST]
    return _feed(name, entries, site, f"reports/{latest.instrument}/{latest.dataset}/")


def of_all(front: Front, site: Site) -> str:
    """The feed of every dataset's most recent report, the newest first."""
    entries = sorted((c.entry for c in front.cards), key=lambda e: e.made_at, reverse=True)
    return _feed(site.title, entries, site, "")


def _feed(title: str, entries: Iterable[Entry], site: Site, here: str) -> str:
    entries = list(entries)
    base = site.url.rstrip("/") + "/" if site.url else ""
    feed = ElementTree.Element("feed", {"xmlns": _SPACE})
    updated = max((e.made_at for e in entries), default=datetime(1970, 1, 1, tzinfo=UTC))
    _text(feed, "title", title)
    _text(feed, "id", f"{base or 'urn:oaf:'}{here or 'all'}")
    _text(feed, "updated", instant(updated))
    _text(ElementTree.SubElement(feed, "author"), "name", site.title)
    depth = "" if base else "../" * here.count("/")
    for entry in entries:
        item = ElementTree.SubElement(feed, "entry")
        bad = {k: n for k, n in entry.counts.items() if n and k in ("alarm", "invalid", "warning")}
        told = ", ".join(
            f"{n} {NAMES[kind]}" if kind == "invalid" else counted(n, kind)
            for kind, n in bad.items()
        )
        word = NAMES[entry.mark] if entry.failed or not told else told
        _text(item, "title", f"{entry.id} {entry.label}: {word}")
        _text(item, "id", f"{base or 'urn:oaf:'}{entry.path}/")
        _text(item, "updated", instant(entry.made_at))
        _text(item, "summary", f"{entry.title or entry.id}: {word}")
        ElementTree.SubElement(item, "link", {"href": f"{base or depth}{entry.path}/index.html"})
    ElementTree.indent(feed)
    text = ElementTree.tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = tidy(text)
