"""Nothing that is written in an article, a ticket or a plan runs on the pages that show it, in real Chromium."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, cast

import pytest
from fastapi import FastAPI
from playwright.async_api import Page, Route

from app.articles.markdown import html
from app.articles.page import article_page
from app.articles.wording import MARKS
from app.articles.wording import marked as highlighted
from app.core.state import State
from app.core.web.page import problem_page
from app.events.examples import event_example
from app.notices.content.mails import html as mail_html
from app.notices.content.telling import REQUESTER
from app.notices.content.updates import update
from app.plans.document.naming import names_of
from app.plans.programme.page import page as programme_page
from app.plans.schemas import Programme
from app.plans.store import builtin_plans
from app.records.page import record_page
from app.reports.monthly.page import page as report_page
from app.reports.monthly.schemas import MonthlyReport
from app.search.words import excerpt, marked
from app.tickets.api.answering.page import Shown
from app.tickets.api.answering.page import page as answering_page
from tests.support.browsing import Browsers, served
from tests.support.payloads import PAYLOADS
from tests.support.service import ROOT
from tests.support.stories import Begin

_SPY: Final = "window.ran = 0; window.pwned = () => { window.ran += 1; };"
_FOUND: Final = """() => {
  const known = "a article blockquote br code em footer h1 h2 h3 h4 h5 h6 hr img li main nav ol p pre s strong style "
    + "table tbody td th thead tr ul";
  const wrong = [];
  for (const element of document.querySelectorAll("main, main *")) {
    const name = element.tagName.toLowerCase();
    if (!known.split(" ").includes(name)) wrong.push(name);
    for (const { name: attribute, value } of element.attributes) {
      if (!["href", "src", "alt", "title", "start", "lang", "hreflang", "dir", "rel", "scope"].includes(attribute))
        wrong.push(`${name} ${attribute}`);
      const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(value.replace(/[^!-~]/g, ""))?.[0] ?? "https:";
      if (["href", "src"].includes(attribute) && !/^(https?|mailto|tel):$/.test(scheme)) wrong.push(value);
    }
  }
  if (document.querySelectorAll("main style").length > 1) wrong.push("style");
  return [...wrong, ...(window.ran ? ["ran"] : [])];
}"""
_ACTIVE: Final = """() => [
  ...Array.from(document.querySelectorAll("script, iframe, object, embed, base, img"), e => e.tagName),
  ...[...document.forms].map(f => f.getAttribute("action")).filter(a => !["x/accept", "x/decline"].includes(a)),
  ...[...document.querySelectorAll("*")].flatMap(e => [...e.attributes]).map(a => a.name).filter(a => /^on/.test(a)),
  ...[...document.querySelectorAll("a")].map(a => a.protocol).filter(p => !/^(https?|about|mailto)?:$/.test(p)),
  ...(window.ran ? ["ran"] : []),
]"""
_MAKES_HTML: Final = re.compile(r"from html import|markupsafe|markdown_it|nh3|templates\(|HTMLResponse|text/html")
_OF_OURS: Final = {
    "app/articles/api/articles.py": "answers with the page of app/articles/page.py",
    "app/articles/api/pages.py": "likewise",
    "app/cli/commands/demo_host.py": "a page of the demo, of texts of ours",
    "app/core/web/edge/answer_headers.py": "headers",
    "app/core/web/health.py": "texts of ours",
    "app/core/web/http.py": "answers with the page of app/core/web/page.py",
    "app/core/web/templates.py": "escapes all that templates are given",
    "app/inbound/mail/parts.py": "reads mails, of which texts alone are kept",
    "app/mail/page.py": "texts of ours, and a ticket's number",
    "app/pages.py": "texts of ours",
    "app/plans/api/programmes.py": "answers with the page of app/plans/programme/page.py",
    "app/records/router.py": "answers with the page of app/records/page.py",
    "app/reports/api/monthly.py": "answers with the page of app/reports/monthly/page.py",
    "app/reports/api/monthly_pages.py": "likewise",
    "app/tickets/api/answering/answers.py": "answers with the page of app/tickets/api/answering/page.py",
    "app/widget/pages.py": "loads the widget, whose tests are in tests/widget/test_widget.py",
}
"""Modules that make or answer with HTML, and why there is nothing in it to be tried but what is tried elsewhere."""
_TRIED: Final = {
    "app/articles/markdown.py",
    "app/articles/page.py",
    "app/articles/wording.py",
    "app/core/web/page.py",
    "app/notices/content/mails.py",
    "app/plans/programme/page.py",
    "app/records/page.py",
    "app/reports/monthly/charts.py",
    "app/reports/monthly/page.py",
    "app/search/words.py",
    "app/tickets/api/answering/page.py",
}
_AT: Final = "2026-11-20T20:30:00Z"


def article(**said: Any) -> dict[str, Any]:
    """An article as the page takes it."""
    given: dict[str, Any] = {
        "title": "x",
        "language": "en",
        "status": "published",
        "product": None,
        "tags": [],
        "translations": [],
    }
    return given | {"html": ""} | said


def record(text: str) -> dict[str, Any]:
    """A historical record in which all that somebody writes is this text."""
    names = ("number", "title", "product", "status", "priority", "requester", "problem")
    ticket = dict.fromkeys(names, text) | {"opened_at": _AT, "resolved_at": None, "missed": [text]}
    ticket |= {"calls": [], "escalations": []}
    read = {"title": text, "reader": text, "last_read_at": _AT}
    totals = dict.fromkeys(("tickets", "missed", "escalations", "calls"), 1)
    return {"name": text, "at": _AT, "totals": totals, "tickets": [ticket], "articles": [read], "more": False}


def pages(text: str) -> Iterator[str]:
    """The pages that show the text, wherever somebody may have written it."""
    yield article_page(article(html=html(text)), "en")
    other = {"id": "art_1", "language": text, "title": text}
    yield article_page(article(title=text, product=text, tags=[text], language=text, translations=[other]), "es")
    yield record_page(record(text), "en")


def monthly(text: str) -> str:
    """A monthly report in which every name and title is this text."""
    given = cast("dict[str, Any]", MonthlyReport.model_config["json_schema_extra"])["examples"][0]
    late = [each | {"title": text, "number": text, "name": text} for each in given["late"]]
    named = {part: [each | {"name": text} for each in given[part]] for part in ("by_metric", "by_priority")}
    report = MonthlyReport.model_validate(given | named | {"account": text, "plan": text, "late": late})
    return report_page(report, "en", lambda other: f"?lang={other}", "x/pdf")


def programme(text: str) -> str:
    """The page of a programme all of whose own texts are this one."""
    given = cast("dict[str, Any]", Programme.model_config["json_schema_extra"])["examples"][0]
    named = {"key": text, "title": text, "text": text, "items": [text], "notes": [text], "language": "en"}
    section = {
        "key": "x",
        "title": text,
        "paragraphs": [text],
        "items": [text],
        "table": {"columns": [text], "rows": [[text]]},
        "facts": [{"name": text, "value": text}],
        "entries": [named],
    }
    return programme_page(Programme.model_validate(given | {"name": text, "text": text, "sections": [section]}))


def found(text: str) -> str:
    """What searches show of a text, with marks."""
    shown = highlighted(f"{MARKS[0]}{text}{MARKS[1]}{text}")
    return f"<main>{marked(text, ['pwned'])}{excerpt(text, ['pwned']) or ''}{shown}</main>"


def mail(text: str) -> str:
    """The mail by which a customer is told of a problem's resolution, and of what else support writes."""
    said = (("message.posted", "body"), ("escalation.declined", "detail"))
    told = [event_example(kind) | {"first": False} for kind, _ in said]
    entries = [each | {"data": each["data"] | {name: text}} for each, (_, name) in zip(told, said, strict=True)]
    entries[0]["data"]["author"] = {"kind": "engineer", "id": "eng_1", "name": text}
    reader = {"role": REQUESTER, "name": text, "email": "ana@example.com", "locale": "en", "time_zone": "UTC"}
    ticket = {"number": text, "title": text, "priority": "P1"}
    names = names_of(builtin_plans()[0])
    return mail_html(update({"entries": entries, "more": 0}, ticket, reader, names, links={}))


