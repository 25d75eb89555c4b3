"""Kernels from a nursery, the standard way in: the Jupyter kernel provisioner ``oaf-forked``.

The kernelspec ``oaf`` names it, and ``JUPYTER_DEFAULT_PROVISIONER_NAME`` can for all others. Where
nothing can be forked, and for kernels that are not this interpreter's, it starts an ordinary kernel
as Jupyter's own provisioner does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from oaflib.run import nursery
from oaflib.run.nursery import Forked, NurseryLost

NAME = "oaf-forked"
_LAUNCHER = ["-m", "ipykernel_launcher"]
_BOUND = 5.0  # seconds for a kernel's sockets to be there; whoever waits for it waits longer


class ForkedProvisioner(LocalProvisioner):
    """Starts kernels by forking a preloaded process, which is a child of the one that asks."""

    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork the kernel, or start it as `LocalProvisioner` does."""
        try:
            forked = _forked(cmd, kwargs)
        except NurseryLost:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = forked, forked.pid, forked.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        await self._sockets()
        return self.connection_info

    async def wait(self) -> int | None:
        """Its exit code, once it has ended; without looking ten times a second."""
        process = self.process
        if not isinstance(process, Forked):
            return await super().wait()
        while (code := process.poll()) is None:
            await _readable(process, 1.0)
        process.close()
        self.process = None
        return code

    async def cleanup(self, restart: bool = False) -> None:
        """Nothing of the kernel is left."""
        if isinstance(self.process, Forked):
            self.process.close()
        await super().cleanup(restart=restart)

    async def _sockets(self) -> None:
        """Wait for the kernel's own sockets: who connects before tries again only after 100 ms."""
        about = self.connection_info
        if about.get("transport") != "ipc":
            return
        last = Path(f"{about['ip']}-{about['control_port']}")
        for _ in range(round(_BOUND / 0.005)):
            if last.exists() or self.process.poll() is not None:
                return
            await asyncio.sleep(0.005)


def register() -> None:
    """Make `NAME` known to this process's Jupyter, and what it takes for kernels of no kind.

    For an installation whose entry points are older than this module.
    """
    from importlib.metadata import EntryPoint

    group = KernelProvisionerFactory.GROUP_NAME
    value = f"{__name__}:{ForkedProvisioner.__name__}"
    KernelProvisionerFactory.provisioners[NAME] = EntryPoint(NAME, value, group)
    os.environ[KernelProvisionerFactory.default_provisioner_name_env] = NAME


def warm() -> None:
    """Have Jupyter read what provisioners there are, for the processes forked from this one."""
    KernelProvisionerFactory.instance()


def _forked(cmd: list[str], kwargs: Mapping[str, Any]) -> Forked:
    """A forked kernel for that command line.

    Raises
    ------
    NurseryLost
        None, for whatever reason.
    """
    known = kwargs.keys() <= {"env", "cwd", "independent", "stdin", "stdout", "stderr"}
    if cmd[1:3] != _LAUNCHER or not _ours(cmd[0]) or not known or kwargs.get("independent"):
        raise NurseryLost("this kernel is not started as ours are")
    if any(kwargs.get(name) is not None for name in ("stdin", "stdout", "stderr")):
        raise NurseryLost("its streams go elsewhere")
    env = {k: v for k, v in (kwargs.get("env") or os.environ).items() if k != "JPY_PARENT_PID"}
    home = nursery.standing(env, "whole")
    folder = kwargs.get("cwd") or os.getcwd()  # noqa: PTH109
    call = "oaflib.run.newborn:kernel"
    return home.fork(call, cmd[2:], env=env, cwd=folder, output=(1, 2), of="trunk")


def _ours(python: str) -> bool:
    """Whether the command's interpreter is the one that runs this."""
    return python == sys.executable or Path(python).absolute() == Path(sys.executable).absolute()


async def _readable(process: Forked, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(process.fileno(), ended.set)
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(process.fileno())
