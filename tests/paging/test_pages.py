"""Pages by an engineer's own rules: when, by which way, and what is told of it."""

import asyncio
from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.core.signals import WakeUp
from app.paging.pager import DELAYS, Pages, pager
from app.paging.queue import Lane
from app.paging.ways import Ways
from tests.paging.conftest import GENIE_KEY, ROUTING_KEY, Services
from tests.support.actors import make_key
from tests.support.desk import fetch
from tests.support.experts import Expert, add_expert
from tests.support.mailbox import Mailbox, smtp, stored
from tests.support.stories import P1, Begin, Caller, Story, path_of

ITS_IMPORTS = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise's own, when it looks for its services."""
pytestmark = ITS_IMPORTS
BASE: Final = "https://desk.example/a/"
LANES: Final[tuple[Lane, ...]] = ("mail", "http")


async def send(sessions: Sessions, ways: Ways, metrics: Metrics | None = None) -> int:
    """Send all pages that are due; how many were tried."""
    tried = 0
    for lane in LANES:
        poster = pager(sessions, Pages(lane, ways, metrics or Metrics(), BASE, "in.helpers.example"), WakeUp())
        while begun := await poster.run_pass():
            tried += begun
            await poster.drain()
    return tried


async def pages(sessions: Sessions) -> list[Any]:
    return [*await fetch(sessions, "SELECT * FROM pages ORDER BY due_at, kind")]


