"""What the README shows works as it is pasted."""

import asyncio
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from orjson import loads

from app.core.auth import make_key
from app.core.db.session import transaction
from app.core.settings import Settings
from app.plans.store import load_builtin
from tests.support import actors
from tests.support.actors import make_account
from tests.support.desk import connected, now_of
from tests.support.service import serving

_README: Final = Path(__file__).parents[1] / "README.md"


def shown(section: str) -> str:
    """The shell lines of a section."""
    found = re.search(rf"^## {re.escape(section)}\n.*?^```sh\n(.*?)^```", _README.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


async def run(lines: str, **environment: str) -> list[Any]:
    """Run shell lines; the JSON documents that they print, one a line."""
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euc", lines, env=os.environ | environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await shell.communicate()
    assert shell.returncode == 0
    return [loads(line) for line in printed.splitlines()]


def test_every_setting_is_explained() -> None:
    """By its name, in the README or in a page of docs/."""
    pages = [_README, *(_README.parent / "docs").glob("*.md")]
    named = set(re.findall(r"`(?:HELIODESK_)?([A-Z_]+)`", "".join(page.read_text() for page in pages)))
    assert {name.upper() for name in Settings.model_fields} - named == set()


async def test_a_four_hour_deadline_is_tried_out_in_a_second(own_database: str) -> None:
    admin_key = make_key("admin")
    async with connected(own_database) as sessions, transaction(sessions) as session:
        await load_builtin(session, await now_of(sessions))
    with TemporaryDirectory() as folder, serving(Path(folder), own_database, admin_key) as service:
        lines = shown("Test your integration in a second").replace("http://127.0.0.1:8000", service.url)
        ticket, moved = await run(lines, ADMIN_KEY=admin_key, no_proxy="*")
    assert {due["metric"]: due["due_at"] for due in ticket["deadlines"]}["resolution"] == "2026-11-20T13:00:00Z"
    assert (moved["now"], moved["next"]) == ("2026-11-20T13:00:01.000000Z", None)
    missed = [(e["timestamp"], e["data"]["metric"]) for e in moved["events"] if e["type"] == "deadline.missed"]
    assert missed == [
        ("2026-11-20T09:30:00.000000Z", "first_response"),
        ("2026-11-20T13:00:00.000000Z", "resolution"),
    ]


async def test_an_alert_opens_a_ticket(own_database: str) -> None:
    admin_key = make_key("admin")
    async with connected(own_database) as sessions:
        async with transaction(sessions) as session:
            await load_builtin(session, await now_of(sessions))
        account_id = (await make_account(sessions, "google-premium")).account_id
        headers = await actors.make_key(sessions, account_id=account_id, role="owner")
    with TemporaryDirectory() as folder, serving(Path(folder), own_database, admin_key) as service:
        lines = shown("Alerts in").replace("http://127.0.0.1:8000", service.url)
        key = headers["Authorization"].removeprefix("Bearer ")
        received, receipts = await run(lines, ACCOUNT_KEY=key, no_proxy="*")
    (receipt,) = receipts["items"]
    assert (receipt["id"], receipt["state"]) == (received["receipt_id"], "processed")
    assert [done["action"] for done in receipt["tickets"]] == ["opened"]
