"""Idempotency-Key, driven over HTTP against an operation whose work a test can hold up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.db.models import StoredAnswerRow
from app.core.db.session import transaction
from app.core.problems import Conflict, Forbidden
from app.core.state import State, StateDep
from app.core.text.messages import verbatim
from app.core.web.http import Router, install
from app.core.web.kit.idempotency import Answer, once
from app.plans.models import HolidaySetRow


class Work:
    """What the operation does: makes an account row, waits if told to, fails if told to."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fail = False

    async def __call__(self, session: AsyncSession) -> Answer:
        self.count += 1
        number = self.count
        await session.execute(text("INSERT INTO holiday_sets VALUES (:id, 'PL', null, '[]')"), {"id": f"h{number}"})
        self.begun.set()
        await self.go_on.wait()
        if self.fail:
            raise Conflict(verbatim("as told"))
        return Answer({"number": number, "secret": "hush"}, headers={"ETag": '"1"'})


_OF_THE_PATH = "of the path"


def _app(state: State, work: Work, account_id: str | None = _OF_THE_PATH) -> FastAPI:
    """An application with one operation, whose caller's key is of the account in the path, unless it is said here."""
    router = Router()
    account = account_id

    @router.post("/things/{account_id}", scope=None)
    async def make(request: Request, state: StateDep, account_id: str, _body: dict[str, Any]) -> Response:
        kind, key, may = (request.headers.get(name) for name in ("kind", "key-id", "may"))
        principal = Principal(
            "agent" if kind == "agent" else "account",
            key or "key_1",
            account_id if account == _OF_THE_PATH else account,
        )

        async def check(_: AsyncSession) -> None:
            if may == "no":
                raise Forbidden

        async def checked(session: AsyncSession) -> Answer:
            await check(session)
            return await work(session)

        return await once(request, state, principal, checked, may=check)

    app = FastAPI()
    app.state.heliodesk = state
    install(app)
    app.include_router(router)
    return app


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def web(state: State, work: Work) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_app(state, work)), base_url="http://test") as client:
        yield client


async def _post(
    web: httpx.AsyncClient, key: str | None, body: Any = None, path: str = "a", **who: str
) -> httpx.Response:
    """Who posts: ``kind`` and ``key_id`` of their API key; ``may="no"`` for somebody who may not."""
    headers = {name.replace("_", "-"): value for name, value in who.items()}
    headers |= {} if key is None else {"idempotency-key": key}
    return await web.post(f"/things/{path}", json=body or {}, headers=headers)


