"""The methods that dataclasses are given, compiled once an installation, as Python's modules are.

`dataclass` writes the text of each and has Python compile it, in every process anew: of OAF's own
classes nearly eight hundred, an eighth of the time in which a preloaded process imports.
"""

from __future__ import annotations

import dataclasses
import marshal
import os
from contextlib import suppress
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType
from typing import Any

_FILE = Path(__file__).parent / "__pycache__" / "methods.bin"
_MOST = 5_000  # what is no longer asked for goes when they are more


class Methods:
    """Compiled texts; `remember` makes `dataclass` ask here, `keep` writes them for the next."""

    def __init__(self, file: Path = _FILE) -> None:
        self._file = file
        self._known = self._kept()
        self._new: dict[str, CodeType] = {}

    def remember(self) -> None:
        """From here on, in this process and what it forks."""
        vars(dataclasses)["exec"] = self.execute

    def execute(self, text: str, names: dict[str, Any], into: dict[str, Any]) -> None:
        """As ``exec`` does."""
        code = self._known.get(text)
        if code is None:
            code = self._known[text] = self._new[text] = compile(text, "<string>", "exec")
        exec(code, names, into)  # noqa: S102 (what `dataclass` wrote)

    def keep(self) -> None:
        """Add what was not known to the file; where that cannot be written, nothing."""
        if not self._new:
            return
        kept = {**self._kept(), **self._new}
        whole = kept if len(kept) <= _MOST else self._new
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(exist_ok=True)
            beside.write_bytes(MAGIC_NUMBER + marshal.dumps(whole))
            beside.replace(self._file)
        except OSError:
            with suppress(OSError):
                beside.unlink()

    def _kept(self) -> dict[str, CodeType]:
        try:
            said = self._file.read_bytes()
            found = marshal.loads(said[4:]) if said[:4] == MAGIC_NUMBER else {}
        except (OSError, EOFError, ValueError, TypeError):
            return {}
        return found if isinstance(found, dict) else {}
