"""An e-mail, with what is known of it: whose it is, what becomes of it, in whose name, and in what words.

Nothing is written here, so that it can be told what an e-mail would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.queries import account_by_id
from app.core.auth import Principal, Visitor, address_mark
from app.core.clock import database_now
from app.core.db.session import bounds_of_files
from app.core.schemas.mailboxes import STORED
from app.core.text.language import Language, choose_language
from app.core.text.messages import Message, _, pgettext
from app.files.rules import media_type, refusal
from app.files.usecases import room_for
from app.inbound.mail.attachments import attachable, left_out, with_parts, without
from app.inbound.mail.deciding import (
    CLOSED,
    NOTHING_WRITTEN,
    QUOTES_LINK,
    Place,
    Sender,
    Thread,
    Verdict,
    decide,
    internal_in,
    limited,
)
from app.inbound.mail.parts import Part
from app.inbound.mail.reading import Mail
from app.inbound.read import mails
from app.inbound.schemas import HookFields
from app.inbound.usecases.hooks import plan_of
from app.notices.bounces import Returned, sent_notice
from app.plans.document.model import PlanDocument
from app.tickets.watcher_schemas import Watcher

MOST_OF_A_GUEST: Final = 5
"""Tickets an hour that one address opens for which nobody vouches."""
TOO_MANY: Final = _("Guests open at most {amount} tickets in {seconds} seconds", amount=MOST_OF_A_GUEST, seconds=3600)
AGAIN: Final = pgettext("mail", "The ticket already has this e-mail")
_MOST: Final = 45_000
"""Characters of a message, with what it says of what was left out; the whole e-mail is kept beside it."""
_MOST_TITLE: Final = 300
_ATTACHES: Final = ("engineer", "say", "open")
"""What an e-mail does when its files are attached to that; a note about one names them."""
_NO_TEXT: Final = pgettext("mail", "(The e-mail has no text)")
_NO_SUBJECT: Final = pgettext("mail", "(No subject)")
_GOES_ON: Final = pgettext("mail", "The e-mail is longer than this: it is kept whole.")
_FROM: Final = pgettext("mail", "From: {sender}")
_SUBJECT: Final = pgettext("mail", "Subject: {subject}")


@dataclass(frozen=True, slots=True)
class MailHook:
    """The hook to which an e-mail came, and the receipt that has it."""

    account_id: str
    id: str
    fields: HookFields
    receipt_id: str

    @property
    def only(self) -> str | None:
        """The one account whose tickets and people it knows; None: it has the e-mails of all."""
        return None if self.fields.mail.accounts == "all" else self.account_id

    @property
    def gateway(self) -> mails.Gateway:
        """Whose word on senders counts: nobody's, where everybody can post."""
        authserv_id = None if self.fields.signature.scheme == "none" else self.fields.mail.authserv_id
        return mails.Gateway(authserv_id, is_supports=self.only is None)


class Words(NamedTuple):
    """What a ticket gets to read, and whether that is for support only."""

    text: str
    is_internal: bool = False


class Opened(NamedTuple):
    """How many tickets an address has opened within an hour."""

    by_guests: int
    by_all: int

    def is_too_much(self, sender: Sender) -> bool:
        """Whether this sender, for whom nobody vouches, has to wait."""
        return not sender.is_authentic and self.by_guests >= MOST_OF_A_GUEST


