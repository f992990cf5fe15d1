import re

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.ids import ID_PATTERN
from app.core.signals import WakeUps
from app.webhooks.outbox.fanout import fan_out
from app.webhooks.usecases.endpoints import disable
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row

URL = "https://example.com/hook"


async def heard(sessions: Sessions) -> set[tuple[str, str]]:
    return {(row.endpoint_id, row.event_id) for row in await deliveries(sessions)}


async def test_an_account_hears_only_its_own_public_events(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    theirs = await make_endpoint(URL, account_id="acc_1")
    operators = await make_endpoint(URL)
    public, internal, other = await tell(event_row(), event_row(audience="internal"), event_row(account_id="acc_2"))
    assert await heard(sessions) == {
        (theirs.id, public["id"]),
        (operators.id, public["id"]),
        (operators.id, internal["id"]),
        (operators.id, other["id"]),
    }


async def test_only_events_that_a_glob_matches(sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell) -> None:
    endpoint = await make_endpoint(URL, events=["deadline.*", "call.ready"])
    _, missed, ready, _ = await tell(*map(event_row, ["ticket.opened", "deadline.missed", "call.ready", "call.ended"]))
    assert await heard(sessions) == {(endpoint.id, missed["id"]), (endpoint.id, ready["id"])}


async def test_a_disabled_endpoint_gets_nothing(sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell) -> None:
    endpoint = await make_endpoint(URL)
    async with transaction(sessions) as session:
        await disable(session, endpoint.id, "a test")
    await tell()
    assert not await deliveries(sessions)


async def test_delivery_ids_are_ids_and_sort_by_time(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint(URL)
    await make_endpoint(URL)
    events = await tell(event_row())
    (first, second) = await deliveries(sessions)
    assert first.id != second.id
    assert re.fullmatch(ID_PATTERN, first.id)
    assert first.id[4:17] == second.id[4:17] == str(events[0]["id"])[4:17]
    assert first.next_attempt_at == first.created_at


@pytest.mark.parametrize("endpoints", [0, 1])
async def test_the_sender_is_woken_when_there_is_something_to_send(
    make_endpoint: MakeEndpoint, tell: Tell, wake_ups: WakeUps, endpoints: int
) -> None:
    for _ in range(endpoints):
        await make_endpoint(URL)
    await tell()
    assert wake_ups.deliveries.rings == bool(endpoints)


async def test_what_is_rolled_back_is_never_sent(
    sessions: Sessions, make_endpoint: MakeEndpoint, wake_ups: WakeUps
) -> None:
    await make_endpoint(URL)

    async def fail() -> None:
        async with transaction(sessions) as session:
            await fan_out(session, [event_row()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert not await deliveries(sessions)
    assert wake_ups.deliveries.rings == 0


async def test_no_events_are_no_statement(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await fan_out(session, [])
        assert not session.in_transaction()
