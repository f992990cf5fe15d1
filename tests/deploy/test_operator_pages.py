"""What the pages for operators say is so: their commands run as written, and the image has what the service needs."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import pytest
import yaml
from alembic.script import ScriptDirectory

from app.cli.postgres.binaries import find_binaries
from app.cli.settings_table import settings_table
from app.core.auth import make_key
from app.core.db.engine import Sessions
from app.core.db.migrate import configuration
from app.core.settings import Settings
from tests.support.actors import make_account
from tests.support.database import new_database
from tests.support.desk import connected, fetch, now_of, open_at, store_plan
from tests.support.service import ROOT, serving

DOCS: Final = ROOT / "docs"
COMPOSE: Final = ROOT / "deploy" / "compose.yaml"


def blocks(page: str, section: str) -> str:
    """The shell lines of a section of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", found[1], re.DOTALL | re.MULTILINE))


def shell(lines: str, cwd: str, **environment: str) -> str:
    """What shell lines print; each has to succeed. PostgreSQL's programs are on PATH, ours in ``.venv``."""
    path = os.pathsep.join([str(find_binaries()), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", lines],  # noqa: S607  the shell of whoever pastes them
        cwd=cwd,
        env=os.environ | environment | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


async def _fill(sessions: Sessions) -> None:
    account = await make_account(sessions, await store_plan(sessions, "wati-business-plus"))
    await open_at(sessions, account.account_id, *[await now_of(sessions)] * 3, priority="P2")


async def test_a_backup_that_is_restored_has_all_and_is_checked(server: str, own_database: str) -> None:
    async with connected(own_database) as sessions:
        await _fill(sessions)
        written = await fetch(sessions, "SELECT id, sequence FROM tickets ORDER BY id")
    async with new_database(server) as restored:
        urls = {"DATABASE_URL": own_database, "RESTORED_URL": restored}
        lines = blocks("backup.md", "Back up") + blocks("backup.md", "Restore")
        with TemporaryDirectory() as folder:
            (Path(folder) / ".venv").symlink_to(sys.prefix)
            printed = await asyncio.to_thread(shell, lines, folder, **urls)
        async with connected(restored) as sessions:
            assert await fetch(sessions, "SELECT id, sequence FROM tickets ORDER BY id") == written
    assert re.search(r"\b3 tickets", printed), printed


async def test_the_schema_is_taken_back_as_the_page_says(own_database: str) -> None:
    scripts = ScriptDirectory.from_config(configuration(""))
    before = str(scripts.get_revision("head").down_revision)
    lines = blocks("backup.md", "Roll back")
    printed = await asyncio.to_thread(shell, lines, str(ROOT), DATABASE_URL=own_database, REVISION=before)
    async with connected(own_database) as sessions:
        assert await fetch(sessions, "SELECT version_num FROM alembic_version") == [{"version_num": before}]
    assert f"{scripts.get_current_head()} (head)" in printed


def _copied() -> list[str]:
    """What the Dockerfile takes from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return [name for line in lines for name in line.split()]


def _ignored() -> re.Pattern[str]:
    """Of .dockerignore, what is let through: a list of exceptions to everything."""
    allowed = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    return re.compile("|".join(re.escape(name) for name in allowed))


async def test_the_service_runs_from_what_the_image_has(own_database: str) -> None:
    key = make_key("admin")
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "image"
        for name in _copied():
            assert _ignored().match(name), f".dockerignore keeps {name} out"
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, target)
        with serving(Path(folder), own_database, key, timedelta(0), tree) as service:
            async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
                assert (await client.get("/readyz")).json()["checks"]["migrations"] == "ok"
                plans = await client.get("/v1/plans", headers={"Authorization": f"Bearer {key}"})
    assert "google-premium" in [plan["key"] for plan in plans.json()["items"]]


def test_the_composition_names_what_there_is() -> None:
    compose: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    ours = compose["services"]["heliodesk"]
    known = {f"HELIODESK_{name.upper()}" for name in Settings.model_fields} | {"DATABASE_URL"}
    assert set(ours["environment"]) <= known
    assert (COMPOSE.parent / ours["build"] / "Dockerfile").is_file()
    assert set(ours["depends_on"]) < set(compose["services"])
    grace = int(ours["stop_grace_period"].removesuffix("s"))
    assert grace > 25, "the service drains for that long"


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "database_url"])
def test_every_setting_is_in_the_table_with_its_default_and_meaning(name: str) -> None:
    (row,) = [row for row in settings_table().splitlines() if row.startswith(f"| `HELIODESK_{name.upper()}` |")]
    assert row in (DOCS / "configuration.md").read_text(encoding="utf-8").splitlines()
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert all((cells[1], cells[3]))
