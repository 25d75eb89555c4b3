"""Make the pictures of README.md and the docs: ``python docs/pictures/make.py [--project FOLDER]``.

A demo project is made in a temporary folder, two of its mornings are held, and the front page, a
report and a mail are pictured by Chromium. With ``--project`` those of a project that has its
reports already.
"""

from __future__ import annotations

import argparse
import email
import sys
import tempfile
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path

from oaflib import demo
from oaflib.cli import main as oaf
from oaflib.publish.pdf import browser, ran

HERE = Path(__file__).resolve().parent
MOST = 250_000  # bytes of a picture
REPORT = "BCT_LHC-B1-cmp"
MAIL = "BLM_LHC-IR7"  # has new alarms, so pictures
WIDTHS = {"front": (1080, 1180), "report": (1080, 1180), "mail": (720, 910)}


def main() -> int:
    """0, or 1 with a sentence when a picture could not be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="a demo project with its reports")
    given = parser.parse_args()
    if not browser():
        sys.stderr.write("no Chromium: pictures need one\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="oaf-pictures-") as folder:
        root = given.project or _project(Path(folder) / "demo")
        pages = {
            "front": root / "publish/index.html",
            "report": root / "publish/RECENT" / REPORT / "index.html",
            "mail": _mail(root, Path(folder) / "mail.html"),
        }
        for name, page in pages.items():
            if not _pictured(name, page, Path(folder)):
                sys.stderr.write(f"{name}: could not be pictured from {page}\n")
                return 1
    return 0


def _project(root: Path) -> Path:
    """A demo project with two mornings held."""
    days = [demo.LAST - timedelta(days=1), demo.LAST]
    oaf(["demo", "--root", str(root), "--days", "14"])
    for day in days:
        oaf(["daily", "--root", str(root), "--day", str(day)])
    return root


def _mail(root: Path, target: Path) -> Path:
    """The last mail of a dataset as a page of its own, its pictures inside."""
    name = MAIL
    found = []
    for path in (root / "runs/outbox").glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        if mail["X-OAF-Dataset"] == name:
            found.append((mail["X-OAF-Report"], mail))
    if not found:
        raise SystemExit(f"no mail of {name} in {root / 'runs/outbox'}")
    mail = max(found, key=lambda pair: str(pair[0]))[1]
    target.write_text(_html(mail), encoding="utf-8")
    return target


def _html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    if body is None:
        raise SystemExit("the mail has no HTML")
    html = str(body.get_content())
    for part in mail.walk():
        if part.get_content_maintype() == "image":
            data = str(part.get_payload()).replace("\n", "")
            cid = str(part["Content-ID"]).strip("<>")
            html = html.replace(f"cid:{cid}", f"data:{part.get_content_type()};base64,{data}")
    return html


def _pictured(name: str, page: Path, room: Path) -> bool:
    width, height = WIDTHS[name]
    made = room / f"{name}.png"
    options = [
        *(f"--screenshot={made}", f"--window-size={width},{height}"),
        *("--hide-scrollbars", "--run-all-compositor-stages-before-draw"),
    ]
    if not ran(options, page, room) or not made.exists():
        return False
    data = made.read_bytes()
    if len(data) > MOST:
        sys.stderr.write(f"{name}.png has {len(data)} bytes, more than {MOST}\n")
        return False
    (HERE / f"{name}.png").write_bytes(data)
    sys.stdout.write(f"{name}.png: {len(data)} bytes\n")
    return True


if __name__ == "__main__":
    raise SystemExit(main())