@dataclass(frozen=True, slots=True)
class MailCase:
    """An e-mail, with what is known of it."""

    session: AsyncSession
    hook: MailHook
    mail: Mail
    account: AccountRow
    plan: PlanDocument
    sender: Sender | None
    thread: Thread | None
    verdict: Verdict
    attached: Sequence[Part]
    """those of its parts that become files"""
    returned: Returned | None
    """the mail of ours that it reports on"""
    is_seen: bool
    """the account has got this very e-mail before: nothing comes of it"""

    @property
    def left_out(self) -> tuple[Message, ...]:
        """What becomes of the others, in words."""
        return left_out(self.mail.parts, self.attached, quotes=self.verdict.action == "engineer")

    async def refused(self) -> Sequence[Part]:
        """Those that would be attached, and are not taken: for their size or type, or because there is no room."""
        settings, account_id = bounds_of_files(self.session), self.account.account_id
        room = await room_for(self.session, settings, account_id) if settings and self.attached else 0
        found = []
        for part in self.attached:
            size = len(part.content)
            if refusal(settings, media_type(part.type), size) or size > room:
                found.append(part)
            else:
                room -= size
        return found

    def not_kept(self, refused: Sequence[Part]) -> Sequence[Part]:
        """Its parts that become no files; ``refused``: those of ``attached`` that are not taken."""
        return without(self.mail.parts, without(self.attached, refused))

    def told(self, refused: Sequence[Part]) -> tuple[Message, ...]:
        """What there is to know of it beside what it does, for its receipt: why not more, and what was left out."""
        quotes = self.verdict.action == "engineer"
        said = left_out(self.mail.parts, without(self.attached, refused), quotes=quotes)
        return (*([self.verdict.reason] if self.verdict.reason else []), *said)

    @property
    def language(self) -> Language:
        """In which the service speaks to the account."""
        return choose_language(self.account.locale)

    @property
    def thread_id(self) -> str:
        """The ticket's id, of an e-mail about one."""
        if self.thread is None:
            raise ValueError("only what is about a ticket is added to one")
        return self.thread.ticket_id

    @property
    def known_sender(self) -> Sender:
        """Who has written, of an e-mail that names them."""
        return cast("Sender", self.sender)

    @property
    def visitor(self) -> Visitor | None:
        """As whom the sender acts: the account's person, somebody who reads the ticket's mails, or a guest."""
        if self.verdict.is_robot or self.verdict.action not in ("say", "open"):
            return None
        sender = self.known_sender
        key = Principal("hook", self.hook.id, self.account.account_id, name=self.hook.fields.name, role="editor")
        ticket_id = self.thread.ticket_id if self.thread else None
        if not sender.is_authentic:
            kind = "follower" if ticket_id else "guest"
            return Visitor(
                kind,  # type: ignore[arg-type]
                key,
                name=sender.name,
                ticket_id=ticket_id,
                is_verified=False,
                is_unconfirmed=True,
            )
        is_stranger = ticket_id and not sender.person_id and not sender.is_reader
        return Visitor(
            "link" if ticket_id and not sender.person_id else "person",
            key,
            email=sender.email,
            name=f"{sender.name} <{sender.email}>" if is_stranger else sender.name,
            person_id=sender.person_id,
            marks=(address_mark(sender.email),),
            ticket_id=None if sender.person_id else ticket_id,
        )

    @property
    def title(self) -> str:
        """Of the ticket that it opens."""
        return (self.mail.subject or _NO_SUBJECT.to(self.language))[:_MOST_TITLE]

    @property
    def may_refuse(self) -> bool:
        """Whether its sender is told that nobody reads it: none whose address the gateway has found to be made up."""
        rules, sender = self.hook.fields.mail, self.sender
        is_theirs = sender is not None and (sender.is_authentic or self.hook.gateway.authserv_id is None)
        is_live = self.account.sandbox_now is None and not self.mail.is_automatic
        return is_theirs and is_live and (rules.unknown == "refuse" or self.closed is not None)

    @property
    def closed(self) -> str | None:
        """The number of the closed ticket for which an engineer's answer comes too late."""
        is_late = self.verdict.action == "refuse" and self.verdict.reason is CLOSED
        return self.thread.number if self.thread and is_late else None

    async def locale(self) -> str | None:
        """The languages of an engineer who is refused; None for anybody else."""
        if not self.closed:
            return None
        named = await mails.engineer_with(self.session, self.known_sender.email, self.account.account_id)
        return named["locale"] if named else None

    async def principal(self) -> Principal:
        """In whose name it acts: an engineer's, a person's, or the hook's own."""
        if self.verdict.action == "engineer":
            return await self._engineer()
        visitor, account_id = self.visitor, self.account.account_id
        name = visitor.name if visitor else self.hook.fields.name
        return Principal("hook", self.hook.id, account_id, name=name, role="editor", visitor=visitor)

    async def _engineer(self) -> Principal:
        named = await mails.engineer_with(self.session, self.known_sender.email, self.account.account_id)
        if named is None:
            raise ValueError("only an engineer's e-mail is theirs")
        return Principal(
            "agent",
            self.hook.id,
            named["account_id"],
            engineer_id=named["id"],
            name=named["name"],
            display_name=named["display_name"],
        )

    def words(self) -> Words | None:
        """What its ticket gets to read of it; None: nothing."""
        mail, action = self.mail, self.verdict.action
        if action == "engineer":
            return Words(self._body(engineers_words(mail).text), engineers_words(mail).is_internal)
        if action == "say":
            return Words(self._body(mail.written or mail.text))
        if action == "open":
            return Words(self._body(mail.text))
        return Words(self._noted(), is_internal=True) if action == "note" else None

    def _noted(self) -> str:
        """What support gets to read of an e-mail that says nothing on the ticket."""
        language, sender = self.language, self.sender
        who = f"{sender.name} <{sender.email}>" if sender else "-"
        head = [self.verdict.reason.to(language)] if self.verdict.reason else []
        head += [_FROM.to(language, sender=who), _SUBJECT.to(language, subject=self.mail.subject[:_MOST_TITLE])]
        return "\n".join(head) + "\n\n" + self._body(self.mail.text)

    def _body(self, text: str) -> str:
        """A text as a message has it, with what was left out of the e-mail."""
        shown = text.strip() or _NO_TEXT.to(self.language)
        room = _MOST - len(with_parts("", self.left_out, self.language))
        if len(shown) > room:
            shown = f"{shown[:room]}…\n\n{_GOES_ON.to(self.language)}"
        return with_parts(shown, self.left_out, self.language)

    async def watchers(self) -> list[Watcher]:
        """The account's people who got the e-mail too: they follow the ticket, if one of them has written it."""
        visitor, account_id = self.visitor, self.account.account_id
        if visitor is None or visitor.person_id is None:
            return []
        found = await mails.colleagues(self.session, account_id, self.mail.copied, self.known_sender.email)
        return [Watcher.model_validate(each, context=STORED) for each in found]

    async def opened(self) -> Opened:
        """What its sender has opened before."""
        return Opened(**await mails.opened_by(self.session, self.account.account_id, self.known_sender.email))


