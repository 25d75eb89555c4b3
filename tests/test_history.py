"""History: what reports said, over the years."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oaflib import columnar
from oaflib.checks.usage import Usage as Logged
from oaflib.compute import run_computations
from oaflib.compute.images import ImageReduced
from oaflib.compute.statistics import summarise
from oaflib.compute.usage import Usage
from oaflib.config.aliases import Aliases, read_aliases
from oaflib.config.interventions import Intervention, concerning, read_interventions
from oaflib.errors import ConfigurationError, HistoryError
from oaflib.history import History, HistoryPast
from oaflib.history.history import shelf_of
from oaflib.history.rows import Stamp, table, unified
from oaflib.records import Entry, Records, State, entry_of, records_of
from oaflib.report import Fault, Outcome, Report, Severity, Statistics, read, write
from oaflib.series import Kind, Series, Variable
from oaflib.window import Window, calendar_day

D0 = date(2026, 1, 1)


def report(
    day: int = 0, *values: float, dataset: str = "LHC", made: int = 0, unit: str = "mA"
) -> Report:
    window = calendar_day(D0 + timedelta(days=day), "Europe/Zurich")
    entries = [
        Statistics(f"DEV{i}:V", "NUMERIC", unit, 10, v - 1, v + 1, v, 0.5, v, v + 0.1, 1, 2)
        for i, v in enumerate(values)
    ]
    verdict = Outcome("usage", Fault.NO_USAGE, "DEV0", "DEV0:V", Severity.OK, reason="fine")
    return Report(
        "BCT",
        dataset,
        "",
        window,
        datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=made),
        True,
        (verdict,),
        tuple(entries),
    )


def publish(root: Path, one: Report) -> None:
    folder = root / "reports" / one.instrument / one.dataset / one.window.label
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(write(one))


def everything(history: History) -> object:
    days = {
        (d, label): [s.document() for s in history.day(d, label)]
        for d in history.datasets()
        for label in history.labels(d)
    }
    trends = {}
    for name in history.variables():
        trend = history.trend(name)
        trends[name] = [trend.start.tolist(), trend.units.tolist(), trend.count.tolist()] + [
            getattr(trend, c).tolist() for c in ("min", "max", "mean", "std", "first", "last")
        ]
    return json.dumps([sorted(days.items()), trends], sort_keys=True)


def test_a_day_comes_back_as_the_report_said_it(tmp_path):
    made = report(0, 1.0, 2.0)
    odd = (
        Statistics("Z:TEXT", "TEXTUAL", "", 3, first="ON", last="OFF", first_time=5, last_time=9),
        Statistics("A:NONE", "NUMERIC", "V", 0, nan=3, inf=1, duplicates=2, title="Über"),
        Statistics("V:VEC", "VECTORNUMERIC", "", 2, 0, 1, 0.5, 0.1, shape="3",
                   elements={"mean": (1.0, None, 3.0), "std": (0.0, None, 0.5)}),
    )  # fmt: skip
    made = replace(made, statistics=(*made.statistics, *odd))
    history = History(tmp_path / "history")
    history.append(made)
    assert history.day("BCT_LHC", "2026-01-01") == list(made.statistics)
    assert history.day("BCT", "2026-01-01") == list(made.statistics)
    assert history.day("BCT_LHC", "2026-01-02") == []
    assert history.day("BWS", "2026-01-01") == []
    assert history.trend("V:VEC").elements[0, ::2].tolist() == [1.0, 3.0]


def test_a_rerun_replaces_its_day(tmp_path):
    history = History(tmp_path / "history")
    for day in range(100):  # past where windows join their block
        history.append(report(day, day, 5))
    history.append(report(3, -7.0, made=9))  # of a quarter in a block by now
    trend = history.trend("DEV0:V")
    assert trend.mean.tolist() == [-7.0 if day == 3 else day for day in range(100)]
    assert len(history.trend("DEV1:V")) == 99
    history.append(replace(report(3), finished=False))
    assert len(history.trend("DEV0:V")) == 99
    assert [s.mean for s in history.day("BCT_LHC", "2026-01-05")] == [4, 5]
    assert len(history.labels("BCT_LHC")) == 99
    assert any((tmp_path / "history/reports-1/BCT_LHC/blocks").iterdir())


@settings(max_examples=6, deadline=None)
@given(
    runs=st.lists(st.tuples(st.integers(0, 60), st.floats(-1e9, 1e9), st.booleans()), max_size=40)
)
def test_the_rebuilt_history_is_the_same(tmp_path_factory, runs):
    root = tmp_path_factory.mktemp("rebuild")
    history = History(root / "history")
    for made, (day, value, finished) in enumerate(runs):
        one = replace(report(day, value, 1.0, made=made), finished=finished)
        publish(root, one)
        history.append(read(write(one)))
    before = everything(history)
    assert history.rebuild(root) == []
    assert everything(history) == before
    assert History(root / "history").rebuild(root) == []
    assert everything(history) == before


def test_a_damaged_report_is_named_and_left_out(tmp_path):
    publish(tmp_path, report(0, 1.0))
    publish(tmp_path, report(1, 2.0))
    bad = tmp_path / "reports/BCT/LHC/2026-01-01/report.json"
    bad.write_text('{"schema": "oaf-report/1"')
    history = History(tmp_path / "history")
    (said,) = history.rebuild(tmp_path)
    assert "2026-01-01" in said
    assert history.trend("DEV0:V").mean.tolist() == [2.0]


def test_a_damaged_file_is_named_with_the_way_out(tmp_path):
    history = History(tmp_path / "history")
    history.append(report(0, 1.0))
    (tmp_path / "history/reports-1/BCT_LHC/windows/2026-01-01.parquet").write_bytes(b"rubbish")
    with pytest.raises(HistoryError, match=r"2026-01-01\.parquet is damaged.*oaf history rebuild"):
        history.trend("DEV0:V")


def test_a_trend_is_cut_half_open_and_may_be_empty(tmp_path):
    history = History(tmp_path / "history")
    assert len(history.trend("DEV0:V")) == 0
    for day in range(5):
        history.append(report(day, day))
    second, fourth = (calendar_day(D0 + timedelta(days=d), "Europe/Zurich").start for d in (1, 3))
    assert history.trend("DEV0:V", second, fourth).mean.tolist() == [1, 2]
    assert len(history.trend("NOBODY:V")) == 0


def test_days_count_where_hours_and_weeks_are_there_too(tmp_path):
    history = History(tmp_path / "history")
    for day in range(7):
        history.append(report(day, day))
    week = report(0, 99.0, dataset="week")
    first = week.window.start
    history.append(replace(week, window=Window(first, first + timedelta(days=7), "UTC", "week")))
    hour = Window(first, first + timedelta(hours=1), "UTC", "hour")
    history.append(replace(report(0, 77.0), window=hour))
    assert history.trend("DEV0:V").mean.tolist() == list(range(7))
    assert history.trend("DEV0:V", dataset="BCT_week").mean.tolist() == [99.0]


def test_a_renamed_device_keeps_its_history(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/aliases.csv").write_text("Old,New\nDEV0,DEVX\nDEVX,DEVY\n")
    history = History(tmp_path / "history", read_aliases(tmp_path))
    history.append(report(0, 1.0))
    later = report(1, 2.0)
    renamed = tuple(replace(s, variable="DEVY:V") for s in later.statistics)
    history.append(replace(later, statistics=renamed))
    assert history.trend("DEVY:V").mean.tolist() == [1.0, 2.0]
    assert history.trend("DEVY:V").variable == "DEVY:V"
    assert history.variables() == ["DEVY:V"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Old,New\nA,B\nB,A\n", "line 3: 'B' would be renamed to itself in a circle"),
        ("Old,New\nA,B\nA,C\n", "line 3: 'A' has been renamed 'B' before"),
        ("Old,New\nA,\n", "line 2: needs both"),
        ("Old,New\nA:X,B\n", "line 2: names a device on one side"),
    ],
)
def test_wrong_aliases_are_named(tmp_path, text, said):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/aliases.csv").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_aliases(tmp_path)


def test_the_ledger_is_read_and_cut(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/interventions.csv").write_text(
        "Date;Device;Done;By\n2026-02-01;DEV%;new amplifier;jdoe\n"
        "2026-01-05T12:00+01:00;DEV0:V;recalibrated;\n"
    )
    ledger = read_interventions(tmp_path, "Europe/Zurich")
    assert [entry.done for entry in ledger] == ["recalibrated", "new amplifier"]
    assert ledger[1].time == calendar_day(date(2026, 2, 1), "Europe/Zurich").start_ns
    assert [entry.done for entry in concerning(ledger, "DEV1:V")] == ["new amplifier"]
    assert str(ledger[1]) == "new amplifier by jdoe (2026-02-01)"  # the day as written
    past = HistoryPast(History(tmp_path / "h"), calendar_day(date(2026, 1, 8)), ledger)
    assert len(past.interventions("DEV0:V")) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("yesterday,DEV,x,y", "line 2: Date is 'yesterday'"),
        ("2026-01-01T12:00,DEV,x,y", "without a zone"),
        ("2026-01-01,,x,y", "line 2: Device: a variable's name is empty"),
        ("2026-01-01,DEV,,y", "line 2: says nothing under Done"),
    ],
)
def test_wrong_lines_of_the_ledger_are_named(tmp_path, line, said):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/interventions.csv").write_text(f"Date,Device,Done,By\n{line}\n")
    with pytest.raises(ConfigurationError, match=said):
        read_interventions(tmp_path)


def test_the_past_is_what_was_known_then(tmp_path):
    history = History(tmp_path / "history")
    for day in range(10):
        history.append(report(day, day))
    window = report(4).window
    past = HistoryPast(history, window, [Intervention(window.end_ns, "%", "later")])
    assert past.trend("DEV0:V").mean.tolist() == [0, 1, 2, 3]
    assert [entry.mean for entry in past.statistics("DEV0:V")] == [0, 1, 2, 3]
    assert past.interventions("DEV0:V") == ()
    assert len(HistoryPast(history, window, days=2).trend("DEV0:V")) == 2


days_and_others = st.tuples(
    st.integers(0, 13), st.sampled_from([0, 0, 0, 7, -9]), st.sampled_from([24, 24, 25, 24, 6, 168])
)


@given(
    st.lists(
        st.tuples(days_and_others, st.sampled_from(["mA", "µA", "A", ""]), st.integers(0, 4)),
        min_size=6,
        max_size=16,
    ),
    st.sampled_from(["", "", "DEV1", "OLD"]),
    st.sampled_from([None, None, 3]),
)
@settings(max_examples=40, deadline=None)
def test_the_last_unit_is_that_of_the_trend(tmp_path_factory, windows, other, days):
    tmp_path = tmp_path_factory.mktemp("units")
    history = History(tmp_path / "history", Aliases({"OLD": "DEV0"} if other == "OLD" else {}))
    start = datetime(2026, 3, 24, tzinfo=UTC)
    parts = []
    for number, ((first, shift, length), unit, count) in enumerate(windows):
        begun = start + timedelta(days=first, hours=shift)
        window = Window(begun, begun + timedelta(hours=length), "UTC", f"w{number}")
        stamp = Stamp(window.start_ns, window.end_ns, window.label, number)
        entries = report(0, 1.0, 2.0, unit=unit).statistics
        entries += (replace(entries[0], variable="OLD:V"),)
        parts.append(table(stamp, [replace(one, count=count) for one in entries]))
    if parts:
        shelf_of(tmp_path / "history/reports-1", "BCT_LHC").fill(unified(parts))
    if other == "DEV1":
        history.import_file(
            write_csv(
                tmp_path, "timestamp,variable,value,unit\n2026-04-03T06:00:00Z,DEV1:V,3.5,kA\n"
            )
        )
    day = calendar_day(date(2026, 4, 4), "UTC")
    for name in ("DEV0:V", "DEV1:V", "OLD:V", "NEW:V"):
        past = HistoryPast(history, day, days=days, dataset="BCT_LHC")
        earlier = [one.unit for one in past.statistics(name) if one.count and one.unit]
        unread = HistoryPast(history, day, days=days, dataset="BCT_LHC")
        assert unread.unit(name) == past.unit(name) == (earlier[-1] if earlier else "")


def test_units_of_many_are_read_at_once_and_without_pandas(tmp_path):
    history = History(tmp_path / "history")
    for day in range(6):
        history.append(report(day, *range(30), unit="mA" if day < 4 else "A"))
    code = f"""
        import sys
        from pathlib import Path
        from datetime import date
        from oaflib.history import History, HistoryPast
        from oaflib.history.rows import SCHEMA, Stamp, statistics, table
        from oaflib.window import calendar_day
        day = calendar_day(date(2026, 1, 5), "Europe/Zurich")
        past = HistoryPast(History(Path({str(tmp_path / "history")!r})), day, dataset="BCT_LHC")
        assert [past.unit(f"DEV{{i}}:V") for i in range(30)] == ["mA"] * 30
        assert not past._trends
        assert past.trend("DEV3:V").mean.tolist() == [3.0] * 4
        for label in past.history.labels("BCT_LHC")[:2]:
            rows = statistics(past.history._shelf("BCT_LHC").read(SCHEMA.names, label=label))
            table(Stamp(1, 2, label, 3), rows)
        assert "pandas" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=120)


