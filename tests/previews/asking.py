"""What previews are asked."""

from typing import Any, Final

from tests.support.days import ZONE, local

Json = dict[str, Any]
PREVIEW: Final = "/v1/sla/preview"
DOCUMENT: Final[Json] = {
    "key": "sundays",
    "name": {"en": "Sundays"},
    "programme": {"en": "Sundays only."},
    "calendars": {
        "sunday": {"time_zone": "account", "weekly": {"sun": [["00:00", "01:30"], ["01:30", "04:00"]]}},
    },
    "hours": "sunday",
    "priorities": [{"key": "P1", "label": {"en": "Any"}, "definition": {"en": "Any"}, "examples": {"en": ["Any"]}}],
    "default_priority": "P1",
    "targets": {"P1": {"resolution": "PT5H"}},
    "channels": ["web"],
}


def instant(text: str) -> str:
    """An instant as the API writes it, from local time in New York."""
    return local(text).isoformat().replace("+00:00", "Z")


def asked(plan: Any, priority: str, opened: str, *changes: Json, **more: Any) -> Json:
    body = {"plan": plan, "priority": priority, "time_zone": ZONE, "opened_at": instant(opened), "changes": changes}
    return body | more


def message(at: str, author: str = "engineer", **more: str) -> Json:
    return {"at": instant(at), "type": "message", "author": author, **more}


def status(at: str, name: str) -> Json:
    return {"at": instant(at), "type": "status", "status": name}
