"""The statements of hot reads return what the views make of the same rows, whatever is in them."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import httpx
import orjson
import pytest
from sqlalchemy import Boolean, DateTime, FromClause, Integer, select

from app.calls.models import CallRow
from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.bulk import inserted, write
from app.core.db.tables import Row
from app.core.web.kit.paging import Page
from app.core.web.replies import dump
from app.events.envelope import envelope
from app.events.envelope_sql import current
from app.events.models import EventRow
from app.sla.clock.terms import METRICS
from app.sla.models import DeadlineRow
from app.tickets.models import TicketRow
from app.tickets.read import queries, statements
from tests.support import stories
from tests.support.stories import P1, Story

DICE: Final = Random(13)  # noqa: S311  it makes up rows
TICKETS: Final = 60
SUPPORT: Final = Principal("agent", "key_1")
TEXTS: Final = ("", "ąćę 漢字 \U0001f525", 'a "quoted" \\ text', "two\nlines\tand \u0001 \u2028", "</script>", "null")
WHOLE: Final = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
MOMENTS: Final = (
    WHOLE,
    WHOLE + timedelta(microseconds=1),
    WHOLE + timedelta(microseconds=120_000),
    WHOLE.replace(year=1971, microsecond=999_999),
    WHOLE.replace(year=2150),
)
JSON: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"a": 1.5, "b": [None, True, "ż"], "c": {"d": -0.25, "e": 2**53}},
    {"state": "queued", "round": 3},
    {"told": ["ana@example.com"], "why": "x", "candidates": [{"why": "busy"}]},  # as earlier versions wrote it
)
ROUTES: Final[tuple[dict[str, Any] | None, ...]] = (
    None,
    {},
    {"state": "alerted", "since": "2026-03-29T01:00:00Z", "alert_id": "alr_1"},
    {"state": "queued", "round": 3},
)


@pytest.fixture
async def story(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> Story:
    """Its tickets are not replayed at the end: most of them are made up."""
    del plans
    return await stories.begin(sessions, client, "google-premium")


def _value(column: Any) -> Any:
    if column.nullable and DICE.random() < 0.3:
        return None
    if isinstance(column.type, DateTime):
        return DICE.choice(MOMENTS)
    if isinstance(column.type, Boolean):
        return DICE.random() < 0.5
    if isinstance(column.type, Integer):
        return DICE.randint(0, 2**31 - 1)
    return DICE.choice(TEXTS)


def _shuffled(table: FromClause, row: Row, *kept: str, **more: Any) -> Row:
    """The row with other values in all columns but those, and but for JSON, which has a form."""
    own = {column.key for column in table.c if column.foreign_keys or column.primary_key} | {*kept, *more}
    free = [column for column in table.c if column.key not in own and not _is_json(column)]
    return {**row, **{column.key: _value(column) for column in free}, **more}


def _is_json(column: Any) -> bool:
    return type(column.type).__name__ == "JSONB"


async def _rows(sessions: Sessions, table: Any) -> list[Row]:
    async with sessions() as session:
        return [dict(row) for row in (await session.execute(select(table.__table__))).mappings()]


async def _fill(sessions: Sessions) -> list[str]:
    """Tickets, each with deadlines, calls and events, of which no two are alike; their ids."""
    [ticket] = await _rows(sessions, TicketRow)
    deadlines, calls = await _rows(sessions, DeadlineRow), await _rows(sessions, CallRow)
    events = await _rows(sessions, EventRow)
    made: dict[type[Any], list[Row]] = {TicketRow: [], DeadlineRow: [], CallRow: [], EventRow: []}
    for number in range(TICKETS):
        of = {"ticket_id": f"tkt_{number:026}"}
        clock = {**ticket["clock"], "cycles": {metric: DICE.randint(1, 3) for metric in METRICS}}
        fields: dict[str, Any] = {
            "id": of["ticket_id"],
            "number": str(number),
            "clock": clock,
            "custom": DICE.choice(JSON),
        }
        fields |= {"routing": DICE.choice(ROUTES), "wake_at": None, "tags": list(TEXTS[: number % 4])}
        made[TicketRow].append(
            _shuffled(TicketRow.__table__, ticket, "account_id", "plan_key", "holiday_set", **fields)
        )
        for place, metric in enumerate(DICE.sample(METRICS, 4) * 2):
            more: dict[str, Any] = {"id": f"dl_{number}_{place}", "metric": metric, "cycle": place, "live": False} | of
            made[DeadlineRow].append(_shuffled(DeadlineRow.__table__, deadlines[0], **more))
        for sequence in range(number % 3):
            more = {"id": f"call_{number}_{sequence}", "sequence": sequence, "next_attempt_at": None} | of
            made[CallRow].append(_shuffled(CallRow.__table__, calls[0], **more, next_look_at=None))
        for sequence, event in enumerate(events):
            more = {"id": f"evt_{number}_{sequence}", "sequence": sequence, "data": DICE.choice(JSON)} | of
            more |= {"audience": DICE.choice(("public", "internal")), "timestamp": DICE.choice(MOMENTS)}
            made[EventRow].append({name: value for name, value in {**event, **more}.items() if name != "position"})
    async with transaction(sessions) as session:
        for table, rows in made.items():
            await write(session, inserted(table, rows))
    return [row["id"] for row in made[TicketRow]]


async def test_a_ticket_and_its_timeline_are_what_the_views_make_of_them(story: Story, sessions: Sessions) -> None:
    await story.open(**P1, call_link="https://meet.google.com/abc-defg-hij")
    customer = Principal("account", "key_2", story.account.account_id)
    ids = await _fill(sessions)
    by_ticket: dict[str, list[Row]] = {ticket_id: [] for ticket_id in ids}
    for row in await _rows(sessions, EventRow):
        by_ticket.get(row["ticket_id"], []).append(row)
    async with transaction(sessions) as session:
        connection = await driver(session)
        for principal in (SUPPORT, customer):
            for ticket_id in ids:
                question = statements.ticket(principal, ticket_id)
                row = await connection.fetchrow(question.sql, *question.values)
                viewed = await queries.ticket_document(session, principal, ticket_id)
                assert orjson.loads(row["body"]) == orjson.loads(dump(viewed))
                question = statements.timeline(principal, ticket_id, Page(200))
                told = (await connection.fetchrow(question.sql, *question.values))["bodies"] or ()
                seen = [row for row in by_ticket[ticket_id] if row["audience"] in principal.audiences]
                seen.sort(key=lambda row: row["sequence"])
                assert [orjson.loads(current(body)) for body in told] == [
                    orjson.loads(dump(envelope(row))) for row in seen
                ]


async def test_the_statements_see_no_other_account(story: Story, sessions: Sessions) -> None:
    ticket = await story.open(**P1)
    nobody = Principal("account", "key_3")
    stranger = Principal("account", "key_3", "acc_01k9w3b5t8e2r9h6x4m7q1z0va")
    async with transaction(sessions) as session:
        connection = await driver(session)
        for principal in (nobody, stranger):
            for question in (
                statements.ticket(principal, ticket["id"]),
                statements.timeline(principal, ticket["id"], Page(10)),
            ):
                assert await connection.fetchrow(question.sql, *question.values) is None
