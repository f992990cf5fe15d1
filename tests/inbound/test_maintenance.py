"""Maintenance windows: what alerts open while one is open, and when it ends."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import orjson
import pytest

from app.inbound.background import windows
from app.inbound.background.windows import Ends
from app.inbound.decisions import Alert, Known, Setting, Thread
from app.inbound.formats.signal import Link, Signal
from app.inbound.maintenance import texts
from app.inbound.maintenance.silence import hold_back, signal_from, stored_form
from app.inbound.usecases import apply_decision
from app.inbound.usecases import windows as written
from app.inbound.usecases.apply_decision import act
from tests.inbound.conftest import Desk, MakeDesk
from tests.support.actors import Headers, make_engineer, make_key
from tests.support.desk import fetch, now_of
from tests.support.refusals import reached
from tests.support.tickets import TICKET

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTING: Final = Setting(NOW, NOW, window=timedelta(hours=1))
MINUTE: Final = timedelta(minutes=1)
WINDOWS: Final = "/v1/maintenance-windows"


def alert(key: str = "disk", status: str = "firing", **more: Any) -> dict[str, Any]:
    return {"key": key, "status": status, "title": f"{key} on h1"} | more


async def made(desk: Desk, status: int = 201, **fields: Any) -> Any:
    """A window of the account's, by default from now on for an hour."""
    now = await now_of(desk.sessions)
    span = {"starts_at": now.isoformat(), "ends_at": (now + 60 * MINUTE).isoformat()}
    answer = await desk.client.post(WINDOWS, json=span | fields, headers=desk.owner)
    assert answer.status_code == status, answer.text
    return answer.json()


async def post(desk: Desk, path: str, status: int = 200) -> Any:
    answer = await desk.client.post(path, headers=desk.owner)
    assert answer.status_code == status, answer.text
    return answer.json()


async def passed(desk: Desk) -> None:
    """A pass over the windows that are due."""
    await Ends(desk.sessions, desk.processor.quota).run_pass()


async def end(desk: Desk, window: Any) -> None:
    await post(desk, f"{WINDOWS}/{window['id']}/end")
    await passed(desk)


async def told(desk: Desk) -> list[tuple[str, Any]]:
    rows = await fetch(desk.sessions, "SELECT type, data FROM events WHERE type LIKE 'maintenance.%' ORDER BY position")
    return [(row["type"].partition(".")[2], row["data"]) for row in rows]


async def titles(desk: Desk) -> list[str]:
    return sorted(ticket["title"] for ticket in await desk.tickets())


async def test_customers_see_a_windows_author_by_the_name_that_is_for_them(desk: Desk) -> None:
    jan = await make_engineer(desk.sessions, name="Jan Nowak", display_name="Jan")
    by_jan = await make_key(desk.sessions, "agent", engineer_id=jan.id)
    by_robot = await make_key(desk.sessions, "agent", label="Robot in rack 7")
    for key in (by_jan, by_robot):
        now = await now_of(desk.sessions)
        span = {"starts_at": now.isoformat(), "ends_at": (now + MINUTE).isoformat()}
        made = await desk.client.post(WINDOWS, json=span | {"account_id": desk.account_id}, headers=key)
        assert made.status_code == 201, made.text
    supports = (await desk.client.get(WINDOWS, headers=by_jan)).json()["items"]
    assert {each["created_by"]["name"] for each in supports} == {"Jan Nowak", "Robot in rack 7"}
    seen = (await desk.client.get(WINDOWS, headers=desk.owner)).json()["items"]
    assert {each["created_by"]["kind"]: each["created_by"].get("name") for each in seen} == {
        "engineer": "Jan",
        "automation": None,
    }
    assert not any("display_name" in each["created_by"] for each in seen)
    one = (await desk.client.get(f"{WINDOWS}/{seen[0]['id']}", headers=desk.owner)).json()
    assert one["created_by"] == seen[0]["created_by"]


