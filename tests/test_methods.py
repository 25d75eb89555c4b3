"""Dataclasses made from kept methods are as those made without; what is kept can always be lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, field, make_dataclass
from pathlib import Path
from typing import Any

import pytest

from oaflib.methods import Methods


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "__pycache__/methods.bin"
    vars(dataclasses).pop("exec", None)


def made(other: int = 2) -> Any:
    fields = [("first", int), ("second", list[int], field(default_factory=list))]
    return make_dataclass("Made", [*fields, ("third", int, other)], frozen=True, order=True)


def test_the_same_with_and_without(file: Path) -> None:
    plain = made()
    for new in (True, False):
        methods = Methods(file)
        methods.remember()
        one = made()
        assert repr(one(1, [3])) == repr(plain(1, [3])) == "Made(first=1, second=[3], third=2)"
        assert one(1) == one(1, []) < one(2)
        assert hash(one(1, ())) == hash(plain(1, ()))
        assert made(7)(1).third == 7, "a default is the class's own, not the text's"
        with pytest.raises(FrozenInstanceError):
            one(1).first = 2
        methods.keep()
        assert bool(methods._new) is new
        assert file.exists()


@pytest.mark.parametrize("torn", [b"", b"x", b"\xa7\r\r\nrubbish"])
def test_what_cannot_be_read_is_made_again(file: Path, torn: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(torn)
    methods = Methods(file)
    methods.remember()
    assert made()(1).third == 2
    methods.keep()
    assert Methods(file)._known


def test_where_nothing_can_be_written_nothing_is() -> None:
    methods = Methods(Path("/proc/self/__pycache__/methods.bin"))
    methods.remember()
    try:
        assert made()(1).third == 2
    finally:
        vars(dataclasses).pop("exec", None)
    methods.keep()
