"""The words of a notebook: extract, front, compute, statistics, check, draw, expert, conclude."""

from __future__ import annotations

import json
import platform
import resource
import secrets
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from typing import TYPE_CHECKING, Any

from oaflib import scraps
from oaflib.config.project import Project, find_root, load_site_only
from oaflib.errors import RecordsError, ReportError, SourceUnavailable
from oaflib.records import Records, State, open_records
from oaflib.report import Fault, Outcome, Report, Severity, Statistics
from oaflib.series import Kind
from oaflib.study.quality import coarsely, quality_of
from oaflib.study.study import UNANSWERED, Study
from oaflib.study.views import Front, Outcomes, StatisticsTable

if TYPE_CHECKING:
    from oaflib.checks import Check
    from oaflib.config.interventions import Intervention
    from oaflib.history import History, HistoryPast
    from oaflib.trend import Trend

_PACKAGES = ("oaflib", "numpy", "pandas", "matplotlib", "papermill", "nbconvert", "pyarrow")


def extract(study: Study) -> Records:
    """What was logged: from the run's kept records, else from the source."""
    try:
        kept = open_records(study.records_folder)
        if kept.window.key == study.window.key:
            kept.source = study.source
            return kept
    except RecordsError:
        pass
    from oaflib.sources.open import Asking, extraction
    from oaflib.study.survey import Survey

    asking = Asking(study.project, study.source, study.began, study.fresh)
    checks = study.dataset.checks or _defaults()
    try:
        with extraction(asking, study.dataset, study.window) as extracting:
            waits = not extracting.connection.local
            with Survey(checks, study.window, study.source, beside=waits) as survey:
                records = extracting.into(study.records_folder, survey)
    except SourceUnavailable as error:
        (study.folder / UNANSWERED).write_text(str(error), "utf-8")
        raise
    records.summaries, records.seen = survey.summaries, survey.seen
    return records


def _defaults() -> Sequence[Check]:
    from oaflib.checks.defaults import every_default

    return every_default()


def front(study: Study, records: Records) -> Front:
    """The front figure: title, description, window and the list of variables extracted."""
    return Front(study, records)


def compute(study: Study, records: Records) -> Records:
    """The records with the dataset's computed variables beside them.

    Of what came at low resolution the means are taken, and what is made is at low resolution too.
    """
    from oaflib.compute import run_computations

    basis = records.with_series([records.mean(name) for name in records.coarse], computed=False)
    computed, troubles = run_computations(study.dataset.computations, basis)
    if records.coarse:
        computed = coarsely(records, computed)
    computed.troubles = tuple(troubles)
    return computed


def statistics(records: Records) -> StatisticsTable:
    """Count, extremes, mean and spread of every variable."""
    from oaflib.compute.statistics import summarise

    return StatisticsTable(
        records.summaries.get(name) or summarise(records[name], entry)
        for name, entry in records.entries.items()
        if entry.state in (State.LOGGED, State.EMPTY)
    )


def check(study: Study, records: Records) -> Outcomes:
    """What the dataset's checks say; the default ones where it has none."""
    from oaflib.checks import fold, run_checks
    from oaflib.study.recalled import Recalled

    if isinstance(records, Recalled):  # each device's years are a finding of their own
        found = run_checks(checks_of(study, records), records, records.past)
        return Outcomes(found, study.window.zone)
    records.past = past_of(study)
    records.past.expect(
        name for name, entry in records.entries.items() if entry.variable.kind is Kind.NUMERIC
    )
    checks = checks_of(study, records)
    outcomes = run_checks(checks, records, records.past)
    study.derived.clear()
    if any(check.kind == "calibration" for check in checks):
        from oaflib.checks import curves_of

        study.derived[:] = curves_of(checks, records)
    return Outcomes(fold([*outcomes, *troubles_of(records)], records), study.window.zone)


def checks_of(study: Study, records: Records) -> list[Check]:
    """The dataset's checks, or the default ones, and those of units that nobody configured."""
    from oaflib.study.recalled import Recalled

    checks: list[Check] = list(study.dataset.checks)
    if not checks:
        from oaflib.checks import ageing_checks, default_checks

        recalled = isinstance(records, Recalled)
        checks += ageing_checks() if recalled else default_checks(records)
    if isinstance(records, Recalled):
        return checks
    return checks + _units(study, records, checks)


