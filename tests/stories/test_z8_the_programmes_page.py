"""Z8: a programme's terms are a page that everybody can read where the plan is public, with the plan's own figures."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any, Final

import httpx
import pytest
from babel import Locale
from babel.numbers import format_percent
from babel.units import format_unit

from app.core.db.engine import Sessions
from app.plans.document.model import PlanDocument, Target
from app.plans.document.words import METRICS
from tests.support.actors import make_key
from tests.support.documents import PLANS, small
from tests.support.stories import Begin, Story

BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
LANGUAGES: Final = ("en", "es", "fr", "pl", "de")
WORKING_HOURS: Final = {
    "en": "Monday to Friday: {0}\u202fAM\u2013{1}\u202fPM",
    "es": "De lunes a viernes: {0}\u2013{2}",
    "fr": "Du lundi au vendredi\u00a0: {3}\u2013{2}",
    "pl": "Poniedziałek \u2013 piątek: {3}\u2013{2}",
    "de": "Montag bis Freitag: {3}\u2013{2}",
}


class _Reader(HTMLParser):
    """The text of each cell, term and paragraph of a page, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts.append("")
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.texts = [" ".join(text.split(" ")).strip() for text in reader.texts]
    return reader


def length(span: timedelta, language: str) -> str:
    """By the CLDR, with as few units as it takes; plain days from four of them on."""
    seconds = span // timedelta(seconds=1)
    days, hours, minutes = seconds / 86_400, seconds / 3_600, seconds / 60
    if days > 3 and days.is_integer():
        return format_unit(int(days), "duration-day", locale=language)
    if hours >= 1 and hours.is_integer():
        return format_unit(int(hours), "duration-hour", locale=language)
    return format_unit(int(minutes), "duration-minute", locale=language)


BUSINESS_DAYS: Final = {
    "en": ("{} business day", "{} business days"),
    "es": ("{} día hábil", "{} días hábiles"),
    "fr": ("{} jour ouvré", "{} jours ouvrés"),
    "pl": ("{} dzień roboczy", "{} dni robocze"),
    "de": ("{} Arbeitstag", "{} Arbeitstage"),
}


def target(wanted: Target, language: str) -> str:
    if wanted.duration:
        return length(wanted.duration, language)
    days = wanted.business_days or 0
    return BUSINESS_DAYS[language][days > 1].format(days)


def figures(plan: PlanDocument, language: str) -> dict[str, str]:
    """Every figure of the document that the page has to tell, by its place."""
    found = {
        f"targets/{priority}/{metric}": target(each, language)
        for priority, row in plan.targets.items()
        for metric, each in row.items()
    }
    spans: dict[str, timedelta | None] = {"close_after": plan.close_after}
    if plan.call:
        spans |= {"call/remind": plan.call.remind, "call/join_by": plan.call.join_by}
    if plan.alert:
        spans |= {"alert/accept": plan.alert.accept, "alert/repeat": plan.alert.repeat}
    if plan.escalation:
        spans["escalation/acknowledge"] = plan.escalation.acknowledge
        found["escalation/exchanges"] = str(plan.escalation.exchanges)
    if plan.waiting:
        spans |= {f"waiting/remind/{place}": span for place, span in enumerate(plan.waiting.remind)}
        spans["waiting/resolve"] = plan.waiting.resolve
    found |= {place: length(span, language) for place, span in spans.items() if span}
    for metric, share in plan.objectives.items():
        found[f"objectives/{metric}"] = format_percent(share, locale=language)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", PLANS)
async def test_z8_each_figure_of_the_plan_is_on_its_page(begin: Begin, key: str, language: str) -> None:
    story = await begin(key)
    plan, reader = PLANS[key], await page(story, key, language)
    texts = reader.texts
    for place, figure in figures(plan, language).items():
        assert figure in texts, (place, figure)
    told = plan.priorities
    own = language if language in plan.name else "en"
    rows = {texts[place]: texts[place + 1 :] for place in range(len(texts)) if texts[place]}
    for priority in told:
        assert {priority.label[own], priority.definition[own], *priority.examples[own]} <= set(texts)
        row = plan.targets.get(priority.key, {})
        cells = [target(row[metric], language) if metric in row else "\u2013" for metric in _columns(plan)]
        assert any(
            text == priority.label[own] and texts[place + 1 : place + 1 + len(cells)] == cells
            for place, text in enumerate(texts)
        ), (priority.key, cells)
    assert rows.keys() >= set(plan.services[own] if plan.services else [])
    for impacts in (plan.matrix or {}).values():
        labels = [told[plan.rank(priority)].label[own] for priority in impacts.values()]
        assert any(texts[place : place + 3] == labels for place in range(len(texts))), labels


def _columns(plan: PlanDocument) -> list[str]:
    return [metric for metric in METRICS if any(metric in row for row in plan.targets.values())]


