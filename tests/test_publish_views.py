"""What the pages say: hostile names, links that lead somewhere, reading while publishing."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import published
import pytest

from oaflib.body import Body
from oaflib.errors import ReportError
from oaflib.publish import disk, place, put_away, rebuild, show
from oaflib.publish.links import moved
from oaflib.publish.words import against, number, there
from oaflib.report import Change, Fault, Outcome, Severity, Statistics
from oaflib.window import Window, calendar_day

NASTY = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "'-alert(1)-'",
    "</title></script><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "a\u202egnp.exe\u2066\u200f",
    "&lt;b&gt; & \x00\x1b[31m\x07",
    "javascript:alert(1)",
    "oafSearch(1);//\u2028</script>",
    "<!--nav-->",
    "\ud83d\ude00 \u05d0\u05d1 très ${x} `y`",
    "x" * 3_000,
)


class Page(HTMLParser):
    """Addresses, ids, elements and texts of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        self.addresses += [
            (tag, str(values[name])) for name in ("href", "src") if values.get(name) is not None
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def broken_links(root: Path, path: Path) -> Iterator[str]:
    """Addresses of the page at `path` that lead nowhere, or out of the repository."""
    page = Page(path.read_text(encoding="utf-8"))
    for tag, address in page.addresses:
        if re.match(r"(https?|mailto):", address):
            assert tag == "a", f"{path}: {tag} loads {address}"
            continue
        target, _, anchor = address.partition("#")
        # Not resolved through links: a browser knows no symbolic links.
        goal = Path(os.path.normpath(path.parent / unquote(target))) if target else path
        if not goal.is_relative_to(root) or not goal.is_file():
            yield f"{path.relative_to(root)} -> {address}"
        elif anchor and not anchor.startswith("q=") and goal.suffix == ".html":
            ids = page.ids if goal == path else Page(goal.read_text(encoding="utf-8")).ids
            if anchor not in ids:
                yield f"{path.relative_to(root)} -> {address} (no such place)"


def pages(root: Path) -> list[Path]:
    """Every page, also through the links of the RECENT views."""
    found = []
    for folder, _, names in os.walk(root, followlinks=True):
        found += [Path(folder, name) for name in names if name.endswith(".html")]
    return found


def small(root: Path, days: int = 3) -> Path:
    """A few datasets and days, with alarms, a failure and a body."""
    shared = published.body(root.parent)
    for back in reversed(range(days)):
        day = published.DAY - timedelta(days=back)
        for ids in (*published.DATASETS[:2], *published.DATASETS[3:5], published.DATASETS[8]):
            failed = ids[0] == "BLM" and not back
            found = [published.failure()] if failed else published.outcomes_of(ids, day)
            made = published.report(day, found, ids, not failed)
            place(made, shared, root, published.with_periods())
    return root


def test_every_link_leads_somewhere_and_every_page_is_reached(tmp_path: Path) -> None:
    root = small(tmp_path / "publish")
    found = pages(root)
    assert len(found) > 30
    assert [link for path in found for link in broken_links(root, path)] == []
    reached, waiting = set(), [root / "index.html"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for tag, address in Page(path.read_text()).addresses:
            goal = Path(os.path.normpath(path.parent / address.partition("#")[0]))
            if tag == "a" and goal.suffix == ".html" and goal.is_file():
                waiting.append(goal)
    # The halves' links to RECENT are second addresses of pages reached by their first.
    seconds = {p for p in found if p.parent.parent.name.startswith("RECENT")}
    assert set(found) - reached <= seconds


def test_hostile_names_change_nothing(tmp_path: Path) -> None:
    outcomes = [
        published.outcome(
            text, Severity.ALARM, Change.NEW, check=text, variable=text, reason=text,
            guidance=text, unit=text, found=text, limit={text: text, "expected": [text]},
            members=(text,), forecast={text: text, "n": 1.5},
        )
        for text in NASTY
    ]  # fmt: skip
    made = replace(
        published.report(outcomes=outcomes),
        title=" ".join(NASTY),
        description=" ".join(NASTY),
        statistics=tuple(
            Statistics(text, "TEXTUAL", text, 1, first=text, last=text, title=text)
            for text in NASTY
        ),
        provenance={text: text for text in NASTY} | {"versions": {t: t for t in NASTY}},
    )
    site = replace(published.SITE, title=NASTY[0], contact=NASTY[1], families={"BCT": NASTY[3]})
    root = tmp_path / "publish"
    place(made, None, root, site)
    plain = tmp_path / "plain"
    place(
        published.report(outcomes=[published.outcome(severity=Severity.ALARM)]),
        None,
        plain,
        published.SITE,
    )
    for path in pages(root):
        page = Page(path.read_text(encoding="utf-8"))
        scripts = [values.get("src") or "inline" for tag, values in page.tags if tag == "script"]
        assert all(src.endswith("assets/oaf.js") for src in scripts), path
        assert not [
            name for _, values in page.tags for name in values
            if name.startswith("on") or name == "style"
        ]  # fmt: skip
        assert {tag for tag, _ in page.tags}.isdisjoint({"iframe", "base", "style", "object"})
        assert not re.search("[\x00-\x08\u2028-\u202e\u2066-\u2069]", page.text)
    assert [link for path in pages(root) for link in broken_links(root, path)] == []
    for feed in root.rglob("feed.xml"):
        ElementTree.parse(feed)
    for script in (root / "search").glob("*.js"):
        text = script.read_text()
        json.loads(text[text.index("\n") + 1 : text.rindex(")")])
        assert "</script" not in text
        assert text.isascii()
    assert json.loads((root / "index.json").read_text())["counts"]["new"] == len(NASTY)


def test_the_sentence_counts_what_the_page_lists(tmp_path: Path) -> None:
    root = small(tmp_path / "publish")
    index = json.loads((root / "index.json").read_bytes())
    assert index["sentence"] == (
        "Monday 23 November: 2 new alarms, 1 ongoing, 1 report failed, 5 reports"
    )
    front = (root / "index.html").read_text()
    assert f"<h1>{index['sentence']}</h1>" in front
    new, ongoing = front.index("New alarms"), front.index("Ongoing")
    assert new < front.index("Ratio of system A to system B") < ongoing
    assert ongoing < front.index("412 scans") < front.index("Reports failed")
    assert front.index("Reports failed") < front.index("Cell 7 raised KeyError")


def test_yesterdays_page_gets_its_next_link_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path
    earlier = published.DAY - timedelta(days=1)
    folder = place(published.report(earlier), None, root, published.SITE)
    before = (folder / "index.html").read_text()
    assert 'rel="next"' not in before
    place(published.report(), None, root, published.SITE)
    after = (folder / "index.html").read_text()
    assert 'rel="next" href="../2026-11-22/index.html"' in after
    nav = re.compile("<!--nav-->.*?<!--/nav-->", re.DOTALL)
    assert nav.sub("", before) == nav.sub("", after)


def test_a_day_made_late_is_stitched_between_its_neighbours(tmp_path: Path) -> None:
    days = [published.DAY - timedelta(days=back) for back in (2, 0, 1)]
    folders = [place(published.report(day), None, tmp_path, published.SITE) for day in days]
    first, last, middle = ((f / "index.html").read_text() for f in folders)
    assert 'rel="next" href="../2026-11-21/index.html"' in first
    assert 'rel="prev" href="../2026-11-21/index.html"' in last
    assert 'rel="prev" href="../2026-11-20/index.html"' in middle
    assert 'rel="next" href="../2026-11-22/index.html"' in middle


def test_a_quarter_of_an_hour_is_no_neighbour_of_a_day(tmp_path: Path) -> None:
    day = published.report()
    end = day.window.end
    short = Window(end - timedelta(minutes=15), end, published.ZONE)
    place(day, None, tmp_path, published.SITE)
    folder = place(published.report(window=short), None, tmp_path, published.SITE)
    assert folder.name == "2026-11-22T2345_15min"
    assert 'rel="prev"' not in (folder / "index.html").read_text()
    assert 'rel="next"' not in (
        folder.parent / "2026-11-22" / "index.html"
    ).read_text()  # fmt: skip


def test_publishing_again_replaces(tmp_path: Path) -> None:
    place(
        published.report(outcomes=[published.outcome(severity=Severity.ALARM)]),
        published.body(tmp_path),
        tmp_path / "p",
        published.SITE,
    )
    folder = place(published.report(), None, tmp_path / "p", published.SITE)
    assert list((folder / "figures").iterdir()) == []
    assert not (folder / "notebook.ipynb").exists()
    index = json.loads((tmp_path / "p/index.json").read_bytes())
    assert [entry["severity"] for entry in index["datasets"]] == ["OK"]
    assert not list((tmp_path / "p").rglob(".new*"))
    month = json.loads((folder.parent / "2026-11.json").read_bytes())
    assert len(month["reports"]) == 1


def test_a_name_given_to_another_window_leaves_its_old_month(tmp_path: Path) -> None:
    for month in (9, 11):
        day = calendar_day(published.DAY.replace(month=month), published.ZONE)
        window = Window(day.start, day.end, day.zone, "md-study")
        folder = place(published.report(window=window), None, tmp_path, published.SITE)
    assert not (folder.parent / "2026-09.json").exists()
    assert json.loads((folder.parent / "index.json").read_bytes())["months"].keys() == {"2026-11"}
    assert [link for path in pages(tmp_path) for link in broken_links(tmp_path, path)] == []


@pytest.mark.parametrize("victim", ["index.json", "reports/BCT/LHC-B1-cmp/index.json",
                                    "reports/BCT/LHC-B1-cmp/2026-11.json",
                                    "search/2026-11.js", "index.html"])  # fmt: skip
@pytest.mark.parametrize("damage", ["{", "", None])
def test_a_damaged_list_heals(tmp_path: Path, victim: str, damage: str | None) -> None:
    days = [published.DAY - timedelta(days=back) for back in (3, 2, 1)]
    for day in days:
        place(published.report(day), None, tmp_path, published.SITE)
    if damage is None:
        (tmp_path / victim).unlink()
    else:
        (tmp_path / victim).write_text(damage)
    place(published.report(), None, tmp_path, published.SITE)
    if not victim.startswith("search"):  # the search is made whole by a rebuild
        month = (tmp_path / "reports/BCT/LHC-B1-cmp/2026-11.json").read_bytes()
        assert len(json.loads(month)["reports"]) == 4
    rebuild(tmp_path, published.SITE)
    text = (tmp_path / "search/2026-11.js").read_text()
    assert len(json.loads(text[text.index("\n") + 1 : text.rindex(")")])) == 4
    assert [link for path in pages(tmp_path) for link in broken_links(tmp_path, path)] == []


def test_a_failure_in_the_middle_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place(published.report(), None, tmp_path, published.SITE)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "sync_tree", full)
    bad = published.report(outcomes=[published.outcome(severity=Severity.ALARM)])
    with pytest.raises(OSError, match="No space left"):
        place(bad, None, tmp_path, published.SITE)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert not list(folder.parent.glob(".*"))


def test_a_kernel_that_cannot_exchange_folders_still_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_exchanged", lambda *_: False)
    place(published.report(), None, tmp_path, published.SITE)
    bad = published.report(outcomes=[published.outcome(severity=Severity.ALARM)])
    folder = place(bad, None, tmp_path, published.SITE)
    assert '"ALARM"' in (folder / "report.json").read_text()
    assert not list(folder.parent.glob(".*"))


def test_a_disk_without_symbolic_links_gets_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "link", lambda *_: False)
    place(published.report(), None, tmp_path, published.SITE)
    place(
        published.report(outcomes=[published.outcome(severity=Severity.ALARM)]),
        None,
        tmp_path,
        published.SITE,
    )
    here = tmp_path / "RECENT_WITH_ALM/BCT_LHC-B1-cmp"
    assert (here / "index.html").read_text() == (
        tmp_path / "RECENT/BCT_LHC-B1-cmp/index.html"
    ).read_text()
    assert not (tmp_path / "RECENT_WITHOUT_ALM/BCT_LHC-B1-cmp").exists()
    assert [link for path in pages(tmp_path) for link in broken_links(tmp_path, path)] == []


