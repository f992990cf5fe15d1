"""A real S3-compatible server: moto's, as a process on loopback."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx

from tests.support.ports import free_port
from tests.support.waiting import until

BUCKET: Final = "support-files"


@asynccontextmanager
async def object_store() -> AsyncIterator[str]:
    """The address of a store that has an empty bucket."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

            async def has_bucket() -> bool:
                assert process.returncode is None
                with suppress(httpx.TransportError):
                    return (await client.put(f"{url}/{BUCKET}")).is_success
                return False

            await until(has_bucket, within=120, every=0.05)
        yield url
    finally:
        process.kill()
        await process.wait()
