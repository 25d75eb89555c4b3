"""A scene as PNG, for mails and programs that show no SVG; here is the door to matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.plots.colours import PAINTS, rgb
from oaflib.plots.png import encode_few
from oaflib.plots.scene import Bitmap, Pen, Scene, Shape, Text

_DPI = 72.0  # so that one point is one pixel


def png(scene: Scene, scale: float = 2.0) -> bytes:
    """The scene on a light card, `scale` pixels for each of its pixels."""
    return encode_few(pixels(scene, scale))


def pixels(scene: Scene, scale: float = 2.0) -> NDArray[np.uint8]:
    """The same as uint8[rows, columns, 3]."""
    from matplotlib.backends.backend_agg import RendererAgg

    width, height = round(scene.width * scale), round(scene.height * scale)
    renderer: Any = RendererAgg(width, height, _DPI)  # type: ignore[no-untyped-call]
    painter = _Painter(renderer, height, scale)
    for mark in scene.marks:
        painter.draw(mark)
    drawn = np.asarray(painter.renderer.buffer_rgba()).astype(np.uint16)
    # the canvas starts transparent: lay it on the card
    card = np.array(rgb(PAINTS["card"][0]), np.uint16)
    share = drawn[..., 3:]
    mixed = (drawn[..., :3] * share + card * (255 - share)) // 255
    return np.asarray(mixed, dtype=np.uint8)


class _Painter:
    """Draws marks with matplotlib's renderer."""

    def __init__(self, renderer: Any, height: int, scale: float) -> None:
        from matplotlib.transforms import Affine2D

        self.renderer, self.height, self.scale = renderer, height, scale
        self.to_pixels = Affine2D().scale(scale / 10, -scale / 10).translate(0, height)

    def draw(self, mark: Shape | Text | Bitmap) -> None:
        """Draw one mark over what is there."""
        if isinstance(mark, Shape):
            self._shape(mark)
        elif isinstance(mark, Text):
            self._text(mark)
        else:
            self._bitmap(mark)

    def _shape(self, shape: Shape) -> None:
        from matplotlib.path import Path

        vertices, codes = [], []
        for points in shape.runs:
            code = np.full(len(points), Path.LINETO, np.uint8)
            code[0] = Path.MOVETO
            vertices.append(points)
            codes.append(code)
            if shape.fill:
                vertices.append(points[:1])
                codes.append(np.array([Path.CLOSEPOLY], np.uint8))
        path = Path(np.concatenate(vertices).astype(float), np.concatenate(codes))
        opacity = shape.opacity if shape.stroke is None else shape.stroke.opacity
        gc = self._context(shape.stroke, opacity)
        if any(len(points) == 2 and abs(points[1] - points[0]).max() <= 1 for points in shape.runs):
            gc.set_snap(False)  # a dot is a line of hardly a length: on whole pixels it has none
            path.should_simplify = False
        fill = (*(c / 255 for c in rgb(PAINTS[shape.fill][0])), opacity) if shape.fill else None
        self.renderer.draw_path(gc, path, self.to_pixels, fill)
        gc.restore()

    def _context(self, pen: Pen | None, opacity: float) -> Any:
        gc = self.renderer.new_gc()
        gc.set_alpha(opacity)
        gc.set_linewidth(0.0 if pen is None else pen.width * self.scale)
        gc.set_joinstyle("round")
        gc.set_capstyle("round")
        if pen is not None:
            gc.set_foreground(PAINTS[pen.paint][0])
            if pen.dash:
                gc.set_dashes(0, (pen.dash * self.scale, pen.dash * self.scale))
        return gc

    def _text(self, mark: Text) -> None:
        from matplotlib.font_manager import FontProperties

        if not mark.text.strip():
            return
        weight = "bold" if mark.type.bold else "normal"
        font = FontProperties(family="DejaVu Sans", size=mark.type.size * self.scale, weight=weight)
        width, _, _ = self.renderer.get_text_width_height_descent(mark.text, font, False)
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.type.anchor] * width
        gc = self.renderer.new_gc()
        gc.set_foreground(PAINTS[mark.type.paint][0])
        x, y = mark.x * self.scale - shift, mark.y * self.scale
        self.renderer.draw_text(gc, x, y, mark.text, font, 0.0, False)
        gc.restore()

    def _bitmap(self, mark: Bitmap) -> None:
        box, s = mark.box, self.scale
        width, height = max(1, round(box.w * s)), max(1, round(box.h * s))
        rows = np.arange(height) * mark.index.shape[0] // height
        columns = np.arange(width) * mark.index.shape[1] // width
        index = mark.index[rows[:, None], columns]
        image = np.empty((*index.shape, 4), np.uint8)
        image[..., :3] = mark.palette[index]
        image[..., 3] = np.where(index == 0, 0, 255)
        gc = self.renderer.new_gc()
        bottom = self.height - round(box.y * s) - height
        self.renderer.draw_image(gc, round(box.x * s), bottom, image[::-1])
        gc.restore()
