"""``oaf daily``: a morning from the lock to the ping."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from oaflib.cli.commands import flush_mails, now, say
from oaflib.cli.progress import Lines, summary
from oaflib.config.project import Project, find_root, load_project
from oaflib.daily import catchup, clock
from oaflib.daily.catchup import Missed
from oaflib.daily.due import Due, due, morning_of
from oaflib.daily.morning import Desk, Done, Morning, hold, told_of
from oaflib.daily.space import shortages
from oaflib.daily.telling import More, Teller, base_of, rules_of, settings_of
from oaflib.daily.upkeep import keep_up
from oaflib.errors import ClockError, OafError, StateError
from oaflib.inform.direct import say_or_mail
from oaflib.inform.ping import ping
from oaflib.inform.texts import counted
from oaflib.publish import site_of
from oaflib.run import limits
from oaflib.run.cluster import crew_of
from oaflib.run.crew import Crew
from oaflib.run.lock import held
from oaflib.state import State
from oaflib.study.words import history_of


@dataclass(frozen=True)
class Plan:
    """What a morning is to make.

    `itself` says that it came by itself, whole and for now: then it catches up, and its clock is
    looked at.
    """

    project: Project
    at: datetime
    wanted: Sequence[Due]
    label: str
    itself: bool


def daily(given: Namespace) -> int:
    """The morning: 0 every report was made, 1 some could not be."""
    project = load_project(find_root(given.root))
    if given.begin or given.end:
        from oaflib.cli.backfill import backfill

        return backfill(given, project)
    plan = _plan(given, project)
    if given.dry_run:
        return _told_only(given, plan)
    if not plan.wanted:
        say("No report is due.")
        return 0
    pinged = project.site.ping if plan.itself and given.schedule != "hourly" else None
    code = 1
    try:
        with held(project.runs / "lock", project.publish):
            if pinged:
                _ping(pinged.start, pinged.timeout)
            try:
                code = _held(given, plan)
            finally:
                if pinged:
                    _ping(pinged.fail if code else pinged.url, pinged.timeout)
    except (StateError, ClockError, OSError) as error:
        # The outbox cannot carry this, or nobody looks into it today.
        lines = [f"The morning of {plan.label} was not held: {error}"]
        if not given.no_mail:
            say_or_mail(settings_of(project), "the morning was not held", lines, now())
        raise OafError(str(error)) from error
    say(f"The report repository is {project.publish / 'index.html'}")
    return code


def jobs_of(given: Namespace) -> int:
    """How many runs at once on this machine."""
    return given.jobs or len(os.sched_getaffinity(0))


def _plan(given: Namespace, project: Project) -> Plan:
    zone = project.site.zone
    at = morning_of(given.day, zone) if given.day else (given.at or now())
    at = at.astimezone(ZoneInfo(zone))
    label = str(given.day or (at.date() - timedelta(days=1)))
    wanted = due(project.tasks, at, given.schedule, given.only)
    if given.fresh:
        wanted = [replace(one, fresh=True) for one in wanted]
    return Plan(project, at, wanted, label, not (given.day or given.at or given.only))


def _told_only(given: Namespace, plan: Plan) -> int:
    """``--dry-run``: what would be made."""
    path = plan.project.runs / "state.sqlite"
    if plan.itself and path.exists():
        with State(path, read_only=True) as state:
            for morning in _missed(given, plan, state).mornings:
                say(*(f"{_line(one)} (missed)" for one in morning))
    say(*(_line(one) for one in plan.wanted))
    return 0


def _line(one: Due) -> str:
    return f"{one.task.id} {one.window.label} from {one.task.source}"


def _missed(given: Namespace, plan: Plan, state: State) -> Missed:
    if not plan.itself:
        return Missed()
    days = plan.project.site.daily.catch_up if given.catch_up is None else given.catch_up
    return catchup.missed(plan.project.tasks, state, plan.at, days, given.schedule)


def _held(given: Namespace, plan: Plan) -> int:
    """The morning with its lock held."""
    project = plan.project
    with State(project.runs / "state.sqlite") as state:
        if plan.itself and not given.trust_clock:
            clock.doubt(state, now())
        left = limits.reap(project.root)
        if left:
            say(f"Ended {counted(left, 'process', 'processes')} that a killed morning had left.")
        short = shortages(project)
        say(*(f"Attention: {sentence}." for sentence in short))
        rules = rules_of(project, silent=given.no_mail)
        teller = Teller(state, settings_of(project), base_of(project), now, rules)
        desk = Desk(project, state, site_of(project), teller, history_of(project), now)
        missing = _missed(given, plan, state)
        with crew_of(project, given.cluster, jobs_of(given), say) as crew:
            late = _caught_up(desk, missing, crew)
            morning = hold(desk, plan.wanted, crew, Lines(sys.stdout), again=given.again)
        said = catchup.sentences(missing, late, plan.at)
        say(*said)
        told = told_of(project, state, plan.wanted, morning.done)
        teller.morning(
            plan.label,
            told,
            whole=not (given.only or given.schedule),
            more=More([*short, *_unpublished(morning)], said),
            owed=catchup.owed(project, state, late, told),
        )
        say(*summary(teller, plan.label, told))
        if not given.no_mail:
            flush_mails(project, state)
        say(*keep_up(project, state, desk.site, now()))
        if plan.itself:
            clock.mark(state, now(), max(one.window.end_ns for one in plan.wanted))
    return bool(morning.failed or any(one.failure for one in late))


def _caught_up(desk: Desk, missing: Missed, crew: Crew) -> list[Done]:
    """Make what was missed, a morning after the other: each is compared with the one before."""
    if missing.count:
        count = counted(missing.count, "report")
        say(f"Catching up: {missing.label} {missing.verb} missed or broke ({count}).")
    done: list[Done] = []
    for wanted in missing.mornings:
        done += hold(replace(desk, late=True), wanted, crew, Lines(sys.stdout)).done
    return done


def _unpublished(morning: Morning) -> list[str]:
    """The reports that were made and could not be put into the repository."""
    return [
        f"{one.due.task.id} {one.due.window.label}: {one.failure}"
        for one in morning.failed
        if one.report is not None and one.report.finished and not one.kept
    ]


def _ping(url: str, timeout: float) -> None:
    problem = ping(url, timeout)
    if problem:
        say(f"Attention: {problem}.")
