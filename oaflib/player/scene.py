"""A scene: all that a screen shows of a window, as plain JSON and one block of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oaflib.checks import Check
from oaflib.inform.texts import told
from oaflib.player.lanes import COLUMNS, Lane
from oaflib.player.limits import Limit
from oaflib.player.timeline import Timeline
from oaflib.window import Window


@dataclass(frozen=True, eq=False)
class Scene:
    """What is shown: lanes of trends, a matrix of devices × checks, and a list of alarms.

    Attributes
    ----------
    checks : the dataset's; their labels are the columns of the matrix.
    limits : those that can be changed with a slider; none in an online view.
    choices : the snapshots to choose from, the one shown first.
    """

    window: Window
    title: str
    lanes: tuple[Lane, ...]
    checks: Sequence[Check]
    timeline: Timeline
    limits: tuple[Limit, ...] = ()
    choices: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        start = self.window.start_ns
        return {
            "title": self.title,
            "zone": self.window.zone,
            "start": start / 1e9,
            "seconds": (self.window.end_ns - start) / 1e9,
            "columns": COLUMNS,
            "times": [(time - start) / 1e9 for time in self.timeline.times],
            "lanes": [lane.document() for lane in self.lanes],
            "lines": [
                [number, key, float(value)]
                for number, key in sorted({line for lane in self.lanes for line in lane.limits})
                if (value := getattr(self.checks[number], key, None)) is not None
            ],
            "choices": list(self.choices),
            "limits": [limit.document() for limit in self.limits],
            **events_document(self.timeline, self.checks, self.window),
        }

    def buffer(self) -> bytes:
        """float32[lanes drawn as lines, 2, COLUMNS]: low and high of each, in order."""
        pairs = [
            (lane.low, lane.high)
            for lane in self.lanes
            if not lane.states and lane.low is not None and lane.high is not None
        ]
        return np.array(pairs, np.float32).tobytes()


def events_document(timeline: Timeline, checks: Sequence[Check], window: Window) -> dict[str, Any]:
    """The rows and columns of the matrix, and every event with the place of its cell in it."""
    cells = {event.cell for event in timeline.events}
    devices = list(dict.fromkeys(cell.device for cell in sorted(cells, key=lambda c: c.check)))
    labels = list(dict.fromkeys(check.label for check in checks))
    row = {device: i for i, device in enumerate(sorted(devices))}
    column = {label: i for i, label in enumerate(labels)}
    alarm = {id(event): i for i, event in enumerate(timeline.alarms)}
    return {
        "devices": sorted(devices),
        "checks": labels,
        "events": [
            {
                "t": (event.time - window.start_ns) / 1e9,
                "cell": f"{event.cell.check}|{event.cell.device}|{event.cell.variable}",
                "row": row[event.cell.device],
                "column": column[checks[event.cell.check].label],
                "severity": str(event.outcome.severity),
                "variable": event.outcome.variable,
                "device": event.outcome.device,
                "check": event.outcome.check,
                "reason": told(event.outcome.reason, window),
                "alarm": alarm.get(id(event), -1),
            }
            for event in timeline.events
        ],
    }
