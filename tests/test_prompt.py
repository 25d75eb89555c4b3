"""A client that knows at once that the kernel is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from oaflib.run.prompt import PromptClient, PromptManager


@pytest.mark.kernel
def test_a_kernel_that_is_ready_has_nothing_more_to_say(tmp_path: Path) -> None:
    """The channel is empty, works, and a kernel that died is told of as Jupyter's client does."""

    async def asked() -> str:
        manager = PromptManager(kernel_name="python3", transport="ipc", ip=str(tmp_path / "k"))
        await manager.start_kernel(cwd=str(tmp_path))
        client = manager.client()
        assert isinstance(client, PromptClient)
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            first = client.execute("print('first')")
            said = await client.get_iopub_msg(timeout=60)
            while said["msg_type"] != "stream":
                assert said["parent_header"]["msg_id"] == first
                said = await client.get_iopub_msg(timeout=60)
            await client.wait_for_ready(timeout=60)  # also of what was said before
            await manager.shutdown_kernel(now=True)
            with pytest.raises(RuntimeError, match="Kernel died before replying"):
                await client.wait_for_ready(timeout=60)
            return str(said["content"]["text"])
        finally:
            client.stop_channels()

    assert asyncio.run(asked()) == "first\n"
