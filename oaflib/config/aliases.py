"""What devices and variables were called before: ``config/aliases.csv``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oaflib.config.document import Complaints
from oaflib.config.table import read_rows
from oaflib.config.words import quoted
from oaflib.errors import ConfigurationError
from oaflib.series import device_of

ALIASES = "config/aliases.csv"
COLUMNS = ("Old", "New")


@dataclass(frozen=True)
class Aliases:
    """Old name to new name, of devices and of variables."""

    renamed: Mapping[str, str] = field(default_factory=dict)

    def newest(self, name: str) -> str:
        """What the variable `name` is called now."""
        for _ in range(len(self.renamed) + 1):
            device = device_of(name)
            if name in self.renamed:
                name = self.renamed[name]
            elif device in self.renamed:
                name = self.renamed[device] + name[len(device) :]
            else:
                break
        return name

    def all_of(self, name: str) -> list[str]:
        """`name`, and every older name of that variable or of its device."""
        found = {name: None}
        queue = [name]
        while queue:
            device = device_of(current := queue.pop())
            for old, new in self.renamed.items():
                older = ""
                if new == current:
                    older = old
                elif new == device:
                    older = old + current[len(device) :]
                if older and older not in found:
                    found[older] = None
                    queue.append(older)
        return list(found)


def read_aliases(root: Path) -> Aliases:
    """The aliases of the project at `root`; none without the file.

    Raises
    ------
    ConfigurationError
        An empty name, a name given twice, or names that lead round in a circle.
    """
    path = root / ALIASES
    if not path.exists():
        return Aliases()
    complaints = Complaints(ALIASES)
    renamed: dict[str, str] = {}
    for row in read_rows(path, complaints, COLUMNS):
        old, new = row.cells.get("Old", ""), row.cells.get("New", "")
        place = f"line {row.line}"
        if not old or not new:
            complaints.add(place, "needs both the Old and the New name")
        elif old in renamed:
            complaints.add(place, f"{quoted(old)} has been renamed {quoted(renamed[old])} before")
        elif _leads(renamed, new) == old or old == new:
            complaints.add(place, f"{quoted(old)} would be renamed to itself in a circle")
        elif (":" in old) != (":" in new):
            complaints.add(place, "names a device on one side and a variable on the other")
        else:
            renamed[old] = new
    if complaints.problems:
        raise ConfigurationError(complaints.every())
    return Aliases(renamed)


def _leads(renamed: Mapping[str, str], name: str) -> str:
    while name in renamed:
        name = renamed[name]
    return name
