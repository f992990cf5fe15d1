"""Serving an application by uvicorn: one process, or several on one socket."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, NoReturn, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from app.core.parents import die_with
from app.core.streams import DRAIN

_DRAIN_SECONDS: Final = 25
_BACKLOG: Final = 2048
_START_SECONDS: Final = 30
"""How long a worker may import and start: uvicorn's own 5 seconds kill, again and again, workers on a busy machine."""
_GARBAGE_THRESHOLD: Final = 50_000
_FAREWELL_SECONDS: Final = 3
"""How long a reader may take for the end of an answer that stayed open: one that reads no more holds up nobody."""


class PortBusy(RuntimeError):
    """Another process listens where we should."""


def stop_on_sigterm() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that what was started is stopped in order."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; callers wait in its queue until the application serves. Raises `PortBusy`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise PortBusy(f"Cannot listen on {host} port {port}: {why} (PORT=... chooses another)") from error


def serve(
    application: Callable[[], Any], listening: socket.socket, *, workers: int, trusted: Sequence[str] = ()
) -> None:
    """Serve until SIGTERM or Ctrl-C, then let requests in flight end. ``application`` makes the ASGI application.

    ``trusted``: networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
    With several workers each makes its own, in its own process, so ``application`` is picklable.
    """
    config = uvicorn.Config(
        _Process(application, os.getpid()),
        factory=True,
        workers=workers,
        loop="uvloop",
        http=_Protocol,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=list(trusted),
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        timeout_worker_healthcheck=_START_SECONDS,
    )
    if workers > 1:
        Multiprocess(config, sockets=[listening]).run()
    else:
        uvicorn.Server(config).run(sockets=[listening])


class _Protocol(HttpToolsProtocol):
    """Tells an answer that stays open to end when the server is told to stop."""

    def shutdown(self) -> None:
        super().shutdown()
        drain: Callable[[], None] | None = cast("dict[str, Any]", self.cycle.scope).get(DRAIN) if self.cycle else None
        if drain:
            drain()
            self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)


@dataclass(frozen=True, slots=True)
class _Process:
    """Makes the application in the process that serves it, which may be a worker of process ``starter``."""

    application: Callable[[], Any]
    starter: int

    def __call__(self) -> Any:
        if os.getpid() != self.starter:
            die_with(self.starter, signal.SIGTERM)
        application = self.application()
        gc.collect()
        gc.freeze()  # what was made up to here lives as long as the process: no collection needs to look at it again
        gc.set_threshold(_GARBAGE_THRESHOLD, 20, 20)
        return application