def escaped(text: str) -> Iterator[str]:
    """The pages and mails that show what somebody writes as it is, without Markdown."""
    yield mail(text)
    yield problem_page({"title": text, "detail": text, "status": 422, "type": text}, "en")
    yield answering_page(Shown("asked", number=text, title=text, priority=text, until=text, name=text), "x")


@pytest.fixture
async def page(browsers: Browsers) -> AsyncIterator[Page]:
    """A page that notes what runs, and that no other server answers."""
    async with browsers.page() as page:
        await page.add_init_script(_SPY)

        async def answer(route: Route) -> None:
            foreign = "//127.0.0.1:" not in route.request.url
            await (route.abort() if foreign else route.continue_())

        await page.route("**/*", answer)
        yield page


def test_all_that_makes_html_is_tried() -> None:
    """A new module that does is to be tried here as well, or has a reason why it need not be."""
    sources = ((path.relative_to(ROOT).as_posix(), path) for path in (ROOT / "app").rglob("*.py"))
    making = {name for name, path in sources if _MAKES_HTML.search(path.read_text(encoding="utf-8"))}
    assert making == _OF_OURS.keys() | _TRIED


async def test_no_markdown_runs_on_a_page_even_where_no_policy_holds_it(page: Page) -> None:
    wrong: dict[tuple[str, object], list[str]] = {}
    await page.goto("about:blank")
    for text in PAYLOADS:
        for number, shown in enumerate(pages(text)):
            await page.set_content(shown, wait_until="domcontentloaded")
            if active := await page.evaluate(_FOUND):
                wrong[text, number] = active
        for shown in (monthly(text), programme(text), found(text)):
            await page.set_content(shown, wait_until="domcontentloaded")
            if active := await page.evaluate(_ACTIVE):
                wrong[text, shown[:200]] = active
                assert page.url == "about:blank", text
    for number, shown in enumerate(escaped("\n".join(PAYLOADS))):
        await page.set_content(shown, wait_until="domcontentloaded")
        assert await page.evaluate(_ACTIVE) == [], number
    assert wrong == {}


