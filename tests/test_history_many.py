"""What history says of many variables at once is what it says of each by itself."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from oaflib.config.aliases import Aliases
from oaflib.history import History, HistoryPast, past
from oaflib.report import Fault, Outcome, Report, Severity, Statistics
from oaflib.trend import Trend
from oaflib.window import calendar_day

D0 = date(2026, 3, 1)
DAYS = 45
NAMES = [f"DEV{i}:V" for i in range(7)]


def report(day: int, dataset: str, names: list[str], made: int = 0) -> Report:
    rng = np.random.default_rng([day, len(dataset), made])
    entries = [
        Statistics(name, "NUMERIC", "mA", 10, v - 1, v + 1, v, 0.5, v, v, 1, 2)
        for name, v in zip(names, rng.normal(size=len(names)).tolist(), strict=True)
    ]
    entries.append(
        Statistics("VEC:V", "VECTORNUMERIC", "V", 5, elements={"mean": (1.0, 2.0), "std": (0.1,)})
    )
    window = calendar_day(D0 + timedelta(days=day), "Europe/Zurich")
    at = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=made)
    fine = Outcome("usage", Fault.NO_USAGE, "D", "D:V", Severity.OK)
    return Report("BCT", dataset, "", window, at, True, (fine,), tuple(entries))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder: Path = tmp_path_factory.mktemp("history")
    found = History(folder / "history", Aliases({"DEV6:V": "NEW:V"}))
    for day in range(DAYS):
        some = [name for i, name in enumerate(NAMES) if day % (i + 1) == 0]
        found.append(report(day, "LHC", [*some, "ratio"]))
        found.append(report(day, "SPS", [*some[:2], "ratio"], made=day % 3))
    found.append(report(3, "LHC", NAMES, made=60))
    table = folder / "old.csv"
    table.write_text(
        "timestamp,variable,value,unit\n2025-01-01T00:00:00Z,DEV1:V,4.5,mA\n"
        "2026-03-02T10:00:00Z,DEV1:V,9.5,mA\n2025-02-01T00:00:00Z,ONLY:V,1,A\n"
    )
    found.import_file(table)
    return found


def same(one: Trend, other: Trend) -> None:
    for entry in fields(Trend):
        mine, its = getattr(one, entry.name), getattr(other, entry.name)
        np.testing.assert_array_equal(mine, its, err_msg=entry.name)


ASKED = [*NAMES, "NEW:V", "ONLY:V", "VEC:V", "ratio", "BCT_SPS:ratio", "BCT_SPS:DEV1:V", "NONE:V"]


@pytest.mark.parametrize("dataset", ["", "BCT_LHC"])
def test_many_at_once(history, dataset):
    first, stop = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    for span in ((None, None), (first, stop), (None, stop)):
        found = history.trends(ASKED, *span, dataset)
        assert list(found) == ASKED
        for name in ASKED:
            same(found[name], history.trend(name, *span, dataset))
    assert len(history.trend("DEV1:V")) > 20
    assert len(history.trend("ONLY:V")) == 1
    assert history.trend("VEC:V").elements.shape[1] == 2
    assert not len(history.trend("NONE:V"))


def test_what_is_expected_is_read_together(history, monkeypatch):
    monkeypatch.setattr(past, "_TOGETHER", 3)
    window = calendar_day(D0 + timedelta(days=DAYS - 2), "Europe/Zurich")
    plain = HistoryPast(history, window, dataset="BCT_LHC")
    known = HistoryPast(history, window, dataset="BCT_LHC")
    known.expect(NAMES)
    asked: list[list[str]] = []
    trends = History.trends

    def counted(self, names, *rest):
        asked.append(list(names))
        return trends(self, names, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(History, "trends", counted)
        found = {name: known.trend(name) for name in [*NAMES, "ratio"]}
    assert asked == [NAMES[:3], NAMES[3:6], NAMES[6:], ["ratio"]]
    for name, trend in found.items():
        same(trend, plain.trend(name))
        assert not len(trend) or trend.end[-1] <= window.start_ns


def test_what_is_kept_of_the_past_is_bounded(history, monkeypatch):
    monkeypatch.setattr(past, "_TOGETHER", 2)
    monkeypatch.setattr(past, "_MOST", 12_000)
    known = HistoryPast(history, calendar_day(D0 + timedelta(days=DAYS), "Europe/Zurich"))
    known.expect(NAMES)
    for name in [*NAMES, *reversed(NAMES)]:
        same(known.trend(name), history.trend(name))
        assert known._bytes == sum(map(past._size, known._trends.values()))
        assert known._bytes <= 12_000
    assert len(known._trends) < len(NAMES)


def test_single_numbers_lately(history):
    window = calendar_day(D0 + timedelta(days=DAYS), "Europe/Zurich")
    found = history.scalars("BCT", window)
    assert {"DEV0:V", "ratio"} <= found
    assert "VEC:V" not in found
    assert history.scalars("BLM", window) == set()
