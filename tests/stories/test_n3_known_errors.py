"""N3, N4: a known error is suggested with its workaround, until it is solved."""

import pytest

from app.core.db.engine import Sessions
from app.core.state import State
from app.problems.background.telling import Telling
from app.solutions.looking import KnownSolutions
from tests.support.actors import make_key
from tests.support.articles import PDF, found, write
from tests.support.identities import ORIGIN
from tests.support.stories import Begin, Caller, path_of

ASKED = {"title": "Export timeout", "description": "Our large report ends with a timeout when we export it."}
TITLE = "Exports of large reports end with a timeout"
HELP = "Please export the report one month at a time, then it is not too large."


async def test_n3_a_known_error_is_suggested_until_it_is_solved(begin: Begin, state: State, sessions: Sessions) -> None:
    story = await begin("itil-native")
    looking = KnownSolutions(sessions, state.feed)
    await looking.run_pass()
    await write(story.engineer, PDF)
    problem = await story.engineer.post("/v1/problems", 201, title=TITLE, product="Prism")
    step = f"/v1/problems/{problem['id']}/state"
    assert (await story.customer.post("/v1/articles/suggest", **ASKED))["known_errors"] == []
    await story.engineer.post(step, state="known_error", owner_id=story.engineer_id, workaround=HELP)
    (error,) = (await story.customer.post("/v1/articles/suggest", **ASKED))["known_errors"]
    assert (error["number"], error["title"], error["workaround"]) == (problem["number"], TITLE, HELP)
    assert error["reason"].startswith("It mentions: ")
    assert {"Exports", "timeout"} <= set(error["matched"])
    ana = {"requester": {"name": "Ana Silva", "email": "ana@example.com"}}
    ticket = await story.customer.post("/v1/tickets?include=suggestions", 201, **ASKED, **ana)
    assert [each["number"] for each in ticket["known_errors"]] == [problem["number"]]
    await looking.run_pass()
    assert await story.events(path_of(ticket), "ticket.no_known_solution") == [], "a known error is a known solution"
    key = await make_key(sessions, "widget", account_id=story.account.account_id, allowed_origins=[ORIGIN])
    guest = Caller(story.customer.client, key | {"Origin": ORIGIN})
    assert (await guest.post("/v1/articles/suggest", **ASKED))["known_errors"] == [], "not to strangers"
    assert await found(story.customer, "export timeout") == [PDF["slug"]], "a search is for articles"
    french = {"title": "Délai dépassé", "description": "L'exportation d'un grand rapport échoue", "language": "fr"}
    assert [each["number"] for each in (await story.customer.post("/v1/articles/suggest", **french))["known_errors"]]
    await story.engineer.post(step, state="investigating")
    assert (await story.customer.post("/v1/articles/suggest", **ASKED))["known_errors"] == []
    await story.engineer.post(step, state="known_error", publish={"audience": "public"})
    answer = await story.customer.post("/v1/articles/suggest", **ASKED)
    assert answer["items"][0]["slug"] == problem["number"].lower()
    assert answer["known_errors"] == [], "what is an article is not said twice"
    await story.engineer.post(step, state="resolved", resolution="Version 4.2 reads each row once.")
    assert (await story.customer.post("/v1/articles/suggest", **ASKED))["known_errors"] == []


@pytest.mark.parametrize(
    ("locale", "said"), [("es", "Exporte un mes cada vez."), ("fr", HELP)], ids=["in their language", "in another"]
)
async def test_n4_each_ticket_is_told_in_its_language(begin: Begin, sessions: Sessions, locale: str, said: str) -> None:
    story = await begin("itil-native", locale=locale)
    ticket = await story.open(**ASKED)
    problem = await story.engineer.post("/v1/problems", 201, title=TITLE, tickets=[ticket["id"]])
    state = f"/v1/problems/{problem['id']}/state"
    texts = {"workaround": HELP, "workarounds": {"es": "Exporte un mes cada vez."}}
    known = await story.engineer.post(state, state="known_error", owner_id=story.engineer_id, **texts)
    assert known["translations"] == {"workaround": {"es": "Exporte un mes cada vez."}, "resolution": {}}
    await Telling(sessions).run_pass()
    messages = (await story.customer.get(f"{path_of(ticket)}/messages"))["items"]
    assert messages[-1]["body"].endswith(f"\n\n{said}")
    changed = await story.engineer.patch(f"/v1/problems/{problem['id']}", workaround="Use the new page.")
    assert changed["translations"]["workaround"] == {}, "translations of another text would be wrong"
