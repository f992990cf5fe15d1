"""A read that checks the key in its own statement tells nothing to whom it is not for, also where the key is known."""

import pytest

from app.core.db.engine import Sessions
from tests.support.desk import fetch
from tests.support.stories import Begin, Story, path_of

REVOKE = "UPDATE api_keys SET revoked_at = now() WHERE account_id = $1 AND $2::text IS NOT NULL"
NARROW = """UPDATE api_keys SET scopes = '["events:read"]' WHERE account_id = $1 AND $2::text IS NOT NULL"""
OTHERS = "UPDATE api_keys SET account_id = $2 WHERE account_id = $1"
STRANGER = "acc_01k9w3b5t8e2r9h6x4m7q1z0va"
ASKED = {
    "what is there": ("{ticket}", 200),
    "what is not": ("/v1/tickets/tkt_01k9w3b6bz6p1m7h4c0x3r2saa", 404),
    "an id that is none": ("/v1/tickets/ticket", 422),
    "a broken cursor": ("{ticket}/timeline?cursor=broken", 422),
    "a parameter that is out of range": ("/v1/tickets?limit=0", 422),
    "another's account": (f"/v1/tickets?account_id={STRANGER}", 404),
    "a list": ("/v1/tickets?status=open", 200),
    "a number that nobody has": ("/v1/tickets?number=K7M-3QP", 200),
}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("zmanda-premium")


@pytest.mark.parametrize("change", [REVOKE, NARROW], ids=["revoked", "without the scope"])
async def test_a_key_that_is_known_and_changed_gets_nothing(story: Story, sessions: Sessions, change: str) -> None:
    ticket = path_of(await story.open())
    paths = {name: (path.format(ticket=ticket), status) for name, (path, status) in ASKED.items()}
    for name, (path, status) in paths.items():
        assert (name, (await story.customer.send("GET", path)).status_code) == (name, status)
    await fetch(sessions, f"{change} RETURNING id", story.account.account_id, "all")
    refused = 401 if change is REVOKE else 403
    for name, (path, _) in paths.items():
        assert (name, (await story.customer.send("GET", path)).status_code) == (name, refused)


async def test_a_key_that_is_another_account_s_by_now_sees_that_one(story: Story, sessions: Sessions) -> None:
    ticket = path_of(await story.open())
    assert len((await story.customer.get("/v1/tickets"))["items"]) == 1
    await fetch(sessions, f"{OTHERS} RETURNING id", story.account.account_id, STRANGER)
    assert (await story.customer.get("/v1/tickets"))["items"] == []
    await story.customer.get(ticket, 404)