async def test_an_alert_in_a_window_is_kept_as_a_receipt_and_opens_at_its_end(desk: Desk) -> None:
    window = await made(desk, reason="Upgrade")
    assert window["state"] == "active"
    receipt = await desk.post(alert(starts_at="2026-11-20T21:30:00+01:00"))
    assert (receipt["state"], receipt["maintenance_window_id"], receipt["tickets"]) == ("silenced", window["id"], [])
    assert [signal["outcome"] for signal in receipt["signals"]] == ["silenced"]
    await passed(desk)
    assert await desk.tickets() == []
    await end(desk, window)
    (ticket,) = await desk.tickets()
    assert ticket["title"] == "disk on h1"
    assert "2026-11-20 20:30 UTC · disk on h1" in ticket["description"]
    (receipt,) = await desk.receipts()
    assert receipt["tickets"] == [{"ticket_id": ticket["id"], "action": "opened"}]
    (started, ended) = await told(desk)
    assert (started[0], ended[0]) == ("started", "ended")
    assert (ended[1]["window_id"], ended[1]["reason"], ended[1]["still_firing"]) == (window["id"], "Upgrade", 1)
    assert (await desk.post(alert(status="ok")))["tickets"] == [
        {"ticket_id": ticket["id"], "action": action} for action in ("notified", "resolved")
    ]


async def test_what_was_resolved_in_the_window_opens_nothing_however_often_it_fired(desk: Desk) -> None:
    window = await made(desk)
    for status in ("firing", "ok", "firing", "ok"):
        await desk.post(alert(status=status))
    await desk.post(alert("cpu"))
    await desk.post(alert("cpu", "ok"))
    await desk.post(alert("cpu"))
    await end(desk, window)
    assert await titles(desk) == ["cpu on h1"]
    assert await fetch(desk.sessions, "SELECT * FROM silenced_alerts") == []


async def test_an_alert_of_a_group_is_held_back_for_itself(desk: Desk) -> None:
    await desk.make(ticket_per="group", expressions={"group": "group"})
    window = await made(desk)
    for key, status in (("a", "firing"), ("b", "firing"), ("a", "ok")):
        await desk.post(alert(key, status, group="g"))
    await end(desk, window)
    (ticket,) = await desk.tickets()
    assert ticket["title"] == "b on h1"
    assert (await desk.post(alert("b", "ok", group="g")))["tickets"][-1]["action"] == "resolved"


async def test_a_ticket_that_was_open_before_goes_on(desk: Desk) -> None:
    before = await desk.post(alert())
    ticket_id = before["tickets"][0]["ticket_id"]
    window = await made(desk)
    changed = await desk.post(alert(text="Worse"))
    assert (changed["state"], changed["tickets"]) == ("processed", [{"ticket_id": ticket_id, "action": "notified"}])
    assert (await desk.post(alert("cpu")))["state"] == "silenced"
    assert (await desk.post(alert(status="ok")))["tickets"][-1] == {"ticket_id": ticket_id, "action": "resolved"}
    again = await desk.post(alert())
    assert (again["state"], again["tickets"]) == ("silenced", []), "the ticket is not reopened"
    await end(desk, window)
    (reopened, opened) = await desk.tickets()
    assert (reopened["id"], reopened["status"]) == (ticket_id, "open")
    assert opened["title"] == "cpu on h1"


async def test_a_ticket_of_a_person_opens_as_ever(desk: Desk) -> None:
    await made(desk)
    assert (await desk.client.post("/v1/tickets", json=TICKET, headers=desk.owner)).status_code == 201


async def test_overlapping_windows_open_at_the_end_of_the_last(desk: Desk) -> None:
    one, other = await made(desk), await made(desk, hook_id=desk.hook["id"])
    await desk.post(alert())
    await end(desk, one)
    assert await desk.tickets() == []
    assert (await told(desk))[-1][1]["still_firing"] == 0, "the other one holds it back"
    await end(desk, other)
    assert len(await desk.tickets()) == 1


async def test_a_window_silences_its_hook_or_product_alone(desk: Desk, make_desk: MakeDesk) -> None:
    await made(desk, 422, product="shop")
    await made(desk, 422, hook_id="hook_01k9z3v5q8e9rbn3wz4m6t7y2d")
    await desk.make(product="shop")
    by_product = await made(desk, product="shop")
    assert (await desk.post(alert()))["maintenance_window_id"] == by_product["id"]
    await desk.make()
    assert (await desk.post(alert()))["state"] == "processed"
    by_hook = await made(desk, hook_id=desk.hook["id"])
    assert (await desk.post(alert("cpu")))["maintenance_window_id"] == by_hook["id"]
    other = await make_desk()
    await other.make()
    assert (await other.post(alert()))["state"] == "processed"