def test_figures_cannot_leave_their_folder(tmp_path: Path) -> None:
    for name in ("../x.png", "a/b.png", ".htaccess", ""):
        with pytest.raises(ReportError, match="cannot be called"):
            place(published.report(), Body(figures={name: b"x"}), tmp_path / "p", published.SITE)
    assert not (tmp_path / "p/reports/BCT/LHC-B1-cmp/2026-11-22").exists()


def test_reading_while_publishing_never_sees_a_hole(tmp_path: Path) -> None:
    """A reader follows every link of the front page and the views, all the time."""
    root = tmp_path / "publish"
    bodies = published.body(tmp_path)
    ids = published.DATASETS[:2]
    for each in ids:
        place(published.report(ids=each), bodies, root, published.SITE)
    holes: list[str] = []
    reads = 0
    stop = threading.Event()

    def reader() -> None:
        nonlocal reads
        while not stop.is_set():
            for view in ("RECENT", "RECENT_WITH_ALM", "RECENT_WITHOUT_ALM"):
                for each in ids:
                    path = root / view / f"{each[0]}_{each[1]}" / "index.html"
                    try:
                        text = path.read_text()
                    except FileNotFoundError:
                        continue  # in this half or the other; checked below
                    if not text.rstrip().endswith("</html>"):
                        holes.append(f"{path} is cut")
                    reads += 1
            for each in ids:
                name = f"{each[0]}_{each[1]}"
                # Read the halves twice in opposite order: a dataset is never in none.
                order = ["RECENT_WITH_ALM", "RECENT_WITHOUT_ALM", "RECENT_WITH_ALM"]
                if not any((root / view / name / "report.json").exists() for view in order):
                    holes.append(f"{name} is in no half")
            holes.extend(broken_links(root, root / "index.html"))
            json.loads((root / "index.json").read_bytes())

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        for round_ in range(24):
            bad = Severity.ALARM if round_ % 2 else Severity.OK
            for each in ids:
                made = published.report(outcomes=[published.outcome(severity=bad)], ids=each)
                place(made, bodies if round_ % 3 else None, root, published.SITE)
    finally:
        stop.set()
        thread.join()
    assert reads > 20
    assert [hole for hole in holes if "#o-" not in hole] == []


