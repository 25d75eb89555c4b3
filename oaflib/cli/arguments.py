"""What the command line may say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from oaflib.window import parse_duration, parse_instant


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its options; leaves with 2 and a usage line when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="oaf",
        description="Looks every morning at what the instruments logged, and tells their experts.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show it and leave")
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--root",
        type=Path,
        default=argparse.SUPPRESS,
        help="the project's folder (else OAF_ROOT, else the current folder or one above)",
    )

    def command(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=what, parents=[shared])

    _daily(command("daily", "make, publish and mail the reports that are due (run_daily.py)"))
    _run(command("run", "make one report and publish it; no mail"))
    _replay(command("replay", "write the notebook of a report or snapshot, ready to run again"))
    _snapshot(command("snapshot", "what + when + data, kept as one folder or .zip"))
    lab = command("lab", "JupyterLab in the project's folder, with the launcher open")
    lab.add_argument("notebook", nargs="?", default="notebooks/launcher.ipynb", metavar="NOTEBOOK")
    lab.add_argument(
        "--voila", action="store_true", help="the notebook as a page without code, by Voilà"
    )
    lab.add_argument("--no-browser", action="store_true", help="say the address, open nothing")
    lab.add_argument("--port", type=_positive, default=0, help="(the first that is free)")
    _watch(command("watch", "look at a dataset again and again while it is logged (an MD)"))
    _ingest(command("ingest", "bring CSV, Parquet, HDF5 or TFS files into the embedded store"))
    record = command(
        "record", "record an EPICS IOC's channels into the embedded store, until stopped"
    )
    record.add_argument(
        "--ca",
        nargs="+",
        required=True,
        metavar="CHANNEL",
        dest="channels",
        help="channel names; {1..32} and {A,B} stand for several, @FILE for a list",
    )
    record.add_argument("--source", default="", help="an embedded source (the only one, or LDB)")
    record.add_argument("--every", type=float, default=5.0, help="seconds between writings (5)")
    command("publish", "make all views of the report repository again, from the reports on disk")
    mail = command("mail", "the outbox of mails")
    what = mail.add_mutually_exclusive_group(required=True)
    what.add_argument("--flush", action="store_true", help="send what is waiting")
    what.add_argument("--list", action="store_true", help="what is waiting, and what died")
    what.add_argument("--preview", action="store_true", help="what a morning sends; sends nothing")
    mail.add_argument(
        "--day", type=_day, help="of --preview: the day reports are about (yesterday)"
    )
    mail.add_argument(
        "--into", type=Path, metavar="FOLDER", help="of --preview: also write .eml and .html files"
    )
    _silence(command("silence", "leave alarms out of the mails until a day; or list silences"))
    known = command("acknowledge", "leave an alarm out of the mails until it clears")
    known.add_argument("device", metavar="DEVICE", help="device, variable, or pattern with %%")
    _known(known, required=True)
    _history(command("history", "the long-term statistics of every variable"), shared)
    _new(command("new", "begin a template, or a notebook of expert code"), shared)
    trial = command("check-template", "whether a notebook can be a daily report; tries it")
    trial.add_argument("template", metavar="NOTEBOOK", help="of notebooks/templates/ or experts/")
    trial.add_argument("--dataset", default="", metavar="DATASET", help="else the one it names")
    trial.add_argument("--day", type=_day, help="the last day to try (yesterday)")
    trial.add_argument("--days", type=_positive, default=3, help="how many days (3)")
    command("check-config", "check every file of the configuration; nothing runs")
    health = command("status", "whether this morning happened, and what is wrong")
    health.add_argument("--json", action="store_true", help="for programs")
    health.add_argument(
        "--prometheus", type=Path, metavar="FILE", help="also write metrics into FILE"
    )
    health.add_argument(
        "--mail", action="store_true", help="mail the operator what is wrong, by itself (watchdog)"
    )
    health.add_argument("--at", type=_moment, help="as if it were this time (ISO 8601, with zone)")
    health.add_argument(
        "--over", action="store_true", help="the morning is over: what is not there is missing"
    )
    check = command("fsck", "whether all that is kept holds together; changes nothing")
    reach = check.add_mutually_exclusive_group()
    reach.add_argument("--days", type=_positive, default=30, help="look so far back (30)")
    reach.add_argument("--all", action="store_true", help="look at everything there ever was")
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument("--at", type=_moment, help="as if it were this time (ISO 8601, with zone)")
    upkeep = command("upkeep", "copy the state, and take away what has been kept long enough")
    upkeep.add_argument("--dry-run", action="store_true", help="say what would go; nothing does")
    plan = command("schedule", "lines for cron, or units for systemd, that call OAF here")
    plan.add_argument("kind", choices=("cron", "systemd"))
    plan.add_argument("--into", type=Path, metavar="FOLDER", help="write the units there")
    plan.add_argument("--time", type=_clock, default="08:00", help="of the morning (08:00)")
    plan.add_argument("--watch", type=_clock, default="10:00", help="of the watchdog (10:00)")
    plan.add_argument("--user", default="", help="who runs OAF (else you)")
    listing = command("list", "the tasks, sources and templates of the project")
    listing.add_argument("--json", action="store_true", help="for programs")
    demo = command("demo", "fill the embedded store with the demo machine's two weeks")
    demo.add_argument("--days", type=_positive, default=14, help="how many days (14)")
    demo.add_argument("--last-day", type=_day, default=None, metavar="DAY", help="the last of them")
    given = parser.parse_args(argv)
    if given.command == "run" and not (given.dataset or given.snapshot):
        parser.error("run what? Name a dataset, or a snapshot with --snapshot")
    return given


def _new(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    what = "like the family's own, with a part that is yours"
    template = words.add_parser("template", help=what, parents=[shared])
    template.add_argument("instrument", metavar="INSTRUMENT", help="BCT, BWS …")
    template.add_argument("--dataset", default="", metavar="DATASET", help="the family's first")
    template.add_argument("--name", default="", help="of the notebook (<instrument>-new)")
    template.add_argument("--day", type=_day, help="the day its parameters name (yesterday)")
    template.add_argument(
        "--expert", action="store_true", help="expert code, which adds to another report"
    )
    template.add_argument("--lab", action="store_true", help="open it in JupyterLab")


def _daily(parser: argparse.ArgumentParser) -> None:
    anchor = parser.add_mutually_exclusive_group()
    anchor.add_argument("--day", type=_day, help="report this calendar day (2026-11-22)")
    anchor.add_argument("--at", type=_moment, help="as if it were this time (ISO 8601, with zone)")
    anchor.add_argument(
        "--from", type=_day, dest="begin", metavar="DAY", help="all days from this one, no mail"
    )
    parser.add_argument("--to", type=_day, dest="end", metavar="DAY", help="until this one")
    parser.add_argument("--only", default="", metavar="PATTERN", help="tasks, as BCT_* or *_PS")
    parser.add_argument("--schedule", default="", choices=("daily", "hourly", "weekly"))
    parser.add_argument("--jobs", type=_positive, default=0, help="reports at once (one a core)")
    parser.add_argument(
        "--cluster",
        default="",
        metavar="ADDR",
        help="make the reports on this Dask cluster (tcp://host:8786; none: here)",
    )
    parser.add_argument("--no-mail", action="store_true", help="inform nobody")
    parser.add_argument("--again", action="store_true", help="also what is there already")
    _fresh(parser)
    parser.add_argument(
        "--catch-up",
        type=_whole,
        metavar="DAYS",
        help="make so many missed days too (else as the site says: 7); 0 makes none",
    )
    parser.add_argument(
        "--trust-clock", action="store_true", help="the clock is right, whatever it looks like"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be made; make nothing"
    )


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dataset", nargs="?", default="", metavar="DATASET", help="<INST>_<dataset>"
    )
    _window(parser)
    parser.add_argument(
        "--snapshot", default="", metavar="NAME", help="from this snapshot (or .zip), no source"
    )
    parser.add_argument("--template", default="", help="a notebook of notebooks/templates/")
    parser.add_argument("--source", default="", help="a name of [sources] (else the task table's)")
    parser.add_argument("--expert", default="", metavar="CODE", help="expert code to run after it")
    parser.add_argument("--low-res", action="store_true", help="a light page")
    _fresh(parser)
    parser.add_argument("--pdf", action="store_true", help="a PDF beside it, where Chromium is")
    parser.add_argument("--name", default="", help="the report's own name, in place of its day")


def _snapshot(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    save = words.add_parser("save", help="keep a dataset's window, with all a replay needs")
    save.add_argument("dataset", metavar="DATASET", help="<INST>_<dataset>")
    _window(save)
    save.add_argument("--name", required=True, help="what it is called: MD2162, or MD2162.zip")
    save.add_argument("--zip", action="store_true", help="as one .zip")
    save.add_argument("--template", default="", help="a notebook of notebooks/templates/")
    save.add_argument("--source", default="", help="a name of [sources] (else the task table's)")
    listing = words.add_parser("list", help="the project's snapshots, and those kept in sources")
    listing.add_argument("--source", default="", help="of this source only")
    listing.add_argument("--here", action="store_true", help="the project's only; ask no source")
    what = {
        "show": "what a snapshot holds; every file is held against its hash",
        "pin": "keep it for ever",
        "unpin": "keep it no longer than others",
        "import": "bring a snapshot from elsewhere (.zip or folder) into the project",
        "zip": "write it as one .zip",
    }
    for word, help_text in what.items():
        one = words.add_parser(word, help=help_text)
        one.add_argument("snapshot", metavar="SNAPSHOT", help="a name, or the path of a .zip")
        if word == "pin":
            one.add_argument("--reason", default="", metavar="TEXT", help="why, for who wonders")
        if word == "import":
            one.add_argument("--name", default="", help="another name for it")
        if word == "zip":
            one.add_argument("file", type=Path, metavar="FILE.zip")


def _fresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="ask the source also for what was kept of it (late data)",
    )


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET|SNAPSHOT", help="or the path of a .zip")
    _window(parser)
    parser.add_argument("--source", default="", help="a name of [sources] (else the task table's)")
    parser.add_argument("--lab", action="store_true", help="open it in JupyterLab")
    parser.add_argument(
        "--play", action="store_true", help="of a snapshot: the player instead of the report"
    )


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="<INST>_<dataset>")
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--last", type=_duration, metavar="15min", help="a window that slides")
    window.add_argument(
        "--from", type=_moment, dest="begin", metavar="TIME", help="a window that grows from here"
    )
    parser.add_argument(
        "--every", type=_duration, default="60s", metavar="60s", help="look so often"
    )
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--until", type=_moment, metavar="TIME", help="end by itself (else Ctrl-C)")
    end.add_argument("--for", type=_duration, dest="during", metavar="8h", help="end after so long")
    parser.add_argument("--name", default="", help="what its report is called at the end")
    parser.add_argument("--mail", default="", metavar="WHO", help="mail new alarms to these users")
    parser.add_argument(
        "--mail-every", type=_duration, default="15min", metavar="15min", help="at most so often"
    )
    parser.add_argument("--template", default="", help="a notebook of notebooks/templates/")
    parser.add_argument("--source", default="", help="a name of [sources] (else the task table's)")
    parser.add_argument("--expert", default="", metavar="CODE", help="expert code to run after it")
    parser.add_argument("--low-res", action="store_true", help="a light page")


def _history(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    show = words.add_parser("show", help="a variable's windows, the oldest first", parents=[shared])
    show.add_argument("variable", metavar="DEVICE:FIELD")
    show.add_argument("--days", type=_positive, default=0, help="only so many days back")
    show.add_argument("--dataset", default="", help="of this dataset's reports (<INST>_<dataset>)")
    again = "make it again from the reports in the repository"
    words.add_parser("rebuild", help=again, parents=[shared])
    what = "take in timestamp,variable,value[,unit] (CSV or xlsx)"
    take = words.add_parser("import", help=what, parents=[shared])
    take.add_argument("file", type=Path)
    take.add_argument("--zone", default="", help="zone of times written without one")


def _ingest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--source", default="", help="an embedded source (the only one, or LDB)")
    parser.add_argument(
        "--on-bad",
        choices=("refuse", "keep"),
        default="refuse",
        help="a file with bad lines: refuse it whole, or keep its good lines",
    )
    parser.add_argument("--device", default="", help="device of columns that name only a field")
    parser.add_argument("--zone", default="", help="zone of times written without one")


def _silence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "device",
        nargs="?",
        default="",
        metavar="DEVICE",
        help="device, variable, or pattern with %%",
    )
    parser.add_argument("--until", type=_day, metavar="DAY", help="the last day reports are about")
    parser.add_argument(
        "--from", type=_day, dest="begin", metavar="DAY", help="the first of them (yesterday)"
    )
    parser.add_argument("--list", action="store_true", help="what is silenced")
    _known(parser)


def _known(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """What a silence and an acknowledgement both say."""
    parser.add_argument("--check", default="", help="only what this check finds (else all)")
    parser.add_argument("--reason", default="", required=required, metavar="TEXT", help="why")
    parser.add_argument("--author", default="", metavar="NAME", help="who (else your login)")


def _window(parser: argparse.ArgumentParser) -> None:
    """--day D | --last 15min | --from A --to B; nothing is yesterday."""
    parser.add_argument("--day", type=_day, help="a calendar day (2026-11-22)")
    parser.add_argument("--last", type=_duration, metavar="15min", help="until now")
    parser.add_argument("--from", type=_moment, dest="begin", metavar="TIME", help="ISO 8601, zone")
    parser.add_argument("--to", type=_moment, dest="end", metavar="TIME", help="ISO 8601, zone")


class _Version(argparse.Action):
    """Says which OAF this is; to read that takes as long as all else here, so it waits for this."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"oaf {version('oaflib')}\n")
        parser.exit()


def _typed(reader: Callable[[str], Any], noun: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return reader(text)
        except (ValueError, OverflowError) as error:
            said = f"'{text}' is not {noun}"
            why = str(error).removeprefix(said).lstrip(":; ")
            bare = not why or why.startswith("Invalid isoformat")
            raise argparse.ArgumentTypeError(said if bare else f"{said}: {why}") from None

    return read


def _time_of_day(text: str) -> str:
    from oaflib.config.rules import parse_clock  # which brings what reads mail addresses

    return parse_clock(text)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("1 or more")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 366:
        raise ValueError("0 to 366")
    return number


_day: Callable[[str], date] = _typed(date.fromisoformat, "a day like 2026-11-22")
_moment: Callable[[str], datetime] = _typed(
    lambda text: parse_instant(text).astimezone(UTC), "a time like 2026-11-22T08:00Z"
)
_duration: Callable[[str], timedelta] = _typed(parse_duration, "a duration")
_clock: Callable[[str], str] = _typed(_time_of_day, "a time of day")
_whole: Callable[[str], int] = _typed(_not_negative, "a number of days")
_positive: Callable[[str], int] = _typed(_at_least_one, "a number")
