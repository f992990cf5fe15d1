"""Links that answer alerts, as they arrive in an engineer's mailbox."""

import re
from typing import Any, Final

from app.core.metrics import Metrics
from app.core.settings import Settings
from app.notices.sending.channels import configured
from tests.support.mailbox import Mailbox, send, smtp
from tests.support.stories import Story
from tests.support.tickets import P1

BASE: Final = "http://test/a/"


async def linked(story: Story, base: str = BASE, **fields: Any) -> tuple[Any, str]:
    """A P1, and the link in the message that alerts its expert."""
    ticket, mailbox = await story.open(**P1 | fields), Mailbox()
    with smtp(mailbox) as url:
        channels = configured(Settings(smtp_url=url, mail_from="support@helpers.example"))
        await send(story.sessions, channels, Metrics(), links=base)
    [link] = [found for each in mailbox.messages for found in re.findall(rf"{base}\S+", each.get_content())]
    return ticket, link


async def alert_of(story: Story) -> Any:
    """The newest alert."""
    return (await story.product.get("/v1/alerts"))["items"][0]
