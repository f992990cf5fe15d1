"""Pages as PDFs: whatever becomes of Chromium, its process ends, and the caller gets an answer."""

import asyncio
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.core.problems import TooManyRequests, Unavailable
from app.core.settings import Settings
from app.core.workers.printer import Printer
from tests.support.waiting import until

HANGS = "#!/bin/sh\nsleep 600 &\necho $$ $! > {}.new; mv {}.new {}\nwait\n"


@pytest.fixture
def command(tmp_path: Path) -> str:
    """A Chromium that hangs, and so does its child: it writes who they are into ``said``."""
    script, said = tmp_path / "chromium", tmp_path / "said"
    script.write_text(HANGS.format(said, said, said))
    script.chmod(0o700)
    return str(script)


def _runs(process: str) -> bool:
    """Whether it does anything: a process that is dead has no command."""
    with suppress(OSError):
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    return False


async def test_a_caller_who_goes_ends_it_with_its_children(command: str, tmp_path: Path) -> None:
    printer, said = Printer(Settings(chromium=command, pdf_deadline=300)), tmp_path / "said"
    asked = asyncio.create_task(printer.pdf("acc_1", "<p>"))
    await until(said.exists)
    processes = said.read_text().split()
    assert all(map(_runs, processes))
    waiting = [asyncio.create_task(printer.pdf("acc_1", "<p>")) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await printer.pdf("acc_1", "<p>")
    for task in (*waiting, asked):
        task.cancel()
    await asyncio.gather(*waiting, asked, return_exceptions=True)
    await until(lambda: not any(map(_runs, processes)))


async def test_a_caller_who_goes_as_it_starts_ends_it_with_its_children(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, said, start = asyncio.Event(), tmp_path / "said", asyncio.create_subprocess_exec

    async def slowly(*command: str, **how: Any) -> Process:
        begun.set()
        process = await start(*command, **how)
        await until(said.exists)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    asked = asyncio.create_task(Printer(Settings(chromium=command, pdf_deadline=300)).pdf("acc_1", "<p>"))
    await begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    processes = said.read_text().split()
    await until(lambda: not any(map(_runs, processes)))


async def test_one_that_hangs_is_a_problem_once_its_time_is_over(command: str) -> None:
    with pytest.raises(Unavailable, match="longer"):
        await Printer(Settings(chromium=command, pdf_deadline=0.1)).pdf("acc_1", "<p>")


async def test_one_that_prints_nothing_is_a_problem() -> None:
    with pytest.raises(Unavailable, match="log"):
        await Printer(Settings(chromium="true", pdf_deadline=300)).pdf("acc_1", "<p>")
