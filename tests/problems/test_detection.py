"""N4: what is alike among tickets is suggested as a problem, found in the background."""

import json
from collections.abc import Awaitable, Callable, Iterable
from itertools import product as combinations
from typing import Any, Final

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, run, transaction
from app.core.state import State
from app.problems.background import detection
from app.problems.background.detection import Detection, forget_incidents
from app.problems.background.telling import Telling
from app.tickets.schemas import NewTicket
from app.tickets.usecases.open import open_ticket
from tests.support.actors import make_account, make_plan
from tests.support.desk import AUTOMATION, fetch
from tests.support.stories import Begin, Story
from tests.support.tickets import TICKET
from tests.support.trees import ROOT

_WHAT: Final = ("Export", "Exporting the report", "PDF export", "Report export", "The export of our report")
_HOW: Final = ("ends with a timeout", "times out", "hangs and then there is a timeout", "fails: timeout")
OUTAGE: Final = [f"{what} {how}" for what, how in combinations(_WHAT, _HOW)]
_BACKGROUND: Final = [
    json.loads(line) for line in (ROOT / "bench" / "problems" / "tuning.jsonl").read_text(encoding="utf-8").splitlines()
]
OTHERS: Final = [each["title"] for each in _BACKGROUND if each["incident"] is None]
LOGINS: Final = (
    ("Nobody can log in", "Since this morning SSO ends in a 502 for all users."),
    ("Connexion impossible", "Depuis ce matin personne ne peut se connecter, erreur 502 après l'authentification SSO."),
    ("No podemos iniciar sesión", "Desde esta mañana el SSO da error 502 a todos los usuarios."),
    ("SSO down?", "All our staff get bad gateway when they sign in."),
    ("Panne SSO", "Erreur 502 pour tous les utilisateurs, rien n'a changé chez nous."),
    ("Error 502 al entrar", "Ningún usuario puede entrar con SSO desde hoy."),
)
"""One outage in three languages."""
Text = tuple[str, str, str | None]
Detected = Callable[[], Awaitable[None]]


async def opened(sessions: Sessions, account_id: str, texts: Iterable[Text]) -> list[str]:
    """Tickets with these titles, descriptions and products, opened one after the other; their ids."""
    fields = [{"title": title, "description": description, "product": product} for title, description, product in texts]
    commands = [NewTicket.model_validate(TICKET | each) for each in fields]

    async def work(session: AsyncSession) -> list[str]:
        acting: dict[str, Any] = {"account_id": account_id, "acting": AUTOMATION}
        edits = [await open_ticket(session, each, **acting, now=await database_now(session)) for each in commands]
        return [edit.ticket.id for edit in edits]

    return await run(sessions, work)  # again when one of the random numbers is taken


def outage(number: int, start: int = 0) -> list[Text]:
    return [(title, "We need it for a meeting.", "reports") for title in OUTAGE[start : start + number]]


@pytest.fixture
async def detected(state: State) -> Detected:
    """Let the detection look at all that is new."""

    async def run() -> None:
        while await detecting.run_pass():
            pass

    detecting = Detection(state.sessions, state.feed)
    await detecting.run_pass()  # the first pass of all notes where to begin
    return run


async def suggested(story: Story, *states: str) -> list[Any]:
    return list((await story.engineer.get("/v1/problems", state=[*states] or ["suggested"]))["items"])


