"""Events that are collected and recorded at the end of their transaction."""

from datetime import UTC, datetime

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import do_last, driver, record_behind_all, transaction
from app.core.db.statements.bulk import write
from app.core.db.tables import Row
from app.events.event import Event
from app.events.log import Aside, came_via, event_row, record_last, recorded_in, with_via
from app.events.types import WebhookTest
from tests.support.desk import fetch

ACCOUNT = "acc_1"
_RECORDED = "SELECT id, via FROM events ORDER BY position"


def row() -> Row:
    event = Event(datetime(2026, 11, 20, tzinfo=UTC), WebhookTest(endpoint_id="wh_1"))
    return event_row(event, account_id=ACCOUNT, ticket_id=None, sequence=None, sandbox=False)


async def test_events_are_recorded_last_in_the_order_in_which_they_were_told(sessions: Sessions) -> None:
    """Also those of which it was not known yet what they follow from, and those that a last step tells."""
    told = [row(), row(), row()]
    async with transaction(sessions) as session:

        async def step() -> None:
            assert await (await driver(session)).fetch("SELECT FROM events") == []
            await write(session, recorded_in(session, with_via(session, told[2:])))

        record_last(session)
        record_last(session)
        await write(session, recorded_in(session, with_via(session, told[:1])))
        do_last(session, step)
        came_via(session, ("ins_1",))
        await write(session, recorded_in(session, with_via(session, told[1:2])))
    vias = [None, "ins_1", "ins_1"]
    wanted = [{"id": each["id"], "via": via} for each, via in zip(told, vias, strict=True)]
    assert await fetch(sessions, _RECORDED) == wanted


async def test_what_is_told_after_that_is_recorded_all_the_same(sessions: Sessions) -> None:
    first, second = row(), row()
    async with transaction(sessions) as session:

        async def tell() -> None:
            await write(session, recorded_in(session, [second]))

        record_last(session)
        await write(session, recorded_in(session, [first]))
        record_behind_all(session, tell)
    assert [each["id"] for each in await fetch(sessions, _RECORDED)] == [first["id"], second["id"]]


@pytest.mark.parametrize("vias", [(None, "ins_1"), ("ins_1", None)])
async def test_what_is_put_aside_is_recorded_whole(sessions: Sessions, vias: tuple[str | None, ...]) -> None:
    """Whichever part comes first."""
    rows = [{**row(), "via": via} if via else row() for via in vias]
    async with transaction(sessions) as session:
        aside = Aside()
        assert aside.is_empty
        for each in rows:
            await aside.put(session, [each])
        await aside.record(session)
    wanted = [{"id": each["id"], "via": via} for each, via in zip(rows, vias, strict=True)]
    assert await fetch(sessions, _RECORDED) == wanted
    names = ", ".join(name for name in rows[0] if name != "via")
    stored = await fetch(sessions, f"SELECT {names}, recorded_at IS NOT NULL AS known FROM events ORDER BY position")  # noqa: S608
    assert [each["data"] for each in stored] == [each["data"] for each in rows]
    assert all(each["known"] for each in stored)
