"""Links for customers: each opens one ticket in a browser, with the rights that its person has on it."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKeyRow
from app.accounts.usecases.ticket_keys import create_ticket_key, new_secret
from app.core.auth import TICKET_KEY, Principal, TicketAccess
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.limits.quotas import Quota
from app.core.problems import NotFound
from app.core.settings import Settings
from app.tickets.link_schemas import NewTicketLink
from app.tickets.models import TicketRow
from app.tickets.read.queries import account_of_ticket

DEFAULT: Final = timedelta(days=7)
LINKS: Final = Quota(
    "ticket_links",
    "max_ticket_links",
    """(
    SELECT count(*) FROM api_keys
    WHERE kind = 'ticket' AND ticket ->> 'ticket_id' = $1::text AND revoked_at IS NULL
    AND expires_at > clock_timestamp()
)""",
)


async def create_link(
    session: AsyncSession, principal: Principal, settings: Settings, ticket_id: str, command: NewTicketLink
) -> dict[str, Any]:
    """A link to the ticket for a person, its requester unless somebody else is named; 404, and 409 beyond the quota.

    What the person may is asked when the link is used: a person of the account has its role there, anybody else is an
    editor of this ticket.
    """
    account_id = await account_of_ticket(session, principal, ticket_id)
    requester = await session.scalar(select(TicketRow.requester).where(TicketRow.id == ticket_id)) or {}
    await take_place(session, LINKS, settings, ticket_id)
    named, now, secret = command.email, await database_now(session), new_secret()
    name = command.name or (requester.get("name") if named in (None, requester.get("email")) else None)
    access = TicketAccess(account_id, ticket_id, named or requester.get("email"), name or named)
    expires_at = now + (command.expires_in or DEFAULT)
    key = await create_ticket_key(session, secret, access, now=now, expires_at=expires_at)
    return {"id": key.id, "email": access.email, "expires_at": expires_at, "token": secret}


async def delete_link(session: AsyncSession, principal: Principal, ticket_id: str, link_id: str) -> None:
    """From the next request on the link is refused. 404 for another ticket's."""
    await account_of_ticket(session, principal, ticket_id)
    where = (ApiKeyRow.id == link_id, ApiKeyRow.kind == TICKET_KEY, ApiKeyRow.ticket["ticket_id"].astext == ticket_id)
    key = await session.scalar(select(ApiKeyRow).where(*where).with_for_update())
    if key is None:
        raise NotFound
    key.revoked_at = key.revoked_at or await database_now(session)
    await session.flush()
