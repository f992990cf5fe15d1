"""The clients of clients/, made of the OpenAPI document and tried against a running service."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from app.core.auth import make_key
from app.core.db.session import transaction
from app.plans.store import load_builtin
from tests.support import actors
from tests.support.actors import make_account
from tests.support.database import new_database
from tests.support.desk import connected, now_of
from tests.support.npm import cached, installed
from tests.support.programs import program
from tests.support.service import ROOT, serving

PYTHON: Final = ROOT / "clients" / "python"
TYPESCRIPT: Final = ROOT / "clients" / "typescript"
DOCUMENT: Final = ROOT / "openapi" / "openapi.json"
MADE: Final = shutil.ignore_patterns("node_modules", "dist", "build", "generated", "__pycache__", ".*cache")


@pytest.fixture(scope="module")
async def environment(server: str, template: str) -> AsyncIterator[dict[str, str]]:
    """What the clients' own tests are told: where a service runs, and the key of an account's owner."""
    async with new_database(server, template) as url:
        async with connected(url) as sessions:
            async with transaction(sessions) as session:
                await load_builtin(session, await now_of(sessions))
            account_id = (await make_account(sessions, "google-premium")).account_id
            headers = await actors.make_key(sessions, account_id=account_id, role="owner")
        with TemporaryDirectory() as folder, serving(Path(folder), url, make_key("admin")) as service:
            key = headers["Authorization"].removeprefix("Bearer ")
            yield {"HELIODESK_URL": service.url, "HELIODESK_KEY": key, "NO_PROXY": "*", "no_proxy": "*"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a program prints; it has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=300,
    )
    printed = done.stdout.decode()
    assert done.returncode == 0, printed
    return printed


def _contents(project: Path) -> bytes:
    skipped = {"node_modules", "dist", "build", "generated", "tests", "__pycache__"}
    files = sorted(path for path in project.rglob("*") if path.is_file() and not skipped & set(path.parts))
    return b"".join(path.read_bytes() for path in [DOCUMENT, *files])


@pytest.fixture(scope="module")
def site() -> Path:
    """The folder with the installed Python client: its wheel is built of this document once."""
    folder = cached("python-client", _contents(PYTHON))
    uv = Path(sys.executable).with_name("uv")
    with (folder / "lock").open("w") as held:
        flock(held, LOCK_EX)
        if not (folder / "done").exists():
            source = folder / "clients" / "python"
            shutil.copytree(PYTHON, source, ignore=MADE, dirs_exist_ok=True)
            (folder / "openapi").mkdir(exist_ok=True)
            shutil.copy(DOCUMENT, folder / "openapi")
            run(uv, "build", source, "-o", folder, cwd=folder)  # the wheel is made of the source distribution
            (wheel,) = folder.glob("*.whl")
            run(uv, "pip", "install", "--no-deps", "--target", folder / "site", wheel, cwd=folder)
            (folder / "done").touch()
    return folder / "site"


def test_the_python_client_does_what_its_readme_says(environment: dict[str, str], site: Path) -> None:
    places = {"PYTHONPATH": f"{site}{os.pathsep}{PYTHON / 'tests'}"}
    options = ["-q", "-c", os.devnull, "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "--import-mode=importlib"]
    printed = run(sys.executable, "-m", "pytest", *options, PYTHON / "tests", cwd=PYTHON, **environment, **places)
    assert " passed" in printed


def test_the_python_client_and_a_program_with_it_are_typed_strictly(site: Path) -> None:
    cache = site.parent / "mypy"
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", f"--cache-dir={cache}"]
    files = [PYTHON / "tests" / "usage.py", *sorted((site / "heliodesk_client").glob("*.py"))]
    run(*command, f"--python-executable={sys.executable}", *files, cwd=site)


def test_the_typescript_client_does_what_its_readme_says(environment: dict[str, str], tmp_path: Path) -> None:
    project = tmp_path / "clients" / "typescript"
    shutil.copytree(TYPESCRIPT, project, ignore=MADE)
    (tmp_path / "openapi").mkdir()
    shutil.copy(DOCUMENT, tmp_path / "openapi")
    (project / "node_modules").symlink_to(installed(TYPESCRIPT))
    npm = program("npm", "npm")
    run(npm, "run", "build", cwd=project)
    assert "# fail 0" in run(npm, "test", cwd=project, **environment)
