"""Small pictures of a run's alarms for its mail, made in a process of their own.

``python -m oaflib.run.thumbnails FOLDER`` draws from the records kept in the run's folder. Whatever
goes wrong there, or takes too long, costs the mail its pictures and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from oaflib.inform.sheet import Picture
from oaflib.report import Change, Outcome, Report, read
from oaflib.run import nursery
from oaflib.run.nursery import NurseryLost

if TYPE_CHECKING:
    from oaflib.plots import Plot
    from oaflib.records import Records

MOST = 4
SECONDS = 20
SAMPLES = 20_000_000  # of one variable; beyond, drawing would hold up the morning
_NAME = "thumbnails"


def thumbnails(folder: Path, report: Report) -> tuple[Picture, ...]:
    """At most four pictures of the new alarms of `report`, whose run is in `folder`; or none."""
    wanted = _wanted(report)
    if not wanted or not (folder / "records" / "records.json").exists():
        return ()
    from oaflib.report import write

    target = folder / _NAME
    try:
        target.mkdir(exist_ok=True)
        (target / "report.json").write_text(write(report.with_outcomes(wanted)), encoding="utf-8")
        _drawn(folder)
    except (OSError, subprocess.SubprocessError):
        pass  # what was drawn until then is good
    made = []
    for outcome in wanted:
        try:
            data = (target / _file(outcome)).read_bytes()
        except OSError:
            continue
        made.append(Picture(outcome.identity, data, outcome.variable))
    return tuple(made)


def _drawn(folder: Path) -> None:
    """Let another process draw: a forked one, where this one has a nursery."""
    home = nursery.living()
    if home is not None:
        try:
            with Path(os.devnull).open("wb") as nowhere:
                process = home.fork(
                    "oaflib.run.thumbnails:forked",
                    ["thumbnails", str(folder)],
                    env=home.env,
                    cwd=folder,
                    output=(nowhere.fileno(), nowhere.fileno()),
                    of="trunk",
                )
        except NurseryLost:
            pass
        else:
            with closing(process):
                process.wait(SECONDS)
            return
    subprocess.run(
        [sys.executable, "-m", "oaflib.run.thumbnails", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def forked() -> None:
    """`main` in a forked process."""
    main(Path(sys.argv[1]))


def _wanted(report: Report) -> list[Outcome]:
    new = [o for o in report.alarms if o.change is Change.NEW and not o.silenced and o.variable]
    return new[:MOST]


def _file(outcome: Outcome) -> str:
    name = hashlib.sha256(outcome.identity.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{name}.png"


def main(folder: Path) -> None:
    """Draw the outcomes of ``thumbnails/report.json`` from the run's records."""
    from oaflib.plots import Style, Trouble, draw
    from oaflib.records import open_records

    records = open_records(folder / "records")
    report = read((folder / _NAME / "report.json").read_bytes())
    style = Style(low_res=True, png=True, scale=1.0)
    for outcome in report.outcomes:
        entry = records.entries.get(outcome.variable)
        if entry is None or not 0 < entry.count <= SAMPLES:
            continue
        plots = _plots(outcome.variable, records)
        for picture in draw(plots[:1], records, [outcome], style):
            if not isinstance(picture, Trouble):
                beside = folder / _NAME / f".{_file(outcome)}"
                beside.write_bytes(picture.data)
                beside.replace(folder / _NAME / _file(outcome))
                break


def _plots(name: str, records: Records) -> list[Plot]:
    """The plots that suit one variable."""
    from oaflib.plots import default_plots

    return [replace(plot, variables=(name,)) for plot in default_plots(_only(name, records))]


def _only(name: str, records: Records) -> Records:
    from oaflib.records import records_of

    return records_of([records[name]], records.window)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
