"""What a plan would make of a ticket, over HTTP: the worked examples of the rules, and what is refused."""

from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.previews.asking import DOCUMENT, PREVIEW, Json, asked, instant, message, status
from tests.support.actors import make_account, make_key
from tests.support.days import FRI, MON, SAT, SUN_BACK, THU, TUE
from tests.support.desk import fetch
from tests.support.stories import Caller, pointers


@pytest.fixture
async def support(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> Caller:
    del plans
    return Caller(client, await make_key(sessions, "agent"))


def raised(at: str, priority: str) -> Json:
    return {"at": instant(at), "type": "priority", "priority": priority}


def of(answer: Json, metric: str) -> list[Json]:
    """The cycles of a metric."""
    return [deadline for deadline in answer["deadlines"] if deadline["metric"] == metric]


@pytest.mark.parametrize(
    ("plan", "priority", "metric", "opened", "due"),
    [
        pytest.param("zmanda-standard", "P2", "first_response", f"{FRI}T15:30", "2026-11-23T09:30", id="1"),
        pytest.param("zmanda-standard", "P3", "first_response", "2026-11-23T09:00", "2026-11-23T17:00", id="2"),
        pytest.param("zmanda-standard", "P4", "first_response", f"{SAT}T12:00", "2026-11-25T14:00", id="3"),
        pytest.param(
            "wati-business-plus", "P1", "first_response", f"{SUN_BACK}T01:45", f"{SUN_BACK}T01:15 EST", id="4"
        ),
        pytest.param("wati-business-plus", "P3", "resolution", f"{SAT}T12:00", "2026-11-23T18:00", id="5"),
        pytest.param("wati-business-plus", "P3", "resolution", "2026-11-24T10:00", "2026-11-25T10:00", id="6"),
        pytest.param(DOCUMENT, "P1", "resolution", f"{SUN_BACK}T00:00", f"{SUN_BACK}T04:00 EST", id="14"),
    ],
)
async def test_examples_of_a_ticket_without_changes(
    support: Caller, plan: Any, priority: str, metric: str, opened: str, due: str
) -> None:
    answer = await support.post(PREVIEW, **asked(plan, priority, opened))
    [deadline] = of(answer, metric)
    assert deadline["due_at"] == instant(due)
    assert answer["as_of"] == instant(opened)


async def test_example_7(support: Caller) -> None:
    answered = asked("itil-native", "critical", f"{MON}T10:00", message(f"{MON}T10:10"))
    [first] = of(await support.post(PREVIEW, **answered, until=instant(f"{MON}T12:10")), "update")
    assert (first["state"], first["due_at"]) == ("running", instant(f"{MON}T12:10"))
    first, second = of(await support.post(PREVIEW, **answered, until=instant(f"{MON}T12:11")), "update")
    assert (first["state"], second["cycle"], second["due_at"]) == ("missed", 2, instant(f"{MON}T14:10"))


async def test_example_8(support: Caller) -> None:
    changes = (message(f"{MON}T11:00"), status(f"{MON}T11:00", "waiting_on_customer"), status(f"{MON}T13:00", "open"))
    body = asked("itil-native", "high", f"{MON}T10:00", *changes)
    [tier] = of(await support.post(PREVIEW, **body, addons=["hybrid"]), "tier_escalation")
    assert tier["due_at"] == instant(f"{MON}T20:00")
    [managed] = of(await support.post(PREVIEW, **body), "tier_escalation")
    assert managed["due_at"] == instant(f"{MON}T20:00")


WAITED: Final = (
    message(f"{FRI}T15:30"),
    status(f"{FRI}T15:30", "waiting_on_customer"),
    status(f"{FRI}T20:00", "open"),
)


@pytest.mark.parametrize(
    ("priority", "opened", "changes", "due"),
    [
        pytest.param("P4", f"{MON}T10:00", [raised(f"{MON}T15:00", "P1")], f"{MON}T19:00", id="9"),
        pytest.param("P1", f"{MON}T10:00", [raised(f"{MON}T13:55", "P2")], f"{MON}T18:00", id="11"),
        pytest.param(
            "P1",
            f"{MON}T10:00",
            [raised(f"{MON}T13:55", "P2"), raised(f"{MON}T13:56", "P1")],
            f"{MON}T14:01",
            id="11 raised again",
        ),
        pytest.param("P3", f"{THU}T17:00", [raised(f"{FRI}T15:00", "P1")], f"{FRI}T17:00", id="12 raised"),
        pytest.param("P3", f"{THU}T17:00", [raised(f"{FRI}T15:00", "P1"), *WAITED], f"{FRI}T23:30", id="12"),
        pytest.param("P3", f"{MON}T10:00", [raised(f"{TUE}T08:00", "P1")], f"{TUE}T10:00", id="13 raised"),
        pytest.param(
            "P3", f"{MON}T10:00", [raised(f"{TUE}T08:00", "P1"), raised(f"{TUE}T09:00", "P2")], f"{TUE}T10:00", id="13"
        ),
    ],
)
async def test_examples_of_a_resolution_that_moves(
    support: Caller, priority: str, opened: str, changes: list[Json], due: str
) -> None:
    answer = await support.post(PREVIEW, **asked("wati-business-plus", priority, opened, *changes))
    [deadline] = of(answer, "resolution")
    assert deadline["due_at"] == instant(due)


async def test_example_10(support: Caller) -> None:
    body = asked("wati-business-plus", "P2", f"{MON}T10:00", until=instant(f"{MON}T18:01"))
    answer = await support.post(PREVIEW, **body)
    first, second = of(answer, "resolution")
    assert (first["state"], first["missed_at"], first["priority"]) == ("missed", instant(f"{MON}T18:00"), "P2")
    assert (second["cycle"], second["priority"], second["due_at"]) == (2, "P1", instant(f"{MON}T22:00"))
    assert (answer["priority"], len(of(answer, "escalation_ack"))) == ("P1", 1)


async def test_the_answer_says_what_is_left_and_why(support: Caller) -> None:
    changes = [message(f"{MON}T11:00"), status(f"{MON}T11:00", "waiting_on_customer")]
    body = asked("wati-business-plus", "P2", f"{MON}T10:00", *changes, until=instant(f"{MON}T12:00"))
    answer = await support.post(PREVIEW, **body)
    [first] = of(answer, "first_response")
    assert (first["state"], first["stopped_at"], first["remaining"]) == ("met", instant(f"{MON}T11:00"), None)
    [resolution] = of(answer, "resolution")
    assert (resolution["state"], resolution["due_at"], resolution["remaining"]) == ("paused", None, "PT7H")
    explanation = resolution["explanation"]
    assert [(move["kind"], move["actor"]["kind"]) for move in explanation["moves"]] == [
        ("started", "service"),
        ("paused", "engineer"),
    ]
    assert explanation["plan"] == {"key": "wati-business-plus", "version": 1}
    assert "The clock is paused" in explanation["text"]


async def test_the_text_is_in_the_reader_s_language(support: Caller) -> None:
    body = asked("wati-business-plus", "P3", f"{SAT}T12:00")
    words = {
        "es": "día hábil",
        "fr": "jour ouvré",
        "pl": "dzień roboczy",
        "de": "Arbeitstag",
        "it": "business day",
    }
    for language, word in words.items():
        answer = await support.send("POST", PREVIEW, body, accept_language=language)
        assert word in of(answer.json(), "resolution")[0]["explanation"]["text"]


_COUNT: Final = """
SELECT (SELECT count(*) FROM tickets) AS tickets, (SELECT count(*) FROM events) AS events,
       (SELECT count(*) FROM stored_answers) AS answers, (SELECT count(*) FROM plan_versions) AS plans
"""


async def test_nothing_is_written(support: Caller, sessions: Sessions) -> None:
    await support.post(PREVIEW, **asked(DOCUMENT, "P1", f"{MON}T10:00", message(f"{MON}T11:00")))
    [row] = await fetch(sessions, _COUNT)
    assert dict(row) == {"tickets": 0, "events": 0, "answers": 0, "plans": 7}


async def test_customers_do_not_see_what_support_owes_itself(
    support: Caller, sessions: Sessions, client: httpx.AsyncClient
) -> None:
    account = await make_account(sessions, "wati-pro")
    customer = Caller(client, await make_key(sessions, account_id=account.account_id, role="viewer"))
    body = asked("wati-business-plus", "P2", f"{MON}T10:00", until=instant(f"{MON}T18:01"))
    theirs = await customer.post(PREVIEW, **body)
    ours = await support.post(PREVIEW, **body)
    assert theirs["deadlines"] == [each for each in ours["deadlines"] if each["metric"] != "escalation_ack"]
    assert of(ours, "escalation_ack")


async def test_holidays_of_a_country(support: Caller) -> None:
    """Thanksgiving: a calendar that leaves its holidays to the account has them where a country is named."""
    calendar = {"time_zone": "account", "weekly": {"thu": [["09:00", "18:00"]]}, "holidays": {"country": "account"}}
    plan = DOCUMENT | {"calendars": {"sunday": calendar}}
    body = asked(plan, "P1", "2026-11-26T09:00")
    assert of(await support.post(PREVIEW, **body), "resolution")[0]["due_at"] == instant("2026-11-26T14:00")
    away = await support.post(PREVIEW, **body, country="US")
    assert of(away, "resolution")[0]["due_at"] == instant("2026-12-03T14:00")


BASE: Final = asked("wati-business-plus", "P3", f"{MON}T10:00")
RESOLVED: Final = [message(f"{MON}T11:00"), status(f"{MON}T11:00", "resolved")]
CLOSED: Final = [*RESOLVED, status(f"{MON}T12:00", "closed")]
TO_TIER_2: Final = {"at": instant(f"{MON}T12:00"), "type": "tier", "tier": 2}
REOPEN: Final = {"at": instant(f"{MON}T12:00"), "type": "reopen"}
WITHDRAW: Final = {"at": instant(f"{MON}T12:30"), "type": "withdraw"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"plan": "nobody"}, "/plan"),
        ({"plan": 3}, "/plan"),
        ({"plan": DOCUMENT | {"hours": "never"}, "priority": "P1"}, "/plan/hours"),
        (
            {"plan": DOCUMENT | {"targets": {"P1": {"resolution": "P1D"}}}, "priority": "P1"},
            "/plan/targets/P1/resolution",
        ),
        ({"plan": DOCUMENT, "priority": "P1", "version": 1}, "/version"),
        ({"version": 99}, "/version"),
        ({"version": 0}, "/version"),
        ({"addons": ["tam", "gold"]}, "/addons/1"),
        ({"priority": "P9"}, "/priority"),
        ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
        ({"country": "QQ"}, "/country"),
        ({"opened_at": "2026-11-16T10:00:00"}, "/opened_at"),
        ({"until": instant(f"{MON}T09:59")}, "/until"),
        ({"changes": [message(f"{MON}T09:59")]}, "/changes/0/at"),
        ({"changes": [message(f"{MON}T11:00"), message(f"{MON}T10:59")]}, "/changes/1/at"),
        ({"changes": [message(f"{MON}T11:00")], "until": instant(f"{MON}T10:30")}, "/until"),
        ({"changes": [message(f"{MON}T11:00", "automation")]}, "/changes/0/author"),
        ({"changes": [message(f"{MON}T11:00", body="no")]}, "/changes/0/body"),
        ({"changes": [{"at": instant(f"{MON}T11:00"), "type": "party"}]}, "/changes/0/type"),
        ({"changes": [{"at": instant(f"{MON}T11:00")}]}, "/changes/0/type"),
        ({"changes": [status(f"{MON}T11:00", "asleep")]}, "/changes/0/status"),
        ({"changes": [status(f"{MON}T11:00", "mitigated")]}, "/changes/0/status"),
        ({"changes": [status(f"{MON}T11:00", "waiting_on_customer")]}, "/changes/0/status"),
        ({"changes": [status(f"{MON}T11:00", "resolved")]}, "/changes/0/status"),
        ({"changes": [message(f"{MON}T11:00", visibility="internal"), RESOLVED[1]]}, "/changes/1/status"),
        ({"changes": [raised(f"{MON}T11:00", "P9")]}, "/changes/0/priority"),
        ({"changes": [*RESOLVED, raised(f"{MON}T12:00", "P1")]}, "/changes/2"),
        ({"changes": [TO_TIER_2]}, "/changes/0/tier"),
        ({"changes": [TO_TIER_2 | {"tier": 0}]}, "/changes/0/tier"),
        ({"changes": [REOPEN]}, "/changes/0"),
        ({"changes": [*RESOLVED, REOPEN, REOPEN]}, "/changes/3"),
        ({"changes": [*CLOSED, message(f"{MON}T13:00")]}, "/changes/3"),
        ({"changes": [*CLOSED, WITHDRAW]}, "/changes/3"),
        ({"changes": [*RESOLVED, message("2026-11-30T11:01", "customer")]}, "/changes/2"),
        ({"changes": [message(f"{MON}T11:00")] * 1_001}, "/changes"),
        ({"addons": ["tam"] * 21}, "/addons"),
        ({"surprise": True}, "/surprise"),
    ],
)
async def test_nonsense_is_refused_with_its_place(support: Caller, change: Json, place: str) -> None:
    problem = await support.post(PREVIEW, 422, **(BASE | change))
    assert pointers(problem) == [place]


