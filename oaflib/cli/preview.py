"""``oaf mail --preview``: the mails of a morning as they would be sent; nothing is."""

from __future__ import annotations

import base64
import re
from argparse import Namespace
from pathlib import Path
from zoneinfo import ZoneInfo

from oaflib.cli.commands import now, say
from oaflib.config.project import find_root, load_project
from oaflib.daily.due import due, morning_of
from oaflib.daily.morning import told_of
from oaflib.daily.telling import Teller, Told, base_of, rules_of, settings_of
from oaflib.errors import OafError
from oaflib.inform.envelope import Message, envelope
from oaflib.inform.texts import counted
from oaflib.state import State
from oaflib.window import yesterday


def preview(given: Namespace) -> int:
    """Show the mails of the day's reports, as those are published now, without pictures."""
    project = load_project(find_root(given.root))
    zone = project.site.zone
    at = morning_of(given.day, zone) if given.day else now()
    wanted = due(project.tasks, at.astimezone(ZoneInfo(zone)))
    path = project.runs / "state.sqlite"
    if not path.exists():
        raise OafError("no report was made yet: there is nothing to preview. Run oaf daily first")
    with State(path) as state:
        teller = Teller(state, settings_of(project), base_of(project), now, rules_of(project))
        told = told_of(project, state, wanted)
        label = str(given.day) if given.day else yesterday(at, zone).label
        mails: list[Told] = []
        for task, changes in told:
            mails += teller.of_report(task, changes)
        mails += teller.of_morning(label, told, whole=True)
    for number, mail in enumerate(mails, 1):
        say(f"To: {', '.join(mail.recipients)}", f"Subject: {mail.message.subject}", "")
        say(*mail.message.text.rstrip().splitlines(), "", "=" * 72, "")
        if given.into:
            _write(given.into, f"{number:02}", mail, teller)
    if len(told) < len(wanted):
        say(f"{counted(len(wanted) - len(told), 'report')} of that day not made yet.")
    where = f", written into {given.into}" if given.into else ""
    say(f"{counted(len(mails), 'mail')} of {label}{where}; nothing was sent.")
    return 0


def _write(folder: Path, name: str, mail: Told, teller: Teller) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for recipient in mail.recipients:
        made = envelope(mail.message, recipient, teller.settings, teller.now())
        person = re.sub(r"[^A-Za-z0-9.@-]", "-", recipient)
        (folder / f"{name}-{person}.eml").write_bytes(made.as_bytes())
    (folder / f"{name}.html").write_text(html_of(mail.message), encoding="utf-8")


def html_of(message: Message) -> str:
    """The mail's HTML with its pictures inside, as a browser shows it alone."""
    html = message.html
    for cid, picture in message.pictures:
        data = base64.b64encode(picture.data).decode()
        html = html.replace(f"cid:{cid}", f"data:image/{picture.subtype};base64,{data}")
    return html
