"""What happens to e-mails about a ticket. Pure."""

from pydantic import Field

from app.events.types.data import EventData


class MailBounced(EventData):
    """An e-mail to a customer came back: further ones to this address are held back."""

    type = "mail.bounced"
    audience = "internal"
    email: str
    status: str = Field(description="By RFC 3463, such as `5.1.1`")
    reason: str = Field(description="In the words of the server that refused it")
    notice_id: str
