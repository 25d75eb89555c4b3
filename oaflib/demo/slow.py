"""What wears over years in the demo machine: functions of absolute time.

The day's generators add these to what they log, and `oaflib.demo.past` makes the history before
the demo from the same numbers. Their dates stand in the calendar, unlike those of `faults`, and in
the demo's ledger ``config/interventions.csv``.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from oaflib.demo.day import DAY, ZONE, Floats
from oaflib.series import Times
from oaflib.window import calendar_day

AGEING_TUBE = "LHC.BWS.5L4.B2H1"  # a photomultiplier
AGEING_MIRROR = "LHC.BSRT.5R4.B1"
CREEPING_OFFSET, RESET_OFFSET = "LHC.BCTDC.A6R4.B2", "LHC.BCTDC.B6R4.B2"
WORN_WIRE = "LHC.BWS.5R4.B1H1"
CREEPING_MONITOR = "BLMQI.08L7.B1I10_MQ"
FADING_CRATE, FADING_CHANNEL, CHANNELS = "LHC.BPM.SR7.CRATE", 11, 36

SINCE = {
    "bws-ageing": date(2026, 3, 10),
    "bws-wear": date(2024, 3, 1),
    "bsrt-mirror": date(2026, 6, 25),
    "bct-offset": date(2026, 5, 6),
    "blm-offset": date(2025, 6, 1),
    "bpm-channel": date(2026, 3, 10),
}
TUBE_LOSS = 0.02 / 30  # of the gain, a day
MIRROR_LOSS = 2.0 / 30  # percent of the light, a day
OFFSET_CREEP = 1.0e7  # charges a day
MONITOR_CREEP = 0.02  # pA a day
CHANNEL_LOSS = 3.0e-4  # a day

# When the mirror was changed, with the light there was then, and the transformer recalibrated.
_MIRRORS = ((date(2024, 3, 1), 98.0), (date(2025, 2, 10), 100.0), (date(2026, 6, 25), 100.0))
_UNWRITTEN = (date(2025, 3, 4), date(2026, 8, 19))  # crept, and reset with no line in the ledger
_RECALIBRATED = (date(2024, 3, 1), date(2025, 3, 4), SINCE["bct-offset"])


def days_since(day: date, time: Times) -> Floats:
    """Days since local midnight of `day`, at each time; 0 before it."""
    start = calendar_day(day, ZONE).start_ns
    return np.asarray(np.clip((time - start) / DAY, 0, None))


def tube_gain(device: str, time: Times) -> Floats:
    """What is left of a photomultiplier's gain, 1 when new."""
    lost = TUBE_LOSS if device == AGEING_TUBE else 0.0
    return 1 - lost * days_since(SINCE["bws-ageing"], time)


def mirror_light(device: str, time: Times) -> Floats:
    """Percent of the light that the extraction mirror passes on."""
    light = np.full(len(time), 100.0)
    if device == AGEING_MIRROR:
        for day, new in _MIRRORS:
            passed = days_since(day, time)
            light = np.where(passed > 0, new - MIRROR_LOSS * passed, light)
    return light


def transformer_offset(device: str, time: Times) -> Floats:
    """Charges that a DC transformer reads without beam."""
    offset = np.zeros(len(time))
    if device == CREEPING_OFFSET:
        for day in _RECALIBRATED:
            passed = days_since(day, time)
            offset = np.where(passed > 0, OFFSET_CREEP * passed, offset)
    if device == RESET_OFFSET:
        began, ended = (days_since(day, time) for day in _UNWRITTEN)
        offset = np.where(ended > 0, offset, -OFFSET_CREEP / 2 * began)
    return offset


def monitor_offset(device: str, time: Times) -> Floats:
    """pA of offset current that a loss monitor gained."""
    rate = MONITOR_CREEP if device == CREEPING_MONITOR else 0.0
    return rate * days_since(SINCE["blm-offset"], time)


def channel_gains(device: str, time: Times) -> Floats:
    """Gains of a crate's channels over their nominal ones, [n, 36]."""
    gains = np.ones((len(time), CHANNELS))
    if device == FADING_CRATE:
        gains[:, FADING_CHANNEL] -= CHANNEL_LOSS * days_since(SINCE["bpm-channel"], time)
    return gains