async def _rows(sessions: Sessions) -> list[int]:
    """How many rows the work has left, and how many answers are stored."""
    async with sessions() as session:
        return [
            (await session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (HolidaySetRow, StoredAnswerRow)
        ]


async def test_without_a_key_every_post_works(web: httpx.AsyncClient) -> None:
    assert [(await _post(web, None)).json()["number"] for _ in range(2)] == [1, 2]


async def test_the_same_key_and_body_replays_without_the_secret(web: httpx.AsyncClient, work: Work) -> None:
    first = await _post(web, "k")
    assert (first.status_code, first.json()) == (201, {"number": 1, "secret": "hush"})
    again = await _post(web, "k")
    assert (again.status_code, again.json()) == (201, {"number": 1})
    assert (again.headers["idempotency-replayed"], again.headers["etag"]) == ("true", '"1"')
    assert "idempotency-replayed" not in first.headers
    assert work.count == 1


async def test_a_quoted_key_is_the_bare_one(web: httpx.AsyncClient, work: Work) -> None:
    await _post(web, '"k"')
    await _post(web, "k")
    assert work.count == 1


async def test_another_body_is_422(web: httpx.AsyncClient, work: Work) -> None:
    await _post(web, "k", {"a": 1})
    answer = await _post(web, "k", {"a": 2})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert work.count == 1


async def test_keys_are_the_accounts_and_the_paths_own(web: httpx.AsyncClient, work: Work) -> None:
    assert [(await _post(web, "k", path=path)).json()["number"] for path in "ab"] == [1, 2]
    assert (await _post(web, "k", key_id="key_2")).json()["number"] == 1
    assert work.count == 2


async def test_each_key_of_support_has_keys_of_its_own(web: httpx.AsyncClient, work: Work) -> None:
    for _ in range(2):
        numbers = [(await _post(web, "k", kind="agent", key_id=key)).json()["number"] for key in ("key_1", "key_2")]
        assert numbers == [1, 2]
    assert (await _post(web, "k")).json()["number"] == 3  # and the account, whose roster they are of, has its own too
    assert work.count == 3


async def test_who_may_not_do_it_learns_nothing_of_the_first_request(web: httpx.AsyncClient, work: Work) -> None:
    work.go_on.clear()
    first = asyncio.create_task(_post(web, "k"))
    await work.begun.wait()
    assert (await _post(web, "k", may="no")).status_code == 403
    work.go_on.set()
    await first
    for body in ({}, {"another": "body"}):
        answer = await _post(web, "k", body, may="no")
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (403, False)
    assert work.count == 1


_EARLIER = """
UPDATE stored_answers SET account_id = '-', key_hash = encode(sha256(convert_to(:place, 'UTF8')), 'hex')
"""


async def test_nobody_gets_what_support_was_answered_by_an_earlier_version_and_nothing_is_done_again(
    sessions: Sessions, state: State, work: Work
) -> None:
    """Those answers do not tell whose they are."""
    transport = httpx.ASGITransport(_app(state, work, account_id=None))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as admin:
        await _post(admin, "k", kind="agent")
        async with transaction(sessions) as session:
            await session.execute(text(_EARLIER), {"place": "-\nPOST\n/things/a\nk"})
        for key in ("key_1", "key_2"):
            answer = await _post(admin, "k", kind="agent", key_id=key)
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
        assert (await _post(admin, "k", kind="agent", may="no")).status_code == 403
        assert work.count == 1
        assert (await _post(admin, "another", kind="agent")).json()["number"] == 2
        async with transaction(sessions) as session:
            await session.execute(text("UPDATE stored_answers SET created_at = created_at - interval '25 hours'"))
        assert (await _post(admin, "k", kind="agent")).json()["number"] == 3


@pytest.mark.parametrize("key", ["", '""', "k" * 256, f'"{"k" * 256}"', "a\tb", 'a"b', "schl\xfcssel"])
async def test_a_key_has_bounds(web: httpx.AsyncClient, key: str) -> None:
    answer = await web.post("/things/a", json={}, headers={b"idempotency-key": key.encode("latin-1")})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/header/idempotency-key"


async def test_a_second_request_in_flight_is_409_at_once(web: httpx.AsyncClient, work: Work) -> None:
    work.go_on.clear()
    first = asyncio.create_task(_post(web, "k"))
    await work.begun.wait()
    second = await asyncio.wait_for(_post(web, "k"), timeout=30)  # would hang if it waited for the first
    assert (second.status_code, second.json()["type"]) == (409, "/problems/request-in-flight")
    assert second.headers["retry-after"]
    work.go_on.set()
    assert (await first).status_code == 201
    assert (await _post(web, "k")).headers["idempotency-replayed"] == "true"
    assert work.count == 1


async def test_twenty_at_once_do_the_work_once(web: httpx.AsyncClient, sessions: Sessions) -> None:
    answers = await asyncio.gather(*(_post(web, "k") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["number"] for answer in answers if answer.status_code == 201} == {1}
    assert await _rows(sessions) == [1, 1]


async def test_a_failure_leaves_nothing(web: httpx.AsyncClient, work: Work, sessions: Sessions) -> None:
    work.fail = True
    assert (await _post(web, "k")).status_code == 409
    assert await _rows(sessions) == [0, 0]
    work.fail = False
    assert (await _post(web, "k")).json()["number"] == 2


async def test_it_survives_a_restart(web: httpx.AsyncClient, state: State) -> None:
    await _post(web, "k")
    later = _app(state, Work())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(later), base_url="http://test") as client:
        assert (await _post(client, "k")).headers["idempotency-replayed"] == "true"


async def test_after_a_day_the_key_is_free_again(web: httpx.AsyncClient, sessions: Sessions) -> None:
    await _post(web, "k")
    async with transaction(sessions) as session:
        await session.execute(text("UPDATE stored_answers SET created_at = created_at - interval '25 hours'"))
    answer = await _post(web, "k", {"another": "body"})
    assert answer.json()["number"] == 2
    assert (await _post(web, "k", {"another": "body"})).json() == {"number": 2}
