"""So many ask a source at once, over all processes; one that is away is not asked by all."""

from __future__ import annotations

import multiprocessing
import time
from datetime import timedelta
from pathlib import Path

import pytest
from asked_source import DAY, Asked, samples

from oaflib.errors import SourceUnavailable
from oaflib.sources.connection import Connection, Place
from oaflib.sources.slots import Gate, LeftAlone

SOON = timedelta(seconds=0.5)


def gate(folder: Path, at_once: int = 2, rest: timedelta = timedelta(minutes=5)) -> Gate:
    return Gate(folder, "LDB", at_once, rest)


def _stay(folder: Path, log: Path) -> None:
    with gate(folder).inside():
        with log.open("a") as file:
            file.write("in\n")
        time.sleep(0.4)
        with log.open("a") as file:
            file.write("out\n")


def test_no_more_than_so_many_at_once_in_all_processes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spawn = multiprocessing.get_context("spawn")
    runs = [spawn.Process(target=_stay, args=(tmp_path / "s", log)) for _ in range(5)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
        assert run.exitcode == 0
    inside, most = 0, 0
    for word in log.read_text().split():
        inside += 1 if word == "in" else -1
        most = max(most, inside)
    assert most <= 2


def test_the_dead_give_their_place_back(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    run = spawn.Process(target=_stay, args=(tmp_path / "s", tmp_path / "log"))
    run.start()
    while not (tmp_path / "log").exists():
        time.sleep(0.02)
    run.kill()
    run.join()
    with gate(tmp_path / "s", at_once=1).inside():
        pass


def test_a_source_that_was_away_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """Whoever comes meanwhile hears the first one's words, and is not counted as a failure."""
    away = Asked(samples("A:X"), answers=0)

    def ask(rest: timedelta) -> None:
        with Connection(Place("LDB", "t"), lambda: away, gate=gate(tmp_path, rest=rest)) as one:
            list(one.read(one.find("A:X"), DAY))

    with pytest.raises(SourceUnavailable, match="^nobody there$"):
        ask(timedelta(minutes=5))
    first = (tmp_path / "down.json").read_bytes()
    asked = len(away.questions)
    for _ in range(3):
        with pytest.raises(LeftAlone, match=r"^nobody there \(found at .*Z by another report; not"):
            ask(timedelta(minutes=5))
    assert len(away.questions) == asked
    assert (tmp_path / "down.json").read_bytes() == first
    away.answers = 5
    time.sleep(0.6)
    ask(SOON)
    assert not (tmp_path / "down.json").exists()


def test_what_is_written_in_the_file_of_the_away_cannot_stop_anything(tmp_path: Path) -> None:
    for text in (
        "",
        "{",
        '{"at": "yesterday"}',
        '{"at": "2999-01-01T00:00:00+00:00", "reason": 1}',
    ):
        (tmp_path / "down.json").write_text(text)
        gate(tmp_path).check()
