"""A large report is read and judged by several processes: the same report, whatever dies."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from oaflib import records as records_module
from oaflib.checks.defaults import every_default
from oaflib.checks.room import run_checks
from oaflib.config.budget import OWN, USUAL
from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.config.project import load_site_only
from oaflib.records import Entry, Records
from oaflib.series import Kind, Series
from oaflib.shares import spread
from oaflib.sources import extract
from oaflib.sources.base import SourceSettings
from oaflib.sources.connection import Connection, Place
from oaflib.sources.embedded import EmbeddedSource, Lake
from oaflib.study.survey import Survey
from oaflib.window import Window, calendar_day

DAY = calendar_day(date(2026, 10, 25), "Europe/Zurich")
COUNT = 23


def twice(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


def test_each_item_is_done_once_in_one_of_the_processes() -> None:
    found = dict(spread(twice, range(7), 3))
    assert [found[number][0] for number in range(7)] == [2 * number for number in range(7)]
    others = {made[1] for made in found.values()}
    assert len(others) == 3
    assert os.getpid() not in others


def test_what_a_process_leaves_undone_is_told() -> None:
    def work(number: int) -> int:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == 3:
            raise MemoryError
        return number

    assert dict(spread(work, range(6), 2)) == dict.fromkeys(range(2, 6)) | {0: 0, 1: 1}


def test_what_cannot_be_told_is_left_undone() -> None:
    assert dict(spread(lambda number: lambda: number, range(2), 2)) == {0: None, 1: None}


def test_where_no_process_may_be_started_all_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", refused)
    assert dict(spread(twice, range(3), 2)) == dict.fromkeys(range(3))


def test_no_process_outlives_who_asked() -> None:
    asked: Iterator[tuple[int, tuple[int, int] | None]] = spread(twice, range(40), 2)
    made = next(asked)[1]
    asked.close()  # type: ignore[attr-defined]
    assert made is not None
    with pytest.raises(ProcessLookupError):
        os.kill(made[1], 0)


# An extraction


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store: two days in files of their own, of which the window cuts one; one is not in order.

    A constant, a NaN, a text and a vector are among the variables.
    """
    folder = tmp_path_factory.mktemp("shares")
    rng = np.random.default_rng(5)
    with Lake(folder / "store") as lake:
        for first in (0, 1):
            with lake.writing(f"batch {first}") as batch:
                for number in range(first, COUNT, 2):
                    batch.add(variable(number, rng))
        late = Series("D04:V", Kind.NUMERIC, "A", times(200)[100:101], np.array([9.0]))
        lake.write([late])
    return folder


def times(n: int) -> np.ndarray:
    return DAY.start_ns + np.arange(n, dtype=np.int64) * 350 * 10**9


def variable(number: int, rng: np.random.Generator) -> Series:
    time, name = times(350), f"D{number:02}:V"
    value = rng.normal(number, 1, len(time))
    if number == 7:
        value[:] = 3.5
    if number == 8:
        value[50] = np.nan
    if number == 9:
        return Series(name, Kind.VECTORNUMERIC, "mm", time, rng.normal(0, 1, (len(time), 3)))
    if number == 10:
        return Series(name, Kind.TEXTUAL, "", time, np.array(["on"] * len(time), dtype=object))
    return Series(name, Kind.NUMERIC, "A", time, value)


class Deadly(Survey):
    """Kills the process in which it sees D05, but not the first one."""

    home = 0

    def take(self, series: Series, entry: Entry) -> None:
        if series.name == "D05:V" and os.getpid() != self.home:
            os.kill(os.getpid(), signal.SIGKILL)
        super().take(series, entry)


def extracted(root: Path, folder: Path, *, window: Window = DAY, deadly: bool = False) -> Records:
    names = tuple(VariableChoice(f"D{number:02}:V") for number in [*range(COUNT), 99])
    dataset = Dataset("X", "all", "", variables=names)
    settings = SourceSettings("LDB", "embedded", {"folder": "store"}, root)
    place = Place("LDB", "embedded")
    survey = Survey(every_default(), window, "LDB")
    if deadly:
        survey.__class__ = Deadly
        survey.home = os.getpid()  # type: ignore[attr-defined]
    opener = lambda: EmbeddedSource(settings)  # noqa: E731
    with Connection(place, opener, OWN, local=True) as connection, survey:
        records = extract.Extraction(dataset, window, connection).into(folder, survey)
    records.summaries, records.seen = survey.summaries, survey.seen
    return records


