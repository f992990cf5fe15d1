"""N8: a repeated problem is answered with its known solution; where there is none, the next tier is told."""

from typing import Any

import pytest

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.state import State
from app.solutions.looking import KnownSolutions
from tests.support.actors import make_key, make_person
from tests.support.articles import BACKUP, PDF, RUNBOOK, write
from tests.support.desk import fetch
from tests.support.experts import add_expert
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.stories import Begin, Caller, path_of

FAILS = {"title": "No puedo exportar", "description": "La exportación a PDF falla desde ayer."}
ELSE = {"title": "Invoice for March", "description": "Please send it to our accountant again."}


async def test_n8_a_known_solution_is_given_at_once(begin: Begin) -> None:
    story = await begin("itil-native", locale="es")
    pdf, *_ = await write(story.engineer, PDF, BACKUP, RUNBOOK)
    ticket = await story.customer.post("/v1/tickets?include=suggestions", 201, **_ticket(FAILS))
    suggested, *_ = ticket["suggestions"]
    assert (suggested["id"], suggested["reason"][:10]) == (pdf["id"], "Menciona: ")
    assert {"exportación", "PDF", "falla"} <= set(suggested["matched"])
    assert "suggestions" not in await story.open(**FAILS)
    assert (await story.customer.post("/v1/articles/suggest", **ELSE))["items"] == []


async def test_n8_this_solved_it(begin: Begin) -> None:
    story = await begin("itil-native")
    pdf, _backup, runbook = await write(story.engineer, PDF, BACKUP, RUNBOOK)
    path = path_of(await story.open(**FAILS))
    solution = {"article_id": pdf["id"]}
    assert (await story.engineer.post(f"{path}/solutions", article_id=runbook["id"]))["status"] == "new"
    assert (await story.customer.post(f"{path}/solutions", **solution))["status"] == "resolved"
    assert (await story.customer.post(f"{path}/solutions", **solution))["status"] == "resolved"
    linked = (await story.customer.get(f"{path}/solutions"))["items"]
    assert [(each["slug"], each["actor"]["kind"]) for each in linked] == [("pdf-falla", "customer")]
    assert len((await story.engineer.get(f"{path}/solutions"))["items"]) == 2
    seen = [each["data"]["slug"] for each in await story.events(path, "ticket.solution_linked", who=story.customer)]
    assert seen == ["pdf-falla"], "what is internal stays with support"
    assert (await story.customer.get(f"/v1/articles/{pdf['id']}"))["solved"] == 1
    await story.customer.post(f"{path}/solutions", 404, article_id=runbook["id"])
    draft = await story.engineer.post("/v1/articles", 201, title="Not yet", body="Soon.")
    refused = await story.engineer.post(f"{path}/solutions", 409, article_id=draft["id"])
    assert refused["detail"] == "The article is not published"
    other = path_of(await story.open(**FAILS))
    said = await story.engineer.post(f"{other}/solutions", **solution, message="Please split the report.")
    assert said["status"] == "resolved"


async def test_n8_what_was_never_sent_is_counted(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native")
    pdf, backup = await write(story.engineer, PDF, BACKUP)
    key = await make_key(sessions, "widget", account_id=story.account.account_id, allowed_origins=[ORIGIN])
    guest = Caller(story.customer.client, key | {"Origin": ORIGIN})
    items = (await guest.post("/v1/articles/suggest", **FAILS))["items"]
    assert [each["id"] for each in items] == [pdf["id"]]
    assert (await guest.post(f"/v1/articles/{pdf['id']}/solved"))["solved"] == 1
    await guest.post(f"/v1/articles/{backup['id']}/solved", 404)
    rows = await fetch(sessions, "SELECT account_id, article_id, ticket_id FROM solutions")
    noted = {"account_id": story.account.account_id, "article_id": pdf["id"], "ticket_id": None}
    assert [dict(row) for row in rows] == [noted]


async def test_n8_a_deflection_counts_once_for_a_person_and_conversation(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native")
    pdf, *_ = await write(story.engineer, PDF)
    await make_person(sessions, story.account.account_id, "ana@example.com", "editor")
    keys = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
    widget = await make_key(
        sessions, "widget", account_id=story.account.account_id, allowed_origins=[ORIGIN], jwt_keys=keys
    )
    shown = token(claims(wall_now(), sub="ana", email="ana@example.com", name="Ana"))
    ana = Caller(story.customer.client, widget | {"Origin": ORIGIN, "Heliodesk-Identity": shown})
    guest = Caller(story.customer.client, widget | {"Origin": ORIGIN})
    solved = f"/v1/articles/{pdf['id']}/solved"
    assert [(await ana.post(solved))["solved"] for _ in range(2)] == [1, 1]
    assert [(await guest.post(solved, conversation=name))["solved"] for name in ("a", "a", "b")] == [2, 2, 3]
    assert [(await story.customer.post(solved))["solved"] for _ in range(2)] == [4, 5], "a key is not a person"
    ticket = await ana.post("/v1/tickets", 201, **FAILS)
    await ana.post(f"{path_of(ticket)}/solutions", article_id=pdf["id"])
    assert (await ana.get(f"/v1/articles/{pdf['id']}"))["solved"] == 5, "they had said so already"
    assert [each["slug"] for each in (await ana.get(f"{path_of(ticket)}/solutions"))["items"]] == ["pdf-falla"]


@pytest.mark.parametrize("addons", [["hybrid"], []], ids=["with further tiers", "with one tier"])
async def test_n8_the_next_tier_is_told_where_there_is_none(
    begin: Begin, state: State, sessions: Sessions, addons: list[str]
) -> None:
    story = await begin("itil-native", addons=addons)
    ole = await add_expert(story, "Ole", tier=2)
    looking = KnownSolutions(sessions, state.feed)
    await looking.run_pass()
    before = path_of(await story.open(**ELSE))
    await looking.run_pass()
    assert await story.events(before, "ticket.no_known_solution") == [], "nobody has written anything yet"
    await write(story.engineer, PDF, BACKUP, RUNBOOK)
    known, unknown = path_of(await story.open(**FAILS)), path_of(await story.open(**ELSE))
    await looking.run_pass()
    await KnownSolutions(sessions, state.feed).run_pass()
    assert await story.events(known, "ticket.no_known_solution") == []
    (told,) = await story.events(unknown, "ticket.no_known_solution")
    expected: tuple[Any, ...] = (2, ole.id, "Ole") if addons else (None, None, None)
    assert (told["data"]["tier"], told["data"]["engineer_id"], told["data"]["engineer_name"]) == expected
    assert await story.events(unknown, "ticket.no_known_solution", who=story.customer) == []
    letters = await fetch(sessions, "SELECT recipient FROM notices")
    assert [row["recipient"]["role"] for row in letters] == (["next_tier"] if addons else [])


def _ticket(texts: dict[str, str]) -> dict[str, Any]:
    return texts | {"requester": {"name": "Ana Silva", "email": "ana@example.com", "locale": "es"}}
