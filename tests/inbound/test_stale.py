"""A resolve ends what it is about: the time that an alert fires now, and no later one."""

from typing import Any, Final

import pytest

from tests.inbound.conftest import Desk, MakeDesk
from tests.inbound.results import outcomes, statuses
from tests.support.actors import make_key
from tests.support.desk import fetch

BEGAN: Final = "2026-11-25T10:10:00Z"
STALE: Final = {"startsAt": "2026-11-25T10:00:00Z", "endsAt": "2026-11-25T10:05:00Z"}
NEVER: Final = "0001-01-01T00:00:00Z"
STRUCTURED: Final = {"Content-Type": "application/cloudevents+json"}


def alertmanager(status: str, *, name: str = "h1", **instants: Any) -> dict[str, Any]:
    one = {"status": status, "labels": {"alertname": name}, "fingerprint": name} | instants
    return {"version": "4", "groupKey": "g", "truncatedAlerts": 0, "status": status, "alerts": [one]}


def generic(status: str, **instants: Any) -> dict[str, Any]:
    return {"key": "disk", "title": "Disk", "status": status} | instants


def pagerduty(action: str, timestamp: str | None) -> dict[str, Any]:
    payload = {"summary": "Disk", "source": "h1", "severity": "error", "timestamp": timestamp}
    return {"event_action": action, "dedup_key": "disk", "payload": payload}


def event(status: str, number: int, time: str) -> dict[str, Any]:
    about = {"specversion": "1.0", "id": str(number), "source": "/m", "type": "disk", "time": time}
    return about | {"data": {"status": status}}


@pytest.mark.parametrize(
    ("path", "fires", "stale", "over"),
    [
        pytest.param(
            f"/{name}",
            alertmanager("firing", startsAt=BEGAN, endsAt=NEVER),
            alertmanager("resolved", **STALE),
            alertmanager("resolved", startsAt=BEGAN, endsAt="2026-11-25T10:15:00Z"),
            id=name,
        )
        for name in ("alertmanager", "grafana")
    ]
    + [
        pytest.param(
            "", generic("firing", starts_at=BEGAN), generic("ok", **STALE), generic("ok", ends_at=BEGAN), id="generic"
        ),
        pytest.param(
            "",
            generic("firing", starts_at=1_795_601_400),
            generic("ok", ends_at=1_795_601_399.5),
            generic("ok", ends_at="2026-11-25T10:10:00.000Z"),
            id="generic, in Unix time",
        ),
        pytest.param(
            "/v2/enqueue",
            pagerduty("trigger", BEGAN),
            pagerduty("resolve", "2026-11-25T11:09:59.999999999+01:00"),
            pagerduty("resolve", None),
            id="pagerduty",
        ),
        pytest.param(
            "/cloudevents",
            event("firing", 1, BEGAN),
            event("ok", 2, "2026-11-25T10:09:00Z"),
            event("ok", 3, "2026-11-25T10:11:00Z"),
            id="cloudevents",
        ),
    ],
)
@pytest.mark.parametrize("per", ["alert", "group"])
async def test_a_resolve_that_ended_before_what_fires_began_is_outdated(
    desk: Desk, path: str, fires: Any, stale: Any, over: Any, per: str
) -> None:
    await desk.change(ticket_per=per, expressions={"key": "source"} if path == "/cloudevents" else {})
    headers = desk.key | (STRUCTURED if path == "/cloudevents" else {})
    assert outcomes(await desk.post(fires, path, headers)) == ["started"]
    receipt = await desk.post(stale, path, headers)
    assert (receipt["state"], outcomes(receipt), receipt["tickets"]) == ("ignored", ["outdated"], [])
    (ticket,) = await desk.tickets()
    assert ticket["status"] == "new"
    assert await desk.messages(ticket["id"]) == []
    assert outcomes(await desk.post(over, path, headers)) == ["resolved"]
    assert statuses(await desk.tickets()) == ["resolved"]


@pytest.mark.parametrize(
    "instants",
    [
        {"startsAt": "2026-11-25T11:10:00+01:00", "endsAt": "2026-11-25T10:05:00Z"},
        {"startsAt": "2026-11-25T10:00:00Z", "endsAt": "2026-11-25T10:12:00Z"},
        {"startsAt": "2026-11-25T10:00:00Z", "endsAt": BEGAN},
        {"startsAt": "2026-11-25T10:00:00Z"},
        {"startsAt": "2026-11-25T10:00:00Z", "endsAt": None},
        {"startsAt": "2026-11-25T10:00:00Z", "endsAt": NEVER},
        {"startsAt": "2026-11-25T10:00:00Z", "endsAt": "soon"},
        {"startsAt": NEVER, "endsAt": "2026-11-25T10:12:00Z"},
        {},
    ],
    ids=[
        "the same start",
        "an earlier start that ends later",
        "an end at the start",
        "no end",
        "an end of null",
        "an end in year 1",
        "an end that is no instant",
        "a start in year 1",
        "nothing",
    ],
)
async def test_any_other_resolve_ends_what_fires(desk: Desk, instants: dict[str, Any]) -> None:
    await desk.post(alertmanager("firing", startsAt=BEGAN, endsAt=NEVER), "/alertmanager")
    receipt = await desk.post(alertmanager("resolved", **instants), "/alertmanager")
    assert outcomes(receipt) == ["resolved"]
    assert statuses(await desk.tickets()) == ["resolved"]


