"""The report repository on disk: put a report in its place, keep the views right, rebuild them."""

from __future__ import annotations

import json
import posixpath
import shutil
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from oaflib.body import Body
from oaflib.errors import ReportError
from oaflib.folders import make
from oaflib.publish import disk, feed, manifest, pages, search, shelf
from oaflib.publish.entry import Entry
from oaflib.publish.front import Card, Front, Trends, card_of, front_of
from oaflib.publish.links import NEIGHBOURS, moved
from oaflib.publish.online import Online
from oaflib.publish.pdf import printed
from oaflib.publish.site import Site
from oaflib.publish.spark import Course
from oaflib.report import Report, read, write
from oaflib.window import nanoseconds

_TREND = 30
_COURSES = 1_000  # outcomes of a report beyond which only alarms have a course
_OUTCOMES = '\n "outcomes": '  # as `oaflib.report.write` has it


@dataclass(frozen=True)
class Shelved:
    """A report in its `folder`, and what the views of all datasets have to say of it.

    `shelf` and `card` are those of its dataset at that moment; the card is of its latest report.
    """

    folder: Path
    report: Report
    shelf: shelf.Shelf
    card: Card


def place(
    report: Report,
    body: Body | None,
    repository: Path,
    site: Site,
    trends: Trends | None = None,
) -> Path:
    """Publish `report`: its folder, then every view that speaks of it.

    The same task and window give the same folder; one that is there is replaced in one step. Doing
    it again after a kill at any instant puts everything right. Many reports are published at less
    cost by `put_away` each and `show` all.

    Parameters
    ----------
    report : finished or not; one that failed is published as such.
    body : what its notebook shows (`oaflib.run.page.export_body`), or None.
    repository : the folder ``publish``; made when it is not there.
    trends : the values found on the last days by outcome identity, the oldest first and the one of
        this report last. None takes them from the reports published before.

    Returns
    -------
    The report's folder.

    Raises
    ------
    ReportError
        Its instrument, dataset or label cannot name a folder.
    OSError
        The disk is full or not writable; what was published before is as it was.
    """
    shelved = put_away(report, body, repository, site, trends)
    show([shelved], repository, site)
    return shelved.folder


def put_away(
    report: Report,
    body: Body | None,
    repository: Path,
    site: Site,
    trends: Trends | None = None,
) -> Shelved:
    """The first half of `place`, and as it: the report's folder and the pages of its dataset."""
    entry = Entry.of_report(report)
    folder = repository / entry.path
    room = folder.parent
    make(room)
    with disk.locked(repository):
        _assets(repository, interactive=body is not None and body.interactive)
        before = shelf.load(room)
        replaced = _entry_at(folder)
        if trends is None:
            trends = _trends(room, before, report, site)
        older, newer = shelf.neighbours(room, before, entry)
        leaf = pages.Leaf(report, entry, body or Body(), older, newer, trends)
        _folder(leaf, folder, site, pages.report_page, pdf=site.pdf)
        after = shelf.added(room, before, entry, replaced)
        for neighbour in (older, newer):
            if neighbour is not None:
                _stitched(room, after, neighbour)
        card = _dataset_with(repository, site, after, report, trends)
    return Shelved(folder, report, after, card)


def show(shelved: Sequence[Shelved], repository: Path, site: Site) -> None:
    """The second half of `place`, for several reports at once: the views of all datasets.

    What it costs grows with the datasets, and hardly with the reports. Raises OSError as `place`.
    """
    with disk.locked(repository):
        search.add(repository, [one.report for one in shelved])
        front = _front_kept(repository, site)
        shown = []
        for one in {one.card.entry.id: one for one in shelved}.values():  # the last of a dataset
            kept = shelf.load(one.folder.parent)
            if not kept.recent:
                continue  # somebody took it away meanwhile
            card = one.card if kept == one.shelf else _card(repository, site, kept)
            front = front.with_card(card)
            shown.append(card.entry)
        _shown(repository, front, shown)


