"""``oaf history``: what the reports of years say of a variable."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta
from zoneinfo import ZoneInfo

from oaflib.cli.commands import now, say
from oaflib.config.interventions import concerning
from oaflib.config.project import find_root, load_site_only
from oaflib.config.words import near, quoted
from oaflib.errors import OafError
from oaflib.series import device_of
from oaflib.study.words import history_of, ledger_of
from oaflib.window import moment


def chronicle(given: Namespace) -> int:
    """Show, rebuild or import; 1 when a variable has no history or a report could not be read.

    Raises
    ------
    HistoryError
        A file that cannot be imported.
    """
    project = load_site_only(find_root(given.root))
    history = history_of(project)
    if given.word == "rebuild":
        troubles = history.rebuild(project.publish)
        say(
            *troubles,
            f"{len(history.variables()):,} variables of {len(history.datasets())} datasets",
        )
        return bool(troubles)
    if given.word == "import":
        count = history.import_file(given.file, given.zone)
        say(f"{count:,} points of {given.file} are in the history")
        return 0
    first = now() - timedelta(days=given.days) if given.days else None
    holding = [name for name in history.datasets() if given.variable in history.variables(name)]
    if len(holding) > 1 and not given.dataset and device_of(given.variable) == given.variable:
        raise OafError(
            f"{len(holding)} datasets compute a '{given.variable}'; say which: "
            + ", ".join(f"{name}:{given.variable}" for name in holding)
        )
    trend = history.trend(given.variable, first, dataset=given.dataset)
    if not len(trend):
        known = [name for name in history.variables() if given.variable.lower() in name.lower()]
        hint = f" There are: {', '.join(known[:8])}" if known else ""
        hint = hint or near(given.variable, history.variables())
        raise OafError(f"the history has nothing of {quoted(given.variable)}.{hint}")
    zone = ZoneInfo(project.site.zone)
    done = list(concerning(ledger_of(project), given.variable))
    say(f"{'window':16} {'samples':>9} {'min':>12} {'mean':>12} {'max':>12} {'spread':>12} unit")
    for i in range(len(trend)):
        while done and done[0].time <= trend.start[i]:
            say(f"{'—' * 16} {done.pop(0)}")
        start = moment(int(trend.start[i])).astimezone(zone)
        numbers = (trend.min[i], trend.mean[i], trend.max[i], trend.std[i])
        row = " ".join(
            f"{number:12.6g}" if number == number else f"{'–':>12}" for number in numbers
        )
        mark = " imported" if trend.imported[i] else ""
        say(f"{start:%Y-%m-%d %H:%M} {int(trend.count[i]):9,} {row} {trend.units[i]}{mark}")
    return 0
