"""What an e-mail would do, without doing it: for whoever sets up a hook for e-mails."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal, for_customers
from app.core.db.session import mails_customers
from app.core.pieces import Pieces
from app.core.problems import Fault, Invalid
from app.core.text.messages import Message, _
from app.core.workers.offload import Offload
from app.inbound.formats.signal import bounded_texts
from app.inbound.mail.attachments import without
from app.inbound.mail.deciding import Action
from app.inbound.mail.parts import Part
from app.inbound.mail.reading import Mail
from app.inbound.readings import RawMail
from app.inbound.schemas import TrialPayload
from app.inbound.usecases.mail_case import AGAIN, TOO_MANY, MailCase, MailHook, examine
from app.tickets.rules import assess

_OUTCOMES: Final[Mapping[Action, str]] = {
    "open": "ticket",
    "say": "message",
    "engineer": "message",
    "note": "message",
    "bounced": "bounce",
    "refuse": "nothing",
    "leave": "nothing",
}
_NOT_A_TEXT: Final = _("Send the e-mail as it came, as one string")


async def tried_mail(offload: Offload, owner: str, tried: TrialPayload) -> Mail:
    """What an e-mail says. 422 for what is no text; in the name of ``owner`` where reading it takes long."""
    if not isinstance(tried.payload, str):
        raise Invalid(errors=[Fault(pointer="/payload", detail=_NOT_A_TEXT)])
    raw = RawMail(Pieces.of(tried.payload.encode(errors="replace")))
    return raw.quickly() or await raw.slowly(offload, owner)


async def what_mail_would_do(session: AsyncSession, hook: MailHook, mail: Mail, caller: Principal) -> dict[str, Any]:
    """What would become of an e-mail, as ``take_mail`` does it."""
    case = await examine(session, hook, mail)
    reason = await _why_nothing(case)
    does_nothing = reason is not None or _OUTCOMES[case.verdict.action] == "nothing"
    is_unread = reason is not None or case.verdict.action == "bounced"
    refused = [] if is_unread else await case.refused()
    omissions = [reason] if reason else [] if is_unread else case.told(refused)
    reason = reason or case.verdict.reason
    return {
        "left_out": 0 if is_unread else len(case.not_kept(refused)),
        "maintenance_window_id": None,
        "omissions": bounded_texts(omissions),
        "signals": [],
        "tickets": [] if does_nothing else _touched(case),
        "mail": await _told(case, caller, refused, does_nothing=does_nothing) | {"reason": reason},
    }


async def _why_nothing(case: MailCase) -> Message | None:
    """Why nothing comes of it after all."""
    if case.is_seen:
        return AGAIN
    is_too_much = case.verdict.action == "open" and (await case.opened()).is_too_much(case.known_sender)
    return TOO_MANY if is_too_much else None


def _touched(case: MailCase) -> list[dict[str, Any]]:
    """The ticket that it is about or opens; a report on a mail of ours is about that mail's."""
    unsaid = {"resolves": False, "title": None, "priority": None, "priority_source": None, "environment": None}
    if case.verdict.action == "open":
        assessed = assess(case.plan, None, None, None)
        asked = {"title": case.title, "priority": assessed.priority, "priority_source": assessed.source}
        return [unsaid | {"action": "opened", "ticket_id": None, "environment": case.hook.fields.environment} | asked]
    ticket_id = case.returned.ticket_id if case.returned else case.thread_id
    return [unsaid | {"action": "notified", "ticket_id": ticket_id}] if ticket_id else []


async def _told(case: MailCase, caller: Principal, refused: Sequence[Part], *, does_nothing: bool) -> dict[str, Any]:
    """Who has written it, and what a ticket would have of it."""
    sender, words = case.sender, None if does_nothing else case.words()
    actor = (await case.principal()).actor.document() if words else None
    return {
        "outcome": "nothing" if does_nothing else _OUTCOMES[case.verdict.action],
        "account_id": case.account.account_id,
        "sender": sender.email if sender else None,
        "authentic": bool(sender and sender.is_authentic),
        "automatic": case.mail.is_automatic,
        "actor": actor if actor is None or caller.is_support else for_customers(actor),
        "visibility": None if words is None else "internal" if words.is_internal else "public",
        "text": words.text if words else None,
        "attachments": [part.document() for part in without(case.attached, refused)] if words else [],
        "watchers": [watcher.email for watcher in await case.watchers()] if words else [],
        "answer": _answer(case) if mails_customers(case.session) else None,
    }


def _answer(case: MailCase) -> str | None:
    """What its sender would get: the number of their ticket, what confirms a guest's, that nobody reads it."""
    if case.is_seen:
        return None
    if case.verdict.action == "refuse":
        return "refusal" if case.may_refuse else None
    if case.visitor is None or case.verdict.action != "open" or case.account.sandbox_now is not None:
        return None
    return "number" if case.known_sender.is_authentic else "confirmation"
