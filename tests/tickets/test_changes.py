"""Changing what a ticket says (a merge patch), who has it, and its tier."""

from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.ids import new_id
from tests.support.stories import Begin, Story, deadline, path_of, pointers
from tests.support.sweeping import run_pass


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("zmanda-standard")


FULL: dict[str, Any] = {
    "product": "zmanda",
    "tags": ["backup"],
    "custom": {"ship": "Aurora", "rank": 3},
    "environment": "non_production",
    "external_ref": "ORDER-1842",
    "call_link": "https://zoom.us/j/1842",
    "impact": "small",
    "urgency": "low",
}


async def test_a_patch_changes_what_it_names(story: Story) -> None:
    opened = await story.open(**FULL)
    ticket = await story.customer.patch(path_of(opened), title=" Backups fail again ", tags=["nightly"])
    assert ticket == opened | {
        "title": "Backups fail again",
        "tags": ["nightly"],
        "version": 2,
        "updated_at": ticket["updated_at"],
    }
    assert ticket["updated_at"] > opened["updated_at"]
    [updated] = await story.events(path_of(opened), "ticket.updated")
    assert updated["data"] == {
        "fields": {"title": "Backups fail again", "tags": ["nightly"]},
        "truncated": False,
    }
    assert updated["actor"]["kind"] == "customer"


async def test_what_people_have_written_is_stored_again_only_when_it_changes(story: Story) -> None:
    """A ticket may have hundreds of kilobytes, and a storm thousands of tickets."""
    written = {"description": "".join(map(chr, range(0x4E00, 0x8000))), "custom": {"ship": token_hex(900)}}
    path = await story.open_at(await story.now() - timedelta(days=9), **FULL | written)
    opened, stored = await story.customer.get(path), await _long_values(story.sessions)
    assert stored
    assert await run_pass(story.sessions)
    await story.engineer.post(f"{path}/messages", 201, body="We look at it")
    assert await _long_values(story.sessions) == stored
    after = await story.customer.get(path)
    assert deadline(after, "first_response")["state"] == "met_late"
    assert {name: after[name] for name in ("description", "tags", "custom")} == {
        name: opened[name] for name in ("description", "tags", "custom")
    }
    changed = await story.customer.patch(path, custom={"ship": "Aurora"})
    assert (changed["description"], changed["custom"]) == (written["description"], {"ship": "Aurora"})


async def _long_values(sessions: Sessions) -> set[int]:
    """The values of tickets that are stored beside their rows."""
    async with sessions() as session:
        connection = await driver(session)
        table = await connection.fetchval("SELECT reltoastrelid::regclass FROM pg_class WHERE relname = 'tickets'")
        rows = await connection.fetch(f"SELECT DISTINCT chunk_id FROM {table}")  # noqa: S608  its own name
        return {row["chunk_id"] for row in rows}


async def test_null_clears_and_objects_are_merged(story: Story) -> None:
    path = path_of(await story.open(**FULL))
    ticket = await story.customer.patch(path, custom={"ship": None, "port": "Gdynia"})
    assert ticket["custom"] == {"rank": 3, "port": "Gdynia"}
    cleared = await story.customer.patch(path, **dict.fromkeys(FULL))
    assert {name: cleared[name] for name in FULL} == {
        "product": None,
        "tags": [],
        "custom": {},
        "environment": "production",
        "external_ref": None,
        "call_link": None,
        "impact": None,
        "urgency": None,
    }


@pytest.mark.parametrize(
    ("patch", "place"),
    [
        ({"title": None}, "/title"),
        ({"description": " "}, "/description"),
        ({"status": "closed"}, "/status"),
        ({"priority": "P1"}, "/priority"),
        ({"environment": "moon"}, "/environment"),
        ({"call_link": "http://example.com"}, "/call_link"),
        ({"custom": {"deep": {"er": 1}}}, "/custom/deep"),
        ({"custom": {"n": 2**63}}, "/custom"),
        ({"actor": {"email": "nobody"}}, "/actor/email"),
    ],
)
async def test_a_patch_that_makes_nonsense_is_refused(story: Story, patch: dict[str, Any], place: str) -> None:
    opened = await story.open(**FULL)
    problem = await story.customer.patch(path_of(opened), 422, **patch)
    assert all(found.startswith(place) for found in pointers(problem))
    assert await story.customer.get(path_of(opened)) == opened


