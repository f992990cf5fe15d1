import asyncio
from dataclasses import replace
from typing import Any

from tests.inbound.conftest import PLAN, Desk, MakeDesk, payload
from tests.inbound.results import outcomes, statuses
from tests.support.actors import make_key
from tests.support.desk import store_plan


def alert(name: str = "h1", **fields: Any) -> dict[str, Any]:
    return {"key": f"disk/{name}", "title": f"Disk full on {name}"} | fields


async def test_each_alert_opens_a_ticket_with_the_mapped_priority_and_its_clocks(desk: Desk) -> None:
    receipt = await desk.post(payload("firing2"), "/alertmanager")
    assert (receipt["state"], outcomes(receipt)) == ("processed", ["started", "started"])
    tickets = await desk.tickets()
    assert {ticket["id"] for ticket in tickets} == {signal["ticket_id"] for signal in receipt["signals"]}
    assert sorted(ticket["title"] for ticket in tickets) == ["DiskFull on h1", "DiskFull on h2"]
    for ticket in tickets:
        assert (ticket["channel"], ticket["priority"], ticket["priority_source"]) == ("hook", "P2", "matrix")
        assert (ticket["impact"], ticket["urgency"], ticket["environment"]) == ("large", "medium", "production")
        assert [deadline["metric"] for deadline in ticket["deadlines"]] == ["first_response"]
        assert "runbook_url" not in ticket["title"]
        assert "http://wiki/x" in ticket["description"]
        assert ticket["requester"]["email"].endswith("@hooks.invalid")
    assert receipt["tickets"] == [{"ticket_id": ticket, "action": "opened"} for ticket in touched(receipt)]


def touched(receipt: dict[str, Any]) -> list[str]:
    return [one["ticket_id"] for one in receipt["tickets"]]


async def test_what_alertmanager_repeats_changes_nothing(desk: Desk) -> None:
    await desk.post(payload("firing2"), "/alertmanager")
    before = await desk.tickets()
    receipt = await desk.post(payload("firing2"), "/alertmanager")
    assert (receipt["state"], outcomes(receipt), receipt["tickets"]) == ("ignored", ["repeated", "repeated"], [])
    assert await desk.tickets() == before


async def test_it_is_counted_how_receipts_end(desk: Desk) -> None:
    ended: list[str] = []
    desk.processor = replace(desk.processor, count=ended.append)
    await desk.post(payload("firing2"), "/alertmanager")
    await desk.post(payload("firing2"), "/alertmanager")
    await desk.post({"no": "alerts"}, "/alertmanager")
    assert ended == ["processed", "ignored", "failed"]


async def test_a_group_of_which_one_alert_is_resolved_keeps_firing(desk: Desk) -> None:
    await desk.post(payload("firing3"), "/alertmanager")
    receipt = await desk.post(payload("mixed-one-resolved"), "/alertmanager")
    assert outcomes(receipt) == ["repeated", "repeated", "resolved"]
    assert sorted(statuses(await desk.tickets())) == ["new", "new", "resolved"]


async def test_c13_the_resolve_of_an_unanswered_ticket_cancels_its_first_response(desk: Desk) -> None:
    await desk.post(payload("firing3"), "/alertmanager")
    await desk.post(payload("mixed-one-resolved"), "/alertmanager")
    receipt = await desk.post(payload("resolved"), "/alertmanager")
    assert {word["action"] for word in receipt["tickets"]} == {"notified", "resolved"}
    for ticket in await desk.tickets():
        assert ticket["status"] == "resolved"
        (deadline,) = ticket["deadlines"]
        assert (deadline["state"], deadline["reason"]) == ("cancelled", "resolved_by_sender")


