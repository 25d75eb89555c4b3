"""SLURM on this machine: a controller, a node and munge, on loopback, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel")
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
_PATIENCE = 30.0  # seconds until it is up
_CONFIGURATION = """
ClusterName=oaf
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_interval=1
ReturnToService=2
KillWait=2
MinJobAge=10
MessageTimeout=5
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=65536 TmpDisk=0
PartitionName=batch Nodes={host} Default=YES State=UP
PartitionName=closed Nodes={host} State=DOWN
PartitionName=short Nodes={host} MaxTime=1 State=UP
"""


class NoMachine(Exception):
    """None can be had here, and why."""


@dataclass(frozen=True)
class Slurm:
    """One that is up: four processors, 64 GB; `closed` starts no job, `short` ends it in time.

    Attributes
    ----------
    environment : in which its commands know it.
    """

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """What one of its commands prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def jobs(self) -> list[str]:
        """Those that wait, run or are being ended."""
        return self.run("squeue", "--noheader", "--format=%i").split()

    def empty(self, seconds: float = 20.0) -> bool:
        """Whether its jobs are gone, or go in that time: ending them takes a moment."""
        until = time.monotonic() + seconds
        while (left := self.jobs()) and time.monotonic() < until:
            time.sleep(0.2)
        return not left

    def last(self) -> int:
        """The number of the last job that was sent; 0 before the first."""
        found = self.run("scontrol", "show", "config")
        return (
            int(next(line for line in found.splitlines() if "NEXT_JOB_ID" in line).split()[-1]) - 1
        )


@contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """Start one; its jobs and itself are ended with the context.

    Raises
    ------
    NoMachine
        SLURM or munge is not installed, or does not come up here.
    """
    missing = [program for program in PROGRAMS if not shutil.which(program, path=_PATH)]
    if missing or os.geteuid():
        raise NoMachine(f"a SLURM needs root and {', '.join(missing) or 'its programs'}")
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    configuration = folder / "slurm.conf"
    controller, node = _free_ports()
    configuration.write_text(
        _CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0], folder=folder, controller=controller,
            node=node,
        )
    )  # fmt: skip
    made = Slurm(folder, {**os.environ, "PATH": _PATH, "SLURM_CONF": str(configuration)})
    files = [f"--{what}-file={folder}/munge.{what}" for what in ("key", "pid", "log", "seed")]
    with ExitStack() as stack:
        for words in (
            ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ):
            stack.enter_context(_daemon(made, words))
            if words[0] == "munged":
                _until(made, (folder / "munge.socket").exists)
        _until(made, lambda: _idle(made))
        stack.callback(_emptied, made)
        yield made


@contextmanager
def _daemon(made: Slurm, words: list[str]) -> Iterator[None]:
    with (made.folder / f"{words[0]}.out").open("wb") as said:
        process = subprocess.Popen(
            words, env=made.environment, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _until(made: Slurm, true: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > until:
            said = "\n".join(path.read_text()[-500:] for path in made.folder.glob("*.out"))
            raise NoMachine(f"SLURM does not come up here: {said}")
        time.sleep(0.1)


def _idle(made: Slurm) -> bool:
    with suppress(AssertionError):
        return "idle" in made.run("sinfo", "--noheader", "--format=%t")
    return False


def _emptied(made: Slurm) -> None:
    """End what is left of jobs: they would outlive the node's daemon."""
    until = time.monotonic() + _PATIENCE
    while (left := made.jobs()) and time.monotonic() < until:
        made.run("scancel", "--quiet", *left)
        time.sleep(0.3)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
