"""A process that ends while Google Meet makes a space: gracefully, or by a kill -9."""

import asyncio
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from app.core.db.engine import Sessions
from tests.calls.meet_standin import Google
from tests.calls.meet_standin import serving as standing_in
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.service import serving
from tests.support.stories import P1
from tests.support.waiting import until

pytestmark = pytest.mark.faults


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    async with standing_in(rsa.generate_private_key(public_exponent=65537, key_size=2048)) as google:
        yield google


def settings(google: Google, folder: Path) -> dict[str, str]:
    """What an operator sets for Google Meet."""
    return {
        "HELIODESK_MEET_CREDENTIALS_FILE": str(google.credentials(folder)),
        "HELIODESK_MEET_HOSTS": ", ".join(sorted(google.users)),
        "HELIODESK_MEET_API_URL": google.url,
        "HELIODESK_MEET_TOKEN_URL": f"{google.url}/token",
    }


async def open_p1(sessions: Sessions) -> None:
    account = await make_account(sessions, await store_plan(sessions, "google-premium"))
    await open_at(sessions, account.account_id, await now_of(sessions), **P1)


async def call(sessions: Sessions) -> dict[str, Any]:
    [row] = await fetch(sessions, "SELECT state, provider, room, claim_id FROM calls")
    return dict(row)


async def test_sigterm_lets_a_space_in_the_making_be_recorded(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, google: Google
) -> None:
    async def slowly(stand_in: Google, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1.5)
        return await stand_in.make_space(request)

    google.always = slowly
    with serving(folder, own_database, admin_key, **settings(google, folder)) as service:
        await open_p1(shared)
        await until(lambda: google.creations)
        service.process.send_signal(signal.SIGTERM)
        await until(lambda: service.process.poll() is not None)
        assert service.process.poll() == 0, service.printed()
    found = await call(shared)
    assert (found["state"], found["room"]) == ("ready", "spaces/jQCFfuBOdN5z-0")
    assert google.refused == []


async def test_a_space_whose_maker_was_killed_is_recorded_and_the_call_gets_another(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, google: Google
) -> None:
    killed = asyncio.Event()

    async def once_killed(stand_in: Google, request: web.Request) -> web.StreamResponse:
        await killed.wait()
        return await stand_in.make_space(request)

    google.faults.append(once_killed)
    start = partial(serving, folder, own_database, admin_key, **settings(google, folder))
    with start() as service:
        await open_p1(shared)
        await until(lambda: google.creations)
        service.stop(signal.SIGKILL)
        killed.set()
    assert (await call(shared))["claim_id"]
    with start():
        await fetch(shared, "UPDATE calls SET next_attempt_at = clock_timestamp()")  # the lease is over
        await until(lambda: _is_ready(shared))
    [orphan] = await fetch(shared, "SELECT provider, reason FROM call_orphans")
    assert orphan == {"provider": "meet", "reason": "the attempt was cut off"}
    [row] = await fetch(shared, "SELECT count(*) AS told FROM events WHERE type = 'call.ready'")
    assert row["told"] == 1


async def _is_ready(sessions: Sessions) -> bool:
    return bool((await call(sessions))["state"] == "ready")
