"""What a plan document may leave out or write shorter, and what stands for it. Pure."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.plans.document.words import NAME_PATTERN


def filled(data: Any, defaults: dict[str, Any]) -> Any:
    """The data with the members that it leaves out; whatever is no object is left to the validator."""
    return defaults | data if isinstance(data, dict) else data


def without_default(schema: dict[str, Any]) -> None:
    """For a member whose default is filled in before it is looked at."""
    del schema["default"]


def key_in(value: Any, pattern: str) -> str | None:
    """A key that can stand for what is left out: a faulty one is a fault in its own place alone."""
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def text_of(key: str | None) -> dict[str, str] | None:
    """A key in the place of a text."""
    return {"en": key} if key else None


@dataclass(frozen=True)
class OrShort:
    """In the JSON Schema of what is written, a short form may stand in the place of the long one."""

    short: JsonSchemaValue

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        return schema if handler.mode == "serialization" else {"anyOf": [self.short, schema]}


def priority_key(priorities: Any, place: int) -> str | None:
    """The key of the priority in this place of the list, where there is one and it has one."""
    entry = priorities[place] if isinstance(priorities, list) and priorities else None
    return key_in(entry.get("key") if isinstance(entry, dict) else entry, NAME_PATTERN)


def reviewed(value: Any, priorities: Any) -> Any:
    """``true`` stands for the most urgent priority, ``false`` for none."""
    if not isinstance(value, bool):
        return value
    first = priority_key(priorities, 0)
    return [first] if value and first else []
