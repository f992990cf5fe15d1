"""Plan versions taken out of force and put back, over HTTP."""

import asyncio

import httpx
import pytest

from app.accounts.schemas import NewAccount
from app.accounts.usecases import customers, plan_use
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.problems import Conflict, Invalid
from tests.support.actors import Headers, make_account
from tests.support.documents import SMALL, small
from tests.support.stories import Caller, pointers
from tests.support.tickets import TICKET
from tests.support.waiting import until_blocked

PATH = "/v1/plans/small/versions"


@pytest.fixture
async def desk(client: httpx.AsyncClient, admin: Headers) -> Caller:
    """An admin on a desk with two versions of one plan."""
    caller = Caller(client, admin)
    for warn_at in ([50], [75]):
        await caller.post(PATH, 201, **small(warn_at=warn_at))
    return caller


async def test_c14_a_version_is_stored_under_its_key(desk: Caller) -> None:
    made = await desk.client.post(PATH, content=SMALL, headers=desk.key | {"Content-Type": "application/yaml"})
    assert (made.status_code, made.json()["version"], made.headers["etag"]) == (201, 3, '"3"')
    refused = await desk.post("/v1/plans/large/versions", 422, **small())
    assert (refused["detail"], pointers(refused)) == ("The plan document is not valid.", ["/key"])


async def test_c14_new_tickets_get_the_newest_version_in_force(desk: Caller, sessions: Sessions) -> None:
    account = await make_account(sessions, "small")
    ticket = TICKET | {"account_id": account.account_id}
    before = await desk.post("/v1/tickets", 201, **ticket)
    archived = await desk.post(f"{PATH}/2/archive")
    assert (archived["version"], archived["archived_at"] is None) == (2, False)
    assert await desk.post(f"{PATH}/2/archive") == archived
    assert (await desk.get("/v1/plans/small"))["version"] == 1
    assert (await desk.post("/v1/tickets", 201, **ticket))["plan"]["version"] == 1
    assert (await desk.get(f"/v1/tickets/{before['id']}"))["plan"]["version"] == 2
    restored = await desk.post(f"{PATH}/2/restore")
    assert restored == await desk.post(f"{PATH}/2/restore") == archived | {"archived_at": None}
    assert (await desk.post("/v1/tickets", 201, **ticket))["plan"]["version"] == 2


async def test_c14_an_archived_version_is_not_applied(desk: Caller) -> None:
    await desk.post(f"{PATH}/2/archive")
    assert (await desk.post(f"{PATH}/2/apply", 409, dry_run=True))["type"] == "/problems/conflict"


async def test_the_last_version_in_force_stays_while_accounts_have_the_plan(desk: Caller, sessions: Sessions) -> None:
    await make_account(sessions, "small")
    await desk.post("/v1/plans/other/versions", 201, **small(key="other"))
    await make_account(sessions, "other", product_plans={"backup": "small", "mail": "small"})
    await make_account(sessions, "other", product_plans={"backup": "other"})
    await desk.post(f"{PATH}/1/archive")
    refused = await desk.post(f"{PATH}/2/archive", 409)
    assert (refused["accounts"], "2 accounts" in refused["detail"]) == (2, True)
    assert (await desk.get(f"{PATH}/2"))["archived_at"] is None
    await desk.post(f"{PATH}/1/restore")
    assert (await desk.post(f"{PATH}/2/archive"))["archived_at"]


async def test_a_plan_that_nobody_has_goes_out_of_force(desk: Caller) -> None:
    for version in (1, 2):
        await desk.post(f"{PATH}/{version}/archive")
    assert (await desk.get("/v1/plans"))["items"] == []
    assert (await desk.post("/v1/plans/small/versions/3/archive", 404))["status"] == 404
    assert (await desk.post("/v1/plans/small/versions/3/restore", 404))["status"] == 404


async def archive(sessions: Sessions, *versions: int) -> None:
    """Archive versions in one transaction."""
    async with transaction(sessions) as session:
        for version in versions:
            await plan_use.archive(session, "small", version, now=await database_now(session))


@pytest.mark.usefixtures("desk")
async def test_two_archives_at_once_leave_one_version(sessions: Sessions) -> None:
    await make_account(sessions, "small")
    async with transaction(sessions) as session:
        await plan_use.archive(session, "small", 1, now=await database_now(session))
        other = asyncio.create_task(archive(sessions, 2))
        await until_blocked(sessions)
    with pytest.raises(Conflict):
        await other


@pytest.mark.usefixtures("desk")
async def test_an_account_that_is_being_made_keeps_its_plan_in_force(sessions: Sessions) -> None:
    command = NewAccount(name="Solar Roofs", plan="small", time_zone="UTC")
    async with transaction(sessions) as session:
        await customers.create_account(session, command, now=await database_now(session))
        archiving = asyncio.create_task(archive(sessions, 1, 2))
        await until_blocked(sessions)
    with pytest.raises(Conflict):
        await archiving


@pytest.mark.usefixtures("desk")
async def test_a_plan_that_is_being_archived_is_no_account_s(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for version in (1, 2):
            await plan_use.archive(session, "small", version, now=await database_now(session))
        making = asyncio.create_task(make_account(sessions, "small"))
        await until_blocked(sessions)
    with pytest.raises(Invalid):
        await making