def test_reports_shown_together_are_as_if_placed_one_by_one(tmp_path: Path) -> None:
    made = [published.report(ids=ids) for ids in published.DATASETS[:4]]
    for one in made:
        place(one, None, tmp_path / "single", published.SITE)
    root = tmp_path / "together"
    place(made[0], None, root, published.SITE)
    before = {path: path.read_bytes() for path in (root / "index.html", root / "index.json")}
    shelved = [put_away(one, None, root, published.SITE) for one in made]
    assert {path: path.read_bytes() for path in before} == before  # the views wait
    lost = [link for path in pages(root) for link in broken_links(root, path)]
    assert [link for link in lost if "/index.html#" not in link] == []  # a family not shown yet
    show(shelved, root, published.SITE)
    assert tree(root) == tree(tmp_path / "single")


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_what_another_published_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    shelved = [put_away(published.report(ids=ids), None, tmp_path, published.SITE)
               for ids in published.DATASETS[:3]]  # fmt: skip
    shutil.rmtree(shelved[2].folder.parent)
    newer = published.report(published.DAY + timedelta(days=1), ids=published.DATASETS[0])
    place(newer, None, tmp_path, published.SITE)
    show(shelved, tmp_path, published.SITE)
    cards = json.loads((tmp_path / "index.json").read_bytes())["datasets"]
    assert [card["label"] for card in cards] == ["2026-11-23", "2026-11-22"]
    recent = tmp_path / f"RECENT/{'_'.join(published.DATASETS[0][:2])}/report.json"
    assert json.loads(recent.read_bytes())["window"]["label"] == "2026-11-23"


