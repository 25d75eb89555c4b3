"""Screens: an image of every dump, and injection images whose size changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from oaflib.demo.day import HOUR, MINUTE, SECOND, Day, Floats, dice, ragged, scalar, texts
from oaflib.demo.faults import struck
from oaflib.demo.machine import BEAMS, SLOTS, Fill, Timeline
from oaflib.series import Kind, Series, Times

DUMP_CAMERAS = {1: "TD68.BTVD.683458.B1", 2: "TD62.BTVD.623458.B2"}
FRAMES = (-200, 160, 360, 560, 760)  # ms from the dump
STRIPE = slice(212, 218)  # columns
INJECTION_CAMERA = "BTVSI.C5L2.B1"
SIZES = ((288, 384), (144, 192), (120, 160))  # pixels: whole sensor, and what operators cut out
_SHAPE = (300, 400)
_DARK, _NOISE, _SATURATION = 96.0, 3.0, 4_095
Image = NDArray[np.uint16]


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """The screens on one day."""
    for beam in BEAMS:
        yield from _dumps(day, machine, beam)
    yield from _injections(day, machine)


def _dumps(day: Day, machine: Timeline, beam: int) -> Iterator[Series]:
    fills = [fill for fill in machine.fills if day.start <= fill.dump < day.stop]
    moments = np.array([fill.dump for fill in fills], dtype=np.int64)
    charges = np.array([_left(fill, beam) for fill in fills])
    name = f"LHC.LBDS.B{beam}:DUMPED_INTENSITY"
    yield scalar(name, "charges", moments, np.round(charges / 1e9) * 1e9, "charges dumped")
    camera = DUMP_CAMERAS[beam]
    time = (moments[:, np.newaxis] + np.array(FRAMES) * 1_000_000).ravel()
    frames = [frame for fill in fills for frame in _frames(fill, beam)]
    images = np.array(frames, dtype=np.uint16).reshape(-1, *_SHAPE)
    if beam == 1:
        images[struck("btv-stripe", day, time), :, STRIPE] = 0
    seen = day.inside(time)
    if beam == 2:
        seen &= ~struck("btv-missing", day, time)
    time, images = time[seen], images[seen]
    title = "five frames of every dump"
    yield Series(f"{camera}/Image#imageSet", Kind.MATRIXNUMERIC, "ADC counts", time, images, title)
    peak = images.max(axis=(1, 2)).astype(np.float64) if len(time) else np.empty(0)
    yield scalar(f"{camera}/Image#maxPixel", "ADC counts", time, peak, "brightest pixel")
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    yield texts(f"{camera}/Status#screen", hours, ["IN"] * len(hours), "screen position")
    yield texts(f"{camera}/Status#lamp", hours, ["OFF"] * len(hours), "calibration lamp")
    filters = np.full(len(hours), 3.0)
    yield scalar(f"{camera}/Setting#filter", "", hours, filters, "neutral density filter")


def _left(fill: Fill, beam: int) -> float:
    """Charges just before the dump."""
    return float(fill.intensity(beam, np.array([fill.dump - SECOND]))[0])


def _frames(fill: Fill, beam: int) -> Iterator[Image]:
    """The screen at each of `FRAMES`: dark, the dump, and its afterglow."""
    light = _sweep(fill, beam)
    draw = dice(f"dump frames B{beam}", fill.number)
    for glow in (0.0, 1.0, 0.31, 0.11, 0.04):
        image = _DARK + glow * light + _NOISE * draw.standard_normal(_SHAPE) + _hot_pixels(beam)
        yield np.clip(np.round(image), 0, _SATURATION).astype(np.uint16)


def _sweep(fill: Fill, beam: int) -> Floats:
    """Light of the dumped beam, painted over the screen by the kickers in one turn of 89 us."""
    charges = fill.per_bunch(beam, np.array([fill.dump - SECOND]))[0]
    turn = np.arange(SLOTS) / SLOTS
    draw = dice(f"dump B{beam}", fill.number)
    swing = 118 * (1 - 0.42 * turn) * draw.normal(1, 0.01)
    angle = 2 * np.pi * 1.22 * turn + 2.2 + draw.normal(0, 0.02)
    x = 200 + draw.normal(0, 2) + swing * np.cos(angle) * 1.25
    y = 150 + draw.normal(0, 2) + swing * np.sin(angle)
    paint, _, _ = np.histogram2d(y, x, bins=_SHAPE, range=[[0, 300], [0, 400]], weights=charges)
    return np.asarray(5e-8 * _blur(300, 4.2) @ paint @ _blur(400, 4.2))


@lru_cache(maxsize=2)
def _blur(size: int, sigma: float) -> Floats:
    """Rows of Gaussians: the spot of a bunch on the screen."""
    at = np.arange(size)
    shape = np.exp(-((at[:, np.newaxis] - at) ** 2) / 2 / sigma**2)
    return np.asarray(shape / (sigma * np.sqrt(2 * np.pi)))


def _hot_pixels(beam: int) -> Floats:
    """The forty pixels of this camera that radiation has made warm."""
    draw = dice(f"hot pixels B{beam}")
    hot = np.zeros(_SHAPE)
    hot[draw.integers(0, 300, 40), draw.integers(0, 400, 40)] = draw.uniform(60, 700, 40)
    return hot


def _injections(day: Day, machine: Timeline) -> Iterator[Series]:
    """Images of the pilot bunch while the screen is in, cut to what the operators asked for."""
    times: list[int] = []
    images: list[Image] = []
    moves: list[tuple[int, str]] = []
    for fill in machine.fills:
        draw = dice("injection images", fill.number)
        start = fill.start + 3 * MINUTE
        count = int(draw.integers(6, 10))
        for i in range(count):
            times.append(start + i * 30 * SECOND)
            images.append(_pilot(draw, SIZES[i % len(SIZES)]))
        moves += [(fill.start, "IN"), (start + count * 30 * SECOND, "OUT")]
    keep = [i for i, moment in enumerate(times) if day.start <= moment < day.stop]
    time = np.array([times[i] for i in keep], dtype=np.int64)
    value = ragged([images[i] for i in keep])
    name = f"{INJECTION_CAMERA}/Image#imageSet"
    yield Series(name, Kind.MATRIXNUMERIC, "ADC counts", time, value, "pilot bunch")
    yield _screen(day, moves)


def _pilot(draw: np.random.Generator, size: tuple[int, int]) -> Image:
    rows, columns = size
    y = np.arange(rows)[:, np.newaxis] - rows / 2 - draw.normal(0, 3)
    x = np.arange(columns) - columns / 2 - draw.normal(0, 3)
    spot = np.exp(-(x**2) / 2 / 11**2 - (y**2) / 2 / 8**2)
    image = _DARK + 1_750 * draw.normal(1, 0.03) * spot + _NOISE * draw.standard_normal(size)
    return np.clip(np.round(image), 0, _SATURATION).astype(np.uint16)


def _screen(day: Day, moves: list[tuple[int, str]]) -> Series:
    """Whether the screen is in the beam's way: on change and every hour."""
    changes = np.array([moment for moment, _ in moves], dtype=np.int64)
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    time: Times = np.union1d(changes[day.inside(changes)], hours)
    at = np.searchsorted(changes, time, side="right") - 1
    words = [moves[i][1] if i >= 0 else "OUT" for i in at]
    return texts(f"{INJECTION_CAMERA}/Status#screen", time, words, "screen position")
