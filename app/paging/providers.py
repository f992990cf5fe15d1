"""PagerDuty's Events API v2 and Opsgenie's Alert API: where to post, and what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

_PAGERDUTY: Final = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_OPSGENIE: Final = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
_SUMMARY: Final = 1024
_MESSAGE: Final = 130
_DESCRIPTION: Final = 15_000
_SOURCE: Final = "Heliodesk"
OK: Final = 202
"""What both answer when they have taken something."""


@dataclass(frozen=True, slots=True)
class Text:
    """What an engineer is told. ``key`` is the alert's, ``message_id`` that of what one rule tells of it."""

    key: str
    message_id: str
    title: str
    body: str
    at: str
    """the instant of the alert, RFC 3339"""
    urgent: bool = True
    link: str | None = None
    ticket_id: str | None = None
    """what it is about; None: a test"""
    reply: str | None = None
    """where a reply to it goes"""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """One JSON request."""

    url: str
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def pagerduty_trigger(key: str, region: str, text: Text, base: str | None = None) -> Post:
    """An event that opens an incident; ``base`` replaces the service's own address."""
    body: dict[str, Any] = {
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": text.key,
        "client": _SOURCE,
        "payload": {
            "summary": text.title[:_SUMMARY],
            "source": _SOURCE,
            "severity": "critical" if text.urgent else "warning",
            "timestamp": text.at,
            "custom_details": dict(text.facts) | {"text": text.body},
        },
    }
    if text.link:
        body["links"] = [{"href": text.link, "text": text.title[:_SUMMARY]}]
    return Post(f"{base or _PAGERDUTY[region]}/v2/enqueue", body)


def pagerduty_resolve(key: str, region: str, alert_key: str, base: str | None = None) -> Post:
    """An event that resolves the incident of an alert that is over here."""
    body = {"routing_key": key, "event_action": "resolve", "dedup_key": alert_key}
    return Post(f"{base or _PAGERDUTY[region]}/v2/enqueue", body)


def opsgenie_create(key: str, region: str, text: Text, base: str | None = None) -> Post:
    """An alert; ``alias`` keeps Opsgenie from making a second one."""
    body = {
        "message": text.title[:_MESSAGE],
        "alias": text.key,
        "description": text.body[:_DESCRIPTION],
        "priority": "P1" if text.urgent else "P3",
        "source": _SOURCE,
        "details": dict(text.facts),
    }
    return Post(f"{base or _OPSGENIE[region]}/v2/alerts", body, _genie(key))


def opsgenie_close(key: str, region: str, alert_key: str, base: str | None = None) -> Post:
    """The end of an alert that is over here."""
    url = f"{base or _OPSGENIE[region]}/v2/alerts/{quote(alert_key, safe='')}/close?identifierType=alias"
    return Post(url, {"source": _SOURCE}, _genie(key))


def _genie(key: str) -> dict[str, str]:
    return {"Authorization": f"GenieKey {key}"}
