"""``[cluster]`` of the site file: where a morning's reports are made, when not on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from oaflib.config.rules import Size, within
from oaflib.errors import ConfigurationError, Problem

_WALLTIME = re.compile(r"(\d+-)?\d{1,3}(:\d\d){1,2}")
ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://\S+:\d+(/\S*)?")


@dataclass(frozen=True)
class ClusterTable:
    """``[cluster]``: a Dask cluster for the runs of a morning; without it they run here.

    Attributes
    ----------
    address : of a scheduler that is there, ``tcp://host:8786``; or
    kind : of a cluster made for the morning, and ended with it: ``local`` processes, or jobs of
        ``slurm``, ``htcondor`` or ``kubernetes``.
    workers : how many; each makes one report at a time. memory : of each.
    walltime : of a job (SLURM, HTCondor), ``02:00:00``.
    interface : of the network that the machines share (``ib0``), where a machine has several.
    queue, account : of SLURM. disk : of an HTCondor job.
    directives : more lines of a job's head. prologue : shell lines before a worker starts.
    image, namespace : of Kubernetes; the image has oaflib.
    claim : of Kubernetes: the PersistentVolumeClaim that holds the project's folder.
    start : seconds to wait for a first worker; then the reports are made here.
    """

    address: str = ""
    kind: Literal["", "local", "slurm", "htcondor", "kubernetes"] = ""
    workers: int = 4
    memory: Size = "8GB"
    walltime: str = "04:00:00"
    interface: str = ""
    queue: str = ""
    account: str = ""
    disk: Size = "10GB"
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    image: str = ""
    namespace: str = ""
    claim: str = ""
    start: float = 300.0

    def __post_init__(self) -> None:
        problems = [Problem("[cluster]", key, fault) for key, fault in self._faults() if fault]
        if problems:
            raise ConfigurationError(problems)

    def _faults(self) -> Iterator[tuple[str, str]]:
        yield "workers", within(self.workers, 1, 1000)
        yield "start", within(self.start, 1, 86_400)
        if self.address and self.kind:
            yield "kind", "stands beside address; keep one of the two"
        if self.address and not ADDRESS.fullmatch(self.address):
            yield "address", "must be the address of a Dask scheduler, as tcp://host:8786"
        if not _WALLTIME.fullmatch(self.walltime):
            yield "walltime", "must be hours:minutes:seconds, as 04:00:00"
        if self.kind == "kubernetes" and not self.image:
            yield "image", "is missing: the container in which workers run"
