"""Silences: the file people edit, what they cover, and what a report then says."""

from __future__ import annotations

import csv
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import MadeProject, made_project, numeric
from published import outcome, report

from oaflib import silences
from oaflib.changes import Age, AlarmState, Changes, advance
from oaflib.cli import main
from oaflib.errors import ConfigurationError
from oaflib.report import Change, Outcome, Severity
from oaflib.silences import Silence, add, apply, read
from oaflib.window import calendar_day, nanoseconds

DAY = date(2026, 11, 22)
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
NAMES = WORDS.filter(lambda text: text.replace("%", ""))


@st.composite
def made(draw: st.DrawFn) -> Silence:
    since = draw(DAYS)
    until = draw(st.none() | st.integers(0, 400).map(lambda n: since + timedelta(days=n)))
    check = draw(st.just("") | WORDS)
    return Silence(draw(NAMES), check, since, until, draw(WORDS), draw(WORDS))


def story(*days: tuple[date, Severity], device: str = "BCT.A") -> Changes:
    """The changes of the last of the reports of `days`, one outcome each."""
    found = [report(day, [outcome(device, severity)]) for day, severity in days]
    state = AlarmState(found[0].id)
    for one in found:
        state, changed = advance(state, one)
    return changed


def days(*severities: Severity) -> list[tuple[date, Severity]]:
    """One a day, the last of them on `DAY`."""
    first = DAY - timedelta(days=len(severities) - 1)
    return [(first + timedelta(days=n), severity) for n, severity in enumerate(severities)]


def silence(since: int, until: int | None, **more: str) -> Silence:
    """From and until so many days before `DAY`."""
    values = {"device": "BCT.A", "check": "", "reason": "spare ordered", "author": "jdoe"} | more
    last = None if until is None else DAY - timedelta(days=until)
    return Silence(since=DAY - timedelta(days=since), until=last, **values)


def is_no_formula(made: Silence) -> bool:
    """A table that people open in a spreadsheet takes no cell that begins as a formula does."""
    words = (made.device, made.check, made.reason, made.author)
    return not any(word.startswith(("=", "+", "-", "@")) for word in words)


OK, ALARM = Severity.OK, Severity.ALARM


@settings(deadline=None)  # files, on a busy machine
@given(st.lists(made().filter(is_no_formula), min_size=1, max_size=5))
def test_what_was_added_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Silence]
) -> None:
    path = tmp_path_factory.mktemp("s") / "silences.csv"
    for entry in entries:
        add(path, entry)
    assert read(path) == tuple(entries)


def test_what_people_wrote_stays_as_they_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "silences.csv"
    written = "Device , check,from,until,reason,author\n\n , , , , ,\n"
    written += ' BWS.% ,range,2026-11-01,cleared,"a, b",me'
    path.write_text("\ufeff" + written, encoding="utf-8")
    add(path, silence(1, 0))
    assert path.read_text(encoding="utf-8").startswith(written + "\n")
    first, second = read(path)
    assert (first.device, first.reason, first.until) == ("BWS.%", "a, b", None)
    assert second == silence(1, 0)