def troubles_of(records: Records) -> list[Outcome]:
    """An INVALID outcome for each variable that could not be computed."""
    return [
        Outcome(
            check="compute",
            fault=Fault.BREAKAGE,
            device=trouble.name,
            variable=trouble.name,
            severity=Severity.INVALID,
            reason=trouble.reason,
        )
        for trouble in records.troubles
    ]


def _units(study: Study, records: Records, checks: Sequence[Any]) -> list[Any]:
    """Checks of units nobody configured: where the dataset states one, or several were met."""
    from oaflib.checks.unit import Unit

    if any(check.kind == Unit.kind for check in checks):
        return []
    stated = {entry.name: entry.unit for entry in study.dataset.variables if entry.unit}
    made = [Unit(variables=(name,), expected=unit) for name, unit in stated.items()]
    changed = [
        name for name, entry in records.entries.items() if entry.units and name not in stated
    ]
    return [*made, *([Unit(variables=tuple(changed))] if changed else [])]


def past_of(study: Study) -> HistoryPast:
    """What history knew of the dataset's variables before the study's window.

    Of its own reports: two datasets may both compute a ``ratio``.
    """
    from oaflib.history import HistoryPast

    history, ledger = history_of(study.project), ledger_of(study.project)
    return HistoryPast(history, study.window, ledger, dataset=study.dataset.id)


def ledger_of(project: Project) -> tuple[Intervention, ...]:
    """What was done to the project's devices, in order of time."""
    from oaflib.config.interventions import read_interventions

    return read_interventions(project.root, project.site.zone)


def history(what: str, days: float | None = None, dataset: str = "") -> Trend:
    """The years of a variable, a point a window: ``oaf.history("DEV:FIELD", days=90)``.

    `days` counts back from now; None: all there is. `dataset` (``<INST>_<dataset>``) takes its
    reports only: several may compute a variable of one name.
    """
    project = load_site_only(find_root())
    first = None if days is None else datetime.now(UTC) - timedelta(days=days)
    return history_of(project).trend(what, first, dataset=dataset)


def history_of(project: Project) -> History:
    """The project's history, old names joined."""
    from oaflib.config.aliases import read_aliases
    from oaflib.history import History

    return History(project.runs / "history", read_aliases(project.root))


def draw(
    study: Study, records: Records, outcomes: Sequence[Outcome], default_plots: bool = True
) -> None:
    """The dataset's plots and, unless told not to, the default ones; shown as they are made."""
    from oaflib.plots import Style, Trouble
    from oaflib.plots import default_plots as plots_for
    from oaflib.plots import draw as pictures
    from oaflib.study.recalled import Recalled

    plots = list(study.dataset.plots)
    recalled = isinstance(records, Recalled)
    if default_plots and not recalled:
        plots += plots_for(records, plots)
    style = Style(low_res=study.low_res, interactive=not study.low_res)
    drawn = [pictures(plots, records, outcomes, style)]
    if default_plots and recalled:
        from oaflib.study.years import pictures as years_of

        drawn.append(years_of(study, records, outcomes, style))
    for picture in chain.from_iterable(drawn):
        if isinstance(picture, Trouble):
            show({"text/plain": str(picture)})
        else:
            show(picture.bundle())


def expert(study: Study, expert_code: str) -> Outcomes:
    """Run the expert's code on the same records, in a place of its own; its outcomes.

    `expert_code` is ``None``, a notebook of ``notebooks/experts/`` or ``module:function``. Whatever
    happens to it becomes an outcome; the report goes on.
    """
    if not expert_code or expert_code == "None":
        return Outcomes()
    token = secrets.token_hex(16)
    notebook = study.folder / "expert" / "notebook.ipynb"
    notebook.parent.mkdir(exist_ok=True)
    ran = subprocess.run(
        [
            *[sys.executable, "-m", "oaflib.run.expert", "--run", str(study.folder)],
            *["--code", expert_code, "--records", str(study.records_folder)],
            *["--root", str(study.project.root), "--token", token],
        ],
        input=json.dumps(study.parameters),
        capture_output=True,
        text=True,
        check=False,
    )
    for bundle in scraps.outputs(notebook):
        show(bundle)
    try:
        report = scraps.read(notebook, token)
    except ReportError as error:
        reason = (ran.stdout.strip().splitlines() or [str(error)])[-1]
        return Outcomes([_expert_failed(expert_code, reason)])
    return Outcomes(report.outcomes, study.window.zone)


