"""Whether a program has written a message, and whether it tells that another one could not be delivered. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message as Entity
from typing import Final

from app.inbound.mail.parts import bytes_of, decoded, parts_of

_SAYS_SO: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponse",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-loop",
    "x-failed-recipients",
)
_BULK: Final = frozenset({"bulk", "junk", "auto_reply"})
"""Not ``list``: people write to lists, and many a support address is one."""
_ROBOTS: Final = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+.=-].*)?", re.IGNORECASE)
_AWAY: Final = re.compile(
    r"(auto(matic)?[ -]?(reply|response)|out of (the )?office|automatische (antwort|abwesenheits\w*)"
    r"|abwesenheits\w+|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina"
    r"|odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź)\s*:",
    re.IGNORECASE,
)
_OURS: Final = re.compile(r"<?(ntc_[0-7][0-9a-hjkmnp-tv-z]{25})[.@]", re.IGNORECASE)
_MOST_REASON: Final = 500
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
"""RFC 3463; comments may follow."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """That one of our mails could not be delivered: whose, and why."""

    notice_id: str
    """of the mail that came back"""
    email: str
    status: str
    """by RFC 3463"""
    reason: str

    @property
    def is_final(self) -> bool:
        """Whether the address takes no mail, as opposed to some trouble that may pass."""
        return self.status.startswith("5")


def is_automatic(message: Entity, subject: str, sender: str) -> bool:
    """Whether nobody has written this: by RFC 3834, by what programs say of themselves, by the sender's name."""
    if _submitted(message) not in ("no", ""):
        return True
    if str(message.get("Precedence", "")).strip().lower() in _BULK or any(message.get(name) for name in _SAYS_SO):
        return True
    if str(message.get("Return-Path", "")).strip() == "<>" or message.get_content_type() == "multipart/report":
        return True
    return bool(_ROBOTS.fullmatch(sender.partition("@")[0]) or _AWAY.match(subject))


def is_generated(message: Entity) -> bool:
    """Whether a program says that it tells this of its own accord (RFC 3834, 5)."""
    return _submitted(message) == "auto-generated"


def _submitted(message: Entity) -> str:
    return str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower()


def bounce_in(message: Entity) -> Bounce | None:
    """What a report says of a mail of ours that was not delivered (RFC 3464); None for any other message."""
    if message.get_content_type() != "multipart/report":
        return None
    parts = list(parts_of(message))
    groups = [each for part in parts if part.get_content_type() == "message/delivery-status" for each in _groups(part)]
    failed = next((each for each in groups if each.get("action", "").lower() == "failed"), None)
    returned = _returned(parts)
    address = (failed or {}).get("final-recipient", "").rpartition(";")[2].strip().strip("<>")
    if failed is None or returned is None or "@" not in address:
        return None
    reason = failed.get("diagnostic-code", "").partition(";")[2].strip() or failed.get("status", "")
    original = failed.get("original-recipient", "").rpartition(";")[2].strip().strip("<>")
    status = _STATUS.match(failed.get("status", "").strip())
    return Bounce(returned, (original or address).lower(), status[0] if status else "", reason[:_MOST_REASON])


def _groups(part: Entity) -> Iterator[Mapping[str, str]]:
    """The groups of fields in a report, of which each but the first is about one recipient."""
    inner = part.get_payload()
    for entity in inner if isinstance(inner, list) else ():
        if isinstance(entity, Entity):
            yield {name.lower(): decoded(value) for name, value in entity.items()}


def _returned(parts: list[Entity]) -> str | None:
    """The id of the notice that came back, by the Message-ID in what was returned of it."""
    for part in parts:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            field = re.search(rb"^message-id:\s*(\S+)", bytes_of(part), re.IGNORECASE | re.MULTILINE)
            found = _OURS.match(field[1].decode("ascii", "replace")) if field else None
            if found:
                return found[1].lower()
    return None
