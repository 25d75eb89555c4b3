"""Is the status what it may be: a text, texts, or the bits of a number?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from oaflib.checks.base import Context, Duration, SeriesCheck, Verdict
from oaflib.checks.excursions import Leniency, excursions
from oaflib.checks.facts import Mask, missing
from oaflib.checks.room import matching
from oaflib.checks.words import plural, share, some
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series, Variable

_EXACT = 2**53  # integers a float64 holds exactly


@dataclass(frozen=True)
class Text(SeriesCheck):
    """A status that is not allowed: a text, one of several texts, or a bit of a number.

    TEXTUAL and VECTORSTRING variables are held against `allowed` and `forbidden`. A NUMERIC
    variable is taken as a bit mask: `bits` names its bits, `on` must be set and `off` must not.
    A status holds until the next one: where the source knows it, the last one before the window
    is judged too.

    Attributes
    ----------
    allowed : texts (or ``%`` patterns) that are fine; empty means all that are not forbidden.
    forbidden : texts (or ``%`` patterns) that are not.
    bits : name of a bit to its number, the lowest being 0: ``{ready = 0, interlock = 3}``.
    on, off : names or numbers of bits that must be set, or clear.
    min_duration : shorter times of a wrong status do not count: ``30s``, or seconds.
    allowed_fraction : share of samples that may be wrong.
    """

    kind: ClassVar[str] = "text"
    fault: ClassVar[Fault] = Fault.BAD_USAGE
    holds: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TEXTUAL, Kind.VECTORSTRING, Kind.NUMERIC)

    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    bits: Mapping[str, int] = field(default_factory=dict)
    on: tuple[str | int, ...] = ()
    off: tuple[str | int, ...] = ()
    min_duration: Duration | None = None
    allowed_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fraction("allowed_fraction")
        self._durations("min_duration")
        if not (self.allowed or self.forbidden or self.on or self.off):
            raise ValueError(
                "text judges nothing; give allowed or forbidden texts, or bits on, off"
            )
        for name, bit in self.bits.items():
            if not 0 <= bit < 53:
                raise ValueError(f"bit {name} is {bit}; bits are numbered 0 to 52")
        wanted = {self._bit(bit) for bit in self.on}
        both = wanted & {self._bit(bit) for bit in self.off}
        if both:
            raise ValueError(f"bit {self._named(min(both))} must be both on and off")

    def takes(self, variable: Variable) -> bool:
        """Texts where texts are configured, numbers where bits are."""
        if variable.kind is Kind.NUMERIC:
            return bool(self.on or self.off)
        return variable.kind in self.kinds and bool(self.allowed or self.forbidden)

    def weigh(self, series: Series, context: Context) -> Verdict:
        odd = missing(series)
        if series.kind is Kind.NUMERIC:
            if not (self.on or self.off):
                reason = f"{series.name} is a number; give the bits that must be on or off"
                return Verdict(Severity.INVALID, reason)
            bad, odd, limit = self._wrong_bits(series, odd)
        else:
            bad, limit = self._wrong_texts(series)
        known = ~odd
        n = len(series)
        last = _text(series.value[np.flatnonzero(known)[-1]]) if known.any() else None
        fine = Verdict(Severity.OK, f"{last} at the end, never wrong", last, limit)
        time, value = series.time[known], series.value[known]
        leniency = Leniency(self.min_duration, self.allowed_fraction)
        out = excursions(bad[known], time, leniency, context)
        if out is not None:
            reason = f"{self._accuse(value[out.mask], series.kind)}, {out.words}"
            found = _text(value[np.argmax(out.mask)])
            return Verdict(self.violated, reason, found, limit, out.since)
        if bad[known].any():
            fine = fine.but(Severity.OK, f"{last} at the end; wrong for less than what counts")
        bad_and_odd = int(odd.sum())
        if bad_and_odd > self.allowed_fraction * n:
            what = "NaN or not a whole number" if series.kind is Kind.NUMERIC else "empty"
            reason = f"{share(bad_and_odd, n)} of {plural(n, 'sample')} are {what}: not a status"
            return fine.but(Severity.INVALID, reason, int(series.time[np.argmax(odd)]))
        return fine

    def _wrong_texts(self, series: Series) -> tuple[Mask, dict[str, Any]]:
        limit: dict[str, Any] = {}
        if self.allowed:
            limit["allowed"] = list(self.allowed)
        if self.forbidden:
            limit["forbidden"] = list(self.forbidden)
        if series.kind is Kind.TEXTUAL:
            return self._wrong(series.value), limit
        lengths = np.array([len(row) for row in series.value])
        flat = np.concatenate([np.asarray(row, dtype=object) for row in series.value])
        hits = np.concatenate([[0], np.cumsum(self._wrong(flat))])
        ends = np.cumsum(lengths)
        return hits[ends] > hits[ends - lengths], limit

    def _wrong(self, texts: Any) -> Mask:
        """Which of `texts` are not allowed; each distinct one is looked at once."""
        column = pa.array([None if t is None else str(t) for t in texts], pa.large_string())
        coded = column.dictionary_encode()
        verdicts = np.array(
            [self._text_is_wrong(t) for t in coded.dictionary.to_pylist()] + [False]
        )
        return np.asarray(verdicts[coded.indices.fill_null(len(verdicts) - 1).to_numpy()])

    def _text_is_wrong(self, text: str) -> bool:
        if self.allowed and not any(matching(pattern, [text]) for pattern in self.allowed):
            return True
        return any(matching(pattern, [text]) for pattern in self.forbidden)

    def _wrong_bits(self, series: Series, odd: Mask) -> tuple[Mask, Mask, dict[str, Any]]:
        number = series.value.astype(np.float64, copy=False)
        odd = odd | (np.abs(number) >= _EXACT) | (np.floor(number) != number)
        mask = np.where(odd, 0, number).astype(np.int64)
        on = sum(1 << bit for bit in {self._bit(bit) for bit in self.on})
        off = sum(1 << bit for bit in {self._bit(bit) for bit in self.off})
        bad = ((mask & on) != on) | ((mask & off) != 0)
        limit: dict[str, Any] = {}
        if self.on:
            limit["on"] = [self._named(self._bit(bit)) for bit in self.on]
        if self.off:
            limit["off"] = [self._named(self._bit(bit)) for bit in self.off]
        return bad & ~odd, odd, limit

    def _bit(self, bit: str | int) -> int:
        if isinstance(bit, str):
            if bit not in self.bits:
                known = some(list(self.bits)) if self.bits else "none are named"
                raise ValueError(f"no bit is called '{bit}'; bits: {known}")
            return self.bits[bit]
        if not 0 <= bit < 53:
            raise ValueError(f"bit {bit}: bits are numbered 0 to 52")
        return bit

    def _named(self, bit: int) -> str:
        names = [name for name, number in self.bits.items() if number == bit]
        return names[0] if names else f"bit {bit}"

    def _accuse(self, values: Any, kind: Kind) -> str:
        if kind is Kind.NUMERIC:
            masks = values.astype(np.int64)
            clear = [b for b in map(self._bit, self.on) if ((masks >> b) & 1 == 0).any()]
            raised = [b for b in map(self._bit, self.off) if ((masks >> b) & 1 == 1).any()]
            blamed = [f"{self._named(bit)} not set" for bit in clear]
            return some(blamed + [f"{self._named(bit)} set" for bit in raised])
        texts = values if kind is Kind.TEXTUAL else [t for row in values for t in row]
        wrong = sorted({str(t) for t in texts if t is not None and self._text_is_wrong(str(t))})
        words = some([f"'{text}'" for text in wrong])
        return f"{words}, allowed {some(self.allowed)}" if self.allowed else f"{words} is forbidden"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if np.ndim(value):
        return some([str(text) for text in value])
    return f"{value:g}"
