"""The embedded store against bare pyarrow and DuckDB: a day at 1 Hz of many variables.

``make bench ONLY=store`` gives the ratios of reading.
``python benchmarks/store.py [variables]`` writes the day into a temporary folder (200 variables are
17 million samples; 1,160 are 100 million) and prints times, rates and ratios.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from measure import Figure

from oaflib import columnar
from oaflib.series import Kind, Series
from oaflib.sources.embedded import Lake, ingest

SECOND = 10**9
T0 = 1_795_305_600 * SECOND
TIMES = T0 + np.arange(86_400) * SECOND
WINDOW = (T0, T0 + 86_400 * SECOND)


def day(variables: int) -> Iterator[Series]:
    rng = np.random.default_rng(22)
    base = np.round(np.cumsum(rng.normal(0, 0.01, len(TIMES))), 4)
    for i in range(variables):
        yield Series(f"LHC.BPM.{i:05}:POSITION_H", Kind.NUMERIC, "um", TIMES, base + i)


def raw_write(path: Path, variables: int) -> None:
    """The same rows with the same options, one row group a variable."""
    with pq.ParquetWriter(path, columnar.schema(Kind.NUMERIC), **columnar.PARQUET) as writer:
        for series in day(variables):
            writer.write_table(columnar.table(series), row_group_size=len(series))


def lake_write(folder: Path, variables: int) -> None:
    with Lake(folder) as lake, lake.writing("benchmark") as batch:
        for series in day(variables):
            batch.add(series)


def timed(act: Callable[[], object], times: int = 1) -> float:
    """The best of some runs, in seconds."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - start)
    return best


def say(what: str, seconds: float, against: float, samples: int) -> None:
    rate = samples / seconds / 1e6
    print(f"{what:42} {seconds * 1000:9.1f} ms {rate:8.1f} M/s   ratio {seconds / against:5.2f}")


def writing(folder: Path, variables: int) -> None:
    samples = variables * len(TIMES)
    generating = timed(lambda: [len(series) for series in day(variables)])
    raw = timed(lambda: raw_write(folder / "raw.parquet", variables)) - generating
    say("write: pyarrow", raw, raw, samples)
    before = peak()
    say(
        "write: Lake",
        timed(lambda: lake_write(folder / "store", variables)) - generating,
        raw,
        samples,
    )
    print(f"{'':42} peak memory {peak():.0f} MB (was {before:.0f})")


def reading(folder: Path, variables: int) -> None:
    paths = [str(path) for path in (folder / "store").rglob("kind=*/**/*.parquet")]
    middle = variables // 2
    for count in (1, min(40, variables)):
        names = [f"LHC.BPM.{i:05}:POSITION_H" for i in range(middle, middle + count)]
        samples = count * len(TIMES)
        listed = ", ".join(f"'{name}'" for name in names)
        where = f"= {listed}" if count == 1 else f"in ({listed})"
        query = f"SELECT variable, time, value FROM read_parquet(?) WHERE variable {where}"

        def arrow(names: list[str] = names) -> int:
            return int(pq.read_table(paths, filters=[("variable", "in", names)]).num_rows)

        def duck(query: str = query) -> int:
            with duckdb.connect() as db:
                return len(db.execute(query, [paths]).fetchnumpy()["time"])

        def lake(names: list[str] = names) -> int:
            with Lake(folder / "store", read_only=True) as opened:
                found = [opened.find(name)[0] for name in names]
                return sum(len(piece) for piece in opened.read(found, *WINDOW))

        assert arrow() == duck() == lake() == samples
        against = timed(arrow, 5)
        say(f"read {count} of {variables}: pyarrow", against, against, samples)
        say(f"read {count} of {variables}: DuckDB", timed(duck, 5), against, samples)
        say(f"read {count} of {variables}: Lake, opened anew", timed(lake, 5), against, samples)
        with Lake(folder / "store", read_only=True) as opened:
            found = [opened.find(name)[0] for name in names]
            seconds = timed(lambda: list(opened.read(found, *WINDOW)), 5)  # noqa: B023
        say(f"read {count} of {variables}: Lake, again", seconds, against, samples)