def engineers_words(mail: Mail) -> Words:
    """What an engineer has written: of what they quote, nothing reaches the customer."""
    noted = internal_in(mail.answer)
    return Words(mail.answer.strip()) if noted is None else Words(noted, is_internal=True)


async def examine(session: AsyncSession, hook: MailHook, mail: Mail) -> MailCase:
    """What is known of an e-mail, and what is to become of it."""
    returned = None
    if mail.bounce:
        returned = await sent_notice(session, mail.bounce.notice_id, mail.bounce.email, hook.only)
    thread = await mails.thread_of(session, mail, hook.only)
    account_id, is_known = await _whose(session, hook, mail, thread)
    sender = await mails.sender_of(session, mail, hook.gateway, account_id, thread)
    is_seen = await mails.seen_on(session, account_id, mail.fingerprint) is not None
    account = await account_by_id(session, account_id)
    plan = await plan_of(session, account, hook.fields.product, await database_now(session))
    is_reader = sender is not None and sender.is_reader and sender.is_authentic
    place = Place(account_id, is_known or is_reader, "email" in plan.channels, hook.fields.mail.unknown)
    verdict = limited(_worded(mail, decide(mail, sender, thread, place, returned=returned is not None)), thread)
    is_vouched = sender is not None and sender.is_authentic
    known, quotes = is_vouched and verdict.action in _ATTACHES, verdict.action == "engineer"
    attached = attachable(mail.parts, known=known, quotes=quotes)
    return MailCase(session, hook, mail, account, plan, sender, thread, verdict, attached, returned, is_seen)


def _worded(mail: Mail, verdict: Verdict) -> Verdict:
    """An engineer's e-mail in which nothing is found for the customer is a note.

    So is what would show the customer a link that is an engineer's; a ticket that it would open is not opened.
    """
    if verdict.action == "say" and ("written" if mail.written else "text") in mail.linked:
        return Verdict("note", QUOTES_LINK)
    if verdict.action == "open" and "told" in mail.linked:
        return Verdict("leave", QUOTES_LINK)
    if verdict.action != "engineer":
        return verdict
    words = engineers_words(mail)
    if not words.text:
        return Verdict("note", NOTHING_WRITTEN)
    return Verdict("note", QUOTES_LINK) if "answer" in mail.linked and not words.is_internal else verdict


async def _whose(session: AsyncSession, hook: MailHook, mail: Mail, thread: Thread | None) -> tuple[str, bool]:
    """Whose e-mail it is: its ticket's account, its sender's, their domain's, else the hook's; and whether by one."""
    if thread is not None:
        return thread.account_id, thread.by_token or thread.status != "closed"
    if mail.sender is None:
        return hook.account_id, False
    found = {row["account_id"] for row in await mails.people_with(session, mail.sender.email, hook.only)}
    by_domain = hook.fields.mail.domains.get(mail.sender.email.rpartition("@")[2])
    if len(found) == 1:
        return found.pop(), True
    if by_domain and (hook.only in (None, by_domain)):
        return by_domain, True
    return hook.account_id, hook.account_id in found
