"""Debian's ClamAV daemon on a socket of its own, with two signatures that are written here: nothing is downloaded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from tests.support.programs import program
from tests.support.waiting import until

MOST: Final = 2**20
"""Bytes of a stream that it takes."""
WORM: Final = b"heliodesk-test-worm"
_CONFIGURATION: Final = """
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
LocalSocket {folder}/clamd.ctl
LogFile {folder}/log
Foreground yes
StreamMaxLength {most}
"""
_EICAR: Final = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n"
"""The MD5 of the file, its size, and what it is called."""


@asynccontextmanager
async def clamd(folder: Path) -> AsyncIterator[str]:
    """The address of the daemon, which knows EICAR's file and any file with ``WORM`` in it."""
    path = program("clamd", "clamav-daemon")
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "known.hdb").write_text(_EICAR)
    (signatures / "known.ndb").write_text(f"Test.Worm:0:*:{WORM.hex()}\n")
    (folder / "clamd.conf").write_text(_CONFIGURATION.format(folder=folder, most=MOST))
    process = await asyncio.create_subprocess_exec(path, "--config-file", str(folder / "clamd.conf"))

    async def answers() -> bool:
        assert process.returncode is None, (folder / "log").read_text()
        with suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(str(folder / "clamd.ctl"))
            writer.write(b"zPING\0")
            answer = await reader.read(5)
            writer.close()
            return answer == b"PONG\0"
        return False

    try:
        await until(answers, within=60)
        yield f"unix:{folder / 'clamd.ctl'}"
    finally:
        process.terminate()
        await process.wait()
