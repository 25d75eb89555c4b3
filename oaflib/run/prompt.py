"""A kernel's client and manager that know at once that the kernel is ready, and that it has ended.

Jupyter's own client ends its waiting by listening for 0.2 s to a kernel that has nothing more to
say; this one listens for what the kernel says last about a question: that it is idle again.
Jupyter's own manager looks ten times a second whether a kernel has ended.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

_ANSWER = 1.0  # seconds in which a kernel answers; else it is asked again
_WORD = 0.2  # and between two messages about it


class PromptClient(AsyncKernelClient):
    """Jupyter's asynchronous client, but for `wait_for_ready`."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Until the kernel has answered, and its IOPub channel has brought all that belongs to it.

        Raises
        ------
        RuntimeError
            It died, or did not answer for `timeout` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while not await self._answered():
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if until is not None and time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _answered(self) -> bool:
        """Ask once; False when there was no answer, or the channel was not connected in time."""
        asked = self.kernel_info()
        try:
            answer = await self.get_shell_msg(timeout=_ANSWER)
            if answer["msg_type"] != "kernel_info_reply":
                return False
            while not _is_last(await self.get_iopub_msg(timeout=_WORD), asked):
                pass
        except Empty:
            return False
        self._handle_kernel_info_reply(answer)
        return True


class PromptManager(AsyncKernelManager):
    """Jupyter's asynchronous manager, whose clients are prompt, as is the end of its kernel."""

    client_factory = Type(PromptClient)

    async def _async_wait(self, pollinterval: float = 0.1) -> None:  # noqa: ARG002
        """Until the kernel has ended; its provisioner may be told of that, and need not look."""
        if self.provisioner is not None and self.has_kernel:
            await self.provisioner.wait()


def _is_last(message: dict[str, Any], asked: str) -> bool:
    """Whether the kernel says that it has done with what was asked."""
    idle: bool = message["content"].get("execution_state") == "idle"
    return idle and bool(message["parent_header"].get("msg_id") == asked)
