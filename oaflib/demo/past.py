"""The years before the demo: what its experts would have in their spreadsheets.

A value a day of what wears and of its healthy neighbours (a week of vectors), from March 2024 until
the day before the demo's last one, with a hole in each winter stop. `oaf demo` brings it into the
history by the same door as anybody's spreadsheet (`oaf history import`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from oaflib.demo import bct, blm, bpm, bsrt, bws
from oaflib.demo.day import HOUR, ZONE, Day, Floats, dice, rounded
from oaflib.demo.faults import progress, struck
from oaflib.demo.slow import mirror_light, monitor_offset, transformer_offset, tube_gain
from oaflib.series import Times
from oaflib.window import calendar_day

FIRST = date(2024, 3, 1)
_STOPS = ((12, 15), (2, 28))  # month and day on which a winter stop begins and ends
_SCANS = 8  # of a wire, a day
_TOP, _TOP_NOISE = 2_380.0, 5.0  # counts of a healthy profile's highest point
_CHARGES = 2.1e14  # a day's mean


@dataclass(frozen=True)
class Remembered:
    """The past of one variable: int64[n] ns UTC, and float64[n] or [n, m]."""

    variable: str
    unit: str
    time: Times
    value: Floats


def remembered(last: date) -> Iterator[Remembered]:
    """What is known of the demo's devices before `last`, a variable after the other."""
    days = operating(last)
    time = np.array([calendar_day(day, ZONE).start_ns + 12 * HOUR for day in days], dtype=np.int64)
    final = Day.of(last, last)
    for family in (_scanners, _transformers, _telescopes, _monitors):
        yield from family(final, time)
    weekly = time[[i for i, day in enumerate(days) if day.weekday() == 0]]
    for point in range(1, 9):
        device = f"LHC.BPM.SR{point}.CRATE"
        gains = bpm.crate_gains(device, weekly, dice(f"years {device} gains"))
        yield Remembered(f"{device}:CHANNEL_GAIN", "", weekly, gains)


def table(last: date) -> bytes:
    """All of it as ``timestamp,variable,value,unit``, gzipped; the same bytes for one day."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("timestamp", "variable", "value", "unit"))
    for one in remembered(last):
        spelt = json.dumps if one.value.ndim == 2 else "{:.8g}".format
        for time, value in zip(one.time.tolist(), one.value.tolist(), strict=True):
            rows.writerow((time, one.variable, spelt(value), one.unit))
    return gzip.compress(text.getvalue().encode(), 5, mtime=0)


def operating(last: date) -> list[date]:
    """The days before `last` on which the machine ran."""
    every = [FIRST + timedelta(days=i) for i in range((last - FIRST).days)]
    begins, ends = _STOPS
    return [day for day in every if ends < (day.month, day.day) < begins]


def _noise(name: str, count: int) -> Floats:
    return dice(f"years {name}").standard_normal(count)


def _scanners(final: Day, time: Times) -> Iterator[Remembered]:
    for beam in (1, 2):
        side = {1: "R", 2: "L"}[beam]
        for plane in ("H", "V"):
            device = f"LHC.BWS.5{side}4.B{beam}{plane}1"
            name = f"{device} peak"
            peak = _TOP * tube_gain(device, time) + _TOP_NOISE * _noise(name, len(time))
            if device == "LHC.BWS.5R4.B1V1":
                peak[struck("bws-gain", final, time)] = bws.SATURATION
            yield Remembered(name, "ADC counts", time, rounded(peak, 0.125))
            name = f"{device} scans"
            scans = _SCANS + np.clip(np.round(1.2 * _noise(name, len(time))), -4, 4)
            yield Remembered(name, "", time, scans)


def _transformers(final: Day, time: Times) -> Iterator[Remembered]:
    for beam in (1, 2):
        charges = _CHARGES * (1 + 0.06 * _noise(f"charges B{beam}", len(time)))
        devices = [f"LHC.BCT{kind}.{system}6R4.B{beam}" for kind in ("DC", "FR") for system in "AB"]
        for device in devices:
            read = charges * bct.gain(device) * (1 + 2e-4 * _noise(device, len(time)))
            if device == bct.DRIFTING:
                read *= 1 + bct.DRIFT * progress("bct-ratio", final, time)
            if device == bct.SILENT:
                read = read[~struck("bct-silent", final, time)]
            yield Remembered(f"{device}:BEAM_INTENSITY", "charges", time[: len(read)], read)
        for system in ("A", "B"):
            device = f"LHC.BCTDC.{system}6R4.B{beam}"
            name = f"{device} offset"
            offset = transformer_offset(device, time) + 3e8 * _noise(name, len(time))
            yield Remembered(name, "charges", time, rounded(offset, 1e6))


def _telescopes(final: Day, time: Times) -> Iterator[Remembered]:
    for telescope in bsrt.TELESCOPES:
        device = telescope.device
        light = mirror_light(device, time) + 0.15 * _noise(f"{device} light", len(time))
        if device == bsrt.DARKENED:
            light -= bsrt.DARKENING * progress("bsrt-light", final, time)
        yield Remembered(f"{device}:LIGHT_YIELD", "%", time, rounded(light, 0.01))
        for plane in ("H", "V"):
            value = bsrt.correction(final, telescope, plane, time)
            yield Remembered(f"{device}:LSF_{plane}", "mm", time, value)


def _monitors(final: Day, time: Times) -> Iterator[Remembered]:
    offsets, noises = blm.self_test_levels()
    for i, device in enumerate(blm.MONITORS):
        offset = offsets[i] + monitor_offset(device, time) + 0.3 * _noise(device, len(time))
        yield Remembered(f"{device}:OFFSET", "pA", time, rounded(offset, 0.1))
        level = np.full(len(time), noises[i])
        if device == blm.NOISY:
            level = blm.growing_noise(final, time)
        noise = level * (1 + 0.03 * _noise(f"{device} noise", len(time)))
        yield Remembered(f"{device}:NOISE_RS01", "bits", time, np.round(noise))
