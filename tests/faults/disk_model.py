"""A disk on which power may fail: what was written, and what of it must have survived.

POSIX promises little. What was written to a file survives once that file was synced; a name that
was made, moved or taken away survives once its folder was synced. Until then a write may be there
wholly, in blocks, or not at all, and each change of a name for itself: a rename may have happened
whose file is empty, and one that came later than another may have survived alone. A rename is one
change, to be there or not, and is safe when the folder it leads to was synced.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname, join

from faults.traced import Call, descriptor, numbers

BLOCK = 4096
#: What may have become of the writes to files that were not synced.
LOST, KEPT, TORN, TORN_AGAIN, ZEROS = "lost", "kept", "torn", "torn again", "zeros"
DATA = (LOST, KEPT, TORN, TORN_AGAIN, ZEROS)


@dataclass(eq=False)
class Node:
    """A file, a folder or a symbolic link; for a file what it holds, and what of that is safe."""

    number: int
    kind: str
    target: str = ""
    now: bytearray = field(default_factory=bytearray)
    safe: bytes = b""
    writes: list[tuple[int, bytes]] = field(default_factory=list)  # offset, data; -1: cut to size
    entries: dict[str, Node] = field(default_factory=dict)
    kept: dict[str, Node] = field(default_factory=dict)
    version: int = 0

    def write(self, offset: int, data: bytes) -> None:
        """Write, as a program sees it."""
        _put(self.now, offset, data)
        self.writes.append((offset, data))
        self.version += 1

    def cut(self, size: int) -> None:
        """Truncate, or extend with zeros."""
        _cut(self.now, size)
        self.writes.append((-1, size.to_bytes(8, "big")))
        self.version += 1

    def sync(self) -> None:
        """What it holds is safe."""
        if self.writes:
            self.safe, self.writes = bytes(self.now), []
            self.version += 1

    def found(self, data: str) -> bytes:
        """What it holds after the power failed; which blocks were torn is drawn at random."""
        if not self.writes or data == LOST:
            return self.safe
        if data == KEPT:
            return bytes(self.now)
        dice = random.Random(f"{self.number} {self.version} {data}")
        result = bytearray(self.safe)
        for offset, written in self.writes:
            if offset < 0:
                _cut(result, int.from_bytes(written, "big"))
                continue
            for start, end in _blocks(offset, len(written)):
                if data != ZEROS and dice.random() < 0.5:
                    _put(result, start, written[start - offset : end - offset])
            if data == ZEROS and len(result) < offset + len(written):
                _cut(result, offset + len(written))
        return bytes(result)


@dataclass(eq=False)
class Change:
    """Names that change in one step: (folder, name, what it names from now on, or None)."""

    number: int
    parts: tuple[tuple[Node, str, Node | None], ...]
    path: str
    folder: Node  # which must be synced for it to be safe

    def outdone(self, later: Change) -> None:
        """Nothing of it is left where a later change is safe."""
        done = {(folder, name) for folder, name, _ in later.parts}
        self.parts = tuple(part for part in self.parts if part[:2] not in done)


class Disk:
    """The files below `root`, first as they are, all safe; then as `apply` changes them."""

    def __init__(self, root: Path) -> None:
        self.made: list[Node] = []
        self.top = str(root)
        self.root = self._scanned(root)
        self.pending: list[Change] = []
        self._offsets: dict[tuple[str, str], tuple[int, bool]] = {}
        self._marks = 0

    def _node(self, kind: str, target: str = "") -> Node:
        self.made.append(Node(len(self.made), kind, target))
        return self.made[-1]

    def _scanned(self, path: Path) -> Node:
        if path.is_symlink():
            return self._node("link", str(path.readlink()))
        if path.is_dir():
            node = self._node("folder")
            node.entries = {one.name: self._scanned(one) for one in sorted(path.iterdir())}
            node.kept = dict(node.entries)
            return node
        node = self._node("file")
        if path.is_file():
            node.safe = path.read_bytes()
            node.now = bytearray(node.safe)
        return node

    def apply(self, call: Call) -> bool:
        """Do what a call did; whether that concerned these files."""
        before = self._marks
        work = getattr(self, f"_{call.name}", None)
        if work is not None:
            work(call)
        return before != self._marks

    def at(self, path: str) -> Node | None:
        """What is at an absolute path now; None outside, or where nothing is."""
        if path != self.top and not path.startswith(f"{self.top}/"):
            return None
        node: Node | None = self.root
        for name in path[len(self.top) :].split("/"):
            if name:
                node = node.entries.get(name) if node is not None else None
        return node

    def _change(self, path: str, *parts: tuple[Node, str, Node | None]) -> None:
        self._marks += 1
        for folder, name, node in parts:
            if node is None:
                folder.entries.pop(name, None)
            else:
                folder.entries[name] = node
        self.pending.append(Change(self._marks, parts, path[len(self.top) + 1 :], parts[-1][0]))

    def _place(self, path: str) -> tuple[Node, str] | None:
        folder = self.at(dirname(path))
        return None if folder is None else (folder, path.rpartition("/")[2])

    def _put(self, path: str, node: Node) -> None:
        if place := self._place(path):
            self._change(path, (*place, node))

    def _remove(self, call: Call) -> None:
        path = call.path(1 if isinstance(call.args[0], tuple) else 0)
        if (place := self._place(path)) and place[1] in place[0].entries:
            self._change(path, (*place, None))

    _unlink = _unlinkat = _rmdir = _remove

    def _openat(self, call: Call) -> None:
        number, path = descriptor(call.result)
        flags = str(call.args[2])
        if self._place(path) is None:
            return
        node = self.at(path)
        if node is None and "O_CREAT" in flags:
            node = self._node("file")
            self._put(path, node)
        if node is not None:
            if "O_TRUNC" in flags and node.now:
                node.cut(0)
                self._marks += 1
            self._offsets[number, path] = (0, "O_APPEND" in flags)

    def _lseek(self, call: Call) -> None:
        self._offsets[self._key(call)] = (int(call.result), self._appends(call))

    def _write(self, call: Call, data: bytes | None = None) -> None:
        node = self._file(call)
        if node is None:
            return
        text = call.args[1] if data is None else data
        assert isinstance(text, bytes)
        offset, appends = self._offsets.get(self._key(call), (len(node.now), True))
        offset = len(node.now) if appends else offset
        node.write(offset, text[: int(call.result)])
        self._offsets[self._key(call)] = (offset + int(call.result), appends)
        self._marks += 1

    def _writev(self, call: Call) -> None:
        self._write(call, b"".join(part for part in call.args if isinstance(part, bytes)))

    def _pwrite64(self, call: Call) -> None:
        if node := self._file(call):
            assert isinstance(call.args[1], bytes)
            node.write(numbers(call.args)[-1], call.args[1][: int(call.result)])
            self._marks += 1

    def _sendfile(self, call: Call) -> None:
        source = self.at(call.path(1))
        start = numbers(call.args)[0] if source is not None else 0
        if source is not None and int(call.result):
            self._write(call, bytes(source.now[start : start + int(call.result)]))

    def _ftruncate(self, call: Call) -> None:
        if node := self._file(call):
            node.cut(numbers(call.args)[-1])
            self._marks += 1

    def _fsync(self, call: Call) -> None:
        node = self.at(call.path(0))
        if node is None:
            return
        self._marks += 1
        node.sync()
        for change in [one for one in self.pending if one.folder is node]:
            _done(change, lambda folder: folder.kept)
            place = self.pending.index(change)
            for earlier in self.pending[:place]:  # of the folder that something was moved from
                earlier.outdone(change)
            del self.pending[place]

    _fdatasync = _fsync

    def _syncfs(self, call: Call) -> None:
        if self.at(call.path(0)) is not None:
            self._marks += 1
            for node in self.made:
                node.sync()
            for change in self.pending:
                _done(change, lambda folder: folder.kept)
            self.pending.clear()

    def _rename(self, call: Call) -> None:
        texts = [place for place, one in enumerate(call.args) if isinstance(one, bytes)]
        old, new = (call.path(place) for place in texts)
        node, there = self.at(old), self.at(new)
        source, target = self._place(old), self._place(new)
        if node is None or source is None or target is None or node is there:
            return
        exchanged = there if "RENAME_EXCHANGE" in call.args or "2" in call.args else None
        self._change(new, (*source, exchanged), (*target, node))

    _renameat = _renameat2 = _rename

    def _link(self, call: Call) -> None:
        texts = [place for place, one in enumerate(call.args) if isinstance(one, bytes)]
        if node := self.at(call.path(texts[0])):
            self._put(call.path(texts[1]), node)

    _linkat = _link

    def _symlink(self, call: Call) -> None:
        target = call.args[0]
        assert isinstance(target, bytes)
        self._put(call.path(len(call.args) - 1), self._node("link", target.decode()))

    _symlinkat = _symlink

    def _mkdir(self, call: Call) -> None:
        path = call.path(1 if isinstance(call.args[0], tuple) else 0)
        if self.at(path) is None:
            self._put(path, self._node("folder"))

    _mkdirat = _mkdir

    def _key(self, call: Call) -> tuple[str, str]:
        fd = call.args[0]
        return fd if isinstance(fd, tuple) else (str(fd), "")

    def _appends(self, call: Call) -> bool:
        return self._offsets.get(self._key(call), (0, False))[1]

    def _file(self, call: Call) -> Node | None:
        node = self.at(call.path(0)) if isinstance(call.args[0], tuple) else None
        return node if node is not None and node.kind == "file" else None

    def view(self, chosen: Sequence[Change]) -> View:
        """The tree as it is when of the changes that are not safe those `chosen` survived."""
        folders: dict[Node, dict[str, Node]] = {}
        for change in chosen:
            _done(change, lambda folder: folders.setdefault(folder, dict(folder.kept)))
        return View(self, folders)


@dataclass
class View:
    """The names that a disk may have after the power failed."""

    disk: Disk
    folders: Mapping[Node, Mapping[str, Node]]

    def walk(self, start: str = "") -> Iterator[tuple[str, Node]]:
        """Everything below a folder, its path relative to the root."""
        node = self.disk.root
        for name in filter(None, start.split("/")):
            found = self._entries(node).get(name)
            if found is None:
                return
            node = found
        yield from self._below(start, node)

    def _entries(self, node: Node) -> Mapping[str, Node]:
        return self.folders.get(node, node.kept)

    def _below(self, path: str, node: Node) -> Iterator[tuple[str, Node]]:
        for name, one in self._entries(node).items():
            place = join(path, name)
            yield place, one
            if one.kind == "folder":
                yield from self._below(place, one)


def _done(change: Change, names_of: Callable[[Node], dict[str, Node]]) -> None:
    for folder, name, node in change.parts:
        if node is None:
            names_of(folder).pop(name, None)
        else:
            names_of(folder)[name] = node


def _put(held: bytearray, offset: int, data: bytes) -> None:
    if len(held) < offset:
        _cut(held, offset)
    held[offset : offset + len(data)] = data


def _cut(held: bytearray, size: int) -> None:
    if len(held) > size:
        del held[size:]
    held.extend(bytes(size - len(held)))


def _blocks(offset: int, length: int) -> Iterator[tuple[int, int]]:
    """Where the blocks of a write begin and end."""
    start, last = offset, offset + length
    while start < last:
        end = min(last, start - start % BLOCK + BLOCK)
        yield start, end
        start = end
