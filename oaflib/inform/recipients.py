"""Who gets the mail: the ``UserId`` column of tasks.csv."""

from __future__ import annotations

import re

from oaflib.errors import ConfigurationError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9_])?")


def is_address(text: str) -> bool:
    """Whether `text` is one plain mail address (ASCII, at most 254 characters)."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def addresses(user_id: str, domain: str) -> tuple[str, ...]:
    """The mail addresses in a ``UserId``: logins and addresses, separated by blanks.

    A login is mailed at ``login@domain``. Each address comes once, in the order written; empty when
    nothing is written.

    Raises
    ------
    ConfigurationError
        A word that is neither login nor address, or a login when there is no domain.
    """
    found: dict[str, str] = {}
    for word in user_id.split():
        if is_address(word):
            address = word
        elif not _LOGIN.fullmatch(word) or ".." in word:
            raise ConfigurationError(
                f"UserId {word[:80]!r} is neither a login nor a mail address; allowed: letters, "
                "digits and . _ + - in a login, name@host.domain, several separated by blanks"
            )
        elif not domain:
            raise ConfigurationError(
                f"UserId '{word}' is a login, but no mail domain is set: give [mail] domain in "
                "site.toml, or write a full address"
            )
        else:
            address = f"{word}@{domain}"
        found.setdefault(address.lower(), address)
    return tuple(found.values())
