"""What must hold whatever was broken: I1 to I8 of the fault model, looked up from outside."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from faults.scene import ALARMING, DATASETS, FIRST, Scene, alarms_on

_TYPES = {
    *(".html", ".json", ".ipynb", ".svg", ".png", ".css", ".js", ".xml", ".woff2", ".csv", ".ico"),
    *(".txt", ".htaccess", ".webmanifest", ""),
}


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
    whole = [*_state(scene), *_repository(scene, datasets)]
    return Found(len(reports) + len(mails), copies, (*reports, *mails, *whole))


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


def _state(scene: Scene) -> Iterator[str]:
    """The database is whole."""
    with sqlite3.connect(f"file:{scene.state}?mode=ro", uri=True) as db:
        (said,) = db.execute("PRAGMA integrity_check").fetchone()
    db.close()
    if said != "ok":
        yield f"integrity_check: {said}"


def _repository(scene: Scene, datasets: Sequence[str]) -> Iterator[str]:
    """I4, I5, I8: pages whole, RECENT* lead somewhere and split, nothing foreign."""
    publish = scene.publish
    for path in publish.rglob("*"):
        place = path.relative_to(publish)
        if path.is_symlink() and not path.exists():
            yield f"I5: {place} leads nowhere"
        if path.name.startswith(".") and path.name not in (".lock", ".htaccess"):
            yield f"I8: {place} was left over"
        if path.is_file() and path.suffix not in _TYPES and path.name != ".lock":
            yield f"I8: {place} is foreign"
        if path.suffix == ".html" and not path.read_bytes().rstrip().endswith(b"</html>"):
            yield f"I4: {place} is cut"
        if path.suffix in (".json", ".ipynb") and path.is_file():
            yield from _parsed(path, place)
    halves = [
        {path.name for path in (publish / half).iterdir() if (path / "report.json").exists()}
        for half in ("RECENT", "RECENT_WITH_ALM", "RECENT_WITHOUT_ALM")
    ]
    names = {f"BCT_{name}" for name in datasets}
    if halves[0] != names or halves[1] | halves[2] != names or halves[1] & halves[2]:
        yield f"I5: RECENT {halves[0]} is not split: {halves[1]} and {halves[2]}"
    for name in datasets:
        folder = publish / "reports/BCT" / name
        latest = max(path.parent.name for path in folder.glob("*/report.json"))
        recent = publish / f"RECENT/BCT_{name}/report.json"
        if (
            not recent.exists()
            or recent.read_bytes() != (folder / latest / "report.json").read_bytes()
        ):
            yield f"I5: RECENT/BCT_{name} is not the report of {latest}"


def _parsed(path: Path, place: Path) -> Iterator[str]:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        yield f"I4: {place} is torn"
