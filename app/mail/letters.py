"""To whom a mail about a ticket goes, and what it tells each of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.notices.content.telling import REQUESTER, WATCHER, is_own, text_of, told, with_text
from app.notices.content.updates import MOST
from app.plans.document.words import MailKind

_PERSON: Final = ("name", "email", "locale", "time_zone")
_WEIGHT: Final = 40_000
"""Characters of one mail, with what its lines cost beside them: some milliseconds of the process that writes it."""
_LINE: Final = 10
"""What a line costs, in characters: it becomes a paragraph of the HTML."""
_TOLD: Final = ("type", "actor", "timestamp", "data", "first")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What has happened on a ticket since its last mail, and who may hear of it."""

    account_id: str
    requester: Mapping[str, Any] | None
    """``name``, ``email``, perhaps ``locale`` and ``time_zone``; None where nobody has confirmed the address"""
    watchers: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    """in their order; see ``telling.told``"""
    answered: bool
    """whether an engineer has answered before these events"""
    people: Mapping[str, str] = field(default_factory=dict)
    """the ids of the account's people, by their addresses"""
    muted: Sequence[str] = ()
    """addresses that want no mails about the ticket"""


@dataclass(frozen=True, slots=True)
class ToPerson:
    """A letter to one person: the notice's ``recipient`` and ``letter``, and its last event."""

    recipient: dict[str, Any]
    letter: dict[str, Any]
    event_id: str


def letters(gathered: Gathered, kinds: Sequence[MailKind]) -> Iterator[ToPerson]:
    """A letter for each reader to whom there is something to tell: nobody is told what they have done themselves."""
    events = told(gathered.events, kinds, answered=gathered.answered)
    for person in _readers(gathered):
        known = person | {"id": gathered.people.get(person["email"])}
        of_others = [event for event in events if not is_own(event, known, gathered.account_id)]
        if of_others:
            entries = _fitted([{name: event[name] for name in _TOLD} for event in of_others[:MOST]])
            yield ToPerson(person, {"entries": entries, "more": len(of_others) - len(entries)}, of_others[-1]["id"])


def _fitted(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries, with the longest of their texts cut so far that all of them together are no more than a mail has."""
    texts = [text_of(entry).strip() for entry in entries]  # blanks at its ends are told nobody, and take no room
    weights = [_weight(text) for text in texts]
    share = _WEIGHT
    while sum(min(weight, share) for weight in weights) > _WEIGHT:
        share //= 2
    return [
        with_text(entry, _cut(text, share)) if weight > share else entry
        for entry, text, weight in zip(entries, texts, weights, strict=True)
    ]


def _weight(text: str) -> int:
    return len(text) + _LINE * len(text.splitlines())


def _cut(text: str, share: int) -> str:
    """As much of a text as weighs no more than its share."""
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        share -= _LINE
        kept.append(line[: max(share, 0)])
        share -= len(line)
        if share <= 0:
            break
    return "".join(kept)


def _readers(gathered: Gathered) -> Iterator[dict[str, Any]]:
    """The requester and those who follow the ticket, each once."""
    everybody = [(REQUESTER, gathered.requester)] if gathered.requester else []
    everybody += [(WATCHER, watcher) for watcher in gathered.watchers]
    seen = {email.lower() for email in gathered.muted}
    for role, person in everybody:
        if person["email"].lower() not in seen:
            seen.add(person["email"].lower())
            named = {name: person[name] for name in _PERSON if person.get(name)}
            yield {"role": role} | named
