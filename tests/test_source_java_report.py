"""From a snapshot in the logging system to a published report, through the command a user types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from java_world import World, jars, needs_jdk
from project import DAY, SITE, ZONE, made_project

from oaflib.cli import main
from oaflib.window import calendar_day

pytestmark = [pytest.mark.java, pytest.mark.kernel, needs_jdk]

SECOND = 10**9
SITE_OF_JAVA = """
kind = "java"
api = "{api}"
classpath = ["{jar}"]
service = "{service}"
"""


@pytest.mark.parametrize("api", ["cals", "nxcals"])
def test_a_snapshot_alone_is_a_report(api: str, tmp_path: Path) -> None:
    """No dataset file; its kernel starts Java within the limit of memory it has."""
    start = calendar_day(DAY, ZONE).start_ns
    world = World().variable("LHC.BCT.A:I", "NUMERIC", "charges")
    world.add("uniform", start, SECOND, 86_400, "L")
    world.variable("LHC.BCT.B:V", "VECTORNUMERIC").add("rows", start, 60 * SECOND, 1440, 20)
    world.variable("LHC.BCT.C:MODE", "TEXTUAL").point(start - 3600 * SECOND, "S", "STABLE")
    world.add("snapshot", "BI_BCT_LHC", "jjgras", "public")
    names = "LHC.BCT.A:I,LHC.BCT.B:V,LHC.BCT.C:MODE,LHC.BCT.GONE:I"
    world.add("attribute", "getSelectedVariables", names)
    world.write(tmp_path / "w.tsv")
    project = made_project(tmp_path)
    project.tasks("BCT,LDB,LHC,jdoe,FALSE,TRUE,None,daily,day,")
    java = SITE_OF_JAVA.format(api=api, jar=jars()[api], service=tmp_path / "w.tsv")
    site = SITE.replace('\nkind = "embedded"\nfolder = "runs/store"\n', java)
    (tmp_path / "config/site.toml").write_text(site)

    assert main(["run", "BCT_LHC", "--root", str(tmp_path), "--day", DAY.isoformat()]) == 0

    report = json.loads((project.report("BCT", "LHC") / "report.json").read_text())
    counts = {entry["variable"]: entry["count"] for entry in report["statistics"]}
    assert (counts["LHC.BCT.A:I"], counts["LHC.BCT.B:V"]) == (86_400, 1_440)
    usage = {o["variable"]: o["severity"] for o in report["outcomes"] if o["check"] == "usage"}
    assert usage["LHC.BCT.A:I"] == "OK"
    assert usage["LHC.BCT.C:MODE"] == "OK"  # unchanged since before the day
    assert any(o["variable"] == "LHC.BCT.GONE:I" for o in report["outcomes"])
