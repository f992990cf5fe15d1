"""What an e-mail does: its ticket gets a message or a note, or one is opened; or nothing comes of it, and why."""

from dataclasses import dataclass, replace
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting
from app.core.auth import SERVICE, Principal, Role
from app.core.db.session import mails_customers
from app.core.db.statements.bulk import insert_rows
from app.core.ids import new_id
from app.core.problems import TooManyRequests
from app.core.schemas.mailboxes import STORED
from app.core.text.messages import Message
from app.events.types import MailBounced
from app.files.usecases import keep
from app.inbound.mail.attachments import file_name
from app.inbound.mail.models import ReceivedMailRow
from app.inbound.mail.parts import Part
from app.inbound.mail.reading import Mail
from app.inbound.usecases.mail_case import AGAIN, MOST_OF_A_GUEST, TOO_MANY, MailCase, MailHook, Words, examine
from app.notices.bounces import Returned, lift, mark
from app.notices.outbox.confirming import confirm, refuse, tell_number
from app.tickets.schemas import NewMessage, NewTicket, Requester
from app.tickets.usecases.caller import Caller, finish, start
from app.tickets.usecases.follow import note
from app.tickets.usecases.message import post_message
from app.tickets.usecases.open import open_ticket
from app.tickets.usecases.people.watchers import watch
from app.tickets.watcher_schemas import MOST_WATCHERS, NewWatcher


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an e-mail: tickets with what happened to each, and what there is to know besides."""

    touched: tuple[tuple[str, str], ...] = ()
    told: tuple[Message, ...] = ()
    refused: tuple[Part, ...] = ()
    """what was to be attached, and was not taken"""
    left_out: int = 0
    """its parts that are no files of the ticket"""

    @property
    def opened(self) -> int:
        """How many tickets it has opened."""
        return sum(action == "opened" for _, action in self.touched)


def _any(_: int) -> None:
    """No version is asked for."""


async def take_mail(session: AsyncSession, hook: MailHook, mail: Mail) -> Taken:
    """Do what follows from an e-mail. Raises 429 where its sender opens too many tickets, 422 as ``open_ticket``."""
    case = await examine(session, hook, mail)
    if case.is_seen:
        return Taken(told=(AGAIN,))
    if case.verdict.action == "bounced":
        return await _bounced(case, cast("Returned", case.returned))
    taken = await _DOES[case.verdict.action](case)
    if case.sender and case.sender.is_authentic and not mail.is_automatic:
        await lift(session, case.account.account_id, case.sender.email)
    return replace(taken, told=case.told(taken.refused), left_out=len(case.not_kept(taken.refused)))


async def _bounced(case: MailCase, returned: Returned) -> Taken:
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


async def _leave(_case: MailCase) -> Taken:
    return Taken()


async def _refuse(case: MailCase) -> Taken:
    """Say so to the sender, once a day."""
    if mails_customers(case.session) and case.may_refuse:
        told = (case.account.account_id, case.hook.receipt_id, case.known_sender.email, await case.locale())
        await refuse(case.session, *told, closed=case.closed)
    return Taken()


async def _note(case: MailCase) -> Taken:
    """Support sees it, and nothing else follows."""
    caller = Caller(await case.principal(), _any)
    posted_id = await note(case.session, caller, case.thread_id, _words(case).text)
    await _keep(case, case.thread_id, posted_id, noted=True)
    return Taken(((case.thread_id, "notified"),))


async def _engineer(case: MailCase) -> Taken:
    """An engineer answers the customer, or writes a note."""
    principal, words = await case.principal(), _words(case)
    files, refused = await _files(case, principal)
    command = NewMessage(
        body=words.text,
        visibility="internal" if words.is_internal else "public",
        channel="email",
        attachments=files,
    )
    _edit, message = await post_message(case.session, Caller(principal, _any), case.thread_id, command)
    await _keep(case, case.thread_id, message["id"])
    return Taken(((case.thread_id, "notified"),), refused=refused)


async def _say(case: MailCase) -> Taken:
    """The customer says something on their ticket."""
    caller = Caller(await case.principal(), _any)
    files, refused = await _files(case, caller.principal)
    command = NewMessage(body=_words(case).text, channel="email", attachments=files)
    edit, message = await post_message(case.session, caller, case.thread_id, command)
    await _keep(case, case.thread_id, message["id"])
    room = MOST_WATCHERS - len(edit.ticket.watchers or ())
    followers = {edit.ticket.requester["email"], *(each["email"] for each in edit.ticket.watchers or ())}
    for watcher in [each for each in await case.watchers() if each.email not in followers][:room]:
        await watch(case.session, caller, case.thread_id, NewWatcher(**watcher.model_dump()))
    return Taken(((case.thread_id, "notified"),), refused=refused)


async def _open(case: MailCase) -> Taken:
    """A new ticket: a person's, a guest's for whom nobody vouches, or an automation's."""
    session, sender, visitor = case.session, case.known_sender, case.visitor
    opened = await case.opened()
    if opened.is_too_much(sender):
        raise TooManyRequests(TOO_MANY)
    requester = Requester.model_validate({"name": sender.name, "email": sender.email}, context=STORED)
    is_person = visitor is not None and visitor.person_id is not None
    principal = await case.principal()
    files, refused = await _files(case, principal)
    command = NewTicket(
        title=case.title,
        description=_words(case).text,
        product=case.hook.fields.product,
        environment=case.hook.fields.environment,
        tags=case.hook.fields.tags,
        requester=requester,
        channel="email",
        follow_up_of=case.thread.ticket_id if case.thread and is_person else None,
        watchers=(await case.watchers())[:MOST_WATCHERS],
        attachments=files,
    )
    acting = Acting(principal.actor, cast("Role", sender.role or "editor"), visitor, principal.attaches)
    edit = await open_ticket(session, command, account_id=case.account.account_id, acting=acting)
    await _keep(case, edit.ticket.id, None)
    if mails_customers(session) and not edit.ticket.sandbox and visitor:
        if not sender.is_authentic:
            await confirm(session, edit.ticket.account_id, edit.ticket.id, edit.ticket.requester)
        else:
            often = bool(case.mail.answers) or opened.by_all >= MOST_OF_A_GUEST
            about = (edit.ticket.account_id, edit.ticket.id, edit.ticket.requester)
            await tell_number(session, *about, case.mail.message_id, once=often)
    return Taken(((edit.ticket.id, "opened"),), refused=refused)


_DOES: Final = {
    "leave": _leave,
    "refuse": _refuse,
    "note": _note,
    "engineer": _engineer,
    "say": _say,
    "open": _open,
}


def _words(case: MailCase) -> Words:
    return cast("Words", case.words())


async def _files(case: MailCase, principal: Principal) -> tuple[list[str], tuple[Part, ...]]:
    """The files that it brings along, for a message in this name, and those of them that are only named in it."""
    owner, account_id = principal.namespace, case.account.account_id
    kept = [
        await keep(case.session, owner, account_id, file_name(part), part.type, part.content) for part in case.attached
    ]
    return [one.id for one in kept], tuple(part for part, one in zip(case.attached, kept, strict=True) if one.reason)


async def _keep(case: MailCase, ticket_id: str, posted_id: str | None, *, noted: bool = False) -> None:
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
