"""Who makes the runs of a morning: threads of this process, each with a process a run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from oaflib.config.project import Project
from oaflib.run.runner import Assignment, Run, run_report
from oaflib.window import Window


class Crew(Protocol):
    """Takes assignments and gives runs, in any order; a context manager.

    A run's folder is in its place (`run_folder`) when its future has the run. What was submitted
    and is not done when the context ends is given up.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def submit(self, project: Project, assignment: Assignment, window: Window) -> Future[Run]:
        """Have the run made; the future raises only for what is not the run's own fault."""
        ...


class Here:
    """`jobs` runs at once, on this machine."""

    def __init__(self, jobs: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, project: Project, assignment: Assignment, window: Window) -> Future[Run]:
        """See `Crew.submit`."""
        return self._pool.submit(run_report, project, assignment, window)
