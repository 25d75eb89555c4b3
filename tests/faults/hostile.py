"""What the database, the experts and their notebooks write is hostile: opened in a real browser.

A script that runs calls ``oafHit``; the page has it before anything else, and counts. Every page of
the repository, and every mail, is opened with its Content-Security-Policy, and again with the
browser ignoring it. One dataset's notebook is hostile; of the other the store itself is: names,
units, titles and logged texts of its variables, which the ordinary template judges and draws.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import numpy as np
from lab_driver import CHROMIUM
from project import HEADER, ROOT

from faults.scene import BEAM, FIRST, SHORT, ZONE, Scene, days, scene
from faults.tried import Tried
from oaflib.series import Kind, Series
from oaflib.sources.embedded.names import fault_of_name
from oaflib.window import calendar_day

CANARY = "canary-7f3a91c2"
_HIT = "oafHit(1)"
PAYLOADS = (
    f"<script>{_HIT}</script>",
    f"<img src=x onerror={_HIT}>",
    f"<svg onload={_HIT}>",
    f"<svg><script>{_HIT}</script></svg>",
    f"<svg><animate onbegin={_HIT} attributeName=x dur=1s>",
    f"<iframe srcdoc='<script>parent.{_HIT}</script>'></iframe>",
    f"<iframe src=\"javascript:parent.{_HIT}\"></iframe>",
    f"<body onload={_HIT}>",
    f"<details open ontoggle={_HIT}>x</details>",
    f"<input autofocus onfocus={_HIT}>",
    f"<video><source onerror={_HIT}></video>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={_HIT}>",
    f"<noscript><p title=\"</noscript><img src=x onerror={_HIT}>\">",
    f"<a href=\"javascript:{_HIT}\">x</a>",
    f"<a href=\"java&#115;cript:{_HIT}\">x</a>",
    f"<object data=\"data:text/html,<script>parent.{_HIT}</script>\"></object>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<img src=//evil.example/x.png>",
    "<style>@import '//evil.example/x.css';</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    f"<base href=//evil.example/><form action=//e.example/><button formaction=javascript:{_HIT}>",
    f"\"><script>{_HIT}</script>",
    f"'-{_HIT}-'",
    f"</script><script>{_HIT}</script>",
    f"</title><script>{_HIT}</script>",
    f"--><script>{_HIT}</script>",
    f"]]><script>{_HIT}</script>",
    f"{{{{constructor.constructor('{_HIT}')()}}}}",
    f"\\u003cscript\\u003e{_HIT}\\u003c/script\\u003e",
    f"<img src=`x` onerror={_HIT}//",
)  # fmt: skip
MIMES = (
    "text/html", "image/svg+xml", "text/markdown", "text/latex", "application/javascript",
    "text/vnd.mermaid", "text/plain", "application/vnd.plotly.v1+json", "image/png",
)  # fmt: skip
HEADERS = (
    *("a\r\nBcc: evil@example.org", "a\nX: y", "a\rX: y", "a\0b", "\u2028Bcc: x", "\x0bX: y"),
    *("=?utf-8?q?=0ABcc:_x?=", "a" * 5000, "\ud800", "\u202egnp.exe", "%0d%0aBcc: x"),
)


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """A morning of hostile texts; its pages in a browser, its mails and all its files read."""
    with scene(folder, 1, ["B1"]) as place:
        _poison(place)
        stored = _store(place)
        place.env["OAF_MAIL_PASSWORD"] = CANARY
        place.env["OAF_SECRET"] = CANARY
        code = place.morning(days(1)[0])
        if code or not all(place.report(name, days(1)[0])["finished"] for name in ("B1", "store")):
            raise RuntimeError(f"the hostile reports were not made:\n{place.said()[-3000:]}")
        yield _told(place, stored)
        if CHROMIUM.exists():
            for ignored in (False, True):
                yield _opened(place, ignored)
        yield _headers(folder.with_name("mails"))
        yield _canary(place)


def _poison(place: Scene) -> None:
    payloads = json.dumps(list(PAYLOADS))
    shown = (
        "from IPython.display import display\n"
        f"payloads, mimes = {payloads}, {list(MIMES)!r}\n"
        "for payload in payloads:\n"
        "    for mime in mimes:\n"
        "        display({mime: payload}, raw=True)\n"
        "    print(payload)\n"
        "import os\nprint(os.environ.get('OAF_MAIL_PASSWORD'), os.environ.get('OAF_SECRET'))"
    )
    judged = (
        "from dataclasses import replace\n"
        "outcomes = list(oaf.check(study, records))\n"
        "bad = [replace(outcomes[0], device=p[:200], variable=p[:200], unit=p[:200], reason=p,\n"
        "    guidance=p, severity='ALARM') for p in [*payloads, 'half a character: \\ud800']]\n"
        "outcomes += [replace(one, severity=type(outcomes[0].severity)('ALARM')) for one in bad]"
    )
    place.template("short", SHORT[0], shown, judged, SHORT[2])
    text = json.dumps(" ".join(PAYLOADS[:12]))
    place.made.dataset(
        "BCT_B1",
        f'title = {json.dumps(PAYLOADS[0])}\ndescription = {text}\nvariables = ["{BEAM}"]\n'
        f'[[check]]\nkind = "range"\nhigh = 1.0\nguidance = {text}\n',
    )


def _store(place: Scene) -> list[str]:
    """Hostile names, units, titles and values logged; a dataset of them, as any; their names."""
    window = calendar_day(FIRST, ZONE)
    time = window.start_ns + 600 * 10**9 * np.arange(60)
    made = []
    for number, payload in enumerate([*PAYLOADS, *HEADERS]):
        named = f"EVIL{number} {payload[:120].strip()}"
        if "%" in named or fault_of_name(f"{named}:VALUE"):
            named = f"EVIL{number}"  # the store refuses such a name
        whole = payload.encode("utf-8", "replace").decode()
        words = {"unit": whole[:60], "title": whole[:200]}
        texts = np.array([payload, "fine"] * 30, dtype=object)
        made.append(
            Series(f"{named}:VALUE", Kind.NUMERIC, time=time, value=time % 7 + 2.0, **words)
        )
        made.append(Series(f"{named}:STATUS", Kind.TEXTUAL, time=time, value=texts, **words))
    place.made.fill(*made)
    shutil.copy(
        ROOT / "notebooks/templates/generic.ipynb", place.root / "notebooks/templates/usual.ipynb"
    )
    rows = (place.root / "config/tasks.csv").read_text().splitlines()[1:]
    place.made.tasks(*rows, "BCT,LDB,store,jdoe,TRUE,TRUE,None,daily,day,usual", header=HEADER)
    checks = [
        '[[check]]\nkind = "range"\nvariables = ["EVIL%:VALUE"]\nhigh = 1.0\nseverity = "alarm"',
        '[[check]]\nkind = "text"\nvariables = ["EVIL%:STATUS"]\nallowed = ["fine"]',
        '[[plot]]\nkind = "trend"\nvariables = ["EVIL%:VALUE"]',
        '[[plot]]\nkind = "lanes"\nvariables = ["EVIL%:STATUS"]',
    ]
    place.made.dataset("BCT_store", "\n".join(['variables = ["EVIL%"]', *checks]) + "\n")
    return [series.name for series in made]


def _told(place: Scene, names: list[str]) -> Tried:
    """The report tells of each; what it tells of in file names, JSON and headers is harmless."""
    report = place.report("store", days(1)[0])
    assert isinstance(report["outcomes"], list)
    assert isinstance(report["statistics"], list)
    judged = {outcome["variable"] for outcome in report["outcomes"]}
    judged |= {name for outcome in report["outcomes"] for name in outcome.get("members", ())}
    judged |= {entry["variable"] for entry in report["statistics"]}
    wrong = [f"nothing is said of {name!r}" for name in names if name not in judged]
    files = [path for path in place.publish.rglob("*") if path.name != ".lock"]
    wrong += [
        f"the file {path}"
        for path in files
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", path.name)
    ]
    wrong += [
        f"the header {name}: {value!r}"
        for _, mail in place.mailbox.taken
        for name, value in mail.items()
        if not str(value).isprintable() or "evil@" in str(value)
    ]
    note = f"{len(files)} file names, {len(place.mailbox.taken)} mails"
    what = "names, units, titles and texts of the store, told and in no name of a file or header"
    return Tried(what, len(names), len(names) if not wrong else 0, note=note, violations=wrong)


def _mails(place: Scene) -> list[Path]:
    """The HTML of every mail that arrived, as files to open."""
    folder = place.root / "mails"
    folder.mkdir(exist_ok=True)
    for number, (_, mail) in enumerate(place.mailbox.taken):
        body = mail.get_body(("html",))
        assert body is not None
        (folder / f"{number}.html").write_text(body.get_content(), errors="replace")
    return sorted(folder.glob("*.html"))


def _opened(place: Scene, ignored: bool) -> Tried:
    """Every page of the repository, with the policy it carries or in a browser that ignores it."""
    from playwright.sync_api import sync_playwright

    hits: list[str] = []
    pages = [*sorted(place.publish.rglob("*.html")), *_mails(place)]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = chromium.new_context(bypass_csp=ignored)
        context.add_init_script("window.oafHits = 0; window.oafHit = () => { window.oafHits++; };")
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        for path in pages:
            page = context.new_page()
            page.goto(path.as_uri())
            if path.name == "search.html":
                page.fill("#query", "EVIL")
            page.wait_for_timeout(150)
            for frame in page.frames:
                count = frame.evaluate("window.oafHits || 0")
                if count:
                    hits.append(f"{path.name}: {count} scripts ran")
            page.close()
        if not _control(context, place.root / "control.html"):
            hits.append("the same texts ran nothing where nobody cleans them: the hook is blind")
        chromium.close()
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]
    wrong = [*hits, *(f"asked for {url}" for url in outside)]
    slots = len(PAYLOADS) * (len(MIMES) + 6 + 4)
    return Tried(
        f"hostile texts and outputs, {'policy ignored' if ignored else 'with the policy'}",
        slots,
        slots if not wrong else 0,
        0,
        0,
        0.0,
        f"{len(pages)} pages and mails in Chromium: {len(hits)} ran a script, "
        f"{len(outside)} asked outside",
        wrong,
    )


def _control(context: Any, path: Path) -> int:
    """How many scripts run in a page that holds the same texts raw."""
    path.write_text("<!doctype html><body>" + "".join(PAYLOADS[:4]))
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    count: int = page.evaluate("window.oafHits || 0")
    page.close()
    return count


def _headers(folder: Path) -> Tried:
    """Hostile names in every header of a mail."""
    from mailserver import NOW

    from oaflib.inform.envelope import Message, envelope, wire
    from oaflib.inform.settings import MailSettings

    settings = MailSettings(server="localhost", domain="example.org")
    clean: EmailMessage = envelope(
        Message("k", "BWS_PS", "s", "t", "<p>t</p>"), "a@example.org", settings, NOW
    )
    wrong = []
    for text in HEADERS:
        mail = envelope(Message(text, text, text, "t", "<p>t</p>"), "a@example.org", settings, NOW)
        data = bytes(wire(mail))
        head = data.partition(b"\r\n\r\n")[0]
        lines = [line for line in head.split(b"\r\n") if line[:1] not in b" \t"]
        names = {line.partition(b":")[0].lower() for line in lines}
        if names != {name.lower().encode() for name in clean}:
            wrong.append(f"{text[:30]!r} adds headers: {sorted(names)}")
        if not str(make_header(decode_header(mail["Subject"]))).isprintable():
            wrong.append(f"{text[:30]!r}: the subject is not printable")
    good = len(HEADERS) if not wrong else 0
    return Tried("hostile texts in mail headers", len(HEADERS), good, 0, 0, 0.0, "", wrong)


def _canary(place: Scene) -> Tried:
    """The site's secrets, in the environment of the morning, are nowhere that it wrote."""
    places = [path for path in place.root.rglob("*") if path.is_file() and not path.is_symlink()]
    found = [str(path) for path in places if CANARY.encode() in path.read_bytes()]
    mails = [mail["Subject"] for _, mail in place.mailbox.taken if CANARY in mail.as_string()]
    wrong = [*found, *mails]
    tried = len(places) + len(place.mailbox.taken)
    return Tried(
        "a secret of the environment, in all files and mails",
        tried,
        tried - len(wrong),
        0,
        0,
        0.0,
        f"{len(places)} files, {len(place.mailbox.taken)} mails",
        wrong,
    )
