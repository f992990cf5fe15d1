"""Why a deadline is due when it is, over HTTP: pauses, moves, ends, plans; who sees it; in four languages (C19)."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.ids import new_id
from app.previews.explanations import _EVENTS
from tests.support.actors import Headers, make_account, make_key
from tests.support.days import FRI, THU, local
from tests.support.desk import fetch
from tests.support.planning import Planner
from tests.support.stories import P1, Begin, Caller, Story, deadline, path_of

HOUR: Final = timedelta(hours=1)
URGENT: Final = {"priority": "P1", "reason": "Down", "business_impact": "No sales"}
FAR: Final = "2026-11-23"


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A sandbox in New York, on Thursday at 17:00."""
    return await begin("wati-business-plus", sandbox={"starts_at": local(f"{THU}T17:00").isoformat()})


def instant(text: str) -> str:
    return local(text).isoformat().replace("+00:00", "Z")


async def reach(story: Story, text: str) -> None:
    """Move the sandbox's clock to a local time."""
    await story.advance(to=instant(text))


async def explained(who: Caller, path: str, metric: str, cycle: int = 1, language: str = "en") -> Any:
    """What ``who`` gets for a deadline of the ticket."""
    found = deadline(await who.get(path), metric, cycle)
    answer = await who.send("GET", f"{path}/deadlines/{found['id']}/explain", accept_language=language)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: Any, *names: str) -> list[tuple[Any, ...]]:
    """Some members of each move."""
    return [tuple(move[name] for name in names) for move in answer["explanation"]["moves"]]


def kinds(answer: Any) -> list[tuple[str, str, str]]:
    return [(each["kind"], each["to"], each["working_time"]) for each in answer["explanation"]["segments"]]


async def paused_and_raised(story: Story) -> str:
    """Example 12: a P3 raised to P1 on Friday at 15:00, and waiting from 15:30 to 20:00."""
    path = path_of(await story.open(priority="P3"))
    await reach(story, f"{FRI}T15:00")
    await story.engineer.post(f"{path}/priority", **URGENT)
    await reach(story, f"{FRI}T15:30")
    await story.engineer.post(f"{path}/messages", 201, body="Which shop?")
    await story.engineer.post(f"{path}/status", status="waiting_on_customer")
    await reach(story, f"{FRI}T20:00")
    await story.customer.post(f"{path}/messages", 201, body="All of them.")
    return path


async def test_c19_a_raise_and_a_pause(story: Story) -> None:
    path = await paused_and_raised(story)
    answer = await explained(story.customer, path, "resolution")
    assert (answer["as_of"], answer["deadline"]["due_at"]) == (instant(f"{FRI}T20:00"), instant(f"{FRI}T23:30"))
    assert kinds(answer) == [
        ("not_counting", instant(f"{FRI}T15:00"), "PT0S"),
        ("running", instant(f"{FRI}T15:30"), "PT30M"),
        ("paused", instant(f"{FRI}T20:00"), "PT0S"),
    ]
    explanation = answer["explanation"]
    assert explanation["countdown"] == {
        "priority": "P1",
        "target": "PT4H",
        "working_time": "PT4H",
        "calendar": {"name": "24x7", "time_zone": "UTC"},
        "consumed": "PT30M",
        "remaining": "PT3H30M",
        "due_at": instant(f"{FRI}T23:30"),
    }
    others = {each["priority"]: each for each in explanation["other_countdowns"]}
    assert set(others) == {"P2", "P3", "P4"}
    assert others["P3"] | {"due_at": None} == {
        "priority": "P3",
        "target": {"business_days": 1},
        "working_time": "PT9H",
        "calendar": {"name": "business", "time_zone": "America/New_York"},
        "consumed": "PT7H30M",
        "remaining": "PT1H30M",
        "due_at": None,
    }
    assert others["P3"]["due_at"] == instant(f"{FAR}T10:30")
    assert [(each["kind"], each["to"]) for each in explanation["ahead"]] == [("running", instant(f"{FRI}T23:30"))]


async def test_c19_moves_tell_who_caused_them(story: Story) -> None:
    path = await paused_and_raised(story)
    answer = await explained(story.customer, path, "resolution")
    assert told(answer, "kind", "from", "to", "reason") == [
        ("started", None, instant(f"{FRI}T17:00"), None),
        ("paused", instant(f"{FRI}T17:00"), None, "waiting_on_customer"),
        ("resumed", None, instant(f"{FRI}T23:30"), "open"),
    ]
    actors = [actor for (actor,) in told(answer, "actor")]
    assert [actor["kind"] for actor in actors] == ["customer", "engineer", "customer"]
    assert actors[1]["id"] == story.engineer_id


