"""A roster and its tickets in memory, for tests of what the dispatcher decides."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.calendars.hours import ALWAYS, Calendar, CalendarSpec
from app.events.people import Person
from app.roster.choose import Expert
from app.tickets.editing.clock import catch_up
from app.tickets.editing.edit import TicketEdit
from app.tickets.staffing.dispatcher import Dispatcher
from app.tickets.staffing.route import Route, is_to_do, route_of
from app.tickets.staffing.staff import Staff
from tests.support.works import plan_of, work_of

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
TICK: Final = timedelta(microseconds=1)
PLAN: Final = plan_of()


def daily(opens: int, closes: int) -> Calendar:
    return Calendar(CalendarSpec("UTC", dict.fromkeys(range(7), ((opens * 60, closes * 60),))))


def expert(name: str, **fields: Any) -> Expert:
    return replace(Expert(name, ALWAYS), **fields)


@dataclass
class Desk:
    """A roster and all of its tickets; each restaffing is what one transaction decides."""

    experts: dict[str, Expert]
    works: list[TicketEdit] = field(default_factory=list)

    def restaff(self, now: datetime, *works: TicketEdit) -> None:
        staff = Staff(now, self.experts, ("apac", "emea"), {name: Person(name) for name in self.experts})
        for work in works:
            work.now = max(work.now, now)
        for _ in Dispatcher(staff).run(works, self.works):
            pass
        self.experts = staff.experts

    def open(self, name: str, now: datetime = NOON, **fields: Any) -> TicketEdit:
        work = work_of(name, now, **{"plan": PLAN} | fields)
        self.works.append(work)
        self.restaff(now, work)
        return work

    def end(self, work: TicketEdit, now: datetime) -> None:
        work.now, work.ticket.status = now, "resolved"
        work.clock = replace(work.clock, status="resolved", deadlines=())
        self.restaff(now, work)

    def step(self, until: datetime) -> datetime | None:
        """Let the next thing that is due by itself happen, and see to experts as the sweep does; when, if by then."""
        turns = [(firing.until, work.ticket.id, work) for work in self.works if (firing := work.next_firing())]
        if not turns or min(turns)[0] > until:
            return None
        at, _, work = min(turns)
        work.now = at
        catch_up(work)
        if is_to_do(work):
            self.restaff(at, work)
        return at

    def pass_time(self, until: datetime) -> None:
        while self.step(until):
            pass


def desk(*experts: Expert) -> Desk:
    return Desk({one.id: one for one in experts})


def routed(work: TicketEdit) -> Route:
    route = route_of(work.ticket)
    assert route
    return route


def told(work: TicketEdit, kind: str) -> list[tuple[datetime, Any]]:
    return [(event.at, event.data) for event in work.events if event.data.type == kind]


def paged(work: TicketEdit) -> list[tuple[str, str]]:
    """Whom the ticket has paged, and when."""
    return [(f"{at:%H:%M}", data.engineer_id) for at, data in told(work, "expert.alerted")]


def state(work: TicketEdit) -> tuple[str, str | None, str | None]:
    route = routed(work)
    return route.state, work.ticket.assignee_id, route.reason
