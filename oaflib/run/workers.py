"""The cluster that a morning makes for itself, and its workers: asked for, replaced, given back."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from traceback import clear_frames
from typing import Any

from oaflib.config.cluster import ClusterTable
from oaflib.errors import RunError

_FILES = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")
_CLOSING = 30.0  # seconds in which a cluster gives its workers back


class Workers:
    """The workers of a cluster made for the morning.

    Attributes
    ----------
    cluster : Dask's.
    """

    def __init__(
        self, table: ClusterTable, root: Path, folder: Path, tell: Callable[[str], object]
    ) -> None:
        self.cluster = made_cluster(table, root, folder)
        self._table, self._folder, self._tell = table, folder, tell
        self._number, self._closed = table.workers, False

    def complete(self) -> None:
        """Ask for the workers that are missing; those refused are done without, and told.

        Raises
        ------
        RunError
            All of them are refused; says why.
        """
        if self._table.kind == "kubernetes":  # whose operator sees to their number
            return
        spec = self.cluster.worker_spec
        while len(spec) < self._number and not self._closed:
            spec.update(self.cluster.new_worker_spec())
        if set(spec) <= set(self.cluster.workers):
            return
        try:
            self.cluster.sync(_complete, self.cluster)
        except Exception as error:  # of the command that asks, of many kinds
            clear_frames(error.__traceback__)  # they keep jobs, which Dask would take for unclosed
            if self._closed:
                return
            if not spec:
                raise RunError(_words(error)) from error
            refused, self._number = self._number - len(spec), len(spec)
            self._tell(
                f"the {self._table.kind} cluster refused {refused} of {self._table.workers} "
                f"workers: {_words(error)}"
            )

    def said(self) -> str:
        """What the youngest log of a job ends with: it may tell why no worker came."""
        logs = [path for path in self._folder.glob("*.err") if path.stat().st_size]
        if not logs:
            return "none of its jobs has begun"
        youngest = max(logs, key=lambda path: path.stat().st_mtime)
        last = youngest.read_text(errors="replace").strip().rpartition("\n")[2]
        return f"{youngest} ends with: {last.strip()}"

    def close(self) -> None:
        """Give the workers back."""
        self._closed = True
        try:
            self.cluster.close(timeout=_CLOSING)
        finally:
            for name in _FILES:
                (self._folder / name).unlink(missing_ok=True)


async def _complete(cluster: Any) -> None:
    from distributed.core import Status

    try:
        await cluster
    finally:
        for name, worker in list(cluster.workers.items()):
            if getattr(worker, "job_id", name) is None:  # refused, and not asked for again
                worker.status = Status.failed  # else the cluster cannot be closed
                cluster.workers.pop(name)
                cluster.worker_spec.pop(name, None)


def _words(error: Exception) -> str:
    """In one line; of a command that failed what it said."""
    said = str(error).rpartition("stderr:\n")[2] or type(error).__name__
    return "; ".join(line.strip() for line in said.splitlines() if line.strip())


def made_cluster(table: ClusterTable, root: Path, folder: Path) -> Any:
    """The cluster of the table's kind for the project at `root`; jobs log into `folder`.

    But on Kubernetes its processes know each other by certificates of their own (``security``): a
    scheduler runs what it is given by whoever reaches it.

    Raises
    ------
    RunError
        The folder cannot be named in a job's script.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if table.kind == "local":
        from distributed import LocalCluster

        return LocalCluster(
            n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
            memory_limit=0, local_directory=str(folder), security=True,
        )  # fmt: skip
    if table.kind == "kubernetes":
        from dask_kubernetes.operator import KubeCluster

        return KubeCluster(
            custom_cluster_spec=kubernetes_resource(table, root),
            namespace=table.namespace or None, resource_timeout=int(table.start), quiet=True,
        )  # fmt: skip
    if len(str(folder).split()) > 1:
        raise RunError(f"a job's script cannot name a folder with blanks: {folder}")
    jobqueue: Any = import_module("dask_jobqueue")
    about: dict[str, Any] = {
        "job_name": "oaf", "cores": 1, "processes": 1, "memory": table.memory,
        "worker_extra_args": ["--memory-limit", "0"],  # a run has limits of its own
        "interface": table.interface or None, "log_directory": str(folder),
        "local_directory": str(folder),
        "job_script_prologue": list(table.prologue),
        "job_extra_directives": list(table.directives),
        "scheduler_options": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        "security": _certificates(folder),
    }  # fmt: skip
    if table.kind == "htcondor":
        about["job_extra_directives"] = dict(_pair(line) for line in table.directives)
        about["job_extra_directives"]["+MaxRuntime"] = str(_seconds(table.walltime))
        return jobqueue.HTCondorCluster(disk=table.disk, **about)
    return jobqueue.SLURMCluster(
        queue=table.queue or None, account=table.account or None, walltime=table.walltime, **about
    )


def kubernetes_resource(table: ClusterTable, root: Path) -> dict[str, Any]:
    """What the operator of Dask is asked for; its workers see the project's folder in `claim`."""
    from dask.utils import parse_bytes
    from dask_kubernetes.operator import make_cluster_spec

    memory = {"memory": str(parse_bytes(table.memory))}  # a quantity has no GB
    made: dict[str, Any] = make_cluster_spec(
        name=f"oaf-{secrets.token_hex(3)}", image=table.image, n_workers=table.workers, env={},
        resources={"requests": memory, "limits": memory},
        worker_command=["dask", "worker", "--nthreads", "1", "--memory-limit", "0"],
    )  # fmt: skip
    if table.claim:
        pod = made["spec"]["worker"]["spec"]
        pod["volumes"] = [{"name": "project", "persistentVolumeClaim": {"claimName": table.claim}}]
        pod["containers"][0]["volumeMounts"] = [{"name": "project", "mountPath": str(root)}]
    return made


def _certificates(folder: Path) -> Any:
    """Of this cluster alone; what its workers need of them is in files that its user can read."""
    from distributed.security import Security

    made = Security.temporary()
    for name in _FILES:
        path = folder / name
        path.unlink(missing_ok=True)
        with open(path, "x", opener=partial(os.open, mode=0o600)) as file:
            file.write(getattr(made, name))
        setattr(made, name, str(path))
    return made


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip(), value.strip()


def _seconds(walltime: str) -> int:
    days, _, rest = walltime.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    hours, minutes, seconds = [*parts, 0, 0][:3]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
