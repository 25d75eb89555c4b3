"""What many tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

Notebook = Callable[..., Path]


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