def test_links_of_the_halves_lead_somewhere_at_every_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alarms come and go; after each step on disk every link of every list is followed."""
    for each in (0, 1):
        place(published.report(ids=published.DATASETS[each]), None, tmp_path, published.SITE)
    holes: list[str] = []

    def then(name: str) -> None:
        real = getattr(disk, name)

        def watched(*given: object) -> object:
            result = real(*given)
            for path in (tmp_path / "index.html", *tmp_path.glob("RECENT*/index.html")):
                holes.extend(link for link in broken_links(tmp_path, path) if "#o-" not in link)
            return result

        monkeypatch.setattr(disk, name, watched)

    for name in ("write", "link", "remove"):
        then(name)
    for severity in (Severity.ALARM, Severity.OK):
        told = [published.outcome(severity=severity)]
        place(published.report(outcomes=told), None, tmp_path, published.SITE)
    assert holes == []


def test_publishing_from_several_threads_loses_nothing(tmp_path: Path) -> None:
    def work(ids: tuple[str, str, str]) -> None:
        for back in range(3):
            day = published.DAY - timedelta(days=back)
            place(published.report(day, ids=ids), None, tmp_path, published.SITE)

    threads = [threading.Thread(target=work, args=(ids,)) for ids in published.DATASETS[:5]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index = json.loads((tmp_path / "index.json").read_bytes())
    assert [entry["label"] for entry in index["datasets"]] == ["2026-11-22"] * 5
    assert len(list(tmp_path.glob("reports/*/*/*/report.json"))) == 15


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    bad = published.outcome("", Severity.INVALID, check="run", variable="", found=None, limit={},
                            reason="Cell 7 raised KeyError: 'X'.")  # fmt: skip
    folder = place(published.report(outcomes=[bad], finished=False), None, tmp_path, published.SITE)
    page = (folder / "index.html").read_text()
    assert "The run did not finish, so the instrument was not judged." in page
    assert "Cell 7 raised KeyError" in page
    assert 'class="banner failed"' in page


def test_a_storm_of_alarms_stays_readable(tmp_path: Path) -> None:
    outcomes = [published.outcome(f"BPM.{n}", Severity.ALARM, Change.NEW) for n in range(3_000)]
    folder = place(published.report(outcomes=outcomes), None, tmp_path, published.SITE)
    assert (tmp_path / "index.html").stat().st_size < 200_000
    assert "And 2950 more" in (tmp_path / "index.html").read_text()
    assert (folder / "index.html").stat().st_size < 6_000_000
    assert json.loads((tmp_path / "index.json").read_bytes())["counts"]["new"] == 3_000


def test_rebuild_forgets_what_no_report_stands_behind(tmp_path: Path) -> None:
    import shutil

    for ids in published.DATASETS[:2]:
        folder = place(published.report(ids=ids), None, tmp_path, published.SITE)
    shutil.rmtree(folder)
    rebuild(tmp_path, published.SITE)
    assert {path.name for path in (tmp_path / "RECENT").iterdir()} == {
        "BCT_LHC-B1-cmp", "index.html"
    }  # fmt: skip
    assert "LHC-B2-cmp" not in (tmp_path / "index.html").read_text()


def test_moving_a_page_turns_its_addresses_only() -> None:
    page = (
        '<a title="a > b" href="../x/index.html#o-1">../x</a> <img src="figures/a.png">'
        '<link href="../../../../assets/oaf.css"><script data-root="../../../../" src="s.js">'
        '<a href="#here">href="../y"</a><a href="https://a.example/b"><a href="mailto:x@y">'
    )
    assert moved(page, "reports/A/b/day", "RECENT/A_b") == (
        '<a title="a > b" href="../../reports/A/b/x/index.html#o-1">../x</a> '
        '<img src="../../reports/A/b/day/figures/a.png">'
        '<link href="../../assets/oaf.css"><script data-root="../../" '
        'src="../../reports/A/b/day/s.js">'
        '<a href="#here">href="../y"</a><a href="https://a.example/b"><a href="mailto:x@y">'
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"), (0, "0"), (1.031, "1.031"), (86_400, "86,400"), (3.1e14, "3.1 × 10¹⁴"),
        (-2.5e-7, "−2.5 × 10⁻⁷"), (True, "True"), ("ON", "ON"), (12345.678, "12,350"),
    ],
)  # fmt: skip
def test_numbers_in_words(value: float | str | None, words: str) -> None:
    assert number(value) == words


def test_instants_in_a_reason_are_told_in_the_readers_zone() -> None:
    told = there("<b> since 2026-11-22T12:26:24Z, not 2026-99-22T12:26:24Z", "Europe/Zurich")
    assert told == (
        '&lt;b&gt; since <time datetime="2026-11-22T12:26:24Z" '
        'title="2026-11-22 12:26:24 UTC">22 Nov 13:26:24</time>, not 2026-99-22T12:26:24Z'
    )


def test_a_duration_a_share_and_a_power_of_ten_stay_on_one_line() -> None:
    told = there("8 × 10¹² in 3 samples (90 %), for 23 h 25 min, 5 devices", "UTC")
    glued = "8\u00a0×\u00a010¹² in 3 samples (90\u00a0%), for 23\u00a0h 25\u00a0min, 5 devices"
    assert told == glued


def test_days_in_a_reason_are_told_as_people_write_them() -> None:
    told = there("about 2027-02-05 (2026-13-40); 2026-11-16_7d, v2026-11-22, 2026-11-22.csv", "UTC")
    assert told == (
        "about 5 Feb 2027 (2026-13-40); 2026-11-16_7d, v2026-11-22, 2026-11-22.csv".replace(
            "5 Feb 2027", "5\u00a0Feb\u00a02027"
        )
    )


def test_a_condition_is_said_once(tmp_path: Path) -> None:
    said = "count(IMAGES) >= 5 is false"
    held = Outcome(
        *("camera", Fault.BREAKAGE, "BTV.1", "count(IMAGES) >= 5", Severity.ALARM),
        limit={"condition": "count(IMAGES) >= 5"},
        reason=said,
    )
    folder = place(published.report(outcomes=[held]), None, tmp_path, published.SITE)
    page = (folder / "index.html").read_text()
    head = page[: page.index("Behind it")]
    assert '<p class="reason as-is">count(IMAGES) &gt;= 5 is false</p>' in head
    assert "must hold" not in head
    assert "no value" not in head


def test_two_findings_of_one_device_are_told_apart_on_the_front_page(tmp_path: Path) -> None:
    found = [
        published.outcome("BSRT.1", Severity.ALARM, check="size", variable="BSRT.1:SIGMA_H"),
        published.outcome("BSRT.1", Severity.ALARM, check="correction", variable="BSRT.1:LSF_H"),
        published.outcome("BSRT.1", Severity.WARNING, check="light", variable="BSRT.1:LIGHT"),
    ]
    folder = place(published.report(outcomes=found), None, tmp_path, published.SITE)
    rebuild(tmp_path, published.SITE)
    front = (tmp_path / "index.html").read_text().replace("<wbr>", "")
    for check, name in (("size", "BSRT.1:SIGMA_H"), ("correction", "BSRT.1:LSF_H")):
        assert f"check {check}" in front
        assert name in front
    page = (folder / "index.html").read_text().replace("<wbr>", "")
    warnings = page[page.index("<h2>Warnings") : page.index("<h2>Devices")]
    assert "check light" in warnings
    assert "BSRT.1:LIGHT" in warnings


def test_a_value_is_told_apart_from_its_limit() -> None:
    assert against(1.0200001, {"high": 1.02}) == ("1.0200001", "≤ 1.02")
    assert against(None, {"low": 1, "high": 2.5}) == ("none", "1 … 2.5")
    assert against("OFF", {"expected": ["ON", "STANDBY"]}) == ("OFF", "expected ON or STANDBY")
