"""An installation that keeps files, and whoever sends and gets them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import Sessions
from app.core.db.session import make_sessions
from app.core.settings import Settings
from app.core.signals import WakeUps
from app.core.state import State
from app.files.background import Keeper
from app.files.scanner import Scanner
from app.tickets.background.quarantine import quarantine
from tests.support import database as databases
from tests.support.object_store import BUCKET, object_store
from tests.support.stories import Begin, Caller, Story
from tests.support.virus_scanner import Daemon, virus_scanner

PLAN = "wati-business-plus"


@pytest.fixture(scope="session")
async def s3() -> AsyncIterator[str]:
    """The address of a store that all tests here share."""
    async with object_store() as url:
        yield url


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    """A virus scanner."""
    async with virus_scanner(f"unix:{tmp_path / 'clamd'}") as daemon:
        yield daemon


@pytest.fixture
def kept_in() -> str:
    """Where files are: in a folder, unless a test says ``s3``."""
    return "folder"


@pytest.fixture
def settings(database: str, tmp_path: Path, kept_in: str, request: pytest.FixtureRequest) -> Settings:
    most: dict[str, Any] = {"background": False, "rate_per_address": 0, "rate_per_network": 0}
    if "daemon" in request.fixturenames:
        most["scanner_url"] = f"unix:{tmp_path / 'clamd'}"
    if kept_in == "folder":
        most["files_folder"] = tmp_path / "files"
    if kept_in == "s3":
        keys = {"s3_access_key": "key", "s3_secret_key": SecretStr("secret")}
        most |= {"s3_url": request.getfixturevalue("s3"), "s3_bucket": BUCKET} | keys
    return Settings(database_url=database, file_bytes=3 * 2**20, file_bytes_per_account=4 * 2**20, **most)


@pytest.fixture
async def sessions(engine: AsyncEngine, wake_ups: WakeUps, settings: Settings) -> AsyncIterator[Sessions]:
    keeps = settings if settings.files_folder or settings.s3_url else None
    sessions = make_sessions(engine, wake_ups, files=keeps)
    yield sessions
    await databases.empty(sessions)


@dataclass
class Desk:
    """A story whose people have files."""

    story: Story
    state: State
    outside: httpx.AsyncClient
    """whoever has a link and no key"""

    async def send(self, content: bytes, who: Caller | None = None, **about: Any) -> Any:
        """A file whose bytes were sent as its ``upload`` says."""
        who = who or self.story.customer
        made = await who.post(
            "/v1/files", 201, **{"name": "a.log", "type": "text/plain"} | about | {"size": len(content)}
        )
        await self.put(made["upload"], content)
        return await who.post(f"/v1/files/{made['id']}/complete")

    async def put(self, upload: Any, content: bytes) -> None:
        """Send the bytes."""
        step = upload["part_size"] or len(content)
        for start in range(0, len(content), step):
            part = content[start : start + step]
            whole = len(part) == len(content)
            place = {} if whole else {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}"}
            answer = await self.outside.put(upload["url"], content=part, headers=upload["headers"] | place)
            assert answer.is_success, answer.text

    async def get(self, link: str, who: Caller | None = None) -> httpx.Response:
        """The bytes of an attachment, by the link that whoever sees it is given."""
        found = await (who or self.story.customer).get(link)
        return await self.outside.get(found["download"]["url"])

    async def keep(self) -> int:
        """A pass of the background."""
        assert self.state.files
        scanner = Scanner(self.state.settings.scanner_url) if self.state.settings.scanner_url else None
        return await Keeper(self.state.sessions, self.state.files, scanner, quarantine).run_pass()


@pytest.fixture
async def desk(begin: Begin, state: State, client: httpx.AsyncClient, kept_in: str) -> AsyncIterator[Desk]:
    story = await begin(PLAN)
    if kept_in != "s3":
        yield Desk(story, state, client)
        return
    async with httpx.AsyncClient(trust_env=False, timeout=60) as outside:
        yield Desk(story, state, outside)
