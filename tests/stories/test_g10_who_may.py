"""G10: an organisation itself decides which of its people may view, and which may create and edit, its tickets."""

from tests.support.actors import make_key
from tests.support.stories import TICKET, Begin, Caller, path_of

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
VERA = {"email": "vera@solar-roofs.example", "name": "Vera", "role": "viewer"}


async def test_g10_owners_manage_viewers_look_editors_act(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    account = story.account.account_id
    owner = Caller(story.customer.client, await make_key(story.sessions, account_id=account, role="owner"))
    people = f"/v1/accounts/{account}/people"
    await story.customer.post(people, 403, **VERA)
    vera = await owner.post(people, 201, **VERA)
    path = path_of(await story.open(priority="P2"))
    as_vera = {"actor": {"email": VERA["email"]}}
    assert (await story.customer.get(path))["status"] == "new"
    for action, body in (
        (f"{path}/messages", {"body": "Hello"}),
        (f"{path}/escalations", {"reason": "business_impact", "justification": "It grew"}),
        (f"{path}/priority", {"priority": "P3", "reason": "It can wait"}),
        (f"{path}/status", {"status": "resolved"}),
        (f"{path}/withdraw", {}),
        ("/v1/tickets", TICKET),
    ):
        await story.customer.post(action, 403, **body, **as_vera)
    assert len(await story.events(path, "ticket.opened", "message.posted", "ticket.status_changed")) == 1
    changed = await owner.send("PATCH", f"{people}/{vera['id']}", {"role": "editor"})
    assert changed.status_code == 200
    await story.customer.post(f"{path}/messages", 201, body="Hello", **as_vera)
    [said] = await story.events(path, "message.posted")
    assert said["actor"] == {"kind": "customer", "id": vera["id"], "name": "Vera"}


async def test_g10_a_viewers_key_reads_only(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    key = await make_key(story.sessions, account_id=story.account.account_id, role="viewer")
    viewer = Caller(story.customer.client, key)
    path = path_of(await story.open())
    assert (await viewer.get(path))["id"] in path
    await viewer.post(f"{path}/messages", 403, body="Hello")
    await viewer.post("/v1/tickets", 403, **TICKET)
    await viewer.post("/v1/keys", 403, kind="account", account_id=story.account.account_id)