async def test_impact_and_urgency_change_the_assessment_and_not_a_priority_that_was_asked_for(story: Story) -> None:
    path = path_of(await story.open(priority="P3"))
    ticket = await story.engineer.patch(path, impact="large", urgency="high")
    assert (ticket["priority"], ticket["matrix_priority"], ticket["assessed_priority"]) == ("P3", "P1", "P1")
    ticket = await story.engineer.patch(path, impact=None)
    assert (ticket["matrix_priority"], ticket["assessed_priority"]) == (None, None)


async def test_a_closed_ticket_does_not_change(story: Story) -> None:
    path = path_of(await story.open())
    await story.engineer.post(f"{path}/status", status="closed")
    await story.engineer.patch(path, 409, title="Other")


async def test_if_match_guards_a_patch(story: Story) -> None:
    path = path_of(await story.open())
    first = await story.customer.send("PATCH", path, {"title": "Mine"}, if_match='"1"')
    second = await story.engineer.send("PATCH", path, {"title": "No, mine"}, if_match='"1"')
    third = await story.engineer.send("PATCH", path, {"title": "No, mine"}, if_match='"1", "2"')
    assert [answer.status_code for answer in (first, second, third)] == [200, 412, 200]
    assert third.headers["etag"] == '"3"'


# --- assignee and tier -----------------------------------------------------------------------------------------


async def test_assigned_a_new_ticket_is_open(story: Story) -> None:
    path = path_of(await story.open())
    ticket = await story.product.post(f"{path}/assign", engineer_id=story.engineer_id)
    assert (ticket["assignee"], ticket["status"]) == (story.engineer_id, "open")
    assert deadline(ticket, "first_response")["state"] == "running"
    ticket = await story.engineer.post(f"{path}/assign", engineer_id=None)
    assert (ticket["assignee"], ticket["status"]) == (None, "open")
    told = [event["data"] for event in await story.events(path, "ticket.assigned")]
    assert [(data["from"], data["to"]) for data in told] == [(None, story.engineer_id), (story.engineer_id, None)]


async def test_only_to_an_engineer_who_is_there(story: Story) -> None:
    path = path_of(await story.open())
    problem = await story.engineer.post(f"{path}/assign", 422, engineer_id=new_id("eng"))
    assert pointers(problem) == ["/engineer_id"]
    await story.customer.post(f"{path}/assign", 403, engineer_id=story.engineer_id)
    await story.product.post(f"{path}/status", status="resolved")
    await story.engineer.post(f"{path}/assign", 409, engineer_id=story.engineer_id)


async def test_n2_an_engineer_hands_over_to_the_next_tier(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"])
    path = path_of(await story.open(priority="high"))
    ticket = await story.engineer.post(f"{path}/assign", tier=2)
    assert ticket["tier"] == 2
    cycles = [deadline(ticket, "tier_escalation", cycle) for cycle in (1, 2)]
    assert [(cycle["state"], cycle["stopped_by"]) for cycle in cycles] == [("met", "engineer"), ("running", None)]
    [changed] = await story.events(path, "ticket.tier_changed")
    assert (changed["data"]["from"], changed["data"]["to"], changed["actor"]["kind"]) == (1, 2, "engineer")
    assert pointers(await story.engineer.post(f"{path}/assign", 422, tier=4)) == ["/tier"]


async def test_n6_the_service_moves_it_up_when_nobody_does(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native", addons=["hybrid"])
    path = await story.open_at(await story.now() - timedelta(hours=9), priority="high")
    await run_pass(sessions)
    ticket = await story.customer.get(path)
    cycles = [deadline(ticket, "tier_escalation", cycle) for cycle in (1, 2)]
    assert [(cycle["state"], cycle["stopped_by"]) for cycle in cycles] == [("met", "service"), ("running", None)]
    [changed] = await story.events(path, "ticket.tier_changed")
    assert (ticket["tier"], changed["actor"]["kind"]) == (2, "service")