def test_no_file_is_no_silence(tmp_path: Path) -> None:
    assert read(tmp_path / "silences.csv") == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("D,,2026-11-22,tomorrow,why,me", "until may be 'cleared'"),
        ("D,,22.11.2026,2026-11-23,why,me", "days like 2026-11-22"),
        ("D,,2026-11-22,2026-11-21,why,me", "lies before from"),
        ("%,,2026-11-22,2026-11-23,why,me", "would silence everything"),
        (",,2026-11-22,2026-11-23,why,me", "device is empty"),
        ("D,,2026-11-22,2026-11-23,,me", "reason is empty"),
        ("D,,2026-11-22,2026-11-23,why,", "author is empty"),
        ("D,,2026-11-22,2026-11-23,why", "5 cells; there must be 6"),
        ("D,,2026-11-22,2026-11-23,\u202ewhy,me", "characters that cannot be seen"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "silences.csv"
    path.write_text(",".join(silences.COLUMNS) + f"\nA,,2026-11-01,cleared,why,me\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.place) == ("config/silences.csv", "line 3")
    assert said in problem.message
    before = path.read_bytes()
    with pytest.raises(ConfigurationError):
        add(path, silence(1, 0))
    assert path.read_bytes() == before


HEADER = ",".join(silences.COLUMNS)


@pytest.fixture
def usual_fields() -> Iterator[None]:
    """Reading data allows longer fields, for all of the process."""
    before = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("written", "place", "said"),
    [
        (
            b"device,until\nA,2026-11-23\n",
            "line 1",
            f"the first line must be {HEADER}, not device,until",
        ),
        (b"", "line 1", f"the first line must be {HEADER}, not "),
        (b"x" * 99, "line 1", f"the first line must be {HEADER}, not {'x' * 80}"),
        (b"\xff\xfe", "", "cannot be read: 'utf-8' codec can't decode byte 0xff in position 0"),
        (HEADER.encode() + b'\n"' + b"x" * 200_000, "line 2", "field larger than field limit"),
    ],
    ids=["columns", "nothing", "long", "no text", "open quote"],
)
@pytest.mark.usefixtures("usual_fields")
def test_a_file_that_is_no_table_of_silences_is_named(
    tmp_path: Path, written: bytes, place: str, said: str
) -> None:
    path = tmp_path / "silences.csv"
    path.write_bytes(written)
    with pytest.raises(ConfigurationError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.place) == ("config/silences.csv", place)
    assert problem.message.startswith(said)
    assert place != "line 1" or problem.message == said


@pytest.mark.parametrize("sign", "=+-@")
def test_no_cell_is_written_that_a_spreadsheet_would_reckon_with(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "silences.csv"
    with pytest.raises(ConfigurationError) as caught:
        add(path, silence(1, 0, reason=f"{sign}1+1"))
    (problem,) = caught.value.problems
    assert (problem.file, problem.place) == ("config/silences.csv", "")
    assert problem.message == (
        f"reason begins with '{sign}', which a spreadsheet takes for a formula"
    )
    assert not path.exists()


def test_what_would_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "silences.csv"
    with pytest.raises(ConfigurationError, match="reason and author must not begin or end in bla"):
        add(path, silence(1, 0, reason=" x"))
    assert not path.exists()
    add(path, silence(1, 0, reason="µ"))
    line = "BCT.A,,2026-11-21,2026-11-22,µ,jdoe"
    assert path.read_bytes() == f"{HEADER}\n{line}\n".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["silences.csv"]


@settings(deadline=None)  # files, on a busy machine
@given(st.text(string.ascii_uppercase + ".%[*", max_size=8), st.text(string.ascii_uppercase + "."))
def test_only_the_percent_sign_is_a_pattern(pattern: str, name: str) -> None:
    entry = silence(1, 0, device=pattern)
    found = entry.covers(outcome(name, ALARM, variable=""))
    if "%" not in pattern:
        assert found == (bool(name) and pattern == name)
    elif found:
        assert name.startswith(pattern.split("%")[0])
        assert name.endswith(pattern.split("%")[-1])


@settings(deadline=None)  # files, on a busy machine
@given(
    st.lists(st.sampled_from([*Severity]), min_size=1, max_size=6),
    st.lists(made() | st.just(silence(9, 0)) | st.just(silence(9, 1)), max_size=4),
)
def test_silences_change_what_is_said_and_never_what_was_found(
    severities: list[Severity], entries: list[Silence]
) -> None:
    changed = story(*days(*severities))
    told = apply(changed, entries)
    assert told.report.severity is changed.report.severity
    assert told.report.counts == changed.report.counts
    new, ongoing = (len(changed.marked(change)) for change in (Change.NEW, Change.ONGOING))
    assert told.counts["new"] + told.counts["ongoing"] + len(told.silenced) == new + ongoing
    assert all(not o.silenced for o in told.report.outcomes if not o.severity.alarming)
    assert all(Outcome.of(o.document()) == o for o in told.report.outcomes)
    assert apply(told, entries).report == told.report


@pytest.mark.parametrize(
    ("entry", "severities", "silenced"),
    [
        (silence(1, 0), (ALARM,), True),
        (silence(0, -5), (ALARM, ALARM), True),
        (silence(3, 1), (ALARM, ALARM), False),
        (silence(-1, -5), (ALARM, ALARM), False),
        (silence(1, 0, device="BCT.%"), (ALARM,), True),
        (silence(1, 0, device="BCT.A:BEAM%"), (ALARM,), True),
        (silence(1, 0, device="bct.a"), (ALARM,), False),
        (silence(1, 0, check="gap"), (ALARM,), False),
        (silence(1, 0, check="range"), (ALARM,), True),
        (silence(1, None), (ALARM, ALARM), True),
        (silence(1, None), (ALARM, OK, ALARM), False),
        (silence(2, None), (ALARM, OK, ALARM, ALARM), False),
        (silence(0, None), (ALARM,), True),
    ],
)
def test_when_a_silence_holds(
    entry: Silence, severities: tuple[Severity, ...], silenced: bool
) -> None:
    (found,) = apply(story(*days(*severities)), [entry]).report.outcomes
    assert bool(found.silenced) == silenced
    assert found.severity is ALARM


def test_an_ended_silence_speaks_up_once_and_stays_on_the_page() -> None:
    entry = silence(3, 1)
    told = apply(story(*days(ALARM, ALARM, ALARM)), [entry])
    assert told.report.outcomes[0].silence_ended == (
        "silenced until 2026-11-21 by jdoe: spare ordered"
    )
    assert told.silence_ends == (
        "BCT.A (range) is still there; it was silenced until 2026-11-21 by jdoe: spare ordered",
    )
    later = apply(story(*days(ALARM, ALARM, ALARM)), [silence(4, 2)])
    assert later.report.outcomes[0].silence_ended
    assert later.silence_ends == ()


ELSEWHERE = silence(1, 0, device="OTHER")


def test_each_finding_of_a_report_is_told_by_itself() -> None:
    """In turn: none to tell, silenced, of nobody's, whose silence ended, silenced again."""
    since = nanoseconds(datetime(2026, 11, 19, 12, tzinfo=UTC))
    found = [
        outcome("BCT.A", OK),
        outcome("BCT.B", ALARM, Change.NEW),
        outcome("BCT.C", ALARM, Change.NEW),
        outcome("", ALARM, Change.ONGOING, variable="BCT.D:X"),
        outcome("BCT.E", ALARM, Change.ONGOING),
    ]
    ages = {one.identity: Age(since, 3, 3, 1, False) for one in found[1:]}
    entries = [silence(9, 0, device=device) for device in ("BCT.A", "BCT.B", "BCT.E")]
    entries += [silence(9, days, device="BCT.D%") for days in (2, 1, 3)]
    entries += [silence(-1, -2, device="BCT.D%"), ELSEWHERE]
    told = apply(Changes(report(DAY, found), ages), entries)
    held = "silenced until 2026-11-22 by jdoe: spare ordered"
    assert [one.silenced for one in told.report.outcomes] == ["", held, "", "", held]
    last = "silenced until 2026-11-21 by jdoe: spare ordered"
    assert [one.silence_ended for one in told.report.outcomes] == ["", "", "", last, ""]
    assert told.silence_ends == (f"BCT.D:X (range) is still there; it was {last}",)


def test_of_an_alarm_without_an_age_its_day_counts() -> None:
    told = apply(Changes(report(DAY, [outcome("BCT.A", ALARM)])), [silence(0, None)])
    assert told.report.outcomes[0].silenced == "acknowledged by jdoe: spare ordered"


def test_what_a_silence_said_before_is_not_said_once_it_is_gone() -> None:
    found = outcome("BCT.A", ALARM, Change.ONGOING, silenced="by me", silence_ended="by you")
    told = apply(Changes(report(DAY, [found])), [ELSEWHERE])
    assert told.report.outcomes == (replace(found, silenced="", silence_ended=""),)


def test_a_new_alarm_has_outlived_no_silence_however_long_ago_it_began() -> None:
    found = outcome("BCT.A", ALARM, Change.NEW)
    since = nanoseconds(datetime(2026, 11, 19, 12, tzinfo=UTC))
    changed = Changes(report(DAY, [found]), {found.identity: Age(since, 3, 1, 1, False)})
    assert apply(changed, [silence(9, 1)]).report.outcomes == (found,)


def test_a_silence_holds_on_the_days_of_the_reports_own_zone() -> None:
    """In Chicago a day ends when it is morning already in UTC."""
    window = calendar_day(DAY, "America/Chicago")
    changed = Changes(report(DAY, [outcome("BCT.A", ALARM)], window=window))
    for entry, held in ((silence(1, 0), True), (silence(-1, -1), False)):
        assert bool(apply(changed, [entry]).report.outcomes[0].silenced) == held


@pytest.mark.parametrize("severities", [(ALARM, OK, OK, ALARM), (ALARM, ALARM, OK), (OK, ALARM)])
def test_an_ended_silence_says_nothing_of_an_alarm_that_was_gone(
    severities: tuple[Severity, ...],
) -> None:
    told = apply(story(*days(*severities)), [silence(5, 2)])
    assert not any(o.silence_ended for o in told.report.outcomes)
    assert told.silence_ends == ()


A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
DEVICE = "LHC.BCTDC.A6R4.B1"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks("BCT,LDB,B1,jdoe,TRUE,FALSE,None,daily,day,generic")
    made.dataset("BCT_B1", f'title = "B1"\nvariables = ["{A}"]\n[[check]]\nkind="range"\nhigh=1.0')
    made.fill(numeric(A, np.linspace(2.0, 3.0, 1440), unit="A"))
    return made


def oaf(project: MadeProject, command: str, *more: str) -> int:
    return main([command, "--root", str(project.root), *more])


@pytest.mark.kernel
def test_a_silenced_alarm_stays_on_the_page_and_leaves_the_mail(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ("--from", "2026-11-20", "--until", "2026-11-25")
    assert oaf(project, "silence", DEVICE, *days, "--reason", "spare <b>", "--author", "jd") == 0
    assert oaf(project, "silence", "--list") == 0
    assert f"{DEVICE}: silenced until 2026-11-25 by jd: spare <b>" in capsys.readouterr().out
    assert oaf(project, "check-config") == 0
    assert oaf(project, "daily", "--day", "2026-11-22") == 0
    page = (project.report("BCT", "B1") / "index.html").read_text()
    front = (project.root / "publish/index.html").read_text()
    for text in (page, front):
        assert "Silenced until 2026-11-25 by jd: spare &lt;b&gt;" in text
    assert "no other alarm, 1 silenced, 1 report" in front
    assert "New alarms" not in front
    (mail,) = [path for path in project.mails if b"jdoe@" in path.read_bytes()]
    text = mail.read_text()
    assert "Subject: [OAF] BCT B1 2026-11-22: no other alarm" in text
    assert "1 silenced (on the page)." in text
    assert "NEW (" not in text


def test_an_acknowledgement_holds_until_it_clears(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, "acknowledge", DEVICE, "--check", "range", "--reason", "known") == 0
    (entry,) = read(project.root / silences.FILE)
    assert (entry.until, entry.check, entry.reason) == (None, "range", "known")
    assert entry.author
    assert "acknowledged by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--until", "2026-11-25", "--reason", "x"], "a silence needs DEVICE"),
        ([DEVICE, "--reason", "x"], "a silence needs --until DAY"),
        ([DEVICE, "--until", "2026-11-25"], "a silence needs --reason TEXT"),
        (["%", "--until", "2099-11-25", "--reason", "x"], "would silence everything"),
        ([DEVICE, "--until", "2020-01-01", "--reason", "x"], "lies before from"),
        ([DEVICE, "--list"], "--list goes alone"),
    ],
)
def test_what_is_no_silence_is_refused(
    project: MadeProject, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, "silence", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (project.root / silences.FILE).exists()


def test_a_wrong_file_stops_the_morning(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / silences.FILE).write_text("device\n")
    assert oaf(project, "check-config") == 2
    assert "config/silences.csv: line 1" in capsys.readouterr().out
    assert oaf(project, "daily", "--day", "2026-11-22") == 2
    assert "config/silences.csv: line 1" in capsys.readouterr().err
    assert not (project.root / "publish").exists()
