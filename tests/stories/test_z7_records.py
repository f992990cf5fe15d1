"""Z7: the historical record of an account and of a person, as JSON and as a page."""

from typing import Final

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.problems.background.telling import Telling
from tests.support.actors import make_account, make_key, make_person
from tests.support.articles import BACKUP, PDF, RUNBOOK, write
from tests.support.desk import open_at
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.stories import Begin, Caller, path_of
from tests.support.sweeping import run_pass

_EVA: Final = {"name": "Eva <b>", "email": "eva@solar-roofs.example"}


async def test_z7_a_record_has_all_that_happened_and_prints(sessions: Sessions, begin: Begin) -> None:
    story = await begin("zmanda-premium", locale="es")
    account = f"/v1/accounts/{story.account.account_id}"
    person = await make_person(sessions, story.account.account_id, _EVA["email"], "editor")
    late = (await story.now()).replace(year=2025)
    await open_at(sessions, story.account.account_id, late, title="Old")
    await run_pass(sessions)
    ticket = await story.open(title="<script>1</script>", requester=_EVA)
    await story.customer.post(
        f"{path_of(ticket)}/escalations", 201, reason="resolution_time", justification="It was promised"
    )
    problem = await story.engineer.post("/v1/problems", 201, title="Cable", tickets=[ticket["id"]])
    await Telling(sessions).run_pass()
    record = await story.customer.get(f"{account}/record")
    assert [each["title"] for each in record["tickets"]] == ["<script>1</script>", "Old"]
    assert (record["totals"]["tickets"], record["totals"]["escalations"]) == (2, 1)
    newest, oldest = record["tickets"]
    assert (newest["problem"], newest["escalations"][0]["reason"]) == (problem["number"], "resolution_time")
    assert "first_response" in oldest["missed"]
    assert await story.engineer.get(f"{account}/record", since="2026-01-01T00:00:00Z") != record
    own = await story.customer.get(f"{account}/people/{person.id}/record")
    assert [each["title"] for each in own["tickets"]] == ["<script>1</script>"]
    assert (own["email"], own["more"]) == (_EVA["email"], False)
    page = await story.customer.send("GET", f"{account}/record", Accept="text/html")
    assert page.headers["content-type"].startswith("text/html")
    assert "Historial: " in page.text
    assert "&lt;script&gt;1&lt;/script&gt;" in page.text
    assert "<script>" not in page.text
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    other = await make_account(sessions, "zmanda-premium", name="Another")
    rival = Caller(story.customer.client, await make_key(sessions, account_id=other.account_id, role="owner"))
    await rival.get(f"{account}/record", 404)
    await rival.get(f"/v1/accounts/{other.account_id}/people/{person.id}/record", 404)


async def test_z7_a_record_tells_which_articles_were_read(sessions: Sessions, begin: Begin) -> None:
    story = await begin("zmanda-premium")
    account = f"/v1/accounts/{story.account.account_id}"
    person = await make_person(sessions, story.account.account_id, "ana@example.com", "editor")
    pdf, backup, runbook = await write(story.engineer, PDF, BACKUP, RUNBOOK)
    keys = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
    widget = await make_key(
        sessions, "widget", account_id=story.account.account_id, allowed_origins=[ORIGIN], jwt_keys=keys
    )
    shown = token(claims(wall_now(), sub="ana", email="ana@example.com", name="Ana"))
    ana = Caller(story.customer.client, widget | {"Origin": ORIGIN, "Heliodesk-Identity": shown})
    for who in (ana, ana, story.engineer, Caller(story.customer.client, widget | {"Origin": ORIGIN})):
        await who.get(f"/v1/articles/{pdf['id']}")
    await story.customer.get(f"/v1/articles/{backup['id']}")
    await story.customer.get(f"/v1/articles/{runbook['id']}", 404)
    read = (await story.engineer.get(f"{account}/record"))["articles"]
    told = {(each["slug"], each["reader"], each["times"]) for each in read}
    assert told == {(pdf["slug"], person.name, 1), (backup["slug"], None, 1)}, "reads of one hour are one"
    own = (await story.engineer.get(f"{account}/people/{person.id}/record"))["articles"]
    assert [each["slug"] for each in own] == [pdf["slug"]]
    page = await story.engineer.send("GET", f"{account}/record", Accept="text/html")
    assert "<h2>Articles read</h2>" in page.text
    assert PDF["title"] in page.text
    await story.engineer.patch(f"/v1/articles/{pdf['id']}", audience="internal")
    assert [each["slug"] for each in (await story.customer.get(f"{account}/record"))["articles"]] == [backup["slug"]]
