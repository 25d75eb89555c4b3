"""Ten years of 10,000 variables: how long one variable's trend and one family's day take.

``python benchmarks/history.py [years] [variables]`` writes such a history into a temporary folder,
as ten datasets of one family; without the two of ten years and 10,000.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from measure import Figure

from oaflib.history import History, HistoryPast
from oaflib.history.rows import SCHEMA
from oaflib.history.shelf import Shelf, place, quarter_of, renewed
from oaflib.report import Fault, Outcome, Report, Severity, Statistics
from oaflib.trend import DAY
from oaflib.window import Window, moment

T0 = 1_451_606_400_000_000_000  # 2016-01-01
DATASETS = 10


def built(folder: Path, years: int, variables: int) -> None:
    """The history as appending every day leaves it, block by block."""
    days = np.arange(round(years * 365.25))
    quarters = np.array([quarter_of(int(T0 + day * DAY)) for day in days])
    for d in range(DATASETS):
        names = [f"LHC.BPM.{d}.{i:05}:POSITION" for i in range(variables // DATASETS)]
        shelf = Shelf(folder / "reports-1" / f"BPM_D{d}")
        shelf.folder.mkdir(parents=True)
        renewed(shelf.folder / "variables.json", json.dumps(names))
        for quarter in sorted(set(quarters)):
            rows = _block(names, days[quarters == quarter])
            labels = "\n".join(sorted(set(rows["label"].to_pylist())))
            said = {b"oaf.labels": labels.encode()}
            place(shelf.blocks / f"{quarter}.parquet", rows, said)


def _block(names: list[str], days: np.ndarray) -> pa.Table:
    rng = np.random.default_rng(len(names) + int(days[0]))
    n, m = len(names), len(days)
    start = np.tile(T0 + days * DAY, n)
    labels = [f"{moment(int(T0 + day * DAY)):%Y-%m-%d}" for day in days]
    whole = {
        "variable": _coded(np.repeat(np.arange(n), m), names),
        "label": _coded(np.tile(np.arange(m), n), labels),
        "kind": _coded(np.zeros(n * m, int), ["NUMERIC"]),
        "unit": _coded(np.zeros(n * m, int), ["mm"]),
        "start": start,
        "end": start + DAY,
        "made": start + 2 * DAY,
        "place": np.repeat(np.arange(n), m),
        "count": np.full(n * m, 86_400),
    }
    for name in ("min", "max", "mean", "std", "first", "last"):
        whole[name] = rng.normal(size=n * m)
    for name in ("nan", "inf", "duplicates"):
        whole[name] = np.zeros(n * m, int)
    columns = []
    for field in SCHEMA:
        column = whole.get(field.name)
        if column is None:
            column = pa.nulls(n * m, field.type)
        columns.append(column if isinstance(column, pa.Array) else pa.array(column, field.type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _coded(index: np.ndarray, words: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(words))


def day_report(variables: int, number: int) -> Report:
    """One more day of one dataset."""
    start = T0 + (4000 + number) * DAY
    entries = tuple(
        Statistics(f"LHC.BPM.0.{i:05}:POSITION", "NUMERIC", "mm", 86_400, 0, 2, 1, 0.1, 1, 1, 0, 1)
        for i in range(variables // DATASETS)
    )
    window = Window(moment(start), moment(start + DAY), "UTC", f"day{number}")
    verdict = Outcome("usage", Fault.NO_USAGE, "", "", Severity.OK, reason="-")
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Report("BPM", "D0", "", window, made, True, (verdict,), entries)


def best(act: Callable[[], object], times: int = 3) -> float:
    """The best of some times of `act`, in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - began))
    return min(spent)


def family(history: History, names: list[str], stop: int) -> None:
    """What a report asks of the past of all its variables, one after the other."""
    window = Window(moment(stop), moment(stop + DAY), "UTC")
    past = HistoryPast(history, window, dataset="BPM_D7")
    past.expect(names)
    for name in names:
        past.trend(name)


def figures(full: bool) -> Iterator[Figure]:
    """What ten years of 10,000 variables take to ask; else two years of 2,000."""
    yield from told(10, 10_000) if full else told(2, 2_000)


def told(years: int, variables: int) -> Iterator[Figure]:
    """The same, of so many years and variables."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "history"
        built(folder, years, variables)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        days = round(years * 365.25)
        what = f"{variables:,} variables over {years} years"
        yield Figure(f"{what}, a variable and day", size / days / variables, "bytes")
        history = History(folder)
        names = sorted(history.variables("BPM_D7"))
        name = names[123]
        assert len(history.trend(name)) == days
        yield Figure("one variable's trend", best(lambda: history.trend(name)), "ms")
        spent = best(lambda: history.trend(name, dataset="BPM_D7"))
        yield Figure("the same, its dataset told", spent, "ms")
        spent = best(lambda: family(history, names, T0 + days * DAY), 1)
        note = f"{len(names):,} one after the other"
        yield Figure("the same, all of a report's", spent / len(names), "ms", note=note)
        label = f"{moment(T0 + days // 2 * DAY):%Y-%m-%d}"
        assert len(history.day("BPM", label)) == variables
        yield Figure("a day of the whole family", best(lambda: history.day("BPM", label)), "ms")
        yield Figure("a day of one dataset", best(lambda: history.day("BPM_D3", label)), "ms")
        new = day_report(variables, 0)
        yield Figure("append a report of one dataset", best(lambda: history.append(new)), "ms")


if __name__ == "__main__":
    years, variables = map(int, sys.argv[1:3] or (10, 10_000))
    for figure in told(years, variables):
        print(f"{figure.what:50} {figure.value:8.1f} {figure.unit:6} {figure.note}", flush=True)