def place_online(report: Report, body: Body, repository: Path, site: Site, online: Online) -> Path:
    """Publish what a watch sees now, at ``ONLINE/<INST>_<dataset>/``; its folder.

    No other view speaks of it. Raises as `place`.
    """
    entry = Entry.of_report(report)
    folder = repository / "ONLINE" / entry.id
    make(folder.parent)
    leaf = pages.Leaf(report, entry, body)
    with disk.locked(repository):
        _assets(repository, interactive=body.interactive)
        _folder(leaf, folder, site, lambda leaf, site: pages.online_page(leaf, online, site))
    return folder


def rebuild(repository: Path, site: Site) -> None:
    """Make every view again from the reports on disk, and take away what no report stands behind.

    Report pages stay as they are but for the links to their neighbours.
    """
    make(repository)
    with disk.locked(repository):
        _assets(repository, interactive=False)
        front = Front((), site)
        search.clear(repository)
        for folder in (repository, repository / "assets", repository / "ONLINE"):
            _swept(folder)
        for room in sorted((repository / "reports").glob("*/*")):
            _swept(room)
            kept = shelf.rebuilt(room)
            if not kept.recent:
                continue
            entries = sorted(shelf.on_disk(room), key=lambda entry: entry.order)
            for entry in entries:
                _stitched(room, kept, entry)
            search.add(repository, [_report_at(repository, entry) for entry in entries])
            for name in kept.months:
                _month(room, kept, name, site)
            latest = _report_at(repository, kept.latest)
            trends = _trends(room, kept, latest, site)
            front = front.with_card(_dataset(repository, site, kept, latest, trends))
        _recents_swept(repository, front)
        _shown(repository, front, [card.entry for card in front.cards])


