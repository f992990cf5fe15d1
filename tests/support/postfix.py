"""Debian's Postfix on loopback, with a configuration, a queue and a log of its own."""

import os
import pwd
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from time import sleep
from typing import Final

import pytest

from app.core import clock
from tests.support.ports import free_port
from tests.support.programs import program

_SECONDS: Final = 60.0
_MAIN: Final = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
mail_owner = postfix
myhostname = {host}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
default_transport = smtp:[127.0.0.1]:{hop}
smtp_host_lookup = native
alias_maps =
{documented}
"""
_MASTER: Final = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
{documented}
"""


@dataclass(frozen=True, slots=True)
class Pipe:
    """What Postfix is told of a hook: the two parts of its configuration that docs/mail-in.md shows."""

    main: str
    master: str


@contextmanager
def postfix(pipe: Pipe, host: str, hop: int) -> Iterator[int]:
    """The port of a running Postfix, which hands on whatever is not for the pipe to the SMTP server at ``hop``.

    Skipped where it is not installed, except in CI, and for whoever is not root: its master process has to be.
    """
    if os.geteuid() != 0:
        pytest.skip("Postfix is started by root alone")
    command = program("postfix", "postfix")
    folder, port = Path(mkdtemp(prefix="postfix-")), free_port()
    owner = pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("queue", "data", "conf"):
        (folder / name).mkdir()
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    names = {"folder": folder, "host": host, "hop": hop, "port": port}
    (folder / "conf" / "main.cf").write_text(_MAIN.format(**names, documented=pipe.main))
    (folder / "conf" / "master.cf").write_text(_MASTER.format(**names, documented=pipe.master))
    log = folder / "log"
    try:
        started = _run(command, folder, "start")
        assert started.returncode == 0, started.stderr
        _wait(port, log)
        yield port
    except BaseException as error:
        error.add_note(log.read_text() if log.exists() else "it has no log")
        raise
    finally:
        _run(command, folder, "abort")
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: str, folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([command, "-c", str(folder / "conf"), what], capture_output=True, text=True, check=False)


def _wait(port: int, log: Path) -> None:
    ends = clock.monotonic() + _SECONDS
    while clock.monotonic() < ends:
        with suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", port, timeout=_SECONDS):
            return
        sleep(0.05)
    raise TimeoutError(log.read_text() if log.exists() else "it has no log")
