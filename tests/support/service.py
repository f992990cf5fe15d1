"""The service as a process of its own, as an operator runs it: for kills, signals and replicas."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from time import sleep
from typing import IO, Final, NamedTuple

from app.core import clock
from tests.support.forks import Forked, fork
from tests.support.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 60.0
_BYTECODE: Final = ROOT / ".pytest_cache" / "bytecode"
"""Compiled once for all starts, also where the shell forbids to keep it beside the source."""
_COMMAND: Final = """
import importlib, signal, sys, tomllib
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests with & has it ignored
sys.argv[0] = 'heliodesk'
with open('pyproject.toml', 'rb') as project:  # a source tree says where its command is
    module, function = tomllib.load(project)['project']['scripts']['heliodesk'].split(':')
getattr(importlib.import_module(module), function)()
"""
Process = Forked | subprocess.Popen[bytes]


class Service:
    """A running ``heliodesk``; ``output`` is the file with what it prints and logs."""

    def __init__(self, process: Process, port: int, output: Path) -> None:
        self.process, self.port, self.output = process, port, output
        self.url = f"http://127.0.0.1:{port}"

    def wait_until_ready(self) -> None:
        """Return when ``/healthz`` answers; fail with the output when the process has ended."""
        end = clock.monotonic() + _PATIENCE
        while clock.monotonic() < end:
            assert self.process.poll() is None, self.printed()
            if self._answers():
                return
            sleep(0.02)
        raise TimeoutError(self.printed())

    def _answers(self) -> bool:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)) as connection:
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == HTTPStatus.OK
            except (OSError, HTTPException):
                return False

    def printed(self) -> str:
        """All that it has printed and logged."""
        return self.output.read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        self.process.send_signal(how)
        return self.process.wait(_PATIENCE)


def _started(
    arguments: list[str],
    environment: Mapping[str, str],
    out: IO[bytes],
    err: IO[bytes],
    ahead: timedelta = timedelta(0),
    tree: Path = ROOT,
) -> Process:
    """The command ``heliodesk`` of a source tree; our own, on a machine whose clock is ``ahead``, is forked."""
    if tree == ROOT:
        files = (out.fileno(), err.fileno())
        return fork(arguments, environment, files, ahead=ahead.total_seconds(), cache=_BYTECODE)
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *arguments],
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
    )


class Done(NamedTuple):
    """A command that has ended: its exit code, and what it has printed."""

    code: int
    printed: str
    errors: str


def heliodesk(*arguments: str, **environment: str) -> Done:
    """Run ``heliodesk`` to its end, with nothing else than this environment."""
    with TemporaryFile() as out, TemporaryFile() as err:
        process = _started([*arguments], environment, out, err)
        try:
            code = process.wait(_PATIENCE)
        finally:
            process.kill()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return Done(code, *texts)


@contextmanager
def running(
    command: str,
    folder: Path,
    port: int | None = None,
    ahead: timedelta = timedelta(0),
    tree: Path = ROOT,
    /,
    **settings: str,
) -> Iterator[Service]:
    """``heliodesk <command>``, ready; ``settings`` are environment variables. It is killed at the end if it still runs.

    ``folder`` takes its output, and for ``up`` its data; ``ahead`` is how far its machine's clock is; ``tree`` holds
    its source.
    """
    port = port or free_port()
    output = folder / f"output-{port}"
    with output.open("ab") as out:
        environment = _environment() | {"PORT": str(port), "DATA": str(folder / "data")} | settings
        process = _started([command], environment, out, out, ahead, tree)
    try:
        service = Service(process, port, output)
        service.wait_until_ready()
        yield service
    finally:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """Ours, without what an operator may have set for a service of their own, and with a place for bytecode."""
    ours = {"DATABASE_URL", "PORT", "HOST", "DATA", "DEMO", "PYTHONDONTWRITEBYTECODE"}
    left = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("HELIODESK_")}
    return left | {"PYTHONPYCACHEPREFIX": str(_BYTECODE)}


def serving(
    folder: Path,
    database: str,
    admin_key: str,
    ahead: timedelta = timedelta(0),
    tree: Path = ROOT,
    /,
    **more: str,
) -> AbstractContextManager[Service]:
    """``heliodesk serve`` on this database, ready; it may send to loopback, and its machine's clock is ``ahead``.

    ``tree`` holds its source; ``more``: further environment variables.
    """
    settings = {"HELIODESK_ADMIN_KEY": admin_key, "HELIODESK_ALLOW_NETWORKS": "127.0.0.0/8"} | more
    return running("serve", folder, None, ahead, tree, DATABASE_URL=database, **settings)
