"""The tutorial followed to the letter: what it says to type is typed, in its order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from oaflib.report import read

PAGE = Path(__file__).resolve().parents[1] / "docs/tutorial.md"
STEP = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps() -> list[tuple[str, str]]:
    return STEP.findall(PAGE.read_text())


@pytest.mark.kernel
@pytest.mark.slow
def test_the_tutorial_makes_a_daily_report(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OAF_", "PYTEST"))
    }
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["IPYTHONDIR"] = str(tmp_path / "ipython")
    folder, said = tmp_path, ""
    for kind, text in steps():
        if kind == "python":
            path = folder / "notebooks/templates/sps-wires.ipynb"
            notebook = nbformat.read(path, as_version=4)
            titles = [cell.source.splitlines()[:1] for cell in notebook.cells]
            notebook.cells[titles.index(["## Yours"]) + 1].source = text
            nbformat.write(notebook, path)
            continue
        ran = subprocess.run(
            ["bash", "-ec", f"{text}\npwd > {tmp_path / 'where'}"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, (text, ran.stdout, ran.stderr)
        folder, said = Path((tmp_path / "where").read_text().strip()), said + ran.stdout
    assert "It is ready." in said
    assert "BWS,LDB,SPS-416,LOGIN,TRUE,TRUE,None,daily,day,sps-wires" in said
    report = read((folder / "publish/reports/BWS/SPS-416/2026-11-22/report.json").read_bytes())
    (mine,) = [outcome for outcome in report.outcomes if outcome.check == "expert"]
    assert "out and in differ by" in mine.reason
    mails = [path.read_bytes() for path in (folder / "runs/outbox").glob("*.eml")]
    (mail,) = [mail for mail in mails if b"To: jdoe@" in mail]
    assert b"SPS-416" in mail
