"""What goes into the outbox of notices, in the statement that records the event: whom it is to tell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from app.core.auth import SERVICE
from app.core.db.statements.bulk import Write
from app.core.db.tables import Row
from app.core.ids import new_id

# An engineer whom rules page (``app/paging``) gets no e-mail beside that; the operator's channels get the alert anyway.
_FILL: Final = """
INSERT INTO notices (account_id, id, event_id, recipient, next_attempt_at)
SELECT r.account_id, r.id, r.event_id, coalesce(r.recipient, jsonb_build_object(
    'role', r.role, 'name', e.name,
    'email', CASE WHEN NOT EXISTS (
        SELECT FROM notification_rules AS n WHERE n.engineer_id = e.id AND n.urgency = r.urgency
    ) THEN e.email END,
    'locale', (SELECT string_agg(language, ',') FROM jsonb_array_elements_text(e.languages) AS language),
    'time_zone', e.time_zone
)), now()
FROM jsonb_to_recordset($1::jsonb)
     AS r (account_id text, id text, event_id text, recipient jsonb, engineer_id text, role text, urgency text)
LEFT JOIN engineers AS e ON e.id = r.engineer_id
WHERE r.recipient IS NOT NULL OR e.id IS NOT NULL
"""
EXPERT: Final = "expert"
"""The role of an engineer who is to do something."""
PREVIOUS: Final = "previous_engineer"
"""The role of one from whom a ticket is taken, not by the end of a shift, which they know of."""
NEXT_TIER: Final = "next_tier"
"""The role of one in whose tier a ticket may need help."""
_TAKEN: Final = frozenset({"missed", "region_lock", "tier"})
"""Why the service takes a ticket from an engineer who is at work on it."""
Told: TypeAlias = Iterable[tuple[str | None, str]]
"""Engineers by id, and their roles."""


def _of_alert(data: Row, _actor: Row) -> Told:
    return [(data["engineer_id"], EXPERT)]


def _of_assignment(data: Row, actor: Row) -> Told:
    """By hand: both, but for whoever does it. By the service: whoever loses it; the next one is alerted."""
    if actor["kind"] == SERVICE.kind:
        return [(data["from"], PREVIOUS)] if data["reason"] in _TAKEN else []
    both = ((data["to"], EXPERT), (data["from"], PREVIOUS))
    return [(engineer_id, role) for engineer_id, role in both if engineer_id != actor.get("id")]


def _of_handover(data: Row, _actor: Row) -> Told:
    taken = [(data["from"]["engineer_id"], PREVIOUS)] if data["reason"] in _TAKEN else []
    return [(data["to"]["engineer_id"], EXPERT), *taken]


def _of_unsolved(data: Row, _actor: Row) -> Told:
    return [(data["engineer_id"], NEXT_TIER)]


def _of_unconfirmed(data: Row, _actor: Row) -> Told:
    return [(data["engineer_id"], EXPERT)]


def _of_call(data: Row, _actor: Row) -> Told:
    return [(data["assignee_id"], EXPERT)]


_EXPERTS_OF: Final[Mapping[str, Callable[[Row, Row], Told]]] = {
    "expert.alerted": _of_alert,
    "ticket.assigned": _of_assignment,
    "ticket.handed_over": _of_handover,
    "ticket.no_known_solution": _of_unsolved,
    "message.unconfirmed": _of_unconfirmed,
    "call.declined": _of_call,
    "call.failed": _of_call,
}
"""Which engineers an event of this type is to tell, and in which role (C15, G2, G3, G6, G7), by its data and actor."""


def noticed(events: Sequence[Row]) -> Write:
    """The write of one notice for each person whom an event is to tell. A sandbox tells nobody.

    They are the people in its ``notified``, and the expert whom it is about: by id, for what goes to receivers of
    events has no engineer's address.
    """
    rows = [
        {"account_id": event["account_id"], "id": new_id("ntc"), "event_id": event["id"], **person}
        for event in events
        if not event["sandbox"]
        for person in _people(event["type"], event["data"], event["actor"])
    ]
    return Write(_FILL, rows)


def _people(kind: str, data: Row, actor: Row) -> Iterator[Row]:
    for person in data.get("notified", ()):
        yield {"recipient": person, "engineer_id": None, "role": None, "urgency": None}
    for engineer_id, role in _EXPERTS_OF[kind](data, actor) if kind in _EXPERTS_OF else ():
        if engineer_id:
            yield {"recipient": None, "engineer_id": engineer_id, "role": role, "urgency": data.get("urgency")}
