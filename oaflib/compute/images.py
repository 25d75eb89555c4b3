"""Images reduced to the numbers an expert follows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from oaflib.compute.base import Numbers, OfVariable, moment_of
from oaflib.records import Records
from oaflib.series import Kind, Series


@dataclass(frozen=True, kw_only=True)
class ImageReduced(OfVariable):
    """Sum, peak, centroid, size and saturation of each image.

    Attributes
    ----------
    background : taken off every pixel: ``none``, the ``median`` of the image or of its ``border``.
    threshold : pixels below this share of the peak do not count for centroid and size; 0 to 1.
    saturation : the value at and above which a pixel is saturated; without it the largest its type
        can hold (a float has none: NaN).
    pitch_x, pitch_y : of a pixel, in `position_unit`; without them pixels.

    Makes ``name.sum``, ``peak``, ``centroid_x``, ``centroid_y``, ``size_x``, ``size_y`` (rms),
    ``saturated`` (share of the pixels), ``rows`` and ``columns``. x counts along a row from the
    left, y down from the top. An empty or dark image has NaN for centroid and size.
    """

    kind: ClassVar[str] = "image"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.MATRIXNUMERIC,)
    parts: ClassVar[tuple[str, ...]] = (
        "sum", "peak", "centroid_x", "centroid_y", "size_x", "size_y", "saturated", "rows",
        "columns",
    )  # fmt: skip

    background: Literal["none", "median", "border"] = "none"
    threshold: float = 0.0
    saturation: float | None = None
    pitch_x: float = 1.0
    pitch_y: float = 1.0
    position_unit: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold {self.threshold:g} is not a share of the peak, 0 to 1")
        if self.pitch_x <= 0 or self.pitch_y <= 0:
            raise ValueError("pitch_x and pitch_y must be above zero")

    def of(self, series: Series, records: Records) -> list[Series]:  # noqa: ARG002
        found = np.array([self._one(image) for image in series.value]).reshape(-1, 9)
        where = self.position_unit or ("px" if self.pitch_x == self.pitch_y == 1.0 else "")
        units = (series.unit, series.unit, where, where, where, where, "", "", "")
        return [
            self.series(part, series.time, column, unit)
            for part, column, unit in zip(self.parts, found.T, units, strict=True)
        ]

    def _one(self, raw: NDArray[Any]) -> list[float]:
        shape = [float(size) for size in raw.shape] if raw.ndim == 2 else [0.0, 0.0]
        if not raw.size or raw.ndim != 2:
            return [np.nan] * 7 + shape
        full = self.saturation
        if full is None and raw.dtype.kind in "iu":
            full = float(np.iinfo(raw.dtype).max)
        saturated = float(np.mean(raw >= full)) if full is not None else np.nan
        image = np.asarray(raw, dtype=np.float64)
        known = np.isfinite(image)
        if not known.any():
            return [np.nan] * 6 + [saturated, *shape]
        image = np.where(known, image - self._level(image), 0.0)
        peak = float(image.max())
        light = np.where(image >= max(self.threshold * peak, 0.0), image, 0.0)
        x, wide = _moments(light.sum(axis=0))
        y, tall = _moments(light.sum(axis=1))
        return [float(image.sum()), peak, x * self.pitch_x, y * self.pitch_y, wide * self.pitch_x,
                tall * self.pitch_y, saturated, *shape]  # fmt: skip

    def _level(self, image: Numbers) -> float:
        if self.background == "none":
            return 0.0
        if self.background == "median":
            return float(np.nanmedian(image))
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        border = border[np.isfinite(border)]
        return float(np.median(border)) if border.size else 0.0


def _moments(projection: Numbers) -> tuple[float, float]:
    """Mean place and rms width of what `projection` weighs; NaN without weight."""
    total = projection.sum()
    if not total > 0:
        return np.nan, np.nan
    along = np.arange(len(projection))
    mean = float((projection * along).sum() / total)
    return mean, float(np.sqrt(max(0.0, (projection * (along - mean) ** 2).sum() / total)))


@dataclass(frozen=True, kw_only=True)
class BadPixels(OfVariable):
    """Pixels that are always dark among lit ones, or always bright among dark ones.

    Attributes
    ----------
    factor : hot is what stands out of its neighbours by that many times the scatter among them, and
        by `least` of the mean image's range; dead is what shows less than a tenth of neighbours
        that are lit by more than `least`, and lies three times their scatter below them.
    least : share of the range, 0 to 1.

    Judged on the mean of the window's images, of the most frequent size. Makes ``name.dead`` and
    ``name.hot`` (how many), stamped at the window's start; NaN without images.
    """

    kind: ClassVar[str] = "bad_pixels"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.MATRIXNUMERIC,)
    parts: ClassVar[tuple[str, ...]] = ("dead", "hot")

    factor: float = 8.0
    least: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.factor <= 1 or not 0 < self.least < 1:
            raise ValueError("factor must be above 1, and least between 0 and 1")

    def of(self, series: Series, records: Records) -> list[Series]:
        time = moment_of(records)
        mean = mean_image(series)
        dead = hot = float("nan")
        if mean is not None:
            from scipy.ndimage import median_filter

            around = median_filter(mean, size=5, mode="nearest")
            above = mean - around
            # Around the pixel: speckle and the fibres of an image guide are not hot pixels.
            scatter = 1.4826 * median_filter(np.abs(above), size=7, mode="nearest")
            floor, span = float(mean.min()), float(mean.max() - mean.min())
            lit = around - floor
            hot = float(((above > self.factor * scatter) & (above > self.least * span)).sum())
            dead = float(
                (
                    (lit > self.least * span) & (mean - floor < 0.1 * lit) & (-above > 3 * scatter)
                ).sum()
            )
        return [self.series("dead", time, [dead]), self.series("hot", time, [hot])]


def mean_image(series: Series) -> Numbers | None:
    """The mean of the images of the most frequent size, unknown pixels as 0; None without any."""
    shapes = Counter(image.shape for image in series.value if image.ndim == 2 and image.size)
    if not shapes:
        return None
    shape = shapes.most_common(1)[0][0]
    total: Any = np.zeros(shape)
    for image in series.value:
        if image.shape == shape:
            total += np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    return np.asarray(total / shapes[shape])
