"""The promise behind a ticket's pins, compiled once in a process (C14)."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import memory_of
from app.plans import store
from app.plans.document.model import PlanDocument
from app.sla.clock.terms import Terms
from app.sla.pins import Pins
from app.sla.promises import terms_of


@dataclass(frozen=True, slots=True)
class Promise:
    """The plan document, and its terms for one combination of pins."""

    document: PlanDocument
    terms: Terms


async def promise_of(session: AsyncSession, pins: Pins) -> Promise:
    """The promise behind ``pins``: compiled once in a process, then remembered."""
    memory = memory_of(session)
    known = memory.recall(Promise, pins)
    if known is not None:
        return known
    document = await store.document(session, memory, pins.plan_key, pins.plan_version)
    calendars = await store.calendars(
        session,
        memory,
        key=pins.plan_key,
        version=pins.plan_version,
        zone=pins.time_zone,
        holiday_set=pins.holiday_set,
    )
    return memory.keep(pins, Promise(document, terms_of(document, calendars, pins.addons)))
