"""Rules for single values: sizes, addresses, domains, links. For annotations of fields."""

from __future__ import annotations

import ipaddress
import re
from email.utils import parseaddr
from typing import Annotated

from oaflib.config.ids import fault_of_notebook
from oaflib.config.words import quoted

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_LOGIN = re.compile(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9_])?")
_URL = re.compile(r"(https?|file)://\S+")
_SIZE = re.compile(r"(\d{1,9})\s*([kMGT]?)B")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parse_size(text: str) -> int:
    """``4GB``, ``500MB``, ``64kB`` to bytes; units are powers of 1000.

    Raises
    ------
    ValueError
        Anything else, and zero.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found or int(found[1]) == 0:
        raise ValueError(f"{quoted(text)} is not a size; write a number and kB, MB or GB: 4GB")
    return int(found[1]) * _UNITS[found[2]]


def fault_of_user(text: str, domain: str = "-") -> str:
    """What is wrong with a login or mail address; nothing when it is right.

    A login needs a `domain` to be mailed at.
    """
    if "@" in text:
        fine = _ADDRESS.fullmatch(text)
        return "" if fine else f"{quoted(text)} is not a mail address, as in expert@example.org"
    if not _LOGIN.fullmatch(text):
        return (
            f"{quoted(text)} is neither a login nor a mail address; several are separated by blanks"
        )
    if not domain:
        return (
            f"{quoted(text)} is a login, and there is no domain to mail it at; write [mail] domain "
            "in site.toml, or the whole address"
        )
    return ""


def fault_of_sender(text: str) -> str:
    """What is wrong with ``oaf@example.org`` or ``OAF <oaf@example.org>``; nothing when right."""
    if not text or (text.isprintable() and _ADDRESS.fullmatch(parseaddr(text)[1])):
        return ""
    return f"{quoted(text)} is not a sender; write oaf@example.org or OAF <oaf@example.org>"


def fault_of_host(text: str) -> str:
    """What is wrong with a server's name or IP address; nothing when it is right, or empty."""
    if not text or _DOMAIN.fullmatch(text) or _ip(text):
        return ""
    return f"{quoted(text)} is not a host, as smtp.example.org; its port has its own key"


def is_here(host: str) -> bool:
    """Whether the host is this very machine."""
    address = _ip(host)
    return host in ("", "localhost") or (address is not None and address.is_loopback)


def within(number: float, low: float, high: float) -> str:
    """The complaint that `number` lies outside ``[low, high]``; nothing when it lies inside."""
    return "" if low <= number <= high else f"is {number:g}; allowed are {low:g} to {high:g}"


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def parse_domain(text: str) -> str:
    """The text, when it is a domain or empty.

    Raises
    ------
    ValueError
        It is not.
    """
    if text and not _DOMAIN.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a domain, as in example.org")
    return text


def parse_url(text: str) -> str:
    """The text, when it is the address of a web page or empty.

    Raises
    ------
    ValueError
        It is not.
    """
    if text and not _URL.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not an address of a web page, as in https://oaf.example.org/"
        )
    return text


def positive(number: float) -> float:
    """The number, when it is more than zero.

    Raises
    ------
    ValueError
        It is not.
    """
    if number <= 0:
        raise ValueError(f"must be more than zero, not {number}")
    return number


def parse_clock(text: str) -> str:
    """The text, when it is a time of day.

    Raises
    ------
    ValueError
        It is not.
    """
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{quoted(text)} is not a time of day, as in 09:30")
    return text


def parse_notebook(text: str) -> str:
    """A notebook's name without ``.ipynb``; the empty text is no notebook.

    Raises
    ------
    ValueError
        A path, or a name with other characters than letters, digits, ``.``, ``_`` and ``-``.
    """
    if text and (fault := fault_of_notebook(text)):
        raise ValueError(fault)
    return text.removesuffix(".ipynb")


Size = Annotated[str, parse_size]
Whole = Annotated[int, positive]
Domain = Annotated[str, parse_domain]
Url = Annotated[str, parse_url]
Clock = Annotated[str, parse_clock]
Notebook = Annotated[str, parse_notebook]
