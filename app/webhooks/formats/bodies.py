"""An event as the body of a request, in the form that its endpoint asks for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import orjson

from app.core.language import Language
from app.core.projection import BadProjection, Projection, ProjectionFailed, compile_projection
from app.events.envelope import envelope

Format: TypeAlias = Literal["standard"]

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


class NotWanted(Exception):
    """The endpoint's projection gives nothing for this event: it is not sent."""


class Unsendable(Exception):
    """The endpoint's form cannot be given to this event, now or later; the message says why, for its owner."""


def make_body(form: Form, event: Mapping[str, Any]) -> bytes:
    """The body for an event. Raises ``NotWanted`` and ``Unsendable``.

    ``event`` has the columns of the event's row and, for a chat, its ticket's ``number`` and ``title``.
    """
    told = envelope(event)
    return orjson.dumps(_projected(form.projection, told) if form.projection else told)


def _projected(expression: str, told: dict[str, Any]) -> Any:
    try:
        result = _compiled(expression).apply(told, steps=MAX_STEPS, size=MAX_PROJECTED)
    except (BadProjection, ProjectionFailed) as error:
        raise Unsendable(f"The projection failed: {error}") from error
    if result is None or result is False:
        raise NotWanted("The projection gives null or false: this event is not wanted")
    return result


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Projection:
    return compile_projection(expression)
