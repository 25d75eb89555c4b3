"""What each command does."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from oaflib.config.project import (
    Project,
    check_config,
    check_sources,
    find_root,
    load_project,
    load_site_only,
    load_what_is_right,
)
from oaflib.errors import ConfigurationError, LockHeld
from oaflib.inform.texts import counted, plain
from oaflib.window import Window, between, calendar_day, last, yesterday

if TYPE_CHECKING:
    from oaflib.run.runner import Assignment
    from oaflib.state import State


def now() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


def say(*lines: str) -> None:
    """Lines on standard output; what came from outside cannot steer the terminal."""
    sys.stdout.write("".join(f"{plain(line)}\n" for line in lines))


def warn(*lines: str) -> None:
    """Lines on standard error, of what does not stop the command."""
    sys.stderr.write("".join(f"oaf: warning: {plain(line)}\n" for line in lines))


def daily(given: Namespace) -> int:
    """The morning: 0 every report was made, 1 some could not be."""
    from oaflib.cli.mornings import daily

    return daily(given)


def run(given: Namespace) -> int:
    """One report, published in its place; nobody is mailed."""
    from oaflib.publish import place, site_of
    from oaflib.run.runner import body_of, run_report
    from oaflib.sources.open import serving

    project = load_site_only(find_root(given.root))
    if given.snapshot:
        from oaflib.cli.snapshots import run_one

        done = run_one(given, project)
    else:
        project = load_what_is_right(project.root, given.dataset)
        assignment = assignment_of(given, project)
        project.dataset(assignment.dataset)
        with serving(project, [assignment.source]):
            done = run_report(project, assignment, window_of(given, project.site.zone))
    site = site_of(project)
    site = replace(site, pdf=site.pdf or given.pdf)
    folder = place(
        done.report, body_of(done, project.site.trusted.notebooks), project.publish, site
    )
    counts = ", ".join(f"{count} {name}" for name, count in done.report.counts.items() if count)
    made = f"{done.report.id} {done.report.window.label}"
    say(f"{made}: {done.failure or counts} ({done.seconds:.1f} s)")
    say(str(folder / "index.html"))
    return bool(done.failure)


def watch(given: Namespace) -> int:
    """A dataset watched until it is told to stop."""
    from oaflib.cli.watching import watch

    return watch(given)


def replay(given: Namespace) -> int:
    """Write the notebook of a report or snapshot, ready to run again on the records kept."""
    from oaflib.cli.snapshots import named
    from oaflib.run.replay import write_player, write_replay, write_replay_of

    project = load_site_only(find_root(given.root))
    snapshot = named(given, project)
    if given.play and snapshot is None:
        raise ConfigurationError("--play plays a snapshot; save one with oaf snapshot save")
    if snapshot is not None:
        write = write_player if given.play else write_replay_of
        path = write(project, snapshot)
    else:
        window = window_of(given, project.site.zone)
        path = write_replay(project, assignment_of(given, project), window)
    say(str(path))
    if given.lab:
        os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(path)])
    return 0


def lab(given: Namespace) -> int:
    """JupyterLab, or Voilà, in the project's folder."""
    from oaflib.cli.laboratory import lab

    return lab(given)


def ingest(given: Namespace) -> int:
    """Bring files into the embedded store; 1 when a file was refused or lines were left out."""
    from oaflib.sources.embedded import IngestOptions, Lake, ingest_files

    project = load_site_only(find_root(given.root))
    options = IngestOptions(on_bad=given.on_bad, device=given.device, zone=given.zone)
    with Lake(store_of(project, given.source)) as lake:
        results = ingest_files(given.files, lake, options)
    for result in results:
        say(str(result))
    return any(result.bad_count or result.refused for result in results)


def publish(given: Namespace) -> int:
    """All views made again from the reports on disk."""
    from oaflib.publish import rebuild, site_of

    project = load_project(find_root(given.root))
    rebuild(project.publish, site_of(project))
    say(f"The report repository is {project.publish / 'index.html'}")
    return 0


