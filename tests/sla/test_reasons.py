"""What a plan version that is applied changes for a metric (C14)."""

from dataclasses import fields, replace
from datetime import date

import pytest

from app.calendars.hours import ALWAYS, CalendarSpec, compile_calendar
from app.sla.clock.terms import Terms
from app.sla.reasons import differences
from tests.sla.kit import OFFICE, TERMS, plan, row, within

WEEK = OFFICE.spec.weekly
MADRID = compile_calendar(CalendarSpec("Europe/Madrid", WEEK))
CLOSED = compile_calendar(CalendarSpec("UTC", WEEK, frozenset({date(2026, 6, 2)})))
SHORT = compile_calendar(CalendarSpec("UTC", dict.fromkeys(range(5), ((9 * 60, 12 * 60),))))
OFFICE_HOURS = plan(update=row(P1=within(3, OFFICE), P2=within(6, OFFICE)))

COMPARED = {"targets", "pauses", "tiers", "top_manager"}
MOVES_NOTHING = {"warn_at", "on_miss", "acknowledge", "close_after", "updates_from_opening", "waiting"}


def test_c14_every_term_that_moves_a_deadline_is_compared() -> None:
    assert {field.name for field in fields(Terms)} == {"priorities"} | COMPARED | MOVES_NOTHING


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (OFFICE_HOURS, ["time_zone_database"]),
        (plan(update=row(P1=within(2, OFFICE), P2=within(6, OFFICE))), ["time_zone_database"]),  # more urgent than P2
        (plan(update=row(P1=within(3, OFFICE), P2=within(5, OFFICE))), ["target"]),
        (plan(update=row(P1=within(3, OFFICE), P2=within(6, OFFICE), P3=9)), ["target"]),
        (plan(update=row(P1=within(3, OFFICE))), ["target"]),
        (plan(update=row(P2=within(6, MADRID))), ["time_zone"]),
        (plan(update=row(P2=within(6, CLOSED))), ["holidays"]),
        (plan(update=row(P2=within(6, SHORT))), ["hours"]),
        (plan(update=row(P2=within(6, ALWAYS))), ["hours"]),
        (plan(update=row(P2=within(5, MADRID))), ["target", "time_zone"]),
        (replace(OFFICE_HOURS, pauses={}), ["pauses"]),
        (replace(OFFICE_HOURS, tiers=1), ["time_zone_database"]),
    ],
)
def test_c14_what_is_different_is_named(after: Terms, expected: list[str]) -> None:
    assert differences("update", "P2", OFFICE_HOURS, after, {}) == expected


def test_c14_a_renamed_priority_is_the_same_promise() -> None:
    renamed = replace(
        OFFICE_HOURS, priorities=("P1", "normal"), targets={"update": {"normal": within(6, OFFICE), "P1": within(3)}}
    )
    assert differences("update", "normal", OFFICE_HOURS, renamed, {"P2": "normal"}) == ["time_zone_database"]


def test_c14_tiers_matter_to_their_own_clock() -> None:
    assert differences("tier_escalation", "P2", TERMS, replace(TERMS, tiers=1), {}) == ["tiers"]