async def test_n4_twenty_alike_among_two_hundred_are_one_suggestion(
    sessions: Sessions, begin: Begin, detected: Detected
) -> None:
    story = await begin("wati-business-plus")
    other = await make_account(sessions, "wati-business-plus", name="Another")
    texts = [*OTHERS, *(f"{word} {number}" for number, word in enumerate("abcdefghijklmnopqrstuvwxyz" * 5))][:200]
    products = ("reports", "backup", None)
    await opened(sessions, story.account.account_id, [(text, text, products[n % 3]) for n, text in enumerate(texts)])
    await detected()
    ours = await opened(sessions, story.account.account_id, outage(10))
    theirs = await opened(sessions, other.account_id, outage(10, 10))
    await detected()
    [problem] = await suggested(story)
    tickets = {each["id"] for each in (await story.engineer.get(f"/v1/problems/{problem['id']}/tickets"))["items"]}
    assert tickets >= {*ours, *theirs}
    assert len(tickets) <= 22
    assert (problem["product"], problem["source"], problem["owner_id"]) == ("reports", "suggestion", None)
    assert {"export", "timeout"} <= set(problem["words"])
    [event] = await fetch(sessions, "SELECT * FROM events WHERE type = 'problem.suggested'")
    assert (event["account_id"], event["audience"], event["data"]["count"]) == ("-", "internal", len(tickets))
    assert {each["ticket_id"] for each in event["data"]["tickets"]} == tickets
    assert "problem.suggested" not in (await story.customer.send("GET", "/v1/events?limit=200")).text


async def test_n4_two_outages_at_once_are_two_suggestions(sessions: Sessions, begin: Begin, detected: Detected) -> None:
    story = await begin("wati-business-plus")
    account = story.account.account_id
    await opened(sessions, account, [(text, text, ("account", "reports")[n % 2]) for n, text in enumerate(OTHERS[:30])])
    await detected()
    logins = [(title, text, ("account", None)[n % 2]) for n, (title, text) in enumerate(LOGINS)]
    exports = [(title, text, (product, None)[n % 2]) for n, (title, text, product) in enumerate(outage(6))]
    mixed = await opened(sessions, account, [each for both in zip(logins, exports, strict=True) for each in both])
    await detected()
    problems = {each["product"]: each["id"] for each in await suggested(story)}
    assert problems.keys() == {"account", "reports"}
    for product, ids in (("account", mixed[::2]), ("reports", mixed[1::2])):
        listed = await story.engineer.get(f"/v1/problems/{problems[product]}/tickets")
        found = {each["id"] for each in listed["items"]}
        assert found >= set(ids)
        assert len(found) <= len(ids) + 2


async def test_n4_an_engineer_accepts_and_later_ones_join(sessions: Sessions, begin: Begin, detected: Detected) -> None:
    story = await begin("wati-business-plus")
    account = story.account.account_id
    first = await opened(sessions, account, outage(4))
    await detected()
    [problem] = await suggested(story)
    path = f"/v1/problems/{problem['id']}"
    assert (await story.customer.get(f"/v1/tickets/{first[0]}"))["problem"] is None
    accepted = await story.engineer.post(f"{path}/accept", title="The report engine is overloaded")
    assert (accepted["state"], accepted["owner_id"], accepted["tickets"]) == ("open", story.engineer_id, 4)
    await story.engineer.post(f"{path}/accept", 409)
    later = await opened(sessions, account, outage(2, 8))
    await detected()
    await Telling(sessions).run_pass()
    for ticket_id in (*first, *later):
        shown = await story.customer.get(f"/v1/tickets/{ticket_id}")
        assert shown["problem"]["title"] == "The report engine is overloaded"
        assert len(await story.events(f"/v1/tickets/{ticket_id}", "ticket.problem_linked")) == 1
    gone = await story.engineer.send("DELETE", f"{path}/tickets/{later[0]}")
    assert gone.status_code == 204
    await opened(sessions, account, outage(1, 12))
    await detected()
    assert (await story.customer.get(f"/v1/tickets/{later[0]}"))["problem"] is None
    assert (await story.engineer.get(path))["tickets"] == 6


