"""What must be true of every ticket after any fault: nothing lost, nothing twice."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import orjson

from app.core.db.engine import Sessions
from app.core.db.tables import Row
from tests.support.actors import make_account
from tests.support.desk import fetch, make_endpoint, store_plan
from tests.webhooks.receiver import Message, Receiver

TOLD: Final = ("ticket.opened", "deadline.missed", "escalation.automatic")
"""The events that the receiver is told of."""
_TARGETS: Final = {"P1": {"resolution": "PT1S"}, "P2": {"first_response": "PT1S", "resolution": "PT2S"}}
_HISTORY: Final = """
SELECT t.external_ref, t.priority, t.sequence, count(*) AS events, max(e.sequence) AS last,
       count(*) FILTER (WHERE e.type = 'ticket.opened') AS openings,
       array_agg(e.data->>'metric' ORDER BY e.sequence) FILTER (WHERE e.type = 'deadline.missed') AS misses,
       count(*) FILTER (WHERE e.type = 'escalation.automatic') AS escalations,
       count(*) FILTER (WHERE e.type = 'ticket.priority_changed') AS raises,
       (SELECT count(*) FROM escalations AS x WHERE x.ticket_id = t.id) AS records,
       (SELECT array_agg(d.metric || ' ' || d.cycle || ' ' || d.state ORDER BY d.metric, d.cycle)
        FROM deadlines AS d WHERE d.ticket_id = t.id AND d.subject = '') AS deadlines
FROM tickets AS t LEFT JOIN events AS e ON e.ticket_id = t.id GROUP BY t.account_id, t.id
"""
_UNFINISHED: Final = """
SELECT (SELECT count(*) FROM deadlines WHERE subject = '' AND state <> 'missed')
     + (SELECT count(*) FROM deliveries WHERE state = 'pending') AS left
"""


async def prepare(sessions: Sessions, receiver: Receiver) -> str:
    """An account whose tickets soon have misses that the receiver is told of; its id.

    They miss their first response after a second, their resolution after two, and once more as P1.
    """
    plan = await store_plan(sessions, "wati-business-plus", key="quick", targets=_TARGETS, default_priority="P2")
    await make_endpoint(sessions, receiver.url, *TOLD)
    return (await make_account(sessions, plan)).account_id


async def end_leases(sessions: Sessions) -> None:
    """Let what a dead sender had claimed be due again, as the thirty seconds of its lease would."""
    await fetch(sessions, "UPDATE deliveries SET next_attempt_at = now() WHERE claim_id IS NOT NULL")


async def is_quiet(sessions: Sessions, tickets: int) -> bool:
    """Whether so many tickets are there, all that is due has been missed, and all deliveries have ended."""
    (opened,) = await fetch(sessions, "SELECT count(*) FROM tickets")
    (unfinished,) = await fetch(sessions, _UNFINISHED)
    return bool(opened["count"] >= tickets and unfinished["left"] == 0)


async def assert_nothing_lost(sessions: Sessions, names: Collection[str], messages: Sequence[Message]) -> None:
    """Each name is one ticket with its whole history, and each event that is told has come, the same every time."""
    history = await fetch(sessions, _HISTORY)
    assert sorted(one["external_ref"] for one in history) == sorted(names)
    for one in history:
        _assert_whole(one)
    query = "SELECT id, type, ticket_id FROM events WHERE type = ANY ($1)"
    told = {row["id"]: row for row in await fetch(sessions, query, list(TOLD))}
    bodies: dict[str, dict[str, Any]] = {}
    for message in messages:
        body = orjson.loads(message.body)
        assert bodies.setdefault(message.id, body) == body
    assert bodies.keys() == told.keys()
    for event_id, body in bodies.items():
        event = told[event_id]
        assert (body["id"], body["type"], body["ticket_id"]) == (event_id, event["type"], event["ticket_id"])


def _assert_whole(one: Row) -> None:
    assert (one["openings"], one["raises"]) == (1, 1), one
    assert one["misses"] == ["first_response", "resolution", "resolution"], one
    assert one["deadlines"] == ["first_response 1 missed", "resolution 1 missed", "resolution 2 missed"], one
    assert (one["escalations"], one["records"]) == (2, 2), one  # one of each miss of the resolution
    assert (one["priority"], one["events"], one["last"]) == ("P1", one["sequence"], one["sequence"]), one
