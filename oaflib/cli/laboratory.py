"""``oaf lab``: JupyterLab, or a notebook as a page, in the project's folder."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from oaflib.cli.commands import say
from oaflib.config.project import find_root, load_site_only
from oaflib.demo.project import project_files
from oaflib.errors import ConfigurationError

_SHIPPED = ("launcher", "online", "replay")


def lab(given: Namespace) -> int:
    """Becomes the server; comes back only when it cannot."""
    root = find_root(given.root).resolve()
    load_site_only(root)
    module = "voila" if given.voila else "jupyterlab"
    if find_spec(module) is None:
        raise ConfigurationError(
            f"'oaf lab' needs {module}, of the extra 'lab': pip install 'oaflib[lab]'"
        )
    brought = bring_notebooks(root)
    if brought:
        say("New in this project: " + ", ".join(brought))
    notebook = (root / given.notebook).resolve()
    if not notebook.is_file() or root not in notebook.parents:
        raise ConfigurationError(f"there is no notebook {given.notebook} in {root}")
    os.chdir(root)
    os.environ["OAF_ROOT"] = str(root)
    os.execv(sys.executable, command(given, module, root, notebook))


def command(given: Namespace, module: str, root: Path, notebook: Path) -> list[str]:
    """What is run: on this machine's loopback alone, the project's folder as its root."""
    shared = ["--no-browser"] if given.no_browser else []
    port = [f"--port={given.port}"] if given.port else []
    if os.geteuid() == 0 and module == "jupyterlab":
        shared.append("--allow-root")
    name = notebook.relative_to(root).as_posix()
    if module == "voila":
        return [sys.executable, "-m", "voila", name, *shared, *port]
    place = [f"--ServerApp.root_dir={root}", "--ip=127.0.0.1"]
    open_at = [f"--LabApp.default_url=/lab/tree/{name}"]
    return [sys.executable, "-m", "jupyterlab", *place, *open_at, *shared, *port]


def bring_notebooks(root: Path) -> list[str]:
    """Put OAF's own notebooks into a project that lacks them; what was brought."""
    files = project_files()
    brought = []
    for name in (f"notebooks/{stem}.ipynb" for stem in _SHIPPED):
        if name in files and not (root / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(files[name])
            brought.append(name)
    return brought
