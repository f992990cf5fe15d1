"""C18: what a ticket's events say is all that its clock was given. The events are made as use cases make them."""

from collections.abc import Iterable
from functools import singledispatchmethod
from typing import Any, Literal

import orjson
import pytest
from hypothesis import given

from app.accounts.principals import Acting
from app.calls.providers.provider import Link
from app.core.auth import Actor
from app.core.db.tables import Row
from app.events import types
from app.events.log import event_row
from app.plans.document.parsing.documents import parse_yaml
from app.plans.store import BUILTIN
from app.sla.clock.changes import Answer, Apply, Ask, Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock.clock import catch_up as catch_up_clock
from app.sla.clock.clock import fold, open_clock
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Terms
from app.sla.compiled import Promise
from app.sla.deadlines import clock_facts
from app.sla.history import history_of, pins_in
from app.sla.pins import Pins
from app.tickets.editing import calls
from app.tickets.editing.clock import catch_up, change_clock
from app.tickets.editing.messages import add_message
from app.tickets.rules import STATUSES, Assessment
from app.tickets.schemas import NewMessage, NewTicket
from app.tickets.usecases import open as opening
from tests.sla.changing import engineer, status, waiting
from tests.sla.histories import History, histories, thorough
from tests.sla.kit import OPENED, TERMS, Story, at
from tests.support.stories import TICKET

JAN = Actor("engineer", "eng_1", "Jan Nowak")
ANA = Actor("customer", "per_1", "Ana Silva")
BOT = Actor("automation", "key_1")
ACTORS = {"engineer": JAN, "customer": ANA, "automation": BOT}
GOOGLE = parse_yaml((BUILTIN / "google-premium.yaml").read_text(encoding="utf-8"))
NOBODY = opening.Customer(
    account_id="acc_1",
    plan="gold",
    product_plans={},
    addons=[],
    time_zone="UTC",
    holiday_set=None,
    trial_ends_at=None,
    call_link=None,
    call_provider=None,
    region_lock=None,
    manager={"name": "Mia Berg"},
    tam=None,
    locale="en",
    sandbox_now=None,
    now=OPENED,
    plan_versions=None,
)


class Desk:
    """A ticket without a database: use cases change it, and its events are as they would be stored."""

    def __init__(self, terms: Terms, priority: str) -> None:
        self.terms = {Pins("gold", 1, (), "UTC", None): terms}
        command = NewTicket.model_validate(TICKET)
        [pins], promise = self.terms, Promise(GOOGLE, terms)
        self.work = opening.begin(
            NOBODY, command, opening.Held(promise, pins), Assessment(priority, "requested", None), Acting(ANA, None)
        )

    def events(self) -> list[Row]:
        """The stored events, as JSON objects."""
        rows = [
            event_row(event, account_id="acc_1", ticket_id="tkt_1", sequence=number, sandbox=False)
            for number, event in enumerate(self.work.events, start=1)
        ]
        stored: list[Row] = orjson.loads(orjson.dumps(rows))
        return stored

    def do(self, change: Change) -> None:
        """Lock the ticket at the change's instant, and do what a use case does."""
        self.work.now = change.at
        catch_up(self.work)
        if self.work.ticket.status != "closed" and not self._is_nothing(change):
            self.use(change)

    def _is_nothing(self, change: Change) -> bool:
        """What use cases do not give to the clock: what is so already."""
        ticket = self.work.ticket
        if isinstance(change, Priority):
            return change.priority == ticket.priority
        if isinstance(change, Status):
            return change.status == ticket.status
        return isinstance(change, Tier) and change.tier == ticket.tier

    @singledispatchmethod
    def use(self, change: Change) -> None:
        raise TypeError(change)

    @use.register(Status)
    @use.register(Priority)
    @use.register(Tier)
    @use.register(Reopen)
    @use.register(Close)
    def _plain(self, change: Any) -> None:
        change_clock(self.work, change, ACTORS[getattr(change, "by", "engineer")])

    @use.register
    def _message(self, change: Message) -> None:
        visibility: Literal["public", "internal"] = "public" if change.public else "internal"
        by = ACTORS[change.author]
        add_message(self.work, by, by.document(), NewMessage(body="Hello", visibility=visibility))

    @use.register
    def _apply(self, change: Apply) -> None:
        before, after = list(self.terms)[-1], Pins("gold", len(self.terms) + 1, (), "UTC", None)
        self.terms[after] = change.terms
        pins = {"from": before.document(), "to": after.document()}
        self.work.tell(types.PlanApplied.model_validate(pins | {"priorities": change.mapping}), BOT)
        change_clock(self.work, change, BOT)

    @use.register
    def _ask(self, change: Ask) -> None:
        calls.make_ready(self.work, {"id": change.subject}, Link("custom", "https://meet.example.com/1"))

    @use.register
    def _answer(self, change: Answer) -> None:
        if change.metric == "escalation_ack":
            change_clock(self.work, Answer(change.at, "escalation_ack", change.subject, "engineer"), JAN)
            facts = {"escalation_id": "esc_1", "reason": "no_update", "subject": change.subject}
            self.work.tell(types.EscalationAcknowledged.model_validate(facts), JAN)
        elif change.cancel:
            calls._end(self.work, {"id": change.subject, "provider": "custom", "room": None}, JAN)
        else:
            change_clock(self.work, Answer(change.at, "call_join", change.subject, "customer"), JAN)
            self.work.tell(types.CallJoined(call_id=change.subject, participant="customer"), JAN)


