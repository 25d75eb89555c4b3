"""The report repository: pages whole (I4), views in step with the reports (I5), no strays (I8)."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from oaflib import report as documents
from oaflib.errors import ReportError
from oaflib.fsck.finding import Finding, Look, again, mark_of
from oaflib.inform.texts import some_of
from oaflib.publish import manifest, shelf, site_of
from oaflib.publish.entry import Entry
from oaflib.publish.front import front_of
from oaflib.publish.links import moved
from oaflib.publish.search import places

#: What a page, a document, a picture, a style or a site's own small file may be called.
KINDS = frozenset(
    {
        *(".html", ".json", ".xml", ".css", ".js", ".svg", ".png", ".jpg", ".ico", ".woff2"),
        *(".ipynb", ".pdf", ".txt", ".csv", ".webmanifest", ""),
    }
)
_OWN = frozenset({".lock", ".htaccess", ".well-known"})  # the only hidden names
_ROOM = re.compile(r"reports/[^/]+/[^/]+")  # of a dataset
_HALVES = ("RECENT_WITH_ALM", "RECENT_WITHOUT_ALM")
_KILLED = "a publishing that was killed"
_VIEWS = "Type: oaf publish"


def repository(look: Look) -> Iterator[Finding]:
    """All of ``publish/``: of old reports only that they are there, unless the look is whole."""
    publish = look.project.publish
    if not publish.is_dir():
        yield Finding("I5", str(publish), "is not there", "no morning was held", "run_daily.py")
        return
    latest: dict[str, Entry] = {}
    young: set[str] = set()
    searched: dict[str, frozenset[str]] = {}
    for room in sorted((publish / "reports").glob("*/*")):
        if room.is_dir():
            entries, found = _room(look, room, searched)
            yield from found
            young |= {entry.path for entry in entries}
            if (newest := _newest(room)) is not None:
                latest[newest.id] = newest
    yield from _front(look, latest)
    yield from _recents(publish, latest)
    yield from _strays(look, publish, young)


def _newest(room: Path) -> Entry | None:
    try:
        return shelf.index_of(room).latest
    except (OSError, ReportError, IndexError):
        return None


def _room(
    look: Look, room: Path, searched: dict[str, frozenset[str]]
) -> tuple[list[Entry], list[Finding]]:
    """A dataset's lists, its pages and the reports of the time looked at.

    `searched` keeps what the search knows of a month for the other datasets.
    """
    place = room.relative_to(look.project.publish)
    look.seen["datasets"] += 1
    there = {entry.name for entry in os.scandir(room) if entry.is_dir() and entry.name[0] != "."}
    try:
        index = shelf.index_of(room)
    except (OSError, ReportError) as error:
        if not there:
            return [], []
        what = f"its list of reports cannot be read: {error}"
        return [], [Finding("I5", str(place), what, _KILLED, _VIEWS)]
    found: list[Finding] = []

    def view(what: str) -> None:
        found.append(Finding("I5", str(place), what, _KILLED, _VIEWS))

    entries: list[Entry] = []
    since = f"{look.since:%Y-%m}"
    months = [name for name in index.months if look.whole or name >= since]
    for name in months:
        try:
            entries += shelf.month_of(room, name)
        except (OSError, ReportError) as error:
            view(f"its list of {name} cannot be read: {error}")
    listed = {entry.label for entry in entries}
    if gone := sorted(listed - there):
        view(f"lists reports that are not there: {some_of(gone)}")
    loose = {label for label in there - listed if look.whole or label[:7] in months}
    if loose:
        view(f"does not list {some_of(sorted(loose))}")
    newest = max(
        (entry for entry in entries if entry.label in there),
        key=lambda entry: entry.order,
        default=None,
    )
    if newest is not None and index.recent and newest.label != index.latest.label:
        view(f"calls {index.latest.label} the latest report; that is {newest.label}")
    for page in (room / "index.html", *(room / f"{name}.html" for name in months)):
        if fault := _cut(page):
            view(f"{page.name} {fault}")
    inside = [entry for entry in entries if look.since < entry.end and entry.label in there]
    for entry in inside:
        found += _report(look, room / entry.label, entry)
    by_month: dict[str, list[Entry]] = {}
    for entry in inside:
        by_month.setdefault(entry.month, []).append(entry)
    for name, of_month in by_month.items():
        if name not in searched:
            searched[name] = places(look.project.publish, name)
        lost = [
            one.label for one in of_month if one.path.removeprefix("reports/") not in searched[name]
        ]
        if lost:
            view(f"is not found by the search: {some_of(lost)}")
    return inside, found


def _report(look: Look, folder: Path, entry: Entry) -> Iterator[Finding]:
    """I4: a report's folder as it was published, and as the lists say."""
    look.seen["reports"] += 1
    where = entry.path
    cure = again(entry.id, entry.label, entry.start, entry.end)
    cause = "it was edited by hand, or the disk is damaged"
    try:
        mark = look.listed.get(where)
        if mark is None:
            report = documents.read((folder / "report.json").read_bytes())
            mark = mark_of(Entry.of_report(report))
        if mark != mark_of(entry):
            yield Finding("I5", where, "is not what the lists say of it", _KILLED, _VIEWS)
    except (OSError, ReportError) as error:
        yield Finding("I4", where, f"report.json cannot be read: {error}", cause, cure)
    if fault := _cut(folder / "index.html"):
        yield Finding("I4", where, f"index.html {fault}", cause, cure)
    for fault in manifest.faults(folder):
        yield Finding("I4", where, fault, cause, cure)


