"""What a traced program did to files, read from strace's log with all the data."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_CALLS = (
    *("open", "openat", "creat", "lseek", "write", "pwrite64", "writev", "pwritev", "sendfile"),
    *("copy_file_range", "truncate", "ftruncate", "fallocate", "fsync", "fdatasync"),
    *("sync_file_range", "syncfs", "rename", "renameat", "renameat2", "link", "linkat", "symlink"),
    *("symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "sendto"),
)
_HEX = r"(?:\\x[0-9a-f]{2})*"
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$", re.DOTALL)
_PART = re.compile(
    rf'(?P<fd>AT_FDCWD|\d+)<(?P<path>{_HEX})>(?P<gone>\(deleted\))?|"(?P<text>{_HEX})"(?P<cut>\.\.\.)?'
    r"|(?P<word>[A-Za-z0-9_|]+)"
)
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True)
class Call:
    """One system call that succeeded. `args` are its arguments, `result` its answer.

    A descriptor is a pair of its number and its path, a text is bytes, a word is itself.
    """

    name: str
    args: tuple[tuple[str, str] | bytes | str, ...]
    result: str

    def path(self, place: int) -> str:
        """The absolute path that the argument at `place`, or it and the one before, name."""
        one = self.args[place]
        if isinstance(one, tuple):
            return one[1]
        before = self.args[place - 1] if place else None
        name = one.decode(errors="surrogateescape") if isinstance(one, bytes) else str(one)
        return posixpath.normpath(
            posixpath.join(before[1], name) if isinstance(before, tuple) else name
        )


def tracer(log: Path) -> list[str]:
    """The words that start strace so that `calls` can read what it wrote."""
    words = ["strace", "-f", "-qq", "-y", "-xx", "-s", "16777216", "-e", "signal=none"]
    return [*words, "-o", str(log), "-e", f"trace={','.join(_CALLS)}"]


def calls(log: Path) -> Iterator[Call]:
    """All calls that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    with log.open(encoding="ascii") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, name, rest = found.groups()
            if rest.endswith(_UNFINISHED):
                begun[thread] = rest.removesuffix(_UNFINISHED)
                continue
            if "resumed>" in line[:60]:
                rest = begun.pop(thread, "") + rest
            arguments, _, result = rest.rpartition("= ")
            if result and not result.startswith(("-1", "?")):
                yield Call(name, tuple(_parts(arguments)), result)


def _parts(text: str) -> Iterator[tuple[str, str] | bytes | str]:
    for part in _PART.finditer(text):
        if part["cut"]:
            raise ValueError("strace cut the data short")
        if part["fd"] is not None:
            path = _bytes(part["path"]).decode(errors="surrogateescape")
            yield part["fd"], "" if part["gone"] else path
        elif part["text"] is not None:
            yield _bytes(part["text"])
        else:
            yield part["word"]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def descriptor(result: str) -> tuple[str, str]:
    """The number and path in the answer of an open."""
    found = _PART.match(result)
    if found is None or found["fd"] is None:
        raise ValueError(f"no descriptor: {result[:80]}")
    return found["fd"], _bytes(found["path"]).decode(errors="surrogateescape")


def numbers(parts: Sequence[object]) -> list[int]:
    """Those of the arguments that are numbers."""
    return [int(part) for part in parts if isinstance(part, str) and part.isdigit()]
