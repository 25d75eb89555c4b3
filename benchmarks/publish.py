"""What publishing one report costs in an old repository, against one on its first day.

    python benchmarks/publish.py [--datasets 100] [--days 3650] [--times 15]

Makes a repository of one day and one of many days in a temporary folder (folders, lists, calendars
and search as publishing leaves them), publishes the next day's reports into both in turn, prints
both medians and their ratio, and ends with 1 when the ratio is above 1.5.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

from measure import Figure

from oaflib.publish import Site, place, search, shelf
from oaflib.publish.entry import Entry
from oaflib.publish.repository import rebuild
from oaflib.report import Change, Fault, Outcome, Report, Severity, Statistics, write
from oaflib.window import calendar_day, nanoseconds

LAST = date(2026, 11, 21)
ZONE = "Europe/Zurich"
SITE = Site(zone=ZONE)
VARIABLES = 40
LIMIT = 1.5


def report(number: int, day: date) -> Report:
    """Forty variables, three checks each, one alarm in every fifth dataset."""
    window = calendar_day(day, ZONE)
    outcomes = [
        Outcome(
            check=check,
            fault=Fault.CALIBRATION,
            device=f"DEV{number}.{index}",
            variable=f"DEV{number}.{index}:VALUE",
            severity=Severity.ALARM if (index, check, number % 5) == (0, "range", 0)
            else Severity.OK,
            found=1.01 + index / 100,
            limit={"high": 1.0},
            since=nanoseconds(window.start),
            change=Change.ONGOING if (index, check, number % 5) == (0, "range", 0) else None,
        )
        for index in range(VARIABLES)
        for check in ("range", "stuck", "gaps")
    ]  # fmt: skip
    return Report(
        instrument=f"I{number % 15}",
        dataset=f"set{number}",
        title=f"Dataset {number}",
        window=window,
        made_at=window.end + timedelta(hours=8),
        finished=True,
        outcomes=tuple(outcomes),
        statistics=tuple(
            Statistics(f"DEV{number}.{index}:VALUE", "NUMERIC", "A", 86_400, 0.0, 1.0, 0.5, 0.1)
            for index in range(VARIABLES)
        ),
    )


@contextmanager
def unsynced() -> Iterator[None]:
    """Building history needs no disk that survives a power cut; what is measured does."""
    with mock.patch.object(os, "fsync"):
        yield


def repository(root: Path, datasets: int, days: int) -> None:
    """A repository as `days` mornings of `datasets` reports leave it."""
    names: list[Report] = []
    for number in range(datasets):
        for back in reversed(range(min(days, 35))):  # the lately published are whole
            made = report(number, LAST - timedelta(days=back))
            folder = root / Entry.of_report(made).path
            folder.mkdir(parents=True)
            (folder / "report.json").write_text(write(made))
            (folder / "index.html").write_text("<!doctype html><!--nav--><!--/nav-->")
        names.append(made)
    rebuild(root, SITE)
    lines: dict[str, dict[str, list[str]]] = {}
    for made in names:
        newest = Entry.of_report(made)
        room = (root / newest.path).parent
        by_month: dict[str, list[Entry]] = {}
        for back in range(days):
            day = LAST - timedelta(days=back)
            window = calendar_day(day, ZONE)
            entry = Entry(
                newest.instrument, newest.dataset, newest.title, window.label, window.start,
                window.end, ZONE, window.end, newest.severity, False, newest.counts, newest.changes,
            )  # fmt: skip
            by_month.setdefault(entry.month, []).insert(0, entry)
            path = f"{entry.instrument}/{entry.dataset}/{entry.label}"
            lines.setdefault(entry.month, {})[path] = [f"{entry.id}:00000000", "o", entry.day]
            (room / entry.label).mkdir(exist_ok=True)
        months = {name: shelf._kept(room, name, inside) for name, inside in by_month.items()}
        kept = shelf.load(room)
        shelf._write(room, shelf.Shelf(kept.recent, months))
    for month, inside in lines.items():
        search._save(root / "search" / f"{month}.js", month, inside)


def measured(datasets: int, days: int, times: int) -> dict[str, float]:
    """Median seconds of publishing one report, on the first day and after so many."""
    folder = Path(tempfile.mkdtemp(prefix="oaf-publish-"))
    try:
        ages = {"first day": 1, f"{days} days": days}
        took: dict[str, list[float]] = {name: [] for name in ages}
        for name, age in ages.items():
            started = time.perf_counter()
            with unsynced():
                repository(folder / name.replace(" ", "-"), datasets, age)
            print(f"made {datasets} datasets × {name}: {time.perf_counter() - started:.0f} s")
        for number in range(times):
            made = report(number, LAST + timedelta(days=1))
            for name in ages:
                started = time.perf_counter()
                place(made, None, folder / name.replace(" ", "-"), SITE)
                took[name].append(time.perf_counter() - started)
        return {name: statistics.median(seconds) for name, seconds in took.items()}
    finally:
        shutil.rmtree(folder)


def figures(full: bool) -> Iterable[Figure]:
    """An old repository against a new one; ten years of a hundred datasets when `full`."""
    datasets, days = (100, 3_650) if full else (20, 730)
    first, old = measured(datasets, days, 15).values()
    yield Figure(
        f"publishing after {days} days × {datasets} datasets, against day one",
        old / first,
        reach=LIMIT,
        most=True,
        note=f"{old * 1e3:.0f} ms against {first * 1e3:.0f} ms",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--days", type=int, default=3_650)
    parser.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    medians = measured(given.datasets, given.days, given.times)
    for name, median in medians.items():
        print(f"publishing one report, {given.datasets} datasets × {name}: {median * 1e3:.0f} ms")
    first, old = medians.values()
    print(f"ratio {old / first:.2f} (at most {LIMIT})")
    return int(old / first > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
