"""The one door to Dask: a morning's runs on the workers of a cluster.

Dask runs the task of a worker that died on another one; `attempt` sees to it that an order is done
once all the same. Publishing, mail and state stay with the morning. When the cluster is gone, or
has no workers, what is left is made here: a morning without a cluster is late, not lost.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from oaflib.config.cluster import ADDRESS, ClusterTable
from oaflib.config.project import Project
from oaflib.errors import ConfigurationError, RunError
from oaflib.run.attempt import Order, attempt, settle
from oaflib.run.crew import Crew, Here
from oaflib.run.runner import Assignment, Run
from oaflib.run.workers import Workers
from oaflib.window import Window

_LOOK = 2.0  # seconds between two looks at the workers
_ANSWER = 30.0  # seconds in which a scheduler answers
_HERE = "none"
_EXTRAS = {
    "local": "cluster", "slurm": "cluster", "htcondor": "cluster", "kubernetes": "kubernetes",
}  # fmt: skip


def crew_of(project: Project, address: str, jobs: int, tell: Callable[[str], object]) -> Crew:
    """The crew that ``--cluster ADDR`` or the site file's ``[cluster]`` says; else threads here.

    Parameters
    ----------
    address : of a scheduler; ``none``: here, whatever the site file says; empty: as that says.
    tell : is told in a sentence when the cluster fails and the rest is made here.

    Raises
    ------
    ConfigurationError
        The address is none, or the Dask package that the kind needs is not installed.
    """
    table = project.site.cluster
    if address and address != _HERE and not ADDRESS.fullmatch(address):
        raise ConfigurationError(
            f"--cluster {address} is no address of a Dask scheduler: tcp://host:8786, or none"
        )
    if address == _HERE or not (address or table.address or table.kind):
        return Here(jobs)
    needed(table.kind if not address else "")
    return DaskCrew(table, address or table.address, jobs, tell, project.runs / "cluster")


def needed(kind: str) -> None:
    """Refuse a kind of cluster whose package is not installed.

    Raises
    ------
    ConfigurationError
        Says which extra to install.
    """
    modules = {"slurm": ("dask_jobqueue", "cryptography"),
               "htcondor": ("dask_jobqueue", "cryptography"), "local": ("cryptography",),
               "kubernetes": ("dask_kubernetes",)}  # fmt: skip
    try:
        for name in ("distributed", *modules.get(kind, ())):
            import_module(name)
    except ImportError as error:
        extra = _EXTRAS.get(kind, "cluster")
        raise ConfigurationError(
            f"a cluster{f' of kind {kind}' if kind else ''} needs Dask, which is not installed "
            f"({error}): pip install 'oaflib[{extra}]'"
        ) from error


@dataclass
class _Pending:
    """What was ordered, and what of it has come back."""

    order: Order
    future: Future[Run]
    task: Any = None
    here: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class DaskCrew:
    """Runs on Dask's workers. The cluster is reached, or made, at the first order."""

    def __init__(
        self,
        table: ClusterTable,
        address: str,
        jobs: int,
        tell: Callable[[str], object],
        folder: Path,
    ) -> None:
        self._table, self._address, self._tell, self._folder = table, address, tell, folder
        self._here = ThreadPoolExecutor(max_workers=jobs)
        self._morning = secrets.token_hex(4)
        self._client: Any = None
        self._workers: Workers | None = None
        self._pending: dict[str, _Pending] = {}
        self._lock, self._releasing = threading.Lock(), threading.Lock()
        self._gone = ""
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._here.shutdown(cancel_futures=True)
        self._release()
        for folder in self._folder.glob("????????-?????"):  # of orders; the jobs' logs stay
            shutil.rmtree(folder, ignore_errors=True)

    def _release(self) -> None:
        """Leave the cluster, or end it if it was made for this morning."""
        with self._releasing:
            for thing in (self._client, self._workers):
                if thing is not None:
                    with suppress(Exception):  # what is gone cannot be closed
                        thing.close()
            self._client = self._workers = None

    def submit(self, project: Project, assignment: Assignment, window: Window) -> Future[Run]:
        """See `Crew.submit`."""
        if self._client is None and not self._gone:
            self._reach(project.root)
        order = Order(project, assignment, window, f"{self._morning}-{len(self._pending):05}")
        pending = _Pending(order, Future())
        pending.future.set_running_or_notify_cancel()
        with self._lock:
            self._pending[order.id] = pending
        if not self._gone:
            try:
                pending.task = self._client.submit(
                    attempt, order.document(), key=f"oaf-{order.id}", pure=False
                )
                pending.task.add_done_callback(partial(self._came_back, pending))
            except Exception as error:  # the way to the scheduler has errors of many kinds
                self._lost(f"{type(error).__name__}: {error}")
        if self._gone:
            self._make_here(pending)
        return pending.future

    def _reach(self, root: Path) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)  # what earlier mornings left
        try:
            from distributed import Client

            if not self._address:
                self._workers = Workers(self._table, root, self._folder, self._tell)
            self._client = Client(
                self._workers.cluster if self._workers else self._address, timeout=_ANSWER,
                set_as_default=False,
            )  # fmt: skip
        except Exception as error:  # a host that is not there, a folder that no job can name
            self._lost(f"{type(error).__name__}: {error}")
            return
        threading.Thread(target=self._watch, daemon=True).start()
        if self._workers:
            threading.Thread(target=self._staff, args=(self._workers,), daemon=True).start()

    def _watch(self) -> None:
        """Give up a cluster that has had no worker for too long."""
        seen = time.monotonic()
        while not self._ended.wait(_LOOK) and not self._gone:
            with suppress(Exception):  # what went wrong is told by the tasks themselves
                if self._client.scheduler_info(n_workers=-1)["workers"]:
                    seen = time.monotonic()
            if time.monotonic() - seen > self._table.start:
                said = f"; {self._workers.said()}" if self._workers else ""
                self._lost(f"it had no worker for {self._table.start:g} s{said}")

    def _staff(self, workers: Workers) -> None:
        """Have the workers asked for, and those replaced whose job ended before the morning."""
        while not self._gone:
            try:
                workers.complete()
            except RunError as error:
                self._lost(str(error))
            if self._ended.wait(_LOOK):
                return

    def _came_back(self, pending: _Pending, task: Any) -> None:
        """A task of Dask's ended, in whatever way."""
        if self._ended.is_set():
            return
        if task.status == "finished":
            self._settle(pending, task.result)
        elif task.status == "error":
            error = task.exception()
            if isinstance(error, RunError):  # this worker cannot do it, nor can the others
                self._lost(str(error))
            else:
                self._settle(pending, partial(_raise, error))
        else:
            self._lost("the scheduler is gone")

    def _lost(self, why: str) -> None:
        """The cluster is no use any more: what has not come back is made here."""
        with self._lock:
            if self._gone:
                return
            self._gone = why
            left = [one for one in self._pending.values() if not one.future.done()]
        place = self._address or f"the {self._table.kind} cluster"
        these = f"{len(left)} and all further" if left else "all"
        self._tell(f"{place} failed ({why}): {these} reports are made here")
        for pending in left:
            self._make_here(pending)
        threading.Thread(target=self._release, daemon=True).start()  # it may be slow to answer

    def _make_here(self, pending: _Pending) -> None:
        with pending.lock:
            if pending.here or pending.future.done():
                return
            pending.here = True
        self._here.submit(self._settle, pending, partial(attempt, pending.order.document()))

    def _settle(self, pending: _Pending, ask: Callable[[], Any]) -> None:
        """Give the morning the run, once, from whoever made it first."""
        try:
            done = ask()
            with pending.lock:
                if not pending.future.done():
                    pending.future.set_result(settle(pending.order, done))
        except RunError as error:
            if not pending.here:
                self._lost(str(error))
                return
            self._failed(pending, error)
        except BaseException as error:
            self._failed(pending, error)
        pending.task = None  # else Dask would make it again when its worker goes

    def _failed(self, pending: _Pending, error: BaseException) -> None:
        with pending.lock:
            if not pending.future.done():
                pending.future.set_exception(error)


def _raise(error: BaseException) -> Any:
    raise error