def test_vectors_blocks_and_their_days_are_written_and_read_without_pandas(tmp_path):
    code = f"""
        import sys
        from dataclasses import replace
        from datetime import timedelta
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from oaflib.history import History
        from oaflib.report import Statistics
        from test_history import D0, report
        elements = {{"mean": (1.0, None, 2.0), "std": (0.1,)}}
        vector = Statistics("VEC:V", "VECTORNUMERIC", "V", 5, elements=elements)
        history = History(Path({str(tmp_path / "history")!r}))
        for day in range(40):
            one = report(day, 1.0)
            history.append(replace(one, statistics=(*one.statistics, vector)))
        assert list(history._shelf("BCT_LHC").blocks.iterdir())
        for day in (0, 39):
            found = history.day("BCT", f"{{D0 + timedelta(days=day)}}")
            assert found[1].elements == elements, found
        assert history.trend("VEC:V").elements.shape == (40, 3)
        assert "pandas" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=120)


@given(
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=4), max_size=20),
    st.lists(st.none() | st.floats(), max_size=20),
    st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_columns_are_those_that_arrow_makes(names, numbers, counts):
    for made, plain in (
        (columnar.words(names), pa.array(names, pa.string())),
        (
            columnar.numerals(numbers, pa.float64()),
            pa.array(numbers, pa.float64(), from_pandas=True),
        ),
        (columnar.numerals(counts, pa.int64()), pa.array(counts, pa.int64())),
        (columnar.numerals(counts, pa.int32()), pa.array(counts, pa.int32())),
    ):
        made.validate(full=True)
        assert made.type == plain.type
        assert made.to_pylist() == plain.to_pylist()
    lists = [None, [], numbers, None, numbers[:2]]
    made = columnar.vectors(lists)
    made.validate(full=True)
    plain = pa.array(lists, pa.large_list(pa.float64()), from_pandas=True)
    assert made.type == plain.type
    assert made.to_pylist() == plain.to_pylist()
    part = pa.array(numbers, pa.float64(), from_pandas=True)[1:]
    expected = [float("nan") if one is None else one for one in part.to_pylist()]
    np.testing.assert_array_equal(columnar.floats(part), expected)


def write_csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(text)
    return path


def test_a_spreadsheet_joins_the_history_and_survives_a_rebuild(tmp_path):
    history = History(tmp_path / "history")
    history.append(report(0, 5.0))
    path = write_csv(
        tmp_path,
        "timestamp,variable,value,unit\n2025-06-01T00:00:00Z,DEV0:V,3.5,mA\n"
        "2026-01-01T12:00:00Z,DEV0:V,9,mA\n2025-07-01T00:00:00+02:00,OLD:V,1,V\n",
    )
    assert history.import_file(path) == 3
    assert history.import_file(path) == 3
    publish(tmp_path, report(0, 5.0))
    for _ in range(2):
        trend = history.trend("DEV0:V")
        assert trend.mean.tolist() == [3.5, 5.0]  # a report counts before an import of its day
        assert trend.imported.tolist() == [True, False]
        assert "OLD:V" in history.variables()
        history.rebuild(tmp_path)


def test_an_xlsx_is_read_too(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["timestamp", "variable", "value"])
    book.active.append([datetime(2025, 6, 1, 12), "X:V", 2.5])
    book.save(tmp_path / "own.xlsx")
    history = History(tmp_path / "history")
    assert history.import_file(tmp_path / "own.xlsx", zone="UTC") == 1
    assert history.trend("X:V").mean.tolist() == [2.5]
    with pytest.raises(HistoryError, match="line 2: the timestamp '2025-06-01 12:00:00' is not"):
        history.import_file(tmp_path / "own.xlsx")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; its first line must be"),
        ("a,b,c\n", "the first line is 'a,b,c'"),
        ("timestamp,variable,value\nnow,X,1\n", "line 2: the timestamp 'now'"),
        ("timestamp,variable,value\n2025-01-01T00:00Z,X,high\n", "line 2: the value 'high' of X"),
        ("timestamp,variable,value\n2025-01-01T00:00Z,X,nan\n", "line 2: the value of X is nan"),
        ("timestamp,variable,value\n2025-01-01T00:00Z,,1\n", "line 2: the variable's name"),
        ("timestamp,variable,value\n" + "x,X,1\n" * 30, "and 10 lines more"),
    ],
)
def test_wrong_lines_of_an_import_are_named_and_nothing_is_taken(tmp_path, text, said):
    history = History(tmp_path / "history")
    with pytest.raises(HistoryError, match=said):
        history.import_file(write_csv(tmp_path, text))
    assert history.variables() == []


def test_a_kill_at_any_instant_leaves_a_history_that_reads(tmp_path):
    script = textwrap.dedent(
        """
        import sys
        sys.path.insert(0, sys.argv[2])
        from pathlib import Path
        from test_history import History, report
        history = History(Path(sys.argv[1]))
        for turn in range(10_000):
            for day in range(40):
                history.append(report(day, float(turn), float(turn), made=turn))
            print(turn, flush=True)
        """
    )
    folder = tmp_path / "history"
    for seed in range(3):
        args = [sys.executable, "-c", script, str(folder), str(Path(__file__).parent)]
        child = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "0\n"
        for _ in range(30):  # many readers while it writes
            trend = History(folder).trend("DEV0:V")
            assert len(trend) == 40
            assert (np.diff(trend.start) > 0).all()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        first, second = (History(folder).trend(f"DEV{i}:V").mean for i in (0, 1))
        assert len(first) == 40, seed
        assert first.tolist() == second.tolist()  # a day is of one turn, whole


def test_elements_of_vectors_are_summed_up_one_by_one():
    value = np.array([[1.0, np.nan, 3.0], [3.0, np.nan, np.inf]])
    series = Series("V:X", Kind.VECTORNUMERIC, "mm", np.array([1, 2]), value)
    found = summarise(series, entry_of(series))
    assert found.elements == {"mean": (2.0, None, 3.0), "std": (1.0, None, 0.0)}
    one = replace(report(0), statistics=(found,))
    assert read(write(one)).statistics == (found,)
    assert "elements" not in write(report(0, 1.0))


def test_no_alias_is_no_other_name():
    assert Aliases().all_of("A:B") == ["A:B"]


def test_images_and_usage_join_the_history_by_what_is_computed_of_them(tmp_path):
    window = calendar_day(D0, "Europe/Zurich")
    time = window.start_ns + np.arange(20, dtype=np.int64) * 10**9
    rng = np.random.default_rng(2)
    images = Series(
        "BTV:IMAGE", Kind.MATRIXNUMERIC, "counts", time, rng.integers(0, 99, (20, 8, 9))
    )
    scans = Series("BWS:SCAN", Kind.NUMERIC, "", time, np.arange(20.0))
    profile = Series("BWS:PROFILE", Kind.VECTORNUMERIC, "V", time, rng.normal(0, 1, (20, 5)))
    computed, troubles = run_computations(
        [ImageReduced(name="spot", variable="BTV:IMAGE"), Usage(name="scans", variable="BWS:SCAN")],
        records_of([images, scans, profile], window),
    )
    assert not troubles
    entries = tuple(summarise(computed[name], entry) for name, entry in computed.entries.items())
    one = replace(report(0), statistics=entries)
    History(tmp_path / "now").append(one)
    publish(tmp_path, one)
    rebuilt = History(tmp_path / "again")
    assert rebuilt.rebuild(tmp_path) == []
    assert everything(rebuilt) == everything(History(tmp_path / "now"))
    peaks = computed["spot.peak"].value
    assert rebuilt.trend("spot.peak").mean[0] == pytest.approx(peaks.mean())
    assert any(name.startswith("scans") for name in rebuilt.variables())
    elements = rebuilt.trend("BWS:PROFILE")
    assert elements.elements[0] == pytest.approx(profile.value.mean(axis=0))
    assert elements.spreads[0] == pytest.approx(profile.value.std(axis=0))


@pytest.mark.parametrize(("days", "severity"), [(16, Severity.OK), (19, Severity.ALARM)])
def test_a_silence_that_is_a_habit_is_known_from_history(tmp_path, days, severity):
    """Logged in two days of five; silent for three days before, and not for four."""
    history = History(tmp_path / "history")
    for day in range(days):
        (entry,) = report(day, 1.0).statistics
        count = 10 if day % 5 in (0, 1) and day < 16 else 0
        history.append(replace(report(day), statistics=(replace(entry, count=count),)))
    window = report(days).window
    past = HistoryPast(history, window)
    wanted = [10 if day % 5 in (0, 1) and day < 16 else 0 for day in range(days)]
    assert past.counts("DEV0:V").tolist() == wanted
    assert past.counts("DEV1:V").tolist() == []
    entries = {"DEV0:V": Entry(Variable("DEV0:V"), State.EMPTY)}
    (found,) = Logged().judge(Records(window, entries), past)
    assert found.severity is severity, found.reason
