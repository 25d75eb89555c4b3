"""``oaf schedule``: what calls OAF every morning: lines of a crontab, or systemd units."""

from __future__ import annotations

import getpass
import os
import pwd
import shlex
import shutil
import sys
from argparse import Namespace
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from oaflib.cli.commands import say
from oaflib.config.project import Project, find_root, load_project
from oaflib.errors import ConfigurationError, OafError
from oaflib.inform.recipients import addresses


@dataclass(frozen=True)
class Job:
    """One thing to be called: its unit's name, what it is, its command and its calendar."""

    name: str
    what: str
    command: str
    calendar: str
    persistent: bool = False


def schedule(given: Namespace) -> int:
    """Print the crontab, or write the units; 0."""
    project = load_project(find_root(given.root))
    for path in (project.root, Path(sys.executable)):
        if any(letter in str(path) for letter in "%\n$\"' \\"):
            raise ConfigurationError(f"{path}: cron and systemd want a path of plain characters")
    if given.kind == "cron":
        say(crontab(given, project).rstrip())
        return 0
    units = systemd(given, project)
    if given.into is None:
        for name, text in units.items():
            say(f"# --- {name}", text)
        say("# Write them with --into /etc/systemd/system")
        return 0
    try:
        for name, text in units.items():
            (given.into / name).write_text(text)
    except OSError as error:
        raise OafError(f"{given.into} cannot be written to: {error.strerror}") from error
    timers = " ".join(name for name in units if name.endswith(".timer"))
    say(f"{len(units)} units written into {given.into}. Then:")
    say("    systemctl daemon-reload", f"    systemctl enable --now {timers}")
    return 0


def _words(project: Project) -> tuple[str, str]:
    """How the morning and how ``oaf`` are called here, whatever the caller's PATH."""
    script = project.root / "run_daily.py"
    python = shlex.quote(sys.executable)
    root = shlex.quote(str(project.root))
    oaf = f"{python} -m oaflib.cli"
    if script.exists():
        return f"{python} {shlex.quote(str(script))}", f"{oaf} --root {root}"
    return f"{oaf} daily --root {root}", f"{oaf} --root {root}"


def _has_hourly(project: Project) -> bool:
    return any(task.schedule == "hourly" for task in project.tasks)


def crontab(given: Namespace, project: Project) -> str:
    """The lines for cron."""
    daily, oaf = _words(project)
    hour, minute = given.time.split(":")
    watch_hour, watch_minute = given.watch.split(":")
    operators = addresses(project.site.mail.operator, project.site.mail.domain)
    text = Template(_text("oaf.crontab")).substitute(
        root=project.root,
        mailto=",".join(operators) or '""',
        daily=daily,
        oaf=oaf,
        log=shlex.quote(str(project.runs / "morning.log")),
        hour=int(hour),
        minute=int(minute),
        watch_hour=int(watch_hour),
        watch_minute=int(watch_minute),
        hourly5="5",
    )
    project.runs.mkdir(parents=True, exist_ok=True)  # the log's folder, before the first morning
    if _has_hourly(project):
        return text
    return "".join(line for line in text.splitlines(True) if "--schedule hourly" not in line)


def systemd(given: Namespace, project: Project) -> dict[str, str]:
    """The units, by file name."""
    daily, oaf = _words(project)
    zone = project.site.zone
    jobs = [
        Job("oaf", "this morning's reports", daily, f"*-*-* {given.time}:00 {zone}", True),
        Job("oaf-mail", "send the mails that wait", f"{oaf} mail --flush", "*:0/20"),
        Job(
            "oaf-status",
            "did this morning happen?",
            f"{oaf} status --mail",
            f"*-*-* {given.watch}:00 {zone}",
        ),
        Job("oaf-failed", "tell the operator what failed", f"{oaf} status --mail --over", ""),
    ]
    if _has_hourly(project):
        jobs.append(Job("oaf-hourly", "hourly reports", f"{daily} --schedule hourly", "*:05"))
    writable = {project.runs.absolute(), project.publish.absolute()}
    for source in project.site.sources.values():
        if source.kind == "embedded":
            writable.add((project.root / str(source.options["folder"])).absolute())
    user = given.user or getpass.getuser()
    made = {}
    for job in jobs:
        service = Template(_text("oaf.service")).substitute(
            what=job.what,
            root=project.root,
            user=user,
            command=job.command,
            writable=" ".join(sorted(str(path) for path in writable)),
        )
        if job.name in ("oaf-failed", "oaf-status"):  # 1 and 2 are what they tell, not failures
            service = service.replace("OnFailure=oaf-failed.service\n", "")
            service = service.replace("SuccessExitStatus=3", "SuccessExitStatus=1 2 3")
        made[f"{job.name}.service"] = service
        if job.calendar:
            made[f"{job.name}.timer"] = Template(_text("oaf.timer")).substitute(
                what=job.what,
                calendar=job.calendar,
                persistent="true" if job.persistent else "false",
            )
    for path in sorted(writable):
        _provide(path, user)
    return made


def _provide(path: Path, user: str) -> None:
    """A folder the units write to: a unit does not start when it is not there.

    Units are written by root; what is made here is to be `user`'s.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    if missing and os.geteuid() == 0:
        try:
            for each in missing:
                shutil.chown(each, user, pwd.getpwnam(user).pw_gid)
        except KeyError:
            raise ConfigurationError(f"--user {user}: this machine has no such user") from None


def _text(name: str) -> str:
    return resources.files("oaflib.cli").joinpath("units", name).read_text(encoding="utf-8")
