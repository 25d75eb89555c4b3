"""What a mail says: the new alarms first, in few words, and nothing that steers the screen."""

from __future__ import annotations

import random
import re
import struct
import textwrap
import unicodedata
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.changes import AlarmState, Changes, advance
from oaflib.inform.compose import compose, subject
from oaflib.inform.digest import (
    Failure,
    Morning,
    Part,
    by_recipient,
    digest,
    operator_mail,
)
from oaflib.inform.envelope import LIMIT, Message, envelope, wire
from oaflib.inform.outbox import Letter
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Links, Picture
from oaflib.inform.texts import allowed, number, quantity, shown
from oaflib.report import Fault, Outcome, Report, Severity
from oaflib.window import calendar_day

SETTINGS = MailSettings(domain="example.org")
LINKS = Links.under("https://oaf.example.org/oaf", "BWS", "PS", "2026-11-22")
WHEN = datetime(2026, 11, 23, 8, tzinfo=UTC)
OK, ALARM, INVALID = Severity.OK, Severity.ALARM, Severity.INVALID
HOUR = 3600 * 10**9


def outcome(device: str, severity: Severity = ALARM, **values) -> Outcome:
    said = {"found": 1.0312345, "limit": {"high": 1.02}, "unit": "A", "reason": "above the limit"}
    said |= {"variable": f"{device}:CURRENT"}
    return Outcome("range", Fault.CALIBRATION, device, severity=severity, **(said | values))


def report(day: int, *outcomes: Outcome, finished: bool = True) -> Report:
    window = calendar_day(date(2026, 11, day), "Europe/Zurich")
    made = datetime(2026, 11, 23, 7, tzinfo=UTC)
    return Report("BWS", "PS", "PS wire scanners", window, made, finished, tuple(outcomes))


def changed(*reports: Report) -> Changes:
    state = AlarmState(reports[0].id)
    for entry in reports:
        state, last = advance(state, entry)
    return last


def story() -> Changes:
    since = report(22).window.start_ns + 7 * HOUR
    return changed(
        report(19, outcome("D1")),
        report(21, outcome("D1"), outcome("D2")),
        report(
            22,
            outcome("D1"),
            outcome("D2", OK),
            outcome("D3", since=since, guidance="Compare both front ends."),
            outcome("D4", INVALID, found=None, reason="nothing was logged"),
        ),
    )


def test_instants_in_a_reason_are_those_of_the_reader():
    said = "nothing was logged between 2026-11-21T23:00:00Z and 2026-11-22T23:00:00Z"
    message = compose(changed(report(22, outcome("D1", reason=said))), LINKS, SETTINGS)
    assert "nothing was logged between 00:00 and 2026-11-23 00:00\n" in message.text
    assert "00Z" not in message.text + message.html


def test_what_could_not_be_judged_gets_no_advice():
    silent = outcome("D1", INVALID, guidance="Lower the gain.", reason="nothing was logged")
    assert "Lower the gain" not in compose(changed(report(22, silent)), LINKS, SETTINGS).text


def test_many_without_a_common_name_are_counted():
    many = outcome("%", members=("A:I", "B:I", "C:I"), variable="%", reason="nothing was logged")
    message = compose(changed(report(22, many)), LINKS, SETTINGS)
    assert "ALARM   3 variables: 1.03123 A" in message.text


def test_a_condition_is_said_once():
    held = Outcome(
        *("one wire", Fault.BAD_USAGE, "W1, W2", "max(A) == 0", ALARM),
        limit={"condition": "max(A) == 0"},
        reason="max(A) == 0 is false",
        since=report(22).window.start_ns,
    )
    message = compose(changed(report(22, held)), LINKS, SETTINGS)
    assert "ALARM   W1, W2: since 00:00\n        one wire, bad usage: max(A) == 0 is false\n" in (
        message.text
    )


