"""The appliance's JSON answers as chunks; it prints them itself, not quite as JSON is defined."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from oaflib.sources.archiver.wire import Chunk, DamagedStream

_SECOND = 10**9
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def chunks_of(text: bytes) -> Iterator[Chunk]:
    """The chunks of a whole ``getData.json`` answer, in the order it has them.

    Bare NaN and Infinity are taken. Values that change between scalar, vector and text make chunks
    of their own; their types are empty, for the format does not say them.

    Raises
    ------
    DamagedStream
        Not such an answer; most often because it was cut.
    """
    try:
        answer = json.loads(text.decode("utf-8", "replace"), strict=False)
        for part in answer:
            meta = {str(key): str(value) for key, value in part["meta"].items()}
            pv = meta.pop("name")
            samples: list[dict[str, Any]] = []
            for sample in part["data"]:
                if samples and _form(sample["val"]) != _form(samples[-1]["val"]):
                    yield _chunk(pv, meta, samples)
                    samples = []
                samples.append(sample)
            yield _chunk(pv, meta, samples)
    except _UNREADABLE as error:
        raise DamagedStream(f"it is not the appliance's JSON: {error}") from error


def _chunk(pv: str, meta: dict[str, str], samples: list[dict[str, Any]]) -> Chunk:
    time = [int(sample["secs"]) * _SECOND + int(sample["nanos"]) for sample in samples]
    values = [sample["val"] for sample in samples]
    form = _form(values[0]) if values else ""
    made: Any = values
    if form == "numbers":
        made = [np.array(value, np.float64) for value in values]
    elif form == "number":
        made = np.array(values, np.float64)
    elif form == "object":
        raise DamagedStream("its values are structures")
    return Chunk(
        pv,
        {"number": "DBR_SCALAR_DOUBLE", "numbers": "DBR_WAVEFORM_DOUBLE",
         "text": "DBR_SCALAR_STRING", "texts": "DBR_WAVEFORM_STRING"}.get(form, ""),
        meta,
        np.array(time, np.int64),
        made,
        np.array([int(sample.get("severity", 0)) for sample in samples], np.int64),
        {
            number: {str(key): str(value) for key, value in sample["fields"].items()}
            for number, sample in enumerate(samples)
            if sample.get("fields")
        },
    )  # fmt: skip


def _form(value: Any) -> str:
    if isinstance(value, list):
        return "texts" if value and isinstance(value[0], str) else "numbers"
    if isinstance(value, str):
        return "text"
    return "object" if isinstance(value, dict) or value is None else "number"
