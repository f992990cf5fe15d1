"""The admin key of an operator's setting, and the one that a first start makes."""

from datetime import datetime

import httpx
import pytest
import structlog
from pydantic import ValidationError

from app.accounts.usecases.bootstrap import add_admin_key, bootstrap_admin_key
from app.core.auth import make_key as random_key
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.settings import Settings
from tests.support.actors import Headers, make_key
from tests.support.desk import fetch

OPERATORS = "an-operator's-own-secret"


@pytest.mark.parametrize(
    "malformed",
    ["a", "fifteen-letters", "sixteen letters and more", "schl\u00fcssel-schl\u00fcssel", random_key("agent")],
    ids=["short", "fifteen characters", "blanks", "not ASCII", "an agent's"],
)
def test_a_malformed_admin_key_is_refused_without_being_told(malformed: str) -> None:
    with pytest.raises(ValidationError, match="It needs at least 16") as refused:
        Settings(admin_key=malformed)
    [error] = refused.value.errors()
    assert malformed not in error["msg"] or malformed == "a"


@pytest.mark.parametrize(
    "good", ["", OPERATORS, random_key("admin"), "hd_admin_of-our-own"], ids=["none", "any", "ours", "like ours"]
)
def test_an_admin_key_may_be_any_text_that_is_hard_to_guess(good: str) -> None:
    assert Settings(admin_key=good).admin_key == good


async def start(sessions: Sessions, given: str = "") -> str | None:
    """What a start does about the admin key."""
    async with transaction(sessions) as session:
        return await bootstrap_admin_key(session, given, now=await database_now(session))


def bearer(key: str) -> Headers:
    return {"Authorization": f"Bearer {key}"}


async def opens(client: httpx.AsyncClient, *keys: str) -> list[bool]:
    """Which of these keys are taken."""
    return [(await client.get("/v1/keys", headers=bearer(key))).status_code == 200 for key in keys]


async def test_the_first_start_makes_one_key_and_the_next_none(client: httpx.AsyncClient, sessions: Sessions) -> None:
    made = await start(sessions)
    assert made
    assert await start(sessions) is None
    assert await opens(client, made) == [True]


async def test_another_setting_ends_the_key_of_the_one_before_and_the_one_that_was_made(
    client: httpx.AsyncClient, sessions: Sessions
) -> None:
    made, first, second = await start(sessions), random_key("admin"), OPERATORS
    assert made
    for _ in range(2):
        await start(sessions, first)
        assert await opens(client, made, first) == [False, True]
    await start(sessions, second)
    assert await opens(client, made, first, second) == [False, False, True]
    await start(sessions)  # without the setting nothing is said about any key
    assert await opens(client, second) == [True]


async def test_keys_that_people_made_live_on(client: httpx.AsyncClient, sessions: Sessions, admin: Headers) -> None:
    await start(sessions, random_key("admin"))
    async with transaction(sessions) as session:
        by_command = await add_admin_key(session, now=await database_now(session))
    over_api = await client.post("/v1/keys", json={"kind": "admin", "label": "bootstrap"}, headers=admin)
    agent = await make_key(sessions, "agent")
    await start(sessions, OPERATORS)
    assert await opens(client, by_command, over_api.json()["secret"], OPERATORS) == [True, True, True]
    assert (await client.get("/v1/tickets", headers=agent)).status_code == 200


async def test_a_setting_that_was_revoked_opens_nothing_and_the_log_says_so(
    client: httpx.AsyncClient, sessions: Sessions
) -> None:
    await start(sessions, OPERATORS)
    await fetch(sessions, "UPDATE api_keys SET revoked_at = now()")
    with structlog.testing.capture_logs() as logs:
        await start(sessions, OPERATORS)
    [line] = logs
    assert line["event"] == "HELIODESK_ADMIN_KEY opens nothing: this key was revoked"
    assert datetime.fromisoformat(line["revoked_at"])
    assert OPERATORS not in str(line)
    assert await opens(client, OPERATORS) == [False]


async def test_little_is_shown_of_a_key(client: httpx.AsyncClient, sessions: Sessions) -> None:
    key = random_key("admin")
    await start(sessions, OPERATORS)
    await start(sessions, key)
    hints = [item["hint"] for item in (await client.get("/v1/keys", headers=bearer(key))).json()["items"]]
    assert hints == [OPERATORS[:4], key[: len("hd_admin_") + 4]]
