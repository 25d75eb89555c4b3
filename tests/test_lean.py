"""What is left out where nobody's code runs does not change what is said of a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jsonschema import Draft4Validator

from oaflib.lean import Outlines

SCHEMA = json.loads((Path(nbformat.__file__).parent / "v4/nbformat.v4.5.schema.json").read_text())
PICTURE = {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": "<svg/>"}}
RESULT = {**PICTURE, "output_type": "execute_result", "execution_count": 3}
STREAM = {"output_type": "stream", "name": "stdout", "text": "x"}
ERROR = {"output_type": "error", "ename": "A", "evalue": "b", "traceback": ["c"]}
OUTPUTS: list[dict[str, Any]] = [
    PICTURE,
    RESULT,
    STREAM,
    ERROR,
    {**PICTURE, "data": {"application/vnd.x+json": {"a": [1, None]}, "text/plain": ["a", "b"]}},
    {**PICTURE, "data": {"text/plain": 3}},
    {**PICTURE, "data": {"text/plain": ["a", 3]}},
    {**PICTURE, "data": ["text/plain"]},
    {**PICTURE, "metadata": None},
    {**RESULT, "execution_count": "3"},
    {**STREAM, "text": None},
    {**STREAM, "name": 1},
    {**ERROR, "traceback": "c"},
    {"output_type": "stream"},
]


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_outputs_as_the_schema_says(output: dict[str, Any]) -> None:
    part = {"$ref": f"#/definitions/{output['output_type']}"}
    plain = Draft4Validator(SCHEMA).evolve(schema=part).iter_errors(output)
    found = Outlines(SCHEMA).iter_errors(output, part)
    assert [error.message for error in found] == [error.message for error in plain]


def test_code_is_coloured_as_ever() -> None:
    cells = ["import os  # why", "%%bash\necho $HOME", "!ls", "%%html\n<b>x</b>", "%%perl\nmy $x;"]
    code = (
        "import sys; from oaflib import lean\n"
        "if sys.argv[1] == 'lean': lean.lexers()\n"
        "assert sys.argv[1] == 'whole' or 'pygments.lexers.perl' not in sys.modules\n"
        "from IPython.lib.lexers import IPython3Lexer\n"
        "print([list(IPython3Lexer().get_tokens(cell)) for cell in sys.argv[2:]])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, how, *cells], capture_output=True, text=True, check=True
        ).stdout
        for how in ("lean", "whole")
    ]
    assert said[0] == said[1]
    assert "Token.Name.Variable" in said[0], "the shell's own lexer was asked"