async def test_c19_a_lowering_moves_it_and_says_so(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await reach(story, f"{THU}T18:00")
    await story.engineer.post(f"{path}/priority", priority="P2", reason="A way round")
    answer = await explained(story.customer, path, "resolution")
    assert told(answer, "kind", "from", "to", "reason")[1:] == [
        ("moved", instant(f"{THU}T21:00"), instant(f"{FRI}T01:00"), "priority_lowered")
    ]
    assert "because the priority was lowered" in answer["explanation"]["text"]


TEXTS: Final = {
    "en": [
        "Resolution (priority P1: urgent): 4 hours, counted around the clock.",
        "Time used: 30 minutes. Time left: 3 hours and 30 minutes.",
        "Paused, so not counted: 4 hours and 30 minutes.",
        "It is due on Friday, November 20, 2026 at 11:30 PM.",
        "All times are local to America/New_York.",
    ],
    "es": [
        "Resolución (prioridad P1: urgente): plazo de 4 horas, que corre las 24 horas del día.",
        "En pausa, no cuenta: 4 horas y 30 minutos.",
        "Vence el viernes, 20 de noviembre de 2026 a las 23:30.",
    ],
    "fr": [
        "Résolution (priorité P1 : urgente) : délai de 4 heures, qui court 24 h/24.",
        "En pause, donc non décompté : 4 heures et 30 minutes.",
        "L'échéance est le vendredi 20 novembre 2026 à 23:30.",
    ],
    "de": [
        "Lösung (Priorität P1: dringend): 4 Stunden, rund um die Uhr gezählt.",
        "Angehalten und daher nicht gezählt: 4 Stunden und 30 Minuten.",
        "Fällig am Freitag, 20. November 2026 um 23:30 Uhr.",
    ],
    "pl": [
        "Rozwiązanie (priorytet P1: pilny). Czas: 4 godziny, liczony przez całą dobę.",
        "Wstrzymanie, nie wlicza się: 4 godziny i 30 minut.",
        "Termin: piątek, 20 listopada 2026, godz. 23:30.",
    ],
}


@pytest.mark.parametrize("language", TEXTS)
async def test_c19_the_text_is_in_the_reader_s_language(story: Story, language: str) -> None:
    path = await paused_and_raised(story)
    explanation = (await explained(story.customer, path, "resolution", language=language))["explanation"]
    assert explanation["language"] == language
    text = explanation["text"].replace("\u00a0", " ").replace("\u202f", " ")
    assert [sentence for sentence in TEXTS[language] if sentence not in text] == []


async def test_c19_missed_met_late_and_what_follows(story: Story) -> None:
    path = path_of(await story.open(priority="P2"))
    await reach(story, f"{FRI}T02:00")
    missed = await explained(story.customer, path, "resolution")
    assert (missed["deadline"]["state"], missed["deadline"]["missed_at"]) == ("missed", instant(f"{FRI}T01:00"))
    assert kinds(missed) == [("running", instant(f"{FRI}T01:00"), "PT8H")]
    faster = await explained(story.customer, path, "resolution", 2)
    assert faster["explanation"]["countdown"]["priority"] == "P1"
    assert told(faster, "kind", "to", "actor")[0][:2] == ("started", instant(f"{FRI}T05:00"))
    assert told(faster, "actor") == [({"kind": "service", "name": "Heliodesk"},)]
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    late = await explained(story.customer, path, "first_response")
    assert late["deadline"]["state"] == "met_late"
    assert "Delay: 8 hours." in late["explanation"]["text"]


async def test_c19_what_starts_by_itself_was_nobody_s_doing(begin: Begin) -> None:
    desk = await begin("itil-native", sandbox={"starts_at": local(f"{THU}T17:00").isoformat()})
    path = path_of(await desk.open(priority="critical", channel="api"))
    await desk.engineer.post(f"{path}/messages", 201, body="We are on it.")
    await reach(desk, f"{THU}T20:00")
    await desk.customer.post(f"{path}/messages", 201, body="And?")
    await reach(desk, f"{THU}T22:00")
    kinds_of_actors = [
        [actor["kind"] for (actor,) in told(await explained(desk.customer, path, "update", cycle), "actor")]
        for cycle in (1, 3)
    ]
    assert kinds_of_actors == [["customer"], ["service"]]


async def test_c19_an_ended_one_is_told_up_to_its_end(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await reach(story, f"{FRI}T09:00")
    await story.engineer.post(f"{path}/status", status="resolved", message="Done.")
    await reach(story, f"{FRI}T18:00")
    answer = await explained(story.customer, path, "resolution")
    assert (answer["deadline"]["state"], answer["deadline"]["missed_at"]) == ("met_late", instant(f"{THU}T21:00"))
    assert kinds(answer) == [("running", instant(f"{THU}T21:00"), "PT4H")]
    assert answer["explanation"]["ahead"] == []
    assert "Delay: 12 hours." in answer["explanation"]["text"]


async def test_c19_what_the_sweep_has_not_seen_yet_is_told_and_not_written(begin: Begin) -> None:
    live = await begin("wati-business-plus")
    path = await live.open_at(await live.now() - HOUR, **P1)
    before = await live.customer.get(path)
    assert deadline(before, "first_response")["state"] == "running"
    answer = await explained(live.customer, path, "first_response")
    assert (answer["deadline"]["state"], answer["explanation"]["countdown"]["remaining"]) == ("missed", "PT0S")
    assert await live.customer.get(path) == before


async def test_c19_who_sees_it(story: Story) -> None:
    path = path_of(await story.open(**P1))
    other = path_of(await story.open(priority="P3"))
    await reach(story, f"{FRI}T09:00")
    ticket = await story.engineer.get(path)
    first, ack = (deadline(ticket, metric)["id"] for metric in ("first_response", "escalation_ack"))
    stranger = await make_account(story.sessions, "wati-pro")
    strange = Caller(
        story.customer.client, await make_key(story.sessions, account_id=stranger.account_id, role="owner")
    )
    await strange.get(f"{path}/deadlines/{first}/explain", 404)
    await story.customer.get(f"{other}/deadlines/{first}/explain", 404)
    await story.customer.get(f"{path}/deadlines/{new_id('ddl')}/explain", 404)
    await story.customer.get(f"{path}/deadlines/nonsense/explain", 422)
    await story.customer.get(f"{path}/deadlines/{ack}/explain", 404)
    answer = await explained(story.engineer, path, "escalation_ack")
    assert answer["explanation"]["countdown"]["calendar"]["name"] == "24x7"
    assert "Acknowledgement of the escalation: " in answer["explanation"]["text"]


@pytest.fixture
async def planner(story: Story, admin: Headers) -> Planner:
    return Planner(story, Caller(story.customer.client, admin))


async def test_c19_the_plan_that_was_in_force_when_it_ended(planner: Planner) -> None:
    story = planner.story
    path = path_of(await story.open(**P1))
    await reach(story, f"{THU}T17:45")
    await planner.apply(await planner.version({"P1": {"first_response": "PT10M", "resolution": "PT2H"}}))
    missed = await explained(story.customer, path, "first_response")
    assert missed["explanation"]["plan"]["version"] == 1
    assert missed["explanation"]["countdown"]["target"] == "PT30M"
    moved = await explained(story.customer, path, "resolution")
    assert moved["explanation"]["plan"]["version"] == 2
    assert moved["explanation"]["countdown"]["target"] == "PT2H"
    assert told(moved, "kind", "from", "to", "reason")[1:] == [
        ("moved", instant(f"{THU}T21:00"), instant(f"{THU}T19:00"), "plan")
    ]
    assert "another version of the plan was applied" in moved["explanation"]["text"]


async def test_c19_a_plan_that_promises_it_no_more(planner: Planner) -> None:
    story = planner.story
    path = path_of(await story.open(**P1))
    await reach(story, f"{THU}T17:15")
    await planner.apply(await planner.version({"P1": {"first_response": None, "resolution": "PT2H"}}))
    answer = await explained(story.customer, path, "first_response")
    assert (answer["deadline"]["state"], answer["deadline"]["reason"]) == ("cancelled", "plan")
    assert answer["explanation"]["plan"]["version"] == 1
    assert answer["explanation"]["countdown"]["consumed"] == "PT15M"


async def test_what_is_read_does_not_grow_with_what_else_happened(story: Story, sessions: Sessions) -> None:
    path = await paused_and_raised(story)
    found = deadline(await story.customer.get(path), "resolution")
    nothing: list[datetime] = []
    key = (story.account.account_id, path.rpartition("/")[2], found["id"], nothing)
    before = [row["type"] for row in await fetch(sessions, _EVENTS, *key)]
    assert {"deadline.started", "message.posted"} <= set(before)
    await reach(story, f"{FRI}T20:30")
    for _ in range(3):
        await story.customer.post(f"{path}/messages", 201, body="Any news?")
    assert [row["type"] for row in await fetch(sessions, _EVENTS, *key)] == before
