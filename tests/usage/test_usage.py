"""What an account has used of its quotas, and that none of them is exceeded."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.core.limits import callers, rates
from app.core.problems import QuotaExceeded
from app.core.settings import Settings
from app.core.state import State
from app.usage.counting import STORED
from tests.contract.document import OPERATIONS
from tests.support.actors import Headers, make_account, make_engineer, make_key, make_region
from tests.support.clocks import HandClock
from tests.support.desk import fetch, store_plan
from tests.support.refusals import reached
from tests.support.tickets import TICKET

ROOT: Final = Path(__file__).resolve().parents[2]
ALWAYS: Final = {"time_zone": "UTC", "weekly": {"mon": [["00:00", "24:00"]]}}

COUNTED: Final = {
    "create_webhook": "endpoints",
    "create_hook": "hooks",
    "create_maintenance_window": "maintenance_windows",
    "create_key": "keys",
    "create_person": "people",
    "create_engineer": "engineers",
    "create_region": "regions",
    "create_override": "overrides_per_engineer",
    "create_engineer_calendar_token": "tokens_per_calendar",
    "create_region_calendar_token": "tokens_per_calendar",
    "create_contact_method": "methods_per_engineer",
    "create_notification_rule": "rules_per_engineer",
}
"""What there may be so many of, by the operation that makes one more."""
BOUNDED_OTHERWISE: Final = {
    "create_ticket": "history, at tickets_per_minute",
    "create_message": "history, at rate_per_account",
    "create_file": "file_bytes, and gone after a day unless it is attached",
    "create_ticket_link": "max_ticket_links of each ticket",
    "create_monthly_report_link": "nothing is stored of it: the link is signed",
    "create_escalation": "one that is open for each kind and reason; history, at rate_per_account",
    "create_stream_token": "gone after a minute, at rate_per_account",
    "send_webhook_test": "pending_deliveries, at rate_per_account",
    "create_account": "admins alone",
    "create_article": "support alone, at rate_per_key",
    "create_problem": "support alone, at rate_per_key",
    "create_coaching_note": "support alone, at rate_per_key",
    "create_plan": "admins alone",
    "create_plan_version": "admins alone",
}
"""What makes something and has no number of its own, and what bounds it instead."""


@dataclass(frozen=True)
class Place:
    """One account, with a key of its owner's and what things are made in."""

    client: httpx.AsyncClient
    account_id: str
    keys: dict[str, Headers]
    engineers: tuple[str, str]
    region_id: str
    method_id: str

    async def usage(self, who: str = "owner") -> dict[str, tuple[int | None, int]]:
        answer = await self.client.get(f"/v1/accounts/{self.account_id}/usage", headers=self.keys[who])
        assert answer.status_code == 200, answer.text
        assert answer.json()["account_id"] == self.account_id
        return {one["quota"]: (one["value"], one["used"]) for one in answer.json()["quotas"]}

    async def make(self, operation: str, number: int = 0) -> httpx.Response:
        """One more of what the operation makes."""
        path, who, body = self._request(operation, number)
        return await self.client.post(path, json=body, headers=self.keys[who])

    def _request(self, operation: str, number: int) -> tuple[str, str, dict[str, Any]]:
        mine = {"account_id": self.account_id}
        noor, ola = self.engineers
        days = {"from": f"21{number + 10}-01-01T00:00:00Z", "until": f"21{number + 10}-01-02T00:00:00Z"}
        requests: dict[str, tuple[str, str, dict[str, Any]]] = {
            "create_webhook": ("/v1/webhooks", "owner", {"url": "https://example.com/a"}),
            "create_hook": ("/v1/hooks", "owner", {"name": "CI"}),
            "create_maintenance_window": (
                "/v1/maintenance-windows",
                "owner",
                {"starts_at": "2126-01-01T00:00:00Z", "ends_at": "2126-01-02T00:00:00Z"},
            ),
            "create_key": ("/v1/keys", "owner", {"kind": "account", "role": "viewer"}),
            "create_person": (
                f"/v1/accounts/{self.account_id}/people",
                "owner",
                {"name": "Ana", "email": f"{number}@example.com", "role": "viewer"},
            ),
            "create_engineer": ("/v1/engineers", "admin", {"name": "A", "email": "a@example.com"} | mine),
            "create_region": (
                "/v1/regions",
                "admin",
                {"key": f"r{number}", "name": "R", "place": number, "calendar": ALWAYS} | mine,
            ),
            "create_override": (f"/v1/engineers/{noor}/overrides", "admin", {"covered_by": ola} | days),
            "create_engineer_calendar_token": (f"/v1/engineers/{noor}/calendar-tokens", "admin", {}),
            "create_contact_method": (
                f"/v1/engineers/{ola}/contact-methods",
                "admin",
                {"kind": "email", "name": "Mail", "target": "noor@example.com"},
            ),
            "create_notification_rule": (
                f"/v1/engineers/{ola}/notification-rules",
                "admin",
                {"method_id": self.method_id, "urgency": "high", "after": f"PT{number}M"},
            ),
            "create_region_calendar_token": (f"/v1/regions/{self.region_id}/calendar-tokens", "admin", {}),
        }
        return requests[operation]


