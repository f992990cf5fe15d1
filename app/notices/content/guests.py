"""The one mail that an unconfirmed address gets: a guest has opened a ticket. Pure.

Whoever opens a ticket as a guest can state anybody's address. So the mail has not one word that they have chosen:
neither the ticket's texts nor a name.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import pgettext
from app.notices.content.mails import OPEN, Link, Mail

GUEST: Final = "guest"
"""The role of a guest whose ticket is confirmed to the address that they have stated."""
STRANGER: Final = "stranger"
"""The role of somebody whose e-mail became nothing."""
_SUBJECT_LENGTH: Final = 150
_SUBJECT: Final = pgettext("mail", "We have received your support ticket {number}")
_HEADING: Final = pgettext("mail", "We have received your ticket")
_OPENED: Final = pgettext(
    "mail", "A support ticket was opened with this e-mail address. Its number is {number}: please keep it at hand."
)
_FOLLOW: Final = pgettext("mail", "You can follow the ticket and add to it at any time. The link is for you alone.")
_ANSWERS: Final = pgettext("mail", "Send me the answers by e-mail")
_NOT_YOU: Final = pgettext(
    "mail",
    "If you have not opened a ticket, somebody has entered your address by mistake. You need not do anything: we will "
    "not write to you about it again.",
)
_AUTOMATIC: Final = pgettext("mail", "This message was sent automatically.")
_NUMBER: Final = pgettext("mail", "Its number is {number}: please keep it at hand.")
_REPLY: Final = pgettext("mail", "To add something, reply to this e-mail, or open the ticket.")
_NO_REPLY: Final = pgettext(
    "mail", "Please do not reply to this e-mail, but open the ticket: your reply would not reach us."
)
_REFUSED: Final = pgettext("mail", "We could not take your e-mail")
_UNREAD: Final = pgettext(
    "mail",
    "We have not read your e-mail: only our customers can open tickets by e-mail, and your address is not among "
    "theirs, or your plan does not include support by e-mail. If you are a customer, please ask whoever manages "
    "your account.",
)
_CLOSED: Final = pgettext(
    "mail",
    "Ticket {number} is closed and takes no more answers, so your e-mail has reached nobody. If the customer has to "
    "hear from you, please open a new ticket for them.",
)


def confirmation(number: str, language: Language, links: Mapping[str, str]) -> Mail:
    """The mail. Of the ``links``, ``page`` opens the ticket, and by ``mute`` its reader asks for further mails.

    There are none where the service does not know its own address.
    """
    return Mail(
        language,
        _SUBJECT.to(language, number=number),
        _HEADING.to(language),
        lead=[_OPENED.to(language, number=number), *([_FOLLOW.to(language)] if "page" in links else [])],
        button=Link(OPEN.to(language), links["page"]) if "page" in links else None,
        more=Link(_ANSWERS.to(language), links["mute"]) if "mute" in links else None,
        notes=[_NOT_YOU.to(language), _AUTOMATIC.to(language)],
    )


def received(ticket: Mapping[str, str], language: Language, links: Mapping[str, str]) -> Mail:
    """The mail that tells somebody the number of the ticket that their e-mail has opened. ``ticket``: number, title."""
    about = f"{ticket['number']}: {' '.join(ticket['title'].split())}"
    return Mail(
        language,
        about[:_SUBJECT_LENGTH].rstrip(),
        _HEADING.to(language),
        about,
        lead=[_NUMBER.to(language, number=ticket["number"])],
        button=Link(OPEN.to(language), links["page"]) if "page" in links else None,
        notes=[(_REPLY if "reply" in links else _NO_REPLY).to(language), _AUTOMATIC.to(language)],
    )


def refusal(language: Language, closed: str | None = None) -> Mail:
    """The mail to somebody whose e-mail became nothing: it has not one word of theirs.

    ``closed``: the number of the ticket for which an engineer's answer came too late.
    """
    return Mail(
        language,
        _REFUSED.to(language),
        _REFUSED.to(language),
        lead=[_UNREAD.to(language) if closed is None else _CLOSED.to(language, number=closed)],
        notes=[_AUTOMATIC.to(language)],
    )


def mailbox_mark(email: str) -> str:
    """By what a mailbox is remembered: a hash that is the same for all spellings that reach one mailbox.

    Letters in either case, and what follows a ``+`` before the ``@``, as most mail servers read it.
    """
    name, _, domain = email.rpartition("@")
    return hashlib.sha256(f"{name.partition('+')[0]}@{domain}".lower().encode()).hexdigest()