async def add_way(expert: Expert, kind: str, target: str, urgency: str = "high", after: str = "PT0S") -> Any:
    """A contact method of the expert's, and a rule that uses it."""
    own = f"/v1/engineers/{expert.id}"
    method = await expert.caller.post(f"{own}/contact-methods", 201, kind=kind, name=kind, target=target)
    rule = {"method_id": method["id"], "urgency": urgency, "after": after}
    await expert.caller.post(f"{own}/notification-rules", 201, **rule)
    return method


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A desk whose only engineer is the one who was there: others come in the tests."""
    story = await begin("google-premium")
    admin = Caller(story.customer.client, await make_key(story.sessions, "admin"))
    await admin.patch(f"/v1/engineers/{story.engineer_id}", active=False)
    return story


@pytest.fixture
async def ida(story: Story) -> Expert:
    return await add_expert(story, "Ida", languages=["pl"])


async def alert_of(story: Story) -> Any:
    [alert] = (await story.product.get("/v1/alerts"))["items"]
    return alert


async def test_without_rules_an_expert_gets_email_at_once_and_the_alert_says_so(
    story: Story, ida: Expert, ways: Ways
) -> None:
    await story.open(**P1)
    assert await send(story.sessions, ways) == 0
    [notice] = await stored(story.sessions)
    assert notice["recipient"]["email"] == "ida@example.com"
    [page] = (await alert_of(story))["pages"]
    assert (page["method_id"], page["kind"], page["state"]) == (None, "email", "pending")
    assert ida.id == (await alert_of(story))["engineer_id"]


async def test_rules_page_in_the_place_of_the_default_and_results_stand_on_the_alert(
    story: Story, ida: Expert, services: Services, settings: Settings, http: httpx.AsyncClient
) -> None:
    methods = [
        await add_way(ida, "pagerduty", ROUTING_KEY),
        await add_way(ida, "email", "ida.at.home@example.com"),
        await add_way(ida, "email", "ida@example.com"),
    ]
    await story.open(**P1)
    mailbox = Mailbox()
    with smtp(mailbox) as url:
        with_mail = settings.model_copy(update={"smtp_url": url, "mail_from": "support@helpers.example"})
        assert await send(story.sessions, Ways(with_mail, http)) == 3
    [notice] = await stored(story.sessions)
    assert notice["recipient"]["email"] is None
    by_address = {str(mail["To"]): mail for mail in mailbox.messages}
    own, message, [event] = (
        by_address["ida@example.com"],
        by_address["ida.at.home@example.com"],
        services.of("pagerduty"),
    )
    [opened] = await fetch(story.sessions, "SELECT id FROM tickets")
    assert message["Message-ID"].endswith(f".{opened['id']}@helpers.example>"), "by which a reply finds the ticket"
    assert message["References"] == own["References"] == f"<{opened['id']}@helpers.example>"
    assert message["Reply-To"] is None, "a reply from there would be nobody's"
    assert own["Reply-To"].endswith("@in.helpers.example")
    assert own.get_content().startswith("##- heliodesk -##")
    assert message["Subject"].startswith("Pilnie potrzebna jest Twoja pomoc · ")
    assert f"Przyjmij lub odrzuć:\n{BASE}hd_answer_" in message.get_content().replace("\r\n", "\n")
    found = {page["method_id"]: page for page in (await alert_of(story))["pages"]}
    assert found.keys() == {method["id"] for method in methods}
    assert {(page["state"], page["attempts"], page["error"]) for page in found.values()} == {("sent", 1, None)}
    assert all(page["sent_at"] >= page["due_at"] for page in found.values())
    assert event["links"][0]["href"].startswith(BASE)


async def test_pagerduty_gets_an_incident_that_is_resolved_when_the_alert_is_over(
    story: Story, ida: Expert, ways: Ways, services: Services
) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY)
    ticket, alert = await story.open(**P1), await alert_of(story)
    await send(story.sessions, ways)
    [event] = services.of("pagerduty")
    assert (event["event_action"], event["dedup_key"], event["payload"]["severity"]) == (
        "trigger",
        alert["id"],
        "critical",
    )
    assert ticket["number"] in event["payload"]["summary"]
    assert services.came_by == [(await fetch(story.sessions, "SELECT id FROM installations"))[0]["id"]]
    await fall_due(story.sessions)
    await send(story.sessions, ways)
    assert len(services.of("pagerduty")) == 1
    await ida.caller.post(f"/v1/alerts/{alert['id']}/accept")
    await fall_due(story.sessions)
    await send(story.sessions, ways)
    resolve = {"routing_key": ROUTING_KEY, "event_action": "resolve", "dedup_key": alert["id"]}
    assert services.of("pagerduty")[1:] == [resolve]
    [page] = await pages(story.sessions)
    assert (page["state"], page["next_attempt_at"], page["error"]) == ("sent", None, None)


async def test_opsgenie_gets_an_alert_that_is_closed_when_it_is_declined(
    story: Story, ida: Expert, ways: Ways, services: Services
) -> None:
    await add_way(ida, "opsgenie", GENIE_KEY)
    await story.open(**P1)
    alert = await alert_of(story)
    await send(story.sessions, ways)
    [created] = services.of("opsgenie")
    assert (created["alias"], created["priority"]) == (alert["id"], "P1")
    assert created["details"]["priority"] == "P1: krytyczny"
    await ida.caller.post(f"/v1/alerts/{alert['id']}/decline", reason="On a train")
    await fall_due(story.sessions)
    await send(story.sessions, ways)
    assert services.of("closed") == [alert["id"]]


@pytest.mark.parametrize("address", ["json://{}/", "ntfy://{}/wake-ida"], ids=["json", "ntfy"])
async def test_apprise_addresses_of_allowed_kinds_are_paged(
    story: Story, ida: Expert, ways: Ways, services: Services, address: str
) -> None:
    await add_way(ida, "apprise", address.format(services.url))
    ticket = await story.open(**P1)
    await send(story.sessions, ways)
    [message] = services.of("apprise")
    assert ticket["number"] in message["title"]
    assert services.came_by == [(await fetch(story.sessions, "SELECT id FROM installations"))[0]["id"]]
    [page] = (await alert_of(story))["pages"]
    assert (page["kind"], page["state"]) == ("apprise", "sent")


@pytest.mark.parametrize(
    ("networks", "path"), [([], ""), (["127.0.0.1/32"], "elsewhere")], ids=["private", "redirected"]
)
async def test_apprise_reaches_no_private_address_that_the_operator_does_not_allow(
    story: Story,
    ida: Expert,
    services: Services,
    settings: Settings,
    http: httpx.AsyncClient,
    networks: list[str],
    path: str,
) -> None:
    await add_way(ida, "apprise", f"json://{services.url}/{path}")
    await story.open(**P1)
    walled = Settings(**settings.model_dump() | {"allow_networks": networks})
    await send(story.sessions, Ways(walled, http))
    [page] = await pages(story.sessions)
    assert (page["state"], services.taken) == ("pending", [])
    assert "may not be reached" in page["error"]


OVER: Final = ("accept", "decline", "withdraw", "expire")


@pytest.mark.parametrize("how", OVER)
async def test_a_later_rule_stays_silent_once_the_alert_is_answered_or_over(
    story: Story, ida: Expert, ways: Ways, services: Services, how: str
) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY, after="PT2M")
    ticket = await story.open(**P1)
    alert = await alert_of(story)
    assert await send(story.sessions, ways) == 0
    if how == "withdraw":
        await story.customer.post(f"{path_of(ticket)}/withdraw", reason="It works again")
    elif how == "expire":
        await fetch(story.sessions, "UPDATE alerts SET accept_by = now()")
    else:
        await ida.caller.post(f"/v1/alerts/{alert['id']}/{how}", **({"reason": "Ill"} if how == "decline" else {}))
    await fall_due(story.sessions)
    assert await send(story.sessions, ways) == 1
    [page] = await pages(story.sessions)
    assert (page["state"], page["next_attempt_at"], services.taken) == ("skipped", None, [])


async def test_a_later_rule_pages_while_the_alert_is_not_answered(
    story: Story, ida: Expert, ways: Ways, services: Services
) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY, after="PT2M")
    await story.open(**P1)
    alert = await alert_of(story)
    [page] = await pages(story.sessions)
    assert (page["due_at"] - page["created_at"]).total_seconds() == 120
    assert [each["state"] for each in alert["pages"]] == ["pending"]
    await fall_due(story.sessions)
    await send(story.sessions, ways)
    assert len(services.of("pagerduty")) == 1


async def test_rules_are_chosen_by_urgency_and_without_one_it_is_email(story: Story, ida: Expert) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY, urgency="low")
    await story.open(**P1)
    assert await pages(story.sessions) == []
    [notice] = await stored(story.sessions)
    assert notice["recipient"]["email"] == "ida@example.com"
    [event] = await fetch(story.sessions, "SELECT data FROM events WHERE type = 'expert.alerted'")
    assert event["data"]["urgency"] == "high"


async def test_what_fails_is_tried_again_for_a_while_and_fails_alone(
    story: Story, ida: Expert, ways: Ways, services: Services, client: httpx.AsyncClient
) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY)
    await add_way(ida, "apprise", f"json://{services.url}/")
    await add_way(ida, "email", "ida@example.com")
    await story.open(**P1)
    services.answer, metrics = 500, Metrics()
    for attempt in range(1, len(DELAYS) + 1):
        await send(story.sessions, ways, metrics)
        found = {page["kind"]: page for page in await pages(story.sessions)}
        assert found["email"]["state"] == "failed"
        state = "failed" if attempt == len(DELAYS) else "pending"
        assert {found[kind]["state"] for kind in ("pagerduty", "apprise")} == {state}
        await fall_due(story.sessions)
    assert await send(story.sessions, ways) == 0
    assert found["pagerduty"]["error"].startswith("500")
    assert "no SMTP server" in found["email"]["error"]
    counted = metrics.registry.get_sample_value("heliodesk_pages_total", {"kind": "pagerduty", "outcome": "failed"})
    assert counted == 1
    told = (await client.get("/readyz")).json()["degraded"]
    assert "Pages to engineers that could not be sent in the last 24 hours: 3" in told


async def test_what_a_service_refuses_for_good_is_not_sent_again(
    story: Story, ida: Expert, ways: Ways, services: Services
) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY)
    await story.open(**P1)
    services.answer = 400
    await send(story.sessions, ways)
    [page] = await pages(story.sessions)
    assert (page["state"], page["attempts"], len(services.taken)) == ("failed", 1, 1)
    assert page["error"].startswith("400")


async def test_replicas_send_a_page_once_and_a_crash_leaves_it_to_its_lease(
    story: Story, ida: Expert, ways: Ways, services: Services
) -> None:
    await add_way(ida, "pagerduty", ROUTING_KEY)
    await story.open(**P1)
    await fetch(
        story.sessions,
        "UPDATE pages SET claim_id = 'clm_lost', attempts = 1, next_attempt_at = now() + interval '1 minute'",
    )
    assert await send(story.sessions, ways) == 0
    await fall_due(story.sessions)
    assert sum(await asyncio.gather(*(send(story.sessions, ways) for _ in range(3)))) == 1
    [page] = await pages(story.sessions)
    assert (page["state"], page["attempts"], len(services.taken)) == ("sent", 2, 1)


async def test_a_deleted_method_is_not_used_any_more(story: Story, ida: Expert, ways: Ways, services: Services) -> None:
    method = await add_way(ida, "pagerduty", ROUTING_KEY, after="PT1M")
    await story.open(**P1)
    path = f"/v1/engineers/{ida.id}/contact-methods/{method['id']}"
    assert (await ida.caller.send("DELETE", path)).status_code == 204
    await fall_due(story.sessions)
    await send(story.sessions, ways)
    [page] = await pages(story.sessions)
    assert (page["state"], page["error"], services.taken) == ("skipped", "the contact method was deleted", [])


async def fall_due(sessions: Sessions) -> None:
    """Let everything that waits fall due."""
    await fetch(sessions, "UPDATE pages SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")
