"""``oaf daily --from A --to B``: past days, the oldest first, without mail. Resumable."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from oaflib.cli.commands import now, say
from oaflib.cli.progress import Lines
from oaflib.config.project import Project
from oaflib.daily.due import due, morning_of
from oaflib.daily.morning import Desk, hold
from oaflib.daily.telling import Teller, base_of, rules_of, settings_of
from oaflib.errors import ConfigurationError
from oaflib.publish import site_of
from oaflib.run.cluster import crew_of
from oaflib.run.lock import held
from oaflib.state import State
from oaflib.study.words import history_of
from oaflib.window import yesterday


def backfill(given: Namespace, project: Project) -> int:
    """Make the reports of every day from `given.begin` to `given.end` that are not there yet.

    A day after the other, so that each report is compared with the one before; 1 when some could
    not be made.
    """
    zone = project.site.zone
    wanted = [
        due(project.tasks, morning_of(day, zone), given.schedule, given.only)
        for day in _days(given, zone)
    ]
    if given.dry_run:
        say(
            *(
                f"{one.task.id} {one.window.label} from {one.task.source}"
                for day in wanted
                for one in day
            )
        )
        return 0
    failed = 0
    with (
        held(project.runs / "lock", project.publish),
        State(project.runs / "state.sqlite") as state,
    ):
        rules = rules_of(project, silent=True)
        teller = Teller(state, settings_of(project), base_of(project), now, rules)
        desk = Desk(project, state, site_of(project), teller, history_of(project), now)
        jobs = given.jobs or len(os.sched_getaffinity(0))
        with crew_of(project, given.cluster, jobs, say) as crew:
            for day in wanted:
                failed += len(hold(desk, day, crew, Lines(sys.stdout), again=given.again).failed)
    say(f"The report repository is {project.publish / 'index.html'}")
    return bool(failed)


def _days(given: Namespace, zone: str) -> list[date]:
    if not given.begin:
        raise ConfigurationError("--to goes with --from")
    final = given.end or yesterday(now(), zone).start.astimezone(ZoneInfo(zone)).date()
    count = (final - given.begin).days + 1
    if count < 1:
        raise ConfigurationError(f"--to {final} lies before --from {given.begin}")
    return [given.begin + timedelta(days=i) for i in range(count)]
