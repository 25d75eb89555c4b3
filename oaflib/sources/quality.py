"""What a logging system says of its own samples, kept where a series has no place for it.

A sample that its system calls invalid never looks like a good one: a number becomes NaN, a vector
or an image all NaN, a text `INVALID_TEXT`. So it is counted as odd, and judged as such. Where the
connection to the device was lost the same marks the moment of the loss, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oaflib.series import Kind

INVALID_TEXT = "(invalid)"
LOST_TEXT = "(disconnected)"


@dataclass
class Quality:
    """Counts over what was read of one variable since its source was entered.

    Attributes
    ----------
    invalid : samples that the system calls invalid; they came as NaN or `INVALID_TEXT`.
    warned : samples under a minor or major alarm of the control system; their values stand.
    disconnects : times at which the connection was lost.
    reason : the last reason the system gave for an invalid sample, if it gives any.
    """

    invalid: int = 0
    warned: int = 0
    disconnects: int = 0
    reason: str = ""


def blank(kind: Kind, like: object, text: str = INVALID_TEXT) -> Any:
    """What stands for a sample without a value; of the size of `like` where that has one."""
    if kind is Kind.NUMERIC:
        return np.nan
    if kind is Kind.TEXTUAL:
        return text
    if kind is Kind.VECTORSTRING:
        return np.array([text], dtype=object)
    shape = (
        like.shape if isinstance(like, np.ndarray) else (0,) * (1 + (kind is Kind.MATRIXNUMERIC))
    )
    return np.full(shape, np.nan)