async def test_a_window_to_come_silences_nothing_until_it_begins(desk: Desk) -> None:
    now = await now_of(desk.sessions)
    soon = (now + 30 * MINUTE).isoformat()
    window = await made(desk, starts_at=soon)
    assert window["state"] == "scheduled"
    assert (await desk.post(alert()))["state"] == "processed"
    assert await Ends(desk.sessions, desk.processor.quota).next_instant() == datetime.fromisoformat(soon)
    path = f"{WINDOWS}/{window['id']}"
    await post(desk, f"{path}/end", 409)
    moved = await desk.client.patch(path, json={"starts_at": now.isoformat()}, headers=desk.owner)
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    await passed(desk)
    shown = await desk.client.get(path, headers=desk.owner)
    assert shown.json()["state"] == "active"
    again = await desk.client.patch(path, json={"starts_at": soon}, headers=desk.owner)
    assert again.status_code == 409
    assert (await desk.client.delete(path, headers=desk.owner)).status_code == 204
    await passed(desk)
    assert [kind for kind, _ in await told(desk)] == ["started", "ended"]


async def test_a_window_that_is_cancelled_tells_and_silences_nothing(desk: Desk) -> None:
    now = await now_of(desk.sessions)
    window = await made(desk, starts_at=(now + MINUTE).isoformat())
    path = f"{WINDOWS}/{window['id']}"
    stale = desk.owner | {"If-Match": '"7"'}
    assert (await desk.client.delete(path, headers=stale)).status_code == 412
    assert (await desk.client.delete(path, headers=desk.owner)).status_code == 204
    assert (await desk.client.delete(path, headers=desk.owner)).status_code == 409
    (listed,) = (await desk.client.get(WINDOWS, headers=desk.owner)).json()["items"]
    assert listed["state"] == "cancelled"
    await fetch(desk.sessions, "UPDATE maintenance_windows SET starts_at = now() - interval '1 hour'")
    await passed(desk)
    assert await told(desk) == []
    assert (await desk.post(alert()))["state"] == "processed"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"ends_at": "2026-11-20T10:00:00"}, "/ends_at"),
        ({"ends_at": "2020-01-01T00:00:00Z", "starts_at": "2020-01-02T00:00:00Z"}, "/ends_at"),
        ({"ends_at": "2020-01-03T00:00:00Z", "starts_at": "2020-01-02T00:00:00Z"}, "/ends_at"),
        ({"ends_at": "2100-01-01T00:00:00Z"}, "/ends_at"),
    ],
    ids=["no offset", "ends before it starts", "is over", "too long"],
)
async def test_a_window_that_makes_no_sense_is_refused(desk: Desk, fields: dict[str, str], place: str) -> None:
    assert [fault["pointer"] for fault in (await made(desk, 422, **fields))["errors"]] == [place]


async def test_who_may_have_windows(desk: Desk, admin: Headers) -> None:
    viewer = await make_key(desk.sessions, account_id=desk.account_id, role="viewer")
    agent = await make_key(desk.sessions, "agent")
    now = await now_of(desk.sessions)
    body = {"starts_at": now.isoformat(), "ends_at": (now + MINUTE).isoformat(), "account_id": desk.account_id}
    answers = [await desk.client.post(WINDOWS, json=body, headers=key) for key in (viewer, agent, admin, desk.owner)]
    assert [answer.status_code for answer in answers] == [403, 201, 201, 201]


async def test_trying_says_what_would_be_held_back(desk: Desk) -> None:
    window = await made(desk)
    tried = await desk.client.post(f"/v1/hooks/{desk.hook['id']}/try", json={"payload": alert()}, headers=desk.owner)
    document = tried.json()
    assert (document["maintenance_window_id"], document["tickets"]) == (window["id"], [])
    assert [signal["outcome"] for signal in document["signals"]] == ["silenced"]
    assert await fetch(desk.sessions, "SELECT * FROM silenced_alerts") == []


async def test_each_happens_once_however_many_look_at_the_same_instant(desk: Desk) -> None:
    window = await made(desk)
    for key in "abc":
        await desk.post(alert(key))
    await post(desk, f"{WINDOWS}/{window['id']}/end")
    await asyncio.gather(*(passed(desk) for _ in range(4)))
    await passed(desk)
    assert await titles(desk) == ["a on h1", "b on h1", "c on h1"]
    assert [kind for kind, _ in await told(desk)] == ["started", "ended"]


