"""N4: a recurring incident becomes a problem, which a specialist follows from start to end."""

import asyncio
from typing import Any, Final

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.problems.background import telling
from app.problems.background.telling import Telling, tell_these
from tests.support.actors import make_account, make_engineer, make_key
from tests.support.desk import fetch
from tests.support.stories import Begin, Caller, Story, path_of
from tests.support.waiting import until_blocked

_TITLE: Final = "Broadcasts are stuck"

_RESOLVED: Final = """
WITH p AS (UPDATE problems SET state = 'resolved', resolution = 'The queue moves.' WHERE id = $1)
UPDATE problem_tickets SET pending = pending || '"resolution"'::jsonb WHERE problem_id = $1
"""


async def opened(story: Story, *tickets: Any, **fields: Any) -> Any:
    """A problem that the story's engineer has opened."""
    ids = [ticket["id"] for ticket in tickets]
    return await story.engineer.post("/v1/problems", 201, title=_TITLE, tickets=ids, **fields)


def of(problem: Any) -> str:
    return f"/v1/problems/{problem['id']}"


async def told(sessions: Sessions) -> None:
    """Let the background tell tickets, until nothing is left to tell."""
    while await Telling(sessions).run_pass():
        pass


async def test_n4_a_specialist_follows_a_problem_from_start_to_end(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus", locale="es")
    first = await story.open(priority="P2")
    second = await story.open(requester={"name": "Zoe", "email": "zoe@example.com", "locale": "pl"})
    problem = await opened(story, first, second, product="broadcasts")
    assert (problem["state"], problem["owner_id"], problem["tickets"]) == ("open", story.engineer_id, 2)
    await told(sessions)
    step = f"{of(problem)}/state"
    await story.engineer.post(step, state="investigating")
    publish = {"audience": "customers", "language": "en"}
    await story.engineer.post(step, state="known_error", workaround="Send them again.", publish=publish)
    [article] = (await story.customer.get("/v1/articles", slug=problem["number"].lower()))["items"]
    assert (article["title"], article["status"]) == (_TITLE, "published")
    await story.engineer.patch(of(problem), workaround="Send them once more.")
    assert (await story.customer.get(f"/v1/articles/{article['id']}"))["body"] == "Send them once more."
    await story.engineer.patch(f"/v1/articles/{article['id']}", body="Step by step: ...")
    await story.engineer.patch(of(problem), workaround="Send them again.")
    assert (await story.customer.get(f"/v1/articles/{article['id']}"))["body"] == "Step by step: ..."
    await told(sessions)
    shown = (await story.customer.get(path_of(first)))["problem"]
    names = ("number", "title", "state", "workaround")
    assert [shown[name] for name in names] == [problem["number"], _TITLE, "known_error", "Send them again."]
    resolved = await story.engineer.post(step, state="resolved", resolution="The queue moves.", resolve_tickets=True)
    assert resolved["untold"] == 2
    await told(sessions)
    texts = [message["body"] for message in (await story.customer.get(f"{path_of(first)}/messages"))["items"]]
    number = problem["number"]
    assert [text.split("\n\n") for text in texts] == [
        [
            f"Hay una solución alternativa para el problema que causa este ticket, {number}: {_TITLE}",
            "Send them again.",
        ],
        [f"El problema que causa este ticket, {number}, está resuelto: {_TITLE}", "The queue moves."],
    ]
    polish = (await story.customer.get(f"{path_of(second)}/messages"))["items"][-1]
    assert polish["body"].startswith("Problem, który jest przyczyną tego zgłoszenia")
    assert [polish["author"]["kind"], polish["author"]["id"]] == ["engineer", story.engineer_id]
    for ticket in (first, second):
        assert (await story.customer.get(path_of(ticket)))["status"] == "resolved"
    linked = await story.events(path_of(first), "ticket.problem_linked", who=story.customer)
    assert [event["data"]["number"] for event in linked] == [problem["number"]]
    closed = await story.engineer.post(step, state="closed")
    assert (closed["state"], closed["untold"]) == ("closed", 0)
    kinds = await fetch(sessions, "SELECT type, audience FROM events WHERE type LIKE 'problem.%' ORDER BY position")
    assert [row["type"] for row in kinds] == [
        "problem.opened",
        *["problem.updated"] * 4,
        "problem.resolved",
        "problem.updated",
    ]
    assert {row["audience"] for row in kinds} == {"internal"}


async def test_n4_a_customer_sees_nothing_of_a_problem_but_its_public_part(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus")
    other = await make_account(sessions, "wati-business-plus", name="Rivals")
    rival = Caller(story.customer.client, await make_key(sessions, account_id=other.account_id, role="owner"))
    theirs = await rival.post("/v1/tickets", 201, title="Rivals suffer", description="x", requester=_BO)
    ours = await story.open()
    problem = await opened(story, ours, theirs, description="Rivals have it too")
    await told(sessions)
    ticket = await story.customer.send("GET", path_of(ours))
    timeline = await story.customer.send("GET", f"{path_of(ours)}/timeline")
    feed = await story.customer.send("GET", "/v1/events")
    for answer in (ticket, timeline, feed):
        assert _TITLE in answer.text
        assert "Rivals" not in answer.text
        assert theirs["id"] not in answer.text
    await story.customer.get(of(problem), 403)
    await story.customer.get(f"{of(problem)}/tickets", 403)
    assert [one["title"] for one in (await story.engineer.get(f"{of(problem)}/tickets"))["items"]] == [
        one["title"] for one in sorted((ours, theirs), key=lambda one: one["id"])
    ]


_BO: Final = {"name": "Bo", "email": "bo@rivals.example"}


async def test_n4_tickets_are_told_in_small_transactions_each_once(
    sessions: Sessions, begin: Begin, monkeypatch: Any
) -> None:
    story = await begin("wati-business-plus")
    monkeypatch.setattr(telling, "BATCH", 2)
    tickets = [await story.open(title=f"Stuck {number}") for number in range(5)]
    problem = await opened(story, *tickets)
    await story.engineer.post(f"{of(problem)}/state", state="resolved", resolution="Moves")
    await story.engineer.post(f"{path_of(tickets[0])}/status", status="closed")
    await told(sessions)
    statuses = [(await story.customer.get(path_of(ticket)))["status"] for ticket in tickets]
    assert statuses == ["closed", "open", "open", "open", "open"]
    rows = await fetch(sessions, "SELECT ticket_id, count(DISTINCT xmin::text) FROM messages GROUP BY ticket_id")
    assert {row["ticket_id"]: row["count"] for row in rows} == {ticket["id"]: 1 for ticket in tickets[1:]}
    [transactions] = await fetch(sessions, "SELECT count(DISTINCT xmin::text) FROM messages")
    assert transactions["count"] == 3
    assert (await story.engineer.get(of(problem)))["untold"] == 0


async def test_n4_a_ticket_that_somebody_holds_is_told_later(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus")
    held, free = await story.open(), await story.open()
    problem = await opened(story, held, free)
    async with sessions() as session:
        await (await driver(session)).execute("SELECT FROM tickets WHERE id = $1 FOR UPDATE", held["id"])
        await Telling(sessions).run_pass()
        assert (await story.engineer.get(of(problem)))["untold"] == 1
    await told(sessions)
    assert len(await story.events(path_of(held), "ticket.problem_linked")) == 1


async def test_n4_a_resolution_while_tickets_are_told_is_told_too(sessions: Sessions, begin: Begin) -> None:
    """The pass waits for the link, which says that there is a resolution, and then reads the problem as it is."""
    story = await begin("wati-business-plus")
    ticket = await story.open()
    problem = await opened(story, ticket)
    step = f"{of(problem)}/state"
    await story.engineer.post(step, state="investigating")
    await story.engineer.post(step, state="known_error", workaround="Send it again.")
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_RESOLVED, problem["id"])
        passing = asyncio.create_task(tell_these(sessions, [ticket["id"]]))
        await until_blocked(sessions)
    assert await passing == 1
    messages = (await story.customer.get(f"{path_of(ticket)}/messages"))["items"]
    assert [message["body"].split("\n\n")[-1] for message in messages] == ["The queue moves."]


async def test_n4_a_ticket_belongs_to_one_problem_and_can_be_parted_from_it(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus")
    ticket = await story.open()
    problem = await opened(story, ticket)
    await story.engineer.post("/v1/problems", 409, title="Another", tickets=[ticket["id"]])
    refused = await story.engineer.post(f"{of(problem)}/tickets", 422, tickets=[ticket["id"], _NOBODYS])
    assert refused["errors"][0]["pointer"] == "/tickets/1"
    await told(sessions)
    gone = await story.engineer.send("DELETE", f"{of(problem)}/tickets/{ticket['id']}")
    assert gone.status_code == 204
    assert (await story.customer.get(path_of(ticket)))["problem"] is None
    assert len(await story.events(path_of(ticket), "ticket.problem_unlinked", who=story.customer)) == 1
    again = await story.engineer.send("DELETE", f"{of(problem)}/tickets/{ticket['id']}")
    assert again.status_code == 404


_NOBODYS: Final = "tkt_01k9w2x4bz6p1m7h4c0x3r2sbb"


async def test_n4_a_problem_is_owned_by_an_engineer_of_the_live_roster(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus")
    idle = await make_engineer(sessions, active=False)
    for owner in (idle.id, "eng_01k9w2z8n1d6p0k4g9c5w8r7xe"):
        refused = await story.product.post("/v1/problems", 422, title=_TITLE, owner_id=owner)
        assert refused["errors"][0]["pointer"] == "/owner_id"
    problem = await story.product.post("/v1/problems", 201, title=_TITLE)
    assert problem["owner_id"] is None
    refused = await story.product.post(f"{of(problem)}/state", 422, state="investigating")
    assert refused["errors"][0]["pointer"] == "/owner_id"
    taken = await story.engineer.post(f"{of(problem)}/state", state="investigating")
    assert taken["owner_id"] == story.engineer_id
    patched = await story.engineer.patch(of(problem), title="Broadcasts wait", workaround="Send again")
    assert (patched["title"], patched["version"]) == ("Broadcasts wait", 3)
    stale = await story.engineer.send("PATCH", of(problem), {"title": "x"}, If_Match='"1"')
    assert stale.status_code == 412
