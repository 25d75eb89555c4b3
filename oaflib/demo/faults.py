"""The faults planted in the demo machine, each with its place, its days and its story.

A generator asks `struck` or `progress`; the demo's report, its tests and its manual ask `planted`.
Days are counted back from the demo's last day, so the newest report always shows them; what wears
over years (`oaflib.demo.slow`) has dates of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from oaflib.demo.day import DAY, HOUR, MINUTE, Day, Floats
from oaflib.demo.slow import SINCE
from oaflib.report import Fault
from oaflib.series import Times


@dataclass(frozen=True)
class PlantedFault:
    """One fault planted in the demo data.

    `key` is its name in the generators; `dataset` is ``<INST>_<dataset>``; `first` and `final` are
    the calendar days on which it can be seen, both included; `check` is the kind of check that is
    expected to find it. What is `slow` wears over years: no single day shows it, the weekly
    `dataset` of its family does.
    """

    key: str
    dataset: str
    device: str
    variable: str
    fault: Fault
    first: date
    final: date
    check: str
    story: str
    slow: bool = False

    def on(self, day: date) -> bool:
        """Whether the fault is there on `day`."""
        return self.first <= day <= self.final


@dataclass(frozen=True)
class _Plan:
    """A fault from `back` to `until` days before the last, beginning `at` after local midnight.

    With a `back` of -1 it began on a day of the calendar, that of `SINCE`.
    """

    dataset: str
    variable: str
    fault: Fault
    back: int
    check: str
    story: str
    at: int = 0
    until: int = 0
    device: str = ""


_YEARS = -1

_PLANS: dict[str, _Plan] = {
    "bct-silent": _Plan(
        "BCT_LHC-B2-cmp",
        "LHC.BCTFR.B6R4.B2:BEAM_INTENSITY",
        Fault.NO_USAGE,
        2,
        "usage",
        "Its front-end was switched off for a firmware test and nobody switched it on again: "
        "nothing logged for three days.",
    ),
    "bct-zero": _Plan(
        "BCT_L2",
        "LTB.BCT50:INTENSITY",
        Fault.NO_USAGE,
        3,
        "range",
        "A cable was left unplugged after an access: it logs at every cycle, always exactly zero, "
        "while its neighbours see beam.",
        at=10 * HOUR + 20 * MINUTE,
    ),
    "bct-ratio": _Plan(
        "BCT_LHC-B1-cmp",
        "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY",
        Fault.CALIBRATION,
        9,
        "range",
        "The calibration current of system B drifts: it reads 0.3 % more each day and leaves the "
        "2 % agreement with system A in the last days.",
    ),
    "bws-unused": _Plan(
        "BWS_PS",
        "PR.BWS.68.H_ROT/Acquisition#projDataSet1",
        Fault.NO_USAGE,
        6,
        "usage",
        "The scanner was left out of the operators' application after an update: no scan for a "
        "week.",
    ),
    "bws-unused-psb": _Plan(
        "BWS_PSB-R3",
        "BR3.BWS.2L1.V_ROT/Acquisition#projDataSet1",
        Fault.NO_USAGE,
        3,
        "usage",
        "Blocked by an interlock on its motor temperature: no scan for four days, in a dataset "
        "that has no file, only a snapshot.",
    ),
    "bws-both-wires": _Plan(
        "BWS_LHC-B1",
        "LHC.BWS.5R4.B1H2:NB_GATES",
        Fault.BAD_USAGE,
        1,
        "expression",
        "The operational wire H1 and the spare wire H2 were both used in the same fill: the spare "
        "wears for nothing and the two cannot be compared.",
        device="LHC.BWS.5R4.B1H2",
    ),
    "bws-gain": _Plan(
        "BWS_LHC-B1",
        "LHC.BWS.5R4.B1V1:GAIN",
        Fault.BAD_USAGE,
        2,
        "setting",
        "After a machine development the photomultiplier gain stayed at 1,450 instead of 900: "
        "profiles are flat at the top of the ADC and their emittance is wrong.",
    ),
    "bws-empty-slot": _Plan(
        "BWS_LHC-B2",
        "LHC.BWS.5L4.B2V1:BUNCH_SELECTION",
        Fault.BAD_USAGE,
        0,
        "range",
        "The gates were left on slots 20 to 31, which this filling scheme leaves empty: scans "
        "without a profile.",
    ),
    "bws-over": _Plan(
        "BWS_SPS-414",
        "SPS.BWS.41437.H_ROT/Acquisition#projDataSet1",
        Fault.OVER_USAGE,
        0,
        "over_usage",
        "A script scanned at every cycle of a study: 300 scans of one wire in a day, where forty "
        "are usual.",
        at=13 * HOUR,
    ),
    "bws-ageing": _Plan(
        "BWS_ageing",
        "LHC.BWS.5L4.B2H1:PROF_DATA_IN",
        Fault.AGEING,
        _YEARS,
        "drift",
        "The photomultiplier loses 2 % of its gain a month, under the noise of a single scan: its "
        "profiles sink towards the 1,700 counts that a fit needs.",
    ),
    "bws-wear": _Plan(
        "BWS_ageing",
        "LHC.BWS.5R4.B1H1:PROF_DATA_IN",
        Fault.AGEING,
        _YEARS,
        "wear",
        "The only wire that was not changed in the last long stop: its scans add up to what a wire "
        "bears.",
    ),
    "bsrt-mirror": _Plan(
        "BSRT_ageing",
        "LHC.BSRT.5R4.B1:LIGHT_YIELD",
        Fault.AGEING,
        _YEARS,
        "drift",
        "The extraction mirror darkens by 2 % a month, as the one before did that was changed in "
        "June.",
    ),
    "bct-offset": _Plan(
        "BCT_calibration",
        "LHC.BCTDC.A6R4.B2:BEAM_INTENSITY",
        Fault.CALIBRATION,
        _YEARS,
        "calibration",
        "The offset without beam creeps by 1e7 charges a day since the last recalibration, and did "
        "so before each.",
    ),
    "blm-offset": _Plan(
        "BLM_ageing",
        "BLMQI.08L7.B1I10_MQ:OFFSET",
        Fault.AGEING,
        _YEARS,
        "drift",
        "The offset current creeps by 0.02 pA a day towards the 30 pA at which the DAC is to be "
        "reset.",
    ),
    "bpm-channel": _Plan(
        "BPM_ageing",
        "LHC.BPM.SR7.CRATE:CHANNEL_GAIN",
        Fault.AGEING,
        _YEARS,
        "drift",
        "Channel 11 of 36 loses 0.03 % of its gain a day; the others stand.",
    ),
    "bpm-dead": _Plan(
        "BPM_LHC",
        "LHC.BOFSU:POSITIONS_H",
        Fault.BREAKAGE,
        4,
        "vector",
        "BPM.16L3.B1 lost an electrode: exactly zero in the horizontal plane since.",
        at=16 * HOUR + 35 * MINUTE,
        device="BPM.16L3.B1",
    ),
    "bpm-spikes": _Plan(
        "BPM_LHC",
        "LHC.BOFSU:POSITIONS_V",
        Fault.BREAKAGE,
        2,
        "range",
        "BPM.27R7.B2 jumps by 4 to 7 mm for single readings, some fifty times a day: a loose "
        "connector.",
        device="BPM.27R7.B2",
    ),
    "bpm-status": _Plan(
        "BPM_LHC",
        "LHC.BPM.1L5.B2.DOROS:ACQUISITION_STATUS",
        Fault.BREAKAGE,
        0,
        "text",
        "The DOROS front-end of the triplet lost its trigger for three hours.",
        at=4 * HOUR + 10 * MINUTE,
    ),
    "blm-stuck": _Plan(
        "BLM_LHC-IR7",
        "BLMTI.06R7.B2I10_TCSG.6R7.B2:LOSS_RS09",
        Fault.BREAKAGE,
        1,
        "stuck",
        "Its high voltage tripped: the reading has been frozen on one value since.",
        at=14 * HOUR + 12 * MINUTE,
    ),
    "blm-noise": _Plan(
        "BLM_LHC-IR7",
        "BLMQI.07L7.B1E10_MQ:NOISE_RS01",
        Fault.AGEING,
        13,
        "range",
        "A degrading connector: the noise of the 40 us sum grows from 60 to more than 300 bits, "
        "at which a monitor is to be repaired.",
    ),
    "bsrt-lsf": _Plan(
        "BSRT_LHC-B1",
        "LHC.BSRT.5R4.B1:LSF_H",
        Fault.CALIBRATION,
        1,
        "setting",
        "Somebody tried another line-spread correction and did not put the old one back: 0.560 mm "
        "instead of 0.528, which moves every emittance.",
        at=11 * HOUR + 25 * MINUTE,
    ),
    "bsrt-unit": _Plan(
        "BSRT_LHC-B2",
        "LHC.BSRT.5L4.B2:FIT_SIGMA_H",
        Fault.CALIBRATION,
        0,
        "unit",
        "A new front-end release logs the horizontal beam size in um instead of mm "
        "from mid-morning on.",
        at=9 * HOUR + 40 * MINUTE,
    ),
    "bsrt-light": _Plan(
        "BSRT_LHC-B2",
        "LHC.BSRT.5L4.B2:LIGHT_YIELD",
        Fault.AGEING,
        12,
        "range",
        "The extraction mirror darkens: 1.8 % less light per charge each day, below the limit of "
        "80 % in the last days.",
    ),
    "btv-missing": _Plan(
        "BTV_LHC-dump",
        "TD62.BTVD.623458.B2/Image#maxPixel",
        Fault.BREAKAGE,
        0,
        "expression",
        "The camera of the dump line of beam 2 hung in the morning: beams were dumped later and "
        "nobody saw how.",
        at=8 * HOUR,
    ),
    "btv-stripe": _Plan(
        "BTV_LHC-dump",
        "TD68.BTVD.683458.B1/Image#imageSet",
        Fault.BREAKAGE,
        3,
        "image",
        "Radiation killed six neighbouring columns of the sensor: a dark stripe across all images.",
    ),
}  # fmt: skip


def planted(last: date) -> tuple[PlantedFault, ...]:
    """The faults of a demo that ends on `last`."""
    from oaflib.series import device_of

    return tuple(
        PlantedFault(
            key=key,
            dataset=plan.dataset,
            device=plan.device or device_of(plan.variable),
            variable=plan.variable,
            fault=plan.fault,
            first=SINCE[key] if plan.back == _YEARS else last - timedelta(days=plan.back),
            final=last - timedelta(days=plan.until),
            check=plan.check,
            story=plan.story,
            slow=plan.back == _YEARS,
        )
        for key, plan in _PLANS.items()
    )


def bounds(key: str, day: Day) -> tuple[int, int]:
    """When the fault `key` is there, half-open in ns UTC, on the demo that `day` belongs to."""
    plan = _PLANS[key]
    first = Day.of(day.last - timedelta(days=plan.back), day.last)
    final = Day.of(day.last - timedelta(days=plan.until), day.last)
    return first.start + plan.at, final.stop


def active(key: str, day: Day) -> bool:
    """Whether the fault `key` can be seen on `day`."""
    start, stop = bounds(key, day)
    return start < day.stop and stop > day.start


def struck(key: str, day: Day, time: Times) -> NDArray[np.bool_]:
    """Which of `time` suffer from the fault `key`."""
    start, stop = bounds(key, day)
    return np.asarray((time >= start) & (time < stop))


def progress(key: str, day: Day, time: Times) -> Floats:
    """Days since a creeping fault began, at each time; 0 before it."""
    start, _ = bounds(key, day)
    return np.asarray(np.clip((time - start) / DAY, 0, None))
