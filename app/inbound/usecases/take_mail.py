"""What an e-mail does: its ticket gets a message or a note, or one is opened; or nothing comes of it, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.principals import Acting
from app.accounts.queries import account_by_id
from app.core.auth import SERVICE, Principal, Role, Visitor, address_mark
from app.core.clock import database_now
from app.core.db.session import mails_customers
from app.core.db.statements.bulk import insert_rows
from app.core.ids import new_id
from app.core.problems import TooManyRequests
from app.core.schemas.mailboxes import STORED
from app.core.text.language import Language, choose_language
from app.core.text.messages import Message, _, pgettext
from app.events.types import MailBounced
from app.files.usecases import keep
from app.inbound.mail.attachments import attachable, file_name, left_out, with_parts
from app.inbound.mail.deciding import NOTHING_WRITTEN, Place, Sender, Thread, Verdict, decide, internal_in
from app.inbound.mail.models import ReceivedMailRow
from app.inbound.mail.parts import Part
from app.inbound.mail.reading import Mail
from app.inbound.read import mails
from app.inbound.schemas import HookFields
from app.inbound.usecases.hooks import plan_of
from app.notices.bounces import Returned, lift, mark, sent_notice
from app.notices.confirming import confirm, refuse, tell_number
from app.tickets.schemas import NewMessage, NewTicket, Requester
from app.tickets.usecases.caller import Caller, finish, start
from app.tickets.usecases.follow import note
from app.tickets.usecases.message import post_message
from app.tickets.usecases.open import open_ticket
from app.tickets.usecases.watchers import watch
from app.tickets.watcher_schemas import MOST_WATCHERS, NewWatcher, Watcher

MOST_OF_A_GUEST: Final = 5
"""Tickets an hour that one address opens for which nobody vouches."""
_MOST: Final = 45_000
"""Characters of a message, with what it says of what was left out; the whole e-mail is kept beside it."""
_MOST_TITLE: Final = 300
_ATTACHES: Final = ("engineer", "say", "open")
"""What an e-mail does when its files are attached to that; a note about one names them."""
_SECRETS: Final = "hd_answer_"
_NO_TEXT: Final = pgettext("mail", "(The e-mail has no text)")
_NO_SUBJECT: Final = pgettext("mail", "(No subject)")
_GOES_ON: Final = pgettext("mail", "The e-mail goes on: it is kept whole.")
_FROM: Final = pgettext("mail", "From: {sender}")
_SUBJECT: Final = pgettext("mail", "Subject: {subject}")
_AGAIN: Final = pgettext("mail", "The ticket has got this very e-mail before")


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


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an e-mail: tickets with what happened to each, and what there is to know besides."""

    touched: tuple[tuple[str, str], ...] = ()
    told: tuple[Message, ...] = ()

    @property
    def opened(self) -> int:
        """How many tickets it has opened."""
        return sum(action == "opened" for _, action in self.touched)


@dataclass(frozen=True, slots=True)
class _Case:
    """An e-mail, with what is known of it."""

    session: AsyncSession
    hook: MailHook
    mail: Mail
    account: AccountRow
    sender: Sender | None
    thread: Thread | None
    verdict: Verdict
    attached: Sequence[Part]
    """those of its parts that become files"""

    @property
    def left_out(self) -> tuple[Message, ...]:
        """What becomes of the others, in words."""
        return left_out(self.mail.parts, self.attached, quotes=self.verdict.action == "engineer")

    @property
    def language(self) -> Language:
        return choose_language(self.account.locale)

    def caller(self, visitor: Visitor | None = None) -> Caller:
        """The hook, or the person whose words it passes on."""
        name = visitor.name if visitor else self.hook.fields.name
        account_id = self.account.account_id
        return Caller(Principal("hook", self.hook.id, account_id, name=name, role="editor", visitor=visitor), _any)


def _any(_: int) -> None:
    """No version is asked for."""


async def take_mail(session: AsyncSession, hook: MailHook, mail: Mail) -> Taken:
    """Do what follows from an e-mail. Raises 429 where its sender opens too many tickets, 422 as ``open_ticket``."""
    returned = None
    if mail.bounce:
        returned = await sent_notice(session, mail.bounce.notice_id, mail.bounce.email, hook.only)
    thread = await mails.thread_of(session, mail, hook.only)
    account_id, is_known = await _whose(session, hook, mail, thread)
    sender = await mails.sender_of(session, mail, hook.gateway, account_id, thread)
    if await mails.seen_on(session, account_id, mail.fingerprint):
        return Taken(told=(_AGAIN,))
    account = await account_by_id(session, account_id)
    plan = await plan_of(session, account, hook.fields.product, await database_now(session))
    is_reader = sender is not None and sender.is_reader and sender.is_authentic
    place = Place(account_id, is_known or is_reader, "email" in plan.channels, hook.fields.mail.unknown)
    verdict = decide(mail, sender, thread, place, returned=returned is not None)
    is_trusted = sender is not None and (sender.is_authentic or (thread is not None and thread.by_token))
    known, quotes = is_trusted and verdict.action in _ATTACHES, verdict.action == "engineer"
    attached = attachable(mail.parts, known=known, quotes=quotes)
    case = _Case(session, hook, mail, account, sender, thread, verdict, attached)
    if verdict.action == "bounced":
        return await _bounced(case, cast("Returned", returned))
    taken = await _DOES[verdict.action](case)
    if sender and sender.is_authentic and not mail.is_automatic:
        await lift(session, account_id, sender.email)
    return Taken(taken.touched, (*taken.told, *([verdict.reason] if verdict.reason else []), *case.left_out))


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


