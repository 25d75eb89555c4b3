"""Does a camera see, and with all its pixels?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from oaflib.checks.base import Context, SeriesCheck, Verdict
from oaflib.checks.facts import Mask, spread
from oaflib.checks.words import plural, quantity, share, utc
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series

_LOOK = 40  # images looked at pixel by pixel, spread over the window
_FEW = 5  # images below which a pixel is not judged
_RAILS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))


@dataclass(frozen=True)
class Image(SeriesCheck):
    """Images that are flat, saturated, without beam or of another size; dead and hot pixels.

    Flat is an image whose pixels are all equal, or that has none. A pixel is dead when it never
    changes while the others do, hot when it is far above its neighbours in every image; up to 40
    images of the window are looked at for it. Where more than a fifth never change they are the
    background, not dead. Images of two sizes or more are a violation where the size changes now
    and then, and the camera's nature where it changes all the time.

    Attributes
    ----------
    saturation : pixel value at full scale; without it that of 8, 10, 12, 14 or 16 bits, where it is
        the largest value met.
    allowed_saturated : share of an image's pixels that may be saturated.
    allowed_pixels : share of pixels that may be dead or hot.
    beam : whether every image must show a spot.
    shape : rows and columns there must be.
    """

    kind: ClassVar[str] = "image"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    alone: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.MATRIXNUMERIC,)

    saturation: float | None = None
    allowed_saturated: float = 0.001
    allowed_pixels: float = 0.001
    beam: bool = False
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fraction("allowed_saturated", "allowed_pixels")
        if self.saturation is not None and not self.saturation > 0:
            raise ValueError(f"saturation is {self.saturation}; it must be above zero")

    def weigh(self, series: Series, context: Context) -> Verdict:  # noqa: ARG002
        images = [np.asarray(image) for image in series.value]
        empty = np.array([not image.size or image.max() == image.min() for image in images])
        fine = Verdict(Severity.OK, f"{plural(len(images), 'image')}", 0.0, unit="images")
        odd = np.array([not np.isfinite(image).any() and image.size > 0 for image in images])
        if odd.all():
            return fine.but(Severity.INVALID, f"all pixels of {fine.reason} are NaN")
        verdict = (
            self._shapes(series, images)
            or self._told(series, empty, "flat or empty: no picture")
            or self._saturated(series, images)
            or self._beamless(series, images)
            or self._pixels(series, images)
        )
        if verdict is not None:
            return verdict
        holes = np.array([not np.isfinite(image).all() for image in images])
        if holes.any():
            reason = f"{share(int(holes.sum()), len(images))} of the images hold NaN pixels"
            return fine.but(Severity.INVALID, reason, int(series.time[np.argmax(holes)]))
        return fine

    def _told(self, series: Series, bad: Mask, words: str) -> Verdict | None:
        if not bad.any():
            return None
        count = int(bad.sum())
        reason = f"{share(count, len(bad))} of {plural(len(bad), 'image')}: {words}"
        since = int(series.time[np.argmax(bad)])
        return Verdict(self.violated, reason, float(count), {"allowed": 0}, since, "images")

    def _shapes(self, series: Series, images: list[Any]) -> Verdict | None:
        shapes = [image.shape for image in images]
        if self.shape is not None:
            wrong = np.array([shape != self.shape for shape in shapes])
            found = _by(next((s for s in shapes if s != self.shape), self.shape))
            return self._told(series, wrong, f"{found} pixels, expected {_by(self.shape)}")
        changed = [i for i in range(1, len(shapes)) if shapes[i] != shapes[i - 1]]
        if not changed or len(changed) > max(3, 0.01 * len(shapes)):
            return None
        first = changed[0]
        reason = f"size changed from {_by(shapes[first - 1])} to {_by(shapes[first])} pixels"
        since = int(series.time[first])
        return Verdict(self.violated, f"{reason} at {utc(since)}", None, {}, since)

    def _saturated(self, series: Series, images: list[Any]) -> Verdict | None:
        rail = self.saturation
        if rail is None:
            tops = [float(np.nanmax(image)) for image in images if np.isfinite(image).any()]
            top = max(tops, default=0.0)
            if top not in _RAILS:
                return None
            rail = top
        shares = np.array([(image >= rail).mean() if image.size else 0.0 for image in images])
        worst = f"{100 * shares.max():.3g} % of the pixels"
        words = f"saturated at {quantity(rail)}, in up to {worst}"
        words += f", allowed {100 * self.allowed_saturated:g} %"
        return self._told(series, shares > self.allowed_saturated, words)

    def _beamless(self, series: Series, images: list[Any]) -> Verdict | None:
        if not self.beam:
            return None
        return self._told(series, np.array([not shows_spot(i) for i in images]), "no spot, no beam")

    def _pixels(self, series: Series, images: list[Any]) -> Verdict | None:
        shapes = {image.shape for image in images}
        if len(images) < _FEW or len(shapes) > 1:
            return None
        step = max(1, len(images) // _LOOK)
        stack = np.stack(images[::step]).astype(np.float32)
        stack = stack[np.isfinite(stack).all(axis=(1, 2))]
        if len(stack) < _FEW:
            return None
        low, high = stack.min(axis=0), stack.max(axis=0)
        still = low == high
        dead = int(still.sum()) if still.mean() < 0.2 else 0
        hot = int(hot_pixels(low).sum())
        count = dead + hot
        if count <= self.allowed_pixels * low.size:
            return None
        reason = f"{dead:,} dead and {hot:,} hot pixels ({share(count, low.size)})"
        reason += f", allowed {100 * self.allowed_pixels:g} %"
        limit = {"allowed_pixels": self.allowed_pixels}
        since = int(series.time[0])
        return Verdict(self.violated, reason, float(count), limit, since, "pixels")


def hot_pixels(image: Any) -> Mask:
    """Pixels far above all of their neighbours; bool[rows, columns]."""
    from scipy.ndimage import median_filter

    excess = image - median_filter(image, size=3)
    noise = spread(excess.ravel().astype(np.float64))
    reach = float(np.percentile(image, 99.9) - np.median(image))
    return np.asarray(excess > max(20 * noise, 0.5 * reach, 1e-12))


def shows_spot(image: Any) -> bool:
    """Whether some connected patch rises well above the image's own noise."""
    if not image.size or min(image.shape) < 8:
        return bool(image.size and image.max() > image.min())
    rows, columns = (size - size % 4 for size in image.shape)
    blocks = np.asarray(image[:rows, :columns], dtype=np.float64)
    blocks = blocks.reshape(rows // 4, 4, columns // 4, 4).mean(axis=(1, 3))
    noise = spread(np.diff(blocks, axis=1).ravel()) / np.sqrt(2)
    level = float(np.median(blocks))
    bright = blocks > level + 8 * max(noise, 1e-12)
    return bool((bright[:, 1:] & bright[:, :-1]).any() or (bright[1:] & bright[:-1]).any())


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