def test_the_mail_of_a_morning():
    message = compose(story(), LINKS, SETTINGS)
    assert message.subject == "[OAF] BWS PS 2026-11-22: 2 NEW, 1 ongoing, 1 cleared"
    assert (
        message.text
        == """\
BWS PS · 2026-11-22 · PS wire scanners
2 NEW, 1 ongoing, 1 cleared

NEW (2)
ALARM   D3:CURRENT: 1.03123 A (allowed: at most 1.02 A), since 07:00
        range, calibration: above the limit
        -> Compare both front ends.
INVALID D4:CURRENT: allowed: at most 1.02 A
        range, calibration: nothing was logged

ONGOING (1)
ALARM   D1:CURRENT, range: 1.03123 A (allowed: at most 1.02 A), \
since 2026-11-19 00:00 (4 days, 3 reports)

CLEARED (1)
- D2:CURRENT, range: was ALARM since 2026-11-21 00:00 (1 report)

Checks: 1 OK, 2 alarms, 1 could not be judged.

This report         https://oaf.example.org/oaf/reports/BWS/PS/2026-11-22/index.html
All reports         https://oaf.example.org/oaf/index.html
RECENT              https://oaf.example.org/oaf/RECENT/index.html
RECENT_WITH_ALM     https://oaf.example.org/oaf/RECENT_WITH_ALM/index.html
RECENT_WITHOUT_ALM  https://oaf.example.org/oaf/RECENT_WITHOUT_ALM/index.html

--\x20
2026-11-22 00:00 to 2026-11-23 00:00 Europe/Zurich
Times are Europe/Zurich. Made by OAF, which judges and never acts. \
You get this because a task of tasks.csv names you.
"""
    )


def test_the_manuals_example_is_such_a_mail():
    manual = (Path(__file__).parents[1] / "docs" / "mail.md").read_text(encoding="utf-8")
    example = re.search(r"    Subject: (.*)\n\n((?:    .*\n|\n)+)", manual)
    assert example is not None
    message = compose(story(), LINKS, SETTINGS)
    assert message.subject == example[1]
    assert textwrap.dedent(example[2]).strip() in message.text


def test_text_and_html_say_the_same():
    message = compose(story(), LINKS, SETTINGS)
    places = [
        message.html.index(word)
        for word in ("2 NEW", "D3:CURRENT", "Compare both", "D4:CURRENT", "D1:CURRENT", "D2:CURR")
    ]
    assert places == sorted(places)
    hrefs = re.findall(r'href="([^"]+)"', message.html)
    assert hrefs[1:] == [address for _, address in LINKS.named]


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        ([report(22, outcome("A", OK))], "OK"),
        ([report(22, outcome("A", Severity.WARNING))], "1 warning"),
        ([report(21, outcome("A")), report(22, outcome("A", OK))], "OK, 1 cleared"),
        ([report(22, outcome("A", INVALID))], "1 NEW"),
        ([report(22, outcome("A", Severity.NOT_APPLICABLE))], "nothing to judge"),
        ([report(22)], "nothing was judged"),
        ([report(22, finished=False)], "FAILED"),
        ([report(22, outcome("A"), finished=False)], "FAILED, 1 NEW"),
        ([report(22, outcome("B")), report(21, outcome("A"))], "1 alarm"),
    ],
)
def test_subjects(reports, words):
    label = reports[-1].window.label
    assert subject(changed(*reports)) == f"[OAF] BWS PS {label}: {words}"


def test_a_failed_report_says_that_nothing_is_known_and_old_alarms_stay():
    told = changed(
        report(21, outcome("A")),
        report(
            22,
            Outcome("run", Fault.BREAKAGE, "", "", INVALID, reason="Cell 4 stopped after 600 s"),
            finished=False,
        ),
    )
    text = compose(told, LINKS, SETTINGS).text
    assert "INVALID run\n        run, breakage: Cell 4 stopped after 600 s" in text
    assert "what it does not say is not known" in text
    assert "1 older alarm could not be judged this time and stays open." in text
    assert "CLEARED" not in text


def test_what_nobody_checks_any_more_is_not_said_to_be_good():
    told = changed(report(21, outcome("A")), report(22, outcome("B", OK)))
    message = compose(told, LINKS, SETTINGS)
    assert "and is no longer checked" in message.text


def test_common_reasons_are_one_line():
    many = [outcome(f"D{n}", found=float(n), reason=f"D{n} is at {n}.5 A") for n in range(40)]
    text = compose(changed(report(22, *many, outcome("X", reason="other"))), LINKS, SETTINGS).text
    assert "ALARM   40 findings of range, calibration: 0 to 39 A (allowed: at most 1.02 A)" in text
    assert "D0:CURRENT, D1:CURRENT, D10:CURRENT, D11:CURRENT and 36 more" in text
    assert "ALARM   X:CURRENT: 1.03123 A" in text