def told(records: Records) -> dict[str, object]:
    """All that a report says, and the samples; NaN equals NaN in texts."""
    entries = [replace(entry, lies=()) for entry in records.entries.values()]
    return {
        "entries": repr(entries),
        "summaries": repr(sorted(records.summaries.items())),
        "outcomes": [repr(outcome) for outcome in run_checks(every_default(), records)],
        "samples": [(repr(s.time.tolist()), repr(s.value.tolist())) for s in records.values()],
        "asked": {**records.asked, "seconds": 0, "queries": 0},
    }


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset of twenty is many."""
    monkeypatch.setattr(extract, "_BATCH", 8)
    monkeypatch.setattr(extract, "_SHARE", 3)
    monkeypatch.setattr(records_module, "_MANY", 4)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made = []
    fork = os.fork

    def counted() -> int:
        made.append(pid := fork())
        return pid

    monkeypatch.setattr("os.fork", counted)
    return made


@pytest.fixture(scope="module")
def plain(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return told(extracted(root, tmp_path_factory.mktemp("plain")))


@pytest.mark.usefixtures("small")
def test_by_several_processes_the_records_and_findings_are_the_same(
    root: Path, tmp_path: Path, plain: dict[str, object], forks: list[int]
) -> None:
    records = extracted(root, tmp_path / "r")
    assert told(records) == plain
    assert len(forks) >= 3
    assert set(records.summaries) == {f"D{number:02}:V" for number in range(COUNT)}


@pytest.mark.usefixtures("small")
def test_what_a_killed_process_had_in_hand_is_done_here(
    root: Path, tmp_path: Path, plain: dict[str, object]
) -> None:
    assert told(extracted(root, tmp_path / "r", deadly=True)) == plain


def test_what_is_little_of_a_file_is_copied_by_the_process_that_reads_it(
    root: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """An hour of the UTC day before; the files of that day are not kept for it."""
    morning = calendar_day(date(2026, 10, 26), "Europe/Zurich")
    plain = told(extracted(root, tmp_path / "plain", window=morning))
    request.getfixturevalue("small")
    records = extracted(root, tmp_path / "r", window=morning)
    assert told(records) == plain
    lies = [rows for entry in records.entries.values() for rows in entry.lies]
    used = {rows.path.name for rows in lies}
    assert {path.name for path in (tmp_path / "r").iterdir()} == used | {"records.json"}
    copied = [rows for rows in lies if rows.path.name.startswith("copied-")]
    assert len({rows.path.name for rows in copied}) >= 8  # one for each share
    assert not any(name.startswith("copied-rest") for name in used)
    assert any(rows.skip for rows in copied)  # row groups are shared


@pytest.mark.usefixtures("small")
def test_where_no_link_can_be_made_samples_are_read_again(
    root: Path, tmp_path: Path, plain: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("oaflib.records.os.link", refused)
    again = told(extracted(root, tmp_path / "r"))
    assert {**again, "asked": None} == {**plain, "asked": None}


def test_few_variables_are_no_work_for_several(
    root: Path, tmp_path: Path, forks: list[int]
) -> None:
    extracted(root, tmp_path / "r")
    assert forks == []


def test_an_own_store_may_be_asked_for_more_unless_the_site_says_otherwise(
    tmp_path: Path,
) -> None:
    site = (
        'title = "T"\nmachine = "X"\nzone = "UTC"\n'
        '[sources.A]\nkind = "embedded"\nfolder = "a"\n'
        '[sources.B]\nkind = "embedded"\nfolder = "b"\n[sources.B.budget]\npoints = 5\n'
        '[sources.C]\nkind = "files"\nfolder = "c"\n'
        '[mail]\nsender = "OAF <o@example.org>"\ndomain = "example.org"\n'
        'operator = "o@example.org"\n'
    )
    (tmp_path / "config").mkdir()
    (tmp_path / "config/site.toml").write_text(site)
    (tmp_path / "config/instruments.toml").write_text('[X]\ntitle = "X"\n')
    project = load_site_only(tmp_path)
    assert project.source_settings("A").budget == OWN
    assert project.source_settings("B").budget.points == 5
    assert project.source_settings("C").budget == USUAL
