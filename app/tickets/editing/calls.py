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
from app.plans.document.model import PlanDocument
from app.plans.document.naming import plan_name
from app.sla.clock.changes import Answer, Ask
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.service_messages import write
from app.tickets.rules import status_name
from app.tickets.texts import LINK_WANTED

LIVE = ("requested", "ready", "joined", "no_show")
"""States in which a call is the ticket's active one."""
WAITING = ("ready", "no_show", "declined")
"""States in which the customer may yet come; to a declined call only where it has a link."""


def wanted(edit: TicketEdit) -> bool:
    """Whether the plan gives tickets of this priority a live call; none for what a guest has opened."""
    return gives_call(edit.document, edit.ticket.priority) and not edit.ticket.unconfirmed


def gives_call(document: PlanDocument, priority: str) -> bool:
    """Whether the plan gives tickets of a priority a live call."""
    return document.call is not None and priority in document.call.priorities


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
    """The link exists: the customer can join at once, is reminded at ``remind_at`` and expected by ``join_by`` (G6)."""
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
        "remind_at": edit.now + rules.remind,
        "join_from": edit.now + rules.remind,
        "join_by": edit.now + rules.join_by,
        "next_attempt_at": None,
        "claim_id": None,
        "failure": None,
        "failures": [],
        "next_look_at": link.room and edit.now + POLL,
    }
    change_clock(edit, Ask(edit.now, "call_join", call["id"], rules.join_by, rules.remind), SERVICE)
    ready = types.CallReady(
        call_id=call["id"],
        provider=link.provider,
        join_url=link.join_url,
        remind_at=call["remind_at"],
        join_by=call["join_by"],
    )
    edit.tell(ready, SERVICE)


def make_failed(edit: TicketEdit, call: dict[str, Any], failures: Sequence[Failure]) -> None:
    """No provider could make a link: customer and expert are asked for one, and the ticket goes on unharmed (G3)."""
    reason, known = str(why_no_link(failures)), [CallFailure.model_validate(each) for each in stated(failures)]
    call |= {"state": "failed", "failure": reason, "failures": list(failures)}
    call |= {"next_attempt_at": None, "claim_id": None}
    failed = types.CallFailed(call_id=call["id"], reason=reason, failures=known, **_telling(edit))
    edit.tell(failed, SERVICE)
    write(edit, LINK_WANTED, edit.now)


def _telling(edit: TicketEdit) -> dict[str, Any]:
    """Who has to know about the call: the ticket's engineer; while it has none, whoever leads the account's support."""
    assignee_id = edit.ticket.assignee_id
    return {"assignee_id": assignee_id, **({} if assignee_id else edit.notifying("manager"))}


async def follow_priority(session: AsyncSession, edit: TicketEdit, actor: Actor, *, before: str) -> None:
    """The priority has changed: with the new one there is a call, or the call that came with the one ``before`` ends.

    A call that the customer has joined goes on: people are talking.
    """
    if wanted(edit):
        await ask_if_none(session, edit, actor)
    elif gives_call(edit.document, before):
        await _end_unjoined(session, edit, actor)


async def follow_plan(session: AsyncSession, edit: TicketEdit, actor: Actor, *, given: bool) -> None:
    """Another version of the plan holds (C14): a call begins or ends as it does when the priority changes.

    ``given``: whether the version before gave the ticket a call. A ticket that has had its call gets no other one. A
    plan without any calls also ends a call that was asked for by hand.
    """
    gives = gives_call(edit.document, edit.ticket.priority)
    if gives and not given:
        await ask_if_none(session, edit, actor)
    elif not gives and (given or edit.document.call is None):
        await _end_unjoined(session, edit, actor)


