"""The ``[mail]`` table, its password, and who gets the mail."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.errors import ConfigurationError
from oaflib.inform.recipients import addresses, is_address
from oaflib.inform.settings import MailSettings


def test_the_usual_ports_and_names():
    assert [
        MailSettings(security=security).actual_port for security in ("plain", "starttls", "tls")
    ] == [25, 587, 465]
    settings = MailSettings(domain="example.org")
    assert (settings.name, settings.address, settings.host) == (
        "OAF",
        "oaf@example.org",
        "example.org",
    )
    named = MailSettings(sender="Beam reports <reports@x.org>", domain="example.org", port=2525)
    assert (named.name, named.address, named.actual_port) == (
        "Beam reports",
        "reports@x.org",
        2525,
    )


def test_the_manuals_table_is_right():
    manual = (Path(__file__).parents[1] / "docs" / "mail.md").read_text(encoding="utf-8")
    example = manual.partition("```toml\n")[2].partition("```")[0]
    settings = MailSettings(**tomllib.loads(example)["mail"])
    assert settings.actual_port == 587
    assert MailSettings().timeout == settings.timeout
    assert MailSettings().deadline == settings.deadline


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"security": "ssl"}, "security: is 'ssl'; allowed: plain, starttls, tls"),
        ({"port": 70_000}, "port: is 70000; allowed: 1 to 65535, 0 for usual"),
        ({"timeout": 61}, "timeout: is 61 s; allowed: more than 0 to 60"),
        ({"timeout": 60, "deadline": 10}, "deadline: is 10 s; allowed: timeout (60) to 600"),
        ({"lines": 3}, "lines: is 3; allowed: 10 to 200"),
        ({"prefix": "[OAF]\r\nBcc: x"}, "prefix: must be at most 40 printable characters"),
        ({"server": "smtp.example.org:25"}, "server: is 'smtp.example.org:25', not the name"),
        ({"domain": "@example.org"}, "domain: is '@example.org', not a mail domain"),
        ({"sender": "oaf"}, "sender: is 'oaf'; allowed: oaf@example.org or OAF"),
        ({"sender": "=?utf-8?q?x=0D=0AY:?= <a@b.c>"}, "sender: is "),
        ({"reply_to": "a@b.c\nX: y"}, "reply_to: is "),
        ({"server": "localhost"}, "sender: is missing, and there is no domain"),
        ({"user": "oaf"}, "user: needs a password: name its environment variable"),
        ({"password_env": "X"}, "user: is missing, but there is a password"),
        (
            {"user": "oaf", "password_env": "X", "password_file": "y"},
            "password_file: and password_env are both given; keep one",
        ),
        (
            {"server": "smtp.example.org", "domain": "x.org", "user": "oaf", "password_env": "X"},
            "security: is plain: the password would cross the network readable",
        ),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(values, expected):
    with pytest.raises(ConfigurationError) as caught:
        MailSettings(**values)
    assert f"[mail]: {expected}" in str(caught.value)


def test_all_that_is_wrong_comes_at_once():
    with pytest.raises(ConfigurationError) as caught:
        MailSettings(security="ssl", port=-1, lines=0)
    assert [problem.place for problem in caught.value.problems] == ["security", "port", "lines"]


def secret(tmp_path, content: bytes = b"correct horse\n", mode: int = 0o600) -> MailSettings:
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return MailSettings(user="oaf", password_file=str(path))


def test_a_password_from_its_owners_file(tmp_path):
    assert secret(tmp_path).password() == "correct horse"
    assert secret(tmp_path, b"  blanks count \r\n", 0o400).password() == "  blanks count "
    assert MailSettings().password() == ""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    with pytest.raises(ConfigurationError, match=rf"rights are {mode:04o}\); do: chmod 600 "):
        secret(tmp_path, mode=mode).password()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path, monkeypatch):
    settings = secret(tmp_path)
    os.chown(settings.password_file, 4711, -1)
    with pytest.raises(ConfigurationError, match=r"belongs to another user \(uid 4711\)"):
        settings.password()


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "on one line"), (b"a\nb\n", "on one line"), (b"\xff\xfe", "not UTF-8")],
)
def test_a_file_that_holds_no_password_is_refused(tmp_path, content, expected):
    with pytest.raises(ConfigurationError, match=expected):
        secret(tmp_path, content).password()


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path, expected in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigurationError, match=rf"{path.name} cannot be read: {expected}"):
            MailSettings(user="oaf", password_file=str(path)).password()


def test_a_password_from_the_environment():
    settings = MailSettings(user="oaf", password_env="OAF_PW")
    assert settings.password({"OAF_PW": "x y"}) == "x y"
    for environment in ({}, {"OAF_PW": ""}):
        with pytest.raises(ConfigurationError, match="variable OAF_PW is not set or empty"):
            settings.password(environment)


def test_logins_and_addresses():
    assert addresses("jdoe  Ann.Lee@lab.example\tjdoe JDOE b_2", "example.org") == (
        "jdoe@example.org",
        "Ann.Lee@lab.example",
        "b_2@example.org",
    )
    assert addresses("  ", "example.org") == ()
    assert addresses("a@b.c", "") == ("a@b.c",)


@pytest.mark.parametrize(
    "user_id",
    ["a,b", "a;b", "a@", "@b", "a@b@c", "<a@b.c>", "a..b", ".a", "jürg", "a@b..c", "a@-b.c", "-x"],
)
def test_what_is_neither_is_refused(user_id):
    with pytest.raises(ConfigurationError, match="is neither a login nor a mail address"):
        addresses(f"good {user_id}", "example.org")


def test_a_login_needs_a_domain():
    with pytest.raises(ConfigurationError, match="'jdoe' is a login, but no mail domain is set"):
        addresses("jdoe", "")


@given(st.text(max_size=40))
def test_an_address_has_nothing_to_inject(text):
    try:
        found = addresses(text, "example.org")
    except ConfigurationError:
        return
    for address in found:
        assert is_address(address)
        assert address.isascii()
        assert address.isprintable()
        assert not set(address) & set(' ,;:<>()[]"\\')
