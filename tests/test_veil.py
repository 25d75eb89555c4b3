"""Secrets that notebooks, experts, databases and servers give away: found in nothing OAF writes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from project import DAY, MadeProject, made_project, numeric

from oaflib.config.veil import MARK, Veil
from oaflib.sources.slots import Gate
from oaflib.state import State

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
SOURCE, FILED, CALLED = 's0urce-c4nary/?&"é', "f1led-c4nary<&>", "c4lled-c4nary+/="
SECRETS = (SOURCE, FILED, CALLED)

SITE = """
[sources.SQL]
kind = "sql"
url = "postgresql://reader@127.0.0.1:1/archive"
password_env = "OAF_TEST_SOURCE"
table = "samples"
time = "t"
variable = "name"
value = "v"

[sources.AA]
kind = "archiver"
url = "https://127.0.0.1:1"
user = "reader"
password_file = "secret"
"""

#: What a careless author writes, and one who looks where he should not.
LEAKS = """\
import base64, json, urllib.error, urllib.parse
from pathlib import Path
from IPython.display import HTML, display
from sqlalchemy.exc import OperationalError
found, filed = {}, ""
for path in Path("/proc").glob("[0-9]*/environ"):
    try:
        words = [word.split(b"=", 1) for word in path.read_bytes().split(b"\\0") if b"=" in word]
    except OSError:
        continue
    found |= {name.decode(): value.decode() for name, value in words if b"OAF_TEST" in name}
own, called = found.get("OAF_TEST_SOURCE", ""), found.get("OAF_TEST_PASSWORD", "")
for path in Path.cwd().parents:
    if (path / "secret").exists():
        filed = (path / "secret").read_text().strip()
for secret in (own, filed, called):
    print("printed", secret, urllib.parse.quote(secret), base64.b64encode(secret.encode()).decode())
    display(HTML("<b>" + secret + "</b>"))
    display({"text/plain": json.dumps({"url": f"https://x/?token={secret}"})}, raw=True)
"""
RAISES = """\
try:
    raise urllib.error.HTTPError(f"https://x/?token={called}", 401, f"no {own}", None, None)
except urllib.error.HTTPError as error:
    raise OperationalError(f"connect postgresql://u:{own}@h/x", {"p": filed}, error) from error
"""
TELLS = """\
from dataclasses import replace
one = outcomes[0]
outcomes = [replace(one, severity=type(one.severity)("ALARM"), reason=f"{own} {filed}",
    guidance=called, device=f"D {own}", found=filed, unit=called)]
"""
PARAMETERS = (
    'dataset = ""\nstart = ""\nend = ""\nsource = "LDB"\ndefault_plots = True\n'
    'expert_code = "None"\nlow_res = False\nname = ""\nrun = ""'
)
OPENED = (
    "import oaflib as oaf\n"
    "study = oaf.open_study(dataset, start, end, source, run, name=name, low_res=low_res)\n"
    "records = oaf.extract(study)\noutcomes = list(oaf.check(study, records))"
)
LAST = "oaf.conclude(study, oaf.statistics(records), outcomes)"


def notebook(path: Path, *cells: str) -> None:
    made = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    made += [nbformat.v4.new_code_cell(cell) for cell in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)


class Rude(socketserver.StreamRequestHandler):
    """A mail server that says the password back when it refuses it."""

    def handle(self) -> None:
        self.wfile.write(b"220 rude\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"EHLO"):
                self.wfile.write(b"250-rude\r\n250 AUTH PLAIN\r\n")
            elif line.startswith(b"AUTH PLAIN"):
                said = base64.b64decode(line.split()[2]).split(b"\0")[2]
                self.wfile.write(b"535 5.7.8 '" + said + b"' is no password\r\n")
            else:
                self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rude) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path / "site")
    made.site(SITE)
    made.fill(numeric(A))
    (made.root / "secret").touch(mode=0o600)
    (made.root / "secret").write_text(FILED + "\n")
    return made


def everything(project: MadeProject, said: str) -> dict[str, bytes]:
    """All files but the secret's own, mails also decoded, and what was said."""
    found = {"the output": said.encode()}
    for path in project.root.rglob("*"):
        if path.is_file() and path != project.root / "secret":
            found[str(path)] = path.read_bytes()
    with State(project.root / "runs/state.sqlite", read_only=True) as state:
        for row in state.rows("SELECT id, message FROM outbox"):
            parts = message_from_bytes(row["message"]).walk()
            found[f"mail {row['id']}"] = b"\n".join(
                part.get_payload(decode=True) or b"" for part in parts
            )
    return found


