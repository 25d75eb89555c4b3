"""How the morning goes: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TextIO

from tqdm import tqdm

from oaflib.changes import Changes
from oaflib.config.tasks import Task
from oaflib.daily.morning import Done
from oaflib.daily.telling import Teller
from oaflib.inform.digest import digest
from oaflib.inform.sheet import Links
from oaflib.inform.texts import counted, plain

_LINES = 16  # of findings on the last screen


class Lines:
    """One line a report; on a terminal a bar below them."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.bar: Any = None
        self.count = self.total = 0

    def started(self, count: int) -> None:
        """So many reports are due."""
        self.total = count
        if self.out.isatty() and count:
            self.bar = tqdm(total=count, file=self.out, unit="report", leave=False)

    def ended(self, done: Done) -> None:
        """One more is there."""
        self.count += 1
        width = len(str(self.total))
        line = plain(
            "\n    ".join((f"[{self.count:>{width}}/{self.total}] {said(done)}", *done.notes))
        )
        if self.bar is None:
            self.out.write(line + "\n")
            self.out.flush()
            return
        self.bar.write(line, file=self.out)
        self.bar.update()
        if self.count == self.total:
            self.bar.close()


def said(done: Done) -> str:
    """``BWS_PS 2026-11-22: 2 alarms, 1 NEW (1.9 s)``."""
    name = f"{done.due.task.id} {done.due.window.label}"
    if done.kept:
        return f"{name}: there already" + (f", and failed: {done.failure}" if done.failure else "")
    if done.failure:
        return f"{name}: FAILED: {done.failure} ({done.seconds:.1f} s)"
    assert done.report is not None
    counts = done.report.counts
    words = [
        counted(counts[name], noun, plural)
        for name, noun, plural in (
            ("alarm", "alarm", "alarms"),
            ("invalid", "could not be judged", "could not be judged"),
            ("warning", "warning", "warnings"),
        )
        if counts[name]
    ]
    if done.changes and (words or done.changes.cleared):
        words += [
            f"{count} {word}"
            for word, count in done.changes.counts.items()
            if count and word in ("new", "cleared")
        ]
    return f"{name}: {', '.join(words) or 'OK'} ({done.seconds:.1f} s)"


def summary(teller: Teller, label: str, told: Sequence[tuple[Task, Changes]]) -> tuple[str, ...]:
    """The morning on one screen: its digest, without the links that mails end with."""
    if len(told) < 2:
        return ()
    parts = [replace(teller.part(changes), href="") for _, changes in told]
    settings = replace(teller.settings, lines=_LINES)
    text = digest(parts, label, Links(), settings).text
    return ("", *text.split("\n-- \n")[0].rstrip().splitlines(), "")
