"""One sample as text: which kind it is of, and its value."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from oaflib.series import Kind, Values, stack

NUMBER = (
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
    r"|[nN][aA][nN]|[iI][nN][fF]|[iI][nN][fF][iI][nN][iI][tT][yY])"
)
_NUMBER = re.compile(NUMBER)
_INT32 = 2**31


def parse(text: str, kind: Kind | None) -> tuple[Kind, Any]:
    """The value of one sample of that kind; of an unknown kind, the kind it looks like.

    Number → NUMERIC, list of numbers (or an empty one) → VECTORNUMERIC, list of lists →
    MATRIXNUMERIC, list of texts → VECTORSTRING, other text → TEXTUAL.

    Raises
    ------
    ValueError
        It is no value of that kind, or of any.
    """
    if kind is Kind.TEXTUAL:
        return kind, text
    written, text = text, text.strip()
    if kind is Kind.NUMERIC or (kind is None and _NUMBER.fullmatch(text)):
        return Kind.NUMERIC, number(text)
    if kind is None and not text:
        raise ValueError("there is no value; a number that is none is written NaN")
    if kind is None and not text.startswith("["):
        return Kind.TEXTUAL, written
    entries = _list(text)
    kind = kind or _kind_of(entries)
    if kind is Kind.VECTORSTRING:
        return kind, _texts(entries)
    if kind is Kind.VECTORNUMERIC:
        return kind, _numbers(entries, 1)
    return kind, _image(entries)


def kind_named(text: str) -> Kind:
    """The kind of that name, in any case.

    Raises
    ------
    ValueError
        There is none.
    """
    try:
        return Kind(text.strip().upper())
    except ValueError:
        raise ValueError(
            f"'{text}' is no kind; there are {', '.join(str(kind) for kind in Kind)}"
        ) from None


def gathered(kind: Kind, values: list[Any]) -> Values:
    """Parsed samples as `Series.value` has them."""
    if kind is Kind.NUMERIC:
        return np.array(values, dtype=np.float64)
    if kind in (Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC):
        return stack(values, ndim=1 if kind is Kind.VECTORNUMERIC else 2)
    every = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        every[i] = value
    return every


def number(text: str) -> float:
    """A number; ``NaN``, ``inf`` and ``-inf`` are numbers.

    Raises
    ------
    ValueError
        It is none.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{_quoted(text)} is not a number" if text else "there is no value")
    return float(text)


def _list(text: str) -> list[Any]:
    if not text.startswith("["):
        raise ValueError(f"{_quoted(text)} is not a list; write it as JSON: [1, 2.5, 3]")
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{_quoted(text)} is not a JSON list: {error}") from None
    if not isinstance(entries, list):
        raise ValueError(f"{_quoted(text)} is not a JSON list")
    return entries


def _kind_of(entries: list[Any]) -> Kind:
    if entries and isinstance(entries[0], list):
        return Kind.MATRIXNUMERIC
    if entries and isinstance(entries[0], str):
        return Kind.VECTORSTRING
    return Kind.VECTORNUMERIC


def _texts(entries: list[Any]) -> Any:
    for entry in entries:
        if not isinstance(entry, str):
            raise ValueError(f"a list of texts holds {_quoted(json.dumps(entry))}")
    return np.array(entries, dtype=object)


def _numbers(entries: list[Any], ndim: int) -> Any:
    """Float64 of that many dimensions; null is NaN."""
    if ndim == 1:
        for entry in entries:
            if isinstance(entry, bool) or not isinstance(entry, int | float | None):
                raise ValueError(f"a list of numbers holds {_quoted(json.dumps(entry))}")
    try:
        return np.array([np.nan if entry is None else entry for entry in entries], dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"not a list of numbers: {error}") from None


def _image(entries: list[Any]) -> Any:
    """2-d: whole numbers as int32 (or int64), others as float64."""
    if not all(isinstance(row, list) for row in entries):
        raise ValueError("an image is a list of lists, one a row")
    widths = sorted({len(row) for row in entries})
    if len(widths) > 1:
        raise ValueError(f"the rows of an image have {widths[0]} to {widths[-1]} columns")
    whole = all(type(pixel) is int for row in entries for pixel in row)
    if not entries or not widths[0]:
        return np.empty((len(entries), 0), dtype=np.int32)
    if not whole:
        return np.stack([_numbers(row, 1) for row in entries])
    try:
        image = np.array(entries, dtype=np.int64)
    except OverflowError:
        raise ValueError("a pixel is beyond 64 bits") from None
    small = image.min() >= -_INT32 and image.max() < _INT32
    return image.astype(np.int32) if small else image


def _quoted(text: str) -> str:
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
