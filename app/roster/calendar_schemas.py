"""What is answered about calendars of shifts and the tokens that show them."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from app.core.schemas.shared import Document, Instant, id_pattern

CalendarTokenId = Annotated[str, StringConstraints(pattern=id_pattern("cat"))]
_TOKEN: Final[dict[str, Any]] = {"id": "cat_01k9z3v5q8e9rbn3wz4m6t7y2d", "created_at": "2026-11-20T20:30:00Z"}
_URL: Final = "https://heliodesk.example/v1/regions/emea/shifts.ics?token=hd_calendar_1f0c9b2e7a"
SHIFTS: Final = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Heliodesk//Shifts//EN\r
BEGIN:VEVENT\r
UID:eng_01k9z3v5q8e9rbn3wz4m6t7y2d-20261123T070000Z@heliodesk\r
DTSTAMP:20261120T203000Z\r
DTSTART:20261123T070000Z\r
DTEND:20261123T160000Z\r
SUMMARY:On shift\r
TRANSP:OPAQUE\r
END:VEVENT\r
END:VCALENDAR\r
"""
"""An example of a calendar."""


class CalendarToken(Document):
    """A token that shows a calendar of shifts; its address was shown once."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_TOKEN]})

    id: CalendarTokenId
    created_at: Instant


class CalendarTokenWithUrl(CalendarToken):
    """A new token, with the address for a calendar app."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOKEN | {"url": _URL}]})

    url: str | SkipJsonSchema[None] = Field(
        None, description="Shown this once; a replay of the request does not have it"
    )
