"""Is it set as it should be, or as it was?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from oaflib.checks.base import Context, Duration, SeriesCheck, Verdict
from oaflib.checks.excursions import Leniency, excursions
from oaflib.checks.facts import Mask, missing
from oaflib.checks.words import plural, quantity, share, some, utc
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series

Expected = float | str


@dataclass(frozen=True)
class Setting(SeriesCheck):
    """A setting that is not as expected, or not as before.

    With `expected`, every sample must be one of the values given. Without, nothing may change: the
    value must stay what it last was in the earlier windows, or where there is no history what it
    was when this one began. Of vectors every element is held against the expected value, or
    against its own first one. NaN is never as expected. A setting holds until it changes, so the
    last value before the window is judged too where the source knows it.

    Attributes
    ----------
    expected : a number or a text, or a list of those that are fine.
    tolerance : difference allowed, in the variable's unit.
    percent : difference allowed, in percent of the expected value; the larger one counts.
    min_duration : shorter times of a wrong setting do not count: ``30s``, or seconds.
    """

    kind: ClassVar[str] = "setting"
    fault: ClassVar[Fault] = Fault.BAD_USAGE
    holds: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.TEXTUAL, Kind.VECTORNUMERIC)

    expected: Expected | tuple[Expected, ...] | None = None
    tolerance: float = 0.0
    percent: float = 0.0
    min_duration: Duration | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("tolerance", "percent")
        self._durations("min_duration")
        if self.expected == ():
            raise ValueError("expected is an empty list: nothing would ever be right")
        for value in self._values:
            if not isinstance(value, str) and not np.isfinite(value):
                raise ValueError(f"expected is {value}; it must be a number")

    @property
    def _values(self) -> tuple[Expected, ...]:
        if self.expected is None:
            return ()
        return self.expected if isinstance(self.expected, tuple) else (self.expected,)

    def weigh(self, series: Series, context: Context) -> Verdict:
        odd = missing(series)
        count = len(series)
        if odd.all():
            reason = f"all of {plural(count, 'sample')} are NaN, infinite or empty"
            return Verdict(Severity.INVALID, f"{reason}: the setting is not known")
        good = series.where(~odd)
        texts = series.kind is Kind.TEXTUAL
        wanted = self._values
        origin = ""
        if not wanted and series.kind is Kind.VECTORNUMERIC:
            bad, wanted, origin = self._changed(good), (), "its first vector"
        else:
            if not wanted:
                wanted, origin = _before(good, context)
            alien = [value for value in wanted if isinstance(value, str) is not texts]
            if alien:
                what = "texts" if texts else "numbers"
                reason = f"expected is {some([repr(v) for v in alien])}, but the samples are {what}"
                return Verdict(Severity.INVALID, reason)
            bad = self._wrong(good, wanted)
        spelt = some([_spell(value, series.unit) for value in wanted]) or origin
        limit: dict[str, Any] = {"expected": _plain(wanted)} if wanted else {}
        if self.tolerance or self.percent:
            limit["tolerance"] = self.tolerance
            limit["percent"] = self.percent
        last = _value(good.value[-1])
        fine = Verdict(Severity.OK, f"always {spelt}{self._slack(series.unit)}", last, limit)
        out = excursions(bad, good.time, Leniency(self.min_duration), context)
        if out is not None:
            found = _value(good.value[out.mask][-1])
            reason = self._accusation(found, series.unit, spelt, origin)
            return Verdict(self.violated, f"{reason}, {out.words}", found, limit, out.since)
        if odd.any():
            reason = f"{share(int(odd.sum()), count)} of {plural(count, 'sample')} are NaN or empty"
            since = int(series.time[np.argmax(odd)])
            return fine.but(Severity.INVALID, f"{reason}: not known to be {spelt} then", since)
        return fine

    def _accusation(self, found: Expected | None, unit: str, spelt: str, origin: str) -> str:
        now = "some elements differ" if found is None else _spell(found, unit)
        if not origin:
            return f"{now}, expected {spelt}{self._slack(unit)}"
        if found is None:
            return f"{now} from {origin}"
        return f"{now}, changed from {spelt} ({origin})"

    def _slack(self, unit: str) -> str:
        parts = [f"± {quantity(self.tolerance, unit)}"] if self.tolerance else []
        parts += [f"± {self.percent:g} %"] if self.percent else []
        return f" ({' or '.join(parts)})" if parts else ""

    def _wrong(self, series: Series, wanted: tuple[Expected, ...]) -> Mask:
        right = np.zeros(len(series), dtype=bool)
        for value in wanted:
            if isinstance(value, str):
                right |= np.asarray(series.value == value, dtype=bool)
            elif series.value.dtype == object:
                right |= np.array([self._near(row, value).all() for row in series.value])
            elif series.value.ndim > 1:
                right |= self._near(series.value, value).all(axis=1)
            else:
                right |= self._near(series.value, value)
        return ~right

    def _changed(self, series: Series) -> Mask:
        first: Any = series.value[0]
        if series.value.dtype != object:
            return np.asarray(~self._near(series.value, first).all(axis=1))
        return np.array(
            [row.shape != first.shape or not self._near(row, first).all() for row in series.value]
        )

    def _near(self, value: Any, wanted: Any) -> Any:
        slack = np.maximum(self.tolerance, np.abs(wanted) * self.percent / 100)
        return np.abs(value - wanted) <= slack


def _before(series: Series, context: Context) -> tuple[tuple[Expected, ...], str]:
    """The value to stay at, and where it was."""
    earlier = [day for day in context.earlier(series.name) if day.last is not None]
    if earlier and earlier[-1].last_time is not None:
        return (earlier[-1].last,), f"at {utc(earlier[-1].last_time)}"  # type: ignore[return-value]
    if earlier:
        return (earlier[-1].last,), "in the last window"  # type: ignore[return-value]
    first = series.value[0]
    value = str(first) if series.kind is Kind.TEXTUAL else float(first)
    return (value,), f"at {utc(int(series.time[0]))}"


def _value(sample: Any) -> Expected | None:
    if isinstance(sample, str):
        return sample
    return float(sample) if np.ndim(sample) == 0 else None


def _plain(wanted: tuple[Expected, ...]) -> Any:
    return wanted[0] if len(wanted) == 1 else list(wanted)


def _spell(value: Expected, unit: str) -> str:
    return f"'{value}'" if isinstance(value, str) else quantity(value, unit)