@pytest.fixture
async def place(client: httpx.AsyncClient, state: State, admin: Headers) -> Place:
    sessions = state.sessions
    plan = await store_plan(sessions, "wati-business-plus")
    account = (await make_account(sessions, plan, sandbox=True)).account_id
    keys = {
        "owner": await make_key(sessions, account_id=account, role="owner"),
        "viewer": await make_key(sessions, account_id=account, role="viewer"),
        "agent": await make_key(sessions, "agent"),
        "admin": admin,
    }
    engineers = [(await make_engineer(sessions, account_id=account)).id for _ in "ab"]
    region = (await make_region(sessions, account_id=account)).id
    method = {"kind": "email", "name": "Mail", "target": "ola@example.com"}
    made = await client.post(f"/v1/engineers/{engineers[1]}/contact-methods", json=method, headers=admin)
    return Place(client, account, keys, (engineers[0], engineers[1]), region, made.json()["id"])


def test_everything_that_can_be_made_is_bounded() -> None:
    makes = {name for name, each in OPERATIONS.items() if each.method in ("POST", "PUT") and 201 in each.responses}
    assert makes == COUNTED.keys() | BOUNDED_OTHERWISE.keys()


@pytest.mark.parametrize("operation", COUNTED)
async def test_a_quota_refuses_the_next_one_and_leaves_what_there_is(
    place: Place, operation: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = next(each for each in STORED if each.name == COUNTED[operation])
    for number in (1, 2):
        assert (await place.make(operation, number)).status_code == 201
    _, used = (await place.usage())[quota.name]
    assert used >= 2
    for value in (used, 1):  # the second one was lowered below what there is
        monkeypatch.setattr(state.settings, quota.setting, value)
        refused = await place.make(operation, 3)
        assert (refused.status_code, refused.json()["title"]) == (409, QuotaExceeded.title)
        assert reached(refused) == (quota.name, value, used)
        assert (await place.usage())[quota.name] == (value, used)
    monkeypatch.setattr(state.settings, quota.setting, used + 1)
    assert (await place.make(operation, 3)).status_code == 201


@pytest.mark.parametrize("operation", COUNTED)
async def test_of_several_at_once_one_gets_the_last_place(
    place: Place, operation: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = next(each for each in STORED if each.name == COUNTED[operation])
    _, used = (await place.usage())[quota.name]
    monkeypatch.setattr(state.settings, quota.setting, used + 1)
    answers = await asyncio.gather(*(place.make(operation, number) for number in range(1, 5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert (await place.usage())[quota.name] == (used + 1, used + 1)


async def test_a_key_that_is_over_takes_no_place(place: Place, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (await place.make("create_key")).json()
    _, used = (await place.usage())["keys"]
    monkeypatch.setattr(state.settings, "max_keys", used)
    assert (await place.make("create_key")).status_code == 409
    await place.client.delete(f"/v1/keys/{made['id']}", headers=place.keys["owner"])
    again = (await place.make("create_key")).json()
    assert (await place.make("create_key")).status_code == 409
    await fetch(
        state.sessions, "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1", again["id"]
    )
    assert (await place.make("create_key")).status_code == 201


async def test_a_hooks_secret_can_be_rotated_whatever_keys_there_are(
    place: Place, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = (await place.make("create_hook")).json()
    monkeypatch.setattr(state.settings, "max_keys", 1)
    rotated = await place.client.post(f"/v1/hooks/{hook['id']}/rotate-secret", headers=place.keys["owner"])
    assert rotated.json()["secret"] not in (None, hook["secret"])


async def test_an_account_takes_no_place_of_another(
    place: Place, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (await make_account(state.sessions, "wati-business-plus", name="Another")).account_id
    theirs = await make_key(state.sessions, account_id=other, role="owner")
    monkeypatch.setattr(state.settings, "max_hooks", 1)
    assert (await place.make("create_hook")).status_code == 201
    made = await place.client.post("/v1/hooks", json={"name": "CI"}, headers=theirs)
    assert made.status_code == 201
    assert (await place.client.get(f"/v1/accounts/{place.account_id}/usage", headers=theirs)).status_code == 404


@pytest.mark.parametrize("who", ["owner", "viewer", "agent", "admin"])
async def test_the_account_and_support_see_what_is_used(place: Place, state: State, who: str) -> None:
    await place.make("create_webhook")
    with state.streams.opened(await state.keyring.principal(place.keys["viewer"]["Authorization"][7:])):
        used = await place.usage(who)
    assert used["endpoints"] == (100, 1)
    assert used["engineers"] == (100, 2)
    assert used["streams_per_account"] == (200, 1)
    assert used["pending_deliveries"] == (50_000, 0)
    assert used["tokens_per_calendar"] == (20, 0)


async def test_rates_show_what_of_the_minute_is_used(
    place: Place, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    HandClock(monkeypatch, callers, rates)  # a tenth of a second gives a ticket back
    for _ in "ab":
        await place.client.post("/v1/tickets", json=TICKET, headers=place.keys["owner"])
    used = await place.usage()
    assert used["tickets_per_minute"] == (600, 2)
    assert used["rate_per_account"][0] == 12_000
    state.settings.rate_per_account = 0
    assert (await place.usage())["rate_per_account"][0] is None


LIMITS: Final = re.compile(
    r"^(in_flight|rate_per|guest_|tickets_per|streams|hook_b|unchecked_hook|max_|trusted_proxies"
    r"|header_|body_|file_bytes|bytes_per|write_timeout|unread_|keep_alive|connections|uncounted_)"
)


def test_the_table_of_limits_is_complete() -> None:
    table = (ROOT / "docs/limits.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = {name: row for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}
    settings = {name: field for name, field in Settings.model_fields.items() if LIMITS.match(name)}
    assert named.keys() == {name.upper() for name in settings}
    for name, field in settings.items():
        if isinstance(field.default, int):
            default = field.default
            shown = {str(default), f"{default // 2**20} MiB"}
            assert shown & set(re.split(r",? *\| *|, ", named[name.upper()])), name


def test_the_table_of_quotas_is_complete() -> None:
    table = (ROOT / "docs/limits.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_]+)` \|.*\| `?([A-Z_]+)`?", table, re.MULTILINE))
    expected = {quota.name: quota.setting.upper() for quota in STORED}
    live = {
        name: name.upper()
        for name in ("streams_per_account", "tickets_per_minute", "bytes_per_account", "rate_per_account")
    }
    assert rows == expected | live
