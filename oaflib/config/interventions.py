"""What was done to devices, and when: the ledger ``config/interventions.csv``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from oaflib.config.document import Complaints
from oaflib.config.patterns import fault_of_variable
from oaflib.config.table import read_rows
from oaflib.config.words import quoted
from oaflib.errors import ConfigurationError
from oaflib.series import device_of
from oaflib.window import calendar_day, instant, moment, nanoseconds

LEDGER = "config/interventions.csv"
COLUMNS = ("Date", "Device", "Done", "By")


@dataclass(frozen=True, order=True)
class Intervention:
    """One line of the ledger.

    Attributes
    ----------
    time : int64 ns UTC; of a bare date, the beginning of that day in the site's zone.
    device : a device, a variable, or a ``%`` pattern of either.
    done : what was done.
    by : by whom.
    day : the calendar day, as the ledger has it; empty: that of `time` in UTC.
    """

    time: int
    device: str
    done: str = ""
    by: str = ""
    day: str = ""

    def concerns(self, variable: str) -> bool:
        """Whether it was done to the device of `variable`, or to `variable` itself.

        What is computed of a device begins with its name: ``LHC.BWS.5R4.B1H1 peak``.
        """
        parts = [re.escape(part) for part in self.device.split("%")]
        whole = re.compile(".*".join(parts), re.DOTALL)
        names = (variable, device_of(variable), variable.split(" ", 1)[0])
        return any(whole.fullmatch(name) for name in names)

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"{self.done or 'intervention'}{by} ({self.day or instant(moment(self.time))[:10]})"


def concerning(ledger: Sequence[Intervention], variable: str) -> tuple[Intervention, ...]:
    """The interventions on one variable, in order of time."""
    return tuple(sorted(entry for entry in ledger if entry.concerns(variable)))


def read_interventions(root: Path, zone: str = "UTC") -> tuple[Intervention, ...]:
    """The ledger of the project at `root`, in order of time; empty without the file.

    Raises
    ------
    ConfigurationError
        Every line that is wrong, in one pass.
    """
    path = root / LEDGER
    if not path.exists():
        return ()
    complaints = Complaints(LEDGER)
    found = []
    for row in read_rows(path, complaints, COLUMNS):
        place, date = f"line {row.line}", row.cells.get("Date", "")
        try:
            time = _time(date, zone)
        except ValueError as error:
            complaints.add(place, str(error))
            continue
        device = row.cells.get("Device", "")
        if device != "%" and (fault := fault_of_variable(device)):
            complaints.add(place, f"Device: {fault}")
            continue
        if not row.cells.get("Done"):
            complaints.add(place, "says nothing under Done: what was done to the device?")
            continue
        done, by = row.cells["Done"], row.cells.get("By", "")
        found.append(Intervention(time, device, done, by, date[:10]))
    if complaints.problems:
        raise ConfigurationError(complaints.every())
    return tuple(sorted(found))


def _time(text: str, zone: str) -> int:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return calendar_day(date.fromisoformat(text), zone).start_ns
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"Date is {quoted(text)}; write 2026-11-23, or 2026-11-23T14:30+01:00"
        ) from None
    if when.tzinfo is None:
        raise ValueError(f"Date is {quoted(text)}, without a zone; write {text}Z or {text}+01:00")
    return nanoseconds(when)
