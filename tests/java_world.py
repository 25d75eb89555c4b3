"""What the stand-in of the Java logging API holds, written as the file it reads."""

from __future__ import annotations

import atexit
import functools
import math
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oaflib.series import Kind, Series
from oaflib.sources.base import SourceSettings
from oaflib.sources.java import JavaSource

sys.path.insert(0, str(Path(__file__).parent / "java_standin"))
from build import build

needs_jdk = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK: javac not found")


@functools.cache
def jars() -> dict[str, Path]:
    """The stand-in's jars, compiled once in a run of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="java-standin-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(folder)


class World:
    """Lines for the stand-in; `write` puts them where a source's ``service`` points."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *words: object) -> World:
        """One line."""
        self.lines.append("\t".join(_escaped(_word(word)) for word in words))
        return self

    def variable(self, name: str, type_name: str, unit: str = "", title: str = "") -> World:
        """A variable, to which the points that follow belong."""
        return self.add("variable", name, type_name, unit, title)

    def point(self, time: int, kind: str, *words: object) -> World:
        """A point: kind D, L, S, N(ull), VD, VL, VS, MD or ML (columns first)."""
        return self.add("point", time, kind, *words)

    def log(self, series: Series) -> World:
        """The points of `series`; several of one name continue each other."""
        for time, value in zip(series.time.tolist(), series.value, strict=True):
            self.point(time, *_sample(series.kind, value))
        return self

    def write(self, path: Path) -> Path:
        """The file at `path`."""
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8", newline="\n")
        return path


def world_of(series: Iterable[Series]) -> World:
    """A world that logged `series`."""
    world = World()
    by_name: dict[str, list[Series]] = {}
    for entry in series:
        by_name.setdefault(entry.name, []).append(entry)
    for name, entries in by_name.items():
        world.variable(name, str(entries[-1].kind), entries[-1].unit, entries[-1].title)
        for entry in entries:
            world.log(entry)
    return world


def java_source(api: str, path: Path, **options: Any) -> JavaSource:
    """A source of that root, whose service is the world in `path`."""
    given = {
        "api": api,
        "classpath": [str(jar) for jar in jars().values()],
        "service": str(path),
        "jvm_options": ["-Xmx1g"],
        **options,
    }
    return JavaSource(SourceSettings("LDB", "java", given, path.parent))


def _sample(kind: Kind, value: Any) -> list[object]:
    if kind is Kind.NUMERIC:
        return ["D", float(value)]
    if kind is Kind.TEXTUAL:
        return ["S", value]
    if kind is Kind.VECTORNUMERIC:
        return ["VD", *value.tolist()]
    if kind is Kind.VECTORSTRING:
        return ["VS", *value.tolist()]
    letter = "MD" if np.asarray(value).dtype.kind == "f" else "ML"
    return [letter, value.shape[1], *value.ravel().tolist()]


def _word(word: object) -> str:
    if isinstance(word, float):
        if math.isnan(word):
            return "NaN"
        if math.isinf(word):
            return "Infinity" if word > 0 else "-Infinity"
    return str(word)


def _escaped(text: str) -> str:
    out = text.replace("\\", "\\b").replace("\t", "\\t")
    return out.replace("\n", "\\n").replace("\r", "\\r")
