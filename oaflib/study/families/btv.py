"""Screens: the images of every dump, pixels, sizes, and how the screen was set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from oaflib.checks.image import hot_pixels
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series, device_of
from oaflib.study.families.found import clock, devices_of, names_of, numbers, states
from oaflib.study.families.sheet import DASH, FamilyTable, figure, share

_IMAGE = r".*image.*"
_EVENT = r"DUMPED_INTENSITY|.*TRIGGER.*"
_AROUND = 5_000_000_000  # ns before and after an event in which its images are taken
_LOOKED = 40  # images of a camera that are looked at
_FULL = (255, 1_023, 4_095, 16_383, 65_535)
_BEAM = re.compile(r"\.(B[12])\b")


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Each camera's images and pixels, the images of each dump, and the settings in force."""
    cameras = devices_of(records, _IMAGE, Kind.MATRIXNUMERIC)
    if not cameras:
        return [FamilyTable("Cameras", note="No camera's image is among the variables.")]
    images = {
        camera: next(
            (n for n in names_of(records, _IMAGE, Kind.MATRIXNUMERIC) if device_of(n) == camera), ""
        )
        for camera in cameras
    }
    return [_cameras(records, images), *_dumps(records, images), *_settings(records, cameras)]


def _cameras(records: Records, images: dict[str, str]) -> FamilyTable:
    rows = []
    for camera, name in images.items():
        if not name:
            rows.append((camera, "0", *[DASH] * 6))
            continue
        series = records[name]
        rows.append((camera, f"{len(series):,}", *_pixels(series)))
    head = ("camera", "images", "sizes", "changes of size", "saturated images", "brightest pixel")
    note = f"Dead pixels never change, hot ones stand out in every one of {_LOOKED} images at most."
    return FamilyTable("Cameras", (*head, "dead pixels", "hot pixels"), tuple(rows), note)


def _pixels(series: Series) -> tuple[str, ...]:
    shapes = [np.shape(image) for image in series.value]
    different = list(dict.fromkeys(shapes))
    changes = sum(one != two for one, two in pairwise(shapes))
    tops = np.array([float(np.max(image)) if np.size(image) else np.nan for image in series.value])
    top = float(np.nanmax(tops)) if np.isfinite(tops).any() else float("nan")
    full = [
        _saturated(np.asarray(image), top) for image in series.value[:: 1 + len(series) // _LOOKED]
    ]
    commonest = max(different, key=shapes.count)
    same = [np.asarray(v) for v in series.value if np.shape(v) == commonest]
    dead, hot = bad_pixels(np.stack(same[:: 1 + len(same) // _LOOKED]))
    sizes = ", ".join("×".join(map(str, shape)) for shape in different[:3])
    more = f" and {len(different) - 3} more" if len(different) > 3 else ""
    return (
        sizes + more,
        str(changes),
        share(sum(full), len(full)),
        figure(top, series.unit),
        DASH if dead is None else f"{dead:,}",
        f"{hot:,}",
    )


def _saturated(image: np.ndarray, top: float) -> bool:
    """Whether more than one pixel in a thousand stands at full scale, the largest value met."""
    return bool(image.size and top in _FULL and (image >= top).mean() > 0.001)


def bad_pixels(images: np.ndarray) -> tuple[int | None, int]:
    """Dead and hot pixels of images [n, rows, columns] of one size.

    Dead never change; how many stand still by chance alone follows from how often a pixel equals
    itself in the next image, and no more than ten times that many are none. Of fewer than three
    images, or where a fifth and more stand still, dead ones are not known (None). Hot ones are what
    the checks call so, in the darkest value of each pixel.
    """
    if not images.size:
        return None, 0
    hot = int(hot_pixels(images.min(axis=0).astype(np.float64)).sum())
    still = np.ptp(images, axis=0) == 0
    if len(images) < 3 or still.mean() > 0.2:
        return None, hot
    equal = np.array([(one == two)[~still].mean() for one, two in pairwise(images)])
    chance = float(np.prod(equal)) * still.size
    dead = int(still.sum())
    return (dead if dead > 10 * chance else 0), hot


def _dumps(records: Records, images: dict[str, str]) -> list[FamilyTable]:
    """How many images each camera has of each dump of its beam."""
    rows: list[tuple[int, int, tuple[str, ...]]] = []
    unit = ""
    for device, events in numbers(records, _EVENT).items():
        beam = _BEAM.search(device)
        for camera, name in images.items():
            other = _BEAM.search(camera)
            if beam and other and beam[1] != other[1]:
                continue
            taken = records[name].time if name else np.empty(0, np.int64)
            for time, charges in zip(events.time, events.value, strict=True):
                seen = int((np.abs(taken - time) <= _AROUND).sum())
                charge = figure(float(charges), digits=3)
                rows.append((int(time), seen, (clock(records, time), charge, camera, str(seen))))
                unit = events.unit or unit
    if not rows:
        return []
    usual = max(seen for _, seen, _ in rows)
    shown = tuple(
        (*row, "yes" if usual and seen == usual else "no")
        for _, seen, row in sorted(rows, key=lambda entry: entry[0])
    )
    missing = sum(row[-1] == "no" for row in shown)
    note = f"{len(shown) - missing} of {len(shown)} dumps have the {usual} images that are usual."
    if not usual:
        note = "No dump has an image."
    head = ("dump", unit or "size", "camera", "images", "complete")
    return [FamilyTable("Images of each dump", head, shown, note)]


def _settings(records: Records, cameras: Sequence[str]) -> list[FamilyTable]:
    rows = []
    for name in names_of(records, r"(Setting|Status).*", Kind.NUMERIC, Kind.TEXTUAL):
        if device_of(name) not in cameras:
            continue
        spans = states(records, name).spans(records.window.end_ns)
        values = " → ".join(text for _, _, text in spans[-4:])
        when = clock(records, spans[-1][0]) if len(spans) > 1 else DASH
        rows.append((device_of(name), name.rpartition("#")[2], values, str(len(spans) - 1), when))
    head = ("camera", "setting", "in force", "changes", "last at")
    return [FamilyTable("Settings in force", head, tuple(rows))] if rows else []
