"""What was read is kept by variable and day: it is asked for once, and nothing wrong is kept."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_source import DAY, NOW, Asked, dataset, early, extracted, samples

from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.config.project import Project
from oaflib.config.site import Site
from oaflib.config.upkeep import KeepTable
from oaflib.records import State
from oaflib.series import Kind, Series
from oaflib.sources.days import days, is_day
from oaflib.sources.pieces import Shelf, tidy
from oaflib.testing import same
from oaflib.window import Window, calendar_day

BEFORE = calendar_day(date(2026, 11, 21), "Europe/Zurich")
BOTH = Window(BEFORE.start, DAY.end, "Europe/Zurich")


def test_a_second_extraction_asks_for_nothing(tmp_path: Path) -> None:
    source = Asked(*(samples(f"A:{kind}", kind=kind) for kind in (Kind.NUMERIC, Kind.TEXTUAL)))
    about = dataset("A:%")
    first = extracted(source, about, tmp_path / "1")
    source.questions.clear()
    second = extracted(source, about, tmp_path / "2")
    assert source.questions == []
    assert list(first) == list(second)
    assert all(same(first[name], second[name]) for name in first)
    assert first.entries == second.entries
    assert (second.asked["queries"], second.asked["rows"]) == (0, 0)
    assert (first.asked["kept"], second.asked["kept"]) == (0, 2880)


def test_low_resolution_is_kept_too(tmp_path: Path) -> None:
    source = Asked(samples("A:BIG", count=86_400), samples("A:X"))
    about = dataset("A:BIG", "A:X")
    made = [
        extracted(source, about, tmp_path / name, points=5000, buckets=50) for name in ("1", "2")
    ]
    assert source.questions.count("open") == 1
    assert made[0].coarse == made[1].coarse == ("A:BIG",)
    assert same(made[0]["A:BIG"], made[1]["A:BIG"])
    assert same(made[0].mean("A:BIG"), made[1].mean("A:BIG"))
    assert made[0].entries == made[1].entries


def test_datasets_that_share_a_variable_ask_for_it_once(tmp_path: Path) -> None:
    source = Asked(*(samples(f"A:{i}") for i in range(3)))
    extracted(source, dataset("A:0", "A:1"), tmp_path / "1")
    source.questions.clear()
    records = extracted(source, dataset("A:1", "A:2"), tmp_path / "2")
    assert [q for q in source.questions if "read" in q] == ["read A:2 24h"]
    assert len(records["A:1"]) == len(records["A:2"]) == 1440


def test_each_dataset_gives_its_own_title(tmp_path: Path) -> None:
    source = Asked(samples("A:X"), samples("A:BIG", count=8640))
    for title in ("Current", "Strom"):
        choices = tuple(VariableChoice(name, title=title) for name in ("A:X", "A:BIG"))
        about = Dataset("BCT", title, title, variables=choices)
        records = extracted(source, about, tmp_path / title, points=5000, buckets=50)
        assert records.coarse == ("A:BIG",)
        assert {records[name].title for name in records} == {title}
        assert {entry.variable.title for entry in records.entries.values()} == {title}
    assert source.questions.count("open") == 1


def test_days_are_shared_between_windows(tmp_path: Path) -> None:
    """A week after its days asks for nothing but names; so does a part of a day."""
    source = Asked(samples("A:X", BOTH, 2880))
    extracted(source, dataset("A:X"), tmp_path / "1", BEFORE)
    extracted(source, dataset("A:X"), tmp_path / "2", DAY)
    source.questions.clear()
    records = extracted(source, dataset("A:X"), tmp_path / "3", BOTH)
    assert source.questions == ["open", "find A:X"]
    assert np.array_equal(records["A:X"].value, source.series["A:X"].value)
    assert records.entries["A:X"].count == 2880


def test_a_day_that_is_not_complete_is_asked_for_again(tmp_path: Path) -> None:
    source = Asked(samples("A:X", BOTH, 2880))
    for name in ("1", "2"):
        extracted(source, dataset("A:X"), tmp_path / name, BOTH, early())
    asked = [question for question in source.questions if question.startswith("read")]
    assert asked == ["read A:X 24h", "read A:X 24h", "read A:X 24h"]


def test_late_data_are_asked_for_anew_when_told(tmp_path: Path) -> None:
    source = Asked(samples("A:X", count=100))
    extracted(source, dataset("A:X"), tmp_path / "1")
    source.series["A:X"] = samples("A:X", count=200)
    assert len(extracted(source, dataset("A:X"), tmp_path / "2")["A:X"]) == 100
    assert len(extracted(source, dataset("A:X"), tmp_path / "3", fresh=True)["A:X"]) == 200
    assert len(extracted(source, dataset("A:X"), tmp_path / "4")["A:X"]) == 200


def test_what_failed_or_is_absent_is_not_kept(tmp_path: Path) -> None:
    source = Asked(samples("A:X"), samples("A:Y"), answers=1)
    about = dataset("A:X", "A:Y", "A:Z")
    broken = extracted(source, about, tmp_path / "1", request=1440)
    states = {name: entry.state for name, entry in broken.entries.items()}
    assert states == {"A:X": State.LOGGED, "A:Y": State.FAILED, "A:Z": State.ABSENT}
    source.answers = 10
    source.series["A:Z"] = samples("A:Z")
    source.questions.clear()
    whole = extracted(source, about, tmp_path / "2", request=1440)
    assert {entry.state for entry in whole.entries.values()} == {State.LOGGED}
    assert not any("A:X" in question for question in source.questions)


def test_units_and_counts_of_days_add_up(tmp_path: Path) -> None:
    old, new = samples("A:X", BEFORE), samples("A:X", DAY)
    odd = np.where(new.value > 1, np.nan, new.value)
    time, value = np.concatenate([old.time, new.time]), np.concatenate([old.value, odd])
    whole = Asked(Series("A:X", Kind.NUMERIC, "A", time, value))
    entry = extracted(whole, dataset("A:X"), tmp_path / "1", BOTH).entries["A:X"]
    assert (entry.count, entry.nan) == (2880, int((new.value > 1).sum()))


def test_a_window_is_cut_at_midnights() -> None:
    autumn = Window(
        calendar_day(date(2026, 10, 24), "Europe/Zurich").start + timedelta(hours=3),
        calendar_day(date(2026, 10, 26), "Europe/Zurich").end,
        "Europe/Zurich",
    )
    hours = [(part.duration.total_seconds() / 3600, is_day(part)) for part in days(autumn)]
    assert hours == [(21, False), (25, True), (24, True)]


class Slow(Asked):
    """Takes its time, so that another process comes in between."""

    def __init__(self, log: Path, *series: Series) -> None:
        super().__init__(*series)
        self.log = log

    def read(self, variables, window):  # type: ignore[no-untyped-def]
        with self.log.open("a") as file:
            file.write(" ".join(one.name for one in variables) + "\n")
        time.sleep(0.5)
        yield from super().read(variables, window)


def _extract(log: Path, folder: Path, *names: str) -> None:
    extracted(
        Slow(log, *(samples(name) for name in ("A:0", "A:1", "A:2"))), dataset(*names), folder
    )


def test_two_processes_want_the_same_at_once_and_one_asks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spawn = multiprocessing.get_context("spawn")
    runs = [
        spawn.Process(target=_extract, args=(log, tmp_path / str(number), *names))
        for number, names in enumerate([("A:0", "A:1"), ("A:1", "A:2"), ("A:0", "A:1", "A:2")])
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
        assert run.exitcode == 0
    assert sorted(log.read_text().split()) == ["A:0", "A:1", "A:2"]


def test_a_kill_at_any_instant_leaves_no_wrong_piece(tmp_path: Path) -> None:
    """What is kept is whole, and the claim of the dead is free."""
    fork = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    kills = int(os.environ.get("OAF_KILLS", "3"))
    for number in range(kills):
        run = fork.Process(target=_extract, args=(log, tmp_path / "k", "A:0", "A:1", "A:2"))
        run.start()
        while not log.exists():
            time.sleep(0.02)
        time.sleep(0.7 * (number + 1) / kills)
        os.kill(run.pid or 0, signal.SIGKILL)
        run.join()
        log.unlink(missing_ok=True)
    source = Asked(*(samples(f"A:{i}") for i in range(3)))
    records = extracted(source, dataset("A:0", "A:1", "A:2"), tmp_path / "after")
    assert all(same(records[name], source.series[name]) for name in source.series)


def test_a_damaged_piece_is_asked_for_again(tmp_path: Path) -> None:
    source = Asked(samples("A:X"))
    extracted(source, dataset("A:X"), tmp_path / "1")
    (piece,) = (tmp_path / "pieces").glob("*/p-*/records.json")
    piece.write_text("{")
    records = extracted(source, dataset("A:X"), tmp_path / "2")
    assert len(records["A:X"]) == 1440


def test_old_and_large_pieces_are_removed(tmp_path: Path) -> None:
    source = Asked(samples("A:X", BOTH, 2880))
    for name, window in (("1", BEFORE), ("2", DAY)):
        extracted(source, dataset("A:X"), tmp_path / name, window)
    runs = tmp_path / "runs" / "pieces"
    runs.mkdir(parents=True)
    (tmp_path / "pieces").rename(runs / "LDB-0123456789")
    kept = sorted(runs.glob("*/*/p-*"))
    os.utime(kept[0], (0, 0))

    def left(**keep: Any) -> list[Path]:
        site = Site(keep=KeepTable(**keep))
        assert tidy(Project(tmp_path, site, {}), NOW) == []
        return sorted(runs.glob("*/*/p-*"))

    assert left(pieces=0) == kept
    assert left(pieces=14) == kept[1:]
    assert left(pieces_size="1B") == []


def test_times_before_the_epoch_and_odd_windows_have_a_span_of_their_own(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, timedelta(hours=6), NOW)
    names = {
        shelf.span(window, low).folder.name for window in (DAY, BEFORE, BOTH) for low in (0, 9)
    }
    assert len(names) == 6


@pytest.mark.parametrize("hours", [6, 48])
def test_how_long_a_day_settles_is_the_sites(tmp_path: Path, hours: int) -> None:
    shelf = Shelf(tmp_path, timedelta(hours=hours), NOW)
    assert shelf.final(DAY) is (hours == 6)
