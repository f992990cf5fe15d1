"""ClamAV's own daemon says of files what the protocol's peer in other tests says."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.files.scanner import ScanFailed, Scanner
from tests.support.clamd import MOST, WORM, clamd
from tests.support.virus_scanner import EICAR


async def _chunks(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _zipped(content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("invoice.pdf.exe", content)
    return written.getvalue()


async def test_clamd_finds_what_it_knows_and_lets_the_rest_pass(tmp_path: Path) -> None:
    async with clamd(tmp_path) as url:
        scanner = Scanner(url)
        for content, found in (
            (EICAR, "Eicar-Test-Signature.UNOFFICIAL"),
            (_zipped(EICAR), "Eicar-Test-Signature.UNOFFICIAL"),
            (b"x" * 100_000 + WORM, "Test.Worm.UNOFFICIAL"),
            (b"\x00\xff" * (MOST // 2), None),
            (b"", None),
        ):
            assert await scanner.finding(_chunks(content)) == found
        # The daemon hangs up in the middle, and what it has said may be lost with the connection.
        with pytest.raises(ScanFailed, match=r"size limit exceeded|ConnectionResetError|BrokenPipeError|: $"):
            await scanner.finding(_chunks(bytes(MOST + 1)))
        assert await scanner.finding(_chunks(b"and it goes on")) is None
    with pytest.raises(ScanFailed):
        await scanner.finding(_chunks(b"nobody there"))
