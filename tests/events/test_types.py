import orjson
import pytest

from app.events.types import (
    EVENTS,
    INTERNAL_METRICS,
    CallDeclined,
    DeadlineCancelled,
    EventData,
    MessagePosted,
    TicketPriorityChanged,
    TicketUpdated,
    audience_of,
)
from app.events.types.data import BODY_LIMIT, DATA_LIMIT, dump
from app.sla.clock.terms import METRICS


def all_types(kind: type[EventData]) -> set[type[EventData]]:
    below = {kind} if "type" in kind.__dict__ else set()
    return below.union(*map(all_types, kind.__subclasses__()))


def message(body: str, visibility: str = "public") -> MessagePosted:
    return MessagePosted(
        message_id="msg_1", author={"kind": "customer"}, visibility=visibility, channel=None, body=body
    )


def test_every_event_is_published_once_and_says_what_it_means() -> None:
    assert set(EVENTS) == all_types(EventData)
    assert len({kind.type for kind in EVENTS}) == len(EVENTS)
    assert all((kind.__doc__ or "").endswith(".") and kind.__doc__ != EventData.__doc__ for kind in EVENTS)


@pytest.mark.parametrize("metric", METRICS)
def test_deadlines_of_supports_own_work_are_internal(metric: str) -> None:
    data = DeadlineCancelled(
        deadline_id="ddl_1", metric=metric, cycle=1, priority="P1", subject=None, due_at=None, reason="resolved"
    )
    assert audience_of(data) == ("internal" if metric in INTERNAL_METRICS else "public")
    assert {"escalation_ack", "alert_ack"} == INTERNAL_METRICS


def test_a_messages_audience_is_its_visibility() -> None:
    assert [audience_of(message("Hi", each)) for each in ("public", "internal")] == ["public", "internal"]


def test_a_body_of_8_kb_is_told_whole() -> None:
    whole = dump(message("x" * BODY_LIMIT))
    assert (len(whole["body"]), whole["truncated"]) == (BODY_LIMIT, False)
    longer = dump(message("x" * (BODY_LIMIT + 1)))
    assert (len(longer["body"]), longer["truncated"]) == (BODY_LIMIT, True)


def test_a_cut_breaks_no_character() -> None:
    body = "a" + "ż" * BODY_LIMIT
    told = dump(message(body))["body"]
    assert body.startswith(told)
    assert len(told.encode()) == BODY_LIMIT - 1


@pytest.mark.parametrize("character", ["x", "ż", "𝄞", '"', "\n", "\x01", "\u2028"])
def test_data_stays_small_whatever_the_texts_are(character: str) -> None:
    fields = {
        "description": character * 50_000,
        "tags": [character * 100] * 50,
        "custom": {f"{number:02}" + character * 38: character * 2000 for number in range(50)},
    }
    reason = character * 5000
    for data in (
        message(character * 50_000),
        TicketUpdated(fields=fields),
        TicketPriorityChanged(before="P2", after="P1", reason=reason, source="override", notified=[]),
        CallDeclined(call_id="cal_1", provider="custom", reason=reason, assignee_id=None),
    ):
        told = dump(data)
        assert len(orjson.dumps(told)) <= DATA_LIMIT
        assert told["truncated"] == (told != data.model_dump(by_alias=True))


def test_only_the_longest_texts_are_cut() -> None:
    told = dump(TicketUpdated(fields={"title": "Short", "description": "\x01" * 50_000}))
    assert told["fields"]["title"] == "Short"
    assert 0 < len(told["fields"]["description"]) < BODY_LIMIT
