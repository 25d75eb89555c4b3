"""A question about PVs and its answer, in either of the appliance's formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from oaflib.errors import QueryRefused
from oaflib.sources.archiver.door import Door, Interrupted
from oaflib.sources.archiver.printed import chunks_of
from oaflib.sources.archiver.wire import Chunk, ChunkReader, DamagedStream

_LARGEST = 512_000_000
_MILLISECOND = 10**6


@dataclass(frozen=True)
class Question:
    """From `start` to `stop` (int64 ns UTC), sent widened to whole milliseconds.

    `pp` is a post-processor, as ``ncount``; empty: the samples as they are.
    """

    start: int
    stop: int
    pp: str = ""

    def query(self) -> list[tuple[str, str]]:
        """Its parameters, names aside."""
        asked = [("from", _time(self.start)), ("to", _time(-(-self.stop // 10**6) * 10**6))]
        return [*asked, ("pp", self.pp)] if self.pp else asked


def answers(door: Door, names: Sequence[str], question: Question, form: str) -> Iterator[Chunk]:
    """The chunks that the appliance answers, as they arrive.

    Raises
    ------
    UnknownPv, QueryRefused, SourceUnavailable, Interrupted
        See `Door.blocks`; a broken answer is `Interrupted`.
    """
    query = question.query()
    if len(names) == 1:
        blocks = door.blocks(f"/data/getData.{form}", [("pv", names[0]), *query])
    else:
        blocks = door.blocks(f"/data/getDataForPVs.{form}", query, list(names))
    try:
        if form == "json":
            yield from chunks_of(_whole(blocks))
            return
        reader = ChunkReader()
        for block in blocks:
            yield from reader.feed(block)
        reader.close()
    except DamagedStream as error:
        raise Interrupted(f"the answer about {', '.join(names)} is damaged: {error}") from error


def _whole(blocks: Iterator[bytes]) -> bytes:
    held, size = [], 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size > _LARGEST:
            raise QueryRefused(
                f"the answer is more than {_LARGEST // 10**6} MB of JSON; write hours = 1 or "
                'format = "raw" for this source'
            )
    return b"".join(held)


def _time(ns: int) -> str:
    seconds, rest = divmod(min(ns, 253_000_000_000 * 10**9), 10**9)
    day = datetime.fromtimestamp(seconds, UTC)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{rest // _MILLISECOND:03}Z"
