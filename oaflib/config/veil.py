"""The site's secrets, taken out of what OAF writes: whatever carried them there."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

from oaflib.config.site import Site

MARK = "[secret]"
_SHORTEST = 6  # characters: of less, ordinary words would go too
_TELLING = re.compile(r"(?i)passw|secret|token|credential|api_?key")
_OURS = frozenset({"OAF_TOKEN"})  # of a run, by which its report is known
_TEXTS = frozenset({".ipynb", ".json", ".txt", ".html", ".csv"})


class Veil:
    """Hides some secrets, as they are and as addresses, JSON, HTML and base64 spell them.

    Secrets of fewer than six characters stay: a site that has such has other worries. It is false
    when there is nothing to hide.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def hidden(self, text: str) -> str:
        """`text` with `MARK` where a secret was."""
        for form in self._forms:
            text = text.replace(form, MARK)
        return text

    def over(self, folder: Path, leave: Iterable[str] = ()) -> None:
        """Hide them in every text file of `folder`, but for what lies in the folders `leave`.

        Raises
        ------
        OSError
            A file that holds one cannot be written anew.
        """
        forms = [form.encode("utf-8", "surrogateescape") for form in self._forms]
        for inner, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in leave]
            for path in (Path(inner, name) for name in files):
                if path.suffix not in _TEXTS or path.is_symlink() or not path.is_file():
                    continue
                data = path.read_bytes()
                if any(form in data for form in forms):
                    for form in forms:
                        data = data.replace(form, MARK.encode())
                    beside = path.with_name(f".{path.name}.new")
                    beside.write_bytes(data)
                    beside.replace(path)


NOTHING = Veil(())


def veil_of(site: Site, root: Path) -> Veil:
    """Over all that the site file names as secret, and what the environment calls so."""
    return Veil([*_of_environment(), *_named(site, root)])


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if _TELLING.search(name) and name not in _OURS:
            yield value


def _named(site: Site, root: Path) -> Iterator[str]:
    tables = [vars(site.mail), *(source.options for source in site.sources.values())]
    for table in tables:
        for key, value in table.items():
            if not value or not isinstance(value, str):
                continue
            if key.endswith("_env"):
                yield os.environ.get(value, "")
            elif key == "password_file":
                with suppress(OSError):  # nobody of this user can read it then
                    yield (root / value).read_text("utf-8", "surrogateescape").strip("\r\n")


def _forms(secret: str) -> set[str]:
    data = secret.encode("utf-8", "surrogateescape")
    once = _quoted(secret)
    twice = {again for form in once for again in _quoted(form)}  # a report within its notebook
    spelt = {quote(data), quote(data, safe=""), quote_plus(data), html.escape(secret)}
    return {secret, repr(secret)[1:-1], base64.b64encode(data).decode(), *once, *twice, *spelt}


def _quoted(text: str) -> set[str]:
    return {json.dumps(text, ensure_ascii=plain)[1:-1] for plain in (False, True)}