def body_lines(text: str) -> list[str]:
    return text.partition("\nChecks:")[0].splitlines()[2:]


@pytest.mark.parametrize("unlike", [False, True], ids=["one cause", "ten thousand causes"])
def test_a_storm_is_one_readable_mail(unlike):
    words = random.Random(2)
    letters = "abcdefghijklmnopqrstuvwxyzµé "
    storm = [
        outcome(
            f"D{n}",
            INVALID if n % 3 else ALARM,
            reason="".join(words.choices(letters, k=400)) if unlike else f"D{n} shows {n} A",
            guidance="".join(words.choices(letters, k=400)) if unlike else "Look.",
        )
        for n in range(10_000)
    ]
    message = compose(changed(report(21, outcome("X")), report(22, *storm)), LINKS, SETTINGS)
    assert message.subject == "[OAF] BWS PS 2026-11-22: 10000 NEW, 1 cleared"
    lines = body_lines(message.text)
    assert len([line for line in lines if line and not line.startswith(("NEW", "CLEARED"))]) <= 52
    assert any(line.startswith("ALARM") for line in lines)
    assert "CLEARED (1)" in lines
    if unlike:
        said = sum(line.startswith(("ALARM", "INVALID")) for line in lines)
        assert f"        {10_000 - said} more on the page" in lines
    size = len(wire(envelope(message, "a@example.org", SETTINGS, WHEN)))
    assert size <= (LIMIT if unlike else 20_000)


def test_a_mail_is_never_above_its_limit_whatever_is_in_it():
    wild = "".join(chr(c) for c in range(0x4E00, 0x4E00 + 400))
    storm = [
        outcome(f"{n}{wild}", reason=f"{wild[n % 300 :]}{n}", guidance=wild, unit=wild)
        for n in range(300)
    ]
    generous = replace(SETTINGS, lines=200)
    told = changed(report(22, *storm))
    pictures = [Picture(entry.identity, png(b"\0" * 60_000)) for entry in storm]
    message = compose(told, LINKS, generous, pictures)
    assert message.pictures
    assert len(wire(envelope(message, "a@example.org", generous, WHEN))) <= LIMIT