async def _end_unjoined(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    call = await _last(session, edit)
    if call and call["state"] in ("requested", "failed", *WAITING):
        _end(edit, call, actor)


async def ask_if_none(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Ask for the call that the ticket's priority comes with, unless there is one."""
    if wanted(edit) and edit.ticket.status not in ENDED_STATUSES and await active(session, edit) is None:
        await ask_with_account(session, edit, actor)


async def use_own_link(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """The ticket has been given a link of the customer's own: its call gets it, as far as there is one (G3).

    A call that has no link yet, or failed, gets this one; one that waits with another link makes way for a new call.
    """
    call, link = await _last(session, edit), edit.ticket.call_link
    if call is None or link is None or edit.document.call is None or edit.ticket.status in ENDED_STATUSES:
        return
    if call["state"] in ("requested", "failed"):
        _keep(edit, call)
        make_ready(edit, call, Link(label(link), link))
    elif call["state"] in ("ready", "no_show") and call["join_url"] != link:
        _end(edit, call, actor)
        ask_for(edit, link, None, actor)


async def active(session: AsyncSession, edit: TicketEdit) -> dict[str, Any] | None:
    """The ticket's active call, as a row. There is at most one, and it is the last."""
    call = await _last(session, edit)
    return call if call and call["state"] in LIVE else None


async def joinable(session: AsyncSession, edit: TicketEdit) -> dict[str, Any] | None:
    """The active call, else the last one if it was declined and has a link: its customer may change its mind (G6)."""
    call = await _last(session, edit)
    return call if call and (call["state"] in LIVE or (call["state"] == "declined" and call["join_url"])) else None


async def _last(session: AsyncSession, edit: TicketEdit) -> dict[str, Any] | None:
    """The ticket's newest call, as this very change leaves it."""
    if edit.calls:
        return edit.calls[-1]
    query = (
        select(CallRow.__table__)
        .where(CallRow.account_id == edit.ticket.account_id, CallRow.ticket_id == edit.ticket.id)
        .order_by(CallRow.sequence.desc())
        .limit(1)
    )
    found = (await session.execute(query)).mappings().one_or_none()
    return dict(found) if found else None


def _keep(edit: TicketEdit, call: dict[str, Any]) -> None:
    """Have the call, which has changed, written with its ticket: once."""
    if not any(each is call for each in edit.calls):
        edit.calls.append(call)


def _allowed(call: dict[str, Any] | None, *states: str) -> dict[str, Any]:
    """The call. 409 where there is none, or it is in none of these states."""
    if call is None:
        raise Conflict(_("The ticket has no active call"))
    if call["state"] not in states:
        raise Conflict(_("The ticket's call does not allow that: it is {state}", state=call["state"]))
    return call


def _expecting(call: dict[str, Any] | None) -> dict[str, Any]:
    """The call, if its customer is expected. 409 where there is none, or it has been declined or joined already."""
    if call and call["state"] == "declined":
        can_join = _("The call has already been declined; the customer can still join it")
        raise Conflict(can_join if call["join_url"] else _("The call has already been declined"))
    return _allowed(call if call and call["state"] in LIVE else None, "requested", "ready", "no_show")


async def join(session: AsyncSession, edit: TicketEdit, actor: Actor, participant: str) -> None:
    """Somebody joined. The customer meets ``call_join`` by it, also early; it may come late, or after declining."""
    if actor.kind == "customer" and participant != "customer":
        raise Forbidden(_("A customer can only report its own joining"))
    call = _allowed(await joinable(session, edit), *WAITING, "joined")
    if participant == "customer":
        change_clock(edit, Answer(edit.now, "call_join", call["id"], "customer"), actor)
        call |= {"state": "joined", "joined_at": call["joined_at"] or edit.now, "ended_at": None, "next_look_at": None}
        _keep(edit, call)
    edit.tell(types.CallJoined(call_id=call["id"], provider=call["provider"], participant=participant), actor)


async def decline(session: AsyncSession, edit: TicketEdit, actor: Actor, reason: str) -> None:
    """The customer will not join, and says why (G6); the event names the expert who is to be told.

    Its room is still watched, as the customer may come after all.
    """
    call = _expecting(await _last(session, edit))
    change_clock(edit, Answer(edit.now, "call_join", call["id"], "customer"), actor)
    call |= {"state": "declined", "decline_reason": reason, "ended_at": edit.now}
    call |= {"next_attempt_at": None}
    _keep(edit, call)
    declined = types.CallDeclined(call_id=call["id"], provider=call["provider"], reason=reason, **_telling(edit))
    edit.tell(declined, actor)


async def end(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """The call is over, also a declined one; a customer that had not joined yet is no longer waited for."""
    _end(edit, _allowed(await joinable(session, edit), *LIVE, "declined"), actor)


def _end(edit: TicketEdit, call: dict[str, Any], actor: Actor) -> None:
    change_clock(edit, Answer(edit.now, "call_join", call["id"], cancel="call_ended"), actor)
    call |= {"state": "ended", "ended_at": edit.now, "next_attempt_at": None}
    call["next_look_at"] = edit.now if call["room"] else None
    _keep(edit, call)
    edit.tell(types.CallEnded(call_id=call["id"], provider=call["provider"]), actor)


async def end_with_ticket(session: AsyncSession, edit: TicketEdit) -> None:
    """A resolved or closed ticket has no call: whatever call is active, or may still be joined, ends with it."""
    if edit.ticket.status in ENDED_STATUSES:
        await end_active(session, edit)


async def end_active(session: AsyncSession, edit: TicketEdit) -> None:
    """End whatever call can still be joined, where there is a reason of the service's own."""
    call = await joinable(session, edit)
    if call is not None:
        _end(edit, call, SERVICE)


async def request(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Ask for another call. 409 while there is one; 422 where the plan has none."""
    if edit.document.call is None:
        raise Invalid(_("The plan {key} has no live calls", key=plan_name(edit.document)))
    if await active(session, edit):
        raise Conflict(_("The ticket already has an active call"))
    if edit.ticket.status in ENDED_STATUSES:
        raise Conflict(_("A ticket that is {status} cannot have a call", status=status_name(edit.ticket.status)))
    await ask_with_account(session, edit, actor)


async def ask_with_account(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Ask for a call with what the account says about calls."""
    query = select(AccountRow.call_link, AccountRow.call_provider).where(
        AccountRow.account_id == edit.ticket.account_id
    )
    link, provider = (await session.execute(query)).one()
    ask_for(edit, link, provider, actor)
