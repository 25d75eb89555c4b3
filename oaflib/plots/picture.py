"""What a plot yields: a picture, or the sentence that stands for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

SVG = "image/svg+xml"
PNG = "image/png"
ABOUT = "application/vnd.oaf.picture+json"


@dataclass(frozen=True)
class Picture:
    """One figure, complete.

    Attributes
    ----------
    title : one line; it is also written in the picture.
    caption : what to know to read it: what was left out, what the marks mean.
    alt : the same for those who cannot see it: range, limits and findings in words.
    variables : what is drawn.
    data : the SVG (UTF-8) or the PNG, as `media` says.
    width, height : in CSS pixels, as it is meant to be shown.
    interactive : compact JSON for zoom and hover (`oaflib.plots.live`), or None.
    """

    title: str
    caption: str
    alt: str
    variables: tuple[str, ...]
    data: bytes
    media: str
    width: int
    height: int
    kind: str = ""
    interactive: Mapping[str, Any] | None = field(default=None, repr=False)

    def bundle(self) -> dict[str, Any]:
        """The picture by media type, as a notebook displays it.

        Beside it a text for terminals, and ``application/vnd.oaf.picture+json``: title, caption,
        alt, variables, width, height, kind, interactive.
        """
        about: dict[str, Any] = {
            "title": self.title,
            "caption": self.caption,
            "alt": self.alt,
            "variables": list(self.variables),
            "width": self.width,
            "height": self.height,
            "kind": self.kind,
        }
        if self.interactive is not None:
            about["interactive"] = self.interactive
        text = self.data.decode() if self.media == SVG else base64.b64encode(self.data).decode()
        said = f"{self.title}. {self.alt}" if self.alt else self.title
        return {self.media: text, "text/plain": said, ABOUT: about}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.bundle()

    def __repr__(self) -> str:
        return f"<picture '{self.title}', {self.width}×{self.height}, {len(self.data):,} bytes>"

    @property
    def nbytes(self) -> int:
        """Bytes of the picture and of its data for zoom and hover."""
        extra = 0 if self.interactive is None else len(json.dumps(self.interactive))
        return len(self.data) + extra


@dataclass(frozen=True)
class Trouble:
    """Why there is no picture: a plot that failed, or had nothing to draw."""

    title: str
    reason: str

    def __str__(self) -> str:
        return f"{self.title}: {self.reason}" if self.title else self.reason


Drawn = Picture | Trouble


@dataclass(frozen=True)
class Style:
    """How pictures are made.

    Attributes
    ----------
    low_res : light pictures: a report with all of them stays under 300 kB.
    png : PNG instead of SVG, for mails and programs that cannot show SVG.
    scale : pixels of a PNG for each pixel of the picture.
    interactive : pictures of series and vectors carry their data for zoom and hover.
    strips : variables that a plot may draw as strips; 0: as many as fill its pictures.
    """

    low_res: bool = False
    png: bool = False
    scale: float = 2.0
    interactive: bool = False
    strips: int = 0

    width = 720  # nominal; on a phone it shrinks by half, so the type is large for its width
    font = 15

    @property
    def columns(self) -> int:
        """How many columns an envelope may have."""
        return 240 if self.low_res else 640

    @property
    def pixels(self) -> int:
        """How many pixels a heat map or an image may have, about."""
        return 14_000 if self.low_res else 48_000

    @property
    def most(self) -> int:
        """How many pictures one plot may yield."""
        return 2 if self.low_res else 6


_STYLE: ContextVar[Style] = ContextVar("style", default=Style())  # noqa: B039 (frozen)


def style() -> Style:
    """The style of the pictures being made."""
    return _STYLE.get()


@contextmanager
def using(chosen: Style) -> Iterator[None]:
    """Pictures made within have that style."""
    token = _STYLE.set(chosen)
    try:
        yield
    finally:
        _STYLE.reset(token)
