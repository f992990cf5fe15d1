"""What operations on tickets share over HTTP: one use case, once, and its ticket, escalation or alert as the answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import as_editor
from app.core.auth import VisitorKind
from app.core.keys.scopes import Scope
from app.core.problems import Conflict
from app.core.schemas.shared import ActorRef
from app.core.web.http import Decorator
from app.core.web.kit.idempotency import May
from app.core.web.kit.merge_patch import actor_in
from app.core.web.kit.operations import Call, Document, Options, ResourceRouter
from app.events.log import record_last
from app.tickets.api import examples
from app.tickets.editing.edit import TicketEdit
from app.tickets.read import queries
from app.tickets.schemas import Ticket, TicketId
from app.tickets.usecases.caller import Caller

Command = TypeVar("Command")
Done = TypeVar("Done")
UseCase: TypeAlias = Callable[[AsyncSession, Caller, str, Command], Awaitable[Done]]
"""What is done with the ticket, escalation or alert of this id."""
Visitors: TypeAlias = Sequence[VisitorKind]
OnTicket: TypeAlias = UseCase[Command, TicketEdit]

TicketPath = Annotated[TicketId, Path(description="The ticket's id")]


def action(router: ResourceRouter, name: str, summary: str, visitors: Visitors = ()) -> Decorator:
    """The route of an action on a ticket: ``POST /v1/tickets/{ticket_id}/<name>``."""
    path = f"/v1/tickets/{{ticket_id}}/{name}"
    return step(
        router, path, Ticket, summary=summary, scope="tickets:write", example=examples.TICKET, visitors=visitors
    )


def step(
    router: ResourceRouter,
    path: str,
    view: Any,
    *,
    summary: str,
    example: Any,
    status: int = 200,
    scope: Scope | None = None,
    visitors: Visitors = (),
) -> Decorator:
    """The route of a step of a ticket, an alert or an escalation: once for an Idempotency-Key, 412 by If-Match."""
    options: Options = {"summary": summary, "example": example, "status": status, "visitors": visitors}
    if scope:
        options["scope"] = scope
    return router.action(path, view, **options | {"problems": [Conflict], "repeatable": True, "if_match": True})


async def act(
    call: Call,
    use_case: UseCase[Command, Done],
    about: str,
    command: Command,
    show: Callable[[AsyncSession, Done], Awaitable[Document]],
) -> Response:
    """Run the use case, once for an Idempotency-Key, and ``show`` what became of it; 412 for a stale If-Match."""

    async def work(session: AsyncSession) -> Document:
        count_unknown(call)
        record_last(session)
        return await show(session, await use_case(session, caller_of(call), about, command))

    return await call.once(work, may=may_write(call, command))


async def act_on_ticket(call: Call, use_case: OnTicket[Command], ticket_id: str, command: Command) -> Response:
    """``act``, with the ticket as the answer."""

    async def show(session: AsyncSession, done: TicketEdit) -> Document:
        return await queries.ticket_document(session, call.principal, done.ticket.id)

    async def counted(session: AsyncSession, caller: Caller, ticket_id: str, command: Command) -> TicketEdit:
        edit = await use_case(session, caller, ticket_id, command)
        count_reopening(call, edit)
        return edit

    return await act(call, counted, ticket_id, command, show)


def count_reopening(call: Call, edit: TicketEdit) -> None:
    """Count a ticket that its account opens again as one that it opens: all its clocks start. 429 beyond the quota."""
    if call.principal.account_id and edit.is_reopened and not call.principal.is_unknown:
        quota, visitors = call.state.limits.tickets, call.state.limits.visitors
        visitors.require(call.principal)
        quota.require(edit.ticket.account_id)
        visitors.take(call.principal)
        quota.take(edit.ticket.account_id)


def count_unknown(call: Call) -> None:
    """Count what those change for whom nobody vouches: they follow a ticket of their own. 429 beyond the quota."""
    visitor = call.principal.visitor
    if visitor and call.principal.is_unknown:
        call.state.limits.guests.take_change(visitor.address)


def may_write(call: Call, command: object) -> May:
    """Whether the caller may have done what it commands: with a person of the account, where the command names one."""
    actor: ActorRef | None = actor_in(command) if isinstance(command, dict) else getattr(command, "actor", None)
    return as_editor(call.principal, actor)


def caller_of(call: Call) -> Caller:
    """The caller, with the version check that the request asks for."""
    return Caller(call.principal, call.require_match)
