"""Passwords of sources: no file of a run holds one, whether it goes well or not."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from urllib.parse import quote

import pytest
from archiver_server import Appliance
from hdbpp_archive import Archive, create
from postgres import Postgres, postgres
from project import DAY, MadeProject, made_project
from test_cli import oaf

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
trustme = pytest.importorskip("trustme")
pytestmark = [pytest.mark.kernel, pytest.mark.database]

CANARY = "c4nary-Ωß/?&"
WRONG = "wr0ng-c4nary/?&"
NOON = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 10**9

SITE = """
[sources.SQL]
kind = "sql"
url = "postgresql://reader@/archive?host={socket}"
password_env = "OAF_TEST_CANARY"
table = "samples"
time = "t"
variable = "name"
value = "v"
attempts = 1

[sources.HDB]
kind = "hdbpp"
host = "{socket}"
user = "reader"
database = "archive"
password_env = "OAF_TEST_CANARY"
attempts = 1

[sources.AA]
kind = "archiver"
url = "{url}"
ca_file = "ca.pem"
user = "reader"
password_file = "secret"
attempts = 1
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as made:
        with psycopg.connect(made.conninfo(), autocommit=True) as connection:
            connection.execute("create database archive")
            connection.execute(f"create role reader login password '{CANARY}'")
        with psycopg.connect(made.conninfo("archive"), autocommit=True) as connection:
            create(connection)
            archive = Archive(connection)
            number = archive.attribute("a/b/c/d", "DEV_DOUBLE")
            connection.execute("create table samples (t timestamptz, name text, v float8)")
            for second in range(60):
                archive.add(number, NOON + second * 10**9, float(second % 7))
                connection.execute(
                    "insert into samples values (to_timestamp(%s), 'A:X', %s)",
                    [NOON / 1e9 + second, second % 7],
                )
            connection.execute("grant select on all tables in schema public to reader")
        yield made


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    made = Appliance()
    made.over_tls(context)
    made.moods.password = base64.b64encode(f"reader:{CANARY}".encode()).decode()
    for second in range(60):
        made.pv("AA:X").add(NOON + second * 10**9, float(second % 7))
    with made:
        yield made


@pytest.fixture
def project(tmp_path: Path, server: Postgres, appliance: Appliance) -> MadeProject:
    made = made_project(tmp_path)
    made.site(SITE.format(socket=server.socket, url=appliance.url))
    made.tasks(*(f"BCT,{name},{name},jdoe,TRUE,TRUE,None,daily,day," for name in NAMES))
    for name, variable in NAMES.items():
        made.dataset(f"BCT_{name}", f'variables = ["{variable}"]\n')
    return made


NAMES = {"SQL": "A:X", "HDB": "a/b/c/d", "AA": "AA:X"}


def told(project: MadeProject, secret: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """A morning with that password."""
    monkeypatch.setenv("OAF_TEST_CANARY", secret)
    path = project.root / "secret"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(secret + "\n", encoding="utf-8")
    code = oaf(project, "daily", "--day", str(DAY), "--again")
    path.unlink()
    return code


def test_no_file_of_a_run_holds_a_password(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Notebooks, logs, pages, mails, pieces, state: good runs first, then refused ones."""
    assert told(project, CANARY, monkeypatch) == 0
    for name in NAMES:
        report = json.loads((project.report("BCT", name) / "report.json").read_bytes())
        assert report["statistics"][0]["count"] == 60, name
    for path in (project.root / "runs/pieces").iterdir():  # so that the source is asked again
        path.rename(path.with_name(f"old-{path.name}"))
    assert told(project, WRONG, monkeypatch) == 1
    for name in NAMES:
        report = json.loads((project.report("BCT", name) / "report.json").read_bytes())
        (outcome,) = report["outcomes"]
        assert outcome["check"] == "source", name
        assert "let us in" in outcome["reason"] or "authentication" in outcome["reason"], name
    said = capfd.readouterr()
    everything = {"the output": (said.out + said.err).encode()}
    everything |= {
        str(path): path.read_bytes() for path in project.root.rglob("*") if path.is_file()
    }
    for name, content in list(everything.items()):
        if name.endswith(".eml"):
            parts = message_from_bytes(content).walk()
            everything[f"{name} decoded"] = b"\n".join(
                part.get_payload(decode=True) or b"" for part in parts
            )
    assert len(everything) > 100
    for secret in (CANARY, WRONG):
        login = base64.b64encode(f"reader:{secret}".encode())
        forms = [secret.encode(), quote(secret).encode(), quote(secret, "").encode(), login]
        forms += [json.dumps(secret).strip('"').encode(), base64.b64encode(secret.encode())]
        for name, content in everything.items():
            assert not [form for form in forms if form in content], name
