"""What visitors of a help widget open: in the name that their token states, or as guests for whom nobody vouches."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.usecases.ticket_keys import create_ticket_key, new_secret
from app.core.auth import Principal, TicketAccess
from app.core.clock import database_now
from app.core.db.session import mails_customers
from app.core.limits.callers import GuestQuota
from app.core.problems import Fault, Forbidden, Invalid
from app.core.text.messages import _
from app.notices.outbox.confirming import confirm
from app.tickets.record import TicketRecord
from app.tickets.schemas import NewTicket, Requester

LIFETIME: Final = timedelta(days=30)
"""How long a guest can follow a ticket."""
SHORTEST_KEY: Final = 32
"""Characters of a guest's Idempotency-Key, such as those of a UUID: whoever repeats the request is told what opens the
ticket, and nothing but this key shows that it is the same guest, whose network may have changed meanwhile."""

FOR_KNOWN: Final = (
    "region_lock",
    "external_ref",
    "tags",
    "custom",
    "call_link",
    "follow_up_of",
    "watchers",
    "attachments",
)
"""Members of a new ticket that are no guest's: who works on it, where the expert is called to, and what other systems
find it by."""


def as_visitor(command: NewTicket, principal: Principal) -> NewTicket:
    """What a visitor opens: by the help widget, and for the person whom their token names. Else it stays as it is."""
    visitor, given = principal.visitor, command.requester
    if visitor is None:
        return command
    changes: dict[str, Any] = {"channel": "widget"}
    if visitor.kind == "person":
        changes["requester"] = Requester(
            name=visitor.name or "",
            email=visitor.email or "",
            phone=given.phone if given else None,
            locale=(given.locale if given else None) or visitor.locale,
            time_zone=(given.time_zone if given else None) or visitor.time_zone,
        )
    return command.model_copy(update=changes)


@dataclass(slots=True)
class Guest:
    """A visitor for whom nobody vouches, who opens a ticket; ``access`` is what opens it for them afterwards."""

    address: str
    email: str
    name: str
    quota: GuestQuota
    secret: str = field(default="", repr=False)
    access: dict[str, Any] = field(default_factory=dict, repr=False)
    is_suppressed: bool = False

    @classmethod
    def of(cls, principal: Principal, command: NewTicket, quota: GuestQuota, key: str | None) -> Self | None:
        """The guest who opens this; None for everybody else.

        422 where they do not say who needs help, or where others could guess by what they repeat the request; 403 for
        what only those set who are known.
        """
        if principal.visitor is None or principal.visitor.kind != "guest":
            return None
        if key is not None and len(key) < SHORTEST_KEY:
            said = _(
                "A guest's Idempotency-Key has at least {least} characters: a UUID, for example", least=SHORTEST_KEY
            )
            raise Invalid(errors=[Fault(pointer="#/header/idempotency-key", detail=said)])
        if given := [name for name in FOR_KNOWN if getattr(command, name)]:
            raise Forbidden(_("Guests do not set {members}", members=given))
        if command.requester is None:
            raise Invalid(errors=[Fault(pointer="/requester", detail=_("A ticket needs its requester"))])
        return cls(principal.visitor.address, command.requester.email, command.requester.name, quota)

    async def prepare(self, session: AsyncSession) -> None:
        """See whether they may open a ticket, and make what opens it. 429 where they have opened too many."""
        self.quota.require(self.address, self.email)
        self.secret, expires_at = new_secret(), await database_now(session) + LIFETIME
        self.access = {"access": {"token": self.secret, "expires_at": expires_at}}

    async def follow(self, session: AsyncSession, ticket: TicketRecord) -> None:
        """Let them follow what they have opened, and confirm it to the address that they have stated.

        ``is_suppressed`` then says whether there is no mail because that address has got one within the hour.
        """
        access, ends = TicketAccess(ticket.account_id, ticket.id, name=self.name), self.access["access"]["expires_at"]
        await create_ticket_key(session, self.secret, access, now=ends - LIFETIME, expires_at=ends)
        self.quota.take(self.address, self.email)
        if mails_customers(session) and not ticket.sandbox:
            self.is_suppressed = not await confirm(session, ticket.account_id, ticket.id, ticket.requester)