def _cut(page: Path) -> str:
    """What is wrong with a page as a whole; nothing when it ends as pages do."""
    try:
        with page.open("rb") as file:
            file.seek(max(0, page.stat().st_size - 64))
            return "" if file.read().rstrip().endswith(b"</html>") else "is cut"
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _front(look: Look, latest: dict[str, Entry]) -> Iterator[Finding]:
    """The front page and ``index.json`` against the newest report of each dataset."""
    publish = look.project.publish
    try:
        front = front_of((publish / "index.json").read_bytes(), site_of(look.project))
        said = {card.entry.id: card.entry.label for card in front.cards}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield Finding("I5", "index.json", f"cannot be read: {error!r}", _KILLED, _VIEWS)
        said = {}
    for name in sorted(said.keys() | latest.keys()) if said else ():
        there = latest[name].label if name in latest else "none"
        if said.get(name, "none") != there:
            what = f"shows {said.get(name, 'none')} of {name}; the latest is {there}"
            yield Finding("I5", "index.json", what, _KILLED, _VIEWS)
    pages = ["index.html", "search.html", *(f"{view}/index.html" for view in ("RECENT", *_HALVES))]
    for name in pages:
        if fault := _cut(publish / name):
            yield Finding("I5", name, fault, _KILLED, _VIEWS)


def _recents(publish: Path, latest: dict[str, Entry]) -> Iterator[Finding]:
    """I5: RECENT shows the latest reports, and each stands in exactly one of the halves."""

    def finding(where: str, what: str) -> Finding:
        return Finding("I5", where, what, _KILLED, _VIEWS)

    for view in ("RECENT", *_HALVES):
        for name in sorted(_names(publish / view) - latest.keys()):
            yield finding(f"{view}/{name}", "stands there without a report")
    for name, entry in latest.items():
        recent, source = publish / "RECENT" / name, publish / entry.path
        try:
            page = moved((source / "index.html").read_text("utf-8"), entry.path, f"RECENT/{name}")
            same = (recent / "report.json").read_bytes() == (source / "report.json").read_bytes()
            if not same or (recent / "index.html").read_text("utf-8") != page:
                yield finding(f"RECENT/{name}", f"is not the report of {entry.label}")
        except (OSError, ValueError) as error:
            yield finding(f"RECENT/{name}", f"cannot be read: {error}")
        halves = [half for half in _HALVES if os.path.lexists(publish / half / name)]
        right = _HALVES[not entry.alarming]
        if halves != [right]:
            yield finding(
                f"RECENT/{name}", f"stands in {some_of(halves) or 'no half'}, not {right}"
            )
        elif not (publish / right / name / "index.html").exists():
            yield finding(f"{right}/{name}", "leads nowhere")


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(folder)} - {"index.html"}
    except FileNotFoundError:
        return set()


def _strays(look: Look, publish: Path, young: set[str]) -> Iterator[Finding]:
    """I8: everything else that lies there; of old reports' folders only their names."""
    folders = [""]
    while folders:
        inside = folders.pop()
        old = _ROOM.fullmatch(inside.rpartition("/")[0]) and inside not in young
        if old and not look.whole:
            continue
        reports = not look.whole and _ROOM.fullmatch(inside)
        for entry in os.scandir(publish / inside):
            look.seen["files"] += 1
            place = f"{inside}/{entry.name}" if inside else entry.name
            if reports and _is_folder(entry):
                folders.append(place)  # a report: old ones are not even asked for their rights
            elif fault := _stray(entry, place):
                yield Finding("I8", place, *fault)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(place)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and entry.name[0] != "."


def _stray(entry: os.DirEntry[str], place: str) -> tuple[str, str, str] | None:
    """What is wrong with something in the repository: what, why, and what to do."""
    by_hand = ("it was put there by hand", "If nobody needs it, take it away")
    if entry.name.startswith(".") and entry.name not in _OWN:
        return "was left over", _KILLED, _VIEWS
    if entry.is_symlink():
        half, _, name = place.partition("/")
        fine = half in _HALVES and name and "/" not in name
        return None if fine else ("is a link where none belongs", *by_hand)
    mode = entry.stat(follow_symlinks=False).st_mode
    if mode & stat.S_IWOTH:
        return (
            "may be written by everybody",
            "rights changed by hand",
            "Type: chmod o-w, with its path",
        )
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISREG(mode):
        return "is neither file nor folder", *by_hand
    if os.path.splitext(entry.name)[1].lower() not in KINDS:  # noqa: PTH122
        return "is of no kind that a report has", *by_hand
    return None
