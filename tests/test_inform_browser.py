"""Mail as a reader sees it: the news without scrolling, and nothing that runs or calls."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from oaflib.changes import AlarmState, advance
from oaflib.inform.compose import compose
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Links
from oaflib.report import Fault, Outcome, Report, Severity
from oaflib.window import calendar_day

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
HOSTILE = (
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    '"><svg onload="document.title=\'run\'">',
    "'-document.title='run'-'",
    "javascript:document.title='run'",
    "</div></td></table><h1>OK</h1>",
    "\u202e\u2067KO si llA\u2069",
    "<link rel=stylesheet href=http://198.51.100.7/x.css>",
    "X" * 400,
    "{{ cycler.__init__.__globals__ }}",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def mail_page(path: Path, *outcomes: Outcome, **values: str) -> Path:
    window = calendar_day(date(2026, 11, 22), "Europe/Zurich")
    made = datetime(2026, 11, 23, 7, tzinfo=UTC)
    report = Report("BWS", "PS", "PS wire scanners", window, made, True, outcomes)
    _, changes = advance(AlarmState(report.id), report)
    named = replace(changes, report=replace(changes.report, **values))
    links = Links.under("https://oaf.example.org", "BWS", "PS", "2026-11-22")
    message = compose(named, links, MailSettings(domain="example.org"))
    page = path / "mail.html"
    page.write_text(message.html, encoding="utf-8")
    return page


def alarm(device: str, text: str = "above the limit") -> Outcome:
    limit = {"high": 1.02}
    return Outcome(
        "range",
        Fault.CALIBRATION,
        device,
        f"{device}:CURRENT",
        Severity.ALARM,
        1.03,
        limit,
        "A",
        None,
        text,
        text,
    )


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_in_a_mail_runs_or_calls_and_it_fits_the_screen(browser, tmp_path, width, scheme):
    outcomes = [replace(alarm(text, text), unit=text, limit={text: text}) for text in HOSTILE]
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    called: list[str] = []
    page.on("request", lambda request: called.append(request.url))
    page.on("dialog", lambda dialog: called.append(dialog.message))
    address = mail_page(tmp_path, *outcomes, title=HOSTILE[0]).as_uri()
    page.goto(address)
    page.wait_for_timeout(100)
    assert called == [address]
    assert page.title().startswith("BWS PS · 2026-11-22")
    assert page.evaluate("document.querySelectorAll('script, svg, h1, link, img').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert HOSTILE[0] in page.inner_text("body")
    page.close()


def test_the_first_screen_of_a_phone_holds_the_new_alarms(browser, tmp_path):
    page = browser.new_page(viewport={"width": 375, "height": 667})
    page.goto(mail_page(tmp_path, *(alarm(f"PR.BWS.{n}.H") for n in (54, 65, 68))).as_uri())
    for device in ("PR.BWS.54.H", "PR.BWS.65.H", "PR.BWS.68.H"):
        box = page.get_by_text(f"{device}:CURRENT").first.bounding_box()
        assert box["y"] + box["height"] < 667
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser, tmp_path, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto(mail_page(tmp_path, alarm("A")).as_uri())
    faint = page.evaluate(
        """() => {
          const light = text => {
            const [r, g, b] = text.match(/[\\d.]+/g).map(Number).slice(0, 3)
              .map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = light(getComputedStyle(document.body).backgroundColor);
          return [...document.querySelectorAll('body *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
            .map(e => [e.textContent.trim(), light(getComputedStyle(e).color)])
            .map(([t, l]) => [t, (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05)])
            .filter(([t, ratio]) => ratio < 4.5);
        }"""
    )
    assert faint == []
    page.close()
