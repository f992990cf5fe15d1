"""Events that earlier versions stored, read as they would be recorded today: stored events are never rewritten. Pure.

Whoever reads the ``data`` of events to show it, or to act on it, reads it through ``upcast``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Data: TypeAlias = Mapping[str, Any]


def upcast(kind: str, data: Data) -> Data:
    """The ``data`` of an event of this type by today's names; what has them already is returned as it is."""
    for old, renamed in _RENAMED.get(kind, ()):
        data = renamed(data) if old(data) else data
    return data


def _member(old: str, new: str) -> tuple[Callable[[Data], bool], Callable[[Data], Data]]:
    """A member of ``data`` that has another name today; it keeps its place."""
    return (lambda data: old in data), (
        lambda data: {new if name == old else name: value for name, value in data.items()}
    )


def _member_of_each(members: str, old: str, new: str) -> tuple[Callable[[Data], bool], Callable[[Data], Data]]:
    """A member of each item of a list."""
    within, rename = _member(old, new)
    return (lambda data: any(within(each) for each in data.get(members, ()))), (
        lambda data: {**data, members: [rename(each) for each in data[members]]}
    )


OLD_NAMES: Final = re.compile(r'"(?:told|why|join_from|assessed_priority)":')
"""What is somewhere in the JSON of an event that needs ``upcast``, and seldom in another one."""
_NOTIFIED: Final = _member("told", "notified")
_REASON: Final = _member_of_each("candidates", "why", "reason")
_RENAMED: Final[Mapping[str, tuple[tuple[Callable[[Data], bool], Callable[[Data], Data]], ...]]] = {
    "ticket.opened": (_NOTIFIED, _member("assessed_priority", "matrix_priority")),
    "ticket.priority_changed": (_NOTIFIED,),
    "escalation.automatic": (_NOTIFIED,),
    "escalation.requested": (_NOTIFIED,),
    "escalation.declined": (_member("why", "detail"),),
    "call.ready": (_member("join_from", "remind_at"),),
    "expert.alerted": (_REASON,),
    "routing.unstaffed": (_NOTIFIED, _REASON),
    "routing.round_exhausted": (_NOTIFIED, _REASON),
}
