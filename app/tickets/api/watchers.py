"""Who follows a ticket, over HTTP."""

from typing import Annotated

from fastapi import Body, Response

from app.core.web.kit.operations import OnceCall, ResourceRouter
from app.core.web.kit.visits import CUSTOMERS
from app.tickets.api.kit import TicketPath, act_on_ticket, action
from app.tickets.usecases.people import watchers
from app.tickets.watcher_schemas import NewWatcher, WatcherRef

router = ResourceRouter("tickets", tags=["Tickets"])


@action(router, "watch", "Watch a ticket", CUSTOMERS)
async def watch_ticket(call: OnceCall, ticket_id: TicketPath, command: NewWatcher) -> Response:
    """Somebody follows the ticket: they get the requester's mails, see the ticket, and answer as their role lets them.

    Whoever is nobody of the account does so as an editor of this ticket alone: an engineer too, beside what they do as
    an engineer. The requester, and who follows the ticket already, go on getting its mails: 200, and nothing changes.
    A ticket has at most 20 watchers.
    """
    return await act_on_ticket(call, watchers.watch, ticket_id, command)


@action(router, "unwatch", "Unwatch a ticket", CUSTOMERS)
async def unwatch_ticket(
    call: OnceCall, ticket_id: TicketPath, command: Annotated[WatcherRef, Body(default_factory=WatcherRef)]
) -> Response:
    """Somebody stops following the ticket: they get no more e-mails, and the links in earlier ones are refused."""
    return await act_on_ticket(call, watchers.unwatch, ticket_id, command)
