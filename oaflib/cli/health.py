"""``oaf status``: whether this morning happened; ``oaf fsck``: whether what is kept is sound."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from oaflib.cli.commands import now, say
from oaflib.config.project import Project, find_root, load_project, load_site_only
from oaflib.daily.status import Status, holder, prometheus, status, written
from oaflib.daily.telling import settings_of
from oaflib.errors import ConfigurationError, OafError
from oaflib.inform.direct import tell
from oaflib.inform.texts import counted, plain, shown, some_of
from oaflib.run.limits import size

if TYPE_CHECKING:
    from oaflib.fsck import Finding


def health(given: Namespace) -> int:
    """0 all is well, 1 something is wrong, 2 the configuration is."""
    at = given.at or now()
    root = find_root(given.root)
    try:
        project = load_project(root)
    except ConfigurationError as error:
        if given.mail:  # with a wrong table no morning is held, and nobody may look at cron
            _mail(load_site_only(root), "the configuration is wrong", str(error).splitlines(), at)
        raise
    found = status(project, at, over=given.over)
    if given.prometheus:
        _written(prometheus(found), given.prometheus)
    if given.json:
        say(json.dumps(found.document(), indent=1))
    else:
        say(*_lines(found, project))
    if given.mail and found.problems:
        subject = counted(len(found.problems), "problem")
        _mail(project, subject, [f"{found.title} at {found.at}:", *found.problems], at)
    return 0 if found.healthy else 1


def sound(given: Namespace) -> int:
    """0 everything holds, 1 something does not."""
    from oaflib.fsck import fsck

    project = load_project(find_root(given.root))
    began = time.monotonic()
    found = fsck(project, given.at or now(), None if given.all else given.days)
    if given.json:
        say(json.dumps(found.document(), indent=1))
        return 0 if found.sound else 1
    say(*(shown(line, 600) for line in _folded(found.findings)))
    looked = ", ".join(f"{count:,} {noun}" for noun, count in sorted(found.seen.items()))
    reach = "All" if found.days is None else f"The last {counted(found.days, 'day')}"
    say(f"{reach}: {looked or 'nothing there'} ({time.monotonic() - began:.1f} s).")
    say("All is sound." if found.sound else f"{counted(len(found.findings), 'finding')}.")
    at_work = holder(project.runs / "lock")
    if at_work is not None and not found.sound:
        say(f"A run is at work (process {at_work}); look again when it has ended.")
    return 0 if found.sound else 1


def _folded(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each; what is found alike in many places is said once."""
    alike: dict[Finding, list[str]] = {}
    for finding in findings:
        alike.setdefault(replace(finding, where=""), []).append(finding.where)
    for finding, places in alike.items():
        yield str(replace(finding, where=some_of(places)))


def _mail(project: Project, subject: str, lines: list[str], at: datetime) -> None:
    problem = tell(settings_of(project), subject, [*lines, "", "Told by oaf status --mail."], at)
    if problem:
        sys.stderr.write(f"oaf: {problem}\n" + "".join(f"oaf: {plain(line)}\n" for line in lines))


def _written(text: str, path: Path) -> None:
    try:
        written(text, path)
    except OSError as error:
        raise OafError(f"{path} cannot be written: {error.strerror}") from error


def _lines(found: Status, project: Project) -> list[str]:
    zone = ZoneInfo(project.site.zone)

    def local(text: str) -> str:
        if not text:
            return "never"
        return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M}"

    lines = [f"{shown(found.title, 80)}, {local(found.at)}"]
    lines.append("All is well." if found.healthy else "NOT WELL:")
    lines += [f"  {shown(problem, 400)}" for problem in found.problems]
    lines.append(
        f"Last morning  {local(found.last_morning)}; the next is due {local(found.next_due)}"
    )
    counts = [
        f"{found.count(word)} {word}"
        for word in ("made", "failed", "missing", "pending")
        if found.count(word)
    ]
    lines.append(f"Reports       {', '.join(counts) or 'none due'}")
    lines += [
        f"  {task.state:8} {shown(task.task, 60)} {task.label} {task.severity} "
        f"{shown(task.detail, 200)}".rstrip()
        for task in found.tasks
    ]
    mails = f"{found.mails_waiting} waiting, {found.mails_dead} undeliverable"
    lines.append(f"Mails         {mails}")
    for disk in found.disks:
        files = "" if disk.files is None else f", and room for {disk.files:,} files"
        lines.append(f"Disk          {disk.name}: {size(disk.free)} free{files}")
    lines.append(f"Expert code   {found.isolation or 'does not run'}")
    if found.holder is not None:
        lines.append(f"At work now   process {found.holder or 'unknown'}")
    return lines
