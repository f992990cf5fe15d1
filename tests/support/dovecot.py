"""Debian's Dovecot on loopback: an IMAP mailbox with a configuration and a folder of its own."""

import grp
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from time import sleep
from typing import Final

import pytest

from app.core import clock
from tests.support.ports import free_port

USER: Final = "support"
PASSWORD: Final = "hunter 2%"
_SECONDS: Final = 60.0
_CONFIGURATION: Final = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
first_valid_uid = 1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail_group} home={folder}/mail
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@contextmanager
def dovecot() -> Iterator[str]:
    """The URL of an empty mailbox. Skipped where Dovecot is not installed, except in CI."""
    program = shutil.which("dovecot")
    if program is None:
        if os.environ.get("CI"):
            raise FileNotFoundError("dovecot: CI installs it")
        pytest.skip("needs Dovecot")
    folder, port = Path(mkdtemp(prefix="dovecot-")), free_port()
    is_root = os.geteuid() == 0
    own = pwd.getpwuid(os.geteuid())
    names = pwd.getpwnam("mail") if is_root else own
    internal = pwd.getpwnam("dovecot") if is_root else own
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    os.chown(folder / "mail", names.pw_uid, names.pw_gid)
    written = _CONFIGURATION.format(
        folder=folder,
        port=port,
        internal=internal.pw_name,
        group="dovecot" if is_root else grp.getgrgid(own.pw_gid).gr_name,
        login="dovenull" if is_root else own.pw_name,
        mail=names.pw_uid,
        mail_group=names.pw_gid,
    )
    (folder / "dovecot.conf").write_text(written)
    process = subprocess.Popen([program, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        _wait(process, port, folder / "log")
        yield f"imap://{USER}:hunter%202%25@127.0.0.1:{port}/INBOX"
    finally:
        process.terminate()
        process.wait(_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    ends = clock.monotonic() + _SECONDS
    while clock.monotonic() < ends:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
            if connection.recv(4) == b"* OK":
                return
        sleep(0.05)
    raise TimeoutError(log.read_text())