async def test_a_group_shares_one_ticket_until_all_of_it_is_resolved(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    await desk.make(ticket_per="group")
    await desk.post(payload("firing2"), "/alertmanager")
    (ticket,) = await desk.tickets()
    assert ticket["title"] == "DiskFull on h1 (+1)"
    receipt = await desk.post(payload("firing3"), "/alertmanager")
    assert outcomes(receipt) == ["repeated", "repeated", "started"]
    assert await desk.messages(ticket["id"]) == [("public", "Firing: DiskFull on h3")]
    await desk.post(payload("mixed-one-resolved"), "/alertmanager")
    assert statuses(await desk.tickets()) == ["new"]
    over = payload("mixed-one-resolved")
    for one in over["alerts"]:
        one["status"] = "resolved"
    await desk.post(over, "/alertmanager")
    assert statuses(await desk.tickets()) == ["resolved"]
    assert "None of this ticket's alerts" in (await desk.messages(ticket["id"]))[-1][1]


async def test_a_truncated_group_is_not_taken_for_resolved(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    await desk.make(ticket_per="group")
    shown = payload("truncated")
    receipt = await desk.post(shown, "/alertmanager")
    assert receipt["left_out"] == shown["truncatedAlerts"] > 0
    for one in shown["alerts"]:
        one["status"] = "resolved"
    await desk.post(shown, "/alertmanager")
    assert statuses(await desk.tickets()) == ["new"]
    await desk.post(shown | {"truncatedAlerts": 0}, "/alertmanager")
    assert statuses(await desk.tickets()) == ["resolved"]


async def test_what_fires_again_within_the_window_reopens_its_ticket(desk: Desk) -> None:
    for name in ("firing3", "mixed-one-resolved", "resolved"):
        await desk.post(payload(name), "/alertmanager")
    again = payload("firing2")
    for fired in again["alerts"]:
        fired["startsAt"] = fired["startsAt"].replace("2026", "2027")
    receipt = await desk.post(again, "/alertmanager")
    assert {word["action"] for word in receipt["tickets"]} == {"reopened", "notified"}
    assert sorted(statuses(await desk.tickets())) == ["open", "open", "resolved"]


async def test_what_fires_again_after_the_window_follows_up(make_desk: MakeDesk) -> None:
    desk = await make_desk(sandbox={"starts_at": "2026-11-20T09:00:00Z"})
    await desk.make(grouping_window="PT30M")
    await desk.post(alert())
    await desk.post(alert(status="resolved"))
    path = f"/v1/sandbox/{desk.account_id}/advance"
    assert (await desk.client.post(path, json={"by": "PT29M"}, headers=desk.owner)).status_code == 200
    await desk.post(alert())
    await desk.post(alert(status="ok"))
    assert (await desk.client.post(path, json={"by": "PT31M"}, headers=desk.owner)).status_code == 200
    await desk.post(alert())
    first, second = await desk.tickets()
    assert (first["status"], second["status"]) == ("resolved", "new")
    assert second["follow_up_of"] == first["id"]
    assert (first["opened_at"], second["opened_at"]) == ("2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z")
    assert second["sandbox"] is True


async def test_a_ticket_that_somebody_has_resolved_stays_so_until_the_alert_fires_anew(desk: Desk) -> None:
    fired = payload("firing2")
    await desk.post(fired, "/alertmanager")
    for ticket in await desk.tickets():
        answer = await desk.client.post(
            f"/v1/tickets/{ticket['id']}/status", json={"status": "resolved"}, headers=desk.owner
        )
        assert answer.status_code == 200, answer.text
    assert (await desk.post(fired, "/alertmanager"))["state"] == "ignored"
    fired["alerts"][0]["startsAt"] = "2026-11-22T00:00:00Z"
    assert outcomes(await desk.post(fired, "/alertmanager")) == ["restarted", "repeated"]
    assert sorted(statuses(await desk.tickets())) == ["open", "resolved"]


async def test_a_change_is_told_and_a_rise_of_severity_raises_the_priority(desk: Desk) -> None:
    await desk.post(alert(severity="warning"))
    (ticket,) = await desk.tickets()
    assert ticket["priority"] == "P3"
    receipt = await desk.post(alert(severity="critical", description="98 % of /var"))
    assert outcomes(receipt) == ["changed"]
    (ticket,) = await desk.tickets()
    assert (ticket["priority"], ticket["priority_source"], ticket["matrix_priority"]) == ("P2", "override", "P2")
    assert await desk.messages(ticket["id"]) == [("internal", "Changed: Disk full on h1\n98 % of /var")]
    await desk.post(alert(severity="warning"))
    assert (await desk.tickets())[0]["priority"] == "P2"


async def test_changes_are_told_a_bounded_number_of_times(desk: Desk) -> None:
    for number in range(25):
        await desk.post(alert(description=f"{number} %"))
    (ticket,) = await desk.tickets()
    messages = await desk.messages(ticket["id"])
    assert len(messages) == 20
    assert messages[-1][1].endswith("Further changes to these alerts will not be posted here.")


async def test_a_resolve_may_be_told_or_noted_only(make_desk: MakeDesk) -> None:
    for kind, visibility in (("message", "public"), ("note", "internal")):
        desk = await make_desk(locale="es")
        await desk.make(on_resolve=kind)
        await desk.post(alert())
        await desk.post(alert(status="resolved"))
        (ticket,) = await desk.tickets()
        assert ticket["status"] == "new"
        ((seen, body),) = await desk.messages(ticket["id"])
        assert (seen, body.splitlines()[0]) == (visibility, "Alerta ya inactiva: Disk full on h1")
        assert outcomes(await desk.post(alert())) == ["started"]
        assert len(await desk.tickets()) == 1


async def test_a_resolve_of_nothing_is_ignored(desk: Desk) -> None:
    receipt = await desk.post(alert(status="resolved"))
    assert (receipt["state"], outcomes(receipt)) == ("ignored", ["unknown"])
    assert await desk.tickets() == []


async def test_a_p1_of_an_alert_needs_no_texts_and_is_put_up_for_review(make_desk: MakeDesk) -> None:
    desk = await make_desk("google-premium")
    await desk.make(mapping=[{"match": {"severity": "critical"}, "priority": "P1"}])
    await desk.post(alert("h1", severity="critical"))
    await desk.post(alert("h2", severity="low"))
    await desk.post(alert("h2", severity="critical"))
    for ticket in await desk.tickets():
        assert (ticket["priority"], ticket["review_requested"], ticket["business_impact"]) == ("P1", True, None)
        assert any("automatic alert" in body for _, body in await desk.messages(ticket["id"]))


async def test_the_ticket_that_took_another_one_in_is_told_and_not_resolved(desk: Desk) -> None:
    for name in ("h1", "h2"):
        await desk.post(alert(name))
    first, second = await desk.tickets()
    agent = await make_key(desk.sessions, "agent")
    answer = await desk.client.post(f"/v1/tickets/{first['id']}/merge", json={"into": second["id"]}, headers=agent)
    assert answer.status_code == 200, answer.text
    await desk.post(alert("h1", status="resolved"))
    assert statuses(await desk.tickets()) == ["closed", "new"]
    assert (await desk.messages(second["id"]))[0][1].startswith("No longer firing: Disk full on h1")


async def test_a_payload_that_is_not_understood_is_kept_and_the_next_ones_come(desk: Desk) -> None:
    for body in (b"{", b'{"alerts": 1}', b'{"alerts": [{"status": "odd"}]}'):
        receipt = await desk.post(body, "/alertmanager")
        assert (receipt["state"], receipt["tickets"]) == ("failed", [])
        assert receipt["error"]
    assert (await desk.post(payload("firing2"), "/alertmanager"))["state"] == "processed"


async def test_a_failed_receipt_is_processed_again_once_the_mapping_is_mended(desk: Desk) -> None:
    await desk.send(alert(severity="critical"))
    async with desk.sessions.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            'UPDATE hooks SET fields = jsonb_set(fields, \'{mapping,0}\', \'{"match": {"severity": "critical"}, '
            '"priority": "Sev0"}\')'
        )
    await desk.process()
    (receipt,) = await desk.receipts()
    assert receipt["state"] == "failed"
    assert "/priority" in receipt["error"]
    assert await desk.tickets() == []
    await desk.change(mapping=[{"match": {"severity": "critical"}, "priority": "P2"}])
    path = f"/v1/hooks/{desk.hook['id']}/receipts/{receipt['id']}/process"
    answer = await desk.client.post(path, headers=desk.owner)
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    await desk.process()
    (ticket,) = await desk.tickets()
    assert ticket["priority"] == "P2"
    assert (await desk.client.post(path, headers=desk.owner)).status_code == 409


async def test_what_has_been_heard_since_is_not_undone_by_an_old_receipt(desk: Desk) -> None:
    await desk.send(alert())
    async with desk.sessions.begin() as session:
        await (await session.connection()).exec_driver_sql("UPDATE receipts SET state = 'failed'")
    await desk.post(alert(status="resolved"))
    async with desk.sessions.begin() as session:
        await (await session.connection()).exec_driver_sql(
            "UPDATE receipts SET state = 'pending' WHERE state = 'failed'"
        )
    await desk.process()
    assert [outcomes(receipt) for receipt in await desk.receipts()] == [["unknown"], ["outdated"]]
    assert await desk.tickets() == []


async def test_a_ticket_that_closes_at_this_very_instant_is_followed_up(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    plan = await store_plan(desk.sessions, PLAN, close_after="PT0.05S")
    assert plan == PLAN
    await desk.make()
    await desk.post(alert())
    await desk.post(alert(status="ok"))
    await asyncio.sleep(0.1)  # nothing sweeps here: it is stored as resolved, and is closed by now
    receipt = await desk.post(alert())
    assert [done["action"] for done in receipt["tickets"]] == ["opened"]
    first, second = await desk.tickets()
    assert second["follow_up_of"] == first["id"]


async def test_replicas_process_the_receipts_of_a_hook_in_the_order_in_which_they_came(make_desk: MakeDesk) -> None:
    desks = [await make_desk() for _ in range(3)]
    for desk in desks:
        await desk.make(on_resolve="note")
        for number in range(12):
            await desk.send(alert(status="ok" if number % 2 else "firing"))
    await asyncio.gather(*(desk.process() for desk in desks for _ in range(2)))
    await desks[0].process()
    for desk in desks:
        told = [outcomes(receipt) for receipt in reversed(await desk.receipts())]
        assert told == [["started"], ["resolved"]] * 6
        assert len(await desk.tickets()) == 1


async def test_ten_to_the_fifth_alerts_in_one_payload_are_bounded(desk: Desk) -> None:
    alerts = [{"status": "firing", "fingerprint": f"{number:x}"} for number in range(3_000)]
    body = {"alerts": alerts, "groupKey": "g"}
    await desk.change(ticket_per="group")
    receipt = await desk.post(body, "/alertmanager")
    assert (receipt["state"], len(receipt["signals"]), receipt["left_out"]) == ("processed", 1_000, 2_000)
    (ticket,) = await desk.tickets()
    assert ticket["title"] == "Alert (+49)"
    assert (await desk.post({"alerts": [{}] * 100_000}, "/alertmanager"))["state"] == "failed"
