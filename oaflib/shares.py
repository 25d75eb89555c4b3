"""Work in several processes that are forked from this one; what they make comes back as it is made.

Threads would take turns: Python's lock is held between any two calls of numpy, and two threads that
read and judge series take as long as one.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Made = TypeVar("Made")


def spread(
    work: Callable[[Item], Made], items: Sequence[Item], processes: int
) -> Iterator[tuple[Item, Made | None]]:
    """Each item with what `work` made of it in one of so many forked processes, as they come.

    None is made of what a process left undone, because it failed or died: that is for this process
    to do. What is made comes through a pipe between the two, which nobody else can write to.
    """
    import multiprocessing  # few reports are large enough
    from multiprocessing.connection import Connection, wait

    left = dict(enumerate(items))
    lines: list[Connection[Any, Any]] = []
    started = []
    fork = multiprocessing.get_context("fork")
    try:
        for first in range(processes):
            ours, theirs = fork.Pipe(duplex=False)
            lines.append(ours)
            share = [(number, left[number]) for number in range(first, len(items), processes)]
            process = fork.Process(target=_work, args=(work, share, theirs, lines), daemon=True)
            with suppress(OSError), warnings.catch_warnings():  # as many processes as are allowed
                # of forking beside threads: the child uses no lock of theirs
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
                started.append(process)
            theirs.close()
        open_lines = list(lines)
        while open_lines:
            for line in wait(open_lines):
                assert isinstance(line, Connection)
                try:
                    number, made = line.recv()
                except (EOFError, OSError):
                    open_lines.remove(line)
                    continue
                yield left.pop(number), made
    finally:
        for process in started:
            process.kill()
            process.join()
        for line in lines:
            line.close()
    for item in left.values():
        yield item, None


def _work(
    work: Callable[[Item], Made],
    share: Sequence[tuple[int, Item]],
    line: Connection[Any, Any],
    others: Sequence[Connection[Any, Any]],
) -> None:
    """In the forked process."""
    try:
        for other in others:  # or nobody would notice that the parent has gone
            other.close()
        for number, item in share:
            line.send((number, work(item)))
        line.close()
    except BaseException:  # whatever it is, the parent meets it again where it can be told
        os._exit(1)
