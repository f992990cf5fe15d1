"""W1: the weekly digest, by mail to live managers, and as an event on a sandbox's clock."""

from datetime import timedelta
from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.settings import Settings
from app.digests import background
from app.digests.background import Digests, forget_digests
from app.notices.sending.channels import configured
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at
from tests.support.mailbox import Mailbox, send, smtp
from tests.support.stories import P1, Begin, Story, path_of

TOM: Final = {"name": "Tom Berg", "email": "tom@example.com"}
SUNDAY: Final = {"sandbox": {"starts_at": "2026-11-22T12:00:00Z"}, "time_zone": "Europe/Warsaw"}
MONDAY: Final = "2026-11-23T07:00:00.000000Z"


@pytest.fixture(autouse=True)
def on_a_monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever day it is, a digest is due."""
    monkeypatch.setattr(background, "due_now", lambda _portfolio, now: now.date())
    monkeypatch.setattr(background, "may_be_due", lambda _now: True)


async def digests(sessions: Sessions) -> list[Any]:
    return [*await fetch(sessions, "SELECT * FROM events WHERE type = 'account.digest' ORDER BY id")]


async def test_w1_a_manager_gets_one_letter_a_week_about_all_accounts(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus", tam={**TOM, "locale": "pl"}, addons=["tam"])
    twin = await make_account(sessions, "wati-business-plus", tam=TOM, addons=["tam"], name="Twin")
    await make_account(sessions, "wati-business-plus", tam=TOM, addons=["tam"], name="Quiet")
    await make_account(sessions, "wati-business-plus", tam=TOM, name="Without the add-on")
    now = await now_of(sessions)
    await open_at(sessions, story.account.account_id, now - timedelta(hours=3), priority="P4", title="Tags?")
    await open_at(sessions, twin.account_id, now, priority="P2", title="A report\nis late")
    replicas = [Digests(sessions), Digests(sessions)]
    assert [await each.run_pass() for each in (*replicas, *replicas)] == [1, 0, 0, 0]
    mailbox = Mailbox()
    with smtp(mailbox) as url:
        assert await send(sessions, configured(Settings(smtp_url=url, mail_from="support@helpers.example"))) == 1
    [letter] = mailbox.messages
    assert (letter["To"], letter["Subject"]) == (
        "tom@example.com",
        "Podsumowanie tygodnia: otwarte 2, zagrożone 3, przekroczone 0",
    )
    text = letter.get_content()
    assert text.index(story.account.name) < text.index("Twin")
    assert "Quiet" not in text
    assert "(P2: wysoki) A report is late" in text
    assert {row["account_id"] for row in await digests(sessions)} == {story.account.account_id, twin.account_id}
    await fetch(sessions, "UPDATE tam_digests SET created_at = now() - interval '31 days'")
    await forget_digests(sessions)
    assert await fetch(sessions, "SELECT * FROM tam_digests") == []


async def test_w1_nothing_is_sent_where_there_is_nothing_to_tell(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"])
    assert await Digests(sessions).run_pass() == 0
    await story.open(**P1)
    assert await Digests(sessions).run_pass() == 0  # this week has been seen to
    assert await digests(sessions) == []


async def digest_of(story: Story, length: str) -> Any:
    [found] = [event for event in await story.pass_time(length) if event["type"] == "account.digest"]
    return found


async def test_w1_a_sandboxs_digest_comes_on_its_own_monday(begin: Begin) -> None:
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"], **SUNDAY)
    path = path_of(await story.open(priority="P2", title="Broadcasts are slow"))
    found = await digest_of(story, "PT24H")
    assert (found["timestamp"], found["audience"], found["sandbox"]) == (MONDAY, "internal", True)
    data = found["data"]
    assert (data["open"], data["notified"]) == (1, [{"role": "tam", **TOM}])
    missed = {each["metric"]: each["number"] for each in data["tickets_missed"]}
    assert missed == {"first_response": data["tickets_missed"][0]["number"], "resolution": missed["first_response"]}
    assert data["open_by_priority"] == {"P1": 1}
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    assert [event for event in await story.pass_time("PT336H") if event["type"] == "account.digest"] == []


async def test_w1_customers_see_no_digest(begin: Begin) -> None:
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"], **SUNDAY)
    await story.open(priority="P2")
    moved = await story.customer.post(f"/v1/sandbox/{story.account.account_id}/advance", by="PT24H")
    assert moved["now"] == "2026-11-23T12:00:00.000000Z"
    assert "account.digest" not in {event["type"] for event in moved["events"]}