def _expert_failed(code: str, reason: str) -> Outcome:
    return Outcome(
        check="expert code",
        fault=Fault.BREAKAGE,
        device=code,
        variable="",
        severity=Severity.INVALID,
        reason=f"The expert's code {code} failed: {reason}",
        guidance="The standard part of this report is not affected. Mend the code, then run again.",
    )


def _never_ran(study: Study, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """INVALID outcomes of the configured checks that nothing in the notebook ran."""
    if study.role == "expert":
        return []
    ran = {outcome.check for outcome in outcomes}
    return [
        Outcome(
            check=check.name or check.kind,
            fault=check.word,
            device=study.dataset.id,
            variable=", ".join(check.variables),
            severity=Severity.INVALID,
            reason="This check is configured, but the notebook never ran it.",
            guidance="The template must say oaf.check(study, records) and conclude with it.",
        )
        for check in study.dataset.checks
        if (check.name or check.kind) not in ran
    ]


def alarm(variable: str, reason: str, **details: Any) -> Outcome:
    """An alarm of an expert's own, for `conclude`.

    `details` are fields of `Outcome`: ``found``, ``limit`` (dict), ``unit``, ``fault``,
    ``severity``, ``since`` (int64 ns UTC), ``guidance``, ``device``, ``check``.
    """
    from oaflib.series import device_of

    fields = {"check": "expert", "fault": Fault.BREAKAGE, "severity": Severity.ALARM, **details}
    fields.setdefault("device", device_of(variable))
    fields["fault"], fields["severity"] = Fault(fields["fault"]), Severity(fields["severity"])
    return Outcome(variable=variable, reason=reason, **fields)


def conclude(
    study: Study, statistics: Iterable[Statistics] = (), outcomes: Sequence[Outcome] = ()
) -> Report:
    """The report, put into the notebook; nothing counts as done before this."""
    made = datetime.now(UTC)
    outcomes = [*outcomes, *_never_ran(study, outcomes)]
    try:
        records = open_records(study.records_folder)
    except RecordsError:
        records = Records(study.window, {})
    entries = records.entries.values()
    report = Report(
        instrument=study.dataset.instrument,
        dataset=study.dataset.name,
        title=study.dataset.title or study.dataset.id,
        description=study.dataset.description,
        window=study.window,
        made_at=made,
        finished=True,
        outcomes=tuple(outcomes),
        statistics=(*statistics, *study.derived),
        provenance={
            "source": study.source,
            "template": study.parameters.get("template", ""),
            "parameters": study.parameters,
            "versions": versions(),
            "rows": sum(entry.count for entry in entries),
            "bytes": sum(8 * entry.count + entry.nbytes for entry in entries),
            "seconds": round((made - study.began).total_seconds(), 3),
            "dataset_digest": study.dataset.digest,
            "asked": dict(records.asked),
            "quality": quality_of(records),
            **_used(),
        },
    )
    scraps.conclude(report, study.token)
    return report


def _used() -> dict[str, float]:
    """What this kernel and what it started have used: processor time, memory of the largest."""
    own, started = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    seconds = own.ru_utime + own.ru_stime + started.ru_utime + started.ru_stime
    return {
        "cpu_seconds": round(seconds, 2),
        "peak_bytes": 1024 * max(own.ru_maxrss, started.ru_maxrss),
    }


def versions() -> dict[str, str]:
    """The versions that made a report."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            about = distribution(package)
            found[package] = _said(about.read_text("METADATA") or "") or about.version
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _said(metadata: str) -> str:
    """The version there; `importlib.metadata` reads it as a mail, with the package's README."""
    lines = metadata.partition("\n\n")[0].splitlines()
    return next((line[8:].strip() for line in lines if line.startswith("Version:")), "")


def show(bundle: dict[str, Any]) -> None:
    """Display a media-type bundle in the notebook."""
    from IPython.display import publish_display_data

    publish_display_data(bundle)