def png(filling: bytes = b"") -> bytes:
    """A white pixel, with some weight."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"teXt", filling)
        + chunk(b"IDAT", zlib.compress(b"\0\xff"))
        + chunk(b"IEND", b"")
    )


def test_pictures_come_along_and_are_shown_where_they_belong():
    told = story()
    new = [entry.identity for entry in told.report.outcomes]
    pictures = [
        Picture(new[2], png()),
        Picture(new[3], b"<svg onload=alert(1)>"),
        Picture("of nothing here", png()),
    ]
    message = compose(told, LINKS, SETTINGS, pictures)
    assert [cid for cid, _ in message.pictures] == ["picture1@oaf"]
    mail = message_from_bytes(
        wire(envelope(message, "a@example.org", SETTINGS, WHEN)), policy=default
    )
    (image,) = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert image["Content-ID"] == "<picture1@oaf>"
    assert image.get_content() == png()
    html = mail.get_body(("html",))
    assert html is not None
    content = html.get_content()
    assert content.index("D3:CURRENT") < content.index("cid:picture1@oaf") < content.index("ONGO")


def test_headers():
    mail = envelope(
        compose(story(), LINKS, SETTINGS),
        "J.Doe@example.org",
        replace(SETTINGS, sender='"Ŏaf, the" <oaf@beams.example>', reply_to="Ops <op@example.org>"),
        WHEN,
    )
    read = message_from_bytes(wire(mail), policy=default)
    assert read["From"].addresses[0].display_name == "Ŏaf, the"
    assert read["From"].addresses[0].addr_spec == "oaf@beams.example"
    assert read["To"] == "J.Doe@example.org"
    assert read["Reply-To"] == "Ops <op@example.org>"
    assert read["Date"].datetime == WHEN
    assert re.fullmatch(r"<BWS_PS\.[0-9a-f]{24}@beams\.example>", read["Message-ID"])
    assert read["References"] == read["In-Reply-To"]
    assert read["List-Id"] == "OAF BWS_PS <BWS_PS.oaf.beams.example>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["X-OAF-Changes"] == "new=2 ongoing=1 cleared=1 unjudged=0"
    assert read["X-OAF-Severity"] == "INVALID"


def test_a_long_domain_keeps_the_ids_whole():
    domain = "-".join(["beams"] * 10) + ".example.org"
    long = replace(SETTINGS, domain=domain)
    named = changed(replace(report(22, outcome("A")), dataset="a-dataset-with-a-very-long-name"))
    data = wire(envelope(compose(named, LINKS, long), "a@example.org", long, WHEN))
    mail = message_from_bytes(data, policy=default)
    assert re.fullmatch(r"<BWS_a-dataset-with-a\.[0-9a-f]{24}@[a-z.-]+>", mail["Message-ID"])
    assert mail["References"].endswith(f".thread@{domain}>")
    assert mail["List-Id"].endswith(f".oaf.{domain}>")
    assert b"=?" not in data.partition(b"\r\n\r\n")[0]


def test_made_again_it_is_the_same_mail():
    told = story()
    once, twice = (
        wire(envelope(compose(told, LINKS, SETTINGS), "a@example.org", SETTINGS, WHEN))
        for _ in range(2)
    )
    assert once == twice


def test_ids_differ_by_reader_and_window_and_threads_by_dataset():
    def ids(told: Changes, reader: str = "a@example.org") -> tuple[str, str]:
        mail = envelope(compose(told, LINKS, SETTINGS), reader, SETTINGS, WHEN)
        return mail["Message-ID"], mail["References"]

    day, next_day = changed(report(21, outcome("A"))), changed(report(22, outcome("A")))
    elsewhere = changed(replace(report(21, outcome("A")), dataset="PSB-R1"))
    assert len({ids(day)[0], ids(next_day)[0], ids(elsewhere)[0], ids(day, "b@x.org")[0]}) == 4
    assert ids(day)[0] == ids(day, "A@EXAMPLE.org")[0]
    assert ids(day)[1] == ids(next_day)[1] == ids(day, "b@x.org")[1] != ids(elsewhere)[1]


def test_a_mail_needs_a_zone_and_an_address():
    message = compose(story(), LINKS, SETTINGS)
    with pytest.raises(ValueError, match="no time zone"):
        envelope(message, "a@example.org", SETTINGS, datetime(2026, 11, 23))
    with pytest.raises(ValueError, match="is not a mail address"):
        envelope(message, "a@example.org\r\nBcc: x@y.z", SETTINGS, WHEN)


def test_an_encoded_word_in_a_name_stays_what_it_was():
    told = story()
    hidden = "=??Q?=0D=0ABcc: victim@example.org"
    named = replace(told, report=replace(told.report, dataset=hidden))
    data = wire(envelope(compose(named, LINKS, SETTINGS), "a@example.org", SETTINGS, WHEN))
    mail = message_from_bytes(data, policy=default)
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[OAF] BWS = ??Q?=0D=0ABcc: victim@example.org 2026")


ANY = st.text(st.characters(), max_size=60)
NASTY = st.sampled_from(
    [
        "x\r\nBcc: victim@example.org",
        "x\nSubject: other",
        "\u2028Bcc: a@b.c",
        "\x0bX: y",
        "a\x00b\x1b[31mred",
        "\u202egnp.exe",
        "\ud800",
        "=?utf-8?q?=0D=0ABcc:_x@y.z?=",
        "=??Q?=0D0:",
        "==?utf-8?b?DQpCY2M6IHhAeS56?=",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}{% for x in y %}",
        "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
    ]
)
TEXT = ANY | NASTY


@hypothesis.settings(deadline=None)
@given(TEXT, TEXT, TEXT, TEXT)
def test_nothing_a_report_holds_gets_into_the_headers_or_the_markup(name, unit, reason, label):
    wild = replace(
        report(22, outcome(name, unit=unit, reason=reason, guidance=name, limit={unit: label})),
        instrument=name or "I",
        dataset=unit or "D",
        title=reason,
    )
    wild = replace(wild, window=replace(wild.window, label=label))
    message = compose(changed(wild), Links(report=name, repository=reason), SETTINGS)
    data = wire(envelope(message, "a@example.org", SETTINGS, WHEN))
    head = data.partition(b"\r\n\r\n")[0]
    data.decode("ascii")
    mail = message_from_bytes(data, policy=default)
    assert mail.defects == []
    assert sorted(mail.keys()) == sorted(
        message_from_bytes(
            wire(envelope(compose(story(), LINKS, SETTINGS), "a@example.org", SETTINGS, WHEN)),
            policy=default,
        ).keys()
    )
    assert all(re.match(rb"[A-Za-z-]+: \S|[ \t]+\S", line) for line in head.split(b"\r\n"))
    assert len(mail["Subject"]) <= 120
    # Blanks beside an encoded word are the encoder's to fold.
    assert "".join(mail["Subject"].split()) == "".join(message.subject.split())
    for text in (message.subject, message.text, message.html):
        assert not [
            c
            for c in text
            if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"
        ]
    assert "<script" not in message.html
    assert "<img" not in message.html
    assert re.findall(r'href="(?!https?://|file://)', message.html) == []


@hypothesis.settings(deadline=None)
@given(ANY, st.integers(1, 200))
def test_shown_is_one_line_within_its_limit(text, limit):
    line = shown(text, limit)
    assert len(line) <= limit
    assert shown(line, limit) == line
    assert line == line.strip()


def test_numbers_and_limits_as_read():
    assert number(1.03123456) == "1.03123"
    assert number(float("nan")) == "NaN"
    assert number(None) == "nothing"
    assert number(12345678901) == "1.23457 × 10¹⁰"
    assert quantity(3, "mm") == "3 mm"
    assert allowed({"low": 0.98, "high": 1.02}, "A") == "0.98 to 1.02 A"
    assert allowed({"low": 3, "high": None}, "") == "at least 3"
    assert allowed({"expected": ["ON", "READY"]}, "") == "expected ON or READY"
    assert allowed({"gaps": 3}, "s") == "gaps 3"
    assert allowed({"max_gap": 600}, "s") == "gaps of at most 10 min"
    assert allowed({}, "A") == ""


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "https://a b"])
def test_an_address_that_is_none_is_text(address):
    message = compose(story(), Links(report=address), SETTINGS)
    assert f'href="{address}' not in message.html
    assert address.split()[0] in message.html


# A whole morning


def part(told: Changes, instrument: str, dataset: str) -> Part:
    named = replace(told.report, instrument=instrument, dataset=dataset)
    return Part(replace(told, report=named), f"https://oaf.example.org/{instrument}/{dataset}")


def morning() -> list[Part]:
    return [
        part(changed(report(22, outcome("A", OK))), "BCT", "L2"),
        part(changed(report(22, finished=False)), "BCT", "LHC-B1-cmp"),
        part(changed(report(21, outcome("A")), report(22, outcome("A"))), "BWS", "SPS-414"),
        part(story(), "BWS", "PS"),
    ]


def test_a_digest_has_the_news_first_and_the_quiet_last():
    message = digest(morning(), "2026-11-22", Links.of_repository("https://x.org"), SETTINGS)
    assert message.subject == ("[OAF] 4 reports 2026-11-22: 2 NEW, 2 ongoing, 1 cleared, 1 failed")
    order = [
        "BWS PS 2026-11-22: 2 NEW, 1 ongoing, 1 cleared",
        "ALARM   D3:CURRENT",
        "INVALID D4:CURRENT",
        "OTHER REPORTS",
        "INVALID BCT LHC-B1-cmp 2026-11-22: FAILED",
        "ALARM   BWS SPS-414 2026-11-22: 1 ongoing",
        "Without alarms: BCT L2.",
        "All reports",
    ]
    places = [message.text.index(words) for words in order]
    assert places == sorted(places)


def test_a_report_of_warnings_says_which_they_are_and_when_a_limit_is_crossed():
    reason = "1976 ADC counts, drifting by −1.579 ADC counts/d, " + 9 * "and so on, "
    reason += "will cross the limit about 2027-05-17"
    message = compose(
        changed(report(22, outcome("A", Severity.WARNING, reason=reason))), LINKS, SETTINGS
    )
    assert "WARNINGS (1)\nWARNING A:CURRENT: 1.03123 A" in message.text
    assert "about 2027-05-17" in " ".join(message.text.split())
    assert "about 2027-05-17" in message.html


def test_of_what_wears_the_first_to_cross_its_limit_is_first_and_its_limit_is_of_the_level():
    drift = {"found": -1.5, "limit": {"low": 1700}, "unit": "counts/d", "reason": "drifting"}
    later = outcome("A", Severity.WARNING, **drift, forecast={"date": "2027-05-17"})
    sooner = outcome("B", Severity.WARNING, **drift, forecast={"date": "2027-01-02"})
    text = compose(changed(report(22, later, sooner)), LINKS, SETTINGS).text
    assert text.index("WARNING B:CURRENT") < text.index("WARNING A:CURRENT")
    assert "B:CURRENT: −1.5 counts/d (level allowed: at least 1,700 counts)" in text


def test_warnings_come_after_alarms_and_leave_them_the_room():
    warned = outcome("W", Severity.WARNING)
    message = compose(changed(report(22, warned, outcome("A"))), LINKS, SETTINGS)
    assert 0 < message.text.index("ALARM   A:CURRENT") < message.text.index("WARNING W:CURRENT")


def test_a_digest_counts_the_reports_that_warn_and_does_not_call_them_quiet():
    warned = changed(report(22, outcome("A", Severity.WARNING)))
    parts = [part(changed(report(22, outcome("A", OK))), "BCT", "L2"), part(warned, "BWS", "old")]
    message = digest(parts, "2026-11-22", Links.of_repository("https://x.org"), SETTINGS)
    assert message.subject.endswith("2 reports 2026-11-22: 1 warning")
    assert "WARNING BWS old 2026-11-22: 1 warning" in message.text
    assert "Without alarms: BCT L2." in message.text


def test_a_digest_of_a_hundred_datasets_in_storm_is_one_readable_mail():
    parts = [
        part(
            changed(report(22, *(outcome(f"D{n}-{k}", reason="ab" * k) for k in range(60)))),
            "BWS",
            f"R{n}",
        )
        for n in range(100)
    ]
    message = digest(parts, "2026-11-22", Links(), SETTINGS)
    assert message.subject.endswith("100 reports 2026-11-22: 6000 NEW")
    said = [line for line in message.text.splitlines() if line.startswith(("ALARM", "        "))]
    assert len(said) <= 110
    assert "more in the repository" in message.text
    assert len(wire(envelope(message, "a@example.org", SETTINGS, WHEN))) <= LIMIT


def test_a_digest_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one report"):
        digest([], "2026-11-22", Links(), SETTINGS)


def test_readers_get_what_is_theirs():
    one, two, three, _ = morning()
    shares = by_recipient([(["a", "b"], one), (["b"], two), (["b"], one), ([], three)])
    assert shares == {"a": (one,), "b": (one, two)}


def test_the_operator_hears_of_every_failure_and_of_none():
    quiet = operator_mail(Morning("2026-11-22", tuple(morning()[:1])), Links(), SETTINGS)
    assert quiet.subject == "[OAF] operator 2026-11-22: 1 report, OAF itself is well"
    letter = Letter(7, "<a@b>", "gone@x.org", "[OAF] BWS PS", "dead", 3, 0, 0, 0, "550 no")
    loud = operator_mail(
        Morning(
            "2026-11-22",
            tuple(morning()),
            failures=(Failure("BPM LHC", "2026-11-22", "no template is called 'bmp'"),),
            undelivered=(letter,),
            waiting=2,
            oldest=WHEN - timedelta(hours=3),
            problems=("tasks.csv line 7: unknown instrument 'BTC'",),
            seconds=412.3,
        ),
        Links(),
        SETTINGS,
    )
    assert loud.subject == (
        "[OAF] operator 2026-11-22: 4 reports, 2 FAILED, 1 mail undeliverable, 1 problem"
    )
    for words in (
        "FAILED  BPM LHC 2026-11-22: no template is called 'bmp'",
        "FAILED  BCT LHC-B1-cmp 2026-11-22: it judged nothing",
        "- gone@x.org: [OAF] BWS PS: 550 no",
        "- tasks.csv line 7",
        "2 mails waiting to be sent, the oldest since 2026-11-23 05:00 UTC.",
    ):
        assert words in loud.text
    assert loud.key != quiet.key


def test_a_message_needs_a_key():
    with pytest.raises(ValueError, match="a key and a thread"):
        Message("", "t", "s", "x", "y")
