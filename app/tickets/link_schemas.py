"""What opens single tickets in browsers: for guests who have opened one, and links for customers. Pure."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from app.articles.schemas import ArticleSuggestion, KnownErrorSuggestion
from app.core.problems import invalid_value
from app.core.schemas.shared import ActorRef, Document, Email, Instant, Name, Strict, id_pattern
from app.core.text.messages import _
from app.plans.document.words import Duration
from app.tickets.schemas import Ticket

TicketLinkId = Annotated[str, StringConstraints(pattern=id_pattern("key"))]
_SHORTEST_LINK: Final = timedelta(minutes=1)
_LONGEST_LINK: Final = timedelta(days=90)


class TicketAccess(Document):
    """What opens one ticket in a browser: the header `Heliodesk-Identity`, or a bearer token of its own."""

    token: str
    expires_at: Instant


class OpenedTicket(Ticket):
    """A ticket that was just created."""

    access: TicketAccess | SkipJsonSchema[None] = Field(
        None, description="For a guest of the help widget, who follows the ticket by it: shown this once"
    )
    suggestions: list[ArticleSuggestion] | SkipJsonSchema[None] = Field(
        None, description="With `include=suggestions`: articles that may solve it, the best first"
    )
    known_errors: list[KnownErrorSuggestion] | SkipJsonSchema[None] = Field(
        None, description="With `include=suggestions`: known errors that may be behind it; not for guests"
    )


def _link_lasts(length: timedelta) -> timedelta:
    if not _SHORTEST_LINK <= length <= _LONGEST_LINK:
        raise invalid_value("expires_in", _("A link lasts from a minute to 90 days"))
    return length


class NewTicketLink(Strict):
    """A link to one ticket, for its requester unless somebody else is named."""

    email: Email | None = Field(None, description="Whose link it is. Default: the requester's")
    name: Name | None = Field(None, description="What they are called, where they are nobody of the account")
    expires_in: Annotated[Duration, AfterValidator(_link_lasts)] | None = Field(
        None, description="From a minute to 90 days. Default: `PT168H`"
    )
    actor: ActorRef | None = None


class TicketLink(Document):
    """A link that was just made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "key_01k9z3v5q8e9rbn3wz4m6t7y2c",
                    "email": "ana@example.com",
                    "expires_at": "2026-11-27T20:30:00Z",
                    "token": "hd_ticket_7Qx2rT0nLr4fK1w9mZbV3cXyA5sD6gHjPq8ueW",
                    "url": "https://support.example.com/help#tkt_01k9z3v5q8e9rbn3wz4m6t7y2b/"
                    "hd_ticket_7Qx2rT0nLr4fK1w9mZbV3cXyA5sD6gHjPq8ueW",
                }
            ]
        }
    )

    id: str
    email: str
    expires_at: Instant
    token: str | SkipJsonSchema[None] = Field(
        None, description="Shown this once; a replay of the request does not have it"
    )
    url: str | SkipJsonSchema[None] = Field(
        None,
        description="The page that shows the ticket to whoever has this address, where the service is told its own "
        "(`HELIODESK_PUBLIC_URL`); shown this once, as `token` is",
    )
