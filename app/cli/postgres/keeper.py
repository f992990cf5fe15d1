"""Starts an embedded PostgreSQL again that has ended by itself: a few times, each after a longer pause."""

import signal
from collections.abc import Sequence
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Self

import structlog

from app.cli.postgres.embedded import EmbeddedServer
from app.cli.postgres.leftovers import ServerFailed
from app.core import clock
from app.core.process.watch import Condition, Watched

PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each try; after the last one that fails, the server counts as lost."""
STABLE: Final = 60.0
"""Seconds after which a server that runs counts as well: the next end is a first one again."""
_POLL: Final = 0.2
_log = structlog.get_logger("heliodesk.embedded")


class Tries:
    """How often a server may be started again. ``now`` is given."""

    def __init__(self, now: float, pauses: Sequence[float] = PAUSES, stable: float = STABLE) -> None:
        self._pauses, self._stable = pauses, stable
        self._used, self._started = 0, now

    def pause(self, now: float) -> float | None:
        """Seconds to wait before the next try; None when there is none left. A server that was stable has all again."""
        if now - self._started > self._stable:
            self._used = 0
        if self._used == len(self._pauses):
            return None
        self._used += 1
        return self._pauses[self._used - 1]

    def tried(self, now: float) -> None:
        """A try is over, and the server runs or does not."""
        self._started = now


class Keeper:
    """A context manager around a server that runs: a thread that starts it again, until the block ends.

    The data folder is never made anew: where it has gone the server is lost at once, and is ended if it still runs.
    """

    def __init__(self, server: EmbeddedServer, pauses: Sequence[float] = PAUSES) -> None:
        self.watched = Watched()
        self._server, self._tries = server, Tries(clock.monotonic(), pauses)
        self._leaving, self._launching = Event(), Lock()
        self._thread = Thread(target=self._keep, name="embedded-postgresql", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._launching:
            self._leaving.set()
        self._server.stop()  # it may be recovering, with the thread waiting for it
        self._thread.join()

    def _keep(self) -> None:
        while not self._leaving.wait(_POLL):
            if self._server.has_data and self._server.ended is None:
                if not self._server.is_stopping:
                    continue
                self._server.stop()  # else it waits for our own connections, and refuses new ones, for ever
            pause = self._tries.pause(clock.monotonic())
            if pause is None or not self._server.has_data:
                self._give_up()
                return
            self._tell_end(pause)
            if not self._leaving.wait(pause):
                self._try_again()
                self._tries.tried(clock.monotonic())

    def _tell_end(self, pause: float) -> None:
        if self.watched.condition == Condition.RUNNING:
            _log.error(
                "the embedded PostgreSQL has ended", status=self._server.ended, log=self._server.last_words()[-500:]
            )
        self.watched.become(Condition.STARTING)
        _log.warning("starting the embedded PostgreSQL again", pause=pause)

    def _try_again(self) -> None:
        try:
            with self._launching:
                if self._leaving.is_set():
                    return
                self._server.launch()
            self._server.wait_until_ready()
        except (OSError, ServerFailed) as error:
            _log.error("the embedded PostgreSQL did not start", error=str(error))
            return
        self.watched.become(Condition.RUNNING)
        _log.info("the embedded PostgreSQL runs again")

    def _give_up(self) -> None:
        self.watched.become(Condition.LOST)
        gone = not self._server.has_data
        _log.critical(
            "the embedded PostgreSQL cannot be started again", reason="its data folder has gone" if gone else "it ends"
        )
        self._server.stop(signal.SIGQUIT)
