"""The PagerDuty Events API v2 as its clients use it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from app.core.text.messages import Message, _, joined, pgettext
from app.inbound.formats.signal import (
    MAX_TEXT,
    MAX_TITLE,
    SOURCE,
    Batch,
    Link,
    Signal,
    Status,
    Unreadable,
    cleaned,
    instant_in,
    key_of,
    labels_of,
    links_of,
)

_STATUSES: Final[Mapping[str, Status]] = {
    "trigger": "firing",
    "acknowledge": "acknowledged",
    "resolve": "resolved",
}
_SEVERITIES: Final = ("critical", "error", "warning", "info")
_LABELS: Final = ("severity", "source", "component", "group", "class")
_MAX_SUMMARY: Final = 1024
_MAX_DEDUP_KEY: Final = 255
_MAX_LINKS: Final = 20
_LINK: Final = pgettext("link", "Link")


def faults(event: Any) -> list[Message]:
    """What PagerDuty itself would refuse of an event, in sentences like its own; its key apart."""
    if not isinstance(event, dict):
        return [_("The event is not a JSON object")]
    action, key = event.get("event_action"), event.get("dedup_key")
    found = [] if action in _STATUSES else [_one_of("event_action", _STATUSES)]
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= _MAX_DEDUP_KEY):
        found.append(_("'dedup_key' is a text of 1 to {most} characters", most=_MAX_DEDUP_KEY))
    if key is None and action in ("acknowledge", "resolve"):
        found.append(_missing("dedup_key", action))
    return found + (_payload_faults(event.get("payload")) if action == "trigger" else [])


def _one_of(member: str, values: Iterable[str]) -> Message:
    return _("'{member}' must be one of {values}", member=member, values=", ".join(values))


def _missing(member: str, action: str) -> Message:
    return _("'{member}' is missing, and {action} needs it", member=member, action=action)


def _payload_faults(payload: Any) -> list[Message]:
    if not isinstance(payload, dict):
        return [_missing("payload", "trigger")]
    summary, found = payload.get("summary"), list[Message]()
    if not (isinstance(summary, str) and len(summary.strip()) > 0 and len(summary) <= _MAX_SUMMARY):
        found.append(_("'payload.summary' is missing, blank, or longer than {most} characters", most=_MAX_SUMMARY))
    if not (isinstance(payload.get("source"), str) and payload["source"].strip()):
        found.append(_("'payload.source' is missing or blank"))
    if payload.get("severity") not in _SEVERITIES:
        found.append(_one_of("payload.severity", _SEVERITIES))
    return found


def parse(event: Any, receipt_id: str) -> Batch:
    """The one signal of an event; one that triggers without a ``dedup_key`` has its receipt's id for one."""
    if found := faults(event):
        raise Unreadable(joined(found))
    payload = event.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    key, stamp = event.get("dedup_key") or receipt_id, instant_in(payload.get("timestamp"))
    signal = Signal(
        key=key_of(key),
        status=_STATUSES[event["event_action"]],
        title=cleaned(payload.get("summary"), MAX_TITLE) or cleaned(key, MAX_TITLE),
        text=_details(payload.get("custom_details")),
        labels=labels_of({name: payload.get(name) for name in _LABELS}),
        links=_links(event),
        group=cleaned(payload.get("group"), MAX_TITLE) or None,
        ends_at=stamp if event["event_action"] == "resolve" else None,
        named_by="`dedup_key`" if event.get("dedup_key") else "receipt",
        at=stamp,
    )
    return Batch((signal,))


def _details(details: Any) -> str:
    if details in (None, {}, []):
        return ""
    text = details if isinstance(details, str) else orjson.dumps(details, option=orjson.OPT_INDENT_2).decode()
    return cleaned(text, MAX_TEXT)


def _links(event: Mapping[str, Any]) -> tuple[Link, ...]:
    given = event.get("links")
    found = [link for link in given[:_MAX_LINKS] if isinstance(link, dict)] if isinstance(given, list) else []
    named = [links_of(link, {"href": cleaned(link.get("text"), MAX_TITLE) or _LINK}) for link in found]
    return (*links_of(event, {"client_url": SOURCE}), *(link for links in named for link in links))
