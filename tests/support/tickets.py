"""The ticket that tests open, and vary: ``TICKET | P1 | {"title": "Long"}``."""

from typing import Final

TICKET: Final = {
    "title": "Backups fail",
    "description": "No backup has succeeded since Thursday night.",
    "requester": {"name": "Ana Silva", "email": "ana@solar-roofs.example"},
}
P1: Final = {
    "priority": "P1",
    "business_impact": "No order can be taken",
    "priority_reason": "Every shop is down",
}
