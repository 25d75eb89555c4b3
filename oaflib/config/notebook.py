"""A light look into notebooks that the configuration names; the runner looks harder."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

from oaflib.config.words import listed, near, quoted


class Shelf:
    """A folder of notebooks, looked into once; each notebook is read at most once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._faults: dict[str, str] = {}

    @cached_property
    def names(self) -> list[str]:
        """The notebooks without ``.ipynb``, sorted; none when there is no such folder."""
        try:
            return sorted(path.stem for path in self.folder.glob("*.ipynb") if path.is_file())
        except OSError:
            return []

    def fault_of(self, name: str, noun: str = "notebook") -> str:
        """Why the notebook called `name` cannot be run; nothing when it can."""
        if name not in self.names:
            hint = f"{near(name, self.names)} There are: {listed(self.names)}"
            return f"no {noun} is called {quoted(name)} in {self.folder.name}/.{hint}"
        if name not in self._faults:
            self._faults[name] = fault_of_file(self.folder / f"{name}.ipynb")
        return f"{name}.ipynb {self._faults[name]}" if self._faults[name] else ""


def fault_of_file(path: Path) -> str:
    """Why the notebook at `path` cannot be run with parameters; nothing when it can."""
    try:
        document = json.loads(path.read_bytes())
        version, cells = document["nbformat"], document["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        language = document["metadata"].get("kernelspec", {}).get("language", "python")
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"is not a notebook: {type(error).__name__}: {error}"
    if version != 4:
        return f"is a notebook of version {version}; open it in JupyterLab and save it again"
    if str(language).casefold() != "python":
        return f"is written in {listed([str(language)])}; OAF runs Python"
    if len(tagged) != 1:
        return (
            f"has {len(tagged) or 'no'} cell{'s' * (len(tagged) != 1)} tagged 'parameters'; it "
            "needs exactly one, or it would run with its own values and report the wrong day"
        )
    return ""
