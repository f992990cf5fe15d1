"""Regions and experts of a story's sandbox account, and who owned a ticket when, by its events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.calendars.hours import WEEKDAYS
from tests.support.actors import make_engineer, make_key, make_region
from tests.support.stories import Caller, Story

SUN: Final = {
    "apac": ("Asia/Singapore", "08:00", "17:00"),
    "emea": ("Europe/Warsaw", "08:00", "18:00"),
    "americas": ("America/Los_Angeles", "09:00", "18:00"),
}
"""Regions in the order of the sun, and their hours: somebody is always there."""


@dataclass(frozen=True, slots=True)
class Expert:
    """An engineer of the story with a key."""

    id: str
    caller: Caller


def daily(zone: str, opens: str, closes: str) -> dict[str, Any]:
    """A calendar with the same hours every day."""
    return {"time_zone": zone, "weekly": {day: [[opens, closes]] for day in WEEKDAYS}}


async def add_regions(story: Story) -> None:
    """The three regions of ``SUN``."""
    for place, (key, hours) in enumerate(SUN.items()):
        calendar = daily(*hours)
        await make_region(story.sessions, key=key, place=place, calendar=calendar, account_id=_owner(story))


async def add_expert(story: Story, name: str, **fields: Any) -> Expert:
    """An engineer of the account's own, if it is a sandbox."""
    given = {"name": name, "email": f"{name.lower()}@example.com", "account_id": _owner(story)} | fields
    made = await make_engineer(story.sessions, **given)
    key = await make_key(story.sessions, "agent", engineer_id=made.id)
    return Expert(made.id, Caller(story.customer.client, key))


def _owner(story: Story) -> str | None:
    return story.account.account_id if story.account.sandbox_now else None


async def advance(story: Story, **how: Any) -> Any:
    """Move the sandbox's clock."""
    return await story.advance(**how)


def owners(events: list[Any]) -> list[tuple[datetime, str | None]]:
    """From when on who owned the ticket."""
    found: list[tuple[datetime, str | None]] = []
    for event in events:
        at = datetime.fromisoformat(event["timestamp"])
        if event["type"] == "ticket.assigned":
            found.append((at, event["data"]["to"]))
        elif event["type"] == "ticket.handed_over":
            found.append((at, event["data"]["to"]["engineer_id"]))
    return found


def owner_at(spans: list[tuple[datetime, str | None]], now: datetime) -> str | None:
    """Who owned it then."""
    return next((engineer for at, engineer in reversed(spans) if at <= now), None)


MINUTE: Final = timedelta(minutes=1)