def _folder(
    leaf: pages.Leaf,
    folder: Path,
    site: Site,
    page_of: Callable[[pages.Leaf, Site], str],
    *,
    pdf: bool = False,
) -> None:
    """Write the report's folder beside its place, and move it there."""
    beside = folder.with_name(f".new-{folder.name}")
    for left in (beside, beside.with_name(f"{beside.name}.old")):  # by a publishing that was killed
        if left.exists():
            shutil.rmtree(left)
    try:
        (beside / "figures").mkdir(parents=True)
        for name, content in leaf.body.figures.items():
            if not name or name != Path(name).name or name.startswith("."):
                raise ReportError(f"a figure cannot be called {name!r}")
            (beside / "figures" / name).write_bytes(content)
        (beside / "report.json").write_bytes(disk.encoded(write(leaf.report)))
        if leaf.body.notebook is not None:
            shutil.copyfile(leaf.body.notebook, beside / "notebook.ipynb")
        if leaf.body.live:
            (beside / "live").mkdir()
            for name, content in leaf.body.live.items():
                (beside / "live" / name).write_bytes(content)
            (beside / "live.html").write_bytes(disk.encoded(pages.live_page(leaf, site)))
        page = beside / "index.html"
        page.write_bytes(disk.encoded(page_of(leaf, site)))
        if pdf and printed(page, beside / "report.pdf"):
            page.write_bytes(disk.encoded(page_of(replace(leaf, pdf=True), site)))
        (beside / manifest.FILE).write_bytes(manifest.written(beside))
        disk.sync_tree(beside)
        disk.swap_in(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _dataset_with(
    repository: Path, site: Site, kept: shelf.Shelf, report: Report, trends: Trends
) -> Card:
    """The pages of a dataset that a new `report` of it changes; its card for the front page."""
    entry = Entry.of_report(report)
    room = (repository / entry.path).parent
    months = sorted(kept.months)
    here = months.index(entry.month)
    first = not (room / f"{entry.month}.html").exists()  # its neighbours get a link to it
    for name in months[max(here - 1, 0) : here + 2] if first else [entry.month]:
        _month(room, kept, name, site)
    latest = kept.latest
    if latest.label == entry.label:
        return _dataset(repository, site, kept, report, trends)
    shown = _report_at(repository, latest)
    return _dataset(repository, site, kept, shown, _trends(room, kept, shown, site))


def _dataset(
    repository: Path, site: Site, kept: shelf.Shelf, latest: Report, trends: Trends
) -> Card:
    """The dataset's page, feed and place in RECENT; its card for the front page."""
    room = (repository / kept.latest.path).parent
    _recent(repository, kept.latest)
    disk.write_changed(room / "index.html", pages.dataset_page(kept, site, latest.description))
    disk.write_changed(room / "feed.xml", feed.of_dataset(kept, site))
    return card_of(latest, pages.anchored(latest.outcomes), kept, trends)


def _card(repository: Path, site: Site, kept: shelf.Shelf) -> Card:
    """The card of a dataset, from its latest report on disk."""
    latest = _report_at(repository, kept.latest)
    trends = _trends((repository / kept.latest.path).parent, kept, latest, site)
    return card_of(latest, pages.anchored(latest.outcomes), kept, trends)


def _month(room: Path, kept: shelf.Shelf, name: str, site: Site) -> None:
    page = pages.month_page(kept, name, shelf.month(room, name), site)
    disk.write_changed(room / f"{name}.html", page)


def _recent(repository: Path, entry: Entry) -> None:
    """``RECENT/<INST>_<dataset>``."""
    place = repository / "RECENT" / entry.id
    make(place)
    source = repository / entry.path
    page = (source / "index.html").read_text(encoding="utf-8")
    disk.write_changed(place / "report.json", (source / "report.json").read_bytes())
    disk.write_changed(place / "index.html", moved(page, entry.path, f"RECENT/{entry.id}"))


def _shown(repository: Path, front: Front, entries: Sequence[Entry]) -> None:
    """The front page, and `entries` in their halves; at no instant does a link lead nowhere."""
    for entry in entries:
        _halved(repository, entry)
    _front(repository, front)
    for entry in entries:
        disk.remove(repository / _halves(entry)[1] / entry.id)


def _halved(repository: Path, entry: Entry) -> None:
    """The link of RECENT in the half that a report belongs to."""
    for half in _halves(entry):
        make(repository / half)
    here = repository / _halves(entry)[0] / entry.id
    if not disk.link(posixpath.join("..", "RECENT", entry.id), here):
        make(here)  # no symbolic links on this disk: a copy reads the same
        for name in ("report.json", "index.html"):
            content = (repository / "RECENT" / entry.id / name).read_bytes()
            disk.write_changed(here / name, content)


def _halves(entry: Entry) -> tuple[str, str]:
    """The half of RECENT that a report belongs to, and the other."""
    halves = ("RECENT_WITH_ALM", "RECENT_WITHOUT_ALM")
    return halves if entry.alarming else halves[::-1]


def _recents_swept(repository: Path, front: Front) -> None:
    """Take away what stands in the RECENT views without a report."""
    known = {card.entry.id for card in front.cards}
    for view in pages.VIEWS:
        make(repository / view)
        for path in list((repository / view).iterdir()):
            if path.name not in known and path.name != "index.html":
                disk.remove(path)


def _front(repository: Path, front: Front) -> None:
    """``index.json``, the front page, the RECENT indexes and the feed of all."""
    disk.write_changed(repository / "index.json", front.text())
    disk.write_changed(repository / "index.html", pages.front_page(front, front.site))
    for view in pages.VIEWS:
        make(repository / view)
        disk.write_changed(
            repository / view / "index.html", pages.view_page(front, view, front.site)
        )
    disk.write_changed(repository / "search.html", pages.search_page(front, front.site))
    disk.write_changed(repository / "feed.xml", feed.of_all(front, front.site))


def _front_kept(repository: Path, site: Site) -> Front:
    """The front as ``index.json`` has it; made from the shelves when that is not whole."""
    try:
        return front_of((repository / "index.json").read_bytes(), site)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        front = Front((), site)
    for room in sorted((repository / "reports").glob("*/*")):
        kept = shelf.load(room)
        if kept.recent:
            front = front.with_card(_card(repository, site, kept))
    return front


def _stitched(room: Path, kept: shelf.Shelf, entry: Entry) -> None:
    """Renew the links of a report's page to its neighbours, and only those."""
    path = room / entry.label / "index.html"
    try:
        page = path.read_text(encoding="utf-8")
    except OSError:
        return
    links = pages.nav(*shelf.neighbours(room, kept, entry))
    disk.write_changed(path, NEIGHBOURS.sub(lambda _: links, page, count=1))


def _trends(room: Path, kept: shelf.Shelf, report: Report, site: Site) -> dict[str, Course]:
    """How each outcome of `report` went over the last reports of the same length."""
    told = report.outcomes if len(report.outcomes) <= _COURSES else report.alarms
    wanted = {outcome.identity: outcome for outcome in told}
    entry = Entry.of_report(report)
    earlier = [
        other
        for other in kept.recent
        if other.span == entry.span and other.label != entry.label and other.end <= entry.end
    ][: _TREND - 1]
    if not wanted or not earlier:
        return {}
    earlier.reverse()
    past = [_found(room / other.label / "report.json", wanted) for other in earlier]
    past.append({outcome.identity: outcome.found for outcome in report.outcomes})
    ends = [nanoseconds(other.end) for other in (*earlier, entry)]
    courses = {}
    for identity, outcome in wanted.items():
        values = tuple(
            float(value) if isinstance(value := found.get(identity), (int, float)) else None
            for found in past
        )
        name = outcome.variable or outcome.device
        times = [one.time for one in site.ledger if one.concerns(name)]
        marks = {bisect_right(ends, time) for time in times if ends[0] <= time < ends[-1]}
        courses[identity] = Course(values, tuple(sorted(marks)))
    return courses


def _found(path: Path, wanted: Collection[str]) -> Mapping[str, object]:
    """The values that a report found, by identity; of the file only its outcomes are read."""
    try:
        text = path.read_text(encoding="utf-8")
        start = text.index(_OUTCOMES) + len(_OUTCOMES)
        outcomes: Sequence[Mapping[str, object]] = json.JSONDecoder().raw_decode(text, start)[0]
        found = {f"{o['check']}|{o['device']}|{o['variable']}": o["found"] for o in outcomes}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {identity: value for identity, value in found.items() if identity in wanted}


def _report_at(repository: Path, entry: Entry) -> Report:
    path = repository / entry.path / "report.json"
    return read(path.read_bytes(), str(path))


def _entry_at(folder: Path) -> Entry | None:
    """The entry of the report that is at `folder` now, if there is one."""
    try:
        return Entry.of_report(read((folder / "report.json").read_bytes()))
    except (OSError, ReportError):
        return None


def _swept(room: Path) -> None:
    """Take away what a killed publishing left."""
    for path in (*room.glob(".new-*"), *room.glob(".*.new"), *room.glob(".*.old")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _assets(repository: Path, interactive: bool) -> None:
    """The style and scripts of the pages; plotly's, once, where a page needs it."""
    target = repository / "assets"
    make(target)
    for asset in resources.files("oaflib.publish").joinpath("assets").iterdir():
        if asset.name.endswith((".css", ".js", ".svg")):
            disk.write_changed(target / asset.name, asset.read_bytes())
    if interactive and not (target / "plotly.min.js").exists():
        spec = find_spec("plotly")
        if spec is not None and spec.origin is not None:
            script = Path(spec.origin).parent / "package_data" / "plotly.min.js"
            disk.write(target / "plotly.min.js", script.read_bytes())
