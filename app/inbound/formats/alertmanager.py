"""What Prometheus Alertmanager posts: webhook version "4". Pure.

Each POST repeats its whole group, and the top-level status is ``firing`` while any alert of it fires: only the status
of each alert says anything. There is no id of the delivery.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core.text.messages import Message, _, joined, pgettext
from app.inbound.formats.signal import (
    MAX_TEXT,
    MAX_TITLE,
    NAMELESS,
    SOURCE,
    Batch,
    Signal,
    Status,
    Unreadable,
    batch_from,
    bounded,
    cleaned,
    count_in,
    digest_of,
    instant_in,
    key_of,
    labels_of,
    links_of,
    list_in,
    object_at,
)

LINKS: Final = {
    "generatorURL": SOURCE,
    "dashboardURL": pgettext("link", "Dashboard"),
    "panelURL": pgettext("link", "Panel"),
    "silenceURL": pgettext("link", "Silence"),
}
"""Grafana's are among them: its payload is this one with more members."""
_STATUSES: Final[Mapping[str, Status]] = {"firing": "firing", "resolved": "resolved"}
_RUNBOOK: Final = {"runbook_url": pgettext("link", "Runbook")}


def parse(payload: Any) -> Batch:
    """One signal for each alert that makes sense. Raises ``Unreadable`` where the payload is something else."""
    alerts, truncated = list_in(payload, "alerts"), count_in(payload.get("truncatedAlerts"))
    group = cleaned(payload.get("groupKey"), MAX_TEXT) or None
    return batch_from(alerts, lambda index, alert: _signal(alert, f"alerts/{index}", group), truncated)


def _signal(item: Any, place: str, group: str | None) -> Signal:
    alert = object_at(item, place)
    word = cleaned(alert.get("status"), MAX_TITLE)
    status = _STATUSES.get(word.lower())
    if status is None:
        detail = _("{place}/status is neither 'firing' nor 'resolved', but {word}", place=place, word=repr(word[:40]))
        raise Unreadable(detail)
    labels, notes = labels_of(alert.get("labels")), _annotations(alert)
    fingerprint = cleaned(alert.get("fingerprint"), MAX_TEXT)
    name = fingerprint or digest_of(repr(sorted(labels.items())).encode())
    return Signal(
        key=key_of(name),
        status=status,
        title=_said(notes, ("summary", "title"), MAX_TITLE) or bounded(_named(labels), MAX_TITLE),
        text=_said(notes, ("description", "message"), MAX_TEXT),
        labels=labels,
        links=(*links_of(notes, _RUNBOOK), *links_of(alert, LINKS)),
        group=key_of(group) if group else None,
        named_by="`fingerprint`" if fingerprint else _("the labels"),
        starts_at=instant_in(alert.get("startsAt")),
        ends_at=instant_in(alert.get("endsAt")),
    )


def _annotations(alert: Mapping[str, Any]) -> Mapping[str, Any]:
    annotations = alert.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def _said(notes: Mapping[str, Any], names: Sequence[str], limit: int) -> str:
    """The first of these annotations that says anything; else nothing."""
    return next(filter(None, (cleaned(notes.get(name), limit) for name in names)), "")


def _named(labels: Mapping[str, str]) -> Message:
    """A title for an alert that brings none."""
    name, instance = labels.get("alertname", NAMELESS), labels.get("instance")
    return _("{name} on {instance}", name=name, instance=instance) if instance else joined([name])
