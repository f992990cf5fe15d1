"""What happens to e-mails about a ticket. Pure."""

from pydantic import Field

from app.events.types.data import EventData, NotifyingEvent


class MailBounced(EventData):
    """An e-mail to a customer came back: further ones to this address are held back."""

    type = "mail.bounced"
    audience = "internal"
    email: str
    status: str = Field(description="By RFC 3463, such as `5.1.1`")
    reason: str = Field(description="In the words of the server that refused it")
    notice_id: str


class MessageUnconfirmed(NotifyingEvent):
    """Nobody vouches for the sender of an e-mail: it is a message, and has changed nothing else on the ticket."""

    type = "message.unconfirmed"
    audience = "internal"
    message_id: str
    engineer_id: str | None = Field(
        description="The ticket's engineer, who is told; null: the manager is, unless the ticket is `unconfirmed`"
    )
    engineer_name: str | None = None