def mail(given: Namespace) -> int:
    """Send what waits, or list it; 1 when mails died."""
    from oaflib.inform.outbox import letters
    from oaflib.state import State

    if given.preview:
        from oaflib.cli.preview import preview

        return preview(given)
    if given.day or given.into:
        raise ConfigurationError("--day and --into go with --preview")
    project = load_site_only(find_root(given.root))
    with State(project.runs / "state.sqlite") as state:
        if given.flush:
            return flush_mails(project, state)
        for letter in letters(state, "queued", "sending", "handed", "dead"):
            say(f"{letter.state:8} {letter.recipient}  {letter.subject}  {letter.reply}".rstrip())
    return 0


def check_configuration(given: Namespace) -> int:
    """Every file of the configuration; 2 when something is wrong."""
    root = find_root(given.root)
    problems = check_config(root)
    if not problems:
        problems = check_sources(load_project(root))
    for problem in problems:
        say(str(problem))
    say(counted(len(problems), "problem") if problems else "The configuration is right.")
    return 2 if problems else 0


def status(given: Namespace) -> int:
    """Whether this morning happened; 1 when something is wrong."""
    from oaflib.cli.health import health

    return health(given)


def fsck(given: Namespace) -> int:
    """Whether all that is kept holds together; 1 when something does not."""
    from oaflib.cli.health import sound

    return sound(given)


def upkeep(given: Namespace) -> int:
    """Retention and copies, now; with --dry-run only said."""
    from oaflib.daily import retention
    from oaflib.daily.upkeep import keep_up
    from oaflib.publish import site_of
    from oaflib.run.limits import size
    from oaflib.run.lock import held
    from oaflib.state import State

    project = load_project(find_root(given.root))
    path = project.runs / "state.sqlite"
    if not path.exists():
        say("No morning was ever held here: nothing to keep up.")
        return 0
    if given.dry_run:
        with State(path, read_only=True) as state:
            pieces = retention.plan(project, state, now())
        for piece in pieces:
            say(f"{piece.what:9} {size(piece.size):>8}  {piece.path}  ({piece.why})")
        total = size(sum(piece.size for piece in pieces))
        say(f"{counted(len(pieces), 'thing')} would go, {total}.")
        return 0
    with held(project.runs / "lock", project.publish), State(path) as state:
        said = keep_up(project, state, site_of(project), now())
    say(*(said or ["Nothing is old enough to go."]))
    return 0


def schedule(given: Namespace) -> int:
    """What calls OAF every morning on this machine."""
    from oaflib.cli.schedule import schedule

    return schedule(given)


def listing(given: Namespace) -> int:
    """The tasks, sources and templates of the project."""
    project = load_what_is_right(find_root(given.root))
    templates = sorted(path.stem for path in project.templates.glob("*.ipynb"))
    if given.json:
        document = {
            "tasks": [vars(task) for task in project.tasks],
            "sources": {name: entry.kind for name, entry in project.site.sources.items()},
            "templates": templates,
        }
        say(json.dumps(document, indent=1))
        return 0
    for task in project.tasks:
        try:
            title = project.dataset(task.id).title
        except ConfigurationError:
            title = "(its file is wrong: oaf check-config)"
        say(f"{task.id:24} {task.source:6} {task.schedule:7} {task.window:10} {title}")
    warn(*project.wrong_beside())
    say("sources: " + ", ".join(f"{n} ({s.kind})" for n, s in project.site.sources.items()))
    say("templates: " + ", ".join(templates))
    return 0


def demo(given: Namespace) -> int:
    """Fill the embedded store of the project with the demo machine's days."""
    from oaflib.cli.demonstration import fill

    return fill(given)


def silence(given: Namespace) -> int:
    """A silence written, or all listed."""
    from oaflib.cli.silencing import silence

    return silence(given)


def acknowledge(given: Namespace) -> int:
    """An alarm acknowledged."""
    from oaflib.cli.silencing import acknowledge

    return acknowledge(given)


def store_of(project: Project, name: str = "") -> Path:
    """The folder of an embedded source: the one named, or the only one.

    Raises
    ------
    ConfigurationError
        None, or several and none named.
    """
    embedded = {
        source.name: source for source in project.site.sources.values() if source.kind == "embedded"
    }
    if name:
        project.source_settings(name)
    elif len(embedded) == 1:
        (name,) = embedded
    if name not in embedded:
        raise ConfigurationError(
            "which embedded source? --source names one of: "
            + (", ".join(embedded) or "there is none")
        )
    return project.root / str(embedded[name].options["folder"])


