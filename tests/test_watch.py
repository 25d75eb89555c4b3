"""A dataset watched while it is logged."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import MadeProject, made_project

from oaflib.changes import Changes
from oaflib.cli import main
from oaflib.cli.commands import now
from oaflib.config.project import load_site_only
from oaflib.online.freshness import newest_of
from oaflib.online.span import Span
from oaflib.online.watch import Watch, Watcher
from oaflib.publish import Online, site_of
from oaflib.records import records_of
from oaflib.report import read
from oaflib.run.runner import Assignment
from oaflib.series import Kind, Series
from oaflib.snapshot import Shelf
from oaflib.window import Window, nanoseconds

SECOND = 10**9
DATASET = """\
variables = ["R.BCT:I"]

[[check]]
kind = "range"
high = 2.0
"""


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.dataset("BCT_ring", DATASET)
    made.tasks("BCT,LDB,ring,jdoe,TRUE,FALSE,None,daily,day,")
    return made


def logged(project: MadeProject, value: float, seconds: int = 5) -> None:
    """So many seconds up to now at 1 Hz."""
    times = nanoseconds(now()) + SECOND * np.arange(-seconds, 0)
    project.fill(Series("R.BCT:I", Kind.NUMERIC, "mA", times, np.full(seconds, value)))


def until(what: Any, seconds: float = 120) -> Any:
    """What `what` gives, as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen")


@pytest.mark.kernel
@pytest.mark.slow
def test_a_watch_from_its_first_look_to_the_report_that_stays(project: MadeProject) -> None:
    logged(project, 1.0, 60)
    said: list[str] = []
    mailed: list[Changes] = []
    loaded = load_site_only(project.root)
    watcher = Watcher(
        loaded,
        site_of(loaded),
        Watch(
            Assignment("BCT_ring", "LDB", default_plots=False),
            Span(now(), timedelta(minutes=5)),
            every=timedelta(seconds=2),
            name="MD1",
        ),
        now,
        said.append,
        lambda changes, _window: mailed.append(changes),
    )
    stop = threading.Event()
    left: list[Path | None] = []
    thread = threading.Thread(target=lambda: left.append(watcher.go(stop)))
    thread.start()
    try:
        page = project.root / "publish/ONLINE/BCT_ring/index.html"
        shown = "The newest sample is of"
        first = until(lambda: page.exists() and shown in page.read_text() and page.read_text())
        assert '<meta http-equiv="refresh" content="2">' in first
        assert "Expected and found" in first
        assert "banner ok" in first
        until(lambda: [line for line in said if "LDB has given nothing new since" in line])
        until(lambda: "LDB has given nothing new since" in page.read_text())
        logged(project, 9.0)
        until(lambda: [line for line in said if line.startswith("NEW R.BCT: ")])
        until(lambda: "banner alarm" in page.read_text())
        until(lambda: mailed)
    finally:
        stop.set()
        thread.join(120)
    assert len(mailed) == 1  # one in a quarter of an hour, whatever else is found
    assert left == [project.report("BCT", "ring", "MD1")]
    report = read((left[0] / "report.json").read_bytes())
    assert report.counts["alarm"] == 1
    ended = page.read_text()
    assert "This watch ended at" in ended
    assert 'href="../../reports/BCT/ring/MD1/index.html">Its report</a>' in ended
    assert 'http-equiv="refresh"' not in ended
    assert "The snapshot is called MD1" in said
    assert Shelf.of(project.root / "runs").names() == ["MD1"]
    assert not list((project.root / "runs/online").rglob("records.json"))


def test_a_look_that_does_not_end_is_said_every_period(project: MadeProject) -> None:
    """The look itself hangs: the page is there all the same, and says why."""
    logged(project, 1.0)
    project.dataset("BCT_ring", 'variables = ["R.BCT:I"]\ntemplate = "sleeps"\n')
    template = project.root / "notebooks/templates/generic.ipynb"
    text = template.read_text().replace("oaf.front(study, records)", "import time; time.sleep(9)")
    (template.parent / "sleeps.ipynb").write_text(text)
    said: list[str] = []
    loaded = load_site_only(project.root)
    wanted = Watch(
        Assignment("BCT_ring", "LDB"),
        Span(now(), timedelta(minutes=5)),
        every=timedelta(seconds=1),
    )
    watcher = Watcher(loaded, site_of(loaded), wanted, now, said.append)
    stop = threading.Event()
    thread = threading.Thread(target=watcher.go, args=(stop,), daemon=True)
    thread.start()
    page = project.root / "publish/ONLINE/BCT_ring/index.html"
    until(page.exists)
    until(lambda: "The notebook is still at work after" in page.read_text())
    stop.set()
    thread.join(120)
    assert not thread.is_alive()


def test_a_window_slides_or_grows() -> None:
    start = datetime(2026, 11, 22, 8, tzinfo=UTC)
    at = datetime(2026, 11, 22, 9, 0, 1, 500, tzinfo=UTC)
    slides = Span(start, timedelta(minutes=15))
    assert slides.window(at, "UTC").start == datetime(2026, 11, 22, 8, 45, 1, tzinfo=UTC)
    assert slides.whole(at, "UTC").start == datetime(2026, 11, 22, 7, 45, tzinfo=UTC)
    assert str(slides) == "the last 15min"
    grows = Span(start)
    assert grows.window(at, "UTC").start == start
    assert grows.whole(at, "UTC", "MD7").label == "MD7"
    assert grows.window(start, "UTC").end > start


def test_the_newest_sample_and_how_often_they_come() -> None:
    window = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    t0 = window.start_ns
    quick = Series("A:Q", Kind.NUMERIC, "", t0 + SECOND * np.arange(9), np.zeros(9))
    slow = Series("A:S", Kind.NUMERIC, "", t0 + 600 * SECOND * np.arange(3), np.zeros(3))
    none = Series("A:N", Kind.NUMERIC, "", np.zeros(0, np.int64), np.zeros(0))
    assert newest_of(records_of([quick, slow, none], window)) == (t0 + 1200 * SECOND, 1.0)
    assert newest_of(records_of([none], window)) == (None, 0.0)


def test_a_page_says_how_far_behind_it_is() -> None:
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    online = Online(at, "the last 15min", timedelta(seconds=60), at - timedelta(seconds=4))
    assert online.lag == 4
    assert online.following == at + timedelta(seconds=60)
    assert online.overdue == at + timedelta(seconds=180)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "2999-01-01T00:00Z"], "--from lies in the future"),
        (["--mail", "no one@"], "--mail: 'one@' is not a mail address"),
    ],
)
def test_what_cannot_be_watched_is_refused(
    project: MadeProject, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["watch", "BCT_ring", "--root", str(project.root), *words]) == 2
    assert message in capsys.readouterr().err
