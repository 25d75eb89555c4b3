"""Where expert code runs: what it sees of the machine, and what it can change.

Two levels. ``prlimit``: a folder and an environment of its own, limits, and nothing else: it may do
what OAF's user may. ``bwrap``: besides, a place of its own made by bubblewrap: no network, no other
process, the whole disk read-only but for its folder, and neither the site's secrets nor the state
nor other reports to be seen.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from oaflib.config.project import Project
from oaflib.errors import RunError
from oaflib.run.request import Request

PRLIMIT, BWRAP = "prlimit", "bwrap"
#: What every such place is made of; `cage` adds what a run sees of the project.
BARE = (
    *("--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"),
    *("--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
)
_PRIVATE = ("/run", "/home", "/root", "/etc/oaf")  # sockets, what people keep, OAF's passwords


@dataclass(frozen=True)
class Level:
    """The isolation in force: its name, and why it is not a better one."""

    name: str
    lack: str = ""


@lru_cache(maxsize=1)
def best() -> Level:
    """The best level of this machine, found by trying."""
    tool = shutil.which("bwrap")
    if tool is None:
        return Level(PRLIMIT, "bubblewrap (bwrap) is not installed")
    try:
        tried = subprocess.run(
            [tool, *BARE, "--", "/bin/true"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Level(PRLIMIT, f"bubblewrap does not work here: {error}")
    if tried.returncode:
        words = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
        return Level(PRLIMIT, f"bubblewrap does not work here: {words[:200]}")
    return Level(BWRAP)


def level(project: Project) -> Level:
    """The level that expert code runs under.

    Raises
    ------
    RunError
        The site asks for more than this machine has.
    """
    asked = project.site.limits.isolation
    if asked == PRLIMIT:
        return Level(PRLIMIT, "the site asks for no more")
    found = best()
    if asked == BWRAP and found.name != BWRAP:
        raise RunError(
            f"the site asks for isolation '{asked}' and this machine has '{found.name}': "
            f"{found.lack}"
        )
    return found


def cage(project: Project, request: Request) -> list[str]:
    """The command that runs another one in a place of its own; makes the folders it needs.

    The request's folder is the only one that can be written to; ``/tmp`` is a part of it.
    """
    own = request.folder
    scratch = own / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    fonts = project.runs / "cache" / "matplotlib"
    if fonts.is_dir() and not (scratch / "matplotlib").exists():
        shutil.copytree(fonts, scratch / "matplotlib")
    hidden = [Path(name) for name in _PRIVATE]
    hidden += [Path(pwd.getpwuid(os.geteuid()).pw_dir)] if _has_name() else []
    words = [shutil.which("bwrap") or "bwrap", *BARE]
    words += ["--bind", str(scratch), "/tmp", "--bind", str(scratch), "/dev/shm"]
    for folder in dict.fromkeys(hidden):
        if folder.is_dir() and not folder.is_symlink() and folder != Path("/"):
            words += ["--tmpfs", str(folder)]
    for folder in dict.fromkeys(_shown(project)):
        words += ["--ro-bind", str(folder), str(folder)]
    runs = project.runs.absolute()
    words += ["--tmpfs", str(runs)]
    for name in ("pieces", "history"):
        words += ["--ro-bind-try", str(runs / name), str(runs / name)]
    words += ["--ro-bind-try", str(request.records), str(request.records)]
    words += ["--bind", str(own), str(own)]
    for path in secrets(project):
        if path.is_dir():
            hidden.append(path)
            words += ["--tmpfs", str(path)]
        elif path.exists():
            words += ["--ro-bind", str(_empty(own)), str(path)]
    for folder in (*hidden, runs):
        if str(folder) in words and folder.is_dir():
            words += ["--remount-ro", str(folder)]
    words += ["--remount-ro", "/dev", "--chdir", str(own)]
    words += ["--setenv", "TMPDIR", "/tmp", "--setenv", "MPLCONFIGDIR", "/tmp/matplotlib"]
    return [*words, "--"]


def _shown(project: Project) -> list[Path]:
    """What must be seen although it may lie in a place that is hidden."""
    package = Path(__file__).resolve().parents[2]
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    folders = [*python, package, project.root, project.experts, project.templates]
    return [folder.absolute() for folder in folders if folder.is_dir() and folder != Path("/usr")]


def secrets(project: Project) -> list[Path]:
    """What the site file names as secret, or as to be hidden."""
    named = [project.site.mail.password_file]
    named += [str(project.root / name) for name in project.site.limits.hide]
    for source in project.site.sources.values():
        for key, value in source.options.items():
            if isinstance(value, str) and key.endswith(("_file", "keytab")) and "ca_" not in key:
                named.append(str(project.root / value))
    return [Path(name) for name in named if name]


def _empty(folder: Path) -> Path:
    path = folder / "tmp" / ".nothing"
    path.touch(mode=0o444)
    return path


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def disarm(folder: Path) -> None:
    """Leave in `folder`, which expert code could write to, ordinary files and folders only.

    A link would lead whoever reads the folder next to a file the code itself could not read, and a
    pipe would keep them waiting.
    """
    for inner, names, files in os.walk(folder):
        for name in [*names, *files]:
            path = Path(inner, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                path.chmod(stat.S_IMODE(mode) | 0o700)
            elif not stat.S_ISREG(mode):
                path.unlink()
