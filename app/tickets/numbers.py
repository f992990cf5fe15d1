"""A ticket's number as a path or a query names it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.problems import invalid_value
from app.core.text.messages import _
from app.tickets.wording import as_number


def _number(value: str) -> str:
    number = as_number(value)
    if number is None:
        raise invalid_value("ticket_number", _("A ticket's number looks like K7M-3QP"))
    return number


TicketNumber = Annotated[
    str,
    AfterValidator(_number),
    Field(examples=["K7M-3QP"], json_schema_extra={"pattern": "^[0-9A-TV-Za-tv-z]{3}[- ]?[0-9A-TV-Za-tv-z]{3}$"}),
]
"""A ticket's number as a person types it; becomes the number as it is stored."""
