"""A scene: shapes, texts and bitmaps in pixels, before it is decided what they become.

Becomes SVG in `svg` here: small, sharp on any screen, light or dark with the page. Becomes PNG in
`oaflib.plots.raster`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oaflib.plots.colours import PAINTS
from oaflib.plots.png import encode

Anchor = Literal["start", "middle", "end"]
Points = NDArray[np.int64]
_TENTH = 10  # points are kept in tenths of a pixel
# what XML 1.0 does not allow, and what would turn or hide the text around it
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_WIDE = set("MWmw@%✕✓−…×")
_THIN = set("iIjl.,:;'|!()[]{} ·")


class Box(NamedTuple):
    """A rectangle in pixels, y downwards."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h


@dataclass(frozen=True)
class Pen:
    """How a line is drawn; `width` in pixels, `dash` in pixels on and off (0: solid)."""

    paint: str = "ink"
    width: float = 1.0
    dash: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Type:
    """How a text is set; `size` in pixels."""

    size: float = 14.0
    paint: str = "ink"
    anchor: Anchor = "start"
    bold: bool = False


@dataclass(frozen=True, eq=False)
class Shape:
    """Lines or areas: each entry of `runs` is int64[n, 2] in tenths of a pixel."""

    runs: tuple[Points, ...]
    stroke: Pen | None
    fill: str | None
    opacity: float = 1.0


@dataclass(frozen=True)
class Text:
    """A text whose baseline starts, is centred or ends at (x, y)."""

    x: float
    y: float
    text: str
    type: Type


@dataclass(frozen=True, eq=False)
class Bitmap:
    """Indices into a palette, stretched over `box`; 0 is not painted."""

    box: Box
    index: NDArray[np.uint8]
    palette: NDArray[np.uint8]


