"""How papermill executes a notebook here: it counts what is put out, and asks why a kernel died."""

from __future__ import annotations

import os
import signal
from typing import Any

from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from traitlets import Integer, Type

from oaflib.run.limits import end_all, size
from oaflib.run.prompt import PromptManager

NAME = "oaf"
_PUTS_OUT = frozenset({"stream", "display_data", "execute_result", "update_display_data", "error"})


class LimitBroken(Exception):
    """The run went beyond a limit; its text begins with the limit's name."""


class KernelDied(Exception):
    """The kernel is gone; the text says of what."""


class Client(PapermillNotebookClient):  # type: ignore[misc]
    """The client that bounds what a notebook puts out.

    Nothing in papermill or nbclient does: a cell that prints without end fills memory and disk.
    """

    output_limit = Integer(0)
    kernel_manager_class = Type(PromptManager)
    spent = 0

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """As nbclient does, as long as the limit allows; then the kernel is ended."""
        if msg["msg_type"] in _PUTS_OUT:
            if self.over():
                return None
            self.spent += weight(msg["content"])
            if self.over():
                # Waiting for the cell to end is what an endless printer wants.
                end_all(os.environ["OAF_TOKEN"], seconds=1.0)
                return None
        return super().process_message(msg, cell, cell_index)

    def papermill_execute_cells(self) -> None:
        """All cells; a kernel that died is asked of what, while it can still be asked."""
        try:
            super().papermill_execute_cells()
        except DeadKernelError:
            if self.over():
                raise LimitBroken(f"output limit of {size(self.output_limit)}") from None
            raise KernelDied(died_of(self.km)) from None

    def over(self) -> bool:
        """Whether the notebook put out more than it may."""
        return bool(self.output_limit) and self.spent > self.output_limit


class Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's own engine with our client."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **more: Any) -> Any:
        """Execute the notebook; what is not known here goes to nbclient."""
        for unused in ("input_path", "stdout_file", "stderr_file", "log_output"):
            more.pop(unused, None)
        more["timeout"] = more.pop("execution_timeout", None)
        more["startup_timeout"] = more.pop("start_timeout", 60)
        return Client(nb_man, kernel_name=kernel_name, **more).execute()


def register() -> None:
    """Make the engine known to papermill under `NAME`."""
    papermill_engines.register(NAME, Engine)


def weight(content: Any) -> int:
    """Roughly the bytes that a message's content takes in the notebook."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(weight(entry) for entry in content.values())
    if isinstance(content, (list, tuple)):
        return sum(weight(entry) for entry in content) + len(content)
    return 8


def died_of(manager: Any) -> str:
    """What the kernel's process says of its end: ``SIGSEGV`` or ``exit code 0``; '' if nothing."""
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    code = process.poll() if process is not None else None
    if code is None:
        return ""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