async def page(story: Story, key: str, language: str) -> _Reader:
    client = story.customer.client
    answer = await client.get(f"/programmes/{key}", params={"lang": language}, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-language"]) == (200, language)
    return read(answer.text)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_z8_working_hours_are_told_as_the_language_writes_them(begin: Begin, language: str) -> None:
    story = await begin("zmanda-standard")
    texts = (await page(story, "zmanda-standard", language)).texts
    assert WORKING_HOURS[language].format("8:00", "5:00", "17:00", "08:00") in texts
    texts = (await page(story, "wati-pro", language)).texts
    assert WORKING_HOURS[language].format("9:00", "6:00", "18:00", "09:00") in texts


async def test_z8_what_a_customer_may_do_is_told(begin: Begin) -> None:
    story = await begin("zmanda-standard")
    for key, sentence in (
        ("zmanda-premium", "You can set another priority yourself, at any time."),
        ("google-premium", "You can raise the priority yourself, at any time."),
        ("itil-native", "Support sets the priority."),
    ):
        assert sentence in (await page(story, key, "en")).texts
    reasons = "Business impact, time to resolution, no update, too many exchanges, wrong priority"
    assert f"{reasons}, and technical expertise" in (await page(story, "google-premium", "en")).texts


async def test_z8_zmandas_pages_list_what_the_source_lists(begin: Begin) -> None:
    story = await begin("zmanda-standard")
    both = {
        "Patches, minor and major improvements",
        "Coaching notes and historical records of your tickets",
        "Guides and videos for beginners",
        "A blog",
        "Documentation of the products and of their API",
        "One global search",
    }
    own = {
        "zmanda-standard": {"Recorded training", "Self-help and help with onboarding"},
        "zmanda-premium": {"Training made for you", "Premium onboarding"},
    }
    for key, texts in own.items():
        assert both | texts <= set((await page(story, key, "en")).texts)


async def test_z8_the_trials_programme_is_a_link(begin: Begin) -> None:
    story = await begin("zmanda-standard")
    assert "zmanda-premium" in (await page(story, "zmanda-community", "es")).links


async def test_z8_a_ticket_leads_to_the_terms_that_it_has(begin: Begin) -> None:
    story = await begin("wati-business-plus")
    ticket = await story.open(priority="P2", channel="widget")
    version = ticket["plan"]["version"]
    assert ticket["plan"]["programme_url"] == f"/programmes/wati-business-plus?version={version}"
    read_again = await story.customer.get(f"/v1/tickets/{ticket['id']}")
    assert read_again["plan"] == ticket["plan"]
    answer = await story.customer.client.get(ticket["plan"]["programme_url"], headers=BROWSER)
    assert f"Version {version} of the programme" in answer.text
    assert f"wati-business-plus?lang=es&version={version}" in read(answer.text).links


async def test_z8_what_is_not_public_is_for_those_who_may_read_the_plan(
    begin: Begin, sessions: Sessions, client: httpx.AsyncClient
) -> None:
    story = await begin("zmanda-standard")
    await _load(sessions, client, small(key="inhouse"))
    path = "/programmes/inhouse"
    assert (await client.get(path)).status_code == 404
    refused = [(await client.get(path, params={"version": number})).json() for number in (1, 99)]
    assert refused[0]["detail"] == refused[1]["detail"]
    for who in (story.customer, story.engineer, story.product):
        answer = await who.send("GET", path, Accept="text/html")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert "etag" not in answer.headers
    limited = await make_key(sessions, "agent", scopes=["tickets:read"])
    hook = await make_key(sessions, "hook", account_id=story.account.account_id)
    for key in (limited, hook):
        assert (await client.get(path, headers=key)).status_code == 404
        assert (await client.get("/programmes/itil-native", headers=key)).status_code == 200
    wrong = {"Authorization": "Bearer hd_admin_nobody"}
    assert (await client.get("/programmes/itil-native", headers=wrong)).status_code == 401


async def test_z8_only_a_version_that_says_so_is_public(
    begin: Begin, sessions: Sessions, client: httpx.AsyncClient
) -> None:
    await begin("zmanda-standard")
    await _load(sessions, client, small(key="opened"))
    await _load(sessions, client, small(key="opened", public=True))
    assert (await client.get("/programmes/opened")).status_code == 200
    assert (await client.get("/programmes/opened?version=2")).status_code == 200
    assert (await client.get("/programmes/opened?version=1")).status_code == 404


async def test_z8_a_plan_that_turns_private_is_closed_to_strangers_and_not_to_those_whose_terms_it_is(
    begin: Begin, sessions: Sessions, client: httpx.AsyncClient
) -> None:
    await begin("zmanda-standard")
    await _load(sessions, client, small(key="closing", public=True))
    story = await begin("closing")
    ticket = await story.open(priority="hot", channel="web")
    link = ticket["plan"]["programme_url"]
    assert (await client.get(link, headers=BROWSER)).status_code == 200
    await _load(sessions, client, small(key="closing"))
    for path in (link, "/programmes/closing"):
        assert (await client.get(path, headers=BROWSER)).status_code == 404
    answer = await story.customer.send("GET", link, Accept="text/html")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "Version 1 of the programme" in answer.text


async def _load(sessions: Sessions, client: httpx.AsyncClient, document: Any) -> None:
    answer = await client.post("/v1/plans", json=document, headers=await make_key(sessions, "admin"))
    assert answer.status_code == 201, answer.text


async def test_z8_a_language_that_the_plan_lacks_is_said_to_be_lacking(begin: Begin, sessions: Sessions) -> None:
    story = await begin("zmanda-standard")
    client = story.customer.client
    await _load(sessions, client, small(key="english", public=True, programme={"en": "# Small\n\nA small plan"}))
    answer = await client.get("/programmes/english", headers=BROWSER | {"Accept-Language": "de"})
    assert '<html lang="de">' in answer.text
    assert "Dieses Programm gibt es noch nicht auf Deutsch" in answer.text
    assert '<h1 lang="en">Small</h1>' in answer.text
    told = (await client.get("/programmes/english?lang=de", headers={"Accept": "application/json"})).json()
    assert (told["language"], told["text_language"]) == ("de", "en")
    spanish = await client.get("/programmes/itil-native?lang=es-MX", headers=BROWSER | {"Accept-Language": "de"})
    assert '<html lang="es">' in spanish.text
    assert "no está disponible" not in spanish.text
    german = await client.get("/programmes/itil-native", headers=BROWSER | {"Accept-Language": "de"})
    assert "<h1>ITIL-Servicedesk</h1>" in german.text
    assert 'lang="en"' not in german.text.partition("</nav>")[2]


async def test_z8_the_page_is_kept_until_it_changes(begin: Begin) -> None:
    client = (await begin("zmanda-standard")).customer.client
    first = await client.get("/programmes/itil-native?lang=fr", headers=BROWSER)
    assert first.headers["cache-control"] == "public, no-cache"
    assert set(first.headers["vary"].split(", ")) == {"Accept", "Accept-Language", "Authorization"}
    held = {"If-None-Match": first.headers["etag"]}
    again = await client.get("/programmes/itil-native?lang=fr", headers=BROWSER | held)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    tag = first.headers["etag"]
    for shown, status in ((f'"a", W/{tag}', 304), ("*", 304), (f"x{tag}", 200), (tag.strip('"'), 200)):
        asked = await client.get("/programmes/itil-native?lang=fr", headers=BROWSER | {"If-None-Match": shown})
        assert (asked.status_code, bool(asked.content)) == (status, status == 200)
    for other in ({"Accept": "application/json"}, BROWSER):
        path = "/programmes/itil-native?lang=" + ("fr" if other != BROWSER else "pl")
        assert (await client.get(path, headers=other | held)).status_code == 200
    head = await client.head("/programmes/itil-native?lang=fr", headers=BROWSER)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


async def test_z8_the_page_loads_its_own_style_sheet_and_nothing_else(begin: Begin) -> None:
    client = (await begin("zmanda-standard")).customer.client
    answer = await client.get("/programmes/itil-native", headers=BROWSER)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "style-src": "'self'",
        "img-src": "data:",
    }
    [sheet] = [part.split('"')[0] for part in answer.text.split('<link rel="stylesheet" href="')[1:]]
    style = await client.get(f"/programmes/{sheet}")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/programmes/no-such-plan", 404),
        ("/programmes/itil-native?version=99", 404),
        ("/programmes/itil-native?version=0", 422),
        ("/programmes/itil-native?lang=%20", 422),
        ("/programmes/itil-native?langue=fr", 422),
        ("/programmes/itil-native?lang=fr&lang=es", 422),
        ("/programmes/NO", 422),
    ],
)
async def test_z8_what_is_no_page_is_refused(begin: Begin, path: str, status: int) -> None:
    client = (await begin("zmanda-standard")).customer.client
    assert (await client.get(path)).status_code == status


async def test_z8_what_a_plan_says_is_text_and_never_markup(
    begin: Begin, sessions: Sessions, client: httpx.AsyncClient
) -> None:
    await begin("zmanda-standard")
    bad = "<script>alert(1)</script> & ![x](https://evil.example/x.png) [go](javascript:alert(1))"
    hot = {"key": "hot", "label": {"en": bad}, "definition": {"en": bad}, "examples": {"en": [bad]}}
    document = small(key="hostile", public=True, name={"en": bad}, programme={"en": f"# {bad}\n\n{bad}\n\n## {bad}"})
    await _load(sessions, client, document | {"priorities": [hot, "cold"], "services": {"en": [bad]}})
    text = (await client.get("/programmes/hostile", headers=BROWSER)).text
    assert "<script" not in text
    assert "<img" not in text
    assert 'href="javascript' not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text


def test_the_languages_are_those_that_the_service_speaks() -> None:
    assert all(Locale.parse(language) for language in LANGUAGES)
