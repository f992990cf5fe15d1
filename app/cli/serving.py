"""Serving an application by uvicorn: one process, or several on one socket."""

import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Final, NoReturn, cast

import structlog
import uvicorn
from uvicorn.supervisors import Multiprocess

from app.core.web.edge.connections import ConnectionLimits
from app.core.web.edge.protocol import Connections
from app.core.workers.parents import die_with

_DRAIN_SECONDS: Final = 25
_BACKLOG: Final = 2**16 - 1
"""Connections that wait to be accepted, as many as the kernel lets (`somaxconn`): beyond it callers try again, a second
later each time."""
_ACCEPTED_AT_ONCE: Final = 32
"""Connections that are accepted in one turn of the event loop. Libuv (since 1.45) accepts one for each socket that
listens, so there are as many for the same queue: else a newcomer waits a turn for each of those before it."""
_START_SECONDS: Final = 30
"""How long a worker may import and start: uvicorn's own 5 seconds kill, again and again, workers on a busy machine."""
_GARBAGE_THRESHOLD: Final = 50_000
_SWITCH_SECONDS: Final = 0.0005
"""How long a thread that computes may keep the event loop waiting: Python's own 5 ms would be added to each step of
everybody's requests."""
_UNSENT: Final = 2**17
"""Bytes of an answer that the kernel takes before they can be sent."""
_SPARE_FILES: Final = 256
"""Open files that a process needs beside its clients' connections."""

_log = structlog.get_logger("heliodesk.serving")


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
        reason = os.strerror(error.errno or 0)
        raise PortBusy(f"Cannot listen on {host} port {port}: {reason} (PORT=... chooses another)") from error


def serve(
    application: Callable[[], Any],
    listening: socket.socket,
    limits: ConnectionLimits,
    *,
    workers: int,
    trusted: Sequence[str] = (),
) -> None:
    """Serve until SIGTERM or Ctrl-C, then let requests in flight end. ``application`` makes the ASGI application.

    ``limits``: what connections may cost, of each process. ``trusted``: networks of proxies whose X-Forwarded-For and
    X-Forwarded-Proto are believed.
    With several workers each makes its own, in its own process, so ``application`` is picklable.
    """
    _bound(listening, limits)
    config = uvicorn.Config(
        _Process(application, os.getpid()),
        factory=True,
        workers=workers,
        loop="uvloop",
        http=cast("Any", Connections(_affordable(limits))),
        ws="none",
        backlog=_BACKLOG,
        timeout_keep_alive=cast("int", limits.keep_alive),
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
        Multiprocess(config, sockets=doubled(listening)).run()
    else:
        uvicorn.Server(config).run(sockets=doubled(listening))


def doubled(listening: socket.socket) -> list[socket.socket]:
    """Sockets that share one queue of callers, of whom one for each socket is accepted in a turn of the event loop."""
    return [listening, *(listening.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))]


def _bound(listening: socket.socket, limits: ConnectionLimits) -> None:
    """Bound what the kernel keeps of a connection that is accepted here, where it can (Linux)."""
    for name, value in (("TCP_NOTSENT_LOWAT", _UNSENT), ("TCP_USER_TIMEOUT", round(limits.write_timeout * 1000))):
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _affordable(limits: ConnectionLimits) -> ConnectionLimits:
    """The limits, with no more connections than this process may open files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        most = limits.connections + _SPARE_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    connections = max(1, min(limits.connections, most - _SPARE_FILES))
    if connections < limits.connections:
        _log.warning("this machine's limit of open files allows fewer connections", connections=connections)
    return replace(limits, connections=connections)


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
        sys.setswitchinterval(_SWITCH_SECONDS)
        return application
