"""Archived attributes: their types, and how a row of their table becomes a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oaflib.series import Kind, Values, Variable, stack

STATES = (
    "ON", "OFF", "CLOSE", "OPEN", "INSERT", "EXTRACT", "MOVING", "STANDBY", "FAULT", "INIT",
    "RUNNING", "ALARM", "DISABLE", "UNKNOWN",
)  # fmt: skip
_DTYPES = {
    "DEV_BOOLEAN": "u1", "DEV_UCHAR": "u1", "DEV_SHORT": "i2", "DEV_USHORT": "u2",
    "DEV_LONG": "i4", "DEV_ULONG": "u4", "DEV_LONG64": "i8", "DEV_ULONG64": "u8",
    "DEV_FLOAT": "f4", "DEV_DOUBLE": "f8",
}  # fmt: skip
_WRITTEN = "WRITE"


@dataclass(frozen=True)
class Attribute:
    """One row of ``att_conf``, in words.

    Attributes
    ----------
    type_name : ``DEV_DOUBLE`` … shape : ``SCALAR``, ``SPECTRUM`` or ``IMAGE``. write : ``READ``,
        ``WRITE`` … table : where its samples are.
    """

    number: int
    variable: Variable
    type_name: str
    shape: str
    write: str
    table: str

    @property
    def readable(self) -> bool:
        """Whether its samples are numbers or texts."""
        texts = ("DEV_STRING", "DEV_STATE", "DEV_ENUM")
        return self.type_name in _DTYPES or (self.type_name in texts and self.shape != "IMAGE")

    @property
    def column(self) -> str:
        """The column of its values: what was set, where nothing can be read."""
        return "value_w" if self.write == _WRITTEN else "value_r"

    @property
    def cast(self) -> str:
        """The SQL type its values are asked in, so that unsigned ones come as numbers."""
        many = "" if self.shape == "SCALAR" else "[]"
        if self.type_name == "DEV_BOOLEAN":
            return f"int{many}"
        if self.type_name in ("DEV_LONG64", "DEV_ULONG64") and self.shape == "IMAGE":
            return f"numeric{many}"
        if self.type_name in _DTYPES:
            return f"float8{many}"
        return f"int{many}" if self.type_name == "DEV_STATE" else f"text{many}"

    def values(self, samples: Sequence[Any]) -> Values:
        """The samples of rows, each with a value."""
        kind = self.variable.kind
        if kind is Kind.NUMERIC:
            return np.array(samples, np.float64)
        if kind is Kind.VECTORNUMERIC:
            return stack([np.array(row, np.float64) for row in samples], ndim=1)
        if kind is Kind.MATRIXNUMERIC:
            return stack([self._image(rows) for rows in samples], ndim=2)
        made = np.empty(len(samples), object)
        for place, sample in enumerate(samples):
            texts = [self._text(one) for one in (sample if isinstance(sample, list) else [sample])]
            made[place] = texts[0] if kind is Kind.TEXTUAL else np.array(texts, object)
        return made

    def _text(self, value: Any) -> str:
        if self.type_name == "DEV_STATE" and value is not None:
            return STATES[value] if 0 <= value < len(STATES) else f"state {value}"
        return "" if value is None else str(value)

    def _image(self, rows: list[Any]) -> np.ndarray[Any, Any]:
        holes = any(value is None for row in rows for value in row)
        image = np.array(rows, np.float64 if holes else _DTYPES[self.type_name])
        return image.reshape(0, 0) if image.ndim != 2 else image


def kind_of(type_name: str, shape: str) -> Kind:
    """The kind of an attribute of that type and shape."""
    if type_name in _DTYPES:
        kinds = {"SCALAR": Kind.NUMERIC, "IMAGE": Kind.MATRIXNUMERIC}
        return kinds.get(shape, Kind.VECTORNUMERIC)
    return Kind.TEXTUAL if shape == "SCALAR" else Kind.VECTORSTRING