@thorough
@given(histories)
def test_c18_folding_what_the_events_say_gives_the_same_clock(story: History) -> None:
    desk = Desk(story.terms, story.priority)
    for change in story.changes:
        desk.do(change)
    desk.work.now = story.until
    catch_up(desk.work)
    events = desk.events()
    assert pins_in(events) == list(desk.terms)
    read = history_of("tkt_1", events, desk.terms)
    opened = open_clock(desk.terms[read.opened_under], read.opened_at, read.priority).clock
    folded = catch_up_clock(fold(opened, read.changes).clock, story.until).clock
    assert by_key(folded.deadlines) == by_key(desk.work.deadlines)
    assert clock_facts(folded) == clock_facts(desk.work.clock)
    assert (folded.status, folded.priority, folded.tier) == _columns(desk)


def by_key(deadlines: Iterable[Deadline]) -> dict[tuple[str, str, int], Deadline]:
    return {(d.metric, d.subject, d.cycle): d for d in deadlines}


def _columns(desk: Desk) -> tuple[str, str, int]:
    return (desk.work.ticket.status, desk.work.ticket.priority, desk.work.ticket.tier)


REACH: dict[str, list[Change]] = {
    "new": [],
    "open": [engineer(1)],
    "waiting_on_customer": [engineer(1), waiting(1)],
    "mitigated": [engineer(1), status(1, "mitigated")],
    "resolved": [engineer(1), status(1, "resolved")],
    "closed": [status(1, "closed")],
}


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("author", ["engineer", "customer", "automation"])
def test_c18_a_status_that_followed_from_a_message_is_nothing_when_it_is_read_again(
    before: str,
    author: Literal["engineer", "customer", "automation"],
    *,
    public: bool,
) -> None:
    story = Story(TERMS, *REACH[before]).then(Message(at(2), author, public))
    again: Change = Reopen(at(2)) if before == "resolved" else Status(at(2), story.clock.status, author)
    if before == "resolved" and story.clock.status == "resolved":
        return  # nothing followed, so nothing was told
    step = fold(story.clock, [again])
    assert (step.clock, step.events) == (story.clock, ())


OPENING = {
    "type": "ticket.opened",
    "timestamp": OPENED.isoformat(),
    "actor": {"kind": "customer"},
    "data": {"priority": "P2", "plan": Pins("gold", 1, (), "UTC", None).document()},
}


def changes_of(kind: str, by: str, **data: Any) -> tuple[Change, ...]:
    event = {"type": kind, "timestamp": at(1).isoformat(), "actor": {"kind": by}, "data": data}
    return history_of("tkt_1", [OPENING, event], {Pins("gold", 1, (), "UTC", None): TERMS}).changes


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ticket.status_changed", {"from": "resolved", "to": "closed", "reason": "unanswered"}),
        ("ticket.priority_changed", {"from": "P2", "to": "P1", "reason": "missed"}),
        ("ticket.tier_changed", {"from": 1, "to": 2, "reason": None}),
    ],
)
def test_c18_what_the_clock_derives_is_no_input(kind: str, data: dict[str, Any]) -> None:
    assert changes_of(kind, "service", **data) == ()
    assert len(changes_of(kind, "automation", **data)) == 1


def test_a_merge_is_read_by_the_ticket_that_ends() -> None:
    assert changes_of("ticket.merged", "engineer", merged="tkt_1", into="tkt_2") == (Close(at(1), "merged"),)
    assert changes_of("ticket.merged", "engineer", merged="tkt_3", into="tkt_1") == ()


def test_what_nobody_vouches_for_is_told_to_no_clock_and_read_by_none() -> None:
    desk, forged = Desk(TERMS, "P1"), Actor("customer", name="Ana Silva", unconfirmed=True)
    clock = desk.work.clock
    add_message(desk.work, forged, forged.document(), NewMessage(body="Hello"))
    assert (desk.work.clock, desk.work.ticket.turns) == (clock, 0)
    assert isinstance(desk.work.events[-1].data, types.MessageUnconfirmed)
    told = desk.events()
    assert history_of("tkt_1", told, desk.terms).changes == ()
    recorded_before = [event for event in told if event["type"] != "message.unconfirmed"]
    assert len(history_of("tkt_1", recorded_before, desk.terms).changes) == 1, "that version did tell the clock"


def test_only_the_customers_joining_answers() -> None:
    assert changes_of("call.joined", "engineer", call_id="cal_1", participant="engineer") == ()
    joined = Answer(at(1), "call_join", "cal_1", "customer")
    assert changes_of("call.joined", "engineer", call_id="cal_1", participant="customer") == (joined,)


def test_a_history_begins_with_its_opening() -> None:
    with pytest.raises(ValueError, match=r"begins with ticket\.updated"):
        history_of("tkt_1", [OPENING | {"type": "ticket.updated"}], {})
