"""The write: tickets under change, with all that belongs to them, in one statement."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from asyncpg import UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.models import CallRow
from app.core.db.session import Again, driver, mails_customers, ring_after_commit
from app.core.db.statements.bulk import Write, deleted, inserted, updated, upserted, write
from app.core.db.tables import Base, Row
from app.core.process.cooperative import in_turns
from app.core.text.folding import folded
from app.escalations import records as escalations
from app.escalations.models import EscalationRow
from app.events.log import event_row, recorded, recorded_in, with_names, with_via
from app.events.people import Person, engineers_in
from app.events.types import TicketAssigned, TicketHandedOver
from app.notices.outbox.filling import noticed
from app.notices.outbox.mailings import gathering
from app.paging.queue import paged
from app.roster.models import ExpertAlertRow
from app.sla import deadlines as stored
from app.sla.models import DeadlineRow
from app.tickets.editing.calls import end_active
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.mailed import mailings
from app.tickets.models import NUMBER_CONSTRAINT, MessageRow, PostponementRow, TicketRow, TicketTitleRow
from app.tickets.order import in_order
from app.tickets.record import TicketRecord
from app.webhooks.outbox.fanout import fanned_out

Following: TypeAlias = Callable[[], Sequence[Write]]
Put: TypeAlias = Callable[[type[Base], Sequence[Row]], Write]
_SOON: Final = timedelta(seconds=1)
"""Some polls of the sweep: what is due later, it finds by itself."""
_ENGINEERS: Final = "SELECT id, name, display_name FROM engineers WHERE id = ANY ($1::text[])"


async def write_edits(
    session: AsyncSession,
    edits: Sequence[TicketEdit],
    *,
    new: bool = False,
    beside: Sequence[Write] = (),
    following: Following = tuple,
    recording: bool = True,
) -> list[Row]:
    """Write tickets with all that belongs to them: one statement, however many they are; the rows of the new events.

    Events are written in the order in which they happened. ``beside`` is written in the same statement, and so is what
    is ``following`` from the tickets, which is asked for when they are complete. Without ``recording`` the caller
    records the events, in the same transaction. Raises ``Again`` when the number of a ``new`` ticket is taken. Experts
    are chosen before it (``save.staff_and_save``).
    """
    for edit in edits:
        if edit.ends_call:
            await end_active(session, edit)
    events = with_via(session, await _named(session, edits, await _events(edits)))
    own = await _own_rows(edits, new=new)
    told, pages, heard = [made(events) async for made in in_turns((noticed, paged, fanned_out))]
    mailed = mailings(edits, events) if mails_customers(session) else []
    writes = (
        *beside,
        *following(),
        *own,
        recorded_in(session, events) if recording else recorded([]),
        told,
        gathering(mailed),
        pages,
        heard,
    )
    await _close_escalations(session, edits)
    try:
        delivering = await write(session, *writes)
    except UniqueViolationError as error:
        if error.constraint_name == NUMBER_CONSTRAINT:
            raise Again from error
        raise
    if events:
        ring_after_commit(session, "events")
    _ring(session, edits, delivering=bool(delivering), telling=bool(told.rows), paging=bool(pages.rows))
    return events


async def _own_rows(edits: Sequence[TicketEdit], *, new: bool) -> tuple[Write, ...]:
    """The tickets, and all rows of theirs but those that are made of events."""
    put = inserted if new else upserted  # which looks for the row first
    rows = [(_ticket_row(edit, texts=new or edit.rewritten), edit.rewritten) async for edit in in_turns(edits)]
    tickets, rewritten = ([row for row, is_whole in rows if is_whole is wanted] for wanted in (False, True))
    deadlines = [row async for edit in in_turns(edits) for row in _deadline_rows(edit)]
    clean = [{"account_id": edit.ticket.account_id, "ticket_id": edit.ticket.id} for edit in edits if edit.postponed]
    return (
        inserted(TicketRow, tickets) if new else updated(TicketRow, tickets),
        updated(TicketRow, rewritten),
        put(TicketTitleRow, [_title_row(edit.ticket) for edit in edits if new or edit.retitled]),
        deleted(PostponementRow, clean),
        put(DeadlineRow, deadlines),
        inserted(MessageRow, [row for edit in edits for row in edit.messages]),
        *_alerts(edits),
        *_calls(edits, put),
        inserted(EscalationRow, [row for edit in edits for row in _escalation_rows(edit)]),
    )


def _alerts(edits: Sequence[TicketEdit]) -> tuple[Write, ...]:
    """New alerts, and changes of others, which do not say whose they are."""
    rows = [row for edit in edits for row in edit.alerts.values()]
    return (
        inserted(ExpertAlertRow, [row for row in rows if "engineer_id" in row]),
        updated(ExpertAlertRow, [row for row in rows if "engineer_id" not in row]),
    )


def _calls(edits: Sequence[TicketEdit], put: Put) -> tuple[Write, ...]:
    """Calls that were changed, and those to which nobody came, as far as nothing else has changed them."""
    rows = [row for edit in edits for row in edit.calls]
    changed = {row["id"] for row in rows}
    absent = [row for edit in edits for row in edit.no_shows if row["id"] not in changed]
    return put(CallRow, rows), updated(CallRow, absent)


def _title_row(ticket: TicketRecord) -> Row:
    return {
        "account_id": ticket.account_id,
        "ticket_id": ticket.id,
        "number": ticket.number,
        "folded": folded(ticket.title),
        "opened_at": ticket.opened_at,
        "sandbox": ticket.sandbox,
    }


def _deadline_rows(edit: TicketEdit) -> list[Row]:
    changed = stored.changed(edit.loaded, edit.deadlines)
    return [stored.deadline_row(edit.ticket.account_id, edit.ticket.id, deadline) for deadline in changed]


def _escalation_rows(edit: TicketEdit) -> list[Row]:
    """The escalations made in this very change; a resolution in it closes them too."""
    ending = {"state": "closed", "ended_at": edit.now} if edit.close_escalations else {}
    return [row | ending for row in edit.escalations]


async def _close_escalations(session: AsyncSession, edits: Sequence[TicketEdit]) -> None:
    for edit in edits:
        if edit.close_escalations:
            await escalations.close_all(session, edit.ticket.account_id, edit.ticket.id, edit.now)


def _ring(session: AsyncSession, edits: Sequence[TicketEdit], *, delivering: bool, telling: bool, paging: bool) -> None:
    if delivering:
        ring_after_commit(session, "deliveries")
    if telling:
        ring_after_commit(session, "notices")
    if paging:
        ring_after_commit(session, "pages")
        ring_after_commit(session, "mail_pages")
    if any(_wakes_soon(edit) for edit in edits):
        ring_after_commit(session, "sweep")
    if any(_gives_room(edit) for edit in edits):
        ring_after_commit(session, "capacity")
    if any(call["next_attempt_at"] for edit in edits for call in edit.calls):
        ring_after_commit(session, "calls")


def _wakes_soon(edit: TicketEdit) -> bool:
    """Whether the ticket has something to do before the sweep's next poll would have found it by itself."""
    wake = edit.ticket.wake_at
    return wake is not None and not edit.ticket.sandbox and wake - edit.now < _SOON


