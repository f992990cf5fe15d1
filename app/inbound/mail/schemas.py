"""What a hook says of e-mail, and what is shown of e-mails. Pure."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from app.accounts.schemas import AccountId
from app.core.schemas.shared import Document, Instant, Strict, at_most

MOST_DOMAINS: Final = 1_000
Domain = Annotated[str, StringConstraints(to_lower=True, max_length=253, pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
AuthservId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]


class MailRules(Strict):
    """What becomes of the e-mails that a hook receives."""

    authserv_id: AuthservId | None = Field(
        None,
        description="The name in the `Authentication-Results` of the gateway before this hook, which takes away what "
        "comes in with that name (RFC 8601). Without it nobody vouches for a sender",
    )
    accounts: Literal["own", "all"] = Field(
        "own",
        description="`all`: the e-mails of all accounts come to this hook, and the hook's own account has those of "
        "unknown senders. Only admins make such a hook, and only support sees it. It never changes",
    )
    domains: Annotated[dict[Domain, AccountId], Field(max_length=MOST_DOMAINS), at_most(MOST_DOMAINS)] = Field(
        default_factory=dict, description="Whose the senders of a domain are who are none of the account's people"
    )
    unknown: Literal["ticket", "refuse", "ignore"] = Field(
        "ticket",
        description="Who is neither of the people nor of a domain: opens a ticket of the hook's own account, is told "
        "by e-mail, once a day, that nobody reads it, or hears nothing",
    )

    @property
    def trusts(self) -> bool:
        """Whether it takes somebody's word for who has written, or for whose an e-mail is."""
        return self.authserv_id is not None or self.accounts == "all"


class MailPart(Document):
    """Something that an e-mail carried beside its text."""

    name: str
    type: str
    size: int = Field(description="Bytes")


_EXAMPLE: Final[dict[str, Any]] = {
    "id": "mail_01k9z3v5q8e9rbn3wz4m6t7y2h",
    "ticket_id": "tkt_01k9z3v5q8e9rbn3wz4m6t7y2a",
    "message_id": "msg_01k9z3v5q8e9rbn3wz4m6t7y2b",
    "receipt_id": "rcp_01k9z3v5q8e9rbn3wz4m6t7y2d",
    "sender": "ana@example.com",
    "name": "Ana Silva",
    "subject": "Re: K7M-3QP: Backups fail",
    "text": "It is 3.2.\n\nOn 26/11/2026 10:15, Support wrote:\n\n> Which version?",
    "parts": [{"name": "log.txt", "type": "text/plain", "size": 1834}],
    "automatic": False,
    "authentic": True,
    "received_at": "2026-11-26T10:20:00Z",
}


class ReceivedMail(Document):
    """An e-mail about a ticket, whole."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    ticket_id: str
    message_id: str | None = Field(description="The ticket's message that it became; null: it opened the ticket")
    receipt_id: str = Field(description="With the e-mail as it came, as long as its hook keeps that")
    sender: str | None
    name: str
    subject: str
    text: str = Field(description="The whole text, with what it quotes and its signature")
    parts: list[MailPart] = Field(description="What it carried beside its text")
    automatic: bool = Field(description="Whether a program has written it")
    authentic: bool = Field(description="Whether the gateway has found that it is from its sender's domain")
    received_at: Instant
