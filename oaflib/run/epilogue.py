"""The last cell of an executed notebook: it plays the report's own records again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_TITLE = """\
## Replay this
In the project's folder (`oaf lab`): the records this report was made of, played as they came. Run \
this cell alone; *Run all* makes the report's numbers again."""
_CODE = """\
import oaflib as oaf

oaf.replay({run!r})"""


def add_replay(notebook: Path, run: str) -> None:
    """Append the cell to the notebook of the run in folder `run`, whole or not at all."""
    document = json.loads(notebook.read_bytes())
    tags = {"tags": ["on-page"]}
    document["cells"] += [
        {"cell_type": "markdown", "id": "replay-0", "metadata": tags, "source": _TITLE},
        _cell(_CODE.format(run=run), tags),
    ]
    beside = notebook.with_name(f".{notebook.name}.{os.getpid()}")
    beside.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    beside.replace(notebook)


def _cell(source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": "replay-1",
        "metadata": metadata,
        "source": source,
        "execution_count": None,
        "outputs": [],
    }
