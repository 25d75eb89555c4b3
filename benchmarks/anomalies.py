"""How well the default checks find labelled anomalies, beside a plain 6-sigma rule.

    python benchmarks/anomalies.py [--data FOLDER] [--files]

Reads SKAB (a water circuit: eight sensors, valves closed on purpose) and NAB (single series with
labelled windows) from FOLDER, by default the shared data beside the repository. Nothing is tuned to
a set or a file: the default checks have no settings, and 6-sigma is |value - mean| > 6 standard
deviations of the file. Both see one file as one window, as the daily report does.

Three scores. *Samples*: each sample flagged or not, against its label. *Episodes*: precision is
the share of flagged stretches that touch a labelled one, recall the share of labelled ones that are
touched. *Files*: whether anything was said of a file at all; only NAB has a file without a label.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from oaflib.checks import default_checks, run_checks
from oaflib.checks.episodes import episodes
from oaflib.records import Records, records_of
from oaflib.report import Outcome, Severity
from oaflib.series import Kind, Series
from oaflib.window import Window, moment

SHARED = Path(__file__).resolve().parents[1] / "../shared/data"
Flags = Any  # bool[n]


@dataclass(frozen=True)
class Labelled:
    """One file: its readings, and which samples are labelled anomalous."""

    name: str
    records: Records
    label: Flags


def skab(folder: Path) -> Iterator[Labelled]:
    """The 1 Hz experiments of SKAB; each has one labelled stretch."""
    for path in sorted((folder / "skab").glob("valve*.csv.gz")):
        table = pd.read_csv(path, sep=";", parse_dates=["datetime"])
        label = table["anomaly"].to_numpy() > 0
        columns = [name for name in table if name not in ("datetime", "anomaly", "changepoint")]
        yield Labelled(path.name[:-7], _records(table["datetime"], table[columns]), label)


def nab(folder: Path) -> Iterator[Labelled]:
    """The series of NAB; none, one or several labelled windows each."""
    labels = json.loads((folder / "nab" / "labels.json").read_text())
    for name, entry in labels.items():
        path = folder / "nab" / (name.replace("/", "__") + ".gz")
        table = pd.read_csv(path, parse_dates=["timestamp"])
        time = table["timestamp"]
        label = np.zeros(len(table), dtype=bool)
        for start, end in entry["windows"]:
            label |= ((time >= start) & (time <= end)).to_numpy()
        yield Labelled(name, _records(time, table[["value"]]), label)


def _records(time: Any, table: Any) -> Records:
    ns = time.astype("datetime64[ns]").astype("int64").to_numpy()
    window = Window(moment(int(ns[0])), moment(int(ns[-1]) + 1_000_000_000))
    series = [Series(n, Kind.NUMERIC, "", ns, table[n].to_numpy(float)) for n in table.columns]
    return records_of(series, window)


def by_defaults(case: Labelled) -> Flags:
    """Samples in an episode of a variable of which the default checks say it is unusual."""
    flags = np.zeros(len(case.label), dtype=bool)
    for outcome in _bad(case):
        if outcome.check == "unusual":
            for episode in episodes(case.records[outcome.variable].value.astype(float)):
                if not episode.faint:
                    flags[episode.first : episode.stop] = True
    return flags


def by_six_sigma(case: Labelled) -> Flags:
    """Samples further than six standard deviations from the mean, of any variable."""
    flags = np.zeros(len(case.label), dtype=bool)
    for series in case.records.values():
        flags |= np.abs(series.value - series.value.mean()) > 6 * series.value.std()
    return flags


def _bad(case: Labelled) -> list[Outcome]:
    outcomes = run_checks(default_checks(case.records), case.records)
    return [o for o in outcomes if o.severity in (Severity.WARNING, Severity.ALARM)]


def stretches(flags: Flags) -> list[tuple[int, int]]:
    """Runs of true samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def score(cases: list[Labelled], rule: Callable[[Labelled], Flags], files: bool) -> list[Any]:
    """(precision, recall, F1) of samples, episodes and files."""
    sample, touched, found, file = np.zeros(3), np.zeros(2), np.zeros(2), np.zeros(3)
    for case in cases:
        flags, label = rule(case), case.label
        sample += [(flags & label).sum(), (flags & ~label).sum(), (~flags & label).sum()]
        mine, theirs = stretches(flags), stretches(label)
        touched += [sum(label[a:b].any() for a, b in mine), len(mine)]
        hits = sum(flags[a:b].any() for a, b in theirs)
        found += [hits, len(theirs)]
        said, bad = flags.any(), label.any()
        file += [said and bad, said and not bad, bad and not said]
        if files:
            print(f"    {case.name:55} {hits} of {len(theirs)} found, {len(mine)} flagged")
    precision = touched[0] / touched[1] if touched[1] else 0.0
    return [_f1(*sample), _harmonic(precision, found[0] / found[1]), _f1(*file)]


def _f1(right: float, false: float, missed: float) -> tuple[float, float, float]:
    precision = right / (right + false) if right + false else 0.0
    return _harmonic(precision, right / (right + missed) if right + missed else 0.0)


def _harmonic(precision: float, recall: float) -> tuple[float, float, float]:
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of skab/ and nab/")
    parser.add_argument("--files", action="store_true", help="say what was found file by file")
    arguments = parser.parse_args()
    for title, cases in (("SKAB", skab(arguments.data)), ("NAB", nab(arguments.data))):
        every = list(cases)
        print(f"{title}, {len(every)} files      precision  recall   F1")
        for name, rule in (("default checks", by_defaults), ("6-sigma", by_six_sigma)):
            scores = score(every, rule, arguments.files)
            for what, figures in zip(("samples", "episodes", "files"), scores, strict=True):
                print(f"  {name:15} {what:10}" + "".join(f"{value:8.3f}" for value in figures))
    free = arguments.data / "skab" / "anomaly-free__anomaly-free.csv.gz"
    if free.exists():
        table = pd.read_csv(free, sep=";", parse_dates=["datetime"])
        records = _records(table["datetime"], table.drop(columns="datetime"))
        quiet = Labelled(free.name, records, np.zeros(len(table), dtype=bool))
        bad = _bad(quiet)
        print(f"SKAB without anomaly, {len(records)} sensors, {len(table)} samples: ", end="")
        print(
            f"{len(bad)} said" + "".join(f"\n    {o.check} {o.variable}: {o.reason}" for o in bad)
        )


if __name__ == "__main__":
    main()
