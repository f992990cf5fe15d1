"""Tickets under change that no database knows, for tests of what is decided in memory."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from app.core.auth import Actor
from app.plans.document.calendars import compile_calendars
from app.plans.document.parsing.documents import PlanDocument, parse, parse_yaml
from app.plans.store import BUILTIN
from app.sla.clock.changes import Answer
from app.sla.clock.clock import open_clock
from app.sla.promises import terms_of
from app.tickets.editing import expert_alert
from app.tickets.editing.clock import change_clock, take_step
from app.tickets.editing.edit import TicketEdit
from app.tickets.record import TicketRecord
from app.tickets.staffing.route import Route, route_of

MANAGER = {"name": "Mia Chen", "email": "mia@example.com"}
_ENGINEER = Actor("engineer", "eng_test")


def plan_of(shipped: str = "google-premium", **changes: Any) -> PlanDocument:
    """A shipped plan with some members replaced."""
    return _plan(shipped, orjson.dumps(changes))


@cache
def _plan(shipped: str, changes: bytes) -> PlanDocument:
    document = parse_yaml((BUILTIN / f"{shipped}.yaml").read_text(encoding="utf-8")).canonical()
    return parse(document | {"trial": None} | orjson.loads(changes))


def work_of(
    name: str, now: datetime, *, account: str = "acc_a", priority: str = "P1", plan: PlanDocument, **fields: Any
) -> TicketEdit:
    """A ticket that was opened at ``now``."""
    ticket = TicketRecord(
        account_id=account,
        id=name,
        number="K7M-3QP",
        title="Backups fail",
        description="Since Thursday",
        product=None,
        requester={"name": "Ana", "email": "ana@example.com"},
        channel="web",
        environment="production",
        impact=None,
        urgency=None,
        business_impact=None,
        priority_reason=None,
        priority=priority,
        priority_source="requested",
        matrix_priority=None,
        tags=[],
        custom={},
        external_ref=None,
        follow_up_of=None,
        call_link=None,
        region_lock=None,
        plan_key=plan.key,
        plan_version=1,
        plan_addons=[],
        time_zone="UTC",
        holiday_set=None,
        tz_database="",
        sandbox=False,
        opened_at=now,
        updated_at=now,
        clock={},
    )
    terms = terms_of(plan, compile_calendars(plan, "UTC", ()), ())
    step = open_clock(terms, now, priority)
    work = TicketEdit(ticket.replaced(**fields), step.clock, plan, {"manager": MANAGER}, now)
    take_step(work, step, _ENGINEER)
    return work


def answered(work: TicketEdit, *, accepted: bool, now: datetime) -> None:
    """The expert who was asked accepts or declines, as ``alerting`` has it, before the dispatcher looks at it."""
    work.now, route = now, route_of(work.ticket)
    assert route
    assert route.alert_id
    change_clock(work, Answer(now, "alert_ack", route.alert_id, "engineer"), _ENGINEER)
    expert_alert.end(work, route.alert_id, "accepted" if accepted else "declined")
    routing: Mapping[str, Any] = work.ticket.routing or {}
    engaged = Route("engaged", now, route.engineer_id, route.alert_id).document()
    work.ticket.routing = {**routing, **(engaged if accepted else {"state": "declined"})}
