"""Mail over secure connections: certificates are checked, passwords kept."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword
from mailserver import NOW, Mailbox, mailbox, message, server, serving, settings, state

from oaflib.errors import ConfigurationError
from oaflib.inform.outbox import letters, queue
from oaflib.inform.send import flush
from oaflib.inform.transport import SmtpServer

__all__ = ["mailbox", "server", "settings", "state"]
PASSWORD = "correct horse"
# The server warns that it takes passwords without encryption: here that is the point.
pytestmark = [pytest.mark.smtp, pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(made)
    return made


@contextmanager
def secured(mailbox: Mailbox, security: str, tls: ssl.SSLContext, **options: Any) -> Iterator[int]:
    if security == "starttls":
        with serving(mailbox, tls_context=tls, require_starttls=True, **options) as controller:
            yield controller.port
    else:
        with serving(mailbox, ssl_context=tls, **options) as controller:
            yield controller.port


def login(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=right and data.login == b"oaf", handled=False)


AUTH = {"auth_required": True, "auth_require_tls": False, "authenticator": login}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_secured_and_logged_in(state, settings, mailbox, authority, ca_file, tmp_path, security):
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    queue(state, message(), ["a@example.org", "b@example.org"], settings, NOW)
    with secured(mailbox, security, context(authority), **AUTH) as port:
        careful = replace(
            settings,
            port=port,
            security=security,
            ca_file=ca_file,
            user="oaf",
            password_file=str(secret),
        )
        assert flush(state, SmtpServer(careful), NOW).sent == 2
    assert len(mailbox.taken) == 2


def test_a_password_from_the_environment(state, settings, mailbox, monkeypatch):
    monkeypatch.setenv("OAF_MAIL_PASSWORD", PASSWORD)
    queue(state, message(), ["a@example.org"], settings, NOW)
    with serving(mailbox, **AUTH) as controller:
        known = replace(
            settings, port=controller.port, user="oaf", password_env="OAF_MAIL_PASSWORD"
        )
        assert flush(state, SmtpServer(known), NOW).sent == 1


def test_a_wrong_password_kills_no_mail_and_is_not_shown(state, settings, mailbox, monkeypatch):
    monkeypatch.setenv("OAF_MAIL_PASSWORD", "battery staple")
    queue(state, message(), ["a@example.org"], settings, NOW)
    with serving(mailbox, **AUTH) as controller:
        known = replace(
            settings, port=controller.port, user="oaf", password_env="OAF_MAIL_PASSWORD"
        )
        done = flush(state, SmtpServer(known), NOW)
    assert (done.failed, done.dead) == (1, 0)
    assert "refused the login of oaf: 535" in done.problem
    assert "battery" not in done.problem + letters(state)[0].reply + repr(known)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["authority", "name"])
def test_a_certificate_is_not_taken_on_trust(
    state, settings, mailbox, authority, ca_file, security, fault
):
    tls = context(trustme.CA()) if fault == "authority" else context(authority, "other.example")
    queue(state, message(), ["a@example.org"], settings, NOW)
    with secured(mailbox, security, tls) as port:
        careful = replace(settings, port=port, security=security, ca_file=ca_file)
        done = flush(state, SmtpServer(careful), NOW)
    assert (done.sent, done.failed) == (0, 1)
    assert "is not trusted" in done.problem
    assert mailbox.taken == []


def test_a_server_without_starttls_gets_nothing_in_the_clear(state, settings, mailbox):
    queue(state, message(), ["a@example.org"], settings, NOW)
    done = flush(state, SmtpServer(replace(settings, security="starttls")), NOW)
    assert (done.sent, done.failed) == (0, 1)
    assert "does not offer what [mail] asks for" in done.problem
    assert mailbox.taken == []


def test_tls_to_a_plain_server_says_so(state, settings):
    queue(state, message(), ["a@example.org"], settings, NOW)
    done = flush(state, SmtpServer(replace(settings, security="tls")), NOW)
    assert "no secure connection" in done.problem


def test_a_missing_ca_file_is_said_before_any_mail_is_touched(state, settings, tmp_path):
    queue(state, message(), ["a@example.org"], settings, NOW)
    lost = replace(settings, security="tls", ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match=r"ca_file: .*none\.pem cannot be used"):
        flush(state, SmtpServer(lost), NOW)
    assert letters(state)[0].attempts == 0
