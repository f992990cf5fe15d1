"""Packages of npm that some tests need, installed once for all test runs on this machine."""

import os
import shutil
import subprocess
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from tests.support.programs import program

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heliodesk-tests"
_PATIENCE: Final = 300


def cached(kind: str, key: bytes) -> Path:
    """The folder for what is made of ``key``; whoever makes it holds a lock and leaves ``done`` in it at the end."""
    folder = CACHE / f"{kind}-{sha256(key).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def installed(project: Path) -> Path:
    """The ``node_modules`` of what the lock file in ``project`` names.

    Where npm cannot install, the test is skipped; in CI it fails.
    """
    npm, lock = program("npm", "npm"), (project / "package-lock.json").read_bytes()
    folder = cached("npm", (project / "package.json").read_bytes() + lock)
    with (folder / "lock").open("w") as held:
        flock(held, LOCK_EX)
        if not (folder / "done").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(project / name, folder / name)
            _run_or_skip([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
            (folder / "done").touch()
    return folder / "node_modules"


def _run_or_skip(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=_PATIENCE
    )
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"npm cannot install here: {done.stdout.decode()[-300:]}")
    assert done.returncode == 0, done.stdout.decode()
