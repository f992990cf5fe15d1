"""An event as the body of a request, in the form that its endpoint asks for. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import orjson

from app.core.jmespath.projection import BadProjection, Projection, ProjectionFailed, compile_projection
from app.core.text.language import Language
from app.core.text.messages import Message as Said
from app.core.text.messages import _
from app.events.envelope import envelope
from app.events.examples import event_example
from app.events.people import for_customers
from app.events.types import WebhookTest
from app.plans.document.naming import NO_NAMES, Names
from app.webhooks.formats.google_chat import google_chat
from app.webhooks.formats.message import Message, message
from app.webhooks.formats.slack import slack
from app.webhooks.formats.teams import teams

Format: TypeAlias = Literal["standard", "slack", "google_chat", "teams"]

_CHATS: Final[Mapping[Format, Callable[[Message], dict[str, Any]]]] = {
    "slack": slack,
    "google_chat": google_chat,
    "teams": teams,
}
MAX_STEPS: Final = 5_000
"""Nodes that a projection may visit for one event: about a hundredth of a second of the sender's time."""
MAX_PROJECTED: Final = 64 * 1024
"""Characters of what a projection may make of an event, which itself is under 20 KB."""


@dataclass(frozen=True, slots=True)
class Form:
    """In which form an endpoint is sent its events."""

    format: Format
    locale: Language
    projection: str | None
    internal: bool
    """whether the endpoint is support's"""


class Unsent(Exception):
    """Nothing is sent of this event; ``reason`` says why, for the endpoint's owner."""

    def __init__(self, reason: Said) -> None:
        super().__init__(reason)
        self.reason = reason


class NotWanted(Unsent):
    """The endpoint's projection gives nothing for this event."""


class Unsendable(Unsent):
    """The endpoint's form cannot be given to this event, now or later."""


def make_body(form: Form, event: Mapping[str, Any], names: Names = NO_NAMES) -> bytes:
    """The body for an event. Raises ``NotWanted`` and ``Unsendable``.

    ``event`` has the columns of the event's row; for a chat ``stub`` stands in where it was recorded without one,
    and ``names`` are those of the ticket's plan.
    """
    told = _told(event, internal=form.internal)
    if form.format == "standard":
        return orjson.dumps(_projected(form.projection, told) if form.projection else told)
    ticket = told["ticket"] or event.get("stub")
    return orjson.dumps(_CHATS[form.format](message(told, ticket, form.locale, names)))


def _told(event: Mapping[str, Any], *, internal: bool) -> dict[str, Any]:
    """The event's envelope; of a test that asks for an example, the example's, marked as no real event."""
    told = envelope(event, internal=internal)
    example = told["data"].get("event_type") if told["type"] == WebhookTest.type else None
    if not example:
        return told
    itself = {name: told[name] for name in ("id", "timestamp", "account_id", "actor")}
    shown = event_example(example) | itself | {"sandbox": True}
    return shown if internal else for_customers(shown)


def _projected(expression: str, told: dict[str, Any]) -> Any:
    try:
        result = _compiled(expression).apply(told, steps=MAX_STEPS, size=MAX_PROJECTED)
    except (BadProjection, ProjectionFailed) as error:
        raise Unsendable(_("The projection failed: {error}", error=error.reason)) from error
    if result is None or result is False:
        raise NotWanted(_("The projection gives null or false: this event is skipped"))
    return result


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Projection:
    return compile_projection(expression)