async def _bounced(case: _Case, returned: Returned) -> Taken:
    """Mark the address, and tell support on the ticket."""
    bounce = case.mail.bounce
    if bounce is None or not await mark(case.session, returned, bounce.notice_id, bounce.status, bounce.reason):
        return Taken()
    if returned.ticket_id is None:
        return Taken()
    caller = Caller(Principal("hook", case.hook.id, returned.account_id, role="editor"), _any)
    edit, _ = await start(case.session, caller, returned.ticket_id, confirms=False)
    told = MailBounced(email=returned.email, status=bounce.status, reason=bounce.reason, notice_id=bounce.notice_id)
    edit.tell(told, SERVICE)
    await finish(case.session, edit)
    return Taken(((returned.ticket_id, "notified"),))


async def _leave(_case: _Case) -> Taken:
    return Taken()


async def _refuse(case: _Case) -> Taken:
    """Say so to the sender: once a day, and to nobody whose address the gateway has found to be made up."""
    rules, sender = case.hook.fields.mail, case.sender
    may = sender is not None and (sender.is_authentic or case.hook.gateway.authserv_id is None)
    speaks = mails_customers(case.session) and case.account.sandbox_now is None and not case.mail.is_automatic
    if sender and may and speaks and rules.unknown == "refuse":
        await refuse(case.session, case.account.account_id, case.hook.receipt_id, sender.email, case.account.locale)
    return Taken()


async def _note(case: _Case) -> Taken:
    """Support sees it, and nothing else follows."""
    thread, language, mail = _thread(case), case.language, case.mail
    who = f"{case.sender.name} <{case.sender.email}>" if case.sender else "-"
    head = [case.verdict.reason.to(language)] if case.verdict.reason else []
    head += [_FROM.to(language, sender=who), _SUBJECT.to(language, subject=mail.subject[:_MOST_TITLE])]
    body = "\n".join(head) + "\n\n" + _body(case, mail.text)
    posted_id = await note(case.session, case.caller(), thread.ticket_id, body)
    await _keep(case, thread.ticket_id, posted_id, noted=True)
    return Taken(((thread.ticket_id, "notified"),))


async def _engineer(case: _Case) -> Taken:
    """An engineer answers the customer, or writes a note; of what they quote, nothing reaches the customer."""
    thread, sender = _thread(case), cast("Sender", case.sender)
    noted = internal_in(case.mail.answer)
    is_note, written = noted is not None, case.mail.answer.strip() if noted is None else noted
    if not written or (_SECRETS in written and not is_note):
        return await _note(replace(case, verdict=Verdict("note", NOTHING_WRITTEN), attached=()))
    found = cast("dict[str, Any]", await mails.engineer_with(case.session, sender.email, thread.account_id))
    principal = Principal(
        "agent",
        case.hook.id,
        found["account_id"],
        engineer_id=found["id"],
        name=found["name"],
        display_name=found["display_name"],
    )
    command = NewMessage(
        body=_body(case, written),
        visibility="internal" if is_note else "public",
        channel="email",
        attachments=await _files(case, principal),
    )
    _edit, message = await post_message(case.session, Caller(principal, _any), thread.ticket_id, command)
    await _keep(case, thread.ticket_id, message["id"])
    return Taken(((thread.ticket_id, "notified"),))


async def _say(case: _Case) -> Taken:
    """The customer says something on their ticket."""
    thread, visitor = _thread(case), _visitor(case)
    caller = case.caller(visitor)
    files = await _files(case, caller.principal)
    command = NewMessage(body=_body(case, case.mail.written or case.mail.text), channel="email", attachments=files)
    edit, message = await post_message(case.session, caller, thread.ticket_id, command)
    await _keep(case, thread.ticket_id, message["id"])
    if visitor.person_id:
        room = MOST_WATCHERS - len(edit.ticket.watchers or ())
        followers = {edit.ticket.requester["email"], *(each["email"] for each in edit.ticket.watchers or ())}
        for watcher in [each for each in await _watchers(case) if each.email not in followers][:room]:
            await watch(case.session, caller, thread.ticket_id, NewWatcher(**watcher.model_dump()))
    return Taken(((thread.ticket_id, "notified"),))


