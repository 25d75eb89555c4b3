"""The Java helper by itself, on points whose getters return other shapes than the stand-in's."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from java_world import World, java_source, needs_jdk

from oaflib.sources.java.convert import InBulk

pytestmark = [pytest.mark.java, needs_jdk]

VARIANT = Path(__file__).parent / "java_standin" / "variants" / "Boxed.java"


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The class of sets, and a converter for their points."""
    folder = tmp_path_factory.mktemp("variant")
    subprocess.run(["javac", "-nowarn", "-d", str(folder), str(VARIANT)], check=True)
    with java_source("nxcals", World().write(folder / "w.tsv")) as source:
        jpype = source._api.jpype
        helper = type(source._convert._bulk)  # type: ignore[attr-defined]
        urls = jpype.JArray(jpype.java.net.URL)([jpype.java.io.File(str(folder)).toURI().toURL()])
        loader = jpype.java.net.URLClassLoader(urls)
        point = jpype.JClass(loader.loadClass("Boxed$Point"))
        yield jpype.JClass(loader.loadClass("Boxed")), InBulk(helper, point)


def test_boxed_numbers(boxed: Any) -> None:
    """A Double or Long that is null is NaN, as is a point that says it is null."""
    sets, convert = boxed
    for whole in (False, True):
        time, value = convert(sets(whole, 3, 0, 99, -4), "NUMERIC")
        np.testing.assert_array_equal(value, [3.0, np.nan, np.nan, -4.0])
        assert time.tolist() == [3_000_000, 0, 99_000_000, -4_000_000]


def test_vectors_in_lists_and_boxes(boxed: Any) -> None:
    sets, convert = boxed
    _, real = convert(sets(False, 3, 99, 4), "VECTORNUMERIC")
    _, whole = convert(sets(True, 3, 4), "VECTORNUMERIC")
    np.testing.assert_array_equal(real, [[3.0, np.nan], [4.0, np.nan]])
    np.testing.assert_array_equal(whole, [[3.0, 3.0], [4.0, 4.0]])


def test_images_of_floats_and_ints(boxed: Any) -> None:
    sets, convert = boxed
    _, real = convert(sets(False, 3, 4), "MATRIXNUMERIC")
    _, whole = convert(sets(True, 3, 4), "MATRIXNUMERIC")
    assert (real.dtype, real.tolist()) == (np.float64, [[[3.0], [0.5]], [[4.0], [0.5]]])
    assert (whole.dtype, whole.tolist()) == (np.uint16, [[[3, 1]], [[4, 1]]])


def test_an_image_with_uneven_rows_is_refused(boxed: Any) -> None:
    sets, convert = boxed
    with pytest.raises(Exception, match="an image whose rows differ in length"):
        convert(sets(True, 7), "MATRIXNUMERIC")


def test_texts(boxed: Any) -> None:
    sets, convert = boxed
    time, value = convert(sets(False, 0, 1, 99, 2, 1), "TEXTUAL")
    assert (time.tolist(), value.tolist()) == ([10**6, 2 * 10**6, 10**6], ["é1", "é2", "é1"])
    _, rows = convert(sets(False, 0, 1), "VECTORSTRING")
    assert [row.tolist() for row in rows] == [["a", "", "é1"]]
    assert all(type(text) is str for text in value)


def test_an_empty_set(boxed: Any) -> None:
    sets, convert = boxed
    for kind in ("NUMERIC", "VECTORNUMERIC", "MATRIXNUMERIC", "TEXTUAL", "VECTORSTRING"):
        time, value = convert(sets(False), kind)
        assert (len(time), len(value)) == (0, 0)