async def test_n4_what_was_dismissed_is_not_suggested_again(
    sessions: Sessions, begin: Begin, detected: Detected
) -> None:
    story = await begin("wati-business-plus")
    account = story.account.account_id
    await opened(sessions, account, outage(3))
    await detected()
    [problem] = await suggested(story)
    await story.engineer.post(f"/v1/problems/{problem['id']}/dismiss", reason="They tested it")
    await opened(sessions, account, outage(3, 6))
    await detected()
    assert await suggested(story) == []
    [dismissed] = await suggested(story, "dismissed")
    assert (dismissed["tickets"], dismissed["dismissal"]) == (6, "They tested it")
    assert len(await fetch(sessions, "SELECT FROM events WHERE type = 'problem.suggested'")) == 1


async def test_n4_above_a_plans_threshold_it_opens_by_itself(
    sessions: Sessions, begin: Begin, detected: Detected
) -> None:
    story = await begin("wati-business-plus")
    plan = await make_plan(
        sessions, "with-threshold", problems={"threshold": 5, "targets": {"known_error": "PT1H", "resolved": "PT8H"}}
    )
    strict = await make_account(sessions, plan, name="Strict")
    await opened(sessions, story.account.account_id, outage(3))
    await opened(sessions, strict.account_id, outage(1, 8))
    await detected()
    assert len(await suggested(story)) == 1
    await opened(sessions, strict.account_id, outage(1, 12))
    await detected()
    [problem] = await suggested(story, "open")
    assert (problem["source"], problem["owner_id"], problem["tickets"]) == ("automatic", None, 5)
    assert {state: target["missed"] for state, target in problem["targets"].items()} == {
        "known_error": False,
        "resolved": False,
    }
    async with transaction(sessions) as session:
        await (await driver(session)).execute("UPDATE problems SET wake_at = now(), targets = $1", _overdue())
    await Telling(sessions).run_pass()
    await Telling(sessions).run_pass()
    [missed] = await fetch(sessions, "SELECT data FROM events WHERE type = 'problem.target_missed'")
    assert missed["data"]["state"] == "known_error"


def _overdue() -> str:
    """The targets of a problem of which one is overdue, as JSON."""
    due = {"known_error": "2026-01-01T00:00:00+00:00", "resolved": "2126-01-01T00:00:00+00:00"}
    return json.dumps({state: {"due_at": at, "missed": False, "reached": False} for state, at in due.items()})


async def test_n4_a_pass_looks_at_what_is_new_alone(
    state: State, sessions: Sessions, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await begin("wati-business-plus")
    monkeypatch.setattr(detection, "BATCH", 10)
    detecting = Detection(sessions, state.feed)
    await detecting.run_pass()
    await opened(sessions, story.account.account_id, outage(5))
    assert await detecting.run_pass() == 10, "of the events of five tickets"
    while await detecting.run_pass():
        pass
    assert await Detection(sessions, state.feed).run_pass() == 0, "another process knows of it"
    [problem] = await suggested(story)
    assert problem["tickets"] == 5
    counts = await fetch(sessions, "SELECT tickets FROM incident_words WHERE word = ''")
    assert [row["tickets"] for row in counts] == [5]


async def test_n4_sandboxes_are_left_out_and_old_words_forgotten(
    sessions: Sessions, begin: Begin, detected: Detected
) -> None:
    await begin("wati-business-plus")
    sandbox = await make_account(sessions, "wati-business-plus", sandbox=True)
    await opened(sessions, sandbox.account_id, outage(4))
    await detected()
    assert await fetch(sessions, "SELECT FROM recent_incidents") == []
    live = await make_account(sessions, "wati-business-plus")
    await opened(sessions, live.account_id, outage(1))
    await detected()
    assert len(await fetch(sessions, "SELECT FROM recent_incidents")) == 1
    await fetch(sessions, "UPDATE recent_incidents SET opened_at = now() - interval '2 days'")
    await fetch(sessions, "UPDATE incident_words SET day = current_date - 30")
    await forget_incidents(sessions)
    assert await fetch(sessions, "SELECT FROM recent_incidents UNION ALL SELECT FROM incident_words") == []