def _gives_room(edit: TicketEdit) -> bool:
    """Whether an engineer of the live roster has a ticket less by it."""
    told = (event.data for event in edit.events)
    left = any(
        (isinstance(data, TicketAssigned) and data.before) or isinstance(data, TicketHandedOver) for data in told
    )
    return not edit.ticket.sandbox and (left or edit.relieved is not None)


async def _events(edits: Sequence[TicketEdit]) -> list[Row]:
    """The rows of the new events, each numbered on from its ticket's last."""
    rows = [
        event_row(
            told.event,
            account_id=told.ticket.account_id,
            ticket_id=told.ticket.id,
            sequence=told.sequence,
            sandbox=told.ticket.sandbox,
        )
        async for told in in_turns(in_order((edit.ticket, edit.events) for edit in edits))
    ]
    for edit in edits:
        edit.ticket.sequence += len(edit.events)
    return rows


async def _named(session: AsyncSession, edits: Sequence[TicketEdit], rows: list[Row]) -> list[Row]:
    """The rows with names beside the ids of engineers; those are asked for whom the tickets do not know."""
    wanted = {each async for row in in_turns(rows) for each in engineers_in(row["type"], row["data"])}
    if not wanted:
        return rows
    rosters = {id(edit.people): edit.people for edit in edits if edit.people}.values()  # most share one
    known = {name: people[name] for people in rosters for name in wanted & people.keys()}
    if unknown := wanted - known.keys():
        found = await (await driver(session)).fetch(_ENGINEERS, unknown)
        known |= {row["id"]: Person(row["name"], row["display_name"]) for row in found}
    return [with_names(row, known) async for row in in_turns(rows)]


def _ticket_row(edit: TicketEdit, *, texts: bool) -> Row:
    """The ticket's row, with the columns that follow from its clock; ``texts``: also what people have written in it."""
    ticket, clock = edit.ticket, edit.clock
    if texts and ticket.tags is None:
        raise ValueError(f"{ticket.id} was loaded without its texts, and would lose them")
    ticket.updated_at = edit.now if edit.events else ticket.updated_at
    ticket.clock = stored.clock_facts(clock)
    for name, value in edit.followed().items():
        setattr(ticket, name, value)
    return ticket.row(texts=texts)