@pytest.mark.kernel
def test_no_secret_that_a_notebook_gives_away_is_kept(project: MadeProject, port: int) -> None:
    site = project.root / "config/site.toml"
    mail = f'[mail]\nserver = "127.0.0.1"\nport = {port}\nsecurity = "plain"\nuser = "oaf"\n'
    site.write_text(
        site.read_text().replace("[mail]\n", f'{mail}password_env = "OAF_TEST_PASSWORD"\n')
    )
    templates = project.root / "notebooks/templates"
    notebook(templates / "tells.ipynb", OPENED, LEAKS, TELLS, LAST)
    notebook(templates / "breaks.ipynb", OPENED, LEAKS, RAISES, LAST)
    notebook(project.root / "notebooks/experts/own.ipynb", OPENED, LEAKS, RAISES)
    shutil.copy(templates / "generic.ipynb", templates / "usual.ipynb")
    project.tasks(
        "BCT,LDB,B1,jdoe,TRUE,FALSE,None,daily,day,tells",
        "BCT,LDB,B2,jdoe,TRUE,FALSE,None,daily,day,breaks",
        "BCT,LDB,B3,jdoe,TRUE,FALSE,own,daily,day,usual",
    )
    for name in ("B1", "B2", "B3"):
        project.dataset(f"BCT_{name}", f'variables = ["{A}"]\n')
    env = {**os.environ, "OAF_TEST_SOURCE": SOURCE, "OAF_TEST_PASSWORD": CALLED}
    said = ""
    for words in (["daily", "--day", str(DAY)], ["status"], ["mail", "--list"], ["fsck"]):
        line = [sys.executable, "-m", "oaflib.cli", *words, "--root", str(project.root)]
        ended = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
        said += ended.stdout + ended.stderr
    assert "refused the login of oaf: 535" in said, said
    files = everything(project, said)
    assert len(files) > 40
    broken = json.loads((project.report("BCT", "B2") / "report.json").read_bytes())
    assert f"connect postgresql://u:{MARK}@h/x" in broken["outcomes"][0]["reason"]
    told = json.loads((project.report("BCT", "B1") / "report.json").read_bytes())
    assert told["outcomes"][0]["device"] == f"D {MARK}"
    for secret in SECRETS:
        forms = [secret.encode(), quote(secret).encode(), json.dumps(secret)[1:-1].encode()]
        forms += [base64.b64encode(secret.encode()), quote(secret, "").encode()]
        for name, content in files.items():
            assert not [form for form in forms if form in content], name
    assert sum(MARK.encode() in content for content in files.values()) > 6


def test_a_veil_knows_how_a_secret_is_spelt(tmp_path: Path) -> None:
    veil = Veil([SOURCE, "", "short"])
    told = f"{SOURCE} {quote(SOURCE, '')} {json.dumps(json.dumps(SOURCE))} {SOURCE!r} short"
    assert veil.hidden(told).count(MARK) == 4
    assert SOURCE not in veil.hidden(told)
    assert "short" in veil.hidden(told)
    assert not Veil(["", "short"])
    (tmp_path / "records").mkdir()
    for name in ("a.ipynb", "records/b.json", "c.png"):
        (tmp_path / name).write_text(SOURCE)
    veil.over(tmp_path, leave=["records"])
    kept = {
        path.name for path in tmp_path.rglob("*") if path.is_file() and SOURCE in path.read_text()
    }
    assert kept == {"b.json", "c.png"}


def test_why_a_source_is_left_alone_holds_no_secret(tmp_path: Path) -> None:
    gate = Gate(tmp_path, "SQL", 1, timedelta(minutes=5), Veil([SOURCE]))
    gate.down(f"postgresql://reader:{SOURCE}@x does not answer")
    assert json.loads((tmp_path / "down.json").read_text())["reason"].count(MARK) == 1
