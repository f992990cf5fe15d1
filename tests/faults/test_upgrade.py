"""A database that an earlier version made and filled is upgraded, and goes on."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.checking import check, summary
from tests.support.database import new_database
from tests.support.past import before_the_newest_migration, extract, git, previous_commit
from tests.support.service import ROOT, serving
from tests.support.stories import P1, TICKET

pytestmark = pytest.mark.faults

AROUND_THE_CLOCK = {
    "time_zone": "UTC",
    "weekly": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
}
FEW, ALL = 2, 200
"""Plans on which tickets are opened: what a migration changes is the same for all of them."""
EVERY_KEY = {
    "key": "all-keys",
    "priorities": ["P1", "P2"],
    "targets": {
        "P1": {"first_response": "PT15M", "update": "PT1H", "resolution": "PT8H", "tier_escalation": "PT4H"},
        "P2": {"first_response": "PT1H", "update": "PT4H", "resolution": "PT40H", "tier_escalation": "PT8H"},
    },
    "call": {"priorities": ["P1"], "providers": ["jitsi"], "remind": "PT5M", "join_by": "PT10M"},
    "alert": {"accept": "PT5M", "repeat": "PT10M"},
    "on_miss": {"resolution": ["raise_priority", "reassign", "notify_manager", "open_escalation"]},
    "escalation": {"reasons": ["no_update"], "acknowledge": "PT15M"},
    "routing": {"tiers": 2, "exclusive": ["P1"], "follow_the_sun": ["P1"], "max_experts": 1},
    "addons": {"tam": {"notify_tam": True}},
    "review_non_production": True,
    "waiting": {"remind": ["PT2H", "PT4H"], "resolve": "PT24H"},
    "update_from": "opened",
    "top_tier": "manager",
}
"""A plan that says what no shipped one does, beside the keys that came after the first release."""
READ = ("accounts", "engineers", "events", "hooks", "keys", "plans", "regions", "tickets", "webhooks")


class Desk:
    """What the admin key can do at a service."""

    def __init__(self, client: httpx.Client, url: str, key: str) -> None:
        self._client, self._url, self._headers = client, url, {"Authorization": f"Bearer {key}"}

    def having(self, key: str) -> "Desk":
        """What another key can do there."""
        return Desk(self._client, self._url, key)

    def post(self, path: str, /, **body: Any) -> Any:
        return self._answer("POST", path, json=body)

    def get(self, path: str, /, **parameters: Any) -> Any:
        return self._answer("GET", path, params=parameters)

    def _answer(self, method: str, path: str, **request: Any) -> Any:
        answer = self._client.request(method, f"{self._url}/v1/{path}", headers=self._headers, **request)
        assert answer.is_success, (path, answer.text)
        return answer.json()


def fill(desk: Desk, plans: int) -> list[str]:
    """Leave something of each kind behind, on so many plans at most; the ids of the tickets."""
    desk.post("regions", key="emea", name="Europe", place=1, calendar=AROUND_THE_CLOCK)
    for name in ("Noor", "Mei"):
        desk.post("engineers", name=name, email=f"{name}@support.example".lower(), region="emea")
    engineer = engineer_of(desk)
    desk.post("plans", **EVERY_KEY)
    tickets = []
    for plan in desk.get("plans", limit=plans)["items"]:
        for sandbox in (False, True):
            tickets += _account(desk, plan["key"], engineer, sandbox=sandbox)
    return tickets


def engineer_of(desk: Desk) -> Desk:
    """What an engineer can do."""
    engineer = desk.get("engineers")["items"][0]["id"]
    return desk.having(desk.post("keys", kind="agent", engineer_id=engineer)["secret"])


def _account(desk: Desk, plan: str, engineer: Desk, *, sandbox: bool) -> list[str]:
    account = desk.post("accounts", name=f"On {plan}", plan=plan, time_zone="Europe/Madrid", sandbox=sandbox)["id"]
    desk.post("keys", kind="account", account_id=account, role="editor")
    desk.post("webhooks", account_id=account, url="https://receiver.example/hook", events=["ticket.*", "deadline.*"])
    top = desk.get("priorities", plan=plan)["priorities"][0]["key"]
    tickets = [
        desk.post("tickets", **TICKET, account_id=account)["id"],
        desk.post("tickets", **TICKET | P1 | {"priority": top}, account_id=account)["id"],
    ]
    if sandbox:
        desk.post(f"sandbox/{account}/advance", by="PT30H")
        engineer.post(f"tickets/{tickets[1]}/messages", body="Is it still so?")
        engineer.post(f"tickets/{tickets[1]}/status", status="waiting_on_customer")
        desk.post(f"sandbox/{account}/advance", by="PT30H")
    work(desk, engineer, tickets[0])
    return tickets


def work(desk: Desk, engineer: Desk, ticket: str) -> None:
    """What people do on a ticket."""
    path = f"tickets/{ticket}"
    desk.post(f"{path}/messages", body="Here are the logs.", author={"kind": "customer"})
    engineer.post(f"{path}/messages", body="We are on it.")
    engineer.post(f"{path}/status", status="waiting_on_customer")
    desk.post(f"{path}/messages", body="And these are newer.", author={"kind": "customer"})


def newest_delivery(desk: Desk, endpoint: str) -> str:
    delivery_id: str = desk.get(f"webhooks/{endpoint}/deliveries", limit=1)["items"][0]["id"]
    return delivery_id


async def test_a_database_of_an_earlier_version_is_upgraded_and_goes_on(
    server: str, folder: Path, admin_key: str
) -> None:
    for commit, plans in {before_the_newest_migration(): FEW, previous_commit(): ALL}.items():
        extract(commit, folder / commit)
        async with new_database(server) as database:
            with httpx.Client(timeout=60, trust_env=False) as client:
                await asyncio.to_thread(_upgrade, client, folder, database, admin_key, folder / commit, plans)


def _upgrade(client: httpx.Client, folder: Path, database: str, admin_key: str, earlier: Path, plans: int) -> None:
    """Fill a database with an earlier version's source, then go on with this one's."""
    with serving(folder, database, admin_key, timedelta(0), earlier) as service:
        tickets = fill(Desk(client, service.url, admin_key), plans)
    with serving(folder, database, admin_key) as service:
        desk = Desk(client, service.url, admin_key)
        for collection in READ:
            desk.get(collection)
        assert len(desk.get("tickets", q="BACKUPS FAIL", limit=200)["items"]) == len(tickets) / 2  # live ones
        for ticket in tickets:
            assert desk.get(f"tickets/{ticket}/timeline")["items"]
        endpoint = desk.get("webhooks")["items"][0]["id"]
        before = newest_delivery(desk, endpoint)
        work(desk, engineer_of(desk), tickets[0])
        assert newest_delivery(desk, endpoint) != before, "it hears of what its globs match"
    code, [last], errors = check(database)
    assert (code, summary(last), errors) == (0, (str(len(tickets)), "none"), "")


def test_migrations_are_added_and_never_edited() -> None:
    for base in {previous_commit(), before_the_newest_migration()}:
        edited = git("diff", "--name-status", "--diff-filter=a", base, "--", "migrations/versions").decode()
        assert edited == "", f"since {base} in {ROOT}"
