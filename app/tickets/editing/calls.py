"""The live call of a ticket (G3, G6): asked for, ready, joined, declined or missed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.calls.models import CallRow
from app.calls.providers import sandbox
from app.calls.providers.custom import label
from app.calls.providers.provider import Link
from app.calls.provision import Failure
from app.calls.schedule import POLL
from app.core.auth import SERVICE, Actor
from app.core.ids import new_id
from app.core.problems import Conflict, Forbidden, Invalid
from app.core.text.messages import _
from app.events import types
from app.events.failures import CallFailure, stated, why_no_link
from app.sla.clock.changes import Answer, Ask
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit

LIVE = ("requested", "ready", "joined", "no_show")
"""States in which a call is the ticket's active one."""
WAITING = ("ready", "no_show")
"""States in which the customer may yet come."""


def wanted(edit: TicketEdit) -> bool:
    """Whether the plan gives tickets of this priority a live call."""
    rules = edit.document.call
    return rules is not None and edit.ticket.priority in rules.priorities


def ask_for(edit: TicketEdit, account_link: str | None, account_provider: str | None, actor: Actor) -> None:
    """Ask for a call. The ticket's own link, else the account's, is used in this very transaction.

    Without one a sandbox has its link at once too; else the account's provider, then the plan's in order, are to make
    one: outside any transaction.
    """
    rules = edit.document.call
    preferred = [account_provider] if account_provider else []
    offered = list(rules.providers) if rules else []
    call: dict[str, Any] = dict.fromkeys(CallRow.__table__.columns.keys()) | {
        "account_id": edit.ticket.account_id,
        "id": new_id("cal"),
        "ticket_id": edit.ticket.id,
        "state": "requested",
        "providers": preferred + [name for name in offered if name not in preferred],
        "requested_at": edit.now,
        "failures": [],
        "attempts": 0,
    }
    call["sequence"] = edit.tell(types.CallRequested(call_id=call["id"]), actor)
    edit.calls.append(call)
    own = edit.ticket.call_link or account_link
    if own:
        make_ready(edit, call, Link(label(own), own))
    elif edit.ticket.sandbox:
        make_ready(edit, call, sandbox.link(call["id"]))
    else:
        call["next_attempt_at"] = edit.now


def make_ready(edit: TicketEdit, call: dict[str, Any], link: Link) -> None:
    """The link exists: the customer is expected from ``join_from`` until ``join_by`` (G6)."""
    rules = edit.document.call
    if rules is None:
        raise ValueError("a plan without calls has no call to make ready")
    call |= {
        "state": "ready",
        "provider": link.provider,
        "join_url": link.join_url,
        "room": link.room and link.room.name,
        "room_host": link.room and link.room.host,
        "ready_at": edit.now,
        "join_from": edit.now + rules.join_from,
        "join_by": edit.now + rules.join_by,
        "next_attempt_at": None,
        "claim_id": None,
        "next_look_at": link.room and edit.now + POLL,
    }
    change_clock(edit, Ask(edit.now, "call_join", call["id"], rules.join_by), SERVICE)
    ready = types.CallReady(
        call_id=call["id"],
        provider=link.provider,
        join_url=link.join_url,
        join_from=call["join_from"],
        join_by=call["join_by"],
    )
    edit.tell(ready, SERVICE)


def make_failed(edit: TicketEdit, call: dict[str, Any], failures: Sequence[Failure]) -> None:
    """No provider could make a link: said clearly, and the ticket goes on unharmed."""
    reason, known = str(why_no_link(failures)), [CallFailure.model_validate(each) for each in stated(failures)]
    call |= {"state": "failed", "failure": reason, "failures": list(failures)}
    call |= {"next_attempt_at": None, "claim_id": None}
    edit.tell(types.CallFailed(call_id=call["id"], reason=reason, failures=known), SERVICE)


