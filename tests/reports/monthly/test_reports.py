"""Monthly reports over HTTP, by links and by e-mail."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin

import httpx
import pytest

from app.core.db.engine import Sessions
from app.core.settings import Settings
from app.core.state import State
from app.core.workers.printer import MISSING, Printer
from app.core.zones import load_zone
from app.notices.sending.channels import configured
from app.reports.monthly.background import Reports
from app.reports.monthly.months import Month, last_full, months_due
from tests.support.actors import make_key
from tests.support.desk import fetch, now_of, open_at
from tests.support.mailbox import Mailbox, send, smtp
from tests.support.recounting import counted
from tests.support.refusals import use_up_requests
from tests.support.stories import Begin, Caller, Story, path_of

SANDBOX: Final = {"sandbox": {"starts_at": datetime(2026, 11, 20, 9, 0, tzinfo=UTC).isoformat()}, "locale": "de"}
ANA: Final = {"name": "Ana Silva", "email": "ana@example.com", "locale": "es"}
BEN: Final = {"name": "Ben Ode", "email": "ben@example.com"}


async def asked(story: Story, path: str, accept: str = "text/html", **params: Any) -> httpx.Response:
    headers = story.customer.key | {"Accept": accept}
    return await story.customer.client.get(path, params=params, headers=headers)


@pytest.fixture
async def worked(begin: Begin, state: State) -> Story:
    """An account with a month: one response in time, one late, one missed."""
    story = await begin("itil-native", **SANDBOX)
    soon, late, _never = [path_of(await story.open(priority="critical", title="<i>Down</i>")) for _ in range(3)]
    await story.engineer.post(f"{soon}/messages", 201, body="We look into it.")
    await story.pass_time("PT40M")
    await story.engineer.post(f"{late}/messages", 201, body="We look into it.")
    await counted(state)
    return story


async def test_n7_a_month_is_the_same_as_json_and_as_a_page_in_the_accounts_language(worked: Story) -> None:
    path = f"/v1/accounts/{worked.account.account_id}/reports/2026-11"
    found = (await asked(worked, path, "application/json")).json()
    [first] = [each for each in found["by_metric"] if each["metric"] == "first_response"]
    assert (first["met"], first["met_late"], first["missed"], first["name"]) == (1, 1, 1, "Erste Antwort")
    assert (found["opened"], found["months"][-1]["promised"]) == (3, found["total"]["promised"])
    assert {each["outcome"] for each in found["late"]} == {"met_late", "missed"}
    attainment = await worked.customer.get(
        "/v1/reports/attainment", since=found["since"], until=found["until"], group_by=["priority"]
    )
    assert sum(each["promised"] for each in attainment["items"]) == found["total"]["promised"]
    page = await asked(worked, path)
    assert (page.headers["content-language"], page.headers["cache-control"]) == ("de", "no-store")
    assert "script-src" not in page.headers["content-security-policy"]
    assert "Supportbericht: November 2026" in page.text
    assert "&lt;i&gt;Down&lt;/i&gt;" in page.text
    assert "Informe de soporte" in (await asked(worked, path, lang="es")).text
    for month, status in (("2000-01", 200), ("2999-12", 422), ("2026-13", 422), ("0000-00", 422)):
        assert (await asked(worked, path.replace("2026-11", month))).status_code == status, month


async def test_a_signed_link_opens_one_report_without_a_key(
    worked: Story, state: State, client: httpx.AsyncClient
) -> None:
    links = f"/v1/accounts/{worked.account.account_id}/reports/2026-11/links"
    made = await worked.customer.post(links, 201, expires_in="PT1H")
    page = await client.get(made["path"])
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Supportbericht" in page.text
    assert "Raport wsparcia" in (await client.get(made["path"], params={"lang": "pl"})).text
    assert (await client.get(made["path"].replace("202611", "202610"))).status_code == 404
    assert (await worked.customer.send("POST", links, {"expires_in": "PT9000H"})).status_code == 422
    use_up_requests(state, worked.account.account_id)
    assert (await client.get(made["path"])).status_code == 429


async def test_without_chromium_a_pdf_is_a_clear_problem(worked: Story, state: State) -> None:
    path = f"/v1/accounts/{worked.account.account_id}/reports/2026-11"
    absent = Printer(Settings(chromium="/nowhere/chromium"))
    object.__setattr__(state, "printer", absent)
    assert absent.trouble == MISSING
    answer = await asked(worked, path, "application/pdf")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert "PDF" in answer.json()["detail"]


async def test_chromium_prints_the_month_over_http_with_a_key_and_by_a_link(worked: Story, state: State) -> None:
    printer = Printer(Settings(pdf_deadline=300))
    if printer.trouble:
        pytest.skip(printer.trouble)
    object.__setattr__(state, "printer", printer)
    path = f"/v1/accounts/{worked.account.account_id}/reports/2026-11"
    link = (await worked.customer.post(f"{path}/links", 201, expires_in="PT1H"))["path"]
    page = await asked(worked, link)
    by_link = re.search(r'class="pdf" href="([^"]+)"', page.text)
    assert by_link
    for address in (f"{path}?format=pdf", urljoin(link, unescape(by_link[1]))):
        answer = await worked.customer.client.get(
            address, headers=worked.customer.key if address.startswith(path) else {}
        )
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), address
        assert answer.content.startswith(b"%PDF-")
        assert answer.content.rstrip().endswith(b"%%EOF")


async def test_n7_a_report_is_mailed_once_for_each_month_also_for_those_that_were_missed(
    begin: Begin, sessions: Sessions, state: State
) -> None:
    story = await begin("itil-native", locale="fr")
    admin = Caller(story.product.client, await make_key(sessions, "admin"))
    account_id, now = story.account.account_id, await now_of(sessions)
    await open_at(sessions, account_id, now, priority="critical")
    await counted(state)
    mails = f"/v1/accounts/{account_id}/report-mails"
    assert (await admin.get(mails))["next_month"] is None
    set_ = await admin.send("PATCH", mails, {"recipients": [ANA, BEN]})
    present = Month.at(now, load_zone(story.account.time_zone))
    assert set_.json()["next_month"] in (str(present), str(present.after()))
    assert await Reports(sessions).run_pass() == 0
    before = last_full(now, load_zone(story.account.time_zone)).after(-3)
    await fetch(sessions, f"UPDATE report_mails SET sent = '{before.first}'")  # noqa: S608  a date
    due = months_due(before, now, load_zone(story.account.time_zone), 12)
    month = f"'{before.after().first}'::timestamptz + interval '10 days'"
    await fetch(sessions, f"INSERT INTO report_recounts SELECT 'acc_0', 'tkt_0', {month}, now()")
    assert await Reports(sessions)._catch_up(account_id, before.first, story.account.time_zone, now) == 0
    await fetch(sessions, "DELETE FROM report_recounts")
    replicas = [Reports(sessions), Reports(sessions)]
    assert [await each.run_pass() for each in (*replicas, *replicas)] == [2 * len(due), 0, 0, 0]
    mailbox = Mailbox()
    with smtp(mailbox) as url:
        channels = configured(Settings(smtp_url=url, mail_from="support@helpers.example"))
        assert await send(sessions, channels, site="https://support.example") == 2 * len(due)
    told = {str(message["To"]): message for message in mailbox.messages}
    assert "informe de soporte" in str(told["ana@example.com"]["Subject"])
    assert "rapport d'assistance, " in str(told["ben@example.com"]["Subject"])
    text = told["ana@example.com"].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    address = next(line for line in text.splitlines() if line.startswith("https://support.example/r/"))
    page = await story.product.client.get(address.removeprefix("https://support.example"))
    assert "Informe de soporte" in page.text
    events = await fetch(sessions, "SELECT data FROM events WHERE type = 'account.report_ready' ORDER BY id")
    assert [row["data"]["month"] for row in events] == [str(month) for month in due]


async def test_whoever_is_named_again_gets_no_months_of_the_time_between(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native")
    admin = Caller(story.product.client, await make_key(sessions, "admin"))
    mails = f"/v1/accounts/{story.account.account_id}/report-mails"
    for recipients in ([BEN], []):
        assert (await admin.send("PATCH", mails, {"recipients": recipients})).status_code == 200
    await fetch(sessions, "UPDATE report_mails SET sent = sent - interval '300 days'")
    assert (await admin.send("PATCH", mails, {"recipients": [BEN]})).json()["version"] == 3
    assert await Reports(sessions).run_pass() == 0
