"""Threads for what takes a while and lets others go on meanwhile, such as checksums of megabytes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, TypeVarTuple

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
_THREADS: Final = 2


class Threads:
    """A few, apart from the loop's own: those wait for folders and disks, and some of them may for long."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="compute")

    async def run(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """What ``function`` returns, or raises; whoever comes waits for those who came before."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)
