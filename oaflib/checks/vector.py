"""Are all elements of a vector alive, and are there always as many?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from oaflib.checks.base import Context, SeriesCheck, Verdict
from oaflib.checks.facts import Floats, Mask, spread
from oaflib.checks.words import plural, quantity, share, some, utc
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series

_FEW = 20  # vectors below which an element's silence proves nothing
_LOOK = 4_000  # vectors looked at for noise and spikes
_SPIKE = 20.0  # robust standard deviations
_RAILS = tuple(float(2**bits - 1) for bits in (8, 10, 12, 14, 16, 18, 20, 24))


@dataclass(frozen=True)
class Vector(SeriesCheck):
    """Elements that are dead, flat, saturated or spiking; a length that changes.

    Dead is always zero or always NaN, flat always another value. Where most elements are so it is
    taken for the vector's structure (empty slots) and let be. Dead is also one of the few that
    never was zero before, and then stays so for the last twentieth of the window or longer while
    most others do not. Saturated is at `saturation` or
    beyond in more than 1 % of the vectors; without it a full scale of 8 to 24 bits counts, where
    it is the largest value met. Spiking is twenty times the element's own noise and ten times
    more than its fellows. A length that differs from `length`, or without one changes now and
    then, is a violation; one that changes all the time is the nature of the variable.

    Attributes
    ----------
    length : elements there must be.
    saturation : size of the largest value that can be read.
    allowed : bad elements that are let pass.
    ignore : elements, by index from 0, known to be bad.
    """

    kind: ClassVar[str] = "vector"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    alone: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    length: int | None = None
    saturation: float | None = None
    allowed: int = 0
    ignore: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("length", "allowed")
        if self.saturation is not None and not self.saturation > 0:
            raise ValueError(f"saturation is {self.saturation}; it must be above zero")

    def weigh(self, series: Series, context: Context) -> Verdict:  # noqa: ARG002
        verdict = self._lengths(series)
        if verdict is not None:
            return verdict
        value: Any = series.value
        lengths = np.array([len(row) for row in value])
        if series.ragged and (lengths == lengths[0]).all():
            value = np.stack(list(value))
        elif series.ragged:
            reason = f"{lengths.min()} to {plural(int(lengths.max()), 'element')}, ever changing"
            return self._odd_rows(series) or Verdict(Severity.OK, reason)
        if value.shape[1] == 0:
            return Verdict(Severity.INVALID, "vectors without elements: nothing was measured")
        return self._elements(series, value)

    def _lengths(self, series: Series) -> Verdict | None:
        if not series.ragged:
            width = series.value.shape[1]
            if self.length in (None, width):
                return None
            reason = f"{plural(width, 'element')}, expected {self.length}"
            limit = {"length": self.length}
            return self._bad_length(reason, width, limit, int(series.time[0]))
        lengths = np.array([len(row) for row in series.value])
        if self.length is not None:
            wrong = lengths != self.length
            if not wrong.any():
                return None
            first = int(np.argmax(wrong))
            part = share(int(wrong.sum()), len(series))
            reason = f"{plural(int(lengths[first]), 'element')} in {part} of the vectors"
            reason += f", expected {self.length}"
            since = int(series.time[first])
            return self._bad_length(reason, int(lengths[first]), {"length": self.length}, since)
        changes = np.flatnonzero(np.diff(lengths)) + 1
        if not len(changes) or len(changes) > max(3, 0.01 * len(series)):
            return None
        first = int(changes[0])
        was, now = int(lengths[first - 1]), int(lengths[first])
        reason = f"length changed from {was} to {plural(now, 'element')}"
        reason += f" at {utc(int(series.time[first]))}"
        if len(changes) > 1:
            reason += f", and {len(changes) - 1} times more"
        return self._bad_length(reason, now, {"length": was}, int(series.time[first]))

    def _bad_length(self, reason: str, found: int, limit: dict[str, Any], since: int) -> Verdict:
        return Verdict(self.violated, reason, float(found), limit, since, "elements")

    def _odd_rows(self, series: Series) -> Verdict | None:
        odd = np.array([len(row) > 0 and not np.isfinite(row).all() for row in series.value])
        if not odd.any():
            return None
        reason = f"{share(int(odd.sum()), len(odd))} of the vectors hold NaN or infinite elements"
        severity = Severity.INVALID if odd.all() else Severity.WARNING
        return Verdict(severity, reason, since=int(series.time[np.argmax(odd)]))

    def _elements(self, series: Series, value: Any) -> Verdict:
        count, width = value.shape
        finite = np.isfinite(value)
        known = finite.sum(axis=0)
        if not known.any():
            reason = f"all elements of {plural(count, 'vector')} are NaN or infinite"
            return Verdict(Severity.INVALID, reason, since=int(series.time[0]))
        clean = value if finite.all() else np.where(finite, value, np.nan)
        low, high = np.fmin.reduce(clean, axis=0), np.fmax.reduce(clean, axis=0)
        judged = ~np.isin(np.arange(width), self.ignore)
        bad: dict[int, str] = {}
        since = int(series.time[0])
        if count >= _FEW:
            still = self._still(series.unit, low, high, known, judged)
            if still is None:
                zero = "exactly 0" if not high.any() and not low.any() else "constant"
                reason = f"all of {plural(width, 'element')} are {zero} in every vector"
                return Verdict(self.violated, reason, float(width), self._limit, since, "elements")
            bad.update(still)
            ended, first = self._ended(series, value, judged & (low != high))
            since = since if bad or not ended else int(series.time[first])
            bad.update(ended)
        saturated, first = self._saturated(series.unit, clean, judged, high)
        if saturated:
            since = since if bad else int(series.time[first])
            bad.update({i: words for i, words in saturated.items() if i not in bad})
        fine = Verdict(
            Severity.OK, f"{plural(width, 'element')} alive", 0.0, self._limit, unit="elements"
        )
        if len(bad) > self.allowed:
            return self._said(fine, bad, width, self.violated, since)
        worn = self._spiking(clean, judged & (known == count)) if count >= _FEW else {}
        part = np.flatnonzero((known < count) & (known > 0) & judged)
        worn |= {int(i): f"is NaN in {share(count - int(known[i]), count)}" for i in part}
        worn = {i: words for i, words in worn.items() if i not in bad}
        if worn:
            return self._said(fine, worn, width, Severity.WARNING, int(series.time[0]))
        if bad:
            return fine.but(
                Severity.OK, f"{plural(len(bad), 'bad element')}, {self.allowed} allowed"
            )
        return fine

    @property
    def _limit(self) -> dict[str, Any]:
        return {"allowed": self.allowed}

    def _said(
        self, fine: Verdict, bad: dict[int, str], width: int, severity: Severity, since: int
    ) -> Verdict:
        said = some([f"element {i} {bad[i]}" for i in sorted(bad)])
        reason = f"{len(bad)} of {plural(width, 'element')}: {said}"
        return Verdict(severity, reason, float(len(bad)), fine.limit, since, "elements")

    def _still(
        self, unit: str, low: Floats, high: Floats, known: Any, judged: Mask
    ) -> dict[int, str] | None:
        """Dead and flat elements; none where most are so; None where all are."""
        constant = (low == high) & (known > 0)
        gone = known == 0
        if constant.all() and len(constant) > 1 and judged.any() and not high.any():
            return None
        still = (constant | gone) & judged
        if 2 * int(still.sum()) > int(judged.sum()):
            still = gone & judged
            if 2 * int(still.sum()) > int(judged.sum()):
                return {}
        words = {}
        for i in np.flatnonzero(still):
            spelt = "is always NaN" if gone[i] else f"is flat at {quantity(float(low[i]), unit)}"
            words[int(i)] = "is dead, always 0" if low[i] == 0 and not gone[i] else spelt
        return words

    def _ended(self, series: Series, value: Any, moving: Mask) -> tuple[dict[int, str], int]:
        """Elements that died within the window, and the first vector in which one was dead.

        Many at once are a change of the vector's structure (another filling pattern), not a death.
        """
        zero = value == 0
        live = np.flatnonzero(2 * zero[:, moving].sum(axis=1) < moving.sum())
        least = max(_FEW, 0.05 * len(value))
        if len(live) < _FEW + least:
            return {}, 0
        found: dict[int, int] = {}
        for i in np.flatnonzero(moving & zero[live[-1]]):
            silent = zero[live, i]
            stop = len(live) - int(np.argmin(silent[::-1]))  # the first of the zeros at the end
            if len(live) - stop >= least and stop >= _FEW and silent[:stop].mean() <= 0.01:
                found[int(i)] = int(live[stop])
        if len(found) > max(1, 0.01 * int(moving.sum())):
            return {}, 0
        first = min(found.values(), default=0)
        return {i: f"died, 0 since {utc(int(series.time[at]))}" for i, at in found.items()}, first

    def _saturated(
        self, unit: str, value: Any, judged: Mask, high: Floats
    ) -> tuple[dict[int, str], int]:
        rail = self.saturation
        if rail is None:
            top = float(np.fmax.reduce(high))
            if top not in _RAILS or float(np.fmin.reduce(high)) == top:
                return {}, 0
            rail = top
        with np.errstate(invalid="ignore"):
            hits = (np.abs(value) if self.saturation is not None else value) >= rail
        shares = hits.mean(axis=0)
        found = np.flatnonzero((shares > 0.01) & judged)
        first = int(np.argmax(hits[:, found].any(axis=1))) if len(found) else 0
        words = f"is saturated at {quantity(rail, unit)} in "
        return {int(i): words + share(int(hits[:, i].sum()), len(value)) for i in found}, first

    def _spiking(self, value: Any, judged: Mask) -> dict[int, str]:
        look = value[:: max(1, len(value) // _LOOK)][:, judged]
        if look.shape[1] < 5:
            return {}
        away = np.abs(look - np.median(look, axis=0))
        noise = 1.4826 * np.median(away, axis=0)
        lively = noise > 0
        if lively.sum() < 5:
            return {}
        size = np.divide(away.max(axis=0), noise, out=np.zeros(len(noise)), where=lively)
        usual = float(np.median(size[lively]))
        rare = (away > _SPIKE * noise).mean(axis=0) < 0.01
        out = lively & rare & (size > _SPIKE) & (size > 10 * usual)
        out &= size > usual + 20 * spread(size[lively])
        index = np.flatnonzero(judged)
        return {
            int(index[i]): f"spikes to {size[i]:.3g} times its noise" for i in np.flatnonzero(out)
        }
