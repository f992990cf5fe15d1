"""The table of statuses, as the API shows it. Pure."""

from app.core.schemas.shared import Document
from app.tickets.schemas import Status


class StatusTransitions(Document):
    """To which statuses a status can change."""

    status: Status
    support: list[Status]
    customer: list[Status]


class StatusTable(Document):
    """All statuses."""

    items: list[StatusTransitions]
