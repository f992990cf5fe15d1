"""When digests are due, and of whose accounts. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.zones import load_zone

_MORNING: Final = time(8)
WEEK: Final = timedelta(days=7)
LATEST: Final = timedelta(days=1)
"""How late a digest may be sent: by then, what it says of Monday is no news."""
_EARLIEST_ZONE, _LATEST_ZONE = timedelta(hours=14), timedelta(hours=-12)
"""How far local times are from UTC."""


@dataclass(frozen=True, slots=True)
class Managed:
    """An account that has a technical account manager."""

    account_id: str
    name: str
    time_zone: str
    locale: str
    tam: dict[str, Any]

    @property
    def address(self) -> str:
        """By which its manager is known."""
        return str(self.tam["email"]).lower()


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The accounts of one technical account manager, the oldest first."""

    tam: str
    accounts: Sequence[Managed]

    @property
    def time_zone(self) -> str:
        """Where most of the accounts are; of several such zones, that of the oldest account."""
        return Counter(account.time_zone for account in self.accounts).most_common(1)[0][0]


def portfolios(accounts: Iterable[Managed]) -> list[Portfolio]:
    """The accounts by their managers."""
    found: dict[str, list[Managed]] = {}
    for account in accounts:
        found.setdefault(account.address, []).append(account)
    return [Portfolio(tam, each) for tam, each in found.items()]


def last_due(now: datetime, zone: ZoneInfo) -> datetime:
    """The last Monday morning in this zone, up to and with ``now``."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    at = _morning(monday, zone)
    return at if at <= now else _morning(monday - WEEK, zone)


def due_between(after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The Monday mornings in this zone after one instant, up to and with another."""
    at = last_due(after, zone)
    while (at := _morning(at.astimezone(zone).date() + WEEK, zone)) <= until:
        yield at


def week_of(due: datetime, zone: ZoneInfo) -> date:
    """The Monday that a due instant is on."""
    return due.astimezone(zone).date()


def may_be_due(now: datetime) -> bool:
    """Whether a digest may be due anywhere in the world."""
    first, last = now + _LATEST_ZONE - LATEST, now + _EARLIEST_ZONE
    return any((first + timedelta(days=day)).weekday() == 0 for day in range((last - first).days + 2))


def due_now(portfolio: Portfolio, now: datetime) -> date | None:
    """The week whose digest is due; None outside the day on which one is sent."""
    zone = load_zone(portfolio.time_zone)
    due = last_due(now, zone)
    return week_of(due, zone) if now < due + LATEST else None


def _morning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, _MORNING, zone).astimezone(load_zone("UTC"))
