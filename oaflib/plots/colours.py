"""Colours that people with any colour vision tell apart, on light cards and dark ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oaflib.report import Severity

# name: on a light card, on a dark one. Lines are Okabe and Ito's, black and yellow replaced.
PAINTS: dict[str, tuple[str, str]] = {
    "card": ("#ffffff", "#1b1f24"),
    "plot": ("#f7f8fa", "#22272e"),
    "ink": ("#24292f", "#d8dee4"),
    "soft": ("#626b75", "#9aa4af"),
    "grid": ("#e1e5ea", "#353c45"),
    "frame": ("#aab2bd", "#57606a"),
    "c0": ("#0072b2", "#4ba3dc"),
    "c1": ("#d55e00", "#f08a42"),
    "c2": ("#009e73", "#2fc39a"),
    "c3": ("#a5548b", "#d993bf"),
    "c4": ("#56b4e9", "#8fd0f5"),
    "c5": ("#c78a00", "#e8b43c"),
    "c6": ("#5b5f97", "#9a9fe0"),
    "c7": ("#7a7a7a", "#b3b3b3"),
    "ok": ("#1a7f5a", "#3fb98b"),
    "warning": ("#b26a00", "#e5a52e"),
    "alarm": ("#c3291c", "#ff7b6b"),
    "invalid": ("#6e4a9e", "#b794e8"),
    "na": ("#8b949e", "#7d8590"),
    "okfill": ("#d9efe6", "#1f3b30"),
    "warningfill": ("#fbe6c2", "#4a3713"),
    "alarmfill": ("#f9d0cb", "#55201b"),
    "invalidfill": ("#e6daf5", "#3a2b53"),
    "nafill": ("#eceff2", "#2a3038"),
    "band0": ("#e8edf3", "#2b323b"),
    "band1": ("#d5dee8", "#39424e"),
    "band2": ("#cfe8dc", "#25473a"),
    "closed": ("#e9e4da", "#332f28"),
    "l0": ("#9cc9e6", "#2a5f85"),
    "l1": ("#f3bb92", "#8a4a1c"),
    "l2": ("#9bd8c3", "#1d6e56"),
    "l3": ("#dcb7cf", "#744060"),
    "l4": ("#cfe6f5", "#3c5d70"),
    "l5": ("#ecd08d", "#77560c"),
    "l6": ("#c1c4e6", "#494d80"),
    "l7": ("#d0d3d6", "#4d545c"),
    "l8": ("#86a9c8", "#3a4f63"),
    "l9": ("#cf9d93", "#6b3b33"),
    "l10": ("#b7c88a", "#4f5f26"),
    "l11": ("#b3a1d6", "#57457c"),
}
LINES = 8
LANES = 12

SYMBOLS = {
    Severity.OK: "✓",
    Severity.WARNING: "!",
    Severity.ALARM: "✕",
    Severity.INVALID: "?",
    Severity.NOT_APPLICABLE: "–",
}
WORDS = {
    Severity.OK: "ok",
    Severity.WARNING: "warning",
    Severity.ALARM: "alarm",
    Severity.INVALID: "invalid",
    Severity.NOT_APPLICABLE: "na",
}

# anchors of two maps whose lightness runs evenly, so that they read in grey and to the colour-blind
_RISING = ["#00224e", "#223c6b", "#4b546c", "#707174", "#958f78", "#bcae6c", "#e4cf5b", "#fee838"]
_DIVERGING = ["#0b3c6f", "#3f7db4", "#9cc0dd", "#f2f2f2", "#e8b48f", "#c06a3a", "#6e2a0c"]


def line(i: int) -> str:
    """The paint of the i-th line."""
    return f"c{i % LINES}"


def lane(i: int) -> str:
    """The paint of the i-th state of a lane."""
    return f"l{i % LANES}"


def rgb(text: str) -> tuple[int, int, int]:
    """``#rrggbb`` to three bytes."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def palette(diverging: bool = False) -> NDArray[np.uint8]:
    """256 colours; the first is for what is not there, 1 to 255 run from low to high."""
    anchors = np.array([rgb(text) for text in (_DIVERGING if diverging else _RISING)], float)
    at = np.linspace(0, len(anchors) - 1, 255)
    ramp = [np.interp(at, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    table = np.stack(ramp, axis=1).round().astype(np.uint8)
    return np.concatenate([np.array([[128, 128, 128]], np.uint8), table])


def shades(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    """Values as indices of a palette: `low` is 1, `high` is 253, NaN is 0."""
    if high > low:
        with np.errstate(over="ignore", invalid="ignore"):
            share = (values / 2 - low / 2) / (high / 2 - low / 2)  # halves: no overflow
    else:
        share = np.where(np.isnan(values), np.nan, 0.5)
    known = ~np.isnan(share)
    index = np.zeros(values.shape, np.uint8)
    # 85 steps: no one sees more, and noise takes a quarter less room
    index[known] = 1 + 3 * (np.clip(share[known], 0, 1) * 84).round().astype(np.uint8)
    return index
