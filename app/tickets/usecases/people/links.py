"""Links for customers: each opens one ticket in a browser, with the rights that its person has on it."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKeyRow
from app.accounts.usecases.ticket_keys import create_ticket_key, new_secret
from app.core.auth import TICKET_KEY, Actor, Principal, TicketAccess
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.limits.quotas import Quota
from app.core.problems import Forbidden, NotFound
from app.core.settings import Settings
from app.core.text.messages import _
from app.events.log import record_last
from app.events.types import TicketLinkCreated, TicketLinkDeleted
from app.notices.links import help_path, site
from app.tickets.editing.load import lock_ticket
from app.tickets.link_schemas import NewTicketLink
from app.tickets.save import staff_and_save

DEFAULT: Final = timedelta(days=7)
LINKS: Final = Quota(
    "ticket_links",
    "max_ticket_links",
    """(
    SELECT count(*) FROM api_keys
    WHERE kind = 'ticket' AND ticket ->> 'ticket_id' = $1::text AND made_by IS NOT NULL AND revoked_at IS NULL
    AND expires_at > clock_timestamp()
)""",
)


async def create_link(
    session: AsyncSession,
    principal: Principal,
    actor: Actor,
    settings: Settings,
    ticket_id: str,
    command: NewTicketLink,
) -> dict[str, Any]:
    """A link to the ticket for a person, its requester unless somebody else is named; 404, and 409 beyond the quota.

    What the person may is asked when the link is used: a person of the account has its role there, anybody else is an
    editor of this ticket. It hands on no more than its maker has: it has the scopes of the key that makes it and at
    most its role, and ends with it. 403 for a key that may not read tickets.
    """
    if principal.scopes and "tickets:read" not in principal.scopes:
        raise Forbidden(_("A link lets its person read the ticket, for which this key lacks the scope tickets:read"))
    edit = await lock_ticket(session, principal, ticket_id)
    await take_place(session, LINKS, settings, ticket_id)
    requester, secret = edit.ticket.requester, new_secret()
    email: str = command.email or requester["email"]
    name = command.name or (requester["name"] if email == requester["email"] else None)
    record_last(session)
    now = await database_now(session)
    ends = now + (command.expires_in or DEFAULT)
    expires_at = min(ends, principal.expires_at or ends)
    access = TicketAccess(edit.ticket.account_id, ticket_id, email, name or email)
    key = await create_ticket_key(session, secret, access, now=now, expires_at=expires_at, maker=principal)
    edit.tell(TicketLinkCreated(link_id=key.id, email=email, expires_at=expires_at), actor)
    await staff_and_save(session, [edit])
    return {"id": key.id, "email": email, "expires_at": expires_at, "token": secret} | _address(
        settings, access, secret
    )


def _address(settings: Settings, access: TicketAccess, secret: str) -> dict[str, str]:
    """Where the link leads, if the service knows where people reach it."""
    base = site(settings)
    return {"url": f"{base}{help_path(access.ticket_id, secret)}"} if base else {}


async def delete_link(session: AsyncSession, principal: Principal, actor: Actor, ticket_id: str, link_id: str) -> None:
    """From the next request on the link is refused. 404 for another ticket's."""
    edit = await lock_ticket(session, principal, ticket_id)
    where = (ApiKeyRow.id == link_id, ApiKeyRow.kind == TICKET_KEY, ApiKeyRow.ticket["ticket_id"].astext == ticket_id)
    key = await session.scalar(select(ApiKeyRow).where(*where).with_for_update())
    if key is None:
        raise NotFound
    if key.revoked_at is not None:
        return
    key.revoked_at = await database_now(session)
    await session.flush()
    edit.tell(TicketLinkDeleted(link_id=key.id, email=(key.ticket or {}).get("email") or ""), actor)
    await staff_and_save(session, [edit])
