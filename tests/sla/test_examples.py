"""The worked examples of the rules, through the clock, with the plans that ship. Local time in New York."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files

import pytest

from app.plans.document.calendars import compile_calendars
from app.plans.document.parsing.documents import parse_yaml
from app.sla.clock.changes import Change, Message, Priority, Status
from app.sla.clock.clock import catch_up, fold, open_clock
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Terms
from app.sla.promises import terms_of
from tests.support.days import FRI, MON, SAT, SUN_BACK, THU, TUE, ZONE, local


def terms(plan: str, *addons: str) -> Terms:
    document = parse_yaml((files("app.plans") / "builtin" / f"{plan}.yaml").read_text())
    return terms_of(document, compile_calendars(document, ZONE), addons)


def cycles(
    plan: Terms, priority: str, metric: str, opened: str, changes: Sequence[Change], until: str = ""
) -> list[Deadline]:
    """The cycles of a metric, of a ticket that has caught up to ``until``, or else as the last change left it."""
    clock = fold(open_clock(plan, local(opened), priority).clock, changes).clock
    clock = catch_up(clock, local(until) if until else clock.last_at).clock
    return [deadline for deadline in clock.deadlines if deadline.metric == metric]


def answered(at: str) -> Message:
    return Message(local(at), "engineer")


def status(at: str, name: str) -> Status:
    return Status(local(at), name)


def set_to(at: str, priority: str) -> Priority:
    return Priority(local(at), priority)


@pytest.mark.parametrize(
    ("plan", "priority", "metric", "opened", "due"),
    [
        pytest.param("zmanda-standard", "P2", "first_response", f"{FRI}T15:30", "2026-11-23T09:30", id="1"),
        pytest.param("zmanda-standard", "P3", "first_response", "2026-11-23T09:00", "2026-11-23T17:00", id="2"),
        pytest.param("zmanda-standard", "P4", "first_response", f"{SAT}T12:00", "2026-11-25T14:00", id="3"),
        pytest.param(
            "wati-business-plus", "P1", "first_response", f"{SUN_BACK}T01:45", f"{SUN_BACK}T01:15 EST", id="4"
        ),
        pytest.param("wati-business-plus", "P3", "resolution", f"{SAT}T12:00", "2026-11-23T18:00", id="5"),
        pytest.param("wati-business-plus", "P3", "resolution", "2026-11-24T10:00", "2026-11-25T10:00", id="6"),
    ],
)
def test_an_opened_ticket_is_due(plan: str, priority: str, metric: str, opened: str, due: str) -> None:
    [deadline] = cycles(terms(plan), priority, metric, opened, [])
    assert deadline.due_at == local(due)


def test_7_updates_are_owed_from_the_opening_restart_with_the_answer_and_form_a_chain() -> None:
    plan = terms("itil-native")
    answer: list[Change] = [answered(f"{MON}T10:10")]
    [first] = cycles(plan, "critical", "update", f"{MON}T10:00", answer, f"{MON}T12:10")
    assert first.due_at == local(f"{MON}T12:10")
    first, second = cycles(plan, "critical", "update", f"{MON}T10:00", answer, f"{MON}T12:11")
    assert (first.state, second.cycle, second.due_at) == ("missed", 2, local(f"{MON}T14:10"))
    first, second = cycles(plan, "critical", "update", f"{MON}T10:00", [], f"{MON}T12:01")
    assert (first.state, first.due_at, second.due_at) == ("missed", local(f"{MON}T12:00"), local(f"{MON}T14:00"))


def test_8_a_tier_with_the_hybrid_add_on_waits_for_the_customer() -> None:
    changes: list[Change] = [
        answered(f"{MON}T11:00"),
        status(f"{MON}T11:00", "waiting_on_customer"),
        status(f"{MON}T13:00", "open"),
    ]
    opened = f"{MON}T10:00"
    [tier] = cycles(terms("itil-native", "hybrid"), "high", "tier_escalation", opened, changes)
    assert tier.due_at == local(f"{MON}T20:00")
    [managed] = cycles(terms("itil-native"), "high", "tier_escalation", opened, changes)
    assert managed.due_at == local(f"{MON}T20:00")


def resolution(priority: str, opened: str, *changes: Change, until: str = "") -> list[Deadline]:
    return cycles(terms("wati-business-plus"), priority, "resolution", opened, changes, until)


def test_9_a_raise_starts_the_new_target_in_full() -> None:
    [raised] = resolution("P4", f"{MON}T10:00", set_to(f"{MON}T15:00", "P1"))
    assert raised.due_at == local(f"{MON}T19:00")


def test_10_a_miss_raises_and_the_resolution_starts_again() -> None:
    first, second = resolution("P2", f"{MON}T10:00", until=f"{MON}T18:01")
    assert (first.state, first.missed_at, first.priority) == ("missed", local(f"{MON}T18:00"), "P2")
    assert (second.cycle, second.priority, second.due_at) == (2, "P1", local(f"{MON}T22:00"))


def test_11_lowered_and_raised_again_gains_only_the_minute() -> None:
    lowered, raised = set_to(f"{MON}T13:55", "P2"), set_to(f"{MON}T13:56", "P1")
    [opened] = resolution("P1", f"{MON}T10:00")
    [after_lowering] = resolution("P1", f"{MON}T10:00", lowered)
    [after_raising] = resolution("P1", f"{MON}T10:00", lowered, raised)
    assert [d.due_at for d in (opened, after_lowering, after_raising)] == [
        local(f"{MON}T14:00"),
        local(f"{MON}T18:00"),
        local(f"{MON}T14:01"),
    ]


def test_12_each_countdown_waits_on_its_own_calendar() -> None:
    raised = set_to(f"{FRI}T15:00", "P1")
    [before] = resolution("P3", f"{THU}T17:00", raised)
    assert before.due_at == local(f"{FRI}T17:00")
    waited = (
        answered(f"{FRI}T15:30"),
        status(f"{FRI}T15:30", "waiting_on_customer"),
        status(f"{FRI}T20:00", "open"),
    )
    [after] = resolution("P3", f"{THU}T17:00", raised, *waited)
    assert after.due_at == local(f"{FRI}T23:30")


def test_13_a_lowering_never_makes_due_earlier_nor_a_raise_later() -> None:
    raised, lowered = set_to(f"{TUE}T08:00", "P1"), set_to(f"{TUE}T09:00", "P2")
    for changes in ((raised,), (raised, lowered)):
        [deadline] = resolution("P3", f"{MON}T10:00", *changes)
        assert deadline.due_at == local(f"{TUE}T10:00")


def test_a_chosen_plan_has_its_miss_once_at_the_top() -> None:
    """At P1 nothing is higher: the resolution stays missed, without a second cycle (W4)."""
    [only] = resolution("P1", f"{MON}T10:00", until=f"{MON}T23:00")
    assert (only.state, only.ended_at, only.due_at) == ("missed", None, local(f"{MON}T10:00") + timedelta(hours=4))
