"""The engineers whom events name beside their ids, and what customers see of support's people. Pure.

Support sees an engineer's name and, where the engineer has chosen one, the name for customers beside it; customers see
that one alone. Contacts (``notified``) are named to support; customers see their roles. So it is with an automation:
the label of a key of support's is for support only.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from app.core.auth import for_customers as actor_for_customers
from app.events.types import INTERNAL_TYPES

Data: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """An engineer's name, and the one that customers see, where the engineer has chosen one."""

    name: str
    display_name: str | None = None


People: TypeAlias = Mapping[str, Person]
"""By id."""

ENGINEERS: Final[Mapping[str, tuple[str, ...]]] = {
    "ticket.assigned": ("from", "to"),
    "ticket.handed_over": ("from.engineer_id", "to.engineer_id"),
    "ticket.no_known_solution": ("engineer_id",),
    "escalation.accepted": ("assignee",),
    "coaching.noted": ("engineer_id",),
    "coaching.acknowledged": ("engineer_id",),
    "message.unconfirmed": ("engineer_id",),
    "call.declined": ("assignee_id",),
    "call.failed": ("assignee_id",),
    "expert.alerted": ("engineer_id", "candidates.engineer_id"),
    "expert.accepted": ("engineer_id",),
    "expert.declined": ("engineer_id",),
    "expert.cancelled": ("engineer_id",),
    "routing.unstaffed": ("candidates.engineer_id",),
    "routing.round_exhausted": ("candidates.engineer_id",),
}
"""Where the ``data`` of an event has ids of engineers, by its type: a dot leads into an object, or each of a list."""

SUPPORTS: Final = re.compile(r'"notified":\s*\[\s*\{|display_name":|"kind":\s*"automation"')
"""What is somewhere in the JSON of an event that customers see otherwise than support, and seldom in another one."""


def engineers_in(kind: str, data: Data) -> set[str]:
    """The ids of the engineers whom the ``data`` of an event of this type is to name."""
    return {part[member] for part, member in _parts(kind, data) if part.get(member)}


def named(kind: str, data: Data, people: People) -> dict[str, Any]:
    """The ``data`` with names beside the ids: ``assignee_name`` beside ``assignee_id``, ``to_name`` beside ``to``.

    An id that is null has no name; whoever is not among ``people`` has none either.
    """
    told = {name: _copied(value) for name, value in data.items()}
    for part, member in _parts(kind, told):
        person = people.get(part[member] or "")
        part[_name(member)] = person.name if person else None
        if kind not in INTERNAL_TYPES:
            part.pop(_display_name(member), None)
            if person and person.display_name:
                part[_display_name(member)] = person.display_name
    return told


def for_customers(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's envelope as customers see it, whoever recorded it."""
    kind, told = event["type"], {name: _copied(value) for name, value in event["data"].items()}
    for part, member in _parts(kind, told):
        if shown := part.pop(_display_name(member), None):
            part[_name(member)] = shown
    if kind == "message.posted" and "author" in told:
        told["author"] = actor_for_customers(told["author"])
    if "notified" in told:
        told["notified"] = [{name: each[name] for name in each if name == "role"} for each in told["notified"]]
    return {**event, "actor": actor_for_customers(event["actor"]), "data": told}


def _parts(kind: str, data: Data) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects that have ids of engineers, each with the id's member."""
    for place in ENGINEERS.get(kind, ()):
        outer, _, member = place.rpartition(".")
        inner = data.get(outer) if outer else data
        for part in inner if isinstance(inner, list) else [inner]:
            if isinstance(part, dict) and member in part:
                yield part, member


def _copied(value: Any) -> Any:
    """A copy down to the objects that may be changed."""
    if isinstance(value, dict):
        return dict(value)
    return [dict(each) if isinstance(each, dict) else each for each in value] if isinstance(value, list) else value


def _name(member: str) -> str:
    return f"{member.removesuffix('_id')}_name"


def _display_name(member: str) -> str:
    return f"{member.removesuffix('_id')}_display_name"
