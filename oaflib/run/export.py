"""What a run's notebook shows, exported where nothing it holds can harm: in a process of its own.

A forked one (`oaflib.run.nursery`), whose exporter is warm; without a nursery this process does it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from oaflib.body import Body
from oaflib.run.nursery import Forked, Nursery, NurseryLost
from oaflib.run.request import NOTEBOOK

_KEPT = "body.json"
_SECONDS = 300.0


def body_in(folder: Path, finished: bool) -> Body:
    """What the notebook of the run in `folder` shows, and its expert's."""
    from oaflib.run.page import export_body

    body = export_body(folder / NOTEBOOK, finished=finished)
    expert = folder / "expert" / NOTEBOOK
    if expert.exists():
        body = body.with_expert(export_body(expert, prefix="expert-"))
    return body


def with_live(body: Body, folder: Path, facts: Mapping[str, Any], trusted: Sequence[str]) -> Body:
    """`body`, and of the notebooks among `trusted` a page each with their own scripts.

    `facts` are the report's provenance: they name the template and the expert's code.
    """
    from oaflib.run.live import live_page

    parameters = facts.get("parameters")
    code = parameters.get("expert_code", "") if isinstance(parameters, dict) else ""
    live = {}
    for name, path, file in (
        (str(facts.get("template", "")), folder / NOTEBOOK, "notebook.html"),
        (str(code).partition(":")[0], folder / "expert" / NOTEBOOK, "expert.html"),
    ):
        if name.removesuffix(".ipynb") in trusted and path.exists() and (page := live_page(path)):
            live[file] = page
    return replace(body, live=live)


def exported(folder: Path, finished: bool, home: Nursery | None = None) -> Body:
    """The same, made in a process that `home` forks; here when that does not come to an end."""
    kept = folder / _KEPT
    if home is not None:
        try:
            process = _started(folder, finished, home)
            try:
                process.wait(_SECONDS)
            finally:
                process.close()
            return _read(kept, folder)
        except (NurseryLost, OSError, ValueError, KeyError, subprocess.TimeoutExpired):
            pass
        finally:
            kept.unlink(missing_ok=True)
    return body_in(folder, finished)


def warm() -> None:
    """Load what exporting needs, and the template."""
    from oaflib.run import page

    page.warm()


def main() -> None:
    """In the forked process: the body of the run in ``argv[1]`` into a file beside its notebook."""
    folder = Path(sys.argv[1])
    body = body_in(folder, finished=sys.argv[2] == "finished")
    document = {
        "html": body.html,
        "code": body.code,
        "expert": body.expert,
        "interactive": body.interactive,
        "notebook": body.notebook is not None,
        "figures": {n: base64.b64encode(each).decode() for n, each in body.figures.items()},
    }
    beside = folder / f".{_KEPT}"
    beside.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    beside.replace(folder / _KEPT)


def _started(folder: Path, finished: bool, home: Nursery) -> Forked:
    with Path(os.devnull).open("wb") as nowhere:
        return home.fork(
            "oaflib.run.export:main",
            ["export", str(folder), "finished" if finished else "broken"],
            env=home.env,
            cwd=folder,
            output=(nowhere.fileno(), nowhere.fileno()),
        )


def _read(path: Path, folder: Path) -> Body:
    document = json.loads(path.read_bytes())
    return Body(
        html=document["html"],
        code=document["code"],
        expert=document["expert"],
        interactive=document["interactive"],
        notebook=folder / NOTEBOOK if document["notebook"] else None,
        figures={name: base64.b64decode(each) for name, each in document["figures"].items()},
    )
