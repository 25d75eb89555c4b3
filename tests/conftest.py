"""What many tests share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import nbformat
import pytest

Notebook = Callable[..., Path]
TESTS = Path(__file__).parent


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tests run side by side; one marked `alone` waits until no other runs, and they for it.

    Around a test's time-out and its fixtures: what it waits for its turn is not its own time.
    """
    how = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with ExitStack() as running:
        with locked(TESTS, fcntl.LOCK_EX):  # in turn, or who waits to be alone is overtaken
            running.enter_context(locked(TESTS / "conftest.py", how))
        return (yield)


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock on something that is there anyway, against the other tests' processes."""
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # closing frees it only once forked children do as well
        os.close(file)


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    """Write a notebook: a tagged parameters cell and the given code cells."""

    def write(*cells: str, parameters: str | None = "day = ''", name: str = "t.ipynb") -> Path:
        made = [
            nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        ] if parameters is not None else []  # fmt: skip
        for number, source in enumerate(cells, 1):
            made.append(nbformat.v4.new_markdown_cell(f"## Step {number}"))
            made.append(nbformat.v4.new_code_cell(source))
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / name
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)
        return path

    return write
