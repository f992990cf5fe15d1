"""What becomes of a message: of whom it is, by what it finds its ticket, and what follows. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.core.text.messages import Message, pgettext
from app.inbound.mail.reading import Mail

Action: TypeAlias = Literal["bounced", "note", "engineer", "say", "open", "refuse", "leave"]
Unknown: TypeAlias = Literal["ticket", "refuse", "ignore"]
MOST_NOTES: Final = 20
"""Notes about messages of programs, and of people who cannot be told, that one ticket gets."""
MOST_SAID: Final = 20
"""E-mails of one sender within an hour that a ticket takes as theirs: two robots that do not say so come to an end.

Whom nobody vouches for can take any name, so that all of them together count as one.
"""
AUTOMATIC: Final = pgettext("mail", "An automatic e-mail: it answers nothing, and nobody is told of it")
UNCONFIRMED: Final = pgettext("mail", "An e-mail whose sender could not be verified")
NO_WRITER: Final = pgettext("mail", "An e-mail from somebody who may only read this account's tickets")
NOT_OF_IT: Final = pgettext("mail", "An e-mail from somebody who is not known on this ticket")
QUOTES_LINK: Final = pgettext("mail", "An e-mail with a link by which an engineer answers an alert")
NOTHING_WRITTEN: Final = pgettext("mail", "An e-mail that holds nothing but quoted text")
UNKNOWN_BOUNCE: Final = pgettext("mail", "A report on an e-mail that the service has not sent")
STRANGER: Final = pgettext("mail", "The sender is not known")
NO_SENDER: Final = pgettext("mail", "The e-mail does not name one sender")
NOT_OFFERED: Final = pgettext("mail", "The account's plan does not offer tickets by e-mail")
MANY_NOTES: Final = pgettext("mail", "The ticket already has many such notes: this one is kept here only")
NO_ANSWER: Final = pgettext(
    "mail", "Engineers can answer by e-mail only while they work here, and only through support's own hooks"
)
MANY_SAID: Final = pgettext("mail", "The sender writes so many e-mails an hour that it may be a program")
CLOSED: Final = pgettext("mail", "An engineer's answer to a closed ticket, which takes none")
OWN: Final = pgettext("mail", "The e-mail is one that the service has sent")
_OURS: Final = re.compile(r"(ntc|alr)_[0-7][0-9a-hjkmnp-tv-z]{25}[.@]")
"""How the ids of mails begin that tell something: notices, and pages of alerts."""
_NOTE: Final = re.compile(r"\A[^\w#]{0,40}#[ \t]?note\b[:.,*_ \t-]{0,40}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who has written, as far as that is known."""

    email: str
    name: str
    is_authentic: bool = False
    """the gateway has found that it comes from there"""
    engineer_id: str | None = None
    """of the support engineer with this address"""
    may_answer: bool = False
    """that engineer works here, and the hook is one of support's, with whose gateway no customer has to do"""
    person_id: str | None = None
    """of the account's person with this address"""
    role: str | None = None
    """of that person, or of whoever has just been one of the account's people"""
    is_reader: bool = False
    """the ticket's requester, or one of its watchers"""


@dataclass(frozen=True, slots=True)
class Thread:
    """The ticket that a message is about."""

    account_id: str
    ticket_id: str
    number: str
    status: str
    by_token: bool
    """it was found by the signed address, which only readers of its mails have"""
    notes: int = 0
    """that it has got of messages which nobody has answered for"""
    said: int = 0
    """messages that this sender has sent to it within an hour, and that it took as theirs"""
    unvouched: int = 0
    """those within an hour for whose senders, whoever they are, nobody vouches"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message without a thread belongs: whose ticket it opens, and what the hook says of strangers."""

    account_id: str
    is_known: bool
    """the account's person, or one of its domains"""
    offers_mail: bool = True
    unknown: Unknown = "ticket"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of it, and why where that is not what its sender wanted. ``is_robot``: by a program."""

    action: Action
    reason: Message | None = None
    is_robot: bool = False


def decide(mail: Mail, sender: Sender | None, thread: Thread | None, place: Place, *, returned: bool) -> Verdict:
    """What becomes of a message. ``returned``: it reports on a mail of ours, which really went to that address."""
    if _OURS.match(mail.message_id or ""):
        return Verdict("leave", OWN, is_robot=True)
    if mail.bounce and mail.bounce.is_final:
        return Verdict("bounced") if returned else Verdict("leave", UNKNOWN_BOUNCE, is_robot=True)
    if thread and thread.status != "closed":
        return limited(_about(mail, sender, thread), thread)
    return _new(mail, sender, thread, place)


def limited(verdict: Verdict, thread: Thread | None) -> Verdict:
    """The same; a note, where the ticket already has many, stays in its receipt."""
    is_too_much = verdict.action == "note" and thread is not None and thread.notes >= MOST_NOTES
    return Verdict("leave", MANY_NOTES, is_robot=verdict.is_robot) if is_too_much else verdict


def internal_in(answer: str) -> str | None:
    """What an engineer's reply says to their colleagues alone; None: it is for the customer.

    Whatever begins with ``#note`` is a note, with the rest of that line, and behind characters that nobody sees.
    """
    found = _NOTE.match(answer)
    return answer[found.end() :].strip() if found else None


def _new(mail: Mail, sender: Sender | None, thread: Thread | None, place: Place) -> Verdict:
    """What becomes of a message that no open ticket takes."""
    if sender is None:
        return Verdict("leave", NO_SENDER)
    if thread and sender.engineer_id and not sender.person_id:  # what they quote is not for customers
        is_theirs = sender.is_authentic and sender.may_answer and not mail.is_automatic
        return Verdict("refuse" if is_theirs else "leave", CLOSED)
    is_welcome = mail.is_generated and thread is None and place.is_known and sender.is_authentic
    if mail.is_automatic and not is_welcome:
        return Verdict("leave", AUTOMATIC, is_robot=True)
    is_stranger = not place.is_known and place.unknown != "ticket"
    reason = (
        NOT_OFFERED
        if not place.offers_mail
        else NO_WRITER
        if sender.role == "viewer"
        else STRANGER
        if is_stranger
        else None
    )
    if reason is None:
        return Verdict("open", is_robot=mail.is_automatic)
    return Verdict("refuse", reason, is_robot=mail.is_automatic)


def _about(mail: Mail, sender: Sender | None, thread: Thread) -> Verdict:
    """What becomes of a message about an open ticket."""
    if mail.is_automatic:
        return Verdict("note", AUTOMATIC, is_robot=True)
    if sender is None:
        return Verdict("note", NO_SENDER)
    if sender.engineer_id and sender.is_authentic and sender.may_answer:
        return Verdict("engineer")
    if reason := _why_not(sender, thread):
        return Verdict("note", reason)
    said = thread.said if sender.is_authentic else thread.unvouched
    return Verdict("say") if said < MOST_SAID else Verdict("note", MANY_SAID, is_robot=True)


def _why_not(sender: Sender, thread: Thread) -> Message | None:
    """Why a message is not the customer's own word: it is in an engineer's name, or its sender may not write here."""
    if sender.role == "viewer":
        return NO_WRITER
    if (sender.engineer_id or not thread.by_token) and not sender.is_authentic:
        return UNCONFIRMED
    is_customer = sender.person_id or sender.is_reader or (thread.by_token and not sender.engineer_id)
    return None if is_customer else NO_ANSWER if sender.engineer_id else NOT_OF_IT
