"""How many processes ask a source at once, and whether it is left alone: files under ``runs/``.

Both end with the process that holds them, however that ends; nothing has to be cleaned up.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from oaflib.config.veil import NOTHING, Veil
from oaflib.errors import SourceUnavailable


class LeftAlone(SourceUnavailable):
    """The source did not answer another report a moment ago, and was not asked again."""


@dataclass(frozen=True)
class Gate:
    """The way to one source for all processes of a project.

    Attributes
    ----------
    folder : the source's own, for its lock files. name : of the source.
    at_once : how many may be inside. rest : how long nobody enters after it did not answer.
    veil : over what is remembered of why it did not.
    """

    folder: Path
    name: str
    at_once: int
    rest: timedelta
    veil: Veil = NOTHING

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Hold one of the places; waits for one, and hears meanwhile when the source goes down.

        Raises
        ------
        LeftAlone
            The source did not answer another report a moment ago.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            self.check()
            if (place := self._free()) is not None:
                break
            time.sleep(random.uniform(0.05, 0.25))
        with place:
            yield

    def check(self) -> None:
        """Whether the source may be asked.

        Raises
        ------
        LeftAlone
            It did not answer a moment ago.
        """
        try:
            said = json.loads((self.folder / "down.json").read_bytes())
            at, reason = datetime.fromisoformat(said["at"]), str(said["reason"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if at <= datetime.now(UTC) < at + self.rest:
            again = f"{at + self.rest:%H:%M:%S}Z"
            raise LeftAlone(
                f"{reason} (found at {at:%H:%M:%S}Z by another report; not asked again before "
                f"{again})"
            )

    def down(self, reason: str) -> None:
        """Remember that the source did not answer, so that others need not wait for it too."""
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f"down.{os.getpid()}.tmp"
        reason = self.veil.hidden(reason)
        text = json.dumps({"at": datetime.now(UTC).isoformat(), "reason": reason})
        with suppress(OSError):  # not remembered: the next one finds out by itself
            beside.write_text(text)
            beside.replace(self.folder / "down.json")

    def up(self) -> None:
        """It answered."""
        (self.folder / "down.json").unlink(missing_ok=True)

    def _free(self) -> BinaryIO | None:
        """One of the places, locked; None when all are taken."""
        for number in random.sample(range(self.at_once), self.at_once):
            file = (self.folder / f"place-{number}").open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            return file
        return None
