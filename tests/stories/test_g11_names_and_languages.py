"""G11: what people read is in their language, and names what the plan has names for instead of showing keys."""

import pytest

from app.notices.sending.channels import Channel
from tests.support.actors import make_account, make_key
from tests.support.documents import small
from tests.support.mailbox import Mailbox, channels, mailbox, send
from tests.support.stories import TICKET, Begin, Caller, Story, path_of

__all__ = ["channels", "mailbox"]
NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
SITE = "https://desk.example"
CASES = [
    ({"locale": "pl"}, {"locale": "fr"}, "", "pl"),
    ({}, {"locale": "fr"}, "", "fr"),
    ({}, {}, "", "en"),
    ({"locale": "pl"}, {"locale": "fr"}, "es-MX, en;q=0.5", "es"),
]
PLAN = {"pl": "Plan: Centrum usług ITIL", "fr": "Le contrat est Centre de services ITIL", "es": "El plan es Centro de"}
PRIORITY = {"pl": "(priorytet Wysoka)", "fr": "(priorité Élevée)", "es": "(prioridad Alta)", "en": "(priority High)"}


@pytest.mark.parametrize(
    ("requester", "account", "wanted", "language"), CASES, ids=["requester's", "account's", "neither", "asked for"]
)
async def test_g11_an_explanation_is_in_the_language_of_whom_it_is_for(
    begin: Begin, requester: dict[str, str], account: dict[str, str], wanted: str, language: str
) -> None:
    story = await begin("itil-native", **account, **NOON)
    ticket = await story.open(priority="high", requester=TICKET["requester"] | requester)  # type: ignore[operator]
    deadline = next(each for each in ticket["deadlines"] if each["metric"] == "update")
    path = f"{path_of(ticket)}/deadlines/{deadline['id']}/explain"
    headers = {"Accept_Language": wanted} if wanted else {}
    for who in (story.customer, story.engineer):
        told = (await who.send("GET", path, **headers)).json()["explanation"]
        assert told["language"] == language
        assert PRIORITY[language] in told["text"]
        assert PLAN.get(language, "The plan is ITIL service desk") in told["text"]
        assert told["plan"]["key"] == "itil-native"
        assert "itil-native" not in told["text"]


async def test_g11_working_hours_are_named_without_the_key_of_a_calendar(begin: Begin) -> None:
    story = await begin("wati-business-plus", **NOON)
    ticket = await story.open(priority="P3", channel="web")
    deadline = next(each for each in ticket["deadlines"] if each["metric"] == "resolution")
    path = f"{path_of(ticket)}/deadlines/{deadline['id']}/explain"
    text = (await story.customer.send("GET", path, Accept_Language="en")).json()["explanation"]["text"]
    assert "1 business day (America/New_York), which is 9 hours of working time." in text


async def test_g11_problems_name_statuses_priorities_and_plans(begin: Begin) -> None:
    story = await begin("google-premium", locale="es", **NOON)
    ticket = path_of(await story.open(priority="P3"))
    await story.engineer.post(f"{ticket}/status", status="resolved", message="Listo.")
    refused = await story.customer.post(f"{ticket}/escalations", 409, reason="no_update", justification="Sin noticias")
    assert refused["detail"] == "Un ticket en estado resuelto no se puede escalar"
    other = path_of(await story.open(priority="P3"))
    lowered = {"priority": "P4", "reason": "Ya no es urgente"}
    refused = await story.customer.post(f"{other}/priority", 403, **lowered)
    assert "Soporte Premium de Google Cloud" in refused["detail"]
    missing = await story.customer.post("/v1/tickets", 422, **TICKET, priority="P1")
    assert "prioridad P1: crítica" in missing["errors"][0]["detail"]


async def told(story: Story, channels: tuple[Channel, ...], mailbox: Mailbox, **fields: object) -> tuple[str, str]:
    """Subject and text of the mail that an escalation of a new ticket sends."""
    ticket = await story.open(**fields)
    escalation = {"reason": "no_update", "justification": "Since noon"}
    await story.customer.post(f"{path_of(ticket)}/escalations", 201, **escalation)
    await send(story.sessions, channels, site=SITE)
    [message] = mailbox.messages
    return message["Subject"], message.get_content()


async def test_g11_a_notice_is_in_its_readers_language_then_the_requesters_then_the_accounts(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    for manager, requester, expected in (
        ({"locale": "es"}, {"locale": "pl"}, "Escalada solicitada"),
        ({}, {"locale": "pl"}, "Poproszono o eskalację"),
        ({}, {}, "Escalade demandée"),
    ):
        story = await begin("itil-native", locale="fr", manager={"name": "Mia", "email": "mia@example.com"} | manager)
        mailbox.messages.clear()
        fields = {"priority": "high", "requester": TICKET["requester"] | requester}  # type: ignore[operator]
        subject, _text = await told(story, channels, mailbox, **fields)
        assert subject.startswith(expected)


async def test_z8_a_notice_names_the_priority_and_leads_to_the_programme(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    story = await begin("itil-native", locale="pl", manager={"name": "Mia", "email": "mia@example.com"})
    _subject, text = await told(story, channels, mailbox, priority="high")
    assert "Priorytet: Wysoka" in text
    assert f"Program: {SITE}/programmes/itil-native?version=1" in text


async def test_z8_a_notice_leads_to_no_page_that_its_reader_cannot_open(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    story = await begin("itil-native")
    admin = Caller(story.customer.client, await make_key(story.sessions, "admin"))
    escalation = {"escalation": {"reasons": ["no_update"]}}
    await admin.post("/v1/plans", 201, **small(key="inhouse", **escalation))
    manager = {"name": "Mia", "email": "mia@example.com"}
    account = await make_account(story.sessions, "inhouse", manager=manager)
    key = await make_key(story.sessions, account_id=account.account_id, role="editor")
    inhouse = Story(
        story.sessions, account, Caller(story.customer.client, key), story.engineer, story.engineer_id, story.product
    )
    _subject, text = await told(inhouse, channels, mailbox, priority="hot", channel="web")
    assert "Priority: Hot" in text
    assert "/programmes/" not in text