@dataclass
class Scene:
    """What is to be drawn, in order."""

    width: float
    height: float
    marks: list[Shape | Text | Bitmap] = field(default_factory=list)

    def rect(self, box: Box, fill: str, opacity: float = 1.0) -> None:
        """A filled rectangle."""
        x, y = [box.x, box.right, box.right, box.x], [box.y, box.y, box.bottom, box.bottom]
        self.marks.append(Shape((_tenths(x, y),), None, fill, opacity))

    def rects(self, boxes: Sequence[Box], fill: str, opacity: float = 1.0) -> None:
        """Rectangles of one colour."""
        if not boxes:
            return
        a = np.asarray(boxes, float)
        x = np.stack([a[:, 0], a[:, 0] + a[:, 2], a[:, 0] + a[:, 2], a[:, 0]], 1)
        y = np.stack([a[:, 1], a[:, 1], a[:, 1] + a[:, 3], a[:, 1] + a[:, 3]], 1)
        runs = tuple(_tenths(xs, ys) for xs, ys in zip(x, y, strict=True))
        self.marks.append(Shape(runs, None, fill, opacity))

    def outline(self, box: Box, pen: Pen) -> None:
        """The frame of a rectangle."""
        x = [box.x, box.right, box.right, box.x, box.x]
        y = [box.y, box.y, box.bottom, box.bottom, box.y]
        self.marks.append(Shape((_tenths(x, y),), pen, None))

    def lines(self, ends: Sequence[tuple[float, float, float, float]], pen: Pen) -> None:
        """Straight lines, each from (x0, y0) to (x1, y1)."""
        if ends:
            runs = tuple(_tenths((x0, x1), (y0, y1)) for x0, y0, x1, y1 in ends)
            self.marks.append(Shape(runs, pen, None))

    def polylines(self, runs: Sequence[tuple[ArrayLike, ArrayLike]], pen: Pen) -> None:
        """Lines through points, one for each pair of x and y."""
        made = tuple(straightened(_tenths(x, y)) for x, y in runs)
        if made:
            self.marks.append(Shape(made, pen, None))

    def area(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, pen: Pen) -> bool:
        """The area between two lines, and its rim: never thinner than the pen.

        Where they are less than a pixel apart a line; whether it became an area.
        """
        upper, lower = _tenths(x, high), _tenths(x, low)
        if (lower[:, 1] - upper[:, 1]).max(initial=0) < _TENTH:
            self.marks.append(Shape((straightened((upper + lower) // 2),), pen, None))
            return False
        outline = np.concatenate([straightened(upper), straightened(lower)[::-1]])
        self.marks.append(Shape((outline,), pen, pen.paint, pen.opacity))
        return True

    def dots(self, x: ArrayLike, y: ArrayLike, pen: Pen) -> None:
        """Round dots; the pen's width is their diameter."""
        points = np.unique(_tenths(x, y), axis=0)
        steps = np.array([[0, 0], [1, 0]])
        if len(points):
            self.marks.append(Shape(tuple(point + steps for point in points), pen, None))

    def triangles(self, at: Sequence[tuple[float, float]], size: float, fill: str) -> None:
        """Triangles whose tip is at each (x, y); a negative `size` turns them upside down."""
        runs = tuple(
            _tenths((x, x - abs(size) / 2, x + abs(size) / 2), (y, y + size, y + size))
            for x, y in at
        )
        if runs:
            self.marks.append(Shape(runs, None, fill))

    def text(self, x: float, y: float, text: str, type_: Type) -> None:
        """A line of text."""
        self.marks.append(Text(x, y, clean(text), type_))

    def bitmap(self, box: Box, index: NDArray[np.uint8], palette: NDArray[np.uint8]) -> None:
        """An image; `index` is uint8[rows, columns], its first row on top."""
        self.marks.append(Bitmap(box, index, palette))


def _tenths(x: ArrayLike, y: ArrayLike) -> Points:
    points = np.stack([np.asarray(x, float), np.asarray(y, float)], axis=1)
    return np.asarray(np.rint(points * _TENTH), dtype=np.int64)


def straightened(points: Points) -> Points:
    """The same line without the points that lie on it."""
    if len(points) < 3:
        return points
    keep = np.ones(len(points), bool)
    keep[1:] = (points[1:] != points[:-1]).any(axis=1)
    points = points[keep]
    if len(points) < 3:
        return points
    step = np.diff(points, axis=0)
    cross = step[:-1, 0] * step[1:, 1] - step[:-1, 1] * step[1:, 0]
    ahead = (step[:-1] * step[1:]).sum(axis=1) > 0
    keep = np.ones(len(points), bool)
    keep[1:-1] = ~((cross == 0) & ahead)
    return points[keep]


def clean(text: str, most: int = 200) -> str:
    """`text` on one line, without what a picture cannot hold, cut to `most` characters."""
    text = text[: most + 1]  # first of all: it may be endless
    text = _FORBIDDEN.sub(" ", text)
    return text if len(text) <= most else text[: most - 1] + "…"


def text_width(text: str, size: float) -> float:
    """About how wide `text` is, in pixels; on the safe side for the usual fonts."""
    wide = sum(1.0 if c in _WIDE else 0.36 if c in _THIN else 0.62 for c in text)
    capitals = sum(c.isupper() for c in text)
    return size * (wide + 0.06 * capitals)


def fitted(text: str, size: float, width: float) -> str:
    """`text`, or as much of its beginning and end as fits into `width` pixels, with … between."""
    text = clean(text)
    if text_width(text, size) <= width:
        return text
    for left in range(len(text) - 1, 1, -1):
        head = left * 3 // 5
        cut = text[:head].rstrip() + "…" + text[len(text) - (left - head) :].lstrip()
        if text_width(cut, size) <= width:
            return cut
    return "…"


def svg(scene: Scene, title: str = "", alt: str = "") -> bytes:
    """The scene as an SVG document of its own, which follows the reader's light or dark scheme."""
    used: set[tuple[str, str]] = {("f", "card")}
    body = [_element(mark, used) for mark in scene.marks]
    w, h = f"{scene.width:g}", f"{scene.height:g}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="oaf" viewBox="0 0 {w} {h}" '
        f'width="{w}" height="{h}" role="img">'
        f"<title>{escape(clean(title))}</title><desc>{escape(clean(alt, 2000))}</desc>"
    )
    card = f'<rect class="f-card" width="{w}" height="{h}" rx="4"/>'
    return "".join([head, _rules(used), card, *body, "</svg>"]).encode()


def _rules(used: set[tuple[str, str]]) -> str:
    what = {"f": "fill", "s": "stroke"}
    order = sorted(used)
    light, dark = (
        "".join(f".oaf .{k}-{name}{{{what[k]}:{PAINTS[name][i]}}}" for k, name in order)
        for i in (0, 1)
    )
    return (
        "<style>.oaf{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',"
        "'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}.oaf path{fill:none;"
        "stroke-linejoin:round;stroke-linecap:round}"
        f"{light}@media screen and (prefers-color-scheme:dark){{{dark}}}</style>"
    )


def _element(mark: Shape | Text | Bitmap, used: set[tuple[str, str]]) -> str:
    if isinstance(mark, Text):
        return _text(mark, used)
    if isinstance(mark, Bitmap):
        box = mark.box
        data = base64.b64encode(encode(mark.index, mark.palette, transparent=0)).decode()
        return (
            f'<image x="{box.x:.6g}" y="{box.y:.6g}" width="{box.w:.6g}" height="{box.h:.6g}" '
            f'preserveAspectRatio="none" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>'
        )
    classes, more = [], ""
    if mark.fill:
        used.add(("f", mark.fill))
        classes.append(f"f-{mark.fill}")
    if mark.stroke:
        used.add(("s", mark.stroke.paint))
        classes.append(f"s-{mark.stroke.paint}")
        more = f' stroke-width="{mark.stroke.width * _TENTH:g}"'
        if mark.stroke.dash:
            more += f' stroke-dasharray="{mark.stroke.dash * _TENTH:g}"'
    opacity = mark.opacity if mark.stroke is None else min(mark.opacity, mark.stroke.opacity)
    if opacity < 1:
        more += f' opacity="{opacity:g}"'
    close = "z" if mark.fill else ""
    data = "".join(_run(points) + close for points in mark.runs)
    return f'<path transform="scale(.1)" class="{" ".join(classes)}"{more} d="{data}"/>'


def _run(points: Points) -> str:
    x, y = points[0].tolist()
    steps = np.diff(points, axis=0)
    start = f"M{x} {y}"
    if not len(steps):
        return start
    if len(steps) == 1 and not steps[0, 1]:
        return f"{start}h{int(steps[0, 0])}"
    return f"{start}l" + " ".join(map(str, steps.ravel().tolist())).replace(" -", "-")


def _text(mark: Text, used: set[tuple[str, str]]) -> str:
    used.add(("f", mark.type.paint))
    more = "" if mark.type.anchor == "start" else f' text-anchor="{mark.type.anchor}"'
    if mark.type.bold:
        more += ' font-weight="600"'
    return (
        f'<text x="{mark.x:.5g}" y="{mark.y:.5g}" font-size="{mark.type.size:g}" '
        f'class="f-{mark.type.paint}"{more}>{escape(mark.text)}</text>'
    )