def figures(full: bool) -> Iterator[Figure]:
    """Reading against pyarrow and DuckDB on the same files, in turns; all of them in one thread."""
    variables = 2000 if full else 200
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake_write(folder / "store", variables)
        paths = [str(path) for path in (folder / "store").rglob("kind=*/**/*.parquet")]
        for count in (1, 40, variables):
            yield from compared(folder / "store", paths, (variables, count))


def compared(store: Path, paths: list[str], counts: tuple[int, int]) -> Iterator[Figure]:
    """Medians of both sides' ratios, reading `counts[1]` of `counts[0]` variables."""
    variables, count = counts
    first = (variables - count) // 2
    names = [f"LHC.BPM.{i:05}:POSITION_H" for i in range(first, first + count)]
    samples = count * len(TIMES)

    def lake() -> int:
        with Lake(store, read_only=True) as opened:
            found = [opened.find(name)[0] for name in names]
            return sum(len(piece) for piece in opened.read(found, *WINDOW))

    def arrow() -> int:
        if count == variables:  # group by group: each holds one of these variables
            read = 0
            for file in map(pq.ParquetFile, paths):
                groups = (
                    file.read_row_group(i, use_threads=False) for i in range(file.num_row_groups)
                )
                for _, same in groupby(groups, key=lambda group: group["variable"][0].as_py()):
                    parts = [(part["time"].to_numpy(), part["value"].to_numpy()) for part in same]
                    time, value = map(np.concatenate, zip(*parts, strict=True))
                    read += len(time) + len(value)
            return read // 2
        wanted = [("variable", "in", names)]
        return int(pq.read_table(paths, filters=wanted, use_threads=False).num_rows)

    def duck() -> int:
        which = f"= '{names[0]}'" if count == 1 else "BETWEEN ? AND ?"
        bounds = [] if count == 1 else [names[0], names[-1]]
        query = f"SELECT time, value FROM read_parquet(?) WHERE variable {which}"
        with duckdb.connect(config={"threads": 1}) as db:
            answer = db.execute(query, [paths, *bounds])
            read = 0
            while chunk := answer.fetch_df_chunk(50).shape[0]:
                read += chunk
            return read

    assert lake() == arrow() == duck() == samples
    times = 3 if count == variables else 7
    took = {
        act: [] for act in (lake, arrow, duck)
    }  # in turns: what else the machine does falls on all of them
    for _ in range(times):
        for act, found in took.items():
            found.append(timed(act))
    own = median(took[lake])
    for rival, label in ((arrow, "pyarrow"), (duck, "DuckDB")):
        ratio = median(a / b for a, b in zip(took[rival], took[lake], strict=True))
        note = f"{own * 1000:.1f} ms against {median(took[rival]) * 1000:.1f} ms"
        what = f"{label}'s time over the store's, {count} of {variables} variables"
        yield Figure(what, ratio, reach=0.8, note=note)
    if count == 1:
        yield Figure(f"a day of one variable of {variables}", own, "s", 0.1, most=True)


def ingesting(folder: Path) -> None:
    path, rows = folder / "day.csv", 3_000_000
    with path.open("w") as file:
        file.write("timestamp,variable,value\n")
        for i in range(rows // 100):
            stamp = f"2026-11-22T{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}.{i // 86400:03}Z"
            file.write(
                "".join(f"{stamp},DEV.{k:03}:FIELD,{(i * k) % 997 / 8}\n" for k in range(100))
            )
    parse = timed(lambda: pyarrow.csv.read_csv(path))
    say("CSV: pyarrow parses it, into memory", parse, parse, rows)
    with Lake(folder / "ingested") as lake:
        say("CSV: ingest, durably", timed(lambda: ingest(path, lake)), parse, rows)
        (folder / "mixed.csv").write_text("timestamp,variable,value\n" + _mixed(200_000))
        seconds = timed(lambda: ingest(folder / "mixed.csv", lake))
        say("CSV: ingest of numbers, texts and lists", seconds, seconds, 200_000)


def _mixed(rows: int) -> str:
    values = ("1.5", "STABLE", '"[1, 2, 3.5]"', "7")
    return "".join(f"{T0 + i},MIX.{i % 4}:X,{values[i % 4]}\n" for i in range(rows))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main(variables: int) -> None:
    print(f"{variables} variables, {variables * len(TIMES):,} samples; pyarrow {pa.__version__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writing(folder, variables)
        reading(folder, variables)
        ingesting(folder)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