async def test_what_a_death_leaves_undone_is_done_by_the_next_pass(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    window = await made(desk)
    await desk.post(alert())
    await post(desk, f"{WINDOWS}/{window['id']}/end")

    async def dies(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(windows, "drop", dies)
        with pytest.raises(ConnectionError):
            await passed(desk)
    assert await desk.tickets() == []
    await passed(desk)
    await passed(desk)
    assert await titles(desk) == ["disk on h1"]
    assert [kind for kind, _ in await told(desk)] == ["started", "ended"]


async def test_what_is_processed_late_after_the_end_is_neither_lost_nor_opened_twice(desk: Desk) -> None:
    """A resolve that came before the end, and waits; the alert that it ends is opened, and resolved by it."""
    window = await made(desk)
    await desk.post(alert())
    await desk.send(alert(status="ok"))
    await end(desk, window)
    (ticket,) = await desk.tickets()
    await desk.process()
    (ticket,) = await desk.tickets()
    assert ticket["status"] == "resolved"


async def test_an_alert_that_is_heard_again_after_the_end_opens_one_ticket(desk: Desk) -> None:
    window = await made(desk)
    await desk.post(alert())
    await post(desk, f"{WINDOWS}/{window['id']}/end")
    assert (await desk.post(alert()))["state"] == "processed"
    await passed(desk)
    assert await titles(desk) == ["disk on h1"]


async def test_one_alert_that_cannot_be_opened_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    window = await made(desk)
    for key in "abc":
        await desk.post(alert(key))

    async def breaks(session: Any, hook: Any, step: Any, incident: Any) -> Any:
        if "alert:b" in step.incident_key:
            raise ValueError(step)
        return await act(session, hook, step, incident)

    monkeypatch.setattr(apply_decision, "act", breaks)
    await end(desk, window)
    await passed(desk)
    assert await titles(desk) == ["a on h1", "c on h1"]
    assert sorted(receipt["state"] for receipt in await desk.receipts()) == ["failed", "silenced", "silenced"]


async def test_a_window_is_done_once_nobody_can_have_found_it_open(desk: Desk) -> None:
    window = await made(desk)
    await end(desk, window)
    due = "SELECT due_at FROM maintenance_windows"
    assert (await fetch(desk.sessions, due))[0]["due_at"] is not None
    await fetch(desk.sessions, "UPDATE maintenance_windows SET ended_at = ended_at - interval '61 seconds'")
    await passed(desk)
    assert (await fetch(desk.sessions, due))[0]["due_at"] is None


async def test_the_windows_of_one_account_keep_no_other_waiting(desk: Desk, make_desk: MakeDesk) -> None:
    other = await make_desk()
    await made(desk)
    await made(other)
    await fetch(
        desk.sessions,
        "INSERT INTO maintenance_windows SELECT copy.* FROM maintenance_windows AS w, generate_series(1, 60) AS n,"
        " jsonb_populate_record(w, jsonb_build_object('id', 'mnt_' || n)) AS copy WHERE w.account_id = $1",
        desk.account_id,
    )
    await fetch(desk.sessions, "UPDATE maintenance_windows SET ends_at = now(), due_at = now()")
    await passed(desk)
    ended = "SELECT account_id, count(*) AS number FROM maintenance_windows WHERE ended_at IS NOT NULL GROUP BY 1"
    numbers = {row["account_id"]: row["number"] for row in await fetch(desk.sessions, ended)}
    assert numbers == {desk.account_id: 49, other.account_id: 1}, "fifty in one pass"


async def test_windows_that_are_over_take_no_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client: httpx.AsyncClient = desk.client
    state = client._transport.app.state.heliodesk  # type: ignore[attr-defined]
    monkeypatch.setattr(state.settings, "max_maintenance_windows", 1)
    window = await made(desk)
    answer = await client.post(
        WINDOWS, json={name: window[name] for name in ("starts_at", "ends_at")}, headers=desk.owner
    )
    assert reached(answer) == ("maintenance_windows", 1, 1)
    await end(desk, window)
    await made(desk)


async def test_of_windows_that_are_over_an_account_keeps_the_latest(
    desk: Desk, make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "KEPT", 2)
    other = await make_desk()
    theirs = await made(other)
    await end(other, theirs)
    ours = []
    for _ in range(4):
        ours.append(await made(desk))
        await end(desk, ours[-1])
    await fetch(desk.sessions, "UPDATE maintenance_windows SET due_at = NULL")  # as if nothing were to be opened
    open_one = await made(desk)
    kept = [window["id"] for window in (await desk.get(WINDOWS))["items"]]
    assert sorted(kept) == sorted([*(window["id"] for window in ours[2:]), open_one["id"]])
    assert [window["id"] for window in (await other.get(WINDOWS))["items"]] == [theirs["id"]]


async def test_removing_a_hook_forgets_what_was_held_back_of_it(desk: Desk) -> None:
    window = await made(desk)
    await desk.post(alert())
    await desk.client.delete(f"/v1/hooks/{desk.hook['id']}", headers=desk.owner)
    assert await fetch(desk.sessions, "SELECT * FROM silenced_alerts") == []
    await end(desk, window)
    assert await desk.tickets() == []


def signal(key: str = "a", status: Any = "firing", **more: Any) -> Signal:
    return Signal(key, status, key, **more)


FIRING: Final = Alert("a", "alert:a", "firing", None, signal().digest, NOW - MINUTE)
OPEN: Final = Known({"a": FIRING}, {"alert:a": Thread("tkt_1", "open")}, frozenset({"alert:a"}))
ENDED: Final = Known({"a": FIRING}, {"alert:a": Thread("tkt_1", "resolved")})


@pytest.mark.parametrize(
    ("known", "signals", "outcomes", "passed_on"),
    [
        (Known(), [signal()], {0: "silenced"}, []),
        (Known(), [signal(), signal(status="resolved")], {0: "silenced", 1: "resolved"}, []),
        (Known(), [signal(status="resolved")], {}, ["a"]),
        (OPEN, [signal(text="worse")], {}, ["a"]),
        (OPEN, [signal(), signal("b")], {1: "silenced"}, ["a"]),
        (ENDED, [signal()], {0: "silenced"}, []),
        (ENDED, [signal(), signal(status="resolved")], {0: "silenced"}, ["a"]),
    ],
    ids=["new", "came and went", "a resolve of nothing", "goes on", "per alert", "was resolved", "both are told"],
)
def test_what_is_held_back(
    known: Known, signals: Sequence[Signal], outcomes: dict[int, str], passed_on: list[str]
) -> None:
    held = hold_back(signals, known, {}, SETTING, silenced=True)
    assert (held.outcomes, [one.key for one in held.passed]) == (outcomes, passed_on)
    nothing = hold_back(signals, known, {}, SETTING, silenced=False)
    assert (nothing.outcomes, list(nothing.passed), nothing.kept) == ({}, list(signals), {})


def test_a_stale_resolve_does_not_end_what_is_held_back() -> None:
    began, before = "2026-11-20T11:00:00Z", "2026-11-20T10:00:00Z"
    kept = {"a": Alert("a", "silenced", "firing", began, "", NOW - MINUTE)}
    stale = signal(status="resolved", starts_at=before, ends_at="2026-11-20T10:30:00Z")
    held = hold_back([stale], Known(), kept, SETTING, silenced=True)
    assert (held.outcomes, held.kept) == ({0: "outdated"}, {})


def test_a_firing_that_its_own_resolve_overtook_is_not_held_back() -> None:
    began = "2026-11-20T11:00:00Z"
    kept = {"a": Alert("a", "silenced", "resolved", began, "", NOW - MINUTE)}
    held = hold_back([signal(starts_at=began)], Known(), kept, SETTING, silenced=True)
    assert (held.outcomes, held.kept, held.passed) == ({0: "outdated"}, {}, [])


def test_an_alert_is_stored_with_all_that_is_known_of_it() -> None:
    full = Signal(
        "a",
        "firing",
        "A",
        "Disk is full",
        {"env": "prod"},
        (Link("Runbook", "https://example.com/a"),),
        "g",
        "2026-11-20T10:00:00Z",
        silent=frozenset({"env"}),
    )
    assert signal_from(orjson.loads(orjson.dumps(stored_form(full)))) == full
    assert signal_from(stored_form(full) | {"of a later version": 1}) == full


def test_since_when_an_alert_fires_is_what_its_sender_says() -> None:
    assert texts.since_of("2026-11-20T11:00:00+01:00", NOW) == NOW - 120 * MINUTE
    assert texts.since_of(None, NOW) == texts.since_of("at noon", NOW) == NOW
    note = texts.held_back([(f"a{number}", NOW) for number in range(23)], "pl")
    assert note.splitlines()[-1] == "i jeszcze 3"
