"""The report of a run whose source did not answer."""

from __future__ import annotations

from pathlib import Path

from oaflib.provenance import SILENT
from oaflib.report import Fault, Outcome, Report, Severity
from oaflib.study.study import UNANSWERED


def silent_report(report: Report, folder: Path, source: str) -> Report:
    """The failed `report` of the run in `folder`; where its source did not answer, with that said.

    The one outcome is the same in all reports of that source, so that people are told once.
    """
    try:
        words = (folder / UNANSWERED).read_text("utf-8").strip()
    except OSError:
        return report
    outcome = Outcome(
        check=SILENT,
        fault=Fault.BREAKAGE,
        device=source,
        variable="",
        severity=Severity.INVALID,
        reason=f"{source} did not answer: {words}",
        guidance="Nothing is known of the instrument in this time. The next morning asks again.",
    )
    return report.with_outcomes([outcome])