async def active(session: AsyncSession, edit: TicketEdit) -> dict[str, Any] | None:
    """The ticket's active call, as a row."""
    query = (
        select(CallRow.__table__)
        .where(
            CallRow.account_id == edit.ticket.account_id, CallRow.ticket_id == edit.ticket.id, CallRow.state.in_(LIVE)
        )
        .order_by(CallRow.sequence.desc())
        .limit(1)
    )
    found = (await session.execute(query)).mappings().one_or_none()
    return dict(found) if found else None


async def _ongoing(session: AsyncSession, edit: TicketEdit, *states: str) -> dict[str, Any]:
    call = await active(session, edit)
    if call is None or call["state"] not in states:
        if call is None:
            raise Conflict(_("The ticket has no active call"))
        raise Conflict(_("The ticket's call does not allow that: it is {state}", state=call["state"]))
    return call


async def join(session: AsyncSession, edit: TicketEdit, actor: Actor, participant: str) -> None:
    """Somebody joined. The customer meets ``call_join`` by it, also early; after a no-show it is still welcome."""
    if actor.kind == "customer" and participant != "customer":
        raise Forbidden(_("A customer can only report its own joining"))
    call = await _ongoing(session, edit, *WAITING, "joined")
    if participant == "customer":
        change_clock(edit, Answer(edit.now, "call_join", call["id"], "customer"), actor)
        call |= {"state": "joined", "joined_at": call["joined_at"] or edit.now, "next_look_at": None}
        edit.calls.append(call)
    edit.tell(types.CallJoined(call_id=call["id"], provider=call["provider"], participant=participant), actor)


async def decline(session: AsyncSession, edit: TicketEdit, actor: Actor, reason: str) -> None:
    """The customer will not join, and says why (G6); the event names the expert who is to be told."""
    call = await _ongoing(session, edit, "requested", *WAITING)
    change_clock(edit, Answer(edit.now, "call_join", call["id"], "customer"), actor)
    call |= {"state": "declined", "decline_reason": reason, "ended_at": edit.now}
    call |= {"next_attempt_at": None, "next_look_at": None}
    edit.calls.append(call)
    declined = types.CallDeclined(
        call_id=call["id"], provider=call["provider"], reason=reason, assignee_id=edit.ticket.assignee_id
    )
    edit.tell(declined, actor)


async def end(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """The call is over; a customer that had not joined yet is no longer waited for."""
    _end(edit, await _ongoing(session, edit, *LIVE), actor)


def _end(edit: TicketEdit, call: dict[str, Any], actor: Actor) -> None:
    change_clock(edit, Answer(edit.now, "call_join", call["id"], cancel="call_ended"), actor)
    call |= {"state": "ended", "ended_at": edit.now, "next_attempt_at": None}
    call["next_look_at"] = edit.now if call["room"] else None
    edit.calls.append(call)
    edit.tell(types.CallEnded(call_id=call["id"], provider=call["provider"]), actor)


async def end_with_ticket(session: AsyncSession, edit: TicketEdit) -> None:
    """A resolved or closed ticket has no call: whatever call is active ends with it."""
    if edit.ticket.status in ENDED_STATUSES and edit.document.call is not None:
        await end_active(session, edit)


async def end_active(session: AsyncSession, edit: TicketEdit) -> None:
    """End whatever call is active, where there is a reason of the service's own."""
    call = await active(session, edit)
    if call is not None:
        _end(edit, call, SERVICE)


async def request(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Ask for another call. 409 while there is one; 422 where the plan has none."""
    if edit.document.call is None:
        raise Invalid(_("The plan {key} has no live calls", key=edit.document.key))
    if await active(session, edit):
        raise Conflict(_("The ticket already has an active call"))
    if edit.ticket.status in ENDED_STATUSES:
        raise Conflict(_("A ticket that is {status} cannot have a call", status=edit.ticket.status))
    await ask_with_account(session, edit, actor)


async def ask_with_account(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Ask for a call with what the account says about calls."""
    query = select(AccountRow.call_link, AccountRow.call_provider).where(
        AccountRow.account_id == edit.ticket.account_id
    )
    link, provider = (await session.execute(query)).one()
    ask_for(edit, link, provider, actor)