async def test_the_same_status_again_is_nothing(support: Caller) -> None:
    plain = await support.post(PREVIEW, **(BASE | {"changes": RESOLVED}))
    assert await support.post(PREVIEW, **(BASE | {"changes": [*RESOLVED, RESOLVED[1]]})) == plain


async def test_a_ticket_may_be_reopened_and_withdrawn(support: Caller) -> None:
    answer = await support.post(PREVIEW, **(BASE | {"changes": [*RESOLVED, REOPEN, WITHDRAW]}))
    first, second = of(answer, "resolution")
    assert (answer["status"], first["state"], second["state"]) == ("closed", "met", "cancelled")
    assert (second["reason"], second["stopped_at"]) == ("withdrawn", WITHDRAW["at"])


EVERY_SECOND: Final = DOCUMENT | {"hours": "24x7", "targets": {"P1": {"first_response": "PT1S", "update": "PT1S"}}}
MANY_WINDOWS: Final = {
    "time_zone": "account",
    "weekly": {
        day: [[f"{hour:02}:00", f"{hour:02}:10"] for hour in range(12)]
        for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    },
}


@pytest.mark.parametrize(
    ("plan", "opened", "until", "place"),
    [
        pytest.param(EVERY_SECOND, "2000-01-01T00:00", "2099-12-31T00:00", "/until", id="an update every second"),
        pytest.param(
            DOCUMENT | {"calendars": {"sunday": MANY_WINDOWS}, "targets": {"P1": {"resolution": "PT4000H"}}},
            "2026-06-01T00:00",
            "2026-06-01T00:00",
            "/opened_at",
            id="too many windows to the due instant",
        ),
    ],
)
async def test_no_plan_makes_it_work_for_long(support: Caller, plan: Json, opened: str, until: str, place: str) -> None:
    problem = await support.post(PREVIEW, 422, **asked(plan, "P1", opened, until=instant(until)))
    assert pointers(problem) == [place]


async def test_a_pause_of_decades_is_looked_at_as_one_of_a_day_is(support: Caller) -> None:
    waits = [message(f"{MON}T11:00"), status(f"{MON}T11:00", "waiting_on_customer")]
    soon, late = [
        of(await support.post(PREVIEW, **(BASE | {"changes": waits, "until": instant(until)})), "resolution")[0]
        for until in (f"{MON}T12:00", "2100-01-01T00:00")
    ]
    assert (soon["state"], late["state"]) == ("paused", "paused")
    assert late["remaining"] == soon["remaining"]


async def test_as_many_changes_as_may_be(support: Caller) -> None:
    """Five hundred pauses: each costs the same, however many there were before."""
    statuses = ("waiting_on_customer", "open")
    pauses = [status(f"{MON}T{11 + n // 60}:{n % 60:02}:{m:02}", statuses[m]) for n in range(499) for m in range(2)]
    answer = await support.post(PREVIEW, **(BASE | {"changes": [message(f"{MON}T10:01"), *pauses]}))
    [resolution] = of(answer, "resolution")
    assert len(resolution["explanation"]["moves"]) == 999
    assert resolution["explanation"]["countdown"]["consumed"] == "PT7H53M"
