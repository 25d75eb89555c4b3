"""A dataset watched in a notebook."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from lab_driver import CHROMIUM, browser, run_all, running
from project import ROOT, MadeProject, made_project

import oaflib as oaf
from oaflib.errors import ConfigurationError
from oaflib.online.live import Live, watch
from oaflib.series import Kind, Series
from oaflib.snapshot import Shelf
from oaflib.window import nanoseconds

SECOND = 10**9
T0 = datetime(2026, 11, 22, 8, tzinfo=UTC)
DATASET = """\
title = "The ring"
variables = ["R.BCT:I"]

[[check]]
kind = "range"
high = 2.0
"""


class Clock:
    """A time that stands until it is put on."""

    def __init__(self) -> None:
        self.at = T0

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeProject:
    made = made_project(tmp_path)
    made.dataset("BCT_ring", DATASET)
    made.tasks("BCT,LDB,ring,jdoe,TRUE,FALSE,None,daily,day,")
    monkeypatch.setenv("OAF_ROOT", str(tmp_path))
    return made


def logged(project: MadeProject, value: float, end: datetime, seconds: int = 60) -> None:
    times = nanoseconds(end) + SECOND * np.arange(-seconds, 0)
    project.fill(Series("R.BCT:I", Kind.NUMERIC, "mA", times, np.full(seconds, value)))


def live_of(last: str = "5min", start: str = "") -> tuple[Live, Clock]:
    live = watch("BCT_ring", last, "60s", start)
    live.clock = clock = Clock()
    return live, clock


def test_what_changes_is_told_and_what_is_said_stays_exact(project: MadeProject) -> None:
    logged(project, 1.0, T0)
    live, clock = live_of()
    assert live.banner["text"].startswith("nothing was looked at yet")
    live.refresh()
    assert live.banner == {}
    assert "newest sample 08:59:59, 1 s old" in live.status  # in the site's zone
    assert [str(outcome.severity) for outcome in live.outcomes] == ["OK"]
    clock.at = T0 + timedelta(seconds=60)
    logged(project, 9.0, clock.at, 10)
    live.refresh()
    assert live.banner["severity"] == "ALARM"
    assert live.banner["text"].startswith("R.BCT: above the limit, 9 mA at worst")
    assert len(live.alarms) == 1
    assert "high 2" in str(live.explain(0)).replace("at most 2", "high 2")
    clock.at = T0 + timedelta(seconds=120)
    live.refresh()
    assert "LDB has given nothing new since" in live.banner["text"]
    clock.at = T0 + timedelta(minutes=6)
    logged(project, 1.0, clock.at, 30)
    live.refresh()
    assert live.banner == {}
    events = live.timeline.events
    assert {event.time for event in events} <= {live.window.start_ns, live.window.end_ns}
    assert str(events[-1].outcome.severity) == "OK"


def test_a_growing_window_begins_where_it_is_told(project: MadeProject) -> None:
    logged(project, 1.0, T0, 600)
    live, _ = live_of(start="2026-11-22T07:55:00Z")
    live.refresh()
    assert live.window.start == T0 - timedelta(minutes=5)
    assert live.records is not None
    assert live.records.entries["R.BCT:I"].count == 300


def test_a_source_that_does_not_answer_is_said_and_what_was_seen_stays(
    project: MadeProject,
) -> None:
    logged(project, 1.0, T0)
    live, clock = live_of()
    live.refresh()
    shutil.move(project.root / "runs/store", project.root / "runs/away")
    clock.at = T0 + timedelta(seconds=60)
    live.refresh()
    assert live.banner["severity"] == "INVALID"
    assert live.banner["text"].startswith("LDB")
    assert [str(outcome.severity) for outcome in live.outcomes] == ["OK"]
    assert live.window.end == T0


@pytest.mark.kernel
def test_frozen_it_is_a_report_and_a_snapshot(project: MadeProject) -> None:
    logged(project, 1.0, T0)
    live, _ = live_of()
    live.span = type(live.span)(T0, live.span.last)
    live.refresh()
    frozen = live.freeze("MD2162")
    assert frozen.folder == project.report("BCT", "ring", "MD2162")
    assert (frozen.folder / "index.html").exists()
    assert Shelf.of(project.root / "runs").names() == ["MD2162"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"last": "soon"}, "'soon' is not a duration"),
        ({"start": "2026-11-22T08:00"}, "has no time zone"),
        ({"source": "MDB"}, "no source is called 'MDB'"),
    ],
)
def test_what_cannot_be_watched_is_named(
    project: MadeProject, words: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        watch("BCT_ring", **words)


def test_outside_a_notebook_it_looks_once_a_call(project: MadeProject) -> None:
    with pytest.raises(ConfigurationError, match="start\\(\\) needs a notebook"):
        oaf.watch("BCT_ring").start()


@pytest.mark.kernel
def test_the_notebook_runs_through_papermill_without_a_browser(
    project: MadeProject, tmp_path: Path
) -> None:
    import papermill

    logged(project, 1.0, datetime.now(UTC))
    done = papermill.execute_notebook(
        str(ROOT / "notebooks/online.ipynb"),
        str(tmp_path / "out.ipynb"),
        {"dataset": "BCT_ring", "every": "5s"},
        cwd=tmp_path,
    )
    said = str([cell.get("outputs") for cell in done.cells])
    assert "0 in alarm of 1 judged" in said


@pytest.mark.browser
@pytest.mark.kernel
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium")
def test_the_screen_in_jupyterlab_moves_with_the_data(project: MadeProject) -> None:
    logged(project, 1.0, datetime.now(UTC))
    text = (ROOT / "notebooks/online.ipynb").read_text()
    text = text.replace("BCT_LHC-B1-cmp", "BCT_ring").replace('\\"60s\\"', '\\"2s\\"')
    (project.root / "notebooks/online.ipynb").write_text(text)
    with running(project.root) as lab, browser() as chromium:
        page = lab.open(chromium, "notebooks/online.ipynb")
        run_all(page)
        screen = page.locator(".oaf-screen").first
        screen.get_by_text("newest sample").wait_for()
        assert not screen.get_by_text("above the limit").count()
        logged(project, 9.0, datetime.now(UTC), 5)
        screen.get_by_text("above the limit").first.wait_for()
