"""What must hold whatever was broken: all that ``oaf fsck`` looks at, and what only a test knows.

That is which reports and alarms there must be, and which mails arrived.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from faults.scene import ALARMING, DATASETS, FIRST, ZONE, Scene, alarms_on
from oaflib.config.project import load_project
from oaflib.fsck import fsck
from oaflib.window import calendar_day


@dataclass(frozen=True)
class Found:
    """What a look at everything found: lost things, copies, and all that does not hold."""

    lost: int
    copies: int
    violations: tuple[str, ...]


def look(scene: Scene, made: Sequence[date], datasets: Sequence[str] = DATASETS) -> Found:
    """All invariants, for the days of which every report should be there and told."""
    reports = list(_reports(scene, made, datasets))
    mails, copies = _mails(scene, made, datasets)
    return Found(len(reports) + len(mails), copies, (*reports, *mails, *_sound(scene, made)))


def _sound(scene: Scene, made: Sequence[date]) -> Iterator[str]:
    """What the product's own checker says on the morning after the last of the days."""
    after = calendar_day(made[-1], ZONE).end + timedelta(hours=9)
    for finding in fsck(load_project(scene.root), after, None).findings:
        yield str(finding)


def _reports(scene: Scene, made: Sequence[date], datasets: Sequence[str]) -> Iterator[str]:
    """I1, I6: each due report exactly once, concluded, and with the alarms of its day."""
    with sqlite3.connect(f"file:{scene.state}?mode=ro", uri=True) as db:
        rows = Counter((task, label) for task, label in db.execute("SELECT task, label FROM run"))
        done = {
            (task, label)
            for task, label in db.execute("SELECT task, label FROM run WHERE status = 'DONE'")
        }
    db.close()
    for name in datasets:
        for day in made:
            key = (f"BCT_{name}", str(day))
            if key not in done or rows[key] != 1:
                yield f"I1: {key} has {rows[key]} rows, done: {key in done}"
            try:
                report = json.loads(
                    (scene.made.report("BCT", name, str(day)) / "report.json").read_bytes()
                )
            except (OSError, ValueError) as error:
                yield f"I1: {key} is not published: {error}"
                continue
            if report["finished"] is not True:
                yield f"I6: {key} never concluded"
            alarms = [one for one in report["outcomes"] if one["severity"] == "ALARM"]
            wanted = name == ALARMING and alarms_on((day - FIRST).days)
            if [one["change"] for one in alarms] != (["NEW"] if wanted else []):
                yield f"I2: {key} should alarm: {wanted}; it has {alarms}"


def _mails(scene: Scene, made: Sequence[date], datasets: Sequence[str]) -> tuple[list[str], int]:
    """I2, I3: each report told to its reader, sent only what arrived, one copy more at most."""
    wrong = []
    arrived = Counter(
        (str(mail["Message-ID"]), recipient) for recipient, mail in list(scene.mailbox.taken)
    )
    with sqlite3.connect(f"file:{scene.state}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT message_id, recipient, subject, state FROM outbox").fetchall()
    db.close()
    for message_id, recipient, subject, state in rows:
        if state == "sent" and not arrived[message_id, recipient]:
            wrong.append(f"I3: '{subject}' is called sent and did not arrive")
        if state != "sent":
            wrong.append(f"I3: '{subject}' is {state}")
    subjects = Counter(subject for _, recipient, subject, _ in rows if recipient.startswith("jdoe"))
    for name in datasets:
        for day in made:
            start = f"[OAF] BCT {name} {day}: "
            count = sum(n for subject, n in subjects.items() if subject.startswith(start))
            if count != 1:
                wrong.append(f"I2: {count} mails on {name} {day}")
    wrong += [f"{key} arrived {n} times" for key, n in arrived.items() if n > 2]
    marked = {str(mail["Message-ID"]) for _, mail in scene.mailbox.taken if mail["X-OAF-Attempt"]}
    wrong += [
        f"{key} twice, unmarked" for key, n in arrived.items() if n > 1 and key[0] not in marked
    ]
    return wrong, sum(n - 1 for n in arrived.values())
