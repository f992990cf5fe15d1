"""A mail that tells a customer what has happened to their ticket. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.core.text.messages import ngettext, pgettext
from app.core.text.phrases import and_more
from app.core.zones import load_zone
from app.notices.content.mails import OPEN, Entry, Link, Mail
from app.notices.content.telling import REQUESTER, entry_of, is_unconfirmed
from app.notices.content.texts import language_of
from app.plans.document.naming import Names

MOST: Final = 20
"""Things of which one mail tells in full."""
_SUBJECT_LENGTH: Final = 150
_YOURS: Final = pgettext("mail", "You get this e-mail because this ticket is yours.")
_FOLLOWED: Final = pgettext("mail", "You get this e-mail because you follow this ticket.")
_REPLY: Final = pgettext("mail", "To answer, reply to this e-mail, or open the ticket.")
_NO_REPLY: Final = pgettext(
    "mail", "Please do not reply to this e-mail, but open the ticket: your reply would not reach us."
)
_UNCONFIRMED: Final = pgettext(
    "mail",
    "A message whose sender is not confirmed does not change the ticket: our team looks at it first. If you wrote it, "
    "please open the ticket and send it again from there.",
)
_MUTE: Final = pgettext("mail", "No more e-mails about this ticket")


def update(
    data: Mapping[str, Any],
    ticket: Mapping[str, Any],
    recipient: Mapping[str, Any],
    names: Names,
    *,
    links: Mapping[str, str],
) -> Mail:
    """The mail to this ``recipient``. ``data`` is the letter: the ``entries``, each as ``entry_of`` takes it.

    ``ticket`` has its ``number`` and ``title``. Of the ``links``, ``page`` opens the ticket, ``mute`` ends the mails,
    and ``reply`` is where an answer goes to, each if there is one.
    """
    language, zone = language_of(recipient), load_zone(recipient.get("time_zone") or "UTC")
    entries = [entry_of(event, language, zone, names) for event in data["entries"]]
    number = len(entries) + data["more"]
    heading = ngettext("{n} update on your ticket", "{n} updates on your ticket", number).to(language)
    entries[0] = replace(entries[0], at=f"{entries[0].at} ({zone.key})")
    if number == 1:
        heading, entries = entries[0].line, [replace(entries[0], line="")]
    if data["more"]:
        entries.append(Entry(and_more(data["more"]).to(language)))
    about = f"{ticket['number']}: {' '.join(ticket['title'].split())}"
    why = _YOURS if recipient["role"] == REQUESTER else _FOLLOWED
    is_doubtful = any(is_unconfirmed(event) for event in data["entries"])
    answer = _UNCONFIRMED if is_doubtful and "page" in links else _REPLY if "reply" in links else _NO_REPLY
    return Mail(
        language,
        about[:_SUBJECT_LENGTH].rstrip(),
        heading,
        about,
        entries=entries,
        button=Link(OPEN.to(language), links["page"]) if "page" in links else None,
        notes=[answer.to(language), why.to(language)],
        mute=Link(_MUTE.to(language), links["mute"]) if "mute" in links else None,
    )
