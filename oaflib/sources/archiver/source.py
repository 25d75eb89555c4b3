"""The Archiver Appliance as a source of the site file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Self

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.sources.archiver.door import Door, Interrupted, UnknownPv
from oaflib.sources.archiver.pieces import Cutter
from oaflib.sources.archiver.settings import ArchiverOptions
from oaflib.sources.archiver.summary import scaled, summarised
from oaflib.sources.archiver.talk import Question, answers
from oaflib.sources.archiver.wire import Chunk, kind_of
from oaflib.sources.asked import Asked
from oaflib.sources.base import SourceSettings
from oaflib.sources.embedded.reduce import Reduction
from oaflib.sources.like import matches, regex_of
from oaflib.sources.options import options_of
from oaflib.sources.quality import Quality
from oaflib.sources.scaling import seconds_of
from oaflib.window import Window, instant, moment

_HOUR = 3600 * 10**9
_MILLISECOND = 10**6
_HELD = 256_000_000
_SCALED = {"AVG": "mean", "MIN": "min", "MAX": "max", "COUNT": "count"}
_SCALARS = (Kind.NUMERIC, Kind.TEXTUAL)


class TooLarge(Exception):
    """An answer that is not to be held in memory; never leaves this room."""


class ArchiverSource:
    """An EPICS Archiver Appliance, over HTTP.

    Options: see `ArchiverOptions`. `quality` says, of each variable read since entering, how many
    samples the control system called invalid; `asked` what was asked in all.

    Raises
    ------
    ConfigurationError
        An option that is missing, unknown or wrong.
    SourceUnavailable
        On entering, and later: the appliance does not answer, or not to us.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.options = options_of(ArchiverOptions, settings)
        self.quality: dict[str, Quality] = {}
        self._door: Door | None = None
        self._known: dict[str, Variable] = {}

    def __enter__(self) -> Self:
        self._door = Door(self.options.access(self.settings))
        self.quality.clear()
        self._known.clear()
        self._matching("pv", "ArchApplPingPV")
        return self

    def __exit__(self, *_: object) -> None:
        self._known.clear()

    @property
    def asked(self) -> Asked:
        """Queries, rows, bytes and seconds since the source was entered."""
        return self._open().asked

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; the kind is that of the PV's type, the unit its present one."""
        names = self._matching("regex", regex_of(pattern))
        names = sorted({name for name in names if matches(pattern, name)})
        with ThreadPoolExecutor(self.options.parallel) as pool:
            return [entry for entry in pool.map(self._about, names) if entry]

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`; the appliance counts, so nothing but the numbers is sent."""
        counts = dict.fromkeys((variable.name for variable in variables), 0)
        for batch in self._batches(variables):
            question = Question(window.start_ns, window.end_ns, pp="ncount")
            for variable, chunks in self._gathered(batch, question):
                for chunk in chunks:
                    if len(chunk.value):
                        counts[variable.name] += int(chunk.value[-1])
        return counts

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; memory holds one batch of scalars, or one block of one variable."""
        short = window.end_ns - window.start_ns <= self.options.hours * _HOUR
        scalars = [variable for variable in variables if short and variable.kind in _SCALARS]
        names = {variable.name for variable in scalars}
        question = Question(window.start_ns, window.end_ns)
        for batch in self._batches(scalars):
            try:
                gathered = list(self._gathered(batch, question, alone=False))
            except (TooLarge, UnknownPv, QueryRefused):
                # One name too many, or too much: each alone, so that it harms no other.
                for variable in batch:
                    yield from self._streamed(variable, window)
                continue
            for variable, chunks in gathered:
                yield from self._cut(variable, chunks, window)
        for variable in variables:
            if variable.name not in names:
                yield from self._streamed(variable, window)

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back as far as the appliance does, without limit."""
        before = time // _MILLISECOND * _MILLISECOND
        last = {variable.name: nothing(variable) for variable in variables}
        for batch in self._batches(variables):
            question = Question(before, before + _MILLISECOND)
            for variable, chunks in self._gathered(batch, question):
                cutter = self._cutter(variable, (-(2**63), time), Quality())
                for chunk in chunks:
                    for piece in cutter.pieces(chunk):
                        if len(piece) and cutter.latest == piece.time[-1]:
                            last[variable.name] = piece.where(slice(len(piece) - 1, None))
        return last

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable, computed by the appliance where it can be trusted.

        Where it met NaN, infinities or samples of severity INVALID, or where the window is not of
        whole seconds, they are computed here from the samples: only then with `first` and `last`.
        """
        made = []
        for variable in (entry for entry in variables if entry.kind is Kind.NUMERIC):
            found = self._summary(variable, window)
            if found is None:
                reduction = Reduction(variable)
                for piece in self._streamed(variable, window):
                    reduction.add(piece)
                found = reduction.statistics()
            made.append(found)
        return made

    def scaled(
        self,
        variables: Sequence[Variable],
        window: Window,
        bucket: timedelta,
        algorithm: str = "AVG",
    ) -> Iterator[Series]:
        """See `Scales.scaled`, by the appliance; its buckets are whole multiples since 1970.

        It scales samples that the control system calls invalid too.
        """
        width = seconds_of(bucket, algorithm, tuple(_SCALED)) * 10**9
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        way = f"{_SCALED[algorithm]}Sample_{width // 10**9}"
        question = Question(window.start_ns, window.end_ns, pp=way)
        for batch in self._batches(numeric):
            for variable, chunks in self._gathered(batch, question):
                yield scaled(variable, chunks, window, width)

    def _summary(self, variable: Variable, window: Window) -> Statistics | None:
        width = _width(window)
        if not width:
            return None
        question = Question(window.start_ns, window.end_ns, pp=f"statsSample_{width}")
        chunks = [chunk for _, found in self._gathered([variable], question) for chunk in found]
        return summarised(variable, chunks, window, (width, self.count([variable], window)))

    def _streamed(self, variable: Variable, window: Window) -> Iterator[Series]:
        """One variable, in spans the appliance is asked for one after the other."""
        step = int(self.options.hours * _HOUR)
        yield nothing(variable)
        for start in range(window.start_ns, window.end_ns, step):
            stop = min(start + step, window.end_ns)
            quality = self.quality.setdefault(variable.name, Quality())
            cutter = self._cutter(variable, (start, stop), quality)
            last = ""
            going = True
            while going:
                reached, going = cutter.latest, False
                for _ in self._open().access.patience.tries():
                    question = Question(cutter.latest, stop)
                    # What came before a break is not asked again, but for the samples of its last
                    # moment, whose repetitions are exact and found by whoever joins the pieces.
                    cutter.window = (cutter.latest, stop)
                    try:
                        for chunk in answers(self._open(), [variable.name], question, self._form):
                            for piece in cutter.pieces(chunk):
                                self._open().asked.rows += len(piece)
                                yield piece
                        break
                    except UnknownPv:
                        return
                    except Interrupted as error:
                        last = str(error)
                        if cutter.latest > reached:
                            going = True
                            break
                else:
                    missing = instant(moment(cutter.latest)), instant(moment(window.end_ns))
                    raise SourceUnavailable(
                        f"{variable.name}: what was logged from {missing[0]} to {missing[1]} could "
                        f"not be read: {self._open().silent(last)}"
                    )

    def _cut(self, variable: Variable, chunks: list[Chunk], window: Window) -> Iterator[Series]:
        quality = self.quality.setdefault(variable.name, Quality())
        cutter = self._cutter(variable, (window.start_ns, window.end_ns), quality)
        yield nothing(variable)
        for chunk in chunks:
            for piece in cutter.pieces(chunk):
                self._open().asked.rows += len(piece)
                yield piece

    def _cutter(self, variable: Variable, window: tuple[int, int], quality: Quality) -> Cutter:
        return Cutter(variable, window, quality, blanks=self.options.invalid == "nan")

    def _gathered(
        self, batch: Sequence[Variable], question: Question, *, alone: bool = True
    ) -> Iterator[tuple[Variable, list[Chunk]]]:
        """The whole answers to a question about several variables, each variable once.

        A name the appliance does not know refuses the request of all: then each is asked alone
        (or, unless `alone`, the refusal is told).
        """
        try:
            held = self._held(batch, question)
        except (UnknownPv, TooLarge):
            if not alone:
                raise
            if len(batch) == 1:
                yield batch[0], []
                return
            for variable in batch:
                yield from self._gathered([variable], question)
            return
        for variable in batch:
            yield variable, held[variable.name]

    def _held(self, batch: Sequence[Variable], question: Question) -> dict[str, list[Chunk]]:
        last = ""
        names = [variable.name for variable in batch]
        for _ in self._open().access.patience.tries():
            held: dict[str, list[Chunk]] = defaultdict(list)
            size = 0
            try:
                for chunk in answers(self._open(), names, question, self._form):
                    # An alias is answered under the PV's own name.
                    name = names[0] if len(names) == 1 else chunk.pv
                    if name not in names:
                        raise TooLarge(f"{name} was not asked for")
                    held[name].append(chunk)
                    size += _weight(chunk)
                    if size > _HELD:
                        raise TooLarge(f"{size} bytes")
                return held
            except Interrupted as error:
                last = str(error)
        raise SourceUnavailable(f"{', '.join(names)}: {self._open().silent(last)}")

    def _batches(self, variables: Sequence[Variable]) -> Iterator[Sequence[Variable]]:
        for first in range(0, len(variables), self.options.batch):
            yield variables[first : first + self.options.batch]

    def _matching(self, key: str, text: str) -> list[str]:
        path = "/bpl/getMatchingPVs"
        try:
            names = self._open().whole(path, {key: text, "limit": "-1"})
        except UnknownPv as error:
            raise SourceUnavailable(
                f"{self.options.url} answers, but knows no {path} ({error}): is url the retrieval "
                "base, as http://host:17668/retrieval?"
            ) from error
        if not isinstance(names, list):
            raise SourceUnavailable(f"{self.options.url}{path} answers no list of names")
        return [name for name in names if isinstance(name, str)]

    def _about(self, name: str) -> Variable | None:
        """What the appliance knows of a PV; None when it is gone, or never had a sample."""
        if name not in self._known:
            try:
                about: Any = self._open().whole("/bpl/getMetadata", {"pv": name})
            except UnknownPv:
                about = {}
            about = about if isinstance(about, dict) else {}
            type_name = str(about.get("DBRType") or self._type_of(name))
            if not type_name:
                return None
            # A structure is listed as text: reading it says what it is.
            kind = kind_of(type_name) or Kind.TEXTUAL
            unit = str(about.get("EGU") or about.get("units") or "")
            self._known[name] = Variable(name, kind, unit, str(about.get("DESC") or ""))
        return self._known[name]

    def _type_of(self, name: str) -> str:
        """The type of a PV's latest sample, for appliances that keep no more about it."""
        latest = Question(2**62, 2**62 + _MILLISECOND)
        for _, chunks in self._gathered([Variable(name)], latest):
            for chunk in chunks:
                return chunk.type_name
        return ""

    @property
    def _form(self) -> str:
        return self.options.format

    def _open(self) -> Door:
        if self._door is None:
            raise SourceUnavailable(f"the source {self.settings.name} was not entered")
        return self._door


def _weight(chunk: Chunk) -> int:
    texts = isinstance(chunk.value, list)
    return chunk.time.nbytes * 3 + (
        sum(len(entry) * 8 + 64 for entry in chunk.value) if texts else 0
    )


def _width(window: Window) -> int:
    """The widest bin in seconds whose borders are the window's, at most an hour; 0: none."""
    for width in (3600, 900, 300, 60, 1):
        if window.start_ns % (width * 10**9) == window.end_ns % (width * 10**9) == 0:
            return width
    return 0
