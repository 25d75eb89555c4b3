"""Devices against checks: one look tells which of hundreds have a finding, and in what.

A table is the better form for a page (`matrix_html`: it can be read aloud, searched and copied);
the picture is for mails and print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from oaflib.plots import colours
from oaflib.plots.axes import SMALL, heading
from oaflib.plots.base import Plot, Words, finished, listed
from oaflib.plots.picture import Drawn, Picture, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene, Type, clean, fitted, text_width
from oaflib.records import Records
from oaflib.report import Outcome, Severity
from oaflib.series import device_of

_ROWS = 60
_NAMES = 600  # quiet devices named in a page

MATRIX_CSS = """\
.oaf-matrix{border-collapse:collapse;font-size:.9rem;max-width:100%}
.oaf-matrix caption{text-align:left;padding:.3em 0}
.oaf-matrix th{font-weight:500;text-align:left;padding:.15em .6em .15em 0;white-space:nowrap}
.oaf-matrix thead th{text-align:center;padding:.2em .5em;white-space:normal;vertical-align:bottom}
.oaf-matrix td{text-align:center;min-width:2.2em;border:2px solid transparent;\
background-clip:padding-box;font-weight:600}
.oaf-matrix .word{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
"""
MATRIX_CSS += "".join(
    f".oaf-matrix td.{word}{{background-color:{colours.PAINTS[word + 'fill'][0]};"
    f"color:{colours.PAINTS[word][0]}}}\n"
    for word in colours.WORDS.values()
)
MATRIX_CSS += "@media screen and (prefers-color-scheme:dark){\n"
MATRIX_CSS += "".join(
    f".oaf-matrix td.{word}{{background-color:{colours.PAINTS[word + 'fill'][1]};"
    f"color:{colours.PAINTS[word][1]}}}\n"
    for word in colours.WORDS.values()
)
MATRIX_CSS += "}\n"


@dataclass(frozen=True)
class Cell:
    """What one check says of one device: the worst of its outcomes, and how many there are."""

    severity: Severity
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Row:
    """One device; a cell for each check of the matrix, None where the check did not judge it."""

    device: str
    cells: tuple[Cell | None, ...]

    @property
    def worst(self) -> Severity:
        """The worst severity of the row."""
        judged = [cell.severity for cell in self.cells if cell is not None]
        return max(judged, key=lambda severity: severity.rank)

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be said of the device."""
        return self.worst.rank <= Severity.OK.rank


@dataclass(frozen=True)
class Matrix:
    """Devices against checks: rows the worst first, then by name; checks as the outcomes come."""

    checks: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def told(self) -> tuple[Row, ...]:
        """The rows with a finding."""
        return tuple(row for row in self.rows if not row.quiet)

    @property
    def quiet(self) -> tuple[Row, ...]:
        """The rows without one."""
        return tuple(row for row in self.rows if row.quiet)

    @property
    def sentence(self) -> str:
        """How many devices have what as their worst."""
        said = []
        for severity in sorted(colours.WORDS, key=lambda severity: -severity.rank):
            count = sum(row.worst is severity for row in self.rows)
            if count:
                word = "not applicable" if severity is Severity.NOT_APPLICABLE else severity.lower()
                said.append(f"{count:,} {word}")
        return f"{len(self.rows):,} devices: {', '.join(said)}" if said else "nothing was judged"


def matrix(outcomes: Sequence[Outcome]) -> Matrix:
    """The matrix of `outcomes`; those that fold several devices count for each of them."""
    checks = tuple(dict.fromkeys(outcome.check for outcome in outcomes))
    place = {check: i for i, check in enumerate(checks)}
    cells: dict[str, list[Cell | None]] = {}
    for outcome in outcomes:
        devices = [outcome.device or outcome.variable]
        if outcome.members:
            devices = list(dict.fromkeys(device_of(member) for member in outcome.members))
        for device in devices:
            row = cells.setdefault(device, [None] * len(checks))
            i = place[outcome.check]
            row[i] = _worse(row[i], outcome)
    rows = [Row(device, tuple(row)) for device, row in cells.items()]
    rows.sort(key=lambda row: (-row.worst.rank, -_bad(row), row.device))
    return Matrix(checks, tuple(rows))


def matrix_html(found: Matrix, most: int = 200) -> str:
    """The matrix as a small table, everything escaped; looks as `MATRIX_CSS` says.

    Devices without a finding are folded away; at most `most` with one are shown, and the rest
    counted.
    """
    if not found.rows:
        return "<p>Nothing was judged.</p>"
    told = found.told
    head = "".join(f'<th scope="col">{escape(clean(check, 60))}</th>' for check in found.checks)
    body = "".join(_html_row(row, found.checks) for row in told[:most])
    table = ""
    if told:
        table = (
            f'<table class="oaf-matrix"><caption>{escape(found.sentence)}</caption>'
            f'<thead><tr><th scope="col">device</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )
    else:
        table = f'<p class="oaf-matrix-none">{escape(found.sentence)}</p>'
    if len(told) > most:
        table += f"<p>… and {len(told) - most:,} more devices with a finding.</p>"
    quiet = found.quiet
    if quiet:
        names = ", ".join(escape(clean(row.device, 80)) for row in quiet[:_NAMES])
        more = f" and {len(quiet) - _NAMES:,} more" if len(quiet) > _NAMES else ""
        some = "device" if len(quiet) == 1 else "devices"
        table += (
            f'<details class="oaf-matrix-quiet"><summary>✓ {len(quiet):,} {some} without a finding'
            f"</summary><p>{names}{more}</p></details>"
        )
    return table


def _html_row(row: Row, checks: Sequence[str]) -> str:
    cells = []
    for cell, check in zip(row.cells, checks, strict=True):
        if cell is None:
            cells.append('<td class="none"></td>')
            continue
        word = colours.WORDS[cell.severity]
        said = f"{check}: {cell.reason}" if cell.reason else check
        if cell.count > 1:
            said += f" (the worst of {cell.count})"
        spoken = "not applicable" if word == "na" else word
        cells.append(
            f'<td class="{word}" title="{escape(clean(said, 300))}">'
            f'<span aria-hidden="true">{colours.SYMBOLS[cell.severity]}</span>'
            f'<span class="word">{spoken}</span></td>'
        )
    return f'<tr><th scope="row">{escape(clean(row.device, 80))}</th>{"".join(cells)}</tr>'


def matrix_picture(found: Matrix, title: str = "Devices and checks") -> Picture:
    """The matrix as a picture: up to sixty devices, the worst first; quiet ones only counted."""
    look = style()
    size = look.font * SMALL
    told = found.told
    rows = (told or found.quiet)[:_ROWS]
    scene = Scene(look.width, 4000)
    y = heading(scene, title, found.sentence, look) + 4
    widest = max((text_width(row.device, size) for row in rows), default=0.0)
    left = min(300.0, max(60.0, widest + 16))
    width = min(96.0, (look.width - left - 8) / max(1, len(found.checks)))
    named = all(text_width(check, size) <= width - 4 for check in found.checks)
    heads = list(found.checks) if named else [str(i + 1) for i in range(len(found.checks))]
    for i, head in enumerate(heads):
        x = left + (i + 0.5) * width
        scene.text(x, y + size, fitted(head, size, width - 2), Type(size, "soft", "middle"))
    y += size * 1.6
    height = size * 1.55
    for row in rows:
        baseline = y + height / 2 + size * 0.36
        scene.text(
            left - 8, baseline, fitted(row.device, size, left - 12), Type(size, "ink", "end")
        )
        for i, cell in enumerate(row.cells):
            if cell is not None:
                word = colours.WORDS[cell.severity]
                box = Box(left + i * width + 1.5, y + 1.5, width - 3, height - 3)
                scene.rect(box, f"{word}fill")
                at = left + (i + 0.5) * width
                symbol = colours.SYMBOLS[cell.severity]
                scene.text(at, baseline, symbol, Type(size, word, "middle", bold=True))
        y += height
    scene.lines([(left, y, left + width * len(found.checks), y)], Pen("grid"))
    y += size * 1.5
    if not named:
        for i, check in enumerate(found.checks):
            text = fitted(f"{i + 1}  {check}", size, look.width - 16)
            scene.text(8, y, text, Type(size, "soft"))
            y += size * 1.4
    key = "✓ ok   ! warning   ✕ alarm   ? could not be judged   – not applicable"
    scene.text(8, y, key, Type(size * 0.92, "soft"))
    left_out = len(found.rows) - len(rows)
    if left_out:
        y += size * 1.4
        some = "have no finding or are no worse"
        scene.text(8, y, f"{left_out:,} more devices {some}", Type(size * 0.92, "soft"))
    scene.height = y + size
    names = tuple(row.device for row in rows)
    bad = [f"{row.device} {colours.WORDS[row.worst]}" for row in told]
    alt = f"{found.sentence}. {listed(bad, 12)}".strip()
    return finished(scene, Words(title, "", alt, names, "matrix"), look)


@dataclass(frozen=True)
class DeviceMatrix(Plot):
    """Devices against checks, the worst first: colour and symbol say what each check found.

    ``variables`` is not used: the outcomes say which devices there are.
    """

    kind: ClassVar[str] = "matrix"

    def figures(
        self,
        records: Records,  # noqa: ARG002 (every plot is given both)
        outcomes: Sequence[Outcome],
    ) -> Iterator[Drawn]:
        """One picture, or the sentence that nothing was judged."""
        found = matrix(outcomes)
        if not found.rows:
            yield Trouble(self.title or "Devices and checks", "nothing was judged")
            return
        yield matrix_picture(found, self.title or "Devices and checks")


def _worse(cell: Cell | None, outcome: Outcome) -> Cell:
    if cell is None:
        return Cell(outcome.severity, outcome.reason)
    if outcome.severity.rank > cell.severity.rank:
        return Cell(outcome.severity, outcome.reason, cell.count + 1)
    return Cell(cell.severity, cell.reason, cell.count + 1)


def _bad(row: Row) -> int:
    return sum(c is not None and c.severity.rank > Severity.OK.rank for c in row.cells)