async def _open(case: _Case) -> Taken:
    """A new ticket: a person's, a guest's for whom nobody vouches, or an automation's."""
    session, mail, sender = case.session, case.mail, cast("Sender", case.sender)
    opened = await mails.opened_by(session, case.account.account_id, sender.email)
    if not sender.is_authentic and opened["by_guests"] >= MOST_OF_A_GUEST:
        said = _("Guests open at most {amount} tickets in {seconds} seconds", amount=MOST_OF_A_GUEST, seconds=3600)
        raise TooManyRequests(said)
    visitor = None if case.verdict.is_robot else _visitor(case)
    requester = Requester.model_validate({"name": sender.name, "email": sender.email}, context=STORED)
    is_person = visitor is not None and visitor.person_id is not None
    principal = case.caller(visitor).principal
    command = NewTicket(
        title=(mail.subject or _NO_SUBJECT.to(case.language))[:_MOST_TITLE],
        description=_body(case, mail.text),
        product=case.hook.fields.product,
        environment=case.hook.fields.environment,
        tags=case.hook.fields.tags,
        requester=requester,
        channel="email",
        follow_up_of=case.thread.ticket_id if case.thread and is_person else None,
        watchers=(await _watchers(case))[:MOST_WATCHERS] if is_person else [],
        attachments=await _files(case, principal),
    )
    acting = Acting(principal.actor, cast("Role", sender.role or "editor"), visitor, principal.attaches)
    edit = await open_ticket(session, command, account_id=case.account.account_id, acting=acting)
    await _keep(case, edit.ticket.id, None)
    if mails_customers(session) and not edit.ticket.sandbox and visitor:
        if not sender.is_authentic:
            await confirm(session, edit.ticket.account_id, edit.ticket.id, edit.ticket.requester)
        else:
            often = bool(mail.answers) or opened["by_all"] >= MOST_OF_A_GUEST
            about = (edit.ticket.account_id, edit.ticket.id, edit.ticket.requester)
            await tell_number(session, *about, mail.message_id, once=often)
    return Taken(((edit.ticket.id, "opened"),))


_DOES: Final = {
    "leave": _leave,
    "refuse": _refuse,
    "note": _note,
    "engineer": _engineer,
    "say": _say,
    "open": _open,
}


async def _files(case: _Case, principal: Principal) -> list[str]:
    """The files that it brings along, for a message in this name; what is not taken is named in their place."""
    owner, account_id = principal.namespace, case.account.account_id
    return [
        await keep(case.session, owner, account_id, file_name(part), part.type, (part.content,))
        for part in case.attached
    ]


def _thread(case: _Case) -> Thread:
    if case.thread is None:
        raise ValueError("only what is about a ticket is added to one")
    return case.thread


def _visitor(case: _Case) -> Visitor:
    """As whom the sender acts: the account's person, somebody who reads the ticket's mails, or a guest."""
    sender = cast("Sender", case.sender)
    key = Principal("hook", case.hook.id, case.account.account_id, name=case.hook.fields.name, role="editor")
    if sender.is_authentic:
        marks = (address_mark(sender.email),)
        kind = "person" if sender.person_id else "link" if case.thread else "person"
        ticket_id = case.thread.ticket_id if case.thread and not sender.person_id else None
        return Visitor(
            kind,  # type: ignore[arg-type]  # one of its kinds
            key,
            email=sender.email,
            name=sender.name,
            person_id=sender.person_id,
            marks=marks,
            ticket_id=ticket_id,
        )
    ticket_id = case.thread.ticket_id if case.thread else None
    return Visitor("follower" if ticket_id else "guest", key, name=sender.name, ticket_id=ticket_id, is_verified=False)


async def _watchers(case: _Case) -> list[Watcher]:
    """The account's people who got the e-mail too: they follow the ticket."""
    sender = cast("Sender", case.sender)
    found = await mails.colleagues(case.session, case.account.account_id, case.mail.copied, sender.email)
    return [Watcher.model_validate(each, context=STORED) for each in found]


def _body(case: _Case, text: str) -> str:
    """A text as a message has it, with what was left out of the e-mail."""
    shown = text.strip() or _NO_TEXT.to(case.language)
    room = _MOST - len(with_parts("", case.left_out, case.language))
    if len(shown) > room:
        shown = f"{shown[:room]}…\n\n{_GOES_ON.to(case.language)}"
    return with_parts(shown, case.left_out, case.language)


async def _keep(case: _Case, ticket_id: str, posted_id: str | None, *, noted: bool = False) -> None:
    """Keep the whole of what has come."""
    mail, sender = case.mail, case.sender
    row = {
        "account_id": case.account.account_id,
        "id": new_id("mail"),
        "ticket_id": ticket_id,
        "hook_id": case.hook.id,
        "receipt_id": case.hook.receipt_id,
        "fingerprint": mail.fingerprint,
        "message_id": mail.message_id,
        "posted_id": posted_id,
        "sender": sender.email if sender else None,
        "name": sender.name if sender else "",
        "subject": mail.subject,
        "text": mail.text,
        "parts": [part.document() for part in mail.parts],
        "automatic": mail.is_automatic,
        "authentic": bool(sender and sender.is_authentic),
        "noted": noted,
    }
    await insert_rows(case.session, ReceivedMailRow, [row])
