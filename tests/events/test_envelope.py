from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.events.envelope import NO_ACCOUNT, envelope, instant

ROW = {
    "id": "evt_1",
    "type": "ticket.opened",
    "timestamp": datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=1))),
    "account_id": "acc_1",
    "ticket_id": "tkt_1",
    "ticket": {"number": "K7M-3QP", "title": "t", "priority": "P1", "status": "new", "external_ref": None},
    "sequence": 1,
    "actor": {"kind": "service"},
    "audience": "public",
    "sandbox": False,
    "data": {"priority": "p1"},
}


@pytest.mark.parametrize("internal", [True, False])
def test_the_envelope_has_exactly_the_promised_members(*, internal: bool) -> None:
    told = envelope(ROW | {"unrelated": 1}, internal=internal)
    assert told == ROW | {"timestamp": "2026-03-02T09:30:00.000000Z"}
    assert list(told) == list(ROW)


def test_instants_always_have_microseconds_and_z() -> None:
    assert instant(datetime(2026, 3, 2, 9, 30, 0, 1, tzinfo=UTC)) == "2026-03-02T09:30:00.000001Z"


def test_an_event_of_no_account_says_null() -> None:
    assert envelope(ROW | {"account_id": NO_ACCOUNT}, internal=True)["account_id"] is None
