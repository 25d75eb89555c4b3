"""Expert code in a place of its own: ``python -m oaflib.run.expert --run FOLDER --code CODE``.

The code is a notebook of ``notebooks/experts/``, or ``module:function`` with the module there. It
runs as any template does, in its own process and kernel and under limits of its own, on the
records of the standard part; the standard part's parameters come as JSON on standard input. The
last line printed says why it did not conclude, if so.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import nbformat

from oaflib.config.project import load_site_only
from oaflib.errors import OafError
from oaflib.run.execution import execute
from oaflib.run.isolation import BWRAP, cage, level
from oaflib.run.preflight import check_template, parameters_of
from oaflib.run.request import Request

_FUNCTION = """\
import sys

sys.path.insert(0, {experts!r})
from {module} import {function}

import oaflib as oaf

study = oaf.open_study(dataset, start, end, source, run, name=name, low_res=low_res)
records = oaf.compute(study, oaf.extract(study))
outcomes = {function}(study, records)
oaf.conclude(study, outcomes=outcomes or ());"""


def main() -> int:
    """Run the expert's code named on the command line; 0 when its notebook ended."""
    parser = argparse.ArgumentParser()
    for option in ("--run", "--code", "--records", "--root", "--token"):
        parser.add_argument(option, required=True)
    given = parser.parse_args()
    try:
        failure = _run(given)
    except (OafError, OSError) as error:
        failure = str(error)
    sys.stdout.write(failure + "\n" if failure else "")
    return bool(failure)


def _run(given: argparse.Namespace) -> str:
    project = load_site_only(Path(given.root))
    folder = Path(given.run) / "expert"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    template = _template(given.code, project.experts, folder)
    known = parameters_of(template)
    values = {**json.loads(sys.stdin.read()), "run": str(folder)}
    values = {name: value for name, value in values.items() if name in known}
    bounds = project.site.limits.expert
    request = Request(
        template=template,
        folder=folder,
        root=project.root,
        records=Path(given.records),
        parameters=values,
        role="expert",
        token=given.token,
        seconds=bounds.seconds,
        cell_seconds=bounds.cell_seconds,
        memory=bounds.memory_bytes,
        cpu_seconds=bounds.cpu_seconds,
        output=bounds.output_bytes,
        processes=bounds.processes,
        files=bounds.file_bytes,
    )
    check_template(request.template, request.parameters)
    caged = level(project).name == BWRAP
    return execute(request, cage(project, request) if caged else ())


def _template(code: str, experts: Path, folder: Path) -> Path:
    """The expert's notebook; for ``module:function`` a small one made around it."""
    if ":" not in code:
        return experts / f"{code.removesuffix('.ipynb')}.ipynb"
    module, _, function = code.partition(":")
    names = ("dataset", "start", "end", "source", "name", "run")
    parameters = "\n".join([*(f'{name} = ""' for name in names), "low_res = False"])
    source = _FUNCTION.format(experts=str(experts), module=module, function=function)
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    path = folder / "function.ipynb"
    nbformat.write(notebook, path)
    return path


if __name__ == "__main__":
    sys.exit(main())
