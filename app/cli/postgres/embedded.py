"""A PostgreSQL server of our own for as long as this process lives, with data that outlives it.

The server listens on a Unix socket in a private folder and on no port. It ends with this process, also when this
process is killed: Linux sends it SIGINT then (a fast, clean shutdown); elsewhere the next start ends it.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

from app.cli.postgres.binaries import SYSTEM_HOME, can_reach, reachable_binaries, run_as, server_user
from app.cli.postgres.leftovers import STOP_SECONDS, ServerFailed, clear, pid_file
from app.core import clock
from app.core.workers.parents import under

_PORT: Final = 5432
_START_SECONDS: Final = 300.0  # recovery after a power cut may take minutes
_NOT_DURABLE: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class DataInUse(RuntimeError):
    """Another process is running a server on the same data folder."""


class EmbeddedServer:
    """A context manager: the server of the data in ``home``, a folder that is made when missing.

    ``durable=False`` is for tests: fast, and lost in a power cut. Raises `DataInUse` when another process has
    ``home``, `ServerFailed` when PostgreSQL does not start, `NoPostgres` when there is none.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.absolute()
        self.durable = durable
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            try:
                self.home.mkdir(parents=True, exist_ok=True)
                opened.enter_context(_lock(self.home / "lock"))
            except OSError as error:
                raise ServerFailed(f"The folder {self.home} cannot be used: {error.strerror}") from error
            self._choose_user_and_data()
            self.start()
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            self.stop()
            shutil.rmtree(self._socket_folder, ignore_errors=True)  # a start tidies too

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit status of a server that has ended, negative when a signal ended it; None while it runs."""
        return self._process.poll()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has asked it to end: it takes no new connection, and waits for those that are open."""
        lines = pid_file(self._data)
        return lines[:1] == [str(self.pid)] and lines[7:8] == ["stopping"]

    @property
    def has_data(self) -> bool:
        """Whether the data folder is still there."""
        return (self._data / "PG_VERSION").exists()

    def url(self, database: str = "postgres") -> str:
        """Where to connect, as ``postgresql://``; the same over restarts."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._socket_folder), safe='/')}&port={_PORT}"

    def start(self) -> None:
        """Start the server and wait until it takes connections. It ends with the thread that calls this."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the server's process, after clearing what an earlier one has left."""
        clear(self._data)
        shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._make_private(self._socket_folder)
        self._process = self._spawn()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT closes its connections and ends cleanly, SIGKILL is a crash."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:  # then without a checkpoint: the next start recovers
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_SECONDS)

    def _choose_user_and_data(self) -> None:
        link = self.home / "postgres"
        self._user = server_user(link)
        self._binaries = reachable_binaries(self._user)
        if not link.exists() and not can_reach(self._user, self.home):
            link.unlink(missing_ok=True)  # its target is gone
            link.symlink_to(SYSTEM_HOME / f"data-{secrets.token_hex(8)}")
        self._data = link.resolve()
        if not self._data.exists():
            self._initialise()

    @property
    def _socket_folder(self) -> Path:
        """A short path, because a socket's may have 107 bytes at most; one for each ``home`` and user."""
        digest = hashlib.sha256(bytes(self.home)).hexdigest()
        return Path(tempfile.gettempdir()) / f"heliodesk-{os.getuid()}-{digest[:12]}"

    def _make_private(self, folder: Path) -> None:
        """Make a folder for the server alone; fails when there is one, for it may be somebody else's."""
        folder.mkdir(mode=0o700, parents=True)
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _initialise(self) -> None:
        """Make the data folder beside its place and move it there when complete: a kill in between leaves none."""
        unfinished = self._data.with_name(f"{self._data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_private(unfinished)
        command = [str(self._binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--auth=trust", *([] if self.durable else ["--no-sync"])]
        done = subprocess.run(  # noqa: S603 - our own words
            command, check=False, capture_output=True, text=True, cwd="/", **run_as(self._user)
        )
        if done.returncode:
            raise ServerFailed(f"initdb failed:\n{done.stderr[-2000:]}")
        unfinished.rename(self._data)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self._socket_folder)]
        options = ["listen_addresses=", *([] if self.durable else _NOT_DURABLE)]
        command += ["-p", str(_PORT), *(part for option in options for part in ("-c", option))]
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - our own words
                under(os.getpid(), signal.SIGINT, self._user, command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C in a terminal is for us: we stop it in order
            )

    def last_words(self) -> str:
        """The end of the server's log; empty where it is gone."""
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.home / "postgres.log"

    def wait_until_ready(self) -> None:
        """Return when the server takes connections. `ServerFailed` when it ends, or is not ready in time."""
        end = clock.monotonic() + _START_SECONDS
        while clock.monotonic() < end:
            lines = pid_file(self._data)
            if lines[:1] == [str(self.pid)] and lines[7:8] == ["ready"]:
                return
            if self._process.poll() is not None:
                raise ServerFailed(f"PostgreSQL ended:\n{self.last_words()}")
            sleep(0.005)
        self.stop()
        raise ServerFailed(f"PostgreSQL was not ready within {_START_SECONDS:.0f} s; its log is {self._log}")


def _lock(path: Path) -> IO[str]:
    """Hold ``path`` until the file is closed or this process ends, however it ends."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            file.seek(0)
            raise DataInUse(f"{path.parent} is in use by process {file.read() or '(starting)'}") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