async def test_a_group_goes_on_while_one_of_its_alerts_fires_anew(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    await desk.make(ticket_per="group")
    for name in ("h1", "h2"):
        await desk.post(alertmanager("firing", name=name, startsAt="2026-11-25T10:00:00Z"), "/alertmanager")
    await desk.post(alertmanager("firing", name="h1", startsAt=BEGAN), "/alertmanager")
    both = alertmanager("resolved", name="h1", **STALE)
    both["alerts"] += alertmanager("resolved", name="h2", **STALE)["alerts"]
    assert outcomes(await desk.post(both, "/alertmanager")) == ["outdated", "resolved"]
    assert statuses(await desk.tickets()) == ["new"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T11:10:00+01:00",
        "2026-11-25T10:10:00.000000000Z",
        "2026-11-25t10:10:00z",
        "2026-11-25T05:10:00-0500",
    ],
)
@pytest.mark.parametrize("stored", [BEGAN, "2026-11-25T12:10:00.0+02:00"])
async def test_the_same_start_in_other_words_is_no_restart(desk: Desk, text: str, stored: str) -> None:
    """``stored``: any text that an earlier version may have remembered."""
    await desk.post(alertmanager("firing", startsAt=BEGAN), "/alertmanager")
    await fetch(desk.sessions, "UPDATE incident_alerts SET starts_at = $1", stored)
    again = alertmanager("firing", startsAt=text)
    assert outcomes(await desk.post(again, "/alertmanager")) == ["repeated"]
    (ticket,) = await desk.tickets()
    assert await desk.messages(ticket["id"]) == []
    agent = await make_key(desk.sessions, "agent")
    for body in ({"body": "Mended", "author": {"kind": "automation"}}, {}):
        path = "messages" if body else "status"
        given = body or {"status": "resolved"}
        answer = await desk.client.post(f"/v1/tickets/{ticket['id']}/{path}", json=given, headers=agent)
        assert answer.is_success, answer.text
    assert outcomes(await desk.post(again, "/alertmanager")) == ["repeated"]
    assert statuses(await desk.tickets()) == ["resolved"]


async def test_a_later_start_is_a_restart_and_an_earlier_one_is_not(desk: Desk) -> None:
    for starts_at, outcome in (
        (BEGAN, "started"),
        ("2026-11-25T12:09:00+02:00", "repeated"),
        ("2026-11-25T11:10:00.000000001+01:00", "restarted"),
        (BEGAN, "repeated"),
        (None, "repeated"),
    ):
        body = alertmanager("firing", startsAt=starts_at)
        assert outcomes(await desk.post(body, "/alertmanager")) == [outcome], starts_at


async def test_a_trigger_of_pagerduty_told_again_later_is_no_restart_and_outlives_older_resolves(desk: Desk) -> None:
    for action, timestamp, outcome in (
        ("trigger", "2026-11-25T10:00:00Z", "started"),
        ("trigger", BEGAN, "repeated"),
        ("resolve", "2026-11-25T10:05:00Z", "outdated"),
        ("resolve", "2026-11-25T10:11:00Z", "resolved"),
    ):
        assert outcomes(await desk.post(pagerduty(action, timestamp), "/v2/enqueue")) == [outcome]


@pytest.mark.parametrize(
    ("path", "fires", "over", "again"),
    [
        pytest.param(
            "/alertmanager",
            alertmanager("firing", startsAt=BEGAN, endsAt=NEVER),
            alertmanager("resolved", startsAt="2026-11-25T11:10:00+01:00", endsAt="2026-11-25T10:15:00Z"),
            alertmanager("firing", startsAt="2026-11-25T10:20:00Z"),
            id="alertmanager",
        ),
        pytest.param(
            "",
            generic("firing", starts_at=BEGAN),
            generic("ok", ends_at="2026-11-25T10:15:00Z"),
            generic("firing", starts_at="2026-11-25T10:20:00Z"),
            id="generic",
        ),
        pytest.param(
            "/v2/enqueue",
            pagerduty("trigger", BEGAN),
            pagerduty("resolve", "2026-11-25T10:15:00Z"),
            pagerduty("trigger", "2026-11-25T10:20:00Z"),
            id="pagerduty",
        ),
    ],
)
@pytest.mark.parametrize("before", ["fired", "silent"])
async def test_a_firing_that_its_own_resolve_overtook_opens_nothing_and_one_of_a_later_start_does(
    desk: Desk, path: str, fires: Any, over: Any, again: Any, before: str
) -> None:
    if before == "fired":
        assert outcomes(await desk.post(fires, path)) == ["started"]
    assert outcomes(await desk.post(over, path)) == ["resolved" if before == "fired" else "unknown"]
    late = await desk.post(fires, path)
    assert (late["state"], outcomes(late), late["tickets"]) == ("ignored", ["outdated"], [])
    assert statuses(await desk.tickets()) == ["resolved"] * (before == "fired")
    assert outcomes(await desk.post(again, path)) == ["started"]


async def test_an_alert_that_is_told_with_its_first_start_after_the_window_fires(desk: Desk) -> None:
    await desk.change(grouping_window="PT0S")
    await desk.post(alertmanager("resolved", startsAt=BEGAN, endsAt="2026-11-25T10:15:00Z"), "/alertmanager")
    found = await desk.post(alertmanager("firing", startsAt=BEGAN), "/alertmanager")
    assert outcomes(found) == ["started"]


async def test_a_start_that_is_no_instant_hides_no_alert(desk: Desk) -> None:
    for status, outcome in (("firing", "started"), ("ok", "resolved"), ("firing", "started")):
        assert outcomes(await desk.post(generic(status, starts_at="today"))) == [outcome]
