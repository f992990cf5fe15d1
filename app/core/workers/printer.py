"""Pages as PDFs, printed by Chromium: a process for each, which has a deadline, and a few at a time.

The page is a file without scripts that loads nothing. The process has a folder of its own for all that it writes, and
no network.
"""

import asyncio
import os
import shlex
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from app.core.problems import Unavailable
from app.core.settings import Settings
from app.core.text.messages import _
from app.core.workers.fair_slots import FairSlots

MISSING: Final = "Chromium is not installed: reports have no PDFs"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS: Final = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-crash-reporter",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)
_WAITING: Final = 16
_OWN_SHARE: Final = 4
_SAID: Final = 2_000
_RETRY: Final = {"Retry-After": "5"}
_log = structlog.get_logger(__name__)


def chromium(settings: Settings) -> Sequence[str]:
    """The command that starts Chromium: the setting's, else one that is found; empty where there is none."""
    if settings.chromium:
        command = shlex.split(settings.chromium)
        return command if shutil.which(command[0]) else ()
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return (found,) if found else ()


class Printer:
    """Prints for one service process."""

    def __init__(self, settings: Settings) -> None:
        self._command = chromium(settings)
        self._slots = FairSlots(settings.pdf_processes, waiting=_WAITING, share=_OWN_SHARE)
        self._seconds = settings.pdf_deadline

    @property
    def trouble(self) -> str | None:
        """Why it cannot print, in words; None where it can."""
        return None if self._command else MISSING

    async def pdf(self, owner: str, html: str) -> bytes:
        """The page as a PDF.

        429 when ``owner`` has its share of the queue; 503 when that is full, when it takes too long, and where there is
        no Chromium. A caller that is cancelled ends the process.
        """
        if not self._command:
            raise Unavailable(_("This server cannot make PDFs: open the page and print it"))
        async with self._slots.taken(owner, within=self._seconds):
            return await self._printed(html)

    async def _printed(self, html: str) -> bytes:
        with TemporaryDirectory(prefix="heliodesk-pdf-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            await asyncio.to_thread((place / "page.html").write_text, html, "utf-8")
            said = await self._run(place)
            try:
                return await asyncio.to_thread((place / "page.pdf").read_bytes)
            except FileNotFoundError as error:
                _log.error("Chromium made no PDF", said=said.decode(errors="replace")[-_SAID:])
                raise Unavailable(_("The PDF could not be made: the log of the service says why")) from error

    async def _run(self, place: Path) -> bytes:
        """What Chromium has said, once it has ended."""
        process = await self._started(place)
        try:
            async with asyncio.timeout(self._seconds):
                _output, said = await process.communicate()
        except TimeoutError as error:
            detail = _("The PDF takes longer than {seconds} seconds to make", seconds=self._seconds)
            raise Unavailable(detail, headers=_RETRY) from error
        finally:
            await _end(process)
        return said

    async def _started(self, place: Path) -> Process:
        """A process of Chromium. One whose caller goes as it starts would be killed by asyncio without its children."""
        starting = asyncio.create_task(self._start(place))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(Unavailable):
                await _end(await starting)
            raise

    async def _start(self, place: Path) -> Process:
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # it refuses to run as root with one
        own = (f"--user-data-dir={place / 'profile'}", f"--print-to-pdf={place / 'page.pdf'}")
        command = (*self._command, *_OPTIONS, *root, *own, (place / "page.html").as_uri())
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(place), "TMPDIR": str(place)}
        try:
            return await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environment, start_new_session=True
            )
        except OSError as error:
            _log.exception("Chromium could not be started")
            raise Unavailable(_("The PDF could not be made: the log of the service says why")) from error


async def _end(process: Process) -> None:
    """Kill it with all its children, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
