"""A light look into notebooks that the configuration names; the runner looks harder."""

from __future__ import annotations

import json
from pathlib import Path

from oaflib.config.words import listed


def notebooks_in(folder: Path) -> list[str]:
    """The names, without ``.ipynb``, of the notebooks in `folder`, sorted."""
    try:
        return sorted(path.stem for path in folder.glob("*.ipynb") if path.is_file())
    except OSError:
        return []


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
