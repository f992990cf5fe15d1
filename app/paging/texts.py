"""What a page says, in the engineer's language. Pure."""

from datetime import datetime
from typing import Any, Final, Protocol

from app.core.text.messages import _, in_language
from app.events.envelope import instant
from app.notices.content.texts import body, language_of, subject, with_link, with_reply
from app.notices.sending.letters import id_about
from app.paging.providers import Text
from app.plans.document.naming import Names

_TITLE: Final = _("Test page")
_TEST: Final = _("This is how Heliodesk will page you. There is nothing to do.")


class Told(Protocol):
    """A page, as far as its text goes."""

    @property
    def alert_id(self) -> str:
        """The alert's id."""
        ...

    @property
    def ticket_id(self) -> str:
        """The id of the ticket that the alert is about."""
        ...

    @property
    def rule_id(self) -> str:
        """The id of the rule by which it is told."""
        ...

    @property
    def type(self) -> str:
        """The event's type."""
        ...

    @property
    def timestamp(self) -> datetime:
        """When the alert was made."""
        ...

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        ...

    @property
    def recipient(self) -> dict[str, Any]:
        """The engineer: role, name, email, locale."""
        ...

    @property
    def ticket(self) -> dict[str, Any]:
        """What texts tell of the ticket."""
        ...

    @property
    def names(self) -> Names:
        """What its plan and its priorities are called."""
        ...


def text_of(page: Told, link: str | None, reply: str | None = None) -> Text:
    """The text of a page; ``link`` is where its alert is answered, ``reply`` where a reply answers the customer."""
    language, at = language_of(page.recipient), instant(page.timestamp)
    told = body(page.type, page.data, page.ticket, page.recipient, page.timestamp, page.names)
    facts = {"number": str(page.ticket["number"])} if page.ticket.get("number") else {}
    if priority := page.ticket.get("priority"):
        facts |= {"priority": in_language(page.names.priority(priority), language)}
    told = with_link(told, link, language)
    return Text(
        key=page.alert_id,
        message_id=id_about(f"{page.alert_id}.{page.rule_id}", page.ticket_id),
        title=subject(page.type, page.data, page.ticket, language, page.names),
        body=with_reply(told, language) if reply else told,
        at=at,
        urgent=page.data.get("urgency", "high") == "high",
        link=link,
        ticket_id=page.ticket_id,
        reply=reply,
        facts=facts | {"engineer": str(page.recipient.get("name") or ""), "accept_by": str(page.data["accept_by"])},
    )


def test_text(key: str, at: str, locale: str | None) -> Text:
    """The text of a test page, in the engineer's language."""
    language = language_of({"locale": locale})
    return Text(key=key, message_id=key, title=_TITLE.to(language), body=_TEST.to(language), at=at, urgent=False)
