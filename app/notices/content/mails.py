"""Mails to customers: what one says, as plain text and as HTML that is readable in light and dark. Pure.

Nothing in the HTML is loaded from elsewhere, so that no reader of mail asks before it shows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import pgettext
from app.core.web.templates import templates
from app.events.labels import stated

_TEMPLATES: Final = templates(Path(__file__).parent)
OPEN: Final = pgettext("mail", "Open the ticket")
_PREVIEW: Final = 140
"""Characters of a preview: readers of mail show fewer."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where something leads, and what that is called."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that has happened: in a line of ours, perhaps with the words of a person."""

    line: str
    at: str = ""
    text: str = ""
    link: Link | None = None

    @property
    def is_bare(self) -> bool:
        """Whether it is its line alone: those of a mail follow one another."""
        return not (self.at or self.text or self.link)

    @property
    def rows(self) -> list[str]:
        """The lines of the text, for readers that know no CSS: they are indented by blanks that do not collapse."""
        rows = self.text.splitlines()
        return ["\N{NO-BREAK SPACE}" * (len(row) - len(row.lstrip())) + row.lstrip() for row in rows]


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says, in one language. All texts are plain: the HTML escapes them."""

    language: Language
    subject: str
    heading: str
    about: str = ""
    """the ticket's number, above the heading"""
    lead: Sequence[str] = ()
    entries: Sequence[Entry] = ()
    button: Link | None = None
    """leads to the ticket"""
    more: Link | None = None
    """what else its reader may want"""
    notes: Sequence[str] = ()
    mute: Link | None = None
    """ends the mails about this ticket"""

    @property
    def preview(self) -> str:
        """What lists of mails show beside the subject."""
        said = [*self.lead, *(part for entry in self.entries for part in (entry.line, entry.text))]
        told = [self.heading, *said] if self.entries else said
        return " · ".join(" ".join(part.split()) for part in told if part)[:_PREVIEW]

    @property
    def has_action(self) -> bool:
        """Whether something that it tells leads on more urgently than the ticket's link."""
        return any(entry.link for entry in self.entries)


def plain(mail: Mail) -> str:
    """The mail as text."""
    return "\n\n".join(part for part in _parts(mail) if part) + "\n"


def _parts(mail: Mail) -> Iterator[str]:
    yield "\n".join(line for line in (mail.about, mail.heading) if line)
    yield from mail.lead
    for is_bare, entries in groupby(mail.entries, attrgetter("is_bare")):
        if is_bare:
            yield "\n".join(entry.line for entry in entries)
            continue
        for entry in entries:
            yield "\n".join(line for line in (entry.line, entry.at) if line)
            yield entry.text
            yield _linked(entry.link, mail.language)
    for link in (mail.button, mail.more):
        yield _linked(link, mail.language)
    yield "\n".join(mail.notes)
    yield _linked(mail.mute, mail.language)


def _linked(link: Link | None, language: Language) -> str:
    return f"{stated(link.label, '', language).rstrip()}\n{link.url}" if link else ""


def html(mail: Mail) -> str:
    """The mail as a page."""
    return _TEMPLATES.get_template("mail.html").render(mail=mail)