def flush_mails(project: Project, state: State) -> int:
    """Send what waits; 1 when mails cannot be delivered or the server is not to be reached."""
    from oaflib.daily.telling import settings_of
    from oaflib.inform.send import flush
    from oaflib.inform.transport import transport_for

    settings = settings_of(project)
    outbox = project.runs / "outbox"
    where = f"to {settings.server}" if settings.server else f"into {outbox}"
    try:
        flushed = flush(state, transport_for(settings, outbox), now())
    except LockHeld:
        say("Mails: another process is sending them.")
        return 0
    words = [f"{counted(flushed.sent, 'mail')} {where}"]
    if flushed.waiting:
        words.append(f"{flushed.waiting} wait for another try")
    if flushed.dead:
        words.append(f"{flushed.dead} cannot be delivered (oaf mail --list)")
    say("; ".join(words))
    if flushed.problem:
        say(flushed.problem)
    return bool(flushed.dead or flushed.problem)


def assignment_of(given: Namespace, project: Project) -> Assignment:
    """How the dataset is reported: as its task says, or as the command line does."""
    from oaflib.run.runner import assigned, chosen

    whole = project if project.datasets else load_what_is_right(project.root)
    made = assigned(whole, given.dataset, given.source)
    warn(*whole.wrong_beside(given.dataset))
    return replace(
        chosen(whole, made, getattr(given, "template", ""), getattr(given, "expert", "")),
        low_res=getattr(given, "low_res", False),
        fresh=getattr(given, "fresh", False),
        name=getattr(given, "name", ""),
    )


def window_of(given: Namespace, zone: str) -> Window:
    name = getattr(given, "name", "")
    ways = [bool(given.day), bool(given.last), bool(given.begin or given.end)]
    if sum(ways) > 1 or bool(given.begin) != bool(given.end):
        raise ConfigurationError("say when in one way: --day, --last, or --from and --to together")
    try:
        if given.day:
            found = calendar_day(given.day, zone)
        elif given.last:
            found = last(given.last, now().replace(second=0, microsecond=0), zone)
        elif given.begin:
            found = between(given.begin, given.end, zone)
        else:
            found = yesterday(now(), zone)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    return replace(found, label=name) if name else found


def history(given: Namespace) -> int:
    """The long-term statistics: shown, made again, or brought along from a spreadsheet."""
    from oaflib.cli.chronicle import chronicle

    return chronicle(given)


def record(given: Namespace) -> int:
    """Record channels until a signal says to stop; 1 when some never answered."""
    import signal
    from threading import Event

    from oaflib.sources.embedded import Lake
    from oaflib.sources.live import RecordOptions, channels_of
    from oaflib.sources.live import record as recording

    project = load_site_only(find_root(given.root))
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    options = RecordOptions(every=given.every)
    with Lake(store_of(project, given.source)) as lake:
        done = recording(channels_of(given.channels), lake, stop, options, tell=say)
    say(f"{counted(done.samples, 'sample')}, {counted(done.disconnects, 'lost connection')}")
    return bool(done.silent or done.refused)


def new(given: Namespace) -> int:
    """A notebook begun for an expert."""
    from oaflib.cli.authoring import new

    return new(given)


def check_template(given: Namespace) -> int:
    """Whether a notebook can be a daily report."""
    from oaflib.cli.authoring import check_template

    return check_template(given)


def snapshot(given: Namespace) -> int:
    """Snapshots saved, listed, shown, pinned, packed or brought along."""
    from oaflib.cli.snapshots import snapshot

    return snapshot(given)


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "daily": daily,
    "run": run,
    "lab": lab,
    "watch": watch,
    "replay": replay,
    "snapshot": snapshot,
    "ingest": ingest,
    "publish": publish,
    "mail": mail,
    "silence": silence,
    "acknowledge": acknowledge,
    "new": new,
    "check-template": check_template,
    "check-config": check_configuration,
    "status": status,
    "schedule": schedule,
    "fsck": fsck,
    "upkeep": upkeep,
    "list": listing,
    "demo": demo,
    "history": history,
    "record": record,
}
