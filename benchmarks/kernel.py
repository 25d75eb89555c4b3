"""A fresh kernel, ready with numpy, pandas, matplotlib and OAF: forked against started."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from measure import Figure, middle, ratio
from world import HERE

from oaflib.run import nursery, provisioner
from oaflib.run.prompt import PromptManager

READY = "import numpy, pandas, matplotlib.pyplot, oaflib; ready = oaflib.conclude"
CPU = "__import__('time').process_time()"


async def ready(folder: Path, number: int, kind: type[AsyncKernelManager]) -> tuple[float, float]:
    """Seconds until a new kernel has answered that it imported what a notebook needs; its CPU's."""
    manager = kind(kernel_name="python3", transport="ipc", ip=str(folder / f"k{number}"))
    began = time.perf_counter()
    await manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        reply = await client.execute_interactive(READY, timeout=60, user_expressions={"cpu": CPU})
        took = time.perf_counter() - began
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok", reply
    return took, float(reply["content"]["user_expressions"]["cpu"]["data"]["text/plain"])


def figures(full: bool) -> Iterable[Figure]:
    """Seconds of a forked kernel, and how many times that an ordinary one takes."""
    os.environ["PYTHONPATH"] = str(HERE.parent)
    forked, plain, started = [], [], []
    with tempfile.TemporaryDirectory(prefix="oaf-b-") as name:
        numbers = count()

        def one(kind: type[AsyncKernelManager] = PromptManager) -> tuple[float, float]:
            return asyncio.run(ready(Path(name), next(numbers), kind))

        provisioner.register()
        one()  # the first one waits for the preloaded process
        home = nursery.living()
        for number in range(40 if full else 10):
            forked.append(one())
            plain.append(one(AsyncKernelManager))
            assert nursery.living() is home is not None
            if number % 4 == 0:
                KernelProvisionerFactory.instance().default_provisioner_name = "local-provisioner"
                started.append(one())
                KernelProvisionerFactory.instance().default_provisioner_name = provisioner.NAME
    walls, cpus = zip(*forked, strict=True)
    others, spent = zip(*started, strict=True)
    yield Figure(
        "a fresh kernel, ready: forked",
        middle(walls),
        "s",
        0.25,
        most=True,
        note=f"{middle(cpus):.2f} s CPU; the quickest {min(walls):.2f} s",
    )
    yield Figure(
        "the same, by Jupyter's own client, which then listens 0.2 s to silence",
        middle([wall for wall, _ in plain]),
        "s",
    )
    yield Figure(
        "the same, started: times as long",
        ratio(others, walls[: len(others)]),
        note=f"{middle(others):.2f} s; {middle(spent):.2f} s CPU",
    )
