"""A machine whose first process is systemd: this one's files, in a container of their own.

What is changed in it, but for the folders it is given, is in memory and gone with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_BOOT = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
shift
exec "$@"
"""
_PATIENCE = 60.0  # seconds until it is up


class NoMachine(Exception):
    """None can be had here, and why."""


@dataclass(frozen=True)
class Machine:
    """One that is up; `leader` is its first process."""

    leader: int

    def run(self, *command: str, check: bool = True) -> str:
        """What the command, run by its root, prints."""
        entered = ["nsenter", "--target", str(self.leader), "--all", "--", *command]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run(entered, capture_output=True, text=True, env=env, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def shown(self, unit: str) -> dict[str, str]:
        """What systemd says of a unit."""
        lines = self.run("systemctl", "show", unit).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def ended(self, unit: str, seconds: float = 180.0) -> dict[str, str]:
        """The same, once the unit has been started and has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            about = self.shown(unit)
            if about["ExecMainExitTimestampMonotonic"] != "0" and about["ActiveState"] in (
                "inactive",
                "failed",
            ):
                return about
            time.sleep(0.3)
        raise AssertionError(f"{unit} has not ended: {self.run('journalctl', '-u', unit)}")


@contextmanager
def machine(folder: Path, shared: Sequence[tuple[Path, str]]) -> Iterator[Machine]:
    """Boot one; `folder` is for its own files, `shared` are folders of ours and what it calls them.

    Raises
    ------
    NoMachine
        systemd-nspawn is not installed, or does not work here.
    """
    if os.geteuid() or not shutil.which("systemd-nspawn") or not shutil.which("nsenter"):
        raise NoMachine("booting systemd needs root and systemd-nspawn")
    if Path(sys.prefix).is_relative_to("/tmp"):
        raise NoMachine("units have a /tmp of their own, and this interpreter is in ours")
    folder.mkdir()
    binds = [f"--bind={ours}:{theirs}" for ours, theirs in shared]
    nspawn = ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet"]
    words = [*nspawn, *binds, "-D", str(folder / "root"), "-b", "--", "--unit=basic.target"]
    log = folder.with_suffix(".log")
    with log.open("wb") as said:
        booting = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _BOOT, "boot", str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _up(booting, log)
    finally:
        booting.terminate()
        with suppress(subprocess.TimeoutExpired):
            booting.wait(30)
        booting.kill()
        booting.wait()


def _up(booting: subprocess.Popen[bytes], log: Path) -> Machine:
    until = time.monotonic() + _PATIENCE
    children = Path(f"/proc/{booting.pid}/task/{booting.pid}/children")
    while booting.poll() is None and time.monotonic() < until:
        for pid in children.read_text().split():
            up = Machine(int(pid))
            with suppress(OSError):
                if Path(f"/proc/{pid}/ns/pid").readlink() == Path("/proc/self/ns/pid").readlink():
                    continue
                if "active" in up.run("systemctl", "is-active", "basic.target", check=False):
                    return up
        time.sleep(0.2)
    raise NoMachine(f"systemd does not come up here: {log.read_text(errors='replace')[-500:]}")


def python_folders() -> list[tuple[Path, str]]:
    """Of this interpreter and of this project, to be found under their own names."""
    folders = {Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[1]}
    return [(folder, str(folder)) for folder in sorted(folders)]
