"""A page of mail before it has a form: sections of lines, rendered to text and HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from oaflib.inform.texts import shown

if TYPE_CHECKING:
    from jinja2 import Environment

Tone = Literal["alarm", "invalid", "warning", "good", "calm"]


@dataclass(frozen=True)
class Picture:
    """A small picture for a mail: PNG or JPEG bytes, and the alarm it belongs to.

    `identity` is the outcome's (`Outcome.identity`); empty: of the whole report.
    """

    identity: str
    data: bytes
    title: str = ""

    @property
    def subtype(self) -> str:
        """``png`` or ``jpeg``, by its first bytes; empty when it is neither."""
        if self.data.startswith(b"\x89PNG\r\n\x1a\n"):
            return "png"
        return "jpeg" if self.data.startswith(b"\xff\xd8\xff") else ""


@dataclass(frozen=True)
class Line:
    """One finding, in words already safe to show.

    `tag` is its one word (ALARM), `head` what it is about, `value` the number against its limit,
    `facts` further sentences, `advice` what to do, `href` where to look, `picture` a content id.
    """

    head: str
    tag: str = ""
    tone: Tone = "calm"
    value: str = ""
    facts: tuple[str, ...] = ()
    advice: str = ""
    href: str = ""
    picture: str = ""
    identities: tuple[str, ...] = ()

    @property
    def cost(self) -> int:
        """How many lines of text it takes."""
        return 1 + len(self.facts) + bool(self.advice)

    @property
    def weight(self) -> int:
        """How many findings it stands for."""
        return max(1, len(self.identities))


@dataclass(frozen=True)
class Section:
    """Lines under one title, and how many findings more there are than lines say."""

    title: str
    lines: tuple[Line, ...] = ()
    more: int = 0
    where: str = "on the page"


@dataclass(frozen=True)
class Links:
    """Where to look, in the order the mail gives them; empty ones are left out.

    Web addresses (``http``, ``https``, ``file``) become links, anything else is shown as text.
    """

    report: str = ""
    repository: str = ""
    recent: str = ""
    with_alarms: str = ""
    without_alarms: str = ""

    @classmethod
    def under(cls, base: str, instrument: str, dataset: str, label: str) -> Links:
        """The links of one report in the repository at the address `base`."""
        place = "/".join(quote(part, safe="") for part in (instrument, dataset, label))
        return cls.of_repository(base, f"{base.rstrip('/')}/reports/{place}/index.html")

    @classmethod
    def of_repository(cls, base: str, report: str = "") -> Links:
        """The links of the repository at the address `base`, and of `report` when given."""
        root = base.rstrip("/")
        return cls(
            report=report,
            repository=f"{root}/index.html",
            recent=f"{root}/RECENT/index.html",
            with_alarms=f"{root}/RECENT_WITH_ALM/index.html",
            without_alarms=f"{root}/RECENT_WITHOUT_ALM/index.html",
        )

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Name and address of each."""
        every = (
            ("This report", self.report),
            ("All reports", self.repository),
            ("RECENT", self.recent),
            ("RECENT_WITH_ALM", self.with_alarms),
            ("RECENT_WITHOUT_ALM", self.without_alarms),
        )
        return tuple((name, shown(address, 1000)) for name, address in every if address)


@dataclass(frozen=True)
class Sheet:
    """All a mail says."""

    title: str
    subtitle: str
    verdict: str
    tone: Tone
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    links: Links = Links()
    footer: tuple[str, ...] = ()


def is_web(address: str) -> bool:
    """Whether an address may become a link."""
    return re.fullmatch(r"(https?|file)://[!-~]+", address) is not None


def render(sheet: Sheet) -> tuple[str, str]:
    """The sheet as plain text and as HTML."""
    values: Mapping[str, object] = {"sheet": sheet}
    text = _environment().get_template("message.txt.j2").render(values)
    html = _environment().get_template("message.html.j2").render(values)
    # One empty line is a gap, three are a hole.
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("oaflib.inform", "templates"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.tests["web"] = is_web
    return environment
