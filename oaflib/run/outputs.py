"""The outputs of a notebook's cells, each as HTML that is safe to publish."""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from typing import Any

from oaflib.run.clean import cleaned, escaped
from oaflib.run.svg import safe_svg

_LINES = 200
_LINE = 2_000
_MARKUP = 1_000_000
_PAGE = 10_000_000
_PLOTLY = "application/vnd.plotly.v1+json"
_ABOUT = "application/vnd.oaf.picture+json"
_SILENT = (
    "application/scrapbook.",
    "application/papermill.record",
    "application/vnd.jupyter.widget",
    "application/javascript",
    "text/vnd.mermaid",
)
_PICTURES = {"image/png": ("png", b"\x89PNG\r\n\x1a\n"), "image/jpeg": ("jpg", b"\xff\xd8\xff")}
_EMBEDDED = re.compile(
    r'(<img\b(?:[^>"]|"[^"]*")*? src=)"data:(image/(?:png|jpeg));base64,([^"]*)"'
)


class Sheet:
    """Collects what one notebook shows: HTML piece by piece, and its picture files.

    `figures` are the files so far, by name; `interactive` whether a plotly figure was met. Past ten
    megabytes of HTML further outputs are named, not shown: the notebook has them.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.figures: dict[str, bytes] = {}
        self.interactive = False
        self._spent = 0
        self._title = ""

    def outputs(self, number: int, cell: Any) -> str:
        """All outputs of code cell `number`; empty when it shows nothing."""
        pieces: list[str] = []
        stream = ""
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                stream += _joined(output.text)
                continue
            if stream:
                pieces.append(_text(stream))
                stream = ""
            pieces.append(self._output(f"{self.prefix}{number}-{len(pieces)}", output))
        if stream:
            pieces.append(_text(stream))
        return "".join(self._afford(piece) for piece in pieces if piece)

    def markdown(self, cell: Any) -> str:
        """The Markdown of a text cell, its pasted pictures embedded; remembers its last title."""
        source = str(cell.source)
        for name, bundle in (cell.get("attachments") or {}).items():
            for kind, data in bundle.items():
                if kind in _PICTURES:
                    address = f"data:{kind};base64,{_joined(data).strip()}"
                    source = source.replace(f"attachment:{name}", address)
        titles = re.findall(r"^#+\s+(.+?)\s*#*$", source, re.MULTILINE)
        if titles:
            self._title = re.sub(r"[*_`]", "", titles[-1])
        return source

    def extracted(self, markup: str) -> str:
        """`markup` with the pictures inside it moved to files."""

        def moved(found: re.Match[str]) -> str:
            name = self._keep(f"{self.prefix}in-{len(self.figures)}", found[2], found[3])
            return f'{found[1]}"figures/{name}"' if name else f'{found[1]}""'

        return _EMBEDDED.sub(moved, markup)

    def _afford(self, piece: str) -> str:
        if self._spent + len(piece) > _PAGE:
            return _note("Not shown: the page would grow too large. The notebook has it.")
        self._spent += len(piece)
        return piece

    def _output(self, name: str, output: Any) -> str:
        if output.output_type == "error":
            trace = "\n".join(output.get("traceback") or [f"{output.ename}: {output.evalue}"])
            return f'<div class="error">{_text(trace)}</div>'
        data = output.get("data", {})
        if any(kind.startswith(_SILENT) for kind in data):
            return ""
        if _PLOTLY in data:
            return self._plotly(data[_PLOTLY])
        if "text/html" in data:
            return self._markup(_joined(data["text/html"]))
        for kind in ("image/svg+xml", *_PICTURES):
            if kind in data and (figure := self._figure(name, kind, output)):
                return figure
        if "text/plain" in data:
            return _text(_joined(data["text/plain"]))
        return ""

    def _markup(self, markup: str) -> str:
        if len(markup) > _MARKUP and len(_EMBEDDED.sub("", markup)) > _MARKUP:
            size = len(markup) / 1e6
            return _note(f"Not shown: {size:.1f} MB of HTML in one output. The notebook has it.")
        clean = cleaned(markup).strip()
        return f'<div class="scroll" tabindex="0">{self.extracted(clean)}</div>' if clean else ""

    def _figure(self, name: str, kind: str, output: Any) -> str:
        data = output.data[kind]
        kept = self._keep(name, kind, _joined(data))
        if not kept:
            return ""
        about = output.data.get(_ABOUT)
        about = about if isinstance(about, dict) else {}
        size = _size(self.figures[kept]) or _pair(about)
        details = output.get("metadata", {}).get(kind) or about
        if isinstance(details, dict) and size and isinstance(details.get("width"), int):
            size = (details["width"], round(size[1] * details["width"] / size[0]))
        room = f' width="{size[0]}" height="{size[1]}"' if size else ""
        told = _joined(output.data.get("text/plain", ""))
        if not told or told.startswith("<"):
            told = f"Figure: {self._title}".strip(": ")
        alt = escaped(str(about.get("alt") or told)[:2000])
        caption = escaped(str(about.get("caption") or "")[:2000])
        below = f"<figcaption>{caption}</figcaption>" if caption else ""
        values = _data(about.get("interactive"))
        start = '<figure class="read">' if values else "<figure>"
        image = f'<img src="figures/{kept}" alt="{alt}" loading="lazy"{room}>'
        return f"{start}{image}{values}{below}</figure>"

    def _keep(self, name: str, kind: str, data: str) -> str:
        """Keep a picture as a file; its name, or nothing when it is not what it says."""
        if kind == "image/svg+xml":
            drawing = safe_svg(data)
            if drawing is None:
                return ""
            self.figures[f"{name}.svg"] = drawing
            return f"{name}.svg"
        suffix, magic = _PICTURES[kind]
        try:
            content = base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            return ""
        if not content.startswith(magic):
            return ""
        self.figures[f"{name}.{suffix}"] = content
        return f"{name}.{suffix}"

    def _plotly(self, figure: Any) -> str:
        """A plotly figure as data for the shared script, and in words where no script runs."""
        try:
            drawing = {"data": list(figure["data"]), "layout": dict(figure.get("layout", {}))}
            text = _data(drawing, _PAGE // 2)
            rows = "".join(_trace(trace) for trace in drawing["data"])
        except (TypeError, ValueError, KeyError, AttributeError):
            return _note("Not shown: an interactive figure that cannot be read.")
        if not text:
            return _note("Not shown: an interactive figure that is too large. The notebook has it.")
        self.interactive = True
        return (
            f'<figure class="plotly">{text}<div class="drawn"></div><div class="scroll words">'
            "<table><caption>An interactive figure, drawn where scripts run</caption><thead><tr>"
            '<th scope="col">Trace</th><th scope="col">Kind</th><th scope="col">Points</th></tr>'
            f"</thead><tbody>{rows}</tbody></table></div></figure>"
        )


def _trace(trace: dict[str, Any]) -> str:
    values = trace.get("y", trace.get("z", trace.get("x", ())))
    if isinstance(values, dict):  # typed array, base64
        sizes = {"f8": 8, "i8": 8, "f4": 4, "i4": 4, "u4": 4, "i2": 2, "u2": 2, "i1": 1, "u1": 1}
        width = sizes.get(str(values.get("dtype")), 8)
        points = str(len(str(values.get("bdata", ""))) * 3 // 4 // width)
    else:
        points = str(len(values)) if hasattr(values, "__len__") else ""
    cells = (str(trace.get("name", "")), str(trace.get("type", "scatter")), points)
    return "<tr>" + "".join(f"<td>{escaped(cell[:200])}</td>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    """Plain text, what a terminal would show after carriage returns, its middle folded away."""
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1][:_LINE] for line in text.rstrip().split("\n")]
    if not any(line.strip() for line in lines):
        return ""
    if len(lines) > _LINES:
        gone = len(lines) - _LINES
        lines = [*lines[:150], f"… {gone} lines left out; the notebook has them …", *lines[-50:]]
    shown = escaped("\n".join(lines))
    if len(lines) > 40:
        return (
            f'<details class="long"><summary>Printed: {len(lines)} lines</summary>'
            f'<div class="scroll" tabindex="0"><pre>{shown}</pre></div></details>'
        )
    return f'<div class="scroll" tabindex="0"><pre>{shown}</pre></div>'


def _note(text: str) -> str:
    return f'<p class="notice">{escaped(text)}</p>'


def _joined(text: Any) -> str:
    return "".join(str(piece) for piece in text) if isinstance(text, list) else str(text)


def _data(values: Any, most: int = _MARKUP) -> str:
    """JSON for a script of the page; nothing when there is none, or it is none, or is too much."""
    if not values:
        return ""
    try:
        text = json.dumps(values, allow_nan=False)
    except (TypeError, ValueError):
        return ""
    if len(text) > most:
        return ""
    # In a script element only '</' and '<!--' could end or alter the data.
    return '<script type="application/json">' + text.replace("<", "\\u003c") + "</script>"


def _pair(about: dict[str, Any]) -> tuple[int, int] | None:
    width, height = about.get("width"), about.get("height")
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    return (width, height) if 0 < width < 20_000 and 0 < height < 20_000 else None


def _size(picture: bytes) -> tuple[int, int] | None:
    if picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) >= 24:
        width, height = struct.unpack(">II", picture[16:24])
        return (width, height) if 0 < width < 20_000 and 0 < height < 20_000 else None
    return None
