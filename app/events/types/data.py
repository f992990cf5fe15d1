"""What every event's ``data`` has in common: its base, and how it is cut to size. Pure."""

from typing import Any, ClassVar, Final, Literal, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue

BODY_LIMIT: Final = 8 * 1024
"""The most bytes of a text in an event; a longer one is cut, and the event is marked ``truncated``."""
DATA_LIMIT: Final = 16 * 1024
"""The most bytes of an event's ``data`` as JSON, so that with its envelope it stays under 20 KB."""


DISPLAY_NAME: Any = Field(
    None, description="For support, where the engineer has chosen a name for customers: they see this as the name"
)
Notified: TypeAlias = list[dict[str, JsonValue]]
"""Who at the vendor hears of it: to support by name and address, to customers by role."""
Unreachable: TypeAlias = list[Literal["manager", "tam"]]
"""Roles of whom nobody hears of it."""


class EventData(BaseModel):
    """Base of every event's ``data``."""

    model_config = ConfigDict(populate_by_name=True, frozen=True)

    type: ClassVar[str]
    audience: ClassVar[str] = "public"


class TextEvent(EventData):
    """An event with texts of people, which may be long."""

    truncated: bool = Field(False, description="Whether texts are cut: the API has them in full")


class NotifyingEvent(EventData):
    """An event of which people at the vendor are notified."""

    notified: Notified = Field(
        [],
        description="Who is notified: contacts of the account by their roles and, for a manager whom it does not have, "
        "the operator's `escalation_contact`. Customers see only the roles",
    )
    unreachable: Unreachable = Field([], description="Roles that were to be notified, and for which there is nobody")


class ChangeEvent(TextEvent):
    """Something is another than it was, with the reason where there is one."""

    before: JsonValue = Field(alias="from")
    after: JsonValue = Field(alias="to")
    reason: str | None = None


def dump(data: EventData) -> dict[str, Any]:
    """The JSON object of an event's ``data``, by the names that the contract uses.

    Texts are cut to ``BODY_LIMIT``, and further, the longest first, until the whole is within ``DATA_LIMIT``.
    """
    return fitted(data.model_dump(by_alias=True))


def fitted(document: dict[str, Any]) -> dict[str, Any]:
    """``data`` as JSON, cut as ``dump`` says."""
    if _size(document) <= BODY_LIMIT:
        return document
    limit, short = BODY_LIMIT, _cut(document, BODY_LIMIT)
    while _size(short) > DATA_LIMIT and limit:
        limit //= 2
        short = _cut(document, limit)
    return document if short == document else short | {"truncated": True}


def _size(document: dict[str, Any]) -> int:
    return len(orjson.dumps(document))


def _cut(value: Any, limit: int) -> Any:
    """The JSON value with every text cut to ``limit`` bytes of UTF-8."""
    if isinstance(value, str):
        return value.encode()[:limit].decode(errors="ignore")
    if isinstance(value, dict):
        return {name: _cut(part, limit) for name, part in value.items()}
    return [_cut(part, limit) for part in value] if isinstance(value, list) else value
