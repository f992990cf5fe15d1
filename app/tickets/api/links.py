"""Links to a ticket for its customer, over HTTP."""

from typing import Annotated

from fastapi import Body, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting, as_editor, editor
from app.core.problems import QuotaExceeded
from app.core.web.kit.idempotency import Answer
from app.core.web.kit.operations import ActorDep, CallDep, ResourceRouter
from app.tickets.api.kit import TicketPath
from app.tickets.link_schemas import NewTicketLink, TicketLink, TicketLinkId
from app.tickets.usecases.people import links

router = ResourceRouter("tickets", prefix="/v1/tickets/{ticket_id}/links", tags=["Tickets"])


@router.create("", TicketLink, summary="Create a link to a ticket", problems=[QuotaExceeded])
async def create_ticket_link(
    call: CallDep, ticket_id: TicketPath, command: Annotated[NewTicketLink, Body(examples=[{"expires_in": "PT72H"}])]
) -> Response:
    """A token that opens this one ticket in a browser, with the rights that its person has on it.

    It is shown once. It is a bearer token of its own, and goes into `Heliodesk-Identity` beside a widget key. It has
    the scopes and at most the role of the key that makes it, and ends with that key.
    """

    async def create(session: AsyncSession, who: Acting) -> Answer:
        made = await links.create_link(session, call.principal, who.actor, call.state.settings, ticket_id, command)
        return Answer(made, withheld=("token", "url"))

    return await call.once_as(as_editor(call.principal, command.actor), create)


@router.delete("/{link_id}", summary="Delete a link to a ticket")
async def delete_ticket_link(
    call: CallDep,
    ticket_id: TicketPath,
    link_id: Annotated[TicketLinkId, Path(description="The link's id")],
    actor: ActorDep,
) -> Response:
    """The link is refused from the next request on. Deleting it again changes nothing."""

    async def revoke(session: AsyncSession) -> None:
        who = await editor(session, call.principal, actor)
        await links.delete_link(session, call.principal, who.actor, ticket_id, link_id)

    return await call.delete(revoke)