async def test_what_is_shown_over_http_is_held_by_its_policy_too(
    begin: Begin, app: FastAPI, state: State, page: Page
) -> None:
    story = await begin("itil-native")
    texts = "\n\n".join(PAYLOADS)
    said = {"title": "<script>pwned()</script>", "body": texts, "tags": ["<svg onload=pwned()>"], "product": "<b>"}
    whole = {"audience": "public", "status": "published", "slug": "attacks", "language": "en"}
    written = await story.engineer.post("/v1/articles", 201, **said, **whole)
    await story.engineer.post("/v1/articles", 201, **(said | whole | {"language": "es"}))
    problem = await story.engineer.post("/v1/problems", 201, title="<img src=x onerror=pwned()>")
    known = {
        "state": "known_error",
        "owner_id": story.engineer_id,
        "workaround": texts,
        "publish": {"audience": "public"},
    }
    await story.engineer.post(f"/v1/problems/{problem['id']}/state", **known)
    async with served(app, state) as base:
        for name in (written["id"], "attacks", problem["number"].lower()):
            answer = await page.goto(f"{base}/help/articles/{name}")
            assert answer
            assert answer.status == 200
            assert await page.evaluate(_FOUND) == []
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert "script-src" not in policy
        assert await page.get_by_role("heading", name="<img src=x onerror=pwned()>").first.is_visible()
        await page.close()
