"""Ten years of 10,000 variables: how long one variable's trend and one family's day take.

``python benchmarks/history.py [years] [variables]`` writes such a history into a temporary folder,
as ten datasets of one family, and prints a table.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from oaflib.history import History
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


def timed(what: str, act: Callable[[], object]) -> None:
    """Print the first and the best of three times of `act`, in milliseconds."""
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - began))
    print(f"{what:<44} {spent[0]:>9.0f} {min(spent):>9.0f}")


def main(years: int = 10, variables: int = 10_000) -> None:
    """Build, then measure."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "history"
        began = time.perf_counter()
        built(folder, years, variables)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        rows = round(years * 365.25) * variables
        print(f"{rows:,} rows, {size / 1e6:,.0f} MB, in {time.perf_counter() - began:.0f} s\n")
        history = History(folder)
        print(f"{'':<44} {'first ms':>9} {'best ms':>9}")
        name = "LHC.BPM.7.00123:POSITION"
        assert len(history.trend(name)) == round(years * 365.25)
        timed("trend of a variable, all years", lambda: history.trend(name))
        timed("the same, its dataset told", lambda: history.trend(name, dataset="BPM_D7"))
        label = "2016-05-05"
        assert len(history.day("BPM", label)) == variables
        timed("a day of the whole family", lambda: history.day("BPM", label))
        timed("a day of one dataset", lambda: history.day("BPM_D3", label))
        new = [day_report(variables, number) for number in range(3)]
        timed("append a report of one dataset", lambda: history.append(new[0]))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
